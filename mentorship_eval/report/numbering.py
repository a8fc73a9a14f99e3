"""The number of every figure and table, the same on the pages and in the documents.

For whoever writes captions: ``exhibit_numbers(answer)`` gives ``{"retention.forest": "Figure 2.1", "retention.flow": "Table 2.1", ...}``.
Figures and tables are counted apart within a chapter, in the order in which its notebook shows them, after the number in the notebook's
name; so a number is the same by hand and in any run, whichever chapters it has. The summary, which opens a report, has plain numbers:
"Figure 1". The caption then reads ``f"{number}. {caption}"``. The list of estimates of a chapter is a table too, under the id
``estimates_id(answer)``, with one number however many pieces it is shown in.
"""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.outline import outline
from mentorship_eval.report.parameters import NOTEBOOKS

__all__ = ["chapter_number", "estimates_id", "exhibit_numbers"]


def chapter_number(chapter: str) -> str:
    """The number in the name of its notebook: "2" of 02_retention; "" of the summary."""
    return "" if chapter == "summary" else str(int(NOTEBOOKS[chapter].split("_")[0]))


def estimates_id(answer: Answer) -> str:
    """Under which `exhibit_numbers` has the number of the table that lists the chapter's estimates."""
    return f"{answer.chapter}.estimates"


def exhibit_numbers(answer: Answer, notebooks: Path | None = None) -> dict[str, str]:
    """Id of each exhibit of the chapter -> "Figure 2.1" or "Table 2.1", in the order in which they are shown.

    An exhibit that its notebook does not show has no number. notebooks: folder with the notebooks, the package's own by default.
    """
    kinds = {item.id: "Table" if item.kind == "table" else "Figure" for item in answer.exhibits}
    prefix = chapter_number(answer.chapter)
    numbers: dict[str, str] = {}
    counted = {"Figure": 0, "Table": 0}
    for block in outline(answer, notebooks):
        names = (estimates_id(answer),) if block.kind == "estimates" and answer.results else block.exhibits
        for name in names:
            if name in numbers:
                continue
            kind = kinds.get(name, "Table")
            counted[kind] += 1
            numbers[name] = f"{kind} {f'{prefix}.' if prefix else ''}{counted[kind]}"
    return numbers
