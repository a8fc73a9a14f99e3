"""Cohorts of `simulate_cohort` in memory, answered by the parts of the chapters careers, collaboration and equity that have a known truth.

What the chapter says it cannot answer is a row without a figure, so that it is counted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd

from mentorship_eval import simulate_cohort
from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.simulate import SimulatedCohort
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.truth import truth_in
from validation.analyses import Found, of_estimate
from validation.once import asked_once

__all__ = ["PEOPLE_DIFFERENCES", "PEOPLE_LABELS", "equity", "found_of", "in_memory", "people", "true_values"]

READ = ("staff", "departments", "spells", "rollout", "matches", "mentors", "sessions", "feedback", "career_events", "collaboration")
_NOISE = 8.0  # of a single rating around the quality of its match (cohort/simulation/delivery.py)
PERMUTATIONS = 199  # the report draws 999; that many keep their size too, and 199 cost less
PEOPLE_LABELS = {
    "careers.promotion": "promotion while mentored",
    "careers.leadership_role": "a leadership post while mentored",
    "careers.acting_up": "acting up while mentored",
    "careers.certification": "certification while mentored",
    "careers.senior.gender.male": "in a senior grade, men minus women",
    "careers.mentors.recognised": "promotion of mentors, recognised against not",
    "collaboration.across_professions": "ties across professions while mentored",
    "collaboration.within_profession": "ties within the profession while mentored",
    "collaboration.across_departments": "ties across departments while mentored",
    "collaboration.share_across": "share of ties across professions, mentored minus not",
    "collaboration.share_across.permutation": "the same: placebo test",
    "collaboration.share_where_active": "share of ties across professions, programme active",
    "collaboration.handoffs": "hand-offs where the programme is active",
    "collaboration.handoffs.permutation": "the same: permutation",
    "equity.reach.gender.male": "matched within 12 months, men minus women",
    "equity.reach.ethnicity_group.others": "matched within 12 months, minority groups minus white",
    "equity.reach.ethnicity_group.asian": "matched within 12 months, Asian minus white",
    "equity.reach.ethnicity_group.black": "matched within 12 months, Black minus white",
    "equity.ratio.gender.female": "reach ratio, women",
    "equity.ratio.gender.male": "reach ratio, men",
    "equity.ratio.ethnicity_group.white": "reach ratio, white",
    "equity.ratio.ethnicity_group.asian": "reach ratio, Asian",
    "equity.ratio.ethnicity_group.black": "reach ratio, Black",
    "equity.dose.gender.male": "sessions a month, men against women",
    "equity.dose.ethnicity_group.asian": "sessions a month, Asian against white",
    "equity.dose.ethnicity_group.black": "sessions a month, Black against white",
    "equity.concordance.gender": "pairs of one gender, minus chance",
    "equity.concordance.ethnicity_group": "pairs of one ethnic group, minus chance",
    "equity.alike.ends.gender": "ending early, pairs of one gender against others",
    "equity.alike.ends.ethnicity_group": "ending early, pairs of one ethnic group against others",
    "equity.alike.ratings.gender": "rating of the match, pairs of one gender minus others",
    "equity.alike.ratings.ethnicity_group": "rating of the match, pairs of one ethnic group minus others",
}
# without any effect of mentorship it is 0; with one no formula gives it
_ONLY_WITHOUT_EFFECT = ("collaboration.share_where_active",)
PEOPLE_DIFFERENCES = frozenset(
    name for name in PEOPLE_LABELS
    if any(word in name for word in (".senior.", "share_", ".reach.", ".concordance.", ".ratings."))
)


def true_values(made: SimulatedCohort) -> dict[str, float]:
    """Result id -> truth as it is told (ratios as ratios): those of truth.json, and those that follow from how the cohort was drawn."""
    p, told = made.parameters, truth_in(made.truth)
    known = {
        # neither recognition nor the gender of a mentee changes anything, and matches end without regard to who is alike
        "careers.mentors.recognised": 1.0, "equity.dose.gender.male": 1.0, "equity.alike.ends.gender": 1.0, "equity.alike.ends.ethnicity_group": 1.0,
        "equity.alike.ratings.gender": _rated(p.match_quality, p.quality_alike), "equity.alike.ratings.ethnicity_group": 0.0, **told,
    }
    for placebo in ("collaboration.share_across", "collaboration.handoffs"):
        if placebo in known:
            known[f"{placebo}.permutation"] = known[placebo]
    if p.alike == 0:
        known |= {"equity.concordance.gender": 0.0, "equity.concordance.ethnicity_group": 0.0}
    if p.ties_across_ratio == 1:
        known |= dict.fromkeys(_ONLY_WITHOUT_EFFECT, 0.0)
    return {name: known[name] for name in PEOPLE_LABELS if name in known}


def _rated(quality: tuple[float, float], more: float) -> float:
    """What ``more`` points of quality come to in ratings, which end at 0 and at 100."""
    spread = math.hypot(quality[1], _NOISE)

    def mean(middle: float) -> float:
        (low, high), cdf = ((bound - middle) / spread for bound in (0.0, 100.0)), NormalDist().cdf
        inside = middle * (cdf(high) - cdf(low)) + spread * (NormalDist().pdf(low) - NormalDist().pdf(high))
        return inside + 100.0 * (1 - cdf(high))

    return mean(quality[0] + more) - mean(quality[0])


def in_memory(made: SimulatedCohort, permutations: int = PERMUTATIONS, read: Sequence[str] = READ) -> Cohort:
    """The tables ``read`` by the chapters, typed as a folder of them would be read; no file is written."""
    tables = {name: _typed(name, made.tables[name]) for name in read}
    plan = {**made.study["plan"], "permutations": permutations}
    study = Study.model_validate({**made.study, "tables": {name: f"{name}.csv" for name in read}, "plan": plan})
    return Cohort(Path("nowhere"), study, tables)


def _typed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with days as days and yes or no as such; numbers of which some are missing are floats."""
    table = table.copy()
    for column in table:
        if column not in TABLES[name]:
            continue
        kind = TABLES[name][str(column)].type
        if kind == "date":
            table[column] = pd.to_datetime(table[column])
        elif isinstance(table[column].dtype, pd.Int64Dtype):
            table[column] = table[column].astype(float)
        elif kind == "bool":
            table[column] = table[column].astype(bool)
    return table


