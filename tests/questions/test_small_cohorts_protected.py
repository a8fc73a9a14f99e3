"""Small cohorts, private beside protected: no count of 1 to 9 leavers can be had from what is shown, and tables and results agree."""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.questions.retention.support import arms
from tests.questions.cohorts import simulated, small

COHORTS = {
    "small": small,
    "few departments": lambda: simulated("few_departments", 3),
    "one pilot ward": lambda: simulated("one_pilot_ward", 4),
    "tiny": lambda: simulated("tiny_programme", 2),
}
RULE = Rule(10)
ABOUT_ARMS = re.compile(r"retention\.(being_mentored|naive|sensitivity|evalue|landmark|horizon_difference|dose\.per_session)")


@cache
def answers(name: str) -> tuple[Answer, Answer]:
    private = answer_chapter("retention", COHORTS[name]())
    [shown], _ = protect([private], RULE)
    return private, shown


def numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(float)


def frame_of(answer: Answer, exhibit: str) -> pd.DataFrame | None:
    found = answer.exhibit(exhibit)
    return None if found is None else found.frames["rows"]


def tellable(total: float, parts: np.ndarray) -> float:
    """What the parts that are shown leave of a total."""
    return total - np.nansum(parts)


@pytest.mark.parametrize("name", COHORTS)
def test_nothing_small_is_left_by_subtraction_within_a_table(name):
    shown = answers(name)[1]
    told = []
    for exhibit, group, total, column in (
        ("retention.causes", "time", ("cause", "All causes"), "left"), ("retention.still_employed", "time", ("group", "All staff"), "left"),
        ("retention.leaver_rates", "period", ("group", "All staff"), "left"),
        ("retention.leaver_rates", "period", ("group", "All staff"), "voluntary"),
        ("retention.leaver_rates", "period", ("group", "All staff"), "other"), ("retention.stability", "period", ("group", "All staff"), "gone"),
        ("retention.leaver_rates", "group", ("period", "whole window"), "left"),
        ("retention.leaver_rates", "group", ("period", "whole window"), "voluntary"),
        ("retention.leaver_rates", "group", ("period", "whole window"), "other"),
    ):  # fmt: skip
        frame = frame_of(shown, exhibit)
        for key, rows in () if frame is None else frame.groupby(group, sort=False):
            if len(rows) < 2:
                continue
            whole = (rows[total[0]] == total[1]).to_numpy()
            values = numbers(rows, column)
            if whole.sum() == 1 and not np.isnan(values[whole][0]):
                left = tellable(values[whole][0], values[~whole])
                assert not RULE.small(left), (exhibit, key, column, left)
                told.append(left)
    rates = frame_of(shown, "retention.leaver_rates")
    for row in rates.to_dict("records"):
        left, voluntary, other = (pd.to_numeric(row[name], errors="coerce") for name in ("left", "voluntary", "other"))
        assert math.isnan(voluntary) == math.isnan(other) or row["other"] == 0 or row["voluntary"] == 0
        assert not RULE.small(left - voluntary) and not RULE.small(left - other)
    stay = frame_of(shown, "retention.stability")
    assert not any(RULE.small(d) for d in numbers(stay, "at_start") - numbers(stay, "stayed") if not math.isnan(d))
    assert told


@pytest.mark.parametrize("name", COHORTS)
def test_counts_so_far_at_different_times_do_not_give_few_leavers(name):
    shown = answers(name)[1]
    for exhibit, by, columns in (
        ("retention.causes", "cause", ["left"]), ("retention.still_employed", "group", ["left"]),
        ("retention.horizon_differences", None, ["mentored_left", "not_left"]),
    ):  # fmt: skip
        frame = frame_of(shown, exhibit)
        if frame is None:
            continue
        for key, rows in [("all", frame)] if by is None else frame.groupby(by):
            for column in columns:
                kept = [value for value in numbers(rows, column) if not math.isnan(value)]
                assert not any(RULE.small(abs(a - b)) for a, b in combinations(kept, 2)), (exhibit, key, kept)


@pytest.mark.parametrize("name", COHORTS)
def test_points_of_curves_lie_at_least_ten_events_apart(name):
    private, shown = answers(name)
    for exhibit in shown.exhibits:
        if "curve" not in exhibit.frames or "n_risk" not in exhibit.frames["curve"]:
            continue
        before = private.exhibit(exhibit.id).frames["curve"].set_index(["by", "time"])
        for by, rows in exhibit.frames["curve"].groupby("by"):
            drawn = rows.dropna(subset=["estimate"])
            # where the curve moves, at least ten events happened since it last did
            moved = drawn[drawn["estimate"].diff().fillna(0) != 0]
            so_far = [0.0, *(float(before.loc[(by, time), "n_event"]) for time in moved["time"])]
            assert not any(RULE.small(d) for d in np.diff(so_far)), (exhibit.id, by, so_far)


@pytest.mark.parametrize("name", COHORTS)
def test_tables_and_results_agree_on_what_is_withheld(name):
    private, shown = answers(name)
    results = {r.id: r for r in shown.results}
    agreed = 0
    for exhibit in private.exhibits:
        published = shown.exhibit(exhibit.id)
        for part, counted in exhibit.counted.items():
            if published is None or counted.adds_up:
                continue
            for column, count in counted.results.items():
                frame, out = exhibit.frames[part], published.frames[part]
                if column not in frame:
                    continue
                for row, ids in enumerate(frame[column]):
                    for one in str(ids).split():
                        if one not in results:
                            continue
                        cells = [out[name].iloc[row] for name in ([count] if count else counted.counts) if name in out]
                        if any(isinstance(cell, str) and not cell.startswith("≈") for cell in cells):
                            assert math.isnan(results[one].estimate.value) and results[one].estimate.n_events is None, (exhibit.id, one)
                            agreed += 1
                        if math.isnan(results[one].estimate.value) and not count and "estimate" in out:
                            assert pd.isna(out["estimate"].iloc[row]), (exhibit.id, one)
    assert agreed


@pytest.mark.parametrize("name", COHORTS)
def test_what_compares_the_arms_is_withheld_where_few_of_one_left(name):
    private, shown = answers(name)
    study = prepare(COHORTS[name]())
    if not any(RULE.small(count) for count in arms(study.rows)):
        assert math.isfinite(shown.result("retention.being_mentored").estimate.value)
        return
    about = [r for r in shown.results if ABOUT_ARMS.match(r.id)]
    assert about and all(math.isnan(r.estimate.value) and r.estimate.n_events is None for r in about)
    assert not {"retention.audit", "retention.schoenfeld", "retention.leave_one_out", "retention.sensitivity.evalue"} & {
        exhibit.id for exhibit in shown.exhibits
    }
    own = next((r for r in private.results if r.id == "retention.being_mentored"), None)
    if own is not None:
        assert not any(own.estimate.interval() in str(statement) for statement in shown.lead)


@pytest.mark.parametrize("name", COHORTS)
def test_no_row_of_a_table_holds_a_small_count(name):
    private, shown = answers(name)
    for exhibit in shown.exhibits:
        for part, counted in private.exhibit(exhibit.id).counted.items():
            frame = exhibit.frames[part]
            assert not {*counted.behind, *counted.results} & set(frame.columns) - {"id"}
            for column in set(counted.counts) & set(frame.columns):
                assert not any(RULE.small(value) for value in numbers(frame, column)), (exhibit.id, column)
