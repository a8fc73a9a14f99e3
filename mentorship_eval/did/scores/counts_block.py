"""The same for counts with an exposure: a Poisson two-way fit of a wave, in the shape of a least-squares one.

At the maximum, the profiled information of a Poisson fit is that of a weighted least-squares fit with the
fitted means as weights, and its scores are observed less fitted counts: so everything built on `TwoWay` applies.
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.scores.saturated import Block
from mentorship_eval.did.scores.two_way import fit_two_way
from mentorship_eval.errors import EstimationError, listing

__all__ = ["poisson_block"]


def poisson_block(counts: np.ndarray, exposure: np.ndarray, units: np.ndarray, times: np.ndarray, names: np.ndarray) -> Block:
    """The Poisson block of ``units`` (n,) from counts and exposure (I, T); its period effects are logarithms.

    Raises `EstimationError` naming the periods without any event, whose log ratio does not exist, and when the fit
    does not converge.
    """
    y, e = counts[units], exposure[units]
    empty = (e > 0).any(axis=0) & (y.sum(axis=0) == 0)
    if empty.any():
        raise EstimationError(
            f"Units {listing(names[units])} adopt together (or never) and have no event at all in {listing(times[empty])}: the log of that ratio "
            f"does not exist.", fix="Use did.poisson_imputation, which sums counts before it divides, or longer periods.",
        )
    effects = newton(e[None], y.sum(axis=1)[None], y.sum(axis=0)[None], np.ones(e.shape[1]), sweeps=30, tolerance=1e-11, most=60)
    if not effects.converged[0]:
        raise EstimationError(f"The Poisson fit of units {listing(names[units])} does not converge: their events are too sparse.",
            fix="Use did.poisson_imputation, or longer periods.")
    mean = e * effects.unit[0][:, None] * effects.period[0][None, :]
    weighted = fit_two_way(np.zeros_like(mean), mean)  # for its information matrix, at the fitted means
    period = np.log(np.where(effects.period[0] > 0, effects.period[0], 1.0))
    residual = np.divide(y - mean, mean, out=np.zeros_like(mean), where=mean > 0)
    fit = type(weighted)(**{**weighted.__dict__, "period": period, "residual": residual})
    # every cell weighs the same in the shares of a wave, as in a regression that is not weighted
    return Block(units, fit, y, (e > 0).astype(float))
