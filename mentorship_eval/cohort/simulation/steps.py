"""Steps in a career beside promotions, and the grade that each person has come to; from a stream of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import career_events, event_times, lives_of, text_dates
from mentorship_eval.cohort.simulation.parameters import Parameters

__all__ = ["SENIOR", "graded", "steps_table", "steps_truth"]

GRADES = ("band 5", "band 6", "band 7", "band 8")
SENIOR = GRADES[2:]


def _pairs(parameters: Parameters) -> dict[str, tuple[float, float]]:
    """Kind of step -> share that takes it within 12 months, without and once mentored."""
    return {"leadership_role": parameters.leadership, "acting_up": parameters.acting_up, "certification": parameters.certification}


def _ratio(pair: tuple[float, float]) -> float:
    return math.log1p(-pair[1]) / math.log1p(-pair[0])


def steps_table(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: dict[str, np.random.Generator]) -> pd.DataFrame:
    """staff_id, date, event: the first step of each kind in the window."""
    lives, parts = lives_of(parameters, tables), [career_events(parameters, tables, rng["outcomes"])]
    for kind, pair in _pairs(parameters).items():
        row, day = event_times(lives, -math.log1p(-pair[0]) / 365.25, _ratio(pair), rng["steps"])
        found = pd.DataFrame({"staff_id": lives["staff_id"].to_numpy()[row], "day": day}).sort_values(["staff_id", "day"], ignore_index=True)
        found = found.drop_duplicates("staff_id", ignore_index=True)
        dates = text_dates(parameters, found["day"].to_numpy())
        parts.append(pd.DataFrame({"staff_id": found["staff_id"], "date": dates, "event": kind}))
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "date", "event"], kind="stable", ignore_index=True)


def graded(parameters: Parameters, staff: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """``staff`` with a grade: fewer women than men in the upper half, and nothing else that decides it."""
    senior = np.where(staff["gender"] == "female", *reversed(parameters.senior))
    upper = rng.random(len(staff)) < senior
    half = (rng.random(len(staff)) < 0.4).astype(int)
    return staff.assign(grade=np.asarray(GRADES, object)[2 * upper + half])


def steps_truth(parameters: Parameters) -> dict[str, Any]:
    men, women = parameters.senior
    ratios = {f"{kind}_hazard_ratio_mentored": _ratio(pair) for kind, pair in _pairs(parameters).items()}
    return {**ratios, "senior_percentage_points_men_minus_women": 100 * (men - women)}
