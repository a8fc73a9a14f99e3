"""Intra-class correlations with profile-likelihood intervals: they hold at 0, where a standard error does not.

The limits are the correlations at which twice the restricted log-likelihood, maximised over everything else, lies below its maximum by the
quantile of chi-squared with one degree of freedom.
"""

from __future__ import annotations

from collections.abc import Callable

from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.surveys.mixed.fitting import Fit
from mentorship_eval.surveys.mixed.levels import Levels, levels_of

__all__ = ["correlations"]

HIGHEST = 0.999


def correlations(fit: Fit, names: tuple[str, ...], *, ci_level: float = 0.95, intervals: bool = True) -> dict[str, Estimate]:
    """Of two people of one cluster, and of two answers of one person (of the same cluster), in the order of ``names``.

    fit : of independent errors, a person's level (when two names are given, or when there is no cluster) and a cluster's level. The
    correlation of the inner group includes what its members share through the outer one.
    """
    clustered, persons = fit.likelihood.clustered, len(fit.likelihood.templates) > 1
    theta = fit.at.theta
    total = theta.sum()
    shares = []
    if clustered:
        shares.append(float(theta[-1] / total))
    if persons:
        shares.append(float(theta[1:].sum() / total))
    levels = levels_of(fit.likelihood) if intervals else None
    out = {}
    for name, share in zip(names, shares, strict=True):
        low = high = float("nan")
        if levels is not None:
            low, high = _limits(_profile(levels, fit, inner=persons and name == names[-1] and len(names) > 1), share, ci_level)
        out[name] = Estimate(
            value=share,
            ci_low=low,
            ci_high=high,
            ci_level=ci_level,
            scale="intra-class correlation",
            n=fit.likelihood.n,
            method="restricted maximum likelihood; profile-likelihood interval",
            estimand=f"correlation of two answers of one {name}",
        )
    return out


def _profile(levels: Levels, fit: Fit, *, inner: bool) -> Callable[[float], float]:
    """Least deviance at a value of the correlation."""
    if fit.likelihood.size == 2:  # one level besides the errors, of the cluster or of the person
        alone = (0, 1) if fit.likelihood.clustered else (1, 0)
        return lambda rho: levels.profile(*(k * rho / (1 - rho) for k in alone))

    def best(rho: float) -> float:
        from scipy.optimize import minimize_scalar

        def at(split: float) -> float:
            error, person, cluster = (1 - rho, rho * (1 - split), rho * split) if inner else ((1 - rho) * (1 - split), (1 - rho) * split, rho)
            return levels.profile(person / error, cluster / error)

        found = minimize_scalar(at, bounds=(0.0, 1.0 if inner else HIGHEST), method="bounded", options={"xatol": 3e-3})
        return float(min(found.fun, at(0.0)))

    return best


def _limits(profile: Callable[[float], float], value: float, ci_level: float) -> tuple[float, float]:
    from scipy.optimize import brentq

    least, drop = profile(min(value, HIGHEST)), critical_value(ci_level) ** 2

    def above(rho: float) -> float:
        return min(profile(rho) - least - drop, 1e6)

    low = 0.0 if value <= 0 or above(0.0) <= 0 else float(brentq(above, 0.0, value, xtol=1e-4))
    high = HIGHEST if above(HIGHEST) <= 0 else float(brentq(above, min(value, HIGHEST), HIGHEST, xtol=1e-4))
    return low, high
