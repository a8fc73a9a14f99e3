"""Who is promoted, and who holds the senior grades, by gender, ethnic group, staff group, grade, career stage: the gaps to be closed.

Time to promotion (or the first kind of step that the data have): cumulative incidence by group, leaving competing, and the hazard against the
largest group within departments and quarters. Representation: the share whose grade, as the table staff has it, is one of those that the plan calls
senior, among those in post on the last day, and its difference from the largest group. A grade has no date: it may be that of hire.
Career stage is that of the first day of follow-up. Neither is an effect of mentorship; whether mentorship changes the gaps is the question of the
chapter on equity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.careers.steps import CareerStudy, Kind, until_step
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, curve_exhibit, forest_exhibit, in_months, just_after, monthly_grid, table_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import (
    ALL_GROUPINGS,
    BOTH_COUNTED,
    FEWEST_PEOPLE,
    GRADE,
    GROUPINGS,
    MISSING,
    STAGE,
    UNSIZED,
    by_calendar,
    career_stage,
    jackknifed_difference,
    levels_of,
    sized,
    sizes_subtract,
    slug,
)
from mentorship_eval.questions.retention.model_rows import persons_not_rows
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen, cox

__all__ = ["promotion_by_group", "senior_by_group"]

_EVERY = 6  # months between times at which grades and career stages are told: at more times too few would have taken the step in between


def _grouped(study: CareerStudy, column: str) -> pd.Series | None:
    """Level of each person (index staff_id); None where the column is absent or has one level."""
    staff, persons = study.cohort.table("staff"), study.episodes.persons
    if column == STAGE:
        people = career_stage(staff, persons["staff_id"], persons["entry"])
    elif column in staff:
        people = staff.set_index("staff_id")[column].reindex(persons["staff_id"])
    else:
        return None
    levels = levels_of(people)
    return levels if (levels != levels.iloc[0]).any() else None


# -- time to promotion --------------------------------------------------------------------------------------------------------


def promotion_by_group(study: CareerStudy) -> Section:
    """Curves and hazard ratios of promotion, or the first kind of step that the data have, by group; p-values adjusted (Holm) over all of them, or
    within the families of the plan.
    """
    told, kind = Section(), study.kinds[0]
    rows = until_step(study, kind)
    for column, word in ALL_GROUPINGS.items():
        levels = _grouped(study, column)
        if levels is None:
            reason = "Everybody was of one career stage." if column == STAGE else f"staff has no column {column}, or one level of it."
            told.lacks(f"{kind.title} by {word.lower()}", reason, "A longer window." if column == STAGE else f"{column} in staff")
            continue
        compared = _compared(levels.value_counts())
        if not compared:
            reason = f"No level of {word.lower()} has {FEWEST_PEOPLE} people."
            told.lacks(f"{kind.title} by {word.lower()}", reason, f"More people whose {word.lower()} is recorded.")
            continue
        mine = rows.assign(level=rows["staff_id"].map(levels))
        if column == STAGE:
            mine = by_calendar(mine, study.episodes.persons)
        told.exhibits.append(_curves(mine[mine["level"].isin(compared)], kind, column, word))
        persons = mine.groupby("staff_id").agg(level=("level", "first"), event=("event", "max"))
        told.results += sized(_ratios(mine, kind, column, word, told), sizes_subtract(persons["level"], persons["event"]))
    if told.results:
        told.exhibits += [
            forest_exhibit("careers.groups.forest", f"{kind.title} by group", told.results, value_label="Hazard ratio", sides=("fewer", "more"),
                           note=f"Within departments and calendar quarters, against the largest group of each kind. {BOTH_COUNTED}, events their "
                           f"steps. {UNSIZED} Grades as the table staff has them: "
                           f"where they are those of today, {kind.noun} may be why somebody has one."),
            adjusted_table("careers.groups.adjusted", f"{kind.title} by group: p-values for the number of comparisons", told.results,
                           study.cohort.study.plan),
        ]  # fmt: skip
        told.methods.append(
            f"{kind.title} by group: the first while followed; Aalen-Johansen from hire with delayed entry, leaving competing; Cox models stratified "
            f"by department with calendar quarters against the largest group; levels of fewer than {FEWEST_PEOPLE} people joined by size alone; "
            "p-values adjusted by Holm (1979). Career stage is that of the first day of follow-up: its curves begin on that day, and its model runs "
            "on the clock of the calendar without quarters, since stages hardly meet on that of time since hire."
        )
    return told


def _curves(rows: pd.DataFrame, kind: Kind, column: str, word: str) -> Exhibit:
    persons = rows.groupby("staff_id", as_index=False, sort=False).agg(
        entry=("start", "first"), stop=("stop", "last"), ended=("ended", "last"), level=("level", "first"), dept_at_entry=("dept_at_entry", "first")
    )
    staged = column == STAGE
    if staged:  # somebody of a later stage was not there in the first years since hire
        persons = persons.assign(entry=0.0, stop=persons["stop"] - persons["entry"])
    fit = aalen_johansen(persons, start="entry", stop="stop", cause="ended", by="level", cluster="dept_at_entry")
    # tenures at which any group has hardly anybody under observation say nothing
    followed = persons.groupby("level")["stop"].apply(lambda stop: np.sort(stop)[-10] if len(stop) >= 10 else stop.max()).min()
    grid = monthly_grid(min(float(followed), 60 * DAYS_PER_MONTH))[:: 1 if column in GROUPINGS else _EVERY]
    looked = in_months(fit.at(just_after(grid)))
    looked = looked[looked["cause"] == "step"]
    return curve_exhibit(
        f"careers.{kind.name}.by.{column}", f"{kind.first} while followed, by {word.lower()}", looked, by="by", value="cif", by_label=word,
        time_from="the first day of follow-up" if staged else "hire", y_label=f"Have {kind.done}",
        n=len(persons), n_events=int((persons["ended"] == "step").sum()),
        population=f"careers {column}",
        method=f"Aalen-Johansen{'' if staged else ' with delayed entry'}, leaving competes; intervals clustered by department",
        note=("Career stage on that day; steps before it are not known." if staged else
              "Steps before somebody came under observation are not known: who came late enters as if without one.")
        + ("" if column in GROUPINGS else f" Told every {_EVERY} months."),
    )  # fmt: skip


def _ratios(rows: pd.DataFrame, kind: Kind, column: str, word: str, told: Section) -> list[Result]:
    reference, *others = _compared(rows.groupby("level")["staff_id"].nunique().sort_values(ascending=False, kind="stable")) or [MISSING]
    found = []
    for level in others:
        two = rows[rows["level"].isin([reference, level])].assign(mine=lambda frame, level=level: (frame["level"] == level).astype(float))
        behind = tuple(
            float(value) for side in (1.0, 0.0) for value in (two.loc[two["mine"] == side, "event"].sum(),
                                                              two.loc[two["mine"] == side, "staff_id"].nunique())
        )  # fmt: skip
        try:
            fit = cox(two, start="start", stop="stop", event="event", strata="dept_id", cluster="dept_at_entry",
                      covariates=["mine", *varying(two, ["period"] if column != STAGE else [])])  # fmt: skip
        except EstimationError as error:
            told.lacks(f"{kind.title}: {level} against {reference}", error.problem, "More such steps.")
            continue
        estimand = f"hazard of {kind.noun}, {word.lower()}: {level} against {reference}, within departments"
        estimate = persons_not_rows(fit.estimate, two["staff_id"].nunique(), int(two["event"].sum()), estimand)
        name = f"careers.{kind.name}.{column}.{slug(level)}"
        label = f"{str(level).lower()}, against {reference.lower()}"
        found.append(Result(name, kind.name, estimand, "all staff followed", estimate, label, "companion", word, rests_on=behind))
    return found


def _compared(size: pd.Series) -> list[str]:
    """Levels of enough people to be compared, the largest first; who is not recorded is no group."""
    return [str(level) for level, people in size.items() if level != MISSING and people >= FEWEST_PEOPLE]


# -- who holds the senior grades ------------------------------------------------------------------------------------------------


def senior_by_group(study: CareerStudy) -> Section:
    """Share whose recorded grade is senior, of those in post on the last day, by group, and differences from the largest group; nothing without a
    grade or a list of senior ones.
    """
    told, question = Section(), "Who holds the senior grades"
    senior = study.cohort.study.plan.senior_grades
    staff = study.cohort.table("staff")
    if "grade" not in staff or staff["grade"].notna().sum() == 0:
        return told.lacks(question, "staff has no grades.", "the column grade in staff")
    if not senior:
        return told.lacks(question, "The study does not say which grades are senior.", "plan.senior_grades in study.yaml")
    there = study.episodes.persons[study.episodes.persons["cause"] == ""]
    people = there.merge(staff[["staff_id", "grade"]].rename(columns={"grade": "_grade"}), on="staff_id")
    people = people[people["_grade"].notna()].assign(senior=lambda frame: frame["_grade"].astype(str).isin(senior).astype(float))
    if not 0 < people["senior"].mean() < 1:
        reason = "Everybody, or nobody, in post on the last day is in one of the senior grades."
        return told.lacks(question, reason, "plan.senior_grades in study.yaml")
    for column, word in ALL_GROUPINGS.items():
        if column == GRADE:
            continue  # that is what is asked
        levels = _grouped(study, column)
        if levels is None:
            continue
        mine = people.assign(level=people["staff_id"].map(levels))
        told.results += sized(_gaps(mine, column, word, _compared(levels.value_counts())), sizes_subtract(mine["level"], mine["senior"]))
        told.exhibits.append(_shares(mine, column, word))
    told.methods.append(
        f"Senior grades: {', '.join(senior)}, as the table staff records them, among those in post on the last day; a grade has no date and may be "
        "that of hire. Differences in percentage points with leave-one-department-out jackknife. Not adjusted: tenure, age and staff group are ways "
        "in which such a gap comes about. Career stage is that of the first day of follow-up."
    )
    return told


def _gaps(people: pd.DataFrame, column: str, word: str, compared: list[str]) -> list[Result]:
    """compared: levels of enough people, whether or not so many of them are in post on the last day."""
    reference, *others = [str(level) for level in people["level"].value_counts().index if level in compared] or [MISSING]
    found = []
    for level in others:
        two = people[people["level"].isin([reference, level])]
        sums = two.groupby(["dept_at_entry", "level"])["senior"].agg(["sum", "count"])
        table = sums.unstack("level", fill_value=0.0)  # noqa: PD010
        up = table["sum"].reindex(columns=[level, reference], fill_value=0.0).to_numpy(float)
        all_ = table["count"].reindex(columns=[level, reference], fill_value=0.0).to_numpy(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (up.sum(axis=0) - np.vstack([np.zeros(2), up])) / (all_.sum(axis=0) - np.vstack([np.zeros(2), all_]))
        estimand = f"share with a senior grade as recorded in staff, in post on the last day, {word.lower()}: {level} minus {reference}"
        estimate = jackknifed_difference(
            share[:, 0], share[:, 1], n=len(two), n_events=int(two["senior"].sum()), places=int((all_ > 0).sum(axis=0).min()), estimand=estimand,
            method="shares; leave-one-department-out jackknife, t on the departments of the group in fewest - 1",
        )
        counts = two.groupby("level")["senior"].agg(["sum", "count"])
        behind = tuple(float(v) for v in (*counts["sum"], *(counts["count"] - counts["sum"])))
        name = f"careers.senior.{column}.{slug(level)}"
        label = f"{str(level).lower()}, minus {reference.lower()}"
        found.append(Result(name, "senior_grade", estimand, "in post on the last day", estimate, label, "companion", f"Senior grades, {word.lower()}",
                            rests_on=behind))  # fmt: skip
    return found


def _shares(people: pd.DataFrame, column: str, word: str) -> Exhibit:
    table = people.groupby("level")["senior"].agg(["sum", "count"]).sort_values("count", ascending=False, kind="stable").reset_index()
    frame = pd.DataFrame({
        "level": table["level"], "people": table["count"].astype(int), "senior": table["sum"].astype(int),
        "others": (table["count"] - table["sum"]).astype(int), "share": table["sum"] / table["count"],
    })  # fmt: skip
    total = {"level": "All", "people": frame["people"].sum(), "senior": frame["senior"].sum(), "others": frame["others"].sum(),
             "share": frame["senior"].sum() / frame["people"].sum()}  # fmt: skip
    frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    return table_exhibit(
        f"careers.senior.{column}", f"Senior grades as recorded, of those in post on the last day, by {word.lower()}", frame,
        counts=("people", "senior", "others"), derived=("share",), within="*", totals=("All",), sums=(("people", "senior", "others"),),
        labels={"level": word, "people": "In post", "senior": "Of a senior grade", "others": "Of another", "share": "Share senior"},
        formats={"share": "percent", **dict.fromkeys(("people", "senior", "others"), "count")},
        note="Grade as recorded in staff, which holds one a person: where it is that of hire, promotions since then are not in it.",
    )  # fmt: skip
