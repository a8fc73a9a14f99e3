"""Groups of people that several chapters compare: levels in words, thin ones joined by size alone, differences and ratios without each department."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.calendar_time import EPOCH
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each

__all__ = [
    "ALL_GROUPINGS", "BOTH_COUNTED", "FEWEST_PEOPLE", "GRADE", "GROUPINGS", "MISSING", "OTHER", "STAGE", "UNSIZED", "against", "by_calendar",
    "career_stage", "few_among", "fewest_places", "in_words", "incidences_by_arm", "jackknifed_difference", "jackknifed_ratio", "levels_of",
    "sized", "sizes_subtract", "slug",
]  # fmt: skip

GROUPINGS = {"gender": "Gender", "ethnicity_group": "Ethnic group", "profession": "Staff group"}
GRADE, STAGE = "grade", "career_stage"
ALL_GROUPINGS = {**GROUPINGS, GRADE: "Grade", STAGE: "Career stage"}
BOTH_COUNTED = "n counts the people of the group and of the one that it is held against"
UNSIZED = "Neither is given where a part of the characteristic is small, which they would tell by subtraction."
FEWEST_SUBTRACTED = 30  # more than any disclosure profile calls small
FEWEST_PEOPLE = 50  # of a level, below which it joins the others: settled by size alone
MISSING, OTHER = "Not recorded", "Other"


def in_words(values: pd.Series) -> pd.Series:
    """Each value as a reader sees it; a missing one is `MISSING`."""
    code, distinct = pd.factorize(values.astype(object))
    words = [str(value).replace("_", " ").capitalize() for value in distinct]
    return pd.Series(np.array([*words, MISSING], dtype=object)[code], index=values.index, name=values.name)


def levels_of(values: pd.Series, fewest: int = FEWEST_PEOPLE) -> pd.Series:
    """Levels in words; those of few people joined as `OTHER`, without looking at any outcome. What is not recorded stays apart, however rare.

    `OTHER` may itself be of fewer than ``fewest``: it is then too thin to be compared, and takes nobody's name away.
    """
    words = in_words(values)
    size = words[words != MISSING].value_counts()
    return words.where(~words.isin(size.index[size < fewest]), OTHER)


def career_stage(staff: pd.DataFrame, staff_id: pd.Series, days: pd.Series | np.ndarray) -> pd.Series:
    """Stage of each of ``staff_id`` (index of the result) on a day, ``days`` since they were hired; None where that is unknown.

    It is fixed on that day: nobody grows out of a stage while being followed.
    """
    years = np.asarray(days, float) / 365.25
    known = staff.drop_duplicates("staff_id").set_index("staff_id").reindex(staff_id)
    newly = known["newly_qualified"].eq(True).to_numpy(bool) if "newly_qualified" in known else np.zeros(len(years), bool)
    words = ["Newly qualified, under two years", "Others under two years", "Two to five years", "Five years and more"]
    stage = np.select([newly & (years < 2), years < 2, years < 5, years >= 5], words, "")
    return pd.Series(np.where(stage == "", None, stage.astype(object)), index=pd.Index(staff_id), name=STAGE, dtype=object)


def by_calendar(rows: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """``rows`` (start, stop in days since hire) on the clock of the calendar, days since 1970: for groups that are told apart by time since hire, who
    hardly ever meet on that clock.
    """
    hire = (rows["staff_id"].map(persons.set_index("staff_id")["hire"]) - EPOCH).dt.days.to_numpy(float)
    return rows.assign(start=rows["start"] + hire, stop=rows["stop"] + hire)


def few_among(cells: ArrayLike) -> bool:
    """Whether any of these counts is small and not 0: fewer than `FEWEST_SUBTRACTED`."""
    counts = np.asarray(cells, float)
    return bool(((counts > 0) & (counts < FEWEST_SUBTRACTED)).any())


def sizes_subtract(levels: pd.Series, event: pd.Series) -> bool:
    """Whether sizes and events of some groups of a characteristic, taken from those of everybody, could tell a small count of another.

    levels, event (0/1): (people,). True where of any group, told or not, fewer than `FEWEST_SUBTRACTED` are in it, had the event, or had not.
    """
    sums = event.astype(float).groupby(levels.to_numpy()).agg(["size", "sum"])
    return few_among(np.concatenate([sums["size"], sums["sum"], sums["size"] - sums["sum"]]))


def sized(results: list[Result], subtract: bool) -> list[Result]:
    """``results`` of a characteristic, without n and n_events where these would tell by subtraction (`sizes_subtract`) what tables withhold."""
    return [replace(result, estimate=replace(result.estimate, n=None, n_events=None)) for result in results] if subtract else results


def against(level: str, reference: str) -> str:
    """A comparison in words, as it stands within a line: ``asian, against white``."""
    return f"{level[:1].lower()}{level[1:]}, against {reference[:1].lower()}{reference[1:]}"


def slug(level: str) -> str:
    """A level as a part of the id of a result."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in level.lower()).split())


