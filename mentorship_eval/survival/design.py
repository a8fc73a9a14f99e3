"""Covariates as a design matrix: numbers as they are, categories treatment-coded.

The coding is remembered (`Design.encode`), so that new data are treated like the old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing

__all__ = ["Design", "build_design", "refuse_collinear"]


@dataclass(frozen=True)
class _Column:
    name: str
    levels: tuple[object, ...] | None  # without the reference; None for numbers
    reference: object = None

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.name,) if self.levels is None else tuple(f"{self.name}[{level}]" for level in self.levels)


@dataclass(frozen=True)
class Design:
    """matrix: (p, n); terms: p names such as ``age`` or ``coach[yes]``; owner: for each term the
    position of its covariate in ``covariates``; references: level that a category is compared with."""

    matrix: np.ndarray
    terms: tuple[str, ...]
    covariates: tuple[str, ...]
    owner: np.ndarray
    references: dict[str, object]
    columns: tuple[_Column, ...]

    def encode(self, data: pd.DataFrame) -> np.ndarray:
        """(p, m) matrix of new rows, coded like the fitted ones."""
        absent = [name for name in self.covariates if name not in data.columns]
        if absent:
            fix = f"The model has {listing(self.covariates, 12)}."
            raise UsageError(f"No column {listing(map(repr, absent))} in the new rows.", fix=fix)
        return np.vstack([_encode(data[column.name], column) for column in self.columns])


def _is_number(column: pd.Series) -> bool:
    return not isinstance(column.dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(column)


def _encode(values: pd.Series, column: _Column) -> np.ndarray:
    if column.levels is None:
        try:
            numbers = values.to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise EstimationError(f"Covariate {column.name!r} is not numeric here, but it was when fitted.") from None
        if not np.isfinite(numbers).all():
            rows = list(values.index[~np.isfinite(numbers)])
            raise EstimationError(
                f"Covariate {column.name!r} is not finite in rows {listing(rows)}.", fix="Give every row a finite value.", rows=rows
            )
        return numbers[np.newaxis]
    known = {column.reference, *column.levels}
    codes, uniques = pd.factorize(values, use_na_sentinel=False)
    seen = list(uniques)
    strange = [level for level in seen if level not in known]
    if strange:
        raise EstimationError(
            f"Covariate {column.name!r} has the level {listing(map(repr, strange))}, which the model does not know.",
            fix=f"The levels are {listing(map(repr, (column.reference, *column.levels)), 12)}.",
        )
    place = {level: code for code, level in enumerate(seen)}
    return np.array([codes == place.get(level, -1) for level in column.levels], dtype=float).reshape(len(column.levels), len(codes))


def _read(values: pd.Series, name: str, reference: object) -> _Column:
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        raise EstimationError(f"Covariate {name!r} holds dates or durations.", fix="Turn it into numbers or into categories first.")
    if _is_number(values) and reference is None:
        if (values == values.iloc[0]).all():
            raise _constant(name, values.iloc[:1].tolist()[0])
        return _Column(name, None)
    counts = values.value_counts()
    counts = counts[counts > 0]
    if len(counts) == 1:
        raise _constant(name, counts.index.tolist()[0])
    ordered = counts.index.tolist()
    if isinstance(values.dtype, pd.CategoricalDtype):
        ordered = [level for level in values.cat.categories if level in counts.index]
    else:
        ordered.sort(key=lambda level: (str(type(level)), level))
    if reference is None:
        reference = max(ordered, key=lambda level: counts[level])  # the first of equals, in order
    elif reference not in ordered:
        raise UsageError(
            f"The reference level {reference!r} does not occur in covariate {name!r}.",
            fix=f"The levels are {listing(map(repr, ordered), 12)}.",
        )
    return _Column(name, tuple(level for level in ordered if level != reference), reference)


def _constant(name: str, value: object) -> EstimationError:
    return EstimationError(
        f"Covariate {name!r} is {value!r} in every row, so there is nothing to compare.",
        fix="Both arms (or more than one value) must be in the data; otherwise leave the covariate out.",
    )


def build_design(
    data: pd.DataFrame, covariates: Sequence[str] | Mapping[str, object] | str, reference: Mapping[str, object] | None = None
) -> Design:
    """Design matrix of ``covariates``; a mapping {column: reference level, or None} names the references."""
    references: dict[str, object] = dict(reference or {})
    if isinstance(covariates, Mapping):
        references |= {name: level for name, level in covariates.items() if level is not None}
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    if len(set(names)) < len(names):
        raise UsageError("A covariate is named twice.", fix="Name every covariate once.")
    strange = [name for name in references if name not in names]
    if strange:
        raise UsageError(f"A reference level is given for {listing(map(repr, strange))}, which is not among the covariates.")
    columns = tuple(_read(data[name], name, references.get(name)) for name in names)
    matrix = np.vstack([_encode(data[column.name], column) for column in columns])
    owner = np.repeat(np.arange(len(columns)), [len(column.terms) for column in columns])
    return Design(
        np.ascontiguousarray(matrix), tuple(term for column in columns for term in column.terms), names, owner,
        {column.name: column.reference for column in columns if column.levels is not None}, columns,
    )


def refuse_collinear(information: np.ndarray, events: int, design: Design, otherwise: str = "") -> None:
    """Name the first coefficient on which the events carry no information of its own.

    information: (p, p) at coefficients of 0; otherwise: what could be done besides leaving the covariate out.
    """
    left = information.copy()
    for j, term in enumerate(design.terms):
        name = design.covariates[design.owner[j]]
        if information[j, j] <= 1e-12 * events:
            raise EstimationError(
                f"Covariate {term!r} does not vary within the risk set of any of the {events:,} events: its hazard ratio is not defined.",
                fix=f"Leave {name!r} out{otherwise}.",
            )
        if left[j, j] <= 1e-10 * information[j, j]:
            others = listing(repr(other) for other in design.terms[:j])
            raise EstimationError(
                f"Covariate {term!r} is a linear combination of {others} (collinear).", fix=f"Leave {name!r} or one of the others out."
            )
        left -= np.outer(left[:, j], left[j]) / left[j, j]
