"""Two arms of a comparison: reading them, their effective sizes, weights that a caller hands in, and trimming."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import case_weights, labels_of

__all__ = ["clip_weights", "effective_size", "flags", "read_clip", "read_weights", "treated_rows"]


def flags(data: pd.DataFrame, name: str, what: str) -> np.ndarray:
    """Boolean values of a column of 0/1 or booleans, others refused by row."""
    values = data[name].to_numpy()
    wrong = np.array([value not in (0, 1) for value in values]) if values.dtype == object else ~np.isin(values, (0, 1))
    if wrong.any():
        rows, strange = labels_of(data, wrong), pd.unique(data[name][wrong]).tolist()
        raise EstimationError(
            f"{what} column {name!r} holds {listing(map(repr, strange))} in {len(rows):,} rows ({listing(rows)}).",
            fix="Use 1 (or True) for yes and 0 (or False) for no.", rows=rows,
        )
    return values.astype(bool)


def treated_rows(data: pd.DataFrame, treatment: str) -> np.ndarray:
    """(n,) booleans; refuses anything but 0 and 1, and a single arm."""
    treated = flags(data, treatment, "Treatment")
    if not len(treated):
        raise EstimationError("There are no rows to compare.", fix="Both arms must be in the data.")
    if treated.all() or not treated.any():
        raise EstimationError(
            f"Treatment {treatment!r} is {int(treated[0])} in every row, so there is nothing to compare.", fix="Both arms must be in the data."
        )
    return treated


def effective_size(weights: np.ndarray) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2; 0 without weight."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / squares if squares > 0 else 0.0


def read_clip(clip: tuple[float, float] | None) -> tuple[float, float] | None:
    if clip is None:
        return None
    try:
        low, high = (float(value) for value in clip)
    except (TypeError, ValueError):
        raise UsageError(f"clip is {clip!r}.", fix="Give two shares, such as (0.01, 0.99), or None for no clipping.") from None
    if not 0 <= low < high <= 1:
        raise UsageError(f"clip is {clip!r}, but it needs 0 <= low < high <= 1.", fix="Give two shares, such as (0.01, 0.99), or None.")
    return low, high


def clip_weights(weights: np.ndarray, clip: tuple[float, float] | None) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Weights pulled in to their own percentiles (linear interpolation, numpy's default), and those two values."""
    if clip is None or not len(weights):
        return weights, None
    low, high = (float(value) for value in np.quantile(weights, clip))
    return np.clip(weights, low, high), (low, high)


def read_weights(data: pd.DataFrame, weights: str | pd.Series | np.ndarray | None) -> np.ndarray:
    """Weights from a column, or a Series or array of one value a row; 1 when None."""
    if weights is None or isinstance(weights, str):
        return case_weights(data, weights)
    if isinstance(weights, pd.Series) and not weights.index.equals(data.index):
        raise UsageError("The weights have another index than the data.", fix="Give one weight for each row, in the order of the data.")
    values = np.asarray(weights, dtype=float)
    if values.shape != (len(data),):
        raise UsageError(f"There are {values.size:,} weights for {len(data):,} rows.", fix="Give one weight for each row.")
    return case_weights(pd.DataFrame({"weights": values}, index=data.index), "weights")
