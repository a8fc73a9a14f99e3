"""From means with what each cluster does to them to standard errors, intervals and notes on what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.simultaneous import critical_value_of_largest

__all__ = ["Rows", "band", "interval_rows", "joined"]


@dataclass(frozen=True)
class Rows:
    """Arrays (K,): value, se, ci_low, ci_high and note (why a figure is missing, else ""); deviations (G, K): of the informative
    clusters, those of the jackknife or their scores, 0 where unknown; df: of the t intervals.
    """

    value: np.ndarray
    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    note: np.ndarray
    deviations: np.ndarray
    df: int


def interval_rows(
    value: np.ndarray, without: np.ndarray, score: np.ndarray, clusters: np.ndarray, informative: np.ndarray, variance: str, ci_level: float
) -> Rows:
    """Intervals of K estimates.

    value (K,); without, score (G, K): leaving each cluster out, and its score, by which the two variances go ("jackknife" or
    any other word); clusters (K,): treated clusters behind each; informative (G,). Fewer than six treated clusters get
    no interval, fewer than two no standard error.
    """
    width = len(value)
    df = max(int(informative.sum()) - 1, 0)
    parts = without[informative] - value if variance == "jackknife" else score[informative]
    se, note = np.full(width, np.nan), np.full(width, "", dtype=object)
    for k in range(width):
        jackknife = cluster_jackknife(value[k], without[informative, k])
        if clusters[k] < 2:
            note[k] = "one treated unit or cluster: no standard error"
        elif variance == "jackknife" and jackknife.failed:
            note[k] = f"does not exist without {jackknife.failed_words}: no standard error"
        else:
            se[k] = jackknife.se[0] if variance == "jackknife" else np.sqrt((parts[:, k] ** 2).sum())
            if clusters[k] < FEW_TREATED:
                note[k] = f"fewer than {FEW_TREATED} treated units or clusters: no interval"
    half = (critical_value(ci_level, df) if df >= 1 else np.nan) * np.where(note == "", se, np.nan)
    return Rows(value, se, value - half, value + half, note, np.where(np.isfinite(parts), parts, 0.0), df)


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both, for one band over all of them; df of the second."""
    if not len(first.value):
        return second
    one, two = first, second
    return Rows(
        np.concatenate([one.value, two.value]), np.concatenate([one.se, two.se]), np.concatenate([one.ci_low, two.ci_low]),
        np.concatenate([one.ci_high, two.ci_high]), np.concatenate([one.note, two.note]),
        np.concatenate([one.deviations, two.deviations], axis=1), two.df,
    )


def band(rows: Rows, ci_level: float, shares: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous limits of the rows that have an interval; shares (G, K): of each informative cluster in each row, where they are known."""
    shown = rows.note == ""
    weights = None if shares is None else shares[:, shown]
    critical = critical_value_of_largest(rows.deviations[:, shown], ci_level, weights) if shown.any() else np.nan
    critical = max(critical, critical_value(ci_level, rows.df)) if rows.df >= 1 else np.nan  # never narrower than the interval of one
    half = critical * np.where(shown, rows.se, np.nan)
    return rows.value - half, rows.value + half
