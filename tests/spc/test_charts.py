"""Baselines, phases, gaps, rare events; what is said beside a chart; what is refused."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import spc
from mentorship_eval.errors import EstimationError, UsageError

CAUSES = re.compile(r"\b(because|due to|caused?|effect|improve\w*|worsen\w*|thanks)\b", re.IGNORECASE)
MONTHS = pd.period_range("2022-01", periods=36, freq="M").astype(str)


def rates(seed=0, *, rate=6.0, exposure=9000.0, fall=1.0, live="2023-07", spread=np.inf, months=MONTHS):
    rng = np.random.default_rng(seed)
    mean = rate * exposure / 1000 * np.where(months >= live, fall, 1.0)
    if np.isfinite(spread):
        mean = mean * rng.gamma(spread, 1 / spread, len(months))
    return pd.DataFrame({"month": months, "count": rng.poisson(mean), "days": exposure})


def u(data, **options):
    return spc.u_chart(data, count="count", exposure="days", time="month", **options)


def codes(chart):
    return {caution.code for caution in chart.warnings}


# baseline and phases


def test_limits_before_go_live_are_carried_forward_and_know_nothing_of_what_follows():
    data = rates(1, fall=0.5)
    chart = u(data, go_live="2023-07")
    alone = u(data[data["month"] < "2023-07"])
    assert chart.table["centre"].eq(chart.table["centre"][0]).all() and chart.table["centre"][0] == alone.table["centre"][0]
    assert chart.table["upper"][35] == alone.table["upper"][0] and chart.limits["n_used"][0] == 18
    assert chart.table["used_for_limits"].tolist() == [True] * 18 + [False] * 18 == (~chart.table["since_go_live"]).tolist()
    changed = data.assign(count=np.where(data["month"] >= "2023-07", 999, data["count"]))
    assert u(changed, go_live="2023-07").table["upper"].equals(chart.table["upper"])
    assert "long_run" in set(chart.signals["rule"]) and chart.signals["since_go_live"].all()
    assert chart.signals.query("rule != 'few_crossings'")["first"].min() >= "2023-06"


def test_a_fall_that_widens_its_own_limits_is_the_reason_for_a_baseline():
    data = rates(4, fall=0.72)
    assert len(u(data, go_live="2023-07").table.query("signal != ''")) > len(u(data).table.query("signal != ''"))


def test_each_phase_has_its_own_limits_and_runs_end_with_it():
    data = rates(2, fall=1.8)
    chart = u(data, phases={"2023-07": "new system"})
    assert chart.limits["phase"].tolist() == ["before 2023-07", "new system"] and chart.limits["n_used"].tolist() == [18, 18]
    assert chart.table["centre"].nunique() == 2 and chart.table["centre"][18] > 1.5 * chart.table["centre"][17]
    halves = [u(data[data["month"] < "2023-07"]), u(data[data["month"] >= "2023-07"])]
    assert np.allclose(chart.table["upper"], pd.concat([half.table["upper"] for half in halves]))
    assert chart.signals.drop(columns=["phase"]).equals(pd.concat([h.signals for h in halves]).drop(columns=["phase"]).reset_index(drop=True))


def test_a_system_switch_before_go_live_leaves_the_time_between_as_baseline():
    chart = u(rates(3), phases=["2022-10"], go_live="2023-07")
    assert chart.limits["n_used"].tolist() == [9, 9] and chart.limits["n_points"].tolist() == [9, 27]
    later = u(rates(3), phases=["2024-01"], go_live="2023-07")
    assert later.limits["n_used"].tolist() == [18, 12]  # a phase that begins since go-live sets its own limits


def test_go_live_without_a_time_before_it_says_so():
    chart = u(rates(5), go_live="2022-01")
    assert "no_baseline" in codes(chart) and chart.limits["n_used"][0] == 36
    assert "no_baseline" not in codes(u(rates(5), go_live="2023-01"))


@pytest.mark.parametrize("form", [str, pd.Timestamp, lambda month: pd.Period(month, "M")])
def test_times_in_any_usual_form_and_any_order(form):
    data = rates(6, fall=0.6)
    usual = u(data, go_live="2023-07")
    shuffled = data.assign(month=[form(month) for month in data["month"]]).sample(frac=1, random_state=1)
    chart = u(shuffled, go_live=form("2023-07"))
    assert chart.table["upper"].equals(usual.table["upper"]) and chart.signals["rule"].tolist() == usual.signals["rule"].tolist()


# few points


@pytest.mark.parametrize(("points", "code"), [(5, "no_limits"), (6, "trial_limits"), (11, "trial_limits"), (12, None)])
def test_few_points_set_trial_limits_and_too_few_none(points, code):
    data = pd.DataFrame({"month": range(points), "x": np.random.default_rng(1).normal(10, 1, points)})
    chart = spc.xmr_chart(data, value="x", time="month")
    assert np.isnan(chart.table["upper"]).all() == (code == "no_limits")
    assert codes(chart) & {"no_limits", "trial_limits"} == ({code} if code else set())
    if code == "no_limits":
        assert "No rule was applied" in chart.statement() and chart.signals.empty and "6 are the least" in chart.limits["reason"][0]
        assert chart.table["centre"][0] == pytest.approx(data["x"].mean())


def test_nothing_to_set_limits_from():
    chart = u(rates(1).assign(count=0))
    assert np.isnan(chart.table["upper"]).all() and "no events" in chart.limits["reason"][0] and chart.signals.empty
    same = spc.xmr_chart(pd.DataFrame({"t": range(12), "x": 3.0}), value="x", time="t")
    assert "do not differ" in same.limits["reason"][0] and np.isnan(same.table["upper"]).all()
    full = spc.p_chart(pd.DataFrame({"t": range(12), "a": 9, "b": 9}), numerator="a", denominator="b", time="t")
    assert "nothing but events" in full.limits["reason"][0]


def test_runs_are_not_judged_with_fewer_than_ten_points_off_the_line():
    data = pd.DataFrame({"t": range(9), "x": [1, 2, 1, 2, 1, 2, 1, 2, 9.0]})
    assert "few_for_runs" in codes(spc.xmr_chart(data, value="x", time="t"))


# cautions


def test_correlated_neighbours_are_told():
    rng = np.random.default_rng(3)
    value = np.zeros(60)
    for k in range(1, 60):
        value[k] = 0.7 * value[k - 1] + rng.normal()
    chart = spc.xmr_chart(pd.DataFrame({"t": range(60), "x": value}), value="x", time="t")
    text = next(caution.text for caution in chart.warnings if caution.code == "autocorrelation")
    assert chart.autocorrelation > 0.5 and "too narrow" in text and "too often" in text
    noise = spc.xmr_chart(pd.DataFrame({"t": range(60), "x": rng.normal(size=60)}), value="x", time="t")
    assert "autocorrelation" not in codes(noise)


def test_a_change_at_go_live_is_no_autocorrelation_of_the_baseline():
    data = pd.DataFrame({"t": range(40), "x": np.random.default_rng(8).normal(size=40) + np.repeat([0, 6], 20)})
    assert abs(spc.xmr_chart(data, value="x", time="t", go_live=20).autocorrelation) < 0.45
    assert spc.xmr_chart(data, value="x", time="t").autocorrelation > 0.7


def test_a_baseline_that_is_not_stable_is_told():
    data = pd.DataFrame({"t": range(36), "x": np.random.default_rng(5).normal(size=36)})
    assert "unstable_baseline" not in codes(spc.xmr_chart(data, value="x", time="t", go_live=18))
    assert "unstable_baseline" in codes(spc.xmr_chart(data.assign(x=data["x"].where(data["t"] != 5, 30.0)), value="x", time="t", go_live=18))


def test_a_lower_limit_of_zero_is_told():
    few = u(rates(1, exposure=800.0), prime=False)
    assert "no_lower_limit" in codes(few) and (few.table["lower"] == 0).all()
    assert "no_lower_limit" not in codes(u(rates(1, exposure=9000.0), prime=False))


def test_gaps_and_exclusions_are_counted():
    data = rates(1).astype({"count": float})
    data.loc[[3, 7], "count"] = np.nan
    data.loc[9, ["count", "days"]] = [0, 0]
    chart = u(data, exclude=["2022-03"])
    gap = next(caution for caution in chart.warnings if caution.code == "missing_points")
    assert gap.data["gaps"] == 3 and "2022-04" in gap.text and "excluded" in codes(chart)
    assert chart.table["reason"][9] == "exposure is zero" and chart.limits["n_used"][0] == 32


# u' and u


def test_rates_that_vary_more_than_counts_need_the_prime_chart():
    """Monte-Carlo: overdispersed rates break the plain limits in most charts; u' holds about as often as for Poisson counts."""

    def share(prime, spread):
        hits = [not u(rates(seed, exposure=30000.0, spread=spread), prime=prime, rules="shewhart").signals.empty for seed in range(60)]
        return np.mean(hits)

    assert share(False, 20) > 0.8 and share(True, 20) < 0.35
    assert share(False, np.inf) < 0.35 and share(True, np.inf) < 0.35


