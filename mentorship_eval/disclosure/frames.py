"""Small counts in a frame, and whatever would give them away: a second blank, a rounded sum, a step of a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.known import Known, labels_of, names_of
from mentorship_eval.disclosure.rounding import ratios_again, totals_again
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.second_blanks import cover, sums_of
from mentorship_eval.disclosure.steps import curve_again, kept_steps, shown_steps, steps_dropped
from mentorship_eval.questions.answer import Counted

__all__ = ["ShownFrame", "show_frame"]


@dataclass(frozen=True)
class ShownFrame:
    """frame: what may be shown; why: how many counts and rows are not, by reason; covered: ids of the results told by blanked cells;
    exact: by column of counts, what its cells that are shown as they are add up to, and what the others do; names: quantities that are
    withheld here; sizes: sizes of populations that may only be shown roughly; near: counts near one that an earlier run published,
    and that one.
    """

    frame: pd.DataFrame
    why: dict[str, int] = field(default_factory=dict)
    covered: frozenset[str] = frozenset()
    exact: dict[str, tuple[float, float]] = field(default_factory=dict)
    names: frozenset[tuple[str, float]] = frozenset()
    sizes: frozenset[float] = frozenset()
    near: dict[float, float] = field(default_factory=dict)


@dataclass
class _Cells:
    """The counts of a frame. values: rows by ``columns``, NaN where there is none; small: to withhold by the rule; blank: in the end;
    near: an earlier run published a count that differs by few, and which (NaN: none).
    """

    columns: list[str]
    values: np.ndarray
    small: np.ndarray
    blank: np.ndarray
    near: np.ndarray

    def rough(self, counted: Counted, known: Known) -> np.ndarray:
        """Columns in which no count may be exact: those of sums that hold a blank, sizes that are secret, and counts near an earlier run's."""
        if counted.adds_up and self.blank.any():
            return np.ones(len(self.columns), dtype=bool)
        told = (known.rough(self.values, self.columns, counted.same) | ~np.isnan(self.near)) & ~self.blank
        return np.asarray(told.any(axis=0))


