"""A coordinator's decisions about proposed pairs, read back: what is kept, changed and refused, or file:row:column of what cannot be."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from mentorship_eval.errors import DataError, UsageError, listing
from mentorship_eval.matching import Pool, permitted

__all__ = ["read_decisions"]

_NEEDED = ("mentee_id", "mentor_id", "decision")


def read_decisions(file: str, pool: Pool) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """(mentee -> mentor to keep, pairs refused). Blank leaves a pair to be chosen again.

    Raises DataError, naming file:row:column of every fault, when a decision is not understood, names somebody who does not take part, a pair that
    may not be made, a mentee twice, or more mentees than a mentor has room for.
    """
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.",
            fix="Give a proposal.csv, saved as CSV UTF-8.") from None
    lacking = [name for name in _NEEDED if name not in header]
    if lacking:
        raise DataError(f"{file}:1: no column {listing(lacking)}.", fix="Give a proposal.csv, with commas, as match wrote it.")
    may, seen = permitted(pool), set()
    mentees = {person: at for at, person in enumerate(pool.mentees.index)}
    mentors = {person: at for at, person in enumerate(pool.mentors.index)}
    keep: dict[str, str] = {}
    refused: set[tuple[str, str]] = set()
    used: Counter[str] = Counter()
    faults = []
    for number, row in rows:
        mentee, proposed, said = ((row[name] or "").strip() for name in _NEEDED)
        if not said:
            continue
        verb, _, other = (part.strip() for part in said.partition(":"))
        verb = verb.casefold()
        here = f"{file}:{number}"
        mentor = other if verb == "change" else proposed
        at = "decision" if verb == "change" else "mentor_id"
        if mentee in seen:
            faults.append(f"{here}:mentee_id: {mentee} was decided on above")
        elif verb not in ("accept", "change", "reject") or (verb == "change") != bool(other):
            faults.append(f"{here}:decision: {said!r} is not accept, change:MENTOR or reject")
        elif mentee not in mentees:
            faults.append(f"{here}:mentee_id: {mentee or 'nobody'} does not wait for a mentor in this cohort")
        elif verb == "reject":
            refused.add((mentee, proposed))
        elif mentor not in mentors:
            faults.append(f"{here}:{at}: {mentor or 'nobody'} is no mentor who can be given a mentee")
        elif not may[mentees[mentee], mentors[mentor]]:
            faults.append(f"{here}:{at}: {mentee} and {mentor} may not be paired (the same person, one manages the other, or one excludes the other)")
        elif used[mentor] >= pool.room[mentor]:
            faults.append(f"{here}:{at}: {mentor} has room for {pool.room[mentor]} more, and rows above take it")
        else:
            keep[mentee] = mentor
            used[mentor] += 1
        seen.add(mentee)
    if faults:
        more = f"; and {len(faults) - 5:,} more" if len(faults) > 5 else ""
        raise DataError(f"{'; '.join(faults[:5])}{more}.", fix="Correct these decisions; nothing was written.")
    return keep, refused
