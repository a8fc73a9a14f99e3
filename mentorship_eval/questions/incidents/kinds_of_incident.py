"""Which kinds of incident moved: categories (medication, falls, ...) and degrees of harm, with the false-discovery rate held.

Each category is told as a pair, with harm and without; the p-values of one side are adjusted together, for the number of categories looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.panels import HARM_LEVELS
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.multiplicity import benjamini_hochberg
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import counted_forest, forest_rows, table_exhibit
from mentorship_eval.questions.incidents.default_rates import estimand_of
from mentorship_eval.questions.incidents.prepared import POPULATION, Prepared
from mentorship_eval.questions.incidents.taxonomy import category_lives, taxonomy_caution
from mentorship_eval.questions.section import Section

__all__ = ["by_category", "by_severity"]

SIDES = {"harm": "With harm", "no_harm": "Without harm"}
# from the least to the gravest; each begins where the one before it does not reach
DEGREES = (("low", ("low",), "Low harm"), ("moderate_up", ("moderate", "severe", "death"), "Moderate harm, severe harm or death"),
           ("severe_up", ("severe", "death"), "Severe harm or death"))


@dataclass(frozen=True)
class _Kind:
    """One kind of one side: its result, and the p-value adjusted for the kinds of that side."""

    result: Result
    adjusted: float = np.nan


def by_category(study: Prepared) -> Section:
    """A pair of rate ratios per category, a forest of them, and what is left after adjusting for their number."""
    told, question = Section(), "Which categories of incident moved"
    if not study.cohort.study.plan.incidents.categories or study.made is None:
        return told
    records = study.records
    assert records is not None
    if "category" not in records or records["category"].nunique() < 2:
        return told.lacks(question, "Incidents have no categories, or one only.", "the column category in incidents")
    found: list[_Kind] = []
    lost: dict[str, list[str]] = {}
    outcome = records["harm"].astype(object).map(HARM_LEVELS)
    in_use = category_lives(study)
    told.cautions += taxonomy_caution(study, in_use)
    for side, group in SIDES.items():
        mine = study.panel(incidents=records[outcome == side], by="category").rows
        results = []
        for name, life in in_use.items():
            column = f"category={name}"
            if column not in mine:
                continue
            label = f"{_words(name)}{life.words(study)}, {group.lower()}"
            result = _fitted(study, life.within(mine), column, f"incidents.category.{name}.{side}", f"{side}_{name}", label, group, lost)
            if result is not None:
                results.append(result)
        adjusted = benjamini_hochberg([r.estimate.p_value for r in results])
        found += [_Kind(result, float(q)) for result, q in zip(results, adjusted, strict=True)]
    _tell(told, found, lost, "incidents.categories", "Rate ratios by category", question)
    told.lead += _what_is_left(found, study.cohort.study.plan.incidents.false_discovery_rate)
    if found:
        told.methods.append(
            "Categories: one fit per category and side (with harm, without); p-values of a side adjusted together by Benjamini and Hochberg (1995). "
            "They are exploratory unless the plan names them."
        )
    return told


def by_severity(study: Prepared) -> Section:
    """Rate ratios by degree of harm: a shift from grave to light is no change in their sum."""
    told, question = Section(), "Whether grave harm moved with light harm"
    if not study.cohort.study.plan.incidents.severity or study.made is None or study.records is None or "harm" not in study.records:
        return told
    if study.records["harm"].isin(["low", "moderate", "severe", "death"]).sum() == 0:
        return told
    found: list[_Kind] = []
    lost: dict[str, list[str]] = {}
    for name, levels, label in DEGREES:
        mine = study.panel(incidents=study.records[study.records["harm"].isin(levels)]).rows
        result = _fitted(study, mine, "all_incidents", f"incidents.severity.{name}", f"{name}_incidents", label, "By degree of harm", lost)
        if result is not None:
            found.append(_Kind(result))
    _tell(told, found, lost, "incidents.severity", "Rate ratios by degree of harm", question)
    return told


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _fitted(
    study: Prepared, rows: pd.DataFrame, column: str, result_id: str, outcome: str, label: str, group: str, lost: dict[str, list[str]]
) -> Result | None:
    """The rate ratio of one kind; None, and a line in ``lost``, when there is none."""
    try:
        rates = study.fit(column, label, outcome=outcome, rows=rows, brief=True)
    except EstimationError as error:
        lost.setdefault(error.problem, []).append(label)
        return None
    shown = label.removesuffix(f", {group.lower()}")
    return Result(result_id, outcome, estimand_of(label), POPULATION, rates.fit.irr, shown, "companion", group)


def _tell(told: Section, found: list[_Kind], lost: dict[str, list[str]], exhibit_id: str, title: str, question: str) -> None:
    told.results += [kind.result for kind in found]
    for reason, labels in lost.items():
        told.lacks(f"{question}: {'; '.join(labels)}", reason, "More months of records, or broader kinds.")
    if len(found) < 2:
        return
    results = [kind.result for kind in found]
    frame = forest_rows(results)
    options = {"value_label": "Rate ratio", "sides": ("fewer", "more"), "unit": "department-periods"}
    # the kinds of a side add up to all of it, which is shown elsewhere: a withheld row needs a second
    counted = counted_forest(within="group" if "group" in frame else "*")
    note = "The column n counts department-periods with the programme."
    told.exhibits.append(Exhibit(exhibit_id, "forest", title, {"rows": frame}, {"rows": counted}, options, note))
    if any(np.isfinite(kind.adjusted) for kind in found):
        told.exhibits.append(_adjusted_table(found, exhibit_id))


def _adjusted_table(found: list[_Kind], exhibit_id: str) -> Exhibit:
    """p-values of the categories as they are, and adjusted for their number."""
    frame = pd.DataFrame([
        {"id": kind.result.id, "side": kind.result.group, "category": kind.result.label, "events": kind.result.estimate.n_events,
            "ratio": kind.result.estimate.value, "p": kind.result.estimate.p_value, "adjusted": kind.adjusted}
        for kind in found
    ])
    return table_exhibit(
        f"{exhibit_id}.adjusted", "Categories: p-values adjusted for their number", frame, counts=("events",), derived=("ratio", "p", "adjusted"),
        within="side", results={"id": ""},
        labels={"side": "Side", "category": "Category", "events": "Events", "ratio": "Rate ratio", "p": "p", "adjusted": "Adjusted p"},
        formats={"events": "count", "ratio": "ratio", "p": "p", "adjusted": "p"},
        note="Adjusted by Benjamini and Hochberg within each side: of categories with an adjusted p below 0.05, about 5 % at most are expected to be "
        "false findings.",
    )  # fmt: skip


def _what_is_left(found: list[_Kind], rate: float) -> list[Statement]:
    """How many categories remain after adjustment; their names stand in the forest."""
    tested = [kind for kind in found if np.isfinite(kind.adjusted)]
    if not tested:
        return []
    parts = []
    for group in SIDES.values():
        mine = [kind for kind in tested if kind.result.group == group]
        low = sum(kind.adjusted <= rate and kind.result.estimate.value < 1 for kind in mine)
        high = sum(kind.adjusted <= rate and kind.result.estimate.value > 1 for kind in mine)
        if mine:
            parts.append(f"{group.lower()}, {low} of {len(mine)} categories fell and {high} rose")
    text = f"Adjusted for their number (false-discovery rate {rate:.0%}): {'; '.join(parts)}."
    return [Statement(text, rests_on=tuple(kind.result.estimate.n_events for kind in tested))]