def _numbers(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    values = [frame[column] if frame[column].dtype.kind in "iuf" else pd.to_numeric(frame[column], errors="coerce") for column in columns]
    return np.column_stack([each.to_numpy(dtype=float, na_value=np.nan) for each in values]) if columns else np.zeros((len(frame), 0))


def show_frame(frame: pd.DataFrame, counted: Counted, rule: Rule, known: Known) -> ShownFrame:
    """``frame`` as it may be shown, given what the ledger knows."""
    if not rule.active or frame.empty:
        return ShownFrame(_without_helpers(frame, counted))
    before = len(frame)
    frame, dropped, kept = steps_dropped(frame, counted, rule)
    cells = _cells_of(frame, counted, rule, known, kept, before)
    rough = cells.rough(counted, known)
    out = curve_again(frame, counted, rule).copy()
    exact = _put_counts(out, frame, counted, cells, rough, rule)
    _blank_derived(out, frame, counted, cells, known.told)
    _blank_amounts(out, frame, counted, rule)
    first, second = int(cells.small.sum()), int((cells.blank & ~cells.small).sum())
    why = {"primary and second" if second else "primary": first + second, "curve steps": dropped}
    near = int((~np.isnan(cells.near) & ~cells.blank).sum())
    why |= {"earlier run": near, "rounded": int((rough & ~cells.blank & (cells.values > 0) & np.isnan(cells.near)).sum())}
    names = {(name.partition("@")[0], float(value)) for place, column in enumerate(cells.columns) for name, value, gone in
             zip(names_of(frame, counted, column), cells.values[:, place], cells.blank[:, place], strict=True) if name and gone}  # fmt: skip
    sizes = _sizes(counted, cells, rule) if counted.adds_up else frozenset()
    covered = _ids(frame, counted, cells.columns, cells.blank)
    said = {float(v): float(e) for v, e, gone in zip(cells.values.ravel(), cells.near.ravel(), cells.blank.ravel(), strict=True)
            if not np.isnan(e) and not gone}  # fmt: skip
    return ShownFrame(_without_helpers(out, counted), why, covered, exact, frozenset(names), sizes, said)


def _without_helpers(frame: pd.DataFrame, counted: Counted) -> pd.DataFrame:
    steps = () if counted.cumulative in counted.counts else (counted.cumulative,)
    helpers = {*counted.behind, *counted.results, *steps, *counted.same.values(), *counted.amounts.values()}
    gone = [column for column in frame if column in helpers and column != "id"]
    return frame.drop(columns=gone) if gone else frame


def _sizes(counted: Counted, cells: _Cells, rule: Rule) -> frozenset[float]:
    """Sizes of populations that stand beside a blank: their difference would tell it."""
    places = [cells.columns.index(column) for column in counted.populations if column in cells.columns]
    beside = cells.values[cells.blank.any(axis=1)][:, places]
    return frozenset(float(value) for value in beside.ravel() if value >= rule.threshold)


# -- which counts are withheld ----------------------------------------------------------------------------------------------


def _cells_of(frame: pd.DataFrame, counted: Counted, rule: Rule, known: Known, kept: np.ndarray, before: int) -> _Cells:
    columns = [column for column in (*counted.counts, *counted.behind) if column in frame]
    values = _numbers(frame, columns)
    small = rule.smalls(values)
    if counted.cumulative:
        # people at risk, on which each point of a curve rests
        at_risk = np.array([column != counted.cumulative and column not in counted.behind for column in columns], dtype=bool)
        small |= rule.holds(values) & (values < rule.curve_threshold) & at_risk
    if rule.zeros_disclosive:
        small |= _all_of_the_whole(counted, columns, values)
    blank = small | _forced(frame, counted, columns, values, known, rule) | _asked(known.also, columns, kept, before)
    for column in counted.steps:
        if column in columns:
            place = columns.index(column)
            blank[:, place] |= ~kept_steps(frame, counted, values[:, place], rule) & (values[:, place] > 0)
    near = np.full(values.shape, np.nan)
    if known.earlier:
        for row, labels in enumerate(labels_of(frame, counted)):
            for place, column in enumerate(columns):
                published = known.earlier.get((labels, column), ())
                near[row, place] = next((each for each in published if rule.near(values[row, place] - each)), np.nan)
    if not counted.adds_up:
        blank = cover(blank, values, list(sums_of(frame, counted, columns)), rule)
    return _Cells(columns, values, small, blank, near)


def _all_of_the_whole(counted: Counted, columns: list[str], values: np.ndarray) -> np.ndarray:
    """Cells that are all of their whole: the rest of it is a zero, which is disclosive too."""
    out = np.zeros(values.shape, dtype=bool)
    for of in counted.ratios.values():
        if not isinstance(of, str) and all(column in columns for column in of):
            part, whole = (columns.index(column) for column in of)
            out[:, part] |= (values[:, part] == values[:, whole]) & (values[:, whole] > 0)
    return out


def _named(value: object) -> list[str]:
    return str(value).split() if isinstance(value, str) else []


def _forced(frame: pd.DataFrame, counted: Counted, columns: list[str], values: np.ndarray, known: Known, rule: Rule) -> np.ndarray:
    """Counts of results, and quantities, that are withheld elsewhere."""
    forced = np.zeros(values.shape, dtype=bool)
    for column, count in counted.results.items():
        if column not in frame:
            continue
        rows = np.array([bool(known.covered.intersection(_named(value))) for value in frame[column]], dtype=bool)
        places = [place for place, name in enumerate(columns) if name == count or (not count and name in counted.counts)]
        for place in places:
            forced[:, place] |= rows & rule.holds(values[:, place])
    for place, column in enumerate(columns):
        if column in counted.same:
            named = zip(names_of(frame, counted, column), values[:, place], strict=True)
            rows = np.array([known.withheld(name, value, rule) for name, value in named], dtype=bool)
            forced[:, place] |= rows & rule.holds(values[:, place])
    return forced


def _asked(also: frozenset[tuple[int, str]], columns: list[str], kept: np.ndarray, before: int) -> np.ndarray:
    """Cells that are to be withheld besides, after some of ``before`` rows were dropped; kept: where those that stay stood."""
    asked = np.zeros((before, len(columns)), dtype=bool)
    for row, column in also:
        if column in columns and 0 <= row < before:
            asked[row, columns.index(column)] = True
    return np.asarray(asked[kept])


# -- how the others are shown ------------------------------------------------------------------------------------------------


def _put_counts(
    out: pd.DataFrame, frame: pd.DataFrame, counted: Counted, cells: _Cells, rough: np.ndarray, rule: Rule
) -> dict[str, tuple[float, float]]:
    """Put the counts as they may be shown into ``out``, and the ratios made of them; by column what is exact adds up to, and the rest."""
    values, blank = cells.values, cells.blank
    grid = rule.on_grid if counted.cumulative else rule.rounded
    numbers = np.where(blank, np.nan, grid(values))
    for place in map(int, np.flatnonzero(rough)):
        coarse = np.floor(values[:, place] / rule.coarse + 0.5) * rule.coarse
        said = np.where(np.isnan(cells.near[:, place]), coarse, cells.near[:, place])
        numbers[:, place] = np.where(blank[:, place], np.nan, said)
    if rule.totals_of_parts and not rough.any():
        numbers = totals_again(numbers, values, list(sums_of(frame, counted, cells.columns)), rule)
    exact = {}
    covering = blank & ~cells.small
    for place, column in enumerate(cells.columns):
        if column not in counted.counts:
            continue
        if counted.cumulative == column:
            out[column], exact[column] = shown_steps(frame, counted, values[:, place], blank[:, place], rule, rough=bool(rough[place]))
            continue
        # a count that is hidden only to cover another must not be told apart from it
        alike = bool(covering.any() if counted.sums else covering[:, place].any())
        mark = rule.second_mark if alike else rule.mark
        out[column] = _shown_column(frame[column], numbers[:, place], cells, place, mark, rule, rough=bool(rough[place]))
        some, hidden = bool(rough[place]), blank[:, place]
        hidden = np.ones_like(hidden) if some else hidden
        exact[column] = float(np.nansum(values[~hidden, place])), float(np.nansum(values[hidden, place]))
    with np.errstate(invalid="ignore"):
        changed = (numbers != values) & ~np.isnan(values) & ~blank
    changed |= rough[np.newaxis, :] & (values > 0) & ~blank
    # without rounding a share that is a result is quoted as it is, and its table says the same
    if changed.any() and (rule.round_to or not counted.results):
        base = np.where(rough, rule.coarse, (rule.midpoint if counted.cumulative and rule.midpoint else rule.round_to) or rule.coarse)
        # under rounding no share is exact, whatever its own count happens to be
        ratios_again(out, counted, cells.columns, values, numbers, np.ones_like(changed) if rule.round_to else changed, base)
    return exact


def _shown_column(column: pd.Series, numbers: np.ndarray, cells: _Cells, place: int, mark: str, rule: Rule, *, rough: bool) -> pd.Series:
    values, hidden, near = cells.values[:, place], cells.blank[:, place], cells.near[:, place]
    if not rough:
        if not hidden.any() and not rule.round_to:
            return column
        kept = column.astype(object)
        if rule.round_to:
            whole = pd.api.types.is_integer_dtype(column)
            kept = pd.Series([old if np.isnan(new) else (int(new) if whole else float(new)) for old, new in zip(kept, numbers, strict=True)],
                             index=column.index, dtype=object)  # fmt: skip
            if not hidden.any() and pd.api.types.is_numeric_dtype(column):
                return kept.astype(column.dtype)
    else:
        # what an earlier run said is said again: how far it is off is less than the threshold, and no more is told
        told = zip(values, column.astype(object), near, strict=True)
        texts = [f"≈{earlier:,.0f}" if not np.isnan(earlier) else rule.about(value) if value > 0 else old for value, old, earlier in told]
        kept = pd.Series(texts, index=column.index, dtype=object)
    kept[hidden] = mark
    return kept


# -- what goes with them -----------------------------------------------------------------------------------------------------


def _rows_of(column: str, counted: Counted, columns: Sequence[str], blank: np.ndarray) -> np.ndarray:
    """Rows in which the named count is blank; without a name any but those that stand behind single columns."""
    if column in columns:
        return np.asarray(blank[:, list(columns).index(column)])
    alone = set(counted.of.values()).intersection(counted.behind)
    return np.asarray(blank[:, [place for place, name in enumerate(columns) if name not in alone]].any(axis=1))


def _ids(frame: pd.DataFrame, counted: Counted, columns: list[str], blank: np.ndarray) -> frozenset[str]:
    found: set[str] = set()
    whole = counted.adds_up and blank.any()
    # what stands behind a row only takes its numbers, which its result loses by itself, and not its counts
    shown = [place for place, name in enumerate(columns) if name in counted.counts]
    columns, blank = [columns[place] for place in shown], blank[:, shown]
    for column, count in counted.results.items():
        if column in frame:
            rows = np.ones(len(frame), dtype=bool) if whole else _rows_of(count, counted, columns, blank)
            found.update(name for value in frame.loc[rows, column] for name in _named(value))
    return frozenset(found)


def _blank_derived(out: pd.DataFrame, frame: pd.DataFrame, counted: Counted, cells: _Cells, told: frozenset[str]) -> None:
    columns, blank = cells.columns, cells.blank
    whole = bool(counted.adds_up and blank.any())
    gone = np.zeros(len(frame), dtype=bool)
    for column, count in counted.results.items():
        if column in frame and not count:
            gone |= np.array([bool(told.intersection(_named(value))) for value in frame[column]], dtype=bool)
    for column in counted.derived:
        if column in out:
            rows = np.ones(len(frame), dtype=bool) if whole else _rows_of(counted.of.get(column, ""), counted, columns, blank) | gone
            if rows.any():
                out[column] = out[column].where(~rows)
    shown = [place for place, name in enumerate(columns) if name in counted.counts]
    # a row with a mark in its counts says by it why it has no number
    silent = (_rows_of("", counted, columns, blank) | gone) & ~blank[:, shown].any(axis=1)
    if "reason" in out and silent.any():
        out["reason"] = [reason or ("withheld" if mute else reason) for reason, mute in zip(out["reason"], silent, strict=True)]


def _blank_amounts(out: pd.DataFrame, frame: pd.DataFrame, counted: Counted, rule: Rule) -> None:
    """Minima and maxima, where the profile does not show them, and sums of amounts that one or two people make."""
    for column in counted.extremes if rule.extremes_withheld else ():
        if column in out:
            out[column] = np.nan
    if rule.dominance is None:
        return
    for column, amounts in counted.amounts.items():
        if column in out and amounts in frame:
            out[column] = out[column].mask([rule.dominance.dominated(each) for each in frame[amounts]])
