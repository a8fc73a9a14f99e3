"""ANCOVA, proportional odds and shares against R, against each other, and on data with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import surveys
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from tests.shared_data import golden, shared_data
from tests.surveys.trials import reference, stored_trial, trial


def last_wave() -> pd.DataFrame:
    return stored_trial().query("wave == 3")


def test_ancova_against_clubsandwich():
    known = reference()["wald"]["cr2"]
    found = surveys.ancova(last_wave(), outcome="y", arm="arm", baseline="base", cluster="dept")
    assert (found.estimate.value, found.estimate.se, found.estimate.df) == pytest.approx((known["coef"], known["se"], known["df"]), rel=1e-9)
    weighted = surveys.ancova(last_wave(), outcome="y", arm="arm", baseline="base", cluster="dept", weights="weight", variance="CR3")
    assert weighted.estimate.value == pytest.approx(reference()["wald"]["cr2_weighted"]["coef"], rel=1e-9)


def test_the_jackknife_of_ancova_is_the_refit_without_each_cluster():
    data = trial(1, clusters=8, people=12, waves=1, effect=2).dropna(subset="y")
    found = surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept", variance="CR3")
    without = [surveys.ancova(data[data["dept"] != g], outcome="y", arm="arm", baseline="base", cluster="dept").estimate.value for g in range(8)]
    assert found.leave_one_out["estimate"].tolist() == pytest.approx(without)
    assert found.estimate.se == pytest.approx(np.sqrt(7 / 8 * ((np.array(without) - found.estimate.value) ** 2).sum())) and found.estimate.df == 7
    spread = np.sqrt(data.groupby("arm")["y"].var().mul(data.groupby("arm").size() - 1).sum() / (len(data) - 2))
    assert found.standardised.value == pytest.approx(found.estimate.value / spread * (1 - 3 / (4 * (len(data) - 2) - 1)))


def test_the_three_differences_of_ancova():
    found = surveys.ancova(last_wave(), outcome="y", arm="arm", baseline="base", cluster="dept")
    data = last_wave()
    means = data.groupby("arm")["y"].mean()
    change = data.assign(d=data["y"] - data["base"]).groupby("arm")["d"].mean()
    assert found.unadjusted.value == pytest.approx(means[1] - means[0]) and found.change_score.value == pytest.approx(change[1] - change[0])
    assert "regression to the mean" in found.change_score.warnings[0].text and len(found.table) == 4 and "Hedges" in found.statement()
    assert "unlike_at_baseline" in {w.code for w in found.warnings}
    lean = surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept", companions=False)
    assert lean.estimate.value == found.estimate.value and lean.change_score is None and len(lean.table) == 1


def test_change_scores_see_an_effect_where_regression_to_the_mean_is_all_there_is():
    """The worse off get the programme, which does nothing: the companion is biased, the default is not."""
    rng = np.random.default_rng(11)
    person = rng.normal(25, 6, 2000)
    base, after = person + rng.normal(0, 6, 2000), person + rng.normal(0, 6, 2000)
    data = pd.DataFrame({"arm": (base + rng.normal(0, 3, 2000) > 25).astype(int), "base": base, "y": after, "dept": np.arange(2000) % 20})
    found = surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept")
    assert abs(found.estimate.value) < 1 and found.change_score.ci_high < -3


def test_missing_baselines_in_ancova():
    data = last_wave().reset_index(drop=True)
    data.loc[::5, "base"] = np.nan
    restricted = surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept")
    imputed = surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept", randomised=True)
    gone = int(data["base"].isna().sum())
    assert restricted.left_out["without a baseline"] == gone and imputed.estimate.n == restricted.estimate.n + gone
    assert "left out" in restricted.statement() and "baseline_imputed" in {w.code for w in imputed.warnings}
    assert imputed.arms["n_baseline"].sum() == len(data) - gone


def test_proportional_odds_against_mass():
    known = reference()["ordinal"]
    found = surveys.ordinal(last_wave(), outcome="level", arm="arm", covariates=["base"])
    assert found.coefficients["log_odds"].tolist() == pytest.approx(known["coef"], rel=1e-4)
    assert found.coefficients["model_se"].tolist() == pytest.approx(known["se"], rel=1e-4)
    assert found.cuts.tolist() == pytest.approx(known["cuts"], rel=1e-4) and found.deviance == pytest.approx(known["deviance"], abs=1e-6)


def test_proportional_odds_of_two_answers_are_those_of_the_table():
    data = pd.DataFrame({"arm": [0] * 100 + [1] * 100, "level": [1] * 40 + [2] * 30 + [3] * 30 + [1] * 20 + [2] * 30 + [3] * 50})
    found = surveys.ordinal(data, outcome="level", arm="arm")
    assert found.by_cut["odds_ratio"].tolist() == pytest.approx([(80 / 20) / (60 / 40), (50 / 50) / (30 / 70)])
    assert found.by_cut["odds_ratio"].min() < found.estimate.value < found.by_cut["odds_ratio"].max() and "Cut by cut" in found.statement()
    named = data.assign(level=pd.Categorical.from_codes(data["level"] - 1, ["low", "middle", "high"], ordered=True))
    other = surveys.ordinal(named, outcome="level", arm="arm")
    assert other.estimate.value == pytest.approx(found.estimate.value) and list(other.table.columns) == ["arm", "low", "middle", "high"]


def test_proportional_odds_with_clusters():
    data = trial(8, clusters=12, people=25, waves=1, effect=8, icc=0.05).dropna(subset="y")
    data["level"] = np.digitize(data["y"], [15, 22, 28, 35])
    found = surveys.ordinal(data, outcome="level", arm="arm", cluster="dept")
    assert found.estimate.df == 11 and found.estimate.ci_low > 1 and "jackknife" in found.estimate.method
    null = surveys.ordinal(data.assign(level=np.random.default_rng(3).permutation(data["level"])), outcome="level", arm="arm", cluster="dept")
    assert null.estimate.ci_low < 1 < null.estimate.ci_high


def test_shares_of_favourable_answers():
    data = trial(6, clusters=12, people=20, waves=1, effect=-6).dropna(subset="y")
    found = surveys.favourable(data, favourable="y", at_most=22, arm="arm", cluster="dept")
    shares = (data["y"] <= 22).groupby(data["arm"]).mean()
    assert found.estimate.value == pytest.approx(shares[1] - shares[0]) and found.estimate.df == 11 and found.estimate.scale == "risk difference"
    by_cluster = surveys.favourable(data.assign(f=(data["y"] <= 22).astype(int)), favourable="f", arm="arm", cluster="dept", covariates=["base"])
    assert abs(by_cluster.estimate.value - found.estimate.value) < 0.1
    alone = surveys.favourable(data, favourable="y", at_most=22, arm="arm")
    assert (alone.table["ci_low"] < alone.table["share"]).all() and found.table["ci_low"].isna().all() and "% of" in found.statement()


def test_families_are_adjusted_each_for_itself():
    estimates = {name: Estimate(value=1.0, p_value=p) for name, p in {"a": 0.01, "b": 0.04, "c": 0.03, "d": np.nan}.items()}
    table = surveys.families(estimates, family={"a": "burnout", "b": "burnout", "c": "safety", "d": "safety"}).set_index("id")
    assert table.loc[["a", "b", "c"], "holm"].tolist() == pytest.approx([0.02, 0.04, 0.03]) and np.isnan(table.loc["d", "holm"])
    assert table.loc[["a", "b"], "benjamini_hochberg"].tolist() == pytest.approx([0.02, 0.04])


@pytest.mark.parametrize("function", ["ancova", "favourable", "ordinal"])
def test_few_clusters_give_no_interval(function):
    data = trial(2, clusters=4, people=20, waves=1).dropna(subset="y")
    data = data.assign(f=(data["y"] > 25).astype(int), level=np.digitize(data["y"], [20, 30]))
    call = {"ancova": {"outcome": "y"}, "favourable": {"favourable": "f"}, "ordinal": {"outcome": "level"}}[function]
    found = getattr(surveys, function)(data, arm="arm", cluster="dept", **call)
    assert np.isnan(found.estimate.ci_low) and np.isnan(found.estimate.p_value) and "too_few_clusters" in {w.code for w in found.warnings}
    without = getattr(surveys, function)(data, arm="arm", **call)
    assert without.estimate.ci_low < without.estimate.ci_high and "no_clusters" in {w.code for w in without.warnings}


def test_refusals():
    data = trial(2, clusters=8, people=5, waves=1).dropna(subset="y")
    with pytest.raises(EstimationError, match="two arms are compared"):
        surveys.ancova(data.assign(arm=data["dept"] % 3), outcome="y", arm="arm")
    with pytest.raises(EstimationError, match="determined"):
        surveys.ancova(data.assign(x=data["arm"]), outcome="y", arm="arm", covariates=["x"])
    with pytest.raises(EstimationError, match="has no value in 1 of"):
        surveys.ancova(data.assign(x=[np.nan] + [1.0] * (len(data) - 1)), outcome="y", arm="arm", covariates=["x"])
    with pytest.raises(UsageError, match="There is no variance"):
        surveys.ancova(data, outcome="y", arm="arm", variance="CR9")
    with pytest.raises(EstimationError, match="Use 1 for favourable"):
        surveys.favourable(data, favourable="y", arm="arm")
    with pytest.raises(EstimationError, match="2 different answers"):
        surveys.ordinal(data.assign(level=(data["y"] > 25).astype(int)), outcome="level", arm="arm")
    with pytest.raises(EstimationError, match="no finite estimate"):
        surveys.ordinal(data.assign(level=2 * data["arm"] + (data["y"] > 25)), outcome="level", arm="arm")
    with pytest.raises(UsageError, match="is no value of"):
        surveys.ancova(data, outcome="y", arm="arm", reference=7)


def test_profits_of_mentored_shopkeepers():
    """Brooks, Donovan & Johnson (2018), Table 3: 371.83 (133.02), with standard errors clustered by person."""
    data = pd.read_csv(shared_data("kenya_mentors/mentors_panel.csv"))
    known = golden("real_data")["cases"]["kenya_mentors_rct"]["values"]
    before = ["lage_b", "secondaryedu_b", "sec0_b", "sec1_b", "sec2_b", "sec3_b", "sec4_b", "I_emp_b", "tprofits_b"]
    rows = data[data["wave"].between(0, 7)].dropna(subset=["tprofits", *before])
    rows = rows.assign(mentee=(rows["treat"] == 4).astype(int), school=(rows["treat"] == 3).astype(int), w=rows["wave"].map(lambda v: f"w{v:g}"))
    about = {"outcome": "tprofits", "arm": "mentee", "cluster": "id"}
    pooled = surveys.ancova(rows, covariates=["school", "w", *before], variance="CR1", companions=False, **about)
    assert pooled.estimate.n == known["pooled_profit"]["n"]
    assert pooled.estimate.value == pytest.approx(known["pooled_profit"]["mentee"], rel=1e-9) and round(pooled.estimate.value, 2) == 371.83
    assert pooled.estimate.se == pytest.approx(known["pooled_profit"]["se_cluster"], rel=1e-9) and round(pooled.estimate.se, 2) == 133.02
    for wave, one in known["by_wave"].items():
        part = rows[rows["wave"] == int(wave)]
        found = surveys.ancova(part, covariates=["school", *before], variance="classical", companions=False, **about)
        assert (found.estimate.n, found.estimate.value, found.estimate.se) == pytest.approx((one["n"], one["mentee"], one["se"]), rel=1e-9)
