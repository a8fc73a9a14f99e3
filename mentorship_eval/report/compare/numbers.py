"""Each estimate of two releases: old, new, by how much, and what became of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.report.compare.release import Release
from mentorship_eval.report.verify.same import TOLERANCE

__all__ = ["CHANGES", "Change", "close", "compare_numbers"]

# what can become of an estimate, in the order in which a reader wants to know
CHANGES = (
    "changed", "redefined", "withheld now", "shown now", "no longer estimable", "estimable now", "new", "gone", "unchanged", "withheld in both",
    "not estimable in either",
)  # fmt: skip
_DEFINES = ("chapter", "outcome", "estimand", "population", "scale", "unit", "method")
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Change:
    """One estimate. difference: new less old on the estimate's own scale; ratio: new by old, on ratio scales; in_se: the difference (of
    the logarithm on ratio scales) by the old standard error: how far it moved, not a test, since two runs share most of their data.
    redefined: columns of estimates.csv that say that it is an estimate of something else; status: of the plan, old and new.
    """

    id: str
    chapter: str
    label: str
    role: str
    change: str
    scale: str
    unit: str
    old: Estimate | None
    new: Estimate | None
    difference: float = math.nan
    ratio: float = math.nan
    in_se: float = math.nan
    redefined: tuple[str, ...] = ()
    status: tuple[str, str] = ("", "")

    @property
    def plan_changed(self) -> bool:
        return bool(self.status[0] and self.status[1]) and self.status[0] != self.status[1]

    @property
    def moved(self) -> bool:
        """Whether a number that both releases show is another one."""
        return self.change in {"changed", "redefined"}


def _withheld(estimate: Estimate) -> bool:
    return math.isnan(estimate.value) and any(caution.code == "suppressed" for caution in estimate.warnings)


def close(one: float, other: float) -> bool:
    """Whether two numbers are the same within the tolerance of a run made again; missing is like missing."""
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)


def _redefined(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns that differ in their words; the figures in them (informative clusters, days) come from the data."""
    return tuple(name for name in _DEFINES if _NUMBER.sub("#", str(old[name])) != _NUMBER.sub("#", str(new[name])))


def _kind(old: Estimate, new: Estimate, redefined: tuple[str, ...]) -> str:
    empty = math.isnan(old.value), math.isnan(new.value)
    if all(empty):
        if _withheld(old) != _withheld(new):
            return "withheld now" if _withheld(new) else "no longer estimable"
        return "withheld in both" if _withheld(old) else "not estimable in either"
    if any(empty):
        if empty[1]:
            return "withheld now" if _withheld(new) else "no longer estimable"
        return "shown now" if _withheld(old) else "estimable now"
    if redefined:
        return "redefined"
    same = all(close(getattr(old, name), getattr(new, name)) for name in ("value", "ci_low", "ci_high", "p_value"))
    return "unchanged" if same else "changed"


def _moved_by(old: Estimate, new: Estimate) -> tuple[float, float, float]:
    """Difference, ratio, difference in old standard errors; NaN where there is none."""
    difference = new.value - old.value
    if not old.is_ratio:
        return difference, math.nan, difference / old.se if old.se > 0 else math.nan
    if not (old.value > 0 and new.value > 0):
        return difference, math.nan, math.nan
    ratio = new.value / old.value
    return difference, ratio, math.log(ratio) / old.se if old.se > 0 else math.nan


def _one(name: str, old: Release, new: Release) -> Change:
    before, after = old.results.get(name), new.results.get(name)
    shown: Result = after or before  # type: ignore[assignment]
    row = new.rows.get(name) or old.rows[name]
    common: dict[str, Any] = {
        "id": name, "chapter": row["chapter"], "label": shown.full_label, "role": shown.role, "scale": shown.estimate.scale,
        "unit": shown.estimate.unit, "old": before.estimate if before else None, "new": after.estimate if after else None,
        "status": (old.rows[name]["status"] if before else "", new.rows[name]["status"] if after else ""),
    }  # fmt: skip
    if before is None or after is None:
        return Change(change="gone" if after is None else "new", **common)
    redefined = _redefined(old.rows[name], new.rows[name])
    kind = _kind(before.estimate, after.estimate, redefined)
    comparable = kind in {"changed", "redefined", "unchanged"} and before.estimate.scale == after.estimate.scale
    moved = _moved_by(before.estimate, after.estimate) if comparable else (math.nan, math.nan, math.nan)
    return Change(change=kind, difference=moved[0], ratio=moved[1], in_se=moved[2], redefined=redefined, **common)


def compare_numbers(old: Release, new: Release) -> list[Change]:
    """Every estimate of either release, in the order of the new one, then those that are gone."""
    names = [*new.results, *(name for name in old.results if name not in new.results)]
    return [_one(name, old, new) for name in names]
