"""The categories that a cohort holds in the open columns that its plan uses: what the next cohort is compared with."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.cohort import Cohort
from mentorship_eval.cohort.reading.convert_categories import NOT_STATED
from mentorship_eval.cohort.schema.tables import TABLES

__all__ = ["levels_seen"]

MOST = 60  # a column with more kinds is no category that anybody would check by eye
# a new kind in these changes who is at risk or exposed, whatever the plan names
_ALWAYS = {("spells", "status"), ("durations", "mentored"), ("durations", "cause")}
_STATED = ("gender", "ethnicity_group")  # not stated is a category of these


def levels_seen(cohort: Cohort) -> tuple[dict[str, dict[str, list[str]]], list[str]]:
    """Table -> column -> sorted values, and the columns (``table.column``) left out because they hold too many.

    Open columns are those without a declared list of values: categories of the schema, and covariates of the aggregated tables that hold words.
    Used by the plan: named among its covariates, subgroups or strata, or needed whatever it names.
    """
    plan = cohort.study.plan
    named = {name for group in (*plan.covariates.values(), *plan.subgroups.values(), plan.strata or []) for name in group}
    always = _ALWAYS | ({("spells", "destination")} if plan.leaving == "profession" else set())
    found: dict[str, dict[str, list[str]]] = {}
    many = []
    for table, frame in cohort.tables.items():
        for column in frame.columns:
            if column not in named and (table, column) not in always:
                continue
            closed = column in TABLES[table] and (TABLES[table][column].categories or TABLES[table][column].type not in ("category", "level"))
            if closed or frame[column].dtype != object:
                continue
            values = {str(value) for value in pd.unique(frame[column].dropna())} - {""}
            if table == "staff" and column in _STATED:
                values.add(NOT_STATED)
            if len(values) > MOST:
                many.append(f"{table}.{column}")
            elif values:
                found.setdefault(table, {})[str(column)] = sorted(values)
    return found, many
