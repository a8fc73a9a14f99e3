"""How far the result rests on parallel trends: what was seen before go-live, and how large a drift would turn the interval.

A quiet time before go-live proves nothing, so its test is told with what it could have found, and the estimate is told again as it would be
under drifts of a stated size.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentorship_eval import did
from mentorship_eval.did.sensitivity.breakdown_result import CountBreakdown
from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.rates import RateFit
from mentorship_eval.questions.section import Section

__all__ = ["trends"]

SMALLEST_REACH = 0.005  # of the axis, log rate per period, where nothing asks for more
LARGEST_REACH = 0.05


def trends(study: Prepared) -> Section:
    """The breakdown value of each headline outcome with an interval, as a figure; the test before go-live stands under the event study."""
    told = Section()
    for kind in study.kinds:
        rates = study.fits.get(kind.column)
        if kind.role == "headline" and rates is not None and math.isfinite(rates.fit.irr.ci_low):
            _breakdown(study, kind, rates, told)
    if told.exhibits:
        told.methods.append(
            "Violations of parallel trends: the expected counts are multiplied by a drift of the rate per period from the last period without the "
            "programme on, in every refit of the jackknife too; the breakdown value is the drift at which the interval reaches 1. Relative "
            "magnitudes after Rambachan & Roth (2023) hold the steps after go-live against the largest one before it."
        )
    return told


def _breakdown(study: Prepared, kind: Kind, rates: RateFit, told: Section) -> None:
    behind = (rates.fit.irr.n_events,)
    try:
        found = did.breakdown(rates.fit, panel=study.rows, drifts=[float(d) for d in np.linspace(-LARGEST_REACH, LARGEST_REACH, 201)])
    except EstimationError as error:
        question = f"{kind.label}: how large a violation of parallel trends would turn the result"
        told.lacks(question, error, "More departments or months before go-live.")
        return
    curve = found.curve[found.curve["drift"].abs() <= _reach(found) + 1e-12]
    frame = curve.rename(columns={"ratio": "estimate"}).assign(violation=_per_cent(curve["drift"]))
    seen = found.trend_seen
    options = {
        "breakdown": _per_cent(found.drift), "breakdown_of_estimate": _per_cent(found.drift_of_estimate), "value_label": "Rate ratio",
        "breakdown_reason": "" if math.isfinite(found.drift) else "The interval holds 1 without any drift",
        "violation_label": f"Drift of the rate without the programme, % per {study.time_unit}",
        **({"seen": _per_cent(seen.value), "seen_low": _per_cent(seen.low), "seen_high": _per_cent(seen.high)} if seen is not None else {}),
    }  # fmt: skip
    note = "Drift: of the departments with the programme against the others, from the last period before go-live on, had there been no programme. "
    if seen is not None:
        note += "The drift seen before go-live, and what could have been seen, is told under the event study. "
    note += found.statement(seen_before=False)
    told.exhibits.append(
        Exhibit(
            f"incidents.{kind.column}.breakdown", "breakdown", f"{kind.short}: the rate ratio under violations of parallel trends",
            {"curve": frame[["violation", "estimate", "ci_low", "ci_high"]].reset_index(drop=True)}, {}, options, note,
            rests_on=behind,
        )
    )


def _per_cent(drift: Any) -> Any:
    """A drift of the log rate per period as a change of the rate in per cent."""
    return 100 * np.expm1(drift)


def _reach(found: CountBreakdown) -> float:
    """How far the axis goes: past the breakdown values and what was seen before go-live, within reason."""
    seen = found.trend_seen
    values = [found.drift, found.drift_of_estimate, *((seen.low, seen.high) if seen is not None else ())]
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return float(np.clip(1.3 * largest, SMALLEST_REACH, LARGEST_REACH))
