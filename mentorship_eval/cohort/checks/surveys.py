"""Survey scores as they come in our own form: one version of each instrument, scores within their range, answers either linked or anonymous."""

from __future__ import annotations

import numpy as np

from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.cohort.recipes.scales import scoring_keys
from mentorship_eval.errors import listing

__all__ = ["check_surveys"]

# whose scores are always told in one way; others are summed by some and averaged by others
_ONE_WAY = ("WHO-5", "BRS", "UWES-9")


def check_surveys(source: Source) -> None:
    """E118 (versions mixed, scores out of range) and E120 (an answer with a person and an anonymous key)."""
    frame = source.frame
    if "version" in frame:
        for instrument, part in frame.groupby("instrument", sort=True):
            versions = sorted(part["version"].dropna().unique())
            if len(versions) > 1:
                other = part.index[(part["version"] != versions[0]).to_numpy() & part["version"].notna().to_numpy()]
                source.find(
                    "E118",
                    f"{instrument} in versions {listing([str(item) for item in versions])}: their scores cannot be compared",
                    rows=other,
                    column="version",
                    fix="Leave one version out, or give the other a name of its own under instrument.",
                )
    for instrument in _ONE_WAY:
        key = scoring_keys()[instrument]
        items = key.n_items if key.score == "sum" and key.n_items else 1
        low, high = key.times * items * key.low, key.times * items * key.high
        outside = ((frame["instrument"] == instrument) & ((frame["score"] < low - 1e-9) | (frame["score"] > high + 1e-9))).to_numpy()
        if outside.any():
            shown = listing([f"{value:g}" for value in np.unique(frame.loc[outside, "score"])], 4)
            source.find(
                "E118",
                f"{instrument}: {shown} is outside {low:g} to {high:g}",
                rows=frame.index[outside],
                column="score",
                fix=f"{key.note} Score it so, or name another instrument.",
            )
    if {"staff_id", "anon_id"} <= set(frame.columns):
        both = (frame["staff_id"].notna() & frame["anon_id"].notna()).to_numpy()
        if both.any():
            source.find(
                "E120",
                "answers with both a staff_id and an anon_id: an anonymous answer that can be joined to a person is not anonymous",
                rows=frame.index[both],
                column="anon_id",
                fix="Leave anon_id empty where people agreed that answers are joined, and staff_id elsewhere.",
            )
