"""The verb compare."""

from __future__ import annotations

import os
import shutil
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mentorship_eval.errors import UsageError

if TYPE_CHECKING:
    from mentorship_eval.report.compare.comparison import Comparison

__all__ = ["compare"]

_MOST = 25  # estimates in the terminal; --all, or a file, has them all
_ENDINGS = (".html", ".csv", ".json")


def compare(old: str, new: str, cohorts: tuple[str, str] | None, explained: bool, out: str | None, everything: bool) -> None:
    """Print what changed between two runs, and write it to a file where one is asked for."""
    if explained and cohorts is None:
        raise UsageError("--explain needs the data of both runs.", fix="Give both cohort folders, in the order of the runs: --cohort OLD NEW.")
    _check_place(out)
    from mentorship_eval.report.compare.comparison import compare_runs

    comparison = compare_runs(old, new)
    if cohorts is not None:
        comparison = _with_cohorts(comparison, cohorts, explained)
    width = min(120, shutil.get_terminal_size((100, 24)).columns) - 1
    click.echo("\n".join(_text(comparison, width, everything)))
    if out is not None:
        _write(comparison, Path(out))
        click.echo(out)


def _check_place(out: str | None) -> None:
    if out is None:
        return
    if Path(out).suffix not in _ENDINGS:
        raise UsageError(f"--out {out}: what kind of file is that?", fix=f"Its name ends in {', '.join(_ENDINGS)}.")
    if Path(out).exists():
        raise UsageError(f"{out} exists already.", fix="Name another file; nothing is written over.")


def _with_cohorts(comparison: Comparison, cohorts: tuple[str, str], explained: bool) -> Comparison:
    from mentorship_eval.cli.running import Steps
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.report.compare.explain import check_data, explain
    from mentorship_eval.report.compare.pair import strictest
    from mentorship_eval.report.compare.rows import compare_rows
    from mentorship_eval.report.parameters import resolve_cohort

    first, second = (read_cohort(resolve_cohort(name)) for name in cohorts)
    check_data(comparison, first, second)
    rows = compare_rows(first.tables, second.tables, strictest(comparison.old, comparison.new))
    parts = explain(comparison, first, second, Steps()) if explained else []
    return replace(comparison, rows=tuple(rows), explained=tuple(parts))


def _text(comparison: Comparison, width: int, everything: bool) -> Iterator[str]:
    """The comparison for a terminal: why, what differs, what became of the estimates, what to beware of."""
    from mentorship_eval.report.compare.causes import GROUPS
    from mentorship_eval.report.compare.words import both, distance, moved_by, outcome

    def block(text: str, first: str = "", rest: str = "") -> list[str]:
        return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)

    yield from block(f"{comparison.old.label} -> {comparison.new.label}")
    yield ""
    for text in comparison.why():
        yield from block(text)
    names = {**{group: group for group in GROUPS}, "": "no number"}
    for cause in comparison.causes:
        yield from block(str(cause), f"  {names[cause.group]:<11}  ", " " * 15)
    for row in comparison.rows:
        yield from block(f"rows of {row}", "  data         ", " " * 15)
    yield ""
    yield from block("Estimates: " + (", ".join(f"{number} {kind}" for kind, number in comparison.counted.items()) or "none in either"))
    different = comparison.different
    for change in different if everything else different[:_MOST]:
        old, new = both(change)
        by = ", ".join(filter(None, [moved_by(change), f"{distance(change)} old SE" if distance(change) else ""]))
        yield from block(f"{change.id}: {outcome(change)}", "  ", "      ")
        yield from block(f"{old} -> {new}{'   ' + by if by else ''}", "      ", "      ")
    if not everything and len(different) > _MOST:
        yield from block(f"and {len(different) - _MOST} more: --all lists them, and --out FILE.html, .csv or .json has every estimate", "  ", "  ")
    yield from _taken_apart(comparison)
    for text in comparison.cautions():
        yield ""
        yield from block(f"Beware: {text}", "", "  ")
    for told in comparison.told:
        yield from block(str(told), "  - ", "    ")


def _taken_apart(comparison: Comparison) -> Iterator[str]:
    if not comparison.explained:
        return
    yield ""
    yield "One thing changed at a time (for whoever holds the data, not for publication):"
    parts = {"data": "data", "plan": "plan", "software": "software", "rest": "not told"}
    for each in comparison.explained:
        yield f"  {each.id}: {each.said(each.whole)} in all"
        yield f"      {', '.join(f'{title} {each.said(getattr(each, name))}' for name, title in parts.items())}"


def _write(comparison: Comparison, place: Path) -> None:
    """The whole file or none."""
    from mentorship_eval.report.compare.files import as_csv, as_json
    from mentorship_eval.report.compare.page import comparison_html

    text = {".html": comparison_html, ".csv": as_csv, ".json": as_json}[place.suffix](comparison)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".compare-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        os.replace(temporary, place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}.", fix="Choose another place with --out.") from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
