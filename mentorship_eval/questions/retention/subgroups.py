"""For whom: whether the ratio of being mentored differs between groups, through interactions only.

One Cox model per characteristic with a ratio of its own for each level; the test is that these ratios are equal (Wald, F on the
informative clusters less 1). No level is tested by itself: that one interval holds 1 and another does not says nothing about a difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.multiplicity import holm, within_families
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import counted_forest, forest_rows, table_exhibit
from mentorship_eval.questions.families import planned_families
from mentorship_eval.questions.retention.model_rows import OUTCOME, calendar_periods, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.subgroup_levels import EXPECTED, TENURE, Grouping, group_rows, planned_subgroups
from mentorship_eval.questions.retention.subgroup_sizes import few_left_out, people_behind
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_variance import JACKKNIFE_BELOW

__all__ = ["Interaction", "interaction_of", "subgroups"]

_NAMES = {
    "ethnicity_group": "Ethnic group", "newly_qualified": "Newly qualified when hired", "high_burnout": "Specialty with high burnout",
    TENURE: "Time since hire",
}


@dataclass(frozen=True)
class Interaction:
    """One characteristic. estimates: the hazard ratio of each level, without p-values; counts: level, people, mentored, left, left_mentored;
    f, df, p_value: Wald test that the ratios are equal, on df[0] and df[1] degrees of freedom; sized: whether sizes may be told, which taken from
    those of everybody are those of the levels left out.
    """

    grouping: Grouping
    estimates: dict[str, Estimate]
    counts: pd.DataFrame
    f: float
    df: tuple[int, float]
    p_value: float
    sized: bool = True

    @property
    def title(self) -> str:
        return _title(self.grouping.name)


def _title(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


@on_both_arms
def subgroups(study: Prepared) -> Section:
    """Results per level and per interaction, the forest, the tests with Holm's correction, and the counts behind them."""
    told = Section()
    if study.main is None:
        unlock = "What the default analysis lacks."
        return told.lacks("For whom mentorship changes leaving", "There is no overall estimate to compare groups in.", unlock)
    names, absent = planned_subgroups(study.cohort, OUTCOME)
    if absent:
        text = f"The plan names the subgroups {listing(absent)}, which neither staff nor departments have."
        told.cautions.append(Caution("subgroup_absent", text, {"subgroups": absent}))
    found, small = [], []
    for name in names:
        grouping = group_rows(study.cohort, study.rows, name)
        if len(grouping.levels) < 2:
            small.append(_title(name))
            continue
        try:
            found.append(interaction_of(study, grouping))
        except EstimationError as error:
            told.lacks(f"Whether the ratio differs by {_title(name)[:1].lower()}{_title(name)[1:]}", error.problem, "More people in each group.")
    if small:
        reason = f"Fewer than two groups in which {EXPECTED:g} leavers would be expected in each arm."
        told.lacks(f"Whether the ratio differs by {listing((title[:1].lower() + title[1:] for title in small), 12)}", reason, "More people or time.")
    if not found:
        return told if told.gaps else told.lacks("For whom mentorship changes leaving", "No group can be told from another.", "Columns of staff.")
    ids = [f"{OUTCOME}.subgroups.{one.grouping.name}" for one in found]
    families = planned_families(study.cohort.study.plan.families, ids, "subgroups of retention")
    p_values = np.array([one.p_value for one in found])
    adjusted = within_families(families, p_values, holm)
    _results(told, study, found)
    _exhibits(told, study, found, families, adjusted)
    _sentence(told, found, p_values, adjusted)
    return told


