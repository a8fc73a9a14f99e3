"""The numbers of a step curve: where it starts, how far it reaches, its value at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import numbers
from mentorship_eval.display.words import count
from mentorship_eval.errors import UsageError

__all__ = ["AT_RISK", "CURVE", "from_start", "is_rising", "steps_of", "times_to_say", "value_at"]

CURVE, AT_RISK = "survival_curves(curve)", "survival_curves(at_risk)"
_USUAL_TIMES = {"days": (365, 730), "weeks": (52, 104), "months": (12, 24), "years": (1, 2)}


def steps_of(rows: pd.DataFrame, at_risk: pd.DataFrame | None, group: Any, means: bool = False) -> pd.DataFrame:
    """Time and numbers of one curve, held to the last time at which the table still has somebody at risk.

    It is not held where the table counts further events, or does not say how many: steps that were withheld are not a level line, nor is
    the way to a last step whose value is withheld.
    """
    step = pd.DataFrame({column: numbers(rows, column, CURVE) for column in ("time", "estimate", "ci_low", "ci_high")})
    if step["time"].isna().any() or (np.diff(step["time"]) < 0).any():
        raise UsageError(f"{CURVE}: times of {group} are missing or out of order.", fix="Sort by group and time.", rows=list(rows.index))
    shown = step["estimate"].dropna()
    if ((shown < -1e-9) | (shown > (np.inf if means else 1 + 1e-9))).any():
        raise UsageError(
            f"{CURVE}: estimates of {group} lie outside 0 to 1.", fix="Give proportions, not percentages.", rows=list(rows.index)
        )
    if len(shown):
        step = step.iloc[: int(np.flatnonzero(step["estimate"].notna())[-1]) + 1]
    if at_risk is not None:
        here = at_risk[at_risk["by"] == group]
        held = numbers(here, "time", AT_RISK)[[count(value) not in ("0", "–") for value in here["n_risk"]]]
        if len(held) and held.max() > step["time"].iloc[-1] and _nothing_happens(here, float(step["time"].iloc[-1])):
            step = pd.concat([step, step.iloc[[-1]].assign(time=held.max())], ignore_index=True)
    return step


def _nothing_happens(at_risk: pd.DataFrame, after: float) -> bool:
    """Whether the events so far of one group's table are known and the same from ``after`` on."""
    if "n_event" not in at_risk:
        return True
    times = numbers(at_risk, "time", AT_RISK)
    before = at_risk["n_event"][times <= after]
    later = at_risk["n_event"][times > after]
    told = pd.to_numeric(pd.concat([before.tail(1), later]), errors="coerce")
    return bool(told.notna().all() and (told == told.iloc[0]).all())


def from_start(step: pd.DataFrame, start: float, value: float) -> pd.DataFrame:
    if step["time"].iloc[0] <= start or step["estimate"].isna().all():
        return step
    first = pd.DataFrame({"time": [start], "estimate": [value], "ci_low": [value], "ci_high": [value]})
    return pd.concat([first, step], ignore_index=True)


def is_rising(steps: Mapping[Any, pd.DataFrame]) -> bool:
    change = 0.0
    for step in steps.values():
        shown = step["estimate"].dropna()
        change += float(shown.iloc[-1] - shown.iloc[0]) if len(shown) > 1 else float(0.5 - shown.iloc[0]) if len(shown) else 0.0
    return change > 0


def times_to_say(say_at: Sequence[float] | None, unit: str, steps: Mapping[Any, pd.DataFrame]) -> list[float]:
    if say_at is not None:
        return [float(time) for time in say_at]
    last = max(float(step["time"].max()) for step in steps.values())
    usual = [float(time) for time in _USUAL_TIMES.get(unit, ()) if time <= last]
    return usual or [last / 2, last]


def value_at(step: pd.DataFrame, time: float) -> tuple[float, float, float] | None:
    if time > step["time"].iloc[-1] or time < step["time"].iloc[0]:
        return None
    row = step[step["time"] <= time].iloc[-1]
    return float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"])
