"""Which expected shares the untreated cells determine, and which of them are 0 or 1.

A unit (or period) whose untreated records are all failures has its effect at minus infinity and an expected share of 0; one
whose records are all successes, of 1. The maximum of the likelihood lies on that boundary: such margins stay in the analysis, since
leaving them out would select on the outcome. What remains without them (the core) has a finite maximum unless successes
and failures are separated in some other way. With alpha_i and -delta_t the effects of unit and period, a cell with successes pulls
alpha_i >= delta_t and one with failures alpha_i <= delta_t at no loss of likelihood: the groups that the data tie together are the
strongly connected components of that graph, and between two of them a share is 0 when the unit reaches the period, 1 when the
period reaches the unit, and not identified when neither does. (The extended maximum likelihood of log-linear models:
Fienberg & Rinaldo 2012, Annals of Statistics 40:996-1023; of logistic models: Albert & Anderson 1984, Biometrika 71:1-10.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.support import FINITE, UNIDENTIFIED, UNSUPPORTED, ZERO

__all__ = ["FINITE", "ONE", "UNIDENTIFIED", "UNSUPPORTED", "ZERO", "Margins", "Structure", "margin_kinds", "peel", "structure"]

ONE = 5  # beside the kinds of counts: an expected share of 1


@dataclass(frozen=True)
class Margins:
    """unit (..., I) and period (..., T): -1 all failures, 1 all successes, 0 neither or without cells; core (..., I, T): the cells of the
    fit once margins on the boundary are set aside.
    """

    unit: np.ndarray
    period: np.ndarray
    core: np.ndarray


@dataclass(frozen=True)
class Structure:
    """kind (I, T): one of FINITE, ZERO, ONE, UNIDENTIFIED, UNSUPPORTED for every cell; fitted (I, T): the cells with a fitted share
    strictly between 0 and 1; margins: the units and periods on the boundary.
    """

    kind: np.ndarray
    fitted: np.ndarray
    margins: Margins


def peel(successes: np.ndarray, failures: np.ndarray, mask: np.ndarray) -> Margins:
    """Set aside units and periods of one kind of record only, and again what is of one kind without them.

    successes, failures : (..., I, T), 0 outside the cells ``mask`` (..., I, T) of the fit.
    """
    core = mask.copy()
    unit, period = np.zeros(mask.shape[:-1], dtype=np.int8), np.zeros(mask.shape[:-2] + mask.shape[-1:], dtype=np.int8)
    while True:
        good, bad = successes * core, failures * core
        moved = False
        found = []
        for level, axis in ((unit, -1), (period, -2)):
            some, none_good, none_bad = core.any(axis=axis), good.sum(axis=axis) <= 0, bad.sum(axis=axis) <= 0
            new = np.where(some & none_good, -1, np.where(some & none_bad, 1, 0)).astype(np.int8)
            found.append((level, new))
            moved = moved or bool(new.any())
        if not moved:
            return Margins(unit, period, core)
        for level, new in found:
            level += new  # a margin set aside has no cell left, so that it is never found twice
        core = core & (unit == 0)[..., :, None] & (period == 0)[..., None, :]


def margin_kinds(margins: Margins, mask: np.ndarray) -> np.ndarray:
    """(..., I, T): kinds of all cells when the core is tied together; a unit at one end in a period at the other is not identified."""
    sign = margins.unit[..., :, None] + margins.period[..., None, :]
    apart = (margins.unit[..., :, None] * margins.period[..., None, :]) < 0
    kind = np.where(apart, UNIDENTIFIED, np.where(sign < 0, ZERO, np.where(sign > 0, ONE, FINITE))).astype(np.int8)
    kind[~(np.asarray(mask.any(axis=-1))[..., :, None] & np.asarray(mask.any(axis=-2))[..., None, :])] = UNSUPPORTED
    return kind


def _tied_by_mixed(core: np.ndarray, mixed: np.ndarray) -> bool:
    """Whether cells with successes and failures alone link all units and periods of the core; searched outwards from one unit."""
    units, periods = np.asarray(core.any(axis=1)), np.asarray(core.any(axis=0))
    if not mixed.any():
        return not core.any()
    found = mixed[int(mixed.sum(axis=1).argmax())]
    while True:
        members = mixed[:, found].any(axis=1)
        wider = mixed[members].any(axis=0)
        if (members | ~units).all() and (wider | ~periods).all():
            return True
        if (wider == found).all():
            return False
        found = wider


def structure(successes: np.ndarray, failures: np.ndarray, mask: np.ndarray) -> Structure:
    """What can be said of each cell of a panel fitted on the cells ``mask``; all arrays (I, T)."""
    margins = peel(successes, failures, mask)
    plain, core = margin_kinds(margins, mask), margins.core
    good, bad = mask & (successes > 0), mask & (failures > 0)
    if _tied_by_mixed(core, core & good & bad) and not (plain == UNIDENTIFIED).any():
        return Structure(plain, core, margins)
    # few panels need the search, and loading scipy.sparse takes longer than analysing one
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    units, periods = mask.shape
    (i, t), (j, s) = np.nonzero(bad), np.nonzero(good)
    heads, tails = np.concatenate([i, s + units]), np.concatenate([t + units, j])
    graph = coo_array((np.ones(len(heads), dtype=np.int8), (heads, tails)), shape=(units + periods,) * 2).tocsr()
    count, label = connected_components(graph, directed=True, connection="strong")
    reach = np.eye(count, dtype=bool)
    reach[label[heads], label[tails]] = True
    for _ in range(max(1, int(np.ceil(np.log2(count + 1))))):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    of_unit, of_period = label[:units, None], label[None, units:]
    same, forward, backward = of_unit == of_period, reach[of_unit, of_period], reach[of_period, of_unit]
    # what no chain of cells settles is left to the margins: a unit at 0 in all of its cells is taken to stay there
    inside = (margins.unit == 0)[:, None] & (margins.period == 0)[None, :]
    kind = np.where(same, FINITE, np.where(forward, ZERO, np.where(backward, ONE, np.where(inside, UNIDENTIFIED, plain))))
    return Structure(np.where(plain == UNSUPPORTED, UNSUPPORTED, kind).astype(np.int8), mask & same, margins)
