"""Private results between runs: one file per content key, readable by its owner only.

The files are pickles, which run code when read: that is why the folder must belong to the user and be
closed to everybody else, and why a folder that is not is left unused.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "cached", "is_cached", "load_private", "store_private"]

_VERSION = 1


def cache_folder() -> Path:
    """``MENTORSHIP_EVAL_CACHE``, or the folder that the platform gives to caches."""
    named = os.environ.get("MENTORSHIP_EVAL_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "mentorship-eval"


def _is_private(folder: Path) -> bool:
    if os.name == "nt":
        return True
    state = folder.stat()
    return state.st_uid == os.getuid() and not state.st_mode & 0o077


def store_private(path: Path, key: str, value: Any) -> None:
    """Write ``value`` whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            pickle.dump((_VERSION, key, value), stream, protocol=pickle.HIGHEST_PROTOCOL)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def load_private(path: Path, key: str) -> Any:
    """The value stored under ``key``; ValueError when the file holds anything else."""
    with path.open("rb") as stream:
        version, stored, value = pickle.load(stream)
    if (version, stored) != (_VERSION, key):
        raise ValueError("another version or key")
    return value


def is_cached(key: str) -> bool:
    """Whether something is kept under ``key``; what it is shows when it is read."""
    return (cache_folder() / f"{key}.pickle").is_file()


def cached(key: str, compute: Callable[[], Any], *, of: type) -> Any:
    """``compute()``, or what it gave the last time under the same key.

    An entry that is damaged, of another type or of another key is computed again; a cache that cannot be used (no
    room, no right to write, open to others) is done without.
    """
    path = cache_folder() / f"{key}.pickle"
    usable = False
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.environ.get("MENTORSHIP_EVAL_CACHE") is None and os.name != "nt":
            path.parent.chmod(0o700)
        usable = _is_private(path.parent)
    if usable and path.is_file():
        try:
            value = load_private(path, key)
        except Exception:  # a truncated or foreign pickle may raise anything
            value = None
        if isinstance(value, of):
            return value
    value = compute()
    if usable:
        with suppress(OSError, pickle.PicklingError, AttributeError, TypeError):
            store_private(path, key, value)
    return value
