"""Do gaps in staying change with mentoring? In percentage points, from a landmark.

Of those still there six months after becoming eligible, the difference in who is still there a year on, mentored by then minus not, in one group
minus the same in the largest. Grades are as the table staff has them, without a date; career stages are those of the day of becoming eligible.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.equity.eligible import EquityStudy, ordered
from mentorship_eval.questions.equity.pooled import POOLING
from mentorship_eval.questions.equity.staying.by_arm import POPULATION, apart_forest, differences_apart, gap_table, gaps_by_arm, shares_by_arm
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import (
    ALL_GROUPINGS,
    BOTH_COUNTED,
    FEWEST_PEOPLE,
    MISSING,
    UNSIZED,
    against,
    jackknifed_difference,
    sized,
    sizes_subtract,
    slug,
)
from mentorship_eval.questions.section import Section

__all__ = ["LANDMARK", "at_landmark", "difference_of_differences", "gaps_in_staying"]

LANDMARK, _YEAR = 182.0, 365.0  # days since becoming eligible, and from there on
FEWEST_OF_ARM = 20  # people of a group in either arm, by size alone
BURNOUT = "high_burnout"
_WORDS = {**ALL_GROUPINGS, BURNOUT: "Specialty with high burnout"}


def difference_of_differences(rows: pd.DataFrame, level: str, reference: str, horizon: float) -> Estimate:
    """Percentage points: still there at ``horizon``, mentored minus not, of ``level`` minus ``reference``.

    rows: stop, exit (0/1), mentored (0/1), level, dept_id, one a person. Departments are left out of all four at once; t on the departments
    of the cell that has fewest, less 1.
    """
    rows = rows[rows["level"].isin([level, reference])]
    curves, places = shares_by_arm(rows, horizon)
    return jackknifed_difference(
        curves[level, 1] - curves[level, 0], curves[reference, 1] - curves[reference, 0], places=min(places.values()), n=len(rows),
        n_events=int(((rows["exit"] == 1) & (rows["stop"] <= horizon)).sum()),
        method="Kaplan-Meier in each of the four; leave-one-department-out jackknife, t on the departments of the one that has fewest - 1",
    )  # fmt: skip


def at_landmark(study: EquityStudy) -> pd.DataFrame:
    """Eligible people still there at the landmark, with their levels: stop (days from it), exit (0/1), mentored (matched by then, 0/1)."""
    people = study.people[study.people["followed"] > LANDMARK]
    mentored = (people["waited"] <= LANDMARK).astype(int)
    return people.assign(stop=people["followed"] - LANDMARK, exit=people["gone"], mentored=mentored).reset_index(drop=True)


def gaps_in_staying(study: EquityStudy) -> Section:
    """Changes of the gaps by gender, ethnic group, staff group, grade, career stage, and by whether the specialty has high burnout."""
    told, question = Section(), "Whether gaps in staying change with mentoring"
    people, groupings = _with_burnout(study, at_landmark(study), tuple(name for name in study.groupings if name in ALL_GROUPINGS))
    thin, shown, apart = [], [], []
    for name in groupings:
        levels = [each for each in ordered(people[name]) if each != MISSING]
        reference, rows, found = levels[0], people.assign(level=people[name]), {}
        for level in levels[1:]:
            behind = _cells(rows, level, reference)
            if min(behind[:4]) < FEWEST_OF_ARM:
                thin.append(f"{_WORDS[name].lower()}: {level.lower()}")
                continue
            estimand = (
                f"change with mentoring of the gap in staying, {_WORDS[name].lower()}: {level} against {reference}; 12 months from 6 months after "
                "becoming eligible, difference of differences, not adjusted"
            )
            estimate = replace(difference_of_differences(rows, level, reference, _YEAR), estimand=estimand)
            label = against(level, reference)
            found[level] = Result(f"equity.staying.{name}.{slug(level)}", "still_employed", estimand, POPULATION, estimate, label, "companion",
                                  _WORDS[name], rests_on=behind)  # fmt: skip
        if found:
            subtract = sizes_subtract(rows["level"], (rows["exit"] == 1) & (rows["stop"] <= _YEAR))
            found = dict(zip(found, sized(list(found.values()), subtract), strict=True))
            told.results += found.values()
            shown.append(gaps_by_arm(rows, reference, found, _YEAR))
            apart += differences_apart(rows, [reference, *found], name, _WORDS[name], _YEAR)
    if thin:
        why = f"Fewer than {FEWEST_OF_ARM} people of the group, or of the largest one, who left or were followed for the year in one of the arms."
        told.lacks(f"{question}: {listing(thin, 12)}", why, "More people, or a longer window.")
    if not told.results:
        return told
    told.exhibits += [
        forest_exhibit(
            "equity.staying.forest", "Staying: change of the gap with mentoring", told.results, log=False, digits=1,
            value_label="Difference of differences, percentage points", sides=("gap moves against the group", "gap moves for the group"),
            note="Of those still there six months after becoming eligible, who is there a year later: matched by then minus not in the group, less "
            f"the same in the largest group. Nobody was assigned to be mentored; not adjusted. {BOTH_COUNTED}, in both arms. "
            f"{UNSIZED}",
        ),
        gap_table(pd.concat(shown, ignore_index=True)),
        adjusted_table(
            "equity.staying.adjusted", "Change of gaps in staying: p-values for the number of comparisons", told.results, study.cohort.study.plan
        ),
    ]  # fmt: skip
    if apart:
        told.results += apart
        told.exhibits.append(apart_forest(apart))
        told.methods.append(f"Mentored minus not, by group, partially pooled within a characteristic: normal model of the differences, {POOLING}")
    later = int(((people["waited"] > LANDMARK) & np.isfinite(people["waited"])).sum())
    text = f"{later / len(people):.0%} of those still there six months after becoming eligible were matched later; from there on they count as not "
    text += "mentored. Nobody was assigned: what distinguishes those who were matched early may differ between groups too."
    told.cautions.append(Caution("matched_after_landmark", text, {"persons": later, "complement": len(people) - later}))
    told.methods.append(
        "Change of gaps, additive: landmark six months after becoming eligible, matched by then or not; difference of differences in Kaplan-Meier "
        "survival (any exit) twelve months later; leave-one-department-out jackknife, t; p-values adjusted by Holm (1979). Grades as the table staff "
        "has them, which have no date; career stage on the day of becoming eligible."
    )
    return told


def _with_burnout(study: EquityStudy, people: pd.DataFrame, groupings: tuple[str, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """``people`` with whether the specialty of their department, on becoming eligible, has high burnout."""
    if not study.cohort.has("departments") or BURNOUT not in study.cohort.table("departments"):
        return people, groupings
    flags = study.cohort.table("departments").drop_duplicates("dept_id").set_index("dept_id")[BURNOUT]
    level = people["dept_id"].map(flags).map({True: "High burnout", False: "Other specialties"}).fillna(MISSING)
    if level.nunique() < 2 or level.value_counts().min() < FEWEST_PEOPLE:
        return people, groupings
    return people.assign(**{BURNOUT: level}), (*groupings, BURNOUT)


def _cells(rows: pd.DataFrame, level: str, reference: str) -> tuple[float, ...]:
    """People of the two groups in each arm who left within the year or were followed that long; then those who left."""
    people, left = [], []
    for who in (level, reference):
        for arm in (1, 0):
            mine = rows[(rows["level"] == who) & (rows["mentored"] == arm)]
            gone = (mine["exit"] == 1) & (mine["stop"] <= _YEAR)
            people.append(float((gone | (mine["stop"] >= _YEAR)).sum()))
            left.append(float(gone.sum()))
    return (*people, *left)
