"""Categories over their own life, pairs of them with the false-discovery rate held, and degrees of harm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.did import poisson_imputation
from mentorship_eval.questions.incidents.kinds_of_incident import by_category, by_severity
from mentorship_eval.questions.incidents.taxonomy import category_lives, lives, taxonomy_caution, taxonomy_months
from tests.questions.wards import STAGGERED, fitted, month, wards, with_tables

KINDS = ("falls", "drugs", "sores", "devices")


def life(counts, exposure=1000.0):
    rows = pd.DataFrame({"period": np.arange(1, len(counts) + 1), "days": exposure, "x": counts})
    return lives(rows, ["x"], "days")["x"]


def test_a_category_that_begins_ends_or_does_both():
    # 5 events a month: 10 would have been expected in three months
    assert (life([0] * 6 + [5] * 18).first, life([0] * 6 + [5] * 18).last) == (7, 24)
    assert (life([5] * 20 + [0] * 4).first, life([5] * 20 + [0] * 4).last) == (1, 20)
    both = life([0] * 6 + [5] * 10 + [0] * 8)
    assert (both.first, both.last, both.cut) == (7, 16, True)


def test_months_without_an_event_that_chance_explains_cut_nothing():
    assert not life([0, 0] + [5] * 22).cut  # exactly 10 would have been expected
    assert life([0, 0, 0] + [5] * 21).cut
    assert not life([0] * 9 + [1] * 15).cut  # a rare one
    assert not life([0] * 24).cut
    assert not life([5] * 5 + [0] * 10 + [5] * 9).cut  # a gap inside is no end of its life
    # one end by chance, the other not
    mixed = life([0] + [5] * 15 + [0] * 8)
    assert (mixed.first, mixed.last) == (1, 16)


def test_the_exposure_counts_and_not_the_months():
    rows = pd.DataFrame({"period": np.arange(1, 13), "days": [1.0] * 6 + [1000.0] * 6, "x": [0] * 6 + [20] * 6})
    assert not lives(rows, ["x"], "days")["x"].cut


@pytest.fixture(scope="module")
def changed():
    """From month 13 devices take the place of sores."""
    return fitted(wards(STAGGERED, seed=4, categories=lambda p: ("falls", "drugs", "devices" if p >= 13 else "sores")))


def test_a_change_of_taxonomy_is_found_and_told_once(changed):
    found = category_lives(changed)
    assert {name: one.cut for name, one in found.items()} == {"falls": False, "drugs": False, "devices": True, "sores": True}
    assert taxonomy_months(changed) == [13]
    [caution] = taxonomy_caution(changed, found)
    assert "2023-01: devices, sores" in caution.text
    told = by_category(changed)
    labels = {r.id: r.label for r in told.results}
    assert labels["incidents.category.devices.harm"] == "Devices (from 2023-01)"
    assert labels["incidents.category.sores.no_harm"] == "Sores (to 2022-12)"
    assert labels["incidents.category.falls.harm"] == "Falls"


def test_a_category_is_compared_over_its_own_life_only(changed):
    told = {r.id: r.estimate for r in by_category(changed).results}
    records = changed.records
    some = records[records["category"].eq("sores") & records["harm"].isin(["low", "moderate", "severe", "death"])]
    rows = changed.panel(incidents=some).rows
    whole = poisson_imputation(
        rows[rows["period"] <= 12], count="all_incidents", exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=0,
        min_controls=changed.cohort.study.rules.min_controls,
    ).irr  # fmt: skip
    mine = told["incidents.category.sores.harm"]
    assert (mine.value, mine.ci_low, mine.n_events) == pytest.approx((whole.value, whole.ci_low, whole.n_events))
    # the same counts over the whole window would say something else
    over_all = changed.fit("all_incidents", "x", rows=rows).fit.irr
    assert over_all.n != mine.n


def test_p_values_are_adjusted_within_their_side_by_hand():
    effect = lambda ward, p, level: 0.2 if STAGGERED[ward] and p >= STAGGERED[ward] and level == "low" else 1.0  # noqa: E731
    study = fitted(wards(STAGGERED, seed=9, rate=30, factor=effect, categories=lambda p: KINDS))
    told = by_category(study)
    table = next(e for e in told.exhibits if e.id.endswith(".adjusted")).frames["rows"]
    assert len(table) == 8
    for _, side in table.groupby("side"):
        p = side["p"].to_numpy()
        expected = [min(min(q * len(p) / (1 + (p < q).sum()) for q in p if q >= own), 1.0) for own in p]
        assert side["adjusted"].to_numpy() == pytest.approx(expected)
    harmed = table[table["side"] == "With harm"]
    assert (harmed["adjusted"] < 0.05).sum() >= 3 and (harmed["adjusted"] > harmed["p"]).any()
    low = int(((harmed["adjusted"] <= 0.05) & (harmed["ratio"] < 1)).sum())
    [sentence] = told.lead
    assert f"with harm, {low} of 4 categories fell and 0 rose" in sentence.text
    assert not (table[table["side"] == "Without harm"]["adjusted"] < 0.05).any()


def test_the_rows_of_a_side_add_up_to_the_side(changed):
    frame = by_category(changed).exhibits[0].frames["rows"]
    for side, group in (("harm", "With harm"), ("no_harm", "Without harm")):
        assert frame.loc[frame["group"] == group, "n_events"].sum() == changed.fits[side].fit.observed
    # devices have no month before go-live where it was early: their events are in the rest, by name of nobody
    rest = frame[frame["label"] == "The rest"]
    assert len(rest) and rest["estimate"].isna().all() and (rest["reason"] == "not estimated").all()


def test_degrees_of_harm_hold_one_another():
    study = fitted(wards(STAGGERED, seed=6, rate=30))
    told = {r.id.rsplit(".", 1)[1]: r for r in by_severity(study).results}
    records, cells = study.records, study.fits["harm"].fit.cells
    target = cells[cells["role"] == "target"].set_index(["unit", "time"]).index
    number = (records["occurred"].dt.year - 2022) * 12 + records["occurred"].dt.month
    mine = pd.MultiIndex.from_arrays([records["dept_id"], number]).isin(target)
    for name, levels in (("low", ["low"]), ("moderate_up", ["moderate", "severe", "death"]), ("severe_up", ["severe", "death"])):
        assert told[name].estimate.n_events == (mine & records["harm"].isin(levels)).sum(), name
    assert told["low"].estimate.n_events + told["moderate_up"].estimate.n_events == study.fits["harm"].fit.observed
    others = told["moderate_up"].estimate.n_events - told["severe_up"].estimate.n_events
    assert told["severe_up"].rests_on == (others,)


def test_a_shift_from_grave_to_light_shows_though_the_sum_is_still():
    def shift(ward, p, level):
        treated = bool(STAGGERED[ward] and p >= STAGGERED[ward])
        return {"low": 4 / 3, "moderate": 0.0, "severe": 0.0}.get(level, 1.0) if treated else 1.0

    study = fitted(wards(STAGGERED, seed=8, rate=40, factor=shift))
    told = {r.id.rsplit(".", 1)[1]: r.estimate for r in by_severity(study).results}
    assert told["low"].ci_low > 1.0 and told["moderate_up"].value == 0.0
    harm = study.fits["harm"].fit.irr
    assert harm.ci_low < 1.0 < harm.ci_high
    # a ratio of 0 cannot stand on a logarithmic axis, and says why
    frame = by_severity(study).exhibits[0].frames["rows"].set_index("id")
    row = frame.loc["incidents.severity.moderate_up"]
    assert np.isnan(row["estimate"]) and row["reason"] == "none observed" and row["n_events"] == 0


def test_categories_that_cannot_be_estimated_are_a_gap_without_engine_words():
    """A category that is seen only where and when the programme runs."""
    cohort = wards(STAGGERED, seed=2)
    records = cohort.table("incidents")
    live = records["dept_id"].map({ward: month(at) for ward, at in STAGGERED.items() if at})
    records.loc[(records["occurred"] >= live) & (records.index % 5 == 0), "category"] = "brand new"
    told = by_category(fitted(with_tables(cohort, incidents=records)))
    [gap] = [gap for gap in told.gaps if "Brand new" in gap.question]
    assert "expected" in gap.reason
    assert not any(word in gap.reason for word in ("unit", "cell", "min_controls")), gap.reason
    # and its events stay in the sum
    frame = told.exhibits[0].frames["rows"]
    assert "The rest" in set(frame["label"])


@pytest.mark.parametrize("category", [None, "falls", np.nan])
def test_no_categories_or_one_only(category):
    cohort = wards(STAGGERED, seed=2)
    records = cohort.table("incidents")
    records = records.drop(columns="category") if category is None else records.assign(category=category)
    told = by_category(fitted(with_tables(cohort, incidents=records)))
    assert not told.results and "no categories, or one only" in told.gaps[0].reason
