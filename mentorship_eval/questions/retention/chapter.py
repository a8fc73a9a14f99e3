"""Did mentorship keep staff? Two estimands, never mixed, with curves, rates, audit, diagnostics and sensitivity analyses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.plain import plain, plain_cautions, plain_exhibits, plain_gaps, plain_lead, plain_results
from mentorship_eval.questions.retention.being_mentored import being_mentored
from mentorship_eval.questions.retention.by_version import by_version
from mentorship_eval.questions.retention.crude import crude_and_adjusted, crude_being_mentored, crude_from_landmark
from mentorship_eval.questions.retention.dose import dose
from mentorship_eval.questions.retention.durations_form.durations import answer_durations
from mentorship_eval.questions.retention.from_landmark.horizon_differences import horizon_differences
from mentorship_eval.questions.retention.from_landmark.landmark import at_landmark, from_landmark
from mentorship_eval.questions.retention.from_landmark.landmark_adjusted import adjusted_from_landmark
from mentorship_eval.questions.retention.from_landmark.landmark_weighted import weighted_from_landmark
from mentorship_eval.questions.retention.levels import level_refused
from mentorship_eval.questions.retention.mentors import mentors_stay
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.programme_leavers import programme_active
from mentorship_eval.questions.retention.robustness.diagnostics import diagnostics
from mentorship_eval.questions.retention.robustness.negative_controls import negative_controls
from mentorship_eval.questions.retention.robustness.sensitivity import sensitivity
from mentorship_eval.questions.retention.robustness.structural import structural
from mentorship_eval.questions.retention.robustness.trials import trials
from mentorship_eval.questions.retention.small_programmes import is_small, small_programme
from mentorship_eval.questions.retention.staying.administrative_ends import administrative_ends
from mentorship_eval.questions.retention.staying.causes import causes_of_leaving
from mentorship_eval.questions.retention.staying.follow_up import followed_by_arm
from mentorship_eval.questions.retention.staying.horizons import still_employed
from mentorship_eval.questions.retention.staying.leaver_rates import leaver_rates
from mentorship_eval.questions.retention.subgroups import subgroups
from mentorship_eval.questions.retention.target_trial import target_trial
from mentorship_eval.questions.retention.time_zero import by_mentorship, by_programme
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.truth import with_truth

__all__ = ["answer"]

_TITLE = "Retention"
_FROM_LANDMARK = (by_mentorship, from_landmark, crude_from_landmark, horizon_differences, weighted_from_landmark, adjusted_from_landmark)


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The retention chapter of a cohort; says what lacks when it cannot be answered."""
    lacking = cohort.missing_for("retention")
    if lacking:
        return Answer("retention", _TITLE, gaps=(Gap("Did mentorship keep staff?", "The tables for it are not in this cohort.", lacking),))
    if not cohort.has("staff", "spells", "matches"):
        return answer_durations(cohort)
    refused = level_refused(cohort)
    if refused:
        return Answer("retention", _TITLE, gaps=(refused,))
    study = prepare(cohort)
    mentored, programme = made(being_mentored, study), made(programme_active, cohort, study.episodes)
    rest = Section.join(_other_parts(study))

    order = [*mentored.results[:1], *programme.results[:1], *mentored.results[1:], *programme.results[1:], *rest.results]
    results = [_in_its_group(result) for result in plain_results(with_truth(order, cohort))]
    parts = Section.join([mentored, programme, rest])
    return Answer(
        "retention",
        _TITLE,
        plain_lead([*_headlines(results), *parts.lead, *_late_entries(study)]),
        tuple(results),
        plain_exhibits([*_forest(results), *crude_and_adjusted(study, results), *parts.exhibits, _flow(study), _flow_of_spells(study)]),
        plain_cautions(parts.cautions),
        plain_gaps(parts.gaps),
        tuple(dict.fromkeys(plain(text) for text in parts.methods)),
    )


def _in_its_group(result: Result) -> Result:
    """Labels that mean something under their heading only ("Nurse", "No") begin small, so that a list puts the heading before them."""
    alone = ("retention.being", "retention.programme", "retention.cause", "retention.landmark", "retention.mentor", "retention.horizon")
    if not result.group or result.id.startswith(alone):
        return result
    return replace(result, label=result.label[:1].lower() + result.label[1:])


def _headlines(results: list[Result]) -> list[Statement]:
    """What the chapter found, first: one sentence for each of the two questions."""
    first = [r.estimate for r in results if r.role == "headline" and r.id in ("retention.being_mentored", "retention.programme_active")]
    return [Statement(estimate.statement(), rests_on=(estimate.n, estimate.n_events), see=("retention.forest",)) for estimate in first]


def _other_parts(study: Prepared) -> list[Section]:
    parts = [made(part, study) for part in (target_trial, still_employed, causes_of_leaving, leaver_rates)]
    about_all = [made(part, study) for part in (by_programme, mentors_stay, diagnostics, administrative_ends)]
    if is_small(study):
        # neither a ratio by another route nor its sensitivity where the ratio itself is refused
        return [*parts, made(small_programme, study), *about_all]
    at = at_landmark(study)
    if isinstance(at, Section):
        parts.append(at)
    else:
        parts += [made(part, study, at) for part in _FROM_LANDMARK]
    ratios = (crude_being_mentored, subgroups, dose, by_version, sensitivity, structural, trials, negative_controls)
    return [*parts, *(made(part, study) for part in ratios), *about_all]


def _forest(results: list[Result]) -> list[Exhibit]:
    """The two estimands and what stands beside them; sensitivity analyses and subgroups have forests of their own."""
    elsewhere = ("retention.dose", "retention.subgroup", "retention.version")
    compared = [r for r in results if r.estimate.is_ratio and r.role in ("headline", "companion") and not r.id.startswith(elsewhere)]
    if not compared:
        return []
    title = "Leaving: the two questions and their companions"
    note = "Being mentored, and the programme being active in one's department, are two questions with two answers, never mixed. "
    note += "n counts people; under the programme active in the department, of the rate ratio, department-months."
    options = {"note": note, "value_label": "Hazard or rate ratio", "sides": ("fewer leave", "more leave")}
    return [forest_exhibit("retention.forest", title, compared, **options)]


def _flow(study: Prepared) -> Exhibit:
    return Exhibit(
        "retention.flow",
        "flow_diagram",
        "People, from the staff table to the analysis",
        {"flow": study.episodes.flow.rename(columns={"persons_in": "read"}), "arms": followed_by_arm(study)},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True, populations=("read", "kept")), "arms": Counted(("n",), ("detail",))},
        {"unit": "people", "start_label": "In staff", "end_label": "Followed"},
        "People who are mentored while they are followed count in both groups at the foot.",
    )


def _flow_of_spells(study: Prepared) -> Exhibit:
    return Exhibit(
        "retention.flow_of_spells",
        "flow_diagram",
        "Spells, from the cleaned table to the analysis",
        {"flow": study.episodes.spell_flow.rename(columns={"spells_in": "read"})},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True, populations=("read", "kept"))},
        {"unit": "spells", "start_label": "In spells", "end_label": "Analysed"},
        "Spells wholly outside the window are left out; those that began before it count from its first day on.",
    )


def _late_entries(study: Prepared) -> list[Statement]:
    """How many were hired before the window, and so came under observation late."""
    persons = study.episodes.persons
    late = int((persons["entry"] > 0).sum())
    if not late:
        return []
    text = "{late} of {all} people were hired before the window and are followed from its first day on (left truncation)."
    return [Statement(text, {"late": late, "all": len(persons)}, rests_on=(late, len(persons) - late))]
