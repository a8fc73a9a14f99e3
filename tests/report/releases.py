"""Small cohorts of leavers with a known difference, and releases of them without pages: what verify and compare read, at the cost of a second."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from mentorship_eval import read_cohort
from mentorship_eval.report.answers import answer_chapters, protect_answers
from mentorship_eval.report.fingerprint import ingredients
from mentorship_eval.report.manifest import build_manifest, write_json
from mentorship_eval.report.parameters import check_chapters
from mentorship_eval.report.run import _write_tables

__all__ = ["STUDY", "leavers", "release"]

STUDY = """study: {{name: {name}}}
tables: {{durations: durations.csv}}
plan: {{primary: [retention], permutations: 99{plan}}}
disclosure: {disclosure}
"""


def leavers(
    folder: Path, *, people: int = 360, ratio: float = 0.6, seed: int = 1, name: str = "Leavers", plan: str = "", disclosure: object = 10
) -> Path:
    """A folder with durations.csv and study.yaml: people with other ids for another seed, days until they leave or the year ends, mentored or
    not, in twelve departments. ratio: of the hazards of leaving.
    """
    draw = np.random.default_rng(seed)
    mentored = draw.integers(0, 2, people)
    # as many draws for each person in the same order, so that a longer table begins with the rows of a shorter one of the same seed
    time = np.array([draw.exponential(350 / (ratio if each else 1)) for each in mentored]).clip(1, 365).round(1)
    folder.mkdir(parents=True)
    pd.DataFrame({
        "staff_id": [f"S{seed}{each:04d}" for each in range(people)], "time": time, "event": (time < 365).astype(int),
        "mentored": np.where(mentored == 1, "yes", "no"), "dept_id": [f"d{each % 12}" for each in range(people)],
    }).to_csv(folder / "durations.csv", index=False)  # fmt: skip
    (folder / "study.yaml").write_text(STUDY.format(name=name, plan=plan, disclosure=disclosure), encoding="utf-8")
    return folder


def release(cohort: Path, out: Path, chapters: Iterable[str] = ("cohort", "retention")) -> Path:
    """A run folder as `run_cohort` writes it, but without notebooks, figures and pages."""
    read, names = read_cohort(cohort), check_chapters(chapters)
    parts = ingredients(read, names)
    shown, withheld = protect_answers(answer_chapters(read, names), read)
    folder = out / parts["cohort"]
    folder.mkdir(parents=True)
    _write_tables(folder, read, shown, withheld)
    write_json(folder / "manifest.json", build_manifest(folder, read, parts, shown))
    return folder
