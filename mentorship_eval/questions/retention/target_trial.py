"""The trial that would answer the question, beside what these data make of it (TARGET, 2025; Hernán and Robins 2016).

A two-column table: each component of the protocol as a trial of mentoring would specify it, and how the default analysis emulates it. Departments
taking up the programme are compared by difference in differences, to which TARGET does not apply; the note says so.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.section import Section

__all__ = ["target_trial"]

_DAYS = "{:g} days"
# what the trial would do, the same for every study
_TRIAL = {
    "Eligibility": "Staff in post who have not been mentored in this post and could be",
    "Strategies": "Be given a mentor now; or go without, and be given one later or never",
    "Assignment": "At random, within department, known to both",
    "Time zero": "The day of assignment, which is the day on which eligibility is met",
    "Follow-up": "From time zero until leaving, or the end of the study",
    "Outcome": "{leaving}",
    "Causal contrast": "Effect of having been given a mentor (intention to treat)",
    "Assumptions": "None beyond random assignment and complete follow-up",
    "Analysis": "Hazard ratio, and the difference in who is {still}, by assignment",
}


def _exposure(study: Prepared) -> str:
    options = study.episodes.options
    text = "Being mentored from the first match on, as time passes"
    if options.get("exposure") == "current":
        text = "Being mentored while a match lasts"
        if options.get("grace"):
            text += f" and {_DAYS.format(options['grace'])} after it"
    if options.get("lag"):
        text += f", counted from {_DAYS.format(options['lag'])} after the match began"
    return f"{text}; not yet mentored before that. Each person may be in both, one after the other, and no time before a match counts as mentored"


def _adjusted(study: Prepared) -> str:
    named = ", ".join(name.replace("_", " ") for name in study.covariates)
    return f"baseline covariates of the plan ({named})" if named else "no baseline covariates (the plan names none)"


def _emulated(study: Prepared) -> dict[str, str]:
    words = study.words
    return {
        "Eligibility": "Everybody in post during the window whom the flow of records keeps; those hired before it from the tenure at which it begins",
        "Strategies": _exposure(study),
        "Assignment": f"Not assigned: people are taken to be alike given department, tenure, calendar quarter and {_adjusted(study)}",
        "Time zero": "Hire; people enter at the tenure at which they are first observed (left truncation), so that nobody is credited with "
                     "having stayed until then",
        "Follow-up": "To the first exit or the end of the window; suspended time (maternity leave, career break, secondment) stays in unless "
                     "the rules of the study say otherwise",
        "Outcome": f"{words.label}; other exits end follow-up as competing events",
        "Causal contrast": "Ratio of cause-specific hazards by being mentored at the time (as treated); from a landmark, by being mentored by then",
        "Assumptions": "No unmeasured common cause of being mentored and leaving beyond these (E-values and negative controls say how much it "
                       "would take); exits of other kinds not informative; one person's mentor does not keep another",
        "Analysis": "Cox model, strata of department, errors by department; differences in shares and mean time from the landmark",
    }  # fmt: skip


def target_trial(study: Prepared) -> Section:
    """The protocol of the target trial and its emulation, as a table."""
    told, words = Section(), study.words
    emulated = _emulated(study)
    trial = {name: text.format(leaving=words.label, still=words.still) for name, text in _TRIAL.items()}
    frame = pd.DataFrame({"component": list(trial), "trial": list(trial.values()), "emulated": [emulated[name] for name in trial]})
    told.exhibits.append(
        table_exhibit(
            "retention.target_trial",
            "The target trial of being mentored, and how these data emulate it",
            frame,
            labels={"component": "Component", "trial": "The trial that would answer it", "emulated": "The default analysis of these data"},
            formats=dict.fromkeys(frame.columns, "text"),
            note="After TARGET (2025). Where the two columns differ, the estimate rests on the assumptions named. The programme being active in "
            "one's department is compared between departments over time, for which this guideline was not written.",
        )
    )
    return told
