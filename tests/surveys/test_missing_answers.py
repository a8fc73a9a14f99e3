"""Response, weights, imputation and the tipping point: against mice, and on data whose missing answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import surveys
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.surveys.missing.response_model import kish
from tests.surveys.trials import reference, trial


def one_wave(seed: int = 1, **how) -> pd.DataFrame:
    data = trial(seed, waves=1, response=1 - 1e-9, **how)
    return data.assign(y=data["whole"])


def missing_at_random(data: pd.DataFrame, seed: int = 5) -> pd.DataFrame:
    """Those with a high baseline answer less, those of the arm even less."""
    rng = np.random.default_rng(seed)
    z = (data["base"] - 25) / 10
    gone = rng.random(len(data)) < 1 / (1 + np.exp(0.6 - 0.7 * z * (1 + data["arm"])))
    return data.assign(y=data["whole"].mask(gone), answered=(~gone).astype(int))


def test_weights_that_were_fitted_once_are_those_of_each_score_of_the_same_people():
    data = missing_at_random(one_wave(clusters=14, people=40, effect=-3))
    how = {"arm": "arm", "cluster": "dept"}
    once = surveys.response_refits(data, outcome="y", response_covariates=["base"], **how)
    own = surveys.weighted_ancova(data, outcome="y", response_covariates=["base"], baseline="base", **how)
    shared = surveys.weighted_ancova(data, outcome="y", baseline="base", refits=once, **how)
    assert shared.estimate == own.estimate and shared.leave_one_out.equals(own.leave_one_out) and shared.effective_n == own.effective_n
    with pytest.raises(UsageError, match="for others who did not answer"):
        surveys.weighted_ancova(data.assign(y=data["whole"]), outcome="y", refits=once, **how)
    with pytest.raises(UsageError, match="other rows"):
        surveys.weighted_ancova(data.iloc[5:], outcome="y", refits=once, **how)


def test_weights_from_one_score_mend_another():
    """A second score that goes with the first baseline, by which the silent differ: biased among those who answered, not once weighted."""
    off, mended = [], []
    for seed in range(5):
        data = missing_at_random(one_wave(seed, clusters=16, people=60), seed)
        noise = np.random.default_rng(seed + 50).normal(0, 2, len(data))
        second = 0.5 * data["base"] + 2.0 * data["arm"] + noise
        data = data.assign(second=second.where(data["answered"] == 1))
        once = surveys.response_refits(data, outcome="y", arm="arm", response_covariates=["base"], cluster="dept", truncate=1.0)
        found = surveys.weighted_ancova(data, outcome="second", arm="arm", cluster="dept", refits=once)
        whole = second[data["arm"] == 1].mean() - second[data["arm"] == 0].mean()
        off.append(found.unweighted.value - whole)
        mended.append(found.estimate.value - whole)
        assert found.estimate.ci_low < whole < found.estimate.ci_high
    assert abs(np.mean(off)) > 0.5 > 4 * abs(np.mean(mended))


def by_baseline(data: pd.DataFrame) -> Estimate:
    return surveys.ancova(data, outcome="y", arm="arm", baseline="base", cluster="dept", companions=False).estimate


def test_response_flow_counts():
    data = trial(3, clusters=6, people=5)
    found = surveys.response_flow(data.assign(answered=data["y"].notna()), answered="answered", wave="wave", arm="arm", person="person")
    assert found.table["asked"].sum() == len(data) and found.table["answered"].sum() == data["y"].notna().sum()
    assert found.patterns["n"].sum() == 30 and set("".join(found.patterns["pattern"])) <= {"0", "1"} and "wave 1" in found.statement()
    with pytest.raises(EstimationError, match="Use 1 for an answer"):
        surveys.response_flow(data.assign(answered=data["whole"]), answered="answered", wave="wave")


def test_weights_give_those_who_answered_the_make_up_of_all():
    data = missing_at_random(one_wave(clusters=24, people=40))
    found = surveys.response_weights(data, answered="answered", covariates=["base"], arm="arm", truncate=1.0)
    balance = found.balance.set_index("term")
    assert abs(balance.loc["base", "difference"]) > 0.2 and abs(balance.loc["base", "difference_weighted"]) < 0.06
    odds = found.model.set_index("arm")["odds_ratio"]
    assert odds["arm"] < odds["reference"] < 1  # each arm has its own: the higher the baseline, the fewer answers, in the arm all the more
    assert found.weights.isna().equals(data["answered"] == 0) and 0 < found.effective_n < data["answered"].sum()
    assert found.effective_n == pytest.approx(kish(found.weights.dropna().to_numpy()))
    cut = surveys.response_weights(data, answered="answered", covariates=["base"], arm="arm", truncate=0.9)
    assert cut.truncated > 0 and cut.weights.max() < found.weights.max() and cut.effective_n > found.effective_n


def test_weights_mend_what_their_covariates_explain():
    """Unadjusted means: biased among those who answered, not when weighted, and by nothing where nobody is missing."""
    off, mended = [], []
    for seed in range(6):
        data = missing_at_random(one_wave(seed, clusters=30, people=60, effect=-3), seed)
        found = surveys.weighted_ancova(data, outcome="y", arm="arm", response_covariates=["base"], cluster="dept", truncate=1.0)
        whole = surveys.ancova(data, outcome="whole", arm="arm", cluster="dept", companions=False).estimate.value
        off.append(found.unweighted.value - whole)
        mended.append(found.estimate.value - whole)
    assert np.mean(off) < -0.7 and abs(np.mean(mended)) < 0.5 and found.estimate.df == 29
    full = surveys.weighted_ancova(one_wave(clusters=8, people=10), outcome="y", arm="arm", response_covariates=["base"], cluster="dept")
    assert full.estimate.value == pytest.approx(full.unweighted.value) and full.estimate.se == pytest.approx(full.unweighted.se)


def test_weights_are_fitted_anew_without_each_cluster():
    data = missing_at_random(one_wave(clusters=8, people=30))
    found = surveys.weighted_ancova(data, outcome="y", arm="arm", response_covariates=["base"], cluster="dept", baseline="base")
    rest = data[data["dept"] != 3]
    weights = surveys.response_weights(rest, answered="answered", covariates=["base"], arm="arm").weights
    refit = surveys.ancova(rest.assign(w=weights).dropna(subset="y"), outcome="y", arm="arm", baseline="base", cluster="dept", weights="w")
    assert found.leave_one_out.set_index("cluster").loc[3, "estimate"] == pytest.approx(refit.estimate.value)
    assert "answered, worth" in found.statement() and len(found.table) == 2


def test_certain_answers_have_no_weights():
    data = one_wave(clusters=8, people=10)
    with pytest.raises(EstimationError, match="no finite model"):
        surveys.response_weights(data.assign(answered=(data["base"] > 25).astype(int)), answered="answered", covariates=["base"], arm="arm")
    with pytest.raises(UsageError, match="Give a quantile"):
        surveys.response_weights(data.assign(answered=1), answered="answered", covariates=["base"], truncate=0.2)


def test_rubins_rules_against_mice():
    known = reference()["rubin"]
    estimates = [Estimate(value=v, se=np.sqrt(w)) for v, w in zip(known["estimates"], known["variances"], strict=True)]
    found = surveys.pool_imputed(estimates, complete_df=known["complete_df"])
    assert found.estimate.value == pytest.approx(known["value"]) and found.estimate.se**2 == pytest.approx(known["total"])
    assert found.estimate.df == pytest.approx(known["df"]) and found.missing_information == pytest.approx(known["fmi"])
    ratios = [Estimate(value=np.exp(e.value), se=e.se, scale="odds ratio") for e in estimates]
    assert surveys.pool_imputed(ratios, complete_df=30).estimate.value == pytest.approx(np.exp(known["value"]))
    same = surveys.pool_imputed([Estimate(value=1.0, se=0.5, df=20.0)] * 3)
    assert same.missing_information == pytest.approx(2 / (same.estimate.df + 3)) and same.estimate.se == pytest.approx(0.5)
    with pytest.raises(UsageError, match="two completed"):
        surveys.pool_imputed(estimates[:1])


def test_imputation_gives_back_the_distribution():
    """Missing at random given baseline and arm: means, spread, correlation and clusters come back; without it they do not."""
    data = missing_at_random(one_wave(clusters=24, people=50, effect=-3, icc=0.15))
    made = surveys.impute(data, columns=["base", "y"], arm="arm", cluster="dept", imputations=8, seed=2)
    frames = list(made.datasets)
    assert all(frame["y"].notna().all() and (frame["y"][data["y"].notna()] == data["y"].dropna()).all() for frame in frames)
    assert abs(np.mean([frame["y"].mean() for frame in frames]) - data["whole"].mean()) < 0.5 < abs(data["y"].mean() - data["whole"].mean())
    assert np.mean([frame["y"].std() for frame in frames]) == pytest.approx(data["whole"].std(), rel=0.06)
    assert np.mean([frame["y"].corr(frame["base"]) for frame in frames]) == pytest.approx(data["whole"].corr(data["base"]), abs=0.06)
    between = [frame.groupby("dept")["y"].mean().var() for frame in frames]
    assert np.mean(between) == pytest.approx(data.groupby("dept")["whole"].mean().var(), rel=0.35)
    assert not np.allclose(frames[0]["y"], frames[1]["y"]) and "8 imputations" in made.statement()


def test_imputation_is_the_same_for_the_same_seed_and_leaves_whole_data_alone():
    data = missing_at_random(one_wave(clusters=6, people=12))
    first, again, other = (surveys.impute(data, columns=["y", "base"], arm="arm", imputations=2, iterations=3, seed=s).values for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    whole = surveys.impute(data, columns=["whole"], arm="arm", cluster="dept", imputations=3)
    pooled = whole.pooled(lambda d: surveys.ancova(d, outcome="whole", arm="arm", cluster="dept").estimate)
    assert pooled.estimate.value == pytest.approx(surveys.ancova(data, outcome="whole", arm="arm", cluster="dept").estimate.value)
    assert pooled.between == pytest.approx(0)


def test_answers_missing_by_what_they_would_have_been_bias_and_tip():
    """In the arm those worse off answer less: all methods that take answers as missing at random find too good a result; the right delta mends it."""
    data = trial(21, clusters=24, people=60, waves=1, mnar=-1.5, response=0.55)
    made = surveys.impute(data, columns=["base", "y"], arm="arm", cluster="dept", imputations=5, iterations=10)
    assert made.pooled(by_baseline).estimate.ci_high < 0  # an effect where there is none
    filled = made.missing[:, 1] & (made.inside == 1)
    right = float((data["whole"].to_numpy()[filled] - made.values[:, filled, 1].mean(axis=0)).mean())
    found = surveys.tipping_point(made, analysis=by_baseline, outcome="y", deltas=[-2, 0, right / 2, right])
    row = found.table.set_index("delta").loc[right]
    assert row["ci_low"] < 0 < row["ci_high"] and right > 2
    assert np.isnan(found.tips_at[0]) and 0 < found.tips_at[1] < right and not found.holds_no_effect
    assert "unanswered scores in the arm" in found.statement() and found.filled == filled.sum()
    at_tip = surveys.tipping_point(made, analysis=by_baseline, outcome="y", deltas=[-1, found.tips_at[1], 20]).table.set_index("delta")
    assert abs(at_tip.loc[found.tips_at[1], "ci_high"]) < 0.02


def test_tipping_in_the_other_arm_goes_the_other_way():
    data = missing_at_random(one_wave(clusters=12, people=30, effect=-5))
    made = surveys.impute(data, columns=["base", "y"], arm="arm", cluster="dept", imputations=3, iterations=5)
    arm, reference_arm = (
        surveys.tipping_point(made, analysis=by_baseline, outcome="y", deltas=[-3, 0, 3], shifted=s).table["estimate"] for s in ("arm", "reference")
    )
    assert arm.is_monotonic_increasing and reference_arm.is_monotonic_decreasing
    with pytest.raises(UsageError, match="one side of 0"):
        surveys.tipping_point(made, analysis=by_baseline, outcome="y", deltas=[1, 2])
    with pytest.raises(UsageError, match="was not imputed"):
        surveys.tipping_point(made, analysis=by_baseline, outcome="z")


@pytest.mark.parametrize("variance", ["CR2", "CR3"])
def test_three_analyses_tell_all_deltas_of_a_linear_one_and_no_other(variance):
    data = missing_at_random(one_wave(clusters=12, people=30, effect=-5))
    made = surveys.impute(data, columns=["base", "y"], arm="arm", cluster="dept", imputations=3, iterations=5)

    def analysis(frame):
        return surveys.ancova(frame, outcome="y", arm="arm", baseline="base", cluster="dept", variance=variance, companions=False).estimate

    short, whole = (surveys.tipping_point(made, analysis=analysis, outcome="y", linear=linear) for linear in (True, False))
    pd.testing.assert_frame_equal(short.table, whole.table, rtol=1e-8)
    np.testing.assert_allclose(short.tips_at, whole.tips_at, atol=2e-3 * whole.sd)
    with pytest.raises(UsageError, match="not linear"):
        surveys.tipping_point(made, analysis=lambda frame: analysis(frame.assign(y=frame["y"] ** 2)), outcome="y", linear=True)


def test_too_few_clusters_for_an_interval_are_too_few_when_silence_is_filled_in():
    data = missing_at_random(one_wave(clusters=4, people=60, effect=-5))
    made = surveys.impute(data, columns=["base", "y"], arm="arm", cluster="dept", imputations=3, iterations=3)
    found = made.pooled(by_baseline).estimate
    assert found.value < 0 and np.isnan([found.ci_low, found.ci_high, found.p_value]).all()
    for linear in (True, False):
        with pytest.raises(EstimationError, match="no interval"):
            surveys.tipping_point(made, analysis=by_baseline, outcome="y", linear=linear)
    answered_for = surveys.pool_imputed([Estimate(value=v, se=0.5) for v in (1.0, 1.2)], complete_df=np.inf).estimate
    assert answered_for.ci_low < 1.1 < answered_for.ci_high
    with pytest.raises(EstimationError, match="no standard error"):
        surveys.pool_imputed([Estimate(value=1.0, se=np.nan)] * 2)


def test_imputation_refuses():
    data = missing_at_random(one_wave(clusters=6, people=12))
    with pytest.raises(EstimationError, match="fewer than ten values"):
        surveys.impute(data.assign(y=np.where(np.arange(len(data)) < 5, 1.0, np.nan)), columns=["y"], arm="arm")
    with pytest.raises(EstimationError, match="does not vary"):
        surveys.impute(data.assign(y=data["y"] * 0), columns=["y"], arm="arm")
    with pytest.raises(EstimationError, match="determine each other"):
        surveys.impute(data.assign(twin=data["base"]), columns=["y", "base", "twin"], arm="arm")
    with pytest.raises(UsageError, match="two imputations"):
        surveys.impute(data, columns=["y"], arm="arm", imputations=1)
