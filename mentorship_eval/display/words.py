"""Words for captions and alt texts, made from the frames that are drawn.

A caption says what is shown, of whom, by which method and at which level; an alt text gives the
numbers. Neither passes judgement: whether an effect is there is for the summary chapter to weigh.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from mentorship_eval.display.frames import is_blank, reason_of
from mentorship_eval.estimate import format_number, format_p

__all__ = [
    "capital",
    "count",
    "digits_for",
    "ends",
    "enumerate_words",
    "gap_words",
    "interval",
    "lower_first",
    "many",
    "people",
    "percent",
    "placebo_words",
    "plural",
    "sentence",
]


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """``text`` as it reads inside a sentence."""
    return text[:1].lower() + text[1:]


def many(label: str) -> str:
    """A quantity in the plural, wherever its noun stands: ``Hazard ratios of leaving``, ``Rate differences per year``."""
    noun, tail = re.match(r"(.*?)((?: of | per | by |,).*|$)", label, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{noun}{'' if noun.endswith('s') else 's'}{tail}"


def sentence(*parts: Any) -> str:
    """Non-empty parts as sentences: capital first letter, one full stop, one space between."""
    out = []
    for part in parts:
        text = str(part or "").strip()
        if text:
            out.append(capital(text) if text.endswith((".", "!", "?")) else f"{capital(text)}.")
    return " ".join(out)


def enumerate_words(items: Iterable[Any]) -> str:
    """``a, b and c``."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(number: Any, one: str, many: str = "") -> str:
    """``1 month``, ``2 months``, ``<10 months``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def count(value: Any) -> str:
    """A count with thousands separators; a suppressed one (``<10``) as it stands; a missing one as a dash."""
    if is_blank(value):
        return "–"
    if isinstance(value, str):
        return value
    number = float(value)
    if math.isnan(number):
        return "–"
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"


def percent(value: float, digits: int = 1) -> str:
    return "not shown" if math.isnan(value) else f"{format_number(100 * value, digits) if value else '0'} %"


def interval(value: float, low: float, high: float, ci_level: float = 0.95, *, digits: int = 2, as_percent: bool = False) -> str:
    """``0.75 (95 % CI 0.68 to 0.83)``; without the brackets where there is no interval."""
    if math.isnan(value):
        return "not shown"
    factor, unit, digits = (100.0, " %", 1) if as_percent else (1.0, "", digits)

    def write(x: float) -> str:
        return "not known" if math.isnan(x) else format_number(factor * x, digits)

    if math.isnan(low) and math.isnan(high):
        return f"{write(value)}{unit}"
    return f"{write(value)}{unit} ({ci_level * 100:g} % CI {write(low)} to {write(high)})"


def people(n: Any, n_events: Any, *, unit: str = "people", event: str = "events") -> str:
    """``1,204 people, 312 events``, as far as known."""
    parts = [f"{count(n)} {unit}"] if not is_blank(n) else []
    parts += [f"{count(n_events)} {event}"] if not is_blank(n_events) else []
    return ", ".join(parts)


def gap_words(rows: pd.DataFrame, column: str) -> str:
    """How many values of a series are marked as not shown, and why as far as the rows say it."""
    missing = rows[rows[column].isna()]
    if missing.empty:
        return ""
    reasons = enumerate_words(sorted({reason_of(row, "") for _, row in missing.iterrows()} - {""}))
    return f"Crosses: {plural(len(missing), 'period')} not shown{f' ({reasons})' if reasons else ''}"


def digits_for(values: Iterable[float]) -> int:
    """Decimals that leave three significant figures of the largest value: 4 for 0.052, 2 for 5.2."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=1.0)
    return min(8, max(2, 2 - math.floor(math.log10(largest)))) if 0 < largest < 1 else 2


def ends(labels: Sequence[str], values: Sequence[float]) -> str:
    """First, last, lowest and highest of a series: ``3.10 in Jan 2022, 2.90 in Dec 2024; lowest 2.20 in …``."""
    digits = digits_for(values)
    known = [(label, value) for label, value in zip(labels, values, strict=True) if not math.isnan(value)]
    if not known:
        return "not shown"
    low, high = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])

    def say(pair: tuple[str, float]) -> str:
        return f"{format_number(pair[1], digits)} in {pair[0]}"

    return f"{say(known[0])}, {say(known[-1])}; lowest {say(low)}, highest {say(high)}" if len(known) > 1 else say(known[0])


def placebo_words(p: float, draws: Any, smallest: float) -> str:
    """The permutation p-value with the number of draws and the smallest value it could take."""
    parts = [format_p(p)]
    if not is_blank(draws):
        parts.append(f"{count(draws)} reassignments")
    if not math.isnan(smallest):
        parts.append(f"smallest attainable p = {smallest:.2g}")
    return "; ".join(parts)
