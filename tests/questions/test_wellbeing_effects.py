"""Scales whose truth is known because it was put in: found within its interval, and not found where it was not put in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.told import told_answer
from mentorship_eval.questions.wellbeing.asked import SurveyStudy, survey_study
from mentorship_eval.questions.wellbeing.counted import first_spread, said_once
from mentorship_eval.questions.wellbeing.departments import on_departments
from mentorship_eval.questions.wellbeing.effects import by_scale
from mentorship_eval.questions.wellbeing.genders import by_gender, scales_by_gender
from mentorship_eval.questions.wellbeing.ordered import in_order
from mentorship_eval.report.exhibits import draw
from mentorship_eval.surveys import mixed_model
from tests.questions.cohorts import simulated

DAYS = pd.to_datetime(["2022-06-01", "2023-02-01", "2023-09-01", "2024-06-01"])
EE, ITEM, WFC = ("MBI", "EE"), ("ONE-ITEM", "total"), ("WFC", "total")


@cache
def workforce() -> Cohort:
    """24 departments, six of them never with the programme; nobody's scores yet."""
    return simulated("null", 3, ("staff", "departments", "spells", "matches", "rollout"), departments=24, staff=1600, months=36, uptake_delay=2.0)


@cache
def people() -> pd.DataFrame:
    """One row a person and wave: who works there on the day, mentored, dept, active and female; level and noise of two kinds, of a fixed draw."""
    cohort, rng = workforce(), np.random.default_rng(8)
    spells = cohort.table("spells")
    asked = [spells[(spells["start"] <= day) & ~(spells["end"] < day)].drop_duplicates("staff_id").assign(wave=wave, completed_on=day)
             for wave, day in enumerate(DAYS)]  # fmt: skip
    rows = pd.concat(asked)[["staff_id", "wave", "completed_on"]].reset_index(drop=True)
    rows = rows[rng.random(len(rows)) < 0.85].reset_index(drop=True)
    study = survey_study(with_scores(rows.assign(score=0.0), EE))
    rows = study.everyone.rename(columns={"person": "staff_id", "day": "completed_on"})[["staff_id", "wave", "completed_on", "dept", "mentored"]]
    live = pd.to_datetime(cohort.table("rollout").set_index("dept_id")["active_from"])
    rows["active"] = (rows["dept"].map(live) <= rows["completed_on"]).astype(int)
    rows["female"] = rows["staff_id"].map(cohort.table("staff").set_index("staff_id")["gender"]).eq("female").astype(int)
    own = pd.Series(rng.normal(0, 1, rows["staff_id"].nunique()), index=rows["staff_id"].unique())
    shared = pd.Series(rng.normal(0, 1, rows["dept"].nunique()), index=sorted(rows["dept"].unique()))
    return rows.assign(own=rows["staff_id"].map(own), shared=rows["dept"].map(shared), error=rng.normal(0, 1, len(rows)), draw=rng.random(len(rows)))


def with_scores(rows: pd.DataFrame, scale: tuple[str, str], cohort: Cohort | None = None) -> Cohort:
    """The workforce, or ``cohort``, with these rows (staff_id, wave, completed_on, score) as answers to one scale more."""
    cohort = cohort or workforce()
    new = rows[["staff_id", "wave", "completed_on", "score"]].assign(instrument=scale[0], subscale=scale[1])
    before = [cohort.tables["surveys"]] if "surveys" in cohort.tables else []
    return replace(cohort, tables={**cohort.tables, "surveys": pd.concat([*before, new], ignore_index=True)})


def study_of(score: Callable[[pd.DataFrame], pd.Series], scale: tuple[str, str] = EE) -> SurveyStudy:
    return survey_study(with_scores(people().assign(score=score), scale))


def points(shift: Callable[[pd.DataFrame], pd.Series | float]) -> Callable[[pd.DataFrame], pd.Series]:
    """A scale with mean 24: SD 7 of people, 2 of departments and 5 of answers; a rise with the waves; and ``shift``."""
    return lambda rows: 24 + 7 * rows["own"] + 2 * rows["shared"] + 5 * rows["error"] + 0.8 * rows["wave"] + shift(rows)


