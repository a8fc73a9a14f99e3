"""Simulated cohorts for the tests of the questions: written to a folder and read back, as a user's would be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mentorship_eval.cohort import Cohort, read_cohort, simulate_cohort


@cache
def simulated(scenario: str = "default", seed: int = 11, **size: Any) -> Cohort:
    folder = Path(mkdtemp(prefix="mentorship-eval-test-")) / "cohort"
    simulate_cohort(scenario, seed=seed, **size).write(folder)
    return read_cohort(folder)


def small(**changes: Any) -> Cohort:
    """Eight departments, 400 staff, two years: everything runs, nothing is precise."""
    return simulated(**{"departments": 8, "staff": 400, "months": 24, **changes})


def medium(scenario: str = "default", seed: int = 11) -> Cohort:
    """Large enough for a truth to be told from none."""
    return simulated(scenario, seed, departments=48, staff=7200)
