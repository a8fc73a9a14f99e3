"""Control charts of incident rates: u' charts by wave of go-live, or by department where there are few.

The limits are those of the months before go-live, carried forward. A chart shows whether and when one series changed, never why; where too few
departments are treated for an interval, it is what remains besides the placebo rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval import spc
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Statement
from mentorship_eval.questions.incidents.calendar_events import switches
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.incidents.taxonomy import taxonomy_months
from mentorship_eval.questions.section import Section
from mentorship_eval.spc.result import ControlChart

__all__ = ["control_charts"]

MOST_WAVES = 6
HANDFUL = 10  # events
_TOLD = {
    "autocorrelation": "neighbouring points resemble each other, so that signals come more often than in the share given under the figure",
    "trial_limits": "few points set the limits, which are provisional",
    "unstable_baseline": "the months before go-live show a signal themselves, so that their limits are no steady yardstick",
    "no_limits": "too few points for limits lie before go-live",
}
RULES = "points beyond the limits, long runs on one side of the centre line, few crossings of it (Anhøj)"
_SIGNAL = ("rule", "text", "first", "last", "direction", "phase")
DRAWS = 400  # of unchanged series, for the share that signals by chance


@dataclass(frozen=True)
class _Group:
    """One panel: its name, its rows summed over departments, the first period with the programme (NaN: never), and all its events."""

    name: str
    rows: pd.DataFrame
    go_live: float
    departments: int
    events: float


def control_charts(study: Prepared) -> Section:
    """A page of charts for each headline outcome, with the signals that they show."""
    told = Section()
    most = study.cohort.study.plan.incidents.charts
    if not most:
        return told
    for kind in study.kinds:
        if kind.role != "headline":
            continue
        groups, by = _groups(study, kind, most)
        if not groups:
            reason = "There are too many waves and departments for charts of each."
            told.lacks(f"{kind.label}: control charts", reason, "plan.incidents.charts in study.yaml, higher")
            continue
        _one_outcome(study, kind, groups, by, told)
    if told.exhibits:
        told.methods.append(
            "Control charts: u′ charts (Laney 2002), limits at three standard errors widened by sigma z, set by the months before go-live and "
            "carried forward; signals by the rules of Anhøj (2014) and points beyond the limits. A series that has no go-live takes its whole "
            "length for its limits."
        )
    return told


def _groups(study: Prepared, kind: Kind, most: int) -> tuple[list[_Group], str]:
    """Departments where few were treated or few there are, else waves; none where both are too many."""
    rows, adopted = study.rows, study.adopted
    treated = rows.loc[rows[adopted].notna(), "dept_id"].nunique()
    if rows["dept_id"].nunique() <= most:
        return [_group(study, kind, part, str(name), 1) for name, part in rows.groupby("dept_id", sort=True)], "department"
    if treated and treated <= min(most, 3):
        some = rows[rows[adopted].notna()]
        return [_group(study, kind, part, str(name), 1) for name, part in some.groupby("dept_id", sort=True)], "department"
    waves = rows[adopted].fillna(np.inf)
    if waves.nunique() > MOST_WAVES:
        return [], ""
    names = {wave: "Never in the window" if np.isinf(wave) else f"Go-live {study.name_of(wave)}" for wave in sorted(waves.unique())}
    return [
        _group(study, kind, rows[waves == wave], f"{name} ({rows.loc[waves == wave, 'dept_id'].nunique()} departments)",
            rows.loc[waves == wave, "dept_id"].nunique())
        for wave, name in names.items()
    ], "wave"  # fmt: skip


def _group(study: Prepared, kind: Kind, rows: pd.DataFrame, name: str, departments: int) -> _Group:
    """Summed over departments; months in which one of them has no row are left out, or the rate would change with who is in it."""
    by_period = rows.groupby("period").agg(count=(kind.column, "sum"), exposure=(study.exposure, "sum"), here=("dept_id", "nunique")).reset_index()
    whole = by_period[by_period["here"] == by_period["here"].max()].drop(columns="here")
    live = rows[study.adopted].dropna()
    return _Group(name, whole, float(live.iloc[0]) if len(live) else np.nan, departments, float(rows[kind.column].sum()))


def _binned(group: _Group, width: int) -> pd.DataFrame:
    """Months, or ``width`` of them together, counted from go-live so that none straddles it; broken ones at the ends are left out."""
    origin = group.go_live if np.isfinite(group.go_live) else group.rows["period"].min()
    start = origin + width * np.floor((group.rows["period"] - origin) / width)
    by_bin = group.rows.assign(bin=start).groupby("bin")
    out = by_bin.agg(count=("count", "sum"), exposure=("exposure", "sum"), months=("period", "size")).reset_index()
    return out[out["months"] == width].drop(columns="months")


def _width(study: Prepared, groups: list[_Group]) -> int:
    """The fewest months together, up to a quarter, in which every point of every panel rests on more than a handful of events (or on none)."""
    if study.time_unit != "month":
        return 1
    for width in (1, 2):
        counts = pd.concat([_binned(group, width)["count"] for group in groups])
        if not counts.between(1, HANDFUL - 1).any():
            return width
    return 3


def _chart(rows: pd.DataFrame, go_live: float) -> ControlChart:
    live = go_live if np.isfinite(go_live) and rows["bin"].ge(go_live).any() and rows["bin"].lt(go_live).any() else None
    return spc.u_chart(rows, count="count", exposure="exposure", time="bin", per=1000, go_live=live)


def _one_outcome(study: Prepared, kind: Kind, groups: list[_Group], by: str, told: Section) -> None:
    width = _width(study, groups)
    points, signals, charts, lost = [], [], [], []
    for group in groups:
        rows = _binned(group, width)
        try:
            chart = _chart(rows, group.go_live)
        except EstimationError as error:
            lost.append(f"{group.name} ({error.problem.rstrip('.')})")
            continue
        charts.append((group, chart))
        table = chart.table.merge(rows, left_on="time", right_on="bin").assign(group=group.name, wave=group.go_live, fewest=_fewest(group, rows))
        points.append(table)
        signals.append(chart.signals.assign(group=group.name))
    if lost:
        told.lacks(f"{kind.label}: control charts of {'; '.join(lost)}", "These series set no limits.", "more months")
    if not charts:
        return
    every = pd.concat(points)
    # departments of a wave add up to the wave, which other figures show
    every["fewest"] = every.groupby(every["wave"].fillna(np.inf))["fewest"].transform("min").replace(np.inf, np.nan)
    told.exhibits.append(_exhibit(study, kind, charts, every, _joined(signals), by, width))
    told.lead += _statement(kind, charts, by, float(every["fewest"].max()))
    told.cautions += _cautions(kind, charts)


def _joined(signals: list[pd.DataFrame]) -> pd.DataFrame:
    some = [frame for frame in signals if len(frame)]
    return pd.concat(some) if some else signals[0]


def _fewest(group: _Group, rows: pd.DataFrame) -> float:
    """The smallest number of events behind a panel that is not none: of a point, or of the months that no point holds.

    Centre line and limits rest on all points, and two of them could be had from the others, the lines and the totals shown elsewhere: a panel
    is shown whole or not at all.
    """
    behind = [*rows["count"], group.events - rows["count"].sum()]
    return float(min((count for count in behind if count > 0), default=np.inf))


def _exhibit(
    study: Prepared, kind: Kind, charts: list[tuple[_Group, ControlChart]], points: pd.DataFrame, signals: pd.DataFrame, by: str, width: int
) -> Exhibit:
    name = study.name_of
    frame = pd.DataFrame({
        "group": points["group"], "period": [name(value) for value in points["time"]], "value": points["value"], "centre": points["centre"],
        "lower": points["lower"], "upper": points["upper"], "phase": points["phase"], "used_for_limits": points["used_for_limits"],
        "signal": points["signal"], "n_events": points["count"], "fewest": points["fewest"], "with_fewest": points["count"] + points["fewest"],
    })  # fmt: skip
    signals = signals.assign(fewest=signals["group"].map(points.groupby("group")["fewest"].first()).astype(float))
    shown = signals.assign(first=[name(v) for v in signals["first"]], last=[name(v) for v in signals["last"]])
    live = pd.DataFrame([{"group": g.name, "go_live": name(g.go_live) if np.isfinite(g.go_live) else None} for g, _ in charts])
    frames = {"points": frame, "signals": shown[["group", *_SIGNAL, "fewest"]], "go_live": live}
    changed = [(str(one.month), one.label) for one in switches(study)] if study.made is not None else []
    changed += [(str(name(when)), "categories changed") for when in taxonomy_months(study)]
    if changed:
        frames["changes"] = pd.DataFrame(changed, columns=["period", "label"]).drop_duplicates("period")
    return Exhibit(
        f"incidents.{kind.column}.chart", "control_chart", f"{kind.short}: control charts by {by}", frames,
        {
            "points": Counted(
                ("n_events",), ("value", "centre", "lower", "upper", "signal"), behind=("fewest", "with_fewest"),
                sums=(("with_fewest", "n_events", "fewest"),),
            ),
            "signals": Counted(derived=_SIGNAL, behind=("fewest",)),
        },
        {"value_label": f"{kind.short} {study.exposure_words}", "group_label": by, "chance": _by_chance(charts), "rule_label": RULES,
            "period_label": {2: "Two months from", 3: "Quarter from"}.get(width, study.time_unit.capitalize())},
        "Limits come from the time before go-live. A signal says that the series changed, not that the programme changed it.",
        (float(points["fewest"].max()),),
    )  # fmt: skip


def _by_chance(charts: list[tuple[_Group, ControlChart]]) -> float:
    """Share of charts of unchanged series of these lengths that would signal."""
    shares = {}
    for _, chart in charts:
        if chart.limits["reason"].ne("").all():
            continue  # without limits nothing can signal
        key = tuple(zip(chart.limits["n_points"], chart.limits["n_used"], strict=True))
        if key not in shares:
            shares[key] = float(chart.false_alarms(draws=DRAWS)["share"].iloc[-1])
    return float(np.mean(list(shares.values()))) if shares else np.nan


def _statement(kind: Kind, charts: list[tuple[_Group, ControlChart]], by: str, fewest: float) -> list[Statement]:
    charts = [(group, chart) for group, chart in charts if chart.limits["reason"].eq("").any()]
    treated = [(group, chart) for group, chart in charts if chart.go_live is not None]
    if not treated:
        return []
    changed = [chart for _, chart in treated if len(chart.signals) and chart.signals["since_go_live"].any()]
    others = [chart for group, chart in charts if chart.go_live is None]
    many = f"{len(changed)} of {len(treated)} {by}s with a go-live and limits show a signal in the time since"
    if others:
        many += f", {sum(len(chart.signals) > 0 for chart in others)} of {len(others)} without one at any time"
    text = f"{kind.short}, control charts: {many}. A chart says that a series changed, not why."
    return [Statement(text, rests_on=(fewest, *(float(group.rows["count"].sum()) for group, _ in charts)))]


def _cautions(kind: Kind, charts: list[tuple[_Group, ControlChart]]) -> list[Caution]:
    """Each code once for the page: what holds of single panels is told with their number."""
    seen: dict[str, list[str]] = {}
    for group, chart in charts:
        for caution in chart.warnings:
            seen.setdefault(caution.code, []).append(group.name if len(charts) > 1 else caution.text)
    return [
        Caution(f"chart_{code}", f"{kind.short}, control charts: in {len(names)} of {len(charts)} panels {_TOLD[code]}.", {"panels": len(names)})
        for code, names in seen.items() if code in _TOLD
    ]  # fmt: skip