def estimate(section: Section, name: str) -> Estimate:
    return next(r for r in section.results if r.id == name).estimate


def frame(section: Section, name: str) -> pd.DataFrame:
    return next(e for e in section.exhibits if e.id == name).frames["rows"]


def is_found(found: Estimate, truth: float, none: float = 0.0) -> bool:
    """Whether the interval holds the truth and, where that is not ``none``, excludes it."""
    return found.ci_low < truth < found.ci_high and (truth == none or not found.ci_low <= none <= found.ci_high)


# -- the programme on department means -------------------------------------------------------------------------------------------------


def test_a_known_move_of_department_means_is_recovered_and_none_without_one():
    found = {}
    for truth in (-4.0, 0.0):
        told = on_departments(study_of(points(lambda rows, truth=truth: truth * rows["active"])))
        found[truth] = estimate(told, "wellbeing.mbi_ee.programme")
        assert is_found(found[truth], truth) and abs(found[truth].value - truth) < 2 * found[truth].se
        assert found[truth].unit == "points" and not told.gaps
    assert found[-4.0].value - found[0.0].value == pytest.approx(-4.0, abs=1e-9), "the same people, moved by four points"
    assert found[-4.0].se == pytest.approx(found[0.0].se)


def test_every_scale_has_the_programme_and_its_forest_is_the_points_over_the_sd():
    rows = people()
    other = points(lambda rows: 2.0 * rows["active"])(rows) / 10
    cohort = with_scores(rows.assign(score=other), WFC, with_scores(rows.assign(score=points(lambda rows: 0.0)), EE))
    study = survey_study(cohort)
    told = on_departments(study)
    assert [r.id for r in told.results] == ["wellbeing.mbi_ee.programme", "wellbeing.wfc.programme"]
    shown = frame(told, "wellbeing.programme").set_index("id")
    for scale, result in zip(sorted(study.scales, key=lambda s: s.slug), told.results, strict=True):
        spread = study.rows.loc[study.rows["wave"] == 0, scale.column].std(ddof=1)
        assert shown.loc[result.id, "estimate"] == pytest.approx(result.estimate.value / spread)
        assert shown.loc[result.id, "ci_low"] == pytest.approx(result.estimate.ci_low / spread)
    assert shown["label"].tolist() == ["Emotional exhaustion (lower is better)", "Work-family conflict (lower is better)"]


def test_a_mean_over_departments_rests_on_people_and_not_on_its_thinnest_cell():
    rows = people()
    dept = rows.loc[rows["active"] == 1, "dept"].iloc[0]
    thin = rows[(rows["dept"] != dept) | (rows["wave"] != 1)]
    one = pd.concat([thin, rows[(rows["dept"] == dept) & (rows["wave"] == 1)].head(1)])
    never = set(workforce().table("rollout").query("active_from.isna()")["dept_id"])
    few = rows[rows["dept"].isin(never) | rows["staff_id"].isin(rows.loc[rows["dept"] == dept, "staff_id"].drop_duplicates()[:6])]
    for kept, withheld in ((one, False), (few, True)):
        cohort = with_scores(kept.assign(score=points(lambda rows: -4.0 * rows["active"])), EE)
        study = survey_study(cohort)
        sizes = study.everyone.groupby(["dept", "wave"]).size()
        assert sizes.min() < 10
        [shown], _ = protect([told_answer("wellbeing", "Wellbeing", on_departments(study), cohort)], Rule())
        result = shown.result("wellbeing.mbi_ee.programme")
        assert np.isnan(result.estimate.value) == withheld and result.estimate.n is None
        row = shown.exhibit("wellbeing.programme").frames["rows"]
        assert row["estimate"].isna().all() == withheld and not {"n_answers", "fewest"} & set(row)


