"""The verb appendix: which figures break which rule, and where the pack is."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click

from mentorship_eval.cli.running import Steps

__all__ = ["append"]

_MOST = 40  # lines of broken rules on the terminal; rules.csv has them all


def append(run: str, journal: str | None, disclosure: str | None, out: str | None, column: str, only: tuple[str, ...], strict: bool) -> None:
    """Make the appendix; the last line on stdout is the path of its index. With ``strict``, exit code 1 when a rule is broken."""
    from mentorship_eval.report.appendix import make_appendix

    steps = Steps()
    made = make_appendix(run, journal=journal, disclosure=disclosure, out=out, column=column, only=only, progress=steps)
    steps("done")
    kinds = Counter(item.kind for item in made.items)
    click.echo(f"{kinds['figure']} figures and {kinds['table']} tables, numbered and laid out for {made.journal}")
    for note in made.notes:
        click.echo(f"note: {note}")
    for name, problem in made.missing:
        click.echo(f"{name} cannot be drawn, and has no number: {problem}")
    _say_broken(made.broken)
    click.echo(str(made.place / "index.csv"))
    if strict and (made.broken or made.missing):
        sys.stdout.flush()
        sys.exit(1)


def _say_broken(broken: tuple[Any, ...]) -> None:
    if not broken:
        click.echo("no figure breaks a rule of the profile")
        return
    # what all figures share (a typeface that is not installed) is said once
    alike = Counter((breach.rule, breach.measured, breach.allowed) for _, breach in broken)
    lines = []
    for item, breach in broken:
        shared = alike[breach.rule, breach.measured, breach.allowed]
        if shared > 3:
            lines.append(f"{shared} figures break {breach}")
        else:
            lines.append(f"{item.label} ({item.id}) breaks {breach}")
    told = list(dict.fromkeys(lines))
    click.echo("\n".join(told[:_MOST]))
    if len(told) > _MOST:
        click.echo(f"and {len(told) - _MOST} more in rules.csv")
