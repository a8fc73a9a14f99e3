"""Outcomes of patients by department and month (falls, pressure injuries, readmissions) where the programme is active: for exploration.

The way from a mentor to a patient is long, many indicators are looked at, and each is reported for other purposes: nothing here is a headline.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.panels import adoption
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.multiplicity import benjamini_hochberg
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.calendar_time import months_of
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.innovation.study import OUTCOME, InnovationStudy
from mentorship_eval.questions.rates import fit_rates
from mentorship_eval.questions.section import Section

__all__ = ["by_month"]

_EXPLORED = (
    "Outcomes of patients by month are explored, not tested: no indicator was named beforehand, and their p-values are adjusted for their number "
    "(false-discovery rate)."
)


def by_month(study: InnovationStudy) -> Section:
    """A rate ratio per indicator, and p-values adjusted for their number."""
    told, question = Section(), "Outcomes of patients where the programme is active"
    for name in ("outcomes_monthly", "rollout"):
        if not study.cohort.has(name):
            return told.lacks(question, f"The cohort has no {name.replace('_', ' ')}.", f"{name} in study.yaml")
    plan, rules = study.cohort.study.plan, study.cohort.study.rules
    start, end = study.cohort.window
    table = study.cohort.table("outcomes_monthly")
    day = pd.to_datetime(table["month"].astype(str))
    live = adoption(rollout=own_rollout(study.cohort), start=start, end=end)
    table = table.assign(day=day, period=months_of(study.cohort, day), adopted=table["dept_id"].map(live["adopted"]))
    table = table[(table["day"] >= pd.Timestamp(start)) & (table["day"] <= pd.Timestamp(end)) & (table["den"] > 0)]
    table = table[table["period"] != table["dept_id"].map(live["partial"])]
    for name, rows in table.groupby(table["indicator"].astype(str), sort=True):
        words = str(name).replace("_", " ")
        label = words[:1].upper() + words[1:]
        estimand = f"rate of {words} where the programme is active, against the rate expected without it (exploratory)"
        try:
            fit = fit_rates(
                rows.reset_index(drop=True), outcome=OUTCOME, label=label, count="num", exposure="den", unit="dept_id", adopted="adopted",
                rate_label=label, per=1000, min_controls=rules.min_controls, anticipation=plan.anticipation, permutations=0, tables=False,
            ).fit  # fmt: skip
        except EstimationError as error:
            told.lacks(f"{question}: {words}", error.problem, "More departments or months without the programme.")
            continue
        active = rows["period"] >= rows["adopted"]
        behind = (float(rows.loc[active, "num"].sum()), float(rows.loc[~active, "num"].sum()))
        told.results.append(
            Result(f"innovation.patients.{slug(words)}", OUTCOME, estimand, "department-months with the programme", fit.irr, label, "companion",
                   "Outcomes of patients (exploratory)", rests_on=behind)
        )  # fmt: skip
    if not told.results:
        return told
    told.cautions.append(Caution("exploratory", _EXPLORED))
    adjusted = benjamini_hochberg([result.estimate.p_value for result in told.results])
    frame = pd.DataFrame({
        "told": [r.id for r in told.results], "indicator": [r.label for r in told.results], "ratio": [r.estimate.value for r in told.results],
        "p": [r.estimate.p_value for r in told.results], "adjusted": adjusted, "events": [r.estimate.n_events for r in told.results],
    })  # fmt: skip
    told.exhibits += [
        forest_exhibit("innovation.patients", "Outcomes of patients where the programme is active (exploratory)", told.results,
                       value_label="Rate ratio", sides=("fewer", "more"), unit="department-months",
                       note="Intervals are not adjusted for the number of indicators; the table of p-values is."),
        table_exhibit(
            "innovation.patients.adjusted", "Outcomes of patients: p-values adjusted for their number", frame, derived=("ratio", "p", "adjusted"),
            behind=("events",), results={"told": ""}, labels={"indicator": "Outcome", "ratio": "Rate ratio", "p": "p", "adjusted": "Adjusted p"},
            formats={"ratio": "ratio", "p": "p", "adjusted": "p"}, note="Adjusted by Benjamini and Hochberg over the indicators.",
        ),
    ]  # fmt: skip
    told.methods.append(
        "Outcomes of patients: Poisson imputation of each indicator by department and month, departments left out in turn; p-values adjusted "
        "together (Benjamini & Hochberg 1995). Exploratory."
    )
    return told
