"""Frames of the chapter on costs as the protect pass hands them on: ordinary, and without any effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval import display


def inputs_one_by_one():
    rows = pd.DataFrame(
        [
            ("Leavers avoided", -35.3, 202.8, -743_139.0, 2_114_913.0),
            ("Value of a leaver avoided", 5_000.0, 25_000.0, 99_636.0, 1_774_637.0),
            ("Protected time of mentors and mentees, backfilled by bank staff at their hourly price", 141_170.0, 230_330.0, 723_037.0, 633_877.0),
            ("Matching platform", 13_010.0, 30_357.0, 692_392.0, 675_045.0),
        ],
        columns=["label", "input_low", "input_high", "low", "high"],
    )
    return display.tornado(rows, base=685_887.0, unit="GBP, prices of 2022", title="Net benefit, one input at a time", note="Simulated.")


def one_certain_input():
    rows = pd.DataFrame([("Leavers avoided", -4.0, 3.0, -70_000.0, 9_000.0), ("Training", 900.0, 900.0, -31_000.0, -31_000.0)],
                        columns=["label", "input_low", "input_high", "low", "high"])  # fmt: skip
    return display.tornado(rows, base=-31_000.0, unit="USD, prices of 2025")


def acceptability():
    value = np.linspace(0, 50_000, 81)
    rows = pd.DataFrame({"value": value, "probability": 0.9 * value / (value + 4_000)})
    return display.ceac(rows, marked=12_000.0, value_label="Value of a leaver avoided (GBP, prices of 2022)", title="Does it pay?")


def never_acceptable():
    return display.ceac(pd.DataFrame({"value": [0.0, 1e6, 2e6], "probability": [0.0, 0.0, 0.0]}))


SCENES = {scene.__name__: scene for scene in (inputs_one_by_one, one_certain_input, acceptability, never_acceptable)}
