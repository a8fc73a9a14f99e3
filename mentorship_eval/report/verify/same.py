"""Whether two files or two stored answers say the same: by bytes, or number by number within a tolerance."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

__all__ = ["TOLERANCE", "cells_apart", "values_apart"]

# relative; numbers this close come from another order of summation, not from another analysis
TOLERANCE = 1e-8
_NOTHING = 1e-12


def _number(text: Any) -> float | None:
    if isinstance(text, bool):
        return None
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _equal(one: Any, other: Any) -> bool:
    if one == other:
        return True
    first, second = _number(one), _number(other)
    return first is not None and second is not None and math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=_NOTHING)


def cells_apart(expected: str, found: str) -> list[str]:
    """Where two CSV texts say different things: ``row (its first cell), column: expected, found``; [] when all numbers and words agree."""
    one, other = (list(csv.reader(io.StringIO(text))) for text in (expected, found))
    if one[:1] != other[:1]:
        return ["the columns differ"]
    apart = [f"{len(other) - 1} rows, not {len(one) - 1}"] if len(one) != len(other) else []
    header = one[0] if one else []
    for mine, theirs in zip(one[1:], other[1:], strict=False):
        for column, before, after in zip(header, mine, theirs, strict=False):
            if not _equal(before, after):
                apart.append(f"{mine[0]}, {column}: {after or 'nothing'}, not {before or 'nothing'}")
    return apart


def values_apart(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of values at which two JSON documents differ beyond the tolerance."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from values_apart(one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for mine, theirs in zip(one, other, strict=True):
            yield from values_apart(mine, theirs)
    elif isinstance(one, dict | list) or isinstance(other, dict | list) or not _equal(one, other):
        yield one, other
