"""What `synthetic_did` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.shown import Shown

__all__ = ["SyntheticDid"]


@dataclass(frozen=True, kw_only=True)
class SyntheticDid(Shown):
    """Synthetic difference-in-differences.

    estimate : the effect; without interval when fewer than six units are treated.
    placebos : (B,) the estimator with controls in the place of the treated; placebo_sd : their standard deviation; exact :
        whether they are all that there are.
    companions : method, value: the same data by plain difference-in-differences and by synthetic control.
    by_wave : adopted, value, n_units, n_cells. unit_weights : adopted, unit, weight; time_weights : adopted, time, weight.
    """

    estimate: Estimate
    placebo_sd: float
    placebos: np.ndarray
    companions: pd.DataFrame
    by_wave: pd.DataFrame
    unit_weights: pd.DataFrame
    time_weights: pd.DataFrame
    exact: bool
    seed: int
    warnings: tuple[Caution, ...]

    @property
    def rank(self) -> tuple[int, int] | None:
        """Rank of the estimate by absolute size among itself and the placebos, and of how many; None without placebos."""
        if not len(self.placebos):
            return None
        return 1 + int((np.abs(self.placebos) >= abs(self.estimate.value)).sum()), 1 + len(self.placebos)

    @property
    def table(self) -> pd.DataFrame:
        """method, value, se, ci_low, ci_high, ci_level; only the first row has a standard error."""
        e = self.estimate
        frame = self.companions.copy()
        for column, value in (("se", self.placebo_sd), ("ci_low", e.ci_low), ("ci_high", e.ci_high)):
            frame[column] = [value, *[np.nan] * (len(frame) - 1)]
        return frame.assign(ci_level=e.ci_level)

    def statement(self) -> str:
        """A few sentences; never a verdict."""
        parts = [self.estimate.statement()]
        if self.rank is not None:
            how = "all placebos" if self.exact else f"random placebos, seed {self.seed}"
            parts.append(
                f"In absolute size it ranks {self.rank[0]} of {self.rank[1]} with controls in the place of the treated ({how}; their SD "
                f"{format_number(self.placebo_sd)}).")
        plain = self.companions.set_index("method")["value"]["difference-in-differences"]
        parts.append(f"With equal weights (difference-in-differences): {format_number(float(plain))}.")
        return " ".join(parts)
