"""A simulated cohort in the two aggregated forms that many evaluators get: durations, and counts by department and month."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mentorship_eval.cohort.panels import department_months
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes

__all__ = ["aggregated_tables"]

_OUTCOMES = ("harm", "no_harm", "near_miss")


def aggregated_tables(tables: dict[str, pd.DataFrame], study: dict[str, Any]) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables durations (days since hire) and counts, and the study file that reads them."""
    window = {name: study["study"][name] for name in ("start", "end")}
    people = mentorship_episodes(**{name: tables[name] for name in ("staff", "spells", "matches", "rollout")}, **window, calendar=None).persons
    durations = pd.DataFrame({
        "staff_id": people["staff_id"], "time": people["stop"], "cause": people["cause"].where(people["cause"] != "", None),
        "entry": people["entry"], "mentored_from": people["mentored_from"].where(people["mentored_from"] <= people["stop"]),
        "dept_id": people["dept_at_entry"], "profession": people["profession"], "newly_qualified": people["newly_qualified"].astype(int),
    })
    panel = department_months(**{name: tables[name] for name in ("incidents", "exposure", "rollout")}, **window).rows
    counts = pd.DataFrame({"dept_id": panel["dept_id"], "period": panel["period"], "exposure": panel["patient_days"],
                           "active_from": panel["adopted"].astype("Int64"), **{name: panel[name] for name in _OUTCOMES}})
    sources = {"durations": {"file": "durations.csv", "unit": "days", "covariates": ["profession", "newly_qualified"]},
               "counts": {"file": "counts.csv", "outcomes": list(_OUTCOMES)}}
    return {"durations": durations, "counts": counts}, {**study, "tables": sources}
