"""What surrounded the programme: go-lives planned and actual, support by the institution, workshops beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.study import DeliveryStudy, mean_of, share_of
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.groups import jackknifed_ratio
from mentorship_eval.questions.section import Section

__all__ = ["SUPPORT", "beside", "slippage", "support"]

SUPPORT = ("ORGANISATIONAL-SUPPORT", "SPOS", "POS")


def slippage(study: DeliveryStudy) -> Section:
    """Days from the planned to the actual go-live over departments, and the timeline by quarter of the plan."""
    told, question = Section(), "Whether departments went live as planned"
    rollout = study.cohort.table("rollout") if study.cohort.has("rollout") else pd.DataFrame()
    if "planned_from" not in rollout or rollout["planned_from"].isna().all():
        return told.lacks(question, "When go-lives were planned is not in these data.", "planned_from in rollout")
    rows = rollout[rollout["planned_from"].notna()].drop_duplicates("dept_id")
    planned, actual = pd.to_datetime(rows["planned_from"]), pd.to_datetime(rows["active_from"])
    live = actual.notna()
    days = (actual - planned).dt.days[live].astype(float)
    about = {"population": "departments with a planned go-live", "group": "Go-lives"}
    if len(days):
        told.results.append(
            mean_of(
                "slippage",
                "Days from the planned to the actual go-live",
                "mean days from planned to actual go-live, of departments that are live",
                days,
                np.ones(len(days)),
                rows.loc[live, "dept_id"],
                unit="days",
                **about,
            )
        )
    told.results.append(
        share_of(
            "live_in_time",
            "Departments live within a month of the plan",
            "share of planned departments live within 31 days of the planned go-live",
            ((actual - planned).dt.days <= 31).astype(int),
            rows["dept_id"],
            **about,
        )
    )
    # counts of departments are no counts of people: which departments went live when is known in the house
    told.results = [replace(result, estimate=replace(result.estimate, n=None, n_events=None), rests_on=()) for result in told.results]
    quarter = planned.dt.to_period("Q").astype(str)
    table = pd.DataFrame({"planned": quarter, "one": 1, "live": live, "days": (actual - planned).dt.days})
    grouped = table.groupby("planned", sort=True).agg(departments=("one", "sum"), live=("live", "sum"), days=("days", "median")).reset_index()
    told.exhibits.append(
        table_exhibit(
            "delivery.rollout",
            "Go-lives planned and actual",
            grouped,
            labels={"planned": "Planned for", "departments": "Departments", "live": "Live by now", "days": "Days late, median"},
            formats={"departments": "count", "live": "count", "days": "number"},
            note="Departments, not people; negative days are early.",
        )
    )
    told.methods.append("Go-lives: departments are the units; the interval lets them vary as if drawn from more of their kind.")
    return told


def support(study: DeliveryStudy) -> Section:
    """Mean of the support scale among those asked, at each wave; other people answer at each."""
    told, question = Section(), "Whether staff feel supported by the institution"
    surveys = study.cohort.table("surveys") if study.cohort.has("surveys") else pd.DataFrame({"instrument": []})
    rows = surveys[surveys["instrument"].astype(str).isin(SUPPORT)]
    if rows.empty or "staff_id" not in rows or "completed_on" not in rows:
        return told.lacks(
            question, "There is no scale of support that is linked to staff.", f"surveys with the instrument {SUPPORT[0]} or {SUPPORT[1]}"
        )
    rows = rows[rows["staff_id"].notna() & rows["completed_on"].notna()]
    dept = study.department_on(rows["staff_id"], rows["completed_on"])
    for wave, part in rows.groupby("wave"):
        told.results.append(
            mean_of(
                f"support.wave_{wave}",
                f"Support by the institution, wave {wave}",
                f"mean score of support, wave {wave}, as answered",
                part["score"].astype(float),
                np.ones(len(part)),
                dept.loc[part.index],
                population="staff who answered",
                group="Support",
                unit="points",
            )
        )
    return told


def beside(study: DeliveryStudy) -> Section:
    """Workshops and events per person-year from the first match on, against time before it or without: other chapters do not adjust for them."""
    told, question = Section(), "What else mentored staff took part in"
    if not study.cohort.has("events"):
        return told.lacks(question, "Workshops and events are not in these data.", "events (staff_id, date, kind)")
    spells = study.cohort.table("spells")
    spells = spells.assign(begin=spells["start"].clip(lower=study.start), stop=spells["end"].fillna(study.end).clip(upper=study.end))
    spells = spells[(spells["begin"] < spells["stop"]) & spells["dept_id"].notna()]
    first = study.begun.groupby("mentee_id")["start"].min()  # also before the window: whoever was mentored then is no control
    began = spells["staff_id"].map(first).fillna(pd.Timestamp.max.normalize())
    switch = pd.Series(np.clip(began.to_numpy(), spells["begin"].to_numpy(), spells["stop"].to_numpy()), index=spells.index)
    events = study.cohort.table("events")
    events = events.assign(date=pd.to_datetime(events["date"])).reset_index(drop=True)
    dept = study.department_on(events["staff_id"], events["date"])
    inside = (events["date"] >= study.start) & (events["date"] <= study.end) & (dept != "none")
    later = (events["date"] >= events["staff_id"].map(first)).to_numpy(bool)
    names = pd.Index(sorted(spells["dept_id"].astype(str).unique()))
    home, where = names.get_indexer(spells["dept_id"].astype(str)), names.get_indexer(dept.astype(str))
    sides, lived = [], []
    for mentored in (True, False):
        low, high = (switch, spells["stop"]) if mentored else (spells["begin"], switch)
        years = np.bincount(home, weights=(high - low).dt.days.to_numpy(float) / 365.25, minlength=len(names))
        mine = (inside & (later == mentored)).to_numpy() & (where >= 0)
        number = np.bincount(where[mine], minlength=len(names)).astype(float)
        sides.append([part.sum() - np.append(0.0, part) for part in (number, years)])
        lived.append(int((years > 0).sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (sides[0][0] / sides[0][1]) / (sides[1][0] / sides[1][1])
    behind = (float(sides[0][0][0]), float(sides[1][0][0]))
    if min(behind) <= 0:
        return told.lacks(question, "No event falls in time mentored, or none outside it.", "events of all staff, whether mentored or not")
    estimand = "workshops and events per person-year, once mentored against not yet or never"
    estimate = jackknifed_ratio(
        ratio,
        scale="rate ratio",
        n=int(spells["staff_id"].nunique()),
        n_events=int(sum(behind)),
        estimand=estimand,
        places=min(lived),
        method="events over person-years; leave-one-department-out jackknife of the log ratio, t on the departments of the side in fewest - 1",
    )
    told.results.append(
        Result(
            "delivery.events",
            "delivery",
            estimand,
            "staff",
            estimate,
            "Workshops and events, once mentored against not",
            "companion",
            "Beside the programme",
            rests_on=behind,
        )
    )
    told.methods.append(
        "Events beside mentoring: rates by time mentored, crude. A ratio away from 1 says that an effect of mentoring elsewhere in this "
        "report may in part be that of such events."
    )
    return told
