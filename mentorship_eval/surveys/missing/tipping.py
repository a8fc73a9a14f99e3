"""How different would those who did not answer have to be to change the answer: delta-adjusted imputation (pattern mixture).

Each imputed value of the outcome is moved by delta: people who did not answer are taken to score that much more or less than people like them who did
(Carpenter & Kenward 2013, Multiple Imputation and its Application, ch. 10). Whether the tipping delta is plausible is a matter of judgement, not
of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.missing.imputation import Imputations
from mentorship_eval.surveys.missing.rubin import Pooled, pool_imputed

__all__ = ["TippingPoint", "tipping_point"]

SHIFTED = ("arm", "reference", "both")


@dataclass(frozen=True, kw_only=True)
class TippingPoint:
    """table: delta, delta_sd, estimate, ci_low, ci_high, p_value; tips_at: (below, above) 0, the nearest delta at which the interval begins to
    hold no effect or ceases to, NaN where none within the range does; holds_no_effect: whether it does at delta 0; sd: of the outcome within
    arms; filled: values moved; null: the value of no effect."""

    table: pd.DataFrame
    tips_at: tuple[float, float]
    holds_no_effect: bool
    estimate: Estimate
    outcome: str
    shifted: str
    sd: float
    filled: int
    null: float

    def statement(self) -> str:
        does = "includes" if self.holds_no_effect else "excludes"
        begin = f"The interval {does} {self.null:g} (no effect) when those who did not answer are like those who did"
        whom = {"arm": "in the arm", "reference": "in the reference arm", "both": "in both arms"}[self.shifted]
        tips = [t for t in self.tips_at if np.isfinite(t)]
        low, high = self.table["delta"].min(), self.table["delta"].max()
        if not tips:
            then = f"; this does not change for any shift from {format_number(low)} to {format_number(high)}"
        else:
            words = " or ".join(f"{format_number(abs(t))} {'lower' if t < 0 else 'higher'} ({format_number(abs(t) / self.sd)} SD)" for t in tips)
            then = f"; this changes when the {self.filled:,} unanswered scores {whom} are {words} than they would be if missing at random"
        return f"{self.estimate.statement()} {begin}{then}."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table)


def tipping_point(
    imputations: Imputations,
    *,
    analysis: Callable[[pd.DataFrame], Estimate],
    outcome: str,
    deltas: Sequence[float] | None = None,
    shifted: str = "arm",
    null: float = 0.0,
) -> TippingPoint:
    """The estimate over a range of deltas, and where its interval meets no effect.

    Parameters
    ----------
    analysis : frame to `Estimate`, as for ``Imputations.pooled``. outcome : one of the imputed columns.
    deltas : in units of the outcome; by default nine from -1 to 1 SD (within arms, observed). shifted : "arm", "reference" or "both".
    null : the value of no effect.

    Raises `UsageError` for an outcome that was not imputed, deltas on one side of 0 only, or another ``shifted``.
    """
    if outcome not in imputations.columns:
        raise UsageError(f"{outcome!r} was not imputed.", fix=f"Choose one of {', '.join(imputations.columns)}.")
    if shifted not in SHIFTED:
        raise UsageError(f"shifted is {shifted!r}.", fix=f"Choose one of {', '.join(SHIFTED)}.")
    j = imputations.columns.index(outcome)
    moved = imputations.missing[:, j] & {"arm": imputations.inside == 1, "reference": imputations.inside == 0}.get(
        shifted, np.ones(len(imputations.inside), bool)
    )
    observed = np.where(imputations.missing[:, j], np.nan, imputations.values[0, :, j])
    parts = [observed[(imputations.inside == arm) & ~np.isnan(observed)] for arm in (0.0, 1.0)]
    sd = float(np.sqrt(sum(((p - p.mean()) ** 2).sum() for p in parts if len(p)) / max(sum(map(len, parts)) - 2, 1)))
    grid = np.array(sorted({0.0, *map(float, deltas)})) if deltas is not None else np.linspace(-1, 1, 9) * sd
    if grid[0] >= 0 or grid[-1] <= 0:
        raise UsageError("The deltas lie on one side of 0.", fix="Give shifts in both directions, such as [-5, 0, 5].")
    known: dict[float, Pooled] = {}

    def at(delta: float) -> Pooled:
        if delta not in known:
            found = []
            for filled, frame in zip(imputations.values, imputations.datasets, strict=True):
                found.append(analysis(frame.assign(**{outcome: filled[:, j] + delta * moved})))
            known[delta] = pool_imputed(found)
        return known[delta]

    def room(delta: float) -> float:
        """How far the interval reaches beyond no effect; negative where it does not hold it."""
        e = at(delta).estimate
        return float(min(null - e.ci_low, e.ci_high - null))

    rows = [
        {"delta": d, "delta_sd": d / sd, "estimate": (e := at(d).estimate).value, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value}
        for d in grid
    ]
    start = room(0.0) >= 0
    tips = tuple(_tip(room, [d for d in side if d != 0], sd) for side in (grid[grid <= 0][::-1], grid[grid >= 0]))
    return TippingPoint(table=pd.DataFrame(rows), tips_at=(tips[0], tips[1]), holds_no_effect=start, estimate=at(0.0).estimate,
                        outcome=outcome, shifted=shifted,
                        sd=sd, filled=int(moved.sum()), null=null)  # fmt: skip


def _tip(room: Callable[[float], float], steps: list[float], sd: float) -> float:
    """The delta nearest to 0 at which the answer changes, to a thousandth of an SD; NaN when it does at none of ``steps``."""
    from scipy.optimize import brentq

    begin, inside = room(0.0), 0.0
    for step in steps:
        if (room(step) >= 0) != (begin >= 0):
            return float(brentq(room, *sorted((inside, step)), xtol=1e-3 * sd))
        inside = step
    return float("nan")
