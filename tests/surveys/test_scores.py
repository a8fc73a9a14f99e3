"""Scores from items, the shipped keys, and reliability against psych."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import surveys
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.scales.keys import scoring_key, scoring_keys
from mentorship_eval.surveys.consistency.by_wave import feldt_limits
from mentorship_eval.surveys.consistency.one_factor import minres_loadings, omega_total
from tests.surveys.trials import reference, stored_items

ITEMS = [f"i{k}" for k in range(1, 9)]


def answers(*rows: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[f"q{k + 1}" for k in range(len(rows[0]))], dtype=float)


def test_reverse_items_are_turned_and_half_of_the_items_are_enough():
    data = answers([1, 5, 1, 5, 1, 5], [1, 5, 1, None, None, None], [1, 5, None, None, None, None])
    found = surveys.score(data, items=list(data.columns), key="BRS")
    assert found.scores.tolist()[:2] == [1.0, 1.0] and np.isnan(found.scores[2])
    assert (found.n_scored, found.n_filled) == (2, 1) and found.table["reversed"].tolist() == [False, True] * 3
    strict = surveys.score(data, items=list(data.columns), key="BRS", answered=1.0)
    assert strict.n_scored == 1 and "at least 100% answered" in strict.statement() and "<table" in strict._repr_html_()


def test_methods_of_scoring():
    data = answers([0, 1, 2, 3, 4])
    names = list(data.columns)
    assert surveys.score(data, items=names, key="WHO-5").scores[0] == 40
    assert surveys.score(data, items=names, low=0, high=4, method="percent").scores[0] == 50
    assert surveys.score(data, items=names, low=0, high=4, method="positive", positive_from=3).scores[0] == 40
    assert surveys.score(data, items=names, low=0, high=4, reverse=["q1"], method="sum").scores[0] == 14


def test_a_missing_item_of_a_sum_counts_as_the_mean_of_the_others():
    data = answers([6, 6, None, 6, 6, 6, 6, 6, 6])
    assert surveys.score(data, items=list(data.columns), key="MBI-HSS", subscale="EE").scores[0] == 54


def test_positive_answers_of_a_safety_survey():
    data = answers([1, 2, 5])  # the first two negatively worded
    found = surveys.score(data, items=list(data.columns), key="HSOPSC-2", subscale="handoffs")
    assert found.scores[0] == 100 and found.table["number"].tolist() == ["F4", "F5", "F6"]


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=6, max_size=6), min_size=1, max_size=6),
    method=st.sampled_from(["mean", "sum", "percent"]),
)
def test_scores_stay_in_range_and_turning_every_item_turns_the_score(values, method):
    data = answers(*values)
    names = list(data.columns)
    plain = surveys.score(data, items=names, low=1, high=5, method=method).scores
    turned = surveys.score(data, items=names, low=1, high=5, method=method, reverse=names).scores
    low, high = {"mean": (1, 5), "sum": (6, 30), "percent": (0, 100)}[method]
    there = plain.notna()
    assert (plain[there] >= low - 1e-9).all() and (plain[there] <= high + 1e-9).all()
    assert (plain[there] + turned[there] - low - high).abs().max() < 1e-9 or not there.any()


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"key": "BRS", "items": ["q1"]}, "has 6 items, 1 are named"),
        ({"key": "MBI-HSS"}, "scored by subscale"),
        ({"key": "MBI-HSS", "subscale": "XX"}, "has no subscale 'XX'"),
        ({"key": "ZZZ"}, "There is no scoring key"),
        ({"reverse": ["q9"], "low": 1, "high": 5}, "not among the items"),
        ({"reverse": ["q1"]}, "need the range"),
        ({"method": "median"}, "There is no method"),
        ({"method": "positive"}, "go together"),
        ({"answered": 0}, "a share lies between"),
        ({"items": ["q1", "q1"]}, "named twice"),
        ({"items": "q1"}, "items is a text"),
        ({"numbers": [1]}, "2 items and 1 numbers"),
    ],
)
def test_wrong_use_of_scores(more, problem):
    with pytest.raises(UsageError, match=problem):
        surveys.score(answers([1, 2]), **{"items": ["q1", "q2"], **more})


def test_answers_out_of_range_are_refused_with_their_rows():
    with pytest.raises(EstimationError, match="holds 9, outside 1 to 5") as caught:
        surveys.score(answers([1, 2, 3, 4, 5, 1], [1, 9, 1, 1, 1, 1]), items=[f"q{k}" for k in range(1, 7)], key="BRS")
    assert caught.value.rows == (1,)


def test_an_item_that_was_not_turned_is_told():
    data = stored_items()
    assert "i3" in surveys.score(data, items=ITEMS, low=1, high=5).warnings[0].text
    assert not surveys.score(data, items=ITEMS, low=1, high=5, reverse=["i3", "i6"]).warnings


def test_every_key_is_whole():
    for name, key in scoring_keys().items():
        assert key.source and key.title and key.note and key.high > key.low, name
        parts = [item for part in key.subscales.values() for item in part.items]
        assert len(parts) == len(set(parts)), f"{name}: an item is in two subscales"
        known = set(parts) | set(range(1, (key.n_items or 0) + 1))
        assert set(key.reverse) - known <= {36}, name  # item 36 of the SAQ is in no scale
        for label in key.subscales or {None: None}:
            limits, cutoff = key.score_range(label), key.cutoff_of(label)
            if limits and cutoff:
                at = cutoff.at_least if cutoff.at_least is not None else cutoff.at_most
                assert limits[0] < at < limits[1], f"{name} {label}"
        assert (key.important is None) == (key.important_source == ""), name
    sizes = {"MBI-HSS": 22, "ProQOL-5": 30, "UWES-9": 9, "PES-NWI": 31, "SAQ": 31, "HSOPSC": 42, "HSOPSC-2": 32, "T-TPQ": 35}
    for name, size in sizes.items():
        assert sum(len(part.items) for part in scoring_key(name).subscales.values()) == size, name
    assert scoring_key("MBI-HSS").score_range("EE") == (0, 54) and scoring_key("MBI-HSS").score_range("DP") == (0, 30)
    assert scoring_key("MBI-HSS").score_range("PA") == (0, 48) and scoring_key("MBI-HSS").higher_is_better("PA")
    assert not scoring_key("MBI-HSS").reverse and not scoring_key("MBI-HSS").higher_is_better("EE")
    assert scoring_key("WHO-5").score_range() == (0, 100) and scoring_key("ProQOL-5").score_range("burnout") == (10, 50)
    assert scoring_key("MBI-HSS").cutoff_of("EE").words() == "high: 27 or more"
    ranges = {"GSE": (10, 40), "CIPS": (20, 100), "PSS-10": (0, 40), "CD-RISC-10": (0, 40), "BRS": (1, 5), "WFC": (1, 7), "UWES-9": (0, 6)}
    assert {name: scoring_key(name).score_range() for name in ranges} == ranges
    assert scoring_key("BRS").cutoff_of().words() == "low: 2.99 or less" and scoring_key("CIPS").cutoff_of().words().endswith("61 or more")
    names = [name for key in scoring_keys().values() for name in (key.name, *key.aliases)]
    assert len(names) == len(set(names)) and surveys.scoring_key("MBI") is scoring_key("MBI-HSS")


def test_the_page_on_keys_says_what_the_keys_say():
    page = (Path(__file__).resolve().parents[2] / "docs" / "surveys.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")][1:]
    assert [row[0].split(",")[0] for row in rows] == list(scoring_keys())
    for first, items, reverse, answers_, held, open_ in rows:
        key = scoring_key(first.split(",")[0])
        size = sum(len(part.items) for part in key.subscales.values()) or key.n_items or 24  # items of Casey-Fink are named by its users
        assert str(size) in items.split(":")[0] and held and open_, first
        if reverse != "named by you":
            assert reverse == (", ".join(map(str, key.reverse)) or "none"), first
        assert answers_.startswith("yes or no" if key.name == "YIS" else f"{key.low:g} to {key.high:g}"), first


def test_reliability_against_psych():
    known, data = reference()["reliability"]["items"], stored_items()
    found = surveys.reliability(data, items=ITEMS, low=1, high=5, reverse=["i3", "i6"])
    row = found.table.iloc[0]
    assert (row["alpha"], row["alpha_low"], row["alpha_high"]) == pytest.approx((known["alpha"], known["feldt_low"], known["feldt_high"]), abs=1e-10)
    assert row["omega"] == pytest.approx(known["omega_minres"], abs=1e-6) and row["mean_inter_item"] == pytest.approx(known["mean_r"], abs=1e-10)
    for name in ("item_rest", "alpha_without"):
        assert found.items[name].tolist() == pytest.approx(known[name], abs=1e-10)
    assert found.items["loading"].tolist() == pytest.approx(known["loadings_minres"], abs=2e-5)
    assert "alpha 0.84 (95 % CI 0.79 to 0.87), omega 0.84" in found.statement()


def test_a_known_factor_is_found():
    loadings = np.array([0.8, 0.7, 0.6, 0.5])
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1.0)
    assert minres_loadings(correlation) == pytest.approx(loadings, abs=1e-6)
    assert omega_total(loadings) == pytest.approx(2.6**2 / (2.6**2 + (1 - loadings**2).sum()))
    assert np.isnan(minres_loadings(correlation[:2, :2])).all()


def test_feldt_limits_cover():
    """Parallel items with alpha 0.8: the limits hold it in 95 % of samples."""
    rng, truth, inside = np.random.default_rng(7), 0.8, 0
    for _ in range(300):
        x = np.sqrt(0.5) * rng.standard_normal((30, 1)) + np.sqrt(0.5) * rng.standard_normal((30, 4))
        total = x.sum(axis=1).var(ddof=1)
        low, high = feldt_limits(4 / 3 * (1 - x.var(axis=0, ddof=1).sum() / total), 30, 4)
        inside += low <= truth <= high
    assert 272 <= inside <= 297


def test_reliability_by_wave_tells_what_it_cannot():
    data = pd.concat([stored_items().assign(wave=1), stored_items().head(6).assign(wave=2)])
    data.loc[data.index[:3], "i1"] = np.nan
    found = surveys.reliability(data, items=ITEMS, wave="wave", low=1, high=5)
    assert found.table["n"].tolist() == [147, 3] and found.table["left_out"].tolist() == [3, 3] and np.isnan(found.table["alpha"].iloc[1])
    assert {w.code for w in found.warnings} >= {"item_against_the_others"} and "wave 2: too few" in found.statement()
    with pytest.raises(EstimationError, match="complete"):
        surveys.reliability(stored_items().head(4), items=ITEMS)
    with pytest.raises(UsageError, match="two items"):
        surveys.reliability(stored_items(), items=["i1"])


def estimate(low: float, high: float) -> Estimate:
    return Estimate(value=(low + high) / 2, ci_low=low, ci_high=high)


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [
        (3, 5, "benefit"), (-5, -3, "harm"), (-1, 1, "too small"), (1, 5, "some benefit"), (-5, -1, "some harm"), (-5, 5, "unclear"),
        (np.nan, np.nan, "unknown"), (0.5, 1.5, "too small"),
    ],
)  # fmt: skip
def test_an_interval_against_what_matters(low, high, place):
    found = surveys.important_difference(estimate(low, high), mid=2, higher_is_better=True)
    assert found.place == place and found.table["mid"].iloc[0] == 2
    mirrored = {"benefit": "harm", "harm": "benefit", "some benefit": "some harm", "some harm": "some benefit"}
    assert surveys.important_difference(estimate(low, high), mid=2, higher_is_better=False).place == mirrored.get(place, place)
    neutral = surveys.important_difference(estimate(low, high), mid=2)  # nobody said what is better
    assert neutral.place == {"benefit": "higher", "harm": "lower", "some benefit": "some higher", "some harm": "some lower"}.get(place, place)
    assert not {"benefit", "harm"} & set(neutral.words.replace(",", "").split())


def test_where_the_important_difference_comes_from():
    assert "Topp et al." in surveys.important_difference(estimate(11, 15), key="WHO-5").words
    convention = surveys.important_difference(estimate(-8, -6), key="MBI-HSS", subscale="EE", sd=10)
    assert convention.mid == 5 and "a convention" in convention.words and convention.place == "benefit"  # lower is better
    nothing = surveys.important_difference(estimate(1, 2), sd=np.nan)
    assert nothing.place == "unknown" and np.isnan(nothing.mid) and "nothing to hold it against" in nothing.words
    with pytest.raises(UsageError, match="no smallest important difference"):
        surveys.important_difference(estimate(1, 2), key="BRS")
    with pytest.raises(UsageError, match="A ratio"):
        surveys.important_difference(Estimate(value=2, scale="odds ratio"), mid=1)
