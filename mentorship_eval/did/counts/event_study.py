"""Observed against expected by time since adoption, with placebo ratios before it.

After adoption: the target cells of the main fit. Before adoption there is no base period: the
untreated cells at each event time are taken out of the fit in turn and projected from all others
(earlier and later periods of the same units, and units not yet or never treated). A pre-period ratio
therefore compares with the mean of the other untreated periods, not with the period just before adoption.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.ratios import RatioRows, ratio_rows
from mentorship_eval.did.counts.replicates import Sums, full_sums, leave_one_out
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, connected_cells
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError

__all__ = ["BAND_SEED", "COMPARED_WITH", "event_study", "simultaneous_critical_value"]

COMPARED_WITH = (
    "No base period: each ratio before adoption is a placebo, its cells left out of the fit and expected from all other untreated "
    "cells; ratios after adoption are expected from all untreated cells."
)
BAND_SEED = 20_230_701
BAND_DRAWS = 20_000


def simultaneous_critical_value(deviations: np.ndarray, df: int, ci_level: float) -> float:
    """Quantile of the largest |t| over K estimates whose jackknife deviations are ``deviations`` (G, K).

    Simulated multivariate t with the jackknife's correlation: 20,000 draws from a fixed seed.
    """
    norm = np.sqrt((deviations**2).sum(axis=0))
    usable = norm > 0
    if not usable.any() or df < 1:
        return np.nan
    random = np.random.default_rng(BAND_SEED)
    scaled = deviations[:, usable] / norm[usable]
    largest = np.zeros(BAND_DRAWS)
    for begin in range(0, BAND_DRAWS, 2_000):
        largest[begin: begin + 2_000] = np.abs(random.standard_normal((2_000, len(scaled))) @ scaled).max(axis=1)
    return float(np.quantile(largest / np.sqrt(random.chisquare(df, BAND_DRAWS) / df), ci_level))


def _contributing(panel: Panel, cells: np.ndarray) -> int:
    return len(np.unique(panel.cluster[cells.any(axis=1)]))


def _stack(parts: list[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("observed", "expected", "exposure")))


def _placebo(panel: Panel, targets: Targets, cells: np.ndarray, fit: Imputation) -> tuple[np.ndarray, Sums, Sums] | None:
    """Cells that could be projected, their sums and leave-one-out sums, for one event time before adoption."""
    untreated = targets.untreated & ~cells
    usable = cells & connected_cells(untreated) & (untreated.sum(axis=0) >= targets.min_controls)[None, :]
    if not usable.any():
        return None
    try:
        alone = impute(panel, untreated, start=fit.period, slope=fit.slope)
    except EstimationError:
        return None
    if np.isin(alone.kind[usable], (INFINITE, UNIDENTIFIED)).any():
        return None
    ones = np.ones((int(usable.sum()), 1))
    return usable, full_sums(panel, alone.expected, usable, ones), leave_one_out(panel, untreated, usable, ones, alone)


def event_study(panel: Panel, targets: Targets, fit: Imputation, informative: np.ndarray, ci_level: float) -> pd.DataFrame:
    """event_time, phase, ratio, se, ci_low, ci_high, band_low, band_high, n_cells, n_units, observed, expected, note."""
    since = panel.position[None, :] - panel.adopted[:, None]
    entries: list[tuple[int, str, np.ndarray, Sums, Sums]] = []
    for k in sorted({int(value) for value in since[targets.untreated & np.isfinite(since)]}):
        found = _placebo(panel, targets, targets.untreated & (since == k), fit)
        if found is not None:
            entries.append((k, "before", *found))
    projected = targets.target | (targets.waiting & connected_cells(targets.untreated) & np.isfinite(fit.expected))
    steps = since[projected].astype(int)
    values = np.unique(steps)
    groups = (steps[:, None] == values[None, :]).astype(float)
    full, without = full_sums(panel, fit.expected, projected, groups), leave_one_out(panel, targets.untreated, projected, groups, fit)
    for j, k in enumerate(values):
        part = [Sums(s.observed[:, [j]], s.expected[:, [j]], s.exposure[:, [j]]) for s in (full, without)]
        entries.append((int(k), "after" if k >= 0 else "anticipation", projected & (since == k), part[0], part[1]))
    full, without = _stack([entry[3] for entry in entries]), _stack([entry[4] for entry in entries])
    rows = ratio_rows(full, without, informative, np.array([_contributing(panel, entry[2]) for entry in entries]), ci_level)
    low, high = _band(rows, int(informative.sum()) - 1, ci_level)
    frame = pd.DataFrame({
        "event_time": [entry[0] for entry in entries], "phase": [entry[1] for entry in entries], "ratio": rows.ratio, "se": rows.se,
        "ci_low": rows.ci_low, "ci_high": rows.ci_high, "band_low": low, "band_high": high,
        "n_cells": [int(entry[2].sum()) for entry in entries], "n_units": [int(entry[2].any(axis=1).sum()) for entry in entries],
        "observed": full.observed[0], "expected": full.expected[0], "note": rows.note,
    }).sort_values("event_time", ignore_index=True)
    frame.attrs["compared_with"] = COMPARED_WITH
    return frame


def _band(rows: RatioRows, df: int, ci_level: float) -> tuple[np.ndarray, np.ndarray]:
    shown = rows.note == ""
    critical = simultaneous_critical_value(rows.deviations[:, shown], df, ci_level) if shown.any() else np.nan
    half = critical * np.where(shown, rows.se, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.log(rows.ratio)
        return np.exp(centre - half), np.exp(centre + half)
