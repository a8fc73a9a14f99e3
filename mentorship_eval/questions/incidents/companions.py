"""Other estimators beside the default one, what a two-way fixed-effects coefficient would have said, and why it may not be used.

Linear imputation and Callaway-Sant'Anna estimate a difference of rates and stand beside the default's; two-way fixed effects stands only inside
its Goodman-Bacon decomposition.
"""

from __future__ import annotations

import math
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
    """Told in the unit of the default analysis and resting on its events."""
    return replace(estimate, unit=unit, n_events=default.n_events)


def _linear(study: Prepared, rows: pd.DataFrame) -> Estimate:
    rules, plan = study.cohort.study.rules, study.cohort.study.plan
    return did.linear_imputation(
        rows, outcome="rate", unit="dept_id", time="period", adopted=study.adopted, weights=study.exposure, min_controls=rules.min_controls,
        anticipation=plan.anticipation, permutations=0,
    ).estimate  # fmt: skip


def _group_time(study: Prepared, kind: Kind) -> Estimate:
    """On quarters that begin where most go-lives are, so that fewest straddle one; a quarter with a go-live inside counts as treated.

    A quarter that lacks only the month in which the programme went live part-way stays. Quarters in which fewer departments than the plan asks for
    are still without the programme are left out.
    """
    plan, rules = study.cohort.study.plan, study.cohort.study.rules
    width = QUARTER if study.time_unit == "month" else 1
    partial = set() if study.made is None else set(map(tuple, study.made.partial[["dept_id", "period"]].itertuples(index=False, name=None)))
    half = {name for name, _ in partial}
    live = study.rows[study.adopted] - study.rows["dept_id"].isin(half)  # the month of the go-live itself
    offset = int(live.dropna().mod(width).mode().iloc[0]) if live.notna().any() else 0
    rows = study.rows.assign(quarter=np.floor((study.rows["period"] - offset) / width), live=np.floor((live - offset) / width))
    quarters = rows.groupby(["dept_id", "quarter"], as_index=False).agg(
        count=(kind.column, "sum"), size=(study.exposure, "sum"), live=("live", "first"), months=("period", "size")
    )
    short = {(name, float(np.floor((period - offset) / width))) for name, period in partial}
    lost = [cell in short for cell in zip(quarters["dept_id"], quarters["quarter"], strict=True)]
    quarters = quarters[quarters["months"] + np.array(lost, dtype=int) == width]  # broken ones at the ends go
    first = quarters["quarter"].min()
    quarters = quarters.assign(quarter=quarters["quarter"] - first + 1, adopted=quarters["live"] - first + 1)
    quarters.loc[quarters["adopted"] > quarters["quarter"].max(), "adopted"] = np.nan
    # whoever had it from the first quarter on has no period before and says nothing
    quarters = quarters[~(quarters["adopted"] <= 1)]
    without = (~(quarters["quarter"] >= quarters["adopted"])).groupby(quarters["quarter"]).sum()
    quarters = quarters[quarters["quarter"].map(without) >= rules.min_controls]
    quarters["rate"] = 1000 * quarters["count"] / quarters["size"]
    fitted = did.callaway_santanna(
        quarters, outcome="rate", unit="dept_id", time="quarter", adopted="adopted", weights="size", weighting="varying",
        control="not_yet_treated", variance="jackknife", anticipation=math.ceil(plan.anticipation / width),
    )  # fmt: skip
    treated = int((quarters["quarter"] >= quarters["adopted"]).sum())
    return replace(fitted.aggregate("simple").estimate, n=treated)


def _forest(kind: Kind, rates: RateFit, found: list[Result], study_words: str) -> Exhibit:
    default = Result(
        f"incidents.{kind.column}.difference", kind.outcome, "", POPULATION, replace(rates.fit.rate_difference, n=rates.fit.irr.n,
            n_events=rates.fit.irr.n_events), "Default analysis", "headline",
    )  # fmt: skip
    frame = forest_rows([default, *found]).drop(columns="group", errors="ignore")
    frame["headline"] = frame["id"] == default.id
    options = {"value_label": "Difference of rates", "log": False, "sides": ("fewer", "more"), "unit": "department-periods"}
    note = f"Differences {study_words}. The estimators weigh departments and months in their own ways; n counts "
    note += "department-months, of Callaway-Sant'Anna its own periods."
    return Exhibit(
        f"incidents.{kind.column}.estimators", "forest", f"{kind.short}: the difference of rates by other estimators", {"rows": frame},
        {"rows": counted_forest()}, options, note,
    )  # fmt: skip
