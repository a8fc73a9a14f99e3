"""Rows of a sequence of trials: who could have been enrolled when, into which arm, and until when they stayed in it.

Trial k begins at t_k. Its arms are known then: exposure begun in the window (t_k - width, t_k] against not begun by t_k, among those
under observation at t_k. Nothing that happens after t_k decides about an arm, so no arm holds time in which its members could not
have had the event. (Windows that look forward, (t_k, t_k + width], do: whoever has the event in the window before beginning could
only be counted as unexposed.) In the limit of short windows this is the Cox model with time-varying exposure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import DAY, labels_of
from mentorship_eval.survival.histories.period_basis import period_basis
from mentorship_eval.survival.weighting.arms import clip_weights
from mentorship_eval.survival.weighting.logistic import fit_logistic

__all__ = ["MADE", "TrialGrid", "build_trials", "censoring_weights", "read_onset", "trial_grid"]

MADE = ("trial", "trial_time", "trial_start", "trial_stop", "trial_event", "treated", "trial_weight")
SLACK = 1e-9


def read_onset(data: pd.DataFrame, name: str) -> np.ndarray:
    """Times at which exposure begins, infinite for never (missing)."""
    column = data[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        raise EstimationError(f"Column {name!r} holds dates, but the onset is a time since the origin.", fix="Subtract the origin, e.g. hire.")
    try:
        values = column.to_numpy() / DAY if pd.api.types.is_timedelta64_dtype(column) else column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise EstimationError(f"Column {name!r} is not numeric, but the onset must be.", fix="Give a time, or nothing for never.") from None
    endless = np.isneginf(values)
    if endless.any():
        rows = labels_of(data, endless)
        raise EstimationError(f"Column {name!r} is not finite in rows {listing(rows)}.", fix="Give a time, or nothing for never.", rows=rows)
    return np.where(np.isnan(values), np.inf, values)


@dataclass(frozen=True)
class TrialGrid:
    """times: (K,) begins of the trials; width: of the windows before them."""

    times: np.ndarray
    width: float

    def window(self, times: np.ndarray) -> np.ndarray:
        """Number of the trial at or before which exposure begins: t_(k-1) < time <= t_k gives k; K beyond the last."""
        return np.searchsorted(self.times, times - SLACK * self.width, side="left")


def trial_grid(begin: np.ndarray, end: np.ndarray, onset: np.ndarray, every: float, first: float | None, last: float | None) -> TrialGrid:
    """Trials each ``every`` from ``first`` (0 by default) to ``last`` (by default the last that somebody enters exposed)."""
    if not (np.isfinite(every) and every > 0):
        raise UsageError(f"every is {every}.", fix="Give the time between trials, such as 30 days.")
    low = 0.0 if first is None else float(first)
    begun = onset[onset < end]
    high = (float(begun.max()) + every if len(begun) else low) if last is None else float(last)
    if high < low:
        raise UsageError(f"The last trial ({high:g}) lies before the first ({low:g}).", fix="Check first and last.")
    return TrialGrid(low + every * np.arange(int(np.floor((high - low) / every + SLACK)) + 1), float(every))


def build_trials(
    data: pd.DataFrame, begin: np.ndarray, end: np.ndarray, happened: np.ndarray, onset: np.ndarray, grid: TrialGrid, *, stays: bool,
    keep: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all trials that hold both arms, and one line about each trial.

    stays: controls are censored when their own exposure begins (per protocol); otherwise they stay (intention to treat).
    Rows: the columns ``keep``, ``row`` (position in the data) and those of ``MADE`` but the weight. Lines: trial, time, eligible,
    initiators, controls, events_initiators, events_controls, crossovers (controls who begin exposure later), used.
    """
    frames, lines = [], []
    for k, now in enumerate(grid.times):
        here = (begin <= now + SLACK * grid.width) & (end > now + SLACK * grid.width)
        new = here & (onset > now - grid.width + SLACK * grid.width) & (onset <= now + SLACK * grid.width)
        not_yet = here & (onset > now + SLACK * grid.width)
        rows = np.flatnonzero(new | not_yet)
        treated = new[rows]
        until = np.where(~treated & stays, np.minimum(end[rows], onset[rows]), end[rows])
        event = happened[rows] & (end[rows] <= until)
        crossed = ~treated & (onset[rows] < end[rows])
        both = bool(treated.any() and not treated.all())
        lines.append({
            "trial": k, "time": float(now), "eligible": len(rows), "initiators": int(treated.sum()), "controls": int((~treated).sum()),
            "events_initiators": int(event[treated].sum()), "events_controls": int(event[~treated].sum()), "crossovers": int(crossed.sum()),
            "used": both,
        })
        if both:
            frames.append(pd.DataFrame({"row": rows, "trial": k, "trial_time": float(now), "trial_start": 0.0, "trial_stop": until - now,
                                        "trial_event": event.astype(int), "treated": treated.astype(int)}))
    table = pd.DataFrame(lines)
    if not frames:
        raise EstimationError("No trial holds both arms: nobody under observation begins exposure near the beginning of a trial.",
                              fix="Use a longer time between trials, or check when exposure begins.")
    made = pd.concat(frames, ignore_index=True)
    kept = data[list(dict.fromkeys(keep))].iloc[made["row"].to_numpy()].reset_index(drop=True)
    return pd.concat([kept, made], axis=1), table


