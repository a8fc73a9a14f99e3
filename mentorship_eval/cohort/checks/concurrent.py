"""Two posts at the same time: person-time is counted once, in the primary post (by default the one with the largest whole-time equivalent)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Source

__all__ = ["CONCURRENT", "collapse_concurrent"]

CONCURRENT = "concurrent assignments collapsed"  # how the finding begins

_PRIMARY = {
    "largest_wte": "the one with the largest WTE",
    "longest": "the longest one",
    "declared": "the one declared in is_primary, else the one with the largest WTE",
}
_FOREVER = np.datetime64("2262-01-01", "ns")

# a piece of person-time: position of the post, start, end (ns), whole-time equivalent x time, time
Piece = list


def collapse_concurrent(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """Cut overlapping spells of a person so that at every time one is left: the primary one, as rules.primary says.

    frame: sorted by staff_id, start, file row. The WTE of a piece is the sum over concurrent posts, capped at rules.wte_cap,
    averaged over the piece. A post cut short by another one ends in a transfer, not in a leave.
    """
    ends = frame["end"].to_numpy(dtype="datetime64[ns]").copy()
    ends[np.isnat(ends)] = _FOREVER
    starts = frame["start"].to_numpy(dtype="datetime64[ns]").astype("int64")
    ends = ends.astype("int64")
    people = pd.factorize(frame["staff_id"])[0]
    latest = pd.Series(ends).groupby(people).cummax().to_numpy()
    overlapping = (people[1:] == people[:-1]) & (starts[1:] < latest[:-1])
    if not overlapping.any():
        return frame
    rules = source.reading.study.rules
    touched = np.isin(people, people[1:][overlapping])
    rows = np.unique(frame["file_row"].to_numpy()[1:][overlapping])
    source.find(
        "R102",
        f"{CONCURRENT} to {_PRIMARY[rules.primary]}",
        rows=rows,
        column="wte",
        fix="See repair_log.csv for each person; rules.primary: largest_wte, longest or declared, rules.wte_cap.",
    )
    posts = frame[touched]
    weight = np.nan_to_num(posts["wte"].to_numpy(dtype="float64"), nan=0.0).tolist()
    begin, finish = starts[touched].tolist(), ends[touched].tolist()
    rank = _ranks(posts, rules.primary, weight, begin, finish)
    person = people[touched]
    bounds = [0, *(np.flatnonzero(person[1:] != person[:-1]) + 1).tolist(), len(posts)]
    pieces = [piece for low, high in pairwise(bounds) for piece in _one_person(range(low, high), begin, finish, weight, rank, rules.wte_cap)]
    _log(source, posts, pieces, begin, finish)
    result = pd.concat([frame[~touched], _as_rows(posts, pieces, finish)], ignore_index=True)
    result = result.sort_values(["staff_id", "start", "file_row"], kind="stable", ignore_index=True)
    gone = len(posts) - len({piece[0] for piece in pieces})
    source.step(CONCURRENT, len(frame), len(frame) - gone)
    source.step("assignments split around a larger one", len(frame) - gone, len(result))
    return result


def _ranks(posts: pd.DataFrame, primary: str, weight: list[float], begin: list[int], finish: list[int]) -> list[tuple[float, ...]]:
    """Of concurrent posts the one with the highest rank is the primary one."""
    if primary == "longest":
        return [(high - low, share) for low, high, share in zip(begin, finish, weight, strict=True)]
    if primary == "declared":
        said = posts["is_primary"].eq(True).tolist() if "is_primary" in posts else [False] * len(posts)
        return list(zip(said, weight, strict=True))
    return [(share,) for share in weight]


def _one_person(
    posts: range, begin: list[int], finish: list[int], weight: list[float], rank: list[tuple[float, ...]], cap: float
) -> list[Piece]:
    cuts = sorted({*(begin[i] for i in posts), *(finish[i] for i in posts)})
    pieces: list[Piece] = []
    for low, high in pairwise(cuts):
        active = [i for i in posts if begin[i] <= low and finish[i] >= high]
        if not active:
            continue
        # of equals the one that lasts longest, then the earliest: posts are in time order
        primary = max(active, key=lambda i: (*rank[i], finish[i], -i))
        share = min(cap, sum(weight[i] for i in active))
        if pieces and pieces[-1][0] == primary and pieces[-1][2] == low:
            last = pieces[-1]
            last[2], last[3], last[4] = high, last[3] + share * (high - low), last[4] + (high - low)
        else:
            pieces.append([primary, low, high, share * (high - low), high - low])
    return pieces


def _as_rows(posts: pd.DataFrame, pieces: list[Piece], finish: list[int]) -> pd.DataFrame:
    at = np.array([piece[0] for piece in pieces])
    low, high = (np.array([piece[k] for piece in pieces], dtype="int64") for k in (1, 2))
    area, time = (np.array([piece[k] for piece in pieces], dtype="float64") for k in (3, 4))
    result = posts.iloc[at].reset_index(drop=True)
    last = high.astype("datetime64[ns]")
    last[last == _FOREVER] = np.datetime64("NaT")
    result["start"], result["end"] = low.astype("datetime64[ns]"), last
    result["wte"] = np.where(result["wte"].isna(), np.nan, np.round(area / time, 4))
    cut_short = high != np.array(finish, dtype="int64")[at]
    result["leaving_reason"] = result["leaving_reason"].astype(object).mask(cut_short, "transfer")
    # a post that goes on after a larger one is a second row under a key of its own
    part = pd.Series(at).groupby(at).cumcount().to_numpy() + 1
    names = result["spell_id"].to_numpy(dtype=object)
    result["spell_id"] = [name if k == 1 else f"{name}/{k}" for name, k in zip(names, part, strict=True)]
    return result


def _log(source: Source, posts: pd.DataFrame, pieces: list[Piece], begin: list[int], finish: list[int]) -> None:
    rows = posts["file_row"].tolist()
    mine: dict[int, list[Piece]] = {}
    for piece in pieces:
        mine.setdefault(piece[0], []).append(piece)
    for i, row in enumerate(rows):
        kept = mine.get(i, [])
        if not kept:
            source.repair("R102", row=row, before="own row", after="left out", reason="concurrent with the primary post")
        elif len(kept) > 1 or kept[0][1] != begin[i] or kept[0][2] != finish[i]:
            after = "; ".join(f"{_date(piece[1])} to {_date(piece[2])}" for piece in kept)
            source.repair("R102", row=row, before="whole spell", after=after, reason="the rest is concurrent with the primary post")


def _date(ns: int) -> str:
    value = np.datetime64(ns, "ns")
    return "open" if value == _FOREVER else str(value)[:10]
