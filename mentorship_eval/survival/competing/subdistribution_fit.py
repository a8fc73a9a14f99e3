"""Maximising the subdistribution likelihood, the influence of each row on it, and refits without clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mentorship_eval.errors import EstimationError
from mentorship_eval.survival.competing.observation_weights import ObservationWeights, observation_weights
from mentorship_eval.survival.competing.subdistribution_likelihood import SubdistributionLikelihood
from mentorship_eval.survival.competing.subdistribution_risk_sets import COMPETING, OF_INTEREST, weighted_risk_sets

__all__ = ["Runaway", "SortedRows", "SubdistributionFit", "fit_subdistribution", "leave_one_cluster_out", "prepare"]

CONVERGED = 1e-13  # Newton decrement: the distance to the maximum in standard errors
STALLED = 1e-7  # below this a decrement that no longer shrinks is rounding
REFITTED = 1e-9  # refits need not be polished: this is a billionth of a standard error
SINGULAR = 1e-10  # share of its information that a direction keeps
AT_REST = 1e-3  # standard errors: a coefficient that still moves by more runs away with the others
MOST_ITERATIONS = 100


class Runaway(Exception):
    """The likelihood rises without end; ``step``: (p,) by which the coefficients still moved at ``coef``, ``position``: which most."""

    def __init__(self, coef: np.ndarray, step: np.ndarray) -> None:
        self.coef, self.step = coef, step
        self.position = int(np.argmax(np.abs(step)))
        super().__init__(self.position)


@dataclass(frozen=True)
class SortedRows:
    """Rows in the order of (stop, kind), all arrays (n,): start, stop, kind (0 censored, 1 of interest, 2 competing), weight,
    is_first and is_last of a person's rows; x: (p, n); order: their positions in the caller's arrays."""

    start: np.ndarray
    stop: np.ndarray
    kind: np.ndarray
    weight: np.ndarray
    is_first: np.ndarray
    is_last: np.ndarray
    x: np.ndarray
    order: np.ndarray

    def where(self, keep: np.ndarray) -> SortedRows:
        return SortedRows(
            self.start[keep], self.stop[keep], self.kind[keep], self.weight[keep], self.is_first[keep], self.is_last[keep],
            np.ascontiguousarray(self.x[:, keep]), self.order[keep],
        )


@dataclass(frozen=True)
class SubdistributionFit:
    rows: SortedRows
    observed: ObservationWeights
    likelihood: SubdistributionLikelihood
    inverse: np.ndarray
    iterations: int
    decrement: float
    events_first: bool

    @property
    def coef(self) -> np.ndarray:
        return self.likelihood.coef

    def censoring_influence(self) -> np.ndarray:
        """(p, n) what each row contributes to the score through the estimated weights.

        With ``events_first`` the exact derivative with respect to the row's weight; otherwise Fine & Gray's psi
        as cmprsk computes it, which differs from that at tied times only.
        """
        rows, sets = self.rows, self.likelihood.sets
        ends = rows.stop[sets.cell[:-1]]
        total = np.zeros_like(rows.x)
        side: Literal["left", "right"] = "right" if self.events_first else "left"
        for jumps in self.observed.jumps:
            moments = np.searchsorted(ends[sets.competing], jumps.time, side=side)
            effect = self.likelihood.effect_of_weights(moments, np.searchsorted(ends[sets.dead], jumps.time, side=side))
            total += jumps.influence(effect)
        return total * rows.weight


def prepare(rows: SortedRows, events_first: bool) -> ObservationWeights:
    """The observation weights of ``rows``; refuses those that cannot be followed from a competing event to a later event of interest."""
    observed = observation_weights(
        rows.start, rows.stop, rows.kind > 0, rows.weight, rows.is_first, rows.is_last, events_first
    )
    competing, wanted = rows.stop[rows.kind == COMPETING], rows.stop[rows.kind == OF_INTEREST]
    crossed = [
        (float(moment), jumps.sign) for jumps in observed.jumps for moment in jumps.breaks
        if moment < wanted[-1] and len(competing) and competing[0] <= moment
    ]
    if crossed:
        when, sign = max(crossed)
        why = "everybody under observation was censored" if sign < 0 else "nobody is left who was under observation before"
        raise EstimationError(
            f"At {when:g} {why}, so that those with a competing event before cannot be weighted in the risk sets after.",
            fix=f"Analyse from {when:g} on: leave out the rows that end by then and let the others begin at it.",
        )
    return observed


def fit_subdistribution(
    rows: SortedRows, observed: ObservationWeights, begin: np.ndarray, ties: str, events_first: bool, converged: float = CONVERGED
) -> SubdistributionFit:
    """Newton-Raphson with step-halving from ``begin``; raises `Runaway` for a likelihood without a maximum
    and `numpy.linalg.LinAlgError` when the information is singular."""
    sets = weighted_risk_sets(rows.start, rows.stop, rows.kind, rows.weight, observed.log_before, ties)
    current = SubdistributionLikelihood.at(sets, rows.x, begin)
    inverse = _invert(current.information())
    flat, decrement = 0, np.inf
    for iteration in range(MOST_ITERATIONS + 1):
        score = current.score()
        before, decrement = decrement, float(np.sqrt(max(score @ inverse @ score, 0.0)))
        if decrement < converged or (decrement < STALLED and decrement > 0.1 * before):
            return SubdistributionFit(rows, observed, current, inverse, iteration, decrement, events_first)
        step = inverse @ score
        trial = SubdistributionLikelihood.at(sets, rows.x, current.coef + step, current.observed)
        halvings = 0
        # At the level of rounding the likelihood may seem to fall; only a real fall is halved.
        slack = 1e-10 * (1.0 + abs(current.loglik))
        while not trial.loglik >= current.loglik - slack and halvings < 40:
            step, halvings = step / 2, halvings + 1
            trial = SubdistributionLikelihood.at(sets, rows.x, current.coef + step, current.observed)
        flat = flat + 1 if trial.loglik - current.loglik < 1e-6 else 0
        if flat >= 8 or iteration == MOST_ITERATIONS:
            break
        try:
            inverse = _invert(trial.information())
        except np.linalg.LinAlgError:
            if flat:
                break
            raise
        current = trial
    raise Runaway(current.coef, step)


def _invert(information: np.ndarray) -> np.ndarray:
    if not np.isfinite(information).all():
        raise np.linalg.LinAlgError("not finite")
    factor = np.linalg.inv(np.linalg.cholesky(information))
    return factor.T @ factor


def leave_one_cluster_out(fit: SubdistributionFit, ties: str, clusters: np.ndarray, left_out: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(len(left_out), p) coefficients without each cluster, the observation weights estimated anew; NaN where one does not exist.

    ``clusters``: (n,) codes of the sorted rows; ``scores``: (p, G) influence of each cluster on the score, from which one step leads close.
    """
    found = np.full((len(left_out), len(fit.coef)), np.nan)
    for out, code in zip(found, left_out, strict=True):
        rows = fit.rows.where(clusters != code)
        if not (rows.kind == OF_INTEREST).any():
            continue
        try:
            out[:] = _refit(rows, fit, ties, fit.coef - fit.inverse @ scores[:, code])
        except (EstimationError, np.linalg.LinAlgError):
            continue
    return found


