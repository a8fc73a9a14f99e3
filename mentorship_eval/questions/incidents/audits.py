"""Audited measures: shares of records (numerator and denominator) where the programme is active, against those expected without it.

Which direction of a measure is good is not in the data, so that a rise is never called an improvement.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from mentorship_eval.cohort.panels import adoption
from mentorship_eval.did import BinomialImputation, binomial_imputation
from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.multiplicity import benjamini_hochberg
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.incidents.audit_exhibits import DIRECTION, Measure, measure_figure, measure_forests, measure_table
from mentorship_eval.questions.incidents.charts import share_chart
from mentorship_eval.questions.incidents.prepared import POPULATION, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["audits"]

GROUP = "Audited measures"
QUESTION = "Whether audited measures moved"
UNLOCK = "the table audits (dept_id, month, measure, num, den)"
METHOD = (
    "Audited measures: department-months; binomial quasi-likelihood with a logit link, department and month effects, fitted where the programme is "
    "not active; expected numerators projected on treated department-months. Difference in percentage points (tested: readers of audits speak in "
    "percentage points, and the test is the same whether records that meet the criterion are counted or those that do not) and ratio of the "
    "shares. Leave-one-department-out jackknife, t(G-1). Departments and months at 0 or 100 % throughout keep that expected share and stay."
)
# more measures than this have no figure each
MOST_FIGURES = 4


def audits(study: Prepared) -> Section:
    """A difference and a ratio of shares per measure, forests of both, p-values adjusted for the number of measures, and figures of a few."""
    told, cohort = Section(), study.cohort
    if not cohort.has("audits"):
        return told.lacks(QUESTION, "There are no audits in this cohort.", UNLOCK)
    if not cohort.has("rollout"):
        return told.lacks(QUESTION, "Audits are by department and month, and no table says when each department had the programme.",
            "the table rollout (dept_id, active_from)")
    try:
        rows, left_out = _department_months(study)
    except DataError as error:
        return told.lacks(QUESTION, error, "Audits with a month in every row, inside the window of the study.")
    if rows.empty:
        return told.lacks(QUESTION, "No audit lies in a whole month of the window.", UNLOCK)
    told.cautions += left_out
    found: list[Measure] = []
    lost: dict[str, list[str]] = {}
    for name, label in _names(rows["measure"]).items():
        try:
            fit = _fit(study, rows[rows["measure"] == label])
        except EstimationError as error:
            lost.setdefault(error.problem, []).append(_words(label))
            continue
        found.append(Measure(name, _words(label), fit, label))
    for reason, labels in lost.items():
        told.lacks(f"{QUESTION}: {'; '.join(labels)}", reason, "More audits of departments or months without the programme.")
    if not found:
        return told
    by_design = any(caution.code == "partial_months" for caution in left_out)
    adjusted = benjamini_hochberg([one.p_value for one in found])
    for one in found:
        told.results += _results(study, one)
        # months left out by design are not missing: they are told once
        kept = [c for c in one.fit.warnings if not (by_design and c.code == "missing_cells")]
        told.cautions += [Caution(c.code, f"{one.label}: {c.text}", c.data) for c in kept]
    told.cautions.append(Caution("direction_unknown", f"Audited measures: {DIRECTION}", {"measures": [one.name for one in found]}))
    told.lead += _what_is_left(study, found, adjusted)
    told.exhibits += measure_forests(told.results)
    told.exhibits.append(measure_table(found, adjusted))
    if len(found) <= MOST_FIGURES:
        told.exhibits += [measure_figure(study, one) for one in found]
    charts = [_chart(study, rows, one) for one in found] if len(found) <= MOST_FIGURES else []
    told = Section.join([told, *charts])
    told.methods = list(dict.fromkeys(told.methods))
    told.methods.append(METHOD if len(found) == 1 else f"{METHOD} p-values of the measures adjusted together by Benjamini and Hochberg (1995).")
    return told


def _chart(study: Prepared, rows: pd.DataFrame, one: Measure) -> Section:
    """p' chart of one measure by wave of go-live, or by department where there are few."""
    mine = rows[rows["measure"] == one.source].rename(columns={"num": "count", "den": "exposure"})
    name = f"incidents.audits.{one.name}.chart"
    return share_chart(study, mine, name, f"Audits, {one.label.lower()}", "Records that meet the criterion, %", reports=False)


