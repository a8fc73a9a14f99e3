"""Missing scores filled in many times, each time as a draw from what the others say: chained normal models with a level of each cluster.

Each incomplete column is modelled in turn by the arm, the other columns, both multiplied, and the predictors, with an intercept drawn for
each cluster (a fixed intercept per cluster would overstate, and none understate, how alike people of one department are: Drechsler 2015, J.
Educational and Behavioral Statistics 40:69-95). Parameters are drawn with the missing values (Gibbs sampling; flat priors for coefficients,
the log of the error variance and the SD between clusters), so that what is uncertain stays so. Draws are neither rounded nor cut at the
ends of the scale: that would bias means. The answers are taken as missing at random given the columns; `tipping_point` moves away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, require
from mentorship_eval.surveys.missing.rubin import Pooled, pool_imputed

__all__ = ["Imputations", "impute"]

LEAST_ROWS_PER_TERM = 5


@dataclass(frozen=True)
class Imputations:
    """data: as given; columns: completed; values: (m, n, columns); missing: (n, columns) what was filled in; inside: (n,) the arm; table: column,
    missing, share, mean observed, mean imputed; seed."""

    data: pd.DataFrame
    columns: tuple[str, ...]
    values: np.ndarray
    missing: np.ndarray
    inside: np.ndarray
    table: pd.DataFrame
    seed: int

    @property
    def datasets(self) -> Iterator[pd.DataFrame]:
        """The completed data sets, one after the other."""
        return (self.data.assign(**dict(zip(self.columns, filled.T, strict=True))) for filled in self.values)

    def pooled(self, analysis: Callable[[pd.DataFrame], Estimate]) -> Pooled:
        """``analysis`` of every completed data set, pooled. It gets a frame and gives an `Estimate`: ``lambda d: ancova(d, ...).estimate``."""
        return pool_imputed([analysis(frame) for frame in self.datasets])

    def statement(self) -> str:
        told = ", ".join(f"{row.column} {row.missing:,} ({row.share:.0%})" for row in self.table.itertuples())
        return f"{len(self.values)} imputations of {len(self.data):,} rows; filled in: {told}."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table)


class _Model:
    """One incomplete column: its chain of coefficients, cluster levels and variances."""

    def __init__(self, seen: np.ndarray, cluster: np.ndarray, count: int, spread: float) -> None:
        self.seen, self.cluster, self.count = seen, cluster, count
        self.level, self.error, self.between = np.zeros(count), spread**2, 0.1 * spread**2
        self.rows = np.bincount(cluster[seen], minlength=count)

    def draw(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One sweep; returns draws of the values that were not seen."""
        seen, at = self.seen, self.cluster[self.seen]
        gram = x[seen].T @ x[seen]
        gram[np.diag_indices_from(gram)] *= 1 + 1e-10
        root = np.linalg.cholesky(np.linalg.inv(gram))
        centre = root @ (root.T @ (x[seen].T @ (y[seen] - self.level[at])))
        beta = centre + np.sqrt(self.error) * (root @ rng.standard_normal(len(centre)))
        rest = y[seen] - x[seen] @ beta
        if self.count > 1:
            precision = self.rows / self.error + 1 / self.between
            mean = np.bincount(at, weights=rest, minlength=self.count) / self.error / precision
            self.level = mean + rng.standard_normal(self.count) / np.sqrt(precision)
            self.between = max(float((self.level**2).sum() / rng.chisquare(self.count - 1)), 1e-8 * self.error)
        residual = rest - self.level[at]
        self.error = float(residual @ residual) / rng.chisquare(len(residual))
        unseen = ~seen
        return np.asarray(x[unseen] @ beta + self.level[self.cluster[unseen]] + np.sqrt(self.error) * rng.standard_normal(int(unseen.sum())))


