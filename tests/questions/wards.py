"""Wards with incidents drawn as the test says: roll-out, rates and effects are arguments, so that each part of the chapter has something to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.incidents.default_rates import default_rates
from mentorship_eval.questions.incidents.prepared import Prepared, from_records
from tests.questions.cohorts import small

START = pd.Period("2022-01", "M")
LEVELS = {"low": 0.3, "moderate": 0.08, "severe": 0.02, "none": 0.4, "near_miss": 0.2}


@cache
def month(number: float) -> pd.Timestamp:
    """First day of the month with this number; the first is 1."""
    return (START + int(number) - 1).to_timestamp()


def wards(
    live: Mapping[str, float | None], *, seed: int = 0, months: int = 24, rate: float = 20.0, other: Mapping[str, float | None] | None = None,
    factor: Callable[[str, int, str], float] = lambda ward, period, level: 1.0,
    categories: Callable[[int], tuple[str, ...]] = lambda period: ("falls", "drugs"),
    lag: Callable[[str, int, np.random.Generator], int] | None = None, plan: Mapping[str, Any] | None = None, **rollout: Any,
) -> Cohort:  # fmt: skip
    """A cohort of ``live`` (ward -> month of go-live, None: never), ``rate`` incidents a ward and month, 1,000 patient-days in each.

    factor(ward, month, degree of harm) multiplies the rate; categories(month) are as likely one as the other; lag(ward, month, rng): days to
    the report; rollout: further columns; plan: keys of plan.incidents. Nothing is permuted.
    """
    base, rng = small(), np.random.default_rng(seed)
    incidents = []
    for ward in live:
        for period in range(1, months + 1):
            for level, share in LEVELS.items():
                for _ in range(rng.poisson(rate * share * factor(ward, period, level))):
                    day = int(rng.integers(28))
                    late = 1 if lag is None else lag(ward, period, rng)
                    kinds = categories(period)
                    incidents.append((ward, month(period), day, late, kinds[rng.integers(len(kinds))], level))
    table = pd.DataFrame(incidents, columns=["dept_id", "occurred", "reported", "late", "category", "harm"])
    table["occurred"] += pd.to_timedelta(table["reported"], unit="D")
    table["reported"] = table["occurred"] + pd.to_timedelta(table.pop("late"), unit="D")
    table["incident_id"] = table.index.astype(str)
    exposure = pd.DataFrame([{"dept_id": ward, "month": month(p), "patient_days": 1000.0} for ward in live for p in range(1, months + 1)])
    went = {"P1": live} | ({"LAB": other} if other else {})
    rows = [
        {"programme_id": name, "dept_id": ward, "active_from": pd.NaT if when is None else month(when), "active_to": pd.NaT}
        for name, dates in went.items() for ward, when in dates.items()
    ]  # fmt: skip
    started = pd.DataFrame(rows).assign(allocation="random").assign(**rollout)
    window = base.study.study.model_copy(update={"start": month(1).date(), "end": (month(months + 1) - pd.Timedelta(days=1)).date()})
    choice = base.study.plan.incidents.model_copy(update={"other_programmes": ["LAB"] if other else [], **(plan or {})})
    study = base.study.model_copy(update={"study": window, "plan": base.study.plan.model_copy(update={"permutations": 0, "incidents": choice})})
    return replace(base, study=study, tables={"incidents": table, "exposure": exposure, "rollout": started})


def with_tables(cohort: Cohort, **tables: pd.DataFrame) -> Cohort:
    return replace(cohort, tables={**cohort.tables, **tables})


def sites(of: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"dept_id": list(of), "site_id": list(of.values())})


def unfitted(cohort: Cohort) -> Prepared:
    """The incidents of a cohort: enough for what is decided by rows alone, in a tenth of the time."""
    return from_records(cohort)


def fitted(cohort: Cohort) -> Prepared:
    """The incidents of a cohort with the default fits done."""
    study = from_records(cohort)
    default_rates(study)
    return study


STAGGERED: dict[str, float | None] = {f"W{k:02d}": (7 + k if k < 8 else None) for k in range(12)}
