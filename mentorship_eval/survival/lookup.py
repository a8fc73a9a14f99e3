"""Reading step curves at chosen times, with the reason where there is no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.survival.columns import DAY, snap_to
from mentorship_eval.survival.curves.curve_steps import Rows

__all__ = ["as_times", "look_up"]


def as_times(times: object) -> np.ndarray:
    """Asked times as floats; timedeltas become days."""
    array = np.atleast_1d(np.asarray(times))
    if array.dtype.kind == "m":
        return array / DAY
    if array.dtype == object and len(array) and all(isinstance(one, pd.Timedelta) for one in array):
        return np.array([one / pd.Timedelta(days=1) for one in array])
    try:
        values = array.astype(float)
    except (TypeError, ValueError):
        raise UsageError(f"The times {times!r} are not numbers.", fix="Use numbers, or timedeltas for days.") from None
    if np.isnan(values).any():
        raise UsageError("A time is missing.", fix="Give numbers, or timedeltas for days.")
    return values


def look_up(
    table: pd.DataFrame, rows: Mapping[object, Rows], times: Sequence[float] | float, initial: Mapping[str, float], since: float | None,
    by: list[str],
) -> pd.DataFrame:
    """Rows of a step table at ``times``; ``initial`` holds the values before the first step,
    where nobody's time has ended and the interval is that value itself.

    A time that equals a time of the table up to rounding is that time.
    """
    asked = as_times(times)
    initial = {**initial, "ci_low": next(iter(initial.values())), "ci_high": next(iter(initial.values()))}
    values = list(initial)
    counted = [name for name in ("n_event", "n_censor") if name in table]
    frames = []
    for keys, part in table.groupby(by, sort=False):
        group = rows[keys[0]]
        moments = part["time"].to_numpy()
        exact = snap_to(asked, moments)
        place = np.searchsorted(moments, exact, side="right")
        frame = pd.DataFrame(dict(zip(by, ([key] * len(asked) for key in keys), strict=True)))
        frame["time"] = asked
        frame["n_risk"] = group.at_risk(exact)
        for name in counted:
            frame[name] = np.concatenate(([0.0], np.cumsum(part[name].to_numpy())))[place]
        for name in values:
            frame[name] = np.concatenate(([initial[name]], part[name].to_numpy()))[place]
        reason = np.full(len(asked), "", dtype=object)
        bare = np.isnan(frame["ci_low"].to_numpy())
        reason[bare] = "no interval, for there is no standard error: fewer than two independent clusters"
        reason[bare & (frame[values[0]] == 0)] = "no interval where the curve is at 0"
        reason[bare & (frame[values[0]] == 1)] = "no interval before the first event"
        missing = exact > moments[-1]
        reason[missing] = f"beyond follow-up, which ends at {moments[-1]:g}"
        if since is not None:
            early = exact < since
            reason[early] = f"before {since:g}, from which the curve is conditional"
            missing |= early
        frame.loc[missing, values] = np.nan
        frame["reason"] = reason
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
