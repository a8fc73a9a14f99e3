"""Cox's partial likelihood with Breslow or Efron ties, its derivatives, and its maximum.

Sums follow Therneau & Grambsch (2000), Modeling Survival Data, chapters 3 and 7. With r = weight *
exp(eta), the information is X' diag(r * Lambda) X - sum_k w_k xbar_k xbar_k', where Lambda is each
row's cumulative hazard over its time at risk: one matrix product, whatever the number of events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.survival.risk_sets import RiskSets

__all__ = ["Fit", "Likelihood", "maximise"]

CONVERGED = 1e-13  # Newton decrement: the distance to the maximum in standard errors
STALLED = 1e-7  # below this a decrement that no longer shrinks is rounding
MOST_ITERATIONS = 100


@dataclass(frozen=True)
class Likelihood:
    """The partial likelihood at one coefficient vector, and what its derivatives are made of.

    risk: (n,) weight * exp(eta); hazard: (M,) pair_weight / S0 per pair; mean: (p, M) weighted
    covariate mean of the risk set per pair.
    """

    sets: RiskSets
    x: np.ndarray
    coef: np.ndarray
    risk: np.ndarray
    hazard: np.ndarray
    mean: np.ndarray
    loglik: float

    @classmethod
    def at(cls, sets: RiskSets, x: np.ndarray, coef: np.ndarray) -> Likelihood:
        """Evaluate at ``coef`` (p,) for covariates ``x`` (p, n) of the rows of ``sets``."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            eta = coef @ x
            risk = sets.weight * np.exp(eta)
            values = np.concatenate((risk[np.newaxis], risk * x))
            sums = sets.total_at_risk(values)[:, sets.pair]
            if sets.tied:
                sums -= sets.fraction * sets.total_of_deaths(values)[:, sets.pair]
            loglik = sets.weight[sets.dead] @ eta[sets.dead] - sets.pair_weight @ np.log(sums[0])
            return cls(sets, x, coef, risk, sets.pair_weight / sums[0], sums[1:] / sums[0], float(loglik))

    def _per_event_time(self, pair_values: np.ndarray) -> np.ndarray:
        return np.array([np.bincount(self.sets.pair, row, self.sets.size) for row in np.atleast_2d(pair_values)])

    def score(self, per_time: np.ndarray | None = None) -> np.ndarray:
        """(p,) score; with ``per_time`` (K,), each event time's term is multiplied by it."""
        sets = self.sets
        deaths, steps = sets.weight[sets.dead], sets.pair_weight
        if per_time is not None:
            deaths, steps = deaths * per_time[sets.at], steps * per_time[sets.pair]
        return self.x[:, sets.dead] @ deaths - self.mean @ steps

    def information(self, per_time: np.ndarray | None = None) -> np.ndarray:
        """(p, p) observed information; with ``per_time`` as in `score`."""
        sets = self.sets
        hazard, steps = self.hazard, sets.pair_weight
        if per_time is not None:
            hazard, steps = hazard * per_time[sets.pair], steps * per_time[sets.pair]
        cumulated = sets.over_time_at_risk(self._per_event_time(hazard))[0]
        if sets.tied:
            cumulated[sets.dead] -= self._per_event_time(hazard * sets.fraction)[0, sets.at]
        return (self.x * (self.risk * cumulated)) @ self.x.T - (self.mean * steps) @ self.mean.T

    def score_residuals(self) -> np.ndarray:
        """(p, n) score residuals times the case weights: they sum to the score, row by row.

        Exact under Efron ties: an event that is tied with others leaves the risk set step by step.
        """
        sets = self.sets
        increments = np.concatenate((self.hazard[np.newaxis], self.hazard * self.mean))
        cumulated = sets.over_time_at_risk(self._per_event_time(increments))
        if sets.tied:
            cumulated[:, sets.dead] -= self._per_event_time(increments * sets.fraction)[:, sets.at]
        residuals = -self.risk * (self.x * cumulated[0] - cumulated[1:])
        steps = np.bincount(sets.pair, minlength=sets.size)
        average = self._per_event_time(self.mean)[:, sets.at] / steps[sets.at]
        residuals[:, sets.dead] += sets.weight[sets.dead] * (self.x[:, sets.dead] - average)
        return residuals


@dataclass(frozen=True)
class Fit:
    """decrement: distance to the maximum in standard errors at the end; runaway: position of the
    coefficient that grows without limit (monotone likelihood), None when the maximum exists."""

    likelihood: Likelihood
    inverse: np.ndarray
    iterations: int
    decrement: float
    runaway: int | None = None

    @property
    def coef(self) -> np.ndarray:
        return self.likelihood.coef


def _invert(information: np.ndarray) -> np.ndarray | None:
    if not np.isfinite(information).all():
        return None
    try:
        factor = np.linalg.inv(np.linalg.cholesky(information))
    except np.linalg.LinAlgError:
        return None
    return factor.T @ factor


def maximise(sets: RiskSets, x: np.ndarray, begin: np.ndarray, converged: float = CONVERGED) -> Fit | None:
    """Newton-Raphson with step-halving from ``begin``; None when the information is singular.

    A likelihood without a maximum flattens by a constant factor per iteration, where an ordinary
    one converges quadratically: when eight iterations gain next to nothing and still do not
    converge, the coefficient whose step is largest is reported as ``runaway``.
    """
    current = Likelihood.at(sets, x, begin)
    inverse = _invert(current.information())
    flat, decrement = 0, np.inf
    for iteration in range(MOST_ITERATIONS + 1):
        if inverse is None:
            return None
        score = current.score()
        before, decrement = decrement, float(np.sqrt(max(score @ inverse @ score, 0.0)))
        if decrement < converged or (decrement < STALLED and decrement > 0.1 * before):
            return Fit(current, inverse, iteration, decrement)
        step = inverse @ score
        trial = Likelihood.at(sets, x, current.coef + step)
        halvings = 0
        # At the level of rounding the likelihood may seem to fall; only a real fall is halved.
        slack = 1e-10 * (1.0 + abs(current.loglik))
        while not trial.loglik >= current.loglik - slack and halvings < 40:
            step, halvings = step / 2, halvings + 1
            trial = Likelihood.at(sets, x, current.coef + step)
        flat = flat + 1 if trial.loglik - current.loglik < 1e-6 else 0
        renewed = _invert(trial.information())
        if flat >= 8 or (renewed is None and flat >= 1) or iteration == MOST_ITERATIONS:
            return Fit(current, inverse, iteration, decrement, runaway=int(np.argmax(np.abs(step))))
        current, inverse = trial, renewed
    return None
