"""Table 1 of incidents: the departments of each wave in the months before any of them had the programme.

The months are the same for all departments, so that waves differ by what they are and not by when they were looked at. Departments are no
people, and their number is told; the events behind a rate are counted, and a rate that rests on few is withheld.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.questions.baseline.described import Variable, described
from mentorship_eval.questions.baseline.differences import largest_of_pairs
from mentorship_eval.questions.baseline.exhibit import baseline_exhibit
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["before_any_programme"]

_MOST_WAVES = 4
_NEVER = "Never in the window"
_METHOD = "Departments are described in the months before the first go-live of any of them, by wave of go-live, and not tested."


def before_any_programme(study: Prepared) -> Section:
    """The table; nothing where no department goes live, or one did from the first period on and none later."""
    rows, first = study.rows, study.rows["period"].min()
    begun = rows[study.adopted]
    later = begun[begun > first]
    if later.empty or not (rows["period"] < later.min()).any():
        return Section()
    before = rows[(rows["period"] < later.min()) & ~(begun <= first)]
    units = before.groupby("dept_id").agg(adopted=(study.adopted, "first"), periods=("period", "size"), size=(study.exposure, "sum")).reset_index()
    units["wave"] = _waves(study, units["adopted"])
    names = {name: f"wave_{place}" for place, name in enumerate(dict.fromkeys(units.sort_values("adopted")["wave"]), 1)}
    if len(names) < 2:
        return Section()
    units["per_period"] = units["size"] / units["periods"]
    units, variables = _with_departments(study, units)
    what = "Patient-days" if study.exposure == "patient_days" else study.exposure.replace("_", " ").capitalize()
    variables += [Variable("per_period", f"{what} a {study.time_unit}", "number")]
    frame = described(units, "wave", names, variables, unit="Departments" if study.made is not None else "Units")
    # departments are no people: what is known of them is not counted
    frame = frame.drop(columns=[c for c in frame if c.startswith(("known_", "rest_"))]).assign(fewest=np.nan)
    told = [kind for kind in study.kinds if kind.role != "audit"]
    rates = [_rate(study, kind, before, units, names) for kind in told]
    frame = pd.concat([_months(frame, units, names, study.time_unit), *rates], ignore_index=True)
    last = study.name_of(later.min() - 1)
    note = (
        f"The {study.time_unit}s up to {last}, the last before any department went live; the same for all departments. Rates are all events over all "
        f"{study.exposure_words.removeprefix('per 1,000 ').split(' and ')[0]} of the group; their SMD is that of the departments' own rates. With "
        "few departments large differences arise by chance alone."
    )
    if (begun <= first).any():
        note += " Departments that had the programme from the start are not in it."
    table = baseline_exhibit(
        "incidents.baseline", f"Departments before the programme, by {'wave of go-live' if len(names) > 2 else 'whether they go live'}", frame,
        {ending: name for name, ending in names.items()}, note=note, spanner="Go-live" if study.time_unit == "month" else "Wave", people=False,
    )  # fmt: skip
    return Section(exhibits=[table], methods=[_METHOD])


def _waves(study: Prepared, adopted: pd.Series) -> pd.Series:
    waves = sorted(adopted.dropna().unique())
    if len(waves) <= _MOST_WAVES:
        return adopted.map({wave: str(study.name_of(wave)) for wave in waves}).fillna(_NEVER)
    return adopted.notna().map({True: "Within the window", False: _NEVER})


def _with_departments(study: Prepared, units: pd.DataFrame) -> tuple[pd.DataFrame, list[Variable]]:
    """What the table of departments says of them, as far as it varies."""
    if not study.cohort.has("departments"):
        return units, []
    known = study.cohort.table("departments").drop_duplicates("dept_id")
    all_of = [Variable("specialty", "Specialty"), Variable("high_burnout", "High-burnout specialty", "flag"), Variable("beds", "Beds", "number")]
    chosen = [v for v in all_of if v.name in known and known[v.name].notna().any() and len(known[v.name].unique()) > 1]
    return units.merge(known[["dept_id", *(v.name for v in chosen)]], on="dept_id", how="left"), chosen


def _months(frame: pd.DataFrame, units: pd.DataFrame, names: dict[str, str], time_unit: str) -> pd.DataFrame:
    """The number of department-months, below that of departments."""
    row: dict[str, object] = dict.fromkeys(frame.columns, np.nan) | {"characteristic": f"Department-{time_unit}s", "level": "", "statistic": "n"}
    row |= {f"n_{ending}": float(units.loc[units["wave"] == name, "periods"].sum()) for name, ending in names.items()}
    return pd.concat([frame.iloc[:1], pd.DataFrame([row | {"adds_up": "months"}]), frame.iloc[1:]], ignore_index=True)


def _rate(study: Prepared, kind: Kind, before: pd.DataFrame, units: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """All events over all exposure of each group; the events stand behind."""
    by_unit = before.groupby("dept_id").agg(events=(kind.column, "sum"), size=(study.exposure, "sum")).reindex(units["dept_id"])
    rate = pd.Series(1000 * (by_unit["events"] / by_unit["size"].where(by_unit["size"] > 0)).to_numpy(), index=units.index)
    row: dict[str, object] = {"characteristic": f"{kind.short}, {study.exposure_words}", "level": "", "statistic": "rate", "adds_up": kind.column}
    events = []
    for name, ending in names.items():
        mine = by_unit[(units["wave"] == name).to_numpy()]
        events.append(float(mine["events"].sum()))
        row |= {f"known_{ending}": events[-1], f"middle_{ending}": 1000 * events[-1] / mine["size"].sum()}
    row["smd"] = largest_of_pairs(rate, units["wave"], list(names), numeric=True)
    row["fewest"] = min((count for count in events if count > 0), default=np.nan)
    return pd.DataFrame([row])
