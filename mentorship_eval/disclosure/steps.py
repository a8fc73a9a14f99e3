"""Events so far: running totals by group, whose steps must not tell of few, and curves that are made again from rounded counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rounding import step_of
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["curve_again", "groups_of", "kept_steps", "shown_steps", "steps_dropped"]

_Z = 1.959963984540054  # of the 95 % limits of curves


def _far_enough(so_far: np.ndarray, rule: Rule) -> np.ndarray:
    """Which of the running totals of one group may be shown: no two of them differ by a small number of events."""
    keep, shown = np.zeros(len(so_far), dtype=bool), {0.0}
    for place, value in enumerate(so_far):
        if not np.isnan(value) and not any(rule.near(value - other) for other in shown):
            keep[place] = True
            shown.add(float(value))
    return keep


def groups_of(frame: pd.DataFrame, counted: Counted) -> list[np.ndarray]:
    """Rows of each group of running totals."""
    groups = frame[counted.by].to_numpy() if counted.by in frame else np.zeros(len(frame))
    return [np.flatnonzero(groups == group) for group in pd.unique(pd.Series(groups))]


def kept_steps(frame: pd.DataFrame, counted: Counted, so_far: np.ndarray, rule: Rule) -> np.ndarray:
    """Which rows hold a running total that may be shown."""
    keep = np.ones(len(frame), dtype=bool)
    for rows in groups_of(frame, counted):
        keep[rows] = _far_enough(so_far[rows], rule)
    return keep


def steps_dropped(frame: pd.DataFrame, counted: Counted, rule: Rule) -> tuple[pd.DataFrame, int, np.ndarray]:
    """The frame without the rows between two that may be shown, how many those are, and which rows of the frame are left."""
    every = np.arange(len(frame))
    if not counted.cumulative or counted.cumulative in counted.counts or counted.cumulative not in frame:
        return frame, 0, every
    keep = kept_steps(frame, counted, pd.to_numeric(frame[counted.cumulative], errors="coerce").to_numpy(float), rule)
    if counted.carry:
        groups = frame[counted.by] if counted.by in frame else pd.Series(0, index=frame.index)
        for column in counted.derived:
            # before the first step that may be shown nothing has happened yet
            frame = frame.assign(**{column: frame[column].where(keep).groupby(groups.to_numpy()).ffill().fillna(0.0)})
        return frame, int((~keep).sum()), every
    return frame[keep].reset_index(drop=True), int((~keep).sum()), every[keep]


def shown_steps(
    frame: pd.DataFrame, counted: Counted, so_far: np.ndarray, small: np.ndarray, rule: Rule, *, rough: bool
) -> tuple[pd.Series, tuple[float, float]]:
    """Running totals as they may be printed, rough ones between those that are far enough apart; and the sums of the last that are
    exact, and that are not. small: cells to withhold whatever their steps; rough: no total of the column may be exact.
    """
    keep = kept_steps(frame, counted, so_far, rule)
    shown = frame[counted.cumulative].astype(object)
    for row in np.flatnonzero(~np.isnan(so_far)):
        if small[row] or rule.small(so_far[row]):
            shown.iloc[row] = rule.mark
        elif (rough or not keep[row]) and so_far[row] > 0:
            shown.iloc[row] = rule.about(so_far[row])
        elif rule.round_to:
            shown.iloc[row] = float(rule.on_grid(so_far[row]))
    last = [rows[-1] for rows in groups_of(frame, counted)]
    exact = float(sum(so_far[row] for row in last if keep[row] and not rough))
    unchanged = shown.equals(frame[counted.cumulative].astype(object))
    return (frame[counted.cumulative] if unchanged else shown), (exact, float(sum(so_far[row] for row in last if not keep[row] or rough)))


def _in_steps(values: np.ndarray, least: float) -> np.ndarray:
    step = step_of(least)
    return np.asarray(np.round(np.round(values / step) * step, 10))


def curve_again(frame: pd.DataFrame, counted: Counted, rule: Rule) -> pd.DataFrame:
    """A curve under a rule that rounds; frame: its rows that may be shown, with people at risk and events so far as they were counted.

    A plain Kaplan-Meier curve is made again from counts on the grid of the rule, as a life table between the rows that are shown (who
    was censored between two rows counts for half, as actuaries do; Greenwood's variance, log-log limits). Others are made so coarse that
    a step of the last digit is worth as many people as the rounding hides.
    """
    # a frame that has lost its events so far was made again already
    if not rule.round_to or counted.cumulative in counted.counts or not {counted.cumulative, "n_risk"} <= set(frame):
        return frame
    frame = frame.copy()
    base = rule.midpoint or rule.round_to
    at_risk = pd.to_numeric(frame["n_risk"], errors="coerce").to_numpy(float)
    columns = [column for column in counted.derived if column in frame]
    so_far = frame[counted.cumulative].to_numpy(float)
    for rows in groups_of(frame, counted):
        there = at_risk[rows][at_risk[rows] > 0]
        if not len(there):
            continue
        if counted.survival and not np.isnan(so_far[rows]).any():
            made = _life_table(rule.on_grid(at_risk[rows]), rule.on_grid(so_far[rows]))
            for column, values in zip(("estimate", "ci_low", "ci_high"), made, strict=True):
                if column in columns:
                    blank = frame[column].to_numpy(float)[rows]
                    frame.loc[frame.index[rows], column] = np.where(np.isnan(blank), np.nan, values)
            continue
        for column in columns:
            if pd.api.types.is_float_dtype(frame[column]):
                frame.loc[frame.index[rows], column] = _in_steps(frame[column].to_numpy(float)[rows], base / float(there.max()))
    return frame


def _life_table(at_risk: np.ndarray, so_far: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Survival, and its limits, at each row; at_risk at the row, so_far: events until then."""
    events = np.diff(so_far, prepend=so_far[0])
    before = np.concatenate([at_risk[:1], at_risk[:-1]])
    exposed = np.maximum(before - (before - at_risk - events) / 2, events)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(exposed > 0, events / exposed, 0.0)
        survival = np.cumprod(1 - share)
        variance = np.cumsum(np.where(exposed > events, events / (exposed * (exposed - events)), 0.0))
        width = _Z * np.sqrt(variance) / np.abs(np.log(survival))
        inside = (survival > 0) & (survival < 1)
        low = np.where(inside, survival ** np.exp(width), survival)
        high = np.where(inside, survival ** np.exp(-width), survival)
    return survival, low, high
