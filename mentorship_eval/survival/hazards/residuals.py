"""Residuals of a fitted Cox model, aligned with the rows of the data or with the events.

Formulas: Therneau & Grambsch (2000), Modeling Survival Data, chapters 4 and 7; Schoenfeld (1982,
Biometrika 69:239-241). Ties follow the fit: with Efron's, tied events leave the risk set step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError, listing
from mentorship_eval.survival.hazards.partial_likelihood import Likelihood

if TYPE_CHECKING:
    from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["KINDS", "contrasts_by_stratum", "martingale", "residual_frame", "schoenfeld", "time_at_risk_sums"]

KINDS = ("schoenfeld", "scaled_schoenfeld", "martingale", "deviance", "score", "dfbeta", "dfbetas")


def martingale(likelihood: Likelihood) -> np.ndarray:
    """(n,) events less expected events of each row of the risk sets, without its case weight."""
    sets = likelihood.sets
    increments = np.bincount(sets.pair, likelihood.hazard, sets.size)
    cumulated = sets.over_time_at_risk(increments[np.newaxis])[0]
    if sets.tied:
        cumulated[sets.dead] -= np.bincount(sets.pair, likelihood.hazard * sets.fraction, sets.size)[sets.at]
    residuals = -cumulated * likelihood.risk / sets.weight
    residuals[sets.dead] += 1.0
    return residuals


def time_at_risk_sums(likelihood: Likelihood) -> np.ndarray:
    """(1 + p, n) for each row the sums over its time at risk of the hazard, and of the hazard times the mean covariates."""
    sets = likelihood.sets
    increments = np.concatenate((likelihood.hazard[np.newaxis], likelihood.hazard * likelihood.mean))

    def per_time(values: np.ndarray) -> np.ndarray:
        return np.array([np.bincount(sets.pair, row, sets.size) for row in values])

    sums = sets.over_time_at_risk(per_time(increments))
    if sets.tied:
        sums[:, sets.dead] -= per_time(increments * sets.fraction)[:, sets.at]
    return sums


def schoenfeld(likelihood: Likelihood) -> np.ndarray:
    """(p, D) covariates of each event (in the order of ``sets.dead``) less the mean of its risk set."""
    sets = likelihood.sets
    steps = np.bincount(sets.pair, minlength=sets.size)
    mean = np.array([np.bincount(sets.pair, row, sets.size) for row in likelihood.mean]) / np.maximum(steps, 1)
    return likelihood.x[:, sets.dead] - mean[:, sets.at]


def contrasts_by_stratum(likelihood: Likelihood) -> np.ndarray:
    """(p, strata) booleans: does the covariate vary in any risk set of the stratum?"""
    sets, x = likelihood.sets, likelihood.x
    count = int(sets.stratum.max()) + 1
    found = np.zeros((len(x), count), dtype=bool)
    for j, row in enumerate(x):
        sums = sets.total_at_risk(np.stack((likelihood.risk, likelihood.risk * row, likelihood.risk * row**2)))
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = sums[2] / sums[0] - (sums[1] / sums[0]) ** 2
        varies = spread > 1e-10 * np.maximum(1.0, np.abs(row).max()) ** 2
        found[j] = np.bincount(sets.stratum, varies, count) > 0
    return found


def residual_frame(result: CoxResult, kind: str, collapse: Any = None, weighted: bool | None = None) -> pd.DataFrame:
    """The frame behind `CoxResult.residuals`."""
    if kind not in KINDS:
        raise UsageError(f"There are no residuals {kind!r}.", fix=f"Use one of {', '.join(KINDS)}.")
    if kind in ("schoenfeld", "scaled_schoenfeld"):
        if collapse is not None:
            raise UsageError("Schoenfeld residuals belong to events, not to rows.", fix="Leave collapse= out.")
        return _by_event(result, kind == "scaled_schoenfeld", bool(weighted))
    likelihood, scale = result._fit.likelihood, result._scale
    if kind in ("martingale", "deviance"):
        values, names = martingale(likelihood)[np.newaxis], [kind]
    else:
        # score_residuals carry the case weights and belong to the standardised covariates
        values = likelihood.score_residuals() / likelihood.sets.weight
        if kind == "score":
            values = values * scale[:, np.newaxis]
        else:
            values = (result._fit.inverse @ values) / scale[:, np.newaxis]
            if kind == "dfbetas":
                values = values / np.sqrt(np.diag(result.model_covariance))[:, np.newaxis]
        names = list(result._design.terms)
    if weighted if weighted is not None else kind in ("dfbeta", "dfbetas"):
        values = values * likelihood.sets.weight
    # A row that is at risk at no event time leaves the sums as they are; one of weight 0 took no part.
    everywhere = np.zeros((len(values), result.n))
    everywhere[:, result._weight == 0] = np.nan
    everywhere[:, likelihood.sets.rows] = values
    events = result._event.astype(float)
    index: pd.Index = result._index
    if collapse is not None:
        codes, index = _collapsing(result, collapse)
        everywhere = np.array([np.bincount(codes, np.nan_to_num(row), len(index)) for row in everywhere])
        events = np.bincount(codes, np.where(result._weight > 0, events, 0.0), len(index))
    if kind == "deviance":
        everywhere = _deviance(everywhere, events)
    return pd.DataFrame(everywhere.T, index=index, columns=names)


def _deviance(residuals: np.ndarray, events: np.ndarray) -> np.ndarray:
    """For several events of a person the deviance of a Poisson count, which is the usual one for 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.where(events > 0, events * np.log((events - residuals) / np.where(events > 0, events, 1.0)), 0.0)
        return np.sign(residuals) * np.sqrt(np.maximum(-2 * (residuals + logarithm), 0.0))


