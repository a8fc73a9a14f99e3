"""What the chapter on delivery starts from: the matches that began within the window, their sessions, and who could have been matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.clustered import clustered_mean, clustered_share
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.equity.eligible import EquityStudy, begun_matches, equity_study
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.planned_ends import ended_as_planned, ends_known

__all__ = ["NO_DEPARTMENT", "DeliveryStudy", "delivery_study", "mean_of", "share_of", "share_words", "told_table"]

NO_DEPARTMENT = "none"


@dataclass(frozen=True)
class DeliveryStudy:
    """cohort; start, end: the window; matches: every relationship in it that began, of all types.

    matches has one row each: match_id, mentee_id, mentor_id, start, last (its end as `ends_known` has it, or that of the window), ended (0/1),
    end_reason (mentee_left or mentor_left where that is all that is known), left_open (1: where it is), planned (ended as planned; missing where it
    lasts or nobody says why it ended), months (start to last), kind (relationship_type, mentoring where not said), dept_id (of the mentee on its
    first day), and the other columns as recorded.
    """

    cohort: Cohort
    start: pd.Timestamp
    end: pd.Timestamp
    matches: pd.DataFrame

    @cached_property
    def mentoring(self) -> pd.DataFrame:
        """Matches of mentoring alone: supervision and preceptorship are not the programme."""
        return self.matches[self.matches["kind"] == "mentoring"].reset_index(drop=True)

    @cached_property
    def begun(self) -> pd.DataFrame:
        """Matches of mentoring begun by the end of the window, also before it: who has ever been mentored, or mentored others."""
        begun = begun_matches(self.cohort)
        return begun[begun["start"] <= self.end].reset_index(drop=True)

    @cached_property
    def reasons_told(self) -> bool:
        """Whether of any match of mentoring that was recorded as ended it is recorded why."""
        return bool((self.mentoring["planned"].notna() & self.mentoring["left_open"].eq(0)).any())

    @cached_property
    def eligible(self) -> EquityStudy | None:
        """Who could have been matched; None without a roll-out."""
        return equity_study(self.cohort) if self.cohort.has("rollout") else None

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """Sessions agreed during matches of mentoring: date, held (0/1), the columns as recorded, match_id, mentor_id, dept_id."""
        if not self.cohort.has("sessions"):
            return pd.DataFrame()
        table = self.cohort.table("sessions").merge(self.mentoring[["match_id", "mentor_id", "dept_id", "start", "last"]], on="match_id")
        table["date"] = pd.to_datetime(table["date"])
        table = table[(table["date"] >= table["start"]) & (table["date"] <= table["last"])].reset_index(drop=True)
        status = table["status"] if "status" in table else pd.Series("held", index=table.index)
        return table.assign(status=status.astype(object).where(status.notna(), "held"), held=(status.isna() | (status == "held")).astype(int))

    def department_on(self, people: pd.Series, days: pd.Series) -> pd.Series:
        """The department in which each person was in post on the day, `NO_DEPARTMENT` outside any; in the order of ``people``."""
        asked = pd.DataFrame({"row": np.arange(len(people)), "staff_id": people.to_numpy(), "day": pd.to_datetime(days).to_numpy()})
        spells = self.cohort.table("spells")[["staff_id", "dept_id", "start", "end"]]
        both = asked.merge(spells, on="staff_id")
        both = both[(both["start"] <= both["day"]) & (both["end"].isna() | (both["end"] >= both["day"]))].dropna(subset=["dept_id"])
        found = both.sort_values(["row", "start"], kind="stable").drop_duplicates("row", keep="last").set_index("row")["dept_id"]
        return asked["row"].map(found.astype(object)).fillna(NO_DEPARTMENT).set_axis(people.index)


def delivery_study(cohort: Cohort) -> DeliveryStudy:
    """The study of a cohort that has staff, spells and matches."""
    start, end = (pd.Timestamp(day) for day in cohort.window)
    matches = cohort.table("matches")
    for name in ("start", "end", "offered_on"):
        matches = matches.assign(**{name: pd.to_datetime(matches[name]) if name in matches else pd.NaT})
    if "mentor_id" not in matches:
        matches = matches.assign(mentor_id=pd.NA)
    matches = matches[matches["start"].notna() & (matches["start"] >= start) & (matches["start"] <= end)]
    matches = matches.sort_values(["start", "match_id"], kind="stable", ignore_index=True)
    kind = matches["relationship_type"].astype(object) if "relationship_type" in matches else pd.Series(pd.NA, index=matches.index, dtype=object)
    said = matches["end"].le(end) & (matches["end_reason"].notna() if "end_reason" in matches else False)
    matches = ends_known(cohort, matches.assign(kind=kind.fillna("mentoring")), end)
    planned = ended_as_planned(matches["end_reason"]).where(matches["ended"].eq(1))
    matches = matches.assign(planned=planned, left_open=(planned.notna() & ~said).astype(int))
    matches["months"] = np.maximum((matches["last"] - matches["start"]).dt.days, 0.5) / DAYS_PER_MONTH
    study = DeliveryStudy(cohort, start, end, matches)
    return DeliveryStudy(cohort, start, end, matches.assign(dept_id=study.department_on(matches["mentee_id"], matches["start"])))


def _result(
    key: str, label: str, estimand: str, population: str, estimate: Estimate, group: str, behind: tuple[float | None, ...], role: str
) -> Result:
    return Result(f"delivery.{key}", "delivery", estimand, population, estimate, label, role, group, rests_on=behind)


def share_of(
    key: str, label: str, estimand: str, yes: Any, cluster: Any, *, of: Any = None, population: str, group: str = "", role: str = "companion"
) -> Result:
    """The share of units with ``yes`` (0/1) among ``of`` (all), departments left out one at a time."""
    yes = np.asarray(yes, float)
    trials = np.ones(len(yes)) if of is None else np.asarray(of, float)
    estimate = clustered_share(yes * (trials > 0), trials, cluster, estimand=estimand)
    return _result(
        key, label, estimand, population, estimate, group, (float((yes * (trials > 0)).sum()), float((trials - yes * (trials > 0)).sum())), role
    )


def mean_of(
    key: str,
    label: str,
    estimand: str,
    amount: Any,
    weight: Any,
    cluster: Any,
    *,
    population: str,
    group: str = "",
    unit: str = "",
    n: int | None = None,
    events: float | None = None,
    role: str = "companion",
) -> Result:
    """sum(amount) / sum(weight), departments left out one at a time."""
    number = len(np.asarray(amount)) if n is None else n
    estimate = clustered_mean(amount, weight, cluster, estimand=estimand, unit=unit, n=number, n_events=events)
    return _result(key, label, estimand, population, estimate, group, (float(number), events), role)


def share_words(estimate: Estimate) -> str:
    """``70 % (95 % CI 67 % to 73 %)``."""
    limits = f" (95 % CI {estimate.ci_low:.0%} to {estimate.ci_high:.0%})" if np.isfinite(estimate.ci_low) else ""
    return f"{estimate.value:.0%}{limits}"


def _with_unit(result: Result) -> str:
    unit = result.estimate.unit
    return f"{result.label} ({unit})" if unit and unit.split()[0].lower() not in result.label.lower() else result.label


def told_table(exhibit_id: str, title: str, results: Sequence[Result], *, units: bool = False, note: str = "") -> Exhibit:
    """Results of shares or means as a table: what, of how many, how many, and the share or mean with its interval; units: said beside it."""
    shares = all(result.estimate.scale == "probability" for result in results)
    rows = pd.DataFrame(
        {
            "group": [r.group for r in results],
            "label": [r.label for r in results],
            "n": [r.estimate.n for r in results],
            "n_events": [r.estimate.n_events for r in results],
            "estimate": [r.estimate.value for r in results],
            "ci_low": [r.estimate.ci_low for r in results],
            "ci_high": [r.estimate.ci_high for r in results],
            "told": [r.id for r in results],
            "fewest": [min((float(c) for c in r.rests_on if c), default=np.nan) for r in results],
        }
    )
    counts = ("n", "n_events") if any(r.estimate.n_events is not None for r in results) else ("n",)
    if (rows["group"] == "").all():
        rows = rows.drop(columns="group")
    if "n_events" not in counts:
        rows = rows.drop(columns="n_events")
    if units:
        rows["label"] = [_with_unit(r) for r in results]
    form = "percent" if shares else "number"
    return table_exhibit(
        exhibit_id,
        title,
        rows,
        counts=counts,
        derived=("estimate", "ci_low", "ci_high"),
        behind=("fewest",),
        results={"told": ""},
        labels={
            **({"group": ""} if "group" in rows else {}),
            "label": "",
            "n": "Of",
            **({"n_events": "Number"} if "n_events" in counts else {}),
            "estimate": "Share" if shares else "Mean",
            "ci_low": "95 % CI from",
            "ci_high": "to",
        },
        formats={"estimate": form, "ci_low": form, "ci_high": form, **dict.fromkeys(counts, "count")},
        **({"stub": ["group", "label"]} if "group" in rows else {}),
        note=note,
    )
