"""Groups are compared by interactions only: what was built in is found, nothing else is, and thin groups are settled blind."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f as f_distribution

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.errors import UsageError
from mentorship_eval.inference.multiplicity import benjamini_hochberg, holm
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.questions.retention.subgroup_levels import group_rows
from mentorship_eval.questions.retention.subgroup_sizes import few_left_out
from mentorship_eval.questions.retention.subgroups import interaction_of, subgroups
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox
from tests.questions.built import built
from tests.questions.cohorts import simulated, small


@pytest.fixture(scope="module")
def study():
    return prepare(simulated(departments=48, staff=4800))


@pytest.fixture(scope="module")
def told(study):
    return subgroups(study)


def exhibits(section):
    return {exhibit.id: exhibit for exhibit in section.exhibits}


def with_plan(cohort, **changes):
    plan = cohort.study.plan.model_copy(update=changes)
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


# ---- truth ----------------------------------------------------------------------------------------------------

def test_an_interaction_that_was_built_in_is_found():
    truth = {"female": 0.45, "male": 1.1}
    made = prepare(built(1, 6000, ratio=lambda group, sessions: truth[group]))
    found = interaction_of(made, group_rows(made.cohort, made.rows, "gender"))
    for group, ratio in truth.items():
        estimate = found.estimates[group.capitalize()]
        assert abs(math.log(estimate.value / ratio)) < 3 * estimate.se and estimate.se < 0.15
    assert found.p_value < 1e-4


def test_without_an_interaction_the_test_rejects_no_more_often_than_it_says():
    p_values = []
    for seed in range(20, 32):
        made = prepare(built(seed, 800, departments=32, ratio=lambda group, sessions: 0.7))
        p_values.append(interaction_of(made, group_rows(made.cohort, made.rows, "gender")).p_value)
    p_values = np.array(p_values)
    assert np.isfinite(p_values).all()
    assert (p_values < 0.05).sum() <= 3  # 99.8 % of binomial(12, 0.05)
    assert 0.25 < p_values.mean() < 0.75


# ---- one fit, linear combinations -----------------------------------------------------------------------------

def test_two_levels_give_the_square_of_the_usual_interaction_term(study):
    found = interaction_of(study, group_rows(study.cohort, study.rows, "gender"))
    rows = study.rows.assign(male=(study.rows["gender"] == "male").astype(float))
    rows["both"] = rows["mentored"] * rows["male"]
    fit = cox(rows, start="start", stop="stop", event="event", covariates=["both", "mentored", "male", *study.model], strata="dept_id",
              cluster="dept_at_entry", variance="cluster")  # fmt: skip
    line = fit.table.iloc[0]
    assert found.f == pytest.approx((line["coef"] / line["robust_se"]) ** 2, rel=1e-7)
    assert math.log(found.estimates["Male"].value / found.estimates["Female"].value) == pytest.approx(line["coef"], abs=1e-8)
    # the ratio of the reference level is the main effect of the usual model, with its interval
    main = fit.estimates["mentored"]
    assert (found.estimates["Female"].value, found.estimates["Female"].se) == pytest.approx((main.value, main.se), rel=1e-7)


def test_several_levels_give_the_wald_statistic_of_all_contrasts(study):
    grouping = group_rows(study.cohort, study.rows, "profession")
    found = interaction_of(study, grouping)
    rows, levels = grouping.rows, grouping.levels
    terms = [f"x{level}" for level in levels[1:]]
    rows = rows.assign(**{f"x{level}": rows["mentored"] * (rows["level"] == level) for level in levels[1:]})
    fit = cox(rows, start="start", stop="stop", event="event", covariates=[*terms, "mentored", *study.model], strata="dept_id",
              cluster="dept_at_entry", variance="cluster")  # fmt: skip
    size = len(terms)
    b, v = fit.table["coef"].to_numpy()[:size], fit.covariance[:size, :size]
    statistic = b @ np.linalg.solve(v, b) / size
    assert found.f == pytest.approx(statistic, rel=1e-6) and found.df[0] == size
    assert found.p_value == pytest.approx(f_distribution.sf(statistic, size, found.df[1]), rel=1e-6)


def test_tenure_bands_are_cut_from_the_rows_and_lose_nothing(study):
    grouping = group_rows(study.cohort, study.rows, "tenure")
    days = (grouping.rows["stop"] - grouping.rows["start"]).sum()
    assert days == pytest.approx((study.rows["stop"] - study.rows["start"]).sum()) and grouping.rows["event"].sum() == study.leavers
    first = grouping.rows[grouping.rows["level"] == "First year"]
    assert first["stop"].max() <= 12 * 30.4375 and len(grouping.levels) == 3
    assert interaction_of(study, grouping).df[0] == 2


# ---- what is shown --------------------------------------------------------------------------------------------

def test_no_level_is_tested_by_itself_and_every_family_has_its_interaction(told):
    levels = [r for r in told.results if not r.id.endswith(".interaction")]
    tests = [r for r in told.results if r.id.endswith(".interaction")]
    assert levels and all(math.isnan(r.estimate.p_value) and r.role == "companion" for r in levels)
    assert {r.estimate.scale for r in tests} == {"F statistic"} and all(0 <= r.estimate.p_value <= 1 for r in tests)
    frame = exhibits(told)["retention.subgroups.forest"].frames["rows"]
    assert frame.groupby("group")["p_interaction"].nunique().eq(1).all()
    assert set(frame["group"]) >= {"Profession", "Gender", "Ethnic group", "Time since hire", "Newly qualified when hired"}


def test_people_and_events_are_those_of_the_level(study, told):
    frame = exhibits(told)["retention.subgroups.forest"].frames["rows"].set_index("id")
    staff, rows = study.cohort.table("staff"), study.rows
    women = rows[rows["staff_id"].isin(staff.loc[staff["gender"] == "female", "staff_id"])]
    line = frame.loc["retention.subgroups.gender.female"]
    assert (line["n"], line["n_events"]) == (women["staff_id"].nunique(), women["event"].sum())
    counts = exhibits(told)["retention.subgroups.counts"].frames["rows"].set_index(["characteristic", "level"])
    assert counts.loc[("Gender", "Female"), "left_mentored"] == women.loc[women["mentored"] == 1, "event"].sum()


def test_the_number_of_tests_and_holm_are_told(told):
    tests = exhibits(told)["retention.subgroups.tests"].frames["rows"]
    assert np.allclose(tests["p_holm"], holm(tests["p"]))
    assert f"{len(tests)} interactions were tested" in told.lead[0].text


def test_families_of_the_plan_are_corrected_apart(study):
    cohort = with_plan(study.cohort, families={"equity": ["gender", "retention.subgroups.ethnicity_group"]}, subgroups={"all": [
        "gender", "ethnicity_group", "profession", "tenure"]})  # fmt: skip
    tests = exhibits(subgroups(replace(study, cohort=cohort)))["retention.subgroups.tests"].frames["rows"].set_index("characteristic")
    assert tests.loc[["Gender", "Ethnic group"], "family"].eq("equity").all()
    assert tests.loc[["Profession", "Time since hire"], "family"].eq("subgroups of retention").all()
    assert np.allclose(tests.loc[["Gender", "Ethnic group"], "p_holm"], holm(tests.loc[["Gender", "Ethnic group"], "p"]))


def test_a_subgroup_that_the_data_lack_is_said(study):
    told = subgroups(replace(study, cohort=with_plan(study.cohort, subgroups={"retention": ["gender", "shoe_size"]})))
    assert [c for c in told.cautions if c.code == "subgroup_absent" and "shoe_size" in c.text]
    assert {r.id.split(".")[2] for r in told.results} == {"gender"}


# ---- levels ---------------------------------------------------------------------------------------------------

def test_missing_is_a_level_and_thin_levels_are_joined_by_totals_alone(study):
    staff = study.cohort.table("staff").copy()
    names = np.array(["a"] * 50 + ["b"] * 30 + ["c", "d", "e", "f"] * 3 + [None] * 8, dtype=object)
    staff["group"] = names[np.random.default_rng(1).integers(len(names), size=len(staff))]
    cohort = replace(study.cohort, tables={**study.cohort.tables, "staff": staff})
    grouping = group_rows(cohort, study.rows, "group")
    assert "Missing" in grouping.levels and set(grouping.levels) == {"A", "B", "Other", "Missing"}
    assert set(grouping.joined) == {"C", "D", "E", "F"} and not grouping.withheld
    # who left in which arm does not enter: shuffle the events between arms within a level, the decision stays
    flipped = study.rows.copy()
    leavers = flipped.index[flipped["event"] == 1]
    flipped.loc[leavers, "event"] = 0
    others = np.random.default_rng(2).permutation(flipped.index[flipped["staff_id"].isin(staff.loc[staff["group"] == "c", "staff_id"])])
    here = study.rows.loc[leavers, "staff_id"].isin(staff.loc[staff["group"] == "c", "staff_id"]).sum()
    flipped.loc[others[:here], "event"] = 1
    flipped.loc[leavers[~study.rows.loc[leavers, "staff_id"].isin(staff.loc[staff["group"] == "c", "staff_id"])], "event"] = 1
    assert group_rows(cohort, flipped, "group").levels == grouping.levels


def test_one_thin_level_is_left_out_with_its_rows_and_said(study):
    staff = study.cohort.table("staff").copy()
    staff["gender"] = staff["gender"].where(np.arange(len(staff)) >= 12, "nonbinary")
    cohort = replace(study.cohort, tables={**study.cohort.tables, "staff": staff})
    grouping = group_rows(cohort, study.rows, "gender")
    assert grouping.withheld == ("Nonbinary",) and not grouping.rows["staff_id"].isin(staff["staff_id"].iloc[:12]).any()
    told = subgroups(replace(study, cohort=with_plan(cohort, subgroups={"all": ["gender"]})))
    assert "Nonbinary left out, and sizes" in exhibits(told)["retention.subgroups.forest"].note
    # taken from everybody, the sizes of the others would be those of the twelve
    assert [r.estimate.n for r in told.results] == [None] * 3 == [r.estimate.n_events for r in told.results]
    assert "retention.subgroups.counts" not in exhibits(told)
    # many left out tell nothing about a few
    many = staff.assign(gender=staff["gender"].where(np.arange(len(staff)) >= 400, "nonbinary"))
    rows = study.rows[~study.rows["staff_id"].isin(many["staff_id"].iloc[:400])]
    assert few_left_out(study.rows, grouping.rows) and not few_left_out(rows, rows)
    left = len(many.iloc[:400].merge(study.rows[study.rows["event"] == 1], on="staff_id"))
    assert few_left_out(study.rows, rows) == (left < 30 or 400 - left < 30 or few_mentored(study.rows, many["staff_id"].iloc[:400]))


def few_mentored(rows, people) -> bool:
    mine = rows[rows["staff_id"].isin(people) & (rows["mentored"] == 1)]
    number, left = mine["staff_id"].nunique(), int(mine["event"].sum())
    return any(0 < cell < 30 for cell in (number, left, number - left))


def test_small_or_bare_cohorts_have_gaps_and_no_numbers():
    made = prepare(small())
    told = subgroups(made)
    assert told.gaps and not told.exhibits
    told = subgroups(replace(made, main=None, problem="No events."))
    assert told.gaps and not told.results


def test_protected_forests_and_tables_can_be_drawn(told):
    answer = Answer("retention", "Retention", tuple(told.lead), tuple(told.results), tuple(told.exhibits))
    [shown], _ = protect([answer], Rule(150))
    for exhibit in shown.exhibits:
        assert draw(exhibit) is not None
    frame = shown.exhibit("retention.subgroups.forest").frames["rows"]
    small_ones = exhibits(told)["retention.subgroups.forest"].frames["rows"]["n_events"] < 150
    assert small_ones.any() and frame.loc[small_ones, "estimate"].isna().all()


# ---- many tests -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(ours, theirs):
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 40):
        p = rng.random(size) ** 3
        assert np.allclose(ours(p), multipletests(p, method=theirs)[1])
    assert np.allclose(ours([0.01, math.nan, 0.2]), [0.02, math.nan, 0.2], equal_nan=True)
    assert len(ours([])) == 0
    for wrong in ([0.5, 1.2], [[0.1, 0.2]]):
        with pytest.raises(UsageError):
            ours(wrong)


def test_a_department_level_may_be_missing(study):
    departments = study.cohort.table("departments")
    cohort = replace(study.cohort, tables={**study.cohort.tables, "departments": departments.iloc[:-8]})
    assert "Missing" in group_rows(cohort, study.rows, "specialty").levels or "Other" in group_rows(cohort, study.rows, "specialty").levels
    assert isinstance(group_rows(cohort, study.rows, "high_burnout").rows, pd.DataFrame)