def _refit(rows: SortedRows, fit: SubdistributionFit, ties: str, begin: np.ndarray) -> np.ndarray:
    """(p,) coefficients from fewer rows. A category may be gone, or no longer have the event: each coefficient is judged by itself.

    Directions without information are taken out, which changes nothing for coefficients that they do not touch; where others run
    away, what no longer moves has reached its limit.
    """
    observed = prepare(rows, fit.events_first)
    sets = weighted_risk_sets(rows.start, rows.stop, rows.kind, rows.weight, observed.log_before, ties)
    information = SubdistributionLikelihood.at(sets, rows.x, np.zeros(len(rows.x))).information()
    own = np.sqrt(np.maximum(np.diag(information), 1e-12 * sets.count.sum()))
    values, vectors = np.linalg.eigh(information / np.outer(own, own))
    kept = values > SINGULAR
    determined = np.abs(vectors[:, ~kept]).max(axis=1, initial=0.0) < 1e-6
    turn = np.eye(len(own)) if kept.all() else vectors[:, kept].T / own
    fewer = rows if kept.all() else replace(rows, x=turn @ rows.x)
    try:
        coef = fit_subdistribution(fewer, observed, np.linalg.lstsq(turn.T, begin, rcond=None)[0], ties, fit.events_first, REFITTED).coef @ turn
    except Runaway as found:
        coef = found.coef @ turn
        determined &= np.abs(found.step @ turn) < AT_REST * np.sqrt(np.diag(fit.inverse))
    return np.where(determined, coef, np.nan)
