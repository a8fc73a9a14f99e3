"""What was declared before the data were seen: the plan, its hash, and whether it is the plan under which earlier data were looked at."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["objectives"]


def objectives(study: DeliveryStudy) -> Section:
    """Primary and secondary outcomes, the digest of the plan, and earlier looks under another one."""
    told, plan, look = Section(), study.cohort.study.plan, study.cohort.look
    known = [earlier.plan for earlier in look.earlier if earlier.plan]
    changed = any(digest != look.plan for digest in known)
    declared = bool(plan.primary)
    state = (
        "Changed since data of this programme were first looked at"
        if changed
        else ("The same at every look at this programme" if known else "No earlier look at this programme is recorded")
    )
    rows = [
        ("Primary outcomes", ", ".join(plan.primary).replace("_", " ") or "None declared"),
        ("Secondary outcomes", ", ".join(plan.secondary).replace("_", " ") or "None declared"),
        ("Level of leaving", plan.leaving),
        ("Hash of the plan", look.plan),
        ("Looks at this programme", str(look.number)),
        ("Plan since the first look", state),
    ]
    told.exhibits.append(
        table_exhibit(
            "delivery.objectives",
            "Objectives as declared",
            pd.DataFrame(rows, columns=["what", "declared"]),
            labels={"what": "", "declared": "As declared in study.yaml"},
        )
    )
    if not declared:
        told.lacks("What the programme was to achieve", "No primary outcome is declared.", "plan: primary in study.yaml")
    if changed:
        told.cautions.append(
            Caution(
                "plan_amended",
                "The plan was changed after data of this programme had been seen: what it names as primary is not what was declared beforehand.",
                {"plans": look.plans},
            )
        )
        told.lead.append(Statement("The plan was changed after data had been seen."))
    return told
