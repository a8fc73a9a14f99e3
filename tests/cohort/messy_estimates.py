"""Estimates of a cohort as read, for comparing a repaired one with the clean one."""

from __future__ import annotations

import math

from mentorship_eval import did
from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import department_months
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.survival import cox


def followed(cohort: Cohort):
    tables = {name: cohort.table(name) for name in ("staff", "spells", "matches", "rollout")}
    start, end = cohort.window
    return mentorship_episodes(**tables, start=start, end=end)


def months_of(cohort: Cohort):
    start, end = cohort.window
    return department_months(**{name: cohort.table(name) for name in ("incidents", "exposure", "rollout")}, start=start, end=end).rows


def estimates(cohort: Cohort) -> dict[str, float]:
    """The default models of retention and incidents: log ratios and their standard errors, and what they rest on."""
    rows, _ = with_covariates(followed(cohort).rows, ["newly_qualified"])
    rows["event"] = (rows["cause"] == "voluntary").astype(int)
    fit = cox(rows, start="start", stop="stop", event="event", covariates=["mentored", "newly_qualified"],
              strata="dept_id", cluster="dept_at_entry", variance="cluster")
    days = rows["stop"] - rows["start"]
    found = {"leaving": fit.table["coef"][0], "leaving_se": fit.estimate.se, "person_days": days.sum(), "leavers": rows["event"].sum()}
    by = rows.assign(days=days).groupby("mentored")[["event", "days"]].sum()
    found["crude_leaving"] = math.log(by.loc[1, "event"] / by.loc[1, "days"]) - math.log(by.loc[0, "event"] / by.loc[0, "days"])
    for arm in (0, 1):
        found[f"leavers_{arm}"], found[f"days_{arm}"] = by.loc[arm, "event"], by.loc[arm, "days"]
    panel = months_of(cohort)
    for count in ("harm", "all_incidents"):
        rates = did.poisson_imputation(panel, count=count, exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=0)
        found[count], found[f"{count}_low"] = math.log(rates.irr.value), math.log(rates.irr.ci_low)
    with_ = panel["adopted"].notna() & (panel["period"] >= panel["adopted"])
    cells = panel.groupby(with_)[["harm", "patient_days"]].sum()
    found["crude_harm"] = math.log(cells.loc[True, "harm"] / cells.loc[True, "patient_days"]) - math.log(
        cells.loc[False, "harm"] / cells.loc[False, "patient_days"])
    for arm in (False, True):
        found[f"harm_{int(arm)}"], found[f"patient_days_{int(arm)}"] = cells.loc[arm, "harm"], cells.loc[arm, "patient_days"]
    return found
