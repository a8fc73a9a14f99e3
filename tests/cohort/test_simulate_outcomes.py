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
    # the aggregated forms stand in place of others, items come with exports of surveys, the rest with delivered=True or innovated=True
    assert set(more.tables) == set(TABLES) - {"durations", "counts", "survey_items", "events", "outcomes_monthly", "wishes"}


def test_the_extra_tables_pass_the_schema_and_are_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        simulate_cohort(departments=8, staff=400, months=24, seed=3, outcomes=True).write(tmp_path / name)
    cohort = read_cohort(tmp_path / "a")
    assert cohort.has("surveys", "survey_invites", "projects", "career_events") and not cohort.findings.errors
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.fixture(scope="module")
def innovated():
    how = {"departments": 24, "staff": 2400, "months": 24, "waves": (5, 8, 11), "seed": 3, "outcomes": True, "project_rate": 0.8,
           "project_ratio": 1.6}  # fmt: skip
    return simulate_cohort(innovated=True, lab_ratio=(1.5, 1.3), **how), simulate_cohort(**how)


def test_innovation_is_drawn_apart_and_projects_go_one_way(innovated):
    made, plain = (one.tables for one in innovated)
    for name, table in plain.items():
        if name not in ("projects", "rollout", "programmes"):
            pd.testing.assert_frame_equal(table, made[name])
    assert set(made) - set(plain) == {"outcomes_monthly"}
    projects = made["projects"]
    adopted, given_up = (pd.to_datetime(projects[name].replace("", None)) for name in ("adopted_on", "abandoned_on"))
    start = pd.to_datetime(projects["start"])
    assert not (adopted.notna() & given_up.notna()).any() and (adopted.dropna() > start[adopted.notna()]).all()
    assert (adopted.notna() == (projects["stage"] == "adopted")).all() and (given_up.notna() == (projects["stage"] == "abandoned")).all()
    labs = made["rollout"][made["rollout"]["programme_id"] == "LAB"].set_index("dept_id")["active_from"]
    assert len(labs) == 12
    first = pd.to_datetime(projects["dept_id"].map(labs))
    # a project of the day on which the lab went live is one of the lab
    assert ((start >= first) == (projects["lab_id"] != "")).all()


def test_labs_mentors_and_both_together_begin_projects_at_the_rates_that_were_put_in(innovated):
    from mentorship_eval.cohort.simulation.innovated import _labs, _pieces
    from mentorship_eval.cohort.simulation.parameters import streams

    made = innovated[0]
    tables = {**made.tables, "rollout": innovated[1].tables["rollout"]}
    lives = _pieces(made.parameters, tables, _labs(made.parameters, tables, streams(3)["innovated"]))
    days = (lives["until"] - lives["since"]).to_numpy()
    origin = pd.Timestamp(made.parameters.start)
    started = made.tables["projects"].assign(day=lambda t: (pd.to_datetime(t["start"]) - origin).dt.days.astype(float))
    at = started.merge(lives, on=["staff_id", "dept_id"])
    at = at[(at["day"] >= at["since"]) & (at["day"] < at["until"])]
    for mentored in (False, True):
        for lab in (False, True):
            for active in (False, True):
                mine = (lives["mentored"] == mentored) & (lives["in_lab"] == lab) & (lives["active"] == active)
                wanted = 0.8 / 365.25 * days[mine].sum() * (1.6 if mentored else 1) * (1.5 if lab else 1) * (1.3 if lab and active else 1)
                found = ((at["mentored"] == mentored) & (at["in_lab"] == lab) & (at["active"] == active)).sum()
                assert abs(found - wanted) < 4.5 * math.sqrt(wanted) + 1
    truth = made.truth["innovation"]
    assert 1 < truth["projects_rate_ratio_programme_active"] < 1.6 * 1.3


def test_patient_outcomes_by_month_move_by_the_ratio_put_in():
    made = simulate_cohort(departments=24, staff=600, months=24, waves=(8,), seed=3, outcomes=True, innovated=True, outcome_ratio=0.5)
    table, live = made.tables["outcomes_monthly"], made.tables["rollout"].query("programme_id != 'LAB'").set_index("dept_id")["active_from"]
    active = pd.to_datetime(table["month"]) >= pd.to_datetime(table["dept_id"].map(live))
    treated = table["dept_id"].map(live).notna()
    rate = {now: table.loc[treated & (active == now), "num"].sum() / table.loc[treated & (active == now), "den"].sum() for now in (True, False)}
    assert 0.45 < rate[True] / rate[False] < 0.55
