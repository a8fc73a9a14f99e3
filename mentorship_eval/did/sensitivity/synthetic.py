"""Synthetic difference-in-differences, for a score or a rate of every unit in every period.

Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021, American Economic Review 111:4088), algorithm 1, with the placebo variance of
algorithm 4. Controls are weighted so that their course runs parallel to that of the treated before adoption, periods before it
so that they resemble those after it. With several adoption dates each wave is compared with the never treated on its own and the
waves are averaged by their treated cells (Clarke, Pailañir, Athey & Imbens 2024, Stata Journal 24:557).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel, build_score_panel
from mentorship_eval.did.sensitivity.simplex import simplex_weights
from mentorship_eval.did.sensitivity.synthetic_result import SyntheticDid
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import difference_estimate

__all__ = ["synthetic_did"]

METHOD = "synthetic difference-in-differences; placebo variance over the controls"
# As elsewhere in this package: below this many treated units no interval is trusted.
FEW_TREATED = 6
# The periods are weighted almost without penalty, only so that the weights are unique.
LITTLE = 1e-6


@dataclass(frozen=True)
class _Wave:
    """One wave: value of the estimator, its weights of the controls (N0,) and of the periods before adoption (T0,)."""

    value: float
    units: np.ndarray
    periods: np.ndarray


def _wave(controls: np.ndarray, treated: np.ndarray, before: int, kind: str = "synthetic") -> _Wave:
    """controls (N0, T), treated (N1, T), the first ``before`` periods untreated; kind: synthetic, plain or control.

    "plain" weighs all alike (difference-in-differences), "control" is the synthetic control: no intercept, no periods.
    """
    size, length = len(controls), controls.shape[1] - before
    level = treated.mean(axis=0)
    if kind == "plain":
        units, periods = np.full(size, 1 / size), np.full(before, 1 / before)
    else:
        noise = np.diff(controls[:, :before], axis=1)
        sigma = float(noise.std(ddof=1)) if noise.size > 1 else 0.0
        penalty = LITTLE if kind == "control" else (len(treated) * length) ** 0.25
        units = simplex_weights(controls[:, :before].T, level[:before], ridge=(penalty * sigma) ** 2 * before, intercept=kind != "control")
        periods = np.zeros(before)
        if kind != "control":
            periods = simplex_weights(
                controls[:, :before], controls[:, before:].mean(axis=1), ridge=(LITTLE * sigma) ** 2 * size, intercept=True)
    gap = level - units @ controls
    return _Wave(float(gap[before:].mean() - periods @ gap[:before]), units, periods)


def _combined(controls: np.ndarray, waves: Sequence[tuple[np.ndarray, int]], kind: str = "synthetic") -> tuple[float, list[_Wave]]:
    """Mean over waves (treated (N1, T), periods before), by treated cells."""
    parts = [_wave(controls, treated, before, kind) for treated, before in waves]
    cells = [len(treated) * (controls.shape[1] - before) for treated, before in waves]
    return float(np.average([part.value for part in parts], weights=cells)), parts


def _placebos(controls: np.ndarray, sizes: Sequence[tuple[int, int]], replications: int, seed: int) -> np.ndarray:
    """The estimator with controls in the place of the treated: all of them when one is to be chosen, else random draws."""
    number = sum(size for size, _ in sizes)
    if number >= len(controls) - 1:
        return np.zeros(0)
    if number == 1 and len(controls) <= replications:
        orders = [np.r_[j, np.delete(np.arange(len(controls)), j)] for j in range(len(controls))]
    else:
        random = np.random.default_rng(seed)
        orders = [random.permutation(len(controls)) for _ in range(replications)]
    values = []
    for order in orders:
        edges = np.cumsum([0, *(size for size, _ in sizes)])
        waves = [(controls[order[a:b]], before) for a, b, (_, before) in zip(edges[:-1], edges[1:], sizes, strict=True)]
        values.append(_combined(controls[order[number:]], waves)[0])
    return np.array(values)


def _check(panel: Panel, unit: str, time: str) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Rows of the never treated, and (periods before adoption, rows) of each wave."""
    if not panel.present.all():
        gaps = panel.units[~panel.present.all(axis=1)]
        raise EstimationError(
            f"{int((~panel.present).sum()):,} rows of {unit!r} and {time!r} are missing, in {listing(gaps)}: the weights need every unit in every "
            "period.",
            fix="Leave these units or periods out, or use linear_imputation or poisson_imputation, which do not.")
    never = np.flatnonzero(~np.isfinite(panel.adopted))
    if len(never) < 2:
        raise EstimationError(f"{len(never)} units are never treated: there is nothing to weight.",
            fix="Use an estimator that takes units not yet treated as controls.")
    dates = sorted(set(panel.adopted[np.isfinite(panel.adopted) & (panel.adopted <= panel.position[-1])]))
    if not dates:
        raise EstimationError("No unit is treated within the periods of the panel.", fix="Check the column of adoption.")
    waves = [(int((panel.position < date).sum()), np.flatnonzero(panel.adopted == date)) for date in dates]
    short = [panel.units[rows[0]] for before, rows in waves if before < 2]
    if short:
        raise EstimationError(f"Fewer than two periods before adoption for {listing(short)}.", fix="Leave these units out, or add earlier periods.")
    return never, waves