def test_without_a_rollout_or_a_go_live_the_programme_is_one_gap_and_no_crash():
    rows = people().assign(score=points(lambda rows: 0.0))
    study = survey_study(with_scores(rows, WFC, with_scores(rows, EE)))
    rollout = study.cohort.table("rollout")
    never = rollout.assign(active_from=pd.NaT)
    for tables, name in (({"rollout": never}, "Emotional exhaustion, work-family conflict"), ({}, "Emotional exhaustion")):
        others = {name: table for name, table in study.cohort.tables.items() if name != "rollout"}
        told = on_departments(replace(study, cohort=replace(study.cohort, tables={**others, **tables})))
        assert not told.results and not told.exhibits and [gap.question for gap in told.gaps] == [f"{name} where the programme is active"]


# -- all scales in SD ------------------------------------------------------------------------------------------------------------------


def test_the_difference_in_sd_is_that_in_points_over_the_sd_and_counts_once():
    rows = people()
    for truth in (-3.0, 0.0):
        cohort = with_scores(rows.assign(score=points(lambda rows, truth=truth: truth * rows["mentored"])), EE)
        second = rows["own"] + rows["error"] + 0.5 * rows["mentored"]
        study = survey_study(with_scores(rows.assign(score=second), ("OWN", "total"), cohort))
        told = by_scale(study)
        plain, scaled = (estimate(told, f"wellbeing.mbi_ee{end}") for end in ("", ".standardised"))
        scores = cohort.table("surveys").query("instrument == 'MBI' and wave == 0")["score"]
        spread = scores[cohort.table("surveys").loc[scores.index, "staff_id"].isin(study.rows["person"])].std(ddof=1)
        for part in ("value", "se", "ci_low", "ci_high"):
            assert getattr(scaled, part) == pytest.approx(getattr(plain, part) / spread)
        assert scaled.p_value == plain.p_value and scaled.unit == "SD" and scaled.n == plain.n
        assert is_found(scaled, truth / np.sqrt(49 + 4 + 25))  # the SD that was put in
        shown = frame(told, "wellbeing.standardised")
        assert shown["label"].tolist() == ["Emotional exhaustion (lower is better)", "OWN (direction not known)"] and "truth" not in shown
        assert frame(told, "wellbeing.adjusted")["id"].tolist() == ["wellbeing.mbi_ee", "wellbeing.own"]
        assert [e.id for e in told.exhibits][:2] == ["wellbeing.scales", "wellbeing.standardised"]
        assert all(r.truth is None and r.role == "companion" for r in told.results if r.id.endswith(".standardised"))
        assert len(told.lead) == 1 and "SD" not in told.lead[0].text


def test_the_sd_of_people_compared_is_not_told_beside_that_of_one_person_more():
    study = study_of(points(lambda rows: 0.0))
    scale, at_first = study.scales[0], study.rows[study.rows["wave"] == 0]
    assert first_spread(study, scale) == pytest.approx(at_first[scale.column].std(ddof=1))
    gone = at_first["person"].iloc[0]  # as if mentored before the first wave
    short = replace(study, rows=study.rows[study.rows["person"] != gone])
    assert first_spread(short, scale) == pytest.approx(first_spread(study, scale), abs=1e-12)
    many = replace(study, rows=study.rows[~study.rows["person"].isin(at_first["person"].iloc[:200])])
    assert first_spread(many, scale) != pytest.approx(first_spread(study, scale), abs=1e-6)


# -- shares beyond a cut-off -----------------------------------------------------------------------------------------------------------


def test_a_known_share_beyond_the_cut_off_is_recovered_in_percentage_points():
    for truth in (-15.0, 0.0):
        told = by_scale(study_of(lambda rows, truth=truth: 20.0 + 10.0 * (rows["draw"] < 0.40 + truth / 100 * rows["mentored"])))  # the cut-off is 27
        found = estimate(told, "wellbeing.mbi_ee.beyond")
        assert is_found(found, truth) and found.unit == "percentage points" and abs(found.value - truth) < 2 * found.se
        assert frame(told, "wellbeing.shares")["estimate"].tolist() == [found.value]


# -- scales of few levels --------------------------------------------------------------------------------------------------------------


