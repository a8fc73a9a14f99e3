"""Everybody in post: all employments of all people, the posts that they are made of, and how each ended.

`employments` follows each person to a first leave, for models; head-counts and leaver rates need every employment, also of
people who come back. Days are whole numbers since 1970-01-01; a person is in post at the close of day d when start <= d < end,
so that who leaves on a day is no longer counted at its close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import FAR, ordered_spells, require_columns
from mentorship_eval.cohort.person_time.leaving import begins_employment
from mentorship_eval.errors import DataError

__all__ = ["InPost", "in_post"]


@dataclass(frozen=True)
class InPost:
    """posts: person (row of staff), employment, start, stop (the stretch of days, contiguous within an employment), dept_id, wte
    (NaN where absent), suspended; one row a spell. exits: person, employment, day, reason ("unknown" where none is given),
    dept_id, wte (of the last post); ends of employments at the organisation, without those who were only away and came back
    to the same employer as a transfer.
    """

    posts: pd.DataFrame
    exits: pd.DataFrame

    def held(self, day: float, *, suspended: bool = True) -> pd.DataFrame:
        """The posts held at the close of ``day``, one a person; suspended: whether people on leave count."""
        here = (self.posts["start"] <= day) & (self.posts["stop"] > day)
        return self.posts[here if suspended else here & ~self.posts["suspended"]]


def in_post(*, staff: pd.DataFrame, spells: pd.DataFrame, bridge_gap: float = 30) -> InPost:
    """All employments of people in ``staff``; a gap of at most ``bridge_gap`` days does not end one.

    Raises `DataError` for overlapping spells, ends before starts and missing columns.
    """
    require_columns(staff, "staff", ("staff_id",))
    require_columns(spells, "spells", ("staff_id", "start", "end"))
    ids = pd.Index(staff["staff_id"])
    if not ids.is_unique:
        raise DataError("staff lists the same person more than once.", fix="Keep one row per staff_id.")
    table = ordered_spells(spells, ids.get_indexer(spells["staff_id"]))
    begins = begins_employment(table, bridge_gap, "organisation")
    table["employment"] = np.cumsum(begins) - 1
    last = np.append(begins[1:], True) if len(table) else np.array([], bool)
    # a post lasts until the next one of the employment begins: a transfer or a bridged gap leaves no hole
    until = np.where(last, table["end"], table["start"].shift(-1))
    one_day = last & begins & (table["end"] == table["start"]).to_numpy()
    posts = pd.DataFrame(
        {
            "person": table["person"],
            "employment": table["employment"],
            "start": table["start"],
            "stop": until + 0.5 * one_day,
            "dept_id": table["dept_id"],
            "wte": pd.to_numeric(table["wte"]).astype(float) if "wte" in table else np.nan,
            "suspended": table["suspended"],
        }
    )
    closing = table[last & (table["end"] < FAR)]
    returns = closing["person"].to_numpy() == table["person"].shift(-1).reindex(closing.index).to_numpy()
    away = closing["reason"].eq("transfer").to_numpy() & returns
    exits = pd.DataFrame(
        {
            "person": closing["person"],
            "employment": closing["employment"],
            "day": closing["end"],
            "reason": closing["reason"].where(closing["reason"].ne(""), "unknown"),
            "dept_id": closing["dept_id"],
            "wte": posts["wte"].reindex(closing.index),
        }
    )[~away]
    return InPost(posts.reset_index(drop=True), exits.reset_index(drop=True))
