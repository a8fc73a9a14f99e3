"""What else is recorded of wards and of the programme as a whole: audits, calendar, costs, and departments that became one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.departments import Departments
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.tables import dates

__all__ = ["audit_table", "audit_truth", "calendar_table", "cost_table", "cost_truth", "lineage_table"]

_MEASURES = {"observations on time": 0.0, "hand hygiene": 0.4, "handover complete": -0.3}  # log odds around audit_compliance
_BETWEEN = 0.3  # SD of departments' log odds


def _expected(parameters: Parameters, departments: Departments, level: np.ndarray, odds_ratio: float) -> np.ndarray:
    """Share that complies, measure x department x month."""
    month = np.arange(parameters.months)[None, :]
    treated = (departments.go_live[:, None] >= 0) & (month >= departments.go_live[:, None])
    base = np.log(parameters.audit_compliance / (1 - parameters.audit_compliance))
    logit = base + np.array(list(_MEASURES.values()))[:, None, None] + level[None, :, None] + np.log(odds_ratio) * treated[None]
    return 1 / (1 + np.exp(-logit))


def audit_table(parameters: Parameters, departments: Departments, ids: np.ndarray, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, Any]]:
    """dept_id, month, measure, num, den; and the truth: odds ratio, and the difference of shares over treated months."""
    level = _BETWEEN * rng.standard_normal(parameters.departments)
    share = _expected(parameters, departments, level, parameters.audit_odds_ratio)
    cases = np.maximum(rng.poisson(parameters.audit_cases, share.shape), 1)
    met = rng.binomial(cases, share)
    measure, dept, month = (index.ravel() for index in np.indices(share.shape))
    table = pd.DataFrame({"dept_id": ids[dept], "month": dates(parameters, window_days(parameters)[month]),
                          "measure": np.array(list(_MEASURES), object)[measure], "num": met.ravel(), "den": cases.ravel()})
    table = table.sort_values(["dept_id", "month", "measure"], kind="stable", ignore_index=True)
    month = np.arange(parameters.months)[None, :]
    treated = (departments.go_live[:, None] >= 0) & (month >= departments.go_live[:, None])
    gain = share - _expected(parameters, departments, level, 1.0)
    return table, audit_truth(parameters, float(gain[:, treated].mean()) if treated.any() else None)


def audit_truth(parameters: Parameters, difference: float | None) -> dict[str, Any]:
    return {"audit_odds_ratio_programme": parameters.audit_odds_ratio, "audit_risk_difference_programme_months": difference}


def calendar_table(parameters: Parameters) -> pd.DataFrame:
    """The shock of the window and the change of the reporting system, as far as they lie within it."""
    first, _, end = parameters.shock_months
    edges, rows = window_days(parameters), []
    if first < parameters.months and first < end:
        rows.append((edges[first], edges[min(end, parameters.months)] - 1, "all", "Respiratory epidemic"))
    if 0 < parameters.switch_month < parameters.months:
        name = parameters.systems[-1] if parameters.systems else "new taxonomy"
        rows.append((edges[parameters.switch_month], 10**6, "all", f"Incident reports in {name}"))
    start, finish, scope, label = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    days = {"start": dates(parameters, np.array(start, int)), "end": dates(parameters, np.array(finish, int))}
    return pd.DataFrame({**days, "scope": scope, "label": label})


def cost_table(parameters: Parameters) -> pd.DataFrame:
    """Prices of the programme and of replacing one who leaves, with plausible ranges."""
    rows = [("mentor training", "mentor", 180.0, 120.0, 260.0), ("protected time", "hour", 24.0, 19.0, 31.0),
            ("matching platform", "year", 9000.0, 6000.0, 14000.0), ("coordination", "year", 38000.0, 30000.0, 46000.0),
            ("replacement of a leaver", "leaver", 12000.0, 5000.0, 25000.0)]
    table = pd.DataFrame(rows, columns=["item", "unit", "amount", "low", "high"])
    table.insert(3, "currency", "GBP")
    table.insert(4, "price_year", int(parameters.start[:4]))
    return table


def cost_truth(parameters: Parameters, tables: dict[str, pd.DataFrame], avoided: float) -> dict[str, Any]:
    """What the programme cost within the window, and its net benefit: leavers truly avoided times the price of one, minus that cost.

    Hours are those of the sessions held, of mentor and mentee; prices are the best guesses of the table.
    """
    price = tables["costs"].set_index("item")["amount"]
    sessions, last = tables["sessions"], int(window_days(parameters)[-1])
    live = (pd.to_datetime(tables["rollout"]["active_from"]).dropna() - pd.Timestamp(parameters.start)).dt.days
    years = (last - live[live < last].min()) / 365.25 if (live < last).any() else 0.0
    hours = 2 * float(sessions["minutes"].fillna(0).sum()) / 60
    cost = price["mentor training"] * tables["matches"]["mentor_id"].nunique() + price["protected time"] * hours
    cost += years * (price["matching platform"] + price["coordination"])
    return {"programme_cost": float(cost), "net_benefit": float(avoided * price["replacement of a leaver"] - cost)}


def lineage_table(parameters: Parameters, ids: np.ndarray) -> pd.DataFrame:
    """Two departments of old that became the first one a year before the window; nothing in the window bears their names."""
    effective = (pd.Timestamp(parameters.start) - pd.DateOffset(years=1)).strftime("%Y-%m-%d")
    return pd.DataFrame({"from_id": ["OLD1", "OLD2"], "to_id": ids[0], "effective": effective, "share": 1.0})
