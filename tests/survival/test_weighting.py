"""Propensity weights, balance, overlap and the weighted Cox model: against R, by hand, and where there is no answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival.weighting.logistic import fit_logistic
from tests.survival.reference import CLOSED_FORM, compare_cox, reference, survival_data

SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=10, deadline=None, derandomize=True)
COLON = ["sex", "age", "obstruct", "perfor", "adhere", "nodes", "extent", "surg"]


def people(n: int = 300, seed: int = 3, effect: float = 0.0) -> pd.DataFrame:
    """Treatment and hazard both depend on x and grade; the log hazard ratio of treatment is ``effect``."""
    rng = np.random.default_rng(seed)
    x, grade = rng.normal(size=n), rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    risk = 0.8 * x + 0.6 * (grade == "b") - 0.5 * (grade == "c")
    treated = rng.random(n) < 1 / (1 + np.exp(-risk))
    time = rng.exponential(1 / np.exp(risk + effect * treated))
    end = rng.uniform(0.5, 3, n)
    return pd.DataFrame({
        "treated": treated.astype(int), "x": x, "grade": grade, "stop": np.minimum(time, end), "event": (time <= end).astype(int),
        "dept": rng.integers(0, 12, n), "zone": rng.integers(0, 3, n),
    }, index=[f"r{i}" for i in range(n)])


CALL = {"treatment": "treated", "covariates": ["x", "grade"]}


# ---- against R -----------------------------------------------------------------------------------------------------

def test_colon_propensity_model() -> None:
    data = survival_data("colon_iptw")
    made = survival.propensity_weights(data, treatment="trt", covariates=COLON, clip=None)
    wanted = reference("colon", "ps_coef")
    assert list(made.table["term"]) == list(wanted)
    assert_allclose(made.table["coef"], list(wanted.values()), rtol=CLOSED_FORM)
    assert_allclose([made.weights.mean(), made.weights.min(), made.weights.max()], reference("colon", "sw_summary"), rtol=CLOSED_FORM)
    assert_allclose(made.propensity, data["ps"], rtol=CLOSED_FORM)
    # summary(glm(trt ~ ..., binomial, c2, control = list(epsilon = 1e-14)))$coefficients[, 2] in R 4.2.2: intercept, sex, nodes
    assert_allclose(made.table.set_index("term")["se"][["(Intercept)", "sex", "nodes"]], COLON_SE, rtol=1e-9)


COLON_SE = [0.564730933322, 0.142662039162, 0.020981086090]


@pytest.mark.parametrize(("estimand", "entry"), [("ate", "iptw_cox"), ("overlap", "ow_cox")])
def test_colon_weighted_cox(estimand: str, entry: str) -> None:
    data = survival_data("colon_iptw")
    made = survival.propensity_weights(data, treatment="trt", covariates=COLON, estimand=estimand, clip=None)
    fit = survival.cox(data.assign(w=made.weights), stop="time", event="status", covariates=["trt"], weights="w", cluster="id", variance="robust")
    compare_cox(fit, reference("colon", entry))
    whole = survival.iptw_cox(data, treatment="trt", covariates=COLON, stop="time", event="status", estimand=estimand, clip=None)
    assert_allclose(whole.estimate.value, np.exp(reference("colon", entry, "coef", "trt")), rtol=CLOSED_FORM)
    assert_allclose(whole.estimate.se, reference("colon", entry, "se", "trt"), rtol=CLOSED_FORM)


# ---- the logistic model --------------------------------------------------------------------------------------------

@given(SEEDS)
@QUICK
def test_logistic_equals_statsmodels_with_indicators(seed: int) -> None:
    """Absorbed intercepts are indicator columns, whatever the weights."""
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    n, codes = 160, rng.integers(0, 3, 160)
    x = np.array([rng.normal(5, 1, n), rng.integers(0, 2, n)])
    y, w = (rng.random(n) < 0.25 + 0.2 * codes).astype(float), rng.uniform(0.2, 3, n)
    full = sm.GLM(y, np.column_stack([x.T, *(codes == level for level in range(3))]), family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-13)
    fit = fit_logistic(x, y, weights=w, codes=codes)
    assert fit.runaway is None
    assert_allclose(np.r_[fit.coef, fit.intercepts], full.params, rtol=1e-7, atol=1e-9)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), full.bse[:2], rtol=1e-6)
    assert_allclose(fit.fitted, full.fittedvalues, rtol=1e-7)
    plain = fit_logistic(x, y, weights=w)
    one = sm.GLM(y, sm.add_constant(x.T), family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-13)
    assert_allclose(np.sqrt(np.diag(plain.full_covariance)), one.bse, rtol=1e-6)
    assert_allclose(plain.intercepts[0], one.params[0], rtol=1e-6, atol=1e-8)


def test_stratum_without_contrast_says_nothing() -> None:
    rng = np.random.default_rng(1)
    x, y, codes = rng.normal(size=(1, 90)), rng.integers(0, 2, 90).astype(float), np.repeat([0, 1, 2], 30)
    y[codes == 1] = 1
    fit, without = fit_logistic(x, y, codes=codes), fit_logistic(x[:, codes != 1], y[codes != 1], codes=codes[codes != 1])
    assert_allclose(fit.coef, without.coef, rtol=1e-10)
    assert (fit.fitted[codes == 1] == 1).all()
    assert fit.constant.tolist() == [False, True, False]


# ---- weights -------------------------------------------------------------------------------------------------------

def test_weights_by_hand() -> None:
    data = people()
    e = survival.propensity_weights(data, **CALL).propensity
    t, share = data["treated"].to_numpy(), data["treated"].mean()
    for options, wanted in [
        ({}, np.where(t, share / e, (1 - share) / (1 - e))), ({"stabilised": False}, np.where(t, 1 / e, 1 / (1 - e))),
        ({"estimand": "att"}, np.where(t, 1, e / (1 - e))), ({"estimand": "overlap"}, np.where(t, 1 - e, e)),
    ]:
        assert_allclose(survival.propensity_weights(data, **CALL, clip=None, **options).weights, wanted, rtol=1e-12)
    raw = survival.propensity_weights(data, **CALL, clip=None).weights
    cut = survival.propensity_weights(data, **CALL, clip=(0.05, 0.9))
    low, high = np.quantile(raw, [0.05, 0.9])
    assert_allclose(cut.weights, raw.clip(low, high), rtol=1e-12)
    assert cut.limits == (low, high)
    assert cut.clipped == ((raw < low) | (raw > high)).sum()
    treated = cut.weights[t == 1]
    assert_allclose(cut.ess["treated"], treated.sum() ** 2 / (treated**2).sum(), rtol=1e-12)
    assert list(cut.weights.index) == list(data.index)
    assert cut.largest["weight"].tolist() == sorted(cut.weights, reverse=True)[:10]


@given(SEEDS)
@QUICK
def test_overlap_weights_balance_the_model_s_covariates_exactly(seed: int) -> None:
    """The score equations of the logistic model say so (Li, Morgan & Zaslavsky 2018, theorem 3)."""
    data = people(seed=seed % 10_000)
    made = survival.propensity_weights(data, **CALL, estimand="overlap")
    found = survival.balance(data, treatment="treated", covariates=["x", "grade"], weights=made.weights).table
    assert_allclose(found["smd_after"], 0, atol=1e-9)
    assert found["smd_before"].abs().max() > 0.1
    assert not found["imbalanced"].any()


@given(SEEDS)
@QUICK
def test_refit_is_the_same_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = people(seed=seed % 10_000)
    made = survival.propensity_weights(data, **CALL)
    assert_allclose(made.refit(data), made.weights, rtol=1e-8)
    part = data[rng.random(len(data)) < 0.8]
    fresh = survival.propensity_weights(part, **CALL)
    assert_allclose(made.refit(part), fresh.weights, rtol=1e-8)
    shuffled = data.sample(frac=1, random_state=seed % 1000)
    assert_allclose(survival.propensity_weights(shuffled, **CALL).weights[data.index], made.weights, rtol=1e-8)


def test_strata_have_their_own_shares() -> None:
    data = people()
    data.loc[data["zone"] == 2, "treated"] = 0
    made = survival.propensity_weights(data, **CALL, strata="zone", clip=None)
    bare = (data["zone"] == 2).to_numpy()
    assert (made.propensity[bare] == 0).all()
    assert (made.weights[bare] == 1).all()
    (caution,) = [one for one in made.warnings if one.code == "strata_with_one_arm"]
    assert caution.data == {"strata": 1, "rows": bare.sum()}
    share = data[~bare].groupby("zone")["treated"].transform("mean")
    e, t = made.propensity[~bare], data["treated"][~bare]
    assert_allclose(made.weights[~bare], np.where(t, share / e, (1 - share) / (1 - e)), rtol=1e-12)
    for _, part in made.propensity.groupby(data["zone"]):  # an intercept makes fitted and observed numbers agree
        assert_allclose(part.sum(), data.loc[part.index, "treated"].sum(), atol=1e-8)


def test_overall_shares_make_the_mix_of_strata_alike() -> None:
    """What an analysis that is not stratified needs: with shares by stratum the arms keep their own mix of strata."""
    rng = np.random.default_rng(8)
    data = people(3000, seed=8)
    data["treated"] = np.where(rng.random(len(data)) < 0.1 + 0.3 * data["zone"], 1, 0)
    data = data.assign(zone=data["zone"].astype(str))
    alike = {}
    for stabilised in (True, "overall"):
        made = survival.propensity_weights(data, **CALL, strata="zone", stabilised=stabilised, clip=None)
        alike[stabilised] = survival.balance(data, treatment="treated", covariates=["zone"], weights=made.weights).table["smd_after"].abs().max()
        assert_allclose(made.refit(data), made.weights, rtol=1e-9)
    assert alike["overall"] < 0.02
    assert alike[True] > 0.5
    with pytest.raises(EstimationError, match="one arm only"):
        survival.propensity_weights(data.assign(treated=data["treated"] * (data["zone"] != "1")), **CALL, strata="zone", stabilised="overall")
    with pytest.raises(UsageError, match="stabilised is 'all'"):
        survival.propensity_weights(data, **CALL, stabilised="all")


def test_separation_is_refused_or_said() -> None:
    data = people()
    data.loc[data["grade"] == "c", "treated"] = 0
    with pytest.raises(EstimationError, match=r"'grade\[c\]' separates the arms") as caught:
        survival.propensity_weights(data, **CALL)
    assert caught.value.rows == tuple(data.index[data["grade"] == "c"])
    for estimand in ("overlap", "att"):  # nobody of the target population is without a counterpart
        made = survival.propensity_weights(data, **CALL, estimand=estimand)
        assert "separation" in [one.code for one in made.warnings]
        assert made.weights[data["grade"] == "c"].max() < 1e-3
        assert np.isnan(made.table.set_index("term").loc["grade[c]", "se"])
    for estimand in ("ate", "att", "overlap"):  # everybody's arm is foretold
        with pytest.raises(EstimationError, match="'x' separates the arms"):
            survival.propensity_weights(data.assign(treated=(data["x"] > 0).astype(int)), **CALL, estimand=estimand)
    data.loc[data["grade"] == "c", "treated"] = 1
    with pytest.raises(EstimationError, match="nobody to compare with"):
        survival.propensity_weights(data, **CALL, estimand="att")


def test_positivity_is_said() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    data = pd.DataFrame({"x": x, "treated": (rng.random(400) < 1 / (1 + np.exp(-6 * x))).astype(int)})
    made = survival.propensity_weights(data, treatment="treated", covariates="x")
    caution = next(one for one in made.warnings if one.code == "positivity")
    outside = ((made.propensity < 0.01) | (made.propensity > 0.99)).sum()
    assert caution.data["rows"] == outside > 50
    assert "positivity" not in [one.code for one in survival.propensity_weights(people(), **CALL).warnings]


BAD = [
    ("no such column", {"covariates": ["nonsense"]}, {}, UsageError, "'nonsense'"),
    ("no covariates", {"covariates": []}, {}, UsageError, "No covariates"),
    ("treatment explains itself", {"covariates": ["treated"]}, {}, UsageError, "its own covariates"),
    ("unknown estimand", {"estimand": "atc"}, {}, UsageError, "'atc'"),
    ("clip out of order", {"clip": (0.9, 0.1)}, {}, UsageError, "low < high"),
    ("clip is a word", {"clip": "yes"}, {}, UsageError, "clip is 'yes'"),
    ("one arm", {}, {"treated": 1}, EstimationError, "is 1 in every row"),
    ("three arms", {}, {"treated": ("r3", 2)}, EstimationError, "holds 2"),
    ("missing covariate", {}, {"x": ("r4", np.nan)}, EstimationError, "'x' has no value"),
    ("constant covariate", {}, {"x": 1.0}, EstimationError, "'x' is 1.0 in every row"),
    ("collinear", {"covariates": ["x", "y"]}, {}, EstimationError, "'y' of the propensity model is a linear combination of 'x'"),
    ("constant within strata", {"strata": "dept", "covariates": ["x", "site"]}, {}, EstimationError, "'site' of the propensity model does not vary"),
    ("no stratum with both", {"strata": "treated2"}, {}, EstimationError, "No stratum"),
]


@pytest.mark.parametrize(("name", "call", "change", "error", "says"), BAD, ids=[one[0] for one in BAD])
def test_propensity_refuses(name: str, call: dict, change: dict, error: type, says: str) -> None:
    data = people()
    data = data.assign(y=2 * data["x"] - 1, site=data["dept"] % 4, treated2=data["treated"])
    for column, value in change.items():
        if isinstance(value, tuple):
            data.loc[value[0], column] = value[1]
        else:
            data[column] = value
    with pytest.raises(error) as caught:
        survival.propensity_weights(data, **{**CALL, **call})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- balance and overlap -------------------------------------------------------------------------------------------

def test_balance_by_hand() -> None:
    data = pd.DataFrame({"t": [1, 1, 1, 0, 0, 0, 0], "x": [1.0, 2, 6, 0, 1, 2, 5], "b": [1, 0, 1, 0, 0, 0, 1], "k": list("uvvuuvw")})
    w = np.array([1.0, 2, 1, 1, 1, 3, 1])
    table = survival.balance(data, treatment="t", covariates=["x", "b", "k"], weights=w).table.set_index("term")
    assert list(table.index) == ["x", "b", "k[u]", "k[v]", "k[w]"]
    # treated x: mean 3, variance 7; controls: mean 2, variance 14/3
    spread = np.sqrt((7 + 14 / 3) / 2)
    assert_allclose(table.loc["x", ["mean_treated", "mean_control", "smd_before"]].astype(float), [3, 2, 1 / spread])
    after = 11 / 4 - 12 / 6  # (1 + 4 + 6) / 4 against (0 + 1 + 6 + 5) / 6
    assert_allclose(table.loc["x", "smd_after"], after / spread)
    assert_allclose(table.loc["x", "variance_ratio_before"], 7 / (14 / 3))
    one = (1 * (1 - 2.75) ** 2 + 2 * (2 - 2.75) ** 2 + (6 - 2.75) ** 2) / (4 - 6 / 4)
    two = (4 + 1 + 3 * 0 + 9) / (6 - 12 / 6)
    assert_allclose(table.loc["x", "variance_ratio"], one / two)
    assert_allclose(table.loc["b", "smd_before"], (2 / 3 - 1 / 4) / np.sqrt((2 / 9 + 3 / 16) / 2))
    assert_allclose(table.loc["k[v]", "smd_after"], (3 / 4 - 3 / 6) / np.sqrt((2 / 9 + 3 / 16) / 2))
    assert np.isnan(table.loc["b", "variance_ratio"])
    bare = survival.balance(data, treatment="t", covariates=["x"])
    assert bare.table["smd_after"].isna().all()
    assert bare.table["imbalanced"].all()
    assert bare.warnings[0].code == "imbalance"
    assert_allclose(bare.arms["ess"], [3, 4])


def test_balance_without_variance_is_infinite_not_zero() -> None:
    data = pd.DataFrame({"t": [1, 1, 0, 0], "b": [1, 1, 0, 0], "same": [2.0, 2, 2, 2]})
    table = survival.balance(data, treatment="t", covariates=["b", "same"]).table
    assert table["smd_before"].tolist() == [np.inf, 0.0]
    assert table["imbalanced"].tolist() == [True, False]


def test_balance_refuses() -> None:
    data = people(40)
    for call, error in [({"covariates": []}, UsageError), ({"covariates": ["x", "x"]}, UsageError), ({"weights": [1.0]}, UsageError),
                        ({"weights": np.where(data["treated"], 0.0, 1.0)}, EstimationError), ({"weights": -np.ones(40)}, EstimationError),
                        ({"weights": pd.Series(np.ones(40))}, UsageError)]:
        with pytest.raises(error):
            survival.balance(data, **{"treatment": "treated", "covariates": ["x"], **call})


def test_overlap_counts_and_limits() -> None:
    data = pd.DataFrame({"t": [1, 1, 1, 0, 0, 0], "e": [0.3, 0.55, 1.0, 0.05, 0.3, 0.6]})
    found = survival.overlap(data, treatment="t", propensity="e", bins=4, weights=np.array([1, 2, 3, 1, 1, 1.0]))
    assert found.table["n_treated"].tolist() == [0, 1, 1, 1]
    assert found.table["n_control"].tolist() == [1, 1, 1, 0]
    assert found.table["weight_treated"].tolist() == [0, 1, 2, 3]
    assert found.support == (0.3, 0.6)
    assert found.outside["n_outside"].tolist() == [1, 1]
    assert "0.300 to 0.600" in found.statement()
    apart = survival.overlap(data.assign(e=data["t"]), treatment="t", propensity="e")
    assert "do not overlap" in apart.statement()
    with pytest.raises(EstimationError, match="above 1"):
        survival.overlap(data.assign(e=2.0), treatment="t", propensity="e")


# ---- the weighted Cox model ----------------------------------------------------------------------------------------

COX = {**CALL, "stop": "stop", "event": "event"}


def test_weights_are_refitted_in_every_leave_one_out() -> None:
    data = people(240, effect=-0.4)
    found = survival.iptw_cox(data, **COX, cluster="dept")
    logs = []
    for dept in range(12):
        part = data[data["dept"] != dept]
        weights = survival.propensity_weights(part, **CALL).weights
        logs.append(survival.cox(part.assign(w=weights), stop="stop", event="event", covariates=["treated"], weights="w").table["coef"][0])
    full = np.log(found.estimate.value)
    assert_allclose(found.refits["log_hr"], logs, rtol=1e-8)
    assert_allclose(found.estimate.se, np.sqrt(11 / 12 * np.sum((np.array(logs) - full) ** 2)), rtol=1e-8)
    assert found.estimate.df == 11
    assert found.estimate.n_clusters == 12
    known = survival.iptw_cox(data, **COX, cluster="dept", variance="cluster")
    assert known.estimate.value == found.estimate.value
    assert known.estimate.se != found.estimate.se


def test_clusters_without_contrast_do_not_count() -> None:
    data = people(400)
    data.loc[data["dept"] < 4, "treated"] = 0  # four departments that the stratified model cannot use
    found = survival.iptw_cox(data, **COX, cluster="dept", strata="dept")
    assert found.estimate.n_clusters == 8
    assert found.estimate.df == 7


def test_a_cluster_that_carries_everything_leaves_no_interval() -> None:
    data = people(400)
    lost = (data["treated"] == 1) & (data["dept"] != 3)
    data.loc[lost, "event"] = 0  # all events of the treated are in department 3
    found = survival.iptw_cox(data, **COX, cluster="dept")
    assert np.isnan(found.estimate.ci_low)
    assert "jackknife_failed" in [one.code for one in found.warnings]
    assert found.refits.loc[3, "reason"] != ""
    assert "no interval" in found.statement()


@pytest.mark.parametrize("effect", [0.0, -0.7])
def test_weighting_removes_measured_confounding(effect: float) -> None:
    """In a trial of the same people the marginal hazard ratio is what the weighted model should find."""
    data = people(6000, seed=11, effect=effect)
    naive = survival.cox(data, stop="stop", event="event", covariates=["treated"]).estimate
    found = survival.iptw_cox(data, **COX, clip=None).estimate
    rng = np.random.default_rng(12)
    trial = people(60_000, seed=13)
    risk = 0.8 * trial["x"] + 0.6 * (trial["grade"] == "b") - 0.5 * (trial["grade"] == "c")
    trial["treated"] = rng.integers(0, 2, len(trial))
    time, end = rng.exponential(1 / np.exp(risk + effect * trial["treated"])), rng.uniform(0.5, 3, len(trial))
    trial["stop"], trial["event"] = np.minimum(time, end), (time <= end).astype(int)
    truth = np.log(survival.cox(trial, stop="stop", event="event", covariates=["treated"]).estimate.value)
    assert abs(np.log(found.value) - truth) < 3 * found.se
    assert found.ci_low < np.exp(truth) < found.ci_high
    assert np.log(naive.value) - truth > 8 * naive.se  # and the unweighted model is far off


def test_weighted_cox_refuses() -> None:
    data = people(60)
    cases = [({"variance": "jackknife"}, "needs cluster="), ({"variance": "bootstrap"}, "'bootstrap'"), ({"cluster": "nowhere"}, "'nowhere'")]
    for call, says in cases:
        with pytest.raises(UsageError, match=says):
            survival.iptw_cox(data, **{**COX, **call})
    with pytest.raises(UsageError, match="taken for the weights"):
        survival.iptw_cox(data.assign(_weight=1), **COX)


def test_results_can_be_read() -> None:
    data = people()
    made = survival.propensity_weights(data, **CALL)
    for result in (made, survival.balance(data, treatment="treated", covariates="x", weights=made.weights),
                   survival.overlap(data, treatment="treated", propensity=made.propensity), survival.iptw_cox(data, **COX)):
        assert result.statement().endswith(".")
        assert result.statement().split(":")[0] in result._repr_html_() or "<p>" in result._repr_html_()
        assert isinstance(result.table, pd.DataFrame)
