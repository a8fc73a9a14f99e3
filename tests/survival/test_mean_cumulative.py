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
DEPT = {"cluster": "dept", "id": "person"}

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
    found = mean_cumulative(DATA, by="arm", cluster=cluster, id="person", **CALL).at([10, 20, 30])
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
    fit = mean_cumulative(DATA, terminal="left", **DEPT, **CALL)
    found = fit.at(time).iloc[0]
    assert_allclose(found["mean"], slow(DATA, time), rtol=1e-12)
    step, influence = 1e-5, []
    for name in range(5):
        mine = (DATA["dept"] == name).to_numpy(float)
        influence.append((slow(DATA, time, 1 + step * mine) - slow(DATA, time, 1 - step * mine)) / (2 * step))
    assert_allclose(found["se"], np.sqrt(np.square(influence).sum()), rtol=1e-7)


@pytest.mark.parametrize("terminal", [None, "left"])
def test_the_difference_is_that_of_refits_without_each_department(terminal):
    call = {"by": "arm", "terminal": terminal, **DEPT, **CALL}

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
        mean_cumulative(DATA, by="group", **DEPT, **CALL)
    with pytest.raises(EstimationError, match="No events"):
        mean_cumulative(DATA.assign(event=0), **DEPT, **CALL)
    fit = mean_cumulative(DATA, by="arm", **DEPT, **CALL)
    with pytest.raises(UsageError, match="no group"):
        fit.difference(10, 1, 2)
    with pytest.raises(EstimationError, match="followed to 50"):
        fit.difference(50, 1, 0)
    assert fit.at(50)["mean"].isna().all()
    alone = mean_cumulative(DATA.assign(dept=1), by="arm", **DEPT, **CALL)
    assert alone.at(20)["ci_low"].isna().all() and np.isnan(alone.difference(20, 1, 0).ci_low)


def test_rows_of_one_person_that_overlap_or_come_after_the_end_are_refused_with_the_person_and_the_row():
    longer = DATA.assign(stop=DATA["stop"].where(DATA.index != 5, 13))  # person 3's first row runs into the second and the third
    for call in ({"cluster": "person"}, DEPT):
        with pytest.raises(EstimationError, match=r"2 rows \(6, 7\) overlap .*'person' \(3\)") as refused:
            mean_cumulative(longer, **call, **CALL)
        assert refused.value.rows == (6, 7)
    with pytest.raises(EstimationError, match="overlap"):
        mean_cumulative(pd.concat([DATA, DATA.iloc[[4]]], ignore_index=True), **DEPT, **CALL)
    # without start every row begins at the beginning
    with pytest.raises(EstimationError, match="overlap"):
        mean_cumulative(DATA, stop="stop", event="event", cluster="person")
    # departments are no persons: rows of one of them overlap, and what to do is said
    with pytest.raises(EstimationError) as refused:
        mean_cumulative(DATA, cluster="dept", **CALL)
    assert "id=" in refused.value.fix
    with pytest.raises(EstimationError, match=r"1 rows \(1\) come after the end .*\(0\)"):
        mean_cumulative(DATA.assign(left=DATA["left"].where(DATA.index != 0, 1)), terminal="left", **DEPT, **CALL)


def test_a_mean_ends_where_nobody_is_at_risk_and_a_gap_of_one_person_is_none():
    gap = DATA[DATA["arm"] == 1].assign(start=lambda d: d["start"] + 10 * (d["start"] >= 7), stop=lambda d: d["stop"] + 10 * (d["start"] >= 17))
    gap = gap[(gap["stop"] <= 8) | (gap["start"] >= 17)]  # from 6 to 17 nobody
    fit = mean_cumulative(pd.concat([gap, DATA[DATA["arm"] == 0]]), by="arm", **DEPT, **CALL)
    last = gap.loc[gap["stop"] <= 8, "stop"].max()
    assert [c.data for c in fit.warnings] == [{"by": 1, "from": last, "to": 17}] and f"between {last:g} and 17" in fit.warnings[0].text
    found = fit.at([last, last + 1, 25, 99]).query("by == 1")
    assert found["mean"].notna().tolist() == [True, False, False, False]
    assert found["reason"].tolist()[1:3] == [f"nobody is at risk between {last:g} and 17"] * 2 and found["reason"].iloc[3].startswith("beyond")
    assert fit.at(25).query("by == 0")["mean"].notna().all() and f"1 by {last:g}" in fit.statement()
    with pytest.raises(EstimationError, match="at risk between"):
        fit.difference(25, 1, 0)
    assert np.isfinite(fit.difference(last, 1, 0).value)
    # the rows after the gap have a mean of their own
    later = mean_cumulative(gap[gap["start"] >= 17], **DEPT, **CALL)
    assert not later.warnings and later.table["mean"].notna().all()
    # somebody else was there while one was away
    away = DATA.drop(index=6)
    assert not mean_cumulative(away, **DEPT, **CALL).warnings


def test_groups_that_begin_at_different_times_are_not_compared():
    late = DATA[(DATA["arm"] == 0) | (DATA["start"] >= 5)]
    fit = mean_cumulative(late, by="arm", **DEPT, **CALL)
    with pytest.raises(EstimationError, match="before 5"):
        fit.difference(20, 1, 0)
    same = mean_cumulative(late[(late["stop"] > 5)].assign(start=late["start"].clip(lower=5)), by="arm", **DEPT, **CALL)
    assert np.isfinite(same.difference(20, 1, 0).se)
