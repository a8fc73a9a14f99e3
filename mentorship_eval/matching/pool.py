"""Who takes part in a round of matching, and what they seek, offer and rule out."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.errors import DataError, listing

__all__ = ["KINDS", "Pool"]

KINDS = ("seeks", "offers", "same", "prefers", "excludes", "managed_by")


@dataclass(frozen=True)
class Pool:
    """One round of matching.

    mentees, mentors: a row per person, indexed by their id, each once; columns are attributes that may be compared (profession, specialty,
    gender, ...), missing where unknown. ``mentors`` also has ``capacity`` (mentees at a time) and ``load`` (mentees now), whole numbers.
    wishes: staff_id, kind, value. ``seeks`` and ``offers`` name domains, ``same`` an attribute in which mentor and mentee should agree,
    ``prefers``, ``excludes`` and ``managed_by`` a person.

    Raises DataError when an id stands twice, a number is missing, or a wish is of no known kind.
    """

    mentees: pd.DataFrame
    mentors: pd.DataFrame
    wishes: pd.DataFrame

    def __post_init__(self) -> None:
        for name, people in (("mentees", self.mentees), ("mentors", self.mentors)):
            twice = people.index[people.index.duplicated()]
            if len(twice):
                raise DataError(f"Of the {name}, these stand twice: {listing(twice)}.", fix="Give one row per person.")
        for column in ("capacity", "load"):
            if column not in self.mentors or self.mentors[column].isna().any() or (self.mentors[column] < 0).any():
                raise DataError(f"The mentors need a {column} of 0 or more each.", fix=f"Fill the column {column} in.")
        unknown = sorted(set(self.wishes["kind"]) - set(KINDS))
        if unknown:
            raise DataError(f"Wishes are of no known kind: {listing(unknown)}.", fix=f"Kinds are {', '.join(KINDS)}.")
        wanted = sorted(set(self.wishes.loc[self.wishes["kind"] == "same", "value"]) - set(self.attributes))
        if wanted:
            known = listing(self.attributes, most=20) or "none"
            raise DataError(f"Wishes to be alike name what is not known of both sides: {listing(wanted)}.", fix=f"Known are {known}.")

    @property
    def attributes(self) -> list[str]:
        """What is known of both sides and can be compared."""
        return [name for name in self.mentees if name in self.mentors and name not in ("capacity", "load")]

    @property
    def room(self) -> pd.Series:
        """Further mentees that each mentor can take, 0 or more."""
        return (self.mentors["capacity"] - self.mentors["load"]).clip(lower=0).astype(int)

    def said(self, kind: str) -> dict[str, set[str]]:
        """staff_id -> the values of their wishes of one kind."""
        rows = self.wishes[self.wishes["kind"] == kind]
        return {str(person): set(values) for person, values in rows.groupby("staff_id")["value"]}
