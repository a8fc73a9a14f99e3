"""Frames as the protect pass hands them on: realistic, with long labels, suppressed cells and gaps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval import display
from mentorship_eval.estimate import Estimate
from tests.display import control_scenes, economics_scenes, power_scenes, retention_scenes, violation_scenes

NAN = math.nan


def _curve(by, rate, months, half, *, rising=False, share=1.0, seed=0):
    times = np.sort(np.random.default_rng(seed).uniform(0.2, months, 60)).round(2)
    risk = share * (1 - np.exp(-rate * times))
    value = risk if rising else 1 - risk
    width = half * np.sqrt(times / months)
    return pd.DataFrame(
        {"by": by, "time": times, "estimate": value, "ci_low": (value - width).clip(0, 1), "ci_high": (value + width).clip(0, 1)}
    )


def two_groups():
    curve = pd.concat(
        [_curve("Mentored by month 9", 0.008, 36, 0.04, seed=1), _curve("Not yet mentored by month 9", 0.014, 36, 0.06, seed=2)]
    )
    times = [0, 6, 12, 18, 24, 30, 36]
    at_risk = pd.concat(
        [
            pd.DataFrame({"by": "Mentored by month 9", "time": times, "n_risk": [1204, 1150, 980, 640, 310, 88, "<10"]}),
            pd.DataFrame({"by": "Not yet mentored by month 9", "time": times, "n_risk": [811, 702, 540, 260, 95, 12, "<10"]}),
        ]
    )
    hr = Estimate(
        value=0.75, se=0.08, ci_low=0.64, ci_high=0.88, p_value=0.0004, scale="hazard ratio", estimand="leaving, mentored against not yet"
    )
    return display.survival_curves(
        curve,
        at_risk,
        by_label="Mentorship at the landmark",
        time_from="hire",
        n=2015,
        n_events=498,
        method="Kaplan-Meier from the landmark at 9 months, log-log intervals",
        estimates=[hr],
    )


def projects_per_person():
    """Means of events that come again: beyond 1, read as numbers."""
    months = np.arange(0, 37.0, 3)
    parts = [pd.DataFrame({"by": name, "time": months, "estimate": rate * months, "ci_low": 0.8 * rate * months, "ci_high": 1.25 * rate * months})
             for name, rate in (("Mentored", 0.05), ("Not mentored", 0.03))]  # fmt: skip
    at_risk = pd.DataFrame({"by": np.repeat(["Mentored", "Not mentored"], 4), "time": [0, 12, 24, 36] * 2,
                            "n_risk": [400, 310, 240, "<10"] * 2, "n_event": [0, 220, 390, "withheld"] * 2})  # fmt: skip
    return display.survival_curves(pd.concat(parts), at_risk, means=True, by_label="Mentorship at 9 months", time_from="the landmark",
                                   y_label="Projects begun per person", n=800, n_events=900)  # fmt: skip


def three_long_groups():
    names = [
        "Allied health professionals, newly qualified, with a mentor from another department",
        "Registered nurses & midwives <b>in</b> $acute$ care",
        "Pharmacists",
    ]
    parts = [_curve(name, 0.006 + 0.006 * i, 24, 0.07, seed=i) for i, name in enumerate(names[:2])]
    parts.append(
        pd.DataFrame(
            {
                "by": [names[2]],
                "time": [0.0],
                "estimate": [NAN],
                "ci_low": [NAN],
                "ci_high": [NAN],
                "reason": ["suppressed: fewer than 10 people"],
            }
        )
    )
    times = list(range(0, 25, 2))
    at_risk = pd.concat(
        [
            pd.DataFrame(
                {
                    "by": name,
                    "time": times,
                    "n_risk": ["<10"] * 13 if i == 2 else [1200 - 80 * k for k in range(13)],
                    "n_event": ["<10"] * 13 if i == 2 else [30 * k for k in range(13)],
                }
            )
            for i, name in enumerate(names)
        ]
    )
    return display.survival_curves(
        pd.concat(parts), at_risk, by_label="Profession", title="Staff still employed, by profession at entry", n=2010
    )


def four_causes():
    curve = pd.concat(
        [
            _curve(name, 0.02, 36, 0.02, rising=True, share=share, seed=i)
            for i, (name, share) in enumerate(
                [
                    ("Voluntary leaving", 0.33),
                    ("Retirement or end of a fixed term", 0.12),
                    ("Rotation within training", 0.2),
                    ("Dismissal", 0.03),
                ]
            )
        ]
    )
    times = [0, 6, 12, 18, 24, 30, 36]
    at_risk = pd.DataFrame({"by": "All staff", "time": times, "n_risk": [2015, 1800, 1500, 900, 405, 100, 14]})
    return display.survival_curves(
        curve, at_risk, by_label="cause of leaving", y_label="Cumulative incidence of leaving", method="Aalen-Johansen", n=2015
    )


def forest_groups():
    rows = pd.DataFrame(
        {
            "group": ["Primary", "Primary", "Profession", "Profession", "Profession", "Profession", "Sensitivity", "Sensitivity"],
            "label": [
                "Harm incidents",
                "No-harm incidents",
                "Nurses",
                "Physicians in their first postgraduate year, rotating",
                "Pharmacists",
                "Technicians",
                "Landmark at 3 months",
                "Months with fewer than two untreated departments left in",
            ],
            "estimate": [0.75, 1.12, 0.71, 0.88, NAN, NAN, 0.82, 0.79],
            "ci_low": [0.68, 1.01, 0.60, 0.31, NAN, NAN, 0.70, 0.02],
            "ci_high": [0.83, 1.24, 0.85, 2.5, NAN, NAN, 0.96, 31.0],
            "n": [2015, 2015, 1204, 320, "<10", 48, 1950, 2015],
            "n_events": [498, 1203, 260, 22, "<10", 0, 430, 498],
            "reason": [None, None, None, None, "suppressed", "not estimable: no events in one arm", None, None],
            "truth": [0.78, 1.15, NAN, NAN, NAN, NAN, NAN, NAN],
        }
    )
    return display.forest(
        rows,
        value_label="Rate ratio",
        sides=("fewer with the programme", "more with the programme"),
        n=40,
        unit="departments",
        n_events=1701,
        method="Poisson imputation",
    )


def forest_differences():
    rows = pd.DataFrame(
        {
            "label": ["Riverside", "Hillside", "Total"],
            "estimate": [-1.2, 0.4, -0.6],
            "ci_low": [-2.0, -1.1, -1.3],
            "ci_high": [-0.4, 1.9, 0.1],
        }
    )
    return display.forest(rows, value_label="Rate difference per 1,000 patient-days", log=False)


def wave_trend():
    rng = np.random.default_rng(3)
    months = pd.period_range("2022-01", "2024-12", freq="M").astype(str)
    waves = ["Wave 1 (surgical wards)", "Wave 2 (medical wards)", "Wave 3 (maternity, paediatrics and theatres)", "Wave 4", "Never"]
    live = {waves[0]: "2022-09", waves[1]: "2023-03", waves[2]: "2023-09", waves[3]: "2024-04"}
    frames = []
    for i, wave in enumerate(waves):
        expected = 5 + 0.5 * np.sin(np.arange(36) / 4) + 0.3 * i
        active = months >= live.get(wave, "9999")
        frames.append(
            pd.DataFrame(
                {
                    "group": wave,
                    "period": months,
                    "rate": rng.gamma(60, expected * np.where(active, 0.75, 1) / 60),
                    "expected": np.where(active, expected, NAN),
                }
            )
        )
    rates = pd.concat(frames)
    rates.loc[(rates["group"] == waves[1]) & rates["period"].between("2022-05", "2022-07"), "rate"] = NAN
    return display.rate_trend(rates, live, method="Expected rates: Poisson imputation", n=1440, n_events=7012)


def one_wave():
    rates = pd.DataFrame({"group": "All departments", "month": range(1, 25), "rate": np.linspace(4, 3, 24)})
    return display.rate_trend(rates, {"All departments": 13})


def police_expected():
    rng = np.random.default_rng(4)
    periods = np.arange(13, 73)
    expected = 0.05 + 0.01 * np.sin(periods / 6)
    rows = pd.DataFrame(
        {
            "period": periods,
            "observed": rng.gamma(80, expected / 80),
            "expected": expected,
            "n_units": np.minimum(8479, (periods - 12) * 180),
        }
    )
    return display.observed_expected(
        rows, rate_label="Complaints per officer-month", n=235000, n_events=11800, method="Poisson imputation, 48 waves"
    )


def _dynamic(first, last, se):
    times = np.arange(first, last + 1)
    rng = np.random.default_rng(5)
    log = np.where(times < 0, 0, -0.05 - 0.2 * np.minimum(times, 12) / 12) + rng.normal(0, se / 2, len(times))
    spread = se * (1 + np.abs(times) / 30)
    return pd.DataFrame(
        {
            "event_time": times,
            "ratio": np.exp(log),
            "ci_low": np.exp(log - 2 * spread),
            "ci_high": np.exp(log + 2 * spread),
            "band_low": np.exp(log - 3 * spread),
            "band_high": np.exp(log + 3 * spread),
        }
    )


def event_short():
    rows = _dynamic(-8, 15, 0.09)
    rows.loc[rows["event_time"] == -1, ["ratio", "ci_low", "ci_high", "band_low", "band_high"]] = NAN
    return display.event_study(rows, base=-1, method="Poisson imputation", n=1440)


def event_long():
    return display.event_study(
        _dynamic(-24, 46, 0.12), base="all untreated months, each left out in turn", value_label="Rate ratio of complaints"
    )


def flow_steps():
    flow = pd.DataFrame(
        {
            "step": ["Distinct spells", "Distinct spells", "Observed in the window", "At risk at the landmark of 9 months"],
            "reason": [
                "exact duplicates",
                "end before start",
                "left before 1 January 2022",
                "left or censored before the landmark; never under observation after it",
            ],
            "removed": [13, 5, 410, "<10"],
            "kept": [2411, 2411, 2001, "not shown"],
            "read": [2429, 2429, 2411, 2001],
        }
    )
    return display.flow_diagram(flow, unit="spells", start_label="Rows of spells.csv")


def flow_tables():
    flow = pd.DataFrame(
        {
            "table": ["staff", "spells", "spells", "incidents"],
            "reason": ["", "exact duplicates", "end before start", "in an unknown department"],
            "removed": [0, 13, 5, 1204],
            "kept": [2429, 2411, 2411, 15234],
        }
    )
    return display.flow_diagram(flow)


def audit():
    rows = pd.DataFrame(
        {
            "label": ["Naive: ever mentored, from hire", "Correct: mentored by then against not yet"],
            "estimate": [0.471, 0.748],
            "ci_low": [0.40, 0.64],
            "ci_high": [0.55, 0.88],
            "truth": [NAN, 0.75],
        }
    )
    return display.audit_contrast(rows, misclassified_days=181234, total_days=920112, method="Cox, strata by department")


def placebo():
    draws = np.random.default_rng(6).normal(0, 0.11, 9999)
    counts, edges = np.histogram(draws, 40)
    return display.placebo_distribution(
        pd.DataFrame({"bin_low": edges[:-1], "bin_high": edges[1:], "count": counts}), -0.288, 0.0089, smallest_p=1e-4
    )


SCENES = {
    scene.__name__: scene
    for scene in (
        two_groups,
        three_long_groups,
        projects_per_person,
        four_causes,
        forest_groups,
        forest_differences,
        wave_trend,
        one_wave,
        police_expected,
        event_short,
        event_long,
        flow_steps,
        flow_tables,
        audit,
        placebo,
    )
} | retention_scenes.SCENES | control_scenes.SCENES | power_scenes.SCENES | violation_scenes.SCENES | economics_scenes.SCENES
