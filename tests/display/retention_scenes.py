"""Frames of the retention chapter as the protect pass hands them on: ordinary, suppressed, tiny and crowded."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval import display

NAN = math.nan


def subgroups():
    rows = pd.DataFrame(
        [
            ("", "All staff", 0.75, 0.66, 0.85, 2015, 498, NAN),
            ("Profession", "Nurses", 0.71, 0.60, 0.85, 1204, 260, 0.031),
            ("Profession", "Physicians in their first postgraduate year, rotating", 0.88, 0.61, 1.28, 320, 122, 0.031),
            ("Profession", "Pharmacists", NAN, NAN, NAN, 41, "<10", 0.031),
            ("Profession", "Technicians", NAN, NAN, NAN, "<10", "<10", 0.031),
            ("Gender", "Women", 0.74, 0.64, 0.86, 1410, 340, 0.0004),
            ("Gender", "Men", 0.80, 0.62, 1.03, 605, 158, 0.0004),
            ("Career stage at hire, as the staff register records it on the first day", "Newly qualified", 0.70, 0.58, 0.84, 800, 260, NAN),
            ("Career stage at hire, as the staff register records it on the first day", "Experienced", NAN, NAN, NAN, "withheld", 40, NAN),
            ("Ethnicity", "All", NAN, NAN, NAN, 2015, 498, "not estimable"),
        ],
        columns=["group", "label", "estimate", "ci_low", "ci_high", "n", "n_events", "p_interaction"],
    )
    return display.forest(
        rows.assign(headline=rows["label"].eq("All staff")),
        value_label="Hazard ratio",
        overall=0.75,
        overall_label="All staff",
        sides=("fewer leave when mentored", "more leave"),
        method="Cox regression with interactions, sandwich variance by department",
        n=2015,
        n_events=498,
    )


def sensitivities():
    names = [
        "Default analysis", "Landmark at 3 months", "Landmark at 12 months instead of nine months after hire", "No covariates",
        "All leaving, planned ends included", "Leaving the organisation, moves between departments not counted",
    ]  # fmt: skip
    groups = ["Headline", "Definition of leaving", "Time of mentoring", "Covariates and weights", "Variance"]
    rng = np.random.default_rng(8)
    log = -0.28 + rng.normal(0, 0.06, 25)
    half = rng.uniform(0.1, 0.3, 25)
    rows = pd.DataFrame(
        {
            "group": [groups[0], *np.repeat(groups[1:], 6)],
            "label": [f"{names[i % 6]}{'' if i < 6 else f' ({i})'}" for i in range(25)],
            "estimate": np.exp(log),
            "ci_low": np.exp(log - half),
            "ci_high": np.exp(log + half),
            "n": 2015,
            "n_events": 498,
            "headline": np.arange(25) == 0,
        }
    ).astype({"n": object, "n_events": object})
    rows.loc[7, ["estimate", "ci_low", "ci_high"]] = NAN
    rows.loc[7, "n_events"] = "<10"
    rows.loc[9, ["ci_low", "ci_high"]] = [0.05, 9.0]
    return display.forest(rows, value_label="Hazard ratio", overall=float(np.exp(log[0])), overall_label="Headline estimate")


def _curve(by, rate, months, half, *, first=0.0, step=1.0):
    times = np.arange(first, months + step, step)
    value = np.exp(-rate * (times - first))
    width = half * np.sqrt((times - first) / months)
    return pd.DataFrame({"by": by, "time": times, "estimate": value, "ci_low": value - width, "ci_high": np.minimum(value + width, 1)})


def weighted_entry():
    groups = ["Mentored", "Not yet mentored"]
    curve = pd.concat([_curve(group, rate, 36, 0.06) for group, rate in zip(groups, (0.008, 0.013), strict=True)])
    frames = []
    for group, shift in zip(groups, (0, 150), strict=True):
        n = [0, 320, 690, 980, 640, 310, "<10"]
        frames.append(
            pd.DataFrame(
                {
                    "by": group,
                    "time": range(0, 42, 6),
                    "n_risk": [x if isinstance(x, str) or x == 0 else x - shift for x in n],
                    "n_event": [0, 0, 31, 62, 120, 160, "withheld"],
                    "n_risk_weighted": [NAN if isinstance(x, str) else max(0, 1.04 * (x - shift)) for x in n],
                }
            )
        )
    return display.survival_curves(
        curve, pd.concat(frames), by_label="Mentoring so far", delayed_entry=True, title="Still employed, weighted for uptake",
        method="Weighted Kaplan-Meier, stabilised weights, sandwich variance by department", n=2015, n_events=498,
    )  # fmt: skip


def adjusted_curves():
    levels = ["No sessions", "1 to 3 sessions", "4 to 9 sessions", "10 sessions or more"]
    curve = pd.concat([_curve(level, 0.015 - 0.003 * i, 24, 0.05) for i, level in enumerate(levels)])
    return display.survival_curves(
        curve, curve.iloc[:0], y_from=0.6, by_label="Sessions held so far", y_label="Still employed, standardised",
        method="Standardised over everybody's covariates from a Cox regression", note="Everybody is set to each level in turn.",
    )  # fmt: skip


def conditional_curves():
    curve = pd.concat([_curve(name, rate, 36, 0.05, first=9) for name, rate in (("Mentored by month 9", 0.008), ("Not yet", 0.012))])
    at_risk = pd.DataFrame({"by": np.repeat(["Mentored by month 9", "Not yet"], 4), "time": [9, 18, 27, 36] * 2})
    at_risk["n_risk"] = [800, 510, 240, 31, 620, 402, 160, "<10"]
    return display.survival_curves(
        curve, at_risk, start=9, start_reason="mentoring is fixed at the landmark, and only those still employed then are compared"
    )


def few_people():
    curve = pd.DataFrame({"by": "18 pairs", "time": [3.0, 7.0], "estimate": [NAN, NAN], "ci_low": NAN, "ci_high": NAN})
    at_risk = pd.DataFrame({"by": "18 pairs", "time": [0, 6, 12], "n_risk": [18, 14, "<10"], "n_event": [0, "<10", "<10"]})
    return display.survival_curves(curve.assign(reason="withheld: fewer than 10 left"), at_risk, title="Mentors", n=18, n_events="<10")


def residuals():
    times = np.linspace(0.5, 36, 60)
    log = -0.45 + 0.012 * times
    half = 0.16 + 0.0006 * (times - 18) ** 2
    curve = pd.DataFrame({"time": times, "estimate": log, "ci_low": log - half, "ci_high": log + half})
    middle = np.arange(2, 36, 4)
    bins = pd.DataFrame({"time": middle, "mean": -0.45 + 0.012 * middle + 0.15 * np.sin(middle), "n": [80, 75, 60, 55, 40, 33, 21, 15, "<10"]})
    bins.loc[8, "mean"] = NAN
    return display.schoenfeld(
        curve, bins, log_hr=-0.288, p_value=0.021, term="Mentored by then", test="score test, Kaplan-Meier transform of time",
        title="Does the hazard ratio change with time since hire?", method="Natural cubic spline with 4 degrees of freedom",
        n=2015, n_events=498,
    )  # fmt: skip


def residuals_withheld():
    curve = pd.DataFrame({"time": [3.0, 6.0, 9.0], "estimate": NAN, "ci_low": NAN, "ci_high": NAN})
    return display.schoenfeld(curve, log_hr=-0.288, term="Mentored by then", n=18, n_events="<10")


def balance():
    rng = np.random.default_rng(9)
    names = {
        "Profession": ["Nurse", "Physician in the first postgraduate year, rotating between departments", "Pharmacist", "Technician"],
        "Gender": ["Woman", "Man", "Not recorded"],
        "Year of hire": ["2021", "2022", "2023"],
        "": ["Age at hire", "Share of full time"],
    }
    rows = pd.DataFrame([{"group": group, "label": label} for group, labels in names.items() for label in labels])
    rows["before"] = rng.normal(0, 0.25, len(rows)).round(3)
    rows["after"] = (rows["before"] * 0.15 + rng.normal(0, 0.02, len(rows))).round(3)
    rows["n"] = 120
    rows = rows.astype({"n": object})
    rows.loc[6, ["before", "after"]] = NAN
    rows.loc[6, "n"] = "<10"
    rows.loc[3, "after"] = NAN
    return display.love_plot(rows, method="Stabilised inverse-probability weights", n=2015)


def balance_crowded():
    rng = np.random.default_rng(10)
    before = rng.normal(0, 0.2, 62)
    rows = pd.DataFrame({"label": [f"Department {i:02d} of the teaching hospital" for i in range(62)], "before": before, "after": before * 0.2})
    return display.love_plot(rows, absolute=True, title="Balance by department")


def _cause(by, share, months=36):
    times = np.arange(0, months + 1.0)
    return pd.DataFrame({"by": by, "time": times, "estimate": share * (1 - np.exp(-times / 20))})


def causes_stacked():
    curve = pd.concat([_cause("planned", 0.08), _cause("retirement", 0.05), _cause("voluntary", 0.30), _cause("dismissal", NAN, 12)])
    at_risk = pd.DataFrame({"by": "All staff", "time": range(0, 42, 6), "n_risk": [2015, 1800, 1500, 900, 405, 100, "<10"]})
    return display.stacked_cif(
        curve, at_risk, method="Aalen-Johansen", n=2015, n_events=498, title="Why people leave",
        cause_labels={
            "planned": "Planned end of a fixed term or rotation", "retirement": "Retirement", "voluntary": "Voluntary leaving",
            "dismissal": "Dismissal",
        },
    )  # fmt: skip


def causes_crowded():
    shares = (0.01, 0.005, 0.02, 0.008, 0.01, 0.25)
    parts = [_cause(f"Reason {i + 1} of leaving as the register words it", share, 30 + i) for i, share in enumerate(shares)]
    return display.stacked_cif(pd.concat(parts), say_at=[6, 12], y_to=0.4)


def _left_out(count, rng):
    log = -0.288 + rng.normal(0, 0.015, count)
    log[:2] = [-0.44, -0.19]
    ids = [f"D{i:03d}" for i in range(count)]
    return pd.DataFrame({"label": ids, "estimate": np.exp(log), "ci_low": np.exp(log - 0.16), "ci_high": np.exp(log + 0.16)})


def departments_left_out():
    rows = _left_out(24, np.random.default_rng(11)).assign(reason=None, n_events=30).astype({"n_events": object, "reason": object})
    rows.loc[5, ["estimate", "ci_low", "ci_high"]] = NAN
    rows.loc[5, "n_events"] = "<10"
    rows.loc[9, ["ci_low", "ci_high"]] = NAN
    rows.loc[3, "label"] = "Intensive care, high dependency and recovery"
    return display.leave_one_out(
        rows, overall=0.75, overall_low=0.64, overall_high=0.88, share_largest=0.31, method="Cox regression refitted", n=2015, n_events=498
    )


def departments_crowded():
    rows = _left_out(140, np.random.default_rng(12))
    title = "Does one department carry the result?"
    return display.leave_one_out(rows, overall=0.75, overall_low=0.64, overall_high=0.88, anonymise=True, title=title)


def two_departments_points():
    rows = pd.DataFrame({"label": ["A", "B"], "estimate": [-0.02, NAN]})
    return display.leave_one_out(rows, log=False, value_label="Difference in leavers per year", overall=-0.01, digits=3)


def _bins(arms, edges, draws, seed=13):
    rng = np.random.default_rng(seed)
    frames = []
    for arm, (mean, spread, many) in zip(arms, draws, strict=True):
        counts, _ = np.histogram(rng.normal(mean, spread, many), edges)
        shown = ["<10" if 0 < x < 10 else x for x in counts]
        frames.append(pd.DataFrame({"arm": arm, "bin_low": edges[:-1], "bin_high": edges[1:], "count": shown}))
    return pd.concat(frames)


def scores_overlap():
    rows = _bins(["Mentored by month 9", "Not yet mentored"], np.linspace(0, 1, 26), [(0.62, 0.16, 1204), (0.45, 0.17, 811)])
    return display.overlap(rows, clip=(0.05, 0.95), method="Logistic regression on the covariates at hire", n=2015)


def scores_tiny():
    rows = pd.DataFrame({"arm": ["Mentored", "Mentored", "Not"], "bin_low": [0, 0.5, 0], "bin_high": [0.5, 1.0, 0.5]})
    rows["count"] = ["<10", 12, "withheld"]
    return display.overlap(rows, title="Where both arms have people")


def weights_arms():
    rows = _bins(["Mentored", "Not yet mentored"], np.linspace(0, 5, 26), [(1.0, 0.35, 1204), (1.1, 0.8, 811)])
    summary = pd.DataFrame(
        {
            "arm": ["Mentored", "Not yet mentored"], "n": [1204, 811], "mean": [1.003, 0.996], "sd": [0.31, 0.52], "median": [0.95, 0.9],
            "p99": [2.1, 3.4], "max": [3.2, NAN], "n_effective": [1096.4, 640.2],
        }
    )  # fmt: skip
    return display.weights(rows, summary, x_label="Stabilised weight", clip=(0.0, 4.0), n=2015)


def weights_crowded():
    arms = ["No sessions", "1 to 3 sessions", "4 to 9 sessions", "10 sessions or more, counting those by telephone", "<b>Unknown</b>"]
    rows = _bins(arms, np.linspace(0, 20, 41), [(1 + i, 0.8 + i, 60 + 300 * (i < 3)) for i in range(5)])
    summary = pd.DataFrame({"arm": arms, "mean": [1.0, 1.1, 0.9, NAN, NAN], "max": [9.2, 12.5, 4.0, NAN, NAN]})
    summary["n_effective"] = [300, 210, 190, "<10", "<10"]
    return display.weights(rows, summary, title="Weights by dose")


def dose_line():
    dose = np.array([0.0, 2.0, 5.5, 12.0])
    rows = pd.DataFrame(
        {
            "label": ["None", "1 to 3", "4 to 7", "8 or more"], "dose": dose, "estimate": [1, 0.93, 0.78, 0.66], "ci_low": [NAN, 0.8, 0.62, 0.48],
            "ci_high": [NAN, 1.08, 0.98, 0.91], "reference": [True, False, False, False], "n": [811, 500, 404, 300], "n_events": [240, 130, 80, 48],
        }
    )  # fmt: skip
    grid = np.linspace(0, 12, 25)
    line = pd.DataFrame({"dose": grid, "estimate": 0.965**grid, "ci_low": 0.945**grid, "ci_high": 0.985**grid})
    return display.dose_response(
        rows, line, x_label="Sessions held so far", line_label="linear in sessions, HR 0.97 per session", n=2015, n_events=498,
        method="Cox regression, cumulative sessions as a time-varying covariate",
    )  # fmt: skip


def dose_crowded():
    names = ["None", "1", "2", "3 to 4", "5 to 6", "7 to 9", "10 to 19, by telephone too", "20 or more"]
    log = np.linspace(0, -0.5, 8)
    rows = pd.DataFrame({"label": names, "dose": [0, 1, 2, 3.5, 5.5, 8, 14, 25], "estimate": np.exp(log), "ci_low": np.exp(log - 0.2)})
    rows = rows.assign(ci_high=np.exp(log + 0.2), reference=np.arange(8) == 0, n=200, n_events=30).astype({"n": object, "n_events": object})
    rows.loc[7, ["estimate", "ci_low", "ci_high"]] = NAN
    rows.loc[7, "n_events"] = "<10"
    rows.loc[6, ["ci_low", "ci_high"]] = [0.05, 20]
    line = pd.DataFrame({"dose": [0, 10, 25], "estimate": [1, 0.8, 0.55], "ci_low": [1, 0.7, 0.35], "ci_high": [1, 0.9, 0.9]})
    return display.dose_response(rows, line, x_label="Sessions", line_label="spline")


def dose_without_line():
    rows = pd.DataFrame(
        {"label": ["In person", "By video", "Mixed"], "estimate": [1, 1.1, NAN], "ci_low": [NAN, 0.9, NAN], "ci_high": [NAN, 1.35, NAN]}
    )
    return display.dose_response(rows.assign(reference=[True, False, False], reason="no leavers"), x_label="Mode of mentoring")


def rates_by_profession():
    labels = ["All staff", "Nurses", "Physicians in their first postgraduate year, rotating", "Pharmacists", "Technicians"]
    rows = pd.DataFrame(
        {
            "label": labels, "rate": [0.124, 0.11, 0.31, 0.08, NAN],
            "ci_low": [0.114, 0.098, 0.26, 0.05, NAN], "ci_high": [0.135, 0.123, 0.37, 0.13, NAN],
            "rate_wte": [0.118, 0.104, 0.30, 0.076, NAN], "wte_low": [0.108, 0.093, 0.25, 0.047, NAN], "wte_high": [0.13, 0.116, 0.36, 0.12, NAN],
            "stability": [0.86, 0.88, 0.61, 0.92, NAN],
            "stability_low": [0.85, 0.86, 0.55, 0.88, NAN], "stability_high": [0.87, 0.9, 0.67, 0.95, NAN],
            "n": [2015, 1204, 320, 120, "<10"], "n_events": [498, 260, 122, 21, "<10"], "headline": [True, False, False, False, False],
        }
    )  # fmt: skip
    method = "Leavers over person-years; stability: those of the first day still there a year later"
    return display.dot_rates(rows, method=method, n=2015, n_events=498)


def rates_crowded():
    rng = np.random.default_rng(14)
    rate = rng.uniform(0.03, 0.4, 26)
    names = [f"Profession {i} of the staff register" for i in range(26)]
    rows = pd.DataFrame({"label": names, "rate": rate, "ci_low": rate * 0.8, "ci_high": rate * 1.3})
    return display.dot_rates(rows, title="Leaver rate by profession")


def audit_entry_and_landmark():
    rows = pd.DataFrame(
        {
            "label": ["Ever mentored, from hire", "Ever mentored, from entry into observation", "Mentored by then against not yet"],
            "estimate": [0.471, NAN, 0.748], "ci_low": [0.40, NAN, 0.64], "ci_high": [0.55, NAN, 0.88], "n_events": [498, "<10", 440],
            "hollow": [True, True, False],
        }
    )  # fmt: skip
    return display.audit_contrast(rows, misclassified_days="<10", total_days=920112, value_label="Hazard ratio of voluntary leaving")


SCENES = {
    scene.__name__: scene
    for scene in (
        subgroups, sensitivities, weighted_entry, adjusted_curves, conditional_curves, few_people, residuals, residuals_withheld,
        balance, balance_crowded, causes_stacked, causes_crowded, departments_left_out, departments_crowded, two_departments_points,
        scores_overlap, scores_tiny, weights_arms, weights_crowded, dose_line, dose_crowded, dose_without_line,
        rates_by_profession, rates_crowded, audit_entry_and_landmark,
    )
}  # fmt: skip
