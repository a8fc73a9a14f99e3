"""A score before the programme as an adjustment, and what is done where it is missing.

In a randomised comparison a missing baseline is replaced by the mean of the others and an indicator joins it: the allocation does not
depend on either, so that nobody is lost and the estimate stays unbiased (White & Thompson 2005, Statistics in Medicine 24:993-1007).
Elsewhere the same device leaves confounding among those without a baseline, and the comparison is restricted to those who have one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.surveys.columns import numbers

__all__ = ["Baseline", "ready_baseline"]


@dataclass(frozen=True)
class Baseline:
    """kept: (n,) rows that are analysed; columns: (kept, 0 to 2) the score and, where some are missing and imputed, the indicator; cautions."""

    kept: np.ndarray
    columns: np.ndarray
    cautions: tuple[Caution, ...]


def ready_baseline(data: pd.DataFrame, baseline: str | None, randomised: bool) -> Baseline:
    """The columns of a baseline score; see the module for what is done with missing ones."""
    everyone = np.ones(len(data), dtype=bool)
    if baseline is None:
        return Baseline(everyone, np.zeros((len(data), 0)), ())
    values = numbers(data, baseline)
    missing = np.isnan(values)
    if not missing.all() and np.ptp(values[~missing]) == 0:
        raise EstimationError(f"The baseline {baseline!r} does not vary.", fix="Leave it out, or check how the waves are joined.")
    if not missing.any():
        return Baseline(everyone, values[:, None], ())
    about = {"missing": int(missing.sum()), "n": len(data)}
    if randomised and not missing.all():
        filled = np.where(missing, values[~missing].mean(), values)
        text = f"{missing.sum():,} of {len(data):,} rows have no baseline: its mean and an indicator stand in, which the allocation at random allows."
        return Baseline(everyone, np.column_stack([filled, missing.astype(float)]), (Caution("baseline_imputed", text, about),))
    text = f"{missing.sum():,} of {len(data):,} rows have no baseline and are left out: without allocation at random nothing can stand in for it."
    return Baseline(~missing, values[~missing][:, None], (Caution("baseline_restricted", text, about),))
