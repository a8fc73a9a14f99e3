"""One group-time effect without covariates: differences of weighted means, its influence function and its leave-one-out values.

Callaway & Sant'Anna (2021), Journal of Econometrics 225:200. With no covariate the doubly robust,
inverse-probability and regression estimators are all this difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.group_time.comparisons import Comparison
from mentorship_eval.did.group_time.design import Design

__all__ = ["Effect", "leave_clusters_out", "side_sums", "simple_effect"]

# A share of the weight below which a side of a comparison counts as empty (rounding of a difference of sums).
EMPTY = 1e-12


@dataclass(frozen=True)
class Effect:
    """att; influence: (slice of units, values) whose squares sum to the squared standard error; reason when att is NaN;
    treated, controls: units on each side.
    """

    att: float
    influence: tuple[tuple[slice, np.ndarray], ...] = ()
    reason: str = ""
    treated: int = 0
    controls: int = 0


def _sides(design: Design, cell: Comparison) -> tuple[list[slice], list[slice]]:
    low, high = design.bounds[cell.group]
    return [slice(int(low), int(high))], design.controls(cell.group, cell.t, cell.b)


def _weights(design: Design, part: slice, period: int, cell: Comparison) -> np.ndarray:
    weight = design.weight[part] if design.weight.ndim == 1 else design.weight[period, part]
    if design.usable is None:
        return weight
    return np.where(design.usable[cell.t, part] & design.usable[cell.b, part], weight, 0.0)


def _terms(design: Design, cell: Comparison, part: slice) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """(sign, values, weights) of the weighted means that make the change of one side."""
    y = design.y
    if design.weight.ndim == 1:
        yield 1.0, y[cell.t, part] - y[cell.b, part], _weights(design, part, cell.t, cell)
    else:
        yield 1.0, y[cell.t, part], _weights(design, part, cell.t, cell)
        yield -1.0, y[cell.b, part], _weights(design, part, cell.b, cell)


def side_sums(design: Design, cell: Comparison) -> list[tuple[float, float, int, list[tuple[slice, np.ndarray, np.ndarray]]]]:
    """(sign, total weight, units, parts of (slice, values, weights)) of every weighted mean in the effect."""
    out = []
    for side, slices in ((1.0, _sides(design, cell)[0]), (-1.0, _sides(design, cell)[1])):
        found: dict[float, list[tuple[slice, np.ndarray, np.ndarray]]] = {}
        for part in slices:
            for sign, values, weights in _terms(design, cell, part):
                found.setdefault(sign, []).append((part, values, weights))
        for sign, parts in found.items():
            total = float(sum(weights.sum() for _, _, weights in parts))
            units = sum(int(np.count_nonzero(weights)) if design.usable is not None else len(weights) for _, _, weights in parts)
            out.append((side * sign, total, units, parts))
        if not found:
            out.append((side, 0.0, 0, []))
    return out


def simple_effect(design: Design, cell: Comparison) -> Effect:
    """The effect of one comparison; NaN with its reason where a side is empty."""
    if cell.is_base:
        return Effect(0.0, reason="base period: 0 by construction")
    sums = side_sums(design, cell)
    treated, controls = sums[0][2], sums[-1][2]
    if not treated:
        return Effect(np.nan, reason="no unit of the group has both periods", controls=controls)
    if not controls:
        kind = "never treated unit" if design.never_treated_only else "unit not yet treated"
        return Effect(np.nan, reason=f"no control: no {kind} has both periods", treated=treated)
    att = 0.0
    pieces: dict[tuple[int, int], tuple[slice, np.ndarray]] = {}
    for sign, total, _, parts in sums:
        mean = sum(float(weights @ values) for _, values, weights in parts) / total
        att += sign * mean
        for part, values, weights in parts:
            scores = values - mean
            scores *= weights
            scores *= sign / total
            key = (part.start, part.stop)
            pieces[key] = (part, pieces[key][1] + scores if key in pieces else scores)
    return Effect(att, tuple(pieces.values()), treated=treated, controls=controls)


def leave_clusters_out(design: Design, cell: Comparison) -> np.ndarray:
    """(G,) the effect without each cluster, exactly; NaN where a side is empty without it."""
    count = design.n_clusters
    without = np.zeros(count)
    if cell.is_base:
        return without
    for sign, total, _, parts in side_sums(design, cell):
        weight, score = np.full(count, total), np.full(count, sum(float(w @ v) for _, v, w in parts))
        for part, values, weights in parts:
            codes = design.cluster[part]
            weight -= np.bincount(codes, weights=weights, minlength=count)
            score -= np.bincount(codes, weights=weights * values, minlength=count)
        with np.errstate(divide="ignore", invalid="ignore"):
            without += sign * np.where(weight > EMPTY * total, score / weight, np.nan)
    return without