def interaction_of(study: Prepared, grouping: Grouping) -> Interaction:
    """Fits the model with one ratio for each level. Raises `EstimationError` where these data do not allow it."""
    rows, name = grouping.rows.copy(), grouping.name
    rows["period"], _ = calendar_periods(rows)
    terms = []
    for level in grouping.levels:
        terms.append(f"mentored, {level}")
        rows[terms[-1]] = rows["mentored"] * (rows["level"] == level)
    others = list(study.model)
    # the level's own effect: strata and baseline hold that of a department or of the clock; a category of the model stays as fine as it is
    if not grouping.of_department and (name not in others or pd.api.types.is_numeric_dtype(rows[name])):
        others = [other for other in others if other != name] + ["level"]
    few = study.main is not None and (study.main.n_clusters or 0) < JACKKNIFE_BELOW
    fit = cox(
        rows, start="start", stop="stop", event="event", covariates=[*terms, *varying(rows, others)], strata="dept_id", cluster="dept_at_entry",
        variance="jackknife" if few else "cluster",
    )
    counts = _counts(rows, grouping)
    estimates = {}
    for level, term, (_, row) in zip(grouping.levels, terms, counts.iterrows(), strict=True):
        estimand = f"{study.estimand}, {_title(name).lower()}: {level}"
        own = persons_not_rows(fit.estimates[term], int(row["people"]), int(row["left"]), estimand)
        estimates[level] = replace(own, p_value=math.nan)  # groups are compared, never tested one by one
    f, df, p = _equal(np.log([fit.estimates[term].value for term in terms]), fit.covariance[: len(terms), : len(terms)],
                      min((one.n_clusters or 0) for one in estimates.values()))
    sized = not few_left_out(study.rows, grouping.rows)
    if not sized:
        estimates = {level: replace(one, n=None, n_events=None) for level, one in estimates.items()}
    return Interaction(grouping, estimates, counts, f, df, p, sized)


def _equal(coef: np.ndarray, covariance: np.ndarray, clusters: int) -> tuple[float, tuple[int, float], float]:
    """Wald test of equal coefficients: F, degrees of freedom, p; NaN where there are too few clusters for it."""
    contrast = np.column_stack([-np.ones(len(coef) - 1), np.eye(len(coef) - 1)])
    size, left = len(contrast), float(clusters - 1)
    middle = contrast @ covariance @ contrast.T
    if left <= size or not np.isfinite(middle).all() or np.linalg.matrix_rank(middle) < size:
        return math.nan, (size, left), math.nan
    difference = contrast @ coef
    f = float(difference @ np.linalg.solve(middle, difference)) / size
    return f, (size, left), float(fdtrc(size, left, f))


