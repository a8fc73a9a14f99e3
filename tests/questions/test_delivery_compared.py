"""Kinds of sessions, matches and versions compared: what was put in by hand is found, what was not is not, and two roads lead to one number."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.delivery.barriers import missed
from mentorship_eval.questions.delivery.by_mode import by_mode
from mentorship_eval.questions.delivery.compared import difference_of, odds_within
from mentorship_eval.questions.delivery.modifiers import modifiers
from mentorship_eval.questions.delivery.preparation import recognition
from mentorship_eval.questions.delivery.study import delivery_study
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "goals", "feedback", "wishes")
SIZE = {"departments": 20, "staff": 1400, "months": 30, "waves": (4, 7, 10), "outcomes": True, "delivered": True, "paired": True, "only": TABLES}


@pytest.fixture(scope="module")
def cohort():
    return simulated("default", 5, **SIZE)


def changed(cohort, **tables):
    return replace(cohort, tables={**cohort.tables, **tables})


def shown(section):
    return {r.id.removeprefix("delivery."): r.estimate for r in section.results}


def made_anew(cohort, odds: float = 1.0, *, seed: int = 0, told: bool = True):
    """Sessions with a mode drawn for each, and held by a chance of the match whose odds a remote session multiplies; told: also of those not held."""
    rng, sessions = np.random.default_rng(seed), cohort.table("sessions")
    code = pd.factorize(sessions["match_id"])[0]
    leaning = rng.random(code.max() + 1) < 0.45
    away = np.where(rng.random(len(code)) < 0.85, leaning[code], ~leaning[code])
    # pairs that lean to remote sessions meet less often anyhow: within a match nothing of that remains
    level = 1.0 + 0.8 * rng.standard_normal(code.max() + 1) - 0.7 * leaning
    held = rng.random(len(code)) < 1 / (1 + np.exp(-level[code] - math.log(odds) * away))
    mode = np.where(away, "remote", "on_site").astype(object)
    return changed(cohort, sessions=sessions.assign(status=np.where(held, "held", "cancelled"), mode=mode if told else np.where(held, mode, None)))


@pytest.mark.parametrize("odds", [0.5, 1.0])
def test_a_mode_that_matters_for_attendance_is_found_within_matches(cohort, odds):
    found = shown(by_mode(delivery_study(made_anew(cohort, odds))))
    within = found["by_mode.within"]
    assert abs(math.log(within.value / odds)) < 3.3 * within.se and within.se < 0.15
    assert (within.ci_high < 1) == (odds < 1)
    # beside each other, remote sessions are held less often even where the mode does nothing: the pairs are others
    assert found["by_mode.attendance"].ci_high < 0


def test_where_missed_sessions_tell_no_mode_pairs_are_compared_by_their_first(cohort):
    study = delivery_study(made_anew(cohort, told=False))
    made, rows = by_mode(study), study.sessions
    # all whose mode is known were held: compared session by session, remote and on site would both be held always
    assert (rows.loc[rows["mode"].notna(), "held"] == 1).all()
    attendance = shown(made)["by_mode.attendance"]
    totals = {"remote": [], "on_site": []}
    for _, mine in rows.sort_values("date", kind="stable").groupby("match_id"):
        held = mine[mine["held"] == 1]
        if len(held):
            totals[held["mode"].iloc[0]] += mine.loc[mine["date"] > held["date"].iloc[0], "held"].tolist()
    assert attendance.value == pytest.approx(100 * (np.mean(totals["remote"]) - np.mean(totals["on_site"])))
    assert attendance.n == sum(map(len, totals.values()))


def test_modes_drawn_without_regard_to_attendance_make_no_difference(cohort):
    z = []
    for seed in range(4):
        rng, sessions = np.random.default_rng(seed), cohort.table("sessions")
        pairs = pd.factorize(sessions["match_id"])[0]
        mode = np.where((rng.random(pairs.max() + 1) < 0.4)[pairs], "remote", "on_site").astype(object)
        study = delivery_study(changed(cohort, sessions=sessions.assign(mode=np.where(sessions["status"] == "held", mode, None))))
        for name, value in shown(by_mode(study)).items():
            z.append((math.log(value.value) if value.is_ratio else value.value) / value.se)
            assert name.startswith("by_mode.")
    assert len(z) == 12 and abs(np.mean(z)) < 1.3 and np.mean(np.abs(z) > 2.2) < 0.2


@pytest.mark.parametrize("points", [0.0, 8.0])
def test_ratings_by_mode(cohort, points):
    rows = delivery_study(cohort).sessions
    share = rows[rows["held"] == 1].groupby("match_id")["mode"].apply(lambda modes: (modes == "remote").mean())
    feedback = cohort.table("feedback")
    better = feedback["match_id"].map(share).fillna(0).gt(0.5)
    found = shown(by_mode(delivery_study(changed(cohort, feedback=feedback.assign(mqs=feedback["mqs"] * 0.8 + points * better)))))["by_mode.quality"]
    plain = shown(by_mode(delivery_study(cohort)))["by_mode.quality"]
    assert found.value == pytest.approx(0.8 * plain.value + points)
    assert (found.ci_low > 0) == (points > 0)


@pytest.mark.parametrize("effect", [True, False])
def test_kinds_of_match_that_end_sooner_or_are_rated_higher_are_found(cohort, effect):
    """Ends and ratings drawn anew by hand: groups end early at 2.5 times the hazard and are rated 6 points higher; trained mentors at 0.4 times."""
    rng, matches = np.random.default_rng(8), cohort.table("matches")
    pairs = delivery_study(cohort).mentoring
    group = (pairs["format"] == "group").to_numpy(float)
    day = pairs["mentor_id"].map(pd.to_datetime(cohort.table("mentors").set_index("staff_id")["trained_on"]))
    trained = (day <= pairs["start"]).to_numpy(float)
    slopes = (math.log(2.5), math.log(0.4)) if effect else (0.0, 0.0)
    rate = np.exp(slopes[0] * group + slopes[1] * trained + 0.3 * rng.standard_normal(20)[pd.factorize(pairs["dept_id"])[0]]) / 350
    ends, room = rng.exponential(1 / rate), np.minimum(240.0, (pairs["last"] - pairs["start"]).dt.days)
    early = ends < room
    known = pairs.assign(end=pairs["start"] + pd.to_timedelta(np.ceil(np.where(early, ends, room)), unit="D"),
                         end_reason=np.where(early, "not getting on", "completed")).set_index("match_id")  # fmt: skip
    mine = matches["match_id"].isin(known.index)
    new = matches.assign(end=matches["match_id"].map(known["end"]).where(mine, matches["end"]),
                         end_reason=matches["match_id"].map(known["end_reason"]).where(mine, matches["end_reason"]))  # fmt: skip
    feedback = cohort.table("feedback").merge(matches[["match_id", "format"]], on="match_id")
    lift = 6.0 * (feedback["format"] == "group") if effect else 0.0
    feedback = feedback.assign(mqs=0.8 * feedback["mqs"] + lift).drop(columns="format")
    section = modifiers(delivery_study(changed(cohort, matches=new, feedback=feedback)))
    found = shown(section)
    for name, slope in (("ends.format", slopes[0]), ("ends.trained", slopes[1])):
        estimate = found[f"modifiers.{name}"]
        assert abs(math.log(estimate.value) - slope) < 3.3 * estimate.se, name
        assert (not estimate.ci_low < 1 < estimate.ci_high) == effect, name
    rating = found["modifiers.rating.format"]
    assert (rating.ci_low > 0) == effect and abs(found["modifiers.rating.trained"].value) < 3.3 * found["modifiers.rating.trained"].se


def test_a_mentor_trained_later_was_not_trained_when_the_match_began(cohort):
    pairs, mentors = delivery_study(cohort).mentoring, cohort.table("mentors")
    late = pairs.groupby("mentor_id")["start"].min() + pd.Timedelta(days=1)
    half = set(late.index[::2])
    after = mentors.assign(trained_on=pd.to_datetime(mentors["staff_id"].map(late)).where(mentors["staff_id"].isin(half), pd.Timestamp("2000-01-01")))
    found = shown(modifiers(delivery_study(changed(cohort, mentors=after))))["modifiers.rating.trained"]
    rated = cohort.table("feedback").query("role == 'mentee'").groupby("match_id")["mqs"].mean()
    rows = pairs.assign(mqs=pairs["match_id"].map(rated)).dropna(subset=["mqs"])
    untrained = rows["mentor_id"].isin(half) & (rows["start"] < rows["mentor_id"].map(late))
    assert found.value == pytest.approx(rows.loc[~untrained, "mqs"].mean() - rows.loc[untrained, "mqs"].mean())


@pytest.mark.parametrize("more", [0.6, 1.0])
def test_departments_with_more_protected_time_that_meet_more_often_are_found(cohort, more):
    """Where fewer hours are planned a share of the sessions is taken away; else at random everywhere."""
    rng, rollout = np.random.default_rng(2), cohort.table("rollout")
    hours = rollout.assign(protected_hours_month=np.where(rollout["active_from"].notna(), 1.0 + (np.arange(len(rollout)) % 2), np.nan))
    study = delivery_study(changed(cohort, rollout=hours))
    fewer = set(hours.loc[hours["protected_hours_month"] == 1.0, "dept_id"])
    gone = study.sessions["session_id"][study.sessions["dept_id"].isin(fewer).to_numpy() & (rng.random(len(study.sessions)) > more)]
    sessions = cohort.table("sessions")
    made = modifiers(delivery_study(changed(cohort, rollout=hours, sessions=sessions[~sessions["session_id"].isin(gone)])))
    found = shown(made)["modifiers.protected.planned"]
    assert abs(math.log(found.value * more)) < 3.3 * found.se and (found.ci_low > 1) == (more < 1)


@pytest.mark.parametrize("odds", [2.0, 1.0])
def test_what_goes_with_missed_sessions_is_found(cohort, odds):
    rng = np.random.default_rng(4)
    rows = delivery_study(cohort).sessions
    # whoever has several mentees on the day, counted one by one
    pairs = delivery_study(cohort).mentoring
    spans = {mentor: (mine["start"].to_numpy(), mine["last"].to_numpy()) for mentor, mine in pairs.groupby("mentor_id")}
    several = np.array([((spans[mentor][0] <= day) & (spans[mentor][1] >= day)).sum() >= 2
                        for mentor, day in zip(rows["mentor_id"], rows["date"].to_numpy(), strict=True)])  # fmt: skip
    level = 0.5 * rng.standard_normal(20)[pd.factorize(rows["dept_id"])[0]]
    gone = rng.random(len(rows)) < 1 / (1 + np.exp(1.0 - level - math.log(odds) * several))
    status = pd.Series(np.where(gone, "cancelled", "held"), index=rows["session_id"])
    sessions = cohort.table("sessions")
    new = sessions.assign(status=sessions["session_id"].map(status).fillna(sessions["status"]), mode="on_site")
    section = missed(delivery_study(changed(cohort, sessions=new)))
    found = shown(section)
    load = found["missed.workload"]
    assert abs(math.log(load.value / odds)) < 3.3 * load.se and (load.ci_low > 1) == (odds > 1)
    for name in ("early", "winter"):
        assert abs(math.log(found[f"missed.{name}"].value)) < 3.3 * found[f"missed.{name}"].se, name
    # nobody met remotely: nothing to compare, and said
    assert any("remote" in gap.question for gap in section.gaps)


def test_recognition_is_that_of_mentors_with_a_mentee(cohort):
    study, mentors = delivery_study(cohort), cohort.table("mentors")
    mine = mentors[mentors["staff_id"].isin(study.mentoring["mentor_id"])]
    found = shown(recognition(study))["recognised"]
    assert (found.n, found.n_events) == (len(mine), mine["appraisal_recognised"].astype(float).sum()) and 0.2 < found.value < 0.6
    none = shown(recognition(delivery_study(changed(cohort, mentors=mentors.assign(appraisal_recognised=0)))))["recognised"]
    assert none.value == 0 and none.n == found.n
    half = mentors.assign(appraisal_recognised=mentors["appraisal_recognised"].mask(mentors.index % 2 == 0))
    section = recognition(delivery_study(changed(cohort, mentors=half)))
    assert shown(section)["recognised"].n < found.n and [each.code for each in section.cautions] == ["recognition_unsaid"]
    assert recognition(delivery_study(changed(cohort, mentors=mentors.drop(columns="appraisal_recognised")))).gaps


def test_odds_within_strata_are_those_of_a_conditional_model():
    """Pairs of one remote and one other session: the conditional odds ratio is the ratio of the discordant pairs, as Mantel and Haenszel's is."""
    rng = np.random.default_rng(6)
    yes = rng.random((400, 2)) < np.array([0.6, 0.4])
    stratum = np.repeat(np.arange(400), 2)
    found, behind = odds_within(yes.ravel(), np.tile([1, 0], 400), stratum, stratum // 20)
    one, other = (yes[:, 0] & ~yes[:, 1]).sum(), (~yes[:, 0] & yes[:, 1]).sum()
    assert found.value == pytest.approx(one / other) and behind == (one + other, one + other)
    # of independent pairs the error of the log is known
    assert found.se == pytest.approx(math.sqrt(1 / one + 1 / other), rel=0.5) and found.n_clusters == 20


def test_a_difference_is_that_of_means_and_has_no_interval_in_one_place():
    side, place, values = np.tile([0, 1], 20), np.repeat(np.arange(4), 10), np.linspace(0, 1, 40)
    found = difference_of(values, side, place)
    assert found.value == pytest.approx(100 * (values[side == 1].mean() - values[side == 0].mean())) and found.df == 3
    apart = difference_of(values, place == 0, place)
    assert math.isnan(apart.ci_low) and apart.warnings[0].code == "group_in_one_place"
    assert difference_of(100 * values, side, place, unit="points of 100").value == pytest.approx(found.value)


@pytest.mark.slow
def test_the_new_tables_are_protected_and_drawn(cohort):
    answer = answer_chapter("delivery", made_anew(cohort, 0.5))
    names = ("delivery.by_mode", "delivery.modifiers", "delivery.missed")
    safe = protect([answer], Rule(threshold=10))[0][0]
    for name in names:
        assert answer.exhibit(name) is not None
        draw(safe.exhibit(name))
    told = [r.id for r in answer.results]
    assert len(told) == len(set(told))
