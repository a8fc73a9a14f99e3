"""Person-time until the first step of a kind (promotion, leadership post, ...): leaving, for whatever reason, competes with it.

Steps before a person comes under observation are not counted, since nobody saw who could have taken one and did not; a second step of the
same kind is not told. The day of the step ends the person's time at risk; exposure on that day follows the rule of `person_time.episodes`: a
match of the same day came too late for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.covariates import planned_covariates, with_covariates
from mentorship_eval.questions.retention.model_rows import calendar_periods, cohort_episodes

__all__ = ["KINDS", "CareerStudy", "Kind", "career_study", "first_steps", "until_step"]

OUTCOME = "careers"


@dataclass(frozen=True)
class Kind:
    """One kind of step: its name in the table, the noun, what a person did, and what one has then (been promoted)."""

    name: str
    noun: str
    did: str
    done: str

    @property
    def title(self) -> str:
        """The noun where a sentence begins."""
        return self.noun[:1].upper() + self.noun[1:]

    @property
    def first(self) -> str:
        """The first such step of a person, at the beginning of a sentence."""
        return self.title if "first" in self.noun else f"First {self.noun}"


KINDS = (
    Kind("promotion", "promotion", "were promoted", "been promoted"),
    Kind("leadership_role", "a first leadership post", "took a leadership post", "taken a leadership post"),
    Kind("acting_up", "acting up into a higher post", "acted up", "acted up"),
    Kind("certification", "certification", "were certified", "been certified"),
)


@dataclass(frozen=True)
class CareerStudy:
    """cohort; episodes: person-time of employment; rows: theirs with model-ready covariates; days: staff_id and, for each kind that the data
    have, the day (since hire) of the first step in follow-up (NaN: none); covariates of the plan for careers (or retention).
    """

    cohort: Cohort
    episodes: Episodes
    rows: pd.DataFrame
    days: pd.DataFrame
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if kind.name in self.days)


def first_steps(cohort: Cohort, persons: pd.DataFrame) -> pd.DataFrame:
    """staff_id, and per kind the day since hire of the first step within (entry, stop]."""
    events = cohort.table("career_events").merge(persons[["staff_id", "hire", "entry", "stop"]], on="staff_id")
    events["day"] = (pd.to_datetime(events["date"]) - events["hire"]).dt.days.astype(float)
    inside = events[(events["day"] > events["entry"]) & (events["day"] <= events["stop"])]
    first = inside.pivot_table(index="staff_id", columns="event", values="day", aggfunc="min", observed=True)
    return first.reindex(persons["staff_id"]).reset_index()


def career_study(cohort: Cohort) -> CareerStudy:
    """Person-time, covariates and steps of a cohort that has staff, spells, matches and career_events."""
    episodes = cohort_episodes(cohort)
    planned = planned_covariates(cohort, OUTCOME) or planned_covariates(cohort, "retention")
    covariates = [name for name in planned if name in episodes.rows]
    rows, cautions = with_covariates(episodes.rows, covariates)
    return CareerStudy(cohort, episodes, rows, first_steps(cohort, episodes.persons), tuple(covariates), (*cautions, *episodes.notes))


def until_step(study: CareerStudy, kind: Kind) -> pd.DataFrame:
    """Rows (start, stop] until the first step of ``kind``: event (0/1), ended ("step", "left" or ""), period joined for the model."""
    day = study.rows["staff_id"].map(study.days.set_index("staff_id")[kind.name]).to_numpy(float)
    day = np.where(np.isnan(day), np.inf, day)
    rows = study.rows.assign(day=day)[study.rows["start"].to_numpy() < day].reset_index(drop=True)
    reached = rows["day"] <= rows["stop"]
    ended = np.where(reached, "step", np.where(rows["cause"] != "", "left", ""))
    rows = rows.assign(stop=np.minimum(rows["stop"], rows["day"]), event=reached.astype(int), ended=ended)
    rows["period"], _ = calendar_periods(rows)
    return rows.drop(columns="day")
