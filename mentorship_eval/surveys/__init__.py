"""Engine: scores of people over survey waves, in clusters, with answers missing.

Plain frames in, frozen results out (`.table`, `.estimate` where there is one, `.statement()`). Arms are two: 0/1, booleans, or two labels of which
``reference`` is the one compared with. Differences are arm less reference, on the scale of the score. ``cluster`` is the unit in which the
programme was given (a department): intervals are t with few-cluster degrees of freedom. Nothing is dropped in silence: what is left
out stands in the result.

Scores
    score(data, *, items, key=None, subscale=None, low, high, reverse, method="mean", times=1, answered=0.5, numbers=None) -> Scored
        .scores (Series, index of data)  .table (what was answered, turned, scored)  .values (turned items)
    scoring_key(name) -> ScoringKey   .subscales .higher_is_better(subscale) .cutoff_of(subscale) .important;  scoring_keys() -> all that are shipped
    important_difference(estimate, *, mid=None, sd=None, key=None, subscale=None, higher_is_better=None) -> AgainstImportant (.words, .table)
    reliability(data, *, items, wave=None, low=None, high=None, reverse=()) -> Reliability   .table per wave; .items per wave and item
Comparisons
    mixed_model(data, *, outcome, arm, wave, person, cluster=None, baseline=None, covariates=(), structure="intercepts", df="kenward-roger",
        jackknife=True, icc_intervals=True, randomised=False) -> RepeatedMeasures
        .estimate (mean over waves)  .at_wave  .by_wave  .table (terms)  .variances  .icc (by group)  .jackknife (Estimates: mean, waves)
    random_intercepts(data, *, outcome, groups, covariates=(), df="kenward-roger") -> RandomIntercepts   .table  .variances  .icc (Estimate per group)
    ancova(data, *, outcome, arm, baseline=None, cluster=None, covariates=(), weights=None, variance="CR2", randomised=False)
        -> Ancova   .estimate  .standardised (Hedges g)  .change_score (companion)  .unadjusted  .table
    ordinal(data, *, outcome, arm, covariates=(), cluster=None) -> ProportionalOdds   .estimate (odds ratio)  .by_cut
    favourable(data, *, favourable, arm, covariates=(), cluster=None, weights=None) -> Favourable   .estimate (risk difference)  .table per arm
    families(estimates, *, family=None) -> DataFrame: id, family, p_value, holm, benjamini_hochberg
Missing answers
    response_flow(data, *, answered, wave, arm=None, person=None) -> ResponseFlow   .table  .patterns
    response_weights(data, *, answered, covariates, arm=None, truncate=0.99) -> ResponseWeights   .weights (Series)  .table  .effective_n  .balance
    weighted_ancova(data, *, outcome, arm, response_covariates, cluster, baseline=None, ...) -> WeightedAncova   (weights refitted without each)
    response_refits(data, *, outcome, arm, response_covariates, cluster) -> ResponseRefits   (those weights, for several scores of the same answers)
    impute(data, *, columns, arm, predictors=(), cluster=None, imputations=20, iterations=20, seed=0) -> Imputations   .datasets  .pooled(analysis)
    pool_imputed(estimates, *, complete_df=None) -> Pooled   .estimate (Rubin; Barnard & Rubin degrees of freedom)  .missing_information
    tipping_point(imputations, *, analysis, outcome, deltas=None, shifted="arm") -> TippingPoint   .table (delta, estimate, limits)  .tips_at
"""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

# Modules are not named like the functions: importing a submodule would put it in the function's place.
_LAZY = {
    "scoring_key": "scoring",
    "scoring_keys": "scoring",
    "score": "scoring.items",
    "Scored": "scoring.items",
    "reliability": "consistency.by_wave",
    "Reliability": "consistency.by_wave",
    "ancova": "comparisons.covariance_adjusted",
    "Ancova": "comparisons.covariance_adjusted",
    "ordinal": "comparisons.cumulative_odds",
    "ProportionalOdds": "comparisons.cumulative_odds",
    "favourable": "comparisons.proportions",
    "Favourable": "comparisons.proportions",
    "important_difference": "comparisons.important",
    "AgainstImportant": "comparisons.important",
    "families": "comparisons.important",
    "response_flow": "missing.flow",
    "ResponseFlow": "missing.flow",
    "response_weights": "missing.response_model",
    "ResponseWeights": "missing.response_model",
    "weighted_ancova": "missing.weighted",
    "response_refits": "missing.weighted",
    "ResponseRefits": "missing.weighted",
    "WeightedAncova": "missing.weighted",
    "impute": "missing.imputation",
    "Imputations": "missing.imputation",
    "pool_imputed": "missing.rubin",
    "Pooled": "missing.rubin",
    "tipping_point": "missing.tipping",
    "TippingPoint": "missing.tipping",
    "mixed_model": "mixed.repeated",
    "RepeatedMeasures": "mixed.repeated_result",
    "random_intercepts": "mixed.random_effects",
    "RandomIntercepts": "mixed.random_effects",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
