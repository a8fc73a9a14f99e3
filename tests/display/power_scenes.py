"""Power curves: one design, three that are compared, one that reaches nothing, few ratios, and one withheld."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import ndtr

from mentorship_eval import display

NAN = math.nan
LADDER = np.exp(np.arange(-40, 41) * 0.04)


def curve(spread, ratios=LADDER, replicates=400):
    """Power of a z test whose estimate has this standard error, with limits as of ``replicates`` simulations."""
    distance = np.log(ratios) / spread
    power = ndtr(distance - 1.96) + ndtr(-distance - 1.96)
    half = 1.96 * np.sqrt(power * (1 - power) / replicates)
    return pd.DataFrame({"ratio": ratios, "power": power, "ci_low": np.maximum(power - half, 0), "ci_high": np.minimum(power + half, 1)})


def marks(spread):
    reach = 2.8016 * spread
    return pd.DataFrame({
        "direction": ["below 1", "above 1"], "ratio": np.exp([-reach, reach]), "mc_low": np.exp([-1.04 * reach, 0.96 * reach]),
        "mc_high": np.exp([-0.96 * reach, 1.04 * reach]),
    })


def power_one():
    return display.power_curve(curve(0.14), marks(0.14), title="Rates of harm: what 24 departments over 36 months can detect",
        method="Jackknife t test; 400 simulations, seed 0")


def power_levels():
    levels = {"overdispersion 0": 0.11, "overdispersion 0.1": 0.14, "overdispersion 0.3, as in the busiest departments": 0.19}
    return display.power_curve(
        pd.concat([curve(spread).assign(label=label) for label, spread in levels.items()]),
        pd.concat([marks(spread).assign(label=label) for label, spread in levels.items()]),
        title="Power by overdispersion",
    )


def power_out_of_reach():
    return display.power_curve(curve(0.9), marks(0.9).assign(ratio=NAN, mc_low=NAN, mc_high=NAN), title="Four rare months")


def power_few_ratios():
    ratios = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    return display.power_curve(curve(0.247, ratios, 60), marks(0.247).iloc[:1].assign(mc_low=NAN), value_label="Rate ratio of harm")


def power_wide_bands():
    return display.power_curve(curve(0.5, replicates=20), marks(0.5), target=0.8, alpha=0.1)


def power_withheld():
    shown = pd.concat([curve(0.14).assign(label="all departments", reason=""), curve(0.14).iloc[::20].assign(
        label="surgery", reason="suppressed: fewer than 10", power=NAN, ci_low=NAN, ci_high=NAN)])
    return display.power_curve(shown, marks(0.14).assign(label="all departments"))


SCENES = {
    scene.__name__: scene for scene in (power_one, power_levels, power_out_of_reach, power_few_ratios, power_wide_bands, power_withheld)
}
