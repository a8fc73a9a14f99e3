"""A share over time as a run chart: p' limits from all its periods, and the run rules that say whether it moved."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.spc import p_chart

__all__ = ["run_of_shares"]

_ENOUGH = 60  # units in the middle month, from which months are told; else quarters: settled by size alone
_DRAWS = 200  # of unchanged series, for the share that signals by chance
_SIGNAL = ("rule", "text", "first", "last", "direction", "phase")


def run_of_shares(exhibit_id: str, title: str, dates: pd.Series, yes: pd.Series, label: str) -> Exhibit | None:
    """Per cent of ``yes`` (0/1) by month or quarter of ``dates``; None with too few periods for limits."""
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
    names = dict(zip(table["time"], rows.index.astype(str) if monthly else range(1, len(rows) + 1), strict=True))
    points = chart.table.merge(table, on="time")
    frame = pd.DataFrame({
        "group": "All departments", "period": points["time"].map(names), "value": points["value"], "centre": points["centre"],
        "lower": points["lower"], "upper": points["upper"], "phase": points["phase"], "used_for_limits": points["used_for_limits"],
        "signal": points["signal"], "yes": points["yes"], "no": points["all"] - points["yes"],
    })  # fmt: skip
    signals = chart.signals.assign(group="All departments", first=chart.signals["first"].map(names), last=chart.signals["last"].map(names))
    derived = ("value", "centre", "lower", "upper", "signal")
    return Exhibit(
        exhibit_id, "control_chart", title, {"points": frame, "signals": signals[["group", *_SIGNAL]]},
        {"points": Counted((), derived, behind=("yes", "no"))},
        {"value_label": label, "period_label": "Month" if monthly else f"Quarter (1 is {rows.index[0]})", "group_label": "series",
         "rule_label": "points beyond the limits, long runs on one side of the centre line, few crossings of it (Anhøj)",
         "chance": float(chart.false_alarms(draws=_DRAWS)["share"].iloc[-1])},
        "Limits come from all periods. A signal says that the series changed, not why.",
        (float(points["yes"].sum()), float((points["all"] - points["yes"]).sum())),
    )  # fmt: skip