def _counts(rows: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    by = rows.groupby("level")
    exposed = rows[rows["mentored"] == 1].groupby("level")
    frame = pd.DataFrame({
        "people": by["staff_id"].nunique(), "mentored": exposed["staff_id"].nunique(), "left": by["event"].sum(),
        "left_mentored": exposed["event"].sum(),
    })
    frame = frame.reindex(list(grouping.levels)).fillna(0).astype(int)
    return frame.rename_axis("level").reset_index()


def _results(told: Section, study: Prepared, found: list[Interaction]) -> None:
    for one in found:
        name = one.grouping.name
        for level, estimate in one.estimates.items():
            slug = "".join(letter if letter.isalnum() else "_" for letter in level.lower())
            who, key = f"{one.title}: {level}", f"retention.subgroups.{name}.{slug}"
            told.results.append(Result(key, OUTCOME, estimate.estimand, who, estimate, level, "companion", one.title, rests_on=_arms_of(one, level)))
        word = f"{one.title[:1].lower()}{one.title[1:]}"
        estimand = f"difference between the hazard ratios of being mentored by {word}"
        method = f"Wald test of equal ratios, F({one.df[0]}, {one.df[1]:g}), covariance clustered by department at entry"
        test = Estimate(
            value=one.f, p_value=one.p_value, scale="F statistic", n=int(one.grouping.rows["staff_id"].nunique()) if one.sized else None,
            n_events=int(one.grouping.rows["event"].sum()) if one.sized else None, df=one.df[1], method=method, estimand=estimand,
        )
        told.results.append(
            Result(
                f"retention.subgroups.{name}.interaction", OUTCOME, estimand, "all staff followed", test, f"Interaction with {word}", "diagnostic",
                "Interactions", rests_on=_arms_of(one),
            )
        )


def _arms_of(one: Interaction, level: str | None = None) -> tuple[float, ...]:
    """Leavers while mentored and while not, of a level or of every level."""
    mine = one.counts if level is None else one.counts[one.counts["level"] == level]
    return (*mine["left_mentored"].astype(float), *(mine["left"] - mine["left_mentored"]).astype(float))


def _overall(study: Prepared) -> dict[str, object]:
    return {} if study.main is None else {"overall": study.main.estimate.value, "overall_label": "All staff"}


def _exhibits(told: Section, study: Prepared, found: list[Interaction], families: list[str], adjusted: np.ndarray) -> None:
    levels = [result for result in told.results if result.role == "companion"]
    frame = forest_rows(levels)
    shared = {one.title: one.p_value for one in found}
    frame["p_interaction"] = frame["group"].map(shared)
    frame["fewest_of_all"] = frame["group"].map({one.title: min((c for c in _arms_of(one) if c), default=np.nan) for one in found})
    notes = []
    for one in found:
        if one.grouping.joined:
            notes.append(f"{one.title}: Other holds {listing(one.grouping.joined, 12)}.")
        if one.grouping.withheld:
            sizes = "" if one.sized else ", and sizes, which would tell how few that are"
            notes.append(f"{one.title}: {listing(one.grouping.withheld, 12)} left out{sizes}.")
    note = (
        f"One model per characteristic. A level is told when at least {EXPECTED:g} leavers would be expected in each arm if mentorship made no "
        "difference (from the level's leavers and its share of mentored time, not from who left in which arm); thin levels are joined, or "
        "left out. Intervals of single levels are no tests: compare levels by the interaction."
    )
    told.exhibits.append(
        Exhibit(
            "retention.subgroups.forest", "forest", "Being mentored, by group", {"rows": frame},
            {"rows": counted_forest(within="group", derived=("p_interaction",), behind=("fewest_of_all",), of={"p_interaction": "fewest_of_all"})},
            {"value_label": "Hazard ratio", "sides": ("fewer leave", "more leave"), **_overall(study)}, " ".join([note, *notes]),
        )
    )
    tests = pd.DataFrame({
        "characteristic": [one.title for one in found], "levels": [len(one.estimates) for one in found], "f": [one.f for one in found],
        "df": [f"{one.df[0]}, {one.df[1]:g}" for one in found], "p": [one.p_value for one in found], "p_holm": adjusted, "family": families,
        "fewest": [min((c for c in _arms_of(one) if c), default=np.nan) for one in found],
    })
    told.exhibits.append(
        table_exhibit(
            "retention.subgroups.tests", "Does the ratio differ between groups?", tests, behind=("fewest",), derived=("f", "p", "p_holm"),
            labels={"characteristic": "Characteristic", "levels": "Levels", "f": "F", "df": "Degrees of freedom", "p": "p", "p_holm": "p, Holm",
                    "family": "Family"},
            formats={"levels": "text", "f": "number", "p": "p", "p_holm": "p"},
            note=f"{len(found)} interactions were tested. Holm's correction is within the family. A large p does not show that groups are alike: "
            "the standard error of a difference between two halves is twice that of the whole.",
        )
    )
    told.exhibits += people_behind({one.title: one.counts for one in found if one.sized})
    told.methods.append(
        "Subgroups: one Cox model per characteristic with a ratio for each level; Wald test of equal ratios with the cluster-robust (few "
        "departments: jackknife) covariance, F with the informative departments of the smallest level less 1 as denominator."
    )


def _sentence(told: Section, found: list[Interaction], p_values: np.ndarray, adjusted: np.ndarray) -> None:
    if np.isnan(p_values).all():
        return
    least = int(np.nanargmin(p_values))
    how = "one interaction was tested" if len(found) == 1 else f"{len(found)} interactions were tested"
    text = f"Whether the ratio of being mentored differs between groups: {how}; the smallest p-value is that of "
    text += f"{found[least].title.lower()} ({format_p(p_values[least])}"
    text += f", after Holm's correction {format_p(adjusted[least])})." if len(found) > 1 else ")."
    told.lead.append(Statement(text, rests_on=_arms_of(found[least])))
