"""Shortest fixed-length interval when the slope of the violation changes by at most M from one period to the next.

The estimator is linear: l'(coefficients after treatment) plus weights on those before, of which the trend's slope is
made. Its bias is at most M times a sum of absolute values of u, how far it leans on each change of slope; its
interval is as wide as that bias and its variance ask (Donoho 1994; Rambachan & Roth 2023, Review of Economic Studies
90:2555, section 4.1). Weights that are best for some M lie on the path of a lasso in u, which is found once, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from mentorship_eval.did.sensitivity.restrictions import difference_rows

__all__ = ["FixedLength", "folded_quantile"]


def folded_quantile(bias: float, level: float) -> float:
    """The ``level`` quantile of |N(bias, 1)|, bias >= 0: critical value of an estimator with bias in standard errors."""
    low, high = bias + float(ndtri(level)), bias + float(ndtri((1 + level) / 2))
    for _ in range(80):
        middle = (low + high) / 2
        if ndtr(middle - bias) - ndtr(-middle - bias) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _lasso_path(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """(B, K) break points of the minimisers of u'Hu / 2 + g'u + penalty * sum |u|, from penalty infinite to 0."""
    count = len(gradient)
    u, path = np.zeros(count), [np.zeros(count)]
    if not count or not np.abs(gradient).max() > 0:
        return np.array(path)
    penalty = float(np.abs(gradient).max())
    active, sign = [int(np.abs(gradient).argmax())], {int(np.abs(gradient).argmax()): -np.sign(gradient[np.abs(gradient).argmax()])}
    for _ in range(20 * count + 20):
        slope = np.zeros(count)
        slope[active] = np.linalg.solve(hessian[np.ix_(active, active)], [sign[j] for j in active])
        force, drag = -(hessian @ u + gradient), hessian @ slope
        step, event = penalty, -1
        for j in range(count):
            if j in active:
                ahead = -u[j] / slope[j] if slope[j] * u[j] < 0 else np.inf
                candidates = [ahead]
            else:
                # the force on j falls by drag * step while the penalty falls by step
                candidates = [(penalty - s * force[j]) / (1 - s * drag[j]) if abs(1 - s * drag[j]) > 1e-14 else np.inf for s in (1, -1)]
            for ahead in candidates:
                if 1e-12 * penalty < ahead < step * (1 - 1e-12):
                    step, event = ahead, j
        u = u + step * slope
        penalty -= step
        if event in active:
            u[event] = 0.0
            active.remove(event)
        elif event >= 0:
            active.append(event)
            sign[event] = np.sign(-(hessian[event] @ u + gradient[event]))
        path.append(u.copy())
        if event < 0 or not active:
            break
    return np.array(path)


@dataclass(frozen=True)
class FixedLength:
    """Best linear estimators for every M: value, sd and lean (sum of |u|) along break points (B,), linear in between in weights (B, P)."""

    weights: np.ndarray
    lean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, covariance: np.ndarray, target: np.ndarray, pre: int) -> FixedLength:
        """target : (N,) weights l of the effects; pre : how many coefficients come before the base period."""
        post = len(target)
        before, after = difference_rows(pre, post, 2)
        # violations made of the second differences alone (no slope): delta = lift @ (second differences)
        changes = np.vstack([before, after])
        period = np.concatenate([np.arange(-pre, 0), np.arange(1, post + 1)]).astype(float)
        # the slope is that of the period just before the base period
        lift = np.linalg.solve(np.vstack([np.eye(pre + post)[pre - 1], changes]), np.eye(pre + post)[:, 1:])
        # weights: v = fixed + move @ v_early, the weight of the last period before the base kills the linear trend
        start = np.concatenate([np.zeros(pre), target])
        start[pre - 1] = start @ period
        move = np.zeros((pre + post, pre - 1))
        move[: pre - 1] = np.eye(pre - 1)
        move[pre - 1] = period[: pre - 1]
        ahead = lift[:, : pre - 1].T
        back = move @ np.linalg.inv(ahead @ move) if pre > 1 else move
        always = float(np.abs(lift[:, pre - 1:].T @ start).sum())
        path = _lasso_path(2 * back.T @ covariance @ back, 2 * back.T @ covariance @ start)
        return cls(start + path @ back.T, always + np.abs(path).sum(axis=1), covariance)

    def _half(self, weights: np.ndarray, lean: float, m: float, level: float) -> float:
        sd = float(np.sqrt(weights @ self.covariance @ weights))
        return sd * folded_quantile(m * lean / sd, level)

    def best(self, m: float, level: float) -> tuple[np.ndarray, float]:
        """Weights (P,) and half-length of the shortest interval under ``m``."""
        halves = [self._half(w, b, m, level) for w, b in zip(self.weights, self.lean, strict=True)]
        at = int(np.argmin(halves))
        found = (self.weights[at], halves[at])
        for begin in {max(at - 1, 0), min(at, len(halves) - 2)} if len(halves) > 1 else set():
            candidate = self._between(begin, m, level)
            found = min(found, candidate, key=lambda pair: pair[1])
        return found

    def _between(self, begin: int, m: float, level: float) -> tuple[np.ndarray, float]:
        """The same between two break points, by golden section: the half-length is convex there."""
        ratio, low, high = (np.sqrt(5) - 1) / 2, 0.0, 1.0

        def at(share: float) -> tuple[np.ndarray, float]:
            weights = (1 - share) * self.weights[begin] + share * self.weights[begin + 1]
            lean = (1 - share) * self.lean[begin] + share * self.lean[begin + 1]
            return weights, self._half(weights, lean, m, level)

        for _ in range(40):
            inner, outer = high - ratio * (high - low), low + ratio * (high - low)
            if at(inner)[1] < at(outer)[1]:
                high = outer
            else:
                low = inner
        return at((low + high) / 2)
