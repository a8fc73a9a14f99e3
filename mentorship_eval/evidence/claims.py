"""What others claim of mentorship, held against what these data found.

"25 % better retention" can be read in three ways: a quarter more of the staff stay, 25 percentage points more stay, or a quarter fewer leave.
The first two are often impossible (82 % x 1.25 is more than everybody); each that is possible is compared with the interval found here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Answer, Counted, Exhibit

__all__ = ["Reading", "claim_check", "readings", "verdict", "with_claims"]

_HORIZON = "12"
_TABLE, _DIFFERENCE, _RATIO = "retention.horizon_differences", f"retention.horizon_difference.{_HORIZON}", "retention.being_mentored"


@dataclass(frozen=True)
class Reading:
    """One way to read a claim. words: the reading; leads_to: the share that would stay; value: on the scale of ``result``; result: id."""

    words: str
    leads_to: float
    value: float
    result: str

    @property
    def possible(self) -> bool:
        return self.leads_to <= 1.0


def readings(percent: float, stay: float) -> list[Reading]:
    """The three readings of "``percent`` % better retention" where ``stay`` (0 to 1) of the others are still there.

    Differences in percentage points; the cut in leaving also as the ratio of hazards that leads to it, ln(new share)/ln(old share),
    which supposes that the hazards are proportional.
    """
    part = percent / 100
    cut = 1 - (1 - stay) * (1 - part)
    found = [
        Reading(f"{percent:g} % more of the staff stay", stay * (1 + part), 100 * stay * part, _DIFFERENCE),
        Reading(f"{percent:g} percentage points more stay", stay + part, percent, _DIFFERENCE),
        Reading(f"{percent:g} % fewer leave", cut, 100 * (cut - stay), _DIFFERENCE),
    ]
    if 0 < stay < 1 and 0 < cut < 1:
        found.append(Reading(f"{percent:g} % fewer leave, as a ratio of hazards", cut, math.log(cut) / math.log(stay), _RATIO))
    return found


def verdict(claimed: float, estimate: Estimate) -> str:
    """How the interval of ``estimate`` lies to the claim and to no effect, in words; never that a claim is true."""
    if math.isnan(estimate.ci_low) or math.isnan(estimate.ci_high):
        return "no interval, so nothing can be said"
    none = 1.0 if estimate.is_ratio else 0.0
    has_claim = estimate.ci_low <= claimed <= estimate.ci_high
    has_none = estimate.ci_low <= none <= estimate.ci_high
    if has_claim:
        return "cannot be told from the claim, nor from no effect" if has_none else "in keeping with the claim; no effect lies outside the interval"
    # which side of the claim the whole interval lies on, seen from no effect
    beyond = (estimate.ci_low > claimed) == (claimed > none)
    if beyond:
        return "more than claimed: the claim lies outside the interval"
    return "less than claimed: the claim lies outside the interval" + (", no effect does not" if has_none else "")


def _line(reading: Reading, estimate: Estimate | None) -> dict[str, object]:
    ratio = reading.result == _RATIO
    line: dict[str, object] = {
        "reading": reading.words,
        "would_stay": f"{format_number(100 * reading.leads_to, 1)} %",
        "claim": format_number(reading.value) if ratio else f"{format_number(reading.value, 1)} points",
        "found": "–", "judged": "impossible: more than everybody would stay", "told": reading.result,
    }  # fmt: skip
    if estimate is not None:
        digits = 2 if ratio else 1
        value, low, high = (format_number(number, digits) for number in (estimate.value, estimate.ci_low, estimate.ci_high))
        line["found"] = f"{value} ({low} to {high})" + ("" if ratio else " points")
    if reading.possible:
        line["judged"] = verdict(reading.value, estimate) if estimate is not None else "not estimated with these data"
    return line


def claim_check(answer: Answer, percent: float) -> Exhibit | None:
    """The claim of ``percent`` % better retention against the retention chapter; None where it has no share at twelve months.

    Takes what the chapter estimated and fits nothing.
    """
    table, told = answer.exhibit(_TABLE), {result.id: result.estimate for result in answer.results}
    if table is None or _DIFFERENCE not in told:
        return None
    rows = table.frames["rows"]
    row = rows[rows["told"] == _DIFFERENCE].iloc[0]
    stay = float(row["not_share"])
    frame = pd.DataFrame([_line(reading, told.get(reading.result)) for reading in readings(percent, stay)])
    return Exhibit(
        "retention.claims",
        "table",
        f"The claim of {percent:g} % better retention, read in every way",
        {"rows": frame},
        {"rows": Counted((), ("would_stay", "claim", "found", "judged"), results={"told": ""})},
        {
            "labels": {"reading": "The claim, read as", "would_stay": "Would then stay 12 months", "claim": "Which is",
                       "found": "Found here (95 % CI)", "judged": "The finding is"},
            "formats": dict.fromkeys(("reading", "would_stay", "claim", "found", "judged"), "text"),
        },
        f"Of those not mentored by the landmark {format_number(100 * stay, 1)} % were still employed 12 months after it. Differences are not "
        "adjusted; the ratio of hazards is that of the default model. The ratio that a cut in leaving comes to supposes proportional hazards.",
        rests_on=(row["not_left"], row["mentored_left"]),
    )  # fmt: skip


def with_claims(answer: Answer, claims: Mapping[str, float]) -> Answer:
    """The answer with its claims checked (``plan.claims`` of study.yaml: chapter -> per cent)."""
    checked = claim_check(answer, claims[answer.chapter]) if answer.chapter in claims else None
    return answer if checked is None else replace(answer, exhibits=(*answer.exhibits, checked))
