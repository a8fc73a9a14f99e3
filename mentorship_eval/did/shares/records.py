"""A panel of numerators and denominators, validated: shares of records, never shares alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel, build_panel, require_columns
from mentorship_eval.errors import EstimationError, listing

__all__ = ["build_share_panel"]


def _refuse(bad: pd.Series, frame: pd.DataFrame, problem: str, fix: str) -> None:
    rows = list(frame.index[bad.to_numpy(dtype=bool)])
    if rows:
        raise EstimationError(f"{problem} (row{'s' if len(rows) > 1 else ''} {listing(rows)}).", fix=fix, rows=rows)


def build_share_panel(
    frame: pd.DataFrame, *, numerator: str, denominator: str, unit: str, time: str, adopted: str, covariates: Sequence[str] | None = None,
    cluster: str | None = None, permute_within: str | None = None,
) -> Panel:
    """`Panel` with the numerators as outcome and the denominators as exposure; one row per unit and period.

    Raises as `build_panel`, and `EstimationError`, naming rows, for numerators above their denominator and for either
    in fractions.
    """
    require_columns(frame, [numerator, denominator])
    y, n = (pd.to_numeric(frame[column], errors="coerce").astype(float) for column in (numerator, denominator))
    both = "Give how many records met the criterion and how many were looked at, not the share itself; for scores use did.linear_imputation."
    for values, column in ((y, numerator), (n, denominator)):
        _refuse(np.isfinite(values) & (values != values.round()), frame, f"{column!r} is not a whole number", both)
        _refuse(values < 0, frame, f"{column!r} is negative", "Numbers of records are 0 or more.")
    _refuse((y > 0) & np.isfinite(y) & ~(n > 0), frame, f"{numerator!r} is above 0 where {denominator!r} is 0 or missing",
        "Find the denominator of these rows, or leave them out and say so.")
    _refuse(np.isfinite(y) & (y > n), frame, f"{numerator!r} is greater than {denominator!r}",
        "A numerator counts some of the records of its denominator: check whether the columns were swapped.")
    return build_panel(
        frame, unit=unit, time=time, adopted=adopted, count=numerator, exposure=denominator, covariates=covariates, cluster=cluster,
        permute_within=permute_within,
    )
