"""From points and limits to a `ControlChart`: rules phase by phase, signals, cautions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.spc.cautions import chart_cautions, lag_one
from mentorship_eval.spc.limits import LEAST, Phase
from mentorship_eval.spc.result import ControlChart
from mentorship_eval.spc.rules import RULE_WORDS, Found, find_signals
from mentorship_eval.spc.series import Series

__all__ = ["Lines", "assemble", "phase_by_phase"]

# A rule that speaks of the whole phase marks no single point.
_WHOLE_PHASE = frozenset({"few_crossings"})


@dataclass(frozen=True)
class Lines:
    """value, centre, lower, upper, sigma, z, side (n,): what is drawn, and what the rules look at; see `find_signals`.

    ongoing (n,): points that are only known to be at least so high, None where there are none.
    """

    value: np.ndarray
    centre: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    sigma: np.ndarray
    z: np.ndarray
    side: np.ndarray
    ongoing: np.ndarray | None = None


def phase_by_phase(
    series: Series, value: np.ndarray, fit: Callable[[np.ndarray, np.ndarray], Phase], few: Callable[[np.ndarray], float]
) -> tuple[np.ndarray, np.ndarray, list[Phase]]:
    """Centre and sigma (n,) of every point, and the phases.

    fit: from the positions of a phase and the mask of those that set its limits to its `Phase`; few: the centre from such positions
    where they are too few for limits.
    """
    centre, sigma = np.full(len(series), np.nan), np.full(len(series), np.nan)
    phases = []
    for code in range(len(series.phase_names)):
        mine = np.flatnonzero(series.phase == code)
        used = series.baseline[mine] & np.isfinite(value[mine])
        count = int(used.sum())
        if count < LEAST:
            words = f"{count} point{'' if count == 1 else 's'} to set them, and {LEAST} are the least"
            middle = np.full(len(mine), few(mine[used]) if count else np.nan)
            phase = Phase(middle, np.full(len(mine), np.nan), np.nan, count, words)
        else:
            phase = fit(mine, used)
        centre[mine], sigma[mine] = phase.centre, phase.sigma
        phases.append(phase)
    return centre, sigma, phases


def _found(series: Series, lines: Lines, rules: Sequence[str]) -> list[tuple[Found, int]]:
    z = lines.z.copy()
    if lines.ongoing is not None:
        # an interval that goes on may yet pass the line that it has not reached: only what it has passed counts
        z[lines.ongoing & ~(lines.side > 0)] = np.nan
    out = []
    for code in range(len(series.phase_names)):
        mine = np.flatnonzero(series.phase == code)
        for found in find_signals(rules, z[mine], lines.side[mine], lines.value[mine]):
            points = tuple(int(mine[k]) for k in found.points)
            out.append((Found(found.rule, points[0], points[-1], points, found.direction), code))
    return out


def assemble(
    kind: str,
    series: Series,
    lines: Lines,
    phases: Sequence[Phase],
    rules: tuple[str, ...],
    reasons: np.ndarray,
    *,
    floor: bool = False,
    extra: Sequence[Caution] = (),
    moving_range: pd.DataFrame | None = None,
) -> ControlChart:
    """The chart. floor: a lower limit may be cut off at zero, and the cautions say where; reasons (n,): of missing values."""
    used = series.baseline & np.isfinite(lines.value)
    if lines.ongoing is not None:
        used &= ~lines.ongoing
    found = _found(series, lines, rules)
    marks: list[list[str]] = [[] for _ in range(len(series))]
    for signal, _ in found:
        if signal.rule not in _WHOLE_PHASE:
            for point in signal.points:
                if signal.rule not in marks[point]:
                    marks[point].append(signal.rule)
    names = np.array(series.phase_names, dtype=object)
    table = pd.DataFrame(
        {
            "time": series.times, "value": lines.value, "centre": lines.centre, "lower": lines.lower, "upper": lines.upper,
            "sigma": lines.sigma, "z": lines.z, "phase": names[series.phase], "used_for_limits": used, "since_go_live": series.since,
            "signal": [",".join(mark) for mark in marks], "reason": reasons,
        }
    )  # fmt: skip
    if lines.ongoing is not None:
        table["open"] = lines.ongoing
    signals = pd.DataFrame(
        [
            {
                "rule": signal.rule, "text": RULE_WORDS[signal.rule], "first": series.times[signal.first], "last": series.times[signal.last],
                "n_points": len(signal.points), "direction": signal.direction, "phase": series.phase_names[code],
                "since_go_live": bool(series.since[signal.last]), "_order": (signal.first, rules.index(signal.rule)),
            }
            for signal, code in found
        ],
        columns=["rule", "text", "first", "last", "n_points", "direction", "phase", "since_go_live", "_order"],
    )  # fmt: skip
    signals = signals.sort_values("_order", kind="stable").drop(columns="_order").reset_index(drop=True)
    limits = pd.DataFrame(
        [
            {
                "phase": name, "first": series.times[series.phase == code][0], "last": series.times[series.phase == code][-1],
                "n_points": int((np.isfinite(lines.value) & (series.phase == code)).sum()), "n_used": phase.n_used,
                "centre": float(lines.centre[series.phase == code][0]), "spread": phase.spread, "reason": phase.reason,
            }
            for code, (name, phase) in enumerate(zip(series.phase_names, phases, strict=True))
        ]
    )  # fmt: skip
    correlation, bound = lag_one(lines.z, used, series.phase)
    cautions = chart_cautions(kind, series, lines.z, lines.side, lines.value, lines.lower, used, phases, rules, (correlation, bound), floor=floor)
    return ControlChart(
        kind, table, signals, limits, rules, series.go_live, moving_range, correlation, bound, (*cautions, *extra)
    )
