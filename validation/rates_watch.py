"""Checks on the data that could stand beside the cautions of the engine: how often would each speak where the default analysis is right,
and where it is not? Their names carry a leading ~ in the tables.
"""

from __future__ import annotations

import math

import numpy as np

from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.intervals import two_sided_p
from validation.rates_fits import Counted, RateFit, in_time_placebo

__all__ = ["missing_after", "parallel_rates", "would_say"]

BEFORE = 6  # months before go-live, pooled
LEVEL = 0.05
APART = 0.5  # of a standard error: ratio with parallel rates against ratio with parallel log rates


def parallel_rates(made: RateFit) -> float:
    """Log ratio when department and month effects add up on the scale of the rate (least squares, patient-days as weights)."""
    cells = made.result.cells
    unit, time = (np.unique(cells[name], return_inverse=True)[1] for name in ("unit", "time"))
    units, width = unit.max() + 1, unit.max() + time.max() + 2
    exposure, observed = cells["exposure"].to_numpy(float), cells["observed"].to_numpy(float)
    fit, target = (cells["role"] == "untreated").to_numpy(), (cells["role"] == "target").to_numpy()
    normal = np.zeros((width, width))
    normal[unit[fit], units + time[fit]] = exposure[fit]
    normal += normal.T
    sums = [np.bincount(unit[fit], v[fit], units) for v in (exposure, observed)]
    by_time = [np.bincount(time[fit], v[fit], width - units) for v in (exposure, observed)]
    normal[np.diag_indices(width)] = np.concatenate([sums[0], by_time[0]])
    effects = np.linalg.lstsq(normal, np.concatenate([sums[1], by_time[1]]), rcond=None)[0]
    expected = float(((effects[unit] + effects[units + time]) * exposure)[target].sum())
    return math.log(observed[target].sum() / expected) if expected > 0 and observed[target].sum() > 0 else math.nan


def missing_after(who: Counted) -> float:
    """p of the test whether months missing fall on departments with the programme more (or less) than the share of these in the
    same month says (Cochran-Mantel-Haenszel, strata = months); NaN when none is missing.
    """
    world, rows = who.drawn.world, who.rows
    here = np.zeros((world.departments, world.months), dtype=bool)
    here[rows["dept_id"].str.slice(1).to_numpy(int), rows["month"].to_numpy() - 1] = True
    first = rows.groupby("dept_id")["go_live"].first().to_numpy(float)
    live = np.arange(1, world.months + 1)[None, :] >= np.where(np.isnan(first), np.inf, first)[:, None]
    number, lost, share = world.departments, (~here).sum(axis=0), live.mean(axis=0)
    variance = float((lost * share * (1 - share) * (number - lost) / (number - 1)).sum())
    if not variance > 0:
        return math.nan
    return float(two_sided_p(((~here & live).sum() - (lost * share).sum()) / math.sqrt(variance)))


def would_say(who: Counted, made: RateFit) -> list[str]:
    """``~rise_before``, ``~fall_before``: the last six months before go-live lie above or below what all other untreated cells say of
    them (jackknife t, 5 %); ``~scale_matters``: parallel rates give another ratio than parallel log rates; ``~missing_after``: months
    are missing where the programme is active more, or less, than elsewhere (p < 0.01).
    """
    out = ["~missing_after"] if missing_after(who) < 0.01 else []
    try:
        placebo = in_time_placebo(who, BEFORE)
        if placebo.p_value < LEVEL:
            out.append("~rise_before" if placebo.value > 1 else "~fall_before")
    except EstimationError:
        pass
    if abs(parallel_rates(made) - made.value) > APART * made.result.irr.se:
        out.append("~scale_matters")
    return out
