"""A share over time as a run chart: p' limits from all its periods, and the run rules that say whether it moved."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.delivery.versions import versions_of
from mentorship_eval.spc import p_chart

__all__ = ["run_of_shares"]

_ENOUGH = 60  # units in the middle month, from which months are told; else quarters: settled by size alone
_DRAWS = 200  # of unchanged series, for the share that signals by chance
_SIGNAL = ("rule", "text", "first", "last", "direction", "phase")


def run_of_shares(study: DeliveryStudy, exhibit_id: str, title: str, dates: pd.Series, yes: pd.Series, label: str, unit: str) -> Exhibit | None:
    """Per cent of ``yes`` (0/1) by month or quarter of ``dates``; None with too few periods for limits. Marked: the first and the last go-live, and
    the first days of later versions of the programme.
    """
    day = pd.to_datetime(dates)
    monthly = day.dt.to_period("M").value_counts().median() >= _ENOUGH
    period = day.dt.to_period("M" if monthly else "Q")
    rows = yes.astype(float).groupby(period).agg(["sum", "size"]).sort_index()
    table = pd.DataFrame({"time": range(1, len(rows) + 1), "yes": rows["sum"].to_numpy(), "all": rows["size"].to_numpy()})
    try:
        chart = p_chart(table, numerator="yes", denominator="all", time="time", per=100.0)
    except EstimationError:
        return None
    if chart.limits["reason"].ne("").all():
        return None
    names = dict(zip(table["time"], _months(rows.index), strict=True))
    points = chart.table.merge(table, on="time")
    frame = pd.DataFrame({
        "group": "All departments", "period": points["time"].map(names), "value": points["value"], "centre": points["centre"],
        "lower": points["lower"], "upper": points["upper"], "phase": points["phase"], "used_for_limits": points["used_for_limits"],
        "signal": points["signal"], "yes": points["yes"], "no": points["all"] - points["yes"],
    })  # fmt: skip
    signals = chart.signals.assign(group="All departments", first=chart.signals["first"].map(names), last=chart.signals["last"].map(names))
    derived = ("value", "centre", "lower", "upper", "signal")
    frames = {"points": frame, "signals": signals[["group", *_SIGNAL]]}
    marks = _marks(study, rows.index)
    live = _go_lives(study)
    began = f"First go-live {live.min():%Y-%m}. " if len(live) else ""
    if len(marks):
        frames["changes"] = marks
    return Exhibit(
        exhibit_id, "control_chart", title, frames,
        {"points": Counted((), derived, behind=("yes", "no"))},
        {"value_label": label, "period_label": "Month" if monthly else "Quarter from", "group_label": "series", "floor": None,
         "n": int(points["all"].sum()), "unit": unit,
         "rule_label": "points beyond the limits, long runs on one side of the centre line, few crossings of it (Anhøj)",
         "chance": float(chart.false_alarms(draws=_DRAWS)["share"].iloc[-1])},
        f"{began}Limits come from all {'months' if monthly else 'quarters'}; the axis does not begin at 0.",
        (float(points["yes"].sum()), float((points["all"] - points["yes"]).sum())),
    )  # fmt: skip


def _months(periods: pd.PeriodIndex) -> list[str]:
    """The first month of each period."""
    return [str(each.asfreq("M", how="start")) for each in periods]


def _go_lives(study: DeliveryStudy) -> pd.Series:
    days = own_rollout(study.cohort)["active_from"] if study.cohort.has("rollout") else pd.Series(dtype=object)
    return pd.to_datetime(days).dropna()


def _marks(study: DeliveryStudy, periods: pd.PeriodIndex) -> pd.DataFrame:
    """period, label: what happened within the series, each in the period in which it did."""
    days: list[tuple[pd.Timestamp, str]] = []
    live = _go_lives(study)
    if len(live):
        days += [(live.min(), "first go-live"), *([(live.max(), "last go-live")] if live.max() > live.min() else [])]
    if study.cohort.has("programmes") and "valid_from" in study.cohort.table("programmes"):
        table = versions_of(study.cohort, study.mentoring)
        later = table[pd.to_datetime(table["valid_from"]) > pd.to_datetime(table["valid_from"]).min()]
        days += [(day, f"version {version}") for day, version in zip(pd.to_datetime(later["valid_from"]), later["version"], strict=True)]
    seen = [(day.to_period(periods.freq), label) for day, label in days]
    kept = [(_months(pd.PeriodIndex([period]))[0], label) for period, label in seen if periods[0] < period <= periods[-1]]
    return pd.DataFrame(kept, columns=["period", "label"]).groupby("period", sort=True)["label"].agg(", ".join).reset_index()
