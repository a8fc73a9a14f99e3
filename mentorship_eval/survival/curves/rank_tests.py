"""Log-rank tests of equal hazards in k groups, with strata, delayed entry and G-rho weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import format_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import event_flags, interval_times, read_groups, require_columns
from mentorship_eval.survival.hazards.risk_sets import build_risk_sets

__all__ = ["LogRank", "logrank"]


@dataclass(frozen=True)
class LogRank(Shown):
    """table: by, n (rows), observed, expected (both weighted when rho is not 0); covariance: (k, k)
    of observed minus expected; statistic: chi-square on ``df``; p_value: two-sided."""

    table: pd.DataFrame
    statistic: float
    df: int
    p_value: float
    rho: float
    method: str
    covariance: np.ndarray

    def statement(self) -> str:
        """One sentence with the test; it has no interval, for it estimates nothing."""
        number = "degree" if self.df == 1 else "degrees"
        return f"{self.method}: chi-square {self.statistic:.3f} on {self.df} {number} of freedom, {format_p(self.p_value)}."


def logrank(
    data: pd.DataFrame, *, stop: str, event: str, by: str, start: str | None = None, strata: str | Sequence[str] | None = None,
    rho: float = 0,
) -> LogRank:
    """Test that the hazard of the event is the same in all groups of ``by``.

    Observed minus expected events, summed over event times (and strata), with the hypergeometric
    variance; ``rho`` weights each time by the pooled Kaplan-Meier just before it to that power: 0
    is the log-rank test, 1 the Peto & Peto modification of the Gehan-Wilcoxon test (Harrington &
    Fleming 1982, Biometrika 69:553-566).

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, no events, fewer
        than two groups, or groups that are never at risk together.
    """
    strata_columns = [strata] if isinstance(strata, str) else list(strata or ())
    require_columns(data, [column for column in (stop, event, by, start, *strata_columns) if column is not None])
    if not np.isfinite(rho):
        raise UsageError(f"rho is {rho}, but it must be a finite number.", fix="Use 0 for the log-rank test.")
    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    groups = read_groups(data, by)
    if len(groups) < 2:
        only = groups.labels[0]
        raise EstimationError(f"{by!r} is {only!r} in every row, so there is nothing to compare.", fix="Both groups must be in the data.")
    layers = read_groups(data, strata_columns or None)
    sets = build_risk_sets(begins, ends, happened, layers.codes, np.ones(len(data)), "breslow")
    codes = groups.codes[sets.rows]
    # into memory that is kept: fresh pages for every group cost more than the sums at millions of rows
    counts = np.array([sets.sums(np.equal(codes, code, out=sets.scratch)) for code in range(len(groups))])
    at_risk, deaths = np.rint(counts[:, 0]), counts[:, 1]  # whole numbers, so subtraction leaves no rounding
    risk, died = at_risk.sum(axis=0), deaths.sum(axis=0)
    weight = _pooled_survival(risk, died, sets.blocks) ** rho
    share = at_risk / risk
    observed, expected = deaths @ weight, share @ (died * weight)
    spread = died * weight**2 * np.divide(risk - died, risk - 1, out=np.zeros_like(risk), where=risk > 1)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    statistic, df = _quadratic(observed - expected, covariance, expected)
    if df == 0:
        raise EstimationError(f"The groups of {by!r} are never at risk together at an event.", fix="Check entry times and strata.")
    table = pd.DataFrame({"by": list(groups.labels), "n": np.bincount(groups.codes), "observed": observed, "expected": expected})
    name = "Log-rank test" if rho == 0 else "Peto-Peto test" if rho == 1 else f"Harrington-Fleming test (rho {rho:g})"
    layered = f", stratified by {', '.join(strata_columns)}" if strata_columns else ""
    return LogRank(table, statistic, df, float(chdtrc(df, statistic)), float(rho), f"{name} by {by}{layered}", covariance)


def _pooled_survival(risk: np.ndarray, died: np.ndarray, blocks: Sequence[tuple[int, int]]) -> np.ndarray:
    """Kaplan-Meier of all groups together just before each event time, within strata."""
    before = np.ones(len(risk))
    for begin, end in blocks:
        before[begin + 1 : end] = np.cumprod(1 - died[begin : end - 1] / risk[begin : end - 1])
    return before


def _quadratic(surplus: np.ndarray, covariance: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Chi-square of the surplus and its degrees of freedom: the rank of its covariance."""
    used = expected > 0
    surplus, covariance = surplus[used], covariance[np.ix_(used, used)]
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-10 * max(values.max(initial=0.0), 1e-300)
    projected = vectors[:, kept].T @ surplus
    return float(projected**2 @ (1 / values[kept])), int(kept.sum())
