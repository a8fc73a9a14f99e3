"""The permutation test turned into an interval: all constant ratios that it does not reject.

Under the sharp hypothesis that the programme multiplied every treated cell's events by the same ratio, the counts without it
are the observed ones, divided by that ratio in treated cells. These are permuted as in the placebo test (Rosenbaum 2002,
Statistical Science 17:286-327, on inverting randomisation tests; MacKinnon & Webb 2020, J. Econometrics 218:435-450, on dates of
adoption). The set of ratios with p > 1 - ci_level need not be an interval and may have no end; its hull is given, and said to be one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.placebo import Arrangement
from mentorship_eval.estimate import format_number
from mentorship_eval.inference.permutation import SLACK, assignments, count_assignments
from mentorship_eval.inference.shown import Shown

__all__ = ["PermutationInterval", "invert_permutation"]

FARTHEST = np.log(1000.0)  # a limit beyond this ratio, or its inverse, is called unbounded
BEYOND = 2  # steps of the search past the first rejection, for parts of the set that lie apart
HALVINGS = 12


@dataclass(frozen=True)
class PermutationInterval(Shown):
    """low, high: hull of the constant rate ratios not rejected, 0 or infinity where no end was found; ci_level; draws; exact: all
    assignments; hull: ratios within it are rejected too; note: why limits are missing or unbounded, else "".
    """

    low: float
    high: float
    ci_level: float
    draws: int
    exact: bool
    hull: bool
    note: str

    def statement(self) -> str:
        """One sentence: what the limits are limits of."""
        level = f"{self.ci_level * 100:g} %"
        if np.isnan(self.low):
            return f"No permutation interval: {self.note}."
        tail = f"; {self.note}" if self.note else ""
        return (
            f"For a constant ratio, the placebo test at {level} does not reject {format_number(self.low)} to {format_number(self.high)} "
            f"({'all' if self.exact else 'random'} {self.draws:,} assignments){tail}."
        )


class _Inverted:
    """p-values of constant log ratios, all with the same draws."""

    def __init__(self, arrangement: Arrangement, log_ratio: float, draws: int, seed: int) -> None:
        self.arrangement, self.log_ratio = arrangement, log_ratio
        labels, first, panel = arrangement.labels, arrangement.first, arrangement.panel
        place = np.arange(panel.shape[1])[None, :]
        self.treated = (place >= labels.treated_from[labels.code][:, None]) & (place < labels.treated_until[labels.code][:, None])
        chosen = (labels.code[first], panel.block[first])
        self.exact = count_assignments(*chosen) <= draws
        self.codes = np.concatenate(list(assignments(*chosen, draws=draws, seed=seed, at_once=4096)))

    def extreme(self, theta: float, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Whether each draw is at least as extreme as the actual assignment, under the log ratio ``theta``."""
        panel, size, codes = self.arrangement.panel, self.arrangement.at_once, self.codes[rows]
        counts = np.where(self.treated, panel.outcome * np.exp(-theta), panel.outcome)
        statistic = self.arrangement.statistic(replace(panel, outcome=counts))
        values = [np.abs(statistic(codes[begin: begin + size])) for begin in range(0, len(codes), size)]
        found = np.concatenate(values) if values else np.zeros(0)
        return np.isnan(found) | (found >= abs(self.log_ratio - theta) - SLACK)

    def p(self, extreme: np.ndarray) -> float:
        return float(extreme.mean() if self.exact else (1 + extreme.sum()) / (1 + len(extreme)))

    def limit(self, sign: int, step: float, level: float) -> tuple[float, bool, bool]:
        """The outermost log ratio kept on one side (infinite when none is rejected behind it), whether something was rejected before
        it, and whether it is infinite.
        """
        inner, inner_extreme = 0.0, np.ones(len(self.codes), dtype=bool)
        edge: tuple[float, np.ndarray, float, np.ndarray] | None = None
        offset, rejected, apart = step, 0, False
        while offset < FARTHEST + step:
            here = self.extreme(self.log_ratio + sign * offset)
            if self.p(here) > level:
                apart |= rejected > 0
                inner, inner_extreme, rejected, edge = offset, here, 0, None
            else:
                rejected += 1
                edge = edge or (inner, inner_extreme, offset, here)
                if rejected > BEYOND:
                    break
            offset += step if offset < 6 * step else offset / 3
        if edge is None:
            return sign * np.inf, apart, True
        near, kept, far, lost = edge
        for _ in range(HALVINGS):  # a draw that is on one side at both ends is taken to be there in between
            middle, between = (near + far) / 2, kept.copy()
            open_ones = np.flatnonzero(kept != lost)
            between[open_ones] = self.extreme(self.log_ratio + sign * middle, open_ones)
            if self.p(between) > level:
                near, kept = middle, between
            else:
                far, lost = middle, between
        return self.log_ratio + sign * near, apart, False


def invert_permutation(
    arrangement: Arrangement, log_ratio: float, *, step: float, draws: int, seed: int, ci_level: float, treated_clusters: int
) -> PermutationInterval:
    """Invert the placebo test; step: of the search, about a standard error of the log ratio."""
    nothing = PermutationInterval(np.nan, np.nan, ci_level, 0, False, False, "")
    if arrangement.why or draws == 0:
        return replace(nothing, note=arrangement.why or "no permutation was asked for")
    if treated_clusters < 2:
        return replace(nothing, note="only one unit or cluster is treated")
    if not np.isfinite(log_ratio):
        return replace(nothing, note="no event was observed in treated cells")
    chosen = (arrangement.labels.code[arrangement.first], arrangement.panel.block[arrangement.first])
    possible, level = count_assignments(*chosen), 1 - ci_level
    if max(1 / possible, 1 / (1 + draws) if possible > draws else 0.0) > level:
        return PermutationInterval(0.0, np.inf, ci_level, min(possible, draws), possible <= draws, False,
            f"unbounded, because no p-value below {1 / min(possible, draws + 1):.2g} is attainable")
    search = _Inverted(arrangement, log_ratio, draws, seed)
    step = float(np.clip(step / 2 if np.isfinite(step) else 0.1, 0.02, 0.5))
    (low, apart_low, open_low), (high, apart_high, open_high) = (search.limit(sign, step, level) for sign in (-1, 1))
    ends = [word for word, unbounded in (("below", open_low), ("above", open_high)) if unbounded]
    notes = [f"unbounded {' and '.join(ends)}"] if ends else []
    notes += ["some ratios between these limits are rejected"] if apart_low or apart_high else []
    return PermutationInterval(
        float(np.exp(low)), float(np.exp(high)), ci_level, len(search.codes), search.exact, apart_low or apart_high, "; ".join(notes),
    )
