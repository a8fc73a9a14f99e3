"""Designs in which mentorship does not change with time: the naive one, for the audit, and the landmark.

`naive_rows` makes the error on purpose (whoever was ever mentored counts as mentored all along) and
counts the person-days that it misclassifies. `landmark_rows` is the sound fixed design: only those still
followed at the landmark, mentored by then or not, timed from it (Anderson, Cain and Gelber 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import flow_table
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.inference.shown import Shown

__all__ = ["Landmark", "NaiveRows", "default_landmark", "landmark_rows", "naive_rows"]


@dataclass(frozen=True)
class NaiveRows(Shown):
    """rows: staff_id, start, stop, cause, ever_mentored, dept_id and dept_at_entry (both the department at entry), covariates.

    misclassified_days: person-days, within follow-up, of ever-mentored people before their mentoring began: time
    in which they could not have left, or they would not have been matched. claimed_days: all their person-days.
    """

    rows: pd.DataFrame
    misclassified_days: float
    claimed_days: float
    ever_mentored: int

    @property
    def table(self) -> pd.DataFrame:
        return self.rows

    @property
    def share(self) -> float:
        """Of the person-days that the naive analysis calls mentored, the part that was not."""
        return self.misclassified_days / self.claimed_days if self.claimed_days else float("nan")

    def statement(self) -> str:
        return (f"The naive analysis counts {self.claimed_days:,.0f} person-days of {self.ever_mentored:,} people as mentored; "
                f"{self.misclassified_days:,.0f} of them ({self.share:.0%}) came before their mentoring began.")


@dataclass(frozen=True)
class Landmark(Shown):
    """rows: staff_id, start (0), stop (days since the landmark), cause, mentored (by the landmark), dept_id (at the landmark), covariates.

    days: the landmark, in days since hire. later_starters: of the people at the landmark who were not mentored by then,
    how many began during the follow-up, share_later: as a part of all people in rows. flow: persons by reason.
    """

    rows: pd.DataFrame
    days: float
    later_starters: int
    share_later: float
    flow: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        return self.rows

    def statement(self) -> str:
        mentored = int(self.rows["mentored"].sum())
        return (f"{len(self.rows):,} people were followed from {self.days:,.0f} days after hire, {mentored:,} of them mentored by then; "
                f"{self.later_starters:,} ({self.share_later:.0%}) began later.")


def _covariates(persons: pd.DataFrame) -> list[str]:
    fixed = ("staff_id", "hire", "entry", "stop", "cause", "mentored_from", "dept_at_entry", "prevalent")
    return [name for name in persons.columns if name not in fixed]


def naive_rows(episodes: Episodes, *, origin: str = "entry") -> NaiveRows:
    """One row a person with ``ever_mentored`` fixed; never an analysis, only the audit of one.

    origin: ``entry`` keeps delayed entry, so that immortal time is the main difference to the right analysis;
    ``hire`` also pretends that everybody was observed from hire, as the usual naive analysis does.
    """
    if origin not in ("entry", "hire"):
        raise UsageError(f"origin is {origin!r}.", fix="It must be entry or hire.")
    persons = episodes.persons
    began = persons["mentored_from"].to_numpy(float)
    ever = ~np.isnan(began)
    start = persons["entry"].to_numpy(float) if origin == "entry" else np.zeros(len(persons))
    rows = pd.DataFrame({"staff_id": persons["staff_id"], "start": start, "stop": persons["stop"], "cause": persons["cause"],
                         "ever_mentored": ever.astype(int), "dept_id": persons["dept_at_entry"], "dept_at_entry": persons["dept_at_entry"]})
    rows = pd.concat([rows, persons[_covariates(persons)]], axis=1)
    before = np.clip(began[ever] - start[ever], 0.0, None)
    claimed = (persons["stop"].to_numpy(float) - start)[ever]
    return NaiveRows(rows, float(before.sum()), float(claimed.sum()), int(ever.sum()))


def default_landmark(episodes: Episodes, *, share: float = 0.9, population: str = "hired in window") -> float:
    """The tenure in days by which ``share`` of matches had begun; it looks at matches only, never at leaving.

    population: ``hired in window`` counts matches of people whom we saw from hire, ``all`` also those of long-serving
    staff, whose tenure at a go-live is a fact of the calendar. Raises `EstimationError` when nobody was matched.
    """
    if population not in ("hired in window", "all"):
        raise UsageError(f"population is {population!r}.", fix="It must be 'hired in window' or 'all'.")
    persons = episodes.persons
    began = persons["mentored_from"]
    if population == "hired in window":
        began = began[persons["entry"] == 0]
    began = np.sort(began.dropna().to_numpy(float))
    if not len(began):
        raise EstimationError("Nobody was matched while followed, so no landmark follows from the matches.", fix="Name a landmark in days.")
    return float(began[int(np.ceil(share * len(began) - 1e-9)) - 1])


def landmark_rows(episodes: Episodes, landmark_days: float | None = None) -> Landmark:
    """People under observation at ``landmark_days`` after hire (`default_landmark` when None), from there on.

    Delayed entry: who came under observation after the landmark is not in it (their survival to that point was never
    at risk of being unseen). A leave on the day of the landmark is before it.
    """
    days = default_landmark(episodes) if landmark_days is None else float(landmark_days)
    if days < 0:
        raise UsageError("A landmark lies at or after hire.", fix="Give days since hire, 0 or more.")
    persons, rows = episodes.persons, episodes.rows
    late, gone = persons["entry"] > days, persons["stop"] <= days
    at = rows[(rows["start"] <= days) & (rows["stop"] > days)]
    here = ~late & ~gone & persons["staff_id"].isin(at["staff_id"])
    flow = flow_table([("landmark", "came under observation after the landmark", int(late.sum())),
                       ("landmark", "left, or no longer observed, by the landmark", int((~late & gone).sum())),
                       ("landmark", "suspended at the landmark", int((~late & ~gone & ~here).sum()))], len(persons), "persons")
    chosen = persons[here]
    began = chosen["mentored_from"].to_numpy(float)
    dept = chosen["staff_id"].map(at.set_index("staff_id")["dept_id"])
    table = pd.DataFrame({"staff_id": chosen["staff_id"], "start": 0.0, "stop": chosen["stop"] - days, "cause": chosen["cause"],
                          "mentored": (began <= days).astype(int), "dept_id": dept, "dept_at_entry": chosen["dept_at_entry"]})
    table = pd.concat([table, chosen[_covariates(persons)]], axis=1).reset_index(drop=True)
    later = int((began > days).sum())
    return Landmark(table, days, later, later / len(table) if len(table) else float("nan"), flow)
