"""The verbs run and demo: progress on stderr, estimates and the place of the report on stdout."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mentorship_eval.errors import DataError
from mentorship_eval.report.parameters import check_chapters, resolve_cohort

__all__ = ["Steps", "run_demo", "run_folder"]

# docs/demo-design.md: size and seed of the demo cohort, settled before it was drawn, and how much of every other outcome it has
DEMO: dict[str, Any] = {
    "departments": 128, "staff": 19200, "seed": 20240101, "outcomes": True, "innovated": True, "sampled": 0.125, "ties": (0.2, 0.15),
    "ties_near": 0.5, "handoffs": (0.15, 1.25), "delivered": True, "paired": True, "events": (0.15, 1.3),
}  # fmt: skip


class Steps:
    """One line per step on stderr, with the seconds since the start."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, text: str) -> None:
        click.echo(f"[{time.monotonic() - self.start:5.1f} s] {text}", err=True)


def run_folder(cohort: str, out: str, chapters: str | None, jobs: int, earlier: Sequence[str] = ()) -> Path:
    """Run one cohort; the last line on stdout is the path of index.html. earlier: published runs of it to compare counts with."""
    names = check_chapters(chapters)
    folder = resolve_cohort(cohort)
    from mentorship_eval.report.run import run_cohort

    steps = Steps()
    place = run_cohort(folder, out=out, chapters=names, jobs=jobs, progress=steps, earlier=earlier)
    steps("done")
    print_estimates(place)
    click.echo(str(place / "index.html"))
    return place


def run_demo(out: str, jobs: int) -> None:
    """Evaluate the demo cohort: the one that comes with the package, else one simulated on the spot."""
    try:
        folder = resolve_cohort_of_package()
    except DataError:
        from mentorship_eval.cohort import simulate_cohort

        folder = Path(out) / "simulated" / "demo"
        click.echo("simulating the demo cohort", err=True)
        simulate_cohort(**DEMO).write(folder)
    run_folder(str(folder), out, None, jobs)


def resolve_cohort_of_package() -> Path:
    """The demo cohort of the checkout or of the installed package, never one that happens to stand where we are."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "data" / "demo", package / "resources" / "cohorts" / "demo"):
        if (folder / "study.yaml").is_file():
            return folder
    raise DataError("The demo cohort is not installed.")


def print_estimates(place: Path) -> None:
    """The main estimates with their intervals, the truth where the cohort is simulated, and the naive figures beside them."""
    from mentorship_eval.estimate import format_number

    def rows(name: str) -> list[dict[str, str]]:
        file = place / "tables" / f"summary-{name}.csv"
        if not file.is_file():
            return []
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def number(row: dict[str, str], column: str) -> float:
        return float(row.get(column) or "nan")

    for row in [*rows("scorecard"), *rows("wrong_designs")]:
        value, low, high, truth = (number(row, column) for column in ("estimate", "ci_low", "ci_high", "truth"))
        if value != value:
            text = row.get("says") or "withheld or not estimable"
        else:
            text = format_number(value) + (f" (95 % interval {format_number(low)} to {format_number(high)})" if low == low else "")
        told = f"   truth {format_number(truth)}" if truth == truth else ""
        domain = row.get("domain") or "A wrong design, for comparison"
        click.echo(f"{domain}: {row.get('what', '')}: {text}{told}")
