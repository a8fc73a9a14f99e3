"""How different would those who did not answer have to be to change the answer: delta-adjusted imputation (pattern mixture).

Each imputed value of the outcome is moved by delta: people who did not answer are taken to score that much more or less than people like them who did
(Carpenter & Kenward 2013, Multiple Imputation and its Application, ch. 10). Whether the tipping delta is plausible is a matter of judgement, not
of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
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
    linear: bool = False,
) -> TippingPoint:
    """The estimate over a range of deltas, and where its interval meets no effect.

    Parameters
    ----------
    analysis : frame to `Estimate`, as for ``Imputations.pooled``. outcome : one of the imputed columns.
    deltas : in units of the outcome; by default nine from -1 to 1 SD (within arms, observed). shifted : "arm", "reference" or "both".
    null : the value of no effect.
    linear : the estimate is linear in the outcome, its variance a quadratic form of it and its degrees of freedom free of it, as for least
        squares (`ancova`): three analyses of each data set then give those at every delta. A fourth, of the first data set, checks it.

    Raises `UsageError` for an outcome that was not imputed, deltas on one side of 0 only, another ``shifted``, or an analysis that is said to
    be linear and is not; `EstimationError` for an analysis without an interval, which has nothing that could tip.
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
    frames = list(imputations.datasets)

    def moved_by(delta: float, k: int) -> Estimate:
        return analysis(frames[k].assign(**{outcome: imputations.values[k, :, j] + delta * moved}))

    _refuse_without_limits(moved_by(0.0, 0))
    one = _parabola(moved_by, len(frames), float(grid[-1])) if linear else moved_by
    known: dict[float, Pooled] = {}

    def at(delta: float) -> Pooled:
        if delta not in known:
            known[delta] = pool_imputed([one(delta, k) for k in range(len(frames))])
        return known[delta]

    def room(delta: float) -> float:
        """How far the interval reaches beyond no effect; negative where it does not hold it."""
        e = at(delta).estimate
        return float(min(null - e.ci_low, e.ci_high - null))

    _refuse_without_limits(at(0.0).estimate)
    rows = [
        {"delta": d, "delta_sd": d / sd, "estimate": (e := at(d).estimate).value, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value}
        for d in grid
    ]
    start = room(0.0) >= 0
    tips = tuple(_tip(room, [d for d in side if d != 0], sd) for side in (grid[grid <= 0][::-1], grid[grid >= 0]))
    return TippingPoint(table=pd.DataFrame(rows), tips_at=(tips[0], tips[1]), holds_no_effect=start, estimate=at(0.0).estimate,
                        outcome=outcome, shifted=shifted,
                        sd=sd, filled=int(moved.sum()), null=null)  # fmt: skip


def _refuse_without_limits(estimate: Estimate) -> None:
    if np.isnan(estimate.ci_low) and np.isnan(estimate.ci_high):
        raise EstimationError("The analysis gives no interval, so that nothing can tip.", fix="More clusters, or another analysis.")


def _parabola(analysis: Callable[[float, int], Estimate], number: int, reach: float) -> Callable[[float, int], Estimate]:
    """The same estimates from those at -reach, 0 and reach of each data set."""
    known = [tuple(analysis(delta, k) for delta in (-reach, 0.0, reach)) for k in range(number)]

    def at(delta: float, k: int) -> Estimate:
        low, middle, high = known[k]
        x = delta / reach
        value = middle.value + x * (high.value - low.value) / 2
        squares = [float(e.se or np.nan) ** 2 for e in (low, middle, high)]
        square = squares[1] + x * (squares[2] - squares[0]) / 2 + x**2 * ((squares[0] + squares[2]) / 2 - squares[1])
        return replace(middle, value=value, se=float(np.sqrt(square)))

    told, meant = at(reach / 2, 0), analysis(reach / 2, 0)
    close = 1e-6 * max(float(meant.se or 0.0), 1e-300)
    if meant.is_ratio or not (abs(told.value - meant.value) < close and abs((told.se or 0.0) - (meant.se or 0.0)) < close and told.df == meant.df):
        raise UsageError("The analysis is not linear in the outcome.", fix="Leave out linear=True.")
    return at


def _tip(room: Callable[[float], float], steps: list[float], sd: float) -> float:
    """The delta nearest to 0 at which the answer changes, to a thousandth of an SD; NaN when it does at none of ``steps``."""
    from scipy.optimize import brentq

    begin, inside = room(0.0), 0.0
    for step in steps:
        if (room(step) >= 0) != (begin >= 0):
            return float(brentq(room, *sorted((inside, step)), xtol=1e-3 * sd))
        inside = step
    return float("nan")
