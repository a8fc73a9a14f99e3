"""Promotions with known hazards for the staff of `built`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort


def promoted(cohort: Cohort, seed: int, before: np.ndarray, after: np.ndarray, event: str = "promotion") -> Cohort:
    """``cohort`` with a first step in the career of each of its staff. before, after: (staff,) hazards a day, until the match and once mentored."""
    rng, staff = np.random.default_rng(seed), cohort.table("staff")
    hire = staff["staff_id"].map(cohort.table("spells").set_index("staff_id")["start"])
    match = staff["staff_id"].map(cohort.table("matches").groupby("mentee_id")["start"].min())
    wait = (match - hire).dt.days.fillna(np.inf).to_numpy(float)
    needed = rng.exponential(size=len(staff))
    early = needed / before
    late = wait + (needed - before * np.where(np.isinf(wait), 0.0, wait)) / after
    days = np.ceil(np.where(early <= wait, early, late))
    date = hire + pd.to_timedelta(np.minimum(days, 3000), unit="D")
    inside = (date <= pd.Timestamp(cohort.window[1])).to_numpy()
    events = pd.DataFrame({"staff_id": staff["staff_id"][inside], "date": date[inside], "event": event}).reset_index(drop=True)
    return replace(cohort, tables={**cohort.tables, "career_events": events})