def _results(cohort: Cohort, chapters: Collection[str]) -> list[Result]:
    """The parts of ``chapters`` whose estimates have a truth. Left out: mixing by year and department, which have no interval, and what
    `gap_cohorts` asks (promotion by group and from a landmark, gaps in staying, excess risk).
    """
    from mentorship_eval.questions.careers import being_mentored, groups, mentors
    from mentorship_eval.questions.careers.steps import career_study
    from mentorship_eval.questions.collaboration import being_mentored as new_ties
    from mentorship_eval.questions.collaboration.departments import handed_over, share_where_active
    from mentorship_eval.questions.collaboration.people import between_professions
    from mentorship_eval.questions.collaboration.ties import tie_study
    from mentorship_eval.questions.equity.alike import pairs_alike
    from mentorship_eval.questions.equity.concordance import concordance
    from mentorship_eval.questions.equity.dose import dose
    from mentorship_eval.questions.equity.eligible import equity_study
    from mentorship_eval.questions.equity.reach import reach
    from mentorship_eval.questions.equity.reach_ratio import reach_ratios

    asked: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "careers": (career_study, (being_mentored.while_mentored, groups.senior_by_group, mentors.recognised_mentors)),
        "collaboration": (tie_study, (new_ties.while_mentored, between_professions, share_where_active, handed_over)),
        "equity": (equity_study, (reach, reach_ratios, dose, concordance, pairs_alike)),
    }
    chosen = [asked[chapter] for chapter in chapters]
    return [result for study, parts in chosen for made in (study(cohort),) for part in parts for result in part(made).results]


def people(seed: int, *, scenario: str, chapters: Collection[str] = ("careers", "collaboration"), **changes: Any) -> dict[str, Found]:
    """One replicate: every estimate of ``chapters`` that has a truth in this cohort."""
    with asked_once():
        made = simulate_cohort(scenario, seed=seed, outcomes=True, **changes)
        answered = {result.id: result.estimate for result in _results(in_memory(made), chapters)}
    truths = {name: value for name, value in true_values(made).items() if name.split(".")[0] in chapters}
    return found_of(answered, truths, PEOPLE_DIFFERENCES)


def equity(seed: int, *, scenario: str, **changes: Any) -> dict[str, Found]:
    """One replicate of the chapter on equity."""
    return people(seed, scenario=scenario, chapters=("equity",), **changes)


def found_of(answered: Mapping[str, Estimate], truths: Mapping[str, float], differences: Collection[str]) -> dict[str, Found]:
    """What was answered beside its truth, which is a logarithm but for ``differences``; what is not told is a row without a figure."""
    found = {}
    for name, value in truths.items():
        truth = value if name in differences else math.log(value)
        try:
            found[name] = of_estimate(answered[name], truth)
        except (KeyError, EstimationError):
            found[name] = Found(*[math.nan] * 5, truth)
    return found
