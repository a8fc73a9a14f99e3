"""Other estimators beside the default one, what a two-way fixed-effects coefficient would have said, and why it may not be used.

Linear imputation and Callaway-Sant'Anna estimate a difference of rates and stand beside the default's; two-way fixed effects stands only inside
its Goodman-Bacon decomposition.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval import did
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import counted_forest, forest_rows
from mentorship_eval.questions.incidents.default_rates import estimand_of
from mentorship_eval.questions.incidents.prepared import POPULATION, Kind, Prepared
from mentorship_eval.questions.incidents.two_way import two_way
from mentorship_eval.questions.rates import RateFit
from mentorship_eval.questions.section import Section

__all__ = ["companions"]

QUARTER = 3


def companions(study: Prepared) -> Section:
    """Differences of rates by other estimators, the two-way coefficient as an audit and its decomposition."""
    told = Section()
    if not study.cohort.study.plan.incidents.companions:
        return told
    for kind in study.kinds:
        rates = study.fits.get(kind.column)
        if kind.role == "headline" and rates is not None:
            told = Section.join([told, _of_one(study, kind, rates)])
    if told.results:
        told.methods.append(
            "Other estimators: linear imputation of the rate weighted by exposure (Borusyak, Jaravel & Spiess 2024) and Callaway & Sant'Anna (2021) "
            "against departments not yet treated (months joined to quarters), both with the leave-one-department-out jackknife. Two-way fixed "
            "effects (Poisson) is shown as what it would have said, with the comparisons that it averages (Goodman-Bacon 2021), never as an effect."
        )
    return told


def _of_one(study: Prepared, kind: Kind, rates: RateFit) -> Section:
    told = Section()
    rows = study.rows.assign(rate=1000 * study.rows[kind.column] / study.rows[study.exposure])
    unit = rates.fit.rate_difference.unit
    found = []
    periods = "quarterly rates" if study.time_unit == "month" else f"rates by {study.time_unit}"
    for name, label in (("linear_imputation", "Linear imputation of the rate"), ("callaway_santanna", f"Callaway-Sant'Anna, {periods}")):
        try:
            raw = _linear(study, rows) if name == "linear_imputation" else _group_time(study, kind)
            estimate = _per(raw, unit, rates.fit.irr)
        except EstimationError as error:
            told.lacks(f"{kind.label}: {label[:1].lower()}{label[1:]}", error, "More departments or months without the programme.")
            continue
        estimand = f"{estimand_of(kind.label)}: difference of rates, by {label[:1].lower()}{label[1:]}"
        result_id = f"incidents.{kind.column}.{name}"
        found.append(Result(result_id, kind.outcome, estimand, POPULATION, estimate, label, "sensitivity", f"{kind.short}: other estimators"))
    told.results += found
    if found:
        told.exhibits.append(_forest(kind, rates, found, study.exposure_words))
    return Section.join([told, two_way(study, kind, rows)])


def _per(estimate: Estimate, unit: str, default: Estimate) -> Estimate:
    """Told in the unit and with the counts of the default analysis."""
    return replace(estimate, unit=unit, n=default.n, n_events=default.n_events)


def _linear(study: Prepared, rows: pd.DataFrame) -> Estimate:
    rules, plan = study.cohort.study.rules, study.cohort.study.plan
    return did.linear_imputation(
        rows, outcome="rate", unit="dept_id", time="period", adopted=study.adopted, weights=study.exposure, min_controls=rules.min_controls,
        anticipation=plan.anticipation, permutations=0,
    ).estimate  # fmt: skip


def _group_time(study: Prepared, kind: Kind) -> Estimate:
    """On quarters that begin where most waves begin, so that fewest straddle a go-live; a quarter with a go-live inside counts as treated."""
    start = study.rows[study.adopted].dropna()
    offset = int(start.mod(QUARTER).mode().iloc[0]) if study.time_unit == "month" and len(start) else 0
    width = QUARTER if study.time_unit == "month" else 1
    rows = study.rows.assign(quarter=np.floor((study.rows["period"] - offset) / width).astype(int))
    by = ["dept_id", "quarter"]
    quarters = rows.groupby(by, as_index=False).agg(
        count=(kind.column, "sum"), size=(study.exposure, "sum"), first=(study.adopted, "first"), months=("period", "size")
    )
    quarters = quarters[quarters["months"] == width]  # broken quarters at the ends
    quarters["adopted"] = np.floor((quarters["first"] - offset) / width) + 1 - quarters["quarter"].min()
    quarters["quarter"] += 1 - quarters["quarter"].min()
    quarters.loc[quarters["adopted"] > quarters["quarter"].max(), "adopted"] = np.nan
    # whoever had it from the first quarter on has no period before and says nothing
    quarters = quarters[~(quarters["adopted"] <= 1)]
    quarters["rate"] = 1000 * quarters["count"] / quarters["size"]
    fitted = did.callaway_santanna(
        quarters, outcome="rate", unit="dept_id", time="quarter", adopted="adopted", weights="size", weighting="varying",
        control="not_yet_treated", variance="jackknife",
    )  # fmt: skip
    return fitted.aggregate("simple").estimate


def _forest(kind: Kind, rates: RateFit, found: list[Result], study_words: str) -> Exhibit:
    default = Result(
        f"incidents.{kind.column}.difference", kind.outcome, "", POPULATION, replace(rates.fit.rate_difference, n=rates.fit.irr.n,
            n_events=rates.fit.irr.n_events), "Default analysis", "headline",
    )  # fmt: skip
    frame = forest_rows([default, *found]).drop(columns="group", errors="ignore")
    frame["headline"] = frame["id"] == default.id
    options = {"value_label": "Difference of rates", "log": False, "sides": ("fewer", "more"), "unit": "department-periods"}
    note = f"Differences {study_words}. The estimators weigh departments and months in their own ways."
    return Exhibit(
        f"incidents.{kind.column}.estimators", "forest", f"{kind.short}: the difference of rates by other estimators", {"rows": frame},
        {"rows": counted_forest()}, options, note,
    )  # fmt: skip
