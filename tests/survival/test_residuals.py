"""Residuals of Cox fits, and the smoothed scaled Schoenfeld residuals, against R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from tests.survival.reference import CLOSED_FORM, survival_data

# R 4.2.2, survival 3.5-3, for each fit and kind, with coxph.control(eps = 1e-14, iter.max = 100):
#   r <- as.matrix(residuals(fit, kind)); sum(r * outer(sqrt(seq_len(nrow(r))), 1 / seq_len(ncol(r))))
# "by cluster": residuals(fit, kind, collapse = cluster)
IN_R = {
    "lung_strata": {
        "martingale": 64.185168259509, "deviance": 195.84705236624, "score": -68.138194696477, "dfbeta": 0.07202078439842, "dfbetas":
        0.50357232029396, "schoenfeld": -788.43363032741, "scaled_schoenfeld": 309.86411727736, "martingale by cluster": -25.189563943167,
        "score by cluster": -143.24438271416, "dfbeta by cluster": -0.084255177361231,
    },
    "lung_breslow": {
        "martingale": 69.865975954541, "deviance": 198.10983568947, "score": 21.769102198516, "dfbeta": -0.4807434429245, "dfbetas":
        -1.8766465010237, "schoenfeld": -445.37276050578, "scaled_schoenfeld": -104.25269398944, "martingale by cluster":
        -25.977131888054, "score by cluster": -149.43551180903, "dfbeta by cluster": -0.11223128128363,
    },
    "heart": {
        "martingale": -2.7548971527779, "deviance": -94.822956254464, "score": 158.18708463574, "dfbeta": 0.83305548154747, "dfbetas":
        4.7110353783896, "schoenfeld": 56.324712175328, "scaled_schoenfeld": -117.15738891943, "martingale by cluster": -2.4303684113724,
        "score by cluster": 118.5075633454, "dfbeta by cluster": 0.61492744244997,
    },
    "heart_breslow": {
        "martingale": -2.7647099771424, "deviance": -102.32879488015, "score": 159.21123382319, "dfbeta": 0.83327879405247, "dfbetas":
        4.7191658858881, "schoenfeld": 56.778789465651, "scaled_schoenfeld": -117.65933000821, "martingale by cluster": -2.4329005479028,
        "score by cluster": 119.29763579613, "dfbeta by cluster": 0.61526325687143,
    },
    "bladder_ag": {
        "martingale": 1.9182890851601, "deviance": 261.92893083738, "score": 44.932364249961, "dfbeta": -0.61322002598552, "dfbetas":
        -1.2527981780127, "schoenfeld": 3.8051353227592, "scaled_schoenfeld": -303.79104329179, "martingale by cluster": 0.71472613282216,
        "score by cluster": 28.130044124919, "dfbeta by cluster": -0.40713177815682,
    },
    "bladder_pwp": {
        "martingale": -3.2571785161845, "deviance": 107.58686171047, "score": 29.444249826799, "dfbeta": -0.45681980238951, "dfbetas":
        -0.89918050502219, "schoenfeld": -27.758743745788, "scaled_schoenfeld": -194.14564382044, "martingale by cluster":
        -1.2801354378281, "score by cluster": 18.049243605208, "dfbeta by cluster": -0.31840813393458,
    },
    "bladder_wlw": {
        "martingale": 9.0819696773488, "deviance": -388.96291308345, "score": 43.037139735536, "dfbeta": -1.0514159348775, "dfbetas":
        -3.3681029666884, "schoenfeld": -21.523327960355, "scaled_schoenfeld": -420.30423955521, "martingale by cluster": 4.2554734956495,
        "score by cluster": 21.553041733261, "dfbeta by cluster": -0.51814328340802,
    },
    "rossi_weighted": {
        "martingale": -2.8374238246341, "deviance": -831.60374762837, "score": -55.785337302235, "dfbeta": 2.8013403389082, "dfbetas":
        12.873167724016, "schoenfeld": -112.2680979304, "scaled_schoenfeld": -271.60596563065,
    },
}
LUNG = {"stop": "time", "event": "event", "covariates": ["age", "sex", "ph.ecog", "wt.loss"], "cluster": "inst"}
HEART = {"start": "start", "stop": "stop", "event": "event", "covariates": ["trt", "age", "year", "surgery"], "cluster": "id"}
BLADDER = {"stop": "stop", "event": "event", "covariates": ["rx", "number", "size"], "cluster": "id"}
CALLS = {
    "lung_strata": ("lung_cc", {**LUNG, "covariates": ["age", "ph.ecog", "wt.loss"], "strata": "sex"}),
    "lung_breslow": ("lung_cc", {**LUNG, "ties": "breslow"}),
    "heart": ("heart", HEART),
    "heart_breslow": ("heart", {**HEART, "ties": "breslow"}),
    "bladder_ag": ("bladder2", {**BLADDER, "start": "start"}),
    "bladder_pwp": ("bladder2", {**BLADDER, "start": "start", "strata": "enum"}),
    "bladder_wlw": ("bladder", {**BLADDER, "strata": "enum"}),
    "rossi_weighted": ("rossi", {"stop": "week", "event": "arrest", "covariates": ["fin", "age", "prio"], "weights": "w"}),
}


def fitted(name: str) -> survival.CoxResult:
    file, call = CALLS[name]
    data = survival_data(file)
    if file == "rossi":
        data["w"] = 1 + (data["age"] % 4) * 0.37
    return survival.cox(data, **call, variance="robust")


def fingerprint(frame: pd.DataFrame) -> float:
    values = frame.to_numpy(dtype=float)
    return float((values * np.outer(np.sqrt(np.arange(1, len(values) + 1)), 1 / np.arange(1, values.shape[1] + 1))).sum())


@pytest.mark.parametrize("name", CALLS)
def test_residuals_equal_those_of_r(name: str) -> None:
    result = fitted(name)
    for key, wanted in IN_R[name].items():
        kind, _, by = key.partition(" by ")
        frame = result.residuals(kind, collapse=by or None)
        if kind.endswith("schoenfeld"):
            assert list(frame.columns[:3]) == ["row", "stratum", "time"]
            frame = frame.iloc[:, 3:]
        # fingerprints are sums with much cancellation: their error is relative to the sum of what is added
        size = np.abs(frame.to_numpy()).sum() * np.sqrt(len(frame))
        assert_allclose(fingerprint(frame), wanted, rtol=CLOSED_FORM, atol=1e-12 * size, err_msg=key)


def test_frames_are_aligned_with_rows_and_events() -> None:
    data = survival_data("heart").set_index(pd.Index([f"row {i}" for i in range(172)]))
    shuffled = data.sample(frac=1, random_state=3)
    plain, mixed = survival.cox(data, **HEART), survival.cox(shuffled, **HEART)
    for kind in ("martingale", "deviance", "score", "dfbeta", "dfbetas"):
        frame = plain.residuals(kind)
        assert frame.index.equals(data.index)
        assert_allclose(mixed.residuals(kind).loc[data.index], frame, atol=1e-10)
    events = plain.residuals("schoenfeld")
    assert set(events["row"]) == set(data.index[data["event"] == 1])
    assert_allclose(events["time"], data.loc[events["row"], "stop"])
    assert_allclose(mixed.residuals("schoenfeld").set_index("row").loc[events["row"], ["age"]], events[["age"]], atol=1e-10)
    by_id = plain.residuals("dfbeta", collapse="cluster")
    assert_allclose(by_id, plain.residuals("dfbeta").groupby(data["id"]).sum())
    assert_allclose(by_id, plain.residuals("dfbeta", collapse=data["id"]))
    # the clustered sandwich is made of them
    assert_allclose(np.sqrt((by_id**2).sum()), plain.table["robust_se"], rtol=1e-10)


def test_sums_that_must_hold() -> None:
    for name in CALLS:
        result = fitted(name)
        data = survival_data(CALLS[name][0])
        weight = 1 + (data["age"] % 4) * 0.37 if name == "rossi_weighted" else 1.0
        assert abs((result.residuals("martingale")["martingale"] * weight).sum()) < 1e-9
        score = result.residuals("score", weighted=True).sum()
        assert (np.abs(score) < 1e-7 * np.maximum(1, result.residuals("score").abs().max())).all()
        assert len(result.residuals("schoenfeld")) == result.n_events


def test_a_row_of_weight_0_has_no_residual() -> None:
    data = survival_data("rossi").assign(w=1.0)
    data.loc[[3, 5], "w"] = 0.0
    call = {"stop": "week", "event": "arrest", "covariates": ["fin", "age"]}
    with_zero = survival.cox(data, **call, weights="w").residuals("martingale")["martingale"]
    without = survival.cox(data.drop([3, 5]), **call).residuals("martingale")["martingale"]
    assert with_zero.isna().sum() == 2
    assert_allclose(with_zero.drop([3, 5]), without, rtol=1e-9)


def test_deviance_of_several_events_is_that_of_a_count() -> None:
    result, data = fitted("bladder_ag"), survival_data("bladder2")
    martingale = result.residuals("martingale", collapse="cluster")["martingale"].to_numpy()
    events = data.groupby("id")["event"].sum().to_numpy()
    assert events.max() > 1
    logarithm = np.where(events > 0, events * np.log(np.where(events > 0, events - martingale, 1) / np.maximum(events, 1)), 0)
    wanted = np.sign(martingale) * np.sqrt(-2 * (martingale + logarithm))
    assert_allclose(result.residuals("deviance", collapse="cluster")["deviance"], wanted, rtol=1e-10)


def test_wrong_use() -> None:
    result = fitted("lung_strata")
    with pytest.raises(UsageError, match="no residuals 'cox-snell'"):
        result.residuals("cox-snell")
    with pytest.raises(UsageError, match="belong to events"):
        result.residuals("schoenfeld", collapse="cluster")
    with pytest.raises(UsageError, match="3 values for 212 rows"):
        result.residuals("dfbeta", collapse=[1, 2, 3])
    with pytest.raises(UsageError, match="without cluster="):
        fitted("rossi_weighted").residuals("dfbeta", collapse="cluster")
    with pytest.raises(UsageError, match="no term 'sex'"):
        result.schoenfeld_curve("sex")
    with pytest.raises(UsageError, match="no transform 'sqrt'"):
        result.schoenfeld_curve("age", "sqrt")
    with pytest.raises(UsageError, match="at least 2 degrees"):
        result.schoenfeld_curve("age", df=1)


# R: x <- cox.zph(fit, transform, terms = FALSE), then the lines of survival:::plot.cox.zph up to the drawing:
# yhat[c(1, 14, 40)] and (2 * sqrt(x$var[i, i] * seval))[c(1, 14, 40)]
SMOOTH = [
    ("heart", "trt", "km", 4, [0.13827861312537, 0.18952145972077, 0.19806211607752], [1.95756690993449, 1.15231197590244, 2.62861085710500]),
    ("heart", "trt", "rank", 4, [0.122073862414899, 0.340538434321426, 0.091010444407875], [2.103052180760953, 1.361091109520313, 2.172892450445420]),
    ("heart", "trt", "identity", 4, [0.31553349916124, -0.35691708861946, 0.73926308798691], [1.14088998300143, 1.86435836321897, 4.59826999075651]),
    ("heart", "trt", "log", 4, [-0.72930331968192, 0.57598904732993, 0.40052724117677], [3.03074051148430, 1.26358816482217, 2.44507475774535]),
    ("lung", "ph.ecog", "km", 4, [0.30771559896892, 0.86473059294899, 0.81993737536538], [0.81512682104686, 0.44006960699691, 1.00749533477044]),
    ("lung", "ph.ecog", "log", 4, [-1.50192701930664, 0.69548025349116, 0.46724449574139], [1.77290431304237, 0.64126859270078, 0.93926094438881]),
    ("lung", "sex", "km", 3, [-0.99330491948252, -0.73890705825678, 0.16077855786450], [0.90758984530457, 0.48426399442519, 1.16428468810216]),
]


@pytest.mark.parametrize(("name", "term", "transform", "df", "smooth", "half"), SMOOTH, ids=lambda value: str(value)[:12])
def test_schoenfeld_curve_is_the_one_that_r_draws(name, term, transform, df, smooth, half) -> None:
    result = fitted("heart") if name == "heart" else survival.cox(survival_data("lung_cc"), **{**LUNG, "cluster": None})
    curve = result.schoenfeld_curve(term, transform, df)
    there = curve.table.iloc[[0, 13, 39]]
    assert_allclose(there["smooth"], smooth, rtol=CLOSED_FORM)
    # R takes 2 where a 95 % band has 1.96
    assert_allclose((there["ci_high"] - there["smooth"]) * 2 / ndtri(0.975), half, rtol=CLOSED_FORM)
    assert_allclose(curve.table["smooth"] * 2, curve.table["ci_low"] + curve.table["ci_high"], rtol=1e-9)
    scaled = result.residuals("scaled_schoenfeld")
    assert_allclose(curve.points["value"], scaled[term], rtol=1e-9)
    assert list(curve.points["row"]) == list(scaled["row"])
    assert curve.table["time"].is_monotonic_increasing
    assert curve.table["time"].iloc[0] == pytest.approx(scaled["time"].min())
    assert curve.table["time"].iloc[-1] == pytest.approx(scaled["time"].max())
    assert term in curve.statement() and term in curve._repr_html_()


def test_events_of_a_stratum_without_contrast_say_nothing_of_the_term() -> None:
    data = survival_data("sim0")
    flat = sorted(data["dep"].unique())[:5]
    data.loc[data["dep"].isin(flat), "trt"] = 0
    call = {"start": "start", "stop": "stop", "event": "event", "covariates": ["trt", "x1", "x2"], "strata": "dep"}
    result = survival.cox(data, **call)
    curve, other = result.schoenfeld_curve("trt"), result.schoenfeld_curve("x1")
    assert set(curve.points["stratum"]).isdisjoint(flat)
    assert set(other.points["stratum"]) > set(flat)
    # without those strata the other covariates scale differently, but only a little
    assert_allclose(curve.points["value"].mean(), curve.coef, atol=0.2)


def test_a_term_named_like_a_column_of_the_frame() -> None:
    data = survival_data("lung_cc").rename(columns={"age": "row"})
    with pytest.raises(UsageError, match="'row' has the name of a column"):
        survival.cox(data, stop="time", event="event", covariates=["row", "sex"]).residuals("schoenfeld")


def test_residuals_cannot_be_collapsed_over_missing_groups() -> None:
    result, data = fitted("heart"), survival_data("heart")
    with pytest.raises(UsageError, match="missing values"):
        result.residuals("dfbeta", collapse=data["id"].where(data["id"] > 3).astype(object))
    with pytest.raises(UsageError, match="'id' is not known"):
        result.residuals("dfbeta", collapse="id")


def test_a_spline_needs_enough_times() -> None:
    data = pd.DataFrame({"stop": [1, 1, 1, 2, 2, 2, 3, 3], "event": [1, 0, 1, 1, 0, 1, 0, 0], "x": [1, 2, 5, 3, 4, 2, 1, 6]})
    with pytest.raises(EstimationError, match="Only 2 distinct event times"):
        survival.cox(data, stop="stop", event="event", covariates="x").schoenfeld_curve("x")
