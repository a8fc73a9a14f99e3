"""Indirect standardisation: what a group would have had at the rates of everybody, by row and column of a table (department and quarter).

The rates are those of a multiplicative (Poisson) model with an effect of each row and of each column, fitted to all groups together by
iterative proportional fitting (Deming and Stephan 1940; Breslow and Day 1987, IARC 82, chapter 4, for the ratio of observed to expected).
Without each row in turn the model is fitted anew, for a jackknife over rows as clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import EstimationError

__all__ = ["Standardised", "observed_over_expected"]

_ROUNDS, _CLOSE = 500, 1e-10


@dataclass(frozen=True)
class Standardised:
    """observed, expected: (1 + rows, groups), of all rows, then without each row in turn; ratio: observed over expected, NaN where nothing is
    expected.
    """

    observed: np.ndarray
    expected: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        return np.divide(self.observed, self.expected, out=np.full_like(self.expected, np.nan), where=self.expected > 0)


def observed_over_expected(event: np.ndarray, row: np.ndarray, column: np.ndarray, group: np.ndarray) -> Standardised:
    """Observed and expected events by group.

    event : (n,) 0 or 1, or counts; row, column, group : (n,) codes from 0. Raises `EstimationError` where nobody has an event.
    """
    event = np.asarray(event, float)
    if not event.sum() > 0:
        raise EstimationError("There is no event at all, so that nothing is expected of any group.", fix="A longer window.")
    rows, columns, groups = (int(codes.max()) + 1 for codes in (row, column, group))
    people = np.bincount((row * columns + column) * groups + group, minlength=rows * columns * groups).reshape(rows, columns, groups).astype(float)
    events = np.bincount(row * columns + column, weights=event, minlength=rows * columns).reshape(rows, columns)
    seen = np.bincount(row * groups + group, weights=event, minlength=rows * groups).reshape(rows, groups)
    kept = np.vstack([np.ones(rows), 1 - np.eye(rows)])  # (1 + rows, rows)
    rate = _rates(events[None] * kept[:, :, None], people.sum(axis=2)[None] * kept[:, :, None])
    return Standardised(kept @ seen, np.einsum("krc,rcg,kr->kg", rate, people, kept))


def _rates(events: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Fitted rates (k, rows, columns) of the two-way multiplicative model, k tables at once."""
    of_row, of_column = np.ones(events.shape[:2]), np.ones((events.shape[0], events.shape[2]))
    by_row, by_column = events.sum(axis=2), events.sum(axis=1)
    for _ in range(_ROUNDS):
        before = of_column
        weight = np.einsum("krc,kc->kr", people, of_column)
        of_row = np.divide(by_row, weight, out=np.zeros_like(weight), where=weight > 0)
        weight = np.einsum("krc,kr->kc", people, of_row)
        of_column = np.divide(by_column, weight, out=np.zeros_like(weight), where=weight > 0)
        if np.abs(of_column - before).max() < _CLOSE * max(np.abs(of_column).max(), 1e-300):
            break
    return of_row[:, :, None] * of_column[:, None, :]
