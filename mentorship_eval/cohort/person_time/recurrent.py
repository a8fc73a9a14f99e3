"""Person-time with events that may come again: rows (start, stop] cut at each event of the person (Andersen & Gill 1982)."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["with_recurrent_events"]


def with_recurrent_events(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """``rows`` (staff_id, start, stop, anything) cut so that each event ends a row; column ``event`` (0/1).

    events: staff_id and ``time`` in the clock of the rows, in whole days; those outside a person's rows are left out. Dates know nothing of the
    hour: m events of one person on one day are spread over it in equal steps, the last at its end, so that no row has length 0 and the order among
    people of different numbers decides nothing. A row keeps what it said; the day of an event belongs to the row in whose (start, stop] it lies.
    What ends a row (``cause``, "" for nothing) stands on its last piece alone: nobody left at a project.
    """
    order = rows.sort_values(["staff_id", "stop"], kind="stable").reset_index(drop=True)
    made = events[["staff_id", "time"]].sort_values(["staff_id", "time"], kind="stable").reset_index(drop=True)
    same = made.groupby(["staff_id", "time"], sort=False)
    made["time"] = made["time"].astype(float) - 1 + (same.cumcount() + 1) / same["time"].transform("size")
    # the row of each event: the first of the person that ends at it or later, if it begins before
    left = made.sort_values("time", kind="stable")
    ends = order.assign(_row=np.arange(len(order)), _end=order["stop"].astype(float)).sort_values("_end", kind="stable")
    found = pd.merge_asof(
        left, ends[["staff_id", "_end", "start", "_row"]], left_on="time", right_on="_end", by="staff_id", direction="forward"
    )
    found = found[found["_row"].notna() & (found["time"] > found["start"])]
    cuts = pd.DataFrame({"_row": found["_row"].astype(int), "stop": found["time"].to_numpy(float), "event": 1})
    whole = pd.DataFrame({"_row": np.arange(len(order)), "stop": order["stop"].to_numpy(float), "event": 0})
    pieces = pd.concat([cuts, whole], ignore_index=True).sort_values(["_row", "stop", "event"], ascending=[True, True, False], kind="stable")
    # a row that ends with an event needs no second end
    pieces = pieces.drop_duplicates(["_row", "stop"]).reset_index(drop=True)
    before = pieces["stop"].shift()
    first = pieces["_row"].ne(pieces["_row"].shift())
    out = order.iloc[pieces["_row"].to_numpy()].reset_index(drop=True)
    out["start"] = np.where(first, out["start"].astype(float), before)
    out["stop"], out["event"] = pieces["stop"], pieces["event"]
    if "cause" in out:
        out["cause"] = out["cause"].where(~pieces["_row"].duplicated(keep="last"), "")
    return out
