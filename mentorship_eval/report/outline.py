"""What a chapter shows and in which order, read from its notebook: headings, words, and the ids of exhibits.

The notebook alone decides the order of its sections; pages follow it because they are the executed notebook, and what has to know the order
without running it (numbers of figures and tables, the documents) reads the same calls here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.parameters import NOTEBOOKS, notebook_folder

__all__ = ["Block", "outline", "wanted_by"]


@dataclass(frozen=True)
class Block:
    """One thing that a chapter shows.

    kind: "heading" (title, level 1 or 2, words below it), "lead", "exhibits" (their ids, in order), "estimates", "methods" or "gaps".
    """

    kind: str
    title: str = ""
    level: int = 0
    words: str = ""
    exhibits: tuple[str, ...] = ()


def wanted_by(answer: Answer, prefixes: Sequence[str], but: Sequence[str] = ()) -> list[str]:
    """Ids of the exhibits whose id is one of ``prefixes`` or begins with one, in the order of these; a star stands for one part of an id.

    ``incidents.*.chart`` is the chart of every outcome. but: ids that were shown before.
    """
    wanted: list[str] = []
    for prefix in prefixes:
        begins = re.compile(re.escape(prefix).replace(r"\*", "[^.]+"))
        wanted += [item.id for item in answer.exhibits if begins.match(item.id) and item.id not in but and item.id not in wanted]
    return wanted


def outline(answer: Answer, notebooks: Path | None = None) -> list[Block]:
    """What the chapter of ``answer`` shows, in order; sections of which the answer has nothing are left out.

    notebooks: folder with the notebooks, such as that of a run; the package's own by default.
    """
    path = (notebooks or notebook_folder()) / f"{NOTEBOOKS[answer.chapter]}.ipynb"
    shown: list[str] = []
    blocks: list[Block] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        steps = _headings(source) if cell["cell_type"] == "markdown" else _calls(source, answer, shown)
        blocks.extend(steps)
    # a heading of level 2 under which nothing of the answer stands
    follows = [*blocks[1:], Block("heading", level=1)]
    return [block for block, after in zip(blocks, follows, strict=True) if not (block.level == 2 and after.kind == "heading")]


def _headings(source: str) -> Iterator[Block]:
    for part in re.split(r"(?m)^(?=#)", source):
        if part.strip():
            first, _, words = part.strip().partition("\n")
            yield Block("heading", first.lstrip("# ").strip(), min(2, len(first) - len(first.lstrip("#"))), " ".join(words.replace("`", "").split()))


def _calls(source: str, answer: Answer, shown: list[str]) -> Iterator[Block]:
    """The calls of ``chapter`` in a cell; ``shown`` grows by what they show."""
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        given = [ast.literal_eval(each) for each in call.args]
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
        yield from _blocks(call.func.attr, given, named, answer, shown)


def _blocks(name: str, given: list[Any], named: dict[str | None, Any], answer: Answer, shown: list[str]) -> Iterator[Block]:
    if name in ("lead", "estimates", "methods", "gaps"):
        there = {"estimates": answer.results, "methods": answer.methods, "gaps": answer.gaps}.get(name, True)
        yield from [Block(name)] if there else []
        return
    known = [item.id for item in answer.exhibits]
    if name == "show":
        wanted = [each for each in known if each == given[0]]
    elif name == "show_all":
        wanted = [each for each in known if each.startswith(given[0] if given else "")]
    elif name == "section":
        wanted = wanted_by(answer, given[1:], shown)
    elif name == "show_rest":
        wanted = [each for each in known if each not in shown and each not in named.get("but", ())]
    else:
        raise ValueError(f"A notebook calls chapter.{name}, of which the outline knows nothing.")
    shown.extend(wanted)
    if wanted and name == "section":
        yield Block("heading", given[0], 2, named.get("words", ""))
    if wanted:
        yield Block("exhibits", exhibits=tuple(wanted))
