"""Where the private reference data stand, for the tests that need them.

They are never part of this repository (several licences do not allow it): a test that needs them
finds them through MENTORSHIP_EVAL_SHARED_DATA (the folder of data; reference values stand beside
it in ``golden``) or in ``../shared`` beside the project's root, and skips with a reason otherwise.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_root() -> Path | None:
    """The folder that holds ``data`` and ``golden``, or None."""
    named = os.environ.get("MENTORSHIP_EVAL_SHARED_DATA")
    root = Path(named).resolve().parent if named else ROOT.parent / "shared"
    return root if root.is_dir() else None


def shared_path(*parts: str) -> Path:
    """A path below the shared folder; skips the test when it does not exist."""
    root = shared_root()
    path = root.joinpath(*parts) if root else None
    if path is None or not path.exists():
        pytest.skip(f"private reference data not at hand: {'/'.join(parts)} (set MENTORSHIP_EVAL_SHARED_DATA)", allow_module_level=True)
    return path


def shared_data(name: str) -> Path:
    return shared_path("data", *name.split("/"))


@cache
def golden(name: str) -> dict[str, Any]:
    """Reference values made in R: ``golden("survival")``."""
    return json.loads(shared_path("golden", f"{name}.json").read_text(encoding="utf-8"))
