"""Scales whose scores take few values: the odds of a higher score at the last wave, the same at every cut (proportional odds).

A mean treats the step from 1 to 2 as that from 4 to 5; of a single item nobody knows that. The odds ratio asks for the order alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.counted import UNCOUNTED, number_told, people_and_answers
from mentorship_eval.questions.wellbeing.effects import in_turn
from mentorship_eval.questions.wellbeing.standardised import with_direction
from mentorship_eval.surveys import ProportionalOdds, ordinal

__all__ = ["few_levels", "in_order"]

FEWEST, MOST = 3, 11  # different scores of a scale: two are a share, a scale from 0 to 10 has eleven
_ENOUGH = 20  # answers on either side of a cut, for its own odds ratio to be told
GROUP = "Odds of a higher score, at the last wave"


def few_levels(study: SurveyStudy, scale: Scale) -> bool:
    """Whether so few different scores were given that their order is all there is; settled from everybody's answers."""
    return FEWEST <= study.all_answers(scale)[scale.column].nunique() <= MOST


def in_order(study: SurveyStudy) -> Section:
    """A common odds ratio for each scale of few levels; nothing at all where there is no such scale."""
    told = Section()
    for scale in in_turn(study):
        if few_levels(study, scale):
            _one(study, scale, told)
    if told.results:
        counted = all(r.estimate.n is not None for r in told.results)
        told.exhibits.append(
            forest_exhibit("wellbeing.ordinal", "Odds of a higher score at the last wave, mentored by then against not",
                           [replace(r, group="") for r in told.results], value_label="Odds ratio", sides=("lower score", "higher score"),
                           note="Scales whose scores take few values." + ("" if counted else f" {UNCOUNTED}"))
        )  # fmt: skip
        told.methods.append(
            f"Scales whose scores take {FEWEST} to {MOST} values: proportional odds (McCullagh 1980) of a higher score at the last wave, mentored by "
            f"then against not, given the first score and the covariates ({', '.join(study.covariates) or 'none'}); departments left out in turn."
        )
    return told


def _rows(study: SurveyStudy, scale: Scale) -> tuple[pd.DataFrame, list[str]]:
    """Answers at the last wave with ``baseline``, the score at the first wave at which the scale was asked; alone where that is the last itself.

    Whoever was mentored at that first wave has no score before mentoring, and is left out.
    """
    rows = study.answers(scale)
    last = rows[rows["wave"] == study.last]
    begun = rows["wave"].min()
    if begun == study.last:
        return last, []
    first = rows[(rows["wave"] == begun) & (rows["mentored"] == 0)].set_index("person")[scale.column]
    last = last.assign(baseline=last["person"].map(first))
    return last[last["baseline"].notna()].reset_index(drop=True), ["baseline"]


def _one(study: SurveyStudy, scale: Scale, told: Section) -> None:
    rows, baseline = _rows(study, scale)
    question = f"{scale.name}: odds of a higher score"
    if rows["mentored"].nunique() < 2:
        told.lacks(question, "Only one arm answered at the first wave and at the last.", "More answers.")
        return
    try:
        fit = ordinal(rows, outcome=scale.column, arm="mentored", covariates=[*baseline, *study.covariates], cluster="dept")
    except EstimationError as error:
        told.lacks(question, error.problem, error.fix or "More answers.")
        return
    given = ", at the same first score" if baseline else ""
    estimand = f"odds of a higher {scale.name.lower()} ({scale.direction}) at the last wave, mentored by then against not{given}"
    behind = tuple(people_and_answers(rows[rows["mentored"] == arm])[0] for arm in (1, 0))
    everyone = study.all_answers(scale)
    others = [int((each["wave"] == study.last).sum()) for each in (everyone, study.answers(scale))]
    n = number_told(len(rows), others)
    estimate = replace(fit.estimate, estimand=estimand, n=n)
    if n is None:
        estimate = estimate.warn(Caution("counts_rounded", UNCOUNTED))
    told.results.append(
        Result(f"wellbeing.{scale.slug}.ordinal", scale.slug, estimand, "asked at the first and last wave" if baseline else "asked at the last wave",
               estimate, with_direction(scale), "companion", GROUP, rests_on=behind)
    )  # fmt: skip
    told.cautions += [Caution(c.code, f"{scale.name}, odds of a higher score: {c.text}", {"rests_on": behind}) for c in fit.warnings]
    told.cautions += _uneven(scale, fit, behind)


def _uneven(scale: Scale, fit: ProportionalOdds, behind: tuple[float, ...]) -> list[Caution]:
    """What to say where the odds ratio of a single cut lies outside the interval of the common one: one number may hide two."""
    cuts = fit.by_cut[(fit.by_cut["n_above"] >= _ENOUGH) & (fit.by_cut["n_below"] >= _ENOUGH)]["odds_ratio"].dropna()
    outside = (cuts < fit.estimate.ci_low) | (cuts > fit.estimate.ci_high)
    if not np.asarray(outside).any():
        return []
    text = (f"{scale.name}: cut by cut the odds ratio of a higher score runs from {format_number(cuts.min())} to {format_number(cuts.max())}, beyond "
            "the interval of the common one, which may hide that mentoring moves the ends of the scale unlike its middle.")  # fmt: skip
    return [Caution("not_proportional", text, {"rests_on": behind})]
