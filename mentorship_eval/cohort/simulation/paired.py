"""How pairs were made: the score of each match, what mentees seek and mentors offer, and how mentors differ in their mentees' eyes.

Drawn with ``paired=True`` after everything else and from a stream of its own, so that careers, matches and all other tables stay as they were.
The score is handed out so that matches end early by a proportional hazard of it, whatever made them end (the permutational algorithm of
Abrahamowicz, MacKenzie & Esdaile 1996, JASA 91:1432; Sylvestre & Abrahamowicz 2008, Stat Med 27:2618).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["paired_tables", "paired_truth"]

_DOMAINS = ("clinical", "career", "wellbeing", "leadership")  # those of goals
_OFFERED = 2  # of them, by each mentor
_ASKING = 0.6  # of staff who neither are mentors nor were mentored: they wait for the next round
_SAME_GENDER, _NAMED = 0.25, 0.15  # of those who ask


def paired_tables(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """matches with a score, wishes, and feedback where there is some."""
    matches = tables["matches"]
    began = matches["start"].notna()
    if "relationship_type" in matches:
        began &= matches["relationship_type"] == "mentoring"
    pairs = matches[began]
    score = pd.Series(np.nan, index=matches.index)
    score[pairs.index] = _scores(parameters, pairs, rng)
    made = {"matches": matches.assign(score=score), "wishes": _wishes(parameters, tables, pairs, rng)}
    if "feedback" in tables:
        mentors = tables["mentors"]["staff_id"]
        level = pd.Series(parameters.mentor_sd * rng.standard_normal(len(mentors)), index=mentors.to_numpy())
        added = tables["feedback"]["match_id"].map(pairs.set_index("match_id")["mentor_id"]).map(level).fillna(0.0)
        rated = np.clip(np.round(tables["feedback"]["mqs"] + added), 0, 100).astype(int)
        made["feedback"] = tables["feedback"].assign(mqs=rated)
    return made


def _scores(parameters: Parameters, pairs: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """In the order of time to an early end: each takes a score that is left, at an early end in proportion to its hazard."""
    last = pd.Timestamp(parameters.start) + pd.Timedelta(days=int(window_days(parameters)[-1]) - 1)
    ends = pd.to_datetime(pairs["end"]).fillna(last)
    days = (ends - pd.to_datetime(pairs["start"])).dt.days.to_numpy()
    early = (pairs["end"].notna() & (pairs["end_reason"] != "completed")).to_numpy()
    left = np.round(rng.beta(5.0, 3.0, len(pairs)), 2)
    slope = 10 * math.log(parameters.score_ratio)  # per unit of the score
    hazard = np.exp(slope * (left - (left.max(initial=0) if slope > 0 else left.min(initial=1))))
    given, remaining = np.empty(len(pairs)), len(pairs)
    # who ends at a time goes before who is only followed until then
    for row in np.lexsort((rng.random(len(pairs)), ~early, days)):
        at = int(rng.integers(remaining))
        while early[row] and rng.random() > hazard[at]:
            at = int(rng.integers(remaining))
        given[row], remaining = left[at], remaining - 1
        left[at], hazard[at] = left[remaining], hazard[remaining]
    return given


def _wishes(parameters: Parameters, tables: dict[str, pd.DataFrame], pairs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """staff_id, kind, value: what mentors offer, what mentees of the past and of the next round seek."""
    mentors = tables["mentors"]["staff_id"].to_numpy(object)
    offered = np.argsort(rng.random((len(mentors), len(_DOMAINS))), axis=1)[:, :_OFFERED]
    mentee, first = np.unique(pairs["mentee_id"].to_numpy(object), return_index=True)
    own = pd.Index(mentors).get_indexer(pairs["mentor_id"].to_numpy(object)[first])
    theirs = offered[own, rng.integers(_OFFERED, size=len(mentee))]
    sought = np.where((own >= 0) & (rng.random(len(mentee)) < parameters.suited), theirs, rng.integers(len(_DOMAINS), size=len(mentee)))
    staff = tables["staff"]["staff_id"].to_numpy(object)
    waiting = staff[~np.isin(staff, np.concatenate([mentors, mentee])) & (rng.random(len(staff)) < _ASKING)]
    alike, named = waiting[rng.random(len(waiting)) < _SAME_GENDER], waiting[rng.random(len(waiting)) < _NAMED]
    names = np.asarray(_DOMAINS, object)
    parts = [
        ("offers", np.repeat(mentors, _OFFERED), names[offered.ravel()]),
        ("seeks", mentee, names[sought]),
        ("seeks", waiting, names[rng.integers(len(_DOMAINS), size=len(waiting))]),
        ("same", alike, "gender"),
        ("prefers", named, mentors[rng.integers(len(mentors), size=len(named))] if len(mentors) else ""),
    ]
    table = pd.concat([pd.DataFrame({"staff_id": who, "kind": kind, "value": what}) for kind, who, what in parts], ignore_index=True)
    return table.sort_values(["staff_id", "kind", "value"], kind="stable", ignore_index=True)


def paired_truth(parameters: Parameters) -> dict[str, Any]:
    """``suited_share``: mentees whose domain was taken from those that their mentor offers; the others met it by chance."""
    return {"early_end_hazard_ratio_per_tenth_of_score": parameters.score_ratio, "suited_share": parameters.suited,
            "match_quality_sd_between_mentors": parameters.mentor_sd}
