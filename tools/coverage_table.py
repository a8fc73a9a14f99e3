"""docs/coverage.md from docs/coverage.yaml: which promise of the source documents is answered where. ``python tools/coverage_table.py``."""

from __future__ import annotations

from pathlib import Path

import yaml

DOCS = Path(__file__).resolve().parents[1] / "docs"
ROWS, PAGE = DOCS / "coverage.yaml", DOCS / "coverage.md"

_HEAD = """# Coverage

What the five source documents, the texts 000 to 004 that the project began with (they are not in this repository), promise of mentorship
(outcomes O, populations P, components of a programme C, future capabilities F), and where each is answered. Made by `python tools/coverage_table.py`
from coverage.yaml; a test holds every row to a module, a notebook, a number or figure of its own and a test that is there. {answered} of {rows} rows
are answered; the others say why not.

| id | source | promise | what is estimated | where | tested by |
|---|---|---|---|---|---|
"""


def read_rows() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    return rows


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def page(rows: list[dict[str, str]]) -> str:
    lines = []
    for row in rows:
        promise = f"“{row['quote']}” ({row['concept']})"
        if "module" in row:
            where = f"notebook {row['notebook']}, `{row['shows']}`; `questions/{row['module'].replace('.', '/')}.py`"
            cells = [row["estimand"], where, f"`tests/{row['test'].replace('::', '`, `')}`"]
        else:
            cells = [f"*not yet: {row['open']}*", "", ""]
        lines.append("| " + " | ".join(_cell(cell) for cell in (row["id"], row["source"], promise, *cells)) + " |")
    return _HEAD.format(answered=sum("module" in row for row in rows), rows=len(rows)) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(read_rows()), encoding="utf-8", newline="\n")
