"""Kaplan-Meier with everything at once: delayed entry, weights, clusters, quantiles, and curves that begin later."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from tests.survival.reference import CLOSED_FORM
from tests.survival.test_competing_risks import made

CALL = {"start": "start", "stop": "stop", "event": "any"}
# surv and std.err at c(3, 6, 10) of survfit(Surv(start, stop, any) ~ 1, d, ...), and the lower limit where ours is normal too
WEIGHTED = [0.873417927237372, 0.695773480354008, 0.457356214769076]
PLAIN = [0.875217391304348, 0.699838163110226, 0.464953904926302]


@pytest.mark.parametrize(("call", "value", "se"), [
    ({"cluster": "site", "weights": "w"}, WEIGHTED, [0.0236752600422853, 0.0191280752271123, 0.0498167408071994]),  # cluster=site, weights=w
    ({"cluster": "site"}, PLAIN, [0.0247172356507299, 0.0162502539423663, 0.0437669738105251]),  # cluster=site
    ({"weights": "w"}, WEIGHTED, [0.040337468006739, 0.0549531111595782, 0.0632490632447301]),  # id=id, weights=w, robust=TRUE
])
def test_delayed_entry_with_weights_and_clusters(call: dict, value: list[float], se: list[float]) -> None:
    data = made().assign(any=lambda frame: (frame["cause"] > 0).astype(int))
    curve = survival.kaplan_meier(data, **CALL, **call).at([3, 6, 10])
    assert_allclose(curve["survival"], value, rtol=CLOSED_FORM)
    assert_allclose(curve["se"], se, rtol=CLOSED_FORM)
    # the competing-risks engine with one cause is the same estimator
    other = survival.aalen_johansen(data, start="start", stop="stop", cause="any", **call).event_free_at([3, 6, 10])
    assert_allclose(other["probability"], value, rtol=CLOSED_FORM)
    assert_allclose(other["se"], se, rtol=CLOSED_FORM)


def test_a_curve_that_begins_later() -> None:
    """survfit(Surv(start, stop, any) ~ 1, d, start.time=4, conf.type="log-log")"""
    data = made().assign(any=lambda frame: (frame["cause"] > 0).astype(int))
    whole = survival.kaplan_meier(data, **CALL)
    later = whole.from_time(4)
    ours = later.at([6, 10])
    assert_allclose(ours["survival"], [0.799616381099612, 0.531243905280922], rtol=CLOSED_FORM)
    assert_allclose(ours["se"], [0.0480523178184781, 0.0656328151570825], rtol=CLOSED_FORM)
    assert_allclose(ours["ci_low"], [0.684772054869324, 0.395519949846478], rtol=CLOSED_FORM)
    assert_allclose(ours["ci_high"], [0.876287795436224, 0.649632297836446], rtol=CLOSED_FORM)
    before = later.at(3).iloc[0]
    assert np.isnan(before["survival"])
    assert before["reason"] == "before 4, from which the curve is conditional"
    assert later.statement().startswith("Median survival time (among those without the event before 4): 11.00")
    assert "among those" not in whole.statement()
    incidences = survival.aalen_johansen(data, start="start", stop="stop", cause="cause").from_time(4)
    assert "among those without any event before 4" in incidences.statement()


@pytest.mark.parametrize(("since", "share", "wanted"), [
    (None, 0.25, [6, 4, 8]), (None, 0.5, [10, 8, 12]), (None, 0.9, [np.nan, 13, np.nan]),
    (4, 0.25, [8, 6, 9]), (4, 0.5, [11, 9, 12]), (4, 0.9, [np.nan, 13, np.nan]),
])
def test_quantiles_with_their_limits(since: float | None, share: float, wanted: list[float]) -> None:
    """quantile(survfit(...), share), with start.time=4 for the later ones"""
    data = made().assign(any=lambda frame: (frame["cause"] > 0).astype(int))
    curve = survival.kaplan_meier(data, **CALL)
    found = (curve if since is None else curve.from_time(since)).quantile(share).iloc[0]
    assert_allclose(found[["time", "ci_low", "ci_high"]].astype(float), wanted)
    assert ("not reached" in found["reason"]) == np.isnan(wanted[0])
