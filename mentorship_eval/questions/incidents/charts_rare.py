"""Control chart of grave harm (severe, or death), which is too rare for a rate by month.

A u' chart where no point of it rests on few events; else how long it takes until so many events as may be shown have happened (XmR), or, with
protection switched off, the days from one event to the next (g).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval import spc
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.incidents.chart_pages import NOTE, RULES, SIGNAL, Page, chances, chart_page
from mentorship_eval.questions.incidents.chart_series import series_of
from mentorship_eval.questions.incidents.charts import rate_chart
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.section import Section
from mentorship_eval.spc.result import ControlChart

__all__ = ["rare_harm"]

GRAVE = ("severe", "death")
NAME = "Severe harm or death"
EXHIBIT = "incidents.severity.severe_up.chart"
FEWEST_BEFORE, FEWEST_POINTS = 6, 12


def rare_harm(study: Prepared) -> Section:
    """One chart of grave harm over all departments of the panel; a gap where its events make too few points."""
    told, records, most = Section(), study.records, study.cohort.study.plan.incidents.charts
    if not most or records is None or "harm" not in records or not study.cohort.study.plan.incidents.severity:
        return told
    grave = records[records["harm"].isin(GRAVE)]
    live = study.rows[study.adopted].dropna()
    if grave.empty or live.empty:
        return told
    rows = study.panel(incidents=grave).rows.rename(columns={"all_incidents": "count", study.exposure: "exposure"}).assign(others=0.0)
    series = series_of(study, rows[["dept_id", "period", "count", "exposure", "adopted", "others"]], most)
    if series is not None and series.whole:
        chart_page(study, Page(EXHIBIT, NAME, f"{NAME} {study.exposure_words}", rate_chart), series, told)
        told.lead.clear()
        return told
    chosen = study.cohort.study.disclosure
    size = 1 if chosen.off else chosen.threshold
    begin, end = (pd.Timestamp(day) for day in study.cohort.window)
    first = pd.Timestamp(study.name_of(live.min()))
    blocks, since = _blocks(grave, size, begin, first, end)
    if len(blocks) < FEWEST_POINTS or since < FEWEST_BEFORE:
        reason = "Its events are too few for a chart in which no point rests on few of them."
        return told.lacks(f"{NAME}: control chart", reason, "a longer window, or disclosure: none in study.yaml for a copy that stays in the house")
    _tell(told, blocks, since, size)
    return told


def _blocks(events: pd.DataFrame, size: int, begin: pd.Timestamp, live: pd.Timestamp, end: pd.Timestamp) -> tuple[pd.DataFrame, int]:
    """Days until ``size`` events have happened, over and over, from the first day and anew from go-live: number, days, count; and how many
    blocks end before go-live. What is left over at the end of either stretch belongs to its last block, whose days are scaled to ``size``.
    """
    days = np.sort(pd.to_datetime(events["occurred"]).dt.normalize().to_numpy())
    days = days[(days >= begin.to_datetime64()) & (days <= end.to_datetime64())]
    rows, before = [], 0
    for start, some in ((begin, days[days < live.to_datetime64()]), (live, days[days >= live.to_datetime64()])):
        last = start.to_datetime64()
        ends = list(range(size, len(some) + 1, size))
        if ends:
            ends[-1] = len(some)
        for at, previous in zip(ends, [0, *ends], strict=False):
            gap = float((some[at - 1] - last) / np.timedelta64(1, "D"))
            rows.append({"days": gap * size / (at - previous), "count": float(at - previous)})
            last = some[at - 1]
        before = len(rows) if start is begin else before
    return pd.DataFrame(rows, columns=["days", "count"]).assign(number=np.arange(1, len(rows) + 1)), before


def _tell(told: Section, blocks: pd.DataFrame, before: int, size: int) -> None:
    live = before + 1
    chart: ControlChart = (
        spc.g_chart(blocks, between="days", time="number", go_live=live) if size == 1 else
        spc.xmr_chart(blocks, value="days", time="number", go_live=live)
    )  # fmt: skip
    table = chart.table.merge(blocks, left_on="time", right_on="number").assign(group="All departments")
    points = table[["group", "time", "value", "centre", "lower", "upper", "phase", "used_for_limits", "signal", "count"]]
    what = "Days from one event to the next" if size == 1 else f"Days until {size} more events"
    told.exhibits.append(Exhibit(
        EXHIBIT, "control_chart", f"{NAME}: control chart of the time between events",
        {
            "points": points.rename(columns={"time": "period", "count": "n_events"}).reset_index(drop=True),
            "signals": chart.signals.assign(group="All departments", fewest=blocks["count"].min())[["group", *SIGNAL, "fewest"]],
            "go_live": pd.DataFrame({"group": ["All departments"], "go_live": [live]}),
        },
        {
            "points": Counted(("n_events",), ("value", "centre", "lower", "upper", "signal")),
            "signals": Counted(derived=SIGNAL, behind=("fewest",)),
        },
        {"value_label": what, "group_label": "series", "chance": chances([chart]), "rule_label": RULES,
            "period_label": "Event" if size == 1 else f"Every {size} events"},
        f"Longer times mean fewer events. The line marks the first go-live of a department. {NOTE}", (float(blocks["count"].min()),),
    ))  # fmt: skip
    told.methods.append(
        f"{NAME}: days from event to event, g chart (Benneyan 2001)." if size == 1 else
        f"{NAME}: days until {size} more events, XmR chart; blocks of events begin anew at the first go-live."
    )
