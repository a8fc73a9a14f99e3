"""Who takes part in the next round of matching, from a cohort: the mentors with their room, who waits for one, and the pairs of the last wave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.study.choices import MatchingChoice
from mentorship_eval.errors import DataError
from mentorship_eval.matching import Pool, Weights, parts_of_score, score_matrix

__all__ = ["COMPARED", "LAST_WAVE_DAYS", "NextWave", "last_wave_scores", "next_wave", "wishes_of"]

LAST_WAVE_DAYS = 365
COMPARED = ("profession", "gender", "ethnicity_group", "grade", "international")
_ASKING = ("seeks", "same", "prefers")
_TRAINING = ("has expired", "is not completed")


@dataclass(frozen=True)
class NextWave:
    """pool; day: the state of which day it is; notes: who was left out and why, in sentences.

    left_out: staff_id, role (mentor or mentee), why. remarks: mentor -> what a coordinator should know of them before giving them a mentee.
    """

    pool: Pool
    day: pd.Timestamp
    notes: tuple[str, ...]
    left_out: pd.DataFrame
    remarks: Mapping[str, str]


def next_wave(cohort: Cohort, choice: MatchingChoice | None = None) -> NextWave:
    """The pool on the last day of the study (of the data when study.yaml has none). ``choice``: other settings than ``matching`` of study.yaml.

    Mentees are those in post without a mentor who say in ``wishes`` what they seek; without that table, everybody in post who never had a mentor
    and is none. Mentors who left, whose training has expired or is not completed (unless the settings allow them), or for whom no capacity is
    known, get nobody.

    Raises DataError without mentors, their capacity, matches or staff, and when nobody waits.
    """
    choice = choice or cohort.study.matching
    mentors, matches, wishes = cohort.table("mentors"), cohort.mentoring(), wishes_of(cohort)
    if "capacity" not in mentors and choice.capacity is None:
        raise DataError("The table mentors has no column capacity.",
            fix="Add it: the mentees that each mentor can have at a time; or give one for all, matching.capacity in study.yaml.")
    day = cohort.window[1]
    day = matches["start"].max() if pd.isna(day) else day
    people, post = _people(cohort, day), _in_post(cohort, day)
    now = matches[(matches["start"] <= day) & (matches["end"].isna() | (matches["end"] > day) if "end" in matches else True)]
    notes, gone = [], []

    able = mentors.drop_duplicates("staff_id").set_index("staff_id")
    if "capacity" not in able:
        able = able.assign(capacity=np.nan)
    training, remarks = _without_training(able, day), {}
    if choice.untrained == "allow":
        remarks = {str(person): f"training {why}" for person, why in training[training != ""].items()}
        training = training.mask(training != "", "")
    blank = able["capacity"].isna()
    if choice.capacity is not None and blank.any():
        able = able.assign(capacity=able["capacity"].fillna(choice.capacity))
        notes.append(f"Mentors of blank capacity are taken to have room for {choice.capacity}: {int(blank.sum()):,}.")
    for why, out in (
        *((f"whose training {kind}", training == kind) for kind in _TRAINING),
        ("not in post", pd.Series(~able.index.isin(post) if post is not None else False, index=able.index)),
        ("of blank capacity", able["capacity"].isna()),
    ):
        out = out[able.index]  # of those whom no line above has left out: each is counted once
        if out.any():
            notes.append(f"Mentors {why} get nobody: {int(out.sum()):,}.")
            gone += [(person, "mentor", why) for person in able.index[out]]
            able = able[~out]
    remarks = {person: told for person, told in remarks.items() if person in able.index}
    if remarks:
        notes.append(f"Mentors without valid training take part, as asked for by untrained: allow: {len(remarks):,}.")
    load = now["mentor_id"].value_counts().reindex(able.index, fill_value=0) if "mentor_id" in now else 0
    offering = people.reindex(able.index).assign(capacity=able["capacity"].astype(int), load=load)

    if cohort.has("wishes"):
        waiting = pd.Index(wishes.loc[wishes["kind"].isin(_ASKING), "staff_id"].unique())
    else:
        waiting = people.index.difference(pd.Index(matches.loc[matches["start"].notna(), "mentee_id"])).difference(pd.Index(mentors["staff_id"]))
        notes.append("There is no table wishes: mentees are all in post who never had a mentor; goals, concordance, preferences are unknown.")
    for why, people_out in (("not in post", None if post is None else waiting.difference(post)), ("who have a mentor now", now["mentee_id"])):
        left_out = waiting[waiting.isin(people_out)] if people_out is not None else waiting[:0]
        if len(left_out) and cohort.has("wishes"):
            notes.append(f"Mentees {why} are left out: {len(left_out):,}.")
            gone += [(person, "mentee", why) for person in left_out]
        waiting = waiting.difference(left_out)
    if waiting.empty or offering.empty:
        who = "mentee waits for a mentor" if waiting.empty else "mentor can be given a mentee"
        raise DataError(f"On {day:%Y-%m-%d} no {who}. {' '.join(notes)}".strip(), fix="See the tables wishes, mentors and matches.")
    pool = Pool(people.reindex(waiting.sort_values()), offering.sort_index(), _with_experience(wishes, cohort, day))
    left = pd.DataFrame(gone, columns=["staff_id", "role", "why"]).sort_values(["role", "why", "staff_id"], ignore_index=True)
    return NextWave(pool, day, tuple(notes), left, remarks)


def _without_training(able: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """For each mentor one of `_TRAINING`, or "" where it is valid or the table does not tell. A column without any day tells nothing."""
    days = {name: pd.to_datetime(able[name]) if name in able else pd.Series(pd.NaT, index=able.index) for name in ("trained_on", "training_expiry")}
    trained, expiry = days["trained_on"], days["training_expiry"]
    told = pd.Series("", index=able.index, dtype=object)
    if trained.notna().any():
        told[(trained.isna() & expiry.isna()) | (trained > day)] = "is not completed"
    told[expiry < day] = "has expired"
    return told


def last_wave_scores(cohort: Cohort, day: pd.Timestamp, weights: Weights) -> np.ndarray:
    """Scores of the pairs that began within `LAST_WAVE_DAYS` before ``day``, by the same weights; mentors offer what they had shown before it."""
    matches, first = cohort.mentoring(), day - pd.Timedelta(days=LAST_WAVE_DAYS)
    if "mentor_id" not in matches:
        return np.array([])
    pairs = matches[(matches["start"] > first) & (matches["start"] <= day) & matches["mentor_id"].notna()]
    if pairs.empty:
        return np.array([])
    people, wishes = _people(cohort, day), _with_experience(wishes_of(cohort), cohort, first)
    mentees, mentors = pd.Index(pairs["mentee_id"].unique()), pd.Index(pairs["mentor_id"].unique())
    pool = Pool(people.reindex(mentees), people.reindex(mentors).assign(capacity=1, load=0), wishes)
    return score_matrix(parts_of_score(pool), weights)[mentees.get_indexer(pairs["mentee_id"]), mentors.get_indexer(pairs["mentor_id"])]


def wishes_of(cohort: Cohort) -> pd.DataFrame:
    """staff_id, kind, value; empty without the table."""
    names = ["staff_id", "kind", "value"]
    return cohort.table("wishes")[names].astype(object) if cohort.has("wishes") else pd.DataFrame(columns=names, dtype=object)


def _people(cohort: Cohort, day: pd.Timestamp) -> pd.DataFrame:
    """What can be compared, by staff_id: of staff, and the specialty of the department on the day."""
    staff = cohort.table("staff").set_index("staff_id")
    people = staff[[name for name in COMPARED if name in staff]].astype(object)
    if cohort.has("spells", "departments") and "specialty" in cohort.table("departments"):
        specialty = cohort.table("departments").set_index("dept_id")["specialty"]
        spells = _spells(cohort, day).drop_duplicates("staff_id").set_index("staff_id")
        people["specialty"] = spells["dept_id"].map(specialty).astype(object).reindex(people.index)
    return people


def _spells(cohort: Cohort, day: pd.Timestamp) -> pd.DataFrame:
    spells = cohort.table("spells")
    lasting = spells["end"].isna() | (spells["end"] >= day) if "end" in spells else True
    return spells[(spells["start"] <= day) & lasting].sort_values(["staff_id", "start", "dept_id"])


def _in_post(cohort: Cohort, day: pd.Timestamp) -> pd.Index | None:
    """Who is in post on the day; None when the cohort has no spells."""
    return pd.Index(_spells(cohort, day)["staff_id"].unique()) if cohort.has("spells") else None


def _with_experience(wishes: pd.DataFrame, cohort: Cohort, before: pd.Timestamp) -> pd.DataFrame:
    """``wishes``, and as offers the domains in which a mentor's mentees had achieved goals by the day."""
    if not cohort.has("goals") or not {"domain", "achieved_on"} <= set(cohort.table("goals")) or "mentor_id" not in cohort.table("matches"):
        return wishes
    goals = cohort.table("goals").merge(cohort.mentoring()[["match_id", "mentor_id"]], on="match_id")
    goals = goals[(goals["achieved_on"] <= before) & goals["domain"].notna() & goals["mentor_id"].notna()]
    shown = pd.DataFrame({"staff_id": goals["mentor_id"], "kind": "offers", "value": goals["domain"]}).astype(object)
    return pd.concat([wishes, shown], ignore_index=True).drop_duplicates()
