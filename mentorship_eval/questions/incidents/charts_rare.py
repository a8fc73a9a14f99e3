"""Control charts of what is too rare for a rate by month: grave harm (severe, or death), and rare categories of harm.

A u' chart where no point of it rests on few events and most hold some; else how long it takes until so many events as may be shown have
happened (XmR), or, with protection switched off, the days from one event to the next (g).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval import spc
from mentorship_eval.cohort.panels import HARM_LEVELS
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.incidents.chart_pages import NOTE, RULES, SIGNAL, Page, chances, chart_page
from mentorship_eval.questions.incidents.chart_series import SeriesSet, series_of
from mentorship_eval.questions.incidents.charts import rate_chart
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.section import Section
from mentorship_eval.spc.result import ControlChart

__all__ = ["rare_categories", "rare_harm"]

GRAVE = ("severe", "death")
NAME = "Severe harm or death"
EXHIBIT = "incidents.severity.severe_up.chart"
FEWEST_BEFORE, FEWEST_POINTS = 6, 12
FEWEST_EVENTS = 2.0  # a point of a rate, on average


def rare_harm(study: Prepared) -> Section:
    """One chart of grave harm over all departments of the panel; a gap where its events make too few points."""
    told, records, plan = Section(), study.records, study.cohort.study.plan.incidents
    if not plan.charts or records is None or "harm" not in records or not plan.severity:
        return told
    return _rare(study, records[records["harm"].isin(GRAVE)], EXHIBIT, NAME)


def rare_categories(study: Prepared) -> Section:
    """The same of each category of harm with less than one event in a period, all departments together; a forest says little of these."""
    told, records, plan = Section(), study.records, study.cohort.study.plan.incidents
    if not plan.charts or not plan.categories or records is None or not {"harm", "category"} <= set(records):
        return told
    harm = records[records["harm"].astype(object).map(HARM_LEVELS) == "harm"]
    periods = study.rows["period"].nunique()
    for category, number in harm["category"].value_counts().sort_index().items():
        if FEWEST_POINTS <= number < periods:
            name = f"{str(category).replace('_', ' ').capitalize()}, with harm"
            told = Section.join([told, _rare(study, harm[harm["category"] == category], f"incidents.category.{category}.harm.chart", name)])
    return told


def _rare(study: Prepared, events: pd.DataFrame, exhibit_id: str, name: str) -> Section:
    """events: the incidents of the kind, one a row."""
    told, most = Section(), study.cohort.study.plan.incidents.charts
    live = study.rows[study.adopted].dropna()
    if events.empty or live.empty:
        return told
    rows = study.panel(incidents=events).rows.rename(columns={"all_incidents": "count", study.exposure: "exposure"}).assign(others=0.0)
    series = series_of(study, rows[["dept_id", "period", "count", "exposure", "adopted", "others"]], most)
    if series is not None and series.whole and _dense(series):
        chart_page(study, Page(exhibit_id, name, f"{name} {study.exposure_words}", rate_chart), series, told)
        told.lead.clear()
        return told
    chosen = study.cohort.study.disclosure
    size = 1 if chosen.off else chosen.threshold
    begin, end = (pd.Timestamp(day) for day in study.cohort.window)
    first = pd.Timestamp(study.name_of(live.min()))
    blocks, since = _blocks(events, size, begin, first, end)
    if len(blocks) < FEWEST_POINTS or since < FEWEST_BEFORE:
        reason = "Its events are too few for a chart in which no point rests on few of them."
        return told.lacks(f"{name}: control chart", reason, "a longer window, or disclosure: none in study.yaml for a copy that stays in the house")
    _tell(told, blocks, since, size, exhibit_id, name)
    return told


def _dense(series: SeriesSet) -> bool:
    """Whether points hold enough events on average for limits of a rate; among zeros and ones every event would be a signal."""
    return all(panel.rows["count"].sum() * series.width >= FEWEST_EVENTS * len(panel.rows) for panel in series.panels)


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


def _tell(told: Section, blocks: pd.DataFrame, before: int, size: int, exhibit_id: str, name: str) -> None:
    live = before + 1
    chart: ControlChart = (
        spc.g_chart(blocks, between="days", time="number", go_live=live) if size == 1 else
        spc.xmr_chart(blocks, value="days", time="number", go_live=live)
    )  # fmt: skip
    table = chart.table.merge(blocks, left_on="time", right_on="number").assign(group="All departments")
    points = table[["group", "time", "value", "centre", "lower", "upper", "phase", "used_for_limits", "signal", "count"]]
    what = "Days from one event to the next" if size == 1 else f"Days until {size} more events"
    told.exhibits.append(Exhibit(
        exhibit_id, "control_chart", f"{name}: control chart of the time between events",
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
            "period_label": "Event" if size == 1 else f"Block of {size} events"},
        f"Longer times mean fewer events. The line marks the first go-live of a department. {NOTE}", (float(blocks["count"].min()),),
    ))  # fmt: skip
    told.methods.append(
        f"{name}: days from event to event, g chart (Benneyan 2001)." if size == 1 else
        f"{name}: days until {size} more events, XmR chart; blocks of events begin anew at the first go-live."
    )
