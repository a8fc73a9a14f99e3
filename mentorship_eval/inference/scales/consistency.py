"""How the items of a scale hang together: alpha, and each item against the rest."""

from __future__ import annotations

import numpy as np

__all__ = ["cronbach_alpha", "item_rest_correlations"]


def cronbach_alpha(values: np.ndarray) -> float:
    """Cronbach's alpha (1951, Psychometrika 16:297-334) of answers x items without missing values; NaN where nothing varies."""
    k, total = values.shape[1], values.sum(axis=1).var(ddof=1)
    return float("nan") if total == 0 else float(k / (k - 1) * (1 - values.var(axis=0, ddof=1).sum() / total))


def item_rest_correlations(values: np.ndarray) -> np.ndarray:
    """Correlation of each item with the sum of the others; NaN for an item that does not vary."""
    result = np.full(values.shape[1], np.nan)
    for j in range(values.shape[1]):
        rest = np.delete(values, j, axis=1).sum(axis=1)
        if values[:, j].std() > 0 and rest.std() > 0:
            result[j] = np.corrcoef(values[:, j], rest)[0, 1]
    return result
