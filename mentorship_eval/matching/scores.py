"""How well a mentor suits a mentee: the share, by weight, of what the mentee wants that the mentor meets; and which pairs may not be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.matching.pool import Pool

__all__ = ["FIELD", "Weights", "parts_of_score", "permitted", "score_matrix"]

FIELD = ("profession", "specialty")


@dataclass(frozen=True)
class Weights:
    """What counts how much; only ratios matter. ``unmatched`` is what a mentee without a mentor costs, in units of the score (0 to 1).

    goals: domains sought that the mentor offers. field: same profession and specialty. concordance: attributes in which the mentee wishes
    a mentor alike. preference: a mentor whom the mentee named. The defaults are a convention to be settled by whoever runs the programme;
    no study stands behind them.
    """

    goals: float = 0.4
    field: float = 0.2
    concordance: float = 0.2
    preference: float = 0.2
    unmatched: float = 1.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not np.isfinite(value) or value < 0:
                raise UsageError(f"The weight {each.name} is {value}.", fix="Weights are numbers of 0 or more.")
        if not any(self.parts.values()):
            raise UsageError("Every weight is 0.", fix="Give at least one above 0.")

    @property
    def parts(self) -> dict[str, float]:
        """The weights of the score, by part."""
        return {"goals": self.goals, "field": self.field, "concordance": self.concordance, "preference": self.preference}


def parts_of_score(pool: Pool) -> dict[str, np.ndarray]:
    """Part -> array (mentees, mentors) of the share met, 0 to 1; a whole row is NaN where the mentee asked for nothing of the kind."""
    mentees, mentors = pool.mentees, pool.mentors
    seeks, offers, prefers = pool.said("seeks"), pool.said("offers"), pool.said("prefers")
    goals = _incidence(mentees.index, seeks, mentors.index, offers)
    named = np.full((len(mentees), len(mentors)), np.nan)
    place = {str(mentor): at for at, mentor in enumerate(mentors.index)}
    for row, mentee in enumerate(mentees.index):
        if wanted := prefers.get(str(mentee)):
            named[row] = 0.0
            named[row, [place[value] for value in wanted if value in place]] = 1.0
    alike = {name: _alike(mentees[name], mentors[name]) for name in pool.attributes}
    same = pool.said("same")
    asked = {name: np.array([name in same.get(str(mentee), ()) for mentee in mentees.index], dtype=bool) for name in alike}
    known = {name: mentees[name].notna().to_numpy(bool) for name in FIELD if name in alike}
    shape = goals.shape
    return {"goals": goals, "field": _mean(alike, known, shape), "concordance": _mean(alike, asked, shape), "preference": named}


def _incidence(rows: pd.Index, seeks: Mapping[str, set[str]], columns: pd.Index, offers: Mapping[str, set[str]]) -> np.ndarray:
    domains = sorted({value for values in seeks.values() for value in values})
    place = {value: at for at, value in enumerate(domains)}

    def table(people: pd.Index, said: Mapping[str, set[str]]) -> np.ndarray:
        made = np.zeros((len(people), len(domains)))
        for row, person in enumerate(people):
            made[row, [place[value] for value in said.get(str(person), ()) if value in place]] = 1.0
        return made

    wanted = table(rows, seeks)
    number = wanted.sum(axis=1, keepdims=True)
    return np.where(number > 0, wanted @ table(columns, offers).T / np.maximum(number, 1), np.nan)


def _alike(left: pd.Series, right: pd.Series) -> np.ndarray:
    """1 where both are known and equal."""
    codes = pd.factorize(pd.concat([left, right]).astype(object))[0]  # missing is -1
    mine, theirs = codes[: len(left), None], codes[None, len(left) :]
    return ((mine == theirs) & (mine >= 0)).astype(float)


def _mean(alike: dict[str, np.ndarray], counted: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Mean over the attributes that count for a mentee; NaN where none does."""
    total, number = np.zeros(shape), np.zeros((shape[0], 1))
    for name, rows in counted.items():
        total += alike[name] * rows[:, None]
        number += rows[:, None]
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def score_matrix(parts: dict[str, np.ndarray], weights: Weights) -> np.ndarray:
    """Array (mentees, mentors), 0 to 1: the weighted mean of the parts that the mentee asked for; 0 where nothing is known of a mentee."""
    top = sum(weight * np.nan_to_num(parts[name]) for name, weight in weights.parts.items())
    bottom = sum(weight * ~np.isnan(parts[name]) for name, weight in weights.parts.items())
    return np.divide(top, bottom, out=np.zeros_like(parts["goals"]), where=np.asarray(bottom) > 0)


def permitted(pool: Pool) -> np.ndarray:
    """Array (mentees, mentors) of bool: False for one's own self, for manager and managed, and where either side rules the other out."""
    rows = {str(person): at for at, person in enumerate(pool.mentees.index)}
    columns = {str(person): at for at, person in enumerate(pool.mentors.index)}
    may = np.ones((len(rows), len(columns)), dtype=bool)
    pairs = [(person, person) for person in rows]
    for kind in ("excludes", "managed_by"):
        pairs += [(person, other) for person, others in pool.said(kind).items() for other in others]
    for one, other in pairs:
        for mentee, mentor in ((one, other), (other, one)):
            if mentee in rows and mentor in columns:
                may[rows[mentee], columns[mentor]] = False
    return may
