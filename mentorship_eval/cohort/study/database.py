"""Addresses of databases in study.yaml: told from file names, and shown without user and password."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

__all__ = ["is_address", "password_written_out", "shown_address"]

_ADDRESS = re.compile(r"^[A-Za-z][\w+.-]*://")
_PASSWORD = re.compile(r"^[A-Za-z][\w+.-]*://[^:/@?]*:(?P<password>[^/].*)@")


def is_address(text: str) -> bool:
    """Whether ``text`` is an address such as ``postgresql://host/database`` rather than the name of a file."""
    return _ADDRESS.match(text) is not None


def password_written_out(text: str) -> bool:
    """Whether an address, before its variables are expanded, holds a password."""
    found = _PASSWORD.match(text)
    return found is not None and re.fullmatch(r"\$\{[^}:]*\}", found["password"]) is None


def shown_address(address: str) -> str:
    """``scheme://host/database``: no driver, user, password, port or option; of a database in a file only its name."""
    scheme, _, rest = address.partition("://")
    scheme = scheme.partition("+")[0]
    rest = rest.rpartition("@")[2].partition("?")[0]  # a password may hold any sign but the last @
    if scheme == "sqlite":
        return f"sqlite:///{PurePosixPath(PureWindowsPath(rest).as_posix()).name}"
    host, _, database = rest.partition("/")
    return f"{scheme}://{host.partition(':')[0]}/{database}"
