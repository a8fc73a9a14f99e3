"""The mixed models against lme4, lmerTest, pbkrtest and nlme, against theory where it is exact, and on data with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import surveys
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.surveys.mixed.fitting import intercept_templates, restricted_fit, unstructured_templates
from mentorship_eval.surveys.mixed.layout import build_layout
from mentorship_eval.surveys.mixed.likelihood import Likelihood
from mentorship_eval.surveys.mixed.small_sample import contrasts
from tests.shared_data import golden, shared_data
from tests.surveys.trials import HERE, reference, stored_trial, trial


def design(data: pd.DataFrame) -> np.ndarray:
    """w * arm + base, in the order of the reference."""
    second, third = (data["wave"] == 2).to_numpy(float), (data["wave"] == 3).to_numpy(float)
    arm = data["arm"].to_numpy(float)
    return np.column_stack([np.ones(len(data)), second, third, arm, data["base"], second * arm, third * arm])


def fitted(cluster: bool, unstructured: bool = False):
    data = stored_trial()
    templates = unstructured_templates(3) if unstructured else intercept_templates(3, person=True)
    nonnegative = np.array([not unstructured] * len(templates) + [True] * cluster)
    layout = build_layout(pd.factorize(data["person"])[0], data["wave"].to_numpy() - 1, pd.factorize(data["dept"], sort=True)[0] if cluster else None)
    return restricted_fit(Likelihood(layout, design(data), data["y"].to_numpy(), templates), nonnegative=nonnegative)


@pytest.mark.parametrize(("name", "cluster"), [("dept_person", True), ("person", False)])
def test_against_lmertest_and_pbkrtest(name, cluster):
    known = reference()["mixed"][name]
    fit = fitted(cluster)
    by_group = dict(zip(known["groups"], known["variances"], strict=True))
    own = by_group["person:dept" if cluster else "person"]
    assert fit.at.theta == pytest.approx([by_group["Residual"], own, *([by_group["dept"]] if cluster else [])], rel=2e-5)
    assert fit.at.deviance == pytest.approx(known["deviance"], abs=1e-8)
    satterthwaite, kenward_roger = contrasts(fit, np.eye(7), "satterthwaite"), contrasts(fit, np.eye(7), "kenward-roger")
    assert satterthwaite.estimate == pytest.approx(known["coef"], rel=3e-6)
    assert satterthwaite.se == pytest.approx(known["se"], rel=3e-6) and satterthwaite.df == pytest.approx(known["df"], rel=3e-6)
    assert kenward_roger.se == pytest.approx(known["kr_se"], rel=3e-6) and kenward_roger.df == pytest.approx(known["kr_df"], rel=3e-6)


def test_a_contrast_of_few_clusters_against_lmertest_and_pbkrtest():
    known, line = reference()["mixed"]["dept_person"]["average"], np.array([[0, 0, 0, 1, 0, 1 / 3, 1 / 3]])
    fit = fitted(True)
    for df, se, freedom in (("satterthwaite", "se", "df"), ("kenward-roger", "kr_se", "kr_df")):
        found = contrasts(fit, line, df)
        assert (found.estimate[0], found.se[0], found.df[0]) == pytest.approx((known["estimate"], known[se], known[freedom]), rel=3e-6)


def test_unstructured_against_nlme():
    known = reference()["unstructured"]
    fit = fitted(False, unstructured=True)
    assert fit.at.beta == pytest.approx(known["gls"]["coef"], rel=1e-4) and np.sqrt(np.diag(fit.at.covariance)) == pytest.approx(
        known["gls"]["se"], rel=1e-4
    )
    assert fit.at.deviance == pytest.approx(known["gls"]["deviance"], abs=1e-6)
    with_dept = fitted(True, unstructured=True)  # nlme's needs a tiny residual variance, and scales its standard errors by one factor
    assert with_dept.at.beta == pytest.approx(known["lme_nearly"]["coef"], rel=1e-5)
    ratio = np.sqrt(np.diag(with_dept.at.covariance)) / np.array(known["lme_nearly"]["se"])
    assert ratio == pytest.approx(ratio[0], rel=1e-5)


def test_one_group_against_lme4():
    last, first = (stored_trial().query(f"wave == {wave}") for wave in (3, 1))
    known = reference()["mixed"]["cross_section"]
    found = surveys.random_intercepts(last, outcome="y", groups="dept", covariates=["arm", "base"])
    assert found.variances["variance"].tolist() == pytest.approx(known["variances"], rel=1e-4)
    assert found.table["se"].tolist() == pytest.approx(known["kr_se"], rel=1e-5) and found.table["df"].tolist() == pytest.approx(
        known["kr_df"], rel=1e-5
    )
    other = surveys.random_intercepts(last, outcome="y", groups="dept", covariates=["arm", "base"], df="satterthwaite")
    assert other.table["df"].tolist() == pytest.approx(known["df"], rel=1e-4)
    variances = reference()["mixed"]["wave1"]["variances"]
    mean = surveys.random_intercepts(first, outcome="y", groups="dept")
    assert mean.icc["dept"].value == pytest.approx(variances[0] / sum(variances), rel=1e-5)
    assert "Intra-class correlation: dept" in mean.statement() and "<table" in mean._repr_html_()


def test_no_variance_between_clusters_against_pbkrtest():
    """Estimated as 0, it keeps its uncertainty in Kenward and Roger's standard errors and degrees of freedom."""
    known = reference()["mixed"]["boundary"]
    data = pd.read_csv(HERE / "shuffled.csv")
    found = surveys.random_intercepts(data, outcome="y", groups="dept", covariates=["arm", "base"])
    assert found.variances["variance"].iloc[0] == 0 and found.icc["dept"].ci_low == 0 < found.icc["dept"].ci_high
    assert found.table["se"].tolist() == pytest.approx(known["kr_se"], rel=1e-6) and found.table["df"].tolist() == pytest.approx(
        known["kr_df"], rel=1e-5
    )


