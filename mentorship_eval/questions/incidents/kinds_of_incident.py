"""Which kinds of incident moved: categories (medication, falls, ...) and degrees of harm, with the false-discovery rate held.

Each category is told as a pair, with harm and without; the p-values of one side are adjusted together, for the number of categories looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.panels import HARM_LEVELS
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.multiplicity import benjamini_hochberg
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.incidents.default_rates import estimand_of
from mentorship_eval.questions.incidents.forests import counted_ratios, in_words, ratio_forest, ratio_rows, the_rest
from mentorship_eval.questions.incidents.prepared import POPULATION, Prepared
from mentorship_eval.questions.incidents.taxonomy import category_lives, taxonomy_caution
from mentorship_eval.questions.section import Section

__all__ = ["by_category", "by_severity"]

# what one of the kinds is called, and several
_WORDS = {"incidents.categories": ("Category", "categories"), "incidents.severity": ("Degree of harm", "degrees of harm")}
SIDES = {"harm": "With harm", "no_harm": "Without harm"}
# from the least to the gravest; the last is a part of the one before it, which would otherwise hold too few to be told
DEGREES = (("low", ("low",), "Low harm"), ("moderate_up", ("moderate", "severe", "death"), "Moderate harm, severe harm or death"),
           ("severe_up", ("severe", "death"), "Severe harm or death"))


@dataclass(frozen=True)
class _Kind:
    """One kind of one side: its result, the count that its events are a part of, and the p-value adjusted for the kinds of that side."""

    result: Result
    whole: float = np.nan
    adjusted: float = np.nan

    @classmethod
    def part_of(cls, result: Result, whole: float, adjusted: float = np.nan) -> _Kind:
        """With few others in the whole, which is shown, the part would tell how many they are: the result rests on them too."""
        others = whole - (result.estimate.n_events or 0)
        return cls(replace(result, rests_on=(others,)) if others > 0 else result, whole, adjusted)


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
    if "harm" not in records:
        return told.lacks(question, "The incidents do not say whether there was harm.", "the column harm in incidents, filled in")
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
        found += [_Kind.part_of(result, _observed(study, side), float(q)) for result, q in zip(results, adjusted, strict=True)]
    _tell(study, told, found, lost, "incidents.categories", "Rate ratios by category", question)
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
            # the gravest are a part of those from moderate up, these and low harm of all harm
            wider = [kind.result.estimate.n_events for kind in found if kind.result.outcome == "moderate_up_incidents"]
            found.append(_Kind.part_of(result, float(wider[0] or 0) if wider else _observed(study, "harm")))
    adjusted = benjamini_hochberg([kind.result.estimate.p_value for kind in found])
    found = [replace(kind, adjusted=float(q)) for kind, q in zip(found, adjusted, strict=True)]
    _tell(study, told, found, lost, "incidents.severity", "Rate ratios by degree of harm", question)
    return told


def _observed(study: Prepared, column: str) -> float:
    """Events of the default analysis with the programme; NaN where there is none, and none is shown."""
    rates = study.fits.get(column)
    return np.nan if rates is None else float(rates.fit.observed)


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


def _tell(study: Prepared, told: Section, found: list[_Kind], lost: dict[str, list[str]], exhibit_id: str, title: str, question: str) -> None:
    told.results += [kind.result for kind in found]
    for reason, labels in lost.items():
        told.lacks(f"{question}: {'; '.join(labels)}", in_words(reason), "More months of records, or broader kinds.")
    if len(found) < 2:
        return
    frame = ratio_rows([kind.result for kind in found], {kind.result.id: kind.whole for kind in found})
    note = "The column n counts department-periods with the programme, events those observed in them."
    if any(np.isfinite(kind.adjusted) for kind in found):
        note += f" Intervals are not adjusted for the number of {_WORDS[exhibit_id][1]}; the table of p-values is."
    if exhibit_id == "incidents.categories":
        rest = [_the_rest(study, found, side) for side in SIDES]
        if any(part is not None for part in rest):
            note += " The rest: events of categories that could not be estimated, without a category, or in months without a comparison."
        parts = [part for side, row in zip(SIDES, rest, strict=True) for part in (frame[frame["group"] == SIDES[side]], row)]
        frame = pd.concat([part for part in parts if part is not None and len(part)])
    # the kinds of a side add up to all of it, which is shown elsewhere: a withheld row needs a second; degrees of harm hold one another
    counted = counted_ratios(within="group") if exhibit_id == "incidents.categories" else counted_ratios()
    told.exhibits.append(ratio_forest(exhibit_id, title, frame.reset_index(drop=True), note, counted))
    if any(np.isfinite(kind.adjusted) for kind in found):
        told.exhibits.append(_adjusted_table(found, exhibit_id, study.cohort.study.plan.incidents.false_discovery_rate))


def _the_rest(study: Prepared, found: list[_Kind], side: str) -> pd.DataFrame | None:
    mine = [kind.result for kind in found if kind.result.group == SIDES[side]]
    if not mine or side not in study.fits:
        return None
    return the_rest(mine, _observed(study, side), study.fits[side].fit.irr.n, "The rest", SIDES[side])


def _adjusted_table(found: list[_Kind], exhibit_id: str, rate: float) -> Exhibit:
    """p-values of the kinds as they are, and adjusted for their number."""
    one, many = _WORDS[exhibit_id]
    frame = pd.DataFrame([
        {"results": kind.result.id, "side": kind.result.group, "category": kind.result.label, "events": kind.result.estimate.n_events,
            "ratio": kind.result.estimate.value, "p": kind.result.estimate.p_value, "adjusted": kind.adjusted}
        for kind in found
    ])
    within, labels = "within each side", {"side": "Side", "category": one}
    if exhibit_id == "incidents.severity":
        frame, labels = frame.drop(columns="side"), {"category": one}
        within = "over the degrees, of which the gravest is a part of the one before it"
    return table_exhibit(
        f"{exhibit_id}.adjusted", f"{many[:1].upper()}{many[1:]}: p-values adjusted for their number", frame, derived=("ratio", "p", "adjusted"),
        behind=("events",), results={"results": ""},
        labels={**labels, "ratio": "Rate ratio", "p": "p", "adjusted": "Adjusted p"},
        formats={"ratio": "ratio", "p": "p", "adjusted": "p"},
        note=f"Adjusted by Benjamini and Hochberg {within}: if all {many} with an adjusted p of at most {rate:g} were called "
        f"changed, at most {100 * rate:g} % of the calls would be false on average over such studies. Events stand in the figure.",
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
