"""Covariates of a panel as numbers: treatment coding against the most frequent level, standardised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing

__all__ = ["covariate_array"]


def covariate_array(frame: pd.DataFrame, names: Sequence[str], used: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(rows, K) values and their K names; rows outside ``used`` (no exposure) are 0.

    Numbers are centred and scaled over the used rows: neither moves an expected count, because the
    unit effects absorb any constant, and Newton's steps stay well conditioned. Missing values in
    used rows raise `EstimationError` with the rows.
    """
    columns: list[np.ndarray] = []
    labels: list[str] = []
    for name in names:
        values = frame[name]
        missing = values.isna().to_numpy() & used
        if missing.any():
            rows = list(frame.index[missing])
            raise EstimationError(
                f"The covariate {name!r} is missing in rows {listing(rows)}.",
                fix="Complete it, leave these rows out, or leave the covariate out.", rows=rows
            )
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns.append(values.to_numpy(dtype=float, na_value=0.0))
            labels.append(name)
            continue
        levels = values[used].value_counts().index  # the most frequent level comes first and is the reference
        for level in sorted(levels[1:], key=str):
            columns.append((values == level).to_numpy(dtype=float))
            labels.append(f"{name}[{level}]")
    if not columns:
        return np.zeros((len(frame), 0)), ()
    matrix = np.column_stack(columns)
    centre, spread = matrix[used].mean(axis=0), matrix[used].std(axis=0)
    constant = [label for label, width in zip(labels, spread, strict=True) if not width > 0]
    if constant:
        raise EstimationError(f"The covariate {listing(constant)} has the same value everywhere.", fix="Leave it out.")
    return np.where(used[:, None], (matrix - centre) / spread, 0.0), tuple(labels)
