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
    """

    text: str
    counts: Mapping[str, float] = field(default_factory=dict)
    rests_on: tuple[float | None, ...] = ()

    def __str__(self) -> str:
        if not self.counts:
            return self.text
        return self.text.format(**{name: f"{value:,.0f}" for name, value in self.counts.items()})


@dataclass(frozen=True)
class Result:
    """One row of estimates.csv: a number that a reader could quote.

    role: headline, companion, sensitivity, diagnostic or audit (an audit shows what a wrong
    design would have said and is never quoted as an effect). truth: of a simulated cohort.
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

    @property
    def full_label(self) -> str:
        """The label where the heading of its group is not at hand; labels that stand alone begin with a capital."""
        return f"{self.group}: {self.label}" if self.group and not self.label[:1].isupper() else self.label


@dataclass(frozen=True)
class Counted:
    """Where a frame of an exhibit holds counts.

    counts: columns with counts of people or events; derived: columns to blank in a row where one
    of the counts is small; adds_up: the counts of the frame add up to one another (a flow), so that
    blanking one needs the others rounded; within: column of the groups of rows whose counts add up to a
    total that is shown elsewhere, so that one blank in a group needs a second.
    """

    counts: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    adds_up: bool = False
    within: str = ""


@dataclass(frozen=True)
class Exhibit:
    """A figure or table in data form; the display floor draws it by ``kind``."""

    id: str
    kind: str
    title: str
    frames: Mapping[str, pd.DataFrame]
    counted: Mapping[str, Counted] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Gap:
    """A question that these data cannot answer, why, and what would unlock it."""

    question: str
    reason: str
    unlock: str


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
