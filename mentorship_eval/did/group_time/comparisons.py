"""Which two periods each group-time effect compares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.group_time.design import Design

__all__ = ["Comparison", "plan_comparisons"]


@dataclass(frozen=True)
class Comparison:
    """One ATT(g, t): group (index into the design's groups), period t and base b (indices of periods), and event time."""

    group: int
    t: int
    b: int
    event: float

    @property
    def post(self) -> bool:
        return self.event >= 0

    @property
    def is_base(self) -> bool:
        """The base period of a universal base: 0 by construction, with no standard error."""
        return self.t == self.b


def plan_comparisons(design: Design, *, universal: bool) -> list[Comparison]:
    """Every comparison, by group and period.

    From the first period in which the group may have reacted (adoption less anticipation) the base is the
    last period before that. Earlier periods are compared with the same base (universal) or with the
    period before them (varying), whose first period then has no comparison.
    """
    position, out = design.position, []
    for j, group in enumerate(design.groups):
        base = int(np.searchsorted(position, group - design.anticipation)) - 1
        for t in range(len(position)):
            reacting = t > base
            if not (reacting or universal) and t == 0:
                continue
            out.append(Comparison(j, t, base if reacting or universal else t - 1, float(position[t] - group)))
    return out
