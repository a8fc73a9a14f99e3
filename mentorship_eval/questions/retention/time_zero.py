"""Table 1 of retention: who is compared with whom, described at a time zero that looks at nobody's future.

"Ever mentored against never" would be such a look: whoever stays longer has longer to be matched, so that the columns of the table would
differ by what comes after it. Two divisions do not: by mentorship at the landmark, among those still there then; and by what the
programme was in the department on the day a person came under observation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.baseline.described import Variable, described
from mentorship_eval.questions.baseline.exhibit import baseline_exhibit
from mentorship_eval.questions.retention.from_landmark.landmark import AtLandmark
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import fewest_shown
from mentorship_eval.questions.section import Section

__all__ = ["by_mentorship", "by_programme"]

_LABELS = {"newly_qualified": "Newly qualified when hired", "international": "Recruited from abroad"}
METHOD = (
    "Baseline characteristics are described at the time zero of each comparison and not tested; a variable with skewness beyond 1 by median and "
    "quartiles. Standardised differences: Austin (2009) for numbers and shares, Yang and Dalton (2012) for several levels."
)
_STATES = {"live": "Live", "later": "Not yet live", "never": "Never live in the window"}


def _at(study: Prepared, persons: pd.DataFrame, since_hire: pd.Series) -> pd.DataFrame:
    """``persons`` with what is known of them on a day, given in days since hire: year, years since hire, age, post."""
    day = persons["hire"] + pd.to_timedelta(np.floor(since_hire), unit="D")
    out = persons.assign(day=day, year=day.dt.year.astype(str), tenure=since_hire / 365.25)
    if "age_at_entry" in persons:
        entry = persons["hire"] + pd.to_timedelta(np.floor(persons["entry"]), unit="D")
        out["age"] = persons["age_at_entry"] + day.dt.year - entry.dt.year
    return out.merge(_post(study, out), on="staff_id", how="left", validate="one_to_one")


def _post(study: Prepared, persons: pd.DataFrame) -> pd.DataFrame:
    """Contract and hours of the spell in which everybody is on their day."""
    spells = study.cohort.table("spells")
    columns = [name for name in ("wte", "contract") if name in spells and spells[name].notna().any()]
    mine = spells[["staff_id", "start", *columns]].merge(persons[["staff_id", "day"]], on="staff_id")
    mine = mine[mine["start"] <= mine["day"]].sort_values(["staff_id", "start"], kind="stable")
    return mine.drop_duplicates("staff_id", keep="last").drop(columns=["start", "day"])


def _variables(study: Prepared, rows: pd.DataFrame, more: list[Variable]) -> list[Variable]:
    """Those of which anything is known and that vary, in the order in which a reader expects them."""
    planned = [name for name in study.covariates if name not in ("profession", "gender", "ethnicity_group", "grade", *_LABELS)]
    chosen = [
        Variable("age", "Age, years", "number"), Variable("gender", "Gender"), Variable("ethnicity_group", "Ethnic group"),
        Variable("profession", "Profession"), Variable("grade", "Grade"), *(Variable(name, label, "flag") for name, label in _LABELS.items()),
        *(_planned(rows, name) for name in planned), Variable("contract", "Contract"), Variable("wte", "Whole-time equivalent", "number"), *more,
    ]  # fmt: skip
    return [v for v in chosen if v.name in rows and rows[v.name].notna().any() and len(rows[v.name].unique()) > 1]


def _planned(rows: pd.DataFrame, name: str) -> Variable:
    label = name.replace("_", " ").capitalize()
    if name not in rows or not pd.api.types.is_numeric_dtype(rows[name]):
        return Variable(name, label)
    return Variable(name, label, "flag" if rows[name].dropna().isin((0, 1)).all() else "number")


def by_mentorship(study: Prepared, at: AtLandmark) -> Section:
    """The table of those at the landmark, by whether they had been mentored by then."""
    persons = study.episodes.persons.merge(at.rows[["staff_id", "arm", "dept_id"]], on="staff_id")
    rows = _at(study, persons, pd.Series(at.days, index=persons.index))
    rows["late"] = rows["entry"] > 0
    rows["live"] = _programme(study, rows["dept_id"], rows["day"]).map(lambda state: None if state is None else state == "live")
    more = [
        Variable("live", "Programme live in the department", "flag"), Variable("year", "Calendar year at the landmark"),
        Variable("late", "Hired before the window", "flag"),
    ]  # fmt: skip
    names = {"Mentored": "mentored", "Not mentored": "not_mentored"}
    frame = described(rows, "arm", names, _variables(study, rows, more), fewest=fewest_shown(study))
    note = (
        f"People still employed and under observation {at.months:.0f} months after hire (the landmark), by whether they had been mentored by then; "
        "all is as it was on that day. Who was matched later is not mentored here: dividing by what happens later would give the mentored the time "
        "that they had to stay to be matched."
    )
    table = baseline_exhibit(
        "retention.baseline.mentorship", f"Staff at {at.months:.0f} months after hire, by mentorship by then", frame,
        {"mentored": "Mentored by then", "not_mentored": "Not mentored by then"}, note=note, sizes=_sizes(rows["arm"], names),
    )  # fmt: skip
    return Section(exhibits=[table], methods=[METHOD])


def by_programme(study: Prepared) -> Section:
    """The table of everybody followed, by what the programme was in their department as they came under observation."""
    if not study.cohort.has("rollout"):
        return Section()
    persons = study.episodes.persons
    rows = _at(study, persons, persons["entry"])
    rows["state"] = _programme(study, rows["dept_at_entry"], rows["day"])
    names = {name: name for name in _STATES if (rows["state"] == name).any()}
    rows = rows[rows["state"].isin(names)]
    if len(names) < 2:
        return Section()
    rows["before"] = rows["prevalent"].eq(1)
    more = [
        Variable("tenure", "Years since hire", "number"), Variable("year", "Calendar year"),
        Variable("before", "Mentored before coming under observation", "flag"),
    ]  # fmt: skip
    frame = described(rows, "state", names, _variables(study, rows, more), fewest=fewest_shown(study))
    note = (
        "Everybody followed, once: on the first day under observation (the first of the window, or the day of hire), by what the programme was in "
        "the department that day. Departments pass from not yet live to live, and people with them; who came later found more of them live."
    )
    table = baseline_exhibit(
        "retention.baseline.programme", "Staff as they came under observation, by the programme in their department", frame,
        {name: _STATES[name] for name in names}, note=note, spanner="Programme in the department", sizes=_sizes(rows["state"], names),
    )  # fmt: skip
    return Section(exhibits=[table], methods=[METHOD])


def _sizes(groups: pd.Series, names: dict[str, str]) -> tuple[float, ...]:
    return tuple(float((groups == name).sum()) for name in names)


def _programme(study: Prepared, dept: pd.Series, day: pd.Series) -> pd.Series:
    """live, later (within the window) or never, of a department on a day; None for all where the cohort has no rollout."""
    if not study.cohort.has("rollout"):
        return pd.Series(None, index=dept.index, dtype=object)
    begins = dept.map(own_rollout(study.cohort).groupby("dept_id")["active_from"].min())
    begins = pd.to_datetime(begins).where(lambda date: date <= study.episodes.end)
    state = np.select([begins.isna(), begins <= day], ["never", "live"], "later")
    return pd.Series(state, index=dept.index, dtype=object)
