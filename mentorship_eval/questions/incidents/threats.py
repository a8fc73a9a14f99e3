"""Checks of the data for what the default analysis cannot bear, each told only when it speaks.

Departments chosen for bad months (regression to the mean), an effect that depends on whether rates or their logarithms run parallel, and months
that are missing where the programme runs more than elsewhere. Validation measures how often each speaks where it should and where it should not.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval import did
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate, format_number, format_p
from mentorship_eval.inference.intervals import two_sided_p
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["APART", "BEFORE", "before_go_live", "missing_where_active", "parallel_rates", "threats"]

BEFORE = 6  # periods before go-live, taken together
LEVEL = 0.05
MISSING_LEVEL = 0.01
APART = 0.5  # of a standard error
FEWEST = 6  # departments with missing months


def threats(study: Prepared) -> Section:
    """The placebo of the last periods before go-live as a result, and cautions where a check speaks."""
    told = Section()
    for kind in study.kinds:
        rates = study.fits.get(kind.column)
        if kind.role != "headline" or rates is None:
            continue
        before = before_go_live(study, kind)
        if before is not None:
            _tell_placebo(study, kind, before, told)
        other = parallel_rates(study, kind)
        apart = abs(math.log(other) - math.log(rates.fit.irr.value)) if other > 0 and rates.fit.irr.value > 0 else 0.0
        if math.isfinite(rates.fit.irr.se) and apart > APART * rates.fit.irr.se:
            text = (
                f"{kind.short}: were rates to run parallel instead of their logarithms, the ratio would be {format_number(other)} instead of "
                f"{format_number(rates.fit.irr.value)}. The scale matters here; which of the two is right, these data do not say."
            )
            told.cautions.append(Caution("scale_matters", text, {"ratio": other}))
    found = missing_where_active(study)
    if found is not None and found[0] < MISSING_LEVEL:
        more = "more" if found[1] > 0 else "less"
        text = f"Months are missing {more} often where the programme was active than elsewhere in the same months ({format_p(found[0])}): "
        told.cautions.append(Caution("missing_after", text + "what is missing may not be like what is there.", {"p": found[0]}))
    return told


def before_go_live(study: Prepared, kind: Kind) -> Estimate | None:
    """Rate ratio of the last six periods before go-live, as if the programme had begun then; without any period that has it.

    None when there is no such estimate. A rise says that departments went live after bad months.
    """
    # what may be anticipation is no sign of how departments were chosen
    begins = study.rows[study.adopted] - study.cohort.study.plan.anticipation
    rows = study.rows[~(study.rows["period"] >= begins)]
    early = begins[rows.index] - BEFORE
    rows = rows.assign(**{study.adopted: early.where(early > rows["period"].min())})
    # who has no period before the six says nothing here
    rows = rows[early.isna() | rows[study.adopted].notna()]
    if rows[study.adopted].isna().all():
        return None
    try:
        return study.fit(kind.column, kind.label, outcome=kind.outcome, rows=rows, anticipation=0, brief=True).fit.irr
    except EstimationError:
        return None


def _tell_placebo(study: Prepared, kind: Kind, before: Estimate, told: Section) -> None:
    word = f"{BEFORE} {study.time_unit}s"
    label, estimand = f"Last {word} before go-live", f"rate of {kind.label.lower()} in the last {word} before go-live, against the rate expected then"
    result_id = f"incidents.{kind.column}.before_go_live"
    told.results.append(
        Result(result_id, kind.outcome, estimand, f"the last {word} before go-live", before, label, "diagnostic", f"{kind.short}: placebo")
    )
    if not before.p_value < LEVEL / max(sum(one.role == "headline" for one in study.kinds), 1):
        return
    text = f"{kind.short}: in the last {word} before go-live the rate was {format_number(before.value)} times what the other months without the "
    text += "programme say. "
    if before.value > 1:
        text += "Departments seem to have gone live after months with many reports: part of any fall would have come without the programme "
        text += "(regression to the mean)."
    else:
        text += "Part of any rise would have come without the programme (regression to the mean), or a fall that had begun may have gone on."
    told.cautions.append(Caution("rise_before" if before.value > 1 else "fall_before", text, {"ratio": before.value}))


def parallel_rates(study: Prepared, kind: Kind) -> float:
    """Observed over expected when department and period effects add up on the scale of the rate; NaN where they cannot be."""
    rules, plan = study.cohort.study.rules, study.cohort.study.plan
    rows = study.rows.assign(rate=study.rows[kind.column] / study.rows[study.exposure])
    try:
        fit = did.linear_imputation(
            rows, outcome="rate", unit="dept_id", time="period", adopted=study.adopted, weights=study.exposure, min_controls=rules.min_controls,
            anticipation=plan.anticipation, permutations=0,
        )  # fmt: skip
    except EstimationError:
        return math.nan
    cells = fit.cells[fit.cells["role"] == "target"]
    weight = cells["weight"] if "weight" in cells else cells["exposure"]
    expected = float((cells["expected"] * weight).sum())
    return float((cells["observed"] * weight).sum()) / expected if expected > 0 else math.nan


def missing_where_active(study: Prepared) -> tuple[float, float] | None:
    """p of the test that missing department-periods fall on active departments as on all in the same periods, and how many more than expected do.

    The excess of each department is one observation: its missing months follow one another. None when fewer than six departments miss any, or
    when all or none are active whenever one is missing.
    """
    rows = study.rows
    first = rows.groupby("dept_id")[study.adopted].first()
    here = pd.crosstab(rows["dept_id"], rows["period"]).reindex(index=first.index).to_numpy() > 0
    if study.made is not None and len(study.made.partial):
        # months left out by design are not missing
        place = {name: i for i, name in enumerate(first.index)}
        column = {period: j for j, period in enumerate(np.sort(rows["period"].unique()))}
        for row in study.made.partial.itertuples():
            if row.dept_id in place and row.period in column:
                here[place[row.dept_id], column[row.period]] = True
    live = np.sort(rows["period"].unique())[None, :] >= first.fillna(np.inf).to_numpy()[:, None]
    by_department = np.where(~here, live - live.mean(axis=0), 0.0).sum(axis=1)
    some = int((~here).any(axis=1).sum())
    spread = math.sqrt(float((by_department**2).sum()))
    if some < FEWEST or not spread > 0:
        return None
    excess = float(by_department.sum())
    return float(two_sided_p(excess / spread, some - 1)), excess
