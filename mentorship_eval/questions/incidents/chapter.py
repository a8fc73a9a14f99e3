"""Did care become safer? Harm and no-harm incidents, always as a pair.

A programme that makes people speak up raises reports without harming anybody. So no incident rate is told
alone: harm is told beside no-harm, and the ratio of the two bounds what reporting can explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import allocation_cautions
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result
from mentorship_eval.questions.exhibits import counted_forest
from mentorship_eval.questions.incidents.audits import audits
from mentorship_eval.questions.incidents.charts import control_charts
from mentorship_eval.questions.incidents.charts_rare import rare_categories, rare_harm
from mentorship_eval.questions.incidents.companions import companions
from mentorship_eval.questions.incidents.counts import from_counts
from mentorship_eval.questions.incidents.default_rates import default_rates
from mentorship_eval.questions.incidents.detectable import detectable
from mentorship_eval.questions.incidents.forests import ratio_forest, ratio_rows
from mentorship_eval.questions.incidents.kinds_of_incident import by_category, by_severity
from mentorship_eval.questions.incidents.main_results import main_table
from mentorship_eval.questions.incidents.observed_rates import observed_rates
from mentorship_eval.questions.incidents.prepared import Prepared, from_audits, from_records
from mentorship_eval.questions.incidents.reporting_behaviour import reporting_behaviour
from mentorship_eval.questions.incidents.sensitivity import sensitivity
from mentorship_eval.questions.incidents.system_steps import system_steps
from mentorship_eval.questions.incidents.threats import threats
from mentorship_eval.questions.incidents.time_zero import before_any_programme
from mentorship_eval.questions.incidents.together import together
from mentorship_eval.questions.incidents.trends import trends
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.truth import with_truth

__all__ = ["answer"]

TITLE = "Incidents"


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The incidents chapter of a cohort, or its audits where there are no incidents; says what lacks when it cannot be answered."""
    lacking = cohort.missing_for("incidents")
    if lacking:
        gap = Gap("Did care become safer?", "The tables for it are not in this cohort.", lacking)
        if not cohort.has("audits", "rollout"):
            return Answer("incidents", TITLE, gaps=(gap,))
        return _joined(cohort, Section.join([audits(from_audits(cohort)), Section(gaps=[gap])]))
    study = from_records(cohort) if cohort.has("incidents", "exposure", "rollout") else from_counts(cohort)
    main = made(default_rates, study)
    printed = Section(exhibits=main_table(main.results, study.exposure_words, study.time_unit))
    return _joined(cohort, Section.join([main, printed, *_other_parts(study)]))


def _joined(cohort: Cohort, told: Section) -> Answer:
    """The parts as one answer, with what the allocation means for all of them."""
    results = [_in_its_group(result) for result in with_truth(told.results, cohort)]
    cautions = [*told.cautions, *allocation_cautions(cohort)]
    return Answer(
        "incidents", TITLE, tuple(told.lead), tuple(results), (*_forest(results), *told.exhibits), tuple(_once(cautions)),
        tuple(told.gaps), tuple(told.methods),
    )  # fmt: skip


def _in_its_group(result: Result) -> Result:
    """Labels that mean something under their heading only ("Falls") begin small, so that a list puts the heading before them."""
    stands_alone = not result.group or result.id in ("incidents.near_miss_share", "incidents.prompt_reports") or result.role == "audit"
    return result if stands_alone else replace(result, label=result.label[:1].lower() + result.label[1:])


def _other_parts(study: Prepared) -> list[Section]:
    around_reports = (control_charts, reporting_behaviour, by_severity, rare_harm, by_category, rare_categories, together)
    observed = (before_any_programme, observed_rates)
    return [made(part, study) for part in (*observed, threats, system_steps, detectable, *around_reports, audits, trends, companions, sensitivity)]


def _forest(results: list[Result]) -> list[Exhibit]:
    """The rate ratios of the default analysis, first of all exhibits; what stands around them has forests of its own."""
    main = {"headline", "companion", "audit"}
    shown = [r for r in results if r.estimate.is_ratio and r.role in main and not r.group and np.isfinite(r.estimate.value)]
    shown += [r for r in results if r.id == "incidents.reporting_bound"]
    if not shown:
        return []
    note = "The column n counts department-periods with the programme, events those observed in them."
    title = "Rate ratios while the programme is active"
    return [ratio_forest("incidents.forest", title, ratio_rows(shown), note, counted_forest())]


def _once(cautions: list[Caution]) -> list[Caution]:
    """A caution about the design is the same for every outcome and said once."""
    seen: dict[tuple[str, str], Caution] = {}
    for caution in cautions:
        seen.setdefault((caution.code, caution.text.split(": ", 1)[-1]), caution)
    return list(seen.values())
