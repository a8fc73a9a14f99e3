"""The manifest by itself: whole, and in agreement with itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.report.fingerprint import key_of
from mentorship_eval.report.manifest import MANIFEST_FORMAT, inputs_sha256, parts_of
from mentorship_eval.report.verify.checked import Check

__all__ = ["check_record", "read_manifest"]

_NEEDED = {
    "content_key": str, "content_sha256": str, "cohort": dict, "inputs": list, "study": dict, "parameters": dict, "plan": dict, "plan_sha256": str,
    "look": dict, "disclosure": dict, "seeds": dict, "package": dict, "lock": dict, "python": str, "libraries": dict, "platform": str,
    "further": dict, "chapters": dict, "exhibits": list, "outputs": dict,
}  # fmt: skip


def read_manifest(run: Path) -> dict[str, Any]:
    """The manifest of a run folder.

    Raises
    ------
    UsageError : there is none. DataError : it is no JSON document, or names neither inputs nor outputs.
    """
    try:
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{run} is no run folder: it has no manifest.json.", fix="Name the folder that holds index.html.") from None
    except ValueError:
        raise DataError(f"{run.name}/manifest.json is damaged: it is no JSON document.") from None
    kinds = {"outputs": dict, "inputs": list, "cohort": dict}
    whole = isinstance(manifest, dict) and all(isinstance(manifest.get(name), kind) for name, kind in kinds.items())
    hashed = whole and all(isinstance(item, dict) and {"table", "file", "sha256"} <= item.keys() for item in manifest["inputs"])
    if not hashed or "folder" not in manifest["cohort"]:
        raise DataError(f"{run.name}/manifest.json is damaged: it does not name inputs and outputs by their hashes.")
    return manifest


def _exhibits_apart(manifest: Mapping[str, Any]) -> list[str]:
    outputs = manifest["outputs"]
    known = {file for exhibit in manifest["exhibits"] for file in exhibit["files"]}
    lost = sorted(known - outputs.keys())
    strange = sorted(name for name in outputs if name.startswith(("figures/", "tables/")) and name not in known)
    return [*(f"{name}: of an exhibit, but no output" for name in lost), *(f"{name}: of no exhibit" for name in strange)]


def check_record(manifest: Mapping[str, Any]) -> Check:
    """Every part is there; the content key follows from what it is made of, the cohort's hash from the inputs, the plan's from the plan."""
    lacking = [name for name, kind in _NEEDED.items() if not isinstance(manifest.get(name), kind)]
    if manifest.get("format") != MANIFEST_FORMAT or lacking:
        says = f"of format {manifest.get('format', 1)}, not {MANIFEST_FORMAT}" if manifest.get("format") != MANIFEST_FORMAT else "not whole"
        return Check("manifest", "differs", f"{says}: run the cohort again with this version", [f"{name}: missing" for name in lacking])
    try:
        key = key_of(parts_of(manifest))
        apart = [
            *([] if key == manifest["content_sha256"] and key.startswith(manifest["content_key"]) and manifest["content_key"]
              else ["content_key: does not follow from plan, parameters, disclosure, code and versions as they stand there"]),
            *([] if inputs_sha256(manifest["inputs"]) == manifest["cohort"]["sha256"] else ["cohort.sha256: does not follow from the inputs"]),
            *([] if key_of(manifest["plan"]) == manifest["plan_sha256"] else ["plan_sha256: does not follow from the plan"]),
            *_exhibits_apart(manifest),
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        return Check("manifest", "differs", f"not whole ({type(error).__name__}: {error})")
    if apart:
        return Check("manifest", "differs", "does not agree with itself", apart)
    chain = f"{len(manifest['inputs'])} inputs, {len(manifest['exhibits'])} exhibits, {len(manifest['outputs'])} outputs"
    return Check("manifest", "ok", f"whole, and in agreement with itself: {chain}")
