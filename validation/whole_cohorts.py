"""Cells whose cohorts are those of `simulate_cohort`, tables of the demo and all, analysed as the chapters do."""

from __future__ import annotations

import math
from collections.abc import Callable

from validation.analyses import Found, of_estimate, with_event
from validation.cost_cohorts import COST_LABELS, costed
from validation.delivery_cohorts import DELIVERY_LABELS, delivered
from validation.gap_cohorts import GAP_LABELS, gaps
from validation.people_cohorts import PEOPLE_LABELS, equity, people
from validation.worlds import END, START

__all__ = ["WHOLE", "WHOLE_LABELS"]

WHOLE_LABELS = {
    "whole_default": "time-varying, strata of department, delayed entry, quarters (default)",
    "whole_naive_hire": "naive: ever mentored, counted from hire",
    "whole_naive_entry": "naive: ever mentored, counted from entry",
    "harm": "harm: jackknife t(G-1)",
    "harm_permutation": "harm: permutation",
    "no_harm": "no harm: jackknife t(G-1)",
    "no_harm_permutation": "no harm: permutation",
    **PEOPLE_LABELS, **GAP_LABELS, **DELIVERY_LABELS, **COST_LABELS,
}


def retention(seed: int, *, scenario: str, departments: int, staff: int) -> dict[str, Found]:
    """One replicate: the default analysis and the two naive ones."""
    from mentorship_eval import simulate_cohort
    from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
    from mentorship_eval.questions.covariates import with_covariates
    from mentorship_eval.questions.retention.immortal_time import immortal_time
    from mentorship_eval.questions.retention.model_rows import calendar_periods, default_cox

    made = simulate_cohort(scenario, departments=departments, staff=staff, seed=seed)
    episodes = mentorship_episodes(**{name: made.tables[name] for name in ("staff", "spells", "matches", "rollout")}, start=START, end=END)
    covariates = ["profession", "newly_qualified"]
    rows = with_event(with_covariates(episodes.rows, covariates)[0])
    rows["period"], _ = calendar_periods(rows)
    truth = math.log(made.truth["retention"]["hazard_ratio_absorbing"])
    fit = default_cox(rows, "mentored", [*covariates, "period"], "event", "dept_id")
    found = {"whole_default": of_estimate(fit.estimate, truth)}
    for result in immortal_time(episodes, covariates, None)[0]:
        found["whole_" + result.id.removeprefix("retention.")] = of_estimate(result.estimate, truth)
    return found


def incidents(seed: int, *, scenario: str, departments: int) -> dict[str, Found]:
    """One replicate: harm and no-harm by the default estimator."""
    from mentorship_eval import simulate_cohort
    from mentorship_eval.cohort.panels import department_months
    from mentorship_eval.did import poisson_imputation

    made = simulate_cohort(scenario, departments=departments, staff=departments * 20, seed=seed)
    tables = {name: made.tables[name] for name in ("incidents", "exposure", "rollout")}
    panel = department_months(**tables, start=START, end=END).rows
    found = {}
    for count in ("harm", "no_harm"):
        fit = poisson_imputation(
            panel, count=count, exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=199, seed=seed
        )
        truth = math.log(made.truth["incidents"]["months_with_2_controls"][count])
        found[count] = of_estimate(fit.irr, truth)
        p = math.nan if fit.permutation_p is None else fit.permutation_p
        found[count + "_permutation"] = Found(math.log(fit.irr.value), math.nan, math.nan, math.nan, p, truth)
    return found


WHOLE: dict[str, Callable[..., dict[str, Found]]] = {
    "cohort": retention, "incidents": incidents, "people": people, "equity": equity, "gaps": gaps, "delivery": delivered, "costs": costed,
}  # fmt: skip
