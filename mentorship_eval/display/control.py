"""Control charts: one panel for each series, its own limits about it, signals marked, go-live as a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mentorship_eval.display.control_page import Page, own_scales
from mentorship_eval.display.control_panel import WHAT, Panel, attach
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, in_order, periods
from mentorship_eval.display.style import house_style
from mentorship_eval.display.words import enumerate_words, people, percent, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["control_chart"]



@redrawn
def control_chart(
    points: pd.DataFrame,
    signals: pd.DataFrame | None = None,
    go_live: Mapping[Any, Any] | pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    *,
    value_label: str = "Incidents per 1,000 patient-days",
    period_label: str = "Period",
    group_label: str = "department",
    limit_label: str = "three-sigma limits",
    centre_label: str = "mean",
    rule_label: str = "",
    chance: float = math.nan,
    floor: float | None = 0.0,
    own_axis: bool | None = None,
    max_groups: int = 12,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "unit-periods",
    note: str = "",
    name: str = "control_chart",
) -> Drawn:
    """Points over time with centre line and limits, a panel for each group.

    points: group, period (or month), value; optional centre, lower, upper (steps, as limits follow the exposure), phase (limits
        are broken between phases), used_for_limits (limits are solid as far as these reach, dashed where carried forward), signal
        (codes of rules, comma between them; ``beyond_limits`` has its own mark), open (an interval that goes on), reason (why a
        value is missing; or n_events, a count that was withheld). A missing value is a gap with a cross at the foot, whatever the
        signal of its row says.
        Centre line and limits rest on all points that set them: with one of these withheld the rest would give it away by
        subtraction, so their counts are to be declared as parts of a shown total (``Counted.within``).
    signals: group, text, first, last; optional direction, rule (``few_crossings`` marks the centre line) and phase. They
        are told in the alt text, as far as their points are shown: more would tell what is withheld.
    go_live: first active period of each group, missing for never: a mapping, or a frame with group and go_live.
    changes: period, label; optional group (every panel without it): other dates that matter, such as a new reporting system.
    n, n_events, unit: how many stand behind the chart, and what they are, for the caption.
    chance: share of charts of unchanged processes that would show a signal (0 to 1), for the caption.
    floor: the lowest value that can occur, where the axis begins; None to follow the data. own_axis: each panel has its own scale;
        left open, it has when the panels are of very different height.

    Raises `UsageError` for frames without rows or columns, repeated periods, and more groups than ``max_groups``.
    """
    if isinstance(points, pd.DataFrame) and "month" in points.columns and "period" not in points.columns:
        points = points.rename(columns={"month": "period"})
    points = check_columns(points, ("group", "period", "value"), WHAT)
    groups = in_order(points["group"])
    if len(groups) > max_groups:
        raise UsageError(
            f"{WHAT}: {len(groups)} groups are more than {max_groups} panels can show.",
            fix="Chart the sum of all, or those with signals, and list the rest in a table.",
        )
    calendar = periods(points["period"])
    points = points.assign(_place=calendar.place(points["period"], WHAT))
    if points["_place"].isna().any():
        raise UsageError(f"{WHAT}: rows without a period.", fix="Drop or date them.", rows=list(points.index[points["_place"].isna()]))
    points = points.sort_values("_place", kind="stable").reset_index(drop=True)
    panels = [Panel(group, points[points["group"] == group].reset_index(drop=True), calendar) for group in groups]
    attach(panels, signals, go_live, changes, calendar)
    with house_style():
        page = Page(panels, calendar, value_label, period_label, centre_label, floor, own_axis)
        figure = page.draw(title)
    gaps = sum(panel.gaps for panel in panels)
    reasons = sorted({text for panel in panels for text in panel.reasons})
    told = [panel for panel in panels if panel.signals is not None and len(panel.signals)]
    caption = sentence(
        title,
        f"{value_label}{f', by {group_label}' if len(groups) > 1 else ''}, with {centre_label} and {limit_label}",
        "Limits are solid where they were set and dashed where carried forward" if any(panel.projected for panel in panels) else "",
        method,
        f"Signals: {rule_label}" if rule_label else "",
        people(n, n_events, unit=unit),
        _chance_words(chance, len(groups)),
        "Heavy vertical line: go-live" if any(math.isfinite(panel.go_live) for panel in panels) else "",
        f"Dotted vertical line: {enumerate_words(dict.fromkeys(label for panel in panels for _, label in panel.changes))}"
        if any(panel.changes for panel in panels) else "",
        "Each panel has its own scale" if len(groups) > 1 and own_scales(panels, own_axis) else "",
        f"Crosses: {plural(gaps, 'point')} not shown{f' ({enumerate_words(reasons)})' if reasons else ''}" if gaps else "",
        "A chart shows whether a series changed and when, not why",
        note,
    )  # fmt: skip
    count = f"Control charts of {len(groups)} {group_label}s: " if len(groups) > 1 else "Control chart: "
    alt = sentence(
        f"{count}{value_label} with {centre_label} and {limit_label}",
        f"{len(told)} of {len(groups)} have a signal" if len(groups) > 1 and signals is not None else "",
        *[panel.words(page.label) for panel in panels],
    )
    data = {"points": points.drop(columns="_place")}
    if signals is not None and len(signals):
        kept = [panel.signals for panel in told]
        if kept:
            data["signals"] = pd.concat(kept).drop(columns=["_first", "_last"]).reset_index(drop=True)
    return Drawn(figure, caption, alt, data, name)


def _chance_words(chance: float, charts: int) -> str:
    if math.isnan(chance):
        return ""
    if charts == 1:
        return f"Of such charts {percent(chance, 0)} show a signal although nothing has changed"
    return f"Of {charts} such charts about {format_number(chance * charts, 1)} show a signal although nothing has changed"
