"""Table 1: against tableone and R on stored values, properties of standardised differences, time zero, and what disclosure leaves of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.answer import Answer, Exhibit
from mentorship_eval.questions.baseline.described import Variable, described
from mentorship_eval.questions.baseline.differences import largest_of_pairs, of_levels, of_numbers
from mentorship_eval.questions.baseline.exhibit import baseline_exhibit
from mentorship_eval.questions.baseline.missing import missing_table
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import small

VARIABLES = [
    Variable("age", "Age, years", "number"), Variable("wait", "Wait, days", "number"), Variable("flag", "Flagged", "flag"),
    Variable("level", "Level"),
]  # fmt: skip
NAMES = {"a": "one", "b": "two"}


def people(seed: int = 20, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(n) < 0.4, "a", "b")
    age = np.round(rng.normal(40, 10, n) + 3 * (arm == "a"), 1)
    wait = np.round(rng.exponential(2, n) * np.where(arm == "a", 1.5, 1), 2)
    flag = rng.random(n) < np.where(arm == "a", 0.6, 0.45)
    level = np.where(rng.random(n) < 0.3, "x", np.where(rng.random(n) < 0.5, "y", np.where((arm == "a") | (rng.random(n) < 0.5), "z", "w")))
    out = pd.DataFrame({"arm": arm, "age": age, "wait": wait, "flag": flag, "level": level})
    out.loc[rng.random(n) < 0.1, "age"] = np.nan
    return out


# tableone 0.9.6 (smd=True, include_null=False) on `people()`; base R gives the same to the last digit that it prints, with the Mahalanobis
# distance of Yang and Dalton written out and the default quantiles
TABLEONE = {"Age, years": 0.4036489873296613, "Wait, days": 0.3190452531762185, "Flagged": 0.17381195562243726, "Level": 0.7903046756965793}
MEANS = {"one": (43.7195652173913, 9.383657047713676), "two": (39.78031496062992, 10.120622035043251)}
QUARTILES = {"one": (0.55, 1.75, 3.32), "two": (0.43, 1.25, 2.63)}
COUNTS = {"W": (0, 21), "X": (26, 50), "Y": (39, 53), "Z": (34, 17)}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return described(people(), "arm", NAMES, VARIABLES)


def _row(frame: pd.DataFrame, characteristic: str, level: str = "") -> pd.Series:
    return frame[(frame["characteristic"] == characteristic) & (frame["level"] == level)].iloc[0]


def test_the_numbers_are_those_of_tableone_and_r(frame):
    for label, smd in TABLEONE.items():
        assert _row(frame, label)["smd"] == pytest.approx(smd, abs=1e-8), label
    for ending, (mean, sd) in MEANS.items():
        row = _row(frame, "Age, years")
        assert row["statistic"] == "mean (SD)"
        assert (row[f"middle_{ending}"], row[f"sd_{ending}"]) == (pytest.approx(mean, abs=1e-8), pytest.approx(sd, abs=1e-8))
    for ending, (low, median, high) in QUARTILES.items():
        row = _row(frame, "Wait, days")
        assert row["statistic"] == "median (IQR)"  # skewed
        assert [row[f"{part}_{ending}"] for part in ("low", "middle", "high")] == pytest.approx([low, median, high], abs=1e-8)
    for level, counts in COUNTS.items():
        row = _row(frame, "Level", level)
        assert (row["n_one"], row["n_two"]) == counts and row["share_two"] == pytest.approx(counts[1] / 141, abs=1e-12)
    assert tuple(_row(frame, "Age, years", "Missing")[["n_one", "n_two"]]) == (7, 14)
    assert tuple(_row(frame, "Flagged")[["n_one", "n_two"]]) == (57, 69)
    assert tuple(_row(frame, "People")[["n_one", "n_two"]]) == (99, 141)


def test_levels_come_by_number_and_years_in_their_order(frame):
    assert frame.loc[frame["characteristic"] == "Level", "level"].tolist() == ["", "Y", "X", "Z", "W"]
    rows = people().assign(year=lambda p: np.where(p["age"] > 50, "2022", "2023"))
    years = described(rows, "arm", NAMES, [Variable("year", "Year")])
    assert years["level"].tolist()[1:] == ["", "2022", "2023"]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_difference_of_levels_is_a_distance(counts):
    one, other = (np.array([pair[side] for pair in counts], float) for side in (0, 1))
    if min(one.sum(), other.sum()) == 0:
        assert math.isnan(of_levels(one, other))
        return
    value = of_levels(one, other)
    assert value >= 0 and of_levels(other, one) == pytest.approx(value, rel=1e-6)
    assert of_levels(one, one) == pytest.approx(0, abs=1e-9)
    # neither the order of the levels nor one that nobody has matters
    assert of_levels(np.append(0, one[::-1]), np.append(0, other[::-1])) == pytest.approx(value, rel=1e-5)


@given(st.integers(1, 99), st.integers(1, 99))
@settings(max_examples=40, deadline=None)
def test_of_two_levels_it_is_the_standardised_difference_of_a_share(a, b):
    p, q = a / 100, b / 100
    plain = abs(p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert of_levels(np.array([a, 100 - a]), np.array([b, 100 - b])) == pytest.approx(plain, rel=1e-9, abs=1e-12)


def test_nothing_in_common_is_infinitely_far_and_too_little_is_unknown():
    assert math.isinf(of_levels(np.array([5, 0]), np.array([0, 7])))
    assert math.isinf(of_levels(np.array([5, 0, 0]), np.array([0, 3, 4])))
    assert math.isinf(of_numbers(np.array([1.0, 1.0]), np.array([2.0, 2.0]))) and of_numbers(np.ones(3), np.ones(4)) == 0
    assert math.isnan(of_numbers(np.array([1.0, np.nan]), np.array([2.0, 3.0])))


def test_arms_drawn_at_random_do_not_differ_and_shifted_ones_do():
    rng = np.random.default_rng(4)
    size = 4000
    rows = pd.DataFrame({"number": rng.normal(size=size), "level": rng.choice(list("uvwxyz"), size=size)})
    arm = pd.Series(np.where(rng.random(size) < 0.5, "a", "b"))
    null = {name: largest_of_pairs(rows[name], arm, ["a", "b"], numeric=name == "number") for name in rows}
    # with G - 1 = 5 free shares the distance by chance is about sqrt(5 * 2 / (n / 2)), here 0.07
    assert null["number"] < 0.1 and null["level"] < 0.15
    moved = rows["number"] + 0.5 * (arm == "a")
    other = rows["level"].mask((arm == "a") & (rng.random(size) < 0.3), "u")
    assert largest_of_pairs(moved, arm, ["a", "b"], numeric=True) == pytest.approx(0.5, abs=0.08)
    assert largest_of_pairs(other, arm, ["a", "b"], numeric=False) > 0.5


def test_of_three_groups_the_largest_pair_is_told():
    values, groups = pd.Series([0.0, 1.0, 0.0, 1.0, 5.0, 6.0]), pd.Series(list("aabbcc"))
    assert largest_of_pairs(values, groups, ["a", "b", "c"], numeric=True) == pytest.approx(5 / math.sqrt(0.5))


# -- protected --------------------------------------------------------------------------------------------------------------


def _shown(frame: pd.DataFrame, rule: Rule | None = None, sizes: tuple[float, ...] = ()) -> Exhibit | None:
    made = baseline_exhibit("t.baseline", "T", frame, {"one": "One", "two": "Two"}, note="Who.", sizes=sizes)
    shown, _ = protect([Answer("t", "T", exhibits=(made,))], rule or Rule())
    return shown[0].exhibit("t.baseline")


def test_a_small_count_goes_with_its_share_with_another_and_with_the_difference(frame):
    shown = _shown(frame)
    assert shown is not None
    rows = shown.frames["rows"]
    assert not {"n_all", "fewest", "adds_up", "known_one", "rest_one", "size_one"} & {*rows.columns}
    assert _row(rows, "Age, years", "Missing")["n_one"] == "withheld" and pd.isna(_row(rows, "Age, years", "Missing")["share_one"])
    # the mean rests on those known, who are many; how many they are is told nowhere
    assert _row(rows, "Age, years")["middle_one"] == 43.72 and not math.isnan(_row(rows, "Age, years")["smd"])
    few = people()
    few.loc[few.index[few["level"] == "w"][3:], "level"] = "x"
    hidden = _shown(described(few, "arm", NAMES, VARIABLES))
    assert hidden is not None
    mine = hidden.frames["rows"][lambda f: f["characteristic"] == "Level"]
    assert pd.isna(mine["smd"].iloc[0]) and (mine["n_two"] == "withheld").sum() >= 2
    text = draw(hidden).model.text()
    assert "n (%)" in text and "withheld" in text and "p-value" not in text.lower().replace("p value", "")


def test_an_arm_of_few_takes_the_whole_table(frame):
    assert _shown(frame, sizes=(9.0, 141.0)) is None and _shown(frame, sizes=(99.0, 141.0)) is not None


def test_rare_levels_are_joined_when_there_are_several():
    rows = people()
    rows["level"] = rows["level"].where(rows.index > 5, pd.Series([f"rare {i}" for i in rows.index]))
    joined = described(rows, "arm", NAMES, [Variable("level", "Level")], fewest=5)
    assert "Other levels" in joined["level"].tolist() and not any("Rare" in level for level in joined["level"])
    assert joined["n_one"].iloc[2:].sum() == 99 and joined["n_two"].iloc[2:].sum() == 141


def test_smallest_and_largest_values_are_told_nowhere(frame):
    shown = _shown(frame, Rule(0, "none"))
    assert shown is not None
    text = draw(shown).html + shown.frames["rows"].to_csv()
    assert all(str(value) not in text for value in (19.7, 65.1, 12.5, 68.7, 15.77, 8.78))


# -- what is missing ----------------------------------------------------------------------------------------------------------


def _with_gaps() -> Cohort:
    cohort = small()
    tables = {name: cohort.table(name).copy() for name in cohort.tables}
    tables["staff"].loc[tables["staff"].index[:40], "gender"] = None
    tables["staff"].loc[tables["staff"].index[:3], "profession"] = None
    ended = tables["spells"].index[tables["spells"]["end"].notna()]
    tables["spells"].loc[ended[:12], "leaving_reason"] = None
    return replace(cohort, tables=tables)


def test_missing_cells_are_counted_where_something_could_stand():
    cohort = _with_gaps()
    made = missing_table(cohort)
    assert made is not None
    rows = made.frames["rows"].set_index(["table", "column"])
    assert rows.loc[("Staff", "Gender"), "missing"] == 40 and rows.loc[("Staff", "Gender"), "share"] == 0.1
    ended = int(cohort.table("spells")["end"].notna().sum())
    assert tuple(rows.loc[("Spells", "Leaving reason (of spells that ended)"), ["rows", "missing"]]) == (ended, 12)
    assert not any("End" in column for _, column in rows.index)  # a spell without an end lasts
    shown, _ = protect([Answer("cohort", "C", exhibits=(made,))], Rule())
    line = shown[0].exhibits[0].frames["rows"].set_index(["table", "column"]).loc[("Staff", "Profession")]
    assert line["missing"] == "<10" and pd.isna(line["share"])
