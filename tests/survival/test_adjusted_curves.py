"""Standardised survival curves: against R, against their definition, and their variances against derivatives and refits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from tests.survival.reference import CLOSED_FORM, survival_data

CALL = {"stop": "stop", "event": "event", "covariates": ["arm", "x"]}


def staff(seed: int = 0, size: int = 80, entry: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({
        "arm": rng.integers(0, 2, size), "x": rng.normal(size=size), "ward": rng.integers(0, 3, size), "team": rng.integers(0, 9, size),
        "start": np.floor(rng.uniform(0, 6, size)) if entry else 0.0,
    })
    data["stop"] = data["start"] + np.ceil(rng.exponential(9 * np.exp(0.4 * data["arm"] - 0.5 * data["x"])))
    data["event"] = (data["stop"] < 14).astype(int)
    data["stop"] = np.minimum(data["stop"], 14.0)
    return data[data["stop"] > data["start"]].reset_index(drop=True)


# R: s <- summary(survfit(fit, newdata = transform(rossi, fin = a)), times = t); rowMeans(s$surv), a = 0 and 1;
# with strata each row followed through its own stratum. Fits with coxph.control(eps = 1e-14, iter.max = 100).
IN_R = [
    ("entry", [12, 26, 51], [0.93081626004193, 0.83986952837014, 0.69690142049873, 0.95032167329327, 0.88291998874854, 0.77155696374136]),
    ("strata", [12, 26, 51], [0.94915498657117, 0.85624095712364, 0.71024083076478, 0.96384053241634, 0.89565240659825, 0.78330152328254]),
]


@pytest.mark.parametrize(("kind", "times", "wanted"), IN_R, ids=["delayed entry", "strata"])
def test_averaged_predictions_of_r(kind: str, times: list[int], wanted: list[float]) -> None:
    data = survival_data("rossi_entry" if kind == "entry" else "rossi")
    call = {"start": "entry"} if kind == "entry" else {"strata": "wexp"}
    fit = survival.cox(data, stop="week", event="arrest", covariates=["fin", "age", "prio"], **call)
    curve = survival.adjusted_survival(fit, data, exposure="fin", times=times, subject=None)
    assert_allclose(curve.table["survival"], wanted, rtol=CLOSED_FORM)
    assert list(curve.table["level"]) == [0] * 3 + [1] * 3
    assert_allclose(curve.differences["difference"], np.subtract(wanted[3:], wanted[:3]), rtol=1e-7)
    assert curve.estimate.value == curve.differences["difference"].iloc[-1]
    assert f"{wanted[5]:.3f}" in curve.statement()


def test_one_person_has_the_prediction_and_its_standard_error() -> None:
    data = survival_data("rossi")
    fit = survival.cox(data, stop="week", event="arrest", covariates=["fin", "age", "prio"])
    person = data.iloc[[17]]
    curve = survival.adjusted_survival(fit, person, exposure="fin", times=[10, 26, 52], subject=None).table
    both = pd.concat([person.assign(fin=0), person.assign(fin=1)])
    predicted = fit.survival_at(both, [10, 26, 52])
    assert_allclose(curve["survival"], predicted["survival"], rtol=1e-10)
    assert_allclose(curve["se"], predicted["se"], rtol=1e-8)


def test_conditional_on_being_there() -> None:
    data = staff()
    fit = survival.cox(data, start="start", **CALL)
    person = data.iloc[[4]]
    whole = survival.adjusted_survival(fit, person, exposure="arm", times=[3.5, 9, 12], subject=None).table.set_index(["level", "time"])["survival"]
    later = survival.adjusted_survival(fit, person, exposure="arm", times=[2, 9, 12], subject=None, since=3.5)
    for level in (0, 1):
        given = later.table[later.table["level"] == level].set_index("time")
        assert_allclose(given.loc[[9, 12], "survival"], whole[level][[9, 12]] / whole[level][3.5], rtol=1e-10)
        assert math.isnan(given.loc[2, "survival"]) and given.loc[2, "reason"].startswith("before 3.5")
    assert "among those there at 3.5" in later.statement()
    # events at that very time count, as in KaplanMeier.from_time
    moment = float(data.loc[data["event"] == 1, "stop"].median())
    here, after = (survival.adjusted_survival(fit, data, exposure="arm", times=[moment], subject=None, since=moment + shift) for shift in (0, 1e-3))
    assert here.table["survival"].iloc[0] < 1
    assert after.table["reason"].str.startswith("before").all()


@pytest.mark.parametrize("configuration", [{}, {"start": "start"}, {"start": "start", "strata": "ward", "ties": "breslow"}], ids=str)
def test_influence_is_the_derivative_by_the_weights(configuration: dict) -> None:
    """The infinitesimal jackknife: sum over rows of (weight times the derivative of the curve by that weight) squared."""
    rng = np.random.default_rng(8)
    data = staff(3, 30).assign(w=lambda frame: rng.uniform(0.5, 2, len(frame)))
    times = [5.0, 9.0]

    def curves(frame: pd.DataFrame) -> survival.AdjustedSurvival:
        fit = survival.cox(frame, **CALL, **configuration, weights="w")
        return survival.adjusted_survival(fit, frame, exposure="arm", times=times, subject=None, weights="w")

    full = curves(data)
    assert "infinitesimal jackknife by row" in full.method
    step = 1e-4
    slopes = []
    for row in data.index:
        up, down = (curves(data.assign(w=data["w"] + sign * step * (data.index == row))) for sign in (1, -1))
        change = np.concatenate([up.table["survival"] - down.table["survival"], up.differences["difference"] - down.differences["difference"]])
        slopes.append(data["w"][row] * change / (2 * step))
    wanted = np.sqrt((np.array(slopes) ** 2).sum(axis=0))
    assert_allclose(np.concatenate([full.table["se"], full.differences["se"]]), wanted, rtol=2e-5)


@pytest.mark.parametrize("configuration", [{}, {"strata": "ward"}, {"start": "start", "strata": "team"}], ids=str)
def test_jackknife_is_that_of_whole_analyses(configuration: dict) -> None:
    data, times = staff(5, 160), [5.0, 9.0]

    def curves(frame: pd.DataFrame, **more: str) -> survival.AdjustedSurvival:
        fit = survival.cox(frame, **CALL, **configuration, **more)
        return survival.adjusted_survival(fit, frame, exposure="arm", times=times, subject=None)

    full = curves(data, cluster="team")
    assert "leave-one-cluster-out jackknife, t on 9 clusters" in full.method
    without = [curves(data[data["team"] != team]) for team in sorted(data["team"].unique())]
    for pick, column in (("table", "survival"), ("differences", "difference")):
        whole = getattr(full, pick)[column].to_numpy()
        moved = np.array([getattr(one, pick)[column] for one in without]) - whole
        assert_allclose(getattr(full, pick)["se"], np.sqrt(8 / 9 * (moved**2).sum(axis=0)), rtol=1e-6)
    assert full.estimate.df == 8
    narrow = full.table.iloc[0]
    assert 0 < narrow["ci_low"] < narrow["survival"] < narrow["ci_high"] < 1


def test_persons_that_were_not_fitted_add_their_own_sampling() -> None:
    data, others = staff(5, 160), staff(15, 30).drop(columns="team")
    others.index += 1000
    fit = survival.cox(data, **CALL, cluster="team")
    call = {"exposure": "arm", "times": [5.0, 9.0], "subject": None}
    for variance in ("jackknife", "influence"):
        few = survival.adjusted_survival(fit, others, variance=variance, **call).table
        copies = pd.concat([others] * 200).set_index(np.arange(200 * len(others)) + 1000)
        many = survival.adjusted_survival(fit, copies, variance=variance, **call)
        assert_allclose(few["survival"], many.table["survival"], rtol=1e-10)
        each = [survival.adjusted_survival(fit, others.iloc[[i]], variance=variance, **call).table["survival"] for i in range(len(others))]
        curves = np.array(each)
        drawn = curves.var(axis=0) / len(others)
        assert_allclose(few["se"] ** 2 - many.table["se"] ** 2, drawn * (1 - 1 / 200), rtol=1e-6)


def test_three_variances_agree_when_rows_are_independent() -> None:
    data = survival_data("rossi").assign(rid=np.arange(432))
    fit = survival.cox(data, stop="week", event="arrest", covariates=["fin", "age", "prio"], cluster="rid", variance="cluster")
    found = {}
    for variance in ("model", "influence", "jackknife"):
        curve = survival.adjusted_survival(fit, data, exposure="fin", times=[10, 26, 52], subject=None, variance=variance)
        found[variance] = np.concatenate([curve.table["se"], curve.differences["se"]])
    assert_allclose(found["influence"], found["model"], rtol=0.03)
    assert_allclose(found["jackknife"], found["influence"], rtol=0.015)
    auto = survival.adjusted_survival(fit, data, exposure="fin", times=[10], subject=None)
    assert "infinitesimal jackknife by cluster" in auto.method  # 432 clusters are many


def test_nothing_depends_on_the_order_of_rows_or_on_compression() -> None:
    data = staff(6, 200).assign(x=lambda frame: np.round(frame["x"]))
    spread = data.assign(x=data["x"] + 1e-9 * np.arange(len(data)))
    results = []
    for frame in (data, data.sample(frac=1, random_state=1), spread):
        fit = survival.cox(frame, start="start", strata="ward", **CALL)
        curve = survival.adjusted_survival(fit, frame, exposure="arm", times=[4, 8, 12], subject=None)
        results.append(np.concatenate([curve.table["survival"], curve.table["se"], curve.differences["se"]]))
    assert_allclose(results[1], results[0], rtol=1e-9)
    assert_allclose(results[2], results[0], rtol=1e-6)


@pytest.mark.parametrize(
    "configuration", [{"weights": "w"}, {"weights": "w", "cluster": "team", "strata": "ward", "start": "start"}], ids=["rows", "clusters"]
)
def test_predicted_survival_of_weighted_and_clustered_fits(configuration: dict) -> None:
    rng = np.random.default_rng(2)
    data = staff(3, 30).assign(w=lambda frame: rng.uniform(0.5, 2, len(frame)))
    person, stratum = {"arm": 1, "x": 0.4}, 1 if "strata" in configuration else None

    def predict(frame: pd.DataFrame) -> pd.DataFrame:
        variance = "cluster" if "cluster" in configuration else "robust"
        return survival.cox(frame, **CALL, **configuration, variance=variance).survival_at(person, [5.0, 9.0], stratum)

    full, step = predict(data), 1e-4
    groups = data["team"] if "cluster" in configuration else pd.Series(data.index)
    total = np.zeros(2)
    for group in groups.unique():
        factor = np.where(groups == group, step, 0.0)
        up, down = (predict(data.assign(w=data["w"] * (1 + sign * factor))) for sign in (1, -1))
        total += ((up["survival"] - down["survival"]).to_numpy() / (2 * step)) ** 2
    assert_allclose(full["se"], np.sqrt(total), rtol=1e-6)
    assert (full["reason"] == "").all()
    z = np.log(full["survival"] / full["ci_low"]) / (full["se"] / full["survival"])
    assert_allclose(z, 2.306004 if "cluster" in configuration else 1.959964, rtol=1e-5)  # t on 8


def test_a_penalised_fit_has_no_standard_error_of_survival() -> None:
    fit = survival.cox(staff(), **CALL, penalty="firth")
    table = fit.survival_at({"arm": 1, "x": 0.0}, [5.0])
    assert table["survival"].notna().all() and table["se"].isna().all()
    assert table["reason"].tolist() == ["no standard error for a penalised fit"]
    with pytest.raises(UsageError, match="penalised"):
        survival.adjusted_survival(fit, staff(), exposure="arm", times=[5.0], subject=None)


def test_levels_of_a_category_and_of_a_number() -> None:
    data = staff(7, 150).assign(kind=lambda frame: np.array(["none", "one", "group"])[np.minimum(frame["ward"], 2)])
    fit = survival.cox(data, start="start", stop="stop", event="event", covariates=["kind", "x"], reference={"kind": "none"})
    curve = survival.adjusted_survival(fit, data.drop(columns="kind"), exposure="kind", times=[8], subject=None)
    assert curve.levels == ("none", "group", "one")
    assert list(curve.differences["against"]) == ["none", "none"]
    hours = survival.adjusted_survival(fit, data, exposure="x", times=[8], subject=None, levels=[-1.0, 1.0])
    coef = fit.table.set_index("term")["coef"]["x"]
    assert np.sign(hours.estimate.value) == -np.sign(coef)
    with pytest.raises(UsageError, match=r"has 1\d\d values"):
        survival.adjusted_survival(fit, data, exposure="x", times=[8], subject=None)
    with pytest.raises(EstimationError, match="'some'"):
        survival.adjusted_survival(fit, data, exposure="kind", times=[8], subject=None, levels=["none", "some"])
    with pytest.raises(UsageError, match="at least two levels"):
        survival.adjusted_survival(fit, data, exposure="kind", times=[8], subject=None, levels=["none"])


def test_several_rows_of_a_person_are_refused_unless_told() -> None:
    data = survival_data("heart")
    fit = survival.cox(data, start="start", stop="stop", event="event", covariates=["trt", "age"], cluster="id")
    call = {"exposure": "trt", "times": [100.0]}
    with pytest.raises(EstimationError, match=r"69 persons have several rows.*one row per person"):
        survival.adjusted_survival(fit, data, subject="id", **call)
    with pytest.raises(TypeError, match="subject"):
        survival.adjusted_survival(fit, data, **call)  # whether rows are persons must be said
    assert survival.adjusted_survival(fit, data, subject="id", several_rows=True, **call).n == 172
    first = data.drop_duplicates("id")
    assert survival.adjusted_survival(fit, first, subject="id", **call).n == 103


def test_strata_that_end_early() -> None:
    data = staff(9, 150)
    data.loc[(data["ward"] == 2) & (data["stop"] > 7), ["stop", "event"]] = [7.0, 0]
    data = data[data["stop"] > data["start"]]
    fit = survival.cox(data, start="start", strata="ward", **CALL)
    call = {"exposure": "arm", "times": [6.0, 12.0], "subject": None}
    curve = survival.adjusted_survival(fit, data, **call)
    assert curve.table["survival"].isna().tolist() == [False, True] * 2
    assert curve.table["reason"].iloc[1] == "beyond follow-up of ward 2, which ends at 7"
    assert math.isnan(curve.differences["se"].iloc[1]) and not math.isnan(curve.estimate.value)
    without = survival.adjusted_survival(fit, data, short_strata="leave_out", **call)
    assert without.n == (data["ward"] != 2).sum()
    assert without.table["survival"].notna().all()
    assert [caution.code for caution in without.warnings] == ["short_strata"]
    only = survival.adjusted_survival(fit, data[data["ward"] != 2], **call)
    assert_allclose(without.table["survival"], only.table["survival"])


def test_time_that_nobody_was_seen_in_is_told() -> None:
    data = staff(11, 150)
    data.loc[data["ward"] == 1, "start"] += 5
    data.loc[data["ward"] == 1, "stop"] += 5
    fit = survival.cox(data, start="start", strata="ward", **CALL)
    curve = survival.adjusted_survival(fit, data, exposure="arm", times=[10.0], subject=None)
    assert [caution.code for caution in curve.warnings] == ["unobserved_time"]
    assert curve.warnings[0].data["strata"] == {"1": 5.0}
    assert not survival.adjusted_survival(fit, data, exposure="arm", times=[10.0], subject=None, since=5.0).warnings


def test_strata_of_several_columns() -> None:
    data = staff(13, 200).assign(half=lambda frame: frame["ward"] % 2)
    one = survival.cox(data, start="start", strata="ward", **CALL)
    several = survival.cox(data, start="start", strata=["ward", "half"], **CALL)
    single = survival.cox(data, start="start", strata=["ward"], **CALL)
    call = {"exposure": "arm", "times": [6.0], "subject": None}
    wanted = survival.adjusted_survival(one, data, **call)
    for fit in (several, single):
        assert_allclose(survival.adjusted_survival(fit, data, **call).table["se"], wanted.table["se"], rtol=1e-10)
    with pytest.raises(EstimationError, match="No row of ward and half"):
        survival.adjusted_survival(several, data.assign(half=5), **call)
    with pytest.raises(EstimationError, match="No ward is followed to 99"):
        survival.adjusted_survival(one, data, **{**call, "times": [99.0]}, short_strata="leave_out")
    late = survival.adjusted_survival(one, data, **{**call, "times": [99.0]})
    assert late.statement().startswith("No adjusted survival at the times asked: beyond follow-up of ward")
    assert math.isnan(late.estimate.value)


def test_what_is_shown() -> None:
    data = staff(5, 160)
    fit = survival.cox(data.assign(team=data["team"] % 4), **CALL, cluster="team")
    curve = survival.adjusted_survival(fit, data, exposure="arm", times=[0.5, 9.0], subject=None)
    assert [caution.code for caution in curve.warnings] == ["few_clusters"]
    assert curve.table["reason"].tolist()[0] == "no interval before the first event"
    assert "few independent units" in curve._repr_html_()
    assert curve.estimate.scale == "survival difference"
    assert curve.estimates[(1, 9.0)] is curve.estimate
    assert curve.statement().startswith("Adjusted survival to 9: 0.")


def test_wrong_use() -> None:
    data = staff()
    fit = survival.cox(data, start="start", strata="ward", **CALL)
    call = {"exposure": "arm", "times": [5.0], "subject": None}
    for change, error, says in [
        ({"exposure": "ward"}, UsageError, "not a covariate"), ({"subject": "person"}, UsageError, "'person'"),
        ({"short_strata": "drop"}, UsageError, "'drop'"), ({"variance": "bootstrap"}, UsageError, "'bootstrap'"),
        ({"variance": "jackknife"}, UsageError, "needs a model fitted with cluster="), ({"since": math.inf}, UsageError, "finite"),
        ({"times": ["soon"]}, UsageError, "not numbers"),
    ]:
        with pytest.raises(error, match=says):
            survival.adjusted_survival(fit, data, **{**call, **change})
    with pytest.raises(EstimationError, match="No row of ward 7 was fitted"):
        survival.adjusted_survival(fit, data.assign(ward=[7, *data["ward"][1:]]), **call)
    with pytest.raises(EstimationError, match="'x' has no value"):
        survival.adjusted_survival(fit, data.assign(x=[np.nan, *data["x"][1:]]), **call)
    with pytest.raises(UsageError, match="'ward'"):
        survival.adjusted_survival(fit, data.drop(columns="ward"), **call)


def test_intervals_cover_when_the_model_holds() -> None:
    """Confounded uptake, 80 samples of 300: the difference at one time, truth by averaging over many persons."""
    rng = np.random.default_rng(21)

    def sample(size: int) -> pd.DataFrame:
        x = rng.normal(size=size)
        arm = (rng.random(size) < 1 / (1 + np.exp(-0.8 * x))).astype(int)
        left = rng.exponential(10 * np.exp(0.4 * arm - 0.6 * x))
        seen = rng.uniform(5, 20, size)
        return pd.DataFrame({"stop": np.minimum(left, seen), "event": (left <= seen).astype(int), "arm": arm, "x": x})

    x = rng.normal(size=200_000)
    untreated, treated = (np.exp(-0.1 * 6 * np.exp(-0.4 * a + 0.6 * x)).mean() for a in (0, 1))
    inside = []
    for _ in range(80):
        data = sample(300)
        fit = survival.cox(data, **CALL)
        one = survival.adjusted_survival(fit, data, exposure="arm", times=[6.0], subject=None).estimate
        inside.append(one.ci_low < treated - untreated < one.ci_high)
    assert 0.88 <= np.mean(inside) <= 1.0
