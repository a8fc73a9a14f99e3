"""Mean effect on the treated by linear imputation: the front door.

Unit and period effects are fitted on untreated cells only (never or not yet treated) by weighted least squares and
projected on the treated cells; the estimate is the weighted mean of what was observed less what was
expected (Borusyak, Jaravel & Spiess 2024, Review of Economic Studies 91:3253). Unlike two-way fixed effects
it is not biased by effects that grow or differ between waves.

Why the jackknife is the default: the conservative variance of that paper measures the spread of effects around the
mean of their own wave and period. It holds as units per wave grow; a wave of one department has no spread around
itself and adds nothing, and the residuals of the fit are smaller than the errors. With few departments it is too small.
The jackknife moves every cluster in and out of fit and estimand alike and needs no such means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.checks import check_choices, check_targets, roles
from mentorship_eval.did.counts.few_controls import FEW_SERVING, serving_clusters, without_intervals
from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.targets import Targets, choose_targets
from mentorship_eval.did.panels.panel import Panel, build_score_panel
from mentorship_eval.did.scores.breakdown import by_period, by_wave, event_study, weights_by_unit
from mentorship_eval.did.scores.cautions import design_cautions, gap_caution, score_cluster_cautions
from mentorship_eval.did.scores.effects import group_means, impute_scores, informative_clusters
from mentorship_eval.did.scores.placebo import placebo_test
from mentorship_eval.did.scores.pretrend import pretrend_test
from mentorship_eval.did.scores.result import LinearImputation
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["linear_imputation"]

METHODS = {
    "jackknife": "linear imputation on untreated cells; leave-one-cluster-out jackknife (CR3), t(G-1)",
    "bjs": "linear imputation on untreated cells; conservative standard error of Borusyak, Jaravel & Spiess (2024), t(G-1)",
}


def _check_settings(anticipation: int, min_controls: int, variance: str, ci_level: float) -> None:
    check_choices(anticipation, min_controls, ci_level)
    if variance not in METHODS:
        raise UsageError(f"There is no variance {variance!r}.", fix="Use 'jackknife' or 'bjs'.")


def _cells(panel: Panel, targets: Targets, expected: np.ndarray) -> pd.DataFrame:
    i, t = np.nonzero(panel.exposure > 0)
    role = roles(targets)
    observed, projected = panel.outcome[i, t], expected[i, t]
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "observed": observed, "expected": projected, "effect": observed - projected,
        "weight": panel.exposure[i, t], "treated": targets.treated[i, t], "role": role[i, t],
    })


def _dropped(panel: Panel, targets: Targets) -> pd.DataFrame:
    """unit, time, reason, weight, outcome: every row of the panel that is in neither the fit nor the estimand."""
    i, t = np.nonzero(targets.reason != "")
    reason = ["weight 0" if why == "no exposure" else why for why in targets.reason[i, t]]
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "reason": reason, "weight": panel.exposure[i, t], "outcome": panel.outcome[i, t],
    })


def linear_imputation(
    panel: pd.DataFrame, *, outcome: str, unit: str, time: str, adopted: str, weights: str | None = None,
    covariates: Sequence[str] | None = None, anticipation: int = 0, min_controls: int = 2, cluster: str | None = None,
    permute_within: str | None = None, variance: str = "jackknife", pretrend_periods: int | None = None, permutations: int | None = None,
    seed: int = 0, ci_level: float = 0.95,
) -> LinearImputation:
    """Mean effect among the treated on an outcome on any scale.

    Parameters
    ----------
    panel : one row per unit and period. Absent rows are reported, never filled.
    outcome : column of numbers: a score, a rate, a share. For counts use `poisson_imputation`.
    unit, time : columns; time in whole numbers, dates or Periods.
    adopted : column with the first treated period of the unit, in the type of ``time``; missing for never.
    weights : column of weights, for the fit and for the mean over treated cells (respondents, patient-days); 1 by default. Rows of
        weight 0 are left out and listed.
    covariates : columns that adoption cannot change; known in treated cells too. Text is treatment-coded against
        its most frequent level.
    anticipation : periods before adoption that count as neither treated nor untreated.
    min_controls : treated periods with fewer untreated units (with ``cluster``, fewer clusters that hold such a unit) are left
        out of the estimand, without looking at outcomes, and listed; ``all_periods`` is the effect with them.
    cluster : column of the clusters left out in turn; the units by default.
    permute_within : column of the blocks within which adoption dates were allocated.
    variance : "jackknife" (default; why, see the module) or "bjs". Both stand in the result.
    pretrend_periods : periods before adoption in the test of trends; by default as many as can be told apart, five at most.
    permutations : assignments of the placebo test at most; all of them when there are no more than this; 0 for none. By default
        9,999, and none for panels of more than 25,000 unit-periods.
    seed : of the random assignments.

    Returns
    -------
    LinearImputation. With fewer than six treated units (or clusters), or fewer than six that are untreated in some target period, the effect
    has no interval and no t test, with one treated also no permutation p-value; no jackknife standard error where there is no effect
    without one of the clusters.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : duplicate unit-periods, missing or infinite outcomes, adoption
    0 or changing within a unit, nobody treated, no untreated cell, nothing to compare with, collinear covariates.
    """
    _check_settings(anticipation, min_controls, variance, ci_level)
    data = build_score_panel(
        panel, unit=unit, time=time, adopted=adopted, outcome=outcome, weights=weights, covariates=covariates, cluster=cluster,
        permute_within=permute_within,
    )
    targets = choose_targets(data, anticipation=anticipation, min_controls=min_controls)
    check_targets(data, targets)
    imputed = impute_scores(data, targets.untreated)
    means = group_means(data, imputed, targets.target, np.zeros(int(targets.target.sum()), dtype=int), 1)
    value = float(means.value[0])
    informative = informative_clusters(data, targets)
    jackknife = cluster_jackknife(value, means.without[informative])
    treated_clusters, serving = len(np.unique(data.cluster[targets.target.any(axis=1)])), serving_clusters(data, targets)
    bjs = float(np.sqrt((means.score**2).sum())) if treated_clusters > 1 else np.nan
    se_jackknife = float(jackknife.se[0]) if treated_clusters > 1 and not jackknife.failed else np.nan

    estimate = difference_estimate(
        value, se_jackknife if variance == "jackknife" else bjs, ci_level=ci_level, n=int(targets.target.sum()),
        df=None if variance == "jackknife" and jackknife.failed else float(informative.sum() - 1), n_clusters=int(informative.sum()),
        method=METHODS[variance], estimand=f"mean {outcome} among the treated, less that expected without treatment",
    )
    if min(treated_clusters, serving) < FEW_TREATED:
        estimate = replace(estimate, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
    every = choose_targets(data, anticipation=anticipation, min_controls=1).target
    all_periods = float(np.average(imputed.effect[every], weights=data.exposure[every]))
    placebo, rank, placebo_cautions = placebo_test(
        data, value, anticipation=anticipation, min_controls=min_controls, draws=permutations, seed=seed, treated_clusters=treated_clusters,
    )
    pretrend, pre, _ = pretrend_test(
        data, targets, informative, periods=pretrend_periods, anticipation=anticipation, variance=variance, ci_level=ci_level)
    warnings = (
        *score_cluster_cautions(data, targets, jackknife, informative, treated_clusters, rank, variance),
        *design_cautions(data, targets, anticipation, all_periods, value), *gap_caution(data, targets, value), *placebo_cautions,
    )
    about = data, targets, imputed, informative
    shown = {
        "event_study": event_study(*about, pretrend, pre, variance, ci_level), "by_wave": by_wave(*about, variance, ci_level),
        "by_period": by_period(*about, variance, ci_level),
    }
    if serving < FEW_SERVING:
        shown = {name: without_intervals(frame) for name, frame in shown.items()}
    return LinearImputation(
        estimate=estimate.warn(*warnings), se_jackknife=se_jackknife, se_bjs=bjs,
        all_periods=Estimate(value=all_periods, scale="difference", ci_level=ci_level, method=METHODS[variance],
            estimand="the same with min_controls 1"),
        n_treated_units=int(targets.target.any(axis=1).sum()), n_untreated_cells=int(targets.untreated.sum()),
        permutation=placebo, placebo_rank=rank, pretrend=pretrend,
        **shown,
        weights_by_unit=weights_by_unit(data, targets, means, informative, jackknife),
        leave_one_out=pd.DataFrame({"cluster": data.cluster_labels, "estimate": means.without[:, 0], "informative": informative}),
        dropped=_dropped(data, targets), cells=_cells(data, targets, imputed.fit.expected),
        settings={
            "outcome": outcome, "weights": weights, "unit": unit, "time": time, "adopted": adopted, "covariates": data.covariate_names,
            "anticipation": anticipation, "min_controls": min_controls, "cluster": cluster or unit, "permute_within": permute_within,
            "variance": variance, "pretrend_periods": pretrend.df1, "permutations": permutations, "seed": seed, "ci_level": ci_level,
        },
        warnings=warnings,
    )
