"""docs/data-dictionary.md from the table schemas: ``python tools/dictionary.py``."""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.cohort import data_dictionary

PATH = Path(__file__).resolve().parents[1] / "docs" / "data-dictionary.md"

if __name__ == "__main__":
    PATH.write_text(data_dictionary(), encoding="utf-8", newline="\n")
