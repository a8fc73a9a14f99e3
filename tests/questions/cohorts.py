"""Simulated cohorts for the tests of the questions: written to a folder and read back, as a user's would be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mentorship_eval.cohort import Cohort, read_cohort, simulate_cohort


@cache
def simulated(scenario: str = "default", seed: int = 11, only: tuple[str, ...] = (), **size: Any) -> Cohort:
    """only: tables that are written, for cohorts with outcomes of which a test needs a few."""
    folder = Path(mkdtemp(prefix="mentorship-eval-test-")) / "cohort"
    made = simulate_cohort(scenario, seed=seed, **size)
    if only:
        study = {**made.study, "tables": {name: file for name, file in made.study["tables"].items() if name in only}}
        made = replace(made, tables={name: made.tables[name] for name in only}, study=study)
    made.write(folder)
    return read_cohort(folder)


def small(**changes: Any) -> Cohort:
    """Eight departments, 400 staff, two years: everything runs, nothing is precise."""
    return simulated(**{"departments": 8, "staff": 400, "months": 24, **changes})


def medium(scenario: str = "default", seed: int = 11) -> Cohort:
    """Large enough for a truth to be told from none."""
    return simulated(scenario, seed, departments=48, staff=4800)
