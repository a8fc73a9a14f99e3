"""Changes of the reporting system and named shocks inside the window, and which department-months they touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.incidents.prepared import Prepared

__all__ = ["Shock", "Switch", "calendar_cautions", "shocks", "switches"]

LASTING, FEWEST_REPORTS = 0.8, 5  # share of the reports from a new system, and reports on either side of its beginning
EVERYWHERE = {"", "all", "everywhere", "nan", "none"}


@dataclass(frozen=True)
class Switch:
    """A lasting change of the reporting system or its taxonomy: the month of its first day."""

    label: str
    month: pd.Period
    departments: int


@dataclass(frozen=True)
class Shock:
    """A named period with an end: first and last month, and its scope as the calendar table says."""

    label: str
    first: pd.Period
    last: pd.Period
    scope: str

    @property
    def common(self) -> bool:
        """Whether it touched all departments alike as far as the table says; period effects then take it up."""
        return self.scope.strip().lower() in EVERYWHERE

    def touches(self, study: Prepared) -> np.ndarray:
        """(rows,) department-months in its scope, whatever the month: a department, a site, or all."""
        if self.common:
            return np.ones(len(study.rows), dtype=bool)
        departments = study.rows["dept_id"].astype(str)
        inside = departments.eq(self.scope)
        if study.cohort.has("departments"):
            table = study.cohort.table("departments").drop_duplicates("dept_id").set_index("dept_id")
            for column in ("site_id", "org_id", "specialty"):
                if column in table:
                    inside |= study.rows["dept_id"].map(table[column]).astype(str).eq(self.scope)
        return inside.to_numpy()


def switches(study: Prepared) -> list[Switch]:
    """From the calendar table (lasting changes), and from the column ``system`` of the incidents: the month in which most of a department's
    reports come from another system for the first time; departments that change in one month count as one switch."""
    found = []
    if study.cohort.has("calendar"):
        for row in study.cohort.table("calendar").itertuples():
            lasting = not hasattr(row, "end") or pd.isna(row.end)
            if lasting and _inside(study, row.start):
                month = pd.Timestamp(row.start).to_period("M")
                hit = Shock(str(row.label), month, month, _scope(row)).touches(study)
                # a scope that is no department or site, such as the name of the system, is taken for everywhere
                reached = int(study.rows.loc[hit, "dept_id"].nunique()) or study.places
                found.append(Switch(str(row.label), month, reached))
    records = study.records
    if records is None or "system" not in records or records["system"].nunique() < 2:
        return found
    seen = records[["dept_id", "occurred", "system"]].dropna()
    month = pd.to_datetime(seen["occurred"]).dt.to_period("M")
    changed = pd.DataFrame([one for dept, rows in seen.assign(month=month).groupby("dept_id") if (one := _lasting(dept, rows))])
    if changed.empty:
        return found
    known = {switch.month for switch in found}
    for when, some in changed.groupby("month"):
        # one department that wavers between two systems is no switch of the hospital
        if when not in known and len(some) >= max(2, 0.05 * study.places):
            found.append(Switch(f"the change to {some['system'].mode().iloc[0]}", when, len(some)))
    return found


def _lasting(dept: object, rows: pd.DataFrame) -> dict[str, object] | None:
    """The month from which the reports of one department come from another system and go on doing so: at least four in five from then on, and at
    most one in five before, with five reports or more on either side. None for a department that never changes, or wavers.
    """
    systems = pd.crosstab(rows["month"], rows["system"]).sort_index()
    total = systems.sum(axis=1)
    best = None
    for name in systems:
        before = pd.DataFrame({"of": systems[name].cumsum().shift(fill_value=0), "all": total.cumsum().shift(fill_value=0)})
        after = pd.DataFrame({"of": systems[name].sum() - before["of"], "all": total.sum() - before["all"]})
        fits = (before["all"] >= FEWEST_REPORTS) & (after["all"] >= FEWEST_REPORTS)
        gap = (after["of"] / after["all"].where(after["all"] > 0)) - (before["of"] / before["all"].where(before["all"] > 0))
        fits &= (after["of"] >= LASTING * after["all"]) & (before["of"] <= (1 - LASTING) * before["all"])
        if fits.any():
            when = gap[fits].idxmax()
            if best is None or gap[when] > best[0]:
                best = (gap[when], when, name)
    return None if best is None else {"dept_id": dept, "month": best[1], "system": best[2]}


def shocks(study: Prepared) -> list[Shock]:
    """Periods of the calendar table that have an end."""
    if not study.cohort.has("calendar") or study.made is None:
        return []
    table = study.cohort.table("calendar")
    if "end" not in table:
        return []
    return [
        Shock(str(row.label), pd.Timestamp(row.start).to_period("M"), pd.Timestamp(row.end).to_period("M"), _scope(row))
        for row in table[table["end"].notna()].itertuples()
        if _inside(study, row.start) or _inside(study, row.end)
    ]


def _scope(row: object) -> str:
    value = getattr(row, "scope", "")
    return "" if pd.isna(value) else str(value)


def _inside(study: Prepared, day: object) -> bool:
    start, end = study.cohort.window
    return bool(pd.Timestamp(start) <= pd.Timestamp(day) <= pd.Timestamp(end))  # type: ignore[arg-type]


def calendar_cautions(study: Prepared) -> list[Caution]:
    """What a switch or a shock means for the reading."""
    out = []
    for switch in switches(study):
        everywhere = switch.departments >= study.places
        text = f"The reporting system changed ({switch.label}, {switch.month}): counts before and after are not alike. "
        text += (
            "Month effects take up what changed everywhere alike; what changed more in some departments stays in the ratio."
            if everywhere
            else f"It reached {switch.departments} of {study.places} departments then, so month effects cannot take it up."
        )
        out.append(Caution("system_switch", text, {"month": str(switch.month), "departments": switch.departments}))
    for shock in shocks(study):
        if not shock.common:
            text = f"{shock.label} ({shock.first} to {shock.last}) touched only {shock.scope}, so month effects cannot take it up"
            if not shock.touches(study).any():
                text += f", and {shock.scope} is no department, site or specialty of this cohort, so that it cannot be left out either."
            elif study.cohort.study.plan.incidents.without_shocks:
                text += "; an analysis without it stands among the sensitivity analyses."
            else:
                text += "."
            out.append(Caution("local_shock", text, {"scope": shock.scope}))
    return out
