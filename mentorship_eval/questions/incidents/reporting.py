"""How much of a change in harm can be a change in reporting: a bound from the no-harm incidents.

Suppose that incidents without harm happened as often as they would have without the programme, so that a change in their reports is one of
reporting. If the willingness to report changed in the same proportion for both, the ratio of the two rate ratios is the effect on harm itself; if
only for no-harm, the harm rate ratio is. The truth then lies between the two (joint jackknife on the same departments).
"""

from __future__ import annotations

from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.incidents.joint import ratio_of_ratios
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.section import Section

__all__ = ["NOTE", "reporting_bound", "tell_the_pair"]


NOTE = Caution(
    "reporting_culture",
    "Incident reports measure harm and the willingness to report it. A rise in reports of no-harm incidents is not harm, "
    "and a fall in them is not safety.",
)


def reporting_bound(harm: PoissonImputation, no_harm: PoissonImputation) -> tuple[Result, Statement] | None:
    """The ratio of the harm to the no-harm rate ratio with its interval, and a sentence; None when a ratio is 0 or unknown."""
    estimand = (
        "rate ratio of harm if reporting changed as much for harm as for no-harm incidents, and no-harm incidents happened as often as without "
        "the programme"
    )
    estimate = ratio_of_ratios(harm, no_harm, estimand)
    if estimate is None:
        return None
    result = Result(
        "incidents.reporting_bound",
        "harm_incidents",
        estimand,
        "department-periods with the programme",
        estimate,
        "Incidents with harm, if reporting changed alike",
        "sensitivity",
    )
    observed, bound = harm.irr.interval(), estimate.interval()
    factor = format_number(harm.irr.value)
    low, high = sorted((estimate.value, harm.irr.value))
    sentence = Statement(
        f"Reports of incidents without harm changed by the factor {no_harm.irr.interval()}, of incidents with harm by {observed}. If incidents "
        f"without harm happened as often as they would have without the programme, their factor is one of reporting; were harm reported more or "
        f"less in the same measure, the ratio for harm itself would be {bound}, and the effect on harm lies between {format_number(low)} and "
        f"{format_number(high)}, each with its own uncertainty, if the reporting of harm moved by anything between not at all and as much. Were "
        f"reporting alone behind the change in harm, the readiness to report harm would have changed by the factor {factor}.",
        rests_on=(harm.irr.n_events, no_harm.irr.n_events),
        see=("incidents.forest",),
    )
    return result, sentence


def tell_the_pair(study: Prepared) -> Section:
    """The reporting bound where both ratios exist; otherwise what lacks for it."""
    told = Section(cautions=[NOTE])
    pair = [study.fits[name].fit for name in ("harm", "no_harm") if name in study.fits]
    bound = reporting_bound(*pair) if len(pair) == 2 else None
    if bound is None:
        why, unlock = _what_lacks(study)
        reason = why if len(pair) < 2 else "One of the two rate ratios is 0 or unknown."
        return told.lacks("What a change in reporting can explain", reason, unlock)
    told.results.append(bound[0])
    told.lead.append(bound[1])
    return told


def _what_lacks(study: Prepared) -> tuple[str, str]:
    if study.records is None:
        if study.kind("harm") and study.kind("no_harm"):
            return "There is no pair of harm and no-harm counts.", "more events of both kinds"
        return (
            "The counts are not split into incidents with and without harm.",
            "outcomes harm and no_harm in counts, or the tables incidents (with harm), exposure and rollout",
        )
    recorded = "harm" in study.records and study.records["harm"].notna().any()
    if study.kind("harm") and study.kind("no_harm"):
        return "One of the two rate ratios cannot be estimated.", "more departments or months without the programme, or more events"
    if not len(study.records):
        return "No incident is recorded.", "more months of records"
    if recorded:
        return "Incidents of one of the two kinds were never recorded.", "more months of records"
    return "The incidents do not say whether there was harm.", "the column harm in incidents, filled in"
