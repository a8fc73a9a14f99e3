"""Small counts in a frame, and whatever would give them away: a second blank, a rounded sum, a step of a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.second_blanks import cover, sums_of
from mentorship_eval.questions.answer import Counted

__all__ = ["ShownFrame", "show_frame"]


@dataclass(frozen=True)
class ShownFrame:
    """frame: what may be shown; withheld: counts and rows that are not; covered: ids of the results told by blanked cells;
    exact: by column of counts, what its cells that are shown as they are add up to, and what the others do.
    """

    frame: pd.DataFrame
    withheld: int
    covered: frozenset[str]
    exact: dict[str, tuple[float, float]]


def _numbers(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return frame[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float).reshape(len(frame), len(columns))


def show_frame(
    frame: pd.DataFrame, counted: Counted, rule: Rule, covered: frozenset[str], told: frozenset[str],
    also: frozenset[tuple[int, str]] = frozenset(),
) -> ShownFrame:
    """``frame`` as it may be shown.

    covered: ids of results whose counts must not be read off this frame; told: ids of results that are withheld for what they rest on;
    also: (row, column) of counts of ``frame`` to withhold besides.
    """
    if not rule.active or frame.empty:
        return ShownFrame(_without_helpers(frame, counted), 0, frozenset(), {})
    before = len(frame)
    frame, dropped, rows = _steps_dropped(frame, counted, rule)
    columns = [column for column in (*counted.counts, *counted.behind) if column in frame]
    values = _numbers(frame, columns)
    small = (values > 0) & (values < rule.threshold)
    blank = small | _forced(frame, counted, columns, values, covered) | _asked(also, columns, rows, before)
    for column in counted.steps:
        if column in columns:
            place = columns.index(column)
            blank[:, place] |= ~_kept_steps(frame, counted, values[:, place], rule) & (values[:, place] > 0)
    if not counted.adds_up:
        blank = cover(blank, values, list(sums_of(frame, counted, columns)), rule)
    shown = [column for column in columns if column in counted.counts]
    out, exact = frame.copy(), {}
    some = bool(blank.any())
    for position, column in enumerate(shown):
        if counted.cumulative == column:
            out[column], sums = _rounded_steps(frame, counted, values[:, position], rule)
        else:
            covering = blank & ~small
            # a count that is hidden only to cover another must not be told apart from it
            alike = bool(covering.any() if counted.sums else covering[:, position].any())
            mark, rounded = "withheld" if alike else rule.mark, counted.adds_up and some
            out[column], sums = _shown_column(frame[column], values[:, position], blank[:, position], mark, rule, rounded=rounded)
        exact[column] = sums
    _blank_derived(out, frame, counted, columns, blank, told)
    withheld = int(blank.sum()) + dropped
    return ShownFrame(_without_helpers(out, counted), withheld, _ids(frame, counted, columns, blank), exact)


def _without_helpers(frame: pd.DataFrame, counted: Counted) -> pd.DataFrame:
    steps = () if counted.cumulative in counted.counts else (counted.cumulative,)
    helpers = [column for column in (*counted.behind, *counted.results, *steps) if column in frame and column != "id"]
    return frame.drop(columns=helpers) if helpers else frame


def _shown_column(
    column: pd.Series, values: np.ndarray, hidden: np.ndarray, mark: str, rule: Rule, *, rounded: bool
) -> tuple[pd.Series, tuple[float, float]]:
    if not hidden.any() and not rounded:
        return column, (float(np.nansum(values)), 0.0)
    kept = column.astype(object)
    if rounded:
        # the others of a sum would give the small one away by subtraction
        kept = pd.Series([_about(v, rule) if v > 0 else k for v, k in zip(values, kept, strict=True)], index=column.index, dtype=object)
    kept[hidden] = mark
    return kept, (0.0 if rounded else float(np.nansum(values[~hidden])), float(np.nansum(values if rounded else values[hidden])))


def _about(value: float, rule: Rule) -> str:
    """A count to the nearest multiple of the threshold; half way up, so that a count that may be shown never becomes none."""
    return f"≈{np.floor(value / rule.threshold + 0.5) * rule.threshold:,.0f}"


# -- rows and results that go together --------------------------------------------------------------------------------------


def _named(value: object) -> list[str]:
    return str(value).split() if isinstance(value, str) else []


def _forced(frame: pd.DataFrame, counted: Counted, columns: list[str], values: np.ndarray, covered: frozenset[str]) -> np.ndarray:
    forced = np.zeros(values.shape, dtype=bool)
    for column, count in counted.results.items():
        if column not in frame:
            continue
        rows = np.array([bool(covered.intersection(_named(value))) for value in frame[column]], dtype=bool)
        places = [place for place, name in enumerate(columns) if name == count or (not count and name in counted.counts)]
        for place in places:
            forced[:, place] |= rows & (values[:, place] > 0)
    return forced


def _asked(also: frozenset[tuple[int, str]], columns: list[str], rows: np.ndarray, before: int) -> np.ndarray:
    """Cells that are to be withheld besides, after some of ``before`` rows were dropped; rows: where those that stay stood."""
    asked = np.zeros((before, len(columns)), dtype=bool)
    for row, column in also:
        if column in columns and 0 <= row < before:
            asked[row, columns.index(column)] = True
    return np.asarray(asked[rows])


def _rows_of(column: str, counted: Counted, columns: list[str], blank: np.ndarray) -> np.ndarray:
    """Rows in which the named count is blank; without a name any but those that stand behind single columns."""
    if column in columns:
        return np.asarray(blank[:, columns.index(column)])
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


def _blank_derived(
    out: pd.DataFrame, frame: pd.DataFrame, counted: Counted, columns: list[str], blank: np.ndarray, told: frozenset[str]
) -> None:
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


# -- events so far ---------------------------------------------------------------------------------------------------------


def _far_enough(so_far: np.ndarray, rule: Rule) -> np.ndarray:
    """Which of the running totals of one group may be shown: no two of them differ by a small number of events."""
    keep, shown = np.zeros(len(so_far), dtype=bool), {0.0}
    for place, value in enumerate(so_far):
        if not np.isnan(value) and not any(rule.small(abs(value - other)) for other in shown):
            keep[place] = True
            shown.add(float(value))
    return keep


def _kept_steps(frame: pd.DataFrame, counted: Counted, so_far: np.ndarray, rule: Rule) -> np.ndarray:
    groups = frame[counted.by].to_numpy() if counted.by in frame else np.zeros(len(frame))
    keep = np.ones(len(frame), dtype=bool)
    for group in pd.unique(pd.Series(groups)):
        rows = np.flatnonzero(groups == group)
        keep[rows] = _far_enough(so_far[rows], rule)
    return keep


def _steps_dropped(frame: pd.DataFrame, counted: Counted, rule: Rule) -> tuple[pd.DataFrame, int, np.ndarray]:
    """The frame without the rows between two that may be shown, how many those are, and which rows of the frame are left."""
    every = np.arange(len(frame))
    if not counted.cumulative or counted.cumulative in counted.counts or counted.cumulative not in frame:
        return frame, 0, every
    keep = _kept_steps(frame, counted, _numbers(frame, [counted.cumulative])[:, 0], rule)
    if counted.carry:
        groups = frame[counted.by] if counted.by in frame else pd.Series(0, index=frame.index)
        for column in counted.derived:
            # before the first step that may be shown nothing has happened yet
            frame = frame.assign(**{column: frame[column].where(keep).groupby(groups.to_numpy()).ffill().fillna(0.0)})
        return frame, int((~keep).sum()), every
    return frame[keep].reset_index(drop=True), int((~keep).sum()), every[keep]


def _rounded_steps(frame: pd.DataFrame, counted: Counted, so_far: np.ndarray, rule: Rule) -> tuple[pd.Series, tuple[float, float]]:
    keep = _kept_steps(frame, counted, so_far, rule)
    shown = frame[counted.cumulative].astype(object)
    for row in np.flatnonzero(~keep & ~np.isnan(so_far)):
        shown.iloc[row] = rule.mark if rule.small(so_far[row]) else _about(so_far[row], rule)
    groups = frame[counted.by].to_numpy() if counted.by in frame else np.zeros(len(frame))
    last = [np.flatnonzero(groups == group)[-1] for group in pd.unique(pd.Series(groups))]
    exact = float(sum(so_far[row] for row in last if keep[row]))
    return (frame[counted.cumulative] if keep.all() else shown), (exact, float(sum(so_far[row] for row in last if not keep[row])))
