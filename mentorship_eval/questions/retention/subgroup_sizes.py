"""How many people and leavers stand behind the groups of a characteristic, and whether that may be told where a few are left out of it."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.groups import few_among

__all__ = ["few_left_out", "people_behind"]


def few_left_out(everybody: pd.DataFrame, kept: pd.DataFrame) -> bool:
    """Whether so few people or leavers, mentored or not, were left out that the sizes of the levels told would give them away by subtraction."""
    cells = []
    for mine in ({0, 1}, {1}):
        whole, part = (rows[rows["mentored"].isin(mine)] for rows in (everybody, kept))
        people, left = whole["staff_id"].nunique() - part["staff_id"].nunique(), int(whole["event"].sum() - part["event"].sum())
        cells += [people, left, people - left]
    return few_among(cells)


def people_behind(sizes: dict[str, pd.DataFrame]) -> list[Exhibit]:
    """People and leavers of each level, by characteristic: level, people, mentored, left, left_mentored. Only those whose sizes may be told."""
    if not sizes:
        return []
    counts = pd.concat([counts.assign(characteristic=title) for title, counts in sizes.items()], ignore_index=True)
    counts = counts[["characteristic", "level", "people", "mentored", "left", "left_mentored"]]
    named = [f"{row.characteristic}:{row.level}".lower() for row in counts.itertuples()]
    counts = counts.assign(quantity=[f"people:{n}@followed" for n in named], quantity_mentored=[f"mentored:{n}@followed" for n in named])
    return [
        table_exhibit(
            "retention.subgroups.counts", "People and leavers behind the groups", counts,
            counts=("people", "mentored", "left", "left_mentored"), adds_up=True,
            same={"people": "quantity", "mentored": "quantity_mentored"},
            labels={"characteristic": "Characteristic", "level": "Level", "people": "People", "mentored": "Ever mentored while followed",
                    "left": "Leavers", "left_mentored": "of them while mentored"},
            formats=dict.fromkeys(("people", "mentored", "left", "left_mentored"), "count"),
            note="Whoever changes level (department, time since hire) counts in each. Without characteristics of which a few people are left out.",
        )
    ]
