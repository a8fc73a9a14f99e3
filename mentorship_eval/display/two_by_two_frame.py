"""What a Bacon plot needs to know of each type of comparison: its name, its mark, its share of the weight, its mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import check_columns, in_order, is_blank, numbers, reason_of
from mentorship_eval.display.style import series_style
from mentorship_eval.errors import UsageError

__all__ = ["WHAT", "Kind", "read_comparisons"]

WHAT = "bacon_plot(comparisons)"
# what the types are called in the literature: the words a reader is given, the series whose colour and mark they have, and whether
# the controls are treated already
_KNOWN: dict[str, tuple[str, int, bool]] = {
    "treated vs untreated": ("Treated with never treated", 0, False),
    "treated vs never treated": ("Treated with never treated", 0, False),
    "earlier vs later treated": ("Earlier with later treated", 2, False),
    "later vs earlier treated": ("Later with already treated", 1, True),
    "later vs already treated": ("Later with already treated", 1, True),
    "later vs always treated": ("Later with always treated", 3, True),
}
_MOST = 6


@dataclass(frozen=True, eq=False)
class Kind:
    """One type of comparison. weight, estimate (C,): of its comparisons, NaN where withheld; colour, marker: of its points.

    forbidden: the controls are treated already, which is drawn with open marks; reasons: why numbers are missing.
    """

    name: str
    weight: np.ndarray
    estimate: np.ndarray
    pairs: list[str]
    forbidden: bool
    colour: Any
    marker: str
    reasons: list[str]

    @property
    def shown(self) -> np.ndarray:
        return np.isfinite(self.weight) & np.isfinite(self.estimate)

    @property
    def hidden(self) -> int:
        return int((~self.shown).sum())

    @property
    def share(self) -> float:
        """Share of the weight; NaN where a weight is withheld."""
        return float(self.weight.sum())

    @property
    def mean(self) -> float:
        """Weighted mean; NaN where a comparison is withheld, whose number would follow from it."""
        return float((self.weight * self.estimate).sum() / self.share) if self.share > 0 and not self.hidden else math.nan


def read_comparisons(comparisons: pd.DataFrame, labels: Mapping[str, str] | None) -> list[Kind]:
    """The types in the order: permitted ones first, then the forbidden, each as they are known in the literature."""
    rows = check_columns(comparisons, ("type", "treated", "control", "weight", "estimate"), WHAT)
    weight, estimate = numbers(rows, "weight", WHAT), numbers(rows, "estimate", WHAT)
    if (weight < 0).any() or np.nansum(weight) > 1 + 1e-6 or np.isinf(weight).any() or np.isinf(estimate).any():
        raise UsageError(
            f"{WHAT}: weights are shares of 0 to 1 that add up to 1, and estimates are finite; these add up to {np.nansum(weight):.4g}.",
            fix="Give the comparisons of one decomposition, with their weights as they are.",
            rows=list(rows.index[(weight < 0) | np.isinf(weight) | np.isinf(estimate)]),
        )
    if rows["type"].isna().any():
        raise UsageError(f"{WHAT}: rows without a type.", fix="Name the type of each comparison.", rows=list(rows.index[rows["type"].isna()]))
    types = in_order(rows["type"])
    if len(types) > _MOST:
        raise UsageError(f"{WHAT}: {len(types)} types of comparison cannot be told apart.", fix=f"Join them to at most {_MOST}.")
    told = rows["forbidden"] if "forbidden" in rows.columns else pd.Series([None] * len(rows))
    free = iter(k for k in (4, 5, 6, 0, 1, 2, 3) if k not in {_KNOWN[str(one).lower()][1] for one in types if str(one).lower() in _KNOWN})
    kinds = []
    for one in types:
        here = (rows["type"] == one).to_numpy()
        name, series, forbidden = _KNOWN.get(str(one).lower(), (str(one), -1, False))
        style = series_style(series if series >= 0 else next(free))
        missing = here & ~(np.isfinite(weight) & np.isfinite(estimate))
        part, said = rows[here], [bool(value) for value in told[here] if not is_blank(value)]
        forbidden = all(said) if said else forbidden
        kinds.append(Kind(
            f"{(labels or {}).get(one, name)}{' (forbidden)' if forbidden else ''}", weight[here], estimate[here],
            [f"{treated} with {control}" for treated, control in zip(part["treated"], part["control"], strict=True)],
            forbidden, style["color"], style["marker"],
            sorted({reason_of(row, "withheld") for _, row in rows[missing].iterrows()}),
        ))
    order = list(_KNOWN)
    known = {str(one).lower(): k for k, one in enumerate(types)}
    ranked = sorted(known, key=lambda one: (kinds[known[one]].forbidden, order.index(one) if one in order else len(order)))
    return [kinds[known[one]] for one in ranked]
