"""Addresses of databases in study.yaml: told from file names, and shown without user and password."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote_plus

__all__ = ["is_address", "password_written_out", "shown_address"]

_ADDRESS = re.compile(r"^[A-Za-z][\w+.-]*://")
_PASSWORD = re.compile(r"^[A-Za-z][\w+.-]*://[^:/@?]*:(?P<password>[^/].*)@")
# as an option behind the question mark; drivers of ODBC take a whole line of them
_OPTION = re.compile(r"[?&;](?:password|passwd|pwd|sslpassword)\s*=\s*\{?(?P<password>[^&;]+)", re.IGNORECASE)
_FILES = ("sqlite", "duckdb", "access")


def is_address(text: str) -> bool:
    """Whether ``text`` is an address such as ``postgresql://host/database`` rather than the name of a file."""
    return _ADDRESS.match(text) is not None


def password_written_out(text: str) -> bool:
    """Whether an address, before its variables are expanded, holds a password."""
    found = [_PASSWORD.match(text), *(_OPTION.finditer(unquote_plus(text)) if is_address(text) else ())]
    return any(one is not None and re.fullmatch(r"\$\{[^}:]*\}\}?", one["password"]) is None for one in found)


def shown_address(address: str) -> str:
    """``scheme://host/database``: no driver, user, password, port or option; of a database in a file only its name."""
    scheme, _, rest = address.partition("://")
    scheme = scheme.partition("+")[0]
    before, _, rest = rest.rpartition("@")  # a password may hold any sign but the last @
    if re.search(r"\?[\w-]+=", before):
        return f"{scheme}://"  # the @ may stand in an option, and what follows it be part of a password
    rest = rest.partition("?")[0]
    if scheme in _FILES:
        return f"{scheme}:///{PurePosixPath(PureWindowsPath(rest).as_posix()).name}"
    host, _, database = rest.partition("/")
    return f"{scheme}://{host.partition(':')[0]}/{database}"
