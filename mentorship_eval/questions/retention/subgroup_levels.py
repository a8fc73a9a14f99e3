"""Which groups are told apart, and which have too few people: settled from totals, without looking at any effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.splitting import split_rows
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH

__all__ = ["DEFAULT", "EXPECTED", "TENURE", "Grouping", "group_rows", "planned_subgroups"]

DEFAULT = ("profession", "specialty", "high_burnout", "gender", "ethnicity_group", "newly_qualified", "tenure")
TENURE = "tenure"
EXPECTED = 10.0  # leavers in each arm, if mentorship made no difference
MISSING, OTHER = "Missing", "Other"
_BANDS = ((0.0, "First year"), (12.0, "Second year"), (24.0, "Third year and later"))


@dataclass(frozen=True)
class Grouping:
    """rows: with ``level``, of the levels that are told; levels: in order; joined: levels that stand in OTHER; withheld: levels left out
    with their rows; of_department: the level is a fact of the department or of the clock, and strata or baseline hold its own effect.
    """

    name: str
    rows: pd.DataFrame
    levels: tuple[str, ...]
    joined: tuple[str, ...]
    withheld: tuple[str, ...]
    of_department: bool


def planned_subgroups(cohort: Cohort, outcome: str) -> tuple[list[str], list[str]]:
    """Subgroups of the plan for ``outcome`` (or for all), else the default ones that these data have; and those that they lack."""
    plan = cohort.study.plan.subgroups
    named = plan.get(outcome, plan.get("all"))
    wanted = list(DEFAULT) if named is None else list(named)
    here = {TENURE, *cohort.table("staff").columns}
    if cohort.has("departments"):
        here |= set(cohort.table("departments").columns)
    absent = [] if named is None else [name for name in wanted if name not in here]
    return [name for name in wanted if name in here], absent


def _words(values: pd.Series) -> pd.Series:
    """Levels as a reader sees them; a missing one is a level of its own."""
    shown = values.astype(object)
    flags = set(shown.dropna().unique()) <= {True, False}
    if flags and len(shown.dropna()):
        text = shown.map(lambda value: {True: "Yes", False: "No"}.get(value, MISSING))
    else:
        text = shown.astype(str).str.replace("_", " ").str.strip()
        text = text.str[:1].str.upper() + text.str[1:]
    return text.where(values.notna(), MISSING)


def _levels(cohort: Cohort, rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, bool]:
    if name == TENURE:
        edges = np.array([months for months, _ in _BANDS]) * DAYS_PER_MONTH
        inner = edges[1:]
        cut = split_rows(rows, np.repeat(np.arange(len(rows)), len(inner)), np.tile(inner, len(rows)))
        band = np.searchsorted(edges, cut["start"].to_numpy(float), side="right") - 1
        return cut.assign(level=np.array([label for _, label in _BANDS], dtype=object)[band]), True
    staff = cohort.table("staff")
    if name in staff:
        return rows.assign(level=rows["staff_id"].map(_words(staff.set_index("staff_id")[name]))), False
    places = cohort.table("departments").drop_duplicates("dept_id").set_index("dept_id")
    return rows.assign(level=rows["dept_id"].map(_words(places[name])).fillna(MISSING)), True


def _enough(rows: pd.DataFrame) -> pd.Series:
    """By level: would both arms hold `EXPECTED` leavers if mentorship made no difference? Totals and person-time decide, not arms."""
    days = rows["stop"] - rows["start"]
    by = rows["level"]
    leavers, total = rows["event"].groupby(by).sum(), days.groupby(by).sum()
    mentored = (days * rows["mentored"]).groupby(by).sum() / total
    return (leavers * mentored >= EXPECTED) & (leavers * (1 - mentored) >= EXPECTED)


def group_rows(cohort: Cohort, rows: pd.DataFrame, name: str) -> Grouping:
    """``rows`` with the levels of ``name``; thin levels joined into one, and left out when that is still thin."""
    rows, of_department = _levels(cohort, rows, name)
    enough = _enough(rows)
    thin = [str(level) for level in enough.index[~enough]]
    joined: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    if len(thin) > 1 and name != TENURE:
        together = rows.assign(level=rows["level"].where(~rows["level"].isin(thin), OTHER))
        if _enough(together).get(OTHER, False):
            rows, joined = together, tuple(thin)
    if thin and not joined:
        rows, withheld = rows[~rows["level"].isin(thin)].reset_index(drop=True), tuple(thin)
    size = rows.groupby("level")["staff_id"].nunique().sort_values(ascending=False)
    last = [OTHER, MISSING]
    order = [level for level in size.index if level not in last] + [level for level in last if level in size.index]
    if name == TENURE:
        order = [label for _, label in _BANDS if label in size.index]
    return Grouping(name, rows, tuple(map(str, order)), joined, withheld, of_department)
