"""Two-way fixed effects, linear or Poisson: the front door of a diagnostic.

One coefficient of being treated beside unit and period effects. With staggered adoption it averages
comparisons of which some are forbidden (units treated already as controls), so that it is biased when
effects grow or differ between waves (Goodman-Bacon 2021, J. Econometrics 225:254-277). It is offered to be
compared with imputation and with what others have published, never as the estimate of an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel, build_panel, build_score_panel
from mentorship_eval.did.two_way.cautions import FEW_TREATED, diagnostic_caution, inference_cautions, panel_cautions
from mentorship_eval.did.two_way.cell_weights import CellWeights, cell_weights
from mentorship_eval.did.two_way.models import Model, PoissonModel, fit_linear_model, fit_poisson_model, treated_cells
from mentorship_eval.did.two_way.result import TwoWayFixedEffects
from mentorship_eval.did.two_way.standard_errors import VARIANCES, WORDS, choose_variance
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.inference.intervals import critical_value, difference_estimate, ratio_estimate
from mentorship_eval.inference.wild_weights import KINDS

__all__ = ["twfe"]

ESTIMAND = "two-way fixed-effects coefficient of being treated (a diagnostic)"


def _check_settings(
    count: str | None, exposure: str | None, outcome: str | None, weights: str | None, variance: str, wild: int, wild_weights: str,
    ci_level: float,
) -> None:
    if (count is None) == (outcome is None):
        raise UsageError("twfe needs either count (with exposure) or outcome.", fix="Give count= and exposure= for events, outcome= for scores.")
    if count is not None and exposure is None:
        raise UsageError(f"The count {count!r} has no exposure.", fix="Give exposure=, the column of patient-days or person-time.")
    if count is None and exposure is not None:
        raise UsageError("exposure belongs to a count.", fix="For an outcome, give weights= instead.")
    if count is not None and weights is not None:
        raise UsageError("weights belong to an outcome; counts are weighted by their exposure already.", fix="Leave weights out.")
    if variance not in VARIANCES:
        raise UsageError(f"variance is {variance!r}.", fix=f"Choose one of {', '.join(VARIANCES)}.")
    if wild < 0 or wild != int(wild):
        raise UsageError(f"wild is {wild}.", fix="Give 0 for no wild bootstrap, or a number of draws such as 9999.")
    if wild_weights not in KINDS:
        raise UsageError(f"wild_weights is {wild_weights!r}.", fix=f"Choose one of {', '.join(KINDS)}.")
    critical_value(ci_level)


def _check_comparison(panel: Panel, treated: np.ndarray) -> None:
    if not treated.any():
        raise EstimationError("No unit is treated within the periods of the panel.",
            fix=f"Check {panel.columns['adopted']!r}: it holds the first treated period, missing for never.")
    if not ((panel.exposure > 0) & ~treated).any():
        raise EstimationError("No unit has an untreated period: nothing says what would have been expected.",
            fix="Add periods before adoption, or units that never adopt.")


def two_way_result(
    data: Panel, *, variance: str, wild: int = 0, wild_weights: str = "auto", seed: int = 0, ci_level: float = 0.95
) -> TwoWayFixedEffects:
    """The coefficient of a validated panel, Poisson for counts and linear for scores; see `twfe`."""
    treated = treated_cells(data)
    _check_comparison(data, treated)
    model: Model = fit_poisson_model(data) if "count" in data.columns else fit_linear_model(data)
    fit = model.linearised
    chosen = choose_variance(model, variance, len(data.cluster_labels), ci_level)
    treated_clusters = len(np.unique(data.cluster[treated.any(axis=1)]))
    bootstrap = model.wild(wild, seed, wild_weights, ci_level) if wild and treated_clusters > 1 else None

    poisson = isinstance(model, PoissonModel)
    weighing = CellWeights(np.nan, np.nan, pd.DataFrame(columns=["unit", "time", "adopted", "weight"])) if poisson else cell_weights(data, fit)
    instead = "did.poisson_imputation" if poisson else "did.linear_imputation or did.callaway_santanna"
    warnings = (
        diagnostic_caution(data, treated, weighing.share, instead), *panel_cautions(data, treated),
        *inference_cautions(data, chosen, variance, treated_clusters, bootstrap),
    )
    about: dict[str, Any] = {
        "n": len(fit.residual), "n_clusters": chosen.variance.n_clusters, "estimand": ESTIMAND, "ci_level": ci_level,
        "method": f"{'Poisson' if poisson else 'Linear'} two-way fixed effects (diagnostic); {WORDS[variance]}", "warnings": warnings,
    }
    se, df = chosen.variance.se, chosen.variance.df
    if poisson:
        events = float(data.outcome[data.exposure > 0].sum())
        estimate = ratio_estimate(fit.estimate, se, scale="rate ratio", df=df, n_events=events, **about)
    else:
        estimate = difference_estimate(fit.estimate, se, scale="difference", df=df, **about)
    if treated_clusters < FEW_TREATED:
        estimate = replace(estimate, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
    without = np.exp(chosen.without) if poisson else chosen.without
    return TwoWayFixedEffects(
        estimate=estimate, wild=bootstrap, standard_errors=chosen.table,
        clusters=pd.DataFrame({"cluster": data.cluster_labels, "share_of_variance": chosen.variance.shares, "estimate_without": without}),
        negative_weight_share=weighing.share, negative_weight_sum=weighing.total, cell_weights=weighing.cells,
        deviance=model.fit.deviance if isinstance(model, PoissonModel) else np.nan,
        log_likelihood=model.fit.log_likelihood if isinstance(model, PoissonModel) else np.nan,
        settings={
            **data.columns, "covariates": data.covariate_names, "variance": variance, "wild": wild, "wild_weights": wild_weights, "seed": seed,
            "ci_level": ci_level,
        },
        warnings=warnings,
    )


def twfe(
    panel: pd.DataFrame, *, unit: str, time: str, adopted: str, count: str | None = None, exposure: str | None = None,
    outcome: str | None = None, weights: str | None = None, covariates: Sequence[str] | None = None, cluster: str | None = None,
    variance: str = "CR1", wild: int = 0, wild_weights: str = "auto", seed: int = 0, ci_level: float = 0.95,
) -> TwoWayFixedEffects:
    """Two-way fixed-effects coefficient of being treated: a diagnostic, biased when effects grow or differ between waves.

    Parameters
    ----------
    panel : one row per unit and period; gaps are allowed and reported.
    unit, time, adopted : columns; adopted holds the first treated period, missing for never.
    count, exposure : events and time at risk, for a Poisson model with log exposure as offset; the estimate is a rate ratio.
    outcome, weights : scores or rates, for a linear model; weights (1 by default) are taken as inverse variances.
    covariates : columns; text is treatment-coded against its most frequent level.
    cluster : column of clusters of whole units; the units by default.
    variance : "CR1" with the small-sample convention of fixest and t(G-1); "CR2", bias-reduced, with Satterthwaite degrees of
        freedom; "CR3", leave-one-cluster-out jackknife with t(G-1) over clusters that carry information.
    wild : draws of a restricted wild cluster bootstrap, such as 9999; 0 for none. For counts the model is linearised at the
        hypothesis (a score test).
    wild_weights, seed : "rademacher", "webb" or "auto" (see `inference.wild_weights`), and the seed of the draws.

    Returns
    -------
    TwoWayFixedEffects. With fewer than six treated clusters the estimate has no interval and no t test; with one there is
    no bootstrap either.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : as the other estimators for bad rows; nobody treated, no untreated
    cell, treatment or covariates held by the effects, counts for which no finite ratio exists.
    """
    _check_settings(count, exposure, outcome, weights, variance, wild, wild_weights, ci_level)
    data = (
        build_panel(panel, unit=unit, time=time, adopted=adopted, count=count, exposure=exposure, covariates=covariates, cluster=cluster)
        if count is not None and exposure is not None else
        build_score_panel(panel, unit=unit, time=time, adopted=adopted, outcome=str(outcome), weights=weights, covariates=covariates,
            cluster=cluster)
    )
    return two_way_result(data, variance=variance, wild=wild, wild_weights=wild_weights, seed=seed, ci_level=ci_level)
