"""Run uv with the settings that pip has on this machine: mirrors, wheel folders and certificates.

Hospitals often reach packages through a mirror named in pip.conf, which uv does not read. Whatever pip
has been told is passed on in uv's own variables; a variable that is already set wins. Needs no package
beyond pip, because it runs before any other is installed:

    .venv/bin/python tools/run_uv.py pip sync --require-hashes requirements.lock
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# what pip calls it -> what uv calls it; pip parts several values by blanks or new lines
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
}
_PRECEDENCE = ("global", "site", "user", "install", ":env:")


def pip_settings(listing: str) -> dict[str, str]:
    """``pip config list`` as a dict; what pip reads later overrides what it reads first."""
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        section, _, name = key.strip().rpartition(".")
        if not separator or section not in _PRECEDENCE:
            continue
        rank = _PRECEDENCE.index(section)
        if name not in found or rank >= found[name][0]:
            text = value.strip()
            quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
            found[name] = (rank, text[1:-1] if quoted else text)
    return {name: value.replace("\\n", " ") for name, (_, value) in found.items()}


def uv_settings(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to add for uv."""
    added: dict[str, str] = {}
    for name, variable in _SETTINGS.items():
        value = " ".join(settings.get(name, "").split())
        if not value or variable in environ:
            continue
        if name == "find-links":
            value = value.replace(" ", ",")
        added[variable] = value
    added.update({"UV_NO_PROGRESS": "1"} if "UV_NO_PROGRESS" not in environ else {})
    # Where pip may not fall back on the public index, uv must look at all indexes too, as pip does.
    if "UV_INDEX" in added and "UV_INDEX_STRATEGY" not in environ:
        added["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return added


def main(arguments: list[str]) -> int:
    listing = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    environ = {**os.environ, **uv_settings(pip_settings(listing), os.environ)}
    environ.setdefault("VIRTUAL_ENV", sys.prefix)
    program = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    return subprocess.run([str(program), *arguments], env=environ, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
