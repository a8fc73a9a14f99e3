"""A run that several test folders share: it is made once per session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from mentorship_eval import simulate_cohort
from mentorship_eval.report import run_cohort

__all__ = ["ROOT", "RunOnce", "run_once", "write_cohort"]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunOnce:
    cohort: Path
    out: Path
    run: Path
    cache: Path
    said: tuple[str, ...]


def write_cohort(folder: Path) -> Path:
    """Small, but with enough leavers that both chapters have something to say."""
    made = simulate_cohort(departments=8, staff=800, months=30, seed=1)
    made.study["plan"]["permutations"] = 499
    return made.write(folder)


_MADE: list[RunOnce] = []


def run_once(factory: pytest.TempPathFactory) -> RunOnce:
    """The shared run, made when it is first asked for."""
    if not _MADE:
        base = factory.mktemp("shared-run")
        cohort = write_cohort(base / "Riverside small")
        before = os.environ.get("MENTORSHIP_EVAL_CACHE")
        os.environ["MENTORSHIP_EVAL_CACHE"] = str(base / "cache")
        said: list[str] = []
        try:
            run = run_cohort(cohort, out=base / "out", progress=said.append)
        finally:
            if before is None:
                del os.environ["MENTORSHIP_EVAL_CACHE"]
            else:
                os.environ["MENTORSHIP_EVAL_CACHE"] = before
        _MADE.append(RunOnce(cohort, base / "out", run, base / "cache", tuple(said)))
    return _MADE[0]
