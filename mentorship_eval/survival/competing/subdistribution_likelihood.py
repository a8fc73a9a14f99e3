"""The partial likelihood of the subdistribution hazard and its derivatives (Fine & Gray 1999)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.survival.competing.subdistribution_risk_sets import WeightedRiskSets, prefix_sums

__all__ = ["SubdistributionLikelihood"]


@dataclass(frozen=True)
class SubdistributionLikelihood:
    """The likelihood at one coefficient vector for covariates ``x`` (p, n) of the sorted rows.

    risk: (n,) weight * exp(eta); observed: (p,) weighted covariates of the events; s0, s1: (K,), (p, K) sums over the weighted risk sets; d0, d1: the
    same over the events at each time; sums: (5, K) over the tied steps of h, h f, h^2/w, f h^2/w,
    f^2 h^2/w with h = w / (s0 - f d0), f the share of the events already removed and w a step's weight.
    """

    sets: WeightedRiskSets
    x: np.ndarray
    coef: np.ndarray
    risk: np.ndarray
    observed: np.ndarray
    s0: np.ndarray
    s1: np.ndarray
    d0: np.ndarray
    d1: np.ndarray
    sums: np.ndarray
    loglik: float

    @classmethod
    def at(
        cls, sets: WeightedRiskSets, x: np.ndarray, coef: np.ndarray, observed: np.ndarray | None = None
    ) -> SubdistributionLikelihood:
        """Evaluate at ``coef`` (p,); ``observed`` is known from an evaluation elsewhere."""
        if observed is None:
            rows, _ = sets.dead_rows
            observed = x[:, rows] @ sets.weight[rows]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            risk, by_cell = _sums_by_cell(sets, x, coef)
            late = np.concatenate((risk[np.newaxis, sets.late], risk[sets.late] * x[:, sets.late])) if len(sets.late) else None
            whole, died = sets.at_risk(by_cell, late), by_cell[:, sets.dead]
            sums, logs = _over_tied_steps(sets, whole[0], died[0])
            loglik = float(coef @ observed - logs)
        return cls(sets, x, coef, risk, observed, whole[0], whole[1:], died[0], died[1:], sums, loglik)

    def score(self) -> np.ndarray:
        """(p,)"""
        return self.observed - self.s1 @ self.sums[0] + self.d1 @ self.sums[1]

    def information(self) -> np.ndarray:
        """(p, p) observed information."""
        sets = self.sets
        upto, before = sets.over_time_at_risk(self.sums[:1])
        found = np.zeros((len(self.x),) * 2)
        hazard = upto[0]
        hazard[sets.dead] -= self.sums[1]  # of the events themselves: taken out step by step
        for part, cells in sets.blocks():
            rows = self.x[:, part]
            found += (rows * (self.risk[part] * np.repeat(hazard[cells], sets.sizes(part, cells)))) @ rows.T
        if len(sets.late):
            late = self.x[:, sets.late]
            found -= (late * (self.risk[sets.late] * before[0])) @ late.T
        cross = (self.s1 * self.sums[3]) @ self.d1.T
        return found - (self.s1 * self.sums[2]) @ self.s1.T + cross + cross.T - (self.d1 * self.sums[4]) @ self.d1.T

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """(p, K) sums over the tied steps of hazard times covariate mean, and of that times the share removed."""
        return self.sums[2] * self.s1 - self.sums[3] * self.d1, self.sums[3] * self.s1 - self.sums[4] * self.d1

    def score_residuals(self) -> np.ndarray:
        """(p, n) weighted score residuals, the weights g taken as known; they sum to the score."""
        sets = self.sets
        drift, removed = self.means()
        upto, before = sets.over_time_at_risk(np.concatenate((self.sums[:1], drift)))
        upto[0, sets.dead] -= self.sums[1]
        upto[1:, sets.dead] -= removed
        cells = sets.of_cell
        residuals = np.empty_like(self.x)
        hazard = self.risk * upto[0][cells]
        for out, x, mean in zip(residuals, self.x, upto[1:], strict=True):
            np.multiply(self.risk, mean[cells], out=out)
            out -= hazard * x
        if len(sets.late):
            residuals[:, sets.late] += self.risk[sets.late] * (self.x[:, sets.late] * before[0] - before[1:])
        rows, at = sets.dead_rows
        average = (self.sums[0] * self.s1 - self.sums[1] * self.d1) / sets.total
        residuals[:, rows] += sets.weight[rows] * (self.x[:, rows] - average[:, at])
        return residuals

    def effect_of_weights(self, moments: np.ndarray, at_event: np.ndarray) -> np.ndarray:
        """(p, m): derivative of the score with respect to a change of log g after a moment, for who had a competing event by then.

        moments: (m,) number of competing cells up to and including each; at_event: (m,) event times up to and including it.
        """
        sets = self.sets
        up, down = sets.scales
        drift, _ = self.means()
        ahead = prefix_sums(np.concatenate((self.sums[:1], drift)) * up)
        later = ahead[:, -1:] - ahead[:, at_event]
        _, by_cell = _sums_by_cell(sets, self.x, self.coef)
        gone = prefix_sums(by_cell[:, sets.competing] * down)[:, moments]
        return gone[0] * later[1:] - gone[1:] * later[0]


def _over_tied_steps(sets: WeightedRiskSets, s0: np.ndarray, d0: np.ndarray) -> tuple[np.ndarray, float]:
    if sets.ties == "breslow":
        hazard = sets.total / s0
        square = hazard / s0
        zero = np.zeros_like(hazard)
        return np.stack((hazard, zero, square, zero, zero)), float(sets.total @ np.log(s0))
    single, tied, at, fraction, weight = sets.tied_steps
    sums = np.zeros((5, sets.size))
    total = sets.total[single]
    logs = float(total @ np.log(s0[single]))
    sums[0, single] = total / s0[single]
    sums[2, single] = sums[0, single] / s0[single]
    left = s0[tied][at] - fraction * d0[tied][at]
    logs += float(weight @ np.log(left))
    hazard = weight / left
    square = hazard / left
    for row, values in enumerate((hazard, hazard * fraction, square, square * fraction, square * fraction**2)):
        sums[row, tied] = np.bincount(at, values, len(tied))
    return sums, logs


def _sums_by_cell(sets: WeightedRiskSets, x: np.ndarray, coef: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) weight * exp(eta) and (p + 1, C) its sums, alone and times each covariate."""
    risk = np.empty(x.shape[1])
    sums = np.zeros((len(x) + 1, len(sets.last)))
    for part, cells in sets.blocks():
        rows = x[:, part]
        one = risk[part] = sets.weight[part] * np.exp(coef @ rows)
        bounds = sets.cell[cells].clip(part.start) - part.start
        sums[0, cells] += np.add.reduceat(one, bounds)
        sums[1:, cells] += np.add.reduceat(rows * one, bounds, axis=1)
    return risk, sums
