"""Reliability of a scale at each wave: alpha with its interval, omega total, and every item against the rest.

Alpha's interval is that of Feldt (1965, Psychometrika 30:357-370): (1 - alpha) / (1 - true alpha) has an F distribution with n - 1 and
(n - 1)(k - 1) degrees of freedom when items are normal. It takes people as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import check_level
from mentorship_eval.inference.scales.consistency import cronbach_alpha, item_rest_correlations
from mentorship_eval.inference.scales.scores import turned_items
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import refuse_missing, require
from mentorship_eval.surveys.consistency.one_factor import minres_loadings, omega_total
from mentorship_eval.surveys.scoring.items import read_items

__all__ = ["Reliability", "feldt_limits", "reliability"]

FEWEST, LOW_ALPHA = 10, 0.7


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """table: wave, n (complete answers), left_out (answers with an item missing), items, alpha, alpha_low, alpha_high, omega, mean_inter_item;
    items: wave, item, n, mean, sd, item_rest, alpha_without, loading. NaN where fewer than ten answers are complete."""

    table: pd.DataFrame
    items: pd.DataFrame
    ci_level: float
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        told = []
        for row in self.table.itertuples():
            where = f"wave {row.wave}: " if row.wave != "all" else ""
            limits = f" ({self.ci_level * 100:g} % CI {row.alpha_low:.2f} to {row.alpha_high:.2f})"
            told.append(
                f"{where}alpha {row.alpha:.2f}{limits}, omega {row.omega:.2f}, {row.n:,} complete answers"
                if row.n >= FEWEST
                else f"{where}too few answers"
            )
        return f"Reliability of {self.table['items'].iloc[0]} items. " + "; ".join(told) + "."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, self.items, cautions=self.warnings)


def feldt_limits(alpha: float, n: int, k: int, ci_level: float = 0.95) -> tuple[float, float]:
    """Feldt's limits of alpha from ``n`` complete answers to ``k`` items."""
    from scipy.special import fdtri

    tail = (1 - ci_level) / 2
    upper, lower = fdtri(n - 1, (n - 1) * (k - 1), [1 - tail, tail])
    return float(1 - (1 - alpha) * upper), float(1 - (1 - alpha) * lower)


def reliability(
    data: pd.DataFrame,
    *,
    items: Sequence[str],
    wave: str | None = None,
    low: float | None = None,
    high: float | None = None,
    reverse: Sequence[str] = (),
    ci_level: float = 0.95,
) -> Reliability:
    """Alpha, omega and item statistics of complete answers, wave by wave.

    Parameters
    ----------
    items : columns; ``Scored.values`` holds them turned. reverse : columns to be turned here, with ``low`` and ``high``.
    wave : column; without it all rows are one.

    Raises `UsageError` for unknown columns or fewer than two items; `EstimationError` for answers out of range.
    """
    check_level(ci_level)
    if len(items) < 2:
        raise UsageError("Reliability needs two items or more.", fix="A single item has no internal consistency.")
    require(data, [*items, wave])
    refuse_missing(data, [wave])
    if set(reverse) - set(items):
        raise UsageError(f"reverse names {sorted(set(reverse) - set(items))[0]!r}, which is not among the items.", fix="Name columns of items.")
    if reverse and (low is None or high is None):
        raise UsageError("Reverse items need the range of an answer.", fix="Give low and high.")
    values = read_items(data, items, low, high)
    if reverse:
        assert low is not None and high is not None
        values = turned_items(values, [name in reverse for name in items], low, high)
    waves: list[Any] = ["all"] if wave is None else sorted(pd.unique(data[wave]).tolist())
    table, detail, cautions = [], [], []
    for w in waves:
        part = values if wave is None else values[(data[wave] == w).to_numpy()]
        some = ~np.isnan(part).all(axis=1)
        whole = part[~np.isnan(part).any(axis=1)]
        row, rows = _of_wave(whole, items, ci_level)
        table.append({"wave": w, "n": len(whole), "left_out": int(some.sum() - len(whole)), "items": len(items), **row})
        detail += [{"wave": w, **entry} for entry in rows]
        where = "" if wave is None else f" at wave {w}"
        if len(whole) >= FEWEST and row["alpha"] < LOW_ALPHA:
            cautions.append(
                Caution(
                    "low_alpha", f"Alpha is {row['alpha']:.2f}{where}: differences in the score are blurred by that much.", {"alpha": row["alpha"]}
                )
            )
        against = [entry["item"] for entry in rows if entry["item_rest"] < 0]
        if against and len(whole) >= FEWEST:
            cautions.append(Caution("item_against_the_others", f"Answered against the other items{where}: {', '.join(against)}.", {"items": against}))
    if all(row["n"] < FEWEST for row in table):
        raise EstimationError(f"Fewer than {FEWEST} answers are complete.", fix="Reliability is estimated from answers to all items.")
    return Reliability(table=pd.DataFrame(table), items=pd.DataFrame(detail), ci_level=ci_level, warnings=tuple(cautions))


def _of_wave(whole: np.ndarray, items: Sequence[str], ci_level: float) -> tuple[dict[str, float], list[dict[str, Any]]]:
    n, k = whole.shape
    nothing = np.full(k, np.nan)
    enough = n >= FEWEST and (whole.std(axis=0) > 0).all()
    alpha = cronbach_alpha(whole) if enough else float("nan")
    correlation = np.corrcoef(whole, rowvar=False) if enough else np.full((k, k), np.nan)
    low, high = feldt_limits(alpha, n, k, ci_level) if enough else (np.nan, np.nan)
    loadings = minres_loadings(correlation) if enough else nothing
    rest = item_rest_correlations(whole) if n >= FEWEST else nothing
    without = np.array([cronbach_alpha(np.delete(whole, j, axis=1)) for j in range(k)]) if enough and k > 2 else nothing
    row = {"alpha": alpha, "alpha_low": low, "alpha_high": high, "omega": omega_total(loadings),
           "mean_inter_item": float((correlation.sum() - k) / (k * (k - 1)))}  # fmt: skip
    rows = [
        {"item": name, "n": n, "mean": float(whole[:, j].mean()) if n else np.nan, "sd": float(whole[:, j].std(ddof=1)) if n > 1 else np.nan,
         "item_rest": float(rest[j]), "alpha_without": float(without[j]), "loading": float(loadings[j])}
        for j, name in enumerate(items)
    ]  # fmt: skip
    return row, rows