def censoring_weights(
    rows: pd.DataFrame, begin: np.ndarray, end: np.ndarray, onset: np.ndarray, grid: TrialGrid, x: np.ndarray, strata: np.ndarray,
    clip: tuple[float, float] | None,
) -> pd.DataFrame:
    """Rows of controls split at the trial times, weighted for not having begun exposure until then.

    In each interval between trials the probability of beginning exposure, among those not yet exposed who stay under observation
    or begin it, is a pooled logistic model of x (p, n of the data) and time, against one of time alone (stabilised).
    """
    size = len(grid.times)
    entered = np.maximum(np.searchsorted(grid.times, begin - SLACK * grid.width, side="left"), 0)  # first trial time under observation
    starts = grid.window(onset)  # exposure begins in the interval before this trial time
    seen = np.minimum(np.searchsorted(grid.times, end - SLACK * grid.width, side="left"), size)  # trial times before the end
    who, at = [], []
    for j in range(size - 1):
        at_risk = (entered <= j) & (seen > j) & (starts > j)
        known = at_risk & ((starts == j + 1) & (onset < end) | (seen > j + 1))
        who.append(np.flatnonzero(known))
        at.append(np.full(len(who[-1]), j))
    person, period = np.concatenate(who), np.concatenate(at)
    began = (starts[person] == period + 1).astype(float)
    basis = period_basis("spline", period, period[began == 1])
    when = basis.columns(period)
    stay = np.ones((2, len(begin), size))
    for part, columns in enumerate((when, np.vstack([when, x[:, person]]))):
        fit = fit_logistic(columns, began, codes=strata[person])
        if fit.runaway is not None:
            raise EstimationError("A covariate of the censoring model separates those who begin exposure from those who do not.",
                                  fix="Merge its levels, or leave it out of the censoring covariates.")
        stay[part][person, period + 1] = 1 - fit.fitted
    with np.errstate(divide="ignore"):
        log = np.cumsum(np.log(stay[0]) - np.log(stay[1]), axis=1)  # (n, K): not begun by trial time k
    treated = rows["treated"].to_numpy().astype(bool)
    pieces = [rows[treated].assign(trial_weight=1.0)]
    control = rows[~treated]
    row, trial = control["row"].to_numpy(), control["trial"].to_numpy()
    length = control["trial_stop"].to_numpy()
    # pieces between trial times; the one after the last trial runs to the end
    count = np.clip(np.ceil(length / grid.width - SLACK).astype(int), 1, size - trial)
    long = control.loc[control.index.repeat(count)]
    step = np.arange(len(long)) - np.repeat(np.cumsum(count) - count, count)
    final = step == np.repeat(count, count) - 1
    weight = np.exp(log[np.repeat(row, count), np.repeat(trial, count) + step] - np.repeat(log[row, trial], count))
    long = long.assign(
        trial_start=step * grid.width, trial_stop=np.where(final, long["trial_stop"], (step + 1) * grid.width),
        trial_event=np.where(final, long["trial_event"], 0), trial_weight=clip_weights(weight, clip)[0],
    )
    return pd.concat([*pieces, long], ignore_index=True)
