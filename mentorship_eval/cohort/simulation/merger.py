"""Two departments that become one inside the window: what the records of both look like before and after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.departments import Departments
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.errors import UsageError

__all__ = ["merge_departments", "merging_pair"]


def merging_pair(departments: Departments) -> tuple[int, int]:
    """The last two departments of one organisation with the same go-live (never, if possible): the truth stays as it was.

    Raises `UsageError` when no two are alike.
    """
    plans = np.stack([departments.go_live, departments.organisation])
    for live in sorted(set(departments.go_live.tolist())):
        for organisation in sorted(set(departments.organisation.tolist())):
            alike = np.flatnonzero((plans[0] == live) & (plans[1] == organisation))
            if len(alike) > 1:
                return int(alike[-1]), int(alike[-2])
    raise UsageError("No two departments of one organisation share a go-live.", fix="Simulate more departments, or no merger.")


def merge_departments(parameters: Parameters, tables: dict[str, pd.DataFrame], gone: str, stays: str) -> dict[str, pd.DataFrame]:
    """The tables with everything of ``gone`` under ``stays`` from the first of merger_month on, and dept_lineage."""
    day = pd.Timestamp(parameters.start) + pd.Timedelta(days=int(window_days(parameters)[parameters.merger_month]))
    made = dict(tables)
    made["spells"] = _moved(tables["spells"], gone, stays, day)
    incidents = tables["incidents"].copy()
    incidents.loc[incidents["dept_id"].eq(gone) & (incidents["occurred"] >= day), "dept_id"] = stays
    made["incidents"] = incidents
    for name, measures in (("exposure", []), ("audits", ["measure"])):
        if name in tables:
            table = tables[name].copy()
            table.loc[table["dept_id"].eq(gone) & (table["month"] >= day), "dept_id"] = stays
            made[name] = table.groupby(["dept_id", "month", *measures], as_index=False, sort=True).sum()[list(table)]
    made["dept_lineage"] = pd.DataFrame({"from_id": [gone], "to_id": [stays], "effective": [f"{day:%Y-%m-%d}"], "share": [1.0]})
    return made


def _moved(spells: pd.DataFrame, gone: str, stays: str, day: pd.Timestamp) -> pd.DataFrame:
    """Posts that are open on the day are closed the day before it and go on in the other department."""
    table = spells.copy()
    later = table["dept_id"].eq(gone) & (table["start"] >= day)
    cut = table["dept_id"].eq(gone) & (table["start"] < day) & (table["end"].isna() | (table["end"] >= day))
    after = table[cut].assign(dept_id=stays, start=day)
    table.loc[later, "dept_id"] = stays
    table.loc[cut, "end"], table.loc[cut, "leaving_reason"] = day - pd.Timedelta(days=1), "transfer"
    return pd.concat([table, after]).sort_values(["staff_id", "start"], kind="stable", ignore_index=True)
