"""A change of an estimate in words and figures, as the terminal and the page both print it."""

from __future__ import annotations

import math

from mentorship_eval.estimate import Estimate, format_number, format_p
from mentorship_eval.report.compare.numbers import Change, close

__all__ = ["both", "distance", "moved_by", "outcome"]

_MOST_DIGITS = 5


def _digits(change: Change) -> int:
    """Decimals, as few as tell old and new apart; two where they are not."""
    pairs = [
        (getattr(change.old, name), getattr(change.new, name)) for name in ("value", "ci_low", "ci_high")
        if change.old is not None and change.new is not None
    ]  # fmt: skip
    differing = [(one, other) for one, other in pairs if one != other and not (math.isnan(one) or math.isnan(other))]
    for digits in range(2, _MOST_DIGITS):
        if all(format_number(one, digits) != format_number(other, digits) for one, other in differing[:1]):
            return digits
    return 2


def _said(estimate: Estimate | None, digits: int) -> str:
    if estimate is None:
        return "not there"
    if math.isnan(estimate.value):
        return "withheld" if any(caution.code == "suppressed" for caution in estimate.warnings) else "not estimable"
    if not math.isnan(estimate.ci_low) or not math.isnan(estimate.ci_high):
        return f"{format_number(estimate.value, digits)} ({format_number(estimate.ci_low, digits)} to {format_number(estimate.ci_high, digits)})"
    p = f", {format_p(estimate.p_value)}" if not math.isnan(estimate.p_value) else ""
    return f"{format_number(estimate.value, digits)}{p}"


def both(change: Change) -> tuple[str, str]:
    """Old and new, each with its interval."""
    digits = _digits(change)
    return _said(change.old, digits), _said(change.new, digits)


def moved_by(change: Change) -> str:
    """``×1.02`` on ratio scales, ``+0.31`` otherwise; "" where there is no difference to tell."""
    if change.old is None or change.new is None or math.isnan(change.difference) or close(change.old.value, change.new.value):
        return ""
    if not math.isnan(change.ratio):
        return f"×{format_number(change.ratio, 3)}"
    text = format_number(change.difference, 3)
    return text if change.difference < 0 else f"+{text}"


def distance(change: Change) -> str:
    """The difference by the old standard error; "" where there is none."""
    return "" if math.isnan(change.in_se) or not moved_by(change) else format_number(change.in_se, 2)


def outcome(change: Change) -> str:
    """What became of the estimate, with what else must be said of it."""
    more = [f"another {', '.join(change.redefined)}"] if change.redefined else []
    more += [f"plan: {change.status[0]} -> {change.status[1]}"] if change.plan_changed else []
    return f"{change.change} ({'; '.join(more)})" if more else change.change
