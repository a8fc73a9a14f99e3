"""A small generator with effects built in that the packaged one does not have: by group, and by number of sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from tests.questions.cohorts import small

DAYS = 730


def built(
    seed: int, people: int, *, departments: int = 40, ratio: Callable[[str, int], float] = lambda group, sessions: 0.8, rate: float = 1 / 700,
    groups: tuple[str, ...] = ("female", "male"), shares: tuple[float, ...] | None = None, attendance: float = 0.7,
) -> Cohort:
    """Staff hired over two years in the window of `small`; ``ratio(group, sessions held so far)`` multiplies the hazard once mentored.

    Matching is at random, sessions are agreed every 30 days and held at random: neither depends on leaving.
    """
    cohort, rng = small(), np.random.default_rng(seed)
    start = cohort.window[0]
    dept = rng.integers(departments, size=people)
    frailty = np.exp(0.4 * rng.standard_normal(departments))[dept]
    hire = rng.integers(0, 400, size=people)
    group = rng.choice(groups, p=shares, size=people)
    match = hire + np.ceil(rng.exponential(150, size=people)).astype(int)
    match = np.where(rng.random(people) < 0.65, match, DAYS * 9)
    agreed = match[:, None] + 30 * np.arange(1, 25)[None, :]
    held = rng.random(agreed.shape) < attendance
    left = np.empty(people)
    for i in range(people):
        needed, at, count = rng.exponential() / (rate * frailty[i]), float(hire[i]), -1
        for moment, counts in [(match[i], False), *((day, True) for day in agreed[i][held[i]]), (10**7, False)]:
            now = 1.0 if count < 0 else ratio(str(group[i]), count)
            if needed <= (moment - at) * now:
                break
            needed -= (moment - at) * now
            at, count = float(moment), count + 1 if counts else 0
        left[i] = at + needed / now
    end = np.ceil(left).astype(int)
    ids = np.array([f"P{i:05d}" for i in range(people)], dtype=object)
    date = start + pd.to_timedelta(np.minimum(end, DAYS * 9), unit="D")
    gone = end < DAYS
    staff = pd.DataFrame({"staff_id": ids, "gender": group, "profession": "nurse"})
    spells = pd.DataFrame({
        "spell_id": ids, "staff_id": ids, "dept_id": [f"W{d:02d}" for d in dept], "start": start + pd.to_timedelta(hire, unit="D"),
        "end": pd.Series(date).where(gone), "leaving_reason": np.where(gone, "voluntary", None),
    })  # fmt: skip
    met = np.flatnonzero(match < np.minimum(end, DAYS))
    matches = pd.DataFrame({
        "match_id": "M" + pd.Series(ids[met]), "mentee_id": ids[met], "mentor_id": "none", "start": start + pd.to_timedelta(match[met], unit="D"),
        "end": pd.NaT, "relationship_type": "mentoring",
    })  # fmt: skip
    person, order = np.nonzero((agreed[met] < np.minimum(end[met], DAYS)[:, None]) & held[met])
    sessions = pd.DataFrame({
        "session_id": np.arange(len(person)).astype(str), "match_id": "M" + pd.Series(ids[met][person]),
        "date": start + pd.to_timedelta(agreed[met][person, order], unit="D"), "status": "held",
    })  # fmt: skip
    tables = {"staff": staff, "spells": spells, "matches": matches, "sessions": sessions}
    return replace(cohort, tables=tables)
