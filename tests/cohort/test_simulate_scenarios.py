"""Each scenario shows what it is there to show: the default analysis finds its truth, the naive one does not, and without effects neither has any.

Seeds are fixed. Estimates lie within three of their own standard errors of the truth; naive values that come from the
generator's expectations are met by the naive analysis of the records within four Monte-Carlo errors.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did, simulate_cohort
from mentorship_eval.cohort.panels import department_months
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.person_time.fixed_exposure import naive_rows
from mentorship_eval.cohort.simulate import SCENARIOS
from mentorship_eval.errors import UsageError
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.survival import cox

NO_INCIDENT_EFFECT = {"harm_irr": 1.0, "reporting": 1.0}
NO_EFFECT_ON_LEAVING = {"hazard_ratio": 1.0, "hazard_ratio_after": 1.0}


def window(made):
    return {name: made.study["study"][name] for name in ("start", "end")}


def followed(made):
    tables = {name: made[name] for name in ("staff", "spells", "matches", "rollout")}
    return mentorship_episodes(**tables, **window(made))


def leaving(made, causes=("voluntary",)):
    """The default model of retention: log hazard ratio of being mentored and its standard error."""
    rows, _ = with_covariates(followed(made).rows, ["profession", "newly_qualified"])
    rows["event"] = rows["cause"].isin(causes).astype(int)
    fit = cox(rows, start="start", stop="stop", event="event", covariates=["mentored", "profession", "newly_qualified", "period"],
              strata="dept_id", cluster="dept_at_entry", variance="cluster")
    return fit.table["coef"][0], fit.estimate.se


def months_of(made):
    return department_months(**{name: made[name] for name in ("incidents", "exposure", "rollout")}, **window(made)).rows


def rates(rows, count="harm"):
    """The default model of incidents: log rate ratio of the programme and its standard error."""
    fit = did.poisson_imputation(rows, count=count, exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=0)
    low, high = math.log(fit.irr.ci_low), math.log(fit.irr.ci_high)
    return math.log(fit.irr.value), (high - low) / 2 / 2.05


def near(found, value, errors=3.0):
    estimate, se = found
    return abs(estimate - math.log(value)) < errors * se


def aims_at(made):
    return made.truth["lesson"]["default"]["aims_at"]


def shows(made):
    return made.truth["lesson"]["naive"]["shows"]


@pytest.mark.parametrize("hazard_ratio", [1.0, 0.5])
def test_immortal_time_makes_ever_mentored_look_protective_whatever_the_truth(hazard_ratio):
    made = simulate_cohort("immortal", seed=31, staff=3600, hazard_ratio=hazard_ratio, hazard_ratio_after=hazard_ratio)
    assert aims_at(made) == pytest.approx(hazard_ratio) and shows(made) < 0.5 * hazard_ratio
    assert near(leaving(made), hazard_ratio)
    rows = naive_rows(followed(made)).rows
    by = rows["ever_mentored"]
    left, days = (rows["cause"] == "voluntary").groupby(by).sum(), (rows["stop"] - rows["start"]).groupby(by).sum()
    assert left[1] / days[1] / (left[0] / days[0]) == pytest.approx(shows(made), rel=0.1)


@pytest.mark.parametrize("null", [False, True])
def test_a_reporting_culture_turns_the_sign_of_all_incidents_and_not_of_harm(null):
    made = simulate_cohort("reporting_culture", seed=32, departments=48, staff=500, **(NO_INCIDENT_EFFECT if null else {}))
    rows = months_of(made)
    assert near(rates(rows), aims_at(made)) and near(rates(rows, "all_incidents"), shows(made))
    assert (aims_at(made), shows(made)) == (1.0, 1.0) if null else aims_at(made) < 0.9 < 1.3 < shows(made)


def test_wards_chosen_for_a_bad_half_year_get_better_by_themselves():
    made = simulate_cohort("regression_to_mean", seed=33, departments=48, staff=500)
    rollout = made["rollout"]
    assert rollout["allocation"].eq("targeted").all() and set(rollout["selection_window"]) == {"2023-01/2023-06"}
    assert rollout["active_from"].notna().sum() == 16 and shows(made) < 0.8
    rows = months_of(made)
    chosen, before = rows["adopted"].notna(), rows["period"].between(13, 18)
    rate = [rows.loc[chosen & some, "harm"].sum() / rows.loc[chosen & some, "patient_days"].sum() for some in (rows["period"] > 18, before)]
    assert rate[0] / rate[1] == pytest.approx(shows(made))
    # the comparison with other departments is drawn the same way by the months of selection, and is right without them
    assert near(rates(rows[~before]), 1.0) and rates(rows)[0] < rates(rows[~before])[0] - 0.03
    # drawn by lot, nothing improves
    lot = months_of(simulate_cohort("regression_to_mean", seed=33, departments=48, staff=500, selection_months=0))
    assert near(rates(lot), 1.0)


def test_a_late_effect_is_absent_at_first_and_strong_later():
    made = simulate_cohort("late_effect", seed=34, staff=7200, mentor_share=0.1)
    assert near(leaving(made), aims_at(made))
    rows = followed(made).rows
    since = rows["start"] - rows["staff_id"].map(rows[rows["mentored"] == 1].groupby("staff_id")["start"].min())
    by = np.select([rows["mentored"] == 0, since < 9 * 30.4375 - 92], [0, 1], 2)  # a row is at most a quarter long
    left, days = (rows["cause"] == "voluntary").groupby(by).sum(), (rows["stop"] - rows["start"]).groupby(by).sum()
    early, late = (math.log(left[k] / days[k] / (left[0] / days[0])) for k in (1, 2))
    assert late < early - 3 * math.sqrt(1 / left[1] + 1 / left[2])
    null = simulate_cohort("late_effect", seed=34, staff=2400, mentor_share=0.1, **NO_EFFECT_ON_LEAVING)
    assert aims_at(null) == 1.0 and near(leaving(null), 1.0)
    # harm: nine months of nothing, then the full effect at once
    wards = simulate_cohort("late_effect", seed=34, departments=48, staff=300, months=30)
    assert near(rates(months_of(wards)), wards.truth["incidents"]["months_with_2_controls"]["harm"])


@pytest.mark.parametrize("null", [False, True])
def test_where_most_exits_are_planned_all_exits_together_dilute_the_effect(null):
    made = simulate_cohort("competing_exits", seed=35, staff=4800, **(NO_EFFECT_ON_LEAVING if null else {}))
    reasons = made["spells"]["leaving_reason"].value_counts()
    assert reasons["end_of_contract"] + reasons["retirement"] > 1.5 * reasons["voluntary"]
    limited = made["spells"]["contract"].ne("permanent")
    assert limited[made["spells"]["leaving_reason"].eq("end_of_contract")].all()
    assert near(leaving(made), aims_at(made))
    assert near(leaving(made, ("voluntary", "retirement", "end_of_contract")), shows(made))
    assert aims_at(made) == shows(made) == 1.0 if null else shows(made) > aims_at(made) + 0.05


def test_answers_that_depend_on_the_score_hide_an_effect_and_make_one_up():
    """With the true probability of an answer as weight the difference comes back; without it, it is what the lesson says."""
    for change in (-2.5, 0.0):
        made = simulate_cohort("informative_missing", seed=36, staff=4800, exhaustion_change=change)
        p = made.parameters
        rows = made["surveys"][made["surveys"]["instrument"].eq("MBI") & made["surveys"]["wave"].eq(1)]
        day = pd.Timestamp(p.start) + pd.DateOffset(months=min(p.waves) - 1 + p.survey_months[1])
        mentored = rows["staff_id"].isin(made["matches"].loc[made["matches"]["start"] <= day, "mentee_id"]).to_numpy()
        score = rows["score"].to_numpy(float)
        logit = math.log(p.response[1] / (1 - p.response[1])) + p.response_per_sd * (score - 24) / 9 + p.response_mentored * mentored
        weight = 1 + np.exp(-logit)
        error = 9 * math.sqrt(1 / mentored.sum() + 1 / (~mentored).sum())
        plain = score[mentored].mean() - score[~mentored].mean()
        weighted = np.average(score[mentored], weights=weight[mentored]) - np.average(score[~mentored], weights=weight[~mentored])
        assert abs(plain - shows(made)) < 4 * error and abs(weighted - aims_at(made)) < 8 * error  # heavy weights: twice the error
        assert shows(made) > change + 0.8 and aims_at(made) == change


@pytest.mark.parametrize("null", [False, True])
def test_a_new_reporting_system_fools_before_and_after_and_not_the_comparison(null):
    made = simulate_cohort("system_switch", seed=37, departments=48, staff=500, **(NO_INCIDENT_EFFECT if null else {}))
    reports = made["incidents"]
    assert reports.loc[reports["occurred"] < "2023-07-01", "system"].eq("Datix").all() and set(reports["system"]) == {"Datix", "LFPSE"}
    assert {"equipment", "device"} <= set(reports["category"])
    assert made["calendar"].set_index("label").loc["Incident reports in LFPSE", "start"] == pd.Timestamp("2023-07-01")
    rows = months_of(made)
    assert near(rates(rows), aims_at(made))
    ever, after = rows["adopted"].notna(), rows["period"] >= rows["adopted"]
    rate = rows[ever].groupby(after[ever])[["harm", "patient_days"]].sum()
    error = math.sqrt((1 / rate["harm"]).sum() + 0.05 / 400)
    ratio = (rate["harm"] / rate["patient_days"])
    assert abs(math.log(ratio[True] / ratio[False]) - math.log(shows(made))) < 4 * error and shows(made) > 1.1


def test_scenarios_say_what_they_are_for_and_impossible_ones_are_refused():
    assert all(scenario.about for scenario in SCENARIOS.values())
    for call in ({"selection_months": 30}, {"contracts": (0.5, 0.2, 0.2)}, {"limited_share": 0.0}):
        with pytest.raises(UsageError):
            simulate_cohort("regression_to_mean", **call)
    plain = simulate_cohort(seed=3, departments=8, staff=400, months=24)
    assert "lesson" not in plain.truth and not {"contracts", "hazard_delay", "selection_months"} & set(plain.truth["parameters"])
