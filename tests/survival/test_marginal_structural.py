"""Marginal structural models: against R, by hand, and on cohorts in which what confounds is itself a consequence of treatment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival.histories.period_basis import period_basis
from mentorship_eval.survival.weighting.logistic import fit_logistic

CALL = {"person": "id", "period": "k", "treatment": "a", "event": "y", "time_varying": ["L"], "baseline": ["V"]}


# ---- against R: glm and sandwich on rows that both can make --------------------------------------------------------

def hashed(i: np.ndarray, k: int, s: int) -> np.ndarray:
    """Numbers in [0, 1) that do not depend on any library's random generator."""
    z = (i * 7919 + k * 104729 + s * 1299709 + 12345).astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        z = (z ^ (z >> np.uint64(33))) * np.uint64(factor)
    return (z >> np.uint64(11)).astype(float) / 2**53


def made(n: int = 240, periods: int = 10) -> pd.DataFrame:
    i = np.arange(n)
    v, u = np.round(2 * hashed(i, 0, 0) - 1, 3), hashed(i, 0, 1)
    treated, here, frames = np.zeros(n, bool), np.ones(n, bool), []
    for k in range(periods):
        level = (hashed(i, k, 2) < 0.2 + 0.5 * u - 0.1 * treated).astype(int)
        treated = treated | (hashed(i, k, 3) < 0.05 + 0.2 * level)
        event = hashed(i, k, 4) < 0.02 + 0.12 * u * (1 - 0.4 * treated) + 0.02 * v
        lost = ~event & (hashed(i, k, 5) < 0.03 + 0.05 * level)
        frames.append(pd.DataFrame({"id": i, "k": k, "V": v, "G": i % 3, "L": level, "a": treated.astype(int), "y": event.astype(int),
                                    "lost": lost.astype(int)})[here])
        here = here & ~event & ~lost
    return pd.concat(frames, ignore_index=True)


# R 4.2.2: glm(..., binomial, control = glm.control(1e-14)) for numerator (V + k + k^2) and denominator (+ L) of treatment among those not
# yet treated, likewise of lost among rows without event (with a), weights as cumulative products, those of lost up to the row
# before; outcome glm(y ~ a + V + k + k^2, weights = w), vcovCL(type = "HC0", cadjust = FALSE, cluster = id); risks by predict().
# The second case adds the censoring weights and factor(G) to every model.
FROM_R = [
    ({}, [0.975996079895, 0.333245482782, 3.55796366365], [0.0978194856424, 0.4011140256974, 0.0786725454598, -0.0109688798100],
     [0.2974800352262, 0.2373564065621, 0.1648965608933, 0.0184126959283], [0.231244899852, 0.250863925365, 0.46735484169, 0.499090138997]),
    ({"censored": "lost", "strata": "G"}, [0.977147838306, 0.289166273025, 4.26009659016],
     [0.1128650948361, 0.3375444002322, 0.0846648262455, -0.0112619170489], [0.2966211846736, 0.2437065403511, 0.1669258403631, 0.0186568800645],
     [0.232478599971, 0.255312556439, 0.47248711238, 0.509306254605]),
]


@pytest.mark.parametrize(("call", "weights", "coef", "se", "risks"), FROM_R, ids=["treatment", "censoring and strata"])
def test_weights_coefficients_and_risks_equal_r(call: dict, weights: list, coef: list, se: list, risks: list) -> None:
    data = made().sample(frac=1, random_state=3)
    assert len(data) == 1525
    found = survival.marginal_structural(data, **CALL, time="quadratic", clip=None, horizons=[4, 10, 12], **call)
    overall = found.overall_weights
    assert_allclose([overall["mean"], overall["min"], overall["max"]], weights, rtol=1e-9)
    assert_allclose([found.weights.min(), found.weights.max()], weights[1:], rtol=1e-9)
    assert found.table["term"].tolist() == ["a", "V", "period(1)", "period(2)"]
    assert_allclose(found.table["coef"], coef, rtol=1e-8)
    assert_allclose(found.table["se"], se, rtol=1e-7)
    assert_allclose(found.risks.loc[:1, ["risk_never", "risk_always"]].to_numpy().ravel(), risks, rtol=1e-8)
    assert found.risks["risk_never"].isna().tolist() == [False, False, True]
    assert "beyond" in found.risks["reason"][2]
    assert (found.weights.index == data.index).all()


