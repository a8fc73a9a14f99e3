"""The result of `fine_gray`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.design import Design

__all__ = ["FineGray"]


@dataclass(frozen=True, kw_only=True)
class FineGray(Shown):
    """A fitted Fine-Gray model.

    table: term, coef, se (model-based), robust_se (sandwich, the weights taken as known), hr (of the
        subdistribution), ci_low, ci_high, p, interval_se (the one behind the interval), df (NaN: normal).
    estimates: an `Estimate` of each term; covariance: of the coefficients, the one behind the intervals;
    loglik: (at 0, fitted); n: rows; n_events: of the cause ``of``; n_competing: other events; n_clusters:
    informative ones; score_norm: largest absolute score at the estimate; decrement: its distance
    to the maximum in standard errors.
    baseline: time, hazard, cumulative_hazard of the subdistribution at the mean covariates.
    cluster_shares: of each term's jackknife variance, by cluster (None without jackknife).
    """

    table: pd.DataFrame
    estimates: Mapping[str, Estimate]
    covariance: np.ndarray
    loglik: tuple[float, float]
    of: object
    n: int
    n_events: int
    n_competing: int
    n_clusters: int | None
    method: str
    variance: str
    warnings: tuple[Caution, ...]
    score_norm: float
    decrement: float
    iterations: int
    baseline: pd.DataFrame
    cluster_shares: pd.DataFrame | None
    ci_level: float
    model_covariance: np.ndarray = field(repr=False)
    robust_covariance: np.ndarray = field(repr=False)
    _design: Design = field(repr=False)

    @property
    def estimate(self) -> Estimate:
        """The subdistribution hazard ratio of the first covariate (of its first level, when it is a category)."""
        return next(iter(self.estimates.values()))

    @property
    def references(self) -> dict[str, object]:
        """The level that each categorical covariate is compared with."""
        return dict(self._design.references)

    def statement(self) -> str:
        """One sentence: the first ratio with its interval, and what it rests on."""
        first = self.estimate
        term = next(iter(self.estimates))
        name = self._design.covariates[0]
        versus = f" against {self._design.references[name]}" if name in self._design.references else ""
        p = "" if np.isnan(first.p_value) else f"; {format_p(first.p_value)}"
        missing = "" if not np.isnan(first.ci_low) else "; no interval is given"
        basis = f"from {self.n_events:,} events and {self.n_competing:,} competing events in {self.n:,} rows ({self.method})"
        return f"Subdistribution hazard ratio of {term}{versus} for {self.of}: {first.interval()}{p}{missing}, {basis}."