def test_sigma_z_is_near_one_for_poisson_counts():
    spreads = [u(rates(seed)).limits["spread"][0] for seed in range(80)]
    assert np.mean(spreads) == pytest.approx(1.0, abs=4 * np.std(spreads) / np.sqrt(80))
    narrow = next(seed for seed in range(80) if spreads[seed] < 0.9)
    assert "narrow_limits" in codes(u(rates(narrow)))


# rare events


def test_days_between_events_and_the_one_that_goes_on():
    dates = pd.DataFrame({"when": ["2024-03-05", "2024-01-01", "2024-03-05", "2024-01-31"]})
    between = spc.days_between(dates, time="when", until="2024-04-04")
    assert between["between"].tolist() == [30, 34, 0, 30] and between["open"].tolist() == [False, False, False, True]
    with pytest.raises(EstimationError, match="after the end of observation"):
        spc.days_between(dates, time="when", until="2024-03-01")
    with pytest.raises(EstimationError, match="no interval"):
        spc.days_between(dates.iloc[:1], time="when")


def intervals(last, values=(9, 4, 12, 3, 8, 15, 2, 7, 11, 5, 6, 10)):
    return pd.DataFrame({"k": range(len(values) + 1), "days": [*values, last], "open": [False] * len(values) + [True]})


