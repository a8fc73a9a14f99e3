"""Engine: rates and scores of units over time, compared with what untreated units say was to be expected."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "honest_bounds": "sensitivity.honest",
    "HonestBounds": "sensitivity.honest_result",
    "breakdown": "sensitivity.count_breakdown",
    "CountBreakdown": "sensitivity.breakdown_result",
    "synthetic_did": "sensitivity.synthetic",
    "SyntheticDid": "sensitivity.synthetic_result",
    "poisson_imputation": "counts.poisson",
    "PoissonImputation": "counts.result",
    "binomial_imputation": "shares.binomial",
    "BinomialImputation": "shares.result",
    "callaway_santanna": "group_time.callaway",
    "GroupTimeEffects": "group_time.result",
    "linear_imputation": "scores.linear",
    "LinearImputation": "scores.result",
    "sun_abraham": "scores.interaction",
    "SunAbraham": "scores.interaction_result",
    "power": "design.simulated",
    "Design": "design.plan",
    "PowerResult": "design.result",
    "twfe": "two_way.coefficient",
    "TwoWayFixedEffects": "two_way.result",
    "goodman_bacon": "two_way.decomposition",
    "GoodmanBacon": "two_way.decomposition",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
