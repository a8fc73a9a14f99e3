"""Which faults there are, which of them are asked for, and the record of those that were planted."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mentorship_eval.cohort.simulation.messy.extract import Extract
from mentorship_eval.errors import UsageError, listing

__all__ = ["KINDS", "Book", "Fault", "Kind", "chosen_kinds"]

Group = Literal["exact", "lossy", "rounded", "error", "alone"]


@dataclass(frozen=True)
class Kind:
    """One kind of fault. exact: undone without a trace; lossy: repaired or warned of, but the estimates may move within a bound;
    rounded: a whole export without days,
    to be compared with the cohort rounded likewise; error: stops, together with the others; alone: stops so early that nothing else is found."""

    code: str
    group: Group


KINDS: dict[str, Kind] = {
    # people and posts
    "byte_order_mark": Kind("R123", "exact"), "cp1252": Kind("R123", "exact"), "blank_row": Kind("R123", "exact"), "total_row": Kind("R123", "exact"),
    "blanks_around": Kind("R123", "exact"), "identifier_column": Kind("R121", "exact"), "second_post": Kind("R102", "exact"),
    "terminated_row": Kind("R128", "exact"), "maternity": Kind("R107", "exact"), "gender_missing": Kind("W122", "exact"),
    "leaver_still_listed": Kind("W127", "exact"), "reason_missing": Kind("W012", "lossy"), "leaving_day_missing": Kind("", "lossy"),
    "missing_from_one_list": Kind("R103", "exact"), "retired_and_back": Kind("W108", "exact"), "same_day": Kind("R105", "lossy"),
    "months_only": Kind("W127", "rounded"),
    # incidents and what they are divided by
    "person_rows": Kind("R113", "exact"), "rejected_reports": Kind("R128", "exact"), "merged_header": Kind("R123", "exact"),
    "second_sheet": Kind("W123", "exact"), "thousands": Kind("R123", "exact"), "duplicate_months": Kind("R102", "exact"),
    "exposure_total": Kind("R123", "exact"), "early_jump": Kind("W111", "exact"), "renamed_ward": Kind("R110", "exact"),
    "never_row_missing": Kind("W109", "exact"), "allocation_spelt": Kind("R108", "exact"), "mojibake": Kind("W123", "exact"),
    "patient_days_missing": Kind("R111", "lossy"), "late_reports": Kind("W114", "lossy"), "system_noted": Kind("W112", "exact"),
    "shock_noted": Kind("W115", "exact"),
    # mentoring
    "address_for_id": Kind("R121", "exact"), "second_address": Kind("R121", "exact"), "draft_loops": Kind("R128", "exact"),
    "open_end_4712": Kind("R106", "exact"), "outside_mentor": Kind("W006", "exact"), "stray_sessions": Kind("R116", "exact"),
    "short_rows": Kind("W123", "exact"), "start_missing": Kind("W117", "lossy"),
    # surveys
    "label_rows": Kind("R123", "exact"), "unfinished": Kind("R128", "exact"), "no_consent": Kind("R120", "exact"),
    "few_answers": Kind("W119", "exact"),
    # errors
    "file_missing": Kind("E002", "error"), "table_empty": Kind("E003", "error"), "column_missing": Kind("E004", "error"),
    "key_twice": Kind("E005", "error"), "unknown_person": Kind("E006", "error"), "not_a_number": Kind("E007", "error"),
    "value_missing": Kind("E008", "error"), "end_before_start": Kind("E105", "error"), "ambiguous_dates": Kind("E106", "error"),
    "unknown_allocation": Kind("E108", "error"), "unknown_ward": Kind("E109", "error"), "merged_across": Kind("E110", "error"),
    "no_patient_days": Kind("E111", "error"), "too_many_strays": Kind("E116", "error"), "item_out_of_range": Kind("E118", "error"),
    "email_column": Kind("E121", "error"), "suppressed_count": Kind("E123", "error"), "new_category": Kind("E125", "error"),
    "unknown_key": Kind("E001", "alone"), "too_few_tables": Kind("E009", "alone"), "unknown_recipe": Kind("E010", "alone"),
    "birth_years_differ": Kind("E101", "alone"), "no_consent_column": Kind("E120", "alone"), "nobody_twice": Kind("E126", "alone"),
    "list_missing": Kind("E127", "alone"),
}
# repairs that an error of the same table would hide
_HIDDEN = {"renamed_ward", "patient_days_missing", "stray_sessions", "few_answers", "start_missing"}
_SETS = {"none": (), "exact": ("exact",), "repairable": ("exact", "lossy"), "all": ("exact", "lossy", "error")}


def chosen_kinds(faults: str | Iterable[str]) -> set[str]:
    """The kinds of ``none``, ``exact``, ``repairable`` or ``all``, or of a list of names. Raises `UsageError` for unknown ones."""
    if isinstance(faults, str) and faults in _SETS:
        chosen = {name for name, kind in KINDS.items() if kind.group in _SETS[faults]}
        return chosen - _HIDDEN if faults == "all" else chosen
    names = [faults] if isinstance(faults, str) else list(faults)
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise UsageError(f"There are no faults {listing(unknown)}.", fix=f"Known: {', '.join(_SETS)}, or a list of {listing(sorted(KINDS), 90)}.")
    return set(names)


@dataclass(frozen=True)
class Fault:
    """labels: rows of the extract it stands in, or None for the whole file; bound: what it can do to the estimates, when it cannot be undone."""

    kind: str
    code: str
    file: str
    extract: Extract | None
    labels: tuple[int, ...] | None
    column: str
    what: str
    undone: bool
    bound: dict[str, Any] | None

    def told(self) -> dict[str, Any]:
        rows = None
        if self.labels is not None and self.extract is not None:
            numbers = self.extract.row_numbers()
            rows = sorted(numbers[label] for label in self.labels)
        return {"kind": self.kind, "code": self.code, "file": self.file, "rows": rows, "column": self.column, "what": self.what,
                "undone": self.undone, "bound": self.bound}


@dataclass
class Book:
    """What is asked for, a random stream for each kind, the people that a fault has hit already, and what was planted."""

    seed: int
    kinds: set[str]
    taken: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def asks(self, kind: str) -> bool:
        return kind in self.kinds

    def stream(self, kind: str) -> np.random.Generator:
        """A stream of its own, so that one kind more or less leaves the others as they were."""
        return np.random.default_rng([self.seed, zlib.crc32(kind.encode())])

    def people(self, kind: str, candidates: Iterable[str], number: int) -> list[str]:
        """Up to ``number`` candidates that no other fault has hit, at random; they are taken from then on."""
        free = sorted(set(candidates) - self.taken)
        some = [str(name) for name in self.stream(kind).permutation(np.array(free, dtype=object))[:number]]
        self.taken.update(some)
        return sorted(some)

    def add(self, kind: str, extract: Extract | None, labels: Iterable[int] | None, column: str, what: str, *, code: str = "", file: str = "",
            undone: bool = True, bound: dict[str, Any] | None = None) -> None:
        """Record a fault; code: of the finding that it gives, that of its kind unless said."""
        given = None if labels is None else tuple(labels)
        self.faults.append(Fault(kind, code or (KINDS[kind].code if kind in KINDS else ""), file or (extract.file if extract else ""), extract, given,
                                 column, what, undone, bound))
