"""Sequences of trials: rows by hand, no immortal time, and agreement with the time-varying Cox model in the limit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival.histories.trial_rows import build_trials, trial_grid


def people(n: int = 800, seed: int = 1, effect: float = 0.0, uptake: float = 0.0, entry: bool = True) -> pd.DataFrame:
    """Exposure begins at random while a person stays; the log hazard ratio from then on is ``effect``; x drives the hazard and,
    by ``uptake``, exposure."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    onset, base = rng.exponential(400 / np.exp(uptake * x)), np.exp(0.5 * x) / 700
    own = rng.exponential(size=n) / base
    time = np.where(own < onset, own, onset + (own - onset) / np.exp(effect))
    start = rng.uniform(0, 300, n) * (rng.random(n) < 0.4) * entry
    end = start + rng.uniform(200, 900, n)
    stop = np.minimum(time, end)
    data = pd.DataFrame({"id": np.arange(n), "start": start, "stop": stop, "event": (time <= end).astype(int),
                         "onset": np.where(onset < stop, onset, np.nan), "x": x, "dept": rng.integers(0, 25, n)})
    return data[stop > start].reset_index(drop=True)


CALL = {"person": "id", "start": "start", "stop": "stop", "event": "event", "exposed_from": "onset", "covariates": ["x"]}


