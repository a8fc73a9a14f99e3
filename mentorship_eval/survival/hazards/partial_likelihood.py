"""Cox's partial likelihood with Breslow or Efron ties, its derivatives, and its maximum.

Sums follow Therneau & Grambsch (2000), Modeling Survival Data, chapters 3 and 7. With r = weight *
exp(eta), the information is X' diag(r * Lambda) X - sum_k w_k xbar_k xbar_k', where Lambda is each
row's cumulative hazard over its time at risk: one matrix product, whatever the number of events.

Covariates are taken one at a time, and tied events are summed within their event time (`_Ties`), so that
nothing but the covariates themselves is as large as covariates times rows or covariates times events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mentorship_eval.survival.hazards.risk_sets import RiskSets

__all__ = ["Fit", "Likelihood", "maximise"]

CONVERGED = 1e-13  # Newton decrement: the distance to the maximum in standard errors
ROUNDING = 4 * np.finfo(float).eps  # times the root of the events: what rounding of the score alone makes of the decrement
STALLED = 1e-7  # below this a decrement that no longer shrinks is rounding
MOST_ITERATIONS = 100
ROWS_AT_ONCE = 32_768  # of the covariates while they are weighted, so that they stay in the processor's cache


@dataclass(frozen=True)
class _Ties:
    """(K,) sums over the tied events of an event time, with h their hazard, w their weight, and 1 - f the share of the
    dead that is still at risk: whole = sum h, kept = sum h (1 - f); squared, mixed, square_kept = sum h^2 / w times 1,
    1 - f and (1 - f)^2. With ``stay`` and ``died``, the covariate sums of the survivors and of the dead, the sum of
    h * mean is stay * squared + died * mixed; of subtractions there are none."""

    whole: np.ndarray
    kept: np.ndarray
    squared: np.ndarray
    mixed: np.ndarray
    square_kept: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """The partial likelihood at one coefficient vector, and what its derivatives are made of.

    risk: (n,) weight * exp(eta); hazard: (M,) pair_weight / S0 per pair; stay, died: (p, K) sums of risk * x over
    those of each risk set who do not have the event then, and those who do (without ties all of it is in stay).
    """

    sets: RiskSets
    x: np.ndarray
    coef: np.ndarray
    risk: np.ndarray
    hazard: np.ndarray
    stay: np.ndarray
    died: np.ndarray
    loglik: float

    @classmethod
    def at(cls, sets: RiskSets, x: np.ndarray, coef: np.ndarray) -> Likelihood:
        """Evaluate at ``coef`` (p,) for covariates ``x`` (p, n) of the rows of ``sets``."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            eta = coef @ x
            loglik = sets.weight[sets.dead] @ eta[sets.dead]
            risk = np.exp(eta, out=eta)
            risk *= sets.weight
            at_risk, dead = sets.sums(risk)
            below = at_risk[sets.pair]
            if sets.tied:
                below -= sets.fraction * dead[sets.pair]
            loglik -= sets.pair_weight @ np.log(below)
            stay, died = np.empty((len(x), sets.size)), np.zeros((len(x), sets.size))
            product = sets.scratch
            for j, row in enumerate(x):
                np.multiply(risk, row, out=product)
                stay[j], dead = sets.sums(product)
                if sets.tied:
                    died[j] = dead
            stay -= died
            return cls(sets, x, coef, risk, sets.pair_weight / below, stay, died, float(loglik))

    @property
    def mean(self) -> np.ndarray:
        """(p, M) weighted covariate mean of the risk set, per pair."""
        sets = self.sets
        return (self.stay[:, sets.pair] + (1.0 - sets.fraction) * self.died[:, sets.pair]) * (self.hazard / sets.pair_weight)

    @cached_property
    def _ties(self) -> _Ties:
        sets, squares = self.sets, self.hazard**2 / self.sets.pair_weight
        whole, squared = sets.of_pairs(self.hazard), sets.of_pairs(squares)
        if not sets.tied:
            return _Ties(whole, whole, squared, squared, squared)
        keep = 1.0 - sets.fraction
        return _Ties(whole, sets.of_pairs(self.hazard * keep), squared, sets.of_pairs(squares * keep), sets.of_pairs(squares * keep**2))

    def score(self, per_time: np.ndarray | None = None) -> np.ndarray:
        """(p,) score; with ``per_time`` (K,), each event time's term is multiplied by it."""
        sets = self.sets
        deaths, whole, kept = sets.weight[sets.dead], self._ties.whole, self._ties.kept
        if per_time is not None:
            deaths, whole, kept = deaths * per_time[sets.at], whole * per_time, kept * per_time
        return np.array([row[sets.dead] @ deaths for row in self.x]) - self.stay @ whole - self.died @ kept

    def information(self, per_time: np.ndarray | None = None) -> np.ndarray:
        """(p, p) observed information; with ``per_time`` as in `score`."""
        return self._information if per_time is None else self._weighted_information(per_time)

    @cached_property
    def _information(self) -> np.ndarray:
        return self._weighted_information(1.0)

    def _exposure(self, whole: np.ndarray, kept: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(n,) sum of ``whole`` over a row's time at risk; of its own event's time it has ``kept``."""
        exposure = self.sets.exposure(whole, out)
        if self.sets.tied:
            # Exact under Efron ties: an event that is tied with others leaves the risk set step by step.
            exposure[self.sets.dead] -= (whole - kept)[self.sets.at]
        return exposure

    def _weighted_information(self, per_time: np.ndarray | float) -> np.ndarray:
        of, x, stay, died = self._ties, self.x, self.stay, self.died
        weight = self._exposure(of.whole * per_time, of.kept * per_time, self.sets.scratch)
        weight *= self.risk
        information = -(stay * (of.squared * per_time)) @ stay.T
        if self.sets.tied:
            mixed = (stay * (of.mixed * per_time)) @ died.T
            information -= mixed + mixed.T + (died * (of.square_kept * per_time)) @ died.T
        for low in range(0, x.shape[1], ROWS_AT_ONCE):
            part = x[:, low : low + ROWS_AT_ONCE]
            information += (part * weight[low : low + ROWS_AT_ONCE]) @ part.T
        return information

    def score_residuals(self) -> np.ndarray:
        """(p, n) score residuals times the case weights: they sum to the score, row by row."""
        return np.array(list(self.each_score_residual())).reshape(self.x.shape)

    def each_score_residual(self) -> Iterator[np.ndarray]:
        """The (n,) score residuals of one covariate after the other."""
        sets, of = self.sets, self._ties
        hazard = self._exposure(of.whole, of.kept)
        total = sets.sums(sets.weight)[1]  # 0 only where every event of the time was left out
        total = np.where(total > 0, total, 1.0)
        deaths = sets.weight[sets.dead]
        for row, stay, died in zip(self.x, self.stay, self.died, strict=True):
            residual = self._exposure(stay * of.squared + died * of.mixed, stay * of.mixed + died * of.square_kept)
            residual -= row * hazard
            residual *= self.risk
            average = (stay * of.whole + died * of.kept) / total
            residual[sets.dead] += deaths * (row[sets.dead] - average[sets.at])
            yield residual


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


@np.errstate(over="ignore", invalid="ignore")  # a step may leave the range of numbers: then there is no fit
def maximise(sets: RiskSets, x: np.ndarray, begin: np.ndarray | Likelihood, converged: float = CONVERGED) -> Fit | None:
    """Newton-Raphson with step-halving from ``begin`` (or from the likelihood there); None when the information is singular.

    A likelihood without a maximum flattens by a constant factor per iteration, where an ordinary
    one converges quadratically: when eight iterations gain next to nothing and still do not
    converge, the coefficient whose step is largest is reported as ``runaway``.
    """
    current = begin if isinstance(begin, Likelihood) else Likelihood.at(sets, x, begin)
    converged = max(converged, ROUNDING * float(np.sqrt(len(sets.dead))))  # beyond it, further iterations change nothing but the time
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
