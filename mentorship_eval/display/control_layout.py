"""One panel of a control chart: stepped limits, centre line, points, marks of signals, go-live."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mentorship_eval.display.sheet import Key
from mentorship_eval.display.style import GAP, GREY, INK, series_style

__all__ = ["BEYOND", "CENTRE", "GAP", "LIMIT", "OPEN", "POINT", "PROJECTED", "RUN", "SINCE", "draw_panel", "keys_for"]

# Marks differ by shape, size and lightness as well as by colour, so that they are told apart in grey.
POINT = {"marker": "o", "color": series_style(0)["color"]}
BEYOND = {"marker": "D", "markerfacecolor": "#D55E00", "markeredgecolor": INK, "markeredgewidth": 0.8, "linestyle": "none"}
RUN = {"marker": "s", "markerfacecolor": "#F6D58B", "markeredgecolor": INK, "markeredgewidth": 0.8, "linestyle": "none"}
OPEN = {"marker": "^", "markerfacecolor": "white", "markeredgecolor": series_style(0)["color"], "markeredgewidth": 1.0, "linestyle": "none"}
CENTRE = {"color": INK, "linewidth": 1.0}
LIMIT = {"color": "#7a4a9e", "linewidth": 1.1}
PROJECTED = {**LIMIT, "linestyle": (0, (4, 1.6))}
SINCE = {"facecolor": "#ececec", "edgecolor": INK, "linewidth": 0.6}


def keys_for(
    *, beyond: bool, run: bool, limits: bool, projected: bool, since: bool, open_: bool, gaps: bool, crossings: bool, labelled: bool
) -> list[Key]:
    """Entries of the legend for what the panels hold; labelled: centre line and limits have their names beside them."""
    keys = [Key("observed", "line", {**POINT, "markersize": 3.5, "linewidth": 0.9})]
    if not labelled:
        keys.append(Key("centre line", "line", CENTRE))
    if limits and (not labelled or projected):
        keys.append(Key("limits, where they were set", "line", LIMIT))
    if projected:
        keys.append(Key("carried forward", "line", PROJECTED))
    if beyond:
        keys.append(Key("beyond a limit", "marker", {**BEYOND, "markersize": 6}))
    if run:
        keys.append(Key("run or pattern", "marker", {**RUN, "markersize": 5.5}))
    if crossings:
        keys.append(Key("few crossings", "line", {**CENTRE, "linestyle": (0, (2, 1.4))}))
    if open_:
        keys.append(Key("interval still open", "marker", {**OPEN, "markersize": 6}))
    if gaps:
        keys.append(Key("not shown", "marker", {**GAP, "markersize": 4}))
    if since:
        keys.append(Key("programme active", "fill", SINCE))
    return keys


def _steps(places: np.ndarray, level: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """A level for each period as a step line from half a period before to half a period after."""
    x = np.column_stack([places - reach, places + reach]).ravel()
    return x, np.repeat(level, 2)


def _level(axes: Any, places: np.ndarray, level: np.ndarray, solid: np.ndarray, phase: Sequence[Any], reach: float, **style: Any) -> None:
    """Step lines, broken between phases; dashed where the level is carried forward."""
    start = 0
    for k in range(1, len(places) + 1):
        if k < len(places) and phase[k] == phase[start] and solid[k] == solid[start]:
            continue
        part = slice(start, k)
        x, y = _steps(places[part], level[part], reach)
        look = style if solid[start] else {**style, "linestyle": PROJECTED["linestyle"]}
        axes.plot(x, y, solid_joinstyle="miter", **look)
        start = k


def solid_part(used: np.ndarray, phase: Sequence[Any]) -> np.ndarray:
    """Whether a period lies within the first and last period of its phase that set the limits."""
    solid = np.zeros(len(used), dtype=bool)
    for name in dict.fromkeys(phase):
        mine = np.array([each == name for each in phase])
        places = np.flatnonzero(mine & used)
        if len(places):
            solid[places[0] : places[-1] + 1] |= mine[places[0] : places[-1] + 1]
    return solid


def draw_panel(
    axes: Any, places: np.ndarray, value: np.ndarray, centre: np.ndarray, lower: np.ndarray, upper: np.ndarray, *, used: np.ndarray,
    phase: Sequence[Any], beyond: np.ndarray, run: np.ndarray, open_: np.ndarray, few_crossings: Sequence[Any], go_live: float,
    changes: Sequence[float], ends: tuple[float, float], top: float, bottom: float, size: float,
) -> None:  # fmt: skip
    """Everything inside the axes of one panel; arrays (n,) in order of place. few_crossings: phases that have too few."""
    # half the usual step between points: intervals between events are no even periods
    reach = 0.5 if len(places) < 2 else float(np.median(np.diff(places))) / 2
    solid = solid_part(used, phase)
    inside = lambda level: np.where((level >= bottom) & (level <= top * 1.0001), level, np.nan)  # noqa: E731
    if math.isfinite(go_live):
        axes.axvspan(go_live - 0.5, ends[1] + 0.5, color=SINCE["facecolor"], linewidth=0, zorder=0)
        axes.axvline(go_live - 0.5, color=INK, linewidth=1.1, zorder=2)
    for change in changes:
        axes.axvline(change - 0.5, color=GREY, linewidth=0.9, linestyle=(0, (1.2, 1.2)), zorder=2)
    for level in (lower, upper):
        _level(axes, places, inside(level), solid, phase, reach, **LIMIT, zorder=2.5, gid="limit")
    wanting = np.array([each in few_crossings for each in phase])
    for here in (False, True):
        if (wanting == here).any():
            style = {**CENTRE, "linestyle": (0, (2, 1.4))} if here else CENTRE
            shown = np.where(wanting == here, centre, np.nan)
            _level(axes, places, shown, np.ones(len(places), dtype=bool), phase, reach, **style, zorder=2.6, gid="centre")
    axes.plot(places, np.where(open_, np.nan, value), marker=POINT["marker"], color=POINT["color"], markersize=size, linewidth=0.9, zorder=3)
    plain = np.isfinite(value)
    beyond_open = {**OPEN, "markerfacecolor": BEYOND["markerfacecolor"], "markeredgecolor": INK}
    run_open = {**OPEN, "markerfacecolor": RUN["markerfacecolor"], "markeredgecolor": INK}
    marks = (
        (run & ~beyond & ~open_, RUN, 2.0, "signal"), (beyond & ~open_, BEYOND, 2.4, "signal"), (run & ~beyond & open_, run_open, 3.0, "signal"),
        (beyond & open_, beyond_open, 3.4, "signal"), (open_ & ~beyond & ~run, OPEN, 3.0, "open"),
    )  # fmt: skip
    for mask, look, more, gid in marks:
        # at the last period half of a mark lies outside the axes
        axes.plot(places[plain & mask], value[plain & mask], markersize=size + more, zorder=4, clip_on=False, gid=gid, **look)
    gaps = ~plain
    axes.plot(places[gaps], np.full(int(gaps.sum()), bottom), markersize=size, zorder=4, clip_on=False, gid="gap", **GAP)
