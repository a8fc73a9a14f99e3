"""Rewrites the list of shipped recipes in docs/recipes.md: python tools/recipes.py."""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.cohort.recipes.pages import generated_list

PAGE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
MARK = "<!-- generated -->\n"

if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(head + MARK + "\n" + generated_list(), encoding="utf-8", newline="\n")
