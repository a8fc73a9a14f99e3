"""Control charts of the chapter: whose they are, what sets their limits, and what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions.incidents.charts import control_charts
from tests.questions.wards import STAGGERED, unfitted, wards, with_tables


def charts(cohort, column="no_harm"):
    told = control_charts(unfitted(cohort))
    return told, next(e for e in told.exhibits if e.id == f"incidents.{column}.chart").frames


def test_few_departments_get_a_panel_each_with_limits_from_before_go_live():
    told, frames = charts(wards(STAGGERED, seed=1, rate=60))
    points, live = frames["points"], frames["go_live"].set_index("group")["go_live"]
    assert list(dict.fromkeys(points["group"])) == list(STAGGERED)
    assert live["W00"] == "2022-07" and pd.isna(live["W10"])
    study = unfitted(wards(STAGGERED, seed=1, rate=60))
    for ward, at in STAGGERED.items():
        mine = points[points["group"] == ward]
        rows = study.rows[study.rows["dept_id"] == ward].sort_values("period")
        assert mine["n_events"].tolist() == rows["no_harm"].tolist()
        assert mine["value"].to_numpy() == pytest.approx((1000 * rows["no_harm"] / rows["patient_days"]).to_numpy())
        sets = rows["period"].lt(at if at else 99).to_numpy()
        assert mine["used_for_limits"].tolist() == sets.tolist()
        centre = 1000 * rows.loc[sets, "no_harm"].sum() / rows.loc[sets, "patient_days"].sum()
        assert mine["centre"].to_numpy() == pytest.approx(np.full(24, centre))
    assert any("8 departments with a go-live and limits" in s.text and "4 without one" in s.text for s in told.lead)
    assert all("not why" in s.text for s in told.lead)


def test_many_departments_are_summed_by_wave():
    live = {f"W{k:02d}": (10 if k < 6 else 14 if k < 12 else None) for k in range(16)}
    _told, frames = charts(wards(live, seed=1, rate=20))
    points = frames["points"]
    assert list(dict.fromkeys(points["group"])) == [
        "Go-live 2022-10 (6 departments)", "Go-live 2023-02 (6 departments)", "Never in the window (4 departments)"
    ]  # fmt: skip
    rows = unfitted(wards(live, seed=1, rate=20)).rows
    first = rows[rows["adopted"] == 10].groupby("period")["no_harm"].sum()
    assert points.loc[points["group"].str.startswith("Go-live 2022-10"), "n_events"].tolist() == first.tolist()


def test_a_month_in_which_a_department_is_missing_is_no_point_of_its_wave():
    live = {f"W{k:02d}": (10 if k < 6 else None) for k in range(16)}
    cohort = wards(live, seed=1, rate=20)
    exposure = cohort.table("exposure")
    gone = exposure["dept_id"].eq("W01") & exposure["month"].eq("2022-03-01")
    _, frames = charts(with_tables(cohort, exposure=exposure[~gone]))
    points = frames["points"]
    periods = points.groupby("group")["period"].agg(set)
    assert "2022-03" not in periods["Go-live 2022-10 (6 departments)"] and "2022-03" in periods["Never in the window (10 departments)"]


def test_few_treated_among_many_departments_get_charts_of_their_own():
    live = {f"W{k:02d}": (10 + k if k < 3 else None) for k in range(20)}
    _, frames = charts(wards(live, seed=1))
    assert list(dict.fromkeys(frames["points"]["group"])) == ["W00", "W01", "W02"]


def test_too_many_waves_of_too_many_departments_is_a_gap_with_a_way_out():
    live = {f"W{k:02d}": 6 + k for k in range(14)}
    told = control_charts(unfitted(wards(live, seed=1)))
    assert not told.exhibits and all("too many" in gap.reason and "plan.incidents.charts" in gap.unlock for gap in told.gaps)
    more = control_charts(unfitted(wards(live, seed=1, plan={"charts": 14})))
    assert more.exhibits[0].frames["points"]["group"].nunique() == 14
    assert not control_charts(unfitted(wards(STAGGERED, seed=1, plan={"charts": 0}))).exhibits


def test_sparse_counts_are_joined_to_quarters_that_do_not_straddle_the_go_live():
    study = unfitted(wards(STAGGERED, seed=1, rate=3))
    told = control_charts(study)
    frame = next(e for e in told.exhibits if e.id == "incidents.harm.chart")
    assert frame.options["period_label"] == "Quarter from"
    points = frame.frames["points"]
    for ward, at in STAGGERED.items():
        mine = points[points["group"] == ward]
        starts = [int((pd.Period(p, "M") - pd.Period("2022-01", "M")).n) + 1 for p in mine["period"]]
        origin = at or 1
        assert all((start - origin) % 3 == 0 for start in starts) and starts[0] in (1, 2, 3) and 22 >= starts[-1] >= 20
        rows = study.rows[study.rows["dept_id"] == ward].set_index("period")["harm"]
        assert mine["n_events"].tolist() == [rows.loc[start : start + 2].sum() for start in starts]


def test_a_sustained_change_signals_and_an_unchanged_series_rarely_does():
    live = {f"W{k}": (13 if k < 2 else None) for k in range(8)}
    worse = wards(live, seed=3, rate=40, factor=lambda ward, p, level: 2.0 if live[ward] and p >= 13 else 1.0)
    told, frames = charts(worse)
    since = frames["signals"]
    assert {"W0", "W1"} <= set(since.loc[since["direction"] == "high", "group"])
    assert any("2 of 2 departments with a go-live and limits show a signal in the time since" in s.text for s in told.lead)
    quiet = control_charts(unfitted(wards({f"W{k}": None if k > 3 else 13 for k in range(12)}, seed=5, rate=40)))
    signalled = sum(e.frames["signals"]["group"].nunique() for e in quiet.exhibits)
    assert signalled <= 6  # of 24 charts
    assert 0 < quiet.exhibits[0].options["chance"] < 0.3


def test_changes_of_taxonomy_stand_in_the_charts():
    _, frames = charts(wards(STAGGERED, seed=4, categories=lambda p: ("falls", "devices" if p >= 13 else "sores")))
    assert frames["changes"].to_dict("records") == [{"period": "2023-01", "label": "categories changed"}]
