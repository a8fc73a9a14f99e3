"""Input that has no answer is refused by name, with a way out; nothing is repaired silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, MentorshipEvalError, UsageError


def people(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    start = rng.uniform(0, 2, n)
    data = pd.DataFrame({
        "start": start, "stop": start + rng.exponential(5, n), "event": rng.integers(0, 2, n), "arm": rng.integers(0, 2, n),
        "x": rng.normal(size=n), "dept": rng.integers(0, 4, n), "w": 1.0, "kind": rng.choice(["a", "b", "c"], n),
    })
    data.index = [f"r{i}" for i in range(n)]
    return data


CALL = {"start": "start", "stop": "stop", "event": "event", "covariates": ["arm", "x"]}


def change(**columns: object) -> pd.DataFrame:
    """People with single cells replaced: column=(row label, value), or whole columns."""
    data = people()
    for name, value in columns.items():
        if isinstance(value, tuple):
            data[name] = data[name].astype(object) if isinstance(value[1], str) else data[name].astype(float)
            data.loc[value[0], name] = value[1]
        else:
            data[name] = value
    return data


REFUSED = [
    ("missing column", people().drop(columns="x"), {}, UsageError, "'x'", ()),
    ("missing covariate value", change(x=("r3", np.nan)), {}, EstimationError, "no value in 1 of 40", ("r3",)),
    ("missing stop", change(stop=("r4", np.nan)), {}, EstimationError, "'stop'", ("r4",)),
    ("missing stratum", change(dept=("r5", np.nan)), {"strata": "dept"}, EstimationError, "'dept'", ("r5",)),
    ("infinite covariate", change(x=("r6", np.inf)), {}, EstimationError, "not finite", ("r6",)),
    ("infinite time", change(stop=("r6", np.inf)), {}, EstimationError, "not finite", ("r6",)),
    ("no events", change(event=0), {}, EstimationError, "No events", ()),
    ("event coded 2", change(event=("r7", 2)), {}, EstimationError, "holds 2", ("r7",)),
    ("event as text", change(event=("r7", "yes")), {}, EstimationError, "'yes'", ("r7",)),
    ("start after stop", change(start=("r8", 1e3)), {}, EstimationError, "not before", ("r8",)),
    ("negative weight", change(w=("r9", -1.0)), {"weights": "w"}, EstimationError, "negative", ("r9",)),
    ("all weights 0", change(w=0.0), {"weights": "w"}, EstimationError, "are 0", ()),
    ("one arm", change(arm=1), {}, EstimationError, "'arm' is 1 in every row", ()),
    ("one level", change(kind="a"), {"covariates": ["kind"]}, EstimationError, "'kind' is 'a' in every row", ()),
    ("collinear", change(twice=people()["x"] * 2 + 1), {"covariates": ["x", "twice"]}, EstimationError, "'twice' is a linear", ()),
    ("constant in strata", people(), {"covariates": ["dept", "x"], "strata": "dept"}, EstimationError, "'dept' does not vary", ()),
    ("text as time", change(stop=("r1", "soon")), {}, EstimationError, "not numeric", ()),
    ("dates as time", change(stop=pd.Timestamp("2024-01-01")), {}, EstimationError, "holds dates", ()),
    ("unknown ties", people(), {"ties": "exact"}, UsageError, "'exact'", ()),
    ("unknown variance", people(), {"variance": "hc3"}, UsageError, "'hc3'", ()),
    ("cluster variance without cluster", people(), {"variance": "jackknife"}, UsageError, "needs cluster=", ()),
    ("unknown reference", people(), {"covariates": {"kind": "z"}}, UsageError, "'z'", ()),
    ("reference of a stranger", people(), {"reference": {"dept": 1}}, UsageError, "'dept'", ()),
    ("level out of range", people(), {"ci_level": 95}, UsageError, "ci_level", ()),
    ("no covariates", people(), {"covariates": []}, UsageError, "No covariates", ()),
    ("twice the same", people(), {"covariates": ["x", "x"]}, UsageError, "twice", ()),
    ("no rows", people().head(0), {}, EstimationError, "no rows", ()),
    ("not a frame", [1, 2], {}, UsageError, "DataFrame", ()),
]


@pytest.mark.parametrize(("name", "data", "call", "error", "says", "rows"), REFUSED, ids=[case[0] for case in REFUSED])
def test_cox_refuses(name: str, data: pd.DataFrame, call: dict, error: type, says: str, rows: tuple) -> None:
    with pytest.raises(error) as caught:
        survival.cox(data, **{**CALL, **call})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.rows == rows


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_separation_names_the_covariate(scale: float) -> None:
    data = people(60)
    data["event"] = np.where(data["arm"] == 1, 0, 1)  # nobody in arm 1 has the event
    data["x"] *= scale
    with pytest.raises(EstimationError, match="'arm' has no finite estimate"):
        survival.cox(data, **CALL)


def test_separation_by_a_rare_level_names_the_level() -> None:
    data = people(60)
    data["event"] = 1
    data["kind"] = np.where(np.arange(60) < 4, "rare", data["kind"])
    data.loc[data["kind"] == "rare", "event"] = 0
    data.loc[data["kind"] == "rare", "stop"] += 50
    with pytest.raises(EstimationError, match=r"'kind\[rare\]' has no finite estimate"):
        survival.cox(data, **{**CALL, "covariates": ["x", "kind"]})


def test_a_large_but_finite_hazard_ratio_is_no_separation() -> None:
    rng = np.random.default_rng(5)
    arm = np.repeat([0, 1], 200)
    data = pd.DataFrame({"stop": rng.exponential(np.where(arm == 1, 1.0, 300.0)), "event": 1, "arm": arm})
    result = survival.cox(data, stop="stop", event="event", covariates=["arm"])
    assert 100 < result.estimate.value < 1000
    outlier = data.assign(x=np.exp(3 * rng.normal(size=400)))  # a heavy tail is no separation either
    assert survival.cox(outlier, stop="stop", event="event", covariates=["x"]).decrement < 1e-10


@pytest.mark.parametrize("call", [
    {"event": "none"}, {"by": "none"}, {"ci": "wald"}, {"ci_level": 0}, {"start": "stop"},
])
def test_kaplan_meier_refuses(call: dict) -> None:
    with pytest.raises(MentorshipEvalError):
        survival.kaplan_meier(people(), **{"stop": "stop", "event": "event", **call})


def test_aalen_johansen_refuses() -> None:
    data = people()
    with pytest.raises(EstimationError, match="every row is censored"):
        survival.aalen_johansen(data.assign(cause=""), stop="stop", cause="cause")
    with pytest.raises(UsageError, match="'cause'"):
        survival.aalen_johansen(data, stop="stop", cause="cause")


@pytest.mark.parametrize("censored", [0, "", None, np.nan, False])
def test_every_way_to_say_censored(censored: object) -> None:
    data = people()
    data["cause"] = pd.Series(["quit" if one else censored for one in data["event"]], index=data.index, dtype=object)
    curve = survival.aalen_johansen(data, stop="stop", cause="cause")
    assert curve.causes == ("quit",)
    one_minus = 1 - survival.kaplan_meier(data, stop="stop", event="event").table["survival"]
    np.testing.assert_allclose(curve.table["cif"], one_minus, atol=1e-14)


def test_logrank_refuses() -> None:
    data = people()
    with pytest.raises(EstimationError, match="nothing to compare"):
        survival.logrank(data.assign(arm=1), stop="stop", event="event", by="arm")
    apart = pd.DataFrame({"start": [0, 0, 10, 10], "stop": [1, 2, 11, 12], "event": 1, "arm": [0, 0, 1, 1]})
    with pytest.raises(EstimationError, match="never at risk together"):
        survival.logrank(apart, start="start", stop="stop", event="event", by="arm")


def test_beyond_follow_up_there_is_no_value() -> None:
    data = pd.DataFrame({"stop": [1.0, 2.0, 3.0, 4.0], "event": [1, 0, 1, 0], "cause": ["a", "", "b", ""]})
    curve = survival.kaplan_meier(data, stop="stop", event="event").at([0, 4, 4.5])
    assert list(curve["survival"].isna()) == [False, False, True]
    assert "beyond follow-up, which ends at 4" in curve["reason"][2]
    assert curve["survival"][0] == 1.0
    incidence = survival.aalen_johansen(data, stop="stop", cause="cause").at([4, 5])
    assert list(incidence["cif"].isna()) == [False, True, False, True]


def test_timedeltas_are_days() -> None:
    data = people()
    wanted = survival.cox(data, **CALL)
    timed = data.assign(start=pd.to_timedelta(data["start"], unit="D"), stop=pd.to_timedelta(data["stop"], unit="D"))
    np.testing.assert_allclose(survival.cox(timed, **CALL).table["coef"], wanted.table["coef"], rtol=1e-9)
    curve = survival.kaplan_meier(timed, start="start", stop="stop", event="event")
    at = curve.at(pd.to_timedelta([3, 4], unit="D"))
    assert list(at["time"]) == [3.0, 4.0]


def test_references() -> None:
    data = people()
    data["kind"] = ["c"] * 20 + ["a"] * 10 + ["b"] * 10
    call = {"stop": "stop", "event": "event"}
    default = survival.cox(data, **call, covariates=["kind"])
    assert list(default.table["term"]) == ["kind[a]", "kind[b]"]
    assert default.references == {"kind": "c"}
    named = survival.cox(data, **call, covariates={"kind": "a"})
    assert list(named.table["term"]) == ["kind[b]", "kind[c]"]
    np.testing.assert_allclose(named.table["coef"][1], -default.table["coef"][0], rtol=1e-9)
    ordered = data.assign(kind=pd.Categorical(data["kind"], ["b", "c", "a", "unused"]))
    assert list(survival.cox(ordered, **call, covariates=["kind"]).table["term"]) == ["kind[b]", "kind[a]"]
    yes = survival.cox(data.assign(arm=data["arm"] == 1), **call, covariates=["arm"])
    assert yes.estimate.value == survival.cox(data, **call, covariates=["arm"]).estimate.value
    assert survival.cox(data, **call, covariates="arm").estimate.value == yes.estimate.value


def test_a_group_without_an_event_has_a_curve_at_one():
    from mentorship_eval.survival import kaplan_meier

    frame = pd.DataFrame({"t": [1.0, 2.0, 3.0, 1.5, 2.5], "e": [0, 0, 0, 1, 1], "g": ["a", "a", "a", "b", "b"]})
    table = kaplan_meier(frame, stop="t", event="e", by="g").table
    assert (table.loc[table["by"] == "a", "survival"] == 1.0).all()
    assert table.loc[table["by"] == "b", "survival"].tolist() == [0.5, 0.0]
