"""Items of one scale: numbers within their range, scores, and whether the items hang together (E118)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.scales import Scale
from mentorship_eval.cohort.recipes.traced import Traced
from mentorship_eval.errors import listing
from mentorship_eval.inference.scales.consistency import cronbach_alpha, item_rest_correlations
from mentorship_eval.inference.scales.scores import scale_scores, turned_items

__all__ = ["check_scale", "item_table", "item_values", "scored", "turned"]

_ENOUGH = 20  # complete answers below which nothing is said about how items hang together
_LEAST_ALPHA = 0.5


def item_values(source: Source, columns: list[str], scale: Scale, missing_codes: list[str]) -> np.ndarray | None:
    """Answers x items as numbers, NaN where missing; None when a cell is no number (E007) or out of range (E118)."""
    values = np.full((len(source.raw), len(columns)), np.nan)
    missing, ok = MISSING | set(missing_codes), True
    for j, column in enumerate(columns):
        codes, uniques = pd.factorize(source.raw[column].to_numpy(dtype=object))
        words = ["" if text in missing else str(text) for text in uniques]
        numbers = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").to_numpy(dtype="float64")
        blank = np.array([word == "" for word in words], dtype=bool)
        odd = np.flatnonzero(np.isnan(numbers) & ~blank)
        if len(odd):
            ok = False
            rows = source.raw.index[np.isin(codes, odd)]
            shown = listing([repr(words[i][:30]) for i in odd], 3)
            source.find("E007", f"{shown}: not a number", rows=rows, column=column, fix="Export numeric values, not the text of the choices.")
        with np.errstate(invalid="ignore"):
            outside = np.flatnonzero((numbers < scale.low) | (numbers > scale.high))
        if len(outside):
            ok = False
            shown = listing([f"{numbers[i]:g}" for i in outside], 4)
            source.find(
                "E118",
                f"{scale.instrument} {scale.subscale}: {shown} is outside {scale.low:g} to {scale.high:g}",
                rows=source.raw.index[np.isin(codes, outside)],
                column=column,
                fix="Correct low and high of the scale, recode the export, or name the code among missing_codes; "
                "another range may be another version of the instrument.",
            )
        values[:, j] = numbers[codes]
    return values if ok else None


def turned(scale: Scale, values: np.ndarray) -> np.ndarray:
    """The same with reverse items turned."""
    return turned_items(values, scale.reversed_items, scale.low, scale.high)


def scored(scale: Scale, values: np.ndarray) -> np.ndarray:
    """One score per answer. Missing items are replaced by the mean of the answered ones, down to the share ``answered``; below it NaN."""
    if scale.column is not None:
        return values[:, 0]
    return scale_scores(
        turned(scale, values), low=scale.low, high=scale.high, method=scale.score, times=scale.times, answered=scale.answered,
        positive_from=scale.positive_from,
    )


def check_scale(source: Source, columns: list[str], scale: Scale, values: np.ndarray) -> bool:
    """E118 when alpha is below 0.5, or an item runs against the others: most often a reverse item that was not turned."""
    if scale.column is not None or not scale.check or len(columns) < 3:
        return True
    whole = turned(scale, values)
    whole = whole[~np.isnan(whole).any(axis=1)]
    if len(whole) < _ENOUGH:
        return True
    alpha, against = cronbach_alpha(whole), item_rest_correlations(whole)
    bad = [i for i, value in enumerate(against) if value < 0]
    if not bad and not alpha < _LEAST_ALPHA:
        return True
    named = [f"{columns[i]} ({against[i]:.2f})" for i in bad]
    why = f"items that run against the others: {listing(named, 4)}" if bad else "no item runs against the others"
    source.find(
        "E118",
        f"{scale.instrument} {scale.subscale}: alpha {alpha:.2f} in {len(whole):,} answers; {why}",
        rows=source.declared.header_row,
        column=columns[bad[0]] if bad else columns[0],
        fix="Name reverse items under reverse (or take them out, if the export has turned them already), and see that the items belong to one scale; "
        "check: false leaves this out for an index of unlike items.",
    )
    return False


def item_table(source: Source) -> pd.DataFrame | None:
    """The items behind the scores that were kept, as the table ``survey_items``; None when there are none.

    Forms are numbered in the order of the file, so that the table leads to no person.
    """
    if not source.items or not isinstance(source.places, Traced):
        return None
    origin = source.places.origin[source.frame.index.to_numpy() - 1]
    number = {row: f"{k + 1}" for k, row in enumerate(np.unique(origin))}
    kept = source.frame[["wave", "instrument", "subscale"]].astype({"instrument": str, "subscale": str}).assign(row=origin)
    parts = []
    for (instrument, subscale), answers in source.items.items():
        own = kept[(kept["instrument"] == instrument) & (kept["subscale"] == subscale)]
        wide = answers.loc[own["row"]].set_axis(own.index).assign(row=own["row"], wave=own["wave"])
        long = wide.melt(id_vars=["row", "wave"], var_name="item", value_name="answer")
        parts.append(long.assign(response=long["row"].map(number), instrument=instrument, subscale=subscale))
    return pd.concat(parts, ignore_index=True)[["response", "wave", "instrument", "subscale", "item", "answer"]]
