"""Gray's test: is the cumulative incidence of a cause the same in all groups?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import format_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.causes import read_causes
from mentorship_eval.survival.columns import distinct_values, interval_times, read_groups, require_columns

__all__ = ["GrayTest", "gray_test"]


@dataclass(frozen=True)
class GrayTest(Shown):
    """table: cause, chisq, df, p, one row per cause; groups: cause, by, n (rows), observed (events), score (weighted observed
    minus expected; positive where the cause is commoner than if all groups were alike); covariances: by cause, (k, k) of the scores."""

    table: pd.DataFrame
    groups: pd.DataFrame
    rho: float
    method: str
    covariances: dict[object, np.ndarray]

    def statement(self) -> str:
        """One sentence with the test of every cause; it has no interval, for it estimates nothing."""
        parts = [
            f"{row.cause}: chi-square {row.chisq:.3f} on {row.df} {'degree' if row.df == 1 else 'degrees'} of freedom, {format_p(row.p)}"
            for row in self.table.itertuples()
        ]
        return f"{self.method}. {'; '.join(parts)}."

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.table, self.groups)


def gray_test(
    data: pd.DataFrame, *, stop: str, cause: str, by: str, strata: str | Sequence[str] | None = None, rho: float = 0
) -> GrayTest:
    """Test, for every cause, that its subdistribution hazard is the same in all groups of ``by``.

    Parameters
    ----------
    stop, cause : time at which a row ends and the event that ended it (0, False, "" and missing: censored).
    strata : groups are compared within strata, and the scores added.
    rho : weight (1 - F)^rho of each time, F the cumulative incidence of all groups together just before it.

    Everybody is followed from 0: the test is not defined for delayed entry.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, no events, fewer than two groups.

    Source: Gray (1988), Annals of Statistics 16:1141-1154, with the tie corrections of cmprsk's cuminc.
    """
    strata_columns = [strata] if isinstance(strata, str) else list(strata or ())
    require_columns(data, [column for column in (stop, by, *strata_columns) if column is not None])
    if not np.isfinite(rho):
        raise UsageError(f"rho is {rho}, but it must be a finite number.", fix="Use 0 for Gray's test as it is usually given.")
    _, ends = interval_times(data, None, stop)
    codes, causes = read_causes(data, cause)
    groups = read_groups(data, by)
    if len(groups) < 2:
        raise EstimationError(
            f"{by!r} is {groups.labels[0]!r} in every row, so there is nothing to compare.", fix="Both groups must be in the data."
        )
    layers = read_groups(data, strata_columns or None)
    score, variance = np.zeros((len(causes), len(groups))), np.zeros((len(causes), len(groups), len(groups)))
    for layer in range(len(layers)):
        mine = slice(None) if len(layers) == 1 else layers.codes == layer
        counted = _count(ends[mine], codes[mine], groups.codes[mine], len(causes), len(groups))
        for c in range(len(causes)):
            one, spread = _score(*counted, c, rho)
            score[c] += one
            variance[c] += spread
    rows, told = [], []
    for c, name in enumerate(causes):
        statistic, df = _quadratic(score[c], variance[c])
        if df == 0:
            raise EstimationError(
                f"The groups of {by!r} are never at risk of {name!r} together.", fix="Check the groups and strata.",
            )
        rows.append((name, statistic, df, float(chdtrc(df, statistic))))
        for k, label in enumerate(groups.labels):
            mine = groups.codes == k
            told.append((name, label, int(mine.sum()), int((codes[mine] == c).sum()), float(score[c, k])))
    layered = f", stratified by {listing(strata_columns)}" if strata_columns else ""
    return GrayTest(
        pd.DataFrame(rows, columns=["cause", "chisq", "df", "p"]), pd.DataFrame(told, columns=["cause", "by", "n", "observed", "score"]),
        float(rho), f"Gray's test of cumulative incidence by {by}{layered}{'' if rho == 0 else f' (rho {rho:g})'}",
        dict(zip(causes, variance, strict=True)),
    )


def _count(ends: np.ndarray, codes: np.ndarray, groups: np.ndarray, causes: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(at risk (size, T), events (causes, size, T)) at the T times at which anything happened."""
    place, times = distinct_values(ends)
    width = len(times)
    leaves = np.bincount(groups * width + place, minlength=size * width).reshape(size, width)
    at_risk = np.cumsum(leaves[:, ::-1], axis=1)[:, ::-1].astype(float)
    events = np.stack([
        np.bincount((groups * width + place)[codes == c], minlength=size * width).reshape(size, width) for c in range(causes)
    ]).astype(float)
    used = events.any(axis=(0, 1))
    return at_risk[:, used], events[:, :, used]


