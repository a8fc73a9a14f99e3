"""Baseline hazard of a fitted Cox model, and survival predicted from it.

With Efron ties the hazard steps are Efron's too, so that the prediction agrees with the fit; the
variance adds that of the coefficients (Tsiatis 1981; Therneau & Grambsch 2000, section 10.2). For
weighted or clustered fits it is the infinitesimal jackknife of both together, by row or cluster.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError, listing
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.survival.columns import Groups, snap_to
from mentorship_eval.survival.hazards.hazard_influence import hazard_influence
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood

__all__ = ["baseline_hazard", "predicted_survival"]


def _steps(likelihood: Likelihood) -> np.ndarray:
    return np.bincount(likelihood.sets.pair, likelihood.hazard, likelihood.sets.size)


def baseline_hazard(likelihood: Likelihood, strata: Groups) -> pd.DataFrame:
    sets = likelihood.sets
    steps = _steps(likelihood)
    frame = pd.DataFrame({"stratum": [strata.labels[code] for code in sets.stratum], "time": sets.times, "hazard": steps})
    frame["cumulative_hazard"] = pd.Series(steps).groupby(sets.stratum).cumsum().to_numpy()
    return frame


def predicted_survival(
    fit: Fit, matrix: np.ndarray, labels: list[object], times: np.ndarray, *, strata: Groups, stratum: object, centre: np.ndarray,
    scale: np.ndarray, stop: np.ndarray, ci_level: float, errors: str, clusters: np.ndarray | None, df: float | None,
) -> pd.DataFrame:
    """``errors``: model, robust (by ``clusters`` of all rows, by row for None) or none (a penalised fit); df: of t, None for z."""
    if stratum is None:
        if len(strata) > 1:
            raise UsageError("The model is stratified, so a prediction needs stratum=.", fix=f"The strata are {listing(strata.labels)}.")
        code = 0
    elif stratum in strata.labels:
        code = strata.labels.index(stratum)
    else:
        raise UsageError(f"There is no stratum {stratum!r}.", fix=f"The strata are {listing(strata.labels)}.")
    likelihood = fit.likelihood
    sets = likelihood.sets
    inside = np.flatnonzero(sets.stratum[sets.pair] == code)
    hazard, moments = likelihood.hazard[inside], sets.times[sets.pair[inside]]
    end = stop[strata.codes == code].max()
    times = snap_to(times, np.unique(sets.times))
    upto = np.searchsorted(moments, times, side="right")

    def cumulated(values: np.ndarray) -> np.ndarray:
        return np.concatenate((np.zeros((len(values), 1)), np.cumsum(values, axis=1)), axis=1)[:, upto]

    x = (matrix - centre[:, [code]]) / scale[:, np.newaxis]
    sums = cumulated(np.concatenate((np.stack((hazard, hazard**2 / sets.pair_weight[inside])), hazard * likelihood.mean[:, inside])))
    critical = critical_value(ci_level, df)
    # (persons, p, T): how the log survival of a person of risk 1 moves with the coefficients, the hazard following them
    drifts = sums[np.newaxis, 2:] - x.T[:, :, np.newaxis] * sums[0]
    if errors == "robust":
        spreads = _robust_spreads(fit, drifts, code, times, clusters)
    else:
        spreads = np.sqrt(sums[1] + np.einsum("ipk,pq,iqk->ik", drifts, fit.inverse, drifts))
    frames = []
    for column, label, spread in zip(x.T, labels, spreads, strict=True):
        relative = np.exp(fit.coef @ column)
        log_survival, se = -relative * sums[0], relative * spread
        survival = np.exp(log_survival)
        low, high = np.exp(log_survival - critical * se), np.minimum(np.exp(log_survival + critical * se), 1.0)
        frame = pd.DataFrame({"row": label, "time": times, "survival": survival, "se": survival * se, "ci_low": low, "ci_high": high})
        frame["reason"] = "no standard error for a penalised fit" if errors == "none" else ""
        if errors == "none":
            frame[["se", "ci_low", "ci_high"]] = np.nan
        beyond = times > end
        frame.loc[beyond, ["survival", "se", "ci_low", "ci_high"]] = np.nan
        frame.loc[beyond, "reason"] = f"beyond follow-up, which ends at {end:g}"
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _robust_spreads(fit: Fit, drifts: np.ndarray, code: int, times: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """(persons, T) root of the summed squares of the influences, by cluster of all rows or by row."""
    likelihood = fit.likelihood
    sets = likelihood.sets
    groups = np.arange(len(sets.rows)) if clusters is None else clusters[sets.rows]
    changes = np.array([np.bincount(groups, row) for row in fit.inverse @ likelihood.score_residuals()])
    here = sets.stratum == code
    found = np.empty((len(drifts), len(times)))
    for place, time in enumerate(times):
        own = np.bincount(groups, hazard_influence(likelihood, here & (sets.times <= time)))
        found[:, place] = np.sqrt(((drifts[:, :, place] @ changes - own) ** 2).sum(axis=1))
    return found
