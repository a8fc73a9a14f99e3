"""How much of each cost item the programme used: from unit prices in the table costs to totals with their ranges.

An item is multiplied by what its unit counts; a unit that is not known stops the chapter, since an item left out would flatter the programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.economics.amounts import Amount
from mentorship_eval.questions.economics.used import Usage

__all__ = ["OF_PEOPLE", "UNITS", "Priced", "contributors", "is_leaver", "priced"]

# word of a unit -> what it counts
UNITS = {
    "mentor": "mentors with a match", "mentee": "people matched", "match": "matches", "pair": "matches", "session": "sessions held",
    "hour": "protected hours", "mentor hour": "hours of sessions held", "training hour": "hours of training of mentors with a match",
    "month": "months of the programme", "year": "years of the programme", "department": "departments with the programme", "once": "once",
    "programme": "once",
}  # fmt: skip
# counts whose parts are each of a person or a pair
OF_PEOPLE = frozenset({"mentors with a match", "people matched", "matches", "sessions held", "protected hours", "hours of sessions held",
                       "hours of training of mentors with a match"})  # fmt: skip
_LEAVER = ("leaver", "replacement", "leaver avoided")


@dataclass(frozen=True)
class Priced:
    """One item: its total, what was counted, how much of it, the price of one, and the parts of the total."""

    total: Amount
    counts: str
    quantity: float
    price: float
    parts: tuple[float, ...]


def contributors(parts: Sequence[float]) -> float:
    """How many equal parts would be as concentrated as these (inverse of the sum of squared shares): 1 where one part is nearly all."""
    amounts = np.asarray(parts, dtype=float)
    squares = float((amounts**2).sum())
    return float(amounts.sum() ** 2 / squares) if squares > 0 else 0.0


def is_leaver(unit: str) -> bool:
    return _plain(unit) in _LEAVER


def _plain(unit: str) -> str:
    return " ".join(str(unit).lower().replace("per ", " ").replace("_", " ").split()).removesuffix("s")


def priced(costs: pd.DataFrame, used: Usage, share: float) -> tuple[list[Priced], list[str]]:
    """Items of the programme (no leavers) with their totals, apportioned by ``share``; and units that are unknown or not counted in these data."""
    items, unknown = [], []
    for row in costs.to_dict("records"):
        if is_leaver(row["unit"]):
            continue
        counts = UNITS.get(_plain(row["unit"]), "")
        if counts not in used.parts:
            unknown.append(f"{row['unit']} ({row['item']})")
            continue
        parts = used.parts[counts] * share
        low, high = (row["amount"] if pd.isna(row.get(name, np.nan)) else row[name] for name in ("low", "high"))
        price = Amount(str(row["item"]), float(row["amount"]), float(low), float(high))
        each = tuple(float(part) for part in parts * price.value)
        items.append(Priced(price.times(float(parts.sum())), counts, float(parts.sum()), price.value, each))
    return items, unknown
