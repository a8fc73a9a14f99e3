"""The key of the pseudonyms: where it may stand, how it is made, how it is read. Its bytes are in no message and no output."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from pathlib import Path

from mentorship_eval.cohort.study.document import STUDY_FILE
from mentorship_eval.errors import UsageError

__all__ = ["Key", "open_key", "place_refused"]

_LINE = re.compile(r"mentorship-eval-key-1 ([0-9a-f]{64})\n?")
_ELSEWHERE = "Keep it where only you can read it and where neither data nor reports go."


class Key:
    """32 random bytes in a file. ``secret`` is for hashing alone; a key made new is on disk only after `save`."""

    def __init__(self, path: Path, secret: bytes, *, new: bool) -> None:
        self.path, self.secret, self.new = path, secret, new

    def save(self) -> None:
        """Write a new key, readable by its owner alone; an old one is left as it is. Never overwrites."""
        if not self.new:
            return
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError(f"{self.path.name} was made by somebody else meanwhile.", fix="Run again: that key is then used.") from None
        except OSError as error:
            raise UsageError(f"The key {self.path} cannot be written: {error.strerror}.", fix="Choose another place.") from None
        with os.fdopen(descriptor, "w", encoding="ascii", newline="\n") as stream:
            stream.write(f"mentorship-eval-key-1 {self.secret.hex()}\n")

    def __repr__(self) -> str:
        return f"<Key {self.path.name}>"


def place_refused(path: Path, out: Path) -> str:
    """Why a secret may not stand at ``path``; "" when it may."""
    folders = path.parents
    if out in folders:
        return f"{path.name} would stand inside the output folder {out.name}"
    cohort = next((folder for folder in folders if (folder / STUDY_FILE).is_file()), None)
    if cohort is not None:
        return f"{path.name} would stand inside the cohort folder {cohort.name}"
    tree = next((folder for folder in folders if (folder / ".git").exists()), None)
    if tree is not None and not _ignored(path, tree):
        return f"{path.name} would stand in the git work tree {tree.name} and is not ignored by it"
    return ""


def _ignored(path: Path, tree: Path) -> bool:
    try:
        asked = subprocess.run(["git", "-C", str(tree), "check-ignore", "-q", "--", str(path)], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return False  # without git nobody can say that it is ignored
    return asked.returncode == 0


def open_key(path: str | Path, out: Path) -> Key:
    """The key at ``path``, or a new one that is not on disk yet; ``out`` is where pseudonymised files go.

    Raises
    ------
    UsageError : the place is refused, others can read the file, or it is no key of ours.
    """
    place = Path(path).expanduser().resolve()
    refused = place_refused(place, out.resolve())
    if refused:
        raise UsageError(f"The key is refused: {refused}.", fix=_ELSEWHERE)
    if not place.parent.is_dir():
        raise UsageError(f"There is no folder {place.parent} for the key.", fix="Make it first: it should be readable by you alone.")
    if not place.exists():
        return Key(place, secrets.token_bytes(32), new=True)
    try:
        if os.name == "posix" and place.stat().st_mode & 0o077:
            raise UsageError(f"Others can read the key {place.name}.", fix=f"Run: chmod 600 {place}")
        found = _LINE.fullmatch(place.read_text(encoding="ascii"))
    except OSError as error:
        raise UsageError(f"The key {place} cannot be read: {error.strerror}.", fix="See who owns it.") from None
    except UnicodeDecodeError:
        found = None
    if not found:
        raise UsageError(f"{place.name} is not a key of mentorship-eval.", fix="Name a file that does not exist yet: a key is made there.")
    return Key(place, bytes.fromhex(found.group(1)), new=False)
