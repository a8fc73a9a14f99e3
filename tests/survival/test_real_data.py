"""The survival cases of the references made on real data, from the raw files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from tests.shared_data import shared_data
from tests.survival.reference import REAL_DATA, real_case

PRINTED = 1e-10  # these references carry 12 to 13 digits


def turnover() -> pd.DataFrame:
    return pd.read_csv(shared_data("turnover/turnover.csv"), encoding="latin-1")


def compare(result: object, wanted: dict[str, dict], names: dict[str, str] | None = None) -> None:
    table = result.table.set_index("term")
    for term, row in wanted.items():
        ours = table.loc[(names or {}).get(term, term)]
        robust = row["robust_se"] is not None
        assert_allclose(ours["coef"], row["coef"], rtol=REAL_DATA, err_msg=term)
        assert_allclose(ours["se"], row["se"], rtol=REAL_DATA)
        assert_allclose(ours["hr"], row["hr"], rtol=REAL_DATA)
        if robust:
            assert_allclose(ours["robust_se"], row["robust_se"], rtol=REAL_DATA)
        if not robust or result.variance == "robust":
            assert_allclose([ours["ci_low"], ours["ci_high"]], [row["hr_lo"], row["hr_hi"]], rtol=REAL_DATA)
            assert_allclose(ours["p"], row["p"], rtol=1e-6)
    assert len(table) == len(wanted)


COACH = {"coachmy head": "coach[my head]", "coachyes": "coach[yes]"}
ADJUSTED = {
    **COACH, "genderm": "gender[m]", "head_genderm": "head_gender[m]", "greywagewhite": "greywage[white]", "waycar": "way[car]",
    "wayfoot": "way[foot]",
}


def test_mentored_on_probation() -> None:
    wanted = real_case("babushkin_coach")
    data = turnover()
    call = {"stop": "stag", "event": "event"}
    result = survival.cox(data, **call, covariates=["coach"])
    compare(result, wanted["cox_coach_efron"], COACH)
    assert result.references == {"coach": "no"}
    assert (result.n, result.n_events) == (wanted["n"], wanted["events"])
    assert_allclose(result.loglik, (wanted["loglik_null"], wanted["loglik"]), rtol=REAL_DATA)
    compare(survival.cox(data, **call, covariates=["coach"], ties="breslow"), wanted["cox_coach_breslow"], COACH)
    test = survival.logrank(data, **call, by="coach")
    assert_allclose(test.statistic, wanted["logrank"]["chisq"], rtol=PRINTED)
    assert_allclose(test.p_value, wanted["logrank"]["p"], rtol=PRINTED)
    assert f"{test.statistic:.6f} {test.p_value:.6f}" == "3.304380 0.191630"


def test_mentored_on_probation_adjusted() -> None:
    wanted = real_case("babushkin_coach")
    names = ["age", "gender", "head_gender", "greywage", "way", "extraversion", "independ", "selfcontrol", "anxiety", "novator"]
    first = {"coach": "no", "gender": "f", "head_gender": "f", "greywage": "grey", "way": "bus"}
    result = survival.cox(turnover(), stop="stag", event="event", covariates=["coach", *names], reference=first)
    compare(result, wanted["cox_adjusted"], ADJUSTED)
    # R's own coefficients stand at its default tolerance here, hence 1e-6 for a test built on them.
    table = result.ph_test().table.set_index("term")
    assert list(table.index) == list(wanted["zph_p"])
    assert_allclose(table["p"], list(wanted["zph_p"].values()), rtol=1e-6)
    named = {"coach": "no", "age": None, "gender": "f"}
    clustered = survival.cox(turnover(), stop="stag", event="event", covariates=named, cluster="industry", variance="robust")
    compare(clustered, wanted["cox_cluster_industry"], ADJUSTED)


def test_mentored_on_probation_without_duplicates() -> None:
    wanted = real_case("babushkin_dedup_sensitivity")
    data = turnover()
    data = data[~data.duplicated([column for column in data if column != "row_id"])]
    result = survival.cox(data, stop="stag", event="event", covariates={"coach": "no"})
    assert (result.n, result.n_events) == (wanted["n"], wanted["events"])
    compare(result, wanted["cox"], COACH)


@pytest.mark.parametrize(("key", "ci"), [("km_log", "log"), ("km_loglog", "log-log")])
def test_curves_by_mentor(key: str, ci: str) -> None:
    wanted = real_case("babushkin_coach")
    curve = survival.kaplan_meier(turnover(), stop="stag", event="event", by="coach", ci=ci)
    for label, rows in wanted[key].items():
        _compare_curve(curve, label.removeprefix("coach="), rows)
    if ci == "log":
        for row in curve.median().itertuples():
            theirs = wanted["median"][f"coach={row.by}"]
            assert_allclose([row.median, row.ci_low, row.ci_high], [theirs["median"], theirs["0.95LCL"], theirs["0.95UCL"]], rtol=1e-9)


def _compare_curve(curve: object, label: str, rows: list[dict]) -> None:
    ours = curve.at([row["time"] for row in rows])
    ours = ours[ours["by"] == label]
    for column, theirs in (("n_risk", "n_risk"), ("survival", "surv"), ("se", "se"), ("ci_low", "lo"), ("ci_high", "hi")):
        assert_allclose(ours[column], [row[theirs] for row in rows], rtol=PRINTED, err_msg=column)


def test_health_workers() -> None:
    wanted = real_case("health_workers_km")
    data = pd.read_csv(shared_data("health_workers/health_workers.csv"))
    data["left"] = 1 - data["censor"]
    curve = survival.kaplan_meier(data, stop="weeks", event="left", ci="log")
    assert (curve.n, curve.n_events) == (wanted["n"], wanted["events"])
    _compare_curve(curve, "all", wanted["km"]["all"])
    median = curve.median().iloc[0]
    assert np.isnan(median["median"])
    assert median["reason"].startswith("not reached")
    assert "not reached" in curve.statement()


def test_teachers() -> None:
    wanted = real_case("teachers_discrete")
    data = pd.read_csv(shared_data("teachers/teachers.csv"))
    data["left"] = 1 - data["censor"]
    curve = survival.kaplan_meier(data, stop="years", event="left", ci="log")
    _compare_curve(curve, "all", wanted["km"]["all"])
    table = curve.table.head(12)
    for column, theirs in (("n_risk", "n_risk"), ("n_event", "events"), ("survival", "survivor")):
        assert_allclose(table[column], [row[theirs] for row in wanted["life_table"]], rtol=PRINTED)


def test_immortal_time() -> None:
    wanted = real_case("stanford_immortal")
    people = pd.read_csv(shared_data("heart/jasa.csv"))
    spells = pd.read_csv(shared_data("heart/heart.csv"))
    ever = {"stop": "futime", "event": "fustat"}
    over_time = {"start": "start", "stop": "stop", "event": "event"}
    compare(survival.cox(people, **ever, covariates=["transplant"]), wanted["naive"])
    compare(survival.cox(people, **ever, covariates=["transplant", "age", "surgery"]), wanted["naive_adjusted"])
    compare(survival.cox(spells, **over_time, covariates=["transplant"]), wanted["time_dependent"])
    compare(survival.cox(spells, **over_time, covariates=["transplant"], ties="breslow"), wanted["time_dependent_breslow"])
    adjusted = survival.cox(spells, **over_time, covariates=["age", "year", "surgery", "transplant"])
    compare(adjusted, wanted["time_dependent_adjusted"])


def test_competing_risks() -> None:
    wanted = real_case("mgus2_finegray")
    data = pd.read_csv(shared_data("competing_risks/mgus2.csv"))
    data["time"] = np.where(data["pstat"] == 0, data["futime"], data["ptime"])
    data["cause"] = np.where(data["pstat"] == 1, "pcm", np.where(data["death"] == 1, "death", ""))
    data["pcm"], data["male"] = data["cause"] == "pcm", data["sex"] == "M"
    curve = survival.aalen_johansen(data, stop="time", cause="cause", by="sex")
    assert curve.causes == ("death", "pcm")
    for row in wanted["aj"]:
        ours = curve.at(row["time"]).set_index(["by", "cause"])["cif"][row["strata"].removeprefix("sex=")]
        assert_allclose([ours["pcm"], ours["death"]], [row["pcm"], row["death"]], rtol=PRINTED)
    result = survival.cox(data, stop="time", event="pcm", covariates=["age", "male"])
    compare(result, wanted["cause_specific"], {'I(sex == "M")TRUE': "male"})


def test_recurrent_events() -> None:
    wanted = real_case("bladder_recurrent")
    data = pd.read_csv(shared_data("competing_risks/bladder2.csv"))
    call = {"start": "start", "stop": "stop", "event": "event", "covariates": ["rx", "size", "number"]}
    call |= {"cluster": "id", "variance": "robust"}
    compare(survival.cox(data, **call), wanted["andersen_gill"])
    compare(survival.cox(data, **call, strata="enum"), wanted["pwp"])