def trials(data: pd.DataFrame, every: float, last: float | None = None, stays: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    begin, end, onset = (data[name].to_numpy(float) for name in ("start", "stop", "onset"))
    onset = np.where(np.isnan(onset), np.inf, onset)
    grid = trial_grid(begin, end, onset, every, None, last)
    return build_trials(data, begin, end, data["event"].to_numpy(bool), onset, grid, stays=stays, keep=["id"])


def test_rows_by_hand() -> None:
    data = pd.DataFrame({
        "id": list("abcdef"), "start": [0.0, 0, 0, 12, 0, 0], "stop": [25.0, 8, 30, 40, 20, 35], "event": [1, 1, 0, 1, 0, 1],
        "onset": [7.0, np.nan, 18, np.nan, 20, 10],
    })
    rows, table = trials(data, 10, last=20)
    # at 0: all unexposed, d not yet seen; at 10: a and f begun in (0, 10], b gone; at 20: c begun in (10, 20], e ends at 20
    assert table[["trial", "time", "eligible", "initiators", "controls", "crossovers", "used"]].to_numpy().tolist() == [
        [0, 0.0, 5, 0, 5, 3, False], [1, 10.0, 4, 2, 2, 1, True], [2, 20.0, 2, 1, 1, 0, True],
    ]
    rows = rows.set_index(["trial", "id"])
    assert rows["treated"].to_dict() == {(1, "a"): 1, (1, "c"): 0, (1, "e"): 0, (1, "f"): 1, (2, "c"): 1, (2, "d"): 0}
    # c is censored as a control when its own exposure begins; e's exposure at its end is none
    assert rows["trial_stop"].to_dict() == {(1, "a"): 15, (1, "c"): 8, (1, "e"): 10, (1, "f"): 25, (2, "c"): 10, (2, "d"): 20}
    assert rows["trial_event"].to_dict() == {(1, "a"): 1, (1, "c"): 0, (1, "e"): 0, (1, "f"): 1, (2, "c"): 0, (2, "d"): 1}
    stays = trials(data, 10, last=20, stays=False)[0].set_index(["trial", "id"])
    assert stays["trial_stop"][(1, "c")] == 20


def test_an_event_at_onset_is_one_of_the_unexposed() -> None:
    data = pd.DataFrame({"id": [1, 2, 3, 4], "start": 0.0, "stop": [15.0, 30, 28, 22], "event": [1, 0, 1, 1], "onset": [15.0, 5, 8, np.nan]})
    assert trials(data, 10)[0].set_index(["trial", "id"])["trial_event"][(1, 1)] == 1


def test_fit_is_a_stratified_cox_model_of_the_rows() -> None:
    data = people(effect=-0.4)
    found = survival.sequential_trials(data, **CALL, every=60, cluster="dept", strata="dept")
    again = survival.cox(found.rows, stop="trial_stop", event="trial_event", covariates=["treated", "x"], strata=["trial", "dept"], cluster="dept")
    assert_allclose(found.estimate.value, again.estimate.value, rtol=1e-10)
    assert_allclose(found.estimate.se, again.estimate.se, rtol=1e-9)
    assert found.estimate.df == again.estimate.df
    by_person = survival.sequential_trials(data, **CALL, every=60)
    assert by_person.estimate.n_clusters > 100  # a person in many trials is one unit


def time_varying(data: pd.DataFrame) -> pd.DataFrame:
    before = data.assign(stop=np.fmin(data["stop"], data["onset"]), on=0)
    before["event"] = np.where(data["onset"] < data["stop"], 0, data["event"])
    after = data[data["onset"].notna()].assign(start=lambda d: np.maximum(d["start"], d["onset"]), on=1)
    return pd.concat([before[before["stop"] > before["start"]], after[after["stop"] > after["start"]]], ignore_index=True)


def naive(data: pd.DataFrame) -> survival.CoxResult:
    return survival.cox(data.assign(ever=data["onset"].notna().astype(int)), start="start", stop="stop", event="event", covariates=["ever", "x"])


def looking_forward(data: pd.DataFrame, every: float = 120.0) -> survival.CoxResult:
    """The tempting mistake: at the beginning of a window, whoever will begin exposure within it is called exposed."""
    frames = []
    for k, now in enumerate(np.arange(0, 480, every)):
        part = data[(data["start"] <= now) & (data["stop"] > now) & ~(data["onset"] <= now)]
        treated = (part["onset"] <= now + every).astype(int)
        until = np.where(treated == 1, part["stop"], np.fmin(part["stop"], part["onset"]))
        frames.append(part.assign(treated=treated, stop=until - now, event=np.where(until < part["stop"], 0, part["event"]), trial=k))
    return survival.cox(pd.concat(frames), stop="stop", event="event", covariates=["treated", "x"], strata="trial", cluster="id")


def test_no_effect_is_found_where_there_is_none() -> None:
    """Waiting for exposure takes time in which one must stay: three analyses of the same null."""
    estimates, errors = {"trials": [], "stay": [], "naive": [], "forward": []}, []
    for seed in range(6):
        data = people(1500, seed=seed, uptake=0.8)
        found = survival.sequential_trials(data, **CALL, every=60)
        errors.append(found.estimate.se)
        estimates["trials"].append(np.log(found.estimate.value))
        stays = survival.sequential_trials(data, **CALL, every=60, protocol="intention to treat")
        estimates["stay"].append(np.log(stays.estimate.value))
        estimates["naive"].append(naive(data).table["coef"][0])
        estimates["forward"].append(looking_forward(data).table["coef"][0])
    mean = {name: np.mean(values) for name, values in estimates.items()}
    margin = 3 * np.sqrt(np.mean(np.square(errors)) / len(errors))
    assert margin < 0.16
    assert abs(mean["trials"]) < margin
    assert abs(mean["stay"]) < margin
    assert mean["naive"] < -0.8  # immortal time
    assert mean["forward"] < -2 * margin  # the same error, window by window


def test_an_effect_is_found_and_agrees_with_the_time_varying_model() -> None:
    data = people(4000, seed=4, effect=-0.5, uptake=0.8)
    found = survival.sequential_trials(data, **CALL, every=15)
    exact = survival.cox(time_varying(data), start="start", stop="stop", event="event", covariates=["on", "x"], cluster="id")
    assert abs(np.log(found.estimate.value) + 0.5) < 3 * found.estimate.se
    assert abs(np.log(found.estimate.value) - exact.table["coef"][0]) < exact.table["robust_se"][0]
    stays = survival.sequential_trials(data, **CALL, every=15, protocol="intention to treat")
    assert np.log(stays.estimate.value) > np.log(found.estimate.value)  # controls who begin later dilute it


def test_censoring_weights() -> None:
    data = people(1500, seed=9, uptake=0.9)
    plain = survival.sequential_trials(data, **CALL, every=60)
    weighted = survival.sequential_trials(data, **CALL, every=60, censoring=["x"], clip=None)
    rows = weighted.rows
    assert (rows.loc[rows["treated"] == 1, "trial_weight"] == 1).all()
    first = rows[(rows["treated"] == 0) & (rows["trial_start"] == 0)]
    assert (first["trial_weight"] == 1).all()
    later = rows[(rows["treated"] == 0) & (rows["trial_start"] > 0)]
    assert abs(later["trial_weight"].mean() - 1) < 0.05
    # those inclined to begin exposure stand in for their like who were censored for it
    assert later["trial_weight"].corr(later["x"]) > 0.5
    # splitting keeps everybody's time, events and last moment
    assert rows["trial_event"].sum() == plain.rows["trial_event"].sum()
    assert_allclose((rows["trial_stop"] - rows["trial_start"]).sum(), plain.rows["trial_stop"].sum())
    # the censored controls' covariate distribution is restored: mean x among them late in the trial is nearer to that at the start
    late = rows[(rows["treated"] == 0) & (rows["trial"] == 0 + rows["trial"].min()) & (rows["trial_start"] >= 120)]
    start = rows[(rows["treated"] == 0) & (rows["trial"] == rows["trial"].min()) & (rows["trial_start"] == 0)]["x"].mean()
    assert abs(np.average(late["x"], weights=late["trial_weight"]) - start) < abs(late["x"].mean() - start)
    assert_allclose(np.log(weighted.estimate.value), np.log(plain.estimate.value), atol=0.5 * plain.estimate.se)  # x is in the model too
    noise = data.assign(z=np.random.default_rng(0).normal(size=len(data)))
    idle = survival.sequential_trials(noise, **CALL, every=60, censoring=["z"], clip=None).rows["trial_weight"]
    assert abs(idle - 1).max() < 0.35


def test_censoring_weights_are_refitted_without_each_cluster() -> None:
    data = people(500, seed=2, uptake=0.9).assign(dept=lambda d: d["id"] % 6)
    found = survival.sequential_trials(data, **CALL, every=90, censoring=["x"], cluster="dept")
    options = {**CALL, "every": 90, "censoring": ["x"], "cluster": "dept", "variance": "cluster", "last": found.table["time"].max()}
    logs = [np.log(survival.sequential_trials(data[data["dept"] != dept], **options).estimate.value) for dept in range(6)]
    se = np.sqrt(5 / 6 * np.sum((np.array(logs) - np.log(found.estimate.value)) ** 2))
    assert_allclose(found.estimate.se, se, rtol=1e-7)
    assert found.estimate.df == 5
    assert "refitted" in found.method


def test_initiators_between_trials_are_counted() -> None:
    data = people(400, seed=3)
    found = survival.sequential_trials(data, **CALL, every=300)
    assert "missed_initiators" in [one.code for one in found.warnings]
    assert found.missed > 0
    short = survival.sequential_trials(data, **CALL, every=10)
    assert short.missed < found.missed


BAD = [
    ("no width", {"every": 0}, {}, UsageError, "every is 0"),
    ("unknown protocol", {"protocol": "as treated"}, {}, UsageError, "'as treated'"),
    ("weights without censoring", {"protocol": "intention to treat", "censoring": ["x"]}, {}, UsageError, "Nobody is censored"),
    ("last before first", {"first": 100, "last": 50}, {}, UsageError, "before the first"),
    ("no onset column", {"exposed_from": "begun"}, {}, UsageError, "'begun'"),
    ("a name of ours", {"covariates": ["treated"]}, {"treated": 1}, UsageError, "'treated' is made here"),
    ("person twice", {}, {"id": 7}, EstimationError, "'id' is not unique"),
    ("nobody exposed", {}, {"onset": np.nan}, EstimationError, "No trial holds both arms"),
    ("onset as date", {}, {"onset": pd.Timestamp("2024-01-01")}, EstimationError, "holds dates"),
    ("onset as text", {}, {"onset": "soon"}, EstimationError, "not numeric"),
    ("no events", {}, {"event": 0}, EstimationError, "No events"),
]


@pytest.mark.parametrize(("name", "call", "change", "error", "says"), BAD, ids=[one[0] for one in BAD])
def test_refused(name: str, call: dict, change: dict, error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        survival.sequential_trials(people(60).assign(**change), **{**CALL, "every": 60, **call})


def test_results_can_be_read() -> None:
    found = survival.sequential_trials(people(300), **CALL, every=90)
    assert found.statement().startswith("Hazard after beginning exposure against not yet having begun: hazard ratio")
    assert "<table" in found._repr_html_()
