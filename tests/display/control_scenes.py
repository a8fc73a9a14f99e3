"""Control charts as the protect pass hands them on: one series, many departments, withheld points, rare events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval import display, spc

NAN = float("nan")
MONTHS = pd.period_range("2022-01", "2024-12", freq="M").astype(str)
COLUMNS = {"time": "period"}


def series(seed, rate, exposure, *, live=None, effect=1.0, spread=40.0, months=MONTHS):
    rng = np.random.default_rng(seed)
    days = (exposure * rng.uniform(0.9, 1.1, len(months))).round()
    active = np.array([live is not None and month >= live for month in months])
    mean = rate * days / 1000 * np.where(active, effect, 1.0) * rng.gamma(spread, 1 / spread, len(months))
    return pd.DataFrame({"period": months, "count": rng.poisson(mean), "days": days})


def frames(charts):
    """Points and signals of several charts, stacked: what a question hands to the figure."""
    points = pd.concat([chart.table.assign(group=name) for name, chart in charts.items()]).rename(columns=COLUMNS)
    signals = pd.concat([chart.signals.assign(group=name) for name, chart in charts.items()])
    return points.reset_index(drop=True), signals.reset_index(drop=True)


def control_one():
    chart = spc.u_chart(
        series(1, 6.0, 9000, live="2023-09", effect=0.72), count="count", exposure="days", time="period", go_live="2023-09"
    )
    points, signals = frames({"All departments": chart})
    return display.control_chart(
        points, signals, {"All departments": "2023-09"}, title="Harm incidents, all departments", limit_label="u′ limits",
        rule_label="three-sigma rule, Anhøj rules", method="u′ chart (Laney), limits from the months before go-live", n=36, n_events=1714,
    )  # fmt: skip


def control_one_system():
    data = series(7, 5.0, 8000, live="2024-01", effect=0.8)
    data.loc[data["period"] >= "2022-10", "count"] = (data["count"] * 1.35).round().astype(int)
    data.loc[20:21, "count"] = [95, 12]
    chart = spc.u_chart(
        data, count="count", exposure="days", time="period", go_live="2024-01", phases={"2022-10": "new reporting system"},
        rules="making_data_count",
    )  # fmt: skip
    points, signals = frames({"Riverside & Hillside hospitals, acute medicine": chart})
    points.loc[25, ["value"]] = NAN
    points["reason"] = points["reason"].astype(object)
    points.loc[25, "reason"] = "withheld: fewer than 10"
    changes = pd.DataFrame({"period": ["2022-10"], "label": ["new reporting system"]})
    return display.control_chart(
        points, signals, {"Riverside & Hillside hospitals, acute medicine": "2024-01"}, changes, limit_label="u′ limits"
    )


def departments(count, seed=20):
    rng = np.random.default_rng(seed)
    charts, live = {}, {}
    for k in range(count):
        name = f"Department D{k + 1:02d}" if k != 3 else "Department D04 (maternity, paediatrics and day surgery)"
        start = [None, "2023-03", "2023-09", "2024-02"][k % 4]
        data = series(seed + k, rng.uniform(7, 11), rng.uniform(1500, 3200), live=start, effect=0.6)
        charts[name] = spc.u_chart(data, count="count", exposure="days", time="period", go_live=start)
        live[name] = start
    return charts, live


def control_twelve():
    charts, live = departments(12)
    points, signals = frames(charts)
    small = points["value"] < 4
    points.loc[small, ["value", "signal"]] = [NAN, ""]
    points["reason"] = points["reason"].astype(object)
    points.loc[small, "reason"] = "withheld: fewer than 10"
    return display.control_chart(points, signals, live, title="Harm incidents by department", limit_label="u′ limits", chance=0.24)


def control_four_scales():
    charts, live = departments(3, seed=50)
    data = series(90, 30.0, 2500, live="2023-09", effect=0.7)
    charts["Emergency department"] = spc.u_chart(data, count="count", exposure="days", time="period", go_live="2023-09")
    live["Emergency department"] = "2023-09"
    charts["Hospital at home (opened 2024)"] = spc.u_chart(
        series(91, 8.0, 700, months=MONTHS[-4:]), count="count", exposure="days", time="period"
    )
    points, signals = frames(charts)
    return display.control_chart(points, signals, live)


def control_rare():
    rng = np.random.default_rng(12)
    gaps = np.concatenate([rng.geometric(1 / 18, 26) - 1, rng.geometric(1 / 60, 5) - 1])
    dates = pd.Timestamp("2021-01-05") + pd.to_timedelta(np.concatenate([[0], np.cumsum(gaps)]), unit="D")
    between = spc.days_between(pd.DataFrame({"date": dates}), time="date", until=dates[-1] + pd.Timedelta(days=290))
    chart = spc.g_chart(between, between="between", time="time", open="open", go_live=dates[26])
    points, signals = frames({"Severe harm, all departments": chart})
    # events are numbered: the axis of a g chart is the order of events
    number = {time: k + 1 for k, time in enumerate(chart.table["time"])}
    points["period"] = range(1, len(points) + 1)
    signals["first"], signals["last"] = signals["first"].map(number), signals["last"].map(number)
    return display.control_chart(
        points, signals, {"Severe harm, all departments": 26}, value_label="Days between events", period_label="Event", limit_label="g limits",
    )  # fmt: skip


SCENES = {
    scene.__name__: scene for scene in (control_one, control_one_system, control_twelve, control_four_scales, control_rare)
}
