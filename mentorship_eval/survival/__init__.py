"""Time to event: Cox regression, curves and tests, with delayed entry, ties, weights and clusters.

Rows are counting-process intervals (start, stop]: a person is at risk at an event time t when
start < t <= stop. The module knows nothing of mentorship; importing it loads nothing heavy.
"""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

# Modules are not named like the functions: importing a submodule would put it in the function's place.
_LAZY = {
    "cox": "hazards.cox_regression",
    "CoxResult": "hazards.cox_result",
    "PHTest": "hazards.ph_test",
    "Concordance": "hazards.concordance",
    "SchoenfeldCurve": "hazards.schoenfeld_curve",
    "shared_frailty": "hazards.frailty",
    "SharedFrailty": "hazards.frailty",
    "adjusted_survival": "hazards.standardised",
    "AdjustedSurvival": "hazards.standardised_result",
    "kaplan_meier": "curves.product_limit",
    "KaplanMeier": "curves.product_limit",
    "aalen_johansen": "curves.cumulative_incidence",
    "AalenJohansen": "curves.cumulative_incidence",
    "fine_gray": "competing.subdistribution",
    "FineGray": "competing.subdistribution_result",
    "rmst": "curves.restricted_mean",
    "largest_tau": "curves.restricted_mean",
    "RestrictedMean": "curves.restricted_mean_result",
    "gray_test": "curves.gray",
    "GrayTest": "curves.gray",
    "logrank": "curves.rank_tests",
    "LogRank": "curves.rank_tests",
    "propensity_weights": "weighting.propensity",
    "PropensityWeights": "weighting.propensity",
    "balance": "weighting.covariate_balance",
    "Balance": "weighting.covariate_balance",
    "overlap": "weighting.covariate_balance",
    "Overlap": "weighting.covariate_balance",
    "iptw_cox": "weighting.reweighted",
    "WeightedCox": "weighting.reweighted",
    "person_periods": "histories.split_periods",
    "marginal_structural": "histories.structural_model",
    "MarginalStructural": "histories.structural_result",
    "sequential_trials": "histories.trial_sequence",
    "SequentialTrials": "histories.trial_sequence",
    "mean_cumulative": "recurrent.mean_function",
    "MeanCumulative": "recurrent.mean_function",
    "parametric": "parametric_models.parametric_model",
    "ParametricResult": "parametric_models.parametric_model",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
