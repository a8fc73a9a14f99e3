"""Surveys, projects and promotions of a simulated cohort: the asked-for rates and effects come out, and nothing else moves."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort, simulate_cohort
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.simulation.outcomes import promotion_ratio

START = pd.Timestamp("2022-01-01")


@pytest.fixture(scope="module")
def made():
    return simulate_cohort(departments=48, staff=9600, seed=5, outcomes=True)


@pytest.fixture(scope="module")
def null():
    return simulate_cohort("null", departments=48, staff=9600, seed=5, outcomes=True)


def person_years(cohort):
    """Staff-years in the window before and since mentoring, by hand."""
    spells = cohort["spells"]
    first = pd.to_datetime(spells.groupby("staff_id")["start"].min()).clip(lower=START)
    last = pd.to_datetime(spells["end"]).fillna(pd.Timestamp("2024-12-31")).groupby(spells["staff_id"]).max().clip(upper=pd.Timestamp("2024-12-31"))
    began = pd.to_datetime(cohort["matches"].groupby("mentee_id")["start"].min()).reindex(first.index)
    switch = began.fillna(last).clip(lower=first, upper=last)
    return (switch - first).dt.days.sum() / 365.25, (last - switch).dt.days.sum() / 365.25, began


def split(table, date, began):
    return pd.to_datetime(table[date]) >= table["staff_id"].map(began)


def rates(cohort, table, date):
    before, since, began = person_years(cohort)
    after = split(cohort[table], date, began)
    return (~after).sum() / before, after.sum() / since, int(after.sum())


def test_projects_come_at_the_asked_for_rates_and_ratio(made, null):
    before, since, number = rates(made, "projects", "start")
    assert abs(math.log(before / 0.10)) < 4 / math.sqrt(0.10 * person_years(made)[0])
    assert abs(math.log(since / before) - math.log(1.6)) < 3 / math.sqrt(number)
    before, since, number = rates(null, "projects", "start")
    assert abs(math.log(since / before)) < 3 / math.sqrt(number)


def test_promotions_reach_five_in_a_hundred_within_a_year(made):
    spells = made["spells"]
    there = set(spells.loc[pd.to_datetime(spells["start"]) <= START, "staff_id"])
    stayed = [s for s, end in spells.groupby("staff_id")["end"].apply(lambda e: pd.to_datetime(e).max()).items()
              if s in there and (pd.isna(end) or end > pd.Timestamp("2023-01-01"))]  # fmt: skip
    steps = made["career_events"]
    promoted = steps[steps["event"] == "promotion"].set_index("staff_id")["date"].reindex(stayed)
    share = (pd.to_datetime(promoted) <= pd.Timestamp("2023-01-01")).mean()
    assert share == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / len(stayed)))
    assert promotion_ratio(made.parameters) == pytest.approx(math.log(0.94) / math.log(0.95))


def test_leadership_posts_and_certificates_come_more_often_once_mentored_and_not_without_effect(made, null):
    for cohort, expected in ((made, (math.log(0.973) / math.log(0.98), math.log(0.87) / math.log(0.90))), (null, (1.0, 1.0))):
        truth = cohort.truth["outcomes"]
        assert (truth["leadership_role_hazard_ratio_mentored"], truth["certification_hazard_ratio_mentored"]) == pytest.approx(expected)
        assert set(cohort["career_events"]["event"]) == {"promotion", "leadership_role", "acting_up", "certification"}
    share = made["staff"].assign(senior=made["staff"]["grade"].isin(["band 7", "band 8"])).groupby("gender")["senior"].mean()
    size = made["staff"]["gender"].value_counts()
    for gender, asked in (("male", 0.40), ("female", 0.32)):
        assert share[gender] == pytest.approx(asked, abs=4 * math.sqrt(asked * (1 - asked) / size[gender]))


def test_surveys_have_the_asked_for_level_change_and_selective_silence(made, null):
    for cohort, change in ((made, -2.5), (null, 0.0)):
        frame = cohort["surveys"][cohort["surveys"]["instrument"] == "MBI"]
        invited = cohort["survey_invites"].merge(frame[["staff_id", "wave", "score"]], on=["staff_id", "wave"], how="left")
        response = invited.groupby("wave")["score"].apply(lambda s: s.notna().mean())
        assert np.allclose(response, [0.70, 0.58, 0.50], atol=0.03)
        # who is exhausted answers less: the mean of the answers lies below the level of everybody
        assert frame.loc[frame["wave"] == 0, "score"].mean() < 24.0
        last = frame[frame["wave"] == 2]
        mentored = last["staff_id"].isin(cohort["matches"].loc[cohort["matches"]["start"] <= "2023-10-01", "mentee_id"])
        found = last.loc[mentored, "score"].mean() - last.loc[~mentored, "score"].mean()
        error = last["score"].std() * math.sqrt(1 / mentored.sum() + 1 / (~mentored).sum())
        assert abs(found - change) < 4 * error, (found, change, error)


def test_the_core_tables_do_not_change_when_outcomes_are_asked_for():
    plain, more = (simulate_cohort(departments=8, staff=400, months=24, seed=3, outcomes=flag) for flag in (False, True))
    for name, table in plain.tables.items():
        pd.testing.assert_frame_equal(table, more.tables[name].drop(columns="grade", errors="ignore"))
    # the aggregated forms stand in place of others, items come with exports of surveys, and events with delivered=True
    assert set(more.tables) == set(TABLES) - {"durations", "counts", "survey_items", "events"}


def test_the_extra_tables_pass_the_schema_and_are_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        simulate_cohort(departments=8, staff=400, months=24, seed=3, outcomes=True).write(tmp_path / name)
    cohort = read_cohort(tmp_path / "a")
    assert cohort.has("surveys", "survey_invites", "projects", "career_events") and not cohort.findings.errors
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
