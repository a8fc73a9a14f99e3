"""Curves from one line per person: still employed by group, medians, shares at horizons, and causes of leaving."""

from __future__ import annotations

import numpy as np

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import curve_exhibit, table_exhibit
from mentorship_eval.questions.retention.durations_form.durations_table import Durations
from mentorship_eval.questions.retention.model_rows import share_on_curve
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen, kaplan_meier
from mentorship_eval.survival.curves.product_limit import KaplanMeier

__all__ = ["cause_curves", "still_employed_curves"]


def still_employed_curves(table: Durations) -> Section:
    """Kaplan-Meier by group with medians and shares; not drawn by ever-mentored when mentoring began during follow-up."""
    if table.time_varying:
        text = "Mentorship began during follow-up: curves by ever-mentored would be biased by immortal time and are not drawn."
        return Section(cautions=[Caution("time_varying", text)])
    several = len(table.groups) > 1
    km = kaplan_meier(table.rows, stop="time", event="event", start=table.delayed, by="group" if several else None)
    looked = km.at(np.where(table.grid == 0, 1e-9, table.grid))
    looked["time"] = looked["time"].round(6)
    figure = curve_exhibit(
        "retention.curves",
        "Still employed, by mentorship" if several else "Still employed",
        looked,
        by="by",
        value="survival",
        plain=True,
        time_unit=table.unit,
        time_from="the start",
        by_label="Mentorship" if several else "",
        y_label="Still employed",
        n=table.people,
        n_events=table.events,
        method="Kaplan-Meier, log-log intervals",
        note="Groups that were not assigned at random: a difference, or its absence, is not the effect of mentorship.",
    )
    return Section(results=_still_employed(km, table), exhibits=[figure, _medians(km, table.unit)])


def _medians(km: KaplanMeier, unit: str) -> Exhibit:
    medians = km.median()
    medians["reason"] = medians["reason"].str.replace(r"not reached: .*", "not reached", regex=True)
    return table_exhibit(
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


def _still_employed(km: KaplanMeier, table: Durations) -> list[Result]:
    out, rows, unit = [], table.rows, table.unit
    for _, row in km.at(list(table.horizons)).iterrows():
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


def cause_curves(table: Durations) -> Section:
    """Cumulative incidence of each cause, all groups together."""
    fitted = aalen_johansen(table.rows, stop="time", cause="cause", start=table.delayed)
    looked = fitted.at(np.where(table.grid == 0, 1e-9, table.grid))
    looked["time"] = looked["time"].round(6)
    risk = looked.groupby("time", as_index=False).agg(n_risk=("n_risk", "first"), n_event=("n_event", "sum")).assign(by="All staff")
    figure = curve_exhibit(
        "retention.cif",
        "Causes of leaving",
        looked,
        by="cause",
        value="cif",
        at_risk=risk,
        time_unit=table.unit,
        time_from="the start",
        y_label="Left by this time",
        rising=True,
        n=table.people,
        n_events=table.events,
        method="Aalen-Johansen",
    )
    return Section(exhibits=[figure])
