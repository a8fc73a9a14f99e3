"""Signs of a change in reporting itself: the share of near misses among all reports, and how promptly is reported.

A programme that makes people speak up should raise the share of near misses and of prompt reports; neither is harm. Both are ratios of shares:
the share where the programme is active over the share expected there without it.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.forests import in_words
from mentorship_eval.questions.incidents.joint import ratio_of_ratios
from mentorship_eval.questions.incidents.prepared import POPULATION, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["reporting_behaviour"]

GROUP = "Signs of a change in reporting"


def reporting_behaviour(study: Prepared) -> Section:
    """Near-miss share and prompt reporting; what lacks for either."""
    return Section.join([_near_misses(study), _prompt_reports(study)])


def _near_misses(study: Prepared) -> Section:
    told, question = Section(), "The share of near misses among all reports"
    near, every = study.fits.get("near_miss"), study.fits.get("all_incidents")
    if near is None or every is None:
        reason = "Near misses and all incidents are not both counted, or one of them has no rate ratio."
        return told.lacks(question, reason, "near_miss among the degrees of harm in incidents")
    estimand = "share of near misses among all reports where the programme is active, over the share expected without it"
    estimate = ratio_of_ratios(near.fit, every.fit, estimand)
    if estimate is None:
        return told.lacks(question, "One of the two rate ratios is 0 or unknown.", "more reports of near misses")
    others = every.fit.observed - near.fit.observed
    label, name = "Share of near misses", "near_miss_share"
    told.results.append(Result(f"incidents.{name}", name, estimand, POPULATION, estimate, label, "companion", GROUP, rests_on=(others,)))
    return told


def _prompt_reports(study: Prepared) -> Section:
    told, days = Section(), study.cohort.study.plan.incidents.prompt_days
    question = f"How promptly incidents are reported (within {days:g} days)"
    records = study.records
    if records is None or "reported" not in records or records["reported"].notna().sum() == 0:
        return told.lacks(question, "The day of the report is not recorded.", "the column reported in incidents")
    rows = _reports(study, records, days)
    try:
        rates = study.fit("prompt", "Prompt reports", rows=rows, exposure="known", words="per 1,000 reports")
    except EstimationError as error:
        return told.lacks(question, in_words(error.problem), "more incidents with a day of report")
    estimand = f"share of incidents reported within {days:g} days where the programme is active, over the share expected without it"
    late = float(rates.fit.exposure_total - rates.fit.observed)
    label, name = f"Share reported within {days:g} days", "prompt_reports"
    told.results.append(Result(f"incidents.{name}", name, estimand, POPULATION, rates.fit.irr, label, "companion", GROUP, rests_on=(late,)))
    told.methods.append(
        f"Prompt reporting: reports within {days:g} days of the incident over all reports of a department-month with both days known, by the same "
        "imputation with reports in the place of patient-days. Months whose prompt reports could not all have come in by the last report are left "
        "out; late ones that are still to come raise the share of the last months alike where the programme is active and where it is not."
    )
    return told


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
