"""Groups compared from one line per person: log-rank test, hazard ratios crude and adjusted, repeated rows left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.covariates import planned_covariates, varying, with_covariates
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.durations_form.durations_table import Durations
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox, logrank
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["hazard_ratios", "log_rank"]


def log_rank(table: Durations) -> Section:
    """The test of equal hazards as a result of its own."""
    test = logrank(table.rows, stop="time", event="event", by="group", start=table.delayed)
    estimand = "log-rank test of equal hazards of leaving"
    about = {"n": table.people, "n_events": table.events, "method": test.method, "estimand": estimand}
    estimate = difference_estimate(test.statistic, np.nan, scale="chi-square", **about)
    estimate = replace(estimate, p_value=test.p_value, df=float(test.df))
    label = f"Log-rank test, {test.df} df"
    return Section(results=[Result("retention.logrank", OUTCOME, estimand, "all persons", estimate, label, "diagnostic")])


def hazard_ratios(cohort: Cohort, table: Durations) -> Section:
    """Cox models of the groups; of mentoring as a time-varying state where it began during follow-up."""
    told = Section()
    try:
        if table.time_varying:
            told.results += _time_varying(table)
        else:
            _of_groups(told, cohort, table)
    except EstimationError as error:
        told.lacks("The hazard ratio of leaving", error, "More people who left in each group.")
    return told


def _time_varying(table: Durations) -> list[Result]:
    split = _split_at_mentoring(table.rows)
    split["group"] = np.where(split["by_then"] == 1, "mentored by then", "not yet")
    fit = cox(
        split, start="start", stop="stop", event="event", covariates=["group"], cluster=table.cluster, reference={"group": "not yet"}
    )
    return _ratios(fit, "retention.being_mentored", "time-varying", "not yet", table.people, "headline", "Time-varying")


def _split_at_mentoring(rows: pd.DataFrame) -> pd.DataFrame:
    """(start, stop] rows in which mentorship begins at ``mentored_from``."""
    begin = rows["mentored_from"].to_numpy(dtype=float, na_value=np.nan)
    inside = np.isfinite(begin) & (begin > rows["entry"]) & (begin < rows["time"])
    before = rows[inside].assign(stop=begin[inside], start=rows["entry"][inside], by_then=0, event=0)
    after = rows[inside].assign(stop=rows["time"][inside], start=begin[inside], by_then=1)
    rest = rows[~inside].assign(
        stop=rows["time"][~inside], start=rows["entry"][~inside], by_then=(begin[~inside] <= rows["entry"][~inside].to_numpy()).astype(int)
    )
    return pd.concat([before, after, rest], ignore_index=True)


def _of_groups(told: Section, cohort: Cohort, table: Durations) -> None:
    rows, reference, people = table.rows, table.reference, table.people

    def fitted(data: pd.DataFrame, covariates: list[str]) -> CoxResult:
        return cox(
            data, start=table.delayed, stop="time", event="event", covariates=["group", *covariates], cluster=table.cluster,
            reference={"group": reference},
        )  # fmt: skip

    fit = fitted(rows, [])
    told.results += _ratios(fit, "retention.group", "crude", reference, people, "headline", "Crude")
    planned = planned_covariates(cohort, OUTCOME) or cohort.study.tables["durations"].covariates
    ready, notes = with_covariates(rows, [name for name in planned if name in rows])
    told.cautions += notes
    usable = varying(ready, [name for name in planned if name in rows])
    if usable:
        fit = fitted(ready, usable)
        what = "adjusted for " + ", ".join(usable)
        told.results += _ratios(fit, "retention.group_adjusted", what, reference, people, "companion", "Adjusted")
    told.exhibits.append(_proportional_hazards(fit))
    identity = [c for c in cohort.table("durations").columns if c != "staff_id"]
    twins = cohort.table("durations").duplicated(subset=identity)
    if twins.any():
        kept = rows[~twins.to_numpy()]
        label = "Crude, without repeated rows"
        told.results += _ratios(
            fitted(kept, []), "retention.group_without_twins", "crude, without repeated rows", reference, len(kept), "sensitivity", label
        )
        told.cautions.append(
            Caution(
                "repeated_rows",
                f"{int(twins.sum())} rows equal an earlier row in everything but the id; they are kept, and "
                "the comparison without them is shown beside.",
                {"rows": int(twins.sum())},
            )
        )


def _proportional_hazards(fit: CoxResult) -> Exhibit:
    ph = fit.ph_test().table
    return table_exhibit(
        "retention.ph",
        "Test of proportional hazards",
        ph[ph["term"].isin(["group", "GLOBAL"])],
        labels={"term": "Term", "chisq": "Chi-square", "df": "df", "p": "p"},
        formats={"p": "p", "df": "count"},
    )


def _ratios(fit: CoxResult, result_id: str, what: str, reference: str, people: int, role: str, group: str) -> list[Result]:
    out = []
    for term, estimate in fit.estimates.items():
        if not term.startswith("group["):
            continue
        level = term[len("group[") : -1]
        estimand = f"hazard of leaving, {what}: {level} against {reference}"
        told = replace(estimate, n=people, estimand=estimand)
        slug = level.replace(" ", "_")
        out.append(Result(f"{result_id}.{slug}", OUTCOME, estimand, "all persons", told, f"{level} against {reference}", role, group))
    return out
