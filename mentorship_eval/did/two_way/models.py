"""The two models behind `twfe`: each knows its linearised form, its refits and its wild bootstrap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.two_way.linearised import Linearised, linearise
from mentorship_eval.did.two_way.poisson_fit import PoissonFit, fit_poisson
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.inference.cluster_variance import leave_one_out_estimates
from mentorship_eval.inference.wild_bootstrap import WildBootstrap, inverted_interval, wild_cluster_bootstrap, wild_test
from mentorship_eval.inference.wild_weights import WildWeights, wild_weights

__all__ = ["LinearModel", "Model", "PoissonModel", "fit_linear_model", "fit_poisson_model", "treated_cells"]

# A rate ratio beyond exp(30) is as good as infinite.
UNBOUNDED = 30.0


def treated_cells(panel: Panel) -> np.ndarray:
    """(I, T): at or after adoption, in the cells of the fit."""
    return np.asarray((panel.position[None, :] >= panel.adopted[:, None]) & (panel.exposure > 0))


class Model(Protocol):
    """linearised: the fit; the others are asked for only when wanted."""

    @property
    def linearised(self) -> Linearised: ...

    def leave_one_out(self) -> np.ndarray:
        """(G,) coefficient without each cluster; NaN where it does not exist."""
        ...

    def wild(self, draws: int, seed: int, kind: str, ci_level: float) -> WildBootstrap:
        """Restricted wild cluster bootstrap of no effect."""
        ...


@dataclass(frozen=True)
class LinearModel:
    linearised: Linearised

    def leave_one_out(self) -> np.ndarray:
        fit = self.linearised
        return leave_one_out_estimates(fit.estimate, fit.residual, fit.cluster, fit.basis, fit.basis.shape[1] - 1)

    def wild(self, draws: int, seed: int, kind: str, ci_level: float) -> WildBootstrap:
        fit = self.linearised
        return wild_cluster_bootstrap(
            fit.regressor, fit.response, fit.cluster, others=fit.basis[:, :-1], draws=draws, seed=seed, weights=kind, ci_level=ci_level
        )


@dataclass(frozen=True)
class PoissonModel:
    linearised: Linearised
    panel: Panel
    treated: np.ndarray
    fit: PoissonFit

    def leave_one_out(self) -> np.ndarray:
        panel = self.panel
        design = np.concatenate([np.moveaxis(panel.covariates, 2, 0), self.treated[None]])
        out = np.full(len(panel.cluster_labels), np.nan)
        for g in range(len(out)):
            keep = panel.cluster != g
            fit = fit_poisson(panel.outcome[keep], panel.exposure[keep], design[:, keep], start=self.fit)
            if fit.converged and fit.determined[-1]:
                out[g] = fit.theta[-1]
        return out

    def score_test(self, value: float, weights: WildWeights, start: PoissonFit | None = None) -> tuple[float, float, PoissonFit]:
        """Bootstrap p-value and t statistic of the log ratio ``value``, and the fit under it (``start``: such a fit nearby)."""
        panel = self.panel
        fit = fit_poisson(panel.outcome, panel.exposure, np.moveaxis(panel.covariates, 2, 0), start=start, offset=value * self.treated)
        step = _linearised(panel, self.treated, fit, 0.0)
        codes = np.unique(step.cluster, return_inverse=True)[1]
        return *wild_test(step.regressor, step.response, codes, step.basis[:, :-1], weights), fit

    def wild(self, draws: int, seed: int, kind: str, ci_level: float) -> WildBootstrap:
        """The linear bootstrap of the model linearised at its fit under each hypothesis.

        The statistic is that of one Newton step from there (a score test), and the signs are put on the
        scores, as in Kline & Santos (2012, J. Econometric Methods 1:23-41), projected as MacKinnon, Nielsen &
        Webb do for the logit model (2025, "Cluster-robust jackknife and bootstrap inference for logistic regression models").
        """
        estimate = self.linearised.estimate
        weights = wild_weights(len(np.unique(self.linearised.cluster)), draws=draws, seed=seed, kind=kind)
        p, statistic, last = self.score_test(0.0, weights)

        def p_of(distance: float) -> float:
            nonlocal last
            if abs(estimate + distance) > UNBOUNDED:
                return 1.0
            p_there, _, last = self.score_test(estimate + distance, weights, last)
            return p_there

        fit = self.linearised
        scores = np.bincount(fit.cluster, weights=fit.regressor * fit.residual)
        low, high = inverted_interval(p_of, float(np.sqrt(scores @ scores)) / fit.information, ci_level, tolerance=1e-3)
        return WildBootstrap(
            p_value=p, ci_low=estimate + low, ci_high=estimate + high, ci_level=ci_level, null=0.0, statistic=statistic,
            n_clusters=weights.clusters, draws=weights.draws, enumerated=weights.enumerated,
            weights=weights.kind, smallest_p=weights.smallest_p, seed=weights.seed, model="Poisson, linearised at the hypothesis",
        )


def fit_linear_model(panel: Panel) -> LinearModel:
    """Weighted least squares; raises `EstimationError` where the effects hold the treatment already."""
    covariates = np.moveaxis(panel.covariates, 2, 0)
    treated = treated_cells(panel).astype(float)
    return LinearModel(linearise(panel.outcome, treated, panel.exposure, covariates, panel.cluster, panel.covariate_names))


def _linearised(panel: Panel, treated: np.ndarray, fit: PoissonFit, coefficient: float) -> Linearised:
    """The working model at a Poisson fit: response (y - mu) / mu, weight mu."""
    mean = fit.mean
    response = np.divide(panel.outcome - mean, mean, out=np.zeros_like(mean), where=mean > 0) + coefficient * treated
    return linearise(response, treated, mean, np.moveaxis(panel.covariates, 2, 0), panel.cluster, panel.covariate_names)


def fit_poisson_model(panel: Panel) -> PoissonModel:
    """Maximum likelihood; raises `EstimationError`, naming units, where no finite ratio exists."""
    treated = treated_cells(panel)
    in_fit = panel.exposure > 0
    if not panel.outcome[in_fit].any():
        raise EstimationError("No event was counted at all, so that no ratio exists.", fix="Take a more common outcome or longer periods.")
    if not panel.outcome[treated].any():
        raise EstimationError(
            f"No event was counted in any treated cell (units {listing(panel.units[treated.any(axis=1)])}): the ratio is 0 and has no "
            "standard error.",
            fix="Use did.poisson_imputation, which compares sums, or take a more common outcome or longer periods.",
        )
    covariates, status = np.moveaxis(panel.covariates, 2, 0), treated.astype(float)
    linearise(status, status, in_fit.astype(float), covariates, panel.cluster, panel.covariate_names)  # refuses what the design itself holds
    fit = fit_poisson(panel.outcome, panel.exposure, np.concatenate([covariates, status[None]]))
    try:
        if not (fit.converged and fit.determined.all()):
            raise EstimationError("no finite maximum")
        linearised = _linearised(panel, status, fit, float(fit.theta[-1]))
    except EstimationError:
        raise EstimationError(
            "The fit does not converge: the events of the treated cells, or of their comparisons, are too few to tie the ratio down "
            f"(treated units: {listing(panel.units[treated.any(axis=1)])}).",
            fix="Take a more common outcome or longer periods, merge small units, or leave covariates out.",
        ) from None
    return PoissonModel(replace(linearised, estimate=float(fit.theta[-1])), panel, status, fit)
