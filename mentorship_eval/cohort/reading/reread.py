"""Spells under another rule for short gaps than the one with which the cohort was read.

Bridging on reading joins rows and overwrites the reason of the earlier end, so that a shorter gap can only be had
from the file.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.cohort import Cohort
from mentorship_eval.cohort.reading.read import read_tables
from mentorship_eval.errors import DataError

__all__ = ["bridged_on_reading", "spells_with_gap"]


def bridged_on_reading(cohort: Cohort, longer_than: float) -> bool:
    """Whether a gap of more than ``longer_than`` days was bridged while reading."""
    if cohort.repair_log.empty:
        return False
    log = cohort.repair_log
    told = log.loc[(log["table"] == "spells") & (log["code"] == "R103"), "reason"].astype(str)
    days = pd.to_numeric(told.str.extract(r"^back after ([\d.]+) days", expand=False))
    return bool((days > max(longer_than, 1.0)).any())


def spells_with_gap(cohort: Cohort, days: float) -> pd.DataFrame:
    """The cohort's spells, read again with gaps of up to ``days`` bridged.

    Raises `DataError` when the file is no longer there or no longer without errors.
    """
    rules = cohort.study.rules.model_copy(update={"rehire_gap_days": float(days)})
    only = {name: source for name, source in cohort.study.tables.items() if name == "spells"}
    reading = read_tables(cohort.folder, cohort.study.model_copy(update={"rules": rules, "tables": only}))
    if "spells" not in reading.sources or "end" not in reading.sources["spells"].frame:
        raise DataError("The spells could not be read again.", fix="Check that the file of the spells is still in the cohort's folder.")
    return reading.sources["spells"].frame.reset_index(drop=True)
