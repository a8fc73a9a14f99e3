"""One thing changed at a time: old software and data to new software and data, with the answers in between computed on the spot.

Software, data and plan lie between two releases. What is computed here, with the package as it is now: old data under the old plan, new
data under the old plan, old data under the new plan, new data under the new plan. The steps from one to the next are what each change did by
itself; where data and plan act on one another, the two orders differ, and both are told. Each answer passes the ledger by itself
before it is compared, and only estimates that both releases show are told. Still these are numbers that neither release shows: they are for
whoever holds the data, not for publication.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.report.compare.comparison import Comparison
from mentorship_eval.report.compare.release import Release
from mentorship_eval.report.manifest import inputs_sha256, list_inputs

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["Explained", "check_data", "explain"]


@dataclass(frozen=True)
class Explained:
    """How far one estimate moved for each reason: differences of the logarithm on ratio scales (``as_ratio``), of the value otherwise.

    software: code and libraries, from the old release to the old cohort answered here; data, plan: the average over both orders;
    together: half of what the orders differ by, so that data and plan each stand for this much more or less; rest: from the new cohort
    answered here to the new release, whose software may not be this one either. NaN where an answer in between is withheld.
    """

    id: str
    as_ratio: bool
    whole: float
    software: float
    data: float
    plan: float
    together: float
    rest: float

    def as_dict(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in ("whole", "software", "data", "plan", "together", "rest")}
        return {"id": self.id, "as_ratio": self.as_ratio, **{name: value if math.isfinite(value) else None for name, value in parts.items()}}

    def said(self, value: float) -> str:
        """One part: ``×1.02`` on ratio scales, ``+0.31`` otherwise."""
        if not math.isfinite(value):
            return "not told"
        return f"×{math.exp(value):.3f}" if self.as_ratio else f"{value:+.3g}".replace("-", "−")


def check_data(comparison: Comparison, old: Cohort, new: Cohort) -> None:
    """Raise `UsageError` unless the cohorts hold the data of the two releases."""
    _matches(comparison.old, old, "first")
    _matches(comparison.new, new, "second")


def _matches(release: Release, cohort: Cohort, which: str) -> None:
    if inputs_sha256(list_inputs(cohort)) != inputs_sha256(release.manifest["inputs"]):
        raise UsageError(
            f"The {which} cohort folder does not hold the data of {release.label}.",
            fix="Give the folders in the order of the runs; `mentorship-eval verify RUN --cohort FOLDER` says which file differs.",
        )


def _answered(cohort: Cohort, chapters: Iterable[str]) -> dict[str, Estimate]:
    from mentorship_eval.report.answers import answer_chapters, protect_answers

    shown, _ = protect_answers(answer_chapters(cohort, list(chapters)), cohort)
    return {result.id: result.estimate for answer in shown.values() for result in answer.results}


def _with_plan(cohort: Cohort, other: Cohort) -> Cohort:
    """The data of one under the plan of another; hidden is what either would hide."""
    strict = max((cohort.study.disclosure, other.study.disclosure), key=lambda each: (not each.off, each.threshold))
    return replace(cohort, study=cohort.study.model_copy(update={"plan": other.study.plan, "disclosure": strict}))


def explain(comparison: Comparison, old: Cohort, new: Cohort, progress: Callable[[str], Any] | None = None) -> list[Explained]:
    """Every estimate that moved, taken apart. old, new: the cohorts of the two releases, as `check_data` wants them."""
    say = progress or (lambda _: None)
    chapters = [name for name in comparison.new.manifest["parameters"]["chapters"] if name in comparison.old.manifest["parameters"]["chapters"]]
    same_plan, same_data = old.study.plan == new.study.plan, old.hash == new.hash
    say("old data, old plan")
    first = _answered(old, chapters)
    say("new data, new plan")
    last = first if same_plan and same_data else _answered(new, chapters)
    say("new data, old plan")
    data_first = last if same_plan else _answered(_with_plan(new, old), chapters)
    say("old data, new plan")
    plan_first = first if same_plan else _answered(_with_plan(old, new), chapters)

    found = []
    for change in comparison.changes:
        if not change.moved or change.old is None or change.new is None or change.old.scale != change.new.scale:
            continue
        at = [_place(each) for each in (change.old, *(answers.get(change.id) for answers in (first, data_first, plan_first, last)), change.new)]
        released, both_old, new_data, new_plan, both_new, final = at
        found.append(Explained(
            change.id, change.old.is_ratio, final - released, both_old - released,
            ((new_data - both_old) + (both_new - new_plan)) / 2, ((new_plan - both_old) + (both_new - new_data)) / 2,
            abs((new_data - both_old) - (both_new - new_plan)) / 2, final - both_new,
        ))  # fmt: skip
    return found


def _place(estimate: Estimate | None) -> float:
    """Where an estimate stands on the scale on which steps add up."""
    if estimate is None or math.isnan(estimate.value):
        return math.nan
    if not estimate.is_ratio:
        return estimate.value
    return math.log(estimate.value) if estimate.value > 0 else math.nan
