"""Text to dates: only what can be read for certain. A column that could be day/month or month/day is refused.

Every distinct text is parsed once; the caller spreads the result over the rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING

__all__ = ["DateAnswer", "parse_dates", "parse_months"]

_FAR = re.compile(r"(?<!\d)(?:4712|9999|2999)(?!\d)")
_ISO_TIME = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$")
_PARTS = re.compile(r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?: 00:00(?::00)?)?$")
_SERIAL = re.compile(r"^\d{5}(?:\.\d+)?$")
_MONTH = re.compile(r"^\d{4}-\d{1,2}$")
_MONTH_COMPACT = re.compile(r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])$")
_EXCEL_EPOCH = pd.Timestamp("1899-12-30")


@dataclass
class DateAnswer:
    """``values``: one Timestamp (or NaT) per distinct text. ``problems``: message -> positions of texts that are wrong,
    with the fix; ``far``: positions of open-end placeholders; ``note``: a format that was recognised, not declared."""

    values: pd.DatetimeIndex
    problems: list[tuple[str, list[int], str]] = field(default_factory=list)
    far: list[int] = field(default_factory=list)
    note: str = ""


def parse_dates(texts: list[str], declared: str | None, *, open_end: bool) -> DateAnswer:
    """Parse distinct ``texts``.

    declared: a strptime format, ``excel`` for serial day numbers, or None: then ISO dates, or a day/month or
    month/day reading that is the only one possible for the whole column.
    """
    answer = DateAnswer(pd.DatetimeIndex([pd.NaT] * len(texts)))
    values = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    todo = [i for i, text in enumerate(texts) if text not in MISSING]
    far = [i for i in todo if _FAR.search(texts[i]) and not _SERIAL.match(texts[i])]
    if far and open_end:
        answer.far = far
    elif far:
        _problem(answer, texts, far, "a placeholder, not a date", "Leave the cell empty, or give the date.")
    todo = [i for i in todo if i not in set(far)]
    iso = _strptime([texts[i] for i in todo], "%Y-%m-%d")
    values[todo] = iso
    rest = [i for i, value in zip(todo, iso, strict=True) if np.isnat(value)]
    if declared and declared.lower() == "excel":
        rest = _excel(texts, rest, values)
        _problem(answer, texts, rest, "not an Excel day number", "Correct dates in study.yaml.")
    elif declared:
        # a declared format rules: it is tried on every cell, and ISO only where the cell is plainly ISO
        parsed = _strptime([texts[i] for i in todo], declared)
        for i, value in zip(todo, parsed, strict=True):
            if not np.isnat(value):
                values[i] = value
        rest = [i for i in todo if np.isnat(values[i])]
        rest = _iso_with_time(texts, rest, values)
        _problem(answer, texts, rest, f"not a date of the declared format {declared}", "Correct the cells, or dates in study.yaml.")
    else:
        rest = _iso_with_time(texts, rest, values)
        _guess(answer, texts, rest, values)
    early = [i for i in todo if not np.isnat(values[i]) and values[i] <= np.datetime64("1900-01-01")]
    _problem(answer, texts, early, "a placeholder, not a date", "Leave the cell empty, or give the date.")
    answer.values = pd.DatetimeIndex(values)
    return answer


def parse_months(texts: list[str], declared: str | None) -> tuple[DateAnswer, list[int]]:
    """Months as their first day; also the positions of dates inside a month, which were moved to its first day."""
    plain = [f"{text}-01" if _MONTH.match(text) else text for text in texts]
    plain = [f"{text[:4]}-{text[4:]}-01" if _MONTH_COMPACT.match(text) else text for text in plain]
    answer = parse_dates(plain, declared, open_end=False)
    first = answer.values.to_period("M").to_timestamp() if len(plain) else answer.values
    inside = [i for i, (a, b) in enumerate(zip(answer.values, first, strict=True)) if not pd.isna(a) and a != b]
    answer.values = pd.DatetimeIndex(first)
    return answer, inside


def _problem(answer: DateAnswer, texts: list[str], positions: list[int], what: str, fix: str) -> None:
    if positions:
        shown = ", ".join(repr(texts[i][:30]) for i in positions[:3])
        answer.problems.append((f"{shown}{', ...' if len(positions) > 3 else ''}: {what}", positions, fix))


def _strptime(texts: list[str], pattern: str) -> np.ndarray:
    if not texts:
        return np.array([], dtype="datetime64[ns]")
    try:
        parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=pattern, errors="coerce")
    except (ValueError, TypeError):  # the pattern itself is no good: every cell is then a problem
        return np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    if not pd.api.types.is_datetime64_any_dtype(parsed):
        return np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    if parsed.dt.tz is not None:
        parsed = parsed.dt.tz_localize(None)
    return parsed.dt.normalize().to_numpy(dtype="datetime64[ns]")


def _iso_with_time(texts: list[str], rest: list[int], values: np.ndarray) -> list[int]:
    found = {i: match.group(1) for i in rest if (match := _ISO_TIME.match(texts[i]))}
    parsed = _strptime(list(found.values()), "%Y-%m-%d")
    for i, value in zip(found, parsed, strict=True):
        values[i] = value
    return [i for i in rest if np.isnat(values[i])]


def _excel(texts: list[str], rest: list[int], values: np.ndarray) -> list[int]:
    for i in rest:
        if _SERIAL.match(texts[i]):
            values[i] = (_EXCEL_EPOCH + pd.Timedelta(days=int(float(texts[i])))).to_datetime64()
    return [i for i in rest if np.isnat(values[i])]


def _guess(answer: DateAnswer, texts: list[str], rest: list[int], values: np.ndarray) -> None:
    serial = [i for i in rest if _SERIAL.match(texts[i])]
    _problem(answer, texts, serial, "an Excel day number, not a date", "Format the column as a date in Excel, or declare dates: excel.")
    parts = {i: match for i in rest if (match := _PARTS.match(texts[i]))}
    odd = [i for i in rest if i not in parts and i not in set(serial)]
    _problem(answer, texts, odd, "not a date that can be read", 'Write 2022-01-31, or declare the format, such as dates: "%d/%m/%Y".')
    if not parts:
        return
    day_first = {i: _iso(match.group(4), match.group(3), match.group(1)) for i, match in parts.items()}
    month_first = {i: _iso(match.group(4), match.group(1), match.group(3)) for i, match in parts.items()}
    only_day = [i for i in parts if day_first[i] is not None and month_first[i] is None]
    only_month = [i for i in parts if month_first[i] is not None and day_first[i] is None]
    neither = [i for i in parts if day_first[i] is None and month_first[i] is None]
    _problem(answer, texts, neither, "no such day", "Correct the cells.")
    sure = [i for i in parts if i not in set(neither)]
    if not sure:
        return
    if only_day and only_month:
        both = [only_day[0], only_month[0]]
        _problem(answer, texts, both, "day/month and month/day are mixed in one column", "Correct the export, then declare dates.")
    elif only_day or only_month:
        chosen = day_first if only_day else month_first
        for i in sure:
            values[i] = chosen[i]
        word, proof = ("day/month/year", only_day[0]) if only_day else ("month/day/year", only_month[0])
        answer.note = f"read as {word}, the only reading possible ({texts[proof]})"
    else:
        _problem(
            answer,
            texts,
            sure,
            "could be day/month or month/day",
            'Declare the format in study.yaml: dates: "%d/%m/%Y" or "%m/%d/%Y".',
        )


def _iso(year: str, month: str, day: str) -> np.datetime64 | None:
    try:
        return pd.Timestamp(year=int(year), month=int(month), day=int(day)).to_datetime64().astype("datetime64[ns]")
    except ValueError:
        return None
