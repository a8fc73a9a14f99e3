"""Analyses of projects begun: the rate ratio while mentored, and the difference of means with leaving as the end."""

from __future__ import annotations

from collections.abc import Callable

from mentorship_eval.survival import cox, mean_cumulative
from validation.analyses import ANALYSES, LABELS, Found, of_estimate
from validation.project_worlds import YEAR, ProjectDraw

__all__ = ["MEANS", "Begun"]


class Begun:
    """One draw of projects."""

    def __init__(self, drawn: ProjectDraw) -> None:
        self.drawn = drawn


def rates(**how: str) -> Callable[[Begun], Found]:
    def found(who: Begun) -> Found:
        call = {"start": "start", "stop": "stop", "event": "event", "strata": "dept", **how}
        return of_estimate(cox(who.drawn.calendar, covariates=["mentored"], **call).estimate, who.drawn.log_ratio)

    return found


def means(cluster: str, terminal: str | None = "left") -> Callable[[Begun], Found]:
    def found(who: Begun) -> Found:
        fit = mean_cumulative(who.drawn.fixed, start="start", stop="stop", event="event", terminal=terminal, by="mentored", cluster=cluster,
                              id="staff_id")  # fmt: skip
        return of_estimate(fit.difference(float(YEAR), 1, 0), who.drawn.mean_difference)

    return found


_RATES: dict[str, tuple[Callable[[Begun], Found], str]] = {
    "projects_default": (rates(cluster="dept"), "Andersen-Gill, strata and clusters of departments (default)"),
    "projects_jackknife": (rates(cluster="dept", variance="jackknife"), "the same, jackknife over departments, t(G-1)"),
    "projects_independent": (rates(), "the same, every project taken as independent"),
}
_MEANS: dict[str, tuple[Callable[[Begun], Found], str]] = {
    "projects_mean": (means("dept"), "difference of means, leaving as the end, departments left out in turn (default)"),
    "projects_mean_people": (means("staff_id"), "the same, people left out in turn"),
    "projects_mean_staying": (means("dept", None), "the same, leaving taken for censoring"),
}
MEANS = frozenset(_MEANS)
ANALYSES.update({name: function for name, (function, _) in {**_RATES, **_MEANS}.items()})  # type: ignore[misc]
LABELS.update({name: label for name, (_, label) in {**_RATES, **_MEANS}.items()})
