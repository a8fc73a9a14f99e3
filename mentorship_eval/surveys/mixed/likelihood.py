"""The restricted likelihood and its derivatives, block by block.

The covariance of a cluster is V = blockdiag(R_i) + s 11', with R_i the rows and columns of R = sum of theta_k E_k that person i answered, and s
the variance between clusters. It is linear in its parameters, which is what Kenward & Roger's formulas want. V is never formed: a
person's block is inverted once per pattern of answered waves, the cluster adds a matrix of rank one, and the data enter through sums of
products by pattern and sums by cluster, so that an evaluation costs the same for a hundred people and for a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np

from mentorship_eval.surveys.mixed.layout import Layout, Pattern

__all__ = ["Derivatives", "Likelihood", "Point"]

SINGULAR = 1e-11  # least eigenvalue of the scaled information below which a coefficient does not exist


@dataclass(frozen=True)
class Point:
    """deviance: -2 restricted log-likelihood, with its constant; beta (p,); covariance (p, p): of beta, as if theta were known; rss; logdets."""

    theta: np.ndarray
    deviance: float
    beta: np.ndarray
    covariance: np.ndarray
    rss: float
    logdets: float


@dataclass(frozen=True)
class Derivatives:
    """Of the log-likelihood by theta. score (K,); expected, observed (K, K): information; p (K, p, p): X'V⁻¹V_kV⁻¹X; q (K, K, p, p):
    X'V⁻¹V_kV⁻¹V_lV⁻¹X."""

    score: np.ndarray
    expected: np.ndarray
    observed: np.ndarray
    p: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class _Sums:
    """Of one pattern with t waves, w columns: products (t, t, w, w), by cluster (g, t, w), people (g,) in the clusters ``present`` (g,)."""

    products: np.ndarray
    by_cluster: np.ndarray
    people: np.ndarray
    present: np.ndarray

    def turned(self, by: np.ndarray) -> _Sums:
        """The same of the columns times ``by`` (w, w)."""
        return _Sums(by.T @ self.products @ by, self.by_cluster @ by, self.people, self.present)


def _products(data: np.ndarray) -> np.ndarray:
    """(t, t, w, w) sums over persons of the products of the rows of (m, t, w)."""
    m, t, w = data.shape
    flat = data.reshape(m, t * w)
    return (flat.T @ flat).reshape(t, w, t, w).transpose(0, 2, 1, 3)


