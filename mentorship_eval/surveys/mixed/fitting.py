"""Restricted maximum likelihood by average-information steps (Gilmour, Thompson & Cullis 1995, Biometrics 51:1440-1450), halved until they help."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import EstimationError
from mentorship_eval.surveys.mixed.likelihood import Derivatives, Likelihood, Point

__all__ = ["Fit", "intercept_templates", "restricted_fit", "unstructured_templates"]

STEPS, HALVINGS, CLOSE = 100, 40, 1e-11


@dataclass(frozen=True)
class Fit:
    """likelihood: what was maximised; at: where; derivatives: there; boundary: (K,) variances that were estimated as 0."""

    likelihood: Likelihood
    at: Point
    derivatives: Derivatives
    boundary: np.ndarray


def intercept_templates(slots: int, *, person: bool) -> np.ndarray:
    """(1 or 2, T, T): independent errors, and a person's own level."""
    return np.stack([np.eye(slots), np.ones((slots, slots))]) if person else np.eye(slots)[None]


def unstructured_templates(slots: int) -> np.ndarray:
    """(T(T+1)/2, T, T): every variance and covariance of the waves for itself, row by row of the lower triangle."""
    out = []
    for i in range(slots):
        for j in range(i + 1):
            template = np.zeros((slots, slots))
            template[i, j] = template[j, i] = 1.0
            out.append(template)
    return np.stack(out)


def _start(likelihood: Likelihood) -> Point | None:
    """Variance between clusters a tenth, between people three tenths of that of the residuals of least squares."""
    templates = likelihood.templates
    slots = templates.shape[1]
    basis = templates.reshape(len(templates), -1).T

    def theta(own: float, shared: float, cluster: float) -> np.ndarray:
        target = own * np.eye(slots) + shared * np.ones((slots, slots))
        found = np.linalg.lstsq(basis, target.ravel(), rcond=None)[0]
        return np.append(found, cluster) if likelihood.clustered else found

    plain = likelihood.point(theta(1.0, 0.0, 0.0))
    if plain is None or likelihood.n <= likelihood.p:
        return None
    variance = plain.rss / (likelihood.n - likelihood.p)
    if not variance > 1e-13 * likelihood.mean_square:
        raise EstimationError("The outcome has no variance that the fixed effects leave over.", fix="Check the outcome column.")
    return likelihood.point(theta(0.6 * variance, 0.3 * variance if len(templates) > 1 else 0.0, 0.1 * variance))


def restricted_fit(likelihood: Likelihood, *, nonnegative: np.ndarray, start: np.ndarray | None = None) -> Fit:
    """REML estimates.

    nonnegative : (K,) which parameters are variances of an effect and stop at 0; the others need only keep the covariance positive definite.
    start : parameters to begin with. Raises `EstimationError` when it does not converge.
    """
    at = likelihood.point(start) if start is not None else None
    at = at or _start(likelihood)
    for _ in range(STEPS):
        if at is None:
            break
        slopes = likelihood.derivatives(at)
        free = ~(nonnegative & (at.theta <= 0) & (slopes.score <= 0))
        average = ((slopes.expected + slopes.observed) / 2)[np.ix_(free, free)]
        step = np.zeros(likelihood.size)
        step[free] = _solved(average, slopes.expected[np.ix_(free, free)], slopes.score[free])
        if float(step @ slopes.score) < CLOSE:
            return Fit(likelihood, at, slopes, nonnegative & (at.theta <= 0))
        at_next = _climbed(likelihood, at, step, nonnegative)
        if at_next is None:  # no way up: as close as arithmetic allows, or not at all
            if float(step @ slopes.score) < 1e-6:
                return Fit(likelihood, at, slopes, nonnegative & (at.theta <= 0))
            break
        at = at_next
    raise EstimationError("The mixed model did not converge.", fix="Use structure='intercepts', fewer covariates, or drop waves with few answers.")


def _solved(average: np.ndarray, expected: np.ndarray, score: np.ndarray) -> np.ndarray:
    for matrix in (average, expected):
        scale = np.sqrt(np.abs(np.diag(matrix)))
        scale = np.where(scale > 0, scale, 1.0)
        values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
        if values.min() > 1e-8:
            return np.asarray(vectors @ ((vectors.T @ (score / scale)) / values) / scale)
    values = np.maximum(values, 1e-6)
    return np.asarray(vectors @ ((vectors.T @ (score / scale)) / values) / scale)


def _climbed(likelihood: Likelihood, at: Point, step: np.ndarray, nonnegative: np.ndarray) -> Point | None:
    for _ in range(HALVINGS):
        theta = at.theta + step
        theta = np.where(nonnegative, np.maximum(theta, 0.0), theta)
        trial = likelihood.point(theta)
        if trial is not None and trial.deviance < at.deviance:
            return trial
        step = step / 2
    return None
