"""Signs of a change in reporting: near misses against other incidents without harm, and how promptly is reported.

A programme that makes people speak up should raise near misses more than harm-free incidents that are seen anyway, and the share of prompt reports.
Neither is proof: what happens, and not only what is told of it, may have changed.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval import did
from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.charts import ratio_chart, share_chart
from mentorship_eval.questions.incidents.forests import in_words
from mentorship_eval.questions.incidents.joint import ratio_of_ratios
from mentorship_eval.questions.incidents.prepared import POPULATION, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["reporting_behaviour"]

GROUP = "Signs of a change in reporting"


def reporting_behaviour(study: Prepared) -> Section:
    """Near misses and prompt reporting; what lacks for either."""
    return Section.join([_near_misses(study), _prompt_reports(study)])


def _near_misses(study: Prepared) -> Section:
    told, question = Section(), "Near misses against other incidents without harm"
    near, other = study.fits.get("near_miss"), study.fits.get("no_harm")
    if near is None or other is None:
        reason = "Near misses and incidents without harm are not both counted, or one of them has no rate ratio."
        return told.lacks(question, reason, "near_miss and none among the degrees of harm in incidents")
    estimand = "near misses for each incident without harm where the programme is active, over what is expected without it"
    estimate = ratio_of_ratios(near.fit, other.fit, estimand)
    if estimate is None:
        return told.lacks(question, "One of the two rate ratios is 0 or unknown.", "more reports of near misses")
    label, name = "Near misses, for each incident without harm", "near_miss_share"
    behind = (near.fit.observed, other.fit.observed)
    told.results.append(Result(f"incidents.{name}", name, estimand, POPULATION, estimate, label, "companion", GROUP, rests_on=behind))
    columns = {"near_miss": "count", "no_harm": "exposure", study.adopted: "adopted"}
    rows = study.rows[["dept_id", "period", "near_miss", "no_harm", study.adopted]]
    label = "Near misses per 100 incidents without harm"
    chart = ratio_chart(study, rows.rename(columns=columns), "incidents.near_misses.chart", "Near misses", label)
    return Section.join([told, chart])


def _prompt_reports(study: Prepared) -> Section:
    told, days = Section(), study.cohort.study.plan.incidents.prompt_days
    question = f"How promptly incidents are reported (within {days:g} days)"
    records = study.records
    if records is None or "reported" not in records or records["reported"].notna().sum() == 0:
        return told.lacks(question, "The day of the report is not recorded.", "the column reported in incidents")
    rows, rules, plan = _reports(study, records, days), study.cohort.study.rules, study.cohort.study.plan
    try:
        fit = did.binomial_imputation(
            rows, numerator="prompt", denominator="known", unit="dept_id", time="period", adopted=study.adopted, min_controls=rules.min_controls,
            anticipation=plan.anticipation, permutations=0, tables=False,
        )  # fmt: skip
    except EstimationError as error:
        return told.lacks(question, in_words(error.problem), "more incidents with a day of report")
    estimand = f"share of reports made within {days:g} days where the programme is active, less the share expected without it (percentage points)"
    cells = fit.cells[fit.cells["role"] == "target"]
    late = float(cells["denominator"].sum() - cells["observed"].sum())
    label, name = f"Share reported within {days:g} days (percentage points)", "prompt_reports"
    behind = (float(cells["observed"].sum()), late)
    told.results.append(Result(f"incidents.{name}", name, estimand, POPULATION, fit.difference, label, "companion", GROUP, rests_on=behind))
    told.methods.append(
        f"Prompt reporting: reports within {days:g} days of the incident among all reports of a department-month with both days known, by binomial "
        "imputation. It is about reports, whose mix the programme may change. Months whose prompt reports could not all have come in by the last "
        "report are left out; late ones still to come raise the share of the last months alike with and without the programme."
    )
    columns = {"prompt": "count", "known": "exposure", study.adopted: "adopted"}
    chart = share_chart(study, rows.rename(columns=columns), "incidents.prompt_reports.chart", "Prompt reports", f"Reports within {days:g} days, %")
    return Section.join([told, chart])


def _reports(study: Prepared, records: pd.DataFrame, days: float) -> pd.DataFrame:
    """Department-months with the number of reports whose lag is known, and the prompt ones among them."""
    start, end = study.cohort.window
    occurred, reported = pd.to_datetime(records["occurred"]), pd.to_datetime(records["reported"])
    lag = (reported - occurred).dt.days
    # an incident of the last days is seen only if it was reported promptly: its month says nothing about promptness
    last = min(reported.max() - pd.Timedelta(days=days), pd.Timestamp(end))
    month = occurred.dt.to_period("M")
    usable = lag.ge(0) & (month.dt.end_time <= last + pd.Timedelta(days=1)) & occurred.ge(start)
    frame = pd.DataFrame({
        "dept_id": records["dept_id"], "period": (month.dt.year - pd.Timestamp(start).year) * 12 + month.dt.month - pd.Timestamp(start).month + 1,
        "known": 1, "prompt": lag.le(days).astype(int),
    })[usable]  # fmt: skip
    counts = frame.groupby(["dept_id", "period"], as_index=False)[["known", "prompt"]].sum()
    return study.rows[["dept_id", "period", "adopted"]].merge(counts, on=["dept_id", "period"])  # the same cells as everywhere else