def balanced(clusters: int, people: int, waves: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = clusters * people
    dept = np.repeat(np.arange(clusters), people)
    person = 2 * rng.standard_normal(clusters)[dept] + rng.standard_normal(n)
    return pd.concat(
        [pd.DataFrame({"person": np.arange(n), "dept": dept, "arm": dept % 2, "wave": w, "y": person + rng.standard_normal(n)}) for w in range(waves)]
    )


@settings(max_examples=6, deadline=None)
@given(clusters=st.integers(3, 7), people=st.integers(2, 5), waves=st.integers(2, 4), seed=st.integers(0, 10**6))
def test_balanced_data_give_the_t_test_of_cluster_means(clusters, people, waves, seed):
    """Exact: with as many people and waves everywhere, and variance between clusters, it is the t test of the cluster means, on 2 (clusters - 1)."""
    data = balanced(2 * clusters, people, waves, seed)
    means = data.groupby("dept")[["y", "arm"]].mean()
    difference = means.loc[means["arm"] == 1, "y"].mean() - means.loc[means["arm"] == 0, "y"].mean()
    within = np.concatenate([part["y"] - part["y"].mean() for _, part in means.groupby("arm")])
    se = np.sqrt((within @ within) / (2 * clusters - 2) * 2 / clusters)
    for df in ("kenward-roger", "satterthwaite"):
        found = surveys.mixed_model(
            data, outcome="y", arm="arm", wave="wave", person="person", cluster="dept", df=df, jackknife=False, icc_intervals=False
        )
        assert found.estimate.value == pytest.approx(difference, abs=1e-7)
        if "no_cluster_variance" not in {w.code for w in found.warnings} and found.variances["value"].iloc[1] > 0:
            assert found.estimate.se == pytest.approx(se, rel=1e-4) and found.estimate.df == pytest.approx(2 * clusters - 2, rel=1e-3)


def test_two_waves_unstructured_give_the_t_test_of_one_wave():
    """Exact without missing answers and without clusters: at each wave the pooled t test on n - 2."""
    data = balanced(12, 3, 2, 5)
    found = surveys.mixed_model(data, outcome="y", arm="arm", wave="wave", person="person", structure="unstructured")
    last = data[data["wave"] == 1]
    first, second = last.loc[last["arm"] == 1, "y"], last.loc[last["arm"] == 0, "y"]
    se = np.sqrt((first.var() * (len(first) - 1) + second.var() * (len(second) - 1)) / (len(last) - 2) * (1 / len(first) + 1 / len(second)))
    assert found.at_wave[1].value == pytest.approx(first.mean() - second.mean()) and found.at_wave[1].se == pytest.approx(se, rel=1e-6)
    assert found.at_wave[1].df == pytest.approx(len(last) - 2, rel=1e-6)


@settings(max_examples=4, deadline=None)
@given(factor=st.floats(1, 1000), shift=st.floats(-1e7, 1e7), seed=st.integers(0, 10**6))
def test_scale_shift_and_order_make_no_difference(factor, shift, seed):
    data = trial(seed, clusters=8, people=6, effect=3).dropna(subset="y")
    about = {"arm": "arm", "wave": "wave", "person": "person", "cluster": "dept", "baseline": "base", "jackknife": False, "icc_intervals": False}
    plain = surveys.mixed_model(data, outcome="y", **about)
    moved = data.assign(z=factor * data["y"] + shift).sample(frac=1, random_state=1)
    other = surveys.mixed_model(moved, outcome="z", **about)
    assert other.estimate.value == pytest.approx(factor * plain.estimate.value, rel=1e-5, abs=1e-5 * factor)
    assert other.estimate.se == pytest.approx(factor * plain.estimate.se, rel=1e-4) and other.estimate.df == pytest.approx(
        plain.estimate.df, rel=1e-3
    )


def test_the_score_is_the_slope_of_the_likelihood():
    fit = fitted(True, unstructured=True)
    likelihood, theta = fit.likelihood, fit.at.theta * 1.1
    slopes = likelihood.derivatives(likelihood.point(theta))
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-4 * np.abs(theta).max()
        up, down = (likelihood.point(theta + sign * step).deviance for sign in (1, -1))
        assert slopes.score[k] == pytest.approx(-(up - down) / (4 * step[k]), rel=1e-4)
    assert np.linalg.eigvalsh(slopes.expected).min() > 0


def test_the_jackknife_is_the_refit_without_each_cluster():
    data = trial(3, clusters=8, people=8, effect=-2).dropna(subset="y")
    about = {"outcome": "y", "arm": "arm", "wave": "wave", "person": "person", "cluster": "dept", "baseline": "base"}
    found = surveys.mixed_model(data, **about)
    without = surveys.mixed_model(data[data["dept"] != 5], jackknife=False, icc_intervals=False, **about)
    told = found.leave_one_out.set_index("cluster").loc[5, "estimate"]
    assert told == pytest.approx(without.estimate.value, abs=2e-3)  # the baseline is centred anew, at another mean
    assert found.jackknife[0].df == 7 and found.jackknife[0].value == found.estimate.value
    assert found.by_wave["se_jackknife"].notna().all()


def test_profile_limits_are_where_the_likelihood_drops_by_384():
    data = trial(9, clusters=12, people=8, icc=0.15).dropna(subset="y")
    found = surveys.random_intercepts(data, outcome="y", groups=["dept", "person"])
    single = surveys.random_intercepts(data.query("wave == 1"), outcome="y", groups="dept")
    icc = single.icc["dept"]
    codes, rows = pd.factorize(data.query("wave == 1")["dept"])[0], data.query("wave == 1")
    layout = build_layout(np.arange(len(rows)), np.zeros(len(rows), int), codes)
    likelihood = Likelihood(layout, np.ones((len(rows), 1)), rows["y"].to_numpy(), np.eye(1)[None])
    best = likelihood.profile(np.array([1 - icc.value, icc.value]))
    assert likelihood.profile(np.array([1 - icc.ci_high, icc.ci_high])) - best == pytest.approx(3.8415, abs=0.02)
    assert icc.ci_low < icc.value < icc.ci_high
    assert found.icc["dept"].value < found.icc["person"].value and found.icc["person"].ci_low > 0.2


def test_truth_is_recovered_and_nothing_is_found_where_nothing_is():
    values, covered, found_null = [], 0, 0
    for seed in range(25):
        about = {
            "outcome": "y",
            "arm": "arm",
            "wave": "wave",
            "person": "person",
            "cluster": "dept",
            "baseline": "base",
            "jackknife": False,
            "icc_intervals": False,
        }
        effect = surveys.mixed_model(trial(seed, clusters=12, people=10, effect=-3), **about).estimate
        null = surveys.mixed_model(trial(1000 + seed, clusters=12, people=10), **about).estimate
        values.append(effect.value)
        covered += effect.ci_low <= -3 <= effect.ci_high
        found_null += null.p_value < 0.05
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) + 3) < 4 * error and covered >= 19 and found_null <= 6  # each fails by chance once in 5,000
    assert abs(np.mean(values)) > 4 * error  # and it would notice an effect set to zero


