"""Charts of single measurements: XmR, individuals and their moving ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.spc.assemble import Lines, assemble, phase_by_phase
from mentorship_eval.spc.limits import D4, Phase, sigma_of_ranges
from mentorship_eval.spc.result import ControlChart
from mentorship_eval.spc.rules import rules_of
from mentorship_eval.spc.series import Series, column, series_of

__all__ = ["individuals_fit", "xmr_chart"]


def individuals_fit(series: Series, value: np.ndarray, *, screened: bool) -> tuple[np.ndarray, np.ndarray, list[Phase]]:
    """Centre and sigma of every point: the mean, and the mean moving range over 1.128 (three sigma are 2.66 of them)."""

    def fit(rows: np.ndarray, used: np.ndarray) -> Phase:
        sigma, spread = sigma_of_ranges(value[rows][series.baseline[rows]], screened=screened)
        centre = np.full(len(rows), float(value[rows][used].mean()))
        if not sigma > 0:
            words = "neighbouring points that would set them do not differ" if sigma == 0 else "too few neighbouring points would set them"
            return Phase(centre, np.full(len(rows), np.nan), np.nan, int(used.sum()), words)
        return Phase(centre, np.full(len(rows), sigma), spread, int(used.sum()))

    return phase_by_phase(series, value, fit, lambda rows: float(value[rows].mean()))


def xmr_chart(
    data: pd.DataFrame,
    *,
    value: str,
    time: str,
    baseline: int | tuple[Any, Any] | None = None,
    go_live: Any = None,
    phases: Any = None,
    exclude: Sequence[Any] = (),
    rules: str | Sequence[str] = "anhoej",
    screened: bool = False,
    least: float = -np.inf,
) -> ControlChart:
    """Individuals chart with limits at mean ± 2.66 mean moving ranges; the moving ranges, with their limit at 3.267 of
    them, are in ``.moving_range`` (Wheeler; Montgomery; the chart of NHS England's Making Data Count).

    value: one measurement a period, missing for a gap. least: the lowest value that can occur (0 for durations), where a lower limit
    is cut off. The rest as in `u_chart`.
    """
    ordered, series = series_of(data, time, baseline=baseline, phases=phases, go_live=go_live, exclude=exclude)
    points = column(ordered, value, "the measurement")
    centre, sigma, phases_ = individuals_fit(series, points, screened=screened)
    with np.errstate(invalid="ignore"):
        z = (points - centre) / sigma
        lower, upper = np.maximum(centre - 3 * sigma, least), centre + 3 * sigma
    lines = Lines(points, centre, lower, upper, sigma, z, np.sign(np.round(z, 9)))
    reasons = np.where(np.isfinite(points), "", "no value given")
    return assemble("XmR", series, lines, phases_, rules_of(rules), reasons, moving_range=_ranges(series, points, phases_))


def _ranges(series: Series, points: np.ndarray, phases: Sequence[Phase]) -> pd.DataFrame:
    """Moving ranges with centre and upper limit; the first of a phase has none."""
    ranges = np.concatenate([[np.nan], np.abs(np.diff(points))])
    ranges[1:][series.phase[1:] != series.phase[:-1]] = np.nan
    spread = np.array([phase.spread for phase in phases])[series.phase]
    upper = D4 * spread
    beyond = np.where(np.isfinite(ranges) & np.isfinite(upper), ranges > upper * (1 + 1e-9), False)
    signal = np.where(beyond, "beyond_limits", "")
    return pd.DataFrame({"time": series.times, "value": ranges, "centre": spread, "upper": upper, "signal": signal})
