"""Retention from one line per person (table ``durations``): time, event or cause, and mentored or not.

Without dates and departments neither the roll-out nor the clustering can be used, and a group is compared with a
group: the report says so and claims no effect.
"""

from __future__ import annotations

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Answer, Statement
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.retention.durations_form.durations_curves import cause_curves, still_employed_curves
from mentorship_eval.questions.retention.durations_form.durations_gaps import what_lacks
from mentorship_eval.questions.retention.durations_form.durations_ratios import hazard_ratios, log_rank
from mentorship_eval.questions.retention.durations_form.durations_table import Durations, read_durations
from mentorship_eval.questions.section import Section

__all__ = ["answer_durations"]


def answer_durations(cohort: Cohort) -> Answer:
    """Kaplan-Meier, log-rank, Cox crude and adjusted; causes where given; twins dropped as a sensitivity."""
    table = read_durations(cohort)
    several = len(table.groups) > 1
    gaps = Section(gaps=what_lacks(cohort))
    parts = [gaps, _level(cohort), still_employed_curves(table)]
    if several and not table.time_varying:
        parts.append(log_rank(table))
    if several:
        parts.append(hazard_ratios(cohort, table))
    if table.rows["cause"].nunique() > 2:
        parts.append(cause_curves(table))
    if several and not table.time_varying:
        text = (
            "Mentored and not mentored staff are compared as they are. Without departments and dates, who was "
            "given a mentor cannot be told apart from what the mentor did: this page claims no effect."
        )
        parts.append(Section(cautions=[Caution("group_comparison", text)]))
    told = Section.join(parts)
    shown = [r for r in told.results if r.estimate.scale == "hazard ratio"]
    if shown:
        told.exhibits.insert(
            0,
            forest_exhibit(
                "retention.forest",
                "Hazard of leaving, compared with " + table.reference,
                shown,
                value_label="Hazard ratio",
                sides=("fewer leave", "more leave"),
                note="A comparison of groups as they were, not of what mentorship did.",
            ),
        )
    methods = (
        f"Times in {table.unit} as delivered. Kaplan-Meier with log-log intervals; log-rank test; Cox models with Efron's handling of ties, "
        f"reference level {table.reference}.",
    )
    return Answer(
        "retention", "Retention", tuple(_lead(table)), tuple(told.results), tuple(told.exhibits), tuple(told.cautions), tuple(told.gaps), methods
    )


def _level(cohort: Cohort) -> Section:
    """The level of leaving is that of whoever made the table."""
    level = cohort.study.plan.leaving
    if level == "organisation":
        return Section()
    text = f"plan.leaving is {level}, but the table durations says only that people left: what they left is as delivered."
    return Section(cautions=[Caution("level_as_delivered", text, {"level": level})])


def _lead(table: Durations) -> list[Statement]:
    lead = [
        Statement(
            "{people} people, {events} of whom left" + f", followed for at most {table.last:.0f} {table.unit}.",
            {"people": table.people, "events": table.events},
        )
    ]
    counts = table.rows.groupby("group")["event"].agg(["size", "sum"]).reindex(table.groups)
    for name, row in counts.iterrows():
        lead.append(
            Statement(f"{str(name)[:1].upper()}{str(name)[1:]}" + ": {n} people, {k} left.", {"n": int(row["size"]), "k": int(row["sum"])})
        )
    return lead
