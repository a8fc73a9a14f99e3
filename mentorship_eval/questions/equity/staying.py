"""Do gaps in staying change with mentoring? On two scales, because a change on one may be none on the other.

Additive, in percentage points: of those still there six months after becoming eligible, the difference in who is still there a year on, mentored by
then minus not, in one group minus the same in the largest. Additive, as excess hazard: RERI of the model of being mentored (Hosmer and Lemeshow
1992). Multiplicative: the ratio of hazard ratios, from the same model; whether these differ at all is tested once, in the chapter on retention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import planned_covariates, varying
from mentorship_eval.questions.equity.eligible import EquityStudy, ordered
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import FEWEST_PEOPLE, GROUPINGS, MISSING, jackknifed_difference, slug
from mentorship_eval.questions.retention.from_landmark.horizon_differences import survival_without_each
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.retention.prepared import Prepared, model_rows
from mentorship_eval.questions.retention.subgroup_levels import EXPECTED, Grouping, group_rows
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["LANDMARK", "Excess", "at_landmark", "difference_of_differences", "excess_of", "excess_risk", "gaps_in_staying"]

LANDMARK, _YEAR = 182.0, 365.0  # days since becoming eligible, and from there on
FEWEST_OF_ARM = 20  # people of a group in either arm, by size alone
BURNOUT = "high_burnout"
_WORDS = {**GROUPINGS, BURNOUT: "Specialty with high burnout"}


def _prepared(study: EquityStudy) -> Prepared:
    """Rows of the model of being mentored, without fitting it again."""
    names = [name for name in planned_covariates(study.cohort, OUTCOME) if name in study.episodes.rows]
    rows, _ = model_rows(study.episodes, names)
    return Prepared(study.cohort, study.episodes, rows, tuple(names), (), None)


# -- percentage points from the landmark ----------------------------------------------------------------------------------------


def difference_of_differences(rows: pd.DataFrame, level: str, reference: str, horizon: float) -> Estimate:
    """Percentage points: still there at ``horizon``, mentored minus not, of ``level`` minus ``reference``.

    rows: stop, exit (0/1), mentored (0/1), level, dept_id, one a person. Departments are left out of all four at once; t on the departments
    of the cell that has fewest, less 1.
    """
    rows = rows[rows["level"].isin([level, reference])]
    place, names = pd.factorize(rows["dept_id"], sort=True)
    curves, fewest, left = {}, [], 0
    for who in (level, reference):
        for arm in (1, 0):
            mine = ((rows["level"] == who) & (rows["mentored"] == arm)).to_numpy()
            stop, exit_ = rows["stop"].to_numpy(float)[mine], rows["exit"].to_numpy(int)[mine]
            curves[who, arm] = survival_without_each(stop, exit_, place[mine], len(names), horizon)
            fewest.append(len(np.unique(place[mine])))
            left += int(((exit_ == 1) & (stop <= horizon)).sum())
    return jackknifed_difference(
        curves[level, 1] - curves[level, 0], curves[reference, 1] - curves[reference, 0], places=min(fewest), n=len(rows), n_events=left,
        method="Kaplan-Meier in each of the four; leave-one-department-out jackknife, t on the departments of the one that has fewest - 1",
    )  # fmt: skip


def at_landmark(study: EquityStudy) -> pd.DataFrame:
    """Eligible people still there at the landmark, with their levels: stop (days from it), exit (0/1), mentored (matched by then, 0/1)."""
    people = study.people[study.people["followed"] > LANDMARK]
    mentored = (people["waited"] <= LANDMARK).astype(int)
    return people.assign(stop=people["followed"] - LANDMARK, exit=people["gone"], mentored=mentored).reset_index(drop=True)


def gaps_in_staying(study: EquityStudy) -> Section:
    """Changes of the gaps by gender, ethnic group, staff group, and by whether the specialty has high burnout."""
    told, question = Section(), "Whether gaps in staying change with mentoring"
    people, groupings = _with_burnout(study, at_landmark(study), tuple(name for name in study.groupings if name in GROUPINGS))
    thin = []
    for name in groupings:
        levels = [each for each in ordered(people[name]) if each != MISSING]
        reference = levels[0]
        for level in levels[1:]:
            rows = people.assign(level=people[name])
            behind = _cells(rows, level, reference)
            if min(behind[:4]) < FEWEST_OF_ARM:
                thin.append(f"{_WORDS[name].lower()}: {level.lower()}")
                continue
            estimand = (
                f"change with mentoring of the gap in staying, {_WORDS[name].lower()}: {level} against {reference}; 12 months from 6 months after "
                "becoming eligible, difference of differences, not adjusted"
            )
            estimate = replace(difference_of_differences(rows, level, reference, _YEAR), estimand=estimand)
            label = f"{level[:1].lower()}{level[1:]}, against {reference[:1].lower()}{reference[1:]}"
            told.results.append(
                Result(f"equity.staying.{name}.{slug(level)}", "still_employed", estimand, "eligible staff still there after six months", estimate,
                       label, "companion", _WORDS[name], rests_on=behind)
            )  # fmt: skip
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
            "the same in the largest group. Nobody was assigned to be mentored; not adjusted.",
        ),
        adjusted_table(
            "equity.staying.adjusted", "Change of gaps in staying: p-values for the number of comparisons", told.results, study.cohort.study.plan
        ),
    ]  # fmt: skip
    later = int(((people["waited"] > LANDMARK) & np.isfinite(people["waited"])).sum())
    text = f"{later / len(people):.0%} of those still there six months after becoming eligible were matched later; from there on they count as not "
    text += "mentored. Nobody was assigned: what distinguishes those who were matched early may differ between groups too."
    told.cautions.append(Caution("matched_after_landmark", text, {"persons": later, "complement": len(people) - later}))
    told.methods.append(
        "Change of gaps, additive: landmark six months after becoming eligible, matched by then or not; difference of differences in Kaplan-Meier "
        "survival (any exit) twelve months later; leave-one-department-out jackknife, t; p-values adjusted by Holm (1979)."
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


# -- excess hazard, and ratios of ratios ----------------------------------------------------------------------------------------


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
    return Excess(reri, replace(ratio, p_value=math.nan))  # tested once, all levels together, in the chapter on retention


def excess_risk(study: EquityStudy) -> Section:
    """RERI and ratios of hazard ratios of leaving by gender, ethnic group and staff group; one model each."""
    told, ready = Section(), _prepared(study)
    additive: list[Result] = []
    multiplicative: list[Result] = []
    for name, word in GROUPINGS.items():
        if name not in study.cohort.table("staff"):
            continue
        grouping = group_rows(study.cohort, ready.rows, name)
        question = f"Excess risk of leaving by {word.lower()}"
        if len(grouping.levels) < 2:
            told.lacks(question, f"Fewer than two groups in which {EXPECTED:g} leavers would be expected in each arm.", "More people or time.")
            continue
        try:
            fit = _fit(ready, grouping)
        except EstimationError as error:
            told.lacks(question, error.problem, "More people in each group.")
            continue
        reference = grouping.levels[0]
        gone = grouping.rows.groupby(["level", "mentored"])["event"].sum().to_dict()
        people = grouping.rows.groupby("level")["staff_id"].nunique()
        for number, level in enumerate(grouping.levels[1:]):
            excess = excess_of(fit, "mentored", f"own {number}", f"both {number}")
            # of the two groups, while mentored and while not
            behind = tuple(float(gone.get((who, arm), 0)) for who in (level, reference) for arm in (1, 0))
            persons = int(people[[level, reference]].sum())
            label = f"{level[:1].lower()}{level[1:]}, against {reference[:1].lower()}{reference[1:]}"
            for found, key, scale, estimate in (
                (additive, "reri", "relative excess risk due to interaction", excess.reri),
                (multiplicative, "interaction", "ratio of the hazard ratios", excess.ratio),
            ):
                estimand = f"{scale} of being mentored and {word.lower()}, {ready.words.leaving}: {level} against {reference}"
                own = replace(estimate, n=persons, n_events=int(sum(behind)), estimand=estimand)
                found.append(Result(f"equity.{key}.{name}.{slug(level)}", OUTCOME, estimand, "all staff followed", own, label, "companion", word,
                                    rests_on=behind))  # fmt: skip
    told.results = [*additive, *multiplicative]
    if not additive:
        return told
    told.exhibits += [
        forest_exhibit("equity.reri.forest", "Leaving: excess risk of group and mentoring together (RERI)", additive, log=False,
                       value_label="RERI", sides=("takes off more in the group", "takes off less in the group"),
                       note="0: the two add up. In units of the hazard of the largest group while not mentored; adjusted like the ratio of being "
                       "mentored."),
        forest_exhibit("equity.interaction.forest", "Leaving: ratio of the hazard ratios of being mentored", multiplicative,
                       value_label="Ratio of ratios", sides=("stronger in the group", "weaker in the group"),
                       note="From the same model. Whether ratios differ is tested once for all levels, in the chapter on retention (subgroups)."),
        adjusted_table("equity.reri.adjusted", "Excess risk of leaving: p-values for the number of comparisons", additive, study.cohort.study.plan),
    ]  # fmt: skip
    told.methods.append(
        "Change of gaps as excess hazard: RERI from the Cox model of being mentored with the group and its product with being mentored; delta method "
        "(Hosmer and Lemeshow 1992, Epidemiology 3:452-456), clusters are the departments at entry; p-values adjusted by Holm (1979). A ratio of "
        "hazard ratios from the same model has no test of its own."
    )
    return told


def _fit(ready: Prepared, grouping: Grouping) -> CoxResult:
    rows, terms = grouping.rows.copy(), ["mentored"]
    for number, level in enumerate(grouping.levels[1:]):
        rows[f"own {number}"] = (rows["level"] == level).astype(float)
        rows[f"both {number}"] = rows[f"own {number}"] * rows["mentored"]
        terms += [f"own {number}", f"both {number}"]
    others = [name for name in ready.model if name != grouping.name]
    covariates = [*terms, *varying(rows, others)]
    return cox(rows, start="start", stop="stop", event="event", covariates=covariates, strata="dept_id", cluster="dept_at_entry")
