"""Person-time rows (start, stop] cut at given times, without losing a day or an event."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["split_rows"]

# what belongs to the end of a row only, and what stands in the pieces before it
_AT_THE_END = {"cause": "", "event": 0}


def split_rows(rows: pd.DataFrame, row: np.ndarray, time: np.ndarray) -> pd.DataFrame:
    """``rows`` cut at (row, time): positions of rows, and times on their clock.

    A time on or outside the borders of its row cuts nothing; cause and event stay with the last piece. Rows keep their
    order, pieces follow each other, the index is new.
    """
    row, time = np.asarray(row, dtype=np.intp), np.asarray(time, dtype=float)
    start, stop = rows["start"].to_numpy(float), rows["stop"].to_numpy(float)
    inside = (time > start[row]) & (time < stop[row])
    owner = np.concatenate([np.arange(len(rows)), row[inside]])
    begin = np.concatenate([start, time[inside]])
    order = np.lexsort((begin, owner))
    owner, begin = owner[order], begin[order]
    # two cuts at one time are one
    new = np.append(True, (owner[1:] != owner[:-1]) | (begin[1:] != begin[:-1])) if len(owner) else np.array([], bool)
    owner, begin = owner[new], begin[new]
    last = np.append(owner[1:] != owner[:-1], True) if len(owner) else np.array([], bool)
    out = rows.iloc[owner].reset_index(drop=True)
    out["start"] = begin
    out["stop"] = np.where(last, stop[owner], np.append(begin[1:], 0.0)[: len(begin)])
    for name, neutral in _AT_THE_END.items():
        if name in out:
            out[name] = out[name].where(last, neutral)
    return out
