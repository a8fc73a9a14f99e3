"""The columns of a caller's frame as arrays, checked: what cannot be read is refused by name; missing values stay missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing

__all__ = ["Arms", "Covariates", "cluster_codes", "covariate_columns", "numbers", "read_arms", "refuse_collinear", "refuse_missing", "require"]


def require(data: pd.DataFrame, columns: Sequence[str | None]) -> None:
    """Refuse what is no frame, an empty one, and absent or doubled columns; None among ``columns`` is skipped."""
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"The data are a {type(data).__name__}, not a pandas DataFrame.", fix="Pass a DataFrame.")
    wanted = [name for name in columns if name is not None]
    absent = [name for name in wanted if name not in data.columns]
    if absent:
        raise UsageError(f"No column {listing(map(repr, absent))} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    copies = [name for name in dict.fromkeys(wanted) if isinstance(data[name], pd.DataFrame)]
    if copies:
        raise UsageError(f"Column {listing(map(repr, copies))} stands in the data more than once.", fix="Rename or remove the copies.")
    if len(data) == 0:
        raise EstimationError("The data have no rows.", fix="Check the filters that were applied before.")


def refuse_missing(data: pd.DataFrame, columns: Sequence[str | None]) -> None:
    for name in columns:
        missing = data[name].isna().to_numpy() if name is not None else np.zeros(0, bool)
        if missing.any():
            rows = list(data.index[missing])
            raise EstimationError(
                f"Column {name!r} has no value in {len(rows):,} of {len(data):,} rows ({listing(rows)}).",
                fix="Leave these rows out or complete them first, and report how many.",
                rows=rows,
            )


def numbers(data: pd.DataFrame, name: str) -> np.ndarray:
    """(n,) floats, NaN where missing; `EstimationError` for text or infinite values."""
    try:
        values = pd.to_numeric(data[name]).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise EstimationError(f"Column {name!r} is not numeric.", fix="Convert it to numbers first.") from None
    infinite = np.isinf(values)
    if infinite.any():
        rows = list(data.index[infinite])
        raise EstimationError(f"Column {name!r} is infinite in rows {listing(rows)}.", fix="Give finite values.", rows=rows)
    return values


@dataclass(frozen=True)
class Arms:
    """inside: (n,) 1.0 in the arm, 0.0 in the reference; arm, reference: their labels."""

    inside: np.ndarray
    arm: object
    reference: object


def read_arms(data: pd.DataFrame, arm: str, reference: Any = None) -> Arms:
    """Two arms from a column of 0/1, booleans, or two labels with ``reference``. No missing values; both must occur."""
    refuse_missing(data, [arm])
    levels = sorted(pd.unique(data[arm]).tolist(), key=str)
    if len(levels) != 2:
        raise EstimationError(
            f"Column {arm!r} has {len(levels)} values ({listing(map(repr, levels))}), but two arms are compared.",
            fix="Keep two arms, or call once for each pair." if len(levels) > 2 else "Nothing can be compared within one arm.",
        )
    if reference is None:
        if {float(v) for v in levels if isinstance(v, bool | int | float | np.number)} != {0.0, 1.0}:
            raise UsageError(f"Which of {listing(map(repr, levels))} is compared with the other?", fix="Name it as reference, or code it 0.")
        reference = min(levels)
    if reference not in levels:
        raise UsageError(f"reference {reference!r} is no value of {arm!r}.", fix=f"The values are {listing(map(repr, levels))}.")
    other = levels[0] if levels[1] == reference else levels[1]
    return Arms((data[arm] == other).to_numpy(dtype=float), other, reference)


def cluster_codes(data: pd.DataFrame, cluster: str | None) -> tuple[np.ndarray, list[object]]:
    """(n,) codes 0 to G-1 in the order of the labels, and the labels; every row its own without a cluster."""
    if cluster is None:
        return np.arange(len(data)), list(data.index)
    refuse_missing(data, [cluster])
    codes, labels = pd.factorize(data[cluster], sort=True)
    return codes.astype(np.intp), list(labels)


@dataclass(frozen=True)
class Covariates:
    """matrix: (n, p); terms: p names such as ``age`` or ``band[B6]``."""

    matrix: np.ndarray
    terms: tuple[str, ...]


def covariate_columns(data: pd.DataFrame, covariates: Sequence[str]) -> Covariates:
    """Numbers as they are; everything else treatment-coded against its most frequent level (the first in order among equals)."""
    if isinstance(covariates, str):
        raise UsageError("covariates is a text.", fix="Give a list of column names.")
    require(data, list(covariates))
    refuse_missing(data, list(covariates))
    columns, terms = [], []
    for name in covariates:
        values = data[name]
        if pd.api.types.is_numeric_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype):
            columns.append(numbers(data, name))
            terms.append(str(name))
            continue
        counts = values.astype(object).map(str).value_counts()
        levels = sorted(counts.index, key=lambda level: (-counts[level], level))
        text = values.map(str).to_numpy(dtype=object)
        for level in sorted(levels[1:]):
            columns.append((text == level).astype(float))
            terms.append(f"{name}[{level}]")
    matrix = np.column_stack(columns) if columns else np.zeros((len(data), 0))
    return Covariates(matrix, tuple(terms))


def refuse_collinear(matrix: np.ndarray, terms: Sequence[str]) -> None:
    """Raise `EstimationError` naming the first term that the ones before it determine."""
    size = np.sqrt((matrix**2).sum(axis=0))
    scaled = matrix / np.where(size > 0, size, 1.0)
    r = np.abs(np.diag(np.linalg.qr(scaled, mode="r"))) if len(scaled) >= scaled.shape[1] else np.zeros(1)
    if len(r) < scaled.shape[1]:
        raise EstimationError(f"{len(matrix)} rows are too few for {matrix.shape[1]} coefficients.", fix="Use fewer covariates.")
    if (r < 1e-9).any():
        term = terms[int(np.flatnonzero(r < 1e-9)[0])]
        raise EstimationError(f"The term {term!r} is determined by the others.", fix="Leave it out, or one of those that determine it.")
