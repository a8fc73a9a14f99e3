"""A fitted two-way model as one regressor and its residuals: all that its inference needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mentorship_eval.did.two_way.absorb import absorb, non_nested_basis
from mentorship_eval.errors import EstimationError, listing

__all__ = ["Linearised", "linearise"]

SMALLEST = 1e-8


@dataclass(frozen=True)
class Linearised:
    """Weighted least squares of a response on treatment, covariates, unit and period effects, over n cells.

    estimate : coefficient of the treatment; regressor, response : (n,) treatment and response without
    all else, times root weight; residual : (n,); cluster : (n,) codes; weights : (I, T), 0 outside the
    fit; treatment : (I, T); covariates : (K, I, T); effects : number of unit and period effects; units : number of unit effects.
    """

    estimate: float
    regressor: np.ndarray
    response: np.ndarray
    residual: np.ndarray
    cluster: np.ndarray
    weights: np.ndarray
    treatment: np.ndarray
    covariates: np.ndarray
    effects: int
    units: int

    @property
    def parameters(self) -> int:
        """All coefficients and effects."""
        return 1 + len(self.covariates) + self.effects

    @property
    def non_nested_parameters(self) -> int:
        """The same when the unit effects, nested in the clusters, count as one constant."""
        return self.parameters - self.units + 1

    @cached_property
    def basis(self) -> np.ndarray:
        """(n, p) columns that are not nested in clusters; the treatment is the last."""
        return non_nested_basis(np.concatenate([self.covariates, self.treatment[None]]), self.weights)

    @property
    def information(self) -> float:
        return float(self.regressor @ self.regressor)


def _without_covariates(columns: np.ndarray, covariates: np.ndarray, weights: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Columns (C, I, T) less their projection on the covariates (K, I, T), all without effects already."""
    done: list[np.ndarray] = []
    bad = []
    total = weights.sum()
    for name, column in zip(names, covariates, strict=True):
        left = column
        for _ in range(2):  # once more for what rounding left
            for other in done:
                left = left - other * (weights * other * left).sum()
        length = np.sqrt((weights * left**2).sum())
        if length <= SMALLEST * np.sqrt(total):  # the covariates have spread 1 before the effects are taken out
            bad.append(name)
        else:
            done.append(left / length)
    if bad:
        raise EstimationError(
            f"The covariate {listing(bad)} is collinear with the unit and period effects or the other covariates.",
            fix="Leave it out: what is constant within units or the same for all units in a period is adjusted for already.",
        )
    for _ in range(2):
        for other in done:
            columns = columns - other * np.einsum("cit,it->c", columns, weights * other)[:, None, None]
    return columns


def linearise(
    response: np.ndarray, treatment: np.ndarray, weights: np.ndarray, covariates: np.ndarray, cluster: np.ndarray, names: tuple[str, ...]
) -> Linearised:
    """Fit by weighted least squares.

    response, treatment, weights : (I, T); covariates : (K, I, T) with their names; cluster : (I,).
    Raises `EstimationError` when the treatment, or a covariate, is held by the effects already.
    """
    columns, effects = absorb(np.concatenate([response[None], treatment[None], covariates]), weights)
    columns = _without_covariates(columns[:2], columns[2:], weights, names)
    used = weights > 0
    root = np.sqrt(weights[used])
    y, x = columns[0][used] * root, columns[1][used] * root
    information = float(x @ x)
    if not information > SMALLEST**2 * float(weights.sum()):
        raise EstimationError(
            "The unit and period effects" + (" and covariates" if names else "") + " hold the treatment already: no unit is treated while "
            "another is not.",
            fix="Add units that adopt at another time or never, and periods before adoption.",
        )
    estimate = float(x @ y) / information
    codes = np.broadcast_to(cluster[:, None], weights.shape)[used]
    return Linearised(estimate, x, y, y - estimate * x, codes, weights, treatment, covariates, effects, int(used.any(axis=1).sum()))