def synthetic_did(
    panel: pd.DataFrame, *, outcome: str, unit: str, time: str, adopted: str, replications: int = 200, seed: int = 0, ci_level: float = 0.95,
) -> SyntheticDid:
    """Effect on a score or rate, against controls weighted to run parallel before adoption.

    Parameters
    ----------
    panel : one row per unit and period, none missing. outcome : numbers on an additive scale; every unit counts alike, whatever
        its size. For counts give the rate, and see the limits below.
    adopted : first treated period, missing for never; at least two units must be never treated.
    replications, seed : random placebo assignments among the controls; with one treated unit all of them when no more than this.

    Returns
    -------
    SyntheticDid. The standard error is that of the estimator among the controls, so that it holds only where treated units vary as
    much as controls. With fewer than six treated units no interval is given, only where the estimate ranks among the placebos.
    No standard error with as many treated units as controls less one, or more.

    Rates of small units are the wrong ground for it: their variance goes with 1 / exposure, which the weights ignore, with rare
    events zero months make the match before adoption one of noise, and no count is predicted.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : missing rows, fewer than two never treated units or two periods
    before adoption, nobody treated.
    """
    if replications < 2:
        raise UsageError(f"replications is {replications}.", fix="Give at least 2.")
    data = build_score_panel(panel, unit=unit, time=time, adopted=adopted, outcome=outcome)
    never, cohorts = _check(data, unit, time)
    controls = data.outcome[never]
    waves = [(data.outcome[rows], before) for before, rows in cohorts]
    value, parts = _combined(controls, waves)
    treated = sum(len(rows) for _, rows in cohorts)
    placebos = _placebos(controls, [(len(rows), before) for before, rows in cohorts], replications, seed)
    se = float(np.sqrt(np.mean((placebos - placebos.mean()) ** 2))) if len(placebos) else np.nan
    cautions = []
    if treated < FEW_TREATED:
        cautions.append(Caution("few_treated", f"{treated} treated units: no interval is given; see the rank among placebos.", {"treated": treated}))
    if not len(placebos):
        cautions.append(Caution(
            "no_placebos", f"{len(never)} controls for {treated} treated units: too few to stand in for them, so that there is no standard error.",
            {"controls": len(never), "treated": treated}))
    cells = [len(rows) * (data.shape[1] - before) for before, rows in cohorts]
    estimate = difference_estimate(
        value, se if treated >= FEW_TREATED else np.nan, ci_level=ci_level, n=sum(cells), n_clusters=len(data.units), method=METHOD,
        estimand=f"mean {outcome} of the treated, against weighted controls", warnings=tuple(cautions))
    label = [data.times[before] for before, _ in cohorts]
    return SyntheticDid(
        estimate=estimate, placebo_sd=se, placebos=placebos,
        companions=pd.DataFrame({
            "method": ["synthetic difference-in-differences", "difference-in-differences", "synthetic control"],
            "value": [value, _combined(controls, waves, "plain")[0], _combined(controls, waves, "control")[0]]}),
        by_wave=pd.DataFrame({
            "adopted": label, "value": [part.value for part in parts], "n_units": [len(rows) for _, rows in cohorts], "n_cells": cells}),
        unit_weights=pd.concat([pd.DataFrame({"adopted": g, "unit": data.units[never], "weight": part.units})
            for g, part in zip(label, parts, strict=True)], ignore_index=True),
        time_weights=pd.concat([pd.DataFrame({"adopted": g, "time": data.times[: len(part.periods)], "weight": part.periods})
            for g, part in zip(label, parts, strict=True)], ignore_index=True),
        exact=bool(treated == 1 and len(never) <= replications), seed=seed, warnings=tuple(cautions),
    )