def test_an_arm_that_nobody_is_in_at_first_shares_its_mean():
    data = trial(4, clusters=8, people=10, effect=4)
    start = data.query("wave == 1").assign(wave=0, arm=0, y=lambda d: d["base"])
    found = surveys.mixed_model(
        pd.concat([start, data]), outcome="y", arm="arm", wave="wave", person="person", cluster="dept", structure="unstructured"
    )
    assert found.waves == (1, 2, 3) and found.by_wave["difference"].isna().tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: pd.concat([d, d.iloc[:1]]), "Several rows of one wave"),
        (lambda d: d.assign(dept=np.where(d.index == d.index[0], 99, d["dept"])), "in more than one cluster"),
        (lambda d: d[d["arm"] == 1], "two arms are compared"),
        (lambda d: d.assign(y="much"), "not numeric"),
        (lambda d: d.assign(y=np.nan), "No row has an outcome"),
        (lambda d: d.assign(y=5.0), "no variance"),
        (lambda d: d.assign(base=d["arm"]), "determined by the others"),
        (lambda d: d.assign(base=7.0), "does not vary"),
        (lambda d: d.assign(y=np.where(d.index == d.index[0], np.inf, d["y"])), "infinite"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change, problem):
    data = change(trial(1, clusters=8, people=5).dropna(subset="y"))
    with pytest.raises(EstimationError, match=problem):
        surveys.mixed_model(data, outcome="y", arm="arm", wave="wave", person="person", cluster="dept", baseline="base")


