"""Person-time on the clock of the calendar, the department of a person on a day, and staff time by department and month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import adoption
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.covariates import planned_covariates, with_covariates

__all__ = ["EPOCH", "as_days", "calendar_rows", "department_months", "department_on", "months_of"]

EPOCH = pd.Timestamp("1970-01-01")
_TENURE = (365.25, 2 * 365.25, 5 * 365.25)
_TENURE_WORDS = ("under 1 year", "1 year", "2 to 4 years", "5 years or more")


def as_days(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values).astype("datetime64[ns]")


def department_on(who: pd.Series, day: pd.Series, spells: pd.DataFrame) -> np.ndarray:
    """The department in which a person was on a day; None outside all spells."""
    listed = spells[["staff_id", "dept_id", "start", "end"]].assign(start=as_days(spells["start"]), end=as_days(spells["end"]))
    listed = listed[listed["start"].notna()].sort_values("start", kind="stable")
    asked = pd.DataFrame({"staff_id": who.to_numpy(), "start": as_days(day).to_numpy(), "_n": np.arange(len(who))})
    found = pd.merge_asof(
        asked.sort_values("start", kind="stable"), listed.rename(columns={"start": "_since"}), left_on="start", right_on="_since", by="staff_id"
    ).sort_values("_n")
    there = found["end"].isna() | (found["start"] <= found["end"])
    return found["dept_id"].astype(object).where(there, None).to_numpy()


def calendar_rows(cohort: Cohort, episodes: Episodes, outcome: str) -> tuple[pd.DataFrame, tuple[str, ...], list[Caution]]:
    """Rows of ``episodes`` in days since 1970, with model-ready covariates of the plan for ``outcome`` (or retention), profession where staff has
    it, and tenure; the names of the covariates; what the reader must know of them.
    """
    planned = planned_covariates(cohort, outcome) or planned_covariates(cohort, "retention")
    rows, cautions = with_covariates(episodes.rows, [name for name in planned if name in episodes.rows])
    hire = (rows["staff_id"].map(episodes.persons.set_index("staff_id")["hire"]) - EPOCH).dt.days.to_numpy(float)
    tenure = np.array(_TENURE_WORDS, object)[np.searchsorted(_TENURE, rows["start"].to_numpy(float), side="right")]
    rows = rows.assign(start=hire + rows["start"].to_numpy(float), stop=hire + rows["stop"].to_numpy(float), tenure=tenure)
    staff = cohort.table("staff")
    if "profession" in staff:
        known = staff.set_index("staff_id")["profession"].astype(object)
        rows = rows.assign(profession=rows["staff_id"].map(known).fillna("missing").astype(str))
    names = [*(name for name in planned if name in rows), *(["profession"] if "profession" in rows else []), "tenure"]
    return rows, tuple(dict.fromkeys(names)), cautions


def months_of(cohort: Cohort, dates: pd.Series) -> np.ndarray:
    """Months of the window, the first is 1."""
    start = pd.Timestamp(cohort.window[0])
    return ((dates.dt.year - start.year) * 12 + dates.dt.month - start.month + 1).to_numpy()


def department_months(cohort: Cohort, rows: pd.DataFrame, events: pd.DataFrame, count: str) -> pd.DataFrame:
    """dept_id, period, person_days, ``count``, person_years, adopted; partial months of a go-live are absent.

    rows: of `calendar_rows`; events: date and dept_id.
    """
    start, end = cohort.window
    months = pd.period_range(start, end, freq="M")
    edges = np.append((months.start_time - EPOCH).days, (months[-1].end_time - EPOCH).days + 1) - 1.0
    begins, ends = rows["start"].to_numpy()[:, None], rows["stop"].to_numpy()[:, None]
    days = np.clip(np.minimum(ends, edges[None, 1:]) - np.maximum(begins, edges[None, :-1]), 0, None)
    time = pd.DataFrame(days, columns=np.arange(1, len(months) + 1)).groupby(rows["dept_id"].astype(str).to_numpy()).sum()
    panel = time.rename_axis(index="dept_id", columns="period").stack().rename("person_days").reset_index()  # noqa: PD013
    counts = pd.DataFrame({"dept_id": events["dept_id"].astype(str).to_numpy(), "period": months_of(cohort, events["date"])})
    counted = counts.groupby(["dept_id", "period"]).size().rename(count).reset_index()
    panel = panel.merge(counted, on=["dept_id", "period"], how="left")
    panel[count] = panel[count].fillna(0).astype(int)
    panel["person_years"] = panel["person_days"] / 365.25
    live = adoption(rollout=own_rollout(cohort), start=start, end=end)
    live.index = live.index.astype(str)
    panel["adopted"] = panel["dept_id"].map(live["adopted"])
    return panel[(panel["period"] != panel["dept_id"].map(live["partial"])) & (panel["person_days"] > 0)].reset_index(drop=True)
