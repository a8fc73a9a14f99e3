"""The partial likelihood with a penalised effect of every group, and the search for the variance of the effects.

With u the groups' log frailties and theta their variance, the penalised log partial likelihood subtracts sum(u^2) / (2 theta)
for Gaussian effects and adds sum(u - exp(u)) / theta for gamma ones (Therneau, Grambsch & Pankratz 2003, JCGS 12:156-175;
McGilchrist & Aisbett 1991, Biometrics 47:461-466; Ripatti & Palmgren 2000, Biometrics 56:1016-1022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi

from mentorship_eval.survival.hazards.partial_likelihood import Likelihood
from mentorship_eval.survival.hazards.residuals import martingale, time_at_risk_sums
from mentorship_eval.survival.hazards.risk_sets import RiskSets

__all__ = ["GroupedRows", "PenalisedFit", "fit_at", "gamma_variance", "gaussian_variance", "integrated"]

CONVERGED = 1e-10  # step in standard errors
MOST_ITERATIONS = 200
AT_ONCE = 2_000_000  # numbers in one block of risk sets by groups
SMALLEST, LARGEST = 1e-4, 1e3  # theta; one that is driven below counts as 0
SETTLED = 1e-9  # relative, of theta


@dataclass(frozen=True)
class GroupedRows:
    """sets: risk sets without case weights; x: (p, n) standardised; group: (n,) codes; count: groups; events: (G,)."""

    sets: RiskSets
    x: np.ndarray
    group: np.ndarray
    count: int
    events: np.ndarray

    def at(self, coef: np.ndarray, effect: np.ndarray) -> Likelihood:
        """The likelihood with the group effects as one more covariate, whose coefficient is 1."""
        return Likelihood.at(self.sets, np.vstack((self.x, effect[self.group])), np.concatenate((coef, [1.0])))

    def score(self, likelihood: Likelihood) -> np.ndarray:
        """(p + G,) derivative by coefficients and effects."""
        own = np.bincount(self.group, martingale(likelihood), self.count)
        return np.concatenate((likelihood.score()[:-1], own))

    def information(self, likelihood: Likelihood) -> np.ndarray:
        """(p + G, p + G), exact."""
        size = len(self.x)
        sums = time_at_risk_sums(likelihood)
        found = np.empty((size + self.count,) * 2)
        found[:size, :size] = likelihood.information()[:-1, :-1]
        crossed = likelihood.risk * (self.x * sums[0] - sums[1:-1])
        found[:size, size:] = [np.bincount(self.group, row, self.count) for row in crossed]
        found[size:, :size] = found[:size, size:].T
        groups = np.diag(np.bincount(self.group, likelihood.risk * sums[0], self.count))
        for weight, share in self._shares(likelihood):
            groups -= (share.T * weight) @ share
        found[size:, size:] = groups
        return found

    def _shares(self, likelihood: Likelihood) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Blocks of (m,) weights of event steps and the (m, G) share of each group in their risk sets, from the last event back."""
        sets, count, risk = self.sets, self.count, likelihood.risk
        leaves, comes = sets.last - 1, sets.first[sets.late] - 1
        by_leaving, by_coming = np.argsort(leaves, kind="stable"), np.argsort(comes, kind="stable")
        left, came = leaves[by_leaving], comes[by_coming]
        late = sets.late[by_coming]
        steps = np.bincount(sets.pair, minlength=sets.size)
        length = max(1, AT_ONCE // (count * max(1, int(np.ceil(steps.mean())))))
        total = sets.pair_weight / likelihood.hazard
        for begin, end in sets.blocks:
            carried = np.zeros(count)
            for high in range(end, begin, -length):
                low = max(begin, high - length)
                shape = (high - low, count)
                inside = by_leaving[np.searchsorted(left, low):np.searchsorted(left, high)]
                change = np.bincount((leaves[inside] - low) * count + self.group[inside], risk[inside], shape[0] * count)
                enter = slice(np.searchsorted(came, low), np.searchsorted(came, high))
                change -= np.bincount((came[enter] - low) * count + self.group[late[enter]], risk[late[enter]], shape[0] * count)
                at_risk = np.cumsum(change.reshape(shape)[::-1], axis=0)[::-1] + carried
                carried = at_risk[0]
                first, last = np.searchsorted(sets.pair, (low, high))
                pairs = sets.pair[first:last] - low
                share = at_risk[pairs]
                if sets.tied:
                    here = (sets.at >= low) & (sets.at < high)
                    dead = sets.dead[here]
                    gone = np.bincount((sets.at[here] - low) * count + self.group[dead], risk[dead], shape[0] * count).reshape(shape)
                    share = share - sets.fraction[first:last, np.newaxis] * gone[pairs]
                yield sets.pair_weight[first:last], share / total[first:last, np.newaxis]


@dataclass(frozen=True)
class PenalisedFit:
    """penalised: log partial likelihood less the penalty; information: (p + G, p + G) without it; curvature: (G,) of it."""

    coef: np.ndarray
    effect: np.ndarray
    loglik: float
    penalised: float
    information: np.ndarray
    curvature: np.ndarray
    iterations: int

    def inverse(self, diagonal: bool) -> np.ndarray:
        """(p + G, p + G) inverse of the penalised information; ``diagonal``: without its terms between groups (as R does)."""
        size = len(self.coef)
        full = self.information + np.diag(np.concatenate((np.zeros(size), self.curvature)))
        if diagonal:
            own = np.diag(full)[size:].copy()
            full[size:, size:] = np.diag(own)
        return np.linalg.inv(full)


def _penalty(distribution: str, theta: float, effect: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    if distribution == "gaussian":
        return float(effect @ effect) / (2 * theta), effect / theta, np.full(len(effect), 1 / theta)
    frailty = np.exp(effect)
    return float((frailty - effect - 1).sum()) / theta, (frailty - 1) / theta, frailty / theta


def fit_at(
    rows: GroupedRows, distribution: str, theta: float, coef: np.ndarray, effect: np.ndarray, information: np.ndarray | None = None,
    exact: bool = True,
) -> PenalisedFit | None:
    """Maximum of the penalised likelihood for one theta, by Newton's method with step-halving; None when it does not arrive.

    ``information``: that of a point nearby. It is renewed only when a step with the old one gains less than ten-fold, for
    its terms between groups are dear, and at the end when it is to be ``exact``.
    """
    size = len(coef)
    here = rows.at(coef, effect)
    penalty, first, second = _penalty(distribution, theta, effect)
    value = here.loglik - penalty
    last, fresh = np.inf, False
    for iteration in range(MOST_ITERATIONS):
        score = rows.score(here)
        score[size:] -= first
        for _ in range(2):
            if information is None:
                information, fresh = rows.information(here), True
            hessian = information.copy()
            hessian[np.arange(size, len(hessian)), np.arange(size, len(hessian))] += second
            try:
                step = np.linalg.solve(hessian, score)
            except np.linalg.LinAlgError:
                return None
            decrement = float(np.sqrt(max(float(score @ step), 0.0)))
            if fresh or decrement < 0.1 * last or decrement < CONVERGED:
                break
            information = None
        assert information is not None
        if decrement < CONVERGED:
            final = rows.information(here) if exact and not fresh else information
            return PenalisedFit(coef, effect, here.loglik, value, final, second, iteration)
        last, fresh = decrement, False
        slack = 1e-11 * (1 + abs(value))
        for _ in range(40):
            trial_coef, trial_effect = coef + step[:size], effect + step[size:]
            with np.errstate(over="ignore", invalid="ignore"):
                there = rows.at(trial_coef, trial_effect)
                penalty, first, second = _penalty(distribution, theta, trial_effect)
            if there.loglik - penalty >= value - slack:
                break
            step, information = step / 2, None
        else:
            return None
        coef, effect, here, value = trial_coef, trial_effect, there, there.loglik - penalty
    return None


def integrated(fit: PenalisedFit, distribution: str, theta: float, events: np.ndarray) -> float:
    """Log likelihood with the frailties integrated out: exact for gamma, Laplace's approximation for Gaussian ones."""
    if distribution == "gamma":
        nu = 1 / theta
        total = nu + events
        return fit.penalised + float((events + nu * np.log(nu / total) - events * np.log(total) + gammaln(total) - gammaln(nu)).sum())
    size = len(fit.coef)
    groups = fit.information[size:, size:] * theta + np.eye(len(events))
    return fit.penalised - float(np.linalg.slogdet(groups)[1]) / 2


def _search(excess: Callable[[float], float]) -> float:
    """Root of a function that falls in theta, in log theta; 0 when it is negative already at the smallest theta."""
    low = high = np.log(0.1)
    below = above = excess(0.1)
    while above > 0 and high < np.log(LARGEST):
        low, below = high, above
        high = min(high + 1.5, np.log(LARGEST))
        above = excess(float(np.exp(high)))
    while below < 0 and low > np.log(SMALLEST):
        high, above = low, below
        low = max(low - 1.5, np.log(SMALLEST))
        below = excess(float(np.exp(low)))
    if below <= 0:
        return 0.0
    if above >= 0:
        return np.inf
    side = 0
    for _ in range(100):
        middle = high - above * (high - low) / (above - below)
        value = excess(float(np.exp(middle)))
        if value > 0:
            low, below, above, side = middle, value, above / 2 if side > 0 else above, 1
        else:
            high, above, below, side = middle, value, below / 2 if side < 0 else below, -1
        if value == 0 or high - low < SETTLED or abs(value) < 1e-13:
            break
    return float(np.exp(middle))


def gaussian_variance(rows: GroupedRows, fitted: Callable[[float], PenalisedFit], diagonal: bool) -> float:
    """REML: theta = (sum u^2 + trace of the groups' part of the inverse information) / G."""

    def excess(theta: float) -> float:
        fit = fitted(theta)
        size = len(fit.coef)
        trace = float(np.trace(fit.inverse(diagonal)[size:, size:]))
        return (float(fit.effect @ fit.effect) + trace) / (rows.count * theta) - 1

    return _search(excess)


def gamma_variance(rows: GroupedRows, fitted: Callable[[float], PenalisedFit]) -> float:
    """Maximum of the profile of the marginal likelihood, where its derivative by 1 / theta is 0."""

    def excess(theta: float) -> float:
        nu, effect, events = 1 / theta, fitted(theta).effect, rows.events
        rise = effect - np.exp(effect) + 1 + np.log(nu / (nu + events)) + psi(nu + events) - psi(nu)
        return -float(rise.sum())

    return _search(excess)
