"""The default analysis of every kind of incident, and what is told of who was observed."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mentorship_eval.cohort.panels import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Statement
from mentorship_eval.questions.incidents.counts import who_adopts
from mentorship_eval.questions.incidents.forests import in_words
from mentorship_eval.questions.incidents.prepared import POPULATION, Kind, Prepared
from mentorship_eval.questions.incidents.reporting import tell_the_pair
from mentorship_eval.questions.rates import RateFit, caution_list, dropped_table, rate_exhibits, rate_results
from mentorship_eval.questions.section import Section

__all__ = ["default_rates"]

METHOD = (
    "Department-months; Poisson quasi-likelihood with department and month effects, fitted where the programme is not active, log exposure "
    "as offset; expected counts projected on treated department-months; rate ratio = observed / expected. Leave-one-department-out "
    "jackknife on the log ratio, t(G-1). Permutation test by reassigning the go-live dates."
)


def estimand_of(label: str) -> str:
    return f"rate of {label.lower()} where the programme is active, against the rate expected without it"


def default_rates(study: Prepared) -> Section:
    """One fit per kind, kept in ``study.fits``; harm and no-harm as a pair; the exhibits of each and what was left out."""
    told = Section(methods=[METHOD])
    for kind in study.kinds:
        _fit(study, kind, told)
    # what was found comes before who was observed; the pair tells of both of its ratios
    pair = tell_the_pair(study)
    found = [] if pair.lead else _what_was_found(study)
    told = Section.join([told, pair, Section(lead=[*found, *_who_was_observed(study)])])
    if study.made is None:
        told = Section.join([told, who_adopts(study)])
    else:
        told.cautions += _panel_cautions(study.made)
    for name, rates in study.fits.items():
        if study.made is None or name != "all_incidents":
            told.exhibits += rate_exhibits(rates, f"incidents.{name}", brief=name == "near_miss")
    if study.made is not None:
        told.exhibits.append(_flow(study, study.made))
    dropped = next((table for table in (dropped_table(rates, "incidents.dropped") for rates in study.fits.values()) if table), None)
    if dropped:
        told.exhibits.append(dropped)
    return told


def _fit(study: Prepared, kind: Kind, told: Section) -> None:
    headline = kind.role == "headline"
    try:
        # The permutation test of a mixture, or of a companion, says nothing more: it is spared.
        permutations = study.cohort.study.plan.permutations if headline else 0
        rates = study.fit(kind.column, kind.label, outcome=kind.outcome, permutations=permutations)
    except EstimationError as error:
        reason = in_words(error.problem, months=study.made is not None)
        began = study.rows[study.adopted].notna().any()
        unlock = "More departments or months without the programme, or more events." if began else "the go-live of some departments, in active_from"
        told.lacks(f"{kind.label}: rate ratio", reason, unlock)
        return
    study.fits[kind.column] = rates
    results = rate_results(
        rates, result_id=f"incidents.{kind.column}", estimand=estimand_of(kind.label), population=POPULATION, role=kind.role,
        random_timing=study.random_timing,
    )  # fmt: skip
    if kind.role == "audit":
        told.results.append(replace(results[0], rests_on=_parts(study, rates)))
    else:
        told.results += results
    if headline:
        # months left out by design are not missing: they are told with the panel
        drop = ("missing_cells",) if study.made is not None and len(study.made.partial) else ()
        words = [replace(caution, text=in_words(caution.text, months=study.made is not None)) for caution in caution_list(rates, drop=drop)]
        told.cautions += words


def _parts(study: Prepared, rates: RateFit) -> tuple[float, ...]:
    """What a sum is made of where the programme is active: with all but one part shown, it would tell the last."""
    parts = [study.fits[name].fit.observed for name in ("harm", "no_harm", "near_miss") if name in study.fits]
    return (*parts, max(rates.fit.observed - sum(parts), 0.0))


def _what_was_found(study: Prepared) -> list[Statement]:
    """One sentence per headline outcome."""
    out = []
    for kind in study.kinds:
        if kind.role == "headline" and kind.column in study.fits:
            estimate = study.fits[kind.column].fit.irr
            text = f"{kind.short}: rate ratio {estimate.interval()} where the programme was active, against what was expected without it."
            out.append(Statement(text, rests_on=(estimate.n_events,), results=(f"incidents.{kind.column}",), see=("incidents.forest",)))
    return out


def _who_was_observed(study: Prepared) -> list[Statement]:
    """First sentences: how much was observed, and how many of each kind."""
    words, places = ("patient-days", "departments") if study.made is not None else (f"{study.exposure_words.split('per 1,000 ')[-1]}", "units")
    if study.made is None:
        words = f"{words.rsplit(' and ', 1)[0]} summed over periods"
    size = study.rows[study.exposure].sum()
    told = [kind for kind in study.kinds if kind.role != "audit"]
    text = "; ".join(f"{kind.short if i == 0 else kind.short[:1].lower() + kind.short[1:]}: {{n{i}}}" for i, kind in enumerate(told))
    counts = {f"n{i}": float(study.rows[kind.column].sum()) for i, kind in enumerate(told)}
    see = ("incidents.rates",)
    out = [
        Statement(f"{study.places:,} {places} over {study.rows['period'].nunique():,} {study.time_unit}s, {size:,.0f} {words}.", see=see),
        *([Statement(f"{text}.", counts, see=see)] if told else []),
    ]
    for kind in study.kinds:
        if kind.role == "audit":
            whole = float(study.rows[kind.column].sum())
            rest = max(whole - sum(counts.values()), 0.0)
            out.append(Statement(f"{kind.short}: {{n}}.", {"n": whole}, rests_on=(*counts.values(), rest), see=see))
    return out


def _panel_cautions(made: Panel) -> list[Caution]:
    out = []
    missing, partial = len(made.missing), len(made.partial)
    if missing:
        text = f"{missing} department-months have no patient-days and are not in the analysis."
        out.append(Caution("missing_months", text, {"cells": missing}))
    if partial:
        text = f"{partial} department-months in which the programme went live part-way are left out."
        out.append(Caution("partial_months", text, {"cells": partial}))
    return out


def _flow(study: Prepared, made: Panel) -> Exhibit:
    rows = study.rows
    sides = {"Without the programme (yet)": ~(rows["period"] >= rows[study.adopted]), "With the programme": rows["period"] >= rows[study.adopted]}
    arms = pd.DataFrame([
        {"group": name, "n": int(here.sum()), "unit": "department-months", "detail": f"{rows.loc[here, study.exposure].sum():,.0f} patient-days"}
        for name, here in sides.items()
    ])  # fmt: skip
    return Exhibit(
        "incidents.flow", "flow_diagram", "Incidents, from the table to the analysis",
        {"flow": made.flow.rename(columns={"incidents_in": "read"}), "arms": arms},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True, populations=("read", "kept"))},
        {"unit": "incidents", "start_label": "In incidents", "end_label": "Analysed"},
    )  # fmt: skip
