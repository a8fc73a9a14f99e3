"""What the results of all imputations have in common: their table, the placebo test in words, and how they show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from mentorship_eval.estimate import Estimate, format_p
from mentorship_eval.inference.shown import Shown

if TYPE_CHECKING:
    from mentorship_eval.estimate import Caution
    from mentorship_eval.inference.permutation import Permutation

__all__ = ["Imputed", "rank_statement"]


def rank_statement(rank: tuple[int, int], kind: str, measure: str = "ratio", none: int = 1) -> str:
    """The placebo rank of the one treated unit or cluster (``kind``) in words; none: the ``measure`` without effect."""
    place, count = rank
    ranks = f"the {measure} of the actual one ranks {place:,} of {count:,} by distance from {none}."
    return f"As if each of {count:,} {kind} had been the treated one, {ranks}"


class Imputed(Shown):
    """Base of the frozen results; they hold the fields that are named here."""

    COMPARED: ClassVar[str]  # what the event study compares with
    RANKED: ClassVar[tuple[str, int]] = ("effect", 0)  # what is ranked with one treated unit, and its value without effect
    SHOWN: ClassVar[tuple[str, ...]] = ("quantity", "estimate", "ci_low", "ci_high", "p_value", "unit")  # columns in a notebook

    if TYPE_CHECKING:
        permutation: Permutation
        placebo_rank: tuple[int, int] | None
        settings: dict[str, object]
        warnings: tuple[Caution, ...]

        @property
        def table(self) -> pd.DataFrame: ...
        def statement(self) -> str: ...

    @property
    def permutation_p(self) -> float:
        return self.permutation.p_value

    @property
    def smallest_permutation_p(self) -> float:
        return self.permutation.smallest_p

    @property
    def event_study_compared_with(self) -> str:
        return self.COMPARED

    def _quantities(self, rows: Mapping[str, Estimate], tested: Estimate) -> pd.DataFrame:
        """A row per quantity; the permutation p-value stands with the one that is tested."""
        frame = pd.DataFrame([
            {
                "quantity": name, "estimate": e.value, "se": e.se, "ci_low": e.ci_low, "ci_high": e.ci_high, "ci_level": e.ci_level,
                "p_value": e.p_value, "permutation_p": self.permutation_p if e is tested else float("nan"), "scale": e.scale, "unit": e.unit,
                "n": e.n, "n_events": e.n_events, "n_clusters": e.n_clusters, "df": e.df,
            }
            for name, e in rows.items()
        ])
        frame["df"] = frame["df"].astype(float)
        return frame

    def placebo_statement(self) -> str:
        """The permutation test in words; it is a test of the programme only where timing was random."""
        if self.placebo_rank is not None:
            return rank_statement(self.placebo_rank, "units" if self.settings["cluster"] == self.settings["unit"] else "clusters", *self.RANKED)
        p = self.permutation
        if not p.draws:
            return "No permutation of adoption dates was made."
        how = f"all {p.draws:,} assignments" if p.exact else f"{p.draws:,} random assignments, seed {p.seed}"
        return f"Placebo test by permuting adoption dates: {format_p(p.p_value)} ({how}; smallest attainable p {p.smallest_p:.2g})."

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.table[list(self.SHOWN)],)
