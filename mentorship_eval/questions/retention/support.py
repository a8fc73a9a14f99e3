"""On how few a ratio of being mentored rests: leavers and people of each arm, declared for disclosure control.

A hazard ratio tells of the arm in which fewer left, whatever the number of leavers in all. Every result, figure and warning of a
decorated part carries these counts, so that protection looks at the weaker arm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import pandas as pd

from mentorship_eval.questions.section import Section

if TYPE_CHECKING:
    from mentorship_eval.questions.retention.prepared import Prepared

__all__ = ["arms", "fewest_shown", "lean", "on_both_arms"]

# exhibits whose every number comes from a comparison of the arms; forests are blanked row by row
_OF_LEAVERS = {
    "retention.audit", "retention.ph", "retention.schoenfeld", "retention.leave_one_out", "retention.diagnostics",
    "retention.sensitivity.evalue", "retention.landmark.adjusted", "retention.landmark.means",
}  # fmt: skip
_OF_PEOPLE = {
    "retention.landmark.plain", "retention.landmark.curves", "retention.landmark.balance", "retention.landmark.overlap", "retention.landmark.weights",
}  # fmt: skip
# warnings that quote what the arms gave
_OF_ESTIMATES = {
    "negative_control_off", "informative_censoring", "not_proportional", "few_informative", "dominant_cluster", "jackknife_failed",
    "risk_set_emptied", "common_event",
}  # fmt: skip


def fewest_shown(study: Prepared) -> int:
    """The smallest count that this study shows; 1 when protection is off."""
    rule = study.cohort.study.disclosure
    return 1 if rule.off else int(rule.threshold)


def arms(rows: pd.DataFrame, *, exposure: str = "mentored", event: str = "event") -> tuple[float, float, float, float]:
    """Leavers while exposed and while not, people ever exposed and ever not."""
    exposed = rows[exposure].to_numpy() == 1
    parts = [rows[exposed], rows[~exposed]]
    left = [float(part[event].sum()) for part in parts]
    people = [float(part["staff_id"].nunique()) for part in parts]
    return left[0], left[1], people[0], people[1]


def lean(told: Section, counts: tuple[float, ...], study: Prepared, people: tuple[float, ...] = ()) -> Section:
    """``told`` with ``counts`` behind each result that has none of its own, and behind figures, warnings and gaps that tell of the arms.

    people: those of the arms, behind figures that show no leaving.
    """
    names = _names_of(study)
    told.results = [r if r.rests_on or r.role == "descriptive" else replace(r, rests_on=counts) for r in told.results]
    told.exhibits = [
        replace(e, rests_on=counts) if e.id in _OF_LEAVERS else replace(e, rests_on=people or counts) if e.id in _OF_PEOPLE else e
        for e in told.exhibits
    ]
    told.cautions = [
        replace(c, data={"rests_on": counts, **c.data}) if c.code in _OF_ESTIMATES or _points(c.text, names) else c for c in told.cautions
    ]
    told.gaps = [replace(g, rests_on=counts) if _points(g.reason, names) else g for g in told.gaps]
    return told


def on_both_arms(part: Callable[..., Section]) -> Callable[..., Section]:
    """A part ``(study)`` or ``(study, at)`` whose results compare mentored with not mentored staff."""

    @wraps(part)
    def told(study: Prepared, *at: Any) -> Section:
        rows = at[0].rows if at else study.rows
        # from a landmark there are two kinds of leaving: the outcome, and any exit
        kinds = [name for name in ("event", "exit") if name in rows] if at else ["event"]
        each = [arms(rows, event=name) for name in kinds]
        counts = tuple(dict.fromkeys(count for one in each for count in one))
        return lean(part(study, *at), counts, study, each[0][2:])

    return told


def _names_of(study: Prepared) -> set[str]:
    """Departments and people, as a warning may name them."""
    rows = study.rows
    return {str(name) for column in ("dept_id", "dept_at_entry", "staff_id") for name in rows[column].unique()}


def _points(text: str, names: set[str]) -> bool:
    """Whether a sentence names a department or a person."""
    return any(word in names for word in re.findall(r"[\w.-]*\w", text))
