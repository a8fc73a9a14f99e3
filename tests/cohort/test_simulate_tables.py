"""The optional tables: their effects come out as asked for, and none in `null`; files, blocks, aggregated forms and mergers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort, simulate_cohort
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.simulation import files, mentors, population
from mentorship_eval.errors import UsageError

START = pd.Timestamp("2022-01-01")
SMALL = {"departments": 8, "staff": 400, "months": 24, "seed": 3}


@pytest.fixture(scope="module", params=["default", "null"])
def made(request):
    return simulate_cohort(request.param, departments=24, staff=4800, seed=6, outcomes=True)


def begun(made):
    return made["matches"].groupby("mentee_id")["start"].min()


def log_odds(met, of):
    return math.log(met / (of - met)), math.sqrt(1 / met + 1 / (of - met))


def test_training_in_time_is_more_frequent_once_mentored_by_the_risk_difference(made):
    rows = made["training"].assign(due=pd.to_datetime(made["training"]["due"]), completed=pd.to_datetime(made["training"]["completed"]))
    since = rows["staff_id"].map(begun(made)) <= rows["due"] - pd.Timedelta(days=60)
    in_time = rows["completed"] <= rows["due"]
    shares = in_time.groupby(since).agg(["mean", "size"])
    error = math.sqrt((shares["mean"] * (1 - shares["mean"]) / shares["size"]).sum())
    wanted = made.truth["outcomes"]["training_in_time_risk_difference_mentored"]
    assert wanted == pytest.approx(0.0 if made.truth["scenario"] == "null" else 0.06)
    assert abs(shares["mean"].diff().iloc[-1] - wanted) < 4 * error


def test_ties_across_professions_rise_once_mentored_and_those_within_do_not(made):
    ties, profession = made["collaboration"], made["staff"].set_index("staff_id")["profession"]
    assert not ties["from_id"].eq(ties["to_id"]).any()
    across = ties["from_id"].map(profession) != ties["to_id"].map(profession)
    start = begun(made)
    after = pd.to_datetime(ties["date"]) >= ties["from_id"].map(start)
    spells, end = made["spells"], pd.Timestamp("2024-12-31")
    first = spells.groupby("staff_id")["start"].min().clip(lower=START)
    last = spells["end"].fillna(end).groupby(spells["staff_id"]).max().clip(upper=end)
    switch = start.reindex(first.index).fillna(last).clip(lower=first, upper=last)
    days = np.array([(switch - first).dt.days.sum(), (last - switch).dt.days.sum()])
    for kind, wanted in ((across, made.truth["outcomes"]["ties_across_professions_rate_ratio_mentored"]), (~across, 1.0)):
        counts = np.array([(kind & ~after).sum(), (kind & after).sum()])
        ratio = np.log(counts / days)
        assert abs(ratio[1] - ratio[0] - math.log(wanted)) < 4 * math.sqrt((1 / counts).sum())


def test_audits_improve_under_the_programme_by_the_odds_ratio(made):
    rows = made["audits"].merge(made["rollout"][["dept_id", "active_from"]], on="dept_id")
    after = rows["month"] >= START + pd.DateOffset(months=22)
    before = rows["month"] < START + pd.DateOffset(months=10)
    value, variance = 0.0, 0.0
    for sign, ever, when in ((1, True, after), (-1, True, before), (-1, False, after), (1, False, before)):
        some = rows[rows["active_from"].notna().eq(ever) & when]
        odds, error = log_odds(some["num"].sum(), some["den"].sum())
        value, variance = value + sign * odds, variance + error**2
    truth = made.truth["outcomes"]
    assert truth["audit_odds_ratio_programme"] == (1.0 if made.truth["scenario"] == "null" else 1.35)
    # departments differ in level, which pulls pooled odds towards one another: a twentieth of the effect
    assert abs(value - math.log(truth["audit_odds_ratio_programme"])) < 4 * math.sqrt(variance) + 0.02
    assert (rows["num"] <= rows["den"]).all()


def test_every_instrument_changes_as_asked_and_stays_in_its_range(made):
    rows, truth = made["surveys"], made.truth["outcomes"]
    ranges = {"CD-RISC-10": (0, 40, "resilience"), "UWES-9": (0, 6, "engagement"), "WHO-5": (0, 100, "wellbeing")}
    mentored = rows["staff_id"].isin(begun(made).loc[lambda day: day <= pd.Timestamp("2023-10-01")].index)
    for instrument, (low, high, name) in ranges.items():
        some = rows["instrument"].eq(instrument)
        assert rows.loc[some, "score"].between(low, high).all()
        last = some & rows["wave"].eq(2)
        groups = rows.loc[last, "score"].groupby(mentored[last]).agg(["mean", "std", "size"])
        error = math.sqrt((groups["std"] ** 2 / groups["size"]).sum())
        assert abs(groups["mean"].diff().iloc[-1] - truth[f"{name}_change_mentored"]) < 4 * error


def test_goals_ratings_costs_and_programmes_are_consistent(made):
    goals, matches = made["goals"].merge(made["matches"], on="match_id"), made["matches"]
    assert (goals["set_on"] >= goals["start"]).all() and (goals["set_on"] <= goals["due_on"]).all()
    assert (goals["achieved_on"].isna() | (goals["achieved_on"] > goals["set_on"])).all()
    early = goals["set_on"] < pd.Timestamp("2024-05-01")
    assert abs(goals.loc[early, "achieved_on"].notna().mean() - 0.6) < 5 * math.sqrt(0.24 / early.sum())
    feedback = made["feedback"].merge(matches, on="match_id")
    assert feedback["mqs"].between(0, 100).all() and (feedback["date"] >= feedback["start"]).all()
    assert feedback["mqs"].mean() == pytest.approx(74, abs=2) and set(feedback["role"]) == {"mentee", "mentor"}
    assert (made["costs"]["low"] <= made["costs"]["amount"]).all() and (made["costs"]["amount"] <= made["costs"]["high"]).all()
    assert made["programmes"]["version"].tolist() == ["1.0", "1.1"] and made["programmes"].notna().drop(columns="valid_to").all(axis=None)


def test_two_departments_become_one_without_anything_lost(tmp_path):
    plain, made = (simulate_cohort(**SMALL, outcomes=True, merger_month=month) for month in (-1, 12))
    row = made["dept_lineage"].iloc[0]
    gone, day = row["from_id"], pd.Timestamp("2023-01-01")
    assert row["effective"] == "2023-01-01" and made.truth["retention"] == plain.truth["retention"]
    for name, column in (("incidents", "occurred"), ("exposure", "month"), ("audits", "month")):
        some = made[name]["dept_id"].eq(gone)
        assert some.any() and (made[name].loc[some, column] < day).all()
    for column in ("patient_days", "staffed_wte"):
        assert made["exposure"][column].sum() == pytest.approx(plain["exposure"][column].sum())
    spells = made["spells"]
    assert (spells.loc[spells["dept_id"].eq(gone), "end"] < day).all() and len(made["incidents"]) == len(plain["incidents"])
    cohort = read_cohort(made.write(tmp_path))
    cohort.reconcile()
    assert not cohort.table("exposure")["dept_id"].eq(gone).any() and len(cohort.findings.of("R110")) == 1
    with pytest.raises(UsageError):
        simulate_cohort(departments=2, staff=60, months=24, merger_month=12, organisations=2, sites=2)


def test_the_aggregated_forms_are_the_same_cohort(tmp_path):
    made = simulate_cohort(**SMALL)
    cohort = read_cohort(made.aggregated().write(tmp_path))
    assert set(cohort.tables) == {"durations", "counts"} and not cohort.findings.errors
    tables = {name: made[name] for name in ("staff", "spells", "matches", "rollout")}
    rows = mentorship_episodes(**tables, start="2022-01-01", end="2023-12-31").rows
    durations = cohort.table("durations")
    assert (durations["time"] - durations["entry"]).sum() == (rows["stop"] - rows["start"]).sum()
    assert durations["event"].sum() == rows["cause"].ne("").sum()
    assert cohort.table("counts")[["harm", "no_harm", "near_miss"]].to_numpy().sum() == len(made["incidents"])


def test_parquet_holds_what_csv_holds_and_blocks_change_no_byte(tmp_path, monkeypatch):
    made = simulate_cohort(**SMALL, outcomes=True)
    text, binary = made.write(tmp_path / "csv"), made.write(tmp_path / "parquet", format="parquet")
    first, second = read_cohort(text), read_cohort(binary)
    for name in first.tables:
        pd.testing.assert_frame_equal(first.table(name), second.table(name), check_dtype=False)
    again = made.write(tmp_path / "again", format="parquet")
    monkeypatch.setattr(files, "_ROWS", 97)
    blocks = made.write(tmp_path / "blocks")
    for path in text.iterdir():
        assert path.read_bytes() == (blocks / path.name).read_bytes(), path.name
    for path in binary.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    with pytest.raises(UsageError):
        made.write(tmp_path / "other", format="xls")


def test_large_cohorts_go_in_blocks_and_mentors_are_tried_by_chance(monkeypatch):
    usual = simulate_cohort(**{**SMALL, "staff": 3000})
    monkeypatch.setattr(population, "BLOCK", 700)
    monkeypatch.setattr(mentors, "EVERY_POST", 0)
    made, same = (simulate_cohort(**{**SMALL, "staff": 3000}) for _ in range(2))
    pd.testing.assert_frame_equal(made["spells"], same["spells"])
    assert made["staff"]["staff_id"].is_unique and len(made["staff"]) == 3000
    assert len(made["spells"]) == pytest.approx(len(usual["spells"]), rel=0.05)
    assert len(made["matches"]) == pytest.approx(len(usual["matches"]), rel=0.2)
    met, spells = made["matches"], made["spells"]
    post = met.merge(spells, left_on="mentor_id", right_on="staff_id", suffixes=("", "_mentor"))
    post = post[(post["start_mentor"] <= post["start"]) & (post["end_mentor"].isna() | (post["end_mentor"] >= post["start"]))]
    own = post.merge(spells, left_on="mentee_id", right_on="staff_id", suffixes=("", "_own"))
    own = own[(own["start_own"] <= own["start"]) & (own["end_own"].isna() | (own["end_own"] >= own["start"]))]
    assert set(post["match_id"]) == set(met["match_id"]) and (own["dept_id"] == own["dept_id_own"]).mean() > 0.95
    assert not set(met["mentor_id"]) & set(met["mentee_id"])
