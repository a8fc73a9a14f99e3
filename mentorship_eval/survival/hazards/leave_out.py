"""Cox coefficients without each cluster in turn, also where some of them cease to exist.

Without a cluster a coefficient can be lost in two ways: the covariate no longer varies in any risk
set apart from others (no information), or the likelihood rises without end (separation). Either may
befall a calendar quarter while the coefficient of interest stays well defined; so each coefficient is
judged by itself.
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood, maximise
from mentorship_eval.survival.hazards.risk_sets import RiskSets

__all__ = ["leave_one_cluster_out", "refits_without", "scores_by_cluster"]

REFITTED = 1e-9  # refits need not be polished: this is a billionth of a standard error
COLLINEAR = 1e-10  # share of its information that a term keeps beside the terms before it
AT_REST = 1e-3  # standard errors: a coefficient that still moves by more runs away with the others


def scores_by_cluster(residuals: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """(p, G) summed score residuals of each cluster."""
    return np.array([np.bincount(clusters, row) for row in residuals])


def leave_one_cluster_out(fit: Fit, residuals: np.ndarray, clusters: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """`refits_without` from the (p, n) score residuals of the rows."""
    return refits_without(fit, scores_by_cluster(residuals, clusters), clusters, informative)


def refits_without(fit: Fit, scores: np.ndarray, clusters: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """(len(informative), p) coefficients without each of the ``informative`` clusters (codes), from their (p, G) scores.

    NaN where the coefficient does not exist without the cluster. A refit starts where one step leads.
    """
    from mentorship_eval.survival.hazards.batched_refits import refit_in_batches  # late, for it loads scipy.sparse

    likelihood = fit.likelihood
    spread = np.sqrt(np.diag(fit.inverse))
    begin = (fit.coef[:, np.newaxis] - fit.inverse @ scores[:, informative]).T
    estimates = refit_in_batches(likelihood.sets, likelihood.x, clusters, informative, begin, REFITTED)
    for row in np.flatnonzero(np.isnan(estimates).any(axis=1)):
        sets, kept = likelihood.sets.without(clusters == informative[row])
        if not len(sets.dead):
            continue
        x = np.ascontiguousarray(likelihood.x[:, kept])
        chosen, determined = _determined(Likelihood.at(sets, x, np.zeros(len(x))).information(), len(sets.dead))
        if len(chosen) == len(x):  # otherwise Newton's method would converge to rounding, not to an estimate
            again = maximise(sets, x, begin[row], REFITTED)
            if again is not None and again.runaway is None:
                estimates[row] = again.coef
                continue
        estimates[row] = _what_remains(sets, x, chosen, determined, spread)
    return estimates


def _what_remains(sets: RiskSets, x: np.ndarray, chosen: np.ndarray, determined: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(p,) the coefficients that exist although others do not, the rest NaN.

    Terms without information of their own are taken out, which changes nothing for those that are
    determined. Where others run away, the likelihood is followed until it is flat: what no longer
    moves then has reached its limit (Albert & Anderson 1984, Biometrika 71:1-10, for the logistic case).
    """
    found = np.full(len(x), np.nan)
    if not len(chosen):
        return found
    again = maximise(sets, np.ascontiguousarray(x[chosen]), np.zeros(len(chosen)), REFITTED)
    if again is None:
        return found
    resting = np.full(len(chosen), True)
    if again.runaway is not None:
        resting = np.abs(again.inverse @ again.likelihood.score()) < AT_REST * spread[chosen]
    found[chosen[resting]] = again.coef[resting]
    found[~determined] = np.nan
    return found


def _determined(information: np.ndarray, events: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a largest set of terms none of which is a combination of the others, and (p,)
    whether each coefficient is determined: whether it is the same however that set is chosen."""
    size = len(information)
    own = np.diag(information)
    informed = own > 1e-12 * events
    left, chosen = information.copy(), []
    for j in range(size):
        if informed[j] and left[j, j] > COLLINEAR * own[j]:
            chosen.append(j)
            left = left - np.outer(left[:, j], left[j]) / left[j, j]
    kept = np.array(chosen, dtype=np.intp)
    determined = informed & np.isin(np.arange(size), kept)
    for j in map(int, np.flatnonzero(informed & ~determined)):
        # term j is a combination of the kept ones with these weights, so none of them is determined
        weights = np.linalg.solve(information[np.ix_(kept, kept)], information[kept, j])
        determined[kept[np.abs(weights) * np.sqrt(own[kept]) > 1e-6 * np.sqrt(own[j])]] = False
    return kept, determined
