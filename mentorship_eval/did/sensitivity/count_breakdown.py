"""How large a violation of parallel trends would turn a rate ratio: the breakdown values of `poisson_imputation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.did.sensitivity.breakdown_result import CountBreakdown
from mentorship_eval.did.sensitivity.count_drift import drifted, drifted_throughout, largest_step, trend_seen, turning
from mentorship_eval.did.sensitivity.count_source import Source, source_of
from mentorship_eval.did.sensitivity.count_study import CountStudy, count_study
from mentorship_eval.did.sensitivity.honest import honest_bounds
from mentorship_eval.did.sensitivity.honest_result import HonestBounds
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Caution

__all__ = ["breakdown"]


def _relative(study: CountStudy, at: Sequence[float], ci_level: float) -> tuple[HonestBounds | None, str]:
    """Relative-magnitude bounds of the mean log ratio after adoption, with the bin before adoption as base; or why there are none."""
    before, after = study.bins < 0, study.bins >= 0
    if before.sum() < 2 or not after.any():
        return None, (
            f"{int(before.sum())} usable bins of {study.width} periods before adoption and {int(after.sum())} after it: a step between two "
            f"bins before adoption is needed to measure violations by")
    base = int(before.sum()) - 1
    turn = np.delete(np.eye(len(study.bins)), base, axis=0)
    turn[:, base] = -1.0
    weights = study.expected_in_bin[after] / study.expected_in_bin[after].sum()
    try:
        bounds = honest_bounds(
            turn @ study.violation[0], turn @ study.covariance @ turn.T, pre=base, post=int(after.sum()), weights=weights, at=at,
            ci_level=ci_level, df=study.df)
    except EstimationError as error:
        return None, error.problem.rstrip(".")
    return bounds, ""


def _cautions(source: Source, clusters_treated: int) -> tuple[Caution, ...]:
    notes = [Caution(
        "no_base_period",
        "The placebo ratios before adoption have no base period: each compares its bin with the other untreated periods of the same units "
        "(put here on the scale of the distance from all of them), so that a level is not to be read from them, only steps between bins. "
        "Relative magnitudes count violations from the last bin before adoption, which is therefore subtracted from every other: its own "
        "sampling error is part of that estimate, and of the largest step before adoption.")]
    if source.treated.all():
        notes.append(Caution(
            "common_drift_unseen",
            "Every unit is treated in the end: a drift that all of them share over time since adoption cannot be told from the course of "
            "time itself. Neither the placebo ratios nor a fitted trend can show it, and one that began before adoption does not move "
            "the estimate."))
    if clusters_treated < FEW_TREATED:
        notes.append(Caution(
            "few_treated", f"Fewer than {FEW_TREATED} treated units or clusters: no interval is given, and only the drift that turns the estimate.",
            {"treated": clusters_treated}))
    return tuple(notes)


def breakdown(
    fit: PoissonImputation, *, panel: pd.DataFrame, width: int | None = None, at: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
    drifts: Sequence[float] | None = None,
) -> CountBreakdown:
    """How far the treated units' untreated rate would have to part from that of their controls to turn the result.

    Parameters
    ----------
    fit : what `poisson_imputation` returned; panel : the frame that it was given.
    width : periods in a bin of event time for what is compared with the time before adoption; by default the smallest that
        leaves at most eight bins, and three clusters for each, chosen by dates alone.
    at : values of Mbar to give intervals for: steps after adoption as large as the largest before it, times Mbar.
    drifts : drifts (log rate per period) to give the ratio under; by default nine up to beyond the breakdown value.

    Returns
    -------
    CountBreakdown. For a drift from adoption on nothing is refitted: expected counts are multiplied by exp(drift * periods since
    the last untreated one), in every refit of the jackknife too. A drift that began before adoption is an offset of the fit.
    Every bin and every trial of the latter needs a refit for each cluster, one by one.

    Raises
    ------
    UsageError : a panel other than that of the fit; width below 1.
    """
    if width is not None and (width < 1 or width != int(width)):
        raise UsageError(f"width is {width}.", fix="Give a number of periods, 1 or more.")
    source = source_of(fit, panel)
    study = count_study(source, width=width)
    ci_level = fit.irr.ci_level
    known = bool(np.isfinite(fit.irr.ci_low))
    limit = turning(lambda delta: drifted(study, delta, ci_level), limit=True) if known else np.nan
    point = turning(lambda delta: drifted(study, delta, ci_level), limit=False)
    always = np.nan
    if np.isfinite(limit) and not source.treated.all():
        always = turning(lambda delta: drifted_throughout(source, delta, ci_level), limit=True, tolerance=1e-4)
    reach = limit if np.isfinite(limit) else point if np.isfinite(point) else 0.01
    grid = np.linspace(-1.5, 1.5, 9) * abs(reach) if drifts is None else np.asarray(drifts, dtype=float)
    rows = [(delta, drifted(study, float(delta), ci_level)) for delta in grid]
    limits = [(np.exp(d.low), np.exp(d.high)) if known else (np.nan, np.nan) for _, d in rows]
    curve = pd.DataFrame({
        "drift": grid, "rate_factor_per_period": np.exp(grid), "ratio": [np.exp(d.log_ratio) for _, d in rows], "se": [d.se for _, d in rows],
        "ci_low": [low for low, _ in limits], "ci_high": [high for _, high in limits],
    })
    relative, note = _relative(study, at, ci_level) if known else (None, f"fewer than {FEW_TREATED} treated units or clusters")
    clusters_treated = len(np.unique(source.panel.cluster[source.targets.target.any(axis=1)]))
    return CountBreakdown(
        irr=fit.irr, drift=limit, drift_of_estimate=point, drift_throughout=always, trend_seen=trend_seen(source, ci_level),
        largest_step_seen=largest_step(study, ci_level), relative=relative, relative_note=note, curve=curve, bins=study.table,
        width=study.width, warnings=_cautions(source, clusters_treated),
    )
