"""Records that are left out step by step, each step counted."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["RecordFlow", "flow_exhibit"]


class RecordFlow:
    """How many records each step removed and kept, from all ``records`` on."""

    def __init__(self, records: pd.DataFrame) -> None:
        self._steps = [{"step": "records", "removed": 0, "kept": len(records)}]

    def keep(self, records: pd.DataFrame, mask: pd.Series, step: str) -> pd.DataFrame:
        """The records where ``mask`` (in their order) holds."""
        left = records[mask.to_numpy(bool)]
        self._steps.append({"step": step, "removed": len(records) - len(left), "kept": len(left)})
        return left

    def table(self) -> pd.DataFrame:
        """step, removed, kept."""
        return pd.DataFrame(self._steps)


def flow_exhibit(exhibit_id: str, title: str, flow: pd.DataFrame, note: str) -> Exhibit:
    """`RecordFlow.table` as a table of the report."""
    return table_exhibit(
        exhibit_id, title, flow, counts=("removed", "kept"), adds_up=True, labels={"step": "Step", "removed": "Removed", "kept": "Kept"},
        formats={"removed": "count", "kept": "count"}, note=note,
    )
