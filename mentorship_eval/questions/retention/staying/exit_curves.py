"""The curve of leaving by all causes since hire, shared by what is told of it: causes, and who is still there.

People come under observation at different tenures. Where few are at risk early on, one exit would throw the whole curve, so
that it then starts at the first time with enough people and is conditional on staying until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.retention.model_rows import share_on_curve
from mentorship_eval.survival import aalen_johansen
from mentorship_eval.survival.curves.cumulative_incidence import AalenJohansen

__all__ = ["FEWEST_AT_RISK", "ExitCurves", "Horizon", "exit_curves", "horizons_of"]

FEWEST_AT_RISK = 10
# who is followed past half a year is no longer an early risk set
_EARLY = 182.0


@dataclass(frozen=True)
class Horizon:
    """A tenure in days at which a share is told; words: "12 months"; key: for ids."""

    days: float

    @property
    def words(self) -> str:
        months = self.days / DAYS_PER_MONTH
        if abs(months - round(months)) < 0.05:
            return f"{round(months)} months" if round(months) != 1 else "1 month"
        return f"{self.days:g} days"

    @property
    def key(self) -> str:
        number, unit = self.words.split(" ")
        return number if unit.startswith("month") else self.words.replace(" ", "_")


def horizons_of(cohort: Cohort) -> tuple[Horizon, ...]:
    """Those of the plan (``plan.horizons_days``), in order."""
    return tuple(Horizon(days) for days in sorted(set(cohort.study.plan.horizons_days)))


@dataclass(frozen=True)
class ExitCurves:
    """fitted: incidences of each cause and of no exit; since: the tenure from which they are conditional (0: unconditional);
    persons: the rows behind them; clustered: whether intervals are by department."""

    fitted: AalenJohansen
    since: float
    persons: pd.DataFrame
    clustered: bool

    @property
    def method(self) -> str:
        return "Aalen-Johansen with delayed entry" + (", intervals clustered by department, t" if self.clustered else "")

    def told(self, value: float, row: pd.Series, *, n_events: int, estimand: str, method: str = "") -> Estimate:
        """A share read off these curves, with the interval of ``row`` (se, ci_low, ci_high)."""
        departments = len(self.persons["dept_at_entry"].unique()) if self.clustered else None
        estimate = share_on_curve(value, row, n=len(self.persons), n_events=n_events, method=method or self.method, estimand=estimand)
        return replace(estimate, n_clusters=departments, df=None if departments is None else float(departments - 1))

    def followed_at(self, days: float) -> int:
        """People at risk at a tenure: under observation just before it and not gone."""
        return int(((self.persons["entry"] < days) & (self.persons["stop"] >= days)).sum())

    def why_not(self, days: float) -> str:
        """Why nothing is told of a tenure; empty when it can be."""
        if days < self.since:
            return f"Fewer than {FEWEST_AT_RISK} people are followed before {self.since / DAYS_PER_MONTH:.1f} months since hire."
        if days > self.persons["stop"].max():
            return f"Follow-up ends at {self.persons['stop'].max() / DAYS_PER_MONTH:.1f} months since hire."
        if self.followed_at(days) < FEWEST_AT_RISK:
            return f"Fewer than {FEWEST_AT_RISK} people are followed that long."
        return ""


def exit_curves(persons: pd.DataFrame) -> ExitCurves:
    """Curves of ``persons`` (entry, stop, cause, dept_at_entry; one row each), conditional where the early risk sets are thin.

    Raises `EstimationError` when nobody left, or when there are never enough people at risk.
    """
    if not (persons["cause"] != "").any():
        raise EstimationError("Nobody left in the window.", fix="More follow-up.")
    clustered = len(persons["dept_at_entry"].unique()) > 1
    fitted = aalen_johansen(persons, start="entry", stop="stop", cause="cause", cluster="dept_at_entry" if clustered else None)
    times, sizes = _people_followed(persons)
    if not (sizes >= FEWEST_AT_RISK).any():
        raise EstimationError(f"There are never {FEWEST_AT_RISK} people followed at the same tenure.", fix="More people, or more follow-up.")
    # thin at a tenure at which nobody happens to leave is thin all the same, so every entry and exit is looked at, not events alone
    last = min(_EARLY, float(times[sizes >= FEWEST_AT_RISK].max()))
    thin = np.flatnonzero((sizes < FEWEST_AT_RISK) & (times < last))
    if not len(thin):
        return ExitCurves(fitted, 0.0, persons, clustered)
    since = float(times[(sizes >= FEWEST_AT_RISK) & (times > times[thin[-1]])][0])
    return ExitCurves(fitted.from_time(since), since, persons, clustered)


def _people_followed(persons: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Tenures at which the number of people followed changes, and how many are followed just after each."""
    entry, stop = persons["entry"].to_numpy(float), persons["stop"].to_numpy(float)
    times = np.unique(np.concatenate([[0.0], entry, stop]))
    sizes = np.searchsorted(np.sort(entry), times, side="right") - np.searchsorted(np.sort(stop), times, side="right")
    return times, sizes
