"""Incidents from ready-made counts by unit and period (table ``counts``), because many evaluators get no more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import allocation_cautions
from mentorship_eval.questions.answer import Answer, Statement
from mentorship_eval.questions.incidents.fits import Kind, Told, assemble, fit_all, tell_the_pair, who_was_observed
from mentorship_eval.questions.rates import rate_exhibits

__all__ = ["from_counts"]


def _months_as_numbers(rows: pd.DataFrame) -> tuple[pd.DataFrame, Callable[[float], object], str]:
    """Periods as whole numbers, how to name them, and what one is called; calendar months count from the first."""
    if not pd.api.types.is_datetime64_any_dtype(rows["period"]):
        return rows, lambda value: int(value), "period"
    first = rows["period"].min().to_period("M")

    def number(dates: pd.Series) -> pd.Series:
        return (dates.dt.year - first.year) * 12.0 + dates.dt.month - first.month + 1

    numbered = rows.assign(period=number(rows["period"]).astype(int), active_from=number(pd.to_datetime(rows["active_from"])))
    return numbered, lambda value: str(first + int(value) - 1), "month"


def from_counts(cohort: Cohort) -> Answer:
    """The incidents chapter of a cohort of counts."""
    rows, name_of, word = _months_as_numbers(cohort.table("counts"))
    source = cohort.study.tables["counts"]
    kinds = [Kind(name, name, name.replace("_", " ").capitalize(), "headline") for name in source.outcomes]
    exposure = source.columns.get("exposure", "exposure").replace("_", " ")
    told = Told()
    fit_all(
        cohort, told, rows, kinds, exposure="exposure", unit="dept_id", adopted="active_from", words=f"per 1,000 {exposure} and {word}",
        month_of=name_of, time_unit=word,
    )  # fmt: skip
    who_was_observed(told, rows, "exposure", f"{exposure} summed over periods", "units", kinds)
    _who_adopts(told, rows, name_of)
    told.cautions += allocation_cautions(cohort)
    if {"harm", "no_harm"} <= set(source.outcomes):
        tell_the_pair(told, "There is no pair of harm and no-harm counts.", "more events of both kinds")
    else:
        tell_the_pair(
            told, "The counts are not split into incidents with and without harm.",
            "outcomes harm and no_harm in counts, or the tables incidents (with harm), exposure and rollout",
        )  # fmt: skip
    for name, rates in told.fits.items():
        told.exhibits += rate_exhibits(rates, f"incidents.{name}")
    return assemble(cohort, told)


def _who_adopts(told: Told, rows: pd.DataFrame, name_of: Callable[[float], object]) -> None:
    waves = np.sort(rows["active_from"].dropna().unique())
    never = rows.loc[rows["active_from"].isna(), "dept_id"].nunique()
    text = f"{never} units never had it." if never else "no unit never had it."
    told.lead.append(Statement(f"The programme began in {len(waves)} waves; {text}"))
    if len(waves) and not never:
        last = name_of(waves[-1])
        told.lead.append(Statement(f"The last wave ({last}) serves only as a comparison: once it has begun, nobody is left to compare it with."))
        text = f"Every unit adopts in the end: units that adopt later are the comparison, and the last wave ({last}) is never estimated."
        told.cautions.append(Caution("nobody_never", text, {"last_wave": str(last)}))
