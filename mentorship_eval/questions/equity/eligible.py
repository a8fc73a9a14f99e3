"""Who could have been matched, from which day, and what came of it.

Somebody becomes eligible on the first day on which they are in post in a department where the programme is active (begun, and not yet ended),
unless they had been matched before or mentor others by then: all of it known on that day. From there on they are followed until their first match,
with leaving competing, or to the end of the window; a match on that very day counts. Whoever moves on to a department without the programme, or
sees it end, stays in: the share is of everybody who ever could. Who was in post with the programme before the window opened is not among them: of
these only those could be followed whom it had not yet reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.questions.allocation import own_rollout, programme_ends
from mentorship_eval.questions.groups import ALL_GROUPINGS, FEWEST_PEOPLE, GRADE, GROUPINGS, MISSING, OTHER, STAGE, career_stage, in_words, levels_of
from mentorship_eval.questions.retention.model_rows import cohort_episodes

__all__ = [
    "ALL_OTHERS", "EARLIER", "FEWEST_FOLLOWED", "HORIZON", "UNSTATED", "WORDS", "EquityStudy", "begun_matches", "equity_study", "ordered",
    "with_levels",
]  # fmt: skip

HORIZON = 365.0  # days since they became eligible
FEWEST_FOLLOWED = 10  # people whose window reaches as far as a share is told for
CROSS = "gender_ethnicity"
WORDS = {**ALL_GROUPINGS, CROSS: "Gender and ethnic group"}
ALL_OTHERS = "All other groups together"
EARLIER = "in post with the programme before the window opened"
UNSTATED = (MISSING, "Not stated", "Unknown", "Prefer not to say")


@dataclass(frozen=True)
class EquityStudy:
    """cohort; episodes: person-time of employment; people: one row an eligible person: staff_id, since (days since hire on which eligibility begins),
    dept_id and quarter of that day, stop (days from then to the match or the end of follow-up; half a day for a match on the day itself), matched,
    left (0/1), waited (days to the match, inf without), followed and gone (days to leaving or the end, 0/1), observed (days from then to the end of
    the window), year (1: twelve months lie within the window), and the levels of each of ``groupings``; left_out: people in a department with the
    programme who were not eligible, by reason.
    """

    cohort: Cohort
    episodes: Episodes
    people: pd.DataFrame
    groupings: tuple[str, ...]
    left_out: dict[str, int]


def begun_matches(cohort: Cohort) -> pd.DataFrame:
    """Matches of mentoring that began; mentor_id is there, missing where unknown."""
    matches = cohort.mentoring()
    begun = matches[matches["start"].notna()]
    begun = begun.assign(start=pd.to_datetime(begun["start"]), end=pd.to_datetime(begun["end"]) if "end" in begun else pd.NaT)
    return begun if "mentor_id" in begun else begun.assign(mentor_id=pd.NA)


def _mentors(cohort: Cohort, matches: pd.DataFrame) -> pd.Series:
    """Person -> the day from which they mentor; the beginning of time where a list of mentors has no date."""
    known = matches.dropna(subset=["mentor_id"]).groupby("mentor_id")["start"].min()
    if not cohort.has("mentors"):
        return known
    listed = cohort.table("mentors").drop_duplicates("staff_id").set_index("staff_id")
    trained = pd.to_datetime(listed["trained_on"]) if "trained_on" in listed else pd.Series(pd.NaT, index=listed.index)
    trained = trained.fillna(pd.Timestamp("1900-01-01"))
    return pd.concat([known, trained]).groupby(level=0).min()


def _first_active(cohort: Cohort, episodes: Episodes) -> pd.DataFrame:
    """staff_id, since, dept_id, hire, stop, cause, day, of the first day on which each was in post with the programme active; opens: that day in the
    calendar (``day`` is the one before, where the programme came to somebody in post); earlier: it lies before the window.
    """
    rows = episodes.rows.loc[episodes.rows["programme_active"] == 1, ["staff_id", "start", "dept_id"]].rename(columns={"start": "since"})
    rows = rows.merge(episodes.persons[["staff_id", "hire", "entry", "stop", "cause"]], on="staff_id")
    rows["day"] = rows["hire"] + pd.to_timedelta(rows["since"], unit="D")
    live = pd.to_datetime(own_rollout(cohort).groupby("dept_id")["active_from"].min())
    rows["live"] = rows["dept_id"].map(live)
    rows["opens"] = rows[["day", "live"]].max(axis=1)
    rows = rows[~(rows["opens"] > rows["dept_id"].map(programme_ends(cohort)))].drop_duplicates("staff_id")
    rows["earlier"] = (rows["since"] == rows["entry"]) & (rows["hire"] < episodes.start) & (rows["live"] < episodes.start)
    return rows.drop(columns=["entry", "live"]).reset_index(drop=True)


def equity_study(cohort: Cohort) -> EquityStudy:
    """Eligible people of a cohort that has staff, spells, matches and rollout."""
    episodes = cohort_episodes(cohort)
    people = _first_active(cohort, episodes)
    matches = begun_matches(cohort)
    first = people["staff_id"].map(matches.groupby("mentee_id")["start"].min())
    people["match"] = (first - people["hire"]).dt.days.astype(float).fillna(np.inf)
    mentors = people["staff_id"].map(_mentors(cohort, matches)) <= people["day"]
    long = people["earlier"]
    before = first < people["opens"]
    left_out = {
        EARLIER: int(long.sum()), "matched before they became eligible": int((before & ~long).sum()),
        "mentors themselves by then": int((mentors & ~before & ~long).sum()),
    }  # fmt: skip
    people = people[~long & ~before & ~mentors].drop(columns=["opens", "earlier"]).reset_index(drop=True)
    gone = people["cause"] != ""
    # a match on the day of leaving came too late, as everywhere here
    matched = (people["match"] < people["stop"]) | ((people["match"] == people["stop"]) & ~gone)
    people["followed"], people["gone"] = people["stop"] - people["since"], gone.astype(int)
    people["waited"] = np.maximum(people["match"] - people["since"], 0.5)
    people["stop"] = np.where(matched, people["waited"], people["stop"] - people["since"])
    people["matched"], people["left"] = matched.astype(int), (gone & ~matched).astype(int)
    people["observed"] = (episodes.end - people["day"]).dt.days.astype(float)
    people["year"] = (people["observed"] >= HORIZON).astype(int)
    people["quarter"] = people["day"].dt.to_period("Q").astype(str)
    people, groupings = with_levels(cohort, people)
    return EquityStudy(cohort, episodes, people, groupings, left_out)


def with_levels(cohort: Cohort, people: pd.DataFrame, fewest: int = FEWEST_PEOPLE) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """``people`` (staff_id; since, days since hire, where their career stage then is wanted) with a column of levels for each grouping that
    has two or more.
    """
    staff = cohort.table("staff").set_index("staff_id").reindex(people["staff_id"])
    found = {name: _levels(staff[name], fewest) for name in (*GROUPINGS, GRADE) if name in staff and staff[name].notna().any()}
    if "since" in people:
        stage = career_stage(cohort.table("staff"), people["staff_id"], people["since"])
        found[STAGE] = _levels(stage.reset_index(drop=True), fewest)
    if "gender" in found and "ethnicity_group" in found:
        both = [None if MISSING in pair else f"{pair[0]}, {pair[1].lower()}" for pair in zip(found["gender"], found["ethnicity_group"], strict=True)]
        found[CROSS] = _levels(pd.Series(both, dtype=object), fewest)
    found = {name: levels for name, levels in found.items() if len(set(levels)) > 1}
    order = tuple(name for name in WORDS if name in found)
    return people.assign(**{name: found[name] for name in order}), order


def _levels(values: pd.Series, fewest: int) -> np.ndarray:
    """As `levels_of`; who did not say is never joined with those who did, however few they are."""
    words = in_words(values)
    said = ~words.isin(UNSTATED).to_numpy()
    levels = np.full(len(words), MISSING, dtype=object)
    levels[said] = levels_of(values.reset_index(drop=True)[said], fewest).to_numpy(object)
    return levels


def ordered(levels: pd.Series) -> list[str]:
    """Levels by their number of people, the largest first; the joined one and the unknown one last."""
    size = levels.value_counts()
    last = {OTHER: 1, MISSING: 2}
    return sorted(map(str, size.index), key=lambda name: (last.get(name, 0), -int(size[name]), name))
