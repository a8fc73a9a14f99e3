"""The analyses under validation: the report's own functions, called on a simulated cohort.

Each takes a `Followed` cohort and gives one `Found` per figure. What the package refuses to answer (`EstimationError`) is an
answer too: it is counted, never replaced.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from mentorship_eval.cohort.person_time.episodes import Episodes, mentorship_episodes
from mentorship_eval.cohort.person_time.fixed_exposure import landmark_rows, naive_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.retention.model_rows import CAUSE, calendar_periods, default_cox
from validation.worlds import END, MONTH, START, Draw

__all__ = ["ANALYSES", "LABELS", "Followed", "Found", "analyse"]

COVARIATES = ["experience"]
LONG_AGO = "1990-01-01"


@dataclass(frozen=True)
class Found:
    """value, se, low and high on the scale of analysis (log for ratios); truth: NaN = the cell's own; said: codes of cautions."""

    value: float
    se: float
    low: float
    high: float
    p: float
    truth: float = math.nan
    said: str = ""


def of_estimate(estimate: Any, truth: float = math.nan) -> Found:
    if estimate.is_ratio:
        if estimate.value == 0:
            raise EstimationError("The ratio is 0: no event among the treated.", fix="It has no logarithm to average; it counts as no answer.")
        low, high = (math.log(v) if v > 0 else -math.inf if v == 0 else math.nan for v in (estimate.ci_low, estimate.ci_high))
        return Found(math.log(estimate.value), estimate.se, low, high, estimate.p_value, truth)
    return Found(estimate.value, estimate.se, estimate.ci_low, estimate.ci_high, estimate.p_value, truth)


def only_p(p: float) -> Found:
    return Found(math.nan, math.nan, math.nan, math.nan, p)


