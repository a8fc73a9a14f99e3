"""Survival averaged over a population under each level of an exposure, from a Cox likelihood.

For level a, S_a(t) is the weighted mean over persons i of exp(-H_s(t) exp(b' x_i(a))), where s is the person's
stratum and x_i(a) the covariates with the exposure set to a (the g-formula for a fixed exposure: Robins 1986;
Makuch 1982, J Chronic Dis 35:437-443; Hernan & Robins 2020, chapters 13 and 17).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mentorship_eval.survival.hazards.partial_likelihood import Likelihood

__all__ = ["BaselineSums", "Population", "Standardised", "baseline_sums", "compress", "standardise", "standardise_with_slopes"]

AT_ONCE = 65_536  # numbers in one block of persons by times: more would not fit the processor's cache


@dataclass(frozen=True)
class Population:
    """Persons as covariate patterns, ordered by stratum.

    weight, square: (n,) sums over the persons of a pattern of their weights and of the squares; stratum: (n,) codes;
    x: (p, n) standardised covariates with the exposure at its first level; shift: (p, L) what each level adds to it.
    """

    weight: np.ndarray
    square: np.ndarray
    stratum: np.ndarray
    x: np.ndarray
    shift: np.ndarray

    def weighted(self, weight: np.ndarray) -> Population:
        """The same patterns with other weights (without some persons)."""
        return replace(self, weight=weight)

    def blocks(self, times: int) -> list[slice]:
        """Runs of patterns of one stratum, short enough for an array of patterns by times."""
        bounds = np.flatnonzero(np.concatenate(([True], self.stratum[1:] != self.stratum[:-1], [True])))
        length = max(1, AT_ONCE // max(times, 1))
        return [slice(at, min(at + length, end)) for begin, end in pairwise(bounds.tolist()) for at in range(begin, end, length)]


def compress(stratum: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of one person per pattern of stratum and (p, n) covariates, ordered by stratum, and (n,) each person's pattern."""
    code = stratum
    for row in x:
        code = code * (int(row.size) + 1) + np.unique(row, return_inverse=True)[1]
        found, code = np.unique(code, return_inverse=True)
        if len(found) > 0.8 * len(code):  # nothing worth the while is shared
            order = np.argsort(stratum, kind="stable")
            place = np.empty_like(order)
            place[order] = np.arange(len(order))
            return order, place
    _, first, pattern = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(stratum[first], kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[pattern]


@dataclass(frozen=True)
class BaselineSums:
    """Per stratum and asked time, over the events from ``since`` on: hazard (S, T) of the mean covariates, its
    own variance (S, T), and mean: (p, S, T) sums of hazard times the mean covariates of the risk set."""

    hazard: np.ndarray
    variance: np.ndarray
    mean: np.ndarray


def baseline_sums(likelihood: Likelihood, times: np.ndarray, since: float, strata: int, hazard_only: bool = False) -> BaselineSums:
    sets = likelihood.sets
    rows = [likelihood.hazard[np.newaxis]]
    if not hazard_only:
        rows += [(likelihood.hazard**2 / sets.pair_weight)[np.newaxis], likelihood.hazard * likelihood.mean]
    values = np.concatenate(rows)
    sums = np.zeros((len(values), strata, len(times)))
    moments = sets.times[sets.pair]
    for begin, end in sets.blocks:
        low, high = np.searchsorted(sets.pair, (begin, end))
        here = moments[low:high]
        upto = np.searchsorted(here, times, side="right")
        cumulated = np.concatenate((np.zeros((len(values), 1)), np.cumsum(values[:, low:high], axis=1)), axis=1)
        before = cumulated[:, [int(np.searchsorted(here, since, side="left"))]]
        sums[:, sets.stratum[begin]] = np.maximum(cumulated[:, upto] - before, 0.0) if hazard_only else cumulated[:, upto] - before
    return BaselineSums(sums[0], sums[1] if not hazard_only else sums[0], sums[2:])


@dataclass(frozen=True)
class Standardised:
    """survival: (L, T); slope: (L, S, T) minus the derivative by each stratum's cumulative hazard; toward: (L, p, T)
    derivative by the coefficients at fixed hazards; spread: (L, L, T) covariance of the averages that comes from
    drawing the persons."""

    survival: np.ndarray
    slope: np.ndarray
    toward: np.ndarray
    spread: np.ndarray


def standardise(population: Population, coef: np.ndarray, hazard: np.ndarray) -> np.ndarray:
    """(L, T) survival averaged over the population for the (S, T) cumulative hazards."""
    total = population.weight.sum()
    levels, times = population.shift.shape[1], hazard.shape[1]
    survival = np.zeros((levels, times))
    risk = np.exp(coef @ population.x)
    factor = np.exp(coef @ population.shift)
    for block in population.blocks(times):
        weight = population.weight[block]
        if not weight.any():
            continue
        exponent = -risk[block, np.newaxis] * hazard[population.stratum[block.start]]
        curve = np.empty_like(exponent)
        for level in range(levels):
            np.exp(np.multiply(exponent, factor[level], out=curve), out=curve)
            survival[level] += weight @ curve
    return survival / total


def standardise_with_slopes(population: Population, coef: np.ndarray, hazard: np.ndarray) -> Standardised:
    """As `standardise`, with what the delta method needs."""
    total = population.weight.sum()
    levels, times = population.shift.shape[1], hazard.shape[1]
    survival, squared = np.zeros((levels, times)), np.zeros((levels, times))
    slope, toward = np.zeros((levels, len(hazard), times)), np.zeros((levels, len(coef), times))
    products = np.zeros((levels, levels, times))
    risk = np.exp(coef @ population.x)
    factor = np.exp(coef @ population.shift)
    for block in population.blocks(times):
        stratum, weight, square = population.stratum[block.start], population.weight[block] / total, population.square[block] / total**2
        curves = [np.exp(-(risk[block] * one)[:, np.newaxis] * hazard[stratum]) for one in factor]
        for level, curve in enumerate(curves):
            survival[level] += weight @ curve
            squared[level] += square @ curve
            weighted = (weight * risk[block] * factor[level])[:, np.newaxis] * curve
            lost = weighted.sum(axis=0)
            slope[level, stratum] += lost
            toward[level] -= (population.x[:, block] @ weighted + population.shift[:, [level]] * lost) * hazard[stratum]
            for other in range(level + 1):
                products[level, other] += square @ (curve * curves[other])
    share = population.square.sum() / total**2
    spread = np.zeros_like(products)
    for level in range(levels):
        for other in range(level + 1):
            centred = products[level, other] - survival[level] * squared[other] - survival[other] * squared[level]
            spread[level, other] = spread[other, level] = centred + survival[level] * survival[other] * share
    return Standardised(survival, slope, toward, spread)
