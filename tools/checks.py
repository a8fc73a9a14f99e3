"""docs/checks.md from the list of codes: ``python tools/checks.py``."""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.cohort.reading.codes import checks_page

PATH = Path(__file__).resolve().parents[1] / "docs" / "checks.md"

if __name__ == "__main__":
    PATH.write_text(checks_page(), encoding="utf-8", newline="\n")