def test_an_open_interval_speaks_only_when_it_is_already_too_long():
    def marks(last, **options):
        chart = spc.g_chart(intervals(last), between="days", time="k", open="open", **options)
        return chart.table["signal"].iloc[-1], chart

    signal, chart = marks(200)
    assert signal == "beyond_limits" and chart.signals["direction"].tolist() == ["high"] and chart.limits["n_used"][0] == 12
    assert marks(1)[0] == "" and marks(1)[1].table["upper"].equals(chart.table["upper"])
    low = spc.g_chart(intervals(0, (2,) * 11 + (30,)), between="days", time="k", open="open", rules="eight_one_side")
    assert low.signals.empty
    t = spc.t_chart(intervals(3000), between="days", time="k", open="open")
    assert t.table["signal"].iloc[-1] == "beyond_limits" and t.limits["n_used"][0] == 12
    with pytest.raises(EstimationError, match="Only the last interval"):
        spc.g_chart(intervals(3).iloc[::-1].assign(k=range(13)), between="days", time="k", open="open")


def test_runs_of_a_g_chart_are_counted_about_the_median():
    """About the mean a geometric count has long runs below by its shape; about the median it has them as seldom as it should."""
    rng = np.random.default_rng(2)
    runs = [
        spc.g_chart(pd.DataFrame({"k": range(40), "g": rng.geometric(0.05, 40) - 1}), between="g", time="k", rules="long_run") for _ in range(150)
    ]
    assert np.mean([not chart.signals.empty for chart in runs]) < 0.08
    assert all("longer_is_fewer" in codes(chart) for chart in runs)


def test_ties_in_time_are_for_the_g_chart():
    data = pd.DataFrame({"k": range(12), "days": [0, 3, 5, 2, 8, 4, 1, 0, 9, 3, 2, 5]})
    assert spc.g_chart(data, between="days", time="k").limits["reason"][0] == ""
    with pytest.raises(EstimationError, match="use g_chart"):
        spc.t_chart(data, between="days", time="k")


# words


def test_statements_are_plain_and_name_no_cause():
    charts = [
        u(rates(1, fall=0.5), go_live="2023-07"), u(rates(7)), u(rates(2, fall=3.0), phases=["2023-07"]), u(rates(1).iloc[:4]),
        spc.g_chart(intervals(200), between="days", time="k", open="open"),
    ]  # fmt: skip
    for chart in charts:
        words = chart.statement() + " ".join(caution.text for caution in chart.warnings)
        assert not CAUSES.search(words.replace("it does not show why", "")) and "nan" not in words.lower().split()
        assert chart.statement().endswith("it does not show why.")
        assert "<p>" in chart._repr_html_()
    assert "limits from 18 of 36 points" in charts[0].statement() and "reaching into the time since 2023-07" in charts[0].statement()
    assert charts[0].statement().startswith("u′ chart of 36 points: centre line")


def test_signals_name_the_marked_points():
    chart = u(rates(1, fall=0.5), go_live="2023-07", rules="making_data_count")
    for row in chart.signals.itertuples():
        stretch = chart.table[(chart.table["time"] >= row.first) & (chart.table["time"] <= row.last)]
        assert stretch["signal"].str.contains(row.rule).sum() == row.n_points
    assert (chart.table["signal"] != "").sum() > 0 and not (chart.table["signal"].str.contains("few_crossings")).any()


