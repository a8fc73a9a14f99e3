"""The files under other rules than those with which the cohort was read.

Reading joins rows and overwrites what stood there (bridging, for one, overwrites the reason of the earlier end), so that another rule can only
be had from the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval.cohort.cohort import Cohort
from mentorship_eval.cohort.reading.read import read_tables
from mentorship_eval.errors import DataError

__all__ = ["bridged_on_reading", "spells_with_gap", "under_rules"]


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


def under_rules(cohort: Cohort, only: tuple[str, ...] = (), **rules: Any) -> Cohort:
    """The cohort read again with other ``rules``; only: the tables to read, all without it, the others staying as they are.

    Raises `DataError` when a file is no longer there or the rules leave errors.
    """
    study = cohort.study.model_copy(update={"rules": cohort.study.rules.model_copy(update=rules)})
    chosen = {name: source for name, source in cohort.study.tables.items() if not only or name in only}
    reading = read_tables(cohort.folder, study.model_copy(update={"tables": chosen}))
    errors = reading.findings.errors
    if errors:
        raise DataError(f"The files cannot be read so: {errors[0].message} [{errors[0].code}].", fix=errors[0].fix)
    tables = {name: source.frame.reset_index(drop=True) for name, source in reading.sources.items()}
    return replace(cohort, study=study, tables={**cohort.tables, **tables}, findings=reading.findings, repair_log=reading.repairs.to_frame())
