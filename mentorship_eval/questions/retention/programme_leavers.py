"""Estimand two of retention: the programme active in one's department, whoever is mentored (intention to treat).

Leavers per person-month by department and tenure band, staggered go-live, Poisson imputation with the
department as cluster. A calendar-adjusted Cox model stands beside it, labelled two-way fixed effects: it is biased
when the effect grows or differs between waves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import leaver_panel
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import BLOCK, allocation_cautions, allocations, own_rollout, programme_ends, with_blocks
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.rates import RateFit, caution_list, fit_rates, rate_exhibits, rate_results
from mentorship_eval.questions.retention.levels import words_of
from mentorship_eval.questions.retention.model_rows import OUTCOME, calendar_periods, persons_not_rows
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox

__all__ = ["programme_active"]

PROGRAMME = "Programme active in the department"
# Three units a department make this panel three times the size; the t interval is what is quoted.
_MOST_PERMUTATIONS = 999


def programme_active(cohort: Cohort, episodes: Episodes) -> Section:
    """Results, exhibits, cautions and gaps of the intention-to-treat analysis of leaving."""
    if not cohort.has("rollout"):
        return Section().lacks(
            "Leaving where the programme is active", "The cohort has no table rollout.", "rollout (programme_id, dept_id, active_from)"
        )
    plan, rules = cohort.study.plan, cohort.study.rules
    start, end = cohort.window
    first = pd.Timestamp(start).to_period("M")
    words = words_of(episodes)
    estimand = f"rate of {words.leaving} in departments where the programme is active, against the rate expected without it"
    try:
        made = leaver_panel(
            staff=cohort.table("staff"),
            spells=cohort.table("spells"),
            rollout=own_rollout(cohort),
            start=start,
            end=end,
            suspended=rules.suspended,
            bridge_gap=max(int(rules.rehire_gap_days), 1),
            level=plan.leaving,
            destinations=rules.profession_destinations,
        )
        panel = with_blocks(cohort, made.rows.assign(person_years=made.rows["person_months"] / 12))
        default = {
            "outcome": OUTCOME,
            "label": words.label,
            "count": "leavers",
            "exposure": "person_years",
            "unit": "unit",
            "adopted": "adopted",
            "rate_label": "Leavers per 100 person-years",
            "per": 100,
            "cluster": "dept_id",
            "min_controls": rules.min_controls,
            "anticipation": plan.anticipation,
            "seed": plan.seed,
            "month_of": lambda period: str(first + int(period) - 1),
        }
        within = {"permute_within": BLOCK} if BLOCK in panel else {}
        rates = fit_rates(panel, permutations=min(plan.permutations, _MOST_PERMUTATIONS), **within, **default)
    except (DataError, EstimationError) as error:
        return Section().lacks("Leaving where the programme is active", error, "More departments or months without the programme.")
    results = rate_results(
        rates,
        result_id="retention.programme_active",
        estimand=estimand,
        population="department-months with the programme",
        role="headline",
        group=PROGRAMME,
        random_timing=allocations(cohort) == {"random"},
    )
    # cells are department-months by tenure band; a reader counts department-months
    months = _department_months(rates, panel)
    results = [replace(one, estimate=replace(one.estimate, n=months)) for one in results]
    results[0] = replace(results[0], label=f"{words.label}, programme active")
    results += _while_it_lasted(cohort, panel, default, estimand)
    rows = episodes.rows.assign(event=episodes.rows["cause"].isin(episodes.outcome).astype(int))
    rows["period"], _ = calendar_periods(rows)
    what = f"hazard of {words.leaving} while the programme is active in the department"
    try:
        fit = cox(
            rows,
            start="start",
            stop="stop",
            event="event",
            covariates=["programme_active", "period"],
            strata="dept_id",
            cluster="dept_at_entry",
        )
        estimate = persons_not_rows(fit.estimate, len(episodes.persons), int(rows["event"].sum()), what)
        if np.isnan(results[0].estimate.ci_low):
            # too few treated departments for a t interval, here as above
            estimate = replace(estimate, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
        results.append(
            Result(
                "retention.programme_active.twfe",
                OUTCOME,
                what + " (two-way fixed effects)",
                "all staff followed",
                estimate,
                "Programme active, two-way fixed effects Cox",
                "companion",
                PROGRAMME,
            )
        )
    except EstimationError:
        pass
    exhibits = rate_exhibits(rates, "retention.programme", brief=True)
    # a tenure band with nobody in it, and the month of a go-live, are not missing data
    cautions = caution_list(rates, drop=("missing_cells",))
    if len(made.partial):
        text = f"{len(made.partial)} department-months in which the programme went live part-way are left out of the rates of leaving."
        cautions.append(Caution("partial_months", text, {"cells": len(made.partial)}))
    method = (
        "The programme active in the department: Poisson imputation on leavers per person-year by department, tenure band and "
        "month; department and month effects fitted where the programme is not active; leave-one-department-out jackknife, t(G-1)."
    )
    return Section(results=results, exhibits=exhibits, cautions=cautions + allocation_cautions(cohort), methods=[method])


def _department_months(rates: RateFit, panel: pd.DataFrame) -> int:
    return len(rates.fit.expected.merge(panel[["unit", "dept_id"]].drop_duplicates(), on="unit")[["dept_id", "time"]].drop_duplicates())


def _while_it_lasted(cohort: Cohort, panel: pd.DataFrame, default: dict[str, Any], estimand: str) -> list[Result]:
    """The same without the months after the programme ended in a department; nothing where it ended nowhere or that cannot be fitted."""
    end = panel["dept_id"].map(programme_ends(cohort))
    after = (end.notna() & (panel["month"] > end) & (panel["period"] >= panel["adopted"])).to_numpy()
    if not after.any():
        return []
    try:
        rates = fit_rates(panel[~after], permutations=0, tables=False, **default)
    except EstimationError:
        return []
    told = replace(rates.fit.irr, estimand=f"{estimand}, while it lasted", n=_department_months(rates, panel))
    label = "Without months after the programme's end"
    population = "department-months with the programme, before its end"
    return [Result("retention.programme_active.after_end", OUTCOME, told.estimand, population, told, label, "sensitivity", PROGRAMME)]
