"""The way back from pseudonyms to identifiers, for whoever is allowed it: a file beside the key, as secret as the key."""

from __future__ import annotations

import csv
import os
import secrets
from pathlib import Path

from mentorship_eval.cohort.pseudonyms.keys import Key
from mentorship_eval.errors import UsageError

__all__ = ["Lookup"]

_HEADER = ["pseudonym", "identifier", "normalise"]


class Lookup:
    """``KEYFILE.lookup.csv``: pseudonym, identifier as it was hashed, and its kind. What an earlier call put there stays."""

    def __init__(self, key: Key) -> None:
        self.path: Path = key.path.with_name(f"{key.path.name}.lookup.csv")
        self._rows: dict[str, tuple[str, str]] = {}
        if not self.path.exists():
            return
        try:
            with self.path.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.reader(stream))
        except (UnicodeDecodeError, csv.Error):
            rows = []
        if not rows or rows[0] != _HEADER or any(len(row) != 3 for row in rows):
            raise UsageError(f"{self.path.name} is not a lookup file of ours.", fix="Move it away; it is not overwritten.")
        self._rows = {row[0]: (row[1], row[2]) for row in rows[1:]}

    def add(self, identifier: str, pseudonym: str, kind: str) -> None:
        self._rows.setdefault(pseudonym, (identifier, kind))

    def save(self) -> None:
        """Write all of it, sorted, readable by its owner alone."""
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(_HEADER)
                writer.writerows([pseudonym, *self._rows[pseudonym]] for pseudonym in sorted(self._rows))
            os.replace(part, self.path)
        except OSError as error:
            raise UsageError(f"The lookup file cannot be written: {error.strerror}.", fix="See who owns the folder of the key.") from None
        finally:
            part.unlink(missing_ok=True)
