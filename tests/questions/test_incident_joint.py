"""Ratios of ratios against brute force, prompt reports, another programme beside mentorship, and what the design could have shown."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentorship_eval.did import poisson_imputation
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.incidents.detectable import detectable, smallest_ratios
from mentorship_eval.questions.incidents.reporting_behaviour import reporting_behaviour
from mentorship_eval.questions.incidents.together import together
from tests.questions.wards import STAGGERED, fitted, wards, with_tables


def ratio(rows, count, adopted="adopted"):
    return poisson_imputation(
        rows, count=count, exposure="patient_days", unit="dept_id", time="period", adopted=adopted, permutations=0, jackknife=False, tables=False,
    ).irr.value  # fmt: skip


def test_the_near_miss_share_is_a_ratio_of_ratios_with_the_errors_of_both_left_out_together():
    study = fitted(wards(STAGGERED, seed=12))
    result = next(r for r in reporting_behaviour(study).results if r.id == "incidents.near_miss_share")
    value = math.log(ratio(study.rows, "near_miss") / ratio(study.rows, "no_harm"))
    without = []
    for ward in STAGGERED:
        rest = study.rows[study.rows["dept_id"] != ward]
        without.append(math.log(ratio(rest, "near_miss") / ratio(rest, "no_harm")))
    number = len(without)
    se = math.sqrt((number - 1) / number * sum((one - value) ** 2 for one in without))
    assert result.estimate.value == pytest.approx(math.exp(value), rel=1e-9)
    assert result.estimate.se == pytest.approx(se, rel=1e-6)
    assert result.estimate.df == number - 1
    near, other = study.fits["near_miss"].fit, study.fits["no_harm"].fit
    assert result.rests_on == (near.observed, other.observed)


def test_the_near_miss_share_without_near_misses_is_a_gap():
    cohort = wards(STAGGERED, seed=1)
    records = cohort.table("incidents")
    study = fitted(with_tables(cohort, incidents=records[records["harm"] != "near_miss"]))
    told = reporting_behaviour(study)
    assert not any(r.id == "incidents.near_miss_share" for r in told.results)
    assert any("near misses" in gap.question.lower() and gap.unlock for gap in told.gaps)


def prompt(effect):
    def lag(ward, period, rng):
        live = bool(STAGGERED[ward] and period >= STAGGERED[ward])
        return int(rng.integers(0, 7)) if rng.random() < (0.5 * effect if live else 0.5) else int(rng.integers(8, 50))

    return lag


@pytest.mark.parametrize("effect", [1.0, 1.6])
def test_prompt_reports_find_what_was_put_in(effect):
    told = reporting_behaviour(fitted(wards(STAGGERED, seed=21, rate=40, lag=prompt(effect))))
    result = next(r for r in told.results if r.id == "incidents.prompt_reports")
    assert result.estimate.ci_low < 50 * (effect - 1) < result.estimate.ci_high  # percentage points on a share of one half
    assert (result.estimate.ci_low > 0) == (effect > 1.0)


def test_months_whose_prompt_reports_may_still_come_in_are_left_out_of_promptness():
    cohort = wards(STAGGERED, seed=21, lag=prompt(1.0))
    # the files end on 31 December: what was reported later is not in them
    records = cohort.table("incidents")[lambda f: f["reported"] <= "2023-12-31"]
    study = fitted(with_tables(cohort, incidents=records))
    result = next(r for r in reporting_behaviour(study).results if r.id == "incidents.prompt_reports")
    # December is not told: only its prompt reports of the last days are there; of November all prompt ones are
    target = study.fits["harm"].fit
    assert result.estimate.n == target.irr.n - sum(bool(live) for live in STAGGERED.values())
    late = records[(records["reported"] - records["occurred"]).dt.days > 7]
    assert result.rests_on[0] > 0 and result.estimate.n_events < len(records) - len(late)


def test_reports_dated_before_the_incident_are_no_prompt_reports():
    cohort = wards(STAGGERED, seed=21)
    records = cohort.table("incidents").assign(reported=lambda f: f["occurred"] - pd.Timedelta(days=1))
    told = reporting_behaviour(fitted(with_tables(cohort, incidents=records)))
    assert not any(r.id == "incidents.prompt_reports" for r in told.results)
    assert any("promptly" in gap.question for gap in told.gaps)


# -- another programme -----------------------------------------------------------------------------------------------------

OWN = {f"V{k:02d}": (9 + k % 3 if k % 3 < 2 and k < 24 else None) for k in range(32)}
LAB = {ward: (13 if k // 2 % 2 else None) for k, ward in enumerate(OWN)}


def factorial(alone, other, both, seed=31):
    def factor(ward, p, level):
        mine, theirs = bool(OWN[ward] and p >= OWN[ward]), bool(LAB[ward] and p >= LAB[ward])
        return both if mine and theirs else alone if mine else other if theirs else 1.0

    return fitted(wards(OWN, seed=seed, rate=25, other=LAB, factor=factor))


def arms(study, column="harm"):
    prefix = f"incidents.together.LAB.{column}."
    return {r.id.removeprefix(prefix): r.estimate for r in together(study).results if r.id.startswith(prefix)}


@pytest.mark.parametrize(("alone", "other", "both"), [(1.0, 1.0, 1.0), (1.0, 0.5, 0.5), (0.7, 1.0, 0.35)])
def test_each_programme_and_both_find_what_was_put_in(alone, other, both):
    study = factorial(alone, other, both)
    for column in ("harm", "no_harm"):
        found = arms(study, column)
        assert set(found) == {"alone", "other", "both", "interaction"}
        for arm, truth in (("alone", alone), ("other", other), ("both", both), ("interaction", both / (alone * other))):
            away = abs(math.log(found[arm].value / truth))
            assert away < 3 * found[arm].se and away < 0.3, (column, arm, found[arm].interval())
            assert math.isfinite(found[arm].ci_low) and found[arm].se < 0.2
        if both != alone * other:
            assert found["interaction"].ci_high < 1.0


def test_the_arms_share_no_department_month_and_the_comparison_has_neither_programme():
    study = factorial(1.0, 1.0, 1.0)
    own = {(w, p) for w, live in OWN.items() if live for p in range(live, 25)}
    lab = {(w, p) for w, live in LAB.items() if live for p in range(live, 25)}
    found = arms(study)
    assert (found["alone"].n, found["other"].n, found["both"].n) == (len(own - lab), len(lab - own), len(own & lab))
    rows = study.rows.assign(cell=list(zip(study.rows["dept_id"], study.rows["period"], strict=True)))
    for arm, cells in (("alone", own - lab), ("other", lab - own), ("both", own & lab)):
        assert found[arm].n_events == rows.loc[rows["cell"].isin(cells), "harm"].sum()
        clean = rows[rows["cell"].isin(cells) | ~rows["cell"].isin(own | lab)].copy()
        first = pd.DataFrame(sorted(cells), columns=["dept_id", "p"]).groupby("dept_id")["p"].min()
        clean["first"] = clean["dept_id"].map(first)
        assert found[arm].value == pytest.approx(ratio(clean, "harm", "first"), rel=1e-9)


def test_the_interaction_leaves_out_departments_from_all_three_at_once():
    study = factorial(0.7, 1.0, 0.5)
    whole = arms(study)
    rows = study.rows.assign(other=study.rows["dept_id"].map(LAB).astype(float))
    from mentorship_eval.questions.incidents.together import _arms

    def log_interaction(some):
        found = {arm: math.log(ratio(part, "harm", "first")) for arm, part in _arms(some, "adopted").items()}
        return found["both"] - found["alone"] - found["other"]

    value = log_interaction(rows)
    without = np.array([log_interaction(rows[rows["dept_id"] != ward]) for ward in OWN])
    number = len(without)
    se = math.sqrt((number - 1) / number * ((without - value) ** 2).sum())
    assert math.log(whole["interaction"].value) == pytest.approx(value, rel=1e-9)
    assert whole["interaction"].se == pytest.approx(se, rel=1e-6) and whole["interaction"].df == number - 1


def test_a_programme_that_never_went_live_or_always_with_ours_is_a_gap():
    never = together(fitted(wards(STAGGERED, seed=1, other=dict.fromkeys(STAGGERED))))
    assert not never.results and "nowhere" in never.gaps[0].reason
    same = together(fitted(wards(STAGGERED, seed=1, other=STAGGERED)))
    assert {r.id.rsplit(".", 1)[1] for r in same.results} == {"both"}
    assert len(same.gaps) == 4 and all(gap.reason and gap.unlock for gap in same.gaps)
    assert not any(word in gap.reason for gap in same.gaps for word in ("unit", "cell", "'"))


# -- what could have been shown --------------------------------------------------------------------------------------------


def test_the_smallest_ratios_are_those_of_the_t_test():
    low, high = smallest_ratios(Estimate(value=0.8, se=0.1, df=11, ci_low=0.6, ci_high=1.0, scale="rate ratio"))
    reach = (stats.t.ppf(0.975, 11) + stats.t.ppf(0.8, 11)) * 0.1
    assert (low, high) == pytest.approx((math.exp(-reach), math.exp(reach)), rel=1e-9)
    # about 80 % of non-central t draws lie beyond the critical value there
    many = smallest_ratios(Estimate(value=0.8, se=0.1, df=60, ci_low=0.6, ci_high=1.0, scale="rate ratio"))[1]
    assert stats.nct.sf(stats.t.ppf(0.975, 60), 60, math.log(many) / 0.1) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("changes", [{"se": math.nan}, {"df": None}, {"ci_low": math.nan}, {"df": 0.0}])
def test_without_a_standard_error_nothing_is_reckoned(changes):
    assert smallest_ratios(Estimate(**{"value": 0.8, "se": 0.1, "df": 11, "ci_low": 0.6, "ci_high": 1.0, "scale": "rate ratio", **changes})) is None


def test_one_sentence_for_each_headline_outcome_and_none_where_few_are_treated():
    assert len(detectable(fitted(wards(STAGGERED, seed=1))).lead) == 2
    few = {f"W{k}": (10 if k < 3 else None) for k in range(10)}
    assert not detectable(fitted(wards(few, seed=1))).lead
