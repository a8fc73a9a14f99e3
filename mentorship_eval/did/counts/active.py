"""Programmes that stop: the last treated period of each unit on the panel's calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.calendar import calendar_positions
from mentorship_eval.did.panels.panel import Panel, require_columns
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, format_number

__all__ = ["last_active", "stop_caution"]


def last_active(frame: pd.DataFrame, panel: Panel, column: str) -> np.ndarray:
    """(I,) position of the last treated period of each unit, infinite where ``column`` is missing (the programme goes on).

    Raises `UsageError` for an unknown column, `EstimationError` for a value that changes within a unit, is no period, stands at a
    unit that never adopts or lies before its adoption.
    """
    require_columns(frame, [column])
    unit, time = panel.columns["unit"], panel.columns["time"]
    pairs = frame[[unit, column]].drop_duplicates()
    twice = pairs[unit].duplicated(keep=False)
    if twice.any():
        names = pairs.loc[twice, unit].unique()
        raise EstimationError(f"The last treated period ({column!r}) changes within unit {listing(names)}.",
            fix=f"Give each unit one value of {column!r} on all of its rows.", rows=list(frame.index[frame[unit].isin(names)]))
    values = pairs.set_index(unit)[column].reindex(panel.units)
    last = calendar_positions(frame[time], values, time=time, adopted=column)[2]
    known = np.isfinite(last)
    for bad, words, fix in (
        (known & ~np.isfinite(panel.adopted), "but no adoption", "Leave it missing for units that never adopt."),
        (known & (last < panel.adopted), "before their adoption", "Give the last period in which the programme was active."),
    ):
        if bad.any():
            names = panel.units[bad]
            raise EstimationError(f"{column!r} holds a last treated period for units {listing(names)}, {words}.", fix=fix,
                rows=list(frame.index[frame[unit].isin(names)]))
    return last


def stop_caution(
    panel: Panel, targets: Targets, column: str, left_out: bool, value: float, other: float, what: str = "ratio"
) -> list[Caution]:
    """How many cells lie after a stop, how they are counted, and the estimate (``what``) of the other way of counting them."""
    cells = targets.stopped
    if not cells.any():
        return []
    units = panel.units[cells.any(axis=1)]
    how, instead = "left out, neither treated nor untreated", "counted as treated"
    if not left_out:
        how, instead = "counted as treated (intention to treat)", "left out"
    return [Caution(
        "programme_stopped",
        f"The programme stopped in {len(units):,} unit{'' if len(units) == 1 else 's'} ({listing(units)}; {column!r}): {int(cells.sum()):,} "
        f"later unit-periods are {how}; the {what} is {format_number(value)}, and {format_number(other)} with them {instead}.",
        {"units": list(units), "cells": int(cells.sum()), "left_out": left_out, what: value, f"{what}_other_way": other},
    )]