def _department_months(study: Prepared) -> tuple[pd.DataFrame, list[Caution]]:
    """Audits of whole months of the window with their period and adoption; those of the month in which a programme went live are left out."""
    start, end = study.cohort.window
    table = study.cohort.table("audits")
    plan = adoption(rollout=own_rollout(study.cohort), start=start, end=end)
    first = pd.Timestamp(start).to_period("M")
    month = pd.to_datetime(table["month"]).dt.to_period("M")
    if month.isna().any():
        raise DataError("Rows of audits have no month.", rows=list(table.index[month.isna()]), fix="Fill in the month.")
    whole = (month.dt.start_time >= pd.Timestamp(start)) & (month.dt.end_time.dt.normalize() <= pd.Timestamp(end))
    rows = table.assign(
        measure=table["measure"].astype(str), period=(month.dt.year - first.year) * 12 + month.dt.month - first.month + 1,
        adopted=table["dept_id"].map(plan["adopted"]), partial=table["dept_id"].map(plan["partial"]),
    )  # fmt: skip
    half = whole & (rows["period"] == rows["partial"])
    out = []
    if half.any():
        cells = int(rows.loc[half, ["dept_id", "period"]].drop_duplicates().shape[0])
        text = f"Audits of {cells} department-months in which the programme went live part-way are left out."
        out.append(Caution("partial_months", text, {"cells": cells}))
    if (~whole).any():
        outside = int(rows.loc[~whole, ["dept_id", "period"]].drop_duplicates().shape[0])
        text = f"Audits of {outside} department-months outside the whole months of the window are left out."
        out.append(Caution("audits_outside", text, {"cells": outside}))
    kept = rows.loc[whole & ~half, ["dept_id", "period", "measure", "num", "den", "adopted"]]
    return kept.astype({"period": int, "num": float, "den": float}), out


def _names(measures: pd.Series) -> dict[str, str]:
    """Identifier of each measure, from its name in the table."""
    out: dict[str, str] = {}
    for label in sorted(measures.unique()):
        name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or "measure"
        while name in out:
            name += "_2"
        out[name] = label
    return out


def _words(label: str) -> str:
    text = label.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _fit(study: Prepared, rows: pd.DataFrame) -> BinomialImputation:
    plan, rules = study.cohort.study.plan, study.cohort.study.rules
    fit = partial(
        binomial_imputation, rows, numerator="num", denominator="den", unit="dept_id", time="period", adopted="adopted",
        min_controls=rules.min_controls, anticipation=plan.anticipation, seed=plan.seed, tables=False,
    )  # fmt: skip
    found = fit(permutations=0)
    # whether there is a t test is known once the department-months compared are chosen; without one the dates are permuted
    return found if np.isfinite(found.difference.p_value) else fit(permutations=plan.permutations)


def _results(study: Prepared, one: Measure) -> list[Result]:
    what = f"share of audited records that meet the criterion ({one.label.lower()}) where the programme is active"
    about = {"role": "companion", "group": GROUP, "rests_on": (one.others,)}
    main, ratio = one.ids
    less, over = f"{what}, less the share expected without it", f"{what}, over the share expected without it"
    out = [
        Result(main, one.name, less, POPULATION, one.fit.difference, one.label, **about),
        Result(ratio, one.name, over, POPULATION, one.fit.ratio, one.label, **about),
    ]
    test = one.fit.permutation
    if test.draws and np.isfinite(one.fit.permutation_p):
        kind = "all" if test.exact else f"{test.draws:,} random (seed {test.seed})"
        name = "randomisation test" if study.random_timing else "placebo test"
        words = f"{name}: {kind} reassignments of the go-live dates, smallest p attainable {test.smallest_p:.2g}"
        tested = _tested(one, words)
        out.append(Result(f"{main}.permutation", one.name, f"{less}: permutation test", POPULATION, tested, f"{one.label}: permutation test",
            "diagnostic", GROUP, rests_on=(one.others,)))
    return out


def _tested(one: Measure, method: str) -> Estimate:
    """The permutation test of the difference in place of its interval."""
    return replace(one.fit.difference, se=np.nan, ci_low=np.nan, ci_high=np.nan, p_value=one.fit.permutation_p, df=None, method=method, warnings=())


def _what_is_left(study: Prepared, found: list[Measure], adjusted: np.ndarray) -> list[Statement]:
    """One measure in a sentence; of several, how many moved after adjustment."""
    if len(found) == 1:
        (one,) = found
        text = f"Audited measure, {one.label.lower()}: a difference of {one.fit.difference.interval(1)} percentage points. {DIRECTION}"
        return [Statement(text, rests_on=(one.met, one.others), results=one.ids[:1])]
    rate = study.cohort.study.plan.incidents.false_discovery_rate
    tested = [(one, q) for one, q in zip(found, adjusted, strict=True) if np.isfinite(q)]
    if not tested:
        return []
    moved = [one.fit.difference.value for one, q in tested if q <= rate]
    up, down = sum(value > 0 for value in moved), sum(value < 0 for value in moved)
    after = f"adjusted for their number (false-discovery rate {rate:.0%})"
    text = f"Audited measures, {after}: of {len(tested)} shares, {up} rose and {down} fell. {DIRECTION}"
    return [Statement(text, rests_on=tuple(count for one, _ in tested for count in (one.met, one.others)))]
