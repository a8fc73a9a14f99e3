"""An estimate with its interval as a small drawing in a line of text: inline SVG in the colour of the text, so that it fits light and dark.

The drawing adds nothing to the words beside it and is hidden from screen readers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mentorship_eval.estimate import Estimate, format_number

__all__ = ["Axis", "axis_for", "interval_svg"]

_WIDTH, _HEIGHT, _SIDE, _MIDDLE = 300.0, 46.0, 18.0, 13.0
_RATIO_TICKS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
_WIDEST = math.log(100.0)


@dataclass(frozen=True)
class Axis:
    """A scale that is symmetric about no effect. reach: of the logarithm when ``ratio``, of the value otherwise; ticks: values."""

    ratio: bool
    reach: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Pixels from the left; what lies beyond the axis stands at its end."""
        moved = (math.log(value) if value > 0 else -math.inf) if self.ratio else value
        share = max(-1.0, min(1.0, moved / self.reach))
        return round(_WIDTH / 2 + share * (_WIDTH / 2 - _SIDE), 1)

    def holds(self, value: float) -> bool:
        moved = (math.log(value) if value > 0 else -math.inf) if self.ratio else value
        return abs(moved) <= self.reach * (1 + 1e-9)


def axis_for(estimates: Iterable[Estimate], *, ratio: bool, more: Iterable[float] = ()) -> Axis:
    """One axis for all ``estimates`` of a kind, so that their drawings can be compared by eye. more: other values to be drawn."""
    values = [value for each in estimates for value in (each.value, each.ci_low, each.ci_high)] + list(more)
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not ratio)]
    widest = max((abs(math.log(value)) if ratio else abs(value) for value in finite), default=0.0)
    if ratio:
        reach = min(max(widest * 1.06, math.log(1.25)), _WIDEST)
        inside = [tick for tick in _RATIO_TICKS if math.log(tick) <= reach]
        return Axis(True, reach, (1 / inside[-1], 1.0, inside[-1]))
    reach = max(widest * 1.06, 1e-9)
    tick = _round_below(reach)
    return Axis(False, reach, (-tick, 0.0, tick))


def _round_below(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= value * (1 + 1e-9))


def interval_svg(estimate: Estimate, axis: Axis, truth: float | None = None) -> str:
    """``estimate`` on ``axis``: a square on its interval, a line at no effect; a hollow diamond is the truth of a simulation."""
    if not math.isfinite(estimate.value):
        return ""
    none, at = axis.place(1.0 if axis.ratio else 0.0), axis.place(estimate.value)
    base = _MIDDLE + 13
    parts = [f'<path class="axis" d="M{_SIDE} {base}H{_WIDTH - _SIDE}"/>', f'<path class="none" d="M{none} 1V{base}"/>']
    for tick in axis.ticks:
        place, label = axis.place(tick), _tick(tick)
        parts.append(f'<path class="axis" d="M{place} {base}v4"/><text x="{place}" y="{base + 16}" text-anchor="middle">{label}</text>')
    if not math.isnan(estimate.ci_low) and not math.isnan(estimate.ci_high):
        low, high = axis.place(estimate.ci_low), axis.place(estimate.ci_high)
        parts.append(f'<path class="interval" d="M{low} {_MIDDLE}H{high}"/>')
        parts += [_end(place, axis.holds(value), sign)
                  for place, value, sign in ((low, estimate.ci_low, -1), (high, estimate.ci_high, 1))]  # fmt: skip
    parts.append(f'<rect class="value" x="{at - 4.5}" y="{_MIDDLE - 4.5}" width="9" height="9"/>')
    if truth is not None and math.isfinite(truth):
        place = axis.place(truth)
        parts.append(f'<path class="truth" d="M{place - 6} {_MIDDLE}l6 -6 6 6 -6 6z"/>')
    return (
        f'<svg class="interval-drawing" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true" '
        f'focusable="false">{"".join(parts)}</svg>'
    )


def _tick(value: float) -> str:
    return format_number(value, 2).rstrip("0").rstrip(".") if value else "0"


def _end(place: float, inside: bool, sign: int) -> str:
    """The end of an interval: a bar, or an arrow where it goes on beyond the axis."""
    if inside:
        return f'<path class="interval" d="M{place} {_MIDDLE - 4}v8"/>'
    return f'<path class="interval" d="M{place - 6 * sign} {_MIDDLE - 5}l{6 * sign} 5l{-6 * sign} 5"/>'
