"""What `linear_imputation` returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.did.counts.imputed import Imputed
from mentorship_eval.did.scores.breakdown import COMPARED_WITH
from mentorship_eval.did.scores.pretrend import PreTrend
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.permutation import Permutation

__all__ = ["LinearImputation"]


@dataclass(frozen=True, kw_only=True)
class LinearImputation(Imputed):
    """Scores of treated units against those expected from untreated ones.

    estimate : `Estimate` of the weighted mean effect over the target cells, its standard error by ``settings["variance"]``.
    se_jackknife, se_bjs : both standard errors of it, NaN with one treated cluster.
    all_periods : the effect when ``min_controls`` is 1 (value only).
    permutation : how the placebo p-value came about; permutation_p is its p-value. placebo_rank : with one treated cluster,
        its rank among all as if each had been the treated one, and of how many.
    pretrend : the test of trends before adoption, with its power.
    leave_one_out : cluster, estimate without it, informative; two fits on the same clusters can be jackknifed jointly with it.
    event_study, by_wave, by_period, weights_by_unit, dropped, cells : DataFrames, see their columns; cells has a row per unit and
        period with weight, its role (untreated, target, anticipation, left out) and its expected outcome.
    """

    COMPARED = COMPARED_WITH
    SHOWN = ("quantity", "estimate", "ci_low", "ci_high", "p_value")

    estimate: Estimate
    se_jackknife: float
    se_bjs: float
    all_periods: Estimate
    n_treated_units: int
    n_untreated_cells: int
    permutation: Permutation
    placebo_rank: tuple[int, int] | None
    pretrend: PreTrend
    event_study: pd.DataFrame
    by_wave: pd.DataFrame
    by_period: pd.DataFrame
    weights_by_unit: pd.DataFrame
    leave_one_out: pd.DataFrame
    dropped: pd.DataFrame
    cells: pd.DataFrame
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def expected(self) -> pd.DataFrame:
        """The target cells: unit, time, observed, expected, weight, effect."""
        rows = self.cells[self.cells["role"] == "target"]
        return rows[["unit", "time", "observed", "expected", "weight", "effect"]].reset_index(drop=True)

    @property
    def table(self) -> pd.DataFrame:
        """quantity, estimate, se, ci_low, ci_high, ci_level, p_value, permutation_p, scale, unit, n, n_clusters, df."""
        rows = {"mean effect": self.estimate, "mean effect, min_controls 1": self.all_periods}
        return self._quantities(rows, self.estimate).drop(columns="n_events")

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        counts = (
            f"The effect is the mean over {self.estimate.n:,} treated cells of {self.n_treated_units:,} units; what was expected comes from "
            f"{self.n_untreated_cells:,} untreated cells."
        )
        return " ".join([self.estimate.statement(), counts, self.placebo_statement(), self.pretrend.statement()])
