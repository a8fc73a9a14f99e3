"""Intention to treat: leavers per person-month where the programme is active, by imputation and by two Cox models.

The truth is that of the cells compared: expected leavers with the programme over expected leavers without it, from the world's own
hazards and the person-time that was lived.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.panels import leaver_panel
from mentorship_eval.did import poisson_imputation
from mentorship_eval.questions.retention.model_rows import default_cox
from validation.analyses import ANALYSES, LABELS, Followed, Found, of_estimate
from validation.worlds import END, START

__all__ = ["Programme", "programme_of", "truth_of_cells"]


class Programme:
    """The panel of leavers and the imputation, made once."""

    def __init__(self, who: Followed) -> None:
        self.who = who

    @cached_property
    def imputation(self) -> Any:
        tables = self.who.draw.tables
        made = leaver_panel(staff=tables["staff"], spells=tables["spells"], rollout=tables["rollout"], start=START, end=END)
        panel = made.rows.assign(person_years=made.rows["person_months"] / 12)
        return poisson_imputation(panel, count="leavers", exposure="person_years", unit="unit", time="period", adopted="adopted",
                                  cluster="dept_id", min_controls=2, permutations=0)

    @cached_property
    def truth(self) -> float:
        return truth_of_cells(self.who, self.imputation.cells)


def truth_of_cells(who: Followed, cells: pd.DataFrame) -> float:
    """Log ratio of expected leavers with the programme to without it, over the cells that the imputation compares."""
    world, chosen = who.draw.world, cells[cells["role"] == "target"]
    parts = chosen["unit"].str.split("|", expand=True)
    dept = parts[0].str.slice(1).astype(int).to_numpy() - 1
    band = parts[1].map({"0-365": 0, "365-730": 1, "730+": 2}).to_numpy()
    month = chosen["time"].to_numpy(int) - 1
    without = chosen["exposure"].to_numpy() * np.asarray(world.hazard)[band] * np.exp(who.draw.log_frailty[dept] + world.trend * month)
    effect = np.exp(world.programme_jump + world.programme_growth * (month - who.draw.go_live[dept]))
    return math.log(float((without * effect).sum() / without.sum()))


def programme_of(who: Followed) -> Programme:
    return who.draw.more.setdefault("programme", Programme(who))


def imputation(who: Followed) -> Found:
    programme = programme_of(who)
    return of_estimate(programme.imputation.irr, programme.truth)


def two_way_cox(who: Followed) -> Found:
    fit = default_cox(who.quarters, "programme_active", ["period"], "event", "dept_id")
    return of_estimate(fit.estimate, programme_of(who).truth)


def cox_without_calendar(who: Followed) -> Found:
    return of_estimate(default_cox(who.rows, "programme_active", [], "event", "dept_id").estimate, programme_of(who).truth)


ANALYSES.update({"imputation": imputation, "two_way_cox": two_way_cox, "cox_without_calendar": cox_without_calendar})
LABELS.update({
    "imputation": "Poisson imputation on leavers (default)",
    "two_way_cox": "Cox with calendar quarters (two-way fixed effects)",
    "cox_without_calendar": "Cox without calendar terms",
})
