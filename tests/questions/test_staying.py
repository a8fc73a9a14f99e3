"""Who stays, why people left, and what it has to do with mentorship: checked by counting again, one person and one day at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.person_time.in_post import in_post
from mentorship_eval.cohort.study.rules import Rules
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.retention.from_landmark.horizon_differences import difference_at, horizon_differences, survival_without_each
from mentorship_eval.questions.retention.from_landmark.landmark import AtLandmark
from mentorship_eval.questions.retention.levels import level_refused
from mentorship_eval.questions.retention.mentors import mentors_stay, split_at
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.small_programmes import alike, is_small, small_programme
from mentorship_eval.questions.retention.staying.administrative_ends import administrative_ends, mass_ends
from mentorship_eval.questions.retention.staying.causes import causes_of_leaving
from mentorship_eval.questions.retention.staying.exit_curves import Horizon, exit_curves
from mentorship_eval.questions.retention.staying.horizons import still_employed
from mentorship_eval.questions.truth import known_truth
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox, kaplan_meier
from tests.questions.cohorts import simulated, small


def planned(cohort, **plan):
    return replace(cohort, study=cohort.study.model_copy(update={"plan": cohort.study.plan.model_copy(update=plan)}))


@cache
def middling() -> Prepared:
    return prepare(simulated(departments=16, staff=1600))


def shown(told, rule: int = 10):
    parts = (told.lead, told.results, told.exhibits, told.cautions, told.gaps, told.methods)
    [out], _ = protect([Answer("retention", "Retention", *map(tuple, parts))], Rule(rule))
    for exhibit in out.exhibits:
        assert draw(exhibit) is not None, exhibit.id
    return out


def walk(persons: pd.DataFrame, until: float) -> tuple[float, dict[str, float]]:
    """No exit by ``until`` and incidence of each cause, from sums over the days on which somebody left."""
    entry, stop, cause = (persons[name].to_numpy() for name in ("entry", "stop", "cause"))
    free, left = 1.0, dict.fromkeys(sorted(set(cause) - {""}), 0.0)
    for day in sorted({s for s, c in zip(stop, cause, strict=True) if c and s <= until}):
        at_risk = sum(1 for a, s in zip(entry, stop, strict=True) if a < day <= s)
        before = free
        for name in left:
            events = sum(1 for s, c in zip(stop, cause, strict=True) if s == day and c == name)
            left[name] += before * events / at_risk
            free -= before * events / at_risk
    return free, left


# ---- still there, and causes ------------------------------------------------------------------------------------

def test_shares_at_the_horizons_equal_a_walk_through_the_days():
    study = middling()
    told = {r.id: r.estimate for r in still_employed(study).results}
    persons = study.episodes.persons
    for days, key in ((182.5, "6"), (365.0, "12"), (730.0, "24")):
        expected, left = walk(persons, days)
        assert told[f"retention.still_employed.{key}"].value == pytest.approx(expected, abs=1e-12)
        nurses, _ = walk(persons[persons["profession"] == "nurse"], days)
        assert told[f"retention.still_employed.{key}.nurse"].value == pytest.approx(nurses, abs=1e-12)
        causes = {r.id: r.estimate for r in causes_of_leaving(study).results}
        for name, value in left.items():
            assert causes[f"retention.left_by.{name}.{key}"].value == pytest.approx(value, abs=1e-12)
    estimate = told["retention.still_employed.12"]
    assert estimate.n_clusters == 16 and estimate.df == 15 and estimate.ci_low < estimate.value < estimate.ci_high


def test_the_horizons_of_the_plan_are_the_ones_that_are_told():
    study = middling()
    other = replace(study, cohort=planned(study.cohort, horizons_days=[400.0, 91.3125]))
    assert [r.id for r in still_employed(other).results if r.population == "all staff followed"] == [
        "retention.still_employed.3", "retention.still_employed.400_days",
    ]  # fmt: skip
    assert [Horizon(d).words for d in (30.4375, 182.5, 365.0, 365.25, 730.0, 731.0, 100.0)] == [
        "1 month", "6 months", "12 months", "12 months", "24 months", "24 months", "100 days",
    ]  # fmt: skip


def test_what_follow_up_does_not_reach_is_a_gap_and_an_immature_cohort_is_named():
    study = prepare(small(months=12))
    far = replace(study, cohort=planned(study.cohort, horizons_days=[365.0, 36500.0]))
    told = still_employed(far)
    assert "retention.still_employed.1199" not in {r.id for r in told.results}
    assert any("Follow-up ends" in gap.reason for gap in told.gaps)
    assert [c.data["days"] for c in told.cautions if c.code == "immature_cohort"] == [365.0, 36500.0]
    shown(told)


def test_a_thin_start_makes_the_curve_conditional():
    rng = np.random.default_rng(1)
    late = pd.DataFrame({"entry": 100.0, "stop": 100 + rng.exponential(900, 300).round() + 1, "cause": "voluntary", "dept_at_entry": "D"})
    early = pd.DataFrame({"entry": [0.0, 0.0], "stop": [20.0, 30.0], "cause": "voluntary", "dept_at_entry": "D"})
    persons = pd.concat([early, late], ignore_index=True)
    curves = exit_curves(persons)
    assert curves.since == 100.0 and not curves.clustered, "from when they are followed, not from the first leave"
    assert curves.why_not(50.0).startswith("Fewer than 10") and curves.why_not(365.0) == ""
    value = curves.fitted.event_free_at([365.0])["probability"].iloc[0]
    assert value == pytest.approx((late["stop"] > 365).mean(), abs=1e-12)  # everybody leaves: a plain share
    assert walk(persons, 365.0)[0] == 0.0, "unconditionally, the two early leavers would have ended it"


def test_the_wrong_curve_is_named_beside_the_right_one():
    study = middling()
    [sentence] = causes_of_leaving(study).lead
    free, _ = walk(study.episodes.persons, 730.0)
    alone, _ = walk(study.episodes.persons.assign(cause=study.episodes.persons["cause"].where(lambda c: c == "voluntary", "")), 730.0)
    assert f"{free:.0%} are still employed" in str(sentence) and f"stands at {alone:.0%}" in str(sentence)
    assert alone > free


def test_counts_of_causes_add_up_and_are_covered_together():
    study = prepare(small())
    told = causes_of_leaving(study)
    rows = next(e for e in told.exhibits if e.id == "retention.causes").frames["rows"]
    for _, part in rows.groupby("time"):
        assert part["left"].iloc[0] == part["left"].iloc[1:].sum()
    out = shown(told).exhibit("retention.causes").frames["rows"]
    whole = out[out["time"] == "whole follow-up"]["left"].astype(str)
    assert whole.str.contains("<|withheld").sum() != 1


# ---- differences by mentorship ------------------------------------------------------------------------------------

def arms(seed: int, n: int = 240, departments: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dept = rng.integers(0, departments, n)
    mentored = (rng.random(n) < 0.4).astype(int)
    leave = rng.exponential(np.where(mentored == 1, 900, 600) * (1 + dept / departments)).round() + 1
    stop = np.minimum(leave, rng.integers(100, 900, n))
    return pd.DataFrame({"stop": stop, "exit": (leave <= stop).astype(int), "mentored": mentored, "dept_at_entry": [f"D{d}" for d in dept]})


def km(rows: pd.DataFrame, until: float) -> float:
    free = 1.0
    for day in sorted(rows.loc[(rows["exit"] == 1) & (rows["stop"] <= until), "stop"].unique()):
        free *= 1 - ((rows["stop"] == day) & (rows["exit"] == 1)).sum() / (rows["stop"] >= day).sum()
    return free


@pytest.mark.parametrize("seed", [1, 2])
def test_the_difference_and_its_interval_equal_refits_without_each_department(seed):
    rows, until = arms(seed), 365.0

    def difference(part: pd.DataFrame) -> float:
        return 100 * (km(part[part["mentored"] == 1], until) - km(part[part["mentored"] == 0], until))

    full, names = difference(rows), sorted(rows["dept_at_entry"].unique())
    without = np.array([difference(rows[rows["dept_at_entry"] != name]) for name in names])
    se = np.sqrt((len(names) - 1) / len(names) * ((without - full) ** 2).sum())
    estimate, shares = difference_at(rows, until)
    assert estimate.value == pytest.approx(full, abs=1e-10) and estimate.se == pytest.approx(se, abs=1e-10)
    half = student.ppf(0.975, len(names) - 1) * se
    assert (estimate.ci_low, estimate.ci_high) == pytest.approx((full - half, full + half), abs=1e-9)
    assert shares["mentored"] == pytest.approx(kaplan_meier(rows[rows["mentored"] == 1], stop="stop", event="exit").at([until])["survival"].iloc[0])


def test_the_arm_with_fewer_departments_sets_the_degrees_of_freedom():
    rows = arms(3)
    rows.loc[~rows["dept_at_entry"].isin(["D1", "D2", "D3"]), "mentored"] = 0
    estimate, _ = difference_at(rows, 200.0)
    assert estimate.n_clusters == 3 and estimate.df == 2
    rows.loc[rows["dept_at_entry"] != "D1", "mentored"] = 0
    alone, _ = difference_at(rows, 200.0)
    assert np.isfinite(alone.value) and np.isnan(alone.ci_low), "without its only department the arm is empty"


def test_an_arm_followed_that_long_in_one_department_has_no_interval():
    rows = arms(3)
    elsewhere = (rows["mentored"] == 1) & (rows["dept_at_entry"] != "D1")
    rows.loc[elsewhere, "stop"] = rows.loc[elsewhere, "stop"].clip(upper=150.0)
    rows.loc[elsewhere, "exit"] = 0
    estimate, _ = difference_at(rows, 200.0)
    assert np.isfinite(estimate.value) and np.isnan([estimate.se, estimate.ci_low, estimate.ci_high]).all()
    assert [caution.code for caution in estimate.warnings] == ["group_in_one_place"]
    assert difference_at(rows, 100.0)[0].ci_low < difference_at(rows, 100.0)[0].ci_high


def test_nobody_left_by_the_horizon_and_nobody_followed_to_it():
    stop, exit_, cluster = np.array([5.0, 6.0, 9.0]), np.array([0, 0, 1]), np.array([0, 1, 1])
    assert survival_without_each(stop, exit_, cluster, 2, 5.0).tolist() == [1.0, 1.0, 1.0]
    last = survival_without_each(stop, exit_, cluster, 2, 7.0)
    assert last[:2].tolist() == [1.0, 1.0] and np.isnan(last[2])


def test_differences_are_told_where_both_arms_are_followed_that_long():
    study = middling()
    rows = arms(5, 400).assign(staff_id=study.episodes.persons["staff_id"].iloc[:400].to_numpy())
    told = horizon_differences(study, AtLandmark(rows, 200.0, (), ()))
    followed = {key: min((rows[rows["mentored"] == a]["stop"] >= d).sum() for a in (0, 1)) for key, d in (("6", 182.5), ("12", 365), ("24", 730))}
    expected = [f"retention.horizon_difference.{key}" for key, count in followed.items() if count >= 10]
    assert [r.id for r in told.results] == expected and len(told.gaps) == 3 - len(expected)
    assert told.results[0].estimate.unit == "percentage points"
    shown(told)


# ---- mentors ------------------------------------------------------------------------------------------------------

def test_rows_are_cut_where_mentoring_began_and_lose_no_time():
    rows = pd.DataFrame({"staff_id": ["a", "a", "b", "c"], "start": [0.0, 10, 0, 5], "stop": [10.0, 30, 20, 9], "event": [0, 1, 1, 0],
                         "cause": ["", "voluntary", "voluntary", ""]})  # fmt: skip
    out = split_at(rows, pd.Series({"a": 20.0, "b": np.nan, "c": 2.0}))
    found = list(out[["staff_id", "start", "stop", "mentee", "event"]].itertuples(index=False, name=None))
    assert found == [("a", 0, 10, 0, 0), ("a", 10, 20, 0, 0), ("a", 20, 30, 1, 1), ("b", 0, 20, 0, 1), ("c", 5, 9, 1, 0)]
    on_the_edge = split_at(rows, pd.Series({"a": 10.0, "b": 20.0, "c": 5.0}))
    assert on_the_edge["mentee"].tolist() == [0, 1, 0, 1]


def test_the_mentors_estimate_is_the_default_model_on_rows_made_by_hand():
    study = middling()
    told = mentors_stay(study)
    matches = study.cohort.table("matches")
    as_mentor = mentorship_episodes(
        staff=study.cohort.table("staff"), spells=study.cohort.table("spells"), start="2022-01-01", end=study.cohort.window[1],
        matches=pd.DataFrame({"mentee_id": matches["mentor_id"], "start": matches["start"]}), covariates=("profession", "newly_qualified"),
    ).rows  # fmt: skip
    began = study.episodes.persons.set_index("staff_id")["mentored_from"]
    pieces = []
    for row in as_mentor.to_dict("records"):
        at = began.get(row["staff_id"], np.nan)
        cuts = [row["start"], *([at] if row["start"] < at < row["stop"] else []), row["stop"]]
        for low, high in pairwise(cuts):
            event = int(row["cause"] == "voluntary" and high == row["stop"])
            pieces.append({**row, "start": low, "stop": high, "mentee": int(at <= low), "event": event, "newly": float(row["newly_qualified"])})
    rows = pd.DataFrame(pieces)
    rows = rows.merge(study.rows.drop_duplicates("staff_id")[["staff_id"]])
    names = dict(zip(study.episodes.rows["period"], study.rows["period"], strict=True))
    rows["quarter"] = rows["period"].map(names)
    fit = cox(rows, start="start", stop="stop", event="event", covariates=["mentored", "mentee", "profession", "newly", "quarter"],
              strata="dept_id", cluster="dept_at_entry")  # fmt: skip
    assert told.results[0].estimate.value == pytest.approx(fit.estimate.value, rel=1e-7)
    assert any(c.code == "mentors_selected" for c in told.cautions)
    while_mentor = int(rows.loc[rows["mentored"] == 1, "event"].sum())
    assert told.lead[0].counts == {"mentors": rows.loc[rows["mentored"] == 1, "staff_id"].nunique(), "left": while_mentor}
    shown(told)


def test_too_few_mentors_and_no_mentors_are_gaps():
    study = prepare(small())
    told = mentors_stay(study)
    assert not told.results and any("Too few mentors" in gap.reason for gap in told.gaps) and told.lead
    shown(told)
    cohort = study.cohort
    bare = replace(cohort, tables={**cohort.tables, "matches": cohort.table("matches").drop(columns="mentor_id")})
    assert "mentor_id" in mentors_stay(replace(study, cohort=bare)).gaps[0].unlock
    strangers = replace(cohort, tables={**cohort.tables, "matches": cohort.table("matches").assign(mentor_id="somebody else")})
    assert mentors_stay(replace(study, cohort=strangers)).gaps


# ---- tiny programmes ----------------------------------------------------------------------------------------------

def tiny(left_of_mentored: int = 0):
    """18 pairs matched at once and 100 others, all hired on the first day of the window; 30 of the others leave after 200 days."""
    hire = pd.Timestamp("2022-01-02")
    rows = []
    for i in range(118):
        leaves = i < left_of_mentored or i >= 88
        rows.append((f"s{i}", f"D{i % 4}", hire, hire + pd.Timedelta(days=200) if leaves else pd.NaT, "voluntary" if leaves else None))
    spells = pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "leaving_reason"])
    staff = pd.DataFrame({"staff_id": spells["staff_id"]})
    matches = pd.DataFrame({"mentee_id": [f"s{i}" for i in range(18)], "start": hire + pd.Timedelta(days=10)})
    made = mentorship_episodes(staff=staff, spells=spells, matches=matches, start="2022-01-01", end="2022-12-31")
    plan = SimpleNamespace(landmark_days=None, horizons_days=[182.5, 300.0, 730.0])
    cohort = SimpleNamespace(study=SimpleNamespace(plan=plan))
    rows = made.rows.assign(event=made.rows["cause"].eq("voluntary").astype(int))
    return Prepared(cohort, made, rows, (), (), None, "nobody of the mentored left")


def test_eighteen_pairs_and_no_leavers():
    study = tiny()
    assert is_small(study)
    told = small_programme(study)
    results = {r.id: r.estimate for r in told.results}
    assert not [e for e in results.values() if e.is_ratio]
    share = results["retention.mentored_left"]
    assert (share.value, share.ci_low, share.n_events) == (0.0, 0.0, 0) and share.ci_high == pytest.approx(0.17588, abs=5e-6)
    assert results["retention.risk_difference.6"].value == 0.0, "nobody has left by then"
    by_300 = results["retention.risk_difference.300_days"]
    # Newcombe's method 10 by hand: 0/18 (0 to 0.175879) and 30/100 (0.218949 to 0.395858; R: prop.test(30, 100, correct = FALSE))
    assert by_300.value == pytest.approx(-30) and by_300.n == 118
    assert by_300.ci_low == pytest.approx(100 * (-0.3 - np.hypot(0, 0.395858 - 0.3)), abs=1e-3)
    assert by_300.ci_high == pytest.approx(100 * (-0.3 + np.hypot(0.175879, 0.3 - 0.218949)), abs=1e-3)
    assert [gap.question for gap in told.gaps] == ["The risk difference 24 months after the landmark"]
    rate = results["retention.rate_difference"]
    mentored = 18 * (363 - 10) / 365.25
    others = (70 * 363 + 30 * 200 + 18 * 10) / 365.25
    assert rate.value == pytest.approx(-100 * 30 / others)
    assert rate.ci_high == pytest.approx(100 * (-30 / others + np.hypot(3.688879 / mentored, (30 - 20.240696) / others)), abs=1e-3)
    shown(told)


def test_only_people_whom_the_window_lets_be_followed_are_compared():
    study = tiny()
    landmark = pd.DataFrame({"staff_id": ["s0", "s100"], "cause": ["", "retirement"], "stop": [353.0, 190.0], "mentored": [1, 0]})
    assert len(alike(study.episodes, landmark, 10.0, 353.0)) == 2 and alike(study.episodes, landmark, 10.0, 354.0).empty
    assert alike(study.episodes, landmark, 10.0, 300.0)["left"].tolist() == [0, 0], "a retirement is not the outcome"


def test_counts_that_protection_looks_at_are_the_smallest_behind_the_number():
    told = small_programme(tiny(left_of_mentored=3))
    events = {r.id: r.estimate.n_events for r in told.results}
    assert events["retention.mentored_left"] == 3 and events["retention.risk_difference.300_days"] == 3 and events["retention.rate_difference"] == 3
    assert np.isnan(shown(told).result("retention.risk_difference.300_days").estimate.value)


# ---- ends that look administrative ------------------------------------------------------------------------------

def test_many_on_one_day_and_back_from_retirement_are_said():
    rows = [(f"m{i}", "D1", "2021-01-01", "2022-06-30" if i < 6 else None, "voluntary" if i < 6 else None) for i in range(100)]
    rows += [(f"n{i}", "D2", "2021-01-01", "2022-06-30" if i < 4 else None, "voluntary" if i < 4 else None) for i in range(20)]
    rows += [(f"t{i}", "D3", "2021-01-01", "2022-06-30", "tupe") for i in range(30)]
    rows += [(f"d{i}", "D4", "2021-01-01", f"2022-06-{10 + i}", "voluntary") for i in range(8)]
    spells = pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "leaving_reason"])
    spells[["start", "end"]] = spells[["start", "end"]].apply(pd.to_datetime)
    found = in_post(staff=pd.DataFrame({"staff_id": spells["staff_id"]}), spells=spells)
    day = (pd.Timestamp("2022-06-30") - pd.Timestamp("1970-01-01")).days
    table = mass_ends(found, day - 300, day + 100)
    assert table.to_dict("records") == [{"dept_id": "D1", "day": day, "left": 6, "voluntary": 6, "heads": 100}]
    back = pd.DataFrame([("m0", "D1", pd.Timestamp("2022-10-01"), pd.NaT, None)], columns=spells.columns)
    spells.loc[0, "leaving_reason"] = "retirement"
    cohort = SimpleNamespace(
        study=SimpleNamespace(rules=Rules()), window=(pd.Timestamp("2022-01-01"), pd.Timestamp("2022-12-31")),
        table={"staff": pd.DataFrame({"staff_id": spells["staff_id"]}), "spells": pd.concat([spells, back])}.__getitem__,
    )  # fmt: skip
    told = administrative_ends(SimpleNamespace(cohort=cohort))
    assert {c.code: c.data["persons"] for c in told.cautions} == {"mass_ends": 6, "retire_and_return": 1}
    twice = spells.iloc[[50, 50]].assign(contract=["permanent", "bank"], leaving_reason=["transfer", None])
    twice["start"], twice["end"] = pd.to_datetime(["2021-01-01", "2022-05-02"]), pd.to_datetime(["2022-05-01", None])
    cohort.table = {"staff": pd.DataFrame({"staff_id": spells["staff_id"]}), "spells": twice}.__getitem__
    assert [c.code for c in administrative_ends(SimpleNamespace(cohort=cohort)).cautions] == ["bank_only"]


# ---- the level of leaving -------------------------------------------------------------------------------------

def test_the_level_of_the_plan_is_in_the_rows_and_in_the_words():
    cohort = small()
    plain, moved = prepare(cohort), prepare(planned(cohort, leaving="department"))
    assert plain.estimand == "hazard of voluntary leaving while mentored, against not yet mentored"
    assert "leaving the department (voluntarily or by transfer)" in moved.estimand
    assert moved.leavers > plain.leavers and moved.leavers == int(moved.episodes.persons["cause"].isin(["voluntary", "transfer"]).sum())
    assert {"level_of_leaving", "rotations_not_told_apart"} <= {c.code for c in moved.cautions}
    told = still_employed(moved)
    assert told.results[0].estimand == "still in the department 6 months after hire"
    assert told.results[2].estimate.value < still_employed(plain).results[2].estimate.value


def test_the_profession_is_refused_with_what_would_unlock_it():
    cohort = planned(small(), leaving="profession")
    assert "destination" in level_refused(cohort).unlock
    with_it = replace(cohort, tables={**cohort.tables, "spells": cohort.table("spells").assign(destination="Another hospital")})
    assert "profession_destinations" in level_refused(with_it).unlock
    rules = with_it.study.rules.model_copy(update={"profession_destinations": {"Another hospital": "left"}})
    ready = replace(with_it, study=with_it.study.model_copy(update={"rules": rules}))
    assert level_refused(ready) is None and level_refused(small()) is None
    assert prepare(ready).leavers == prepare(small()).leavers


def test_the_truth_of_a_simulated_cohort_is_that_of_its_own_level():
    cohort = small()
    assert "retention.being_mentored" in known_truth(cohort)
    assert not [name for name in known_truth(planned(cohort, leaving="department")) if name.startswith("retention.")]


def test_a_tenure_with_nobody_followed_is_thin_even_when_nobody_leaves_there():
    rng = np.random.default_rng(2)
    stop = 200 + rng.exponential(900, 300).round() + 1
    persons = pd.DataFrame({"entry": 150.0, "stop": stop, "cause": "voluntary", "dept_at_entry": "D"})
    curves = exit_curves(persons)
    assert curves.since == 150.0, "a curve from hire would count the unseen months as if everybody had stayed"
    assert curves.why_not(91.0).startswith("Fewer than 10")
