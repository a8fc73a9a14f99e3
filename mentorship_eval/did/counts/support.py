"""Which expected counts the untreated cells determine.

A two-way Poisson fit has a finite maximum only within groups of units and periods that the data tie
together. With alpha_i and -delta_t the logs of a unit's and a period's effect, a fitted cell with
events ties the two both ways and a fitted cell without events only one way (alpha_i can sink
against delta_t at no loss of likelihood): along directions in which the likelihood does not fall,
alpha_i = delta_t where events were seen and alpha_i <= delta_t where none were. The groups are
therefore the strongly connected components of that graph, and a cell outside them is 0 when the unit
reaches the period, infinite when the period reaches the unit, and not identified when neither does.
(The extended maximum likelihood of log-linear models: Fienberg & Rinaldo 2012, Annals of Statistics 40:996-1023.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FINITE", "INFINITE", "UNIDENTIFIED", "UNSUPPORTED", "ZERO", "Structure", "connected_cells", "is_plainly_connected", "structure"]

FINITE, ZERO, INFINITE, UNIDENTIFIED, UNSUPPORTED = range(5)


@dataclass(frozen=True)
class Structure:
    """kind (I, T): one of FINITE, ZERO, INFINITE, UNIDENTIFIED, UNSUPPORTED for every cell;
    fitted (I, T): the cells whose fitted mean is positive; simple: apart from units and periods
    without events, all is tied together and finite.
    """

    kind: np.ndarray
    fitted: np.ndarray
    simple: bool


def _components(edges: np.ndarray, backwards: np.ndarray, **how: Any) -> tuple[int, np.ndarray]:
    """Number and labels of the components. Nodes: units, then periods; ``edges`` (I, T) point to the period, ``backwards`` to the unit."""
    # few panels need the search, and loading scipy.sparse takes longer than analysing one
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    units, periods = edges.shape
    i, t = np.nonzero(edges)
    j, s = np.nonzero(backwards)
    heads, tails = np.concatenate([i, s + units]), np.concatenate([t + units, j])
    graph = coo_array((np.ones(len(heads), dtype=np.int8), (heads, tails)), shape=(units + periods,) * 2).tocsr()
    number, label = connected_components(graph, **how)
    return int(number), label


def is_plainly_connected(untreated: np.ndarray) -> np.ndarray:
    """Whether some period holds every unit of the fit, or some unit every period: (..., I, T) -> (...).

    True in almost every panel (all departments are untreated in the first month), and then no
    graph need be searched.
    """
    units, periods = np.asarray(untreated.any(axis=-1)), np.asarray(untreated.any(axis=-2))
    some_period = (untreated | ~units[..., None]).all(axis=-2).any(axis=-1)
    some_unit = (untreated | ~periods[..., None, :]).all(axis=-1).any(axis=-1)
    return np.asarray(some_period | some_unit)


def connected_cells(untreated: np.ndarray) -> np.ndarray:
    """(I, T): the unit and the period are linked through untreated cells, whatever was counted in them."""
    units, periods = np.asarray(untreated.any(axis=1)), np.asarray(untreated.any(axis=0))
    both = units[:, None] & periods[None, :]
    if is_plainly_connected(untreated):
        return both
    label = _components(untreated, untreated, directed=False)[1]
    return both & (label[: len(units), None] == label[None, len(units):])


def _reach(untreated: np.ndarray, events: np.ndarray, component: np.ndarray, count: int) -> np.ndarray:
    """(C, C): component c reaches component k along the one-way ties."""
    units = untreated.shape[0]
    reach = np.eye(count, dtype=bool)
    i, t = np.nonzero(untreated)
    reach[component[i], component[t + units]] = True
    for _ in range(max(1, int(np.ceil(np.log2(count + 1))))):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return reach


def _tied_by_events(live: np.ndarray, seen: np.ndarray) -> bool:
    """Whether cells with events alone link all units and periods that have any; then nothing is on the boundary but empty margins.

    A search outwards from the unit with the most events; almost every panel is settled after two or three rounds.
    """
    with_events = live & (seen > 0)
    units, periods = with_events.any(axis=1), with_events.any(axis=0)
    found = with_events[int(with_events.sum(axis=1).argmax())]
    while True:
        members = with_events[:, found].any(axis=1)
        wider = with_events[members].any(axis=0)
        if (members | ~units).all() and (wider | ~periods).all():
            return True
        if (wider == found).all():
            return False
        found = wider


def structure(events: np.ndarray, untreated: np.ndarray) -> Structure:
    """What can be said of each cell of a panel with ``events`` (I, T) fitted on ``untreated`` (I, T).

    Units and periods without any event in their untreated cells have expected count 0 throughout
    and stay: leaving them out would select on the outcome.
    """
    units, periods = untreated.shape
    seen = np.where(untreated, events, 0.0)
    supported_unit, supported_period = np.asarray(untreated.any(axis=1)), np.asarray(untreated.any(axis=0))
    live_unit, live_period = seen.sum(axis=1) > 0, seen.sum(axis=0) > 0
    kind = np.full((units, periods), FINITE, dtype=np.int8)
    live = untreated & live_unit[:, None] & live_period[None, :]
    if _tied_by_events(live, seen):
        kind[~(live_unit[:, None] & live_period[None, :])] = ZERO
        kind[~(supported_unit[:, None] & supported_period[None, :])] = UNSUPPORTED
        return Structure(kind, live, True)
    count, component = _components(live, live & (seen > 0), directed=True, connection="strong")
    of_unit, of_period = component[:units], component[units:]
    same = of_unit[:, None] == of_period[None, :]
    fitted = live & same
    both = live_unit[:, None] & live_period[None, :]
    simple = not (both & ~same).any()
    if not simple:
        reach = _reach(live, seen, component, count)
        forward, backward = reach[of_unit[:, None], of_period[None, :]], reach[of_period[None, :], of_unit[:, None]]
        kind = np.where(same, FINITE, np.where(forward, ZERO, np.where(backward, INFINITE, UNIDENTIFIED))).astype(np.int8)
    kind[~both] = ZERO
    kind[~(supported_unit[:, None] & supported_period[None, :])] = UNSUPPORTED
    return Structure(kind, fitted, simple)
