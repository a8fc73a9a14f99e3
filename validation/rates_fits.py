"""One replicate's fits: the only place where panels of counts meet `did.poisson_imputation`."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval import did
from validation.rates_worlds import COLUMNS, RateDraw

__all__ = ["DRAWS", "Counted", "RateFit", "in_time_placebo"]

DRAWS = 999  # of the permutation test; the package takes 9,999


class RateFit:
    """The default analysis of ``rows``. truth: log ratio of expected events over the cells that it compares."""

    def __init__(self, drawn: RateDraw, rows: pd.DataFrame, *, permutations: int = 0, tables: bool = False, min_controls: int = 2) -> None:
        self.drawn, self.min_controls = drawn, min_controls
        self.result: Any = did.poisson_imputation(
            rows, **COLUMNS, min_controls=min_controls, permutations=permutations, seed=drawn.seed, tables=tables
        )

    @cached_property
    def targets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Department and month of each target cell, as places in the arrays of the world, and its exposure."""
        cells = self.result.cells[self.result.cells["role"] == "target"]
        return cells["unit"].str.slice(1).to_numpy(int), cells["time"].to_numpy(int) - 1, cells["exposure"].to_numpy(float)

    @property
    def value(self) -> float:
        return math.log(self.result.irr.value) if self.result.irr.value > 0 else -math.inf

    @cached_property
    def truth(self) -> float:
        dept, month, _ = self.targets
        with_it, without = self.drawn.events_with(dept, month), self.drawn.events_without(dept, month)
        # with rare events a panel may hold no target cell with any: then nothing is true of it
        return math.log(with_it / without) if with_it > 0 and without > 0 else math.nan

    @cached_property
    def rate_truth(self) -> float:
        """True rate difference per 1,000 patient-days over the target cells."""
        dept, month, exposure = self.targets
        return 1000 * (self.drawn.events_with(dept, month) - self.drawn.events_without(dept, month)) / exposure.sum()

    def cautions(self) -> list[str]:
        return sorted({caution.code for caution in self.result.warnings})


class Counted:
    """A simulated panel and its default fit, made once for all analyses."""

    def __init__(self, drawn: RateDraw) -> None:
        self.drawn, self.rows = drawn, drawn.rows

    @cached_property
    def default(self) -> RateFit:
        return RateFit(self.drawn, self.rows, permutations=DRAWS)

    @cached_property
    def reported(self) -> RateFit:
        """With the event study and the test of the months before go-live."""
        return RateFit(self.drawn, self.rows, tables=True)

    @property
    def untreated(self) -> np.ndarray:
        """(rows,) before go-live, or never."""
        return ~(self.rows["month"] >= self.rows["go_live"]).to_numpy()


def in_time_placebo(who: Counted, months: int) -> Any:
    """The ratio of the last ``months`` before go-live, expected from all other untreated cells: as if go-live had been so much earlier."""
    rows = who.rows[who.untreated]
    rows = rows.assign(go_live=rows["go_live"] - months)
    return did.poisson_imputation(rows, **COLUMNS, permutations=0, tables=False).irr
