"""What `linear_imputation` returns."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from mentorship_eval.did.scores.breakdown import COMPARED_WITH
from mentorship_eval.did.scores.placebo import rank_statement
from mentorship_eval.did.scores.pretrend import PreTrend
from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.permutation import Permutation

__all__ = ["LinearImputation"]


@dataclass(frozen=True, kw_only=True)
class LinearImputation:
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
    def permutation_p(self) -> float:
        return self.permutation.p_value

    @property
    def smallest_permutation_p(self) -> float:
        return self.permutation.smallest_p

    @property
    def expected(self) -> pd.DataFrame:
        """The target cells: unit, time, observed, expected, weight, effect."""
        rows = self.cells[self.cells["role"] == "target"]
        return rows[["unit", "time", "observed", "expected", "weight", "effect"]].reset_index(drop=True)

    @property
    def event_study_compared_with(self) -> str:
        return COMPARED_WITH

    @property
    def table(self) -> pd.DataFrame:
        """quantity, estimate, se, ci_low, ci_high, ci_level, p_value, permutation_p, scale, unit, n, n_clusters, df."""
        rows = {"mean effect": self.estimate, "mean effect, min_controls 1": self.all_periods}
        frame = pd.DataFrame([
            {
                "quantity": name, "estimate": e.value, "se": e.se, "ci_low": e.ci_low, "ci_high": e.ci_high, "ci_level": e.ci_level,
                "p_value": e.p_value, "permutation_p": self.permutation_p if e is self.estimate else float("nan"), "scale": e.scale,
                "unit": e.unit, "n": e.n, "n_clusters": e.n_clusters, "df": e.df,
            }
            for name, e in rows.items()
        ])
        frame["df"] = frame["df"].astype(float)
        return frame

    def placebo_statement(self) -> str:
        """The permutation test in words; it is a test of the programme only where timing was random."""
        if self.placebo_rank is not None:
            return rank_statement(self.placebo_rank, "units" if self.settings["cluster"] == self.settings["unit"] else "clusters")
        p = self.permutation
        if not p.draws:
            return "No permutation of adoption dates was made."
        how = f"all {p.draws:,} assignments" if p.exact else f"{p.draws:,} random assignments, seed {p.seed}"
        return f"Placebo test by permuting adoption dates: {format_p(p.p_value)} ({how}; smallest attainable p {p.smallest_p:.2g})."

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        counts = (
            f"The effect is the mean over {self.estimate.n:,} treated cells of {self.n_treated_units:,} units; what was expected comes from "
            f"{self.n_untreated_cells:,} untreated cells."
        )
        return " ".join([self.estimate.statement(), counts, self.placebo_statement(), self.pretrend.statement()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(caution.text)}</li>" for caution in self.warnings)
        shown = self.table[["quantity", "estimate", "ci_low", "ci_high", "p_value"]]
        table = shown.to_html(index=False, float_format=lambda v: f"{v:.4g}", na_rep="")
        return f"<p>{escape(self.statement())}</p>{table}" + (f"<ul>{notes}</ul>" if notes else "")
