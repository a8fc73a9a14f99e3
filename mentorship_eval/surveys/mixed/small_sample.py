"""Standard errors and degrees of freedom of a contrast when the variances are themselves estimates.

Kenward & Roger (1997, Biometrics 53:983-997): the covariance of the fixed effects is inflated for what the estimated variances add, and a
contrast has t with 2 E² / var(E) degrees of freedom, E its variance, by the expected information. The covariance is linear in its
parameters here, so that the second derivatives of their formula vanish. Satterthwaite (as lmerTest does it; Kuznetsova, Brockhoff
& Christensen 2017, J. Statistical Software 82:13): the same degrees of freedom by the observed information, without the inflation; by the
expected one where a variance is estimated as 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError
from mentorship_eval.surveys.mixed.fitting import Fit

__all__ = ["DF_METHODS", "Contrasts", "contrasts"]

DF_METHODS = {"kenward-roger": "Kenward-Roger", "satterthwaite": "Satterthwaite"}


@dataclass(frozen=True)
class Contrasts:
    """estimate, se, df: (q,) each."""

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Of an information matrix whose parameters differ in size."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.linalg.pinv(matrix / np.outer(scale, scale), rcond=1e-10, hermitian=True) / np.outer(scale, scale))


def inflated_covariance(fit: Fit) -> np.ndarray:
    """(p, p) Kenward and Roger's covariance of the fixed effects."""
    phi, slopes = fit.at.covariance, fit.derivatives
    w = _inverse(slopes.expected)
    middle = np.einsum("kl,klab->ab", w, slopes.q) - np.einsum("kl,kab,bc,lcd->ad", w, slopes.p, phi, slopes.p, optimize=True)
    added = 2 * phi @ middle @ phi
    return phi + (added + added.T) / 2


def contrasts(fit: Fit, lines: np.ndarray, df: str = "kenward-roger") -> Contrasts:
    """Estimates of the rows of ``lines`` (q, p) with standard errors and degrees of freedom."""
    if df not in DF_METHODS:
        raise UsageError(f"There are no degrees of freedom {df!r}.", fix=f"Choose one of {', '.join(DF_METHODS)}.")
    phi, slopes = fit.at.covariance, fit.derivatives
    information = slopes.expected
    # where a variance is 0 the likelihood is at its edge, and its curvature there says little
    if df == "satterthwaite" and not fit.boundary.any() and np.linalg.eigvalsh(slopes.observed).min() > 0:
        information = slopes.observed
    w = _inverse(information)
    turned = lines @ phi
    variance = np.einsum("qa,qa->q", turned, lines)
    gradient = np.einsum("qa,kab,qb->qk", turned, slopes.p, turned)
    uncertainty = np.einsum("qk,kl,ql->q", gradient, w, gradient)
    freedom = np.divide(2 * variance**2, uncertainty, out=np.full(len(lines), np.inf), where=uncertainty > 0)
    covariance = inflated_covariance(fit) if df == "kenward-roger" else phi
    se = np.sqrt(np.maximum(np.einsum("qa,ab,qb->q", lines, covariance, lines), 0.0))
    return Contrasts(lines @ fit.at.beta, se, freedom)
