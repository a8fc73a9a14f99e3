"""The model with a level of the department and a level of the person, from a few sums: many likelihoods at the price of one.

With variances 1 (errors), g (person) and s (department), in units of that of the errors, a person with t answers has the inverse
covariance (I - J/t) + e J/t, e = 1 / (1 + t g), and a department adds a matrix of rank one. So the crossproducts of V^-1 are

    sum of within + sum_t e_t between_t - sum_c d_c u_c u_c',   d_c = s / (1 + s omega_c),  omega_c = sum_t n_tc t e_t,  u_c = sum_t e_t sums_tc

where within, between and sums do not depend on the variances. Leaving a department out takes its part off each sum, so that all refits of
the jackknife run side by side, by Newton's method with exact second derivatives. `Likelihood` is the general form of the same and what this is
tested against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.surveys.mixed.likelihood import SINGULAR, Likelihood

__all__ = ["Levels", "levels_of"]

STEPS, HALVINGS, CLOSE = 40, 30, 1e-11
TOGETHER = 2_000_000  # numbers in one array of the refits that run side by side


@dataclass(frozen=True)
class _Point:
    """Of V versions. deviance (V,), profiled over the size of the errors; slopes (V, 2) and curvature (V, 2, 2) by g and s; beta (V, p)."""

    deviance: np.ndarray
    slopes: np.ndarray
    curvature: np.ndarray
    beta: np.ndarray


@dataclass(frozen=True)
class Levels:
    """sizes (T,): numbers of answers t; people (T, C): persons of a department with t; within (C, w, w), between (C, T, w, w), sums (C, T, w): of
    the columns [X, y]; persons: whether there is a level of the person."""

    sizes: np.ndarray
    people: np.ndarray
    within: np.ndarray
    between: np.ndarray
    sums: np.ndarray
    persons: bool

    def profile(self, person: float, cluster: float) -> float:
        """Least deviance over all sizes of the errors, at variances in units of theirs; infinite where there is none."""
        at = self._at(np.array([[person, cluster]]), np.ones((1, len(self.within)), bool), slopes=False)
        return float(at.deviance[0]) if np.isfinite(at.deviance[0]) else np.inf

    def leave_one_out(self, person: float, cluster: float) -> np.ndarray:
        """(C, p) coefficients without each department, begun at the given variances; NaN where the search did not end."""
        count, _, w = self.sums.shape
        left_out = np.arange(count)
        size = max(TOGETHER // (count * w), 1)
        parts = [left_out[begin : begin + size] for begin in range(0, count, size)]
        return np.concatenate([self._without(part, person, cluster) for part in parts])

    def _without(self, left_out: np.ndarray, person: float, cluster: float) -> np.ndarray:
        kept = left_out[:, None] != np.arange(len(self.within))
        where = np.tile([person, cluster], (len(kept), 1)).astype(float)
        at = self._at(where, kept)
        done = np.zeros(len(kept), bool)
        for _ in range(STEPS):
            free = (where > 0) | (at.slopes < 0)
            free[:, 0] &= self.persons
            step = _newton(at.slopes, at.curvature, free)
            done = ~np.isfinite(at.deviance) | (-(step * at.slopes).sum(axis=1) < CLOSE)
            if done.all():
                break
            where, at, stuck = self._climbed(where, at, step, kept, ~done)
            if stuck.all():
                break
        beta = at.beta.copy()
        beta[~done | ~np.isfinite(at.deviance)] = np.nan
        return beta

    def _climbed(
        self, where: np.ndarray, at: _Point, step: np.ndarray, kept: np.ndarray, moving: np.ndarray
    ) -> tuple[np.ndarray, _Point, np.ndarray]:
        """A step of the ``moving``, halved until it helps; which of them found no way (those that stand still are among them)."""
        where, length, left = where.copy(), np.ones(len(where)), moving.copy()
        values = [at.deviance.copy(), at.slopes.copy(), at.curvature.copy(), at.beta.copy()]
        for _ in range(HALVINGS):
            if not left.any():
                break
            place = np.flatnonzero(left)
            trial = np.maximum(where[place] + length[place, None] * step[place], 0.0)
            there = self._at(trial, kept[place])
            better = there.deviance < at.deviance[place]
            won = place[better]
            where[won] = trial[better]
            for value, new in zip(values, (there.deviance, there.slopes, there.curvature, there.beta), strict=True):
                value[won] = new[better]
            left[won] = False
            length /= 2
        return where, _Point(*values), left | ~moving

    def _at(self, where: np.ndarray, kept: np.ndarray, *, slopes: bool = True) -> _Point:
        """The profiled restricted deviance of versions that keep the departments ``kept`` (V, C), at ``where`` (V, 2)."""
        g, s = where[:, :1], where[:, 1:]
        t = self.sizes.astype(float)
        w = self.within.shape[-1]
        inside = kept.astype(float)
        people = inside @ self.people.T  # (V, T)
        within = np.tensordot(inside, self.within, axes=1)
        between = np.tensordot(inside, self.between, axes=1)  # (V, T, w, w)
        n = people @ t
        free = n - (w - 1)
        e = 1 / (1 + t * g)  # (V, T)
        load = self.people * t[:, None]  # (T, C)
        omega = e @ load
        u = np.einsum("vt,ctw->vcw", e, self.sums)
        q = inside / (1 + s * omega)  # 0 for those left out
        d = s * q
        across = u.transpose(0, 2, 1)
        gram = within + np.einsum("vt,vtab->vab", e, between) - across @ (d[:, :, None] * u)
        logdet = (people * np.log1p(t * g)).sum(axis=1) + (inside * np.log1p(s * omega)).sum(axis=1)
        information = gram[:, :-1, :-1]
        scale = np.sqrt(np.maximum(np.einsum("vaa->va", information), 1e-300))
        values, vectors = np.linalg.eigh(information / (scale[:, :, None] * scale[:, None, :]))
        exists = values[:, 0] >= SINGULAR
        values = np.where(exists[:, None], values, 1.0)
        phi = (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1) / (scale[:, :, None] * scale[:, None, :])
        beta = np.einsum("vab,vb->va", phi, gram[:, :-1, -1])
        rss = gram[:, -1, -1] - (beta * gram[:, :-1, -1]).sum(axis=1)
        exists &= (rss > 0) & (free > 0)
        rss, free = np.where(exists, rss, 1.0), np.where(exists, free, 1.0)
        deviance = free * (np.log(2 * np.pi * rss / free) + 1) + logdet + np.log(values).sum(axis=1) + 2 * np.log(scale).sum(axis=1)
        deviance = np.where(exists, deviance, np.inf)
        if not slopes:
            return _Point(deviance, np.zeros((len(where), 2)), np.zeros((len(where), 2, 2)), beta)

        e1, e2 = -t * e**2, 2 * t**2 * e**3
        omega1, omega2 = e1 @ load, e2 @ load
        u1, u2 = np.einsum("vt,ctw->vcw", e1, self.sums), np.einsum("vt,ctw->vcw", e2, self.sums)

        def square(weight: np.ndarray) -> np.ndarray:
            return np.asarray(across @ (weight[:, :, None] * u))

        def mixed(weight: np.ndarray, other: np.ndarray = u1) -> np.ndarray:
            half = across @ (weight[:, :, None] * other)
            return np.asarray(half + half.transpose(0, 2, 1))

        d1 = -(d**2) * omega1
        gram_g = np.einsum("vt,vtab->vab", e1, between) - square(d1) - mixed(d)
        gram_s = -square(q**2)
        turning = 2 * (u1.transpose(0, 2, 1) @ (d[:, :, None] * u1))
        gram_gg = (
            np.einsum("vt,vtab->vab", e2, between) - square(2 * d**3 * omega1**2 - d**2 * omega2) - mixed(2 * d1) - mixed(d, u2) - turning
        )
        gram_gs = square(2 * s * omega1 * q**3) - mixed(q**2)
        gram_ss = square(2 * omega * q**3)
        first = np.stack([gram_g, gram_s], axis=1)
        second = np.stack([np.stack([gram_gg, gram_gs], axis=1), np.stack([gram_gs, gram_ss], axis=1)], axis=1)
        log_g = (people * t * e).sum(axis=1) + (s * omega1 * q).sum(axis=1)
        log_s = (omega * q).sum(axis=1)
        log_gg = -(people * t**2 * e**2).sum(axis=1) + (s * omega2 * q - (s * omega1 * q) ** 2).sum(axis=1)
        log_gs = (omega1 * q**2).sum(axis=1)
        log_ss = -((omega * q) ** 2).sum(axis=1)
        of_log = np.stack([log_g, log_s], axis=1)
        of_log2 = np.stack([np.stack([log_gg, log_gs], axis=1), np.stack([log_gs, log_ss], axis=1)], axis=1)

        r = np.concatenate([-beta, np.ones((len(beta), 1))], axis=1)
        gr = np.einsum("vkab,vb->vka", first, r)
        rss1 = np.einsum("vka,va->vk", gr, r)
        rss2 = np.einsum("va,vklab,vb->vkl", r, second, r) - 2 * np.einsum("vka,vab,vlb->vkl", gr[:, :, :-1], phi, gr[:, :, :-1])
        turned = phi[:, None] @ first[:, :, :-1, :-1]
        trace1 = np.einsum("vkaa->vk", turned)
        trace2 = np.einsum("vab,vklba->vkl", phi, second[:, :, :, :-1, :-1]) - np.einsum("vkab,vlba->vkl", turned, turned)
        share = rss1 / rss[:, None]
        slope = free[:, None] * share + of_log + trace1
        curvature = free[:, None, None] * (rss2 / rss[:, None, None] - share[:, :, None] * share[:, None, :]) + of_log2 + trace2
        return _Point(deviance, slope, curvature, beta)


def levels_of(likelihood: Likelihood) -> Levels | None:
    """The sums of a likelihood whose covariance has levels only; None of another covariance."""
    templates = likelihood.templates
    slots = templates.shape[1]
    if len(templates) > 2 or not (templates[0] == np.eye(slots)).all() or (len(templates) == 2 and not (templates[1] == 1).all()):
        return None
    count, w = max(likelihood.layout.n_clusters, 1), likelihood.p + 1
    sizes = np.array(sorted({len(pattern.slots) for pattern in likelihood.layout.patterns}))
    people, sums = np.zeros((len(sizes), count)), np.zeros((count, len(sizes), w))
    within, between = np.zeros((count, w, w)), np.zeros((count, len(sizes), w, w))
    for data, pattern in likelihood.blocks():
        t = len(pattern.slots)
        k = int(np.searchsorted(sizes, t))
        level = data.sum(axis=1)  # (m, w) of a person
        for code, begin, end in zip(pattern.present, pattern.starts, [*pattern.starts[1:], len(data)], strict=True):
            part, own = data[begin:end].reshape(-1, w), level[begin:end]
            square = own.T @ own / t
            within[code] += part.T @ part - square
            between[code, k] += square
            sums[code, k] += own.sum(axis=0)
            people[k, code] += end - begin
    return Levels(sizes, people, within, between, sums, len(templates) == 2)


def _newton(slopes: np.ndarray, curvature: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(V, 2) downhill steps in the free directions: Newton's, with the curvature made positive by turning its eigenvalues up."""
    both = free[:, :, None] & free[:, None, :]
    matrix = np.where(both, curvature, 0.0) + np.eye(2) * ~free[:, :, None]
    scale = np.sqrt(np.maximum(np.abs(np.einsum("vkk->vk", matrix)), 1e-300))
    values, vectors = np.linalg.eigh(matrix / (scale[:, :, None] * scale[:, None, :]))
    values = np.maximum(np.abs(values), 1e-8)
    turned = np.einsum("vab,va->vb", vectors, np.where(free, slopes, 0.0) / scale)
    return np.asarray(-np.einsum("vab,vb->va", vectors, turned / values) / scale)
