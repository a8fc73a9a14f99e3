"""Estimand two of retention: the programme active in one's department, whoever is mentored (intention to treat).

Leavers per person-month by department and tenure band, staggered go-live, Poisson imputation with the
department as cluster. A calendar-adjusted Cox model stands beside it, labelled two-way fixed effects: it is biased
when the effect grows or differs between waves.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.episodes import Episodes
from mentorship_eval.cohort.panels import leaver_panel
from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Gap, Result
from mentorship_eval.questions.being_mentored import CAUSE, OUTCOME, persons_not_rows
from mentorship_eval.questions.rates import caution_list, fit_rates, rate_exhibits, rate_results
from mentorship_eval.survival import cox

__all__ = ["programme_active"]

PROGRAMME = "Programme active in the department"
# Three units a department make this panel three times the size; the t interval is what is quoted.
_MOST_PERMUTATIONS = 999


def programme_active(cohort: Cohort, episodes: Episodes) -> tuple[list[Result], list[Exhibit], list[Caution], list[Gap]]:
    """Results, exhibits, cautions and gaps of the intention-to-treat analysis of leaving."""
    if not cohort.has("rollout"):
        return (
            [],
            [],
            [],
            [
                Gap(
                    "Leaving where the programme is active",
                    "The cohort has no table rollout.",
                    "rollout (programme_id, dept_id, active_from)",
                )
            ],
        )
    plan, rules = cohort.study.plan, cohort.study.rules
    start, end = cohort.window
    first = pd.Timestamp(start).to_period("M")
    estimand = "rate of voluntary leaving in departments where the programme is active, against the rate expected without it"
    try:
        panel = leaver_panel(
            staff=cohort.table("staff"),
            spells=cohort.table("spells"),
            rollout=cohort.table("rollout"),
            start=start,
            end=end,
            suspended=rules.suspended,
            bridge_gap=int(rules.rehire_gap_days),
        ).rows
        panel = panel.assign(person_years=panel["person_months"] / 12)
        rates = fit_rates(
            panel,
            outcome=OUTCOME,
            label="Voluntary leaving",
            count="leavers",
            exposure="person_years",
            unit="unit",
            adopted="adopted",
            rate_label="Leavers per 100 person-years",
            per=100,
            cluster="dept_id",
            min_controls=rules.min_controls,
            anticipation=plan.anticipation,
            permutations=min(plan.permutations, _MOST_PERMUTATIONS),
            seed=plan.seed,
            month_of=lambda period: str(first + int(period) - 1),
        )
    except (DataError, EstimationError) as error:
        return [], [], [], [Gap("Leaving where the programme is active", str(error), "More departments or months without the programme.")]
    results = rate_results(
        rates,
        result_id="retention.programme_active",
        estimand=estimand,
        population="department-months with the programme",
        role="headline",
        group=PROGRAMME,
    )
    named = Result(**{**results[0].__dict__, "label": "Voluntary leaving, programme active"})
    results = [named, *results[1:]]
    rows = episodes.rows.assign(event=(episodes.rows["cause"] == CAUSE).astype(int))
    what = "hazard of voluntary leaving while the programme is active in the department"
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
        results.append(
            Result(
                "retention.programme_active.twfe",
                OUTCOME,
                what + " (two-way fixed effects)",
                "all staff followed",
                persons_not_rows(fit.estimate, len(episodes.persons), int(rows["event"].sum()), what),
                "Programme active, two-way fixed effects Cox",
                "companion",
                PROGRAMME,
            )
        )
    except EstimationError:
        pass
    exhibits = rate_exhibits(rates, "retention.programme", brief=True)
    return results, exhibits, caution_list(rates), []
