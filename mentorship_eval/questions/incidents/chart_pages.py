"""Pages of control charts: the points, lines and signals of some series as one exhibit, with its sentence and its cautions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Statement
from mentorship_eval.questions.incidents.calendar_events import switches
from mentorship_eval.questions.incidents.chart_series import Series, SeriesSet, binned, fewest
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.incidents.taxonomy import taxonomy_months
from mentorship_eval.questions.section import Section
from mentorship_eval.spc.result import ControlChart

__all__ = ["NOTE", "RULES", "SIGNAL", "Page", "chances", "chart_page"]

_TOLD = {
    "autocorrelation": "neighbouring points resemble each other, so that signals come more often than in the share given under the figure",
    "trial_limits": "few points set the limits, which are provisional",
    "unstable_baseline": "the months before go-live show a signal themselves, so that their limits are no steady yardstick",
    "no_limits": "too few points for limits lie before go-live",
}
RULES = "points beyond the limits, long runs on one side of the centre line, few crossings of it (Anhøj)"
SIGNAL = ("rule", "text", "first", "last", "direction", "phase")
_TITLES = {"department": "control charts by department", "wave": "control charts by wave", "series": "control chart of all departments together"}
NOTE = "Limits come from the time before go-live. A signal says that the series changed, not that the programme changed it."
DRAWS = 400  # of unchanged series, for the share that signals by chance


@dataclass(frozen=True)
class Page:
    """What is charted. draw: makes the chart of one series from its rows (bin, count, exposure) and its go-live (None: never inside it);
    reports: changes of reporting systems and categories bear on it; from_zero: the axis begins at 0.
    """

    exhibit_id: str
    name: str
    value_label: str
    draw: Callable[[pd.DataFrame, float | None], ControlChart]
    reports: bool = True
    from_zero: bool = True


def chart_page(study: Prepared, page: Page, series: SeriesSet, told: Section) -> None:
    """Adds the exhibit of ``page`` with one panel for each series, what it says, and cautions; series without limits are a gap."""
    points, signals, charts, lost = [], [], [], []
    for one in series.panels:
        rows = binned(one, series.width)
        live = one.go_live if rows["bin"].ge(one.go_live).any() and rows["bin"].lt(one.go_live).any() else None
        try:
            chart = page.draw(rows, live)
        except EstimationError as error:
            lost.append(f"{one.name} ({error.problem.rstrip('.')})")
            continue
        charts.append((one, chart))
        table = chart.table.merge(rows, left_on="time", right_on="bin")
        points.append(table.assign(group=one.name, wave=one.go_live, fewest=fewest(one, rows)))
        signals.append(chart.signals.assign(group=one.name))
    if lost:
        told.lacks(f"{page.name}: control charts of {'; '.join(lost)}", "These series set no limits.", "more months")
    if not charts:
        return
    every = pd.concat(points)
    # departments of a wave add up to the wave, which other figures show
    every["fewest"] = every.groupby(every["wave"].fillna(np.inf))["fewest"].transform("min").replace(np.inf, np.nan)
    told.exhibits.append(_exhibit(study, page, series, charts, every, _joined(signals)))
    told.lead += _statement(page, charts, series.by, float(every["fewest"].max()))
    told.cautions += _cautions(page, charts)


def _joined(signals: list[pd.DataFrame]) -> pd.DataFrame:
    some = [frame for frame in signals if len(frame)]
    return pd.concat(some) if some else signals[0]


def _exhibit(
    study: Prepared, page: Page, series: SeriesSet, charts: list[tuple[Series, ControlChart]], points: pd.DataFrame, signals: pd.DataFrame
) -> Exhibit:
    name = study.name_of
    frame = pd.DataFrame({
        "group": points["group"], "period": [name(value) for value in points["time"]], "value": points["value"], "centre": points["centre"],
        "lower": points["lower"], "upper": points["upper"], "phase": points["phase"], "used_for_limits": points["used_for_limits"],
        "signal": points["signal"], "n_events": points["count"], "fewest": points["fewest"], "with_fewest": points["count"] + points["fewest"],
    })  # fmt: skip
    signals = signals.assign(fewest=signals["group"].map(points.groupby("group")["fewest"].first()).astype(float))
    shown = signals.assign(first=[name(v) for v in signals["first"]], last=[name(v) for v in signals["last"]])
    live = pd.DataFrame([{"group": one.name, "go_live": name(one.go_live) if np.isfinite(one.go_live) else None} for one, _ in charts])
    frames = {"points": frame, "signals": shown[["group", *SIGNAL, "fewest"]], "go_live": live}
    changed = [(str(name(when)), label) for when, label in series.later]
    if page.reports:
        changed += [(str(one.month), one.label) for one in switches(study)] if study.made is not None else []
        changed += [(str(name(when)), "categories changed") for when in taxonomy_months(study)]
    if changed:
        frames["changes"] = pd.DataFrame(changed, columns=["period", "label"]).drop_duplicates("period")
    return Exhibit(
        page.exhibit_id, "control_chart", f"{page.name}: {_TITLES[series.by]}", frames,
        {
            "points": Counted(
                ("n_events",), ("value", "centre", "lower", "upper", "signal"), behind=("fewest", "with_fewest"),
                sums=(("with_fewest", "n_events", "fewest"),), ratios={"value": "n_events"},
            ),
            "signals": Counted(derived=SIGNAL, behind=("fewest",)),
        },
        {
            "value_label": page.value_label, "group_label": series.by, "chance": chances([chart for _, chart in charts]), "rule_label": RULES,
            "period_label": {2: "Two months from", 3: "Quarter from"}.get(series.width, study.time_unit.capitalize()),
            **({} if page.from_zero else {"floor": None}),
        },
        NOTE, (float(points["fewest"].max()),),
    )  # fmt: skip


def chances(charts: list[ControlChart]) -> float:
    """Share of charts of unchanged series of these lengths that would signal."""
    shares = {}
    for chart in charts:
        if chart.limits["reason"].ne("").all():
            continue  # without limits nothing can signal
        key = tuple(zip(chart.limits["n_points"], chart.limits["n_used"], strict=True))
        if key not in shares:
            shares[key] = float(chart.false_alarms(draws=DRAWS)["share"].iloc[-1])
    return float(np.mean(list(shares.values()))) if shares else np.nan


def _statement(page: Page, charts: list[tuple[Series, ControlChart]], by: str, smallest: float) -> list[Statement]:
    charts = [(one, chart) for one, chart in charts if chart.limits["reason"].eq("").any()]
    treated = [(one, chart) for one, chart in charts if chart.go_live is not None]
    if not treated:
        return []
    changed = [chart for _, chart in treated if len(chart.signals) and chart.signals["since_go_live"].any()]
    if by == "series":
        many = f"all departments together show {'a' if changed else 'no'} signal in the time since the first go-live"
    else:
        others = [chart for _, chart in charts if chart.go_live is None]
        many = f"{len(changed)} of {len(treated)} {by}s with a go-live and limits show a signal in the time since"
        if others:
            many += f", {sum(len(chart.signals) > 0 for chart in others)} of {len(others)} without one at any time"
    text = f"{page.name}, control charts: {many}. A chart says that a series changed, not why."
    return [Statement(text, rests_on=(smallest, *(float(one.rows["count"].sum()) for one, _ in charts)))]


def _cautions(page: Page, charts: list[tuple[Series, ControlChart]]) -> list[Caution]:
    """Each code once for the page: what holds of single panels is told with their number."""
    seen: dict[str, list[str]] = {}
    for one, chart in charts:
        for caution in chart.warnings:
            seen.setdefault(caution.code, []).append(one.name)
    return [
        Caution(f"chart_{code}", f"{page.name}, control charts: in {len(names)} of {len(charts)} panels {_TOLD[code]}.", {"panels": len(names)})
        for code, names in seen.items() if code in _TOLD
    ]  # fmt: skip