# ---- inference -----------------------------------------------------------------------------------------------------

def test_everything_is_refitted_without_each_cluster() -> None:
    data = made().assign(unit=lambda d: d["id"] % 9)
    call = {**CALL, "time": "linear", "horizons": [10], "cluster": "unit"}
    found = survival.marginal_structural(data, **call)
    assert "refitted" in found.method
    parts = [survival.marginal_structural(data[data["unit"] != unit], **{**call, "variance": "sandwich"}) for unit in range(9)]
    for whole, one in ((np.log(found.estimate.value), lambda m: np.log(m.estimate.value)),
                       (found.risk_differences[10].value, lambda m: m.risk_differences[10].value)):
        deviations = np.array([one(part) for part in parts]) - whole
        se = found.estimate.se if one(found) == np.log(found.estimate.value) else found.risk_differences[10].se
        assert_allclose(se, np.sqrt(8 / 9 * np.sum(deviations**2)), rtol=1e-7)
    assert found.estimate.df == 8
    assert_allclose(found.shares["share"].sum(), 1)


def test_sandwich_of_risks_is_near_the_jackknife_by_person() -> None:
    """Two routes to the same standard error: influence functions, and leaving each person out."""
    data = made(100)
    fast = survival.marginal_structural(data, **CALL, time="linear", horizons=[3, 10])
    slow = survival.marginal_structural(data, **CALL, time="linear", horizons=[3, 10], cluster="id", variance="jackknife")
    for column in ("se_never", "se_always", "se"):
        assert_allclose(fast.risks[column], slow.risks[column], rtol=0.2)
    assert_allclose(fast.estimate.se, slow.estimate.se, rtol=0.2)


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_order_and_names_do_not_matter(seed: int) -> None:
    data = made(120).assign(unit=lambda d: d["id"] % 40)
    other = data.sample(frac=1, random_state=seed).assign(id=lambda d: (d["id"] * 37 + seed) % 1013, k=lambda d: d["k"] + seed % 5)
    one = survival.marginal_structural(data, **CALL, cluster="unit", variance="sandwich")
    two = survival.marginal_structural(other, **CALL, cluster="unit", variance="sandwich")
    assert_allclose(one.table[["coef", "se"]].iloc[:2], two.table[["coef", "se"]].iloc[:2], rtol=1e-6)
    assert_allclose(one.weights[other.index], two.weights, rtol=1e-8)
    assert_allclose(one.risks["difference"], two.risks["difference"], rtol=1e-6)


def test_strata_without_events_and_clusters_without_contrast() -> None:
    data = made().assign(unit=lambda d: d["id"] % 10)
    data.loc[data["unit"] == 0, "y"] = 0
    whole = survival.marginal_structural(data, **CALL, strata="unit", cluster="unit", horizons=[5])
    assert whole.estimate.n_clusters == 9
    assert whole.estimate.df == 8
    assert np.isfinite(whole.risks["risk_never"]).all()


# ---- truth ---------------------------------------------------------------------------------------------------------

def cohort(n: int, seed: int, effect: float, periods: int = 16, always: bool | None = None) -> pd.DataFrame:
    """U is not seen; L depends on U and on past treatment; treatment depends on L; the event on U, V and treatment alone."""
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=n), rng.normal(size=n)
    treated, here, frames = np.zeros(n, bool), np.ones(n, bool), []
    for k in range(periods):
        level = (rng.random(n) < 1 / (1 + np.exp(0.5 - 1.2 * u + 1.0 * treated))).astype(int)
        begins = rng.random(n) < 1 / (1 + np.exp(2.8 - 1.8 * level - 0.2 * v))
        treated = treated | begins if always is None else np.full(n, always)
        event = rng.random(n) < 1 / (1 + np.exp(3.6 - 0.8 * u - 0.3 * v - effect * treated))
        frames.append(pd.DataFrame({"id": np.arange(n), "k": k, "a": treated.astype(int), "L": level, "V": v, "y": event.astype(int)})[here])
        here = here & ~event
    return pd.concat(frames, ignore_index=True)


