"""Did mentorship keep staff? Two estimands, never mixed, with curves, audit and diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.retention.being_mentored import being_mentored
from mentorship_eval.questions.retention.durations import answer_durations
from mentorship_eval.questions.retention.leaving_curves import causes_of_leaving, from_landmark
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.questions.retention.programme_leavers import programme_active
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.truth import with_truth

__all__ = ["answer"]

_TITLE = "Retention"


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The retention chapter of a cohort; says what lacks when it cannot be answered."""
    lacking = cohort.missing_for("retention")
    if lacking:
        return Answer("retention", _TITLE, gaps=(Gap("Did mentorship keep staff?", "The tables for it are not in this cohort.", lacking),))
    if not cohort.has("staff", "spells", "matches"):
        return answer_durations(cohort)
    study = prepare(cohort)
    mentored = being_mentored(study)
    landmark = from_landmark(cohort, study.episodes)
    causes = causes_of_leaving(study.episodes)
    programme = programme_active(cohort, study.episodes)

    order = [*mentored.results[:1], *programme.results[:1], *mentored.results[1:], *landmark.results, *programme.results[1:], *causes.results]
    results = with_truth(order, cohort)
    parts = Section.join([mentored, landmark, causes, programme])
    compared = [r for r in results if r.estimate.is_ratio and r.role != "audit" and r.role != "diagnostic"]
    forest = (
        [
            forest_exhibit(
                "retention.forest",
                "Leaving: every comparison",
                compared,
                value_label="Hazard or rate ratio",
                sides=("fewer leave", "more leave"),
            )
        ]
        if compared
        else []
    )
    flow = Exhibit(
        "retention.flow",
        "flow_diagram",
        "People, from the staff table to the analysis",
        {"flow": study.episodes.flow.rename(columns={"persons_in": "read"})},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True)},
        {"unit": "people", "start_label": "In staff"},
    )
    exhibits = (*forest, *parts.exhibits, flow)
    return Answer("retention", _TITLE, tuple(parts.lead), tuple(results), exhibits, tuple(parts.cautions), tuple(parts.gaps), tuple(parts.methods))
