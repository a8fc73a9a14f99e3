"""Parametric survival: how much longer, or shorter, a time becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.intervals import critical_value, ratio_estimate
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import event_flags, interval_times, labels_of, read_groups, require_columns
from mentorship_eval.survival.design import Design, build_design
from mentorship_eval.survival.lookup import as_times
from mentorship_eval.survival.parametric_models.accelerated import DISTRIBUTIONS, fit_accelerated
from mentorship_eval.survival.weighting.logistic import refuse_dependent

__all__ = ["ParametricResult", "parametric"]

FEW_EVENTS = 10
CLUSTERS_FOR_SANDWICH = 30


@dataclass(frozen=True, kw_only=True)
class ParametricResult(Shown):
    """A fitted accelerated failure time model.

    table: term ((Intercept), the covariates, log(scale)), coef, se (model-based), robust_se (sandwich by cluster; NaN without),
        time_ratio, ci_low, ci_high (NaN for log(scale)), p, and hazard_ratio = exp(-coef / scale) for Weibull (else NaN).
    estimates: an `Estimate` of each covariate's time ratio; scale: of the error; loglik: (intercept only, fitted); aic;
    score_norm: length of the last Newton step in standard errors.
    """

    table: pd.DataFrame
    estimates: Mapping[str, Estimate]
    distribution: str
    scale: float
    loglik: tuple[float, float]
    aic: float
    covariance: np.ndarray = field(repr=False)
    n: int
    n_events: int
    n_clusters: int | None
    score_norm: float
    method: str
    warnings: tuple[Caution, ...]
    _design: Design = field(repr=False)
    _theta: np.ndarray = field(repr=False)

    @property
    def estimate(self) -> Estimate:
        """The time ratio of the first covariate (of its first level, when it is a category)."""
        return next(iter(self.estimates.values()))

    def survival_at(self, covariates: pd.DataFrame | Mapping[str, object], times: Sequence[float]) -> pd.DataFrame:
        """Predicted survival: row, time, survival. Beyond follow-up it is the curve's continuation, not an observation."""
        rows = pd.DataFrame([covariates]) if isinstance(covariates, Mapping) else covariates
        place = self._theta[0] + self._theta[1:-1] @ self._design.encode(rows)
        asked = as_times(times)
        if (asked < 0).any():
            raise UsageError("A time is negative.", fix="Give times of at least 0.")
        with np.errstate(divide="ignore", over="ignore"):
            z = (np.log(asked) - place[:, np.newaxis]) / self.scale
            tail = {"weibull": lambda v: -np.exp(v), "lognormal": lambda v: log_ndtr(-v), "loglogistic": lambda v: -np.logaddexp(0, v)}
            values = np.exp(tail[self.distribution](z))
        return pd.DataFrame({"row": np.repeat(np.array(rows.index, dtype=object), len(asked)), "time": np.tile(asked, len(rows)),
                             "survival": values.ravel()})

    def statement(self) -> str:
        """One sentence: the first time ratio with its interval, and what it rests on."""
        one, term = self.estimate, next(iter(self.estimates))
        p = "" if np.isnan(one.p_value) else f"; {format_p(one.p_value)}"
        return f"Time ratio of {term}: {one.interval()}{p}, from {self.n_events:,} events in {self.n:,} rows ({self.method})."


