"""Weighted logistic regression with absorbed strata: who is treated, who is lost, who has the event in a period.

statsmodels fits the model; Newton's method then takes the estimate from where that stopping rule left it
to rounding, says when there is none (separation), and refits it without a cluster in a fraction of the time.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from mentorship_eval.errors import EstimationError, listing

__all__ = ["LogisticFit", "fit_logistic", "refuse_dependent"]

MOST_ITERATIONS = 60
CONVERGED = 1e-12  # length of a step in standard errors
REFITTED = 1e-9  # refits need not be polished
FLAT = 8  # iterations that gain next to nothing and still move: the likelihood has no maximum
COLLINEAR = 1e-10
NO_INFORMATION = 1e-12


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic model.

    coef: (p,) log odds ratios; intercepts: (S,) one a stratum, infinite in a stratum whose outcomes are all alike;
    fitted: (n,) probabilities; covariance: (p, p) model-based, of ``coef``; full_covariance: (p + 1, p + 1) with the
    intercept first, when there is one stratum; runaway: position of the coefficient that grows without limit
    (separation), None when the maximum exists; constant: (S,) strata whose outcomes are all alike.
    """

    coef: np.ndarray
    intercepts: np.ndarray
    fitted: np.ndarray
    covariance: np.ndarray
    full_covariance: np.ndarray | None
    loglik: float
    runaway: int | None
    constant: np.ndarray

    def predict(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Probabilities for covariates (p, m) in strata ``codes`` (m,)."""
        return expit(self.coef @ x + self.intercepts[codes])


@dataclass(frozen=True)
class _State:
    """One point of the likelihood; g: score and curvature with the strata's intercepts eliminated."""

    coef: np.ndarray
    intercepts: np.ndarray
    loglik: float
    probability: np.ndarray
    score: np.ndarray
    information: np.ndarray
    of_strata: np.ndarray
    cross: np.ndarray
    score_strata: np.ndarray

    @classmethod
    def at(cls, x: np.ndarray, y: np.ndarray, w: np.ndarray, codes: np.ndarray, size: int, coef: np.ndarray, intercepts: np.ndarray) -> _State:
        eta = coef @ x + intercepts[codes]
        probability = expit(eta)
        loglik = float(np.sum(w * (y * eta - np.logaddexp(0, eta))))
        residual, curve = w * (y - probability), w * probability * (1 - probability)
        of_strata = np.bincount(codes, curve, size)
        cross = np.array([np.bincount(codes, curve * row, size) for row in x]).reshape(len(x), size)
        score_strata = np.bincount(codes, residual, size)
        safe = np.where(of_strata > 0, of_strata, 1.0)
        score = x @ residual - cross @ (score_strata / safe)
        information = (x * curve) @ x.T - (cross / safe) @ cross.T
        return cls(coef, intercepts, loglik, probability, score, information, safe, cross, score_strata)

    def step(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Newton step of coefficients and intercepts, and its length in standard errors; directions without information stay."""
        inverse = _pseudo_inverse(self.information)
        move = inverse @ self.score
        of_strata = (self.score_strata - move @ self.cross) / self.of_strata
        length = float(np.sqrt(max(self.score @ move + np.sum(self.score_strata**2 / self.of_strata), 0.0)))
        return move, of_strata, length


def _pseudo_inverse(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.pinv(matrix, rcond=NO_INFORMATION, hermitian=True) if len(matrix) else matrix


def refuse_dependent(x: np.ndarray, codes: np.ndarray, size: int, terms: Sequence[str], names: Sequence[str], what: str) -> None:
    """Name the first term that is constant within strata or a combination of the ones before it.

    x: (p, n) covariates of the rows that carry information; names: the column behind each term.
    """
    counts = np.maximum(np.bincount(codes, minlength=size), 1)
    centred = np.array([row - (np.bincount(codes, row, size) / counts)[codes] for row in x]).reshape(x.shape)
    own = np.sum(centred**2, axis=1)
    total = np.sum(x**2, axis=1)
    left = centred @ centred.T
    for j, term in enumerate(terms):
        if own[j] <= 1e-20 * max(total[j], 1e-300):
            where = "in the rows (or within the strata) that this model uses" if size > 1 else "in the rows that this model uses"
            raise EstimationError(
                f"Covariate {term!r} of the {what} does not vary {where}.", fix=f"Leave {names[j]!r} out of the {what}, or merge its levels.",
            )
        if left[j, j] <= COLLINEAR * own[j]:
            raise EstimationError(
                f"Covariate {term!r} of the {what} is a linear combination of {listing(map(repr, terms[:j]))} (collinear).",
                fix=f"Leave {names[j]!r} or one of the others out.",
            )
        left = left - np.outer(left[:, j], left[j]) / left[j, j]


def fit_logistic(
    x: np.ndarray, y: np.ndarray, *, weights: np.ndarray | None = None, codes: np.ndarray | None = None, start: np.ndarray | None = None,
) -> LogisticFit:
    """Maximum likelihood of logit P(y = 1) = intercept of the stratum + coef @ x.

    Parameters
    ----------
    x : (p, n) covariates without a constant, p may be 0; y : (n,) 0/1; weights : (n,) at least 0.
    codes : (n,) strata 0..S-1, each with its own intercept; one stratum when None. A stratum whose outcomes (of positive
        weight) are all alike is fitted exactly by an infinite intercept and says nothing about ``coef``.
    start : (p,) coefficients to begin at, for refits; statsmodels gives them when None and there is one stratum.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    code = np.zeros(len(y), dtype=np.intp) if codes is None else codes
    size = int(code.max()) + 1 if len(code) else 1
    total, positive = np.bincount(code, w, size), np.bincount(code, w * y, size)
    share = np.divide(positive, total, out=np.full(size, np.nan), where=total > 0)
    constant = ~((share > 0) & (share < 1))
    used = (w > 0) & ~constant[code]
    intercepts = np.where(share == 1, np.inf, np.where(share == 0, -np.inf, np.nan))
    intercepts[~constant] = 0.0
    p = len(x)
    if not used.any():
        return LogisticFit(np.zeros(p), intercepts, expit(intercepts[code]), np.full((p, p), np.nan), None, 0.0, None, constant)
    xs, ys, ws, cs = x[:, used], y[used], w[used], code[used]
    ns = np.maximum(np.bincount(cs, minlength=size), 1)
    centre = np.array([np.bincount(cs, row, size) / ns for row in xs]).reshape(p, size)
    z = xs - centre[:, cs]
    spread = np.sqrt(np.mean(z**2, axis=1))
    scale = np.where(spread > 1e-11 * np.abs(xs).max(axis=1, initial=0.0), spread, 1.0)
    z = np.ascontiguousarray(z / scale[:, np.newaxis])
    begin = _statsmodels(z, ys, ws) if start is None and size == 1 else np.zeros(p) if start is None else np.asarray(start, dtype=float) * scale
    state = _State.at(z, ys, ws, cs, size, begin, _level(z, begin, share, constant))
    if not np.isfinite(state.loglik):
        state = _State.at(z, ys, ws, cs, size, np.zeros(p), _level(z, np.zeros(p), share, constant))
    state, runaway = _climb(state, z, ys, ws, cs, size, CONVERGED if start is None else REFITTED)
    covariance = _pseudo_inverse(state.information)
    coef = state.coef / scale
    intercepts[~constant] = (state.intercepts - coef @ centre)[~constant]
    fitted = expit(coef @ x + intercepts[code]) if p else expit(intercepts[code])
    full = _with_intercept(state, covariance, centre, scale) if size == 1 else None
    return LogisticFit(coef, intercepts, fitted, covariance / np.outer(scale, scale), full, state.loglik, runaway, constant)


def _level(z: np.ndarray, coef: np.ndarray, share: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Intercepts to begin at: the log odds of each stratum, for covariates are centred within strata."""
    inside = np.where(constant, 0.5, share)
    return np.log(inside / (1 - inside))


def _climb(
    state: _State, z: np.ndarray, y: np.ndarray, w: np.ndarray, codes: np.ndarray, size: int, converged: float,
) -> tuple[_State, int | None]:
    """Newton's method with step-halving until the step is rounding, and the position of a coefficient that runs away."""
    flat, before = 0, np.inf
    for _ in range(MOST_ITERATIONS):
        move, of_strata, length = state.step()
        if length < converged or (length < 1e-7 and length > 0.1 * before):
            if len(move) and np.abs(move).max() > 1e-3:  # a step of some size, but of no standard error: both run away
                return state, int(np.argmax(np.abs(move)))
            return state, _without_information(state.information, z)
        before = length
        trial = _State.at(z, y, w, codes, size, state.coef + move, state.intercepts + of_strata)
        slack, halvings = 1e-10 * (1 + abs(state.loglik)), 0
        while not trial.loglik >= state.loglik - slack and halvings < 40:
            move, of_strata, halvings = move / 2, of_strata / 2, halvings + 1
            trial = _State.at(z, y, w, codes, size, state.coef + move, state.intercepts + of_strata)
        flat = flat + 1 if trial.loglik - state.loglik < 1e-6 else 0
        state = trial
        if flat >= FLAT:
            break
    return state, int(np.argmax(np.abs(move))) if len(move) else None


def _without_information(information: np.ndarray, z: np.ndarray) -> int | None:
    """Position of a coefficient about which nothing is left to learn although the covariate varies: it went too far already."""
    if not len(z):
        return None
    values, vectors = np.linalg.eigh(information)
    for direction in vectors[:, values <= NO_INFORMATION * values.max()].T:
        if np.mean((direction @ z) ** 2) > COLLINEAR:
            return int(np.argmax(np.abs(direction)))
    return None


def _statsmodels(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Coefficients by statsmodels' GLM; where it fails (separation), 0, and Newton's method will say what is wrong."""
    if not len(z):
        return np.zeros(0)
    # not statsmodels.api, which loads a hundred modules more
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # separation is reported by ourselves, with the name of the covariate
        try:
            model = GLM(y, np.column_stack([np.ones(len(y)), z.T]), family=Binomial(), freq_weights=w)
            found = np.asarray(model.fit(tol=1e-10).params[1:])
        except Exception:  # statsmodels raises many kinds, none of which is a result
            return np.zeros(len(z))
    return found if np.isfinite(found).all() and np.abs(found).max() < 20 else np.zeros(len(z))


def _with_intercept(state: _State, covariance: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(p + 1, p + 1) covariance of the intercept and the coefficients of the uncentred, unscaled covariates."""
    p = len(scale)
    inner = np.empty((p + 1, p + 1))
    slope = state.cross[:, 0] / state.of_strata[0]
    inner[1:, 1:] = covariance
    inner[0, 1:] = inner[1:, 0] = -covariance @ slope
    inner[0, 0] = 1 / state.of_strata[0] + slope @ covariance @ slope
    back = np.eye(p + 1)
    back[0, 1:] = -centre[:, 0] / scale
    back[1:, 1:] = np.diag(1 / scale)
    return back @ inner @ back.T
