"""pandoc, which puts a DOCX file together: its syntax tree in, bytes out, the same bytes whenever it is run."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mentorship_eval.report.document.reference import Look, reference_docx

__all__ = ["Node", "PandocError", "figure", "heading", "listing", "paragraph", "raw", "strong", "text", "to_docx"]

Node = dict[str, Any]  # of pandoc's syntax tree: t, and c
_API = [1, 23, 1]  # version of the tree that we write; pandoc refuses one that it does not know
_NONE: list[Any] = ["", [], []]
_LONGEST = 300  # seconds


class PandocError(RuntimeError):
    """pandoc failed or warned, or is not there: our own failure."""


def to_docx(blocks: Sequence[Node], look: Look, pictures: Mapping[str, bytes] | None = None) -> bytes:
    """A DOCX file of ``blocks``; pictures: content of the files that its images name, without folder."""
    tree = {"pandoc-api-version": _API, "meta": _meta(look), "blocks": list(blocks)}
    with tempfile.TemporaryDirectory(prefix="mentorship-eval-") as name:
        folder = Path(name)
        for file, content in (pictures or {}).items():
            (folder / file).write_bytes(content)
        (folder / "reference.docx").write_bytes(reference_docx(look))
        command = [_pandoc(), "--from=json", "--to=docx", "--reference-doc=reference.docx", "--output=made.docx", "--fail-if-warnings"]
        # the time that goes into the file: none; nothing of the user's own settings
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800", "XDG_DATA_HOME": name, "LC_ALL": "C.UTF-8"}
        try:
            subprocess.run(
                command, input=json.dumps(tree, ensure_ascii=False).encode("utf-8"), cwd=folder, env=environment, check=True, timeout=_LONGEST,
                capture_output=True,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise PandocError(f"pandoc could not make the DOCX file: {error.stderr.decode('utf-8', 'replace').strip()}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PandocError(f"pandoc could not be run: {type(error).__name__}.") from error
        return (folder / "made.docx").read_bytes()


def _pandoc() -> str:
    """The pandoc that comes with the package, never another one on the machine: its version is locked like the rest."""
    try:
        import pypandoc
    except ImportError:
        raise PandocError("pypandoc-binary is not installed, and without it there is no report.docx: install requirements.lock again.") from None
    place = Path(pypandoc.__file__).parent / "files" / ("pandoc.exe" if os.name == "nt" else "pandoc")
    return str(place) if place.is_file() else "pandoc"  # conda has it beside Python


def _meta(look: Look) -> Node:
    words = {"title": look.title if look.shown else "", "lang": look.language}
    return {name: {"t": "MetaInlines", "c": text(value)} for name, value in words.items() if value}


def text(words: str) -> list[Node]:
    # a space is a node of its own, where lines may break
    nodes: list[Node] = []
    for place, word in enumerate(words.split(" ")):
        nodes += ([{"t": "Space"}] if place else []) + ([{"t": "Str", "c": word}] if word else [])
    return nodes


def strong(words: str) -> Node:
    return {"t": "Strong", "c": text(words)}


def raw(xml: str) -> Node:
    """WordprocessingML as it is."""
    return {"t": "RawBlock", "c": ["openxml", xml]}


def paragraph(inlines: Sequence[Node], style: str = "") -> Node:
    """style: name of a paragraph style of ours, "" for body text."""
    made = {"t": "Para", "c": list(inlines)}
    return {"t": "Div", "c": [["", [], [["custom-style", style]]], [made]]} if style else made


def heading(level: int, words: str, anchor: str) -> Node:
    return {"t": "Header", "c": [level, [anchor, [], []], text(words)]}


def listing(items: Sequence[Sequence[Node]]) -> Node:
    return {"t": "BulletList", "c": [[{"t": "Plain", "c": list(item)}] for item in items]}


def figure(file: str, alt: str, width: float, caption: Sequence[Node]) -> Node:
    """width: in points."""
    image = {"t": "Image", "c": [["", [], [["width", f"{width / 72:.4f}in"]]], text(alt), [file, ""]]}
    return {"t": "Figure", "c": [_NONE, [None, [{"t": "Plain", "c": list(caption)}]], [{"t": "Plain", "c": [image]}]]}