def with_event(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(event=(rows["cause"] == CAUSE).astype(int))


class Followed:
    """A simulated cohort and the person-time that the package makes of it, made once for all analyses."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def episodes_of(self, **options: Any) -> Episodes:
        settings = {"start": START, "end": END, "calendar": None, "covariates": tuple(COVARIATES), **options}
        return mentorship_episodes(**self.draw.tables, **settings)

    @cached_property
    def episodes(self) -> Episodes:
        return self.episodes_of()

    @cached_property
    def rows(self) -> pd.DataFrame:
        return with_event(self.episodes.rows)

    @cached_property
    def quarters(self) -> pd.DataFrame:
        rows = with_event(self.episodes_of(calendar="quarter").rows)
        return rows.assign(period=calendar_periods(rows)[0])

    @cached_property
    def default_fit(self) -> Any:
        return default_cox(self.rows, "mentored", COVARIATES, "event", "dept_id")


def default(who: Followed) -> Found:
    return of_estimate(who.default_fit.estimate)


def calendar(who: Followed) -> Found:
    return of_estimate(default_cox(who.quarters, "mentored", [*COVARIATES, "period"], "event", "dept_id").estimate)


def no_strata(who: Followed) -> Found:
    return of_estimate(default_cox(who.rows, "mentored", COVARIATES, "event", None).estimate)


def truncation_ignored(who: Followed) -> Found:
    """As if everybody had been observed from hire, mentoring by t; no covariate and no strata, as such analyses do."""
    rows = with_event(who.episodes_of(start=LONG_AGO).rows)
    return of_estimate(default_cox(rows, "mentored", [], "event", None).estimate)


def naive_hire(who: Followed) -> Found:
    """Ever against never mentored from hire, adjusted as the report's audit does."""
    rows = with_event(naive_rows(who.episodes, origin="hire").rows)
    return of_estimate(default_cox(rows, "ever_mentored", COVARIATES, "event", "dept_id").estimate)


def naive_plain(who: Followed) -> Found:
    rows = with_event(naive_rows(who.episodes, origin="hire").rows)
    return of_estimate(default_cox(rows, "ever_mentored", [], "event", None).estimate)


def landmark(months: float) -> Callable[[Followed], Found]:
    def at_landmark(who: Followed) -> Found:
        rows = with_event(landmark_rows(who.episodes, round(months * MONTH)).rows)
        return of_estimate(default_cox(rows, "mentored", COVARIATES, "event", "dept_id").estimate)

    return at_landmark


def clusters_all(who: Followed) -> Found:
    """The sandwich with t on all departments less 1, whether they carry information or not."""
    return _sandwich(who, who.draw.world.departments - 1)


def clusters_informative(who: Followed) -> Found:
    return _sandwich(who, None)


def _sandwich(who: Followed, df: int | None) -> Found:
    row = who.default_fit.table.iloc[0]
    df = who.default_fit.estimate.n_clusters - 1 if df is None else df
    return of_estimate(ratio_estimate(float(row["coef"]), float(row["robust_se"]), scale="hazard ratio", df=float(df)))


def lagged(days: int) -> Callable[[Followed], Found]:
    def with_lag(who: Followed) -> Found:
        rows = with_event(who.episodes_of(lag=days).rows)
        return of_estimate(default_cox(rows, "mentored", COVARIATES, "event", "dept_id").estimate)

    return with_lag


def bridged(days: int) -> Callable[[Followed], Found]:
    def with_gap(who: Followed) -> Found:
        rows = with_event(who.episodes_of(bridge_gap=days).rows)
        return of_estimate(default_cox(rows, "mentored", COVARIATES, "event", "dept_id").estimate)

    return with_gap


def strata_at_entry(who: Followed) -> Found:
    return of_estimate(default_cox(who.rows, "mentored", COVARIATES, "event", "dept_at_entry").estimate)


def ph_warning(who: Followed) -> Found:
    """Test of proportional hazards of the mentoring term, as the report prints it."""
    table = who.default_fit.ph_test().table.set_index("term")
    return only_p(float(table.loc["mentored", "p"]))


def other_exits(who: Followed) -> Found:
    """Does mentoring go with the competing exits? Only its test is of use here: a warning that censoring may be informative."""
    rows = who.rows.assign(event=(~who.rows["cause"].isin(["", CAUSE])).astype(int))
    return only_p(default_cox(rows, "mentored", COVARIATES, "event", "dept_id").estimate.p_value)


def strain_adjusted(who: Followed) -> Found:
    """Cox with strain at the last visit as a covariate: conditions on what mentoring changed."""
    fit = default_cox(who.draw.more["visits"], "mentored", [*COVARIATES, "strain"], "event", "dept_id")
    return of_estimate(fit.estimate)


ANALYSES: dict[str, Callable[[Followed], Found | dict[str, Found]]] = {
    "default": default,
    "calendar": calendar,
    "naive_hire": naive_hire,
    "naive_plain": naive_plain,
    "truncation_ignored": truncation_ignored,
    "no_strata": no_strata,
    "landmark_3": landmark(3),
    "landmark_9": landmark(9),
    "clusters_all": clusters_all,
    "clusters_informative": clusters_informative,
    "lag_9": lagged(274),
    "bridge_0": bridged(0),
    "bridge_90": bridged(90),
    "strata_at_entry": strata_at_entry,
    "ph_warning": ph_warning,
    "other_exits": other_exits,
    "strain_adjusted": strain_adjusted,
}
LABELS = {
    "default": "time-varying, entry, covariate, strata of department (default)",
    "calendar": "the default with calendar quarters, as the report fits it",
    "naive_hire": "ever mentored, from hire, covariate and strata",
    "naive_plain": "ever mentored, from hire",
    "truncation_ignored": "time-varying, truncation ignored",
    "no_strata": "time-varying, entry, covariate, cluster t, no strata",
    "landmark_3": "landmark 3 months, covariate and strata",
    "landmark_9": "landmark 9 months, covariate and strata",
    "clusters_all": "sandwich, t on all departments less 1",
    "clusters_informative": "sandwich, t on informative departments less 1",
    "lag_9": "the default with a lag of 9 months",
    "bridge_0": "the default, no gap bridged",
    "bridge_90": "the default, gaps up to 90 days bridged",
    "strata_at_entry": "strata of the department at entry",
    "ph_warning": "test of proportional hazards of mentoring",
    "other_exits": "test of mentoring on the competing exits",
    "strain_adjusted": "the default with strain at the last visit as a covariate",
}


def analyse(name: str, who: Any) -> dict[str, Found]:
    """Figures by label; an analysis of several figures names each of them."""
    found = ANALYSES[name](who)
    return found if isinstance(found, dict) else {name: found}
