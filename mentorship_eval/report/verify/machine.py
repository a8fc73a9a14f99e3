"""The software and the platform of a run against those of this machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from typing import Any

from mentorship_eval import __version__
from mentorship_eval.report.fingerprint import file_sha256, library_versions, lock_file, source_sha256
from mentorship_eval.report.verify.checked import Check, State

__all__ = ["check_code", "check_machine"]


def check_machine(manifest: Mapping[str, Any], *, strict: bool) -> Check:
    """Python, libraries and platform; differences are told, and fail only when ``strict``."""
    here = dict(library_versions())
    made: dict[str, str] = {"python": manifest.get("python", "unknown"), **manifest.get("libraries", {})}
    apart = [f"{name}: {here.get(name, 'not installed')} here, {version} there" for name, version in made.items() if here.get(name) != version]
    place = f"{sys.platform} {platform.machine()}"
    if manifest.get("platform") != place:
        apart.append(f"platform: {place} here, {manifest.get('platform', 'unknown')} there")
    if not apart:
        return Check("machine", "ok", f"Python {here['python']}, {len(made) - 1} libraries and platform ({place}) as in the run")
    state: State = "differs" if strict else "told"
    return Check("machine", state, f"{len(apart)} of Python, libraries and platform differ: bytes may differ when it is run again here", apart)


def check_code(manifest: Mapping[str, Any], *, strict: bool) -> Check:
    """The package's own source, and its lock; differences are told, and fail only when ``strict``."""
    package, lock = manifest.get("package", {}), lock_file()
    apart = []
    if package.get("version") != __version__:
        apart.append(f"mentorship-eval: {__version__} here, {package.get('version', 'unknown')} there")
    if package.get("source_sha256") != source_sha256():
        git = package.get("git") or {}
        at = f"; there commit {git['commit'][:12]}{', with changes' if git.get('state') == 'changed' else ''}" if git.get("commit") else ""
        apart.append(f"source: {source_sha256()[:12]} here, {str(package.get('source_sha256'))[:12]} there{at}")
    wanted = (manifest.get("lock") or {}).get("sha256")
    if lock is not None and wanted and file_sha256(lock) != wanted:
        apart.append(f"requirements.lock: {file_sha256(lock)[:12]} here, {wanted[:12]} there")
    if not apart:
        return Check("code", "ok", f"mentorship-eval {__version__} with the source of the run")
    state: State = "differs" if strict else "told"
    return Check("code", state, "the package here is not the one of the run: numbers may differ when it is run again here", apart)
