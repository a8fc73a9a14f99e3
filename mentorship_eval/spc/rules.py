"""Run rules: which points, or stretches of points, an unchanged process would rarely give.

Each rule looks at one phase of a chart. Points without a value are left out, so that a run may reach over a gap.

Sources: Shewhart (1931); Anhoej and Olesen, PLoS ONE 9 (2014) e113825, with limits after Schilling and Chen (run length
``round(log2 n) + 3``, crossings below the 5 % quantile of Binomial(n - 1, 1/2), n without the points on the centre line);
Western Electric (1956) and Nelson, Journal of Quality Technology 16 (1984) 237-239; NHS England, Making Data Count, as its
community's R package NHSRplotthedots applies them (seven on one side; seven points that rise or fall, which is six steps;
two of three in the outer third of the limits, the three on one side of the centre line).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from mentorship_eval.errors import UsageError, listing

__all__ = ["LEAST_FOR_RUNS", "RULE_SETS", "RULE_WORDS", "Found", "fewest_crossings", "find_signals", "longest_run", "rules_of"]

LEAST_FOR_RUNS = 10  # Anhoej and Olesen give limits from ten useful points on
_EDGE = 1e-9  # a point on a limit is not beyond it, whatever the rounding


@dataclass(frozen=True)
class Found:
    """One signal: positions (inclusive) of its first and last point in the series, its points, its direction."""

    rule: str
    first: int
    last: int
    points: tuple[int, ...]
    direction: str


# what a rule sees: z (points in sigmas from the centre line), side (-1, 0, 1), value; all without gaps
Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], list[tuple[list[int], str]]]


def longest_run(useful: int) -> int:
    """The longest run on one side of the centre line that ``useful`` points off it may have (Schilling)."""
    return round(float(np.log2(useful))) + 3


def fewest_crossings(useful: int) -> int:
    """The fewest crossings of the centre line: the 5 % quantile of Binomial(useful - 1, 1/2) (Chen)."""
    below = bdtr(np.arange(useful, dtype=float), useful - 1, 0.5)
    return int(np.flatnonzero(below >= 0.05)[0])


def _stretches(labels: np.ndarray) -> list[tuple[int, int, float]]:
    """Maximal stretches of equal labels: first, last, label."""
    if not len(labels):
        return []
    ends = np.flatnonzero(np.diff(labels) != 0)
    starts = np.concatenate([[0], ends + 1])
    stops = np.concatenate([ends, [len(labels) - 1]])
    return [(int(a), int(b), float(labels[a])) for a, b in zip(starts, stops, strict=True)]


def _high_low(sign: float) -> str:
    return "high" if sign > 0 else "low"


def _beyond(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
    # neighbours beyond the same limit are one signal
    out = np.sign(z) * (np.abs(z) > 3 + _EDGE)
    return [(list(range(a, b + 1)), _high_low(sign)) for a, b, sign in _stretches(out) if sign != 0]


def _long_run(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
    useful = np.flatnonzero(side != 0)
    if len(useful) < LEAST_FOR_RUNS:
        return []
    most = longest_run(len(useful))
    return [(useful[a : b + 1].tolist(), _high_low(sign)) for a, b, sign in _stretches(side[useful]) if b - a + 1 > most]


def _few_crossings(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
    useful = np.flatnonzero(side != 0)
    if len(useful) < LEAST_FOR_RUNS or np.count_nonzero(np.diff(side[useful])) >= fewest_crossings(len(useful)):
        return []
    return [(useful.tolist(), "")]


def _one_side(length: int) -> Rule:
    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        return [
            (list(range(a, b + 1)), _high_low(sign)) for a, b, sign in _stretches(side) if sign != 0 and b - a + 1 >= length
        ]

    return rule


def _trend(length: int) -> Rule:
    """``length`` points that rise, or fall, without a pause."""

    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        steps = np.sign(np.diff(value))
        return [
            (list(range(a, b + 2)), "rising" if sign > 0 else "falling")
            for a, b, sign in _stretches(steps) if sign != 0 and b - a + 2 >= length
        ]  # fmt: skip

    return rule


def _alternating(length: int) -> Rule:
    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        steps = np.sign(np.diff(value))
        turns = (steps[1:] * steps[:-1] < 0).astype(float)
        return [(list(range(a, b + 3)), "") for a, b, turning in _stretches(turns) if turning and b - a + 3 >= length]

    return rule


def _joined(marked: np.ndarray, direction: str) -> list[tuple[list[int], str]]:
    """Overlapping windows (rows of positions) as one signal each."""
    out: list[list[int]] = []
    for window in marked:
        if out and window[0] <= out[-1][-1]:
            out[-1] = sorted({*out[-1], *window})
        else:
            out.append(list(window))
    return [(points, direction) for points in out]


def _most_of(need: int, length: int, beyond: float, *, all_on_one_side: bool = False, within: float = np.inf) -> Rule:
    """``need`` of ``length`` points in a row more than ``beyond`` sigmas off, on one side; those points are marked."""

    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        out: list[tuple[list[int], str]] = []
        for sign in (1.0, -1.0):
            far = (sign * z > beyond + _EDGE) & (sign * z <= within + _EDGE)
            windows = []
            for start in range(len(z) - length + 1):
                window = slice(start, start + length)
                if far[window].sum() >= need and not (all_on_one_side and (side[window] != sign).any()):
                    windows.append([start + int(k) for k in np.flatnonzero(far[window])])
            out += _joined(windows, _high_low(sign))  # type: ignore[arg-type]
        return sorted(out)

    return rule


def _hugging(length: int) -> Rule:
    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        inside = (np.abs(z) < 1).astype(float)
        return [(list(range(a, b + 1)), "") for a, b, near in _stretches(inside) if near and b - a + 1 >= length]

    return rule


def _avoiding(length: int) -> Rule:
    def rule(z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[tuple[list[int], str]]:
        outside = (np.abs(z) > 1).astype(float)
        return [(list(range(a, b + 1)), "") for a, b, far in _stretches(outside) if far and b - a + 1 >= length]

    return rule


RULES: dict[str, Rule] = {
    "beyond_limits": _beyond,
    "long_run": _long_run,
    "few_crossings": _few_crossings,
    "two_of_three": _most_of(2, 3, 2.0),
    "four_of_five": _most_of(4, 5, 1.0),
    "eight_one_side": _one_side(8),
    "nine_one_side": _one_side(9),
    "six_trend": _trend(6),
    "fourteen_alternating": _alternating(14),
    "fifteen_within_one": _hugging(15),
    "eight_beyond_one": _avoiding(8),
    "seven_one_side": _one_side(7),
    "seven_trend": _trend(7),
    "two_of_three_near_limit": _most_of(2, 3, 2.0, all_on_one_side=True, within=3.0),
}

RULE_WORDS: dict[str, str] = {
    "beyond_limits": "beyond a control limit",
    "long_run": "an unusually long run on one side of the centre line",
    "few_crossings": "unusually few crossings of the centre line",
    "two_of_three": "two of three points beyond two sigma",
    "four_of_five": "four of five points beyond one sigma",
    "eight_one_side": "eight or more points in a row on one side of the centre line",
    "nine_one_side": "nine or more points in a row on one side of the centre line",
    "six_trend": "six or more points in a row rising or falling",
    "fourteen_alternating": "fourteen or more points in a row alternating up and down",
    "fifteen_within_one": "fifteen or more points in a row within one sigma",
    "eight_beyond_one": "eight or more points in a row beyond one sigma on either side",
    "seven_one_side": "seven or more points in a row on one side of the centre line",
    "seven_trend": "seven or more points in a row rising or falling",
    "two_of_three_near_limit": "two of three points in the outer third of the limits",
}

RULE_SETS: dict[str, tuple[str, ...]] = {
    "shewhart": ("beyond_limits",),
    "anhoej": ("beyond_limits", "long_run", "few_crossings"),
    "western_electric": ("beyond_limits", "two_of_three", "four_of_five", "eight_one_side"),
    "nelson": (
        "beyond_limits", "nine_one_side", "six_trend", "fourteen_alternating", "two_of_three", "four_of_five", "fifteen_within_one",
        "eight_beyond_one",
    ),
    "making_data_count": ("beyond_limits", "seven_one_side", "seven_trend", "two_of_three_near_limit"),
}  # fmt: skip


def rules_of(rules: str | Sequence[str]) -> tuple[str, ...]:
    """Names of single rules from the name of a set, or of rules; `UsageError` for a name that is neither."""
    if isinstance(rules, str) and rules in RULE_SETS:
        return RULE_SETS[rules]
    names = (rules,) if isinstance(rules, str) else tuple(rules)
    strange = [name for name in names if name not in RULES]
    if strange:
        raise UsageError(
            f"No run rule is called {listing(map(repr, strange))}.",
            fix=f"Use one of the sets {listing(RULE_SETS, 9)}, or rules out of {listing(RULES, 20)}.",
        )
    return tuple(dict.fromkeys(names))


def find_signals(rules: Sequence[str], z: np.ndarray, side: np.ndarray, value: np.ndarray) -> list[Found]:
    """Signals of ``rules`` in one phase.

    z, side, value (n,): distance from the centre line in sigmas, side of the line that runs are counted about (-1, 0, 1), and
    the points; NaN where there is none.
    """
    known = np.flatnonzero(np.isfinite(z) & np.isfinite(value))
    out = []
    for name in rules:
        for points, direction in RULES[name](z[known], side[known], value[known]):
            places = tuple(int(known[k]) for k in points)
            out.append(Found(name, places[0], places[-1], places, direction))
    return out
