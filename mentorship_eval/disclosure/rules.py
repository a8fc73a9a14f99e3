"""What may leave the building: the rule that a run applies, made from a profile (`profiles.py`) or by hand.

The threshold of 10 when study.yaml says nothing follows the common practice of official health statistics (counts of 1-10 or
1-9 are withheld); ``disclosure: none`` must be written out to switch protection off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Dominance", "Rule"]


@dataclass(frozen=True)
class Dominance:
    """A sum of amounts is withheld when its ``largest`` contributions make up more than ``share`` of it, or when all but
    the two largest come to less than ``p_ratio`` of the largest (n-k and p-ratio rules of statistical offices).
    """

    largest: int
    share: float
    p_ratio: float

    def dominated(self, amounts: Sequence[float]) -> bool:
        """Whether the sum of ``amounts`` tells too much of the largest of them."""
        sizes = np.sort(np.abs(np.asarray(amounts, dtype=float)))[::-1]
        whole = float(sizes.sum())
        if whole == 0:
            return False
        return float(sizes[: self.largest].sum()) > self.share * whole or float(sizes[2:].sum()) < self.p_ratio * float(sizes[0])


@dataclass(frozen=True)
class Rule:
    """threshold: the smallest count that may be shown (0 switches protection off).

    zeros_disclosive: whether a zero is withheld like a small count, and with it a count that is all of its whole. round_to: base of
    rounded counts (0: not rounded); totals_of_parts: whether totals are added up from rounded parts. midpoint: grid of the counts
    of survival curves (0: the counts as they are); curve_threshold: people at risk that a curve needs. The rest as in `Profile`.
    """

    threshold: int = 10
    name: str = "threshold 10"
    says: str = ""
    zeros_disclosive: bool = False
    mark_words: str = "<{threshold}"
    second_mark: str = "withheld"
    round_to: int = 0
    totals_of_parts: bool = False
    midpoint: int = 0
    curve_threshold: int = 0
    extremes_withheld: bool = False
    least_df: int = 0
    dominance: Dominance | None = None
    clusters_counted: bool = False
    blocked_figures: tuple[str, ...] = ()
    point_digits: int = 0

    @property
    def active(self) -> bool:
        return self.threshold > 0

    def small(self, count: object) -> bool:
        """Whether a count must not be shown; a missing count is not small, and zero is only where zeros are disclosive."""
        if not self.active or count is None or isinstance(count, str):
            return False
        return bool(self.smalls(float(count)))  # type: ignore[arg-type]

    def smalls(self, counts: np.ndarray | float) -> np.ndarray:
        """`small` of many counts."""
        counts = np.asarray(counts, dtype=float)
        return np.asarray(self.holds(counts) & (counts < self.threshold))

    def holds(self, counts: np.ndarray | float) -> np.ndarray:
        """Whether there is something to hide in a cell: events, or none of them where that is disclosive."""
        counts = np.asarray(counts, dtype=float)
        return np.asarray(counts >= 0 if self.zeros_disclosive else counts > 0)

    def near(self, difference: float) -> bool:
        """Whether two counts that differ by this tell of few: a small number, and not none of them."""
        return self.active and 0 < abs(difference) < self.threshold

    def few_df(self, df: float | None) -> bool:
        """Whether a regression has fewer residual degrees of freedom than the profile asks."""
        return self.active and df is not None and not math.isnan(df) and df < self.least_df

    # -- how counts are printed ------------------------------------------------------------------------------------------------

    @property
    def mark(self) -> str:
        """What stands in place of a suppressed count."""
        return self.mark_words.format(threshold=self.threshold)

    @property
    def coarse(self) -> int:
        """Base to which counts are rounded whose difference would tell of few: no smaller than the threshold."""
        return math.ceil(self.threshold / self.round_to) * self.round_to if self.round_to else self.threshold

    def about(self, count: float) -> str:
        """A count to the nearest multiple of `coarse`; half way up, so that a count that may be shown never becomes none."""
        return f"≈{self.coarsely(count):,.0f}"

    def coarsely(self, count: float) -> float:
        return math.floor(count / self.coarse + 0.5) * float(self.coarse)

    def rounded(self, counts: np.ndarray | float) -> np.ndarray:
        """Counts that may be shown, to the nearest multiple of the base; never below the threshold, where a number would say more than a mark."""
        counts = np.asarray(counts, dtype=float)
        if not self.active or not self.round_to:
            return counts
        near = np.floor(counts / self.round_to + 0.5) * self.round_to
        lowest = math.ceil(self.threshold / self.round_to) * self.round_to
        return np.asarray(np.where((counts > 0) & (near < lowest), lowest, near))

    def on_grid(self, counts: np.ndarray | float) -> np.ndarray:
        """Counts of a survival curve on its grid (middle of each six); as `rounded` where the profile has no grid of its own."""
        counts = np.asarray(counts, dtype=float)
        if not self.active or not self.midpoint:
            return self.rounded(counts)
        middle = np.ceil(counts / self.midpoint) * self.midpoint - self.midpoint / 2 * (counts != 0)
        first = math.ceil(self.threshold / self.midpoint) * self.midpoint - self.midpoint / 2
        lowest = first if first >= self.threshold else first + self.midpoint
        return np.asarray(np.where((counts > 0) & (middle < lowest), lowest, middle))

    def show(self, count: float | None) -> str:
        """A count as it may be printed in a sentence."""
        if count is None or (isinstance(count, float) and math.isnan(count)):
            return "an unknown number of"
        return f"fewer than {self.threshold}" if self.small(count) else f"{float(self.rounded(count)):,.0f}"

    def describe(self) -> str:
        if not self.active:
            return "No disclosure control: study.yaml says `disclosure: none`. This output must not leave the team that holds the data."
        lowest = 0 if self.zeros_disclosive else 1
        text = (
            f"Counts of {lowest} to {self.threshold - 1} are withheld (printed as {self.mark}), and with them every estimate, curve step or "
            f"percentage that rests on them; {'zero is withheld too' if self.zeros_disclosive else 'zero is shown'}."
        )
        if self.round_to:
            text += f" All other counts are rounded to the nearest {self.round_to}."
        if self.midpoint:
            text += f" Counts of survival curves are the middle of each {self.midpoint}."
        if self.least_df:
            text += f" Regressions need {self.least_df} residual degrees of freedom."
        return f"Profile {self.name}. {text}" if self.says else text
