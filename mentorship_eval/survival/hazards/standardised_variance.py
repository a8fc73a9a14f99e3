"""Variance of standardised survival curves: delta method, influence functions, leave-one-cluster-out.

All three count the sampling of the persons that are averaged over beside the estimation of the model, so that
the interval is about the population they come from. Model-based: hazard increments and coefficients as in
Tsiatis (1981, Ann Statist 9:93-108), carried over to the average. Influence: the infinitesimal jackknife by row
or cluster, which holds under case weights. Jackknife: refits without each cluster, persons left out alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.hazards.cox_variance import informative_clusters
from mentorship_eval.survival.hazards.hazard_influence import hazard_influence
from mentorship_eval.survival.hazards.leave_out import leave_one_cluster_out
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood
from mentorship_eval.survival.hazards.standardised_curves import Population, Standardised, baseline_sums, standardise, standardise_with_slopes

__all__ = ["CurveVariance", "Persons", "by_influence", "by_jackknife", "model_based"]


@dataclass(frozen=True)
class Persons:
    """Who is averaged over: pattern: (N,) of each person; weight: (N,); cluster: (N,) codes, None when persons have none;
    row: (N,) positions among the fitted rows, None when they are others."""

    pattern: np.ndarray
    weight: np.ndarray
    cluster: np.ndarray | None
    row: np.ndarray | None


@dataclass(frozen=True)
class CurveVariance:
    """covariance: (L, L, T) between levels at each time; clusters: behind it (None: rows are independent);
    informative: clusters that inform on the exposure; lost: codes of clusters without which there is no curve."""

    covariance: np.ndarray
    clusters: int | None = None
    informative: int | None = None
    lost: tuple[int, ...] = ()


def model_based(fit: Fit, population: Population, times: np.ndarray, since: float, strata: int) -> CurveVariance:
    sums = baseline_sums(fit.likelihood, times, since, strata)
    found = standardise_with_slopes(population, fit.coef, sums.hazard)
    covariance = np.einsum("ast,bst,st->abt", found.slope, found.slope, sums.variance)
    gradient = _gradient(found, sums.mean)
    covariance += np.einsum("apt,pq,bqt->abt", gradient, fit.inverse, gradient) + found.spread
    return CurveVariance(covariance)


def _gradient(found: Standardised, mean: np.ndarray) -> np.ndarray:
    """(L, p, T) derivative by the coefficients, the hazards following them."""
    return found.toward + np.einsum("ast,pst->apt", found.slope, mean)


def by_influence(
    fit: Fit, population: Population, persons: Persons, times: np.ndarray, since: float, strata: int, clusters: np.ndarray | None, count: int,
    exposure: np.ndarray,
) -> CurveVariance:
    """``clusters``: (n,) codes of the fitted rows in the risk sets, None for every row by itself; ``count``: of clusters."""
    likelihood, sets = fit.likelihood, fit.likelihood.sets
    sums = baseline_sums(likelihood, times, since, strata)
    found = standardise_with_slopes(population, fit.coef, sums.hazard)
    gradient = _gradient(found, sums.mean)
    residuals = likelihood.score_residuals()
    changes = fit.inverse @ residuals
    group, size = (sets.rows, int(max(sets.rows.max(), -1 if persons.row is None else persons.row.max())) + 1)
    if clusters is not None:
        group, size = clusters, count
    owner = persons.row if clusters is None else persons.cluster
    total = persons.weight.sum()
    levels = len(found.survival)
    covariance = np.zeros((levels, levels, len(times)))
    moments = sets.times
    stratum_of_row = sets.stratum[sets.last - 1]
    risk = np.exp(fit.coef @ population.x)
    factor = np.exp(fit.coef @ population.shift)
    for place, time in enumerate(times):
        own = hazard_influence(likelihood, (moments <= time) & (moments >= since))
        values = np.zeros((levels, size))
        for level in range(levels):
            rows = gradient[level, :, place] @ changes - found.slope[level, stratum_of_row, place] * own
            values[level] = np.bincount(group, rows, size)
            if owner is not None:
                curve = np.exp(-risk * factor[level] * sums.hazard[population.stratum, place])
                drawn = persons.weight * (curve[persons.pattern] - found.survival[level, place]) / total
                values[level] += np.bincount(owner, drawn, size)
        covariance[:, :, place] = values @ values.T
    if owner is None:
        covariance += found.spread
    if clusters is None:
        return CurveVariance(covariance)
    informs = informative_clusters(residuals[exposure], clusters, count).any(axis=1)
    return CurveVariance(covariance, len(np.unique(clusters)), int(informs.sum()))


def by_jackknife(
    fit: Fit, population: Population, persons: Persons, times: np.ndarray, since: float, clusters: np.ndarray, clusters_of_rows: np.ndarray,
    strata_of_rows: np.ndarray, strata: int, raw: np.ndarray, exposure: np.ndarray,
) -> CurveVariance:
    """``clusters``: of the rows in the risk sets; ``clusters_of_rows``, ``strata_of_rows``: of all fitted rows; ``raw``: (p, n)
    booleans, whether a pattern has anything of a covariate; ``exposure``: positions of its coefficients."""
    likelihood, sets = fit.likelihood, fit.likelihood.sets
    count = int(clusters_of_rows.max()) + 1
    residuals = likelihood.score_residuals()
    informs = informative_clusters(residuals, clusters, count)
    moving = np.flatnonzero(informs.any(axis=1))
    coefs = np.tile(fit.coef, (count, 1))
    coefs[moving] = leave_one_cluster_out(fit, residuals, clusters, moving)
    rows = np.bincount(strata_of_rows * count + clusters_of_rows, minlength=strata * count).reshape(strata, count)
    full = standardise(population, fit.coef, baseline_sums(likelihood, times, since, strata, hazard_only=True).hazard)
    present = np.unique(clusters_of_rows)
    estimates = np.full((len(present), full.size), np.nan)
    for place, code in enumerate(present):
        weight = population.weight
        if persons.cluster is not None:
            gone = persons.cluster == code
            weight = weight - np.bincount(persons.pattern[gone], persons.weight[gone], len(weight))
        # nobody is left to say anything of a stratum that was this cluster alone
        bare = rows.sum(axis=1) == rows[:, code]
        weight = np.where(bare[population.stratum], 0.0, np.where(weight > 1e-9 * population.weight, weight, 0.0))
        coef = coefs[code]
        needed = np.array([row[weight > 0].any() for row in raw])
        needed[exposure] = True
        if not weight.any() or np.isnan(coef[needed]).any():
            continue
        without, kept = sets.without(clusters == code)
        if not len(without.dead):
            continue
        coef = np.nan_to_num(coef)
        again = Likelihood.at(without, np.ascontiguousarray(likelihood.x[:, kept]), coef)
        hazard = baseline_sums(again, times, since, strata, hazard_only=True).hazard
        estimates[place] = standardise(population.weighted(weight), coef, hazard).ravel()
    lost = tuple(int(code) for code in present[np.isnan(estimates).any(axis=1)])
    levels = len(full)
    covariance = np.full((levels, levels, len(times)), np.nan)
    if not lost:
        matrix = cluster_jackknife(full.ravel(), estimates).covariance.reshape(levels, len(times), levels, len(times))
        covariance = np.einsum("atbt->abt", matrix)
        if persons.cluster is None:  # they were not left out with the clusters
            sums = baseline_sums(likelihood, times, since, strata, hazard_only=True)
            covariance = covariance + standardise_with_slopes(population, fit.coef, sums.hazard).spread
    return CurveVariance(covariance, len(present), int(informs[:, exposure].any(axis=1).sum()), lost)