def _collapsing(result: CoxResult, collapse: Any) -> tuple[np.ndarray, pd.Index]:
    if isinstance(collapse, str):
        if collapse != "cluster":
            raise UsageError(f"collapse={collapse!r} is not known.", fix="Use 'cluster', or give the group of every row.")
        if result._clusters is None:
            raise UsageError("The model was fitted without cluster=.", fix="Give the group of every row as collapse=.")
        return result._clusters.codes, pd.Index(result._clusters.labels)
    groups = np.asarray(collapse)
    if groups.shape != (result.n,):
        raise UsageError(f"collapse has {groups.size:,} values for {result.n:,} rows.", fix="Give one group per row of the data.")
    if pd.isna(groups).any():
        raise UsageError("collapse has missing values.", fix="Give every row a group.")
    codes, labels = pd.factorize(groups, sort=True)
    return codes.astype(np.intp), pd.Index(labels)


def _by_event(result: CoxResult, scaled: bool, weighted: bool) -> pd.DataFrame:
    likelihood, scale = result._fit.likelihood, result._scale
    sets, terms = likelihood.sets, list(result._design.terms)
    values = schoenfeld(likelihood)
    if weighted:
        values = values * sets.weight[sets.dead]
    if scaled:
        values = (result._fit.inverse @ values * len(sets.dead) + result._fit.coef[:, np.newaxis]) / scale[:, np.newaxis]
    else:
        values = values * scale[:, np.newaxis]
    rows = sets.rows[sets.dead]
    place = sets.at
    order = np.lexsort((rows, place))
    moment = place[order]
    frame = pd.DataFrame({
        "row": result._index[rows[order]], "stratum": [result._strata.labels[code] for code in sets.stratum[moment]],
        "time": sets.times[moment],
    })
    clashing = [term for term in terms if term in frame.columns]
    if clashing:
        raise UsageError(f"Covariate {listing(map(repr, clashing))} has the name of a column of this frame.", fix="Rename the covariate.")
    return pd.concat([frame, pd.DataFrame(values[:, order].T, columns=terms)], axis=1)
