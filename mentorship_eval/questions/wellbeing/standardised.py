"""Differences in standard deviations, so that scales of any range stand on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.wellbeing.asked import Scale

__all__ = ["KNOWN_SD", "forest_in_sd", "in_sd", "standardised", "standardised_forest", "with_direction"]

_SIDES = ("lower score", "higher score")
GROUP = "In standard deviations of the first wave"
KNOWN_SD = (
    "Differences and their intervals are those in points, divided by the SD of the scale at the first wave at which it was asked, which is taken as "
    "known."
)


def with_direction(scale: Scale) -> str:
    """``Emotional exhaustion (lower is better)``; one pair of brackets where the name has its own."""
    return f"{scale.name[:-1]}; {scale.direction})" if scale.name.endswith(")") else f"{scale.name} ({scale.direction})"


def in_sd(estimate: Estimate, spread: float) -> Estimate:
    """``estimate`` of a difference in points, in units of ``spread`` (above 0), which is taken as known: the test is the same."""
    in_units = {name: getattr(estimate, name) / spread for name in ("value", "se", "ci_low", "ci_high")}
    return replace(estimate, unit="SD", **in_units)


def standardised(result: Result, scale: Scale, spread: float) -> Result:
    """The difference of ``result`` once more, in SD. No truth is known of it: the SD is that of the people who happened to answer."""
    estimand = result.estimand.replace("): ", "), in SD of the first wave: ", 1)
    estimate = replace(in_sd(result.estimate, spread), estimand=estimand)
    return replace(result, id=f"{result.id}.standardised", estimand=estimand, estimate=estimate, label=with_direction(scale), role="companion",
                   group=GROUP, truth=None)  # fmt: skip


def standardised_forest(results: Sequence[Result]) -> list[Exhibit]:
    """All scales on one axis; nothing without any."""
    rows = [replace(r, group="") for r in results if r.id.endswith(".standardised")]
    note = f"{KNOWN_SD} The tests are those of the differences in points, and are not counted twice."
    return forest_in_sd("wellbeing.standardised", "Mentored by the wave against not yet, all scales in standard deviations", rows, note)


def forest_in_sd(exhibit_id: str, title: str, rows: Sequence[Result], note: str = KNOWN_SD) -> list[Exhibit]:
    """The forest of ``rows``, which are in SD (`in_sd`); nothing without any."""
    if not rows:
        return []
    return [forest_exhibit(exhibit_id, title, rows, value_label="Standardised difference", log=False, sides=_SIDES, note=note)]
