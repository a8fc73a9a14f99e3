"""How far the estimate of being mentored rests on its choices: the plan's list of other analyses, and E-values.

Each analysis changes one thing of the default and says in its estimand which; none replaces the default.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.inference.evalue import e_value
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import counted_forest, forest_rows, table_exhibit
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.robustness.sensitivity_fits import Fitted, Variant, restricted_fit, variant_result
from mentorship_eval.questions.retention.robustness.sensitivity_variants import LANDMARKS, MODEL, landmark_variant, variants
from mentorship_eval.questions.retention.support import arms, on_both_arms
from mentorship_eval.questions.section import Section

__all__ = ["sensitivity"]

COMMON = 0.15  # share with the outcome from which a hazard ratio is no longer close to a risk ratio


@on_both_arms
def sensitivity(study: Prepared) -> Section:
    """Results (role sensitivity), the forest with the default on top, the sentence on its range, and E-values."""
    if study.main is None:
        return _mundlak(study)
    told = Section()
    default = Result(
        "retention.being_mentored", OUTCOME, study.estimand, "all staff followed", study.told(study.main.estimate, study.estimand),
        "Default analysis", "headline", rests_on=arms(study.rows),
    )
    found, unchanged, lost = _fit_all(study, list(variants(study)))
    told.results += found
    plan = study.cohort.study.plan
    days = [None, *(day for day in dict.fromkeys(plan.sensitivity.landmarks_days) if day != plan.landmark_days)]
    landmarks, _, without = _fit_all(study, [landmark_variant(study, None if day is None else float(day)) for day in days])
    _not_estimable(told, {**lost, **without})
    # the default landmark stands among the results already, under its own name
    told.results += [result for result in landmarks if result.id != "retention.sensitivity.landmark_default"]
    if found or landmarks:
        told.exhibits.append(_forest([default, *found, *landmarks], unchanged))
    told.lead += _range(default, found, landmarks)
    _explained_away(told, study, default)
    told.methods.append(
        "Sensitivity: each analysis changes one thing of the default analysis of being mentored; the list is the plan's (plan.sensitivity in "
        "study.yaml). Those that could not differ in these data are named under the figure and are not counted."
    )
    return told


def _fit_all(study: Prepared, chosen: Sequence[Variant]) -> tuple[list[Result], list[str], dict[str, str]]:
    """Results; what is not shown because it is the default analysis in these data; what cannot be fitted, and why."""
    results, unchanged, lost = [], [], {}
    for variant in chosen:
        try:
            fitted = variant.run(study)
        except (EstimationError, DataError) as error:
            lost[variant.label if variant.group != LANDMARKS else f"Mentored {variant.label[:1].lower()}{variant.label[1:]}"] = error.problem
            continue
        if fitted.estimate is None:
            unchanged.append(f"{variant.label} ({fitted.same_because})")
        else:
            results.append(variant_result(study, variant, fitted))
    return results, unchanged, lost


def _not_estimable(told: Section, lost: dict[str, str]) -> None:
    """One gap for all analyses that cannot be fitted for the same reason."""
    by_reason: dict[str, list[str]] = {}
    for label, reason in lost.items():
        by_reason.setdefault(reason, []).append(label)
    for reason, labels in by_reason.items():
        told.lacks(f"Being mentored, in other analyses: {'; '.join(labels)}", reason, "More people or more follow-up.")


def _forest(results: list[Result], unchanged: list[str]) -> Exhibit:
    frame = forest_rows(results)
    if "group" not in frame:
        frame["group"] = ""
    frame["headline"] = frame["id"] == results[0].id
    note = "Every row but the first changes one thing of the default analysis."
    if unchanged:
        note += f" The same as the default in these data, and not shown: {'; '.join(unchanged)}."
    return Exhibit(
        "retention.sensitivity.forest",
        "forest",
        "Being mentored: the default analysis and what changes one thing of it",
        {"rows": frame},
        {"rows": counted_forest()},
        {"value_label": "Hazard ratio", "sides": ("fewer leave", "more leave")},
        note,
    )


def _side(estimate: Estimate) -> int:
    """-1 or 1: the interval lies below or above 1; 0: it holds 1, or there is none."""
    if estimate.ci_high < 1:
        return -1
    return 1 if estimate.ci_low > 1 else 0


def _range(default: Result, found: list[Result], landmarks: list[Result]) -> list[Statement]:
    """From where to where the estimates run, and how many differ from the default in direction or in holding 1."""
    here, own = default.estimate, []
    usable = [r for r in found if math.isfinite(r.estimate.value)]
    for what, results in (("other analyses of being mentored", usable), ("landmarks", landmarks)):
        if len(results) < 2:  # one is no range
            continue
        low, high = min(results, key=lambda r: r.estimate.value), max(results, key=lambda r: r.estimate.value)
        name = f"the {len(results)} {what}"
        # labels stand within brackets, never as a part of the sentence
        text = (
            f"In {name} the hazard ratio of leaving runs from {format_number(low.estimate.value)} ({_lower(low.label)}) to "
            f"{format_number(high.estimate.value)} ({_lower(high.label)})"
        )
        turned = sum((r.estimate.value < 1) != (here.value < 1) for r in results)
        crossed = sum(_side(r.estimate) != _side(here) for r in results)
        holds = "holds 1" if _side(here) == 0 else "does not hold 1"
        text += f"; {_many(turned)} on the other side of 1 from the default"
        # without an interval there is nothing that it could hold
        text += "." if math.isnan(here.ci_low) else f". The default's interval {holds}; {_differs(crossed)}."
        own.append(Statement(text, rests_on=_behind(default, low, high)))
    return own


def _behind(*results: Result) -> tuple[float | None, ...]:
    """The counts behind some results together."""
    return tuple(count for r in results for count in (r.estimate.n_events, *r.rests_on))


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


def _many(count: int) -> str:
    return "none lies" if not count else ("one lies" if count == 1 else f"{count} lie")


def _differs(count: int) -> str:
    return "so it is with all of these" if not count else ("one of these is otherwise" if count == 1 else f"{count} of these are otherwise")


def _explained_away(told: Section, study: Prepared, default: Result) -> None:
    """E-values of the default estimate and of its limit nearer to 1."""
    estimate = default.estimate
    share = float(estimate.n_events or 0) / max(estimate.n or 1, 1)
    common = share > COMMON
    value = e_value(estimate, common=common)
    conversion = (
        f"more than {COMMON:.0%} {study.words.left}, so the hazard ratio was first turned into an approximate risk ratio"
        if common
        else f"at most {COMMON:.0%} {study.words.left}, so the hazard ratio stands for a risk ratio"
    )
    method = f"E-value (VanderWeele and Ding 2017); {conversion}"
    for name, number, label in (
        ("retention.evalue", value.value, "E-value of the estimate"),
        ("retention.evalue.limit", value.ci_value, "E-value of the limit nearer to 1"),
    ):
        estimand = f"strength of unmeasured confounding that would explain it away: {study.estimand}"
        told_as = Estimate(value=number, scale="E-value", n=estimate.n, n_events=estimate.n_events, method=method, estimand=estimand)
        told.results.append(Result(name, OUTCOME, estimand, "all staff followed", told_as, label, "diagnostic", "Unmeasured confounding"))
    frame = value.table.assign(n_events=estimate.n_events)
    told.exhibits.append(
        table_exhibit(
            "retention.sensitivity.evalue",
            "What unmeasured confounding would have to be to explain the estimate away",
            frame,
            counts=("n_events",),
            derived=("ratio", "risk_ratio", "e_value"),
            labels={"quantity": "Of", "ratio": "Hazard ratio", "risk_ratio": "Risk ratio", "e_value": "E-value", "n_events": "Leavers"},
            formats={"ratio": "number", "risk_ratio": "number", "e_value": "number", "n_events": "count"},
            note="The E-value is the least risk ratio that an unmeasured confounder would need with both being mentored and leaving, beyond the "
            f"measured covariates, strata and calendar; 1: none is needed. {conversion[:1].upper()}{conversion[1:]}.",
        )
    )
    told.lead.append(Statement(value.statement(), rests_on=_behind(default), see=("retention.sensitivity.evalue",)))


def _mundlak(study: Prepared) -> Section:
    """Where no department has contrast: without strata, with each department's mean exposure beside the person's own."""
    told = Section()
    if "does not vary within the risk set" not in study.problem:
        return told.lacks("How robust the estimate of being mentored is", "There is no default estimate to vary.", "What the default analysis lacks.")
    rows = study.rows
    days = rows["stop"] - rows["start"]
    shares = (days * rows["mentored"]).groupby(rows["dept_id"]).sum() / days.groupby(rows["dept_id"]).sum()
    words = "without strata, with each department's share of mentored time as a covariate (Mundlak): no department has contrast of its own"
    variant = Variant("mundlak", "Between departments (Mundlak)", MODEL, words, lambda s: Fitted(None))
    try:
        fitted = restricted_fit(rows.assign(share_of_department=rows["dept_id"].map(shares)), ["share_of_department", *study.model], strata=None)
    except EstimationError as error:
        unlock = "Departments in which some are mentored and some not."
        return told.lacks("Being mentored, with no contrast within departments", error.problem, unlock)
    told.results.append(variant_result(study, variant, fitted))
    told.exhibits.append(_forest(told.results, []))
    return told
