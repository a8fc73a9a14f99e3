"""Dose: bands, per session, mode and format; what was built in comes back, a dose that does nothing gives nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort.person_time.dose import dose_rows, held_sessions
from mentorship_eval.questions.retention.dose import dose
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.survival import cox
from tests.questions.built import built
from tests.questions.cohorts import simulated, small


def shown(section):
    return {r.id.removeprefix("retention.dose."): r for r in section.results}


@pytest.fixture(scope="module")
def study():
    return prepare(simulated(departments=48, staff=4800))


@pytest.fixture(scope="module")
def told(study):
    return dose(study)


def test_a_dose_that_matters_is_found():
    made = prepare(built(3, 5000, ratio=lambda group, sessions: 1.0 if sessions < 3 else 0.35, rate=1 / 400))
    found = shown(dose(made))
    for name, truth in {"sessions.1_to_2": 1.0, "sessions.3_to_5": 0.35, "sessions.6_or_more": 0.35}.items():
        estimate = found[name].estimate
        assert abs(math.log(estimate.value / truth)) < 3.3 * estimate.se, name
    assert found["per_session"].estimate.ci_high < 1


def test_a_dose_that_does_nothing_beyond_being_mentored_gives_nothing():
    errors = []
    for seed in range(5, 8):
        made = prepare(built(seed, 1500, ratio=lambda group, sessions: 0.5, rate=1 / 400))
        estimate = shown(dose(made))["per_session"].estimate
        errors.append(math.log(estimate.value) / estimate.se)
    assert abs(np.mean(errors)) < 3 / math.sqrt(len(errors))


def test_bands_are_a_direct_call_on_rows_cut_at_sessions(study, told):
    cohort = study.cohort
    held = held_sessions(episodes=study.episodes, matches=cohort.table("matches"), sessions=cohort.table("sessions"))
    rows = dose_rows(study.rows, held, cohort.table("matches"), study.episodes.persons.set_index("staff_id")["hire"])
    edges = {"0 to 2": (0, 2), "3 to 5": (3, 5), "6 or more": (6, 10**6)}  # nobody expected to leave before a first session: joined
    terms = []
    for name, (low, high) in edges.items():
        terms.append(f"in {name}")
        rows[terms[-1]] = ((rows["mentored"] == 1) & rows["sessions"].between(low, high)).astype(float)
    fit = cox(rows, start="start", stop="stop", event="event", covariates=[*terms, *study.model], strata="dept_id", cluster="dept_at_entry",
              variance="cluster")  # fmt: skip
    found = shown(told)
    for name, slug in zip(edges, ("0_to_2", "3_to_5", "6_or_more"), strict=True):
        own, expected = found[f"sessions.{slug}"].estimate, fit.estimates[f"in {name}"]
        assert (own.value, own.ci_low) == pytest.approx((expected.value, expected.ci_low), rel=1e-8)
        inside = rows[rows[f"in {name}"] == 1]
        assert (own.n, own.n_events) == (inside["staff_id"].nunique(), inside["event"].sum())


def test_the_exhibit_has_its_reference_and_its_warning(told):
    [exhibit] = told.exhibits
    frame = exhibit.frames["rows"]
    assert exhibit.kind == "dose_response" and frame["reference"].tolist() == [True] + [False] * (len(frame) - 1)
    assert frame["estimate"].iloc[0] == 1.0 and "not effect" in exhibit.note
    assert all("association of dose, not effect" in r.estimand for r in told.results)
    assert [c for c in told.cautions if c.code == "dose_is_association"]


def test_modes_are_compared_within_one_fit(told):
    found = shown(told)
    assert {"mode.on_site", "mode.remote", "mode.compared"} <= set(found)
    ratio = found["mode.remote"].estimate.value / found["mode.on_site"].estimate.value
    estimate = found["mode.compared"].estimate
    assert estimate.value == pytest.approx(ratio) and estimate.ci_low < ratio < estimate.ci_high
    # nothing is different about the modes in the simulation
    assert abs(math.log(ratio)) < 3 * estimate.se


def test_formats_are_told_when_there_are_two(study):
    matches = study.cohort.table("matches").copy()
    matches["format"] = np.where(np.arange(len(matches)) % 3 == 0, "group", "1:1")
    cohort = replace(study.cohort, tables={name: table for name, table in {**study.cohort.tables, "matches": matches}.items() if name != "sessions"})
    told = dose(replace(study, cohort=cohort))
    assert {r.id for r in told.results} == {"retention.dose.format.1_1", "retention.dose.format.group"}
    assert [gap for gap in told.gaps if "sessions" in gap.unlock]


def test_without_sessions_or_an_estimate_there_is_a_gap(study):
    bare = {name: table for name, table in study.cohort.tables.items() if name != "sessions"}
    told = dose(replace(study, cohort=replace(study.cohort, tables=bare)))
    assert not told.results and "sessions (match_id, date" in told.gaps[0].unlock
    told = dose(replace(study, main=None))
    assert not told.results and told.gaps
    nothing = replace(study.cohort, tables={**study.cohort.tables, "sessions": study.cohort.table("sessions").assign(status="cancelled")})
    told = dose(replace(study, cohort=nothing))
    assert not told.results and "No session was held" in told.gaps[0].reason


def test_thin_bands_join_the_one_below():
    cohort = small(staff=1500, departments=12)
    sessions = cohort.table("sessions")
    few = sessions[sessions["status"] == "held"].groupby("match_id").head(3)
    made = prepare(replace(cohort, tables={**cohort.tables, "sessions": few}))
    frame = dose(made).exhibits[0].frames["rows"]
    assert "6 or more" not in set(frame["label"]) and isinstance(frame, pd.DataFrame) and len(frame) >= 2
