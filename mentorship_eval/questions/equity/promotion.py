"""Do gaps in promotion change with mentoring? On two scales, for the first kind of step in a career that the data have.

Additive, in percentage points: of those still there and not yet promoted six months after becoming eligible, the difference in who has been promoted
a year on, leaving competing, mentored by then minus not, in one group minus the same in the largest. Multiplicative: the ratio of the cause-specific
hazard ratios of promotion while mentored, from the model of the chapter on careers with the group and its product with being mentored.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.careers.being_mentored import enough_steps
from mentorship_eval.questions.careers.steps import CareerStudy, Kind, career_study, until_step
from mentorship_eval.questions.equity.eligible import EquityStudy, ordered
from mentorship_eval.questions.equity.staying.by_arm import POPULATION
from mentorship_eval.questions.equity.staying.excess import asked, excess_of, fitted_by_group, held_against, told_sizes
from mentorship_eval.questions.equity.staying.landmark import LANDMARK, at_landmark
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import (
    ALL_GROUPINGS,
    BOTH_COUNTED,
    FEWEST_PEOPLE,
    MISSING,
    UNSIZED,
    against,
    fewest_places,
    jackknifed_difference,
    sized,
    sizes_subtract,
    slug,
)
from mentorship_eval.questions.retention.subgroup_levels import EXPECTED
from mentorship_eval.questions.section import Section
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each

__all__ = ["change_in_promotion", "difference_of_incidences"]

_YEAR = 365.0
_SELECTED = (
    "Who is given a mentor may be who was on the way up, in one group more than in another: a change of a gap may be that, and not what mentoring "
    "does. Grades are those of the table staff; where they are those of today, the step may be why somebody has one."
)


def change_in_promotion(study: EquityStudy) -> Section:
    """Differences of differences and ratios of ratios by gender, ethnic group, staff group, grade and career stage; a gap without career_events."""
    told, question = Section(), "Whether gaps in promotion change with mentoring"
    if not study.cohort.has("career_events"):
        return told.lacks(question, "The cohort has no career events.", "career_events in study.yaml")
    careers = career_study(study.cohort)
    if not careers.kinds:
        return told.lacks(question, "No step of a known kind lies within the time in which anybody was followed.", "career_events within the window")
    kind = careers.kinds[0]
    additive, multiplicative = _differences(study, careers, kind, told), _ratios(study, careers, kind, told)
    told.results = [*additive, *multiplicative]
    plan = study.cohort.study.plan
    for found, key, name, options in (
        (additive, "difference", "change of the gap with mentoring",
         {"log": False, "digits": 1, "value_label": "Difference of differences, percentage points",
          "sides": ("gap moves against the group", "gap moves for the group"),
          "note": f"Of those still there who had not {kind.done} six months after becoming eligible, who has a year later, leaving competing: "
          f"mentored by then minus not in the group, less the same in the largest group. Not adjusted. {BOTH_COUNTED}, in both arms. "
          f"{UNSIZED}"}),
        (multiplicative, "ratio", "ratio of the hazard ratios of being mentored",
         {"value_label": "Ratio of ratios", "sides": ("weaker in the group", "stronger in the group"),
          "note": f"From the model of the chapter on careers. {BOTH_COUNTED}. {UNSIZED}"}),
    ):  # fmt: skip
        if found:
            title = f"{kind.title}: {name}"
            told.exhibits += [
                forest_exhibit(f"equity.{kind.name}.{key}.forest", title, found, **options),  # type: ignore[arg-type]
                adjusted_table(f"equity.{kind.name}.{key}.adjusted", f"{title}, p-values for the number of comparisons", found, plan),
            ]
    if told.results:
        told.cautions.append(Caution("unmeasured_ambition", _SELECTED))
        model = ", ".join([*careers.covariates, "calendar quarter"])
        told.methods.append(
            f"Change of gaps in {kind.noun}, additive: landmark six months after becoming eligible, matched by then or not; difference of "
            "differences in Aalen-Johansen incidence (leaving competes) twelve months later; leave-one-department-out jackknife, t. "
            f"Multiplicative: ratio of cause-specific hazard ratios while mentored, one Cox model a characteristic, strata of department, {model}; "
            "career stage on the first day of follow-up, and then on the clock of the calendar. p-values adjusted by Holm (1979) within each."
        )
    return told


# -- percentage points from the landmark ----------------------------------------------------------------------------------------


def difference_of_incidences(rows: pd.DataFrame, level: str, reference: str, horizon: float) -> Estimate:
    """Percentage points: have taken the step at ``horizon``, mentored minus not, of ``level`` minus ``reference``; leaving competes.

    rows: stop, ended ("step", "left" or ""), mentored (0/1), level, dept_id, one a person. Departments are left out of all four at once; t on
    the departments of the cell that has fewest, less 1.
    """
    rows = rows[rows["level"].isin([level, reference])]
    place, names = pd.factorize(rows["dept_id"], sort=True)
    shares, cells = {}, []
    for who in (level, reference):
        for arm in (1, 0):
            mine = ((rows["level"] == who) & (rows["mentored"] == arm)).to_numpy()
            part = rows[mine]
            happened, left = ((part["ended"] == word).to_numpy(int) for word in ("step", "left"))
            shares[who, arm] = incidence_without_each(part["stop"].to_numpy(float), happened, left, place[mine], len(names), horizon)
            cells.append(mine)
    return jackknifed_difference(
        shares[level, 1] - shares[level, 0], shares[reference, 1] - shares[reference, 0], places=fewest_places(place, *cells), n=len(rows),
        n_events=int(((rows["ended"] == "step") & (rows["stop"] <= horizon)).sum()),
        method="Aalen-Johansen in each of the four; leave-one-department-out jackknife, t on the departments of the one that has fewest - 1",
    )  # fmt: skip


def _differences(study: EquityStudy, careers: CareerStudy, kind: Kind, told: Section) -> list[Result]:
    question = f"Change of gaps in {kind.noun}, percentage points"
    rows = _steps_at_landmark(study, careers, kind)
    found, thin = [], []
    for name in (name for name in study.groupings if name in ALL_GROUPINGS and len(rows)):
        word, levels = ALL_GROUPINGS[name], [each for each in ordered(rows[name]) if each != MISSING]
        reference, mine = levels[0], rows.assign(level=rows[name])
        parts = {level: mine[mine["level"] == level] for level in levels}
        own = []
        for level in levels[1:]:
            if not all(_told(parts[each]) for each in (level, reference)):
                thin.append(f"{word.lower()}: {level.lower()}")
                continue
            estimand = (
                f"change with mentoring of the gap in {kind.noun}, {word.lower()}: {level} against {reference}; cumulative incidence 12 months from "
                "6 months after becoming eligible, leaving competes, difference of differences, not adjusted"
            )
            estimate = replace(difference_of_incidences(mine, level, reference, _YEAR), estimand=estimand)
            label = against(level, reference)
            behind = tuple(value for each in (level, reference) for value in _cells(parts[each]))
            own.append(Result(f"equity.{kind.name}.difference.{name}.{slug(level)}", kind.name, estimand, POPULATION, estimate, label, "companion",
                              word, rests_on=behind))  # fmt: skip
        found += sized(own, sizes_subtract(mine["level"], (mine["ended"] == "step") & (mine["stop"] <= _YEAR)))
    if thin:
        why = f"In one of the arms of the group, or of the largest one, fewer than {EXPECTED:g} would have taken the step by then if mentorship made "
        told.lacks(f"{question}: {listing(thin, 12)}", f"{why}no difference, or hardly anybody was followed so long.", "More people or time.")
    return found


def _steps_at_landmark(study: EquityStudy, careers: CareerStudy, kind: Kind) -> pd.DataFrame:
    """Those of `at_landmark` who have not taken the step by then, until they take it or leave: stop and ended besides."""
    people = at_landmark(study)
    first = people["staff_id"].map(careers.days.set_index("staff_id")[kind.name])
    step = (first - people["since"] - LANDMARK).fillna(np.inf)
    people, step = people[step > 0], step[step > 0]
    reached = (step <= people["stop"]).to_numpy()
    ended = np.where(reached, "step", np.where(people["exit"] == 1, "left", ""))
    return people.assign(stop=np.minimum(people["stop"], step), ended=ended).reset_index(drop=True)


def _told(part: pd.DataFrame) -> bool:
    """Enough people, in both arms; enough steps if mentorship made no difference; and somebody followed to the horizon in both."""
    arms = [part[part["mentored"] == arm] for arm in (1, 0)]
    followed = min(int((one["stop"] >= _YEAR).sum()) for one in arms)
    return len(part) >= FEWEST_PEOPLE and followed >= 10 and enough_steps(part, _YEAR)


def _cells(part: pd.DataFrame) -> tuple[float, ...]:
    """By arm: who took the step within the year, and who did not."""
    out = []
    for arm in (1, 0):
        mine = part[part["mentored"] == arm]
        steps = float(((mine["ended"] == "step") & (mine["stop"] <= _YEAR)).sum())
        out += [steps, len(mine) - steps]
    return tuple(out)


# -- ratios of ratios -----------------------------------------------------------------------------------------------------------


def _ratios(study: EquityStudy, careers: CareerStudy, kind: Kind, told: Section) -> list[Result]:
    rows, found = until_step(careers, kind), []
    for name, word in asked(study).items():
        try:
            grouping, fit = fitted_by_group(study, rows, (*careers.covariates, "period"), name)
        except EstimationError as error:
            told.lacks(f"Ratio of the hazard ratios of {kind.noun} by {word.lower()}", error.problem, error.fix or "More such steps.")
            continue
        own = []
        for number, level in enumerate(grouping.levels[1:]):
            estimand = f"ratio of the hazard ratios of being mentored and {word.lower()}, {kind.noun}: {level} against {grouping.levels[0]}"
            ratio = excess_of(fit, "mentored", f"own {number}", f"both {number}").ratio
            result = held_against(grouping, level, ratio, f"equity.{kind.name}.ratio", kind.name, estimand, word)
            if np.isfinite(result.estimate.value):
                own.append(result)
        found += told_sizes(own, grouping, rows)
    return found
