"""Weights that give those who answered the make-up of all who were asked: the inverse of the modelled chance of an answer.

They mend what the covariates of the model explain (missing at random given them), and nothing else. Weights are scaled by the response of the
arm, and cut off at a quantile, because one unlikely answer must not speak for fifty people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import covariate_columns, read_arms, refuse_collinear, require
from mentorship_eval.surveys.comparisons.cumulative_odds import fit_cumulative
from mentorship_eval.surveys.missing.flow import answered_flags

__all__ = ["ResponseWeights", "fitted_weights", "kish", "response_weights"]

EXTREME = 10.0  # a weight ten times the mean speaks for itself


@dataclass(frozen=True, kw_only=True)
class ResponseWeights:
    """weights: index of the data, NaN for those who did not answer; table: arm, asked, answered, response, largest weight, effective_n;
    model: arm, term, odds_ratio; balance: term, mean of all, of those who answered, and of these weighted, with differences in SD; effective_n:
    Kish's, of all; truncated: how many weights were cut off."""

    weights: pd.Series
    table: pd.DataFrame
    model: pd.DataFrame
    balance: pd.DataFrame
    effective_n: float
    truncated: int
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        n = int(self.weights.notna().sum())
        worst = self.balance["difference_weighted"].abs().max() if len(self.balance) else 0.0
        return (f"{n:,} of {len(self.weights):,} answered; weighted they are worth {self.effective_n:,.0f} answers. "
                f"Largest difference from all who were asked after weighting: {worst:.2f} SD.")  # fmt: skip

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, self.balance, cautions=self.warnings)


def kish(weights: np.ndarray) -> float:
    """Effective number: squared sum of the weights over the sum of their squares (Kish 1965, Survey Sampling)."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def fitted_weights(x: np.ndarray, inside: np.ndarray, flags: np.ndarray, truncate: float) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Weights of those who answered (in their order), log odds ratios (2, p) of reference and arm, and how many weights were cut; None when a model
    has no finite fit.

    x : (n, p) covariates of the chance of an answer; inside : (n,) arm, each of which has a model of its own; flags : (n,) who answered.
    """
    raw, log_odds = np.ones(len(flags)), np.full((2, x.shape[1]), np.nan)
    for arm in (0, 1):
        here = inside == arm
        if not here.any() or flags[here].all():
            continue
        centre = x[here].mean(axis=0)
        fit = fit_cumulative(x[here] - centre, flags[here].astype(int), 2)
        if fit is None:
            return None
        theta = fit[0]
        log_odds[arm] = theta[1:]
        raw[here] = flags[here].mean() * (1 + np.exp(theta[0] - (x[here] - centre) @ theta[1:]))
    raw = raw[flags]
    limit = float(np.quantile(raw, truncate))
    return np.minimum(raw, limit), log_odds, int((raw > limit).sum())


def response_weights(
    data: pd.DataFrame, *, answered: str, covariates: Sequence[str], arm: str | None = None, truncate: float = 0.99, reference: object = None
) -> ResponseWeights:
    """Weights of response from a logistic model.

    Parameters
    ----------
    data : one row per person asked, at one wave. answered : 0/1.
    covariates : what may tell who answers, known for all: the last score before, department, band. Give what also goes with the outcome.
    arm : each arm has a model of its own, since the programme may change who answers. truncate : quantile at which weights are cut off; 1 for none.

    Raises `UsageError` for unknown columns or settings; `EstimationError` when everybody or nobody of an arm answered, or covariates tell it for
    certain.
    """
    if not 0.5 < truncate <= 1:
        raise UsageError(f"truncate is {truncate}.", fix="Give a quantile such as 0.99, or 1 for none.")
    require(data, [answered, arm, *covariates])
    flags = answered_flags(data, answered)
    inside = read_arms(data, arm, reference).inside if arm else np.zeros(len(data))
    if not flags.any():
        raise EstimationError("Nobody answered.", fix="Check the column of answers.")
    more = covariate_columns(data, covariates)
    x, terms = more.matrix, more.terms
    for value in (0.0, 1.0) if arm else (0.0,):
        part = x[inside == value]
        refuse_collinear(np.column_stack([np.ones(len(part)), part]), ["(Intercept)", *terms])
    made = fitted_weights(x, inside, flags, truncate)
    if made is None:
        raise EstimationError(
            "The chance of an answer has no finite model.",
            fix="Leave out the covariate (or join its rare levels) that tells for certain who answered.",
        )
    weights, log_odds, cut = made
    series = pd.Series(np.nan, index=data.index, name="weight")
    series[flags] = weights
    table = []
    for value in (0.0, 1.0) if arm else (0.0,):
        here, part = inside == value, weights[inside[flags] == value]
        table.append({"arm": value if arm else "all", "asked": int(here.sum()), "answered": len(part), "response": flags[here].mean(),
                      "largest_weight": part.max(initial=0.0), "effective_n": kish(part)})  # fmt: skip
    names = ["reference", "arm"] if arm else ["all"]
    model = pd.DataFrame([{"arm": name, "term": term, "odds_ratio": float(np.exp(value))}
                          for name, row in zip(names, log_odds, strict=False) for term, value in zip(terms, row, strict=True)])  # fmt: skip
    cautions = []
    if weights.max() > EXTREME * weights.mean():
        cautions.append(
            Caution(
                "extreme_weights", f"The largest weight is {weights.max() / weights.mean():.0f} times the mean.", {"largest": float(weights.max())}
            )
        )
    if kish(weights) < len(weights) / 2:
        cautions.append(
            Caution("low_effective_n", f"{len(weights):,} answers are worth {kish(weights):,.0f} after weighting.", {"effective_n": kish(weights)})
        )
    return ResponseWeights(
        weights=series,
        table=pd.DataFrame(table),
        model=model,
        balance=_balance(x, terms, flags, weights),
        effective_n=kish(weights),
        truncated=cut,
        warnings=tuple(cautions),
    )


def _balance(x: np.ndarray, terms: Sequence[str], flags: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    every, those, weighted = x.mean(axis=0), x[flags].mean(axis=0), np.average(x[flags], axis=0, weights=weights)
    return pd.DataFrame({"term": list(terms), "asked": every, "answered": those, "weighted": weighted, "difference": (those - every) / spread,
                         "difference_weighted": (weighted - every) / spread})  # fmt: skip
