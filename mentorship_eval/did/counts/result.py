"""What `poisson_imputation` returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.did.counts.event_study import COMPARED_WITH, EventStudy
from mentorship_eval.did.counts.imputed import Imputed
from mentorship_eval.did.counts.permutation_interval import PermutationInterval
from mentorship_eval.did.counts.pre_trend import PreTrend
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.permutation import Permutation

__all__ = ["PoissonImputation"]


@dataclass(frozen=True, kw_only=True)
class PoissonImputation(Imputed):
    """Rates of treated units against those expected from untreated ones.

    irr, rate_difference, events_avoided : `Estimate`; the ratio is the one that is tested (the others have
        p-value NaN), positive events avoided mean fewer events than expected.
    all_periods : the ratio when ``min_controls`` is 1 (value only).
    observed, expected_total, exposure_total : sums over the target cells.
    permutation : how the placebo p-value came about; permutation_p is its p-value.
    placebo_rank : with one treated unit, its rank among all units as if each had been the treated one, and of how many.
    leave_one_out : cluster, log_irr without it, informative; two fits on the same clusters can be jackknifed jointly with it.
    permutation_interval : the placebo test inverted, for a constant ratio; None when it was not asked for.
    study : the event study (`event_study` is its table) and the joint test of its ratios before adoption (`pre_trend`).
    by_wave, by_calendar, weights_by_unit, dropped, cells : DataFrames, see their columns; cells has a row per unit
        and period with exposure, its role (untreated, target, anticipation, left out) and its expected count. In weights_by_unit
        ``share`` is a cluster's part of the variance, ``expected_share`` its part of the expected events, which is its weight in the ratio.
    """

    COMPARED = COMPARED_WITH
    RANKED = ("ratio", 1)

    irr: Estimate
    rate_difference: Estimate
    events_avoided: Estimate
    all_periods: Estimate
    observed: float
    expected_total: float
    exposure_total: float
    n_treated_units: int
    n_untreated_cells: int
    permutation: Permutation
    placebo_rank: tuple[int, int] | None
    permutation_interval: PermutationInterval | None
    study: EventStudy | None
    by_wave: pd.DataFrame
    by_calendar: pd.DataFrame
    weights_by_unit: pd.DataFrame
    leave_one_out: pd.DataFrame
    dropped: pd.DataFrame
    cells: pd.DataFrame
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def event_study(self) -> pd.DataFrame:
        """A row per event time, before and after adoption."""
        return self.study.table if self.study is not None else pd.DataFrame()

    @property
    def pre_trend(self) -> PreTrend | None:
        """The ratios before adoption judged together, with the trend that this could have found."""
        return self.study.pre_trend if self.study is not None else None

    @property
    def estimate(self) -> Estimate:
        return self.irr

    @property
    def expected(self) -> pd.DataFrame:
        """The target cells: unit, time, observed, expected, exposure, treated."""
        rows = self.cells[self.cells["role"] == "target"]
        return rows[["unit", "time", "observed", "expected", "exposure", "treated"]].reset_index(drop=True)

    @property
    def table(self) -> pd.DataFrame:
        """quantity, estimate, se, ci_low, ci_high, ci_level, p_value, permutation_p, scale, unit, n, n_events, n_clusters, df."""
        rows = {"rate ratio": self.irr, "rate difference": self.rate_difference, "events avoided": self.events_avoided,
            "rate ratio, min_controls 1": self.all_periods}
        return self._quantities(rows, self.irr)

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        counts = (
            f"Observed events: {self.observed:,.0f} in {len(self.expected):,} treated cells of {self.n_treated_units:,} units; expected: "
            f"{format_number(self.expected_total, 1)}, from {self.n_untreated_cells:,} untreated cells."
        )
        inverted = [self.permutation_interval.statement()] if self.permutation_interval is not None else []
        return " ".join([self.irr.statement(), counts, self.rate_difference.statement(), self.events_avoided.statement(),
            self.placebo_statement(), *inverted])