def test_false_alarms_of_a_chart_follow_its_own_layout():
    chart = u(rates(1), go_live="2023-07")
    table = chart.false_alarms(draws=200, seed=2)
    assert table.equals(chart.false_alarms(draws=200, seed=2)) and table["rule"].tolist()[-1] == "any"
    expected = spc.false_signals(36, baseline=18, draws=200, seed=2)
    assert np.allclose(table["share"], expected["share"]) and np.allclose(table["mc_error"], expected["mc_error"])
    two = u(rates(1), phases=["2023-07"]).false_alarms(draws=200)
    one = spc.false_signals(18, draws=200)["share"].to_numpy()
    assert np.allclose(two["share"], 1 - (1 - one) ** 2)
    assert u(rates(1).iloc[:4]).false_alarms()["share"].tolist() == [0.0]


# properties


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-50, 50).map(lambda x: round(x, 1)), min_size=8, max_size=40), st.floats(0.5, 20), st.floats(-100, 100),
    st.sampled_from(["anhoej", "making_data_count", "shewhart"]),
)  # fmt: skip
def test_units_do_not_matter(values, scale, shift, rules):
    data = pd.DataFrame({"t": range(len(values)), "x": values})
    one = spc.xmr_chart(data, value="x", time="t", rules=rules)
    other = spc.xmr_chart(data.assign(x=data["x"] * scale + shift), value="x", time="t", rules=rules)
    if one.limits["reason"][0] or other.limits["reason"][0] or np.isclose(np.abs(one.table["z"]) % 1, 0, atol=1e-6).any():
        return
    assert np.allclose(one.table["upper"] * scale + shift, other.table["upper"], atol=1e-6)
    assert one.signals[["rule", "first", "last"]].equals(other.signals[["rule", "first", "last"]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 100.0, 1000.0]))
def test_the_scale_of_a_rate_does_not_matter_and_limits_enclose_the_centre(seed, per):
    data = rates(seed)
    data["days"] = np.random.default_rng(seed).uniform(5000, 12000, len(data)).round()
    one, other = u(data), u(data, per=per)
    assert np.allclose(one.table["upper"] / 1000, other.table["upper"] / per) and one.signals.equals(other.signals)
    table = one.table
    assert ((table["lower"] <= table["centre"]) & (table["centre"] <= table["upper"]) & (table["lower"] >= 0)).all()
    beyond = (table["value"] > table["upper"]) | (table["value"] < table["lower"])
    assert (table["signal"].str.contains("beyond_limits") == beyond).all()


# refused


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({"count": -1}, {}, EstimationError, "no count in rows"),
        ({"count": 1.5}, {}, EstimationError, "no count in rows"),
        ({"days": -5}, {}, EstimationError, "negative, or zero where there are events"),
        ({"count": 2, "days": 0}, {}, EstimationError, "zero where there are events"),
        ({"count": "<10"}, {}, EstimationError, "'<10'.*not numbers"),
        ({"days": np.inf}, {}, EstimationError, "not numbers"),
        ({"month": "2022-01"}, {}, EstimationError, "repeats a period"),
        ({"month": None}, {}, EstimationError, "has no value in rows"),
        ({"month": "soon"}, {}, UsageError, "neither numbers nor dates"),
        ({}, {"per": 0}, UsageError, "per must be above 0"),
        ({}, {"rules": "westgard"}, UsageError, "No run rule"),
        ({}, {"baseline": 0}, UsageError, "at least 1"),
        ({}, {"baseline": "2023-01"}, UsageError, "neither a number of points nor a pair"),
        ({}, {"baseline": ("2030-01", None)}, UsageError, "no period of the series"),
        ({}, {"phases": ["2030-01"]}, UsageError, "no points"),
        ({}, {"phases": ["2022-01"]}, UsageError, "no points"),
        ({}, {"go_live": 12}, UsageError, "different kinds"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(change, options, error, message):
    data = rates(1).astype(object) if change else rates(1)
    for name, value in change.items():
        data.loc[4, name] = value
    with pytest.raises(error, match=message):
        u(data, **options)


def test_frames_that_are_none_are_refused():
    with pytest.raises(UsageError, match="not a pandas DataFrame"):
        u([1, 2])
    with pytest.raises(EstimationError, match="no rows"):
        u(rates(1).iloc[:0])
    with pytest.raises(UsageError, match="No column 'cases'"):
        spc.u_chart(rates(1), count="cases", exposure="days", time="month")
    with pytest.raises(EstimationError, match="exceeds"):
        spc.p_chart(pd.DataFrame({"t": range(8), "a": 5, "b": 4}), numerator="a", denominator="b", time="t")
    with pytest.raises(UsageError, match="centre is 'mode'"):
        spc.g_chart(intervals(3), between="days", time="k", centre="mode")
    with pytest.raises(EstimationError, match="negative"):
        spc.g_chart(intervals(-3), between="days", time="k")
