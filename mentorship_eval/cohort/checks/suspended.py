"""Maternity leave, career breaks, secondments: time away that is not leaving (R107)."""

from __future__ import annotations

import re

from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.errors import listing

__all__ = ["mark_suspended"]

_SUSPENDED = (
    ("maternity", re.compile(r"matern|patern|parental|adoption|shared leave", re.I)),
    ("career_break", re.compile(r"career.?break|sabbatical|unpaid leave", re.I)),
    ("secondment", re.compile(r"secondment|seconded|secondee", re.I)),
    ("suspended", re.compile(r"suspen|inactive|long.?term.?sick|no pay", re.I)),
)


def mark_suspended(source: Source) -> None:
    """Marks the rows in the column ``suspended``; under rules.suspended: remove the analyses leave them out of the time at risk."""
    frame = source.frame
    kept = source.reading.study.rules.suspended == "keep"
    status = frame["status"].astype(object)
    frame["suspended"] = False
    found = []
    for text in status.dropna().unique():
        kind = next((name for name, pattern in _SUSPENDED if pattern.search(str(text))), None)
        if kind is None:
            continue
        mask = (status == text).to_numpy()
        frame.loc[mask, "status"] = kind
        frame.loc[mask, "suspended"] = True
        found.append(str(text))
        source.repair(
            "R107",
            row=int(frame.index[mask][0]),
            column="status",
            before=text,
            after=kind,
            count=int(mask.sum()),
            reason="suspended time, kept at risk" if kept else "suspended time, left out of the time at risk",
        )
    if found:
        source.find(
            "R107",
            f"suspended time ({listing(found)}) {'kept in the risk set' if kept else 'left out of the time at risk'}; not counted as leaving",
            rows=frame.index[frame["suspended"].to_numpy()],
            column="status",
            fix="rules.suspended in study.yaml: keep or remove.",
        )
