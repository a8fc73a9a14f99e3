"""Stacked cumulative incidence: of all who began, how many have left by each cause and how many are still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.curve_page import PLOT_HEIGHT, RiskTable, percent_axis, ticks_under, time_axis_label
from mentorship_eval.display.curve_steps import times_to_say, value_at
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, in_order, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.labels import spread
from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.style import BLUE, BODY, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, house_style, narrowed, page_width
from mentorship_eval.display.words import enumerate_words, lower_first, people, percent, plural, sentence
from mentorship_eval.errors import UsageError

__all__ = ["stacked_cif"]

_CURVE, _AT_RISK = "stacked_cif(curve)", "stacked_cif(at_risk)"
# neighbours differ in lightness or in hatching, so that they part in grey
_FILLS: tuple[tuple[str, str], ...] = ((BLUE, ""), (ORANGE, "////"), (SKY, "...."), (VERMILION, "\\\\\\\\"), (GREEN, "xxxx"), (PURPLE, "----"))
_REST = "#f1f1f1"
_LABELS = 1.75  # inches at most for the labels at the right edge


@redrawn
def stacked_cif(
    curve: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    cause_labels: Mapping[Any, str] | None = None,
    remainder_label: str = "Still employed",
    time_unit: str = "months",
    time_from: str = "hire",
    y_label: str = "Share of all who began",
    y_to: float = 1.0,
    say_at: Sequence[float] | None = None,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "stacked_cif",
) -> Drawn:
    """Bands of cumulative incidence, the first cause at the bottom, what remains on top; labels at the right edge.

    curve: by (the cause), time (in ``time_unit``), estimate (cumulative incidence of that cause, 0 to 1);
        optional reason. At most six causes, in the order in which they are stacked. A cause without any
        number (withheld) cannot be drawn, so that it is part of the remainder, whose label says so. The
        bands end where the first of the causes ends.
    at_risk: as in `survival_curves`, of everybody together (one ``by``); None, or no rows: no table.
    cause_labels: label of each cause in place of its name. remainder_label: the band on top.
    y_to: where the vertical axis ends, below 1 to enlarge small bands; said in the caption.

    Raises `UsageError` for frames without rows or columns, times out of order, estimates outside 0 to 1,
    causes that add up to more than 1, and more than six causes.
    """
    curve = check_columns(curve, ("by", "time", "estimate"), _CURVE)
    causes = in_order(curve["by"])
    names = {cause: str((cause_labels or {}).get(cause, cause)) for cause in causes}
    steps = {cause: _steps(curve[curve["by"] == cause], names[cause]) for cause in causes}
    withheld = [cause for cause in causes if not len(steps[cause])]
    drawn = {cause: step for cause, step in steps.items() if len(step)}
    if len(drawn) > len(_FILLS):
        raise UsageError(f"{_CURVE}: {len(drawn)} causes cannot be told apart.", fix=f"Join causes to at most {len(_FILLS)}.")
    at_risk = None if at_risk is None or not len(at_risk) else check_columns(at_risk, ("by", "time", "n_risk"), _AT_RISK)
    times, bands = _stack(drawn)
    if not float(np.max(sum(bands.values()))) < y_to <= 1:
        raise UsageError(f"{_CURVE}: y_to={y_to:g} would cut a cause off or lies above 1.", fix="Let the axis end higher, at most at 1.")
    hidden = [f"{lower_first(names[c])} ({reason_of(curve[curve['by'] == c].iloc[0], 'withheld')})" for c in withheld]
    rest = " or ".join([remainder_label, *hidden])
    labels = {**{cause: names[cause] for cause in drawn}, None: rest}
    with house_style():
        figure = _draw(times, bands, labels, at_risk, time_unit, time_axis_label(time_unit, time_from), y_label, title, y_to)
    moments = times_to_say(say_at, time_unit, drawn) if drawn else []
    whole = pd.DataFrame({"time": times, "estimate": 1 - sum(bands.values()), "ci_low": np.nan, "ci_high": np.nan}) if drawn else None
    said = []
    for label, step in [*[(names[c], s) for c, s in drawn.items()], *([(rest, whole)] if whole is not None else [])]:
        values = [(value_at(step, t), t) for t in moments if t <= times[-1]]
        said.append(f"{label}: " + ", ".join(f"{percent(v[0])} at {t:g} {time_unit}" for v, t in values if v is not None))
    ends = {float(step["time"].iloc[-1]) for step in drawn.values()}
    caption = sentence(
        title,
        f"Cumulative incidence by cause since {time_from}, stacked; the top band is what remains",
        method,
        people(n, n_events, unit=unit),
        f"Not drawn, and part of the top band: {enumerate_words(hidden)}" if hidden else "",
        f"The bands end at {min(ends):g} {time_unit}, where the first of them ends" if len(ends) > 1 else "",
        f"The vertical axis ends at {100 * y_to:g} %" if y_to < 1 else "",
        "Below: number at risk at the start of each period" if at_risk is not None else "",
        note,
    )
    alt = sentence(f"Stacked bands of {plural(len(drawn), 'cause')} of leaving", *(said or [f"No cause is shown: {enumerate_words(hidden)}"]))
    data = {"curve": curve} if at_risk is None else {"curve": curve, "at_risk": at_risk}
    return Drawn(figure, caption, alt, data, name)


def _steps(rows: pd.DataFrame, cause: str) -> pd.DataFrame:
    """time, estimate (and empty intervals) of one cause up to its last number; no rows where it has none."""
    step = pd.DataFrame({column: numbers(rows, column, _CURVE) for column in ("time", "estimate", "ci_low", "ci_high")})
    if step["time"].isna().any() or (np.diff(step["time"]) < 0).any():
        raise UsageError(f"{_CURVE}: times of {cause} are missing or out of order.", fix="Sort by cause and time.", rows=list(rows.index))
    shown = step.dropna(subset=["estimate"]).assign(ci_low=np.nan, ci_high=np.nan)
    if ((shown["estimate"] < -1e-9) | (shown["estimate"] > 1 + 1e-9)).any():
        raise UsageError(
            f"{_CURVE}: estimates of {cause} lie outside 0 to 1.", fix="Give proportions, not percentages.", rows=list(rows.index)
        )
    return shown.reset_index(drop=True)


def _stack(steps: Mapping[Any, pd.DataFrame]) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """All times up to where the first cause ends, and each cause's value held from one of its times to the next."""
    if not steps:
        return np.array([0.0, 1.0]), {}
    end = min(float(step["time"].iloc[-1]) for step in steps.values())
    times = np.unique(np.concatenate([[0.0], *[step["time"].to_numpy() for step in steps.values()]]))
    times = times[times <= end]
    bands = {}
    for cause, step in steps.items():
        place = np.searchsorted(step["time"].to_numpy(), times, side="right") - 1
        bands[cause] = np.where(place >= 0, step["estimate"].to_numpy()[np.maximum(place, 0)], 0.0)
    total = sum(bands.values())
    if (np.asarray(total) > 1 + 1e-6).any():
        raise UsageError(
            f"{_CURVE}: the causes add up to {float(np.max(total)):.3f}.", fix="Give cumulative incidences that compete, not 1 - Kaplan-Meier."
        )
    return times, bands


