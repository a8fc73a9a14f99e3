"""The restricted likelihood and its derivatives, block by block.

The covariance of a cluster is V = blockdiag(R_i) + s 11', with R_i the rows and columns of R = sum of theta_k E_k that person i answered, and s
the variance between clusters. It is linear in its parameters, which is what Kenward & Roger's formulas want. V is never formed: a
person's block is inverted once per pattern of answered waves, and the cluster adds a matrix of rank one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.surveys.mixed.layout import Layout

__all__ = ["Derivatives", "Likelihood", "Point"]


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
    """Of the log-likelihood by theta. score (K,); expected, observed (K, K): information; p (K, p, p): X'V⁻¹V_kV⁻¹X; q (K, K, p, p): X'V⁻¹V_kV⁻¹V_lV⁻¹X."""

    score: np.ndarray
    expected: np.ndarray
    observed: np.ndarray
    p: np.ndarray
    q: np.ndarray


class Likelihood:
    """One data set and covariance structure; theta is (K,), the cluster variance last where there are clusters."""

    def __init__(self, layout: Layout, x: np.ndarray, y: np.ndarray, templates: np.ndarray) -> None:
        self.layout, self.templates = layout, templates
        self.n, self.p = x.shape
        self.clustered = layout.n_clusters > 0
        self.size = len(templates) + self.clustered
        both = np.column_stack([x, y])
        self._data = [both[pattern.rows] for pattern in layout.patterns]
        self._blocks = [templates[:, pattern.slots[:, None], pattern.slots] for pattern in layout.patterns]

    def _sums(self, pattern: int, values: np.ndarray) -> np.ndarray:
        """(C, ...) sums over the persons (m, ...) of a pattern by cluster."""
        layout = self.layout
        out = np.zeros((max(layout.n_clusters, 1), *values.shape[1:]))
        np.add.at(out, layout.patterns[pattern].cluster, values)
        return out

    def _inverses(self, theta: np.ndarray) -> tuple[list[np.ndarray], float] | None:
        """R⁻¹ of every pattern and the sum of log determinants; None when R is not positive definite."""
        inverses, logdet = [], 0.0
        for pattern, blocks in zip(self.layout.patterns, self._blocks, strict=True):
            r = np.tensordot(theta[: len(blocks)], blocks, axes=1)
            try:
                root = np.linalg.cholesky(r)
            except np.linalg.LinAlgError:
                return None
            diagonal = np.diag(root)
            if diagonal.min() <= 1e-7 * max(diagonal.max(), 1e-300):
                return None
            inverses.append(np.linalg.inv(r))
            logdet += 2 * float(np.log(diagonal).sum()) * len(pattern.rows)
        return inverses, logdet

    def point(self, theta: np.ndarray) -> Point | None:
        """The restricted likelihood at ``theta``; None where it does not exist."""
        made = self._inverses(theta)
        s = float(theta[-1]) if self.clustered else 0.0
        if made is None or s < 0:
            return None
        inverses, logdet = made
        gram = np.zeros((self.p + 1, self.p + 1))
        weight, lines = np.zeros(max(self.layout.n_clusters, 1)), np.zeros((max(self.layout.n_clusters, 1), self.p + 1))
        for number, (data, inverse) in enumerate(zip(self._data, inverses, strict=True)):
            flat = data.reshape(-1, self.p + 1)
            gram += flat.T @ np.matmul(inverse, data).reshape(-1, self.p + 1)
            if self.clustered:
                one = inverse.sum(axis=0)
                weight += self._sums(number, np.full(len(data), one.sum()))
                lines += self._sums(number, np.einsum("t,mtp->mp", one, data))
        if self.clustered:
            gram -= lines.T @ (lines * (s / (1 + s * weight))[:, None])
            logdet += float(np.log1p(s * weight).sum())
        information = gram[:-1, :-1]
        sign, logdet_x = np.linalg.slogdet(information)
        if sign <= 0:
            return None
        covariance = np.linalg.inv(information)
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
        """Score and information at a point."""
        made = self._inverses(at.theta)
        assert made is not None
        inverses, k, width = made[0], self.size, self.p + 1
        templates, count = len(self.templates), max(self.layout.n_clusters, 1)
        s = float(at.theta[-1]) if self.clustered else 0.0
        turned = np.eye(width)
        turned[:-1, -1] = -at.beta  # the last column becomes the residual
        weight, lines = np.zeros(count), np.zeros((count, width))
        ones = [inverse.sum(axis=0) for inverse in inverses]
        data = [block @ turned for block in self._data]
        for number, block in enumerate(data):
            weight += self._sums(number, np.full(len(block), ones[number].sum()))
            lines += self._sums(number, np.einsum("t,mtp->mp", ones[number], block))
        shrink = 1 / (1 + s * weight)
        d = s * shrink
        first = np.zeros((k, width, width))  # (V⁻¹A)'V_k(V⁻¹A)
        second = np.zeros((k * width, k * width))  # (V_kV⁻¹A)'V⁻¹(V_lV⁻¹A)
        trace, traces = np.zeros(k), np.zeros((k, k))
        a, mixed = np.zeros((templates, count)), np.zeros((templates, templates, count))
        sums, inner = np.zeros((count, width)), np.zeros((count, templates, width))
        for number, (block, inverse, one) in enumerate(zip(data, inverses, ones, strict=True)):
            pattern, e = self.layout.patterns[number], self._blocks[number]
            g = np.matmul(inverse, block) - (d[pattern.cluster, None] * lines[pattern.cluster])[:, None, :] * one[:, None]
            f = np.einsum("kst,mtp->mskp", e, g)
            flat = f.reshape(-1, templates * width)
            second[: templates * width, : templates * width] += flat.T @ np.einsum("st,mtq->msq", inverse, f.reshape(*f.shape[:2], -1)).reshape(flat.shape)
            first[:templates] += np.einsum("mtp,mtkq->kpq", g, f, optimize=True)
            re = np.matmul(inverse, e)
            trace[:templates] += len(block) * np.trace(re, axis1=1, axis2=2)
            traces[:templates, :templates] += len(block) * np.einsum("kst,lts->kl", re, re)
            people = self._sums(number, np.ones(len(block)))
            a += np.einsum("s,kst,t->k", one, e, one)[:, None] * people
            mixed += np.einsum("s,kst,tu,luv,v->kl", one, e, inverse, e, one, optimize=True)[:, :, None] * people
            sums += self._sums(number, g.sum(axis=1))
            inner += self._sums(number, np.einsum("s,mskp->mkp", one, f))
        lead = inner.reshape(count, -1)
        second[: templates * width, : templates * width] -= lead.T @ (lead * d[:, None])
        trace[:templates] -= a @ d
        traces[:templates, :templates] += -2 * mixed @ d + (a * d**2) @ a.T
        if self.clustered:
            first[-1] = sums.T @ sums
            cross = (inner * shrink[:, None, None]).reshape(count, -1).T @ sums
            second[: templates * width, templates * width :] = cross
            second[templates * width :, : templates * width] = cross.T
            second[templates * width :, templates * width :] = sums.T @ (sums * (shrink * weight)[:, None])
            trace[-1] = float((weight * shrink).sum())
            traces[-1, :-1] = traces[:-1, -1] = a @ shrink**2
            traces[-1, -1] = float(((weight * shrink) ** 2).sum())
        return self._assembled(at, first, second.reshape(k, width, k, width).transpose(0, 2, 1, 3), trace, traces)

    def _assembled(self, at: Point, first: np.ndarray, second: np.ndarray, trace: np.ndarray, traces: np.ndarray) -> Derivatives:
        covariance, p, q = at.covariance, first[:, :-1, :-1], second[:, :, :-1, :-1]
        turned = np.einsum("ab,kbc->kac", covariance, p)
        score = 0.5 * (first[:, -1, -1] - trace + np.einsum("kaa->k", turned))
        expected = 0.5 * (traces - 2 * np.einsum("ab,klba->kl", covariance, q) + np.einsum("kab,lba->kl", turned, turned))
        across = first[:, -1, :-1]
        quadratic = second[:, :, -1, -1] - across @ covariance @ across.T
        return Derivatives(score, expected, quadratic - expected, p, q)
