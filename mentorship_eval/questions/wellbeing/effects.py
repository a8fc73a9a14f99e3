"""Being mentored by the wave, against not yet, on every scale.

Default: a mixed model over all waves, a level of the person and of the department, waves as they come, mentored as it changes; before the first
match the arms share their mean, so that a person's own first answer is what change is measured from (constrained longitudinal analysis, Liang &
Zeger 2000), and people without a first answer count with what they gave. Change scores are not the default: whoever begins high falls by itself.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.counted import Warned, counts_of, first_spread, said_once
from mentorship_eval.questions.wellbeing.scale_tables import adjusted_for_number, scale_line, scales_table
from mentorship_eval.questions.wellbeing.shares import beyond, shares_forest
from mentorship_eval.questions.wellbeing.standardised import standardised, standardised_forest
from mentorship_eval.surveys import mixed_model

__all__ = ["ASKED", "HEADLINE", "by_scale", "in_turn", "primary_scale"]

HEADLINE = ("MBI-HSS", "EE")  # burnout leads where it was asked
GROUP = "Mentored by the wave, against not yet"
ASKED = "staff asked and not mentored before their first wave"
_UNMEASURED = (
    "Who is mentored, and when, is taken not to depend on how people felt between two waves, given their own level, department, wave and the "
    "covariates of the plan; and who answers, on nothing but what was seen of them."
)


def primary_scale(study: SurveyStudy) -> Scale:
    """Emotional exhaustion if asked, else the scale with most answers; settled without looking at any difference."""
    for scale in study.scales:
        if scale.key is not None and (scale.key.name, scale.subscale) == HEADLINE:
            return scale
    return max(study.scales, key=lambda scale: int(study.rows[scale.column].notna().sum()))


def in_turn(study: SurveyStudy) -> list[Scale]:
    """All scales, the primary one first."""
    first = primary_scale(study)
    return sorted(study.scales, key=lambda scale: scale is not first)


def _told(estimate: Estimate, estimand: str, rows: pd.DataFrame) -> Estimate:
    return replace(estimate, estimand=estimand, n=int(rows["person"].nunique()), unit=estimate.unit or "points")


def by_scale(study: SurveyStudy) -> Section:
    """A difference for each scale, what it is worth beside the smallest that matters, shares beyond a cut-off, and p-values by family."""
    told, first = Section(cautions=list(study.cautions)), primary_scale(study)
    lines = []
    warned: Warned = {}  # the same caution on many scales is said once
    for scale in in_turn(study):
        rows = study.answers(scale)
        counts = counts_of(rows)
        if min(counts) < 1:
            told.lacks(f"{scale.name}: mentored against not", "Only one arm answered.", "Answers of mentored and of other staff.")
            continue
        try:
            fit = mixed_model(rows, outcome=scale.column, arm="mentored", wave="wave", person="person", cluster="dept", covariates=study.covariates,
                              jackknife=scale is first, icc_intervals=False)  # fmt: skip
        except EstimationError as error:
            told.lacks(f"{scale.name}: mentored against not", error.problem, error.fix or "More answers.")
            continue
        estimand = f"{scale.name.lower()} ({scale.direction}): mentored by the wave minus not yet, mean over the waves with both"
        estimate = _told(fit.estimate, estimand, rows)
        role = "headline" if scale is first else "companion"
        result = Result(f"wellbeing.{scale.slug}", scale.slug, estimand, ASKED, estimate, scale.name, role, GROUP, rests_on=counts)
        told.results.append(result)
        if fit.jackknife:
            robust = _told(fit.jackknife[0], f"{estimand}; departments left out in turn", rows)
            told.results.append(
                Result(f"wellbeing.{scale.slug}.jackknife", scale.slug, robust.estimand, ASKED, robust, f"{scale.name}, departments left out",
                       "sensitivity", "Departments left out in turn", rests_on=counts)
            )  # fmt: skip
        for c in fit.warnings:
            warned.setdefault((c.code, c.text), []).append((scale.name, counts))
        spread = first_spread(study, scale)
        lines.append(scale_line(scale, estimate, spread))
        if spread > 0:
            told.results.append(standardised(result, scale, spread))
        told.results += beyond(study, scale)
        if role == "headline":
            told.lead.append(Statement(estimate.statement(), rests_on=counts, results=(result.id,), see=("wellbeing.scales",)))
    told.cautions += said_once(warned)
    if lines:
        told.cautions.append(Caution("unmeasured_wellbeing", _UNMEASURED))
        told.exhibits += [scales_table(lines), *standardised_forest(told.results), *shares_forest(told.results),
                          *adjusted_for_number(told.results, study.cohort.study.plan)]  # fmt: skip
        told.methods.append(
            "Scales over waves: linear mixed models by restricted maximum likelihood, intercepts of department and person, wave, mentored at the "
            f"wave, covariates: {', '.join(study.covariates) or 'none'}; Kenward and Roger's standard errors and degrees of freedom; of the first "
            "scale departments are left out in turn as a check. Who was mentored before the first wave is left out. In SD: difference and interval "
            "divided by the SD of the scale's first wave, taken as known."
        )
    return told