def _draw(
    times: np.ndarray, bands: Mapping[Any, np.ndarray], labels: Mapping[Any, str], at_risk: pd.DataFrame | None, time_unit: str,
    time_label: str, y_label: str, title: str | None, y_to: float,
) -> Any:  # fmt: skip
    sheet = Sheet()
    table = RiskTable(sheet, at_risk, {}, {}) if at_risk is not None else None
    head = Head(sheet, title)
    left = max(0.75, table.left if table is not None else 0.0)
    edges = [np.zeros(len(times))]
    for band in bands.values():
        edges.append(edges[-1] + band)
    edges.append(np.ones(len(times)))
    shares = [float(upper[-1] - lower[-1]) for lower, upper in pairwise(edges)]
    named = [f"{label}: {percent(share)}" if bands else label for label, share in zip(labels.values(), shares, strict=True)]
    written = [sheet.wrap(text, narrowed(_LABELS)) for text in named]
    right = max(sheet.width_of(text) for text in written) + 0.42
    width = page_width() - left - right
    top = head.height
    sheet.set_height(top + PLOT_HEIGHT + 0.62 + (table.height if table is not None else 0.0))
    head.draw()
    axes = sheet.axes(left, top, width, PLOT_HEIGHT)
    fills = [*_FILLS[: len(bands)], (_REST, "")]
    for (colour, hatch), lower, upper in zip(fills, edges, edges[1:], strict=False):
        axes.fill_between(times, lower, upper, step="post", facecolor=colour, edgecolor="white", hatch=hatch or None, linewidth=0.0)
        if upper is not edges[-1]:
            axes.step(times, upper, where="post", color=INK, linewidth=0.8)
    percent_axis(axes, y_to)
    axes.grid(visible=False)
    last = float(times[-1])
    ticks = ticks_under(table, 0.0, last, width, time_unit) if last > 0 else [0.0]
    # the bands reach the right edge, where their labels are
    axes.set_xlim(0, last or 1.0)
    ticks = [tick for tick in ticks if tick <= last]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylabel(sheet.wrap(y_label, PLOT_HEIGHT, BODY))
    axes.yaxis.set_label_coords(-0.5 / width, 0.5)
    if not bands:
        axes.text(0.5, 0.5, "not shown", transform=axes.transAxes, ha="center", va="center", color=GREY)
    ends = [min(float(edge[-1]), y_to) for edge in edges]
    middles = [top + PLOT_HEIGHT * (1 - (lower + upper) / 2 / y_to) for lower, upper in pairwise(ends)][::-1]
    tall = [sheet.block_height(text) + 0.05 for text in written][::-1]
    for middle, place, text in zip(middles, spread(middles, tall, top - 0.05, top + PLOT_HEIGHT + 0.1), written[::-1], strict=True):
        x = left + width
        sheet.line([x + 0.03, x + 0.12, x + 0.24, x + 0.3], [middle, middle, place, place], color=GREY, linewidth=0.8)
        sheet.text(x + 0.34, place, text, gid="cause")
    sheet.text(left + width / 2, top + PLOT_HEIGHT + 0.36, time_label, size=BODY, ha="center")
    if table is not None:
        table.draw(top + PLOT_HEIGHT + 0.62, {tick: left + width * tick / (last or 1.0) for tick in ticks})
    return sheet.figure
