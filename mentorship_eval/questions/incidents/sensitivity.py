"""How far the rate ratios rest on their choices: the plan's list of other analyses, each against the default."""

from __future__ import annotations

import math

from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import counted_forest
from mentorship_eval.questions.incidents.calendar_events import calendar_cautions
from mentorship_eval.questions.incidents.default_rates import estimand_of
from mentorship_eval.questions.incidents.forests import in_words, ratio_forest, ratio_rows
from mentorship_eval.questions.incidents.prepared import POPULATION, Kind, Prepared
from mentorship_eval.questions.incidents.variants import Variant, variants
from mentorship_eval.questions.section import Section

__all__ = ["sensitivity"]


def sensitivity(study: Prepared) -> Section:
    """Results (role sensitivity) for each headline outcome, a forest of each with the default on top, and where they run."""
    told = Section(cautions=calendar_cautions(study))
    chosen = list(variants(study))
    unchanged = [f"{variant.label} ({variant.same})" for variant in chosen if variant.same]
    lost: dict[tuple[str, str], list[str]] = {}
    for kind in study.kinds:
        if kind.role != "headline" or kind.column not in study.fits:
            continue
        default = _default(study, kind)
        found: list[Result] = []
        alike: dict[str, None] = {}
        for variant in chosen:
            if variant.same or variant.lacks:
                continue
            try:
                result = _run(study, kind, variant)
            except (EstimationError, DataError) as error:
                lost.setdefault((kind.label, error.problem), []).append(variant.label)
                continue
            if _alike(result.estimate, default.estimate):
                alike.setdefault(variant.label)
            else:
                found.append(result)
        told.results += found
        if found:
            told.exhibits.append(_forest(kind, default, found, [*unchanged, *(f"{label} (it changes no cell)" for label in alike)]))
            told.lead += _range(default, found)
    for variant in chosen:
        if variant.lacks:
            what = f"Incident rates: {variant.label[:1].lower()}{variant.label[1:]}"
            told.lacks(what, variant.lacks, "Sites or departments that go live later, or never.")
    for (label, reason), analyses in lost.items():
        why = in_words(reason, months=study.made is not None)
        told.lacks(f"{label}, in other analyses: {'; '.join(analyses)}", why, "More departments or months without the programme.")
    if told.results:
        told.methods.append(
            "Sensitivity: each analysis changes one thing of the default analysis; the list is the plan's (plan.incidents in study.yaml). Which "
            "department-months an analysis leaves out is settled by dates, sites and exposure, never by counts. Those that could not differ in these "
            "data are named under the figure."
        )
    return told


def _default(study: Prepared, kind: Kind) -> Result:
    return Result(
        f"incidents.{kind.column}", kind.outcome, estimand_of(kind.label), POPULATION, study.fits[kind.column].fit.irr, "Default analysis", "headline"
    )


def _run(study: Prepared, kind: Kind, variant: Variant) -> Result:
    rates = study.fit(kind.column, kind.label, outcome=kind.outcome, rows=variant.rows, brief=True, **variant.options)
    estimand = f"{estimand_of(kind.label)}; {variant.change}"
    name = f"incidents.sensitivity.{kind.column}.{variant.name}"
    heading = f"{kind.short}: {variant.group[:1].lower()}{variant.group[1:]}" if variant.group else kind.short
    return Result(name, kind.outcome, estimand, POPULATION, rates.fit.irr, variant.label, "sensitivity", heading)


def _alike(one: Estimate, other: Estimate) -> bool:
    return one.n == other.n and one.n_events == other.n_events and math.isclose(one.value, other.value, rel_tol=1e-9)


def _forest(kind: Kind, default: Result, found: list[Result], unchanged: list[str]) -> Exhibit:
    frame = ratio_rows([default, *found])
    if "group" in frame:
        frame["group"] = frame["group"].str.split(": ", n=1).str[-1].str.capitalize()
    frame["headline"] = frame["id"] == default.id
    note = "Every row but the first changes one thing of the default analysis. The column n counts department-periods with the programme."
    if unchanged:
        note += f" The same as the default in these data, and not shown: {'; '.join(unchanged)}."
    # most analyses leave out a part of the default's months: the events of a small part could be had by subtraction
    counted = counted_forest(steps=("n_events",))
    return ratio_forest(f"{default.id}.sensitivity", f"{kind.short}: the default analysis, and one choice changed at a time", frame, note, counted)


def _side(estimate: Estimate) -> int:
    if estimate.ci_high < 1:
        return -1
    return 1 if estimate.ci_low > 1 else 0


def _range(default: Result, found: list[Result]) -> list[Statement]:
    """From where to where the ratios run, and how many of the intervals hold 1 where the default's does not, or the reverse."""
    usable = [result for result in found if math.isfinite(result.estimate.value) and result.estimate.value > 0]
    if len(usable) < 2:
        return []
    low, high = min(usable, key=lambda r: r.estimate.value), max(usable, key=lambda r: r.estimate.value)
    text = (
        f"{found[0].group.split(': ')[0]}: in the {len(usable)} other analyses the rate ratio runs from {format_number(low.estimate.value)} "
        f"({low.label[:1].lower()}{low.label[1:]}) to {format_number(high.estimate.value)} ({high.label[:1].lower()}{high.label[1:]})"
    )
    told = [result for result in usable if not math.isnan(result.estimate.ci_low)]
    if told and not math.isnan(default.estimate.ci_low):
        # an analysis without an interval leaves nothing out
        differ = sum(_side(r.estimate) != _side(default.estimate) for r in told)
        of = "" if len(told) == len(usable) else f" of the {len(told)} with an interval"
        says = f"none{of} differs from the default" if not differ else f"{differ}{of} differ{'s' if differ == 1 else ''} from the default"
        text += f"; {says} in whether, and on which side, the interval leaves out 1"
    counts = tuple(r.estimate.n_events for r in (default, low, high))
    return [Statement(text + ".", rests_on=counts, results=(low.id, high.id))]
