"""Scores of a scale from the columns of its items, and an account of how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.scales.consistency import item_rest_correlations
from mentorship_eval.inference.scales.keys import scoring_key
from mentorship_eval.inference.scales.scores import METHODS, scale_scores, turned_items
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import numbers as read_numbers
from mentorship_eval.surveys.columns import require

__all__ = ["Scored", "read_items", "score"]

HALF = 0.5
ENOUGH = 20  # complete answers below which nothing is said of items that run against the others


@dataclass(frozen=True, kw_only=True)
class Scored:
    """scores: index of the data, NaN where too few items were answered; values: the items, reverse ones turned; table: item, number, reversed,
    answered, mean, item_rest; n, n_scored, n_filled (scored with items missing); scale: words on how it was scored."""

    scores: pd.Series
    values: pd.DataFrame
    table: pd.DataFrame
    n: int
    n_scored: int
    n_filled: int
    scale: str
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        filled = f", {self.n_filled:,} of them with items missing" if self.n_filled else ""
        return f"{self.scale}: {self.n_scored:,} of {self.n:,} rows scored{filled}; mean {self.scores.mean():.2f}, SD {self.scores.std():.2f}."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, cautions=self.warnings)


def read_items(data: pd.DataFrame, items: Sequence[str], low: float | None, high: float | None) -> np.ndarray:
    """(n, k) answers; `EstimationError` for text, and for values outside ``low`` to ``high`` where these are given."""
    if isinstance(items, str):
        raise UsageError("items is a text.", fix="Give the list of the columns, in the order of the questionnaire.")
    require(data, list(items))
    if len(set(items)) < len(items):
        raise UsageError("An item is named twice.", fix="Name each column once.")
    values = np.column_stack([read_numbers(data, name) for name in items])
    for j, name in enumerate(items):
        with np.errstate(invalid="ignore"):
            outside = (values[:, j] < (low if low is not None else -np.inf)) | (values[:, j] > (high if high is not None else np.inf))
        if outside.any():
            rows = list(data.index[outside])
            raise EstimationError(
                f"Item {name!r} holds {listing(f'{v:g}' for v in np.unique(values[outside, j]))}, outside {low:g} to {high:g}.",
                fix="Make codes of missing answers missing, or correct low and high; another range may be another version.",
                rows=rows,
            )
    return values


def score(
    data: pd.DataFrame,
    *,
    items: Sequence[str],
    key: str | None = None,
    subscale: str | None = None,
    numbers: Sequence[int | str] | None = None,
    low: float | None = None,
    high: float | None = None,
    reverse: Sequence[int | str] | None = None,
    method: str | None = None,
    times: float | None = None,
    positive_from: float | None = None,
    answered: float = HALF,
) -> Scored:
    """One score per row.

    Parameters
    ----------
    data : one row per answer. items : its columns, in the order of the questionnaire.
    key, subscale : a shipped scoring key (`scoring_keys`); what it says can be overruled by the other arguments.
    numbers : item numbers of ``items`` in the questionnaire, for a subscale under a name of your own; 1, 2, ... by default.
    reverse : numbers, or columns, of items that are turned. Say ``[]`` when the export has turned them already.
    method, times, positive_from : see `inference.scales.scores.scale_scores`.
    answered : share of items that must be answered (half by default); missing ones then count as the person's mean of the others.

    Raises `UsageError` for unknown keys, columns or settings, or another number of items than the key has; `EstimationError` for answers out of
    range.
    """
    named = list(numbers) if numbers is not None else list(range(1, len(items) + 1))
    label = "scale"
    turns = list(reverse) if reverse is not None else []
    if key is not None:
        known = scoring_key(key)
        own = list(known.items_of(subscale))
        if subscale is not None and subscale not in known.subscales and numbers is None:
            fix = f"It has {listing(known.subscales, 20)}." if known.subscales else "Name the item numbers under numbers."
            raise UsageError(f"{key} has no subscale {subscale!r}.", fix=fix)
        if subscale is None and known.subscales_needed:
            raise UsageError(
                f"{key} is scored by subscale.",
                fix=f"Name one of {listing(known.subscales, 20)}." if known.subscales else "Name subscale and numbers.",
            )
        if numbers is None and own:
            if len(own) != len(items):
                raise UsageError(
                    f"{key} {subscale or ''}".strip() + f" has {len(own)} items, {len(items)} are named.",
                    fix=f"Its item numbers are {listing(own, 40)}.",
                )
            named = own
        low, high = known.low if low is None else low, known.high if high is None else high
        method, times = method or known.score, known.times if times is None else times
        positive_from = known.positive_from if positive_from is None else positive_from
        turns = turns if reverse is not None else [number for number in known.reverse if number in named]
        label = f"{key} {subscale}" if subscale else key
    method, times = method or "mean", 1.0 if times is None else times
    _check(items, named, turns, low, high, method, positive_from, answered)
    values = read_items(data, items, low, high)
    by_name = [entry for entry in turns if entry not in named]
    mask = [number in turns or name in by_name for name, number in zip(items, named, strict=True)]
    bottom, top = (float(low) if low is not None else np.nan), (float(high) if high is not None else np.nan)
    turned = turned_items(values, mask, bottom, top) if any(mask) else values
    scores = scale_scores(turned, low=bottom, high=top, method=method, times=times, answered=answered, positive_from=positive_from)
    whole = turned[~np.isnan(turned).any(axis=1)]
    rest = item_rest_correlations(whole) if len(whole) >= 3 and len(items) > 2 else np.full(len(items), np.nan)
    against = [name for name, r in zip(items, rest, strict=True) if r < 0] if len(whole) >= ENOUGH else []
    cautions: tuple[Caution, ...] = ()
    if against:
        text = f"{listing(against)}: answered against the other items; a reverse item was not turned, or was turned twice."
        cautions = (Caution("item_against_the_others", text, {"items": list(against)}),)
    done = ~np.isnan(scores)
    table = pd.DataFrame({"item": list(items), "number": named, "reversed": mask, "answered": (~np.isnan(values)).sum(axis=0),
                          "mean": [np.nanmean(c) if (~np.isnan(c)).any() else np.nan for c in turned.T], "item_rest": rest})  # fmt: skip
    how = {"mean": "mean", "sum": "sum", "percent": "percent of the range", "positive": "percentage positive"}[method]
    return Scored(
        scores=pd.Series(scores, index=data.index, name=label),
        values=pd.DataFrame(turned, index=data.index, columns=list(items)),
        table=table,
        n=len(data),
        n_scored=int(done.sum()),
        n_filled=int((done & np.isnan(values).any(axis=1)).sum()),
        scale=f"{label}, {how} of {len(items)} items, at least {answered:.0%} answered",
        warnings=cautions,
    )


def _check(
    items: Sequence[str], named: list, turns: list, low: float | None, high: float | None, method: str, positive_from: float | None, answered: float
) -> None:
    if len(named) != len(items):
        raise UsageError(f"{len(items)} items and {len(named)} numbers.", fix="Give one number for each item.")
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}.", fix=f"Choose one of {', '.join(METHODS)}.")
    if not 0 < answered <= 1:
        raise UsageError(f"answered is {answered}, but a share lies between 0 and 1.", fix="Use 0.5 for half of the items.")
    if (method == "positive") != (positive_from is not None):
        raise UsageError("method='positive' and positive_from go together.", fix="Say from which answer on an item is positive, such as 4.")
    strange = [entry for entry in turns if entry not in named and entry not in items]
    if strange:
        raise UsageError(f"reverse names {listing(map(repr, strange))}, which is not among the items.", fix="Use item numbers, or names of columns.")
    if (turns or method == "percent") and (low is None or high is None):
        raise UsageError("Reverse items and percentages need the range of an answer.", fix="Give low and high.")
    if low is not None and high is not None and high <= low:
        raise UsageError(f"high {high:g} is not above low {low:g}.", fix="Give the least and the greatest answer of an item.")