def truth(effect: float, n: int = 25_000) -> tuple[float, float]:
    """Log odds ratio per period, and risk difference at the end, between everybody treated and nobody, in the same people."""
    both = pd.concat([cohort(n, 99, effect, always=always) for always in (False, True)])
    model = fit_logistic(both[["a", "V", "k"]].to_numpy(float).T, both["y"].to_numpy(float), start=np.zeros(3))
    risk = both.groupby(["a", "id"])["y"].max().groupby("a").mean()
    return float(model.coef[0]), float(risk[1] - risk[0])


@pytest.mark.parametrize("effect", [0.0, -0.7])
def test_time_varying_confounding_affected_by_treatment(effect: float) -> None:
    """Neither leaving L out of a Cox model nor putting it in recovers the truth; weighting does, and finds nothing where there is nothing."""
    wanted, wanted_risk = truth(effect)
    assert effect != 0 or max(abs(wanted), abs(wanted_risk)) < 1e-12  # the same draws: nothing depends on treatment
    logs, risks, plain, adjusted, errors = [], [], [], [], []
    for seed in range(6):
        data = cohort(1500, seed, effect)
        found = survival.marginal_structural(data, **CALL, horizons=[16])
        assert abs(found.overall_weights["mean"] - 1) < 0.05
        logs.append(np.log(found.estimate.value))
        risks.append(found.risk_differences[16].value)
        errors.append((found.estimate.se, found.risk_differences[16].se))
        rows = data.assign(start=data["k"], stop=data["k"] + 1)
        for into, covariates in ((plain, ["a", "V"]), (adjusted, ["a", "V", "L"])):
            into.append(survival.cox(rows, start="start", stop="stop", event="y", covariates=covariates).table["coef"][0])
    margin, risk_margin = 3 * np.sqrt(np.mean(np.square(errors), axis=0) / 6)
    assert margin < 0.2
    assert abs(np.mean(logs) - wanted) < margin
    assert abs(np.mean(risks) - wanted_risk) < risk_margin
    assert np.mean(plain) - wanted > 1.3 * margin
    assert np.mean(adjusted) - wanted > 1.3 * margin