def parametric(
    data: pd.DataFrame, *, stop: str, event: str, covariates: Sequence[str] | Mapping[str, object] | str, distribution: str = "weibull",
    start: str | None = None, cluster: str | None = None, ci_level: float = 0.95, reference: Mapping[str, object] | None = None,
) -> ParametricResult:
    """Fit log time = intercept + coef @ x + scale * error by maximum likelihood; exp(coef) is a time ratio.

    Parameters
    ----------
    data : one row a person, covariates fixed. A time-varying exposure has no time ratio: use `cox`, or rows from a landmark.
    distribution : "weibull", "lognormal" or "loglogistic". start, covariates, reference : as in `cox`.
    cluster : independent units: sandwich of the summed scores, t on (clusters - 1); unlike the jackknife of `cox` it is too narrow with
        few clusters, and says so below 30. There are no strata and no weights.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, times of 0, no events, constant or collinear
        covariates, no convergence.

    Source: Kalbfleisch & Prentice (2002), chapters 2 and 3; parameters as in R's survreg.
    """
    if distribution not in DISTRIBUTIONS:
        raise UsageError(f"There is no distribution {distribution!r}.", fix=f"Use one of {listing(DISTRIBUTIONS)}.")
    critical_value(ci_level)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name at least one column.")
    require_columns(data, [name for name in (stop, event, start, cluster, *names) if name is not None])
    begins, ends = interval_times(data, start, stop)
    if (ends <= 0).any() or (begins[np.isfinite(begins)] < 0).any():
        rows = labels_of(data, (ends <= 0) | (np.isfinite(begins) & (begins < 0)))
        raise EstimationError(f"Times are not positive in rows {listing(rows)}: the model is one of log time.",
                              fix="Measure from an origin before all events, e.g. half a day earlier, and say so.", rows=rows)
    happened = event_flags(data, event)
    design = build_design(data, covariates, reference)
    owners = [design.covariates[owner] for owner in design.owner]
    refuse_dependent(design.matrix, np.zeros(len(data), dtype=np.intp), 1, design.terms, owners, "model")
    _refuse_bare(design, happened)
    fit = fit_accelerated(design.matrix.T, begins, ends, happened, distribution)
    null = fit_accelerated(np.zeros((len(data), 0)), begins, ends, happened, distribution)
    model = fit.covariance
    groups = None if cluster is None else read_groups(data, cluster)
    robust, df = None, None
    if groups is not None:
        by_cluster = np.array([np.bincount(groups.codes, column, len(groups)) for column in fit.scores.T])
        robust, df = model @ by_cluster @ by_cluster.T @ model, float(len(groups) - 1)
    used = model if robust is None else robust
    se, scale, events = np.sqrt(np.diag(used)), float(np.exp(fit.theta[-1])), int(happened.sum())
    cautions = _cautions(events, len(design.terms), None if groups is None else len(groups), cluster)
    how = "model-based standard errors (z)" if groups is None else f"cluster-robust sandwich by {cluster}, t on {len(groups)} clusters less 1"
    entry = ", delayed entry" if start is not None else ""
    method = f"accelerated failure time model, {distribution}{entry}; {how}"
    about = {"scale": "time ratio", "df": df, "ci_level": ci_level, "n": len(data), "n_events": events, "method": method, "warnings": cautions,
             "n_clusters": None if groups is None else len(groups)}
    estimates = {
        term: ratio_estimate(float(fit.theta[1 + j]), float(se[1 + j]), estimand=f"time to the event per unit of {term}", **about)  # type: ignore[arg-type]
        for j, term in enumerate(design.terms)
    }
    base = ratio_estimate(float(fit.theta[0]), float(se[0]), **about)  # type: ignore[arg-type]
    of = [base, *estimates.values()]
    pad = [np.nan]
    table = pd.DataFrame({
        "term": ["(Intercept)", *design.terms, "log(scale)"], "coef": fit.theta, "se": np.sqrt(np.diag(model)),
        "robust_se": np.full(len(fit.theta), np.nan) if robust is None else np.sqrt(np.diag(robust)), "time_ratio": [one.value for one in of] + pad,
        "ci_low": [one.ci_low for one in of] + pad, "ci_high": [one.ci_high for one in of] + pad, "p": [one.p_value for one in of] + pad,
        "hazard_ratio": np.r_[np.nan, np.exp(-fit.theta[1:-1] / scale), np.nan] if distribution == "weibull" else np.nan,
    })
    return ParametricResult(
        table=table, estimates=estimates, distribution=distribution, scale=scale, loglik=(null.loglik, fit.loglik), covariance=used,
        aic=2 * len(fit.theta) - 2 * fit.loglik, n=len(data), n_events=events, n_clusters=None if groups is None else len(groups),
        score_norm=fit.score_norm, method=method, warnings=cautions, _design=design, _theta=fit.theta,
    )


def _refuse_bare(design: Design, happened: np.ndarray) -> None:
    """A level or 0/1 group without events has no finite time ratio."""
    for term, row in zip(design.terms, design.matrix, strict=True):
        values = np.unique(row)
        if len(values) == 2:
            for value in values:
                if not happened[row == value].any():
                    group = f"{term} = {value:g}"
                    raise EstimationError(f"The time ratio of {term!r} has no finite estimate: nobody with {group} has the event.",
                                          fix="Merge categories, leave the covariate out, or report counts.")


def _cautions(events: int, terms: int, clusters: int | None, name: str | None) -> tuple[Caution, ...]:
    found = []
    if events < FEW_EVENTS * terms:
        found.append(Caution("few_events", f"{events:,} events for {terms} coefficients: fewer than {FEW_EVENTS} each.",
                             {"events": events, "coefficients": terms}))
    if clusters is not None and clusters < CLUSTERS_FOR_SANDWICH:
        text = f"Only {clusters} clusters of {name}: the sandwich is too narrow with few clusters; prefer the jackknife of a Cox model."
        found.append(Caution("few_clusters", text, {"clusters": clusters}))
    return tuple(found)


