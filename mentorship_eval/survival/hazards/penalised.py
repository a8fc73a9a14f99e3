"""Cox regression with Firth's penalty: finite hazard ratios where the events are separated.

The penalised log likelihood is l(b) + log det I(b) / 2 (Firth 1993, Biometrika 80:27-38; Heinze &
Schemper 2001, Biometrics 57:114-119). Wald intervals are poor where it is needed, because the likelihood
is then far from quadratic: limits come from its profile, p-values from its likelihood ratio, always with the
determinant over all coefficients.

Robust and jackknife variances are not offered. The penalty presumes that the inverse information is the
variance, which it is not for dependent rows or for weights that are not counts; and under separation an
estimate rests on the few clusters with events, so that leaving one out moves it by the penalty rather than
by what was observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood
from mentorship_eval.survival.hazards.residuals import time_at_risk_sums
from mentorship_eval.survival.hazards.risk_sets import RiskSets

__all__ = ["FirthFit", "firth_score", "maximise_firth"]

CONVERGED = 1e-12  # decrement in standard errors; scoring converges linearly, so not to rounding
PROFILED = 1e-7  # for a profile: its likelihood is then off by 1e-14
LIMIT = 1e-9  # of the signed root of the likelihood ratio at a limit
LONGEST = 5.0  # step, as the change of the log hazards between rows
MOST_ITERATIONS = 500


@dataclass(frozen=True)
class _Point:
    likelihood: Likelihood
    information: np.ndarray
    penalised: float  # l(b) + log det I(b) / 2

    @classmethod
    def at(cls, sets: RiskSets, x: np.ndarray, coef: np.ndarray) -> _Point:
        likelihood = Likelihood.at(sets, x, coef)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a step too far is halved
            information = likelihood.information()
        penalised = -np.inf
        if np.isfinite(information).all() and np.isfinite(likelihood.loglik):
            sign, logarithm = np.linalg.slogdet(information)
            if sign > 0:
                penalised = likelihood.loglik + float(logarithm) / 2
        return cls(likelihood, information, penalised)


@dataclass(frozen=True)
class FirthFit:
    """fit: as of `maximise`, at the penalised estimate, ``decrement`` being of the penalised likelihood;
    penalised: (at 0, fitted) penalised log likelihoods of the covariates as given to `maximise_firth`;
    low, high: (p,) profile limits, NaN where none was found; p: (p,) of the penalised likelihood ratio."""

    fit: Fit
    penalised: tuple[float, float]
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    score: np.ndarray


def firth_score(likelihood: Likelihood, inverse: np.ndarray) -> np.ndarray:
    """(p,) score of the penalised likelihood: the score plus half of tr(I^-1 dI/db_r).

    With h = hazard, m = mean of a risk set, q = x' I^-1 x, L and B = sums of h and of h m over a row's time at
    risk, that trace is sum_i r_i q_i (x_i L_i - B_i) - 2 sum_i r_i x_i (x_i' I^-1 B_i) + 2 sum_k w_k m_k (m_k' I^-1 m_k),
    which takes no third-order sums over risk sets.
    """
    sets, x, mean = likelihood.sets, likelihood.x, likelihood.mean
    cumulated = time_at_risk_sums(likelihood)
    turned = inverse @ x
    squared = likelihood.risk * np.einsum("pn,pn->n", x, turned)
    crossed = likelihood.risk * np.einsum("pn,pn->n", turned, cumulated[1:])
    level = sets.pair_weight * np.einsum("pm,pm->m", mean, inverse @ mean)
    trace = x @ (squared * cumulated[0] - 2 * crossed) - cumulated[1:] @ squared + 2 * (mean @ level)
    return likelihood.score() + trace / 2


def _climb(sets: RiskSets, x: np.ndarray, begin: np.ndarray, free: np.ndarray, converged: float) -> tuple[_Point, int, float] | None:
    """Scoring steps over the ``free`` coefficients with step-halving; None when it does not arrive."""
    here = _Point.at(sets, x, begin)
    if not np.isfinite(here.penalised):
        return None
    decrement, before = np.inf, np.inf
    for iteration in range(MOST_ITERATIONS):
        with np.errstate(over="ignore", invalid="ignore"):
            score = firth_score(here.likelihood, np.linalg.inv(here.information))[free]
        if not np.isfinite(score).all():
            return None
        step = np.zeros(len(begin))
        step[free] = np.linalg.solve(here.information[np.ix_(free, free)], score)
        before, decrement = decrement, float(np.sqrt(max(score @ step[free], 0.0)))
        if decrement < converged or (decrement < 1e-7 and decrement > 0.99 * before):
            return here, iteration, decrement
        # far out the information vanishes and a step would leave the numbers behind
        step /= max(1.0, float(np.ptp(step @ x)) / LONGEST)
        slack = 1e-11 * (1.0 + abs(here.penalised))
        there = _Point.at(sets, x, here.likelihood.coef + step)
        for _ in range(40):
            if there.penalised >= here.penalised - slack:
                break
            step = step / 2
            there = _Point.at(sets, x, here.likelihood.coef + step)
        else:
            return None
        here = there
    return None


def maximise_firth(sets: RiskSets, x: np.ndarray, ci_level: float) -> FirthFit | None:
    """Penalised estimate, profile limits and p-values; None when the information is singular on the way."""
    size = len(x)
    everything = np.arange(size)
    start = _Point.at(sets, x, np.zeros(size))
    found = _climb(sets, x, np.zeros(size), everything, CONVERGED)
    if found is None:
        return None
    top, iterations, decrement = found
    inverse = np.linalg.inv(top.information)
    low, high, p = (np.full(size, np.nan) for _ in range(3))
    for j in range(size):
        profile = _Profile(sets, x, top, inverse, j)
        at_zero = profile.at(0.0)
        if at_zero is not None:
            p[j] = float(chdtrc(1, max(2 * (top.penalised - at_zero), 0.0)))
        z = critical_value(ci_level)
        low[j], high[j] = (_limit(profile.at, top, float(np.sqrt(inverse[j, j])), j, z, sign) for sign in (-1.0, 1.0))
    fit = Fit(top.likelihood, inverse, iterations, decrement)
    return FirthFit(fit, (start.penalised, top.penalised), low, high, p, firth_score(top.likelihood, inverse))


@dataclass
class _Profile:
    """The penalised likelihood maximised over the other coefficients, each time from the nearest point known."""

    sets: RiskSets
    x: np.ndarray
    top: _Point
    inverse: np.ndarray
    j: int

    def __post_init__(self) -> None:
        self.known = [self.top.likelihood.coef]
        self.others = np.delete(np.arange(len(self.x)), self.j)

    def at(self, value: float) -> float | None:
        nearest = min(self.known, key=lambda coef: abs(coef[self.j] - value))
        # the ridge of a normal likelihood leads on from there; when that is no good, the other coefficients stay
        ridge = nearest + self.inverse[self.j] / self.inverse[self.j, self.j] * (value - nearest[self.j])
        for begin in (ridge, nearest):
            coef = begin.copy()
            coef[self.j] = value
            if not len(self.others):
                return _Point.at(self.sets, self.x, coef).penalised
            found = _climb(self.sets, self.x, coef, self.others, PROFILED)
            if found is not None:
                self.known.append(found[0].likelihood.coef)
                return found[0].penalised
        return None


def _limit(profile: Callable[[float], float | None], top: _Point, se: float, j: int, z: float, sign: float) -> float:
    """Where the signed root of the likelihood ratio reaches ``z``, on the side of ``sign``: bracket, then false position."""
    best = float(top.likelihood.coef[j])

    def excess(distance: float) -> float:
        value = profile(best + sign * distance)
        return np.nan if value is None else float(np.sqrt(max(2 * (top.penalised - value), 0.0))) - z

    near, below = 0.0, -z
    far = z * se
    above = excess(far)
    for _ in range(40):
        if not above < 0:
            break
        near, below = far, above
        # the signed root is nearly a line, less so under separation: aim a little beyond
        far *= float(np.clip(1.1 * z / (z + above), 1.05, 2.0))
        above = excess(far)
    if not above >= 0:
        return np.nan
    side = 0
    for _ in range(60):
        middle = far - above * (far - near) / (above - below)
        value = excess(middle)
        if np.isnan(value):
            return np.nan
        if abs(value) < LIMIT:
            return best + sign * middle
        # Illinois: an end that stays twice counts half
        if value > 0:
            far, above = middle, value
            below, side = below / 2 if side > 0 else below, 1
        else:
            near, below = middle, value
            above, side = above / 2 if side < 0 else above, -1
    return best + sign * middle