class Likelihood:
    """One data set and covariance structure; theta is (K,), the cluster variance last where there are clusters."""

    def __init__(self, layout: Layout, x: np.ndarray, y: np.ndarray, templates: np.ndarray) -> None:
        self.layout, self.templates = layout, templates
        self.n, self.p = x.shape
        self.clustered = layout.n_clusters > 0
        self.size = len(templates) + self.clustered
        self._both = np.column_stack([x, y])
        self._sums, self._blocks = [], []
        for pattern in layout.patterns:
            data = self._both[pattern.rows]
            people = np.diff(np.r_[pattern.starts, len(data)]).astype(float)
            self._sums.append(_Sums(_products(data), np.add.reduceat(data, pattern.starts, axis=0), people, pattern.present))
            self._blocks.append(templates[:, pattern.slots[:, None], pattern.slots])

    def blocks(self) -> Iterator[tuple[np.ndarray, Pattern]]:
        """(m, t, p + 1) columns [X, y] of the persons of each pattern, and the pattern."""
        for pattern in self.layout.patterns:
            yield self._both[pattern.rows], pattern

    @property
    def mean_square(self) -> float:
        """Of the outcome."""
        return float(sum(np.trace(sums.products[:, :, -1, -1]) for sums in self._sums)) / self.n

    def without(self, cluster: int) -> Likelihood:
        """The same without one cluster."""
        out = copy(self)
        out._sums = []
        for pattern, sums in zip(self.layout.patterns, self._sums, strict=True):
            kept = sums.present != cluster
            if kept.all():
                out._sums.append(sums)
                continue
            data = self._both[pattern.rows[pattern.cluster == cluster]]
            out.n -= data.shape[0] * data.shape[1]
            products = sums.products - _products(data) if kept.any() else np.zeros_like(sums.products)
            out._sums.append(_Sums(products, sums.by_cluster[kept], sums.people[kept], sums.present[kept]))
        return out

    def _inverses(self, theta: np.ndarray) -> tuple[list[np.ndarray], float] | None:
        """R⁻¹ of every pattern and the sum of log determinants; None when R is not positive definite."""
        inverses, logdet = [], 0.0
        for sums, blocks in zip(self._sums, self._blocks, strict=True):
            r = np.tensordot(theta[: len(blocks)], blocks, axes=1)
            try:
                root = np.linalg.cholesky(r)
            except np.linalg.LinAlgError:
                return None
            diagonal = np.diag(root)
            if diagonal.min() <= 1e-7 * max(diagonal.max(), 1e-300):
                return None
            inverses.append(np.linalg.inv(r))
            logdet += 2 * float(np.log(diagonal).sum()) * float(sums.people.sum())
        return inverses, logdet

    def _lines(self, parts: list[_Sums], inverses: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """1'B⁻¹1 (C,) and 1'B⁻¹A (C, w) of every cluster, B the covariance without the cluster's part."""
        count = max(self.layout.n_clusters, 1)
        weight, lines = np.zeros(count), np.zeros((count, self.p + 1))
        for sums, inverse in zip(parts, inverses, strict=True):
            one = inverse.sum(axis=0)
            weight[sums.present] += one.sum() * sums.people
            lines[sums.present] += np.tensordot(sums.by_cluster, one, axes=(1, 0))
        return weight, lines

    def point(self, theta: np.ndarray) -> Point | None:
        """The restricted likelihood at ``theta``; None where it does not exist."""
        made = self._inverses(theta)
        s = float(theta[-1]) if self.clustered else 0.0
        if made is None or s < 0:
            return None
        inverses, logdet = made
        gram = np.zeros((self.p + 1, self.p + 1))
        for inverse, sums in zip(inverses, self._sums, strict=True):
            gram += np.tensordot(inverse, sums.products, axes=2)
        if self.clustered:
            weight, lines = self._lines(self._sums, inverses)
            gram = gram - lines.T @ (lines * (s / (1 + s * weight))[:, None])
            logdet += float(np.log1p(s * weight).sum())
        information = gram[:-1, :-1]
        scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
        values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
        if values[0] < SINGULAR:
            return None
        logdet_x = float(np.log(values).sum() + 2 * np.log(scale).sum())
        covariance = (vectors / values) @ vectors.T / np.outer(scale, scale)
        beta = covariance @ gram[:-1, -1]
        rss = float(gram[-1, -1] - beta @ gram[:-1, -1])
        deviance = (self.n - self.p) * np.log(2 * np.pi) + logdet + logdet_x + rss
        return Point(theta.copy(), float(deviance), beta, (covariance + covariance.T) / 2, rss, float(logdet + logdet_x))

    def profile(self, theta: np.ndarray) -> float:
        """Least deviance over all multiples of ``theta``."""
        at = self.point(theta)
        if at is None or at.rss <= 0:
            return np.inf
        free = self.n - self.p
        return float(free * (np.log(2 * np.pi * at.rss / free) + 1) + at.logdets)

    def derivatives(self, at: Point) -> Derivatives:
        """Score and information at a point.

        With A = [X, residual], G = V⁻¹A and B⁻¹1 = ``one``, a person's rows of G are R⁻¹A - one v' with v = d 1'B⁻¹A of the cluster: sums of
        G'MG over people follow from the sums of products and those by cluster.
        """
        made = self._inverses(at.theta)
        assert made is not None
        inverses, k, w, count = made[0], len(self.templates), self.p + 1, max(self.layout.n_clusters, 1)
        s = float(at.theta[-1]) if self.clustered else 0.0
        residual = np.eye(w)
        residual[:-1, -1] = -at.beta
        parts = [sums.turned(residual) for sums in self._sums]
        weight, lines = self._lines(parts, inverses)
        shrink = 1 / (1 + s * weight)
        d = s * shrink
        v = d[:, None] * lines
        first, second = np.zeros((self.size, w, w)), np.zeros((self.size, self.size, w, w))
        trace, traces = np.zeros(self.size), np.zeros((self.size, self.size))
        a, mixed = np.zeros((k, count)), np.zeros((k, k, count))
        sums_g, inner = np.zeros((count, w)), np.zeros((k, count, w))
        for sums, inverse, e in zip(parts, inverses, self._blocks, strict=True):
            one, here, people = inverse.sum(axis=0), sums.present, sums.people
            across = np.einsum("gtp,gq->tpq", sums.by_cluster, v[here])
            spread = (v[here] * people[:, None]).T @ v[here]
            re = inverse @ e
            middle = np.einsum("kst,ltu->klsu", e, re)  # E_k R⁻¹ E_l

            def gathered(m: np.ndarray, inverse=inverse, one=one, sums=sums, across=across, spread=spread) -> np.ndarray:  # type: ignore[no-untyped-def]
                """Sum of G'MG for matrices M (..., t, t)."""
                left = np.tensordot(m @ one @ inverse, across, axes=1)
                right = np.tensordot(one @ m @ inverse, across, axes=1)
                whole = np.tensordot(inverse @ m @ inverse, sums.products, axes=2)
                return np.asarray(whole - left - np.swapaxes(right, -1, -2) + (one @ (m @ one)[..., None])[..., None] * spread)

            first[:k] += gathered(e)
            second[:k, :k] += gathered(middle)
            trace[:k] += people.sum() * np.trace(re, axis1=1, axis2=2)
            traces[:k, :k] += people.sum() * np.einsum("kst,lts->kl", re, re)
            own = e @ one @ one  # 1'B⁻¹E_kB⁻¹1 of a person
            a[:, here] += own[:, None] * people
            mixed[:, :, here] += (middle @ one @ one)[:, :, None] * people
            sums_g[here] += np.tensordot(sums.by_cluster, one, axes=(1, 0)) - (one.sum() * people)[:, None] * v[here]
            inner[:, here] += np.einsum("kt,gtp->kgp", e @ one @ inverse, sums.by_cluster) - own[:, None, None] * people[:, None] * v[here]
        second[:k, :k] -= np.einsum("kgp,g,lgq->klpq", inner, d, inner, optimize=True)
        trace[:k] -= a @ d
        traces[:k, :k] += -2 * mixed @ d + (a * d**2) @ a.T
        if self.clustered:
            first[-1] = sums_g.T @ sums_g
            second[:k, -1] = np.einsum("kgp,g,gq->kpq", inner, shrink, sums_g)
            second[-1, :k] = second[:k, -1].transpose(0, 2, 1)
            second[-1, -1] = sums_g.T @ (sums_g * (shrink * weight)[:, None])
            trace[-1] = float((weight * shrink).sum())
            traces[-1, :-1] = traces[:-1, -1] = a @ shrink**2
            traces[-1, -1] = float(((weight * shrink) ** 2).sum())
        return self._assembled(at, first, second, trace, traces)

    def _assembled(self, at: Point, first: np.ndarray, second: np.ndarray, trace: np.ndarray, traces: np.ndarray) -> Derivatives:
        covariance, p, q = at.covariance, first[:, :-1, :-1], second[:, :, :-1, :-1]
        turned = np.einsum("ab,kbc->kac", covariance, p)
        score = 0.5 * (first[:, -1, -1] - trace + np.einsum("kaa->k", turned))
        expected = 0.5 * (traces - 2 * np.einsum("ab,klba->kl", covariance, q) + np.einsum("kab,lba->kl", turned, turned))
        across = first[:, -1, :-1]
        quadratic = second[:, :, -1, -1] - across @ covariance @ across.T
        return Derivatives(score, expected, quadratic - expected, p, q)
