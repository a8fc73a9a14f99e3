"""The programme being active in one's department, whoever is mentored: the share of its new ties that cross professions, and its hand-offs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval.cohort.panels import adoption
from mentorship_eval.did import linear_imputation
from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import BLOCK, allocations, own_rollout, with_blocks
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.calendar_time import department_months, months_of
from mentorship_eval.questions.collaboration.indices import MOST_DRAWS
from mentorship_eval.questions.collaboration.ties import OUTCOME, TieStudy
from mentorship_eval.questions.rates import caution_list, fit_rates, rate_exhibits, rate_results
from mentorship_eval.questions.section import Section

__all__ = ["handed_over", "share_where_active"]

GROUP = "Programme active in the department"


def _adopted(study: TieStudy) -> pd.DataFrame:
    start, end = study.cohort.window
    return adoption(rollout=own_rollout(study.cohort), start=start, end=end)


def share_where_active(study: TieStudy) -> Section:
    """Linear imputation on the share of ties across professions by department and quarter, weighted by ties."""
    told, question = Section(), "Share of ties across professions where the programme is active"
    if not study.cohort.has("rollout"):
        return told.lacks(question, "When departments took up the programme is not in these data.", "rollout (dept_id, active_from)")
    live = _adopted(study)
    live.index = live.index.astype(str)
    ties = study.ties.assign(period=months_of(study.cohort, study.ties["date"]), dept=study.ties["from_dept"].astype(str))
    panel = ties.groupby(["dept", "period"])["across"].agg(["mean", "size", "sum"]).reset_index()
    panel = panel.assign(share=100 * panel["mean"], adopted=panel["dept"].map(live["adopted"]))
    panel = panel[panel["period"] != panel["dept"].map(live["partial"])].reset_index(drop=True)
    try:
        fit = linear_imputation(panel, outcome="share", unit="dept", time="period", adopted="adopted", weights="size", permutations=0,
                                min_controls=study.cohort.study.rules.min_controls)  # fmt: skip
    except EstimationError as error:
        return told.lacks(question, error.problem, error.fix or "Months before and after departments went live.")
    estimand = "share of new ties across professions in departments where the programme is active, minus what it would have been"
    estimate = replace(fit.estimate, estimand=estimand, unit="percentage points")
    active = panel[panel["period"] >= panel["adopted"]]
    behind = (float(active["sum"].sum()), float((active["size"] - active["sum"]).sum()))
    told.results.append(
        Result("collaboration.share_where_active", OUTCOME, estimand, "department-months with the programme", estimate,
               "Share of ties across professions, programme active", "companion", GROUP, rests_on=behind)
    )  # fmt: skip
    told.cautions += [Caution(c.code, f"{question}: {c.text}", {"rests_on": behind}) for c in fit.warnings]
    told.methods.append(
        "Programme active, share across professions: linear imputation (Borusyak, Jaravel & Spiess 2024) on shares by department and month, weighted "
        "by ties; the month of a go-live is left out unless it came on the first; all staff of the department count, mentored or not."
    )
    return told


def handed_over(study: TieStudy) -> Section:
    """Hand-offs to other departments per person-year where the programme is active, by Poisson imputation on department-months."""
    told, question = Section(), "Hand-offs between departments where the programme is active"
    between = study.handoffs[study.handoffs["elsewhere"]] if len(study.handoffs) else study.handoffs
    if not len(between):
        return told.lacks(question, "No tie is of the kind hand-off.", "rows of the kind hand-off in collaboration")
    if not study.cohort.has("rollout"):
        return told.lacks(question, "When departments took up the programme is not in these data.", "rollout (dept_id, active_from)")
    plan, rules = study.cohort.study.plan, study.cohort.study.rules
    first = pd.Timestamp(study.cohort.window[0]).to_period("M")
    default: dict[str, Any] = {
        "outcome": OUTCOME, "label": "Hand-offs to other departments", "count": "handoffs", "exposure": "person_years", "unit": "dept_id",
        "adopted": "adopted", "rate_label": "Hand-offs per 100 person-years", "per": 100, "min_controls": rules.min_controls,
        "anticipation": plan.anticipation, "seed": plan.seed, "permutations": min(plan.permutations, MOST_DRAWS),
        "month_of": lambda period: str(first + int(period) - 1),
    }  # fmt: skip
    estimand = "rate of hand-offs to other departments where the programme is active, against the rate expected without it"
    try:
        panel = with_blocks(study.cohort, department_months(study.cohort, study.rows, between.rename(columns={"from_dept": "dept_id"}), "handoffs"))
        rates = fit_rates(panel, **({"permute_within": BLOCK} if BLOCK in panel else {}), **default)
    except (DataError, EstimationError) as error:
        return told.lacks(question, error, "More departments or months without the programme.")
    results = rate_results(
        rates, result_id="collaboration.handoffs", estimand=estimand, population="department-months with the programme", role="companion",
        group=GROUP, random_timing=allocations(study.cohort) == {"random"},
    )  # fmt: skip
    active = panel["period"] >= panel["adopted"]
    behind = (float(panel.loc[active, "handoffs"].sum()), float(panel.loc[~active, "handoffs"].sum()), float(between["from_id"].nunique()))
    # nobody wants a hand-off avoided
    told.results += [replace(result, rests_on=behind) for result in results if not result.id.endswith(".avoided")]
    lead = results[0].estimate.statement()
    told.lead.append(Statement(lead, rests_on=behind, results=("collaboration.handoffs",), see=("collaboration.handoffs.observed",)))
    told.exhibits += rate_exhibits(rates, "collaboration.handoffs", brief=True)
    told.cautions += caution_list(rates)
    told.methods.append(
        "Hand-offs: counts of those to other departments by department and month per person-year in post, Poisson imputation (Borusyak, Jaravel & "
        "Spiess 2024; Wooldridge 2023), departments left out in turn; the month of a go-live is left out unless it came on the first. More hand-offs "
        "are more contact, and not by themselves better: what they are worth is asked by the teamwork scales in the chapter on wellbeing."
    )
    return told
