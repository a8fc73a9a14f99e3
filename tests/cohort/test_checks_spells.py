"""Cleaned spells, whatever goes in: no overlaps, no person-time lost or invented, one open end at most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cohort.folders import PEOPLE, good

DAY0 = pd.Timestamp("2022-01-01")
LAST = 400  # days; open spells are compared up to here

_spell = st.tuples(
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["d1", "d2"]),
    st.integers(0, 200),
    st.one_of(st.none(), st.integers(1, 150)),
    st.sampled_from([1.0, 0.6, 0.4]),
    st.sampled_from(["voluntary", "retirement", ""]),
)


def days(starts: pd.Series, ends: pd.Series) -> np.ndarray:
    """How often each day is covered, as (start, end]."""
    covered = np.zeros(LAST, dtype=int)
    for start, end in zip(starts, ends, strict=True):
        low = (start - DAY0).days
        high = LAST if pd.isna(end) else (end - DAY0).days
        covered[low:high] += 1
    return covered


def written(spells: list[tuple]) -> tuple[str, pd.DataFrame]:
    rows = []
    for person, dept, start, length, wte, reason in spells:
        begin = DAY0 + pd.Timedelta(days=start)
        end = pd.NaT if length is None else begin + pd.Timedelta(days=length)
        rows.append((person, dept, begin, end, wte, "" if length is None else reason))
    frame = pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "wte", "leaving_reason"])
    return frame.to_csv(index=False), frame


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spells=st.lists(_spell, min_size=1, max_size=6), gap=st.sampled_from([0, 30]))
def test_person_time_is_neither_lost_nor_invented(tmp_path: Path, spells: list[tuple], gap: int) -> None:
    text, given_ = written(spells)
    study = PEOPLE["study.yaml"] + f"rules: {{rehire_gap_days: {gap}}}\n"
    clean = good(tmp_path, PEOPLE, spells_csv=text, study_yaml=study).table("spells")
    assert clean["spell_id"].is_unique
    for person, rows in given_.groupby("staff_id"):
        mine = clean[clean["staff_id"] == person]
        assert mine["start"].is_monotonic_increasing
        after = days(mine["start"], mine["end"])
        before = days(rows["start"], rows["end"]) > 0
        assert after.max() <= 1, "overlapping"
        assert (after.astype(bool) >= before).all(), "person-time lost"
        invented = after.astype(bool) & ~before
        # only gaps up to the rule (a next day's start always goes on) are bridged
        runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], invented.view(np.int8), [0]]))))[::2]
        assert (runs <= max(gap, 1)).all()
        assert mine["end"].isna().sum() == int(rows["end"].isna().any())
        assert (mine["leaving_reason"].isna() == mine["end"].isna()).all()
        assert mine["wte"].between(0, 1).all()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spells=st.lists(_spell, min_size=1, max_size=6))
def test_leaves_of_the_organisation(tmp_path: Path, spells: list[tuple]) -> None:
    """A person leaves only where nobody of that id is in post within the rehire rule afterwards."""
    text, given_ = written(spells)
    clean = good(tmp_path, PEOPLE, spells_csv=text).table("spells")
    left = clean[clean["leaving_reason"].isin(["voluntary", "retirement", "unknown"])]
    for person, end in zip(left["staff_id"], left["end"], strict=True):
        rows = given_[given_["staff_id"] == person]
        still = (rows["start"] <= end + pd.Timedelta(days=30)) & (rows["end"].isna() | (rows["end"] > end))
        assert not still.any()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spells=st.lists(_spell, min_size=2, max_size=6), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(tmp_path: Path, spells: list[tuple], order: object) -> None:
    shuffled = list(spells)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    columns = ["staff_id", "start", "end", "wte"]
    first = good(tmp_path, PEOPLE, spells_csv=written(spells)[0]).table("spells")[columns]
    second = good(tmp_path, PEOPLE, spells_csv=written(shuffled)[0]).table("spells")[columns]
    total = [frame.groupby("staff_id")["start"].agg(["min"]) for frame in (first, second)]
    pd.testing.assert_frame_equal(*total)
    for person in first["staff_id"].unique():
        mine = [frame[frame["staff_id"] == person] for frame in (first, second)]
        np.testing.assert_array_equal(*[days(item["start"], item["end"]) for item in mine])
