"""Leavers and posts falling vacant per month of the whole organisation, some months ahead; off unless the plan asks.

Totals alone: the engine takes one number a month, and nothing here could be read as a score of a person, which this package never makes.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import EstimationError
from mentorship_eval.forecasting.monthly import Validation, forecast, validate
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from mentorship_eval.questions.section import Section

__all__ = ["forecasts", "monthly_exits"]

_NAMES = {"leavers": "Voluntary leavers", "vacancies": "Posts falling vacant (all exits)"}


def monthly_exits(cohort: Cohort) -> pd.DataFrame:
    """month (a period), leavers, vacancies: totals of the organisation in whole months of the window; no other column."""
    start, end = (pd.Timestamp(day) for day in cohort.window)
    first = (start if start.day == 1 else start + pd.offsets.MonthBegin()).to_period("M")
    last = end.to_period("M") if (end + pd.Timedelta(days=1)).day == 1 else end.to_period("M") - 1
    episodes = cohort_episodes(cohort)
    gone = episodes.persons[episodes.persons["cause"] != ""]
    month = (gone["hire"] + pd.to_timedelta(gone["stop"], unit="D")).dt.to_period("M")
    grid = pd.period_range(first, last, freq="M")
    own = gone["cause"].isin(episodes.outcome).to_numpy()
    counts = [month[which].value_counts().reindex(grid, fill_value=0).to_numpy() for which in (own, np.ones(len(gone), bool))]
    return pd.DataFrame({"month": grid, "leavers": counts[0], "vacancies": counts[1]})


def forecasts(cohort: Cohort) -> Section:
    """Nothing unless ``plan.forecasts.enabled``; then a table of months ahead, its validation and a model card."""
    told, said = Section(), cohort.study.plan.forecasts
    if not said.enabled:
        return told
    question = "Leavers and vacancies in the months ahead"
    if not cohort.has("staff", "spells", "matches"):
        return told.lacks(question, "They are counted from staff and spells.", "staff, spells and matches")
    exits, rows, checks = monthly_exits(cohort), [], []
    ahead = exits["month"].iloc[-1] + np.arange(1, said.months + 1) if len(exits) else []
    recent = []
    for name, label in _NAMES.items():
        totals = exits[name].to_numpy()
        try:
            told_ahead = forecast(totals, said.months, seed=cohort.study.plan.seed)
        except EstimationError as error:
            return told.lacks(question, error.problem, error.fix or "A longer window.")
        recent.append(float(totals.sum()))
        rows += [
            {"what": label, "month": str(month), "mean": round(float(told_ahead.mean[i]), 1), "low": int(told_ahead.low[i]),
             "high": math.ceil(told_ahead.high[i])}
            for i, month in enumerate(ahead)
        ]
        checks.append((label, validate(totals, said.months, seed=cohort.study.plan.seed)))
    labels = {"what": "", "month": "Month", "mean": "Expected", "low": "95 % from", "high": "to"}
    told.exhibits.append(
        table_exhibit("economics.forecast", "Months ahead, of the whole organisation", pd.DataFrame(rows), rests_on=(*recent, recent[1] - recent[0]),
                      labels=labels, formats={"mean": "1", "low": "count", "high": "count"}, note="Predictive intervals; totals, never people.")
    )  # fmt: skip
    told.exhibits.append(_card(checks, len(exits), (*recent, recent[1] - recent[0])))
    told.methods.append(
        "Forecasts: quasi-Poisson regression of monthly totals on a trend and one yearly harmonic; negative binomial predictive intervals; validated "
        "by rolling origin beside the seasonal naive forecast (Hyndman & Athanasopoulos 2021)."
    )
    return told


def _card(checks: list[tuple[str, Validation | None]], months: int, rests_on: tuple[float, ...]) -> Exhibit:
    lines = [
        ("Meant for", "Planning of recruitment by the organisation as a whole"),
        ("Not meant for", "Any decision about a person; no score of a person is made or can be had"),
        ("Input", f"One total a month, {months} months; no data of people"),
        ("Model", "Quasi-Poisson regression, trend and one yearly harmonic"),
        ("Fails when", "Staffing, policy or the programme change: what happens ahead is taken to go on as before"),
    ]
    for label, check in checks:
        if check is None:
            lines.append((f"{label}: validation", "None: no month is left to hold out. Do not rely on the intervals"))
            continue
        text = f"{check.coverage:.0%} of {check.months} held-out forecasts inside their {check.level:.0%} interval ({check.origins} origins); "
        text += f"mean absolute error {check.error:.1f}. Seasonal naive: {check.naive_coverage:.0%}, {check.naive_error:.1f}"
        lines.append((f"{label}: validation", text))
    frame = pd.DataFrame(lines, columns=["what", "told"])
    return table_exhibit("economics.model_card", "Model card of the forecast", frame, rests_on=rests_on, labels={"what": "", "told": ""},
                         formats={"what": "text", "told": "text"})  # fmt: skip
