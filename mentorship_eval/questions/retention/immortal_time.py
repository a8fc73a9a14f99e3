"""The audit of the design that most published evaluations use: ever against never mentored.

Whoever was matched after eight months had to stay eight months to be matched. Counting that time as mentored makes any
programme look good; the audit prints what it would have said, beside the right estimate and the misplaced person-days.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.cohort.person_time.fixed_exposure import naive_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.questions.retention.levels import words_of
from mentorship_eval.questions.retention.model_rows import OUTCOME, default_cox, persons_not_rows

__all__ = ["immortal_time"]

_DESIGNS = (
    ("hire", "Ever mentored, counted from hire", "naive: ever against never mentored, everybody counted from hire"),
    ("entry", "Ever mentored, counted from entry", "naive: ever against never mentored, with delayed entry"),
)


def immortal_time(episodes: Episodes, covariates: list[str], correct: Result | None) -> tuple[list[Result], list[Exhibit]]:
    """The naive results and the figure that sets them beside ``correct`` (when that exists)."""
    results = []
    designs = {origin: naive_rows(episodes, origin=origin) for origin, _, _ in _DESIGNS}
    for origin, label, text in _DESIGNS:
        rows, _ = with_covariates(designs[origin].rows, covariates)
        rows["event"] = rows["cause"].isin(episodes.outcome).astype(int)
        try:
            fit = default_cox(rows, "ever_mentored", covariates, "event", "dept_id")
        except EstimationError:
            continue
        estimate = persons_not_rows(fit.estimate, len(episodes.persons), int(rows["event"].sum()), text)
        results.append(Result(f"retention.naive_{origin}", OUTCOME, text, "all staff followed", estimate, label, "audit"))
    if not results or correct is None:
        return results, []
    frame = pd.DataFrame(
        [
            {
                "label": r.label,
                "estimate": r.estimate.value,
                "ci_low": r.estimate.ci_low,
                "ci_high": r.estimate.ci_high,
                "n_events": r.estimate.n_events,
                "hollow": r.role == "audit",
                "reason": "withheld",
            }
            for r in [*results, correct]
        ]
    )
    followed = designs["entry"]
    exhibit = Exhibit(
        "retention.audit",
        "audit_contrast",
        "What immortal time does to the estimate",
        {"rows": frame},
        {"rows": Counted(("n_events",), ("estimate", "ci_low", "ci_high"))},
        {
            "misclassified_days": followed.misclassified_days,
            "total_days": followed.claimed_days,
            "value_label": f"Hazard ratio of {words_of(episodes).leaving}",
        },
        "A person has to stay long enough to be matched; counting that time as mentored makes any programme look good.",
    )
    return results, [exhibit]
