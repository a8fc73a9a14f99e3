"""Standardised reach ratios: how many of a group were matched within twelve months, over how many would have been at everybody's rates.

Expected numbers know the department and the quarter of becoming eligible and nothing else (indirect standardisation), among those whose twelve
months lie within the window, so that "matched within twelve months" is a fact of each. The ratio of a group is to everybody, itself included.
Beside the raw ratios stand partially pooled ones: those of small groups are drawn towards the mean of their kind.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.indirect import observed_over_expected
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.equity.eligible import HORIZON, WORDS, EquityStudy, ordered
from mentorship_eval.questions.equity.pooled import POOLING, pooled_results
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.groups import FEWEST_PEOPLE, fewest_places, jackknifed_ratio, sized, sizes_subtract, slug
from mentorship_eval.questions.section import Section

__all__ = ["reach_ratios"]

_METHOD = (
    "observed over expected, expected from a multiplicative Poisson model of department and quarter of becoming eligible; leave-one-department-out "
    "jackknife of the logarithm, the model fitted anew, t(G-1)"
)


def reach_ratios(study: EquityStudy) -> Section:
    """One ratio a group, raw and pooled, in one forest each."""
    told = Section()
    people = study.people[study.people["year"] == 1].reset_index(drop=True)
    question = "Standardised reach ratios"
    if len(people) < FEWEST_PEOPLE:
        return told.lacks(question, "Hardly anybody became eligible twelve months before the end of the window.", "A longer window.")
    people["reached"] = ((people["matched"] == 1) & (people["stop"] <= HORIZON)).astype(int)
    raw: list[Result] = []
    pooled: list[Result] = []
    for name in study.groupings:
        try:
            mine = _ratios(people, name)
        except EstimationError as error:
            return told.lacks(question, error.problem, error.fix or "A longer window.")
        raw += mine
        words = ("standardised reach ratio", "partially pooled standardised reach ratio")
        pooled += pooled_results(mine, key=("equity.ratio.", "equity.pooled."), words=words)
    told.results = [*raw, *pooled]
    if not raw:
        return told.lacks(question, "There are no two groups to compare.", "gender, ethnicity_group or profession in staff")
    told.exhibits.append(
        forest_exhibit(
            "equity.ratio.forest", "Standardised reach ratios", raw, value_label="Reach ratio", sides=("fewer reached", "more reached"),
            note="Matched over expected to be, given department and quarter of becoming eligible only; 1 is everybody's rate, own included.",
        )
    )
    if pooled:
        told.exhibits.append(
            forest_exhibit(
                "equity.ratio.pooled", "Standardised reach ratios, partially pooled", pooled, value_label="Pooled reach ratio",
                sides=("fewer reached", "more reached"),
                note="Each drawn towards the mean of its kind, the more so the less precise it is: what a ranking of small groups should rest on.",
            )
        )
    told.methods.append(f"Standardised reach ratios: {_METHOD} (Breslow and Day 1987, chapter 4).")
    told.methods.append(f"Partial pooling within a characteristic: normal model of the log ratios, {POOLING}")
    return told


def _ratios(people: pd.DataFrame, name: str) -> list[Result]:
    levels = ordered(people[name])
    group = people[name].map({level: index for index, level in enumerate(levels)}).to_numpy(int)
    place, quarter = (pd.factorize(people[column], sort=True)[0] for column in ("dept_id", "quarter"))
    made = observed_over_expected(people["reached"].to_numpy(float), place, quarter, group)
    found, word = [], WORDS[name]
    for index, level in enumerate(levels):
        size, reached = int((group == index).sum()), int(made.observed[0, index])
        if size < FEWEST_PEOPLE:
            continue
        estimand = f"standardised reach ratio, {word.lower()}: {level} against everybody, given department and quarter of becoming eligible"
        estimate = jackknifed_ratio(made.ratio[:, index], scale="risk ratio", n=size, n_events=reached, method=_METHOD, estimand=estimand,
                                    places=fewest_places(place, group == index))  # fmt: skip
        # that one group's interval holds 1 is no test of a gap: gaps are tested as gaps
        estimate = replace(estimate, p_value=np.nan)
        label = f"{level[:1].lower()}{level[1:]}"
        found.append(Result(f"equity.ratio.{name}.{slug(level)}", "reach", estimand, "eligible staff whose twelve months lie within the window",
                            estimate, label, "companion", word, rests_on=(float(reached), float(size - reached))))  # fmt: skip
    return sized(found, sizes_subtract(people[name], people["reached"]))
