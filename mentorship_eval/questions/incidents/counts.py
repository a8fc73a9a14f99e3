"""Incidents from ready-made counts by unit and period (table ``counts``), because many evaluators get no more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["from_counts", "who_adopts"]


def _months_as_numbers(rows: pd.DataFrame) -> tuple[pd.DataFrame, Callable[[float], object], str]:
    """Periods as whole numbers, how to name them, and what one is called; calendar months count from the first."""
    if not pd.api.types.is_datetime64_any_dtype(rows["period"]):
        return rows, lambda value: int(value), "period"
    first = rows["period"].min().to_period("M")

    def number(dates: pd.Series) -> pd.Series:
        return (dates.dt.year - first.year) * 12.0 + dates.dt.month - first.month + 1

    numbered = rows.assign(period=number(rows["period"]).astype(int), active_from=number(pd.to_datetime(rows["active_from"])))
    return numbered, lambda value: str(first + int(value) - 1), "month"


def from_counts(cohort: Cohort) -> Prepared:
    """The counts of a cohort, one headline per outcome that study.yaml names."""
    rows, name_of, word = _months_as_numbers(cohort.table("counts"))
    source = cohort.study.tables["counts"]
    kinds = tuple(Kind(name, name, name.replace("_", " ").capitalize(), "headline") for name in source.outcomes)
    exposure = source.columns.get("exposure", "exposure").replace("_", " ")
    return Prepared(cohort, rows, kinds, "exposure", "active_from", f"per 1,000 {exposure} and {word}", name_of, word)


def who_adopts(study: Prepared) -> Section:
    """When the units of a table of counts began, and what it means when all of them do."""
    told = Section()
    waves = np.sort(study.rows[study.adopted].dropna().unique())
    never = study.rows.loc[study.rows[study.adopted].isna(), "dept_id"].nunique()
    if not len(waves):
        told.lead.append(Statement("No unit has a go-live: these counts have no comparison, and nothing told here is the effect of a programme."))
        text = "There is nothing to compare with: no unit has a go-live. A rate that rises or falls here is a description of these months alone."
        told.cautions.append(Caution("no_comparison", text, {"units": never}))
        return told
    text = f"{never} units never had it." if never else "no unit never had it."
    told.lead.append(Statement(f"The programme began in {len(waves)} waves; {text}"))
    if len(waves) and not never:
        last = study.name_of(waves[-1])
        told.lead.append(Statement(f"The last wave ({last}) serves only as a comparison: once it has begun, nobody is left to compare it with."))
        text = f"Every unit adopts in the end: units that adopt later are the comparison, and the last wave ({last}) is never estimated."
        told.cautions.append(Caution("nobody_never", text, {"last_wave": str(last)}))
    return told