def incidences_by_arm(rows: pd.DataFrame, cluster: str, wanted: str, other: str, horizon: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Cumulative incidence of ``wanted`` at ``horizon`` among the mentored and among others, from everybody and then without each cluster, and
    how many clusters the arm has that has fewer. rows: stop, ended, mentored; a cluster is left out of both arms at once.
    """
    place = pd.factorize(rows[cluster], sort=True)[0]
    size, shares, fewest = int(place.max()) + 1, {}, len(rows)
    for arm in (1, 0):
        mine = (rows["mentored"] == arm).to_numpy()
        part = rows[mine]
        happened, ended = ((part["ended"] == word).to_numpy(int) for word in (wanted, other))
        shares[arm] = incidence_without_each(part["stop"].to_numpy(float), happened, ended, place[mine], size, horizon)
        fewest = min(fewest, len(np.unique(place[mine])))
    return shares[1], shares[0], fewest


def fewest_places(place: np.ndarray, *groups: np.ndarray) -> int:
    """How many clusters (codes ``place``) the one of the ``groups`` (masks) lies in that lies in fewest: what a comparison of them rests on."""
    return min(len(np.unique(np.asarray(place)[np.asarray(mine, bool)])) for mine in groups)


def _spread(full: float, without: np.ndarray, places: int | None) -> dict[str, object]:
    """se, df, n_clusters and warnings of an estimate: no error where it does not exist without one of the clusters."""
    made = cluster_jackknife(full, without)
    if not made.failed:
        df, number = (made.df, made.n_clusters) if places is None else (float(places - 1), places)
        return {"se": float(made.se[0]), "df": df, "n_clusters": number, "warnings": ()}
    text = f"There is no estimate without {made.failed_words}, on which one of the groups rests alone: no interval."
    return {"se": np.nan, "df": None, "n_clusters": places or made.n_clusters, "warnings": (Caution("group_in_one_place", text),)}


def jackknifed_difference(one: np.ndarray, other: np.ndarray, *, places: int | None = None, **about: object) -> Estimate:
    """100 x (one - other) in percentage points: both (1 + clusters,), from everybody and then without each cluster.

    places : clusters in which the group lies that lies in fewest (`fewest_places`): t has one degree of freedom less. All clusters unless given.
    """
    value = 100 * (np.asarray(one) - np.asarray(other))
    spread = _spread(float(value[0]), value[1:], places)
    return difference_estimate(value[0], scale="difference", unit="percentage points", **spread, **about)  # type: ignore[arg-type]


def jackknifed_ratio(ratio: np.ndarray, *, scale: str, places: int | None = None, **about: object) -> Estimate:
    """A ratio (1 + clusters,), from everybody and then without each cluster; its logarithm is jackknifed, ``places`` as in `jackknifed_difference`.

    NaN where it is 0 or does not exist.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.asarray(ratio, float))
    if not np.isfinite(logs[0]):
        return Estimate(value=float(ratio[0]), scale=scale, **about)  # type: ignore[arg-type]
    return ratio_estimate(float(logs[0]), scale=scale, **_spread(float(logs[0]), logs[1:], places), **about)  # type: ignore[arg-type]
