"""What a drift of the treated units' untreated rate would do to a rate ratio, and which drift the time before adoption shows.

Suppose that without treatment the log rate of the treated units drifts by delta a period more than that of their controls. If
it does so from the last untreated period on, the fit on untreated cells is as it was and every expected count is multiplied
by exp(delta * periods since the last untreated one). If it always did, the drift is an offset of the fit. Both are done in every
refit of the jackknife too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.drift import drift_before
from mentorship_eval.did.sensitivity.count_source import Source, sums_without
from mentorship_eval.did.sensitivity.count_study import CountStudy
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["Drift", "Seen", "drifted", "drifted_throughout", "largest_step", "seen", "trend_seen", "turning"]


@dataclass(frozen=True)
class Drift:
    """Log ratio, its standard error and limits under one drift."""

    log_ratio: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Seen:
    """A drift of the log rate per period seen before adoption, with limits; between: the event times that it is about."""

    value: float
    se: float
    low: float
    high: float
    between: tuple[float, float]


def _limits(log_ratio: np.ndarray, ci_level: float) -> Drift:
    """From log ratios (1 + G,), all clusters first, by the jackknife."""
    jackknife = cluster_jackknife(log_ratio[0], log_ratio[1:])
    half = critical_value(ci_level, jackknife.df) * float(jackknife.se[0]) if jackknife.df >= 1 else np.nan
    centre = float(log_ratio[0])
    return Drift(centre, float(jackknife.se[0]), centre - half, centre + half)


def drifted(study: CountStudy, delta: float, ci_level: float) -> Drift:
    """The ratio when the untreated rate of the treated drifts by ``delta`` (log rate per period) from the last untreated period on."""
    # the largest factor is taken out: steep drifts over many periods would overflow
    shift = float((delta * study.steps).max())
    moved = study.expected @ np.exp(delta * study.steps - shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _limits(np.log(study.observed.sum(axis=1)) - np.log(moved) - shift, ci_level)


def drifted_throughout(source: Source, delta: float, ci_level: float) -> Drift:
    """The ratio when the treated units' untreated rate drifts by ``delta`` per period before adoption and after it alike.

    The drift enters every fit as an offset: unit effects then sit at the mean of the untreated periods, and period effects
    no longer take up what units not yet treated share.
    """
    panel, target = source.panel, source.targets.target
    factor = np.where(source.treated[:, None], np.exp(delta * (panel.position - panel.position.mean()))[None, :], 1.0)
    moved = replace(source, panel=replace(panel, exposure=panel.exposure * factor))
    observed, expected = sums_without(moved, source.targets.untreated, target, np.ones((int(target.sum()), 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _limits(np.log(observed[:, 0]) - np.log(expected[:, 0]), ci_level)


def turning(at: Callable[[float], Drift], *, limit: bool, tolerance: float = 1e-7) -> float:
    """The drift nearest to 0 at which the confidence limit (``limit``) or the estimate reaches a ratio of 1, by regula falsi.

    at : the ratio under a drift. NaN when the interval contains 1 already, does not exist, or no drift turns it.
    """
    now = at(0.0)
    if not np.isfinite(now.log_ratio) or (limit and not (now.high < 0 or now.low > 0)):
        return np.nan
    below = now.log_ratio < 0

    def gap(delta: float) -> float:
        there = at(delta)
        return there.log_ratio if not limit else there.high if below else there.low

    # fewer events expected (a negative drift) raises the ratio
    near, far = 0.0, -0.01 if below else 0.01
    gap_near, gap_far = gap(near), gap(far)
    while gap_near * gap_far > 0:
        near, gap_near, far = far, gap_far, 2 * far
        if abs(far) > 10:
            return np.nan
        gap_far = gap(far)
    if not np.isfinite(gap_far):
        return np.nan
    side = 0
    for _ in range(60):
        # Illinois: the end that stays put counts half, so that both ends close in
        middle = (near * gap_far - far * gap_near) / (gap_far - gap_near)
        value = gap(middle)
        if abs(value) < tolerance or abs(far - near) < 1e-9:
            return float(middle)
        if value * gap_far > 0:
            far, gap_far = middle, value
            gap_near, side = (gap_near / 2 if side == -1 else gap_near), -1
        else:
            near, gap_near = middle, value
            gap_far, side = (gap_far / 2 if side == 1 else gap_far), 1
    return float(middle)


def trend_seen(source: Source, ci_level: float) -> Seen | None:
    """Difference in linear trend per period between units that are treated some time and the others, in untreated cells: the same number as
    under the event study (`drift_before`). None when every unit is treated some time: such a drift is then part of the period effects.
    """
    found = drift_before(source.panel, source.targets.untreated, source.fit, source.informative, ci_level)
    return None if found is None else Seen(found.value, found.se, found.low, found.high, found.between)


def seen(values: np.ndarray, ci_level: float, between: tuple[float, float]) -> Seen:
    jackknife = cluster_jackknife(values[0], values[1:])
    half = critical_value(ci_level, jackknife.df) * float(jackknife.se[0]) if jackknife.df >= 1 else np.nan
    return Seen(float(values[0]), float(jackknife.se[0]), float(values[0] - half), float(values[0] + half), between)


def largest_step(study: CountStudy, ci_level: float) -> Seen | None:
    """The largest step between neighbouring bins before adoption, per period; chosen because it is the largest, so too large on average."""
    before = np.flatnonzero(study.bins < 0)
    if len(before) < 2:
        return None
    steps = np.diff(study.violation[:, before], axis=1) / np.diff(study.middle[before])
    at = int(np.abs(steps[0]).argmax())
    return seen(steps[:, at], ci_level, (float(study.first[before[at]]), float(study.last[before[at + 1]])))
