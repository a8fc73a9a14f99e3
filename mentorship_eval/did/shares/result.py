"""What `binomial_imputation` returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.did.counts.imputed import Imputed
from mentorship_eval.did.shares.event_study import COMPARED_WITH
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.permutation import Permutation
from mentorship_eval.inference.simultaneous import JointTest

__all__ = ["BinomialImputation"]


@dataclass(frozen=True, kw_only=True)
class BinomialImputation(Imputed):
    """Shares of treated units against those expected from untreated ones.

    difference : in percentage points; the one that is tested, by t and by permutation. It is the primary estimate because readers of
        audits speak in percentage points, because it exists where nothing was expected, and because it does not depend on which
        of the two kinds of record is counted (met or not met): only its sign does.
    ratio : of the observed over the expected share (scale "risk ratio"; NaN where the expected share is 0), not tested.
    surplus : numerators observed less those expected, the difference times the records of the target cells.
    all_periods : the difference when ``min_controls`` is 1 (value only).
    observed, expected_total, denominator_total : sums over the target cells.
    permutation : how the placebo p-value came about; permutation_p is its p-value. placebo_rank : with one treated unit, its
        rank among all as if each had been the treated one, and of how many.
    leave_one_out : cluster, difference and log_ratio without it, informative; fits on the same clusters can be jackknifed jointly with it.
    pre_test : the differences before adoption judged together (largest |t|); None without tables.
    event_study, by_wave, by_calendar, weights_by_unit, dropped, cells : DataFrames, see their columns; cells has a row per unit and period
        with records, its role (untreated, target, anticipation, left out) and its expected numerator.
    """

    COMPARED = COMPARED_WITH

    difference: Estimate
    ratio: Estimate
    surplus: Estimate
    all_periods: Estimate
    observed: float
    expected_total: float
    denominator_total: float
    n_treated_units: int
    n_untreated_cells: int
    permutation: Permutation
    placebo_rank: tuple[int, int] | None
    event_study: pd.DataFrame
    by_wave: pd.DataFrame
    by_calendar: pd.DataFrame
    pre_test: JointTest | None
    weights_by_unit: pd.DataFrame
    leave_one_out: pd.DataFrame
    dropped: pd.DataFrame
    cells: pd.DataFrame
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def estimate(self) -> Estimate:
        return self.difference

    @property
    def expected(self) -> pd.DataFrame:
        """The target cells: unit, time, observed, expected, denominator."""
        rows = self.cells[self.cells["role"] == "target"]
        return rows[["unit", "time", "observed", "expected", "denominator"]].reset_index(drop=True)

    @property
    def table(self) -> pd.DataFrame:
        """quantity, estimate, se, ci_low, ci_high, ci_level, p_value, permutation_p, scale, unit, n, n_events, n_clusters, df."""
        rows = {"difference of shares": self.difference, "ratio of shares": self.ratio, "records above expectation": self.surplus,
            "difference of shares, min_controls 1": self.all_periods}
        return self._quantities(rows, self.difference)

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        share = 100 * self.observed / self.denominator_total
        expected = 100 * self.expected_total / self.denominator_total
        counts = (
            f"Observed: {self.observed:,.0f} of {self.denominator_total:,.0f} records ({format_number(share, 1)} %) in {self.difference.n:,} "
            f"treated cells of {self.n_treated_units:,} units; expected: {format_number(self.expected_total, 1)} ({format_number(expected, 1)} %), "
            f"from {self.n_untreated_cells:,} untreated cells."
        )
        return " ".join([self.difference.statement(), counts, self.ratio.statement(), self.placebo_statement()])
