"""The result of `cox`: coefficients with intervals, and what can be asked of the fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import Groups
from mentorship_eval.survival.design import Design
from mentorship_eval.survival.hazards.baseline import baseline_hazard, predicted_survival
from mentorship_eval.survival.hazards.concordance import Concordance, concordance
from mentorship_eval.survival.hazards.partial_likelihood import Fit
from mentorship_eval.survival.hazards.ph_test import PHTest, score_test_of_proportionality, transformed_times
from mentorship_eval.survival.hazards.residuals import residual_frame
from mentorship_eval.survival.hazards.schoenfeld_curve import SchoenfeldCurve, schoenfeld_curve
from mentorship_eval.survival.lookup import as_times

__all__ = ["CoxResult"]


@dataclass(frozen=True, kw_only=True)
class CoxResult(Shown):
    """A fitted Cox model.

    table: term, coef, se (model-based), robust_se (sandwich; NaN without cluster or weights), hr,
        ci_low, ci_high, p, interval_se (the one behind the interval), df (NaN: normal).
    estimates: an `Estimate` of each term's hazard ratio; covariance: of the coefficients, the one
        behind the intervals; loglik: (at 0, fitted), penalised ones under a penalty; n: rows; n_clusters: informative ones.
    score_norm: largest absolute score at the estimate; decrement: its distance to the maximum in
        standard errors; iterations: of Newton's method.
    score_test, likelihood_ratio_test: (chi-square, df, p) of no effect at all, model-based.
    cluster_shares: of each term's jackknife variance, by cluster (None without jackknife).
    """

    table: pd.DataFrame
    estimates: Mapping[str, Estimate]
    covariance: np.ndarray
    loglik: tuple[float, float]
    n: int
    n_events: int
    n_clusters: int | None
    method: str
    variance: str
    warnings: tuple[Caution, ...]
    score_norm: float
    decrement: float
    iterations: int
    score_test: tuple[float, int, float]
    likelihood_ratio_test: tuple[float, int, float]
    cluster_shares: pd.DataFrame | None
    ci_level: float
    model_covariance: np.ndarray = field(repr=False)
    robust_covariance: np.ndarray | None = field(repr=False)
    _fit: Fit = field(repr=False)
    _design: Design = field(repr=False)
    _scale: np.ndarray = field(repr=False)
    _centre: np.ndarray = field(repr=False)
    _strata: Groups = field(repr=False)
    _start: np.ndarray = field(repr=False)
    _stop: np.ndarray = field(repr=False)
    _event: np.ndarray = field(repr=False)
    _weighted: bool = field(repr=False)
    _weight: np.ndarray = field(repr=False)
    _clusters: Groups | None = field(repr=False)
    _index: pd.Index = field(repr=False)
    _strata_columns: tuple[str, ...] = field(repr=False)
    _cluster_column: str | None = field(repr=False)

    @property
    def estimate(self) -> Estimate:
        """The hazard ratio of the first covariate (of its first level, when it is a category)."""
        return next(iter(self.estimates.values()))

    @property
    def references(self) -> dict[str, object]:
        """The level that each categorical covariate is compared with."""
        return dict(self._design.references)

    def ph_test(self, transform: str = "km") -> PHTest:
        """Score test of proportional hazards per covariate and GLOBAL; transform: km, rank, identity or log."""
        likelihood = self._fit.likelihood
        g = transformed_times(transform, likelihood.sets.times, self._start, self._stop, self._event)
        return score_test_of_proportionality(likelihood, g, self._design.owner, self._design.covariates, transform)

    def residuals(self, kind: str, *, collapse: object = None, weighted: bool | None = None) -> pd.DataFrame:
        """Residuals of the fit.

        kind : "martingale", "deviance", "score", "dfbeta" (change of the coefficients when a row is left out,
            to first order), "dfbetas" (in model-based standard errors): one row per row of the data, under
            its index; "schoenfeld" and "scaled_schoenfeld" (plus the coefficient): one row per event, with
            the columns row (its label), stratum and time, ordered by stratum and time.
        collapse : "cluster" to sum over the clusters of the fit, or the group of every row; deviance
            residuals are those of the sums.
        weighted : multiply by the case weights; by default dfbeta and dfbetas only (as in R).

        Rows of weight 0 have NaN. Raises `UsageError` for an unknown kind or groups of the wrong length.
        """
        return residual_frame(self, kind, collapse, weighted)

    def schoenfeld_curve(self, term: str, transform: str = "km", df: int = 4, points: int = 40) -> SchoenfeldCurve:
        """The log hazard ratio of ``term`` over time: scaled Schoenfeld residuals smoothed by a natural spline
        with ``df`` degrees of freedom, with a pointwise band, on ``points`` times even in ``transform``."""
        return schoenfeld_curve(self, term, transform, df, points)

    def concordance(self) -> Concordance:
        """Harrell's concordance of predicted hazard and time of event, within strata, with its standard error."""
        return concordance(self)

    def baseline(self) -> pd.DataFrame:
        """stratum, time, hazard, cumulative_hazard at the mean covariates of each stratum (centre)."""
        return baseline_hazard(self._fit.likelihood, self._strata)

    def survival_at(
        self, covariates: pd.DataFrame | Mapping[str, object], times: Sequence[float], stratum: object = None
    ) -> pd.DataFrame:
        """Predicted survival: row, time, survival, se, ci_low, ci_high, reason.

        ``covariates``: a frame, or one person as a mapping; ``stratum``: which baseline (a label;
        may be left out when there is one). Beyond the last time at risk NaN, with the reason.
        Intervals are on the log scale. Standard errors are model-based; for weighted or clustered fits they
        are the infinitesimal jackknife by row or cluster, with t on the clusters less 1 where the coefficients
        have t; a penalised fit gets none.
        """
        rows = pd.DataFrame([covariates]) if isinstance(covariates, Mapping) else covariates
        clusters = None if self._clusters is None else self._clusters.codes
        with_t = self.variance in ("cluster", "jackknife") and clusters is not None
        df = float(len(np.unique(clusters[self._fit.likelihood.sets.rows])) - 1) if with_t and clusters is not None else None
        errors = {"profile": "none", "model": "model"}.get(self.variance, "robust")
        return predicted_survival(
            self._fit, self._design.encode(rows), list(rows.index), as_times(times), strata=self._strata, stratum=stratum,
            centre=self._centre, scale=self._scale, stop=self._stop, ci_level=self.ci_level, errors=errors, clusters=clusters, df=df,
        )

    def statement(self) -> str:
        """One sentence: the first hazard ratio with its interval, and what it rests on."""
        first = self.estimate
        term = next(iter(self.estimates))
        name = self._design.covariates[0]
        versus = f" against {self._design.references[name]}" if name in self._design.references else ""
        p = "" if np.isnan(first.p_value) else f"; {format_p(first.p_value)}"
        missing = "" if not np.isnan(first.ci_low) else "; no interval is given"
        basis = f"from {self.n_events:,} events in {self.n:,} rows ({self.method})"
        return f"Hazard ratio of {term}{versus}: {first.interval()}{p}{missing}, {basis}."
