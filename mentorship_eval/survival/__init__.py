"""Time to event: Cox regression, curves and tests, with delayed entry, ties, weights and clusters.

Rows are counting-process intervals (start, stop]: a person is at risk at an event time t when
start < t <= stop. The module knows nothing of mentorship; importing it loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Modules are not named like the functions: importing a submodule would put it in the function's place.
_LAZY = {
    "cox": "cox_regression",
    "CoxResult": "cox_result",
    "PHTest": "ph_test",
    "Concordance": "concordance",
    "SchoenfeldCurve": "schoenfeld_curve",
    "shared_frailty": "frailty",
    "SharedFrailty": "frailty",
    "adjusted_survival": "standardised",
    "AdjustedSurvival": "standardised_result",
    "kaplan_meier": "product_limit",
    "KaplanMeier": "product_limit",
    "aalen_johansen": "cumulative_incidence",
    "AalenJohansen": "cumulative_incidence",
    "fine_gray": "subdistribution",
    "FineGray": "subdistribution_result",
    "rmst": "restricted_mean",
    "largest_tau": "restricted_mean",
    "RestrictedMean": "restricted_mean_result",
    "gray_test": "gray",
    "GrayTest": "gray",
    "logrank": "rank_tests",
    "LogRank": "rank_tests",
    "propensity_weights": "propensity",
    "PropensityWeights": "propensity",
    "balance": "covariate_balance",
    "Balance": "covariate_balance",
    "overlap": "covariate_balance",
    "Overlap": "covariate_balance",
    "iptw_cox": "reweighted",
    "WeightedCox": "reweighted",
    "person_periods": "split_periods",
    "marginal_structural": "structural_model",
    "MarginalStructural": "structural_result",
    "sequential_trials": "trial_sequence",
    "SequentialTrials": "trial_sequence",
    "parametric": "parametric_model",
    "ParametricResult": "parametric_model",
}

__all__ = list(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mentorship_eval.survival' has no attribute {name!r}")
    return _fetch(name)


def _fetch(name: str) -> Any:
    value = getattr(import_module(f"mentorship_eval.survival.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
