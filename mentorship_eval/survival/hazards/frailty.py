"""Cox regression with a shared frailty: groups with a random effect on the hazard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtri

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate, format_number, format_p
from mentorship_eval.inference.intervals import critical_value, ratio_estimate
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import event_flags, interval_times, read_groups, require_columns
from mentorship_eval.survival.design import build_design
from mentorship_eval.survival.hazards.cox_regression import prepare
from mentorship_eval.survival.hazards.frailty_likelihood import GroupedRows, PenalisedFit, fit_at, gamma_variance, gaussian_variance, integrated

__all__ = ["SharedFrailty", "shared_frailty"]

FEW_GROUPS = 8


@dataclass(frozen=True, kw_only=True)
class SharedFrailty(Shown):
    """A Cox model with a random effect of every group.

    table: term, coef, se (theta taken as known), hr, ci_low, ci_high, p (z). Hazard ratios compare rows of the same group.
    theta: variance of the log frailties (gaussian) or of the frailties (gamma); 0 when the groups differ no more than by chance.
    theta_test: (likelihood ratio, p) of theta = 0, half of a chi-square with 1 degree of freedom as theta lies at its bound.
    frailties: group, effect (log), se, frailty, n, n_events. loglik: (no frailty, with the frailties integrated out).
    """

    table: pd.DataFrame
    estimates: Mapping[str, Estimate]
    theta: float
    theta_test: tuple[float, float]
    frailties: pd.DataFrame
    loglik: tuple[float, float]
    penalised_loglik: float
    distribution: str
    covariance: np.ndarray
    n: int
    n_events: int
    n_groups: int
    method: str
    warnings: tuple[Caution, ...]
    ci_level: float

    @property
    def estimate(self) -> Estimate:
        """The hazard ratio of the first covariate (of its first level, when it is a category)."""
        return next(iter(self.estimates.values()))

    @property
    def median_hazard_ratio(self) -> float:
        """Median ratio of the higher to the lower hazard of two groups drawn at random (Bengtsson & Dribe 2010); gaussian only."""
        return math.exp(math.sqrt(2 * self.theta) * float(ndtri(0.75))) if self.distribution == "gaussian" else math.nan

    def statement(self) -> str:
        first = self.estimate
        return (
            f"Hazard ratio of {next(iter(self.estimates))} within a group: {first.interval()}; {format_p(first.p_value)}, from "
            f"{self.n_events:,} events in {self.n_groups:,} groups; variance of the {self.distribution} frailty "
            f"{format_number(self.theta, 3)} ({format_p(self.theta_test[1])}; {self.method})."
        )


def shared_frailty(
    data: pd.DataFrame, *, stop: str, event: str, covariates: Sequence[str] | Mapping[str, object] | str, group: str,
    start: str | None = None, strata: str | Sequence[str] | None = None, distribution: str = "gaussian", ties: str = "efron",
    theta: float | None = None, information: str = "full", ci_level: float = 0.95, reference: Mapping[str, object] | None = None,
) -> SharedFrailty:
    """Fit a Cox model in which every group has its own multiplier of the hazard, by penalised partial likelihood.

    Parameters
    ----------
    stop, event, covariates, start, strata, ties, reference : as in `cox`.
    group : column whose groups share a frailty (department). Groups must not be the strata.
    distribution : "gaussian" (normal log frailties, variance by REML) or "gamma" (mean 1, variance by the profile of the
        marginal likelihood, which the EM algorithm climbs).
    theta : the variance, when it is to be fixed; None to estimate it.
    information : "full", or "diagonal" to leave the terms between groups out of the information from which standard errors
        and the REML variance come. R does that with more than five groups (``sparse``), so "diagonal" reproduces it; its
        gaussian variance is a little small. Coefficients of a given theta, and the gamma theta, are the same.

    Standard errors take theta as known, so they are a little small with few groups; intervals are z. The frailties are
    assumed independent of the covariates: when uptake differs between groups because of what makes them differ,
    strata(group) is the safer model. Rows that enter late are taken as at risk from then on, as if a group's frailty had
    no bearing on who was still there to enter.

    Raises
    ------
    UsageError, EstimationError : as `cox`; groups that coincide with strata; one group only.

    Source: Therneau, Grambsch & Pankratz (2003, JCGS 12:156-175); Therneau & Grambsch (2000), chapter 9.
    """
    _check(distribution, information, ties, ci_level, theta)
    strata_columns = [strata] if isinstance(strata, str) else list(strata or ())
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name at least one column.")
    require_columns(data, [column for column in (stop, event, start, group, *strata_columns, *names) if column is not None])
    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    blocks = read_groups(data, strata or None)
    groups = read_groups(data, group)
    if len(groups) < 2:
        raise EstimationError(f"{group!r} has one group only.", fix="A frailty needs several groups; use cox.")
    if len({*zip(blocks.codes.tolist(), groups.codes.tolist(), strict=True)}) == len(blocks):
        raise EstimationError(
            f"Every stratum holds one group of {group!r} only, so strata leave nothing to a frailty.", fix="Use strata= or group=, not both."
        )
    design = build_design(data, covariates, reference)
    ready, plain_fit = prepare(begins, ends, happened, blocks, np.ones(len(data)), ties, design)
    events = np.bincount(groups.codes, happened, len(groups))
    rows = GroupedRows(ready.sets, ready.x, groups.codes[ready.sets.rows], len(groups), events)
    known: dict[float, PenalisedFit] = {}

    def fitted(theta: float) -> PenalisedFit:
        if theta in known:
            return known[theta]
        nearest = min(known, key=lambda other: abs(math.log(other / theta)), default=None)
        stale = None if nearest is None else known[nearest].information
        coef, effect = (plain_fit.coef, np.zeros(len(groups))) if nearest is None else (known[nearest].coef, known[nearest].effect)
        found = fit_at(rows, distribution, theta, coef, effect, stale, exact=distribution == "gaussian")
        if found is None:
            raise EstimationError(
                f"The penalised likelihood does not converge for a frailty variance of {theta:.3g}.", fix="Use fewer covariates, or strata."
            )
        known[theta] = found
        return found

    diagonal = information == "diagonal"
    known_theta = theta is not None
    if theta is None:
        theta = gaussian_variance(rows, fitted, diagonal) if distribution == "gaussian" else gamma_variance(rows, fitted)
    if math.isinf(theta):
        raise EstimationError(f"The variance of the frailty of {group!r} grows without end.", fix="Use strata= in place of a frailty.")
    plain = plain_fit.likelihood.loglik
    scale, size = ready.scale, len(plain_fit.coef)
    if theta > 0:
        near = fitted(theta)
        final = fit_at(rows, distribution, theta, near.coef, near.effect)
        assert final is not None
        inverse, coef, effect = final.inverse(diagonal), final.coef, final.effect
        loglik, penalised = integrated(final, distribution, theta, events), final.penalised
        spread = np.sqrt(np.diag(inverse)[size:])
    else:
        inverse, coef, effect = plain_fit.inverse, plain_fit.coef, np.zeros(len(groups))
        loglik = penalised = plain
        spread = np.zeros(len(groups))
    ratio = max(2 * (loglik - plain), 0.0)
    covariance = inverse[:size, :size] / np.outer(scale, scale)
    method = f"Cox regression with a {distribution} frailty of {group}, {ties.capitalize()} ties; penalised partial likelihood, "
    how = "given" if known_theta else "by REML" if distribution == "gaussian" else "by profile likelihood"
    method += f"variance {how}; model-based standard errors given theta (z)"
    if strata_columns:
        method += f"; stratified by {listing(strata_columns)}"
    cautions = _cautions(theta, len(groups), group)
    estimates = {
        term: ratio_estimate(
            float(coef[j] / scale[j]), float(np.sqrt(covariance[j, j])), scale="hazard ratio", ci_level=ci_level, n=len(data),
            n_events=int(happened.sum()), n_clusters=len(groups), method=method, estimand=f"hazard of {term} within a group",
            warnings=cautions,
        ) for j, term in enumerate(design.terms)
    }
    of = list(estimates.values())
    table = pd.DataFrame({
        "term": list(design.terms), "coef": coef / scale, "se": [one.se for one in of], "hr": [one.value for one in of],
        "ci_low": [one.ci_low for one in of], "ci_high": [one.ci_high for one in of], "p": [one.p_value for one in of],
    })
    frailties = pd.DataFrame({
        "group": list(groups.labels), "effect": effect, "se": spread, "frailty": np.exp(effect),
        "n": np.bincount(groups.codes, minlength=len(groups)), "n_events": events.astype(int),
    })
    return SharedFrailty(
        table=table, estimates=estimates, theta=theta, theta_test=(ratio, float(chdtrc(1, ratio)) / 2 if ratio > 0 else 1.0),
        frailties=frailties, loglik=(plain, loglik), penalised_loglik=penalised, distribution=distribution, covariance=covariance,
        n=len(data), n_events=int(happened.sum()), n_groups=len(groups), method=method, warnings=cautions, ci_level=ci_level,
    )


def _check(distribution: str, information: str, ties: str, ci_level: float, theta: float | None) -> None:
    if distribution not in ("gaussian", "gamma"):
        raise UsageError(f"There is no frailty distribution {distribution!r}.", fix="Use 'gaussian' or 'gamma'.")
    if information not in ("full", "diagonal"):
        raise UsageError(f"information is {information!r}.", fix="Use 'full' or 'diagonal'.")
    if ties not in ("efron", "breslow"):
        raise UsageError(f"There is no way {ties!r} to handle ties.", fix="Use 'efron' or 'breslow'.")
    if theta is not None and not 0 < theta < math.inf:
        raise UsageError(f"theta is {theta}, but a variance to be fixed is above 0.", fix="Leave it out to estimate it.")
    critical_value(ci_level)


def _cautions(theta: float, count: int, group: str) -> tuple[Caution, ...]:
    cautions = []
    if theta == 0:
        text = f"The variance of the frailty is estimated as 0: the {count} groups of {group} differ no more than by chance, "
        cautions.append(Caution("no_frailty", text + "and the fit is that without a frailty.", {"groups": count}))
    if count < FEW_GROUPS:
        text = f"Only {count} groups of {group}: the variance of the frailty is hardly known, and standard errors that take it as known are small."
        cautions.append(Caution("few_clusters", text, {"groups": count}))
    return tuple(cautions)
