"""A coordinator's decisions about proposed pairs, read back: what is kept, changed and refused, or file:row:column of what cannot be."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mentorship_eval.errors import DataError, UsageError, listing
from mentorship_eval.matching import Pool, permitted

__all__ = ["Decisions", "read_decisions"]

_NEEDED = ("mentee_id", "mentor_id", "decision")


@dataclass
class Decisions:
    """keep: mentee -> mentor; by_hand: mentees whose mentor the coordinator chose; refused: (mentee, mentor), in the order of the file."""

    keep: dict[str, str] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)


def read_decisions(file: str, pool: Pool, left_out: Mapping[str, str] | None = None) -> Decisions:
    """Blank leaves a pair to be chosen again. left_out: mentor -> why they can be given nobody, for the message.

    Raises DataError, naming file:row:column of every fault, when a decision is not understood, names somebody who does not take part, a pair that
    may not be made or is refused in another row, a mentee twice, or more mentees than a mentor has room for.
    """
    made, may, faults = Decisions(), permitted(pool), []
    mentees = {person: at for at, person in enumerate(pool.mentees.index)}
    mentors = {person: at for at, person in enumerate(pool.mentors.index)}
    used: Counter[str] = Counter()
    rows = list(_decided(file))
    against = {(row["mentee_id"], row["mentor_id"]) for _, row in rows if row["decision"].casefold() == "reject"}
    for number, row in rows:
        mentee, said = row["mentee_id"], row["decision"]
        verb, _, other = (part.strip() for part in said.partition(":"))
        verb = verb.casefold()
        here = f"{file}:{number}"
        mentor = other if verb == "change" else row["mentor_id"]
        at = "decision" if verb == "change" else "mentor_id"
        if verb not in ("accept", "change", "reject") or (verb == "change") != bool(other):
            faults.append(f"{here}:decision: {said!r} is not accept, change:MENTOR or reject")
        elif mentee not in mentees:
            faults.append(f"{here}:mentee_id: {mentee or 'nobody'} does not wait for a mentor in this cohort{_zeros(mentee, mentees)}")
        elif verb == "reject":
            if mentor in mentors:
                made.refused.append((mentee, mentor))
            elif mentor not in (left_out or {}):
                faults.append(f"{here}:mentor_id: {mentor or 'nobody'} is no mentor of this cohort{_zeros(mentor, mentors)}")
        elif mentee in made.keep:
            faults.append(f"{here}:mentee_id: {mentee} was decided on above")
        elif mentor not in mentors:
            why = f" ({left_out[mentor]})" if left_out and mentor in left_out else _zeros(mentor, mentors)
            faults.append(f"{here}:{at}: {mentor or 'nobody'} is no mentor who can be given a mentee{why}")
        elif not may[mentees[mentee], mentors[mentor]]:
            faults.append(f"{here}:{at}: {mentee} and {mentor} may not be paired (the same person, one manages the other, or one excludes the other)")
        elif (mentee, mentor) in against:
            faults.append(f"{here}:{at}: the pair of {mentee} and {mentor} is refused in another row")
        elif used[mentor] >= pool.room[mentor]:
            faults.append(f"{here}:{at}: {mentor} has room for {pool.room[mentor]} more, and rows above take it")
        else:
            made.keep[mentee] = mentor
            used[mentor] += 1
            if verb == "change" or row["method"] == "manual":
                made.by_hand.add(mentee)
    if faults:
        more = f"; and {len(faults) - 5:,} more" if len(faults) > 5 else ""
        raise DataError(f"{'; '.join(faults[:5])}{more}.", fix="Correct these decisions; nothing was written.")
    made.refused = list(dict.fromkeys(made.refused))
    return made


def _zeros(written: str, known: Mapping[str, int]) -> str:
    """A hint where a spreadsheet has read an id as a number."""
    meant = next((person for person in known if person != written and person.lstrip("0") == written and written), None)
    return f" (has a spreadsheet taken the zeros off {meant}?)" if meant is not None else ""


def _decided(file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells of every row with a decision; with semicolons or tabs where a spreadsheet has saved it so."""
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.",
            fix="Give a proposal.csv, saved as CSV UTF-8.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=text.partition("\n")[0].count))
    try:
        lacking = [name for name in _NEEDED if name not in (reader.fieldnames or [])]
        if lacking:
            raise DataError(f"{file}:1: no column {listing(lacking)}.", fix="Give a proposal.csv as match wrote it, saved as CSV.")
        for row in reader:
            cells = {name: (row.get(name) or "").strip() for name in (*_NEEDED, "method")}
            if cells["decision"]:
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num}: {error}.", fix="Give a proposal.csv as match wrote it, saved as CSV.") from None
