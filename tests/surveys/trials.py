"""Clustered trials with scores over waves, drawn for the tests."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent / "reference"


@cache
def reference() -> dict[str, Any]:
    """Values made by reference.R in the same folder."""
    return json.loads((HERE / "reference.json").read_text(encoding="utf-8"))


def stored_trial() -> pd.DataFrame:
    return pd.read_csv(HERE / "trial.csv")


def stored_items() -> pd.DataFrame:
    return pd.read_csv(HERE / "items.csv")


def trial(
    seed: int,
    *,
    clusters: int = 24,
    people: int = 20,
    waves: int = 3,
    effect: float = 0.0,
    icc: float = 0.05,
    response: float = 0.8,
    mnar: float = 0.0,
) -> pd.DataFrame:
    """One row per person asked and wave; SD 10 between people, half of the variance within clusters a person's own.

    mnar : log odds of an answer per SD of what would have been answered, in the arm only. The column ``whole`` is the answer of
    everybody, ``y`` that of those who gave it.
    """
    rng = np.random.default_rng(seed)
    n = clusters * people
    dept = np.repeat(np.arange(clusters), people)
    arm = (rng.permutation(clusters) % 2)[dept]
    level = 25 + 10 * np.sqrt(icc) * rng.standard_normal(clusters)[dept]
    own, spread = np.sqrt(50 * (1 - icc)), np.sqrt(50 * (1 - icc))
    person = level + own * rng.standard_normal(n)
    base = person + spread * rng.standard_normal(n)
    rows = []
    for wave in range(1, waves + 1):
        whole = person + effect * arm + spread * rng.standard_normal(n)
        odds = np.log(response / (1 - response)) + mnar * arm * (whole - 25) / 10
        there = rng.random(n) < 1 / (1 + np.exp(-odds))
        rows.append(
            pd.DataFrame(
                {"person": np.arange(n), "dept": dept, "arm": arm, "wave": wave, "base": base, "whole": whole, "y": np.where(there, whole, np.nan)}
            )
        )
    return pd.concat(rows, ignore_index=True)