def levels(odds_ratio: float, cuts: tuple[float, ...] = (0.2, 1.1, 2.2, 3.3)) -> Callable[[pd.DataFrame], pd.Series]:
    """1 to 5: at first a draw, later proportional odds given that first answer, ``odds_ratio`` times as high while mentored."""

    def score(rows: pd.DataFrame) -> pd.Series:
        first = np.ceil(rows["draw"] * 5)
        begun = rows["staff_id"].map(first[rows["wave"] == 0].set_axis(rows.loc[rows["wave"] == 0, "staff_id"])).fillna(3)
        latent = 0.6 * begun + np.log(odds_ratio) * rows["mentored"] + np.log(rows["draw"] / (1 - rows["draw"]))
        later = 1 + (latent.to_numpy()[:, None] > np.array(cuts)).sum(axis=1)
        return pd.Series(np.where(rows["wave"] == 0, first, later), index=rows.index).astype(float)

    return score


def test_a_known_odds_ratio_of_an_item_of_five_levels_is_recovered_and_shown():
    draws = [np.random.default_rng(seed).random(len(people())) for seed in range(2)]
    for truth in (2.5, 1.0):
        studies = [study_of(lambda rows, truth=truth, draw=draw: levels(truth)(rows.assign(draw=draw)), ITEM) for draw in draws]
        told = [in_order(study) for study in studies]
        found = [estimate(one, "wellbeing.one_item.ordinal") for one in told]
        assert all(e.scale == "odds ratio" and is_found(e, truth, 1.0) for e in found)
        off = [np.log(e.value / truth) for e in found]
        assert abs(np.mean(off)) < 2 * found[0].se / np.sqrt(len(off))
    assert frame(told[0], "wellbeing.ordinal")["label"].tolist() == ["ONE-ITEM (direction not known)"] and len(told[0].methods) == 1
    both = set(studies[0].rows.query("wave == 0")["person"]) & set(studies[0].rows.query("wave == 3")["person"])
    assert found[0].n == len(both)
    [shown], _ = protect([told_answer("wellbeing", "Wellbeing", told[0], studies[0].cohort)], Rule())
    assert "Odds ratio" in draw(shown.exhibit("wellbeing.ordinal")).caption and np.isfinite(shown.results[0].estimate.value)


def test_an_item_asked_late_begins_late_and_one_asked_once_has_no_first_score():
    rows = people().assign(score=levels(1.0))
    for begun, given in ((1, True), (3, False)):
        study = survey_study(with_scores(rows[rows["wave"] >= begun], ITEM, with_scores(rows, EE)))
        [result] = [r for r in in_order(study).results if "one_item" in r.id]
        assert ("same first score" in result.estimand) == given == ("first and last" in result.population)
        last = study.rows[study.rows["wave"] == 3]
        unmentored = study.rows[(study.rows["wave"] == begun) & (study.rows["mentored"] == 0)]["person"]
        assert result.rests_on == tuple(float((last["person"].isin(unmentored) | (not given))[last["mentored"] == arm].sum()) for arm in (1, 0))


def test_two_halves_of_a_scale_that_move_apart_are_told():
    def apart(rows: pd.DataFrame) -> pd.Series:
        """Mentored: from the middle to both ends."""
        score = levels(1.0)(rows)
        moved = (score == 3) & (rows["mentored"] == 1)
        return score.mask(moved, np.where(rows["error"] > 0, 5.0, 1.0))

    assert "not_proportional" in {c.code for c in in_order(study_of(apart, ITEM)).cautions}
    assert "not_proportional" not in {c.code for c in in_order(study_of(levels(1.0), ITEM)).cautions}


def test_scales_of_many_values_have_no_odds_and_no_gap():
    told = in_order(study_of(points(lambda rows: 0.0)))
    assert not (told.results or told.gaps or told.exhibits or told.methods or told.cautions)


# -- by gender -------------------------------------------------------------------------------------------------------------------------


