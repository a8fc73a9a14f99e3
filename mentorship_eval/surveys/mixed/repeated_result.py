"""What `mixed_model` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.shown import as_html

__all__ = ["RepeatedMeasures"]


@dataclass(frozen=True, kw_only=True)
class RepeatedMeasures:
    """Differences between arms over waves.

    estimate : mean over the waves in which both arms answered, each counting alike. at_wave : `Estimate` per such wave, in the order of ``waves``.
    jackknife : the same quantities (mean first) with leave-one-cluster-out standard errors; None without clusters or when not asked for.
    by_wave : wave, n, mean and sd per arm, difference, se, df, limits, p_value, se_jackknife. table : every fixed effect.
    variances : part, value. icc : `Estimate` by group, with structure "intercepts". leave_one_out : cluster, estimate without it.
    left_out : counts of rows, by reason.
    """

    estimate: Estimate
    at_wave: tuple[Estimate, ...]
    waves: tuple[Any, ...]
    jackknife: tuple[Estimate, ...] | None
    leave_one_out: pd.DataFrame
    by_wave: pd.DataFrame
    table: pd.DataFrame
    variances: pd.DataFrame
    icc: dict[str, Estimate]
    deviance: float
    n_persons: int
    left_out: dict[str, int]
    settings: dict[str, Any]
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        told = [self.estimate.statement(), f"{self.estimate.n:,} answers of {self.n_persons:,} people."]
        told += [f"{number:,} rows {why} are left out." for why, number in self.left_out.items() if number]
        if self.jackknife and self.jackknife[0].ci_low == self.jackknife[0].ci_low:
            told.append(f"Left out in turn, the clusters give an interval of {self.jackknife[0].interval()}.")
        told += [f"Intra-class correlation of one {name}: {icc.interval(3)}." for name, icc in self.icc.items()]
        return " ".join(told)

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.by_wave, self.variances, cautions=self.warnings)
