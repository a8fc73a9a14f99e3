"""Least squares with weights that are not negative and sum to 1."""

from __future__ import annotations

import numpy as np

__all__ = ["simplex_weights"]


def simplex_weights(columns: np.ndarray, target: np.ndarray, *, ridge: float, intercept: bool) -> np.ndarray:
    """(K,) weights w >= 0 with sum 1 that minimise |columns @ w (+ a constant) - target|^2 + ridge * |w|^2.

    columns : (R, K); target : (R,). An active-set method: exact up to rounding, and as the weights are sparse soon done.
    """
    if intercept:
        columns, target = columns - columns.mean(axis=0), target - target.mean()
    count = columns.shape[1]
    hessian, pull = columns.T @ columns + ridge * np.eye(count), columns.T @ target
    scale = float(np.trace(hessian)) / count or 1.0

    def free(members: list[int]) -> tuple[np.ndarray, float]:
        """Weights of ``members`` that may be negative, and the multiplier of their sum."""
        inner = np.ones((len(members) + 1, len(members) + 1))
        inner[:-1, :-1], inner[-1, -1] = hessian[np.ix_(members, members)] / scale, 0.0
        right = np.r_[pull[members] / scale, 1.0]
        try:
            solved = np.linalg.solve(inner, right)
        except np.linalg.LinAlgError:
            solved = np.linalg.lstsq(inner, right, rcond=None)[0]
        return solved[:-1], float(solved[-1])

    # a start that is often the answer when the penalty is large: leave out what would be negative until nothing is
    used = list(range(count))
    while (negative := free(used)[0] <= 0).any() and not negative.all():
        used = [j for j, gone in zip(used, negative, strict=True) if not gone]
    weights = np.zeros(count)
    weights[used] = 1 / len(used)
    for _ in range(10 * count + 100):
        aim, multiplier = free(used)
        if (aim > 0).all():
            weights[:] = 0.0
            weights[used] = aim
            gain = (pull - hessian @ weights) / scale - multiplier
            gain[used] = 0.0
            best = int(gain.argmax())
            if gain[best] <= 1e-10 * max(1.0, abs(multiplier)):
                break
            used.append(best)
            continue
        # go towards the aim until the first weight is 0, which leaves
        now = weights[used]
        falling = aim <= 0
        share = float((now[falling] / np.maximum(now[falling] - aim[falling], 1e-300)).min())
        now = now + share * (aim - now)
        leaves = falling & (now <= 1e-14)
        if not leaves.any():
            leaves[int(np.where(falling, now, np.inf).argmin())] = True
        weights[:] = 0.0
        weights[used] = np.where(leaves, 0.0, now)
        used = [j for j, gone in zip(used, leaves, strict=True) if not gone]
    return weights / weights.sum()