def test_wrong_use():
    data = trial(1, clusters=8, people=5)
    with pytest.raises(UsageError, match="No column 'team'"):
        surveys.mixed_model(data, outcome="y", arm="arm", wave="wave", person="person", cluster="team")
    with pytest.raises(UsageError, match="There is no structure"):
        surveys.mixed_model(data, outcome="y", arm="arm", wave="wave", person="person", structure="ar1")
    with pytest.raises(UsageError, match="Which of"):
        surveys.mixed_model(data.assign(arm=data["arm"].map({0: "a", 1: "b"})), outcome="y", arm="arm", wave="wave", person="person")
    with pytest.raises(UsageError, match="There are no degrees of freedom"):
        surveys.random_intercepts(data, outcome="y", groups="dept", df="z")
    with pytest.raises(EstimationError, match="needs several rows"):
        surveys.random_intercepts(data.query("wave == 1"), outcome="y", groups="person")


def test_few_clusters_have_an_estimate_and_no_interval():
    found = surveys.mixed_model(trial(2, clusters=4, people=10), outcome="y", arm="arm", wave="wave", person="person", cluster="dept")
    assert np.isfinite(found.estimate.value) and np.isnan(found.estimate.ci_low) and found.by_wave["ci_low"].isna().all()
    assert np.isnan(found.jackknife[0].ci_low) and found.table["p_value"].isna().all()
    assert "too_few_clusters" in {w.code for w in found.warnings} and "no interval" in found.statement()


