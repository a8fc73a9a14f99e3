"""Wellbeing on simulated staff: change is found where it was put in and not where it was not, and silence is never passed over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.wellbeing.asked import survey_study
from mentorship_eval.questions.wellbeing.effects import by_scale, primary_scale
from mentorship_eval.questions.wellbeing.missing import last_wave, missing_answers
from mentorship_eval.questions.wellbeing.responses import likeness, response
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "surveys", "survey_invites")
SIZE = {"departments": 16, "staff": 1600, "months": 36, "uptake_delay": 2.0, "outcomes": True, "only": TABLES}


STRONG = {
    "exhaustion_change": -4.0, "resilience": (30.0, 6.0, 2.0), "self_efficacy": (28.0, 4.5, 2.0), "openness": (55.0, 15.0, 7.0),
    "safety_culture": (55.0, 15.0, 6.0), "across_units": (50.0, 15.0, 6.0), "work_family": (4.2, 1.0, -0.5), "belonging": (3.3, 0.6, 0.3),
    "satisfaction": (4.5, 0.9, 0.4), "engagement": (3.6, 1.0, 0.5), "wellbeing": (52.0, 16.0, 7.0),
}  # fmt: skip
MORE = {
    "gse": 2.0, "hsopsc_communication_openness": 7.0, "hsopsc_overall_perceptions": 6.0, "hsopsc_teamwork_across_units": 6.0, "wfc": -0.5,
    "belonging": 0.3, "job_satisfaction": 0.4, "uwes_9": 0.5, "who_5": 7.0,
}  # fmt: skip


@pytest.fixture(scope="module", params=["effect", "none"])
def made(request):
    effect = request.param == "effect"
    changes = STRONG if effect else {}
    return survey_study(simulated("default" if effect else "null", 6, **{**SIZE, **changes})), effect


@pytest.fixture(scope="module")
def told(made):
    return by_scale(made[0])


def result(section, name):
    return next(r for r in section.results if r.id == name).estimate


def test_change_that_was_put_in_is_found_and_none_where_there_is_none(made, told):
    effect = made[1]
    for slug, truth in (("mbi_ee", -4.0), ("cd_risc_10", 2.0), *MORE.items()):
        estimate = result(told, f"wellbeing.{slug}")
        # twelve scales: at 99.9 % none may miss its truth
        reach = 1.9 * (estimate.ci_high - estimate.ci_low) / 2
        assert abs(estimate.value - (truth if effect else 0.0)) < reach, slug
        assert abs(estimate.value) > reach if effect else True, slug
    assert [r.id for r in told.results if r.role == "headline"] == ["wellbeing.mbi_ee"]
    assert told.results[0].estimate.n == made[0].answers(primary_scale(made[0]))["person"].nunique()


def test_nobody_counts_as_mentored_before_the_match_and_who_was_at_first_is_left_out(made):
    study, _ = made
    began = pd.to_datetime(study.cohort.table("matches").groupby("mentee_id")["start"].min())
    mine = study.rows["person"].map(began)
    assert ((mine <= study.rows["day"]).astype(int) == study.rows["mentored"]).all()
    assert study.rows.loc[study.rows["wave"] == study.waves[0], "mentored"].sum() == 0
    invited = study.cohort.table("survey_invites")
    assert study.rows["person"].nunique() + study.prevalent == invited["staff_id"].nunique()
    assert len(study.rows[["person", "dept"]].drop_duplicates()) == study.rows["person"].nunique()


def test_answers_and_silence_add_up_to_who_was_asked(made):
    study, _ = made
    frame = response(study).exhibits[0].frames["rows"]
    assert (frame["answered"] + frame["silent"] == frame["asked"]).all() and frame["asked"].sum() == len(study.everyone) > len(study.rows)


@pytest.fixture(scope="module")
def silence(made):
    return missing_answers(made[0])


def test_silence_is_weighted_filled_in_and_tipped(made, silence):
    truth = -4.0 if made[1] else 0.0
    for name in ("last_wave", "weighted", "imputed"):
        estimate = result(silence, f"wellbeing.mbi_ee.{name}")
        assert estimate.ci_low < truth < estimate.ci_high, name
    table = next(e for e in silence.exhibits if e.id == "wellbeing.tipping").frames["rows"]
    assert (np.diff(table["estimate"]) > 0).all(), "shifting the silent up moves the estimate up"
    middle = table.loc[table["delta"] == 0, "estimate"].iloc[0]
    assert middle == pytest.approx(result(silence, "wellbeing.mbi_ee.imputed").value)
    rows = last_wave(made[0], primary_scale(made[0]))
    assert rows["baseline"].notna().all() and rows["outcome"].isna().any()


def test_likeness_of_answers_is_that_of_the_person(made):
    found = result(likeness(made[0]), "wellbeing.mbi_ee.icc.person")
    assert found.ci_low < 0.75 < found.ci_high or abs(found.value - 0.75) < 0.04


def test_p_values_of_the_scales_are_adjusted_as_one_family(told):
    frame = next(e for e in told.exhibits if e.id == "wellbeing.adjusted").frames["rows"]
    assert len(frame) == 12 and (frame["holm"] >= frame["p_value"]).all() and (frame["benjamini_hochberg"] <= frame["holm"] + 1e-12).all()


def test_anonymous_answers_are_described_and_not_compared(made):
    study, _ = made
    surveys = study.cohort.table("surveys").rename(columns={"staff_id": "anon_id"})
    tables = {name: table for name, table in study.cohort.tables.items() if name not in ("surveys", "survey_invites")}
    answer = answer_chapter("wellbeing", replace(study.cohort, tables={**tables, "surveys": surveys}))
    assert "anonymous" in answer.gaps[0].reason and answer.exhibit("wellbeing.means") is not None
    assert not [r for r in answer.results if r.role in ("headline", "companion")]
    none = answer_chapter("wellbeing", replace(study.cohort, tables=tables))
    assert "surveys" in none.gaps[0].unlock and not none.exhibits


def test_a_small_chapter_is_protected_and_drawn():
    cohort = simulated("default", 8, **{**SIZE, "departments": 6, "staff": 260, "months": 30})
    answer = answer_chapter("wellbeing", cohort)
    [shown], _ = protect([answer], Rule())
    assert all(draw(exhibit) is not None for exhibit in shown.exhibits)
    table = shown.exhibit("wellbeing.response")
    if table is not None:
        counts = table.frames["rows"][["asked", "answered", "silent"]].apply(pd.to_numeric, errors="coerce")
        assert not ((counts > 0) & (counts < 10)).any().any()
