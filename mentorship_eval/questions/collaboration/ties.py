"""From records of who turned to whom to new ties with two professions, two departments and person-time in which they could begin.

A tie is counted for the person from whom it goes, on the day on which it first stands in the data; later records of the same pair in the same
direction are the same tie. Ties between a mentee and the own mentor are the programme itself and are left out; hand-offs between wards are work
that has to be done, and are counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.cohort.person_time.recurrent import with_recurrent_events
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.calendar_time import EPOCH, as_days, calendar_rows, department_on
from mentorship_eval.questions.record_flow import RecordFlow, flow_exhibit
from mentorship_eval.questions.retention.model_rows import cohort_episodes

__all__ = ["OUTCOME", "TieStudy", "is_handoff", "person_time", "tie_study"]

OUTCOME = "collaboration"


@dataclass(frozen=True)
class TieStudy:
    """cohort; episodes: person-time of employment, by quarter; rows: theirs on the clock of the calendar (days since 1970), with model-ready
    covariates, tenure and profession. ties: from_id, to_id, date, day, from_dept, to_dept, across (another profession), elsewhere (another
    department); handoffs: the same, every record of them. flow: step, removed, kept; covariates of the model.
    """

    cohort: Cohort
    episodes: Episodes
    rows: pd.DataFrame
    ties: pd.DataFrame
    handoffs: pd.DataFrame
    flow: pd.DataFrame
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]

    def flow_exhibit(self) -> Exhibit:
        return flow_exhibit("collaboration.flow", "From records to ties", self.flow, "Hand-offs are analysed apart.")


def is_handoff(kind: pd.Series) -> pd.Series:
    """Whether a kind of tie is a hand-off (hand-over, handoff, ...) of work from one to the other."""
    word = kind.astype(object).where(kind.notna(), "").astype(str).str.lower().str.replace(r"[^a-z]", "", regex=True)
    return word.str.startswith(("handoff", "handover"))


def tie_study(cohort: Cohort) -> TieStudy:
    """Ties and person-time of a cohort that has staff (with professions), spells, matches and collaboration."""
    episodes = cohort_episodes(cohort)
    persons = episodes.persons.set_index("staff_id")
    records = cohort.table("collaboration").copy()
    records["date"] = as_days(records["date"])
    flow = RecordFlow(records)
    inside = {}
    for side in ("from_id", "to_id"):
        hire = records[side].map(persons["hire"])
        day = (records["date"] - hire).dt.days
        inside[side] = (day > records[side].map(persons["entry"])) & (day <= records[side].map(persons["stop"]))
    records = flow.keep(records, inside["from_id"] & inside["to_id"], "both people employed and followed on that day")
    records = flow.keep(records, records["from_id"] != records["to_id"], "two people")
    profession = cohort.table("staff").set_index("staff_id")["profession"].astype(object)
    ends = [records[side].map(profession) for side in ("from_id", "to_id")]
    records = flow.keep(records, ends[0].notna() & ends[1].notna(), "both professions known")
    matches = cohort.mentoring()
    pairs = set(zip(matches["mentee_id"], matches["mentor_id"], strict=True)) if "mentor_id" in matches else set()
    own = [(a, b) in pairs or (b, a) in pairs for a, b in zip(records["from_id"], records["to_id"], strict=True)]
    records = flow.keep(records, ~pd.Series(own, index=records.index, dtype=bool), "not a mentee and the own mentor")
    records = records.assign(
        day=(records["date"] - EPOCH).dt.days.astype(float),
        across=records["from_id"].map(profession).to_numpy() != records["to_id"].map(profession).to_numpy(),
        from_dept=department_on(records["from_id"], records["date"], cohort.table("spells")),
        to_dept=department_on(records["to_id"], records["date"], cohort.table("spells")),
    )
    records = flow.keep(records, records["from_dept"].notna() & records["to_dept"].notna(), "both departments known")
    records["elsewhere"] = records["from_dept"].astype(str) != records["to_dept"].astype(str)
    handed = is_handoff(records["kind"]) if "kind" in records else pd.Series(False, index=records.index)
    handoffs = records[handed.to_numpy()].reset_index(drop=True)
    records = flow.keep(records, ~handed, "not a hand-off")
    records = records.sort_values(["date", "from_id", "to_id"], kind="stable")
    records = flow.keep(records, ~records.duplicated(["from_id", "to_id"]), "the first record of that pair in that direction")
    rows, covariates, cautions = calendar_rows(cohort, episodes, OUTCOME)
    return TieStudy(cohort, episodes, rows, records.reset_index(drop=True), handoffs, flow.table(), covariates, (*cautions, *episodes.notes))


def person_time(study: TieStudy, events: pd.DataFrame) -> pd.DataFrame:
    """Rows on the calendar clock, cut at the events (from_id, day) of each person."""
    return with_recurrent_events(study.rows, events.rename(columns={"from_id": "staff_id", "day": "time"}))