def impute(
    data: pd.DataFrame,
    *,
    columns: Sequence[str],
    arm: str,
    predictors: Sequence[str] = (),
    cluster: str | None = None,
    imputations: int = 20,
    iterations: int = 20,
    seed: int = 0,
    reference: object = None,
) -> Imputations:
    """Completed data sets.

    Parameters
    ----------
    data : one row per person asked. columns : numeric columns with missing values, and the complete ones that belong to them (the scores of all
    waves).
    predictors : complete columns that tell of the scores or of who answers. imputations, iterations : data sets, and sweeps before each
    (separate chains).

    Raises `UsageError` for unknown columns or settings; `EstimationError` for a column with fewer than ten values, or text.
    """
    require(data, [*columns, arm, cluster, *predictors])
    if imputations < 2 or iterations < 1 or not columns:
        raise UsageError("Multiple imputation needs columns, two imputations and one iteration or more.", fix="Use imputations=20, iterations=20.")
    inside = read_arms(data, arm, reference).inside
    codes, labels = cluster_codes(data, cluster) if cluster else (np.zeros(len(data), dtype=np.intp), ["all"])
    values = np.column_stack([numbers(data, name) for name in columns])
    missing = np.isnan(values)
    more = covariate_columns(data, predictors).matrix
    few = [name for j, name in enumerate(columns) if (~missing[:, j]).sum() < 10]
    if few:
        raise EstimationError(f"Column {few[0]!r} has fewer than ten values.", fix="Leave it out: there is nothing to learn its distribution from.")
    centre = np.array([column[~gone].mean() for column, gone in zip(values.T, missing.T, strict=True)])
    scale = np.array([column[~gone].std() for column, gone in zip(values.T, missing.T, strict=True)])
    if not (scale > 0).all():
        raise EstimationError(f"Column {columns[int(np.argmin(scale))]!r} does not vary.", fix="Leave it out.")
    standard = (values - centre) / scale
    order = [int(j) for j in np.argsort(missing.sum(axis=0), kind="stable") if missing[:, j].any()]
    filled = np.stack([
        _chain(standard, missing, order, inside, more, codes, len(labels), iterations, np.random.SeedSequence(seed, spawn_key=(k,)))
        for k in range(imputations)
    ]) * scale + centre  # fmt: skip
    filled = np.where(missing[None], filled, values[None])
    table = pd.DataFrame([
        {"column": name, "missing": int(missing[:, j].sum()), "share": missing[:, j].mean(), "mean_observed": values[~missing[:, j], j].mean(),
         "mean_imputed": filled[:, missing[:, j], j].mean() if missing[:, j].any() else np.nan}
        for j, name in enumerate(columns)
    ])  # fmt: skip
    return Imputations(data, tuple(columns), filled, missing, inside, table, seed)


def _chain(standard: np.ndarray, missing: np.ndarray, order: list[int], inside: np.ndarray, more: np.ndarray, codes: np.ndarray, count: int,
           iterations: int, seed: np.random.SeedSequence) -> np.ndarray:  # fmt: skip
    """One completed (n, columns) array of standardised values."""
    rng = np.random.default_rng(seed)
    values = standard.copy()
    for j in order:  # begin with values of others of the same arm
        for arm in (0.0, 1.0):
            gone, seen = missing[:, j] & (inside == arm), ~missing[:, j] & (inside == arm)
            pool = standard[seen if seen.any() else ~missing[:, j], j]
            values[gone, j] = rng.choice(pool, int(gone.sum()))
    predictors = (more - more.mean(axis=0)) / np.where(more.std(axis=0) > 0, more.std(axis=0), 1.0)
    models = {j: _Model(~missing[:, j], codes, count, 1.0) for j in order}
    for _ in range(iterations):
        for j in order:
            rest = np.delete(values, j, axis=1)
            x = np.column_stack([np.ones(len(values)), inside, rest, predictors])
            crossed = np.column_stack([x, inside[:, None] * rest])
            if models[j].seen.sum() >= LEAST_ROWS_PER_TERM * crossed.shape[1] and _determined(crossed[models[j].seen]):
                x = crossed
            elif not _determined(x[models[j].seen]):
                raise EstimationError("The columns and predictors of the imputation determine each other.", fix="Leave one of them out.")
            values[missing[:, j], j] = models[j].draw(x, values[:, j], rng)
    return values


def _determined(x: np.ndarray) -> bool:
    values = np.linalg.eigvalsh(x.T @ x / len(x))
    return len(x) > x.shape[1] and bool(values[0] > 1e-9 * values[-1])
