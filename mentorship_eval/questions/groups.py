"""Groups of people that several chapters compare: levels in words, thin ones joined by size alone, differences and ratios without each department."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each

__all__ = [
    "FEWEST_PEOPLE", "GROUPINGS", "MISSING", "OTHER", "in_words", "incidences_by_arm",
    "jackknifed_difference", "jackknifed_ratio", "levels_of", "slug",
]  # fmt: skip

GROUPINGS = {"gender": "Gender", "ethnicity_group": "Ethnic group", "profession": "Staff group"}
FEWEST_PEOPLE = 50  # of a level, below which it joins the others: settled by size alone
MISSING, OTHER = "Not recorded", "Other"


def in_words(values: pd.Series) -> pd.Series:
    """Each value as a reader sees it; a missing one is `MISSING`."""
    code, distinct = pd.factorize(values.astype(object))
    words = [str(value).replace("_", " ").capitalize() for value in distinct]
    return pd.Series(np.array([*words, MISSING], dtype=object)[code], index=values.index, name=values.name)


def levels_of(values: pd.Series, fewest: int = FEWEST_PEOPLE) -> pd.Series:
    """Levels in words; those of few people joined, without looking at any outcome."""
    words = in_words(values)
    size = words.value_counts()
    small = size.index[size < fewest]
    joined = words.where(~words.isin(small), OTHER)
    if (joined == OTHER).sum() < fewest and (joined == OTHER).any():
        # still too few by themselves: the smallest of the others joins them
        next_one = size[size >= fewest].index[-1] if (size >= fewest).sum() > 1 else None
        joined = joined.where(joined != next_one, OTHER) if next_one is not None else joined
    return joined


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


def jackknifed_difference(one: np.ndarray, other: np.ndarray, *, df: float | None = None, **about: object) -> Estimate:
    """100 x (one - other) in percentage points: both (1 + clusters,), from everybody and then without each cluster."""
    value = 100 * (np.asarray(one) - np.asarray(other))
    made = cluster_jackknife(value[0], value[1:])
    return difference_estimate(
        value[0], float(made.se[0]), scale="difference", unit="percentage points", df=made.df if df is None else df,
        n_clusters=made.n_clusters if df is None else int(df) + 1, **about,  # type: ignore[arg-type]
    )  # fmt: skip


def jackknifed_ratio(ratio: np.ndarray, *, scale: str, **about: object) -> Estimate:
    """A ratio (1 + clusters,), from everybody and then without each cluster; its logarithm is jackknifed. NaN where it is 0 or does not exist."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.asarray(ratio, float))
    if not np.isfinite(logs[0]):
        return Estimate(value=float(ratio[0]), scale=scale, **about)  # type: ignore[arg-type]
    made = cluster_jackknife(logs[0], logs[1:])
    return ratio_estimate(float(logs[0]), float(made.se[0]), scale=scale, df=made.df, n_clusters=made.n_clusters, **about)  # type: ignore[arg-type]
