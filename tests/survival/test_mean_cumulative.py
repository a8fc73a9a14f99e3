"""Mean cumulative functions: R's survfit to 1e-8, a slow independent sum for those with an end, refits without each cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival import cox, mean_cumulative
from tests.survival.reference import survival_data

# person, dept, arm, start, stop, event, left
DATA = pd.DataFrame(
    [[0, 0, 0, 6, 21, 1, 0], [0, 0, 0, 21, 35, 0, 0], [1, 1, 1, 5, 12, 1, 0], [1, 1, 1, 12, 24, 0, 1], [2, 2, 0, 5, 26, 0, 1],
     [3, 3, 1, 0, 5, 1, 0], [3, 3, 1, 5, 6, 1, 0], [3, 3, 1, 6, 16, 1, 0], [3, 3, 1, 16, 21, 0, 0], [4, 4, 0, 3, 6, 1, 0],
     [4, 4, 0, 6, 19, 1, 0], [4, 4, 0, 19, 20, 1, 0], [4, 4, 0, 20, 23, 0, 0], [5, 0, 1, 3, 21, 1, 0], [5, 0, 1, 21, 31, 0, 0],
     [6, 1, 0, 0, 14, 1, 0], [6, 1, 0, 14, 34, 1, 0], [6, 1, 0, 34, 39, 0, 1], [7, 2, 1, 1, 19, 0, 0], [8, 3, 0, 7, 25, 0, 0],
     [9, 4, 1, 7, 8, 1, 0], [9, 4, 1, 8, 28, 1, 0], [9, 4, 1, 28, 30, 1, 0], [9, 4, 1, 30, 37, 0, 1], [10, 0, 0, 0, 6, 1, 0],
     [10, 0, 0, 6, 10, 1, 0], [10, 0, 0, 10, 15, 1, 0], [10, 0, 0, 15, 29, 0, 1], [11, 1, 1, 2, 35, 0, 1], [12, 2, 0, 1, 5, 1, 0],
     [12, 2, 0, 5, 19, 1, 0], [12, 2, 0, 19, 24, 0, 1], [13, 3, 1, 7, 23, 0, 1], [14, 4, 0, 7, 12, 1, 0], [14, 4, 0, 12, 28, 1, 0],
     [14, 4, 0, 28, 29, 0, 0], [15, 0, 1, 6, 7, 1, 0], [15, 0, 1, 7, 16, 1, 0], [15, 0, 1, 16, 18, 0, 0]],
    columns=["person", "dept", "arm", "start", "stop", "event", "left"],
)  # fmt: skip
CALL = {"start": "start", "stop": "stop", "event": "event"}

# R 4.2.2, survival 3.5-3: survfit(Surv(start, stop, event) ~ 1, data, id = person, cluster = ..., robust = TRUE)$cumhaz, $std.chaz at 10, 20, 30
IN_R = {
    ("person", 0): ([0.775, 1.525, 1.9], [0.270040506220826, 0.412064163692986, 0.444971909225740]),
    ("person", 1): ([0.741666666666667, 1.116666666666667, 1.95], [0.436686412827498, 0.553155928723070, 0.845271889927279]),
    ("dept", 0): ([0.775, 1.525, 1.9], [0.220969101346772, 0.293282873264021, 0.455370728088664]),
    ("dept", 1): ([0.741666666666667, 1.116666666666667, 1.95], [0.411776992170355, 0.427307822662588, 0.754021727427067]),
}
# the same of bladder2 by treatment at 12, 24, 36 months, clusters = patients
BLADDER = {
    1: ([0.716828386948646, 1.446774186406640, 1.933215793538297], [0.140584374049915, 0.243820841969931, 0.303714252982351]),
    2: ([0.447373642439432, 0.889836503652293, 1.348100870004895], [0.134773699065030, 0.214051457267071, 0.324644169349064]),
}


@pytest.mark.parametrize("case", IN_R)
def test_means_and_clustered_errors_are_those_of_r(case):
    cluster, arm = case
    found = mean_cumulative(DATA, by="arm", cluster=cluster, **CALL).at([10, 20, 30])
    found = found[found["by"] == arm]
    assert_allclose(found["mean"], IN_R[case][0], rtol=1e-8)
    assert_allclose(found["se"], IN_R[case][1], rtol=1e-8)


def test_bladder_tumours_are_those_of_r():
    found = mean_cumulative(survival_data("bladder2"), by="rx", cluster="id", **CALL).at([12, 24, 36])
    for arm, (mean, se) in BLADDER.items():
        assert_allclose(found.loc[found["by"] == arm, "mean"], mean, rtol=1e-8)
        assert_allclose(found.loc[found["by"] == arm, "se"], se, rtol=1e-8)


def test_the_andersen_gill_ratio_and_its_clustered_error_are_those_of_r():
    fit = cox(DATA, covariates=["arm"], cluster="dept", **CALL)
    # coxph(Surv(start, stop, event) ~ arm, cluster = dept), Efron
    assert_allclose(fit.table["coef"].iloc[0], -0.214934549124046, rtol=1e-8)
    assert_allclose(fit.table["robust_se"].iloc[0], 0.256024080395934, rtol=1e-8)


def slow(data, time, weight=None):
    """Sum of S(t-) dN / Y by the book, with case weights by row."""
    weight = np.ones(len(data)) if weight is None else weight
    start, stop, event, left = (data[name].to_numpy() for name in ("start", "stop", "event", "left"))
    there, total = 1.0, 0.0
    for moment in sorted(set(stop[stop <= time])):
        risk = weight[(start < moment) & (stop >= moment)].sum()
        total += there * weight[(stop == moment) & (event == 1)].sum() / risk
        there *= 1 - weight[(stop == moment) & (left == 1)].sum() / risk
    return total


@pytest.mark.parametrize("time", [10, 20, 30])
def test_with_an_end_the_mean_and_its_error_are_those_of_a_slow_sum(time):
    fit = mean_cumulative(DATA, terminal="left", cluster="dept", **CALL)
    found = fit.at(time).iloc[0]
    assert_allclose(found["mean"], slow(DATA, time), rtol=1e-12)
    step, influence = 1e-5, []
    for name in range(5):
        mine = (DATA["dept"] == name).to_numpy(float)
        influence.append((slow(DATA, time, 1 + step * mine) - slow(DATA, time, 1 - step * mine)) / (2 * step))
    assert_allclose(found["se"], np.sqrt(np.square(influence).sum()), rtol=1e-7)


@pytest.mark.parametrize("terminal", [None, "left"])
def test_the_difference_is_that_of_refits_without_each_department(terminal):
    call = {"by": "arm", "cluster": "dept", "terminal": terminal, **CALL}

    def difference(data):
        at = mean_cumulative(data, **call).at(20).set_index("by")["mean"]
        return at[1] - at[0]

    found = mean_cumulative(DATA, **call).difference(20, 1, 0, estimand="more")
    without = np.array([difference(DATA[DATA["dept"] != name]) for name in range(5)])
    assert_allclose(found.value, difference(DATA), rtol=1e-12)
    assert_allclose(found.se, np.sqrt(4 / 5 * ((without - found.value) ** 2).sum()), rtol=1e-10)
    assert found.df == 4 and found.n_events == 17 and found.estimand == "more"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_nothing_changes_when_rows_are_cut_or_renumbered_and_leaving_only_lowers_the_mean(seed, at):
    rng = np.random.default_rng(seed)
    cut = DATA["start"] + (DATA["stop"] - DATA["start"]) * rng.uniform(0.2, 0.8, len(DATA))
    parts = pd.concat([DATA.assign(stop=cut, event=0, left=0), DATA.assign(start=cut)]).sample(frac=1, random_state=seed)
    whole = mean_cumulative(DATA, terminal="left", cluster="person", **CALL)
    again = mean_cumulative(parts, terminal="left", cluster="person", **CALL)
    assert_allclose(again.at(at)[["mean", "se"]], whole.at(at)[["mean", "se"]], rtol=1e-9, atol=1e-12)
    bare = mean_cumulative(DATA, cluster="person", **CALL).at(at)["mean"].iloc[0]
    assert whole.at(at)["mean"].iloc[0] <= bare + 1e-12
    assert (np.diff(whole.table["mean"]) >= 0).all()


def test_means_of_people_who_all_stay_are_events_per_person():
    stay = pd.DataFrame({"person": [1, 1, 1, 2, 3], "start": [0, 2, 4, 0, 0], "stop": [2, 4, 9, 9, 9], "event": [1, 1, 0, 0, 0]})
    fit = mean_cumulative(stay, cluster="person", **CALL)
    assert_allclose(fit.at([1, 3, 9])["mean"], [0, 1 / 3, 2 / 3])
    # infinitesimal jackknife of a mean: the sum of squared deviations over n squared
    assert_allclose(fit.at(9)["se"], np.sqrt((2 - 2 / 3) ** 2 + 2 * (2 / 3) ** 2) / 3)
    assert "Events per person by 9: 0.67" in fit.statement()


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(UsageError):
        mean_cumulative(DATA, by="group", cluster="dept", **CALL)
    with pytest.raises(EstimationError, match="No events"):
        mean_cumulative(DATA.assign(event=0), cluster="dept", **CALL)
    fit = mean_cumulative(DATA, by="arm", cluster="dept", **CALL)
    with pytest.raises(UsageError, match="no group"):
        fit.difference(10, 1, 2)
    with pytest.raises(EstimationError, match="followed to 50"):
        fit.difference(50, 1, 0)
    assert fit.at(50)["mean"].isna().all()
    alone = mean_cumulative(DATA.assign(dept=1), by="arm", cluster="dept", **CALL)
    assert alone.at(20)["ci_low"].isna().all() and np.isnan(alone.difference(20, 1, 0).ci_low)
