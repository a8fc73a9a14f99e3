"""Projects that departments began per 100 staff-years where the programme is active, whoever is mentored; digital and telemedicine ones apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.questions.allocation import BLOCK, allocations, with_blocks
from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.calendar_time import department_months
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.incidents.forests import in_words
from mentorship_eval.questions.innovation.study import OUTCOME, TYPES, InnovationStudy
from mentorship_eval.questions.rates import RateFit, caution_list, fit_rates, rate_exhibits, rate_results
from mentorship_eval.questions.section import Section

__all__ = ["MOST_DRAWS", "digital_where_active", "months_of_projects", "where_active"]

MOST_DRAWS = 1999
GROUP = "Programme active in the department"
_POPULATION = "department-months with the programme"


def months_of_projects(study: InnovationStudy, projects: pd.DataFrame) -> pd.DataFrame:
    """Department-months with ``projects`` (begun), person_years and adopted; with blocks where dates were drawn by lot."""
    return with_blocks(study.cohort, department_months(study.cohort, study.rows, projects, "projects"))


def _fit(study: InnovationStudy, projects: pd.DataFrame, label: str, *, brief: bool) -> RateFit:
    plan, rules = study.cohort.study.plan, study.cohort.study.rules
    first = pd.Timestamp(study.cohort.window[0]).to_period("M")
    panel = months_of_projects(study, projects)
    options: dict[str, Any] = {"permute_within": BLOCK} if BLOCK in panel else {}
    return fit_rates(
        panel, outcome=OUTCOME, label=label, count="projects", exposure="person_years", unit="dept_id", adopted="adopted",
        rate_label=f"{label} per 100 staff-years", per=100, min_controls=rules.min_controls, anticipation=plan.anticipation, seed=plan.seed,
        tables=not brief, permutations=min(plan.permutations, MOST_DRAWS), month_of=lambda period: str(first + int(period) - 1), **options,
    )  # fmt: skip


def _told(study: InnovationStudy, projects: pd.DataFrame, name: str, label: str, noun: str, *, brief: bool) -> Section:
    told, question = Section(), f"{label} where the programme is active"
    if not study.cohort.has("rollout"):
        return told.lacks(question, "When departments took up the programme is not in these data.", "rollout (dept_id, active_from)")
    try:
        rates = _fit(study, projects, label, brief=brief)
    except (DataError, EstimationError) as error:
        return told.lacks(question, error, "More departments or months without the programme, or more projects.")
    estimand = f"rate of {noun} begun per staff-year where the programme is active, against the rate expected without it"
    results = rate_results(
        rates, result_id=f"innovation.{name}", estimand=estimand, population=_POPULATION, role="companion", group=GROUP,
        random_timing=allocations(study.cohort) == {"random"},
    )  # fmt: skip
    panel = rates.panel
    active = panel["time"] >= panel["adopted"]
    behind = (float(panel.loc[active, "projects"].sum()), float(panel.loc[~active, "projects"].sum()), float(projects["staff_id"].nunique()))
    # nobody wants a project avoided
    told.results += [replace(result, rests_on=behind) for result in results if not result.id.endswith(".avoided")]
    lead = results[0].estimate.statement()
    if brief:
        # few a month: a line of them would be all noise
        sides = {"value_label": "Rate ratio", "sides": ("fewer", "more"), "unit": "department-months"}
        told.exhibits.append(forest_exhibit(f"innovation.{name}.forest", question, told.results[:1], **sides))
    else:
        told.exhibits += rate_exhibits(rates, f"innovation.{name}", brief=True)
    see = f"innovation.{name}.{'forest' if brief else 'observed'}"
    told.lead.append(Statement(lead, rests_on=behind, results=(f"innovation.{name}",), see=(see,)))
    told.cautions += [replace(caution, text=in_words(caution.text)) for caution in caution_list(rates)]
    return told


def where_active(study: InnovationStudy) -> Section:
    """All projects by department and month."""
    told = _told(study, study.projects, "where_active", "Projects begun", "projects", brief=False)
    if told.results:
        told.methods.append(
            "Programme active: projects of a department and month, each once, per staff-year in post, Poisson imputation (Borusyak, Jaravel & Spiess "
            "2024; Wooldridge 2023), departments left out in turn, dates permuted for a placebo test; the month of a go-live is left out unless it "
            "came on the first. All staff count, mentored or not, so that the ratio is that of the programme and lies nearer to 1."
        )
    return told


def digital_where_active(study: InnovationStudy) -> Section:
    """Digital and telemedicine projects by department and month: what a department took up, with or without mentees."""
    noun = TYPES["digital"][0]
    label = f"{noun[:1].upper()}{noun[1:]}"
    mine = study.projects[study.projects["type"] == "digital"]
    if not len(mine):
        unlock = "the kind digital in projects (column type)"
        return Section().lacks(f"{label} where the programme is active", "No project is of the kind digital.", unlock)
    return _told(study, mine, "digital_where_active", label, noun, brief=True)
