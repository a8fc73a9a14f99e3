"""Did mentorship keep staff? Two estimands, never mixed, with curves, audit and diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.retention.being_mentored import being_mentored
from mentorship_eval.questions.retention.durations import answer_durations
from mentorship_eval.questions.retention.leaving_curves import causes_of_leaving, from_landmark
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from mentorship_eval.questions.retention.programme_leavers import programme_active
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
    episodes = cohort_episodes(cohort)
    mentored = being_mentored(cohort, episodes)
    cif, employed, cif_cautions = causes_of_leaving(episodes)
    curves, landmark, curve_cautions, curve_gaps = from_landmark(cohort, episodes)
    itt, itt_exhibits, itt_cautions, itt_gaps = programme_active(cohort, episodes)

    order = [*mentored.results[:1], *itt[:1], *mentored.results[1:], *landmark, *itt[1:], *employed]
    results = with_truth(order, cohort)
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
        {"flow": episodes.flow.rename(columns={"persons_in": "read"})},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True)},
        {"unit": "people", "start_label": "In staff"},
    )
    methods = (
        "Being mentored: " + mentored.method + ". Exposure is absorbing unless the plan says otherwise: once mentored, always mentored.",
        "The programme active in the department: Poisson imputation on voluntary leavers per person-year by department, tenure band and "
        "month; department and month effects fitted where the programme is not active; leave-one-department-out jackknife, t(G-1).",
        "Curves by mentorship start at a landmark; causes of leaving are told by Aalen-Johansen curves with delayed entry.",
    )
    return Answer(
        "retention",
        _TITLE,
        tuple(mentored.lead),
        tuple(results),
        (*forest, *mentored.exhibits, *curves, *cif, *itt_exhibits, flow),
        (*mentored.cautions, *curve_cautions, *cif_cautions, *itt_cautions),
        (*mentored.gaps, *curve_gaps, *itt_gaps),
        methods,
    )