def test_a_known_interaction_with_gender_is_recovered_and_none_where_mentoring_moves_all_alike():
    for more in (-5.0, 0.0):
        study = study_of(points(lambda rows, more=more: (-2.0 + more * rows["female"]) * rows["mentored"]), WFC)
        told = by_gender(study)
        found = {end: estimate(told, f"wellbeing.wfc.by_gender{end}") for end in ("", ".female", ".male")}
        assert is_found(found[""], more) and abs(found[""].value - more) < 2 * found[""].se
        assert is_found(found[".female"], more - 2.0) and found[".male"].ci_low < -2.0 < found[".male"].ci_high
        assert all(e.n is None for e in found.values())
        # an independent look: each gender by itself
        scale, rows = study.scales[0], study.answers(study.scales[0])
        female = rows["person"].map(people().drop_duplicates("staff_id").set_index("staff_id")["female"]) == 1
        alone = [mixed_model(part, outcome=scale.column, arm="mentored", wave="wave", person="person", cluster="dept", covariates=study.covariates,
                             jackknife=False, icc_intervals=False).estimate.value for part in (rows[female], rows[~female])]  # fmt: skip
        assert found[""].value == pytest.approx(alone[0] - alone[1], abs=found[""].se)
        assert found[".female"].value == pytest.approx(alone[0], abs=found[".female"].se / 2)
    shown = frame(told, "wellbeing.gender")
    assert shown["label"].tolist() == ["Female", "Male", "Female minus male"] and set(shown["group"]) == {"Work-family conflict (lower is better)"}


def test_by_gender_are_the_primary_scale_and_those_about_work_and_family_and_impostor_feelings():
    cohort = with_scores(people().assign(score=1.0), EE)
    for name in ("CIPS", "YIS", "WFC", "WORK-LIFE BALANCE", "IMPOSTER FEELINGS", "BELONGING", "WHO-5"):
        cohort = with_scores(people().assign(score=1.0), (name, "total"), cohort)
    chosen = [scale.instrument for scale in scales_by_gender(survey_study(cohort))]
    assert chosen == ["MBI", "CIPS", "IMPOSTER FEELINGS", "WFC", "WORK-LIFE BALANCE", "YIS"]


def test_a_gender_mentored_in_few_departments_has_an_estimate_and_no_interval():
    rows = people()
    few = sorted(rows["dept"].unique())[:5]
    kept = rows[(rows["female"] == 1) | rows["dept"].isin(few) | ~rows["staff_id"].isin(rows.loc[rows["mentored"] == 1, "staff_id"])]
    for chosen, interval in ((kept, False), (rows, True)):
        told = by_gender(survey_study(with_scores(chosen.assign(score=points(lambda rows: 0.0)), WFC)))
        assert all(np.isfinite(r.estimate.value) and np.isfinite(r.estimate.ci_low) == interval for r in told.results) and len(told.results) == 3
        assert ("few_clusters_by_gender" in {c.code for c in told.cautions}) != interval


def test_without_gender_or_with_few_of_one_it_is_a_gap():
    study = study_of(points(lambda rows: 0.0))
    staff = study.cohort.table("staff")
    few = staff["gender"].mask((staff["gender"] == "male") & (np.arange(len(staff)) > 60), "female")
    for changed, reason in ((staff.drop(columns="gender"), "not in these data"), (staff.assign(gender=few), "Fewer than 50")):
        bare = replace(study, cohort=replace(study.cohort, tables={**study.cohort.tables, "staff": changed}))
        told = by_gender(bare)
        assert not told.results and not told.exhibits and reason in told.gaps[0].reason


# -- words -----------------------------------------------------------------------------------------------------------------------------


def test_a_caution_on_many_scales_is_said_once_and_names_no_more_than_it_must():
    about = [("Belonging", (20.0,)), ("WHO-5", (9.0,)), ("Resilience", (30.0,))]
    [plain] = said_once({("code", "so it is."): about})
    assert plain.text == "Belonging, WHO-5, resilience: so it is." and plain.data["rests_on"] == (20.0, 9.0, 30.0)
    every = [name for name, _ in about]
    assert said_once({("code", "so it is."): about}, topic="By gender", scales=every)[0].text == "By gender: so it is."
    assert said_once({("code", "so."): about}, topic="By gender", scales=[*every, "GSE"])[0].text == "By gender, all scales but GSE: so."
    assert said_once({("code", "so."): about[:1]}, topic="By gender", scales=every)[0].text == "By gender, belonging: so."
