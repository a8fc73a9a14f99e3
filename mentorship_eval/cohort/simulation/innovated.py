"""Projects with what came of them, innovation labs beside the mentorship, and patient outcomes of departments by month.

Drawn with ``innovated=True`` after everything else and from a stream of its own, so that all other tables stay as they were. The projects take
the place of those drawn with ``outcomes=True``. Mentorship acts on how often a person begins a project and on whether it is adopted; a lab acts on
everybody in its department; nothing acts on patient outcomes but ``outcome_ratio``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import text_dates
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.tables import dates

__all__ = ["LAB", "innovated_tables"]

LAB = "LAB"
_FAR = 10**6
_KINDS = {"qi": 0.45, "innovation": 0.20, "research": 0.15, "digital": 0.20}
_STAGES = ("idea", "planned", "piloted")
_INDICATORS = {"falls": 4.0, "pressure injuries": 2.5, "readmissions": 6.0}  # per 1,000 patient-days


def innovated_tables(
    parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """projects, rollout, programmes, outcomes_monthly; and the truth of each."""
    lab = _labs(parameters, tables, rng)
    lives = _pieces(parameters, tables, lab)
    rate, size = _rates(parameters, lives), lives["until"] - lives["since"]
    piece = np.repeat(np.arange(len(lives)), rng.poisson(rate * size))
    day = lives["since"].to_numpy()[piece] + rng.random(len(piece)) * size.to_numpy()[piece]
    order = np.argsort(day, kind="stable")
    projects = _fates(parameters, lives.iloc[piece[order]].reset_index(drop=True), day[order], rng)
    monthly, indicators = _monthly(parameters, tables, rng)
    return {
        "projects": projects, "rollout": _with_labs(parameters, tables["rollout"], lab), "programmes": _described(tables["programmes"]),
        "outcomes_monthly": monthly,
    }, {**_truth(parameters, lives, rate), **indicators}  # fmt: skip


def _labs(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.Series:
    """dept_id -> first day with a lab, `_FAR` where there is never one: half of the departments, in turn over the months of ``labs``."""
    names = tables["departments"]["dept_id"].to_numpy()
    drawn = rng.permutation(len(names))
    first = np.full(len(names), _FAR)
    for wave, month in enumerate(parameters.labs):
        mine = drawn[wave : len(names) // 2 : len(parameters.labs)]
        if month < parameters.months:
            first[mine] = window_days(parameters)[month]
    return pd.Series(first, index=names)


def _pieces(parameters: Parameters, tables: dict[str, pd.DataFrame], lab: pd.Series) -> pd.DataFrame:
    """Time in post cut where anything changes: staff_id, dept_id, since, until, mentored, in_lab, active (0/1)."""
    origin, end = pd.Timestamp(parameters.start), int(window_days(parameters)[-1]) - 1
    spells = tables["spells"]
    since = (pd.to_datetime(spells["start"]) - origin).dt.days.clip(lower=0).to_numpy(float)
    until = (pd.to_datetime(spells["end"]) - origin).dt.days.fillna(end).clip(upper=end).to_numpy(float)

    def first(days: pd.Series, of: str) -> np.ndarray:
        return (pd.to_datetime(spells[of].map(days)) - origin).dt.days.fillna(_FAR).to_numpy(float)

    began = tables["matches"]
    began = began[began["relationship_type"] == "mentoring"].groupby("mentee_id")["start"].min()
    change = np.stack([first(began, "staff_id"), first(tables["rollout"].set_index("dept_id")["active_from"], "dept_id"),
                       spells["dept_id"].map(lab).to_numpy(float)], axis=1)  # fmt: skip
    edges = np.sort(np.clip(np.column_stack([since, change, until]), since[:, None], until[:, None]), axis=1)
    parts = [
        pd.DataFrame({"staff_id": spells["staff_id"].to_numpy(), "dept_id": spells["dept_id"].to_numpy(), "since": edges[:, k],
                      "until": edges[:, k + 1], "mentored": change[:, 0] <= edges[:, k], "active": change[:, 1] <= edges[:, k],
                      "in_lab": change[:, 2] <= edges[:, k]})
        for k in range(4)
    ]  # fmt: skip
    pieces = pd.concat(parts, ignore_index=True)
    return pieces[pieces["until"] > pieces["since"]].reset_index(drop=True)


def _rates(parameters: Parameters, lives: pd.DataFrame) -> np.ndarray:
    """Projects begun per day."""
    alone, more = parameters.lab_ratio
    rate = parameters.project_rate / 365.25 * np.where(lives["mentored"], parameters.project_ratio, 1.0)
    return np.asarray(rate * np.where(lives["in_lab"], alone, 1.0) * np.where(lives["in_lab"] & lives["active"], more, 1.0))


def _fates(parameters: Parameters, of: pd.DataFrame, day: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The projects begun on ``day`` by the people of ``of``: adopted, given up or still going on at the end of the window."""
    number, end = len(day), int(window_days(parameters)[-1]) - 1
    adopt = parameters.adoption[0] / 365.25 * np.where(of["mentored"], parameters.adoption_ratio, 1.0)
    stop = parameters.adoption[1] / 365.25
    length = rng.exponential(1 / (adopt + stop))
    adopted = rng.random(number) < adopt / (adopt + stop)
    # dates know nothing of the hour: the day after the start at the earliest
    over = np.floor(day) + 1 + np.floor(length)
    done = over <= end
    reached = np.minimum(((end - day) // 120).astype(int), len(_STAGES) - 1)
    stage = np.where(done & adopted, "adopted", np.where(done, "abandoned", np.array(_STAGES, object)[reached]))
    return pd.DataFrame({
        "project_id": [f"Q{i + 1:05d}" for i in range(number)], "staff_id": of["staff_id"], "dept_id": of["dept_id"],
        "start": text_dates(parameters, day), "type": rng.choice(list(_KINDS), number, p=list(_KINDS.values())), "stage": stage,
        "adopted_on": text_dates(parameters, np.minimum(over, end)).where(done & adopted, ""),
        "abandoned_on": text_dates(parameters, np.minimum(over, end)).where(done & ~adopted, ""),
        "lab_id": np.where(of["in_lab"], "L" + of["dept_id"].astype(str), ""),
    })  # fmt: skip


def _with_labs(parameters: Parameters, rollout: pd.DataFrame, lab: pd.Series) -> pd.DataFrame:
    live = lab[lab < _FAR]
    if live.empty:
        return rollout
    days = dates(parameters, live.to_numpy())
    rows = pd.DataFrame({"programme_id": LAB, "dept_id": live.index, "planned_from": days, "active_from": days, "allocation": "random"})
    return pd.DataFrame([*rollout.to_dict("records"), *rows.to_dict("records")], columns=rollout.columns)


def _described(programmes: pd.DataFrame) -> pd.DataFrame:
    row = {"programme_id": LAB, "version": "1.0", "name": "innovation labs", "valid_from": programmes["valid_from"].min()}
    return pd.DataFrame([*programmes.to_dict("records"), row], columns=programmes.columns)


def _monthly(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, Any]]:
    """dept_id, month, indicator, num, den: counts per patient-day by department and month, with the programme ``outcome_ratio`` times as many."""
    exposure = tables["exposure"].sort_values(["dept_id", "month"], kind="stable", ignore_index=True)
    month = pd.to_datetime(exposure["month"])
    live = tables["rollout"].set_index("dept_id")["active_from"]
    active = (month >= pd.to_datetime(exposure["dept_id"].map(live))).to_numpy()
    names = exposure["dept_id"].unique()
    parts = []
    for name, level in _INDICATORS.items():
        place = pd.Series(np.exp(0.25 * rng.standard_normal(len(names))), index=names)
        mean = level / 1000 * exposure["patient_days"] * exposure["dept_id"].map(place) * np.where(active, parameters.outcome_ratio, 1.0)
        parts.append(exposure[["dept_id", "month"]].assign(indicator=name, num=rng.poisson(mean), den=exposure["patient_days"]))
    table = pd.concat(parts).sort_values(["dept_id", "month", "indicator"], kind="stable", ignore_index=True)
    return table, {"monthly_outcomes_rate_ratio_programme_active": parameters.outcome_ratio}


def _truth(parameters: Parameters, lives: pd.DataFrame, rate: np.ndarray) -> dict[str, Any]:
    """Ratios put in, and that of a department: expected projects under the programme over expected ones had nobody there been mentored."""
    expected = rate * (lives["until"] - lives["since"]).to_numpy()
    active = lives["active"].to_numpy()
    without = expected / np.where(lives["mentored"], parameters.project_ratio, 1.0)
    _, more = parameters.lab_ratio
    plain = without / np.where(lives["in_lab"] & lives["active"], more, 1.0)
    return {
        "projects_rate_ratio_programme_active": float(expected[active].sum() / plain[active].sum()) if active.any() else None,
        "lab_rate_ratio_alone": parameters.lab_ratio[0], "lab_rate_ratio_together_over_product": more,
        "adoption_hazard_ratio_mentored": parameters.adoption_ratio,
    }  # fmt: skip
