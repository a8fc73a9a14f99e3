"""How each row moves the baseline hazard: the infinitesimal jackknife of Breslow's and Efron's estimators.

The derivative by a case weight of sum_k w_k / S0_k, steps of tied events taken apart as in the partial likelihood
(Reid & Crepeau 1985, Biometrika 72:1-9; Lin & Wei 1989, JASA 84:1074-1078).
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.survival.hazards.partial_likelihood import Likelihood

__all__ = ["hazard_influence"]


def hazard_influence(likelihood: Likelihood, counted: np.ndarray) -> np.ndarray:
    """(n,) influence of each row, times its weight, on the hazard cumulated over the ``counted`` event times (K,)
    of its stratum, at fixed coefficients. With d the influence on the coefficients and q the cumulated hazard times mean
    covariates, the influence at the fitted coefficients is this less q'd."""
    sets = likelihood.sets
    steps = np.bincount(sets.pair, minlength=sets.size)
    inverse = np.where(counted[sets.pair], likelihood.hazard / sets.pair_weight, 0.0)
    increments = np.bincount(sets.pair, likelihood.hazard * inverse, sets.size)
    cumulated = sets.over_time_at_risk(increments[np.newaxis])[0]
    if sets.tied:
        cumulated[sets.dead] -= np.bincount(sets.pair, likelihood.hazard * inverse * sets.fraction, sets.size)[sets.at]
    own = -likelihood.risk * cumulated
    # an event adds its weight in equal parts to the steps of its time
    own[sets.dead] += sets.weight[sets.dead] * (np.bincount(sets.pair, inverse, sets.size) / np.maximum(steps, 1))[sets.at]
    return own
