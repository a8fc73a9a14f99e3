"""Retention from one line per person (table ``durations``): time, event or cause, and mentored or not.

Without dates and departments neither the roll-out nor the clustering can be used, and a group is compared with a
group: the report says so and claims no effect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement
from mentorship_eval.questions.covariates import planned_covariates, varying, with_covariates
from mentorship_eval.questions.exhibits import curve_exhibit, forest_exhibit, table_exhibit
from mentorship_eval.questions.retention.model_rows import OUTCOME, share_on_curve
from mentorship_eval.survival import aalen_johansen, cox, kaplan_meier, logrank
from mentorship_eval.survival.cox_result import CoxResult
from mentorship_eval.survival.product_limit import KaplanMeier

__all__ = ["answer_durations"]

_HORIZONS = {"days": (182, 365, 730), "weeks": (26, 52, 104), "months": (6, 12, 24), "years": (0.5, 1, 2)}


def _level_name(value: object) -> str:
    return {"0": "not mentored", "1": "mentored"}.get(str(value), str(value))


def _prepared(cohort: Cohort) -> pd.DataFrame:
    rows = cohort.table("durations").copy()
    if "cause" not in rows:
        rows["cause"] = np.where(rows["event"] == 1, "left", "")
    if "event" not in rows:
        rows["event"] = (rows["cause"] != "").astype(int)
    if "entry" not in rows:
        rows["entry"] = 0.0
    rows["group"] = rows["mentored"].map(_level_name) if "mentored" in rows else "all staff"
    return rows


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


def answer_durations(cohort: Cohort) -> Answer:
    """Kaplan-Meier, log-rank, Cox crude and adjusted; causes where given; twins dropped as a sensitivity."""
    rows = _prepared(cohort)
    unit = cohort.unit("durations")
    reference = _level_name(cohort.reference("durations", "mentored")) if "mentored" in rows else "all staff"
    time_varying = "mentored_from" in rows and rows["mentored_from"].notna().any()
    groups = [reference, *sorted(set(rows["group"]) - {reference})]
    people, events = len(rows), int(rows["event"].sum())
    cautions: list[Caution] = []
    results: list[Result] = []
    exhibits: list[Exhibit] = []
    gaps = _what_lacks(cohort)
    delayed = "entry" if (rows["entry"] > 0).any() else None
    cluster = "dept_id" if "dept_id" in rows and rows["dept_id"].notna().all() else None

    km = kaplan_meier(rows, stop="time", event="event", start=delayed, by="group" if len(groups) > 1 else None)
    last = float(rows["time"].max())
    step = {"days": 30, "weeks": 4, "months": 1, "years": 0.25}[unit]
    grid = np.arange(0, last + 1e-9, step)
    looked = km.at(np.where(grid == 0, 1e-9, grid))
    looked["time"] = looked["time"].round(6)
    if time_varying:
        cautions.append(
            Caution(
                "time_varying",
                "Mentorship began during follow-up: curves by ever-mentored would be biased by immortal time and are not drawn.",
            )
        )
    else:
        exhibits.append(
            curve_exhibit(
                "retention.curves",
                "Still employed, by mentorship" if len(groups) > 1 else "Still employed",
                looked,
                by="by",
                value="survival",
                time_unit=unit,
                time_from="the start",
                by_label="Mentorship" if len(groups) > 1 else "",
                y_label="Still employed",
                n=people,
                n_events=events,
                method="Kaplan-Meier, log-log intervals",
                note="Groups that were not assigned at random: a difference, or its absence, is not the effect of mentorship.",
            )
        )
        medians = km.median()
        medians["reason"] = medians["reason"].str.replace(r"not reached: .*", "not reached", regex=True)
        exhibits.append(
            table_exhibit(
                "retention.medians",
                f"Median time to leaving ({unit})",
                medians,
                counts=("n", "n_event"),
                derived=("median", "ci_low", "ci_high"),
                labels={
                    "by": "Group",
                    "n": "Persons",
                    "n_event": "Left",
                    "median": "Median",
                    "ci_low": "CI low",
                    "ci_high": "CI high",
                    "reason": "Remark",
                },
                formats={"n": "count", "n_event": "count"},
            )
        )
        results += _still_employed(km, _HORIZONS[unit], unit, rows)
    if len(groups) > 1 and not time_varying:
        test = logrank(rows, stop="time", event="event", by="group", start=delayed)
        estimate = difference_estimate(
            test.statistic,
            np.nan,
            scale="chi-square",
            n=people,
            n_events=events,
            method=test.method,
            estimand="log-rank test of equal hazards of leaving",
        )
        estimate = replace(estimate, p_value=test.p_value, df=float(test.df))
        results.append(
            Result(
                "retention.logrank",
                OUTCOME,
                "log-rank test of equal hazards of leaving",
                "all persons",
                estimate,
                f"Log-rank test, {test.df} df",
                "diagnostic",
            )
        )
    if len(groups) > 1:
        results += _hazard_ratios(cohort, rows, reference, time_varying, delayed, cluster, people, cautions, exhibits, gaps)
    if rows["cause"].nunique() > 2:
        exhibits.append(_causes(rows, delayed, grid, unit, people, events))
    shown = [r for r in results if r.estimate.scale == "hazard ratio"]
    if shown:
        exhibits.insert(
            0,
            forest_exhibit(
                "retention.forest",
                "Hazard of leaving, compared with " + reference,
                shown,
                value_label="Hazard ratio",
                sides=("fewer leave", "more leave"),
                note="A comparison of groups as they were, not of what mentorship did.",
            ),
        )
    if not time_varying and len(groups) > 1:
        cautions.append(
            Caution(
                "group_comparison",
                "Mentored and not mentored staff are compared as they are. Without departments and dates, who was "
                "given a mentor cannot be told apart from what the mentor did: this page claims no effect.",
            )
        )
    lead = [
        Statement(
            "{people} people, {events} of whom left" + f", followed for at most {last:.0f} {unit}.", {"people": people, "events": events}
        )
    ]
    counts = rows.groupby("group")["event"].agg(["size", "sum"]).reindex(groups)
    for name, row in counts.iterrows():
        lead.append(
            Statement(f"{str(name)[:1].upper()}{str(name)[1:]}" + ": {n} people, {k} left.", {"n": int(row["size"]), "k": int(row["sum"])})
        )
    methods = (
        f"Times in {unit} as delivered. Kaplan-Meier with log-log intervals; log-rank test; Cox models with Efron's handling of ties, "
        f"reference level {reference}.",
    )
    return Answer("retention", "Retention", tuple(lead), tuple(results), tuple(exhibits), tuple(cautions), tuple(gaps), methods)


def _hazard_ratios(
    cohort: Cohort,
    rows: pd.DataFrame,
    reference: str,
    time_varying: bool,
    delayed: str | None,
    cluster: str | None,
    people: int,
    cautions: list[Caution],
    exhibits: list[Exhibit],
    gaps: list[Gap],
) -> list[Result]:
    covariates = [name for name in planned_covariates(cohort, OUTCOME) or cohort.study.tables["durations"].covariates if name in rows]
    out: list[Result] = []
    try:
        if time_varying:
            split = _split_at_mentoring(rows)
            split["group"] = np.where(split["by_then"] == 1, "mentored by then", "not yet")
            fit = cox(
                split, start="start", stop="stop", event="event", covariates=["group"], cluster=cluster, reference={"group": "not yet"}
            )
            return _ratios(fit, "retention.being_mentored", "time-varying", "not yet", people, "headline", "Time-varying")
        fit = cox(rows, start=delayed, stop="time", event="event", covariates=["group"], cluster=cluster, reference={"group": reference})
        out += _ratios(fit, "retention.group", "crude", reference, people, "headline", "Crude")
        ready, notes = with_covariates(rows, covariates)
        cautions += notes
        usable = varying(ready, covariates)
        if usable:
            adjusted = cox(
                ready,
                start=delayed,
                stop="time",
                event="event",
                covariates=["group", *usable],
                cluster=cluster,
                reference={"group": reference},
            )
            out += _ratios(
                adjusted, "retention.group_adjusted", "adjusted for " + ", ".join(usable), reference, people, "companion", "Adjusted"
            )
            fit_for_ph = adjusted
        else:
            fit_for_ph = fit
        ph = fit_for_ph.ph_test().table
        exhibits.append(
            table_exhibit(
                "retention.ph",
                "Test of proportional hazards",
                ph[ph["term"].isin(["group", "GLOBAL"])],
                labels={"term": "Term", "chisq": "Chi-square", "df": "df", "p": "p"},
                formats={"p": "p", "df": "count"},
            )
        )
        identity = [c for c in cohort.table("durations").columns if c != "staff_id"]
        twins = cohort.table("durations").duplicated(subset=identity)
        if twins.any():
            kept = rows[~twins.to_numpy()]
            again = cox(
                kept, start=delayed, stop="time", event="event", covariates=["group"], cluster=cluster, reference={"group": reference}
            )
            out += _ratios(
                again,
                "retention.group_without_twins",
                "crude, without repeated rows",
                reference,
                len(kept),
                "sensitivity",
                "Crude, without repeated rows",
            )
            cautions.append(
                Caution(
                    "repeated_rows",
                    f"{int(twins.sum())} rows equal an earlier row in everything but the id; they are kept, and "
                    "the comparison without them is shown beside.",
                    {"rows": int(twins.sum())},
                )
            )
    except EstimationError as error:
        gaps.append(Gap("The hazard ratio of leaving", str(error), "More people who left in each group."))
    return out


def _still_employed(km: KaplanMeier, horizons: tuple[float, ...], unit: str, rows: pd.DataFrame) -> list[Result]:
    out = []
    for _, row in km.at(list(horizons)).iterrows():
        if not np.isfinite(row["survival"]):
            continue
        who, time = str(row["by"]), row["time"]
        part = rows if who == "all" else rows[rows["group"] == who]
        estimate = share_on_curve(
            row["survival"],
            row,
            n=len(part),
            n_events=int(part["event"].sum()),
            method="Kaplan-Meier, log-log interval",
            estimand=f"still employed after {time:g} {unit}: {who}",
        )
        out.append(
            Result(
                f"retention.still_employed.{who.replace(' ', '_')}.{time:g}",
                "still_employed",
                estimate.estimand,
                who,
                estimate,
                f"{who}: still employed after {time:g} {unit}",
                "companion",
            )
        )
    return out


def _causes(rows: pd.DataFrame, delayed: str | None, grid: np.ndarray, unit: str, people: int, events: int) -> Exhibit:
    fitted = aalen_johansen(rows, stop="time", cause="cause", start=delayed)
    looked = fitted.at(np.where(grid == 0, 1e-9, grid))
    looked["time"] = looked["time"].round(6)
    risk = looked.groupby("time", as_index=False).agg(n_risk=("n_risk", "first"), n_event=("n_event", "sum")).assign(by="All staff")
    return curve_exhibit(
        "retention.cif",
        "Causes of leaving",
        looked,
        by="cause",
        value="cif",
        at_risk=risk,
        time_unit=unit,
        time_from="the start",
        y_label="Left by this time",
        rising=True,
        n=people,
        n_events=events,
        method="Aalen-Johansen",
    )


def _what_lacks(cohort: Cohort) -> list[Gap]:
    columns = set(cohort.table("durations").columns)
    gaps = [
        Gap(
            "What mentorship did to leaving, calendar time and left truncation accounted for",
            "The table durations has no dates.",
            "staff (staff_id), spells (staff_id, dept_id, start, end, leaving_reason) and matches (mentee_id, start)",
        )
    ]
    if "dept_id" not in columns:
        gaps.append(
            Gap(
                "Differences between departments, and intervals that allow for them",
                "The table durations has no departments.",
                "the column dept_id in durations, or the table spells",
            )
        )
    if "mentored_from" not in columns and "mentored" in columns:
        gaps.append(
            Gap(
                "Whether mentorship began before follow-up did (immortal time)",
                "The table durations does not say when mentorship began.",
                "the column mentored_from in durations, or the table matches",
            )
        )
    if "cause" not in columns:
        gaps.append(
            Gap(
                "Voluntary leaving apart from planned exits",
                "The table durations does not say why people left.",
                "the column cause in durations, or spells with leaving_reason",
            )
        )
    gaps.append(
        Gap(
            "Leaving where the programme is active (intention to treat)",
            "There is no roll-out.",
            "rollout (programme_id, dept_id, active_from) beside staff and spells",
        )
    )
    return gaps
