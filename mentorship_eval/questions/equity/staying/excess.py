"""Do gaps in leaving change with mentoring? As excess hazard, and as ratios of hazard ratios, from one Cox model a characteristic.

Additive: RERI of the model of being mentored (Hosmer and Lemeshow 1992). Multiplicative: the ratio of hazard ratios; whether these differ at all is
tested once for gender, ethnic group and staff group, in the chapter on retention, and here for grade and career stage. Career stages are those of
the first day of follow-up: they hardly meet on the clock of time since hire, so that their model runs on that of the calendar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import planned_covariates, varying
from mentorship_eval.questions.equity.eligible import EquityStudy
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import (
    ALL_GROUPINGS,
    BOTH_COUNTED,
    GROUPINGS,
    STAGE,
    UNSIZED,
    against,
    by_calendar,
    career_stage,
    sized,
    sizes_subtract,
    slug,
)
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.retention.prepared import Prepared, model_rows
from mentorship_eval.questions.retention.subgroup_levels import EXPECTED, Grouping, group_rows
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["Excess", "asked", "excess_of", "excess_risk", "fitted_by_group", "held_against", "told_sizes"]


def _prepared(study: EquityStudy) -> Prepared:
    """Rows of the model of being mentored, without fitting it again."""
    names = [name for name in planned_covariates(study.cohort, OUTCOME) if name in study.episodes.rows]
    rows, _ = model_rows(study.episodes, names)
    return Prepared(study.cohort, study.episodes, rows, tuple(names), (), None)


@dataclass(frozen=True)
class Excess:
    """Of one level against the reference: reri, and ratio (of the two hazard ratios of being mentored)."""

    reri: Estimate
    ratio: Estimate


def excess_of(fit: CoxResult, mentored: str, own: str, both: str) -> Excess:
    """From a Cox fit with terms ``mentored``, ``own`` (the group) and ``both`` (their product); delta method, t on informative clusters - 1."""
    terms = list(fit.table["term"])
    places = [terms.index(name) for name in (mentored, own, both)]
    b = fit.table["coef"].to_numpy(float)[places]
    covariance = fit.covariance[np.ix_(places, places)]
    together, group, alone = math.exp(b.sum()), math.exp(b[1]), math.exp(b[0])
    gradient = np.array([together - alone, together - group, together])
    se = math.sqrt(float(gradient @ covariance @ gradient))
    df = fit.estimates[both].df
    about = {"df": df, "n": fit.n, "n_events": fit.n_events, "n_clusters": fit.n_clusters}
    reri = difference_estimate(together - group - alone + 1, se, scale="difference", unit="of the reference hazard", **about,
                               method=f"{fit.method}; delta method")  # fmt: skip
    ratio = ratio_estimate(float(b[2]), math.sqrt(float(covariance[2, 2])), scale="hazard ratio", method=fit.method, **about)
    return Excess(reri, ratio)


def asked(study: EquityStudy) -> dict[str, str]:
    """Characteristics by which a model is asked, in words: those of the table staff, grade and career stage where they have two levels."""
    there = study.cohort.table("staff")
    return {name: word for name, word in ALL_GROUPINGS.items() if (name in there if name in GROUPINGS else name in study.groupings)}


def excess_risk(study: EquityStudy) -> Section:
    """RERI and ratios of hazard ratios of leaving by gender, ethnic group, staff group, grade and career stage; one model each."""
    told, ready = Section(), _prepared(study)
    additive: list[Result] = []
    multiplicative: list[Result] = []
    for name, word in asked(study).items():
        question = f"Excess risk of leaving by {word.lower()}"
        try:
            grouping, fit = fitted_by_group(study, ready.rows, ready.model, name)
        except EstimationError as error:
            told.lacks(question, error.problem, error.fix or "More people in each group.")
            continue
        own: dict[str, list[Result]] = {"reri": [], "interaction": []}
        for number, level in enumerate(grouping.levels[1:]):
            excess = excess_of(fit, "mentored", f"own {number}", f"both {number}")
            # tested once, all levels together, in the chapter on retention
            ratio = replace(excess.ratio, p_value=math.nan) if name in GROUPINGS else excess.ratio
            for key, scale, estimate in (
                ("reri", "relative excess risk due to interaction", excess.reri), ("interaction", "ratio of the hazard ratios", ratio),
            ):  # fmt: skip
                estimand = f"{scale} of being mentored and {word.lower()}, {ready.words.leaving}: {level} against {grouping.levels[0]}"
                own[key].append(held_against(grouping, level, estimate, f"equity.{key}", OUTCOME, estimand, word))
        additive += told_sizes(own["reri"], grouping, ready.rows)
        multiplicative += told_sizes(own["interaction"], grouping, ready.rows)
    told.results = [*additive, *multiplicative]
    if not additive:
        return told
    plan = study.cohort.study.plan
    told.exhibits += [
        forest_exhibit("equity.reri.forest", "Leaving: excess risk of group and mentoring together (RERI)", additive, log=False,
                       value_label="RERI", sides=("takes off more in the group", "takes off less in the group"),
                       note="0: the two add up. In units of the hazard of the largest group while not mentored; adjusted like the ratio of being "
                       f"mentored. {BOTH_COUNTED}. {UNSIZED}"),
        forest_exhibit("equity.interaction.forest", "Leaving: ratio of the hazard ratios of being mentored", multiplicative,
                       value_label="Ratio of ratios", sides=("stronger in the group", "weaker in the group"),
                       note="From the same model. Whether ratios differ is tested once for all levels of gender, ethnic group and staff group, in "
                       f"the chapter on retention (subgroups). {BOTH_COUNTED}. {UNSIZED}"),
        adjusted_table("equity.reri.adjusted", "Excess risk of leaving: p-values for the number of comparisons", additive, plan),
    ]  # fmt: skip
    tested = [result for result in multiplicative if result.group not in GROUPINGS.values()]
    if tested:
        title = "Ratio of the hazard ratios of being mentored, grade and career stage: p-values for the number of comparisons"
        told.exhibits.append(adjusted_table("equity.interaction.adjusted", title, tested, plan))
    told.methods.append(
        "Change of gaps as excess hazard: RERI from the Cox model of being mentored with the group and its product with being mentored; delta method "
        "(Hosmer and Lemeshow 1992, Epidemiology 3:452-456), clusters are the departments at entry; p-values adjusted by Holm (1979). A ratio of "
        "hazard ratios by gender, ethnic group or staff group has no test of its own. Career stage is that of the first day of follow-up; its model "
        "runs on the clock of the calendar, so that people of one department are compared on the same day. Grades are as the table staff has them."
    )
    return told


def told_sizes(results: list[Result], grouping: Grouping, rows: pd.DataFrame) -> list[Result]:
    """``results`` of a characteristic, with their sizes only where these, taken from those of all ``rows``, tell nothing of a small part."""
    level = grouping.rows.drop_duplicates("staff_id").set_index("staff_id")["level"]
    had = rows.groupby("staff_id")["event"].max()
    return sized(results, sizes_subtract(pd.Series(had.index.map(level)).fillna("left out"), had))


def held_against(grouping: Grouping, level: str, estimate: Estimate, key: str, outcome: str, estimand: str, word: str) -> Result:
    """One result for ``level`` against the largest group, counted in people of both and resting on the events of both, mentored and not."""
    reference, rows = grouping.levels[0], grouping.rows
    gone = rows.groupby(["level", "mentored"])["event"].sum().to_dict()
    behind = tuple(float(gone.get((who, arm), 0)) for who in (level, reference) for arm in (1, 0))
    persons = int(rows.loc[rows["level"].isin([level, reference]), "staff_id"].nunique())
    label = against(level, reference)
    own = replace(estimate, n=persons, n_events=int(sum(behind)), estimand=estimand)
    return Result(f"{key}.{grouping.name}.{slug(level)}", outcome, estimand, "all staff followed", own, label, "companion", word, rests_on=behind)


def fitted_by_group(study: EquityStudy, rows: pd.DataFrame, model: tuple[str, ...], name: str) -> tuple[Grouping, CoxResult]:
    """Cox model of ``event`` in ``rows`` (since hire) with being mentored, the levels of ``name`` but the largest ("own 0", ...) and their products
    ("both 0", ...), adjusted for ``model``, strata of the department.

    Raises `EstimationError` with fewer than two levels that have enough events, or where these data do not allow the model.
    """
    cohort, persons = study.cohort, study.episodes.persons
    others = [other for other in model if other != name]
    if name == STAGE:
        staff = cohort.table("staff")
        stage = career_stage(staff, persons["staff_id"], persons["entry"])
        cohort = replace(cohort, tables={**cohort.tables, "staff": staff.assign(**{STAGE: staff["staff_id"].map(stage)})})
        rows = by_calendar(rows, persons)
        others = [other for other in others if other not in ("newly_qualified", "period")]  # one is in the stage, the other in the clock
    grouping = group_rows(cohort, rows, name)
    if len(grouping.levels) < 2:
        few = f"Fewer than two groups in which {EXPECTED:g} leavers would be expected in each arm."
        raise EstimationError(few, fix="More people or time.")
    rows, terms = grouping.rows.copy(), ["mentored"]
    for number, level in enumerate(grouping.levels[1:]):
        rows[f"own {number}"] = (rows["level"] == level).astype(float)
        rows[f"both {number}"] = rows[f"own {number}"] * rows["mentored"]
        terms += [f"own {number}", f"both {number}"]
    covariates = [*terms, *varying(rows, others)]
    return grouping, cox(rows, start="start", stop="stop", event="event", covariates=covariates, strata="dept_id", cluster="dept_at_entry")