def test_a_jackknife_that_does_not_exist_is_told():
    """At the first wave one cluster alone speaks for the reference: without it there is no difference at that wave."""
    data = trial(3, clusters=8, people=8)
    only = data.loc[data["arm"] == 0, "dept"].iloc[0]
    data.loc[(data["arm"] == 0) & (data["wave"] == 1) & (data["dept"] != only), "y"] = np.nan
    found = surveys.mixed_model(data, outcome="y", arm="arm", wave="wave", person="person", cluster="dept", icc_intervals=False)
    assert np.isfinite(found.estimate.ci_low) and np.isnan(found.jackknife[0].se) and "no_jackknife" in {w.code for w in found.warnings}
    assert found.leave_one_out.set_index("cluster")["estimate"].isna().loc[only]


def test_missing_baselines_restrict_or_are_imputed_and_both_are_told():
    data = trial(5, clusters=12, people=10, effect=2)
    data.loc[data["person"] % 5 == 0, "base"] = np.nan
    about = {
        "outcome": "y",
        "arm": "arm",
        "wave": "wave",
        "person": "person",
        "cluster": "dept",
        "baseline": "base",
        "jackknife": False,
        "icc_intervals": False,
    }
    restricted, imputed = surveys.mixed_model(data, **about), surveys.mixed_model(data, randomised=True, **about)
    assert restricted.left_out["without a baseline"] > 0 and imputed.left_out["without a baseline"] == 0
    assert imputed.n_persons > restricted.n_persons
    assert {w.code for w in restricted.warnings} >= {"baseline_restricted"} and {w.code for w in imputed.warnings} >= {"baseline_imputed"}
    assert "baseline missing" in imputed.table["term"].tolist()


def test_job_satisfaction_of_soldiers():
    data = pd.read_csv(shared_data("job_satisfaction/univbct.csv"))
    known = golden("real_data")["cases"]["univbct_jobsat"]["values"]
    null = surveys.random_intercepts(data, outcome="JSAT", groups="SUBNUM")
    assert null.icc["SUBNUM"].value == pytest.approx(known["icc_null"], abs=1e-7) and round(null.icc["SUBNUM"].value, 6) == 0.501077
    time = surveys.random_intercepts(data, outcome="JSAT", groups="SUBNUM", covariates=["TIME"], df="satterthwaite")
    assert time.estimate.value == pytest.approx(known["lmm_time"]["coef"], rel=1e-6)
    assert time.table["se"].iloc[1] == pytest.approx(known["lmm_time"]["se"], rel=1e-5)
    assert time.variances["variance"].tolist() == pytest.approx([known["lmm_time"]["var_id"], known["lmm_time"]["var_res"]], rel=1e-5)
    waves = data.groupby("TIME")["JSAT"].agg(["count", "mean", "std"])
    for wave, row in waves.iterrows():
        key = str(wave)
        assert row.tolist() == pytest.approx([known["wave_n"][key], known["wave_mean"][key], known["wave_sd"][key]], rel=1e-9)
    items = data.query("TIME == 0")
    assert surveys.reliability(items, items=["JOBSAT1", "JOBSAT2", "JOBSAT3"]).table["alpha"].iloc[0] == pytest.approx(
        known["three_wave_alpha"], rel=1e-9
    )
