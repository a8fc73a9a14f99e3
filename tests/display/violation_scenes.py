"""Bacon plots of few and of many comparisons, and breakdown plots of a drift, of relative magnitudes and without numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval import display

NAN = math.nan
NEVER, EARLY, LATE, ALWAYS = "Treated vs Untreated", "Earlier vs Later Treated", "Later vs Earlier Treated", "Later vs Always Treated"
ESTIMATE = -0.6


def comparisons():
    """Three waves and departments that never adopt; the weighted mean of all is ``ESTIMATE``."""
    rows = [
        (EARLY, "2022-10", "2023-04", 0.06, -0.7), (EARLY, "2022-10", "2023-10", 0.07, -0.5), (NEVER, "2022-10", "never treated", 0.16, -1.1),
        (LATE, "2023-04", "2022-10", 0.06, -0.3), (EARLY, "2023-04", "2023-10", 0.04, -0.95), (NEVER, "2023-04", "never treated", 0.21, -0.9),
        (LATE, "2023-10", "2022-10", 0.12, 0.1), (LATE, "2023-10", "2023-04", 0.08, -0.25), (NEVER, "2023-10", "never treated", 0.2, NAN),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["type", "treated", "control", "weight", "estimate"])
    others = (frame["weight"] * frame["estimate"]).sum()
    return frame.fillna({"estimate": (ESTIMATE - others) / 0.2}).assign(forbidden=frame["type"] == LATE)


def many_comparisons(waves=48):
    """Every pair of ``waves`` waves, nobody never treated; small weights go with wild estimates."""
    rng = np.random.default_rng(8)
    treated, control = (index.ravel() for index in np.meshgrid(np.arange(waves), np.arange(waves), indexing="ij"))
    pair = treated != control
    treated, control = treated[pair], control[pair]
    weight = rng.gamma(1.2, 1, len(treated)) + 1e-3
    weight /= weight.sum()
    estimate = rng.normal(np.where(treated < control, 3, -2), 8 / np.sqrt(weight * len(weight)))
    return pd.DataFrame({
        "type": np.where(treated < control, EARLY, LATE), "treated": treated + 13, "control": control + 13, "weight": weight, "estimate": estimate,
    })


def bacon_few():
    return display.bacon_plot(
        comparisons(), estimate=ESTIMATE, ci_low=-1.12, ci_high=-0.08, title="Harm incidents: what a two-way coefficient averages",
        value_label="Difference in incidents per 1,000 patient-days", method="Linear two-way fixed effects", n=864)


def bacon_many():
    frame = many_comparisons()
    return display.bacon_plot(frame, estimate=float((frame["weight"] * frame["estimate"]).sum()), value_label="Difference in complaints")


def bacon_withheld():
    frame = comparisons().assign(reason=None)
    frame.loc[[2, 8], "estimate"] = NAN
    frame.loc[[2, 8], "reason"] = "withheld (<10 events)"
    extra = pd.DataFrame({"type": [ALWAYS, "Pilot wards against the rest of their own sites, matched"], "treated": "2023-10", "control": "pilot",
        "weight": 0.0, "estimate": [0.4, -2.0]})
    return display.bacon_plot(pd.concat([frame, extra]), digits=3)


def bacon_skewed():
    weight = np.geomspace(1, 1e-4, 12)
    frame = pd.DataFrame({"type": [NEVER, LATE] * 6, "treated": range(12), "control": range(12), "weight": weight / weight.sum(), "estimate": 0.5})
    return display.bacon_plot(frame, estimate=0.5, ci_low=0.2, ci_high=0.8)


def drifts():
    """A log ratio of -0.4, standard error 0.12, that a drift moves by 13 times itself."""
    drift = np.linspace(-0.03, 0.03, 9)
    log = -0.4 - 13 * drift
    return pd.DataFrame({
        "violation": 100 * np.expm1(drift), "estimate": np.exp(log), "ci_low": np.exp(log - 0.24), "ci_high": np.exp(log + 0.24),
    })


def turning(log_ratio):
    return float(100 * np.expm1(log_ratio / 13))


def breakdown_drift():
    return display.breakdown(
        drifts(), breakdown=turning(-0.16), breakdown_of_estimate=turning(-0.4), seen=-0.4, seen_low=-1.1, seen_high=0.31,
        violation_label="Drift of the treated departments against the others, % per month", title="Harm incidents: how large a drift would turn it",
        method="Poisson imputation", n=1440)


def breakdown_magnitudes():
    rows = pd.DataFrame({"violation": [0, 0.5, 1, 1.5, 2.0], "estimate": NAN, "ci_low": [0.52, 0.44, 0.36, 0.27, 0.2],
        "ci_high": [0.83, 0.97, 1.18, 1.5, 2.1]})
    return display.breakdown(
        rows, breakdown=0.58, seen=1, seen_label="As large as the largest before go-live", violation_unit="times",
        violation_label="Steps after go-live, as multiples of the largest step before it")


def breakdown_wide():
    """What was seen is far wider than the curve, the marks stand close together."""
    rows = drifts()
    return display.breakdown(
        rows.assign(violation=-rows["violation"]), breakdown=-turning(-0.16), breakdown_of_estimate=-turning(-0.4), seen=1.3, seen_low=-40,
        seen_high=math.inf, seen_label="Seen in the eleven months before",
        value_label="Rate ratio of incidents with harm")


def breakdown_differences():
    rows = pd.DataFrame({"violation": [0.0, 1, 2, 3], "estimate": [-0.9, -0.6, -0.3, 0.0], "ci_low": [-1.5, -1.2, -0.9, -0.6],
        "ci_high": [-0.3, 0.0, 0.3, 0.6]})
    return display.breakdown(rows, breakdown=1.0, breakdown_of_estimate=3.0, log=False, value_label="Difference in score", violation_unit="points")


def breakdown_withheld():
    rows = drifts().assign(estimate=NAN, ci_low=NAN, ci_high=NAN, reason="withheld (<10 events)")
    return display.breakdown(
        rows, breakdown_reason="there is no breakdown value: the interval contains 1 without any drift", seen=0.9, seen_low=-2, seen_high=6)


def shifts(at: float) -> pd.DataFrame:
    delta = np.linspace(-8.6, 8.6, 9)
    value = at + 0.49 * delta
    return pd.DataFrame({"delta": delta, "estimate": value, "ci_low": value - 2.5, "ci_high": value + 2.5})


def tipping_reached():
    return display.tipping(shifts(-4.0), pd.DataFrame({"delta": [1.5 / 0.49]}), sd=8.6, value_label="Difference", title="Emotional exhaustion")


def tipping_left():
    return display.tipping(shifts(1.0), pd.DataFrame({"delta": [-3.5 / 0.49, 1.5 / 0.49]}), sd=8.6, note="Silence filled in.")


SCENES = {
    scene.__name__: scene
    for scene in (
        bacon_few, bacon_many, bacon_withheld, bacon_skewed, breakdown_drift, breakdown_magnitudes, breakdown_wide, breakdown_differences,
        breakdown_withheld, tipping_reached, tipping_left,
    )
}  # fmt: skip
