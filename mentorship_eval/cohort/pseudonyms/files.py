"""Files with identifiers in, CSV files with pseudonyms out: everything or nothing."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mentorship_eval.cohort.checks.identifying import Column, identifying_name, is_identifier, valid_nhs_number
from mentorship_eval.cohort.pseudonyms.hashing import Malformed, hasher, normalise
from mentorship_eval.cohort.pseudonyms.keys import Key, place_refused
from mentorship_eval.cohort.pseudonyms.lookup import Lookup
from mentorship_eval.cohort.pseudonyms.rows import open_rows
from mentorship_eval.cohort.reading.raw import MISSING
from mentorship_eval.cohort.study.document import did_you_mean
from mentorship_eval.errors import DataError, UsageError, listing

__all__ = ["Done", "pseudonymise_files"]

_PORTION = 5_000  # rows between two looks at the columns that pass through
_SPELLINGS = 200_000  # people per file whose spelling is remembered: memory stays bounded


@dataclass
class Done:
    """What was done to one file. replaced: column -> cells that got a pseudonym; odd: rows whose NHS number fails its check digit.

    spelt: rows whose identifier, a text, was spelt in another way than before in the file, and got the same pseudonym.
    """

    source: Path
    target: Path
    replaced: dict[str, int]
    rows: int = 0
    empty: int = 0
    short: int = 0
    dropped: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    spelt: list[int] = field(default_factory=list)


def pseudonymise_files(
    files: Sequence[Path], out: Path, key: Key, *, columns: Mapping[str, str], drop: Sequence[str] = (), cleared: Sequence[str] = (),
    lookup: bool = False, **reading: Any,
) -> list[Done]:
    """Write ``out/<name>.csv`` for every file, its ``columns`` (name -> kind of identifier) replaced by pseudonyms under ``key``.

    drop: columns left out. cleared: columns that identify nobody whatever they look like. lookup: also keep identifier and pseudonym in a
    file beside the key. reading: encoding, delimiter, sheet, header_row. Columns of which a file has none are passed over; one that no file has
    is refused. Files are read row by row, so that memory does not grow with them (with ``lookup`` it grows with the people).

    Raises
    ------
    DataError : a column that would pass through identifies people, or a value is not of its kind. UsageError : wrong names or places.
    In both cases nothing is written.
    """
    targets = [out / f"{path.stem}.csv" for path in files]
    for path, target in zip(files, targets, strict=True):
        if target.exists():
            raise UsageError(f"{target} exists already.", fix="Name another folder; nothing is overwritten.")
        if targets.count(target) > 1:
            raise UsageError(f"Two files would both become {target.name}.", fix=f"Rename {path.name}, or give them one at a time.")
    book = Lookup(key) if lookup else None
    if book and place_refused(book.path, out.resolve()):
        raise UsageError(f"The lookup file is refused: {place_refused(book.path, out.resolve())}.", fix="Keep key and lookup elsewhere.")
    new_folder = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be made: {error.strerror}.", fix="Choose another place.") from None
    parts = [out / f".{target.name}.{secrets.token_hex(4)}.part" for target in targets]
    published: list[Path] = []
    complete = False
    try:
        done, unseen = [], {*columns, *drop, *cleared}
        for path, target, part in zip(files, targets, parts, strict=True):
            with open_rows(path, **reading) as rows:
                work = _File(path, rows, columns, set(drop), set(cleared), hasher(key.secret), book)
                unseen -= set(work.header)
                done.append(work.write(part, target))
        if unseen:
            raise UsageError(f"No file has a column {listing(sorted(unseen))}.", fix=did_you_mean(min(unseen), work.header))
        key.save()
        if book:
            book.save()
        for part, target in zip(parts, targets, strict=True):
            with target.open("xb"):  # takes the name, or fails where somebody else has taken it
                published.append(target)
            os.replace(part, target)
        complete = True
        return done
    except FileExistsError as error:
        raise UsageError(f"{error.filename} was made by somebody else meanwhile.", fix="Nothing is overwritten; name another folder.") from None
    finally:
        for part in [*parts, *(() if complete else published)]:
            part.unlink(missing_ok=True)
        if new_folder and not complete:
            with suppress(OSError):
                out.rmdir()


class _File:
    """One file on its way through."""

    def __init__(self, path: Path, rows: Any, columns: Mapping[str, str], drop: set[str], cleared: set[str], pseudonym: Callable[[str], str],
                 book: Lookup | None) -> None:  # fmt: skip
        self.path, self.rows, self.pseudonym, self.book = path, rows, pseudonym, book
        header: list[str] = next(rows, (0, []))[1]
        self.header = [name.strip() for name in header]
        if not any(self.header):
            raise DataError(f"{path.name} has no header row.", fix="Say which row names the columns: --header-row.")
        if any(map(is_identifier, self.header)):
            raise DataError(f"{path.name}: in place of the header there is a row of data.", fix="Put a row of names above it, or: --header-row.")
        twice = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if twice:
            raise DataError(f"{path.name}: the header names {listing(twice)} more than once.", fix="Rename one of them.")
        self.kinds = {name: columns[name] for name in self.header if name in columns}
        if not self.kinds:
            raise UsageError(f"{path.name} has no column {listing(columns)}.", fix=did_you_mean(next(iter(columns)), self.header))
        self.drop = drop
        self.spellings: dict[str, str] = {}
        self.watched = {
            at: Column(name, keep=0) for at, name in enumerate(self.header) if name not in columns and name not in drop and name not in cleared
        }

    def write(self, part: Path, target: Path) -> Done:
        shown = [at for at, name in enumerate(self.header) if name not in self.drop]
        done = Done(self.path, target, dict.fromkeys(self.kinds, 0), dropped=[name for name in self.header if name in self.drop])
        done.kept = [self.header[at] for at in shown if self.header[at] not in self.kinds]
        kinds = [(at, name, self.kinds[name]) for at, name in enumerate(self.header) if name in self.kinds]
        seen: dict[int, set[str]] = {at: set() for at in self.watched}
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([self.header[at] for at in shown])
            for number, cells in self.rows:
                if not any(cells):
                    continue
                done.rows += 1
                if len(cells) != len(self.header):
                    self._fit(number, cells, done)
                for at, values in seen.items():
                    values.add(cells[at])
                for at, name, kind in kinds:
                    cells[at] = self._replaced(number, name, kind, cells[at], done)
                writer.writerow([cells[at] for at in shown])
                if not done.rows % _PORTION:
                    self._look(seen)
            self._look(seen)
        if not done.rows:
            raise DataError(f"{self.path.name} has a header and no rows.", fix="Export it again.")
        self._refuse()
        return done

    def _fit(self, number: int, cells: list[str], done: Done) -> None:
        if len(cells) > len(self.header):
            raise DataError(f"{self.path.name}: row {number} has {len(cells)} fields, the header {len(self.header)}.",
                            fix="Put quotes around text that holds the delimiter.", rows=[number])  # fmt: skip
        done.short += 1
        cells.extend([""] * (len(self.header) - len(cells)))

    def _replaced(self, number: int, name: str, kind: str, text: str, done: Done) -> str:
        if text.strip() in MISSING:
            done.empty += 1
            return ""
        try:
            identifier = normalise(text, kind)
        except Malformed as problem:
            raise DataError(f"{self.path.name}:{number}:{name}: the value {problem}.", fix="Correct it, or declare another --normalise.",
                            rows=[number]) from None  # fmt: skip
        if kind == "nhs" and not valid_nhs_number(identifier):
            done.odd.append(number)
        done.replaced[name] += 1
        stands_for = self.pseudonym(identifier)
        if kind == "text":
            self._spelling(number, " ".join(text.split()), identifier, done)
        if self.book:
            self.book.add(identifier, stands_for, kind)
        return stands_for

    def _spelling(self, number: int, text: str, identifier: str, done: Done) -> None:
        """Ids in which capitals count would be two people with one pseudonym: that has to be seen."""
        before = self.spellings.get(identifier)
        if before is None and len(self.spellings) < _SPELLINGS:
            self.spellings[identifier] = text
        elif before is not None and before != text:
            done.spelt.append(number)

    def _look(self, seen: dict[int, set[str]]) -> None:
        for at, values in seen.items():
            self.watched[at].look(text for text in values if text.strip() not in MISSING)
            values.clear()

    def _refuse(self) -> None:
        told = []
        for column in self.watched.values():
            what, _ = column.verdict()
            if what:
                told.append(f"{column.name} holds {what}")
            elif identifying_name(column.name) and not column.harmless:
                told.append(f"{column.name} identifies people by its name")
        if told:
            raise DataError(
                f"{self.path.name}: direct identifiers would pass through: {listing(told)}.",
                fix="Name each with --column or --drop, or with --not-identifier when it identifies nobody. Nothing was written.",
            )
