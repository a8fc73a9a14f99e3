"""The limits of an interval tell the count behind it: Wilson's and Wald's of a share, exact Poisson limits of a rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mentorship_eval.disclosure.audit.reading import Interval, printed
from mentorship_eval.disclosure.audit.system import Cell
from mentorship_eval.disclosure.audit.tables import Table

__all__ = ["Behind", "counts_behind"]

_Z = 1.959963984540054
_FAR = 400  # counts above are not sought: they need no protection, and printed limits no longer tell them apart


@dataclass(frozen=True)
class Behind:
    """A count that the limits of its row give, and how far."""

    cell: Cell
    least: float
    most: float
    by: tuple[Cell, ...]


def wilson(events: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share, z2 = events / n, _Z**2 / n
    middle, half = (share + z2 / 2) / (1 + z2), _Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2)
    return middle - half, middle + half


def wald(events: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share = events / n
    half = _Z * np.sqrt(share * (1 - share) / n)
    return share - half, share + half


def poisson(events: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact limits of a rate by the time at risk."""
    from scipy.special import gammaincinv

    return np.where(events > 0, gammaincinv(np.maximum(events, 1), 0.025), 0.0) / n, gammaincinv(events + 1, 0.975) / n


def counts_behind(table: Table, rows: Sequence[int]) -> Iterator[Behind]:
    """Counts of these rows that follow from limits which are published, by the formula that gives the limits of all rows."""
    for triple in _triples(table):
        private = [_numbers(table.private, triple, row) for row in range(len(table.private))]
        for part, whole, formula, scale in _found(table, private):
            for row in rows:
                shown = _published(table, triple, row)
                if shown is not None:
                    yield from _scan(table, row, part, whole, formula, [(a / scale, b / scale) for a, b in shown], triple)


def _triples(table: Table) -> list[tuple[str, ...]]:
    """Columns with an estimate and its limits: one that holds all three as text, or three."""
    out: list[tuple[str, ...]] = [(column,) for column in table.counted.derived if column in table.private and table.private[column].dtype == object]
    if {"estimate", "ci_low", "ci_high"} <= set(table.private):
        out.append(("estimate", "ci_low", "ci_high"))
    return out


def _numbers(frame: object, triple: tuple[str, ...], row: int) -> list[Interval] | None:
    found = [one for column in triple for one in printed(frame[column].iloc[row])]  # type: ignore[index]
    return found if len(found) == 3 else None


def _published(table: Table, triple: tuple[str, ...], row: int) -> list[Interval] | None:
    found = [one for column in triple for one in printed(table.published(row, column))]
    return found if len(found) == 3 else None


def _found(table: Table, private: list[list[Interval] | None]) -> Iterator[tuple[str, str, object, float]]:
    counts = [name for name in table.counted.counts if name in table.columns]
    exposures = [name for name in table.private if name not in table.columns and table.private[name].dtype.kind == "f"]
    pairs = [(a, b, (wilson, wald)) for a in counts for b in counts if a != b] + [(a, b, (poisson,)) for a in counts for b in exposures]
    for part, whole, formulas in pairs:
        top = table.values[:, table.columns.index(part)]
        bottom = table.values[:, table.columns.index(whole)] if whole in table.columns else table.private[whole].to_numpy(float)
        for formula in formulas:
            for scale in (1.0, 100.0, 1000.0) if formula is poisson else (1.0,):
                if _fits(private, top, bottom, formula, scale):
                    yield part, whole, formula, scale


def _fits(private: list[list[Interval] | None], top: np.ndarray, bottom: np.ndarray, formula: object, scale: float) -> bool:
    told = 0
    for three, a, b in zip(private, top, bottom, strict=True):
        if three is None or np.isnan(a) or not b > 0 or (a > b and formula is not poisson):
            continue
        low, high = formula(np.array([a]), np.array([b]))  # type: ignore[operator]
        numbers = (a / b, float(low[0]), float(high[0]))
        if not all(one[0] - 1e-7 <= number * scale <= one[1] + 1e-7 for one, number in zip(three, numbers, strict=True)):
            return False
        told += a > 0
    return told > 0


def _scan(
    table: Table, row: int, part: str, whole: str, formula: object, shown: list[Interval], by: tuple[str, ...]
) -> Iterator[Behind]:
    """All pairs of counts that the three numbers allow."""
    places = tuple(table.cell(row, column) for column in by)
    if whole not in table.columns:
        # the ratio of the limits of a rate tells the events, whatever the time at risk
        events = np.arange(1.0, _FAR)
        low, high = formula(events, np.ones_like(events))  # type: ignore[operator]
        fits = (low / events <= shown[1][1] / shown[0][0] + 1e-9) & (low / events >= shown[1][0] / shown[0][1] - 1e-9)
        fits &= (high / events <= shown[2][1] / shown[0][0] + 1e-9) & (high / events >= shown[2][0] / shown[0][1] - 1e-9)
        if fits.any():
            yield Behind(table.cell(row, part), float(events[fits].min()), float(events[fits].max()), places)
        return
    n = np.arange(1.0, _FAR)[:, None]
    events = np.arange(0.0, _FAR)[None, :]
    with np.errstate(invalid="ignore"):
        low, high = formula(np.minimum(events, n), n)  # type: ignore[operator]
        fits = (events <= n) & (events / n >= shown[0][0] - 1e-9) & (events / n <= shown[0][1] + 1e-9)
        fits &= (low >= shown[1][0] - 1e-9) & (low <= shown[1][1] + 1e-9) & (high >= shown[2][0] - 1e-9) & (high <= shown[2][1] + 1e-9)
    if fits.any():
        places_n, places_d = np.nonzero(fits)
        yield Behind(table.cell(row, whole), float(places_n.min() + 1), float(places_n.max() + 1), places)
        yield Behind(table.cell(row, part), float(places_d.min()), float(places_d.max()), places)
