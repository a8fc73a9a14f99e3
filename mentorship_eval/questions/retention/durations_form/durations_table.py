"""The table ``durations`` made ready: events, entry, groups and their reference, the unit and the horizons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort

__all__ = ["Durations", "read_durations"]

_HORIZONS = {"days": (182, 365, 730), "weeks": (26, 52, 104), "months": (6, 12, 24), "years": (0.5, 1, 2)}
_DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
_STEPS = {"days": 30, "weeks": 4, "months": 1, "years": 0.25}


@dataclass(frozen=True)
class Durations:
    """rows: the table with event (0/1), cause, entry and group; groups: levels, the reference first; time_varying: whether
    mentorship began during follow-up; delayed: the column of entry times, None when all are 0; cluster: dept_id where every
    row has one; horizons: times in ``unit`` at which shares are told.
    """

    rows: pd.DataFrame
    unit: str
    reference: str
    groups: list[str]
    time_varying: bool
    delayed: str | None
    cluster: str | None
    horizons: tuple[float, ...]

    @property
    def people(self) -> int:
        return len(self.rows)

    @property
    def events(self) -> int:
        return int(self.rows["event"].sum())

    @property
    def last(self) -> float:
        return float(self.rows["time"].max())

    @property
    def grid(self) -> np.ndarray:
        """Times of the curves, in the table's unit."""
        return np.arange(0, self.last + 1e-9, _STEPS[self.unit])


def _level_name(value: object) -> str:
    return {"0": "not mentored", "1": "mentored"}.get(str(value), str(value))


def _horizons(cohort: Cohort, unit: str) -> tuple[float, ...]:
    """Those of the plan in the table's unit: whole ones where they nearly are (365 days are 12 months); the usual ones without a plan."""
    if "horizons_days" not in cohort.study.plan.model_fields_set:
        return _HORIZONS[unit]
    out = []
    for days in sorted(set(cohort.study.plan.horizons_days)):
        value = days / _DAYS[unit]
        near = round(2 * value) / 2 if unit == "years" else round(value)
        out.append(float(near) if near and abs(value - near) < 0.01 * max(value, 1) else round(value, 2))
    return tuple(out)


def read_durations(cohort: Cohort) -> Durations:
    """The table ``durations`` of the cohort; what it does not say (causes, entry, groups) is filled in by its meaning."""
    rows = cohort.table("durations").copy()
    if "cause" not in rows:
        rows["cause"] = np.where(rows["event"] == 1, "left", "")
    if "event" not in rows:
        rows["event"] = (rows["cause"] != "").astype(int)
    if "entry" not in rows:
        rows["entry"] = 0.0
    rows["group"] = rows["mentored"].map(_level_name) if "mentored" in rows else "all staff"
    reference = _level_name(cohort.reference("durations", "mentored")) if "mentored" in rows else "all staff"
    unit = cohort.unit("durations")
    return Durations(
        rows=rows,
        unit=unit,
        reference=reference,
        groups=[reference, *sorted(set(rows["group"]) - {reference})],
        time_varying=bool("mentored_from" in rows and rows["mentored_from"].notna().any()),
        delayed="entry" if (rows["entry"] > 0).any() else None,
        cluster="dept_id" if "dept_id" in rows and rows["dept_id"].notna().all() else None,
        horizons=_horizons(cohort, unit),
    )