def _before(values: np.ndarray, first: float) -> np.ndarray:
    """The value just before each time of a step function (k, T)."""
    return np.concatenate((np.full((len(values), 1), first), values[:, :-1]), axis=1)


def _score(at_risk: np.ndarray, events: np.ndarray, c: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """(k,) scores and their (k, k) covariance for cause ``c`` in one stratum.

    In Gray's terms: h of group i is its number at risk over its survival just before; F is the incidence of all together;
    the score of a group weighs (1 - F)^rho times its events less their expectation.
    """
    mine, others = events[c], events.sum(axis=0) - events[c]
    present = at_risk > 0
    risk = np.where(present, at_risk, 1.0)
    survival = np.cumprod(np.where(present, (at_risk - mine - others) / risk, 1.0), axis=1)
    earlier = _before(survival, 1.0)
    incidence = np.cumsum(np.where(present, earlier * mine / risk, 0.0), axis=1)
    h = np.where(present, at_risk / np.where(present, earlier, 1.0), 0.0)
    together, died = h.sum(axis=0), mine.sum(axis=0)
    some = together > 0
    step = np.divide(died, together, out=np.zeros_like(died), where=some)
    pooled = np.cumsum(step)
    pooled_before = np.concatenate(([0.0], pooled[:-1]))
    left = 1 - pooled_before
    weight = np.where(died > 0, left, 1.0) ** rho
    still = h * (1 - _before(incidence, 0.0))
    total = still.sum(axis=0)
    score = (weight * (mine - died * np.divide(still, total, out=np.zeros_like(still), where=total > 0))).sum(axis=1)

    hazard = np.divide(step, left, out=np.zeros_like(step), where=left > 0)
    variance = np.zeros((len(h), len(h)))
    for k in range(len(h)):
        # a: (k, T) what an event in group k at a time tells each score; ahead: what it tells from then on
        a = -weight * h * np.divide(h[k], together, out=np.zeros_like(together), where=some)
        a[k] += weight * h[k]
        so_far = np.cumsum(a * hazard, axis=1)
        ahead = so_far[:, -1:] - so_far
        alive = survival[k] > 0
        ratio = np.divide(1 - pooled, survival[k], out=np.zeros_like(pooled), where=alive)
        t4 = 1 - ratio
        tied = np.where(died > 1, 1 - (died - 1) / np.where(died > 1, together * earlier[k] - 1, 1.0), 1.0)
        by_cause = np.where(present[k], tied * earlier[k] * step / risk[k], 0.0)
        moved = a + t4 * ahead
        variance += (moved * by_cause) @ moved.T
        other = others[k]
        tied = np.where(other > 1, 1 - (other - 1) / np.where(other > 1, at_risk[k] - 1, 1.0), 1.0)
        by_others = np.where(alive & (other > 0), tied * earlier[k] ** 2 * other / risk[k] ** 2, 0.0)
        moved = ratio * ahead
        variance += (moved * by_others) @ moved.T
    return score, variance


def _quadratic(score: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
    """Chi-square of the scores and its degrees of freedom, the rank of their covariance."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-10 * max(values.max(initial=0.0), 1e-300)
    projected = vectors[:, kept].T @ score
    return float(projected**2 @ (1 / values[kept])), int(kept.sum())
