"""Simulated cohorts: reproducible, consistent with themselves, and true to their parameters by crude estimators.

Seeds are fixed and bounds are five Monte-Carlo standard errors wide, worked out from the counts.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort.cohort import read_cohort
from mentorship_eval.cohort.panels import department_months, leaver_panel
from mentorship_eval.cohort.person_time.episodes import Episodes, mentorship_episodes
from mentorship_eval.cohort.person_time.fixed_exposure import naive_rows
from mentorship_eval.cohort.simulate import SCENARIOS, SimulatedCohort, simulate_cohort
from mentorship_eval.cohort.simulation.careers import Hazards
from mentorship_eval.cohort.simulation.departments import draw_departments
from mentorship_eval.cohort.simulation.parameters import Parameters, streams, window_days
from mentorship_eval.errors import UsageError

SMALL = {"departments": 8, "staff": 400, "months": 24}
# nothing but tenure and mentorship moves the hazard, so that crude rates are estimators of the parameters
PLAIN = {"frailty_sd": 0.0, "high_burnout_hr": 1.0, "newly_qualified_hr": 1.0, "newly_qualified_uptake": 0.0, "bump": 1.0,
         "hazard": (0.015, 0.015, 0.015), "shock_hazard": (1.0, 1.0), "departments": 40, "staff": 20000}


def window(cohort: SimulatedCohort) -> dict:
    return {name: cohort.study["study"][name] for name in ("start", "end")}


def episodes(cohort: SimulatedCohort, **options) -> Episodes:
    tables = {name: cohort[name] for name in ("staff", "spells", "matches", "rollout")}
    return mentorship_episodes(**tables, **window(cohort), **{"calendar": None, **options})


def panel(cohort: SimulatedCohort) -> pd.DataFrame:
    tables = {name: cohort[name] for name in ("incidents", "exposure", "rollout")}
    return department_months(**tables, **window(cohort)).rows


def log_rate_ratio(rows: pd.DataFrame, by: np.ndarray) -> tuple[float, float]:
    """Of voluntary leaving, occurrence over exposure, with its standard error."""
    days, left = rows["stop"] - rows["start"], rows["cause"].eq("voluntary")
    events = np.array([left[by == 0].sum(), left[by == 1].sum()])
    return float(np.log(events[1] / days[by == 1].sum()) - np.log(events[0] / days[by == 0].sum())), float(np.sqrt((1 / events).sum()))


@pytest.fixture(scope="module")
def small() -> SimulatedCohort:
    return simulate_cohort(seed=7, **SMALL)


# ---- the demo cohort's size -----------------------------------------------------------------------------------

def test_the_demo_is_as_large_as_its_design_calculation_asks():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "demo_design.py"
    spec = importlib.util.spec_from_file_location("demo_design", path)
    design = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(design)
    demo = Parameters(departments=128, staff=19200)
    assert design.harm_half_width(demo)["harm_half_width"] == pytest.approx(0.143, abs=0.0005)
    assert design.hazard_half_width(demo)["hr_half_width"] == pytest.approx(0.117, abs=0.0005)
    # and a cohort of a quarter of the size gives about twice the width
    assert design.harm_half_width(Parameters(departments=32))["harm_half_width"] == pytest.approx(2 * 0.143, rel=0.05)


# ---- reproducible ---------------------------------------------------------------------------------------------

def test_same_seed_same_bytes_and_another_seed_another_cohort(tmp_path, small):
    first = small.write(tmp_path / "a")
    second = simulate_cohort(seed=7, **SMALL).write(tmp_path / "b")
    third = simulate_cohort(seed=8, **SMALL).write(tmp_path / "c")
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted([*(f"{name}.csv" for name in small.tables), "study.yaml", "truth.json"])
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
        assert b"\r" not in (first / name).read_bytes()
        if name not in ("study.yaml",):
            assert (first / name).read_bytes() != (third / name).read_bytes(), name


def test_a_change_in_one_component_leaves_the_others(small):
    other = simulate_cohort(seed=7, **SMALL, harm_irr=0.5, reporting=2.0)
    for name in ("staff", "departments", "spells", "rollout", "matches", "exposure"):
        pd.testing.assert_frame_equal(other[name], small[name])
    assert len(other["incidents"]) > len(small["incidents"])
    other = simulate_cohort(seed=7, **SMALL, hazard_ratio=0.3)
    for name in ("staff", "departments", "rollout", "incidents"):
        pd.testing.assert_frame_equal(other[name], small[name])


def test_what_is_written_is_what_was_simulated(tmp_path, small):
    folder = small.write(tmp_path)
    for name, table in small.tables.items():
        read = pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=[""])
        assert list(read.columns) == list(table.columns) and len(read) == len(table)
    assert json.loads((folder / "truth.json").read_text(encoding="utf-8")) == json.loads(json.dumps(small.truth))


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_scenario_can_be_drawn_read_and_followed(scenario, tmp_path):
    large = "departments" not in SCENARIOS[scenario].changes
    cohort = simulate_cohort(scenario, seed=1, **({"departments": 8, "staff": 500} if large else {}))
    assert cohort.truth["scenario"] == scenario and len(cohort["staff"]) == cohort.parameters.staff
    assert episodes(cohort).flow["removed"].sum() == 0
    treated = int(cohort["rollout"]["active_from"].notna().sum())
    groups = 2 if cohort.parameters.selection_months else cohort.parameters.departments * 3 // 4
    assert treated == (1 if "pilot" in scenario or "tiny" in scenario else groups)
    read = read_cohort(cohort.write(tmp_path / "cohort"))
    read.reconcile()
    ends = read.flow.groupby("table")["kept"].last()
    assert ends.to_dict() == {name: len(table) for name, table in read.tables.items()}


def test_unknown_names_and_impossible_values_are_refused():
    for call in ({"scenario": "nul"}, {"hazrd_ratio": 1}, {"staff": 0}, {"harm_irr": 0.0}, {"start": "2022-01-15"}):
        with pytest.raises(UsageError):
            simulate_cohort(**{**SMALL, **call})


# ---- consistent with itself -----------------------------------------------------------------------------------

def test_the_tables_refer_to_each_other(small):
    staff, spells, met = small["staff"], small["spells"], small["matches"]
    assert staff["staff_id"].is_unique and len(staff) == 400
    assert set(spells["staff_id"]) == set(staff["staff_id"])
    assert set(spells["dept_id"]) | set(small["incidents"]["dept_id"]) <= set(small["departments"]["dept_id"])
    assert (spells["end"].isna() | (spells["end"] >= spells["start"])).all()
    assert (spells["end"].isna() == spells["leaving_reason"].isna()).all()
    assert (small["incidents"]["reported"] >= small["incidents"]["occurred"]).all()
    assert len(small["exposure"]) == 8 * 24 and (small["exposure"]["patient_days"] > 0).all()
    assert met["match_id"].is_unique and met["mentee_id"].is_unique and len(met) > 50


def test_nobody_is_listed_who_was_not_employed_in_the_window(small):
    last = small["spells"].groupby("staff_id").agg(start=("start", "min"), end=("end", lambda column: column.max(skipna=False)))
    assert (last["end"].isna() | (last["end"] > pd.Timestamp("2022-01-01"))).all() and (last["start"] <= pd.Timestamp("2023-12-31")).all()


def test_mentors_are_employed_when_a_match_begins_and_are_nobodys_mentee(small):
    met, spells = small["matches"], small["spells"]
    assert not set(met["mentor_id"]) & set(met["mentee_id"])
    joined = met.merge(spells, left_on="mentor_id", right_on="staff_id", suffixes=("", "_post"))
    there = (joined["start_post"] <= joined["start"]) & (joined["end_post"].isna() | (joined["end_post"] >= joined["start"]))
    assert there.groupby(joined["match_id"]).any().all()
    final = spells.groupby("staff_id")["end"].agg(lambda column: column.max(skipna=False))
    gone = met.merge(final, left_on="mentor_id", right_index=True, suffixes=("", "_left"))
    assert (gone["end"].isna() | gone["end_left"].isna() | (gone["end"] <= gone["end_left"])).all()


def test_matches_begin_where_the_programme_is_active(small):
    rows = episodes(small).rows
    begun = rows[(rows["mentored"] == 1) & (rows["mentored"].shift() == 0) & rows["staff_id"].eq(rows["staff_id"].shift())]
    assert len(begun) > 50 and begun["programme_active"].eq(1).all()


def test_sessions_lie_within_their_match_and_are_held_as_often_as_asked(small):
    sessions = small["sessions"].merge(small["matches"], on="match_id", suffixes=("", "_match"))
    assert len(sessions) == len(small["sessions"]) > 300
    assert (sessions["date"] >= sessions["start"]).all() and (sessions["end"].isna() | (sessions["date"] <= sessions["end"])).all()
    held = sessions["status"].eq("held")
    assert abs(held.mean() - 0.7) < 5 * np.sqrt(0.21 / len(sessions)) and sessions["minutes"].notna().eq(held).all()
    months = (sessions.groupby("match_id")["date"].agg(["min", "max"]).diff(axis=1)["max"].dt.days / 30.4375).round() + 1
    assert (sessions.groupby("match_id").size() - months).abs().max() <= 1
    assert set(small["matches"]["mentor_id"]) <= set(small["mentors"]["staff_id"]) <= set(small["staff"]["staff_id"])
    other = simulate_cohort(seed=7, **SMALL, session_delivery=(0.1, 0.2))
    for name in small.tables:
        if name != "sessions":
            pd.testing.assert_frame_equal(other[name], small[name])
    assert other["sessions"]["status"].eq("held").mean() < 0.25


def test_transfers_stay_within_the_organisation(small):
    spells = small["spells"].merge(small["departments"][["dept_id", "org_id"]], on="dept_id")
    spells = spells.sort_values(["staff_id", "start"])
    after = spells["leaving_reason"].shift().eq("transfer") & spells["staff_id"].eq(spells["staff_id"].shift())
    assert after.sum() > 10 and spells.loc[after, "org_id"].eq(spells["org_id"].shift()[after]).all()
    assert (spells.loc[after, "start"] - spells["end"].shift()[after]).dt.days.eq(1).all()


def test_waves_come_in_equal_groups():
    active = simulate_cohort(departments=24, staff=300, seed=5)["rollout"]["active_from"]
    assert active.value_counts(dropna=False).tolist() == [6, 6, 6, 6]
    assert sorted(active.dropna().unique()) == [pd.Timestamp("2022-11-01"), pd.Timestamp("2023-05-01"), pd.Timestamp("2023-11-01")]


def test_the_thinning_bound_is_never_exceeded():
    parameters = Parameters(departments=6, frailty_sd=0.6, hazard_ratio=1.5, commitment_hr=0.6)
    from mentorship_eval.cohort.simulation.departments import draw_people

    rng = streams(3)
    departments = draw_departments(parameters, rng["departments"], rng["rollout"])
    people = draw_people(parameters, 4000, rng["people"])
    hazards, last = Hazards(parameters, departments), int(window_days(parameters)[-1])
    day = people.hire + np.random.default_rng(0).random(4000) * (last - people.hire)
    total = hazards.voluntary(people, people.dept, day) * 1.5 + sum(hazards.others(people, day, 2022))
    assert (total <= hazards.bound(people, people.dept) * (1 + 1e-12)).all()


# ---- true to its parameters -----------------------------------------------------------------------------------

def test_exit_rates_and_causes_are_those_asked_for():
    rows = episodes(simulate_cohort(seed=11, **PLAIN, uptake=0.001)).rows
    months = (rows["stop"] - rows["start"]).sum() / 30.4375
    left = (rows["cause"] == "voluntary").sum()
    assert abs(left / months - 0.015 * 0.65) < 5 * np.sqrt(left) / months
    rows = episodes(simulate_cohort("null", seed=11, departments=40, staff=20000)).rows
    shares = rows.loc[rows["cause"] != "", "cause"].value_counts(normalize=True)
    # 65, 10 and 10 of the 85 that leave the organisation; frailty and the bump add to the first, and the last two depend
    # on age and contract, hence the width
    assert shares["voluntary"] == pytest.approx(0.765, abs=0.07) and shares["retirement"] == pytest.approx(0.118, abs=0.04)
    assert shares["end_of_contract"] == pytest.approx(0.118, abs=0.04)


def test_tenure_bands_and_the_shock_multiply_as_asked():
    cohort = simulate_cohort(seed=12, **{**PLAIN, "hazard": (0.02, 0.01, 0.01), "shock_hazard": (0.5, 2.0)}, uptake=0.001)
    rows = leaver_panel(staff=cohort["staff"], spells=cohort["spells"], rollout=cohort["rollout"], **window(cohort)).rows
    when = np.select([rows["period"].between(13, 15), rows["period"].between(16, 18)], [1, 2], 0)
    total = rows.assign(when=when).groupby([rows["band"].eq("0-365"), "when"])[["leavers", "person_months"]].sum()
    rate, error = total["leavers"] / total["person_months"], 5 / np.sqrt(total["leavers"])
    for key, expected in {(True, 0): 0.013, (False, 0): 0.0065, (False, 1): 0.00325, (False, 2): 0.013}.items():
        assert abs(np.log(rate[key] / expected)) < error[key], key


@pytest.mark.parametrize(("during", "after"), [(0.5, 0.5), (1.0, 1.0)])
def test_the_hazard_ratio_comes_back_and_the_null_is_null(during, after):
    cohort = simulate_cohort(seed=13, **PLAIN, hazard_ratio=during, hazard_ratio_after=after, mentor_share=0.1)
    result = episodes(cohort)
    estimate, error = log_rate_ratio(result.rows, result.rows["mentored"].to_numpy())
    assert abs(estimate - np.log(during)) < 4 * error and error < 0.08
    assert cohort.truth["retention"]["hazard_ratio_absorbing"] == pytest.approx(during)
    # whoever takes "ever mentored" for an exposure finds an effect even where there is none
    naive = naive_rows(result)
    wrong, error = log_rate_ratio(naive.rows, naive.rows["ever_mentored"].to_numpy())
    assert wrong < np.log(during) - 5 * error


def test_the_effect_after_the_end_of_a_match_differs_from_that_during_it():
    cohort = simulate_cohort(seed=14, **{**PLAIN, "staff": 30000}, hazard_ratio=0.4, hazard_ratio_after=1.0, match_months=(6.0, 7.0))
    current, absorbing = episodes(cohort, exposure="current").rows, episodes(cohort).rows
    estimate, error = log_rate_ratio(current, current["mentored"].to_numpy())
    assert abs(estimate - np.log(0.4)) < 4 * error
    estimate, error = log_rate_ratio(absorbing, absorbing["mentored"].to_numpy())
    truth = cohort.truth["retention"]
    assert abs(estimate - np.log(truth["hazard_ratio_absorbing_of_sums"])) < 4 * error
    assert 0.4 < truth["hazard_ratio_absorbing_of_sums"] < truth["hazard_ratio_absorbing"] < 1.0


def test_the_mentored_time_of_the_truth_is_that_of_the_episodes(small):
    days = small.truth["retention"]["mentored_person_days"]
    assert days["while_active"] + days["after_end"] == pytest.approx(episodes(small).mentored_days, rel=0.03)


def test_uptake_and_measured_confounding():
    cohort = simulate_cohort(seed=15, departments=40, staff=20000, mentor_share=0.1, waves=(1,), months=36)
    rows = episodes(cohort).persons
    plan = cohort["rollout"].set_index("dept_id")["active_from"].notna()
    here = rows[rows["dept_at_entry"].map(plan) & (rows["hire"] < pd.Timestamp("2022-02-01")) & (rows["cause"] == "")]
    here = here[~here["staff_id"].isin(cohort["matches"]["mentor_id"])]
    assert here["mentored_from"].notna().mean() == pytest.approx(0.6, abs=0.08)
    by = rows[rows["dept_at_entry"].map(plan)].groupby("newly_qualified")["mentored_from"].apply(lambda column: column.notna().mean())
    assert by[1] > by[0] + 0.05
    leaving = episodes(cohort).rows
    ratio, error = log_rate_ratio(leaving, leaving["newly_qualified"].to_numpy())
    assert abs(ratio - np.log(1.3)) < 5 * error + 0.1  # tenure differs a little between the two


def test_unmeasured_commitment_biases_only_the_confounded_scenario():
    biased = {}
    stronger = {"hazard_ratio": 1.0, "hazard_ratio_after": 1.0, "commitment_hr": 0.6, "commitment_uptake": 1.5}
    for scenario, change in (("null", {}), ("confounded", stronger)):
        rows = episodes(simulate_cohort(scenario, seed=16, **PLAIN, **change)).rows
        biased[scenario], error = log_rate_ratio(rows, rows["mentored"].to_numpy())
    assert abs(biased["null"]) < 3 * error and biased["confounded"] < -3 * error
    assert simulate_cohort("confounded", seed=1, **SMALL).truth["retention"]["unmeasured_confounding"] is True
    assert simulate_cohort(seed=1, **SMALL).truth["retention"]["unmeasured_confounding"] is False


@pytest.mark.parametrize(("irr", "reporting"), [(0.85, 1.25), (1.0, 1.0)])
def test_incident_ratios_come_back(irr, reporting):
    """Treated against never-treated, after against before: a ratio of ratios over the same calendar months."""
    cohort = simulate_cohort(seed=17, departments=400, staff=400, harm_irr=irr, reporting=reporting, waves=(12,), ramp_months=1)
    rows = panel(cohort)
    treated, after = rows["adopted"].notna(), rows["period"] >= 13
    for kind, expected in (("harm", irr), ("no_harm", reporting), ("near_miss", reporting)):
        cells = rows.groupby([treated, after])[[kind, "patient_days"]].sum()
        rate = np.log(cells[kind] / cells["patient_days"])
        estimate = rate[True, True] - rate[True, False] - rate[False, True] + rate[False, False]
        error = np.sqrt((1 / cells[kind]).sum() + 4 * 0.05 / (200 * 12))
        assert abs(estimate - np.log(expected)) < 4 * error, kind
    truth = cohort.truth["incidents"]["all_treated_months"]
    assert truth["harm"] == pytest.approx(irr) and truth["no_harm"] == pytest.approx(reporting)
    assert truth["all_incidents"] == pytest.approx((1.2 * irr + 5.5 * reporting) / 6.7)


def test_incident_levels_dispersion_and_patient_days():
    cohort = simulate_cohort(seed=18, departments=400, staff=400, harm_irr=1.0, reporting=1.0, department_sd=0.0, seasonal=0.0, secular=0.0,
                             switch_recording=1.0, shock_patient_days=0.6)
    rows = panel(cohort)
    for kind, rate in (("harm", 1.2), ("no_harm", 4.0), ("near_miss", 1.5)):
        bound = 5 * rate * np.sqrt(1 / rows[kind].sum() + 0.05 / 14400)
        assert 1000 * rows[kind].sum() / rows["patient_days"].sum() == pytest.approx(rate, abs=bound)
    size = rows.groupby("period")["patient_days"].mean()
    assert size[1] == pytest.approx(700, rel=0.09) and size[13:18].mean() / size[1:12].mean() == pytest.approx(0.6, abs=0.01)
    mean = rows["patient_days"] * 0.004
    excess = ((rows["no_harm"] - mean) ** 2 - mean).sum() / (mean**2).sum()
    assert excess == pytest.approx(0.05, abs=0.015)


def test_the_ramp_reaches_its_end_in_the_month_asked_for():
    truth = simulate_cohort(seed=1, **SMALL, waves=(0,), harm_irr=0.5, ramp_months=6, dispersion=0.0).truth["incidents"]
    assert 0.5 < truth["all_treated_months"]["harm"] < 0.6
    assert simulate_cohort(seed=1, **SMALL, waves=(0,), harm_irr=0.5, ramp_months=0).truth["incidents"]["all_treated_months"]["harm"] == 0.5
    never = simulate_cohort(seed=1, **SMALL, waves=()).truth
    assert never["incidents"]["all_treated_months"]["harm"] is None and never["retention"]["leaver_rate_ratio_programme_active"] is None
