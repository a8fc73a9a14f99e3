"""Control charts: u' charts of incident rates, p' charts of shares, XmR charts of a ratio of counts, by wave of go-live or by department.

The limits are those of the months before go-live, carried forward. A chart shows whether and when one series changed, never why; where too few
departments are treated for an interval, it is what remains besides the placebo rank.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from mentorship_eval import spc
from mentorship_eval.questions.incidents.chart_pages import Page, chart_page
from mentorship_eval.questions.incidents.chart_series import series_of
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.section import Section
from mentorship_eval.spc.result import ControlChart

__all__ = ["control_charts", "rate_chart", "ratio_chart", "share_chart"]

MANY = "There are too many waves and departments for charts of each."
MORE = "plan.incidents.charts in study.yaml, higher"


def rate_chart(rows: pd.DataFrame, go_live: float | None) -> ControlChart:
    """u' chart of one series of counts and exposures."""
    return spc.u_chart(rows, count="count", exposure="exposure", time="bin", per=1000, go_live=go_live)


def _share(rows: pd.DataFrame, go_live: float | None) -> ControlChart:
    return spc.p_chart(rows, numerator="count", denominator="exposure", time="bin", per=100, go_live=go_live)


def _individuals(rows: pd.DataFrame, go_live: float | None, per: float) -> ControlChart:
    ratio = per * rows["count"] / rows["exposure"].where(rows["exposure"] > 0)
    return spc.xmr_chart(rows.assign(ratio=ratio), value="ratio", time="bin", go_live=go_live)


def control_charts(study: Prepared) -> Section:
    """A page of charts for each headline outcome, and one of near misses over other incidents without harm, with the signals that they show."""
    told = Section()
    most = study.cohort.study.plan.incidents.charts
    if not most:
        return told
    for kind in study.kinds:
        if kind.role != "headline":
            continue
        rows = study.rows.rename(columns={kind.column: "count", study.exposure: "exposure", study.adopted: "adopted"}).assign(others=0.0)
        series = series_of(study, rows[["dept_id", "period", "count", "exposure", "adopted", "others"]], most)
        if series is None:
            told.lacks(f"{kind.label}: control charts", MANY, MORE)
            continue
        chart_page(study, Page(f"incidents.{kind.column}.chart", kind.short, f"{kind.short} {study.exposure_words}", rate_chart), series, told)
    if told.exhibits:
        told.methods.append(
            "Control charts of rates: u′ charts (Laney 2002), limits at three standard errors widened by sigma z, set by the months before go-live "
            "and carried forward; signals by the rules of Anhøj (2014) and points beyond the limits. A series that has no go-live takes its whole "
            "length for its limits. Departments, waves or all departments together, in months or up to quarters: the finest in which no point rests "
            "on few events."
        )
    return told


def share_chart(study: Prepared, rows: pd.DataFrame, exhibit_id: str, name: str, value_label: str, *, reports: bool = True) -> Section:
    """p' chart of a share; rows: dept_id, period, count, exposure (all of whom count is a part) and adopted.

    Departments without any in a month add none to it.
    """
    rows = rows.assign(others=rows["exposure"] - rows["count"])
    method = "Control charts of shares: p′ charts (Laney 2002), with limits and rules as those of rates."
    return _beside(study, rows, Page(exhibit_id, name, value_label, _share, reports=reports, from_zero=False), method)


def ratio_chart(study: Prepared, rows: pd.DataFrame, exhibit_id: str, name: str, value_label: str, *, per: float = 100) -> Section:
    """XmR chart of a ratio of two counts, neither a part of the other; rows: dept_id, period, count, exposure (the other count) and adopted."""
    method = (
        "Control charts of ratios of two counts: XmR charts, limits at 2.66 mean moving ranges, with rules as those of rates: the spread of such "
        "a ratio follows from neither count alone."
    )
    rows = rows.assign(others=rows["exposure"])
    return _beside(study, rows, Page(exhibit_id, name, value_label, partial(_individuals, per=per)), method)


def _beside(study: Prepared, rows: pd.DataFrame, page: Page, method: str) -> Section:
    """One more page, told without a sentence of its own: nothing but the headline outcomes stands at the head of the chapter."""
    told = Section()
    most = study.cohort.study.plan.incidents.charts
    if not most or not rows["count"].sum() > 0:
        return told
    series = series_of(study, _filled(rows), most)
    if series is None:
        return told.lacks(f"{page.name}: control charts", MANY, MORE)
    chart_page(study, page, series, told)
    told.lead.clear()
    if told.exhibits:
        told.methods.append(method)
    return told


def _filled(rows: pd.DataFrame) -> pd.DataFrame:
    """Every department in every period from the first to the last that anything was seen in."""
    seen = rows.loc[rows["exposure"] > 0, "period"]
    places = rows.groupby("dept_id")["adopted"].first()
    every = pd.MultiIndex.from_product([places.index, range(int(seen.min()), int(seen.max()) + 1)], names=["dept_id", "period"])
    counts = rows.groupby(["dept_id", "period"])[["count", "exposure", "others"]].sum().reindex(every, fill_value=0.0).reset_index()
    return counts.assign(adopted=counts["dept_id"].map(places))