def test_the_treated_at_late_entry_have_a_model_of_their_own() -> None:
    """No effect; x drives uptake and the event; two in five come under observation late, some of them treated long since."""
    logs, plain, means = [], [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        n, periods = 1500, 14
        x, entry = rng.normal(size=n), rng.integers(1, 9, n) * (rng.random(n) < 0.4)
        onset, last = rng.geometric(1 / (1 + np.exp(2.4 - 0.8 * x))), rng.geometric(1 / (1 + np.exp(3.2 - 0.6 * x)))
        rows = pd.DataFrame({"id": np.repeat(np.arange(n), periods), "k": np.tile(np.arange(periods), n)})
        i, k = rows["id"].to_numpy(), rows["k"].to_numpy()
        rows = rows.assign(L=x[i], a=(k + 1 >= onset[i]).astype(int), y=(k + 1 == last[i]).astype(int))[(k >= entry[i]) & (k + 1 <= last[i])]
        found = survival.marginal_structural(rows, **{**CALL, "baseline": []}, clip=None)
        assert "late entry" in found.models["term"].to_list()
        logs.append(np.log(found.estimate.value))
        plain.append(np.log(found.unweighted))
        means.append(found.overall_weights["mean"])
    margin = 3 * found.estimate.se / np.sqrt(5)
    assert abs(np.mean(logs)) < margin < 0.3
    assert np.mean(plain) > 1.2 * margin
    assert_allclose(np.mean(means), 1, atol=0.03)


# ---- rows from continuous time -------------------------------------------------------------------------------------

SPLIT = {"person": "id", "start": "start", "stop": "stop", "event": "y", "treatment": "on", "width": 30}


def test_periods_by_hand() -> None:
    data = pd.DataFrame({
        "id": ["a", "a", "a", "b", "b", "c"], "start": [0.0, 25, 40, 5, 30, 70], "stop": [25.0, 40, 75, 30, 50, 80], "y": [0, 0, 1, 0, 0, 0],
        "on": [0, 0, 1, 0, 1, 1], "L": [1, 2, 3, 4, 5, 6], "gone": [0, 0, 0, 0, 1, 0],
    }, index=list("uvwxyz"))
    found = survival.person_periods(data, **SPLIT, covariates=["L"], censored="gone")
    assert found.to_numpy().tolist() == [
        # a begins at 40, within period 1: in force from period 2 on, explained by L as it stood before 40
        ["a", 0, 0, 0, 0, 0, 1], ["a", 1, 30, 0, 0, 0, 2], ["a", 2, 60, 1, 1, 0, 2],
        # b begins at 30, where period 1 begins
        ["b", 0, 5, 0, 0, 0, 4], ["b", 1, 30, 1, 0, 1, 4],
        ["c", 2, 70, 1, 0, 0, 6],
    ]
    assert list(found.columns) == ["id", "period", "period_start", "on", "y", "gone", "L"]


def test_a_treatment_that_is_waited_for_shows_no_effect() -> None:
    """Continuous time, no effect, no confounding: were treatment counted from the start of its period, waiting would protect."""
    rng = np.random.default_rng(5)
    n = 4000
    who, onset, stop = np.arange(n), rng.exponential(100, n), np.minimum(rng.exponential(120, n), 150)
    event = (stop < 150).astype(int)
    before = pd.DataFrame({"id": who, "start": 0.0, "stop": np.minimum(onset, stop), "on": 0, "y": np.where(stop <= onset, event, 0)})
    after = pd.DataFrame({"id": who, "start": onset, "stop": stop, "on": 1, "y": event})[onset < stop]
    periods = survival.person_periods(pd.concat([before, after]), **SPLIT)
    assert periods["y"].sum() == event.sum()
    when, happened = periods["period"].to_numpy(), periods["y"].to_numpy(float)
    right = fit_logistic(np.array([periods["on"], when], float), happened, start=np.zeros(2))
    assert abs(right.coef[0]) < 3 * np.sqrt(right.covariance[0, 0])
    began = np.where(onset < stop, onset, np.inf)[periods["id"]]
    wrong = fit_logistic(np.array([began < 30 * (when + 1), when], float), happened, start=np.zeros(2))
    assert wrong.coef[0] < -5 * np.sqrt(wrong.covariance[0, 0])


def test_splitting_a_row_does_not_change_the_periods() -> None:
    rng = np.random.default_rng(1)
    start = rng.uniform(0, 40, 50)
    data = pd.DataFrame({"id": range(50), "start": start, "stop": start + rng.uniform(1, 200, 50), "y": 1, "on": 0, "L": 1.5})
    cut = data["start"] + (data["stop"] - data["start"]) * 0.37
    both = pd.concat([data.assign(stop=cut, y=0), data.assign(start=cut)], ignore_index=True)
    call = {**SPLIT, "covariates": ["L"]}
    pd.testing.assert_frame_equal(survival.person_periods(data, **call), survival.person_periods(both, **call))


@pytest.mark.parametrize(("change", "call", "error", "says"), [
    ({}, {"width": 0}, UsageError, "width is 0"), ({}, {"origin": 10}, EstimationError, "before the origin"),
    ({"start": 0.0}, {}, EstimationError, "overlap"), ({"y": 1}, {}, EstimationError, "come after the event"),
    ({"on": 3}, {}, EstimationError, "holds 3"), ({}, {"covariates": ["period"]}, UsageError, "made here"),
])
def test_periods_refuse(change: dict, call: dict, error: type, says: str) -> None:
    data = pd.DataFrame({"id": [1, 1], "start": [0.0, 30], "stop": [30.0, 50], "y": [0, 1], "on": [0, 1], "period": 1}).assign(**change)
    with pytest.raises(error, match=says):
        survival.person_periods(data, **{**SPLIT, **call})


def test_restricted_cubic_spline_is_linear_beyond_its_knots() -> None:
    basis = period_basis("spline", np.arange(40), np.arange(40))
    assert len(basis.names) == len(basis.columns(np.arange(3.0))) == 3
    for t in (np.array([-20.0, -10, 0]), np.array([60.0, 70, 80])):
        values = basis.columns(t)
        assert_allclose(values[:, 0] - 2 * values[:, 1] + values[:, 2], 0, atol=1e-9)
    assert period_basis("spline", np.arange(40), np.array([3, 3, 3])).kind == "linear"
    assert period_basis("spline", np.zeros(5), np.zeros(2)).names == ()


# ---- what is said, and refused -------------------------------------------------------------------------------------

def test_cautions() -> None:
    data = made()
    common = survival.marginal_structural(data.assign(y=np.where(data["k"] == data.groupby("id")["k"].transform("max"), 1, 0)), **CALL)
    assert "common_event" in [one.code for one in common.warnings]
    few = survival.marginal_structural(data.assign(unit=data["id"] % 4), **CALL, cluster="unit")
    assert "few_clusters" in [one.code for one in few.warnings]
    late = survival.marginal_structural(data[(data["id"] % 2 == 0) | (data["k"] > 2)], **CALL)
    assert "prevalent" in [one.code for one in late.warnings]
    gaps = survival.marginal_structural(data[~((data["k"] == 2) & (data["id"] < 30))], **CALL)
    assert "gaps" in [one.code for one in gaps.warnings]
    never = data.assign(L=np.where((data["a"] == 1) & (data.groupby("id")["a"].shift(fill_value=0) == 0), 0, data["L"]))
    separated = survival.marginal_structural(never, **CALL)
    assert "separation" in [one.code for one in separated.warnings]
    large = made().assign(L=lambda d: d["a"] + 0.3 * hashed(d["id"].to_numpy(), 1, 77))
    wild = survival.marginal_structural(large, **CALL, clip=None)
    assert {"weights_mean", "large_weights", "separation"} & {one.code for one in wild.warnings}


BAD = [
    ("unknown variance", {"variance": "bootstrap"}, {}, UsageError, "'bootstrap'"),
    ("unknown time", {"time": "cubic"}, {}, UsageError, "'cubic'"),
    ("nothing varies", {"time_varying": []}, {}, UsageError, "No time-varying"),
    ("named twice", {"baseline": ["L"]}, {}, UsageError, "Name it once"),
    ("no column", {"time_varying": ["M"]}, {}, UsageError, "'M'"),
    ("horizon 0", {"horizons": [0]}, {}, UsageError, "horizons are 0"),
    ("half periods", {}, {"k": 0.5}, EstimationError, "whole numbers"),
    ("period twice", {}, {"k": 1}, EstimationError, "repeat a 'k'"),
    ("treatment stops", {}, {"a": "stop"}, EstimationError, "end 'a' again"),
    ("rows after the event", {}, {"y": 1}, EstimationError, "come after the event"),
    ("nobody treated", {}, {"a": 0}, EstimationError, "is 0 in every row"),
    ("no events", {}, {"y": 0}, EstimationError, "No events"),
    ("cluster moves", {"cluster": "k"}, {}, EstimationError, "change 'k' within a person"),
    ("missing", {}, {"L": np.nan}, EstimationError, "'L' has no value"),
    ("constant", {}, {"V": 1.0}, EstimationError, "'V' is 1.0 in every row"),
    ("collinear", {"baseline": ["V", "W"]}, {"W": "V"}, EstimationError, "'W' of the treatment model is a linear combination"),
    ("lost after loss", {"censored": "lost"}, {"lost": "first"}, EstimationError, "come after 'lost'"),
    ("no event when treated", {}, {"y": "untreated"}, EstimationError, "'a' in the outcome model has no finite estimate"),
]


@pytest.mark.parametrize(("name", "call", "change", "error", "says"), BAD, ids=[one[0] for one in BAD])
def test_refused(name: str, call: dict, change: dict, error: type, says: str) -> None:
    data = made(60)
    for column, value in change.items():
        if isinstance(value, str):
            value = {"stop": data["a"] * (data["k"] < 6), "V": 2 * data["V"], "first": (data["k"] == 0).astype(int),
                     "untreated": data["y"] * (1 - data["a"])}[value]
        data[column] = value
    with pytest.raises(error) as caught:
        survival.marginal_structural(data, **{**CALL, **call})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_results_can_be_read() -> None:
    found = survival.marginal_structural(made(), **CALL)
    assert found.statement().startswith("Odds of the event per period, treatment begun against not: odds ratio")
    assert "risk difference" in found.statement()
    assert found._repr_html_().count("<table") == 2
    assert set(found.models["model"]) == {"treatment numerator", "treatment denominator"}
    assert_allclose(found.weight_summary["n"].sum(), found.n)
