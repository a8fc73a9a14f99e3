"""What a question module returns: results, exhibits, sentences and gaps; nothing here is protected yet.

An `Answer` is private until the disclosure floor has passed over it. To make that possible every
count of people or events is *declared*: in a `Result` through its estimate, in an `Exhibit` through
``counts`` (the columns that hold counts, and the columns that must vanish with them), and in a
`Statement` through ``counts`` (values put into the text only after protection).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mentorship_eval.estimate import Caution, Estimate

__all__ = ["Answer", "Counted", "Exhibit", "Gap", "Result", "Statement"]


@dataclass(frozen=True)
class Statement:
    """A sentence whose counts are filled in after protection: ``"{leavers} people left"``.

    rests_on: counts behind the other numbers of the sentence; when one is small the sentence is withheld.
    results: ids of results that it quotes; when one is withheld, the sentence is.
    see: ids of exhibits that show more of it, so that a page can refer to them by number.
    """

    text: str
    counts: Mapping[str, float] = field(default_factory=dict)
    rests_on: tuple[float | None, ...] = ()
    results: tuple[str, ...] = ()
    see: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.counts:
            return self.text
        return self.text.format(**{name: f"{value:,.0f}" for name, value in self.counts.items()})


@dataclass(frozen=True)
class Result:
    """One row of estimates.csv: a number that a reader could quote.

    role: headline, companion, sensitivity, diagnostic or audit (an audit shows what a wrong
    design would have said and is never quoted as an effect). truth: of a simulated cohort.
    rests_on: counts behind the number that the estimate does not carry (leavers of each arm); when one is
    small the result is withheld.
    """

    id: str
    outcome: str
    estimand: str
    population: str
    estimate: Estimate
    label: str
    role: str = "headline"
    group: str = ""
    truth: float | None = None
    rests_on: tuple[float | None, ...] = ()

    @property
    def full_label(self) -> str:
        """The label where the heading of its group is not at hand; labels that stand alone begin with a capital."""
        return f"{self.group}: {self.label}" if self.group and not self.label[:1].isupper() else self.label


@dataclass(frozen=True)
class Counted:
    """Where a frame of an exhibit holds counts.

    counts: columns with counts of people or events; derived: columns to blank in a row where one
    of the counts is small; of: for a derived column that rests on one of the counts only, which.
    adds_up: the counts of the frame add up to one another (a flow), so that blanking one needs the others
    rounded, and all that is derived blanked.
    within: column, or columns, of groups of rows whose counts add up to a total that is shown (in the group or elsewhere),
    so that one blank needs a second; "*": all rows are one group; totals: labels of the row of a
    group that is its total. sums: (total, part, part, ...) columns that
    add up within each row, likewise.
    behind: columns of counts that are declared and never shown (leavers of the smaller arm, a part that only another table
    shows); results: column that names the results (ids, spaces between) told by the row, and the count that
    they rest on ("" for the whole row): a cell and its result are withheld together. Both kinds are dropped.
    cumulative: column of events so far, by the groups of ``by`` in the order of the rows. A step by a small number of events
    would give them away: where the column is among the counts it is rounded, else (curves) the rows
    between are dropped (carry: they repeat the last row, for bands that are stacked), and the column. steps: counts so far
    by horizon, by the groups of ``by`` ("": all rows are one): a row that differs from another by a small number is blanked.
    ratios: derived columns that are no estimates of a model but arithmetic on counts, for rules that round: (part, whole), both
    columns of counts, of which it is made again from the rounded ones; or the one count to which it is proportional, by whose rounding it
    is made coarser. survival: the curve is a plain Kaplan-Meier curve, which can be made again from rounded counts.
    same: column of counts -> column that names the quantity in each row ("" for none), which is dropped. A quantity is withheld wherever it
    stands; after an ``@`` stands the population, and the same quantity of two populations must not differ by few.
    populations: columns whose numbers are sizes of populations that stand elsewhere too (a flow): once they must be rounded, every
    count that is equal to one of them is. extremes: columns with minima or maxima. amounts: derived column that is a sum of amounts ->
    column with the amounts (a tuple in each row), which is dropped.
    """

    counts: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    adds_up: bool = False
    within: str | tuple[str, ...] = ""
    sums: tuple[tuple[str, ...], ...] = ()
    of: Mapping[str, str] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    results: Mapping[str, str] = field(default_factory=dict)
    cumulative: str = ""
    by: str = ""
    carry: bool = False
    steps: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    ratios: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    survival: bool = False
    same: Mapping[str, str] = field(default_factory=dict)
    populations: tuple[str, ...] = ()
    extremes: tuple[str, ...] = ()
    amounts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exhibit:
    """A figure or table in data form; the display floor draws it by ``kind``.

    rests_on: counts behind all of it; when one is small the exhibit is left out, and a gap says so.
    """

    id: str
    kind: str
    title: str
    frames: Mapping[str, pd.DataFrame]
    counted: Mapping[str, Counted] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    rests_on: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Gap:
    """A question that these data cannot answer, why, and what would unlock it; rests_on: when one of these counts is
    small the reason, which may point to somebody, is withheld.
    """

    question: str
    reason: str
    unlock: str
    rests_on: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Everything one chapter has to say about one cohort."""

    chapter: str
    title: str
    lead: tuple[Statement, ...] = ()
    results: tuple[Result, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    cautions: tuple[Caution, ...] = ()
    gaps: tuple[Gap, ...] = ()
    methods: tuple[str, ...] = ()

    def result(self, result_id: str) -> Result | None:
        return next((result for result in self.results if result.id == result_id), None)

    def exhibit(self, exhibit_id: str) -> Exhibit | None:
        return next((exhibit for exhibit in self.exhibits if exhibit.id == exhibit_id), None)
