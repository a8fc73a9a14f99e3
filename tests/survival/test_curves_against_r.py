"""Kaplan-Meier, Aalen-Johansen and log-rank against R's survival and cmprsk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from tests.survival.reference import CLOSED_FORM, numbers, reference, survival_data

Z = 1.959963984540054

CURVES = [
    ("lung/km_all", "lung", {"stop": "time", "event": "event"}),
    ("lung/km_sex", "lung", {"stop": "time", "event": "event", "by": "sex"}),
    ("veteran/km", "veteran", {"stop": "time", "event": "status", "by": "trt"}),
    ("rossi/km_entry_fin", "rossi_entry", {"start": "entry", "stop": "week", "event": "arrest", "by": "fin"}),
    ("heart/extended_km_simon_makuch", "heart", {"start": "start", "stop": "stop", "event": "event", "by": "trt"}),
    ("rotterdam/km_hormon", "rotterdam", {"stop": "years", "event": "rfs", "by": "hormon"}),
]


def data_for(name: str) -> pd.DataFrame:
    data = survival_data(name)
    if name == "rotterdam":
        data["years"] = data["rfstime"] / 365.25
    return data


@pytest.mark.parametrize("ci", ["log-log", "plain", "log"])
@pytest.mark.parametrize(("path", "name", "call"), CURVES, ids=[case[0] for case in CURVES])
def test_kaplan_meier(path: str, name: str, call: dict, ci: str) -> None:
    wanted = reference(*path.split("/"))[ci]
    curve = survival.kaplan_meier(data_for(name), **call, ci=ci)
    at = wanted["at"]
    times = list(dict.fromkeys(at["time"]))
    ours = curve.at(times)
    assert_allclose(ours["time"], at["time"])
    # R's summary(extend=TRUE) goes on beyond follow-up; none of these times lies there.
    for column, theirs in (("survival", "surv"), ("se", "se"), ("ci_low", "lower"), ("ci_high", "upper")):
        assert_allclose(ours[column], numbers(at[theirs]), rtol=CLOSED_FORM, err_msg=column)
    medians = curve.median()
    for column, theirs in (("median", "median"), ("ci_low", "lcl"), ("ci_high", "ucl"), ("n", "n"), ("n_event", "events")):
        assert_allclose(medians[column], numbers(wanted[theirs]), rtol=CLOSED_FORM, err_msg=column)
    if "start" not in call:
        assert_allclose(ours["n_risk"], at["n.risk"])


def test_number_at_risk_under_delayed_entry_is_counted_by_definition() -> None:
    """At a time between events R shows the number of the next one, with those who come in between."""
    data = data_for("rossi_entry")
    ours = survival.kaplan_meier(data, **CURVES[3][2]).at([5, 10, 20, 40, 52])
    for row in ours.itertuples():
        group = data[data["fin"] == row.by]
        assert row.n_risk == ((group["entry"] < row.time) & (group["week"] >= row.time)).sum()
    at = reference("rossi", "km_entry_fin", "plain")["at"]
    late = np.array(at["time"]) > 10  # nobody comes in after 10
    assert_allclose(ours["n_risk"][late], np.array(at["n.risk"])[late])


def test_kaplan_meier_with_clusters() -> None:
    wanted = reference("lung", "km_cluster_inst")
    data = data_for("lung").dropna(subset=["inst"])
    ours = survival.kaplan_meier(data, stop="time", event="event", by="sex", cluster="inst", ci="log").at([180, 365, 730])
    assert_allclose(ours["survival"], wanted["surv"], rtol=CLOSED_FORM)
    assert_allclose(ours["se"], wanted["se"], rtol=CLOSED_FORM)
    # R's interval is normal, ours is t on the clusters less 1: undo that to compare.
    assert_allclose(np.exp(np.log(ours["survival"]) - Z * ours["se"] / ours["survival"]), wanted["lower"], rtol=CLOSED_FORM)
    assert (ours["ci_low"] < wanted["lower"]).all()


def test_weighted_kaplan_meier() -> None:
    wanted = reference("colon", "iptw_km")
    data = survival_data("colon_iptw")
    for cluster in ("id", None):  # one row per id: by row is the same
        ours = survival.kaplan_meier(data, stop="time", event="status", by="trt", weights="sw", cluster=cluster).at([365, 1095, 1825])
        assert_allclose(ours["survival"], wanted["surv"], rtol=CLOSED_FORM)
        assert_allclose(ours["se"], wanted["se"], rtol=CLOSED_FORM)


def test_early_risk_set_that_empties() -> None:
    wanted = reference("early_risk_set")
    curve = survival.kaplan_meier(survival_data("early"), start="e", stop="t", event="ev")
    assert list(curve.at(wanted["times"])["survival"]) == wanted["surv_unconditional"]
    assert [caution.code for caution in curve.warnings] == ["risk_set_emptied"]
    later = curve.from_time(wanted["start_time"])
    ours = later.at(wanted["times_cond"])
    assert_allclose(ours["survival"], wanted["surv_conditional"], rtol=CLOSED_FORM)
    data = survival_data("early")
    assert list(ours["n_risk"]) == [((data["e"] < t) & (data["t"] >= t)).sum() for t in wanted["times_cond"]]
    assert not later.warnings
    assert np.isnan(later.at(4)["survival"][0])
    assert "conditional" in later.at(4)["reason"][0]


def test_aalen_johansen() -> None:
    wanted = reference("mgus2", "aj")
    curve = survival.aalen_johansen(survival_data("mgus2"), stop="etime", cause="ev", by="sex")
    ours, free = curve.at([60, 120, 240]), curve.event_free_at([60, 120, 240])
    for theirs, column in (("pstate", "cif"), ("se", "se"), ("lower", "ci_low"), ("upper", "ci_high")):
        values = np.array(wanted[theirs])
        for state, cause in enumerate((1, 2), start=1):
            assert_allclose(ours.loc[ours["cause"] == cause, column], values[:, state], rtol=CLOSED_FORM)
        assert_allclose(free["probability" if column == "cif" else column], values[:, 0], rtol=CLOSED_FORM)


def test_aalen_johansen_with_delayed_entry() -> None:
    wanted = reference("mgus2", "aj_entry")
    curve = survival.aalen_johansen(survival_data("mgus2_entry"), start="entry", stop="etime", cause="ev", by="male")
    ours, free = curve.at([60, 120, 240]), curve.event_free_at([60, 120, 240])
    for theirs, column in (("pstate", "cif"), ("se", "se")):
        values = np.array(wanted[theirs])
        for state, cause in enumerate((1, 2), start=1):
            assert_allclose(ours.loc[ours["cause"] == cause, column], values[:, state], rtol=CLOSED_FORM)
        assert_allclose(free["probability" if column == "cif" else column], values[:, 0], rtol=CLOSED_FORM)


@pytest.mark.parametrize(("path", "name", "call", "times"), [
    ("mgus2", "mgus2", {"stop": "etime", "cause": "ev", "by": "sex"}, [60, 120, 240]),
    ("pbc", "pbc", {"stop": "time", "cause": "ev", "by": "trt"}, [1000, 2000, 3000]),
])
def test_cumulative_incidence_against_cmprsk(path: str, name: str, call: dict, times: list[float]) -> None:
    wanted = reference(path, "cuminc")
    curve = survival.aalen_johansen(survival_data(name), **call).at(times)
    for row, estimates, variances in zip(wanted["rows"], wanted["est"], wanted["var"], strict=True):
        group, cause = row.split()
        mine = curve[(curve["by"].astype(str) == group) & (curve["cause"].astype(str) == cause)]
        assert_allclose(mine["cif"], estimates, rtol=CLOSED_FORM)
        # Another estimator of the variance (Aalen's against the infinitesimal jackknife): close, not equal.
        assert_allclose(mine["se"] ** 2, variances, rtol=0.03)


RANK_TESTS = [
    ("lung/logrank_sex", "lung", {"stop": "time", "event": "event", "by": "sex"}),
    ("lung/peto_sex", "lung", {"stop": "time", "event": "event", "by": "sex", "rho": 1}),
    ("lung/logrank_sex_strata_ecog", "lung", {"stop": "time", "event": "event", "by": "sex", "strata": "ph.ecog"}),
    ("veteran/logrank", "veteran", {"stop": "time", "event": "status", "by": "trt"}),
    ("veteran/logrank_strata_celltype", "veteran", {"stop": "time", "event": "status", "by": "trt", "strata": "celltype"}),
    ("veteran/logrank_celltype4", "veteran", {"stop": "time", "event": "status", "by": "cells"}),
    ("heart/landmark30_logrank", "jasa_lm30", {"stop": "t", "event": "fustat", "by": "trt30"}),
    ("pbc/logrank_trt", "pbc", {"stop": "time", "event": "death", "by": "trt"}),
]


@pytest.mark.parametrize(("path", "name", "call"), RANK_TESTS, ids=[case[0] for case in RANK_TESTS])
def test_logrank(path: str, name: str, call: dict) -> None:
    wanted = reference(*path.split("/"))
    data = survival_data(name)
    if "ecog" in path:
        data = data.dropna(subset=["ph.ecog"])
    if name == "veteran":
        data["cells"] = pd.Categorical(data["celltype"], ["squamous", "smallcell", "adeno", "large"])
    ours = survival.logrank(data, **call)
    assert_allclose(ours.statistic, wanted["chisq"], rtol=CLOSED_FORM)
    assert ours.df == wanted["df"]
    assert_allclose(ours.p_value, wanted["p"], rtol=CLOSED_FORM)
    assert_allclose(ours.table["observed"], wanted["obs"], rtol=CLOSED_FORM)
    assert_allclose(ours.table["expected"], wanted["exp"], rtol=CLOSED_FORM)
    assert list(ours.table["n"]) == wanted["n"]


def test_every_curve_and_rank_test_of_the_references_is_tested() -> None:
    curves, tests = set(), set()
    for data, parts in reference().items():
        for name, part in parts.items():
            if isinstance(part, dict) and "log-log" in part:
                curves.add(f"{data}/{name}")
            if isinstance(part, dict) and "obs" in part:
                tests.add(f"{data}/{name}")
    assert curves == {case[0] for case in CURVES}
    assert tests == {case[0] for case in RANK_TESTS}
