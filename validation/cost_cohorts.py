"""Cohorts of `simulate_cohort` in memory, answered by the costs chapter: leavers avoided and, at sure prices, the net benefit that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval import simulate_cohort
from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer
from validation.analyses import Found, of_estimate
from validation.people_cohorts import in_memory

__all__ = ["COST_LABELS", "at_sure_prices", "costed"]

READ = ("staff", "departments", "spells", "rollout", "matches", "mentors", "sessions", "costs")
COST_LABELS = {
    "economics.leavers_avoided": "leavers avoided where the programme is active",
    "economics.net_benefit": "net benefit at sure prices, in leavers of 12,000",
}


def at_sure_prices(cohort: Cohort, costs: pd.DataFrame, draws: int = 1000) -> Cohort:
    """The cohort with ``costs`` known to the penny, so that leavers avoided are all that is uncertain; without permutations."""
    plan = cohort.study.plan
    plan = plan.model_copy(update={"permutations": 0, "economics": plan.economics.model_copy(update={"draws": draws})})
    tables = {**cohort.tables, "costs": costs.assign(low=costs["amount"], high=costs["amount"])}
    return replace(cohort, tables=tables, study=cohort.study.model_copy(update={"plan": plan}))


def costed(seed: int, *, scenario: str, **changes: Any) -> dict[str, Found]:
    """One replicate. Both are told in leavers: the cost of the programme is taken off the net benefit, and it is divided by the price of a leaver."""
    from mentorship_eval.questions.economics.net import balance
    from mentorship_eval.questions.economics.study import AVOIDED, cost_study
    from mentorship_eval.questions.retention.prepared import prepare
    from mentorship_eval.questions.retention.programme_leavers import programme_active

    made = simulate_cohort(scenario, seed=seed, outcomes=True, **changes)
    cohort = at_sure_prices(in_memory(made, read=READ), made.tables["costs"])
    avoided = next(result for result in programme_active(cohort, prepare(cohort).episodes).results if result.id == AVOIDED)
    truth = float(made.truth["retention"]["leavers_avoided_programme_active"])
    study = cost_study(cohort, {"retention": Answer("retention", "Retention", results=(avoided,))})
    net = next(result.estimate for result in balance(study).results if result.id == "economics.net_benefit")  # type: ignore[arg-type]
    cost, price = study.cost, study.worth.value  # type: ignore[union-attr]
    in_leavers = Found((net.value + cost) / price, net.se / price, (net.ci_low + cost) / price, (net.ci_high + cost) / price, net.p_value, truth)
    return {"economics.leavers_avoided": of_estimate(avoided.estimate, truth), "economics.net_benefit": in_leavers}
