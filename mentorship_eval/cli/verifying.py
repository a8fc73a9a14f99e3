"""The verbs verify and bundle."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mentorship_eval.report.verify.checked import Verdict

__all__ = ["make_bundle", "verify"]

_MOST = 20  # details of one check in the terminal; --json has them all


def _table(verdict: Verdict, width: int) -> str:
    """A line for each check, its details below it, in ``width`` columns."""
    names = max(len(check.name) for check in verdict.checks)
    states = max(len(check.state) for check in verdict.checks)
    indent = " " * (names + states + 4)
    failed = [check.name for check in verdict.checks if check.state == "differs"]
    told = f"does not hold: {', '.join(failed)}" if failed else "holds"
    lines = [f"{verdict.run}: {told}", f"manifest sha256 {verdict.manifest_sha256}", ""]
    for check in verdict.checks:
        head = f"{check.name:<{names}}  {check.state:<{states}}  "
        lines += textwrap.wrap(check.says, width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
        for detail in check.details[:_MOST]:
            lines += textwrap.wrap(detail, width, initial_indent=f"{indent}- ", subsequent_indent=f"{indent}  ", break_on_hyphens=False)
        if len(check.details) > _MOST:
            lines.append(f"{indent}- and {len(check.details) - _MOST} more, which --json lists")
    return "\n".join(lines)


def verify(run: str, cohort: str | None, earlier: tuple[str, ...], rerun: bool, redraw: bool, strict: bool, as_json: bool) -> None:
    """Print what was found; ends the program with 1 when anything differs."""
    from mentorship_eval.cli.running import Steps
    from mentorship_eval.report.verify.verify import verify_run

    steps = Steps() if rerun or redraw else None
    verdict = verify_run(run, cohort=cohort, rerun=rerun, redraw=redraw, strict=strict, earlier=earlier, progress=steps)
    if as_json:
        click.echo(json.dumps(verdict.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(_table(verdict, min(120, shutil.get_terminal_size((100, 24)).columns) - 1))
    sys.exit(0 if verdict.holds else 1)


def make_bundle(run: str, out: str | None) -> None:
    """Write the bundle and print its name."""
    from mentorship_eval.report.publish import find_run
    from mentorship_eval.report.verify.bundle import write_bundle

    place, protected = write_bundle(find_run(run), Path(out) if out else None)
    if not protected:
        click.echo("This run has no disclosure control (study.yaml says none): the bundle must not leave the team that holds the data.", err=True)
    click.echo(str(place))
