"""Estimand one of retention: the hazard of voluntary leaving while mentored, against not yet mentored.

Time-varying Cox model, time since hire, entry at the start of the window (left truncation), strata of the
current department, baseline covariates and calendar quarters; clusters are the departments at entry. Beside it
the audit of the design that most published evaluations use: ever against never mentored, from hire.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.episodes import Episodes, mentorship_episodes
from mentorship_eval.cohort.fixed_exposure import naive_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Exhibit, Gap, Result, Statement
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.survival import cox
from mentorship_eval.survival.cox_result import CoxResult

__all__ = ["BeingMentored", "being_mentored", "cohort_episodes", "persons_not_rows", "planned_covariates", "varying", "with_covariates"]

OUTCOME = "retention"
MENTORED = "Being mentored, against not yet"
CAUSE = "voluntary"
_TRANSITIONS = {
    "retirement": "Retirement",
    "end_of_contract": "End of contract",
    "dismissal": "Dismissal",
    "tupe": "Transfer of undertaking",
    "unknown": "Unknown reason",
}


@dataclass(frozen=True)
class BeingMentored:
    """results, exhibits, sentences, cautions and gaps of this estimand."""

    results: list[Result]
    exhibits: list[Exhibit]
    lead: list[Statement]
    cautions: list[Caution]
    gaps: list[Gap]
    method: str


def planned_covariates(cohort: Cohort, outcome: str) -> list[str]:
    """Baseline covariates that the plan names for ``outcome``, or for all outcomes."""
    covariates = cohort.study.plan.covariates
    return list(covariates.get(outcome, covariates.get("all", [])))


def with_covariates(rows: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, list[Caution]]:
    """Covariates ready for a model: flags as 0/1, a missing category as a category of its own (said, W122)."""
    rows, cautions = rows.copy(), []
    for name in names:
        column = rows[name]
        if pd.api.types.is_bool_dtype(column.dropna().infer_objects()):
            column = column.astype("Int64")
        if pd.api.types.is_numeric_dtype(column) and not column.isna().any():
            rows[name] = column.astype(float)
        else:
            if column.isna().any():
                share = float(column.isna().mean())
                cautions.append(
                    Caution(
                        "missing_covariate",
                        f"{name} is missing in {share:.1%} of the rows; missing is a category of its own in the model.",
                        {"covariate": name, "share": share},
                    )
                )
            rows[name] = column.astype(object).where(column.notna(), "missing").astype(str)
    return rows, cautions


def cohort_episodes(cohort: Cohort, *, calendar: str | None = "quarter") -> Episodes:
    """Person-time of the cohort under the plan's definition of exposure."""
    plan, rules = cohort.study.plan, cohort.study.rules
    start, end = cohort.window
    known = [name for name in planned_covariates(cohort, OUTCOME) if name in cohort.table("staff")]
    return mentorship_episodes(
        staff=cohort.table("staff"),
        spells=cohort.table("spells"),
        matches=cohort.table("matches"),
        start=start,
        end=end,
        rollout=cohort.tables.get("rollout"),
        exposure=plan.exposure.definition,
        lag=int(plan.exposure.lag_days),
        covariates=tuple(known),
        calendar=calendar,
        suspended=rules.suspended,
        bridge_gap=int(rules.rehire_gap_days),
    )


def persons_not_rows(estimate: Estimate, persons: int, events: int, estimand: str) -> Estimate:
    """A Cox estimate told per person: the engine counts rows, a reader counts people."""
    return replace(estimate, n=persons, n_events=events, estimand=estimand)


def varying(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Those columns that take more than one value here; a constant one says nothing and cannot be fitted."""
    return [name for name in names if (rows[name] != rows[name].iloc[0]).any()]


def _fit(rows: pd.DataFrame, first: str, covariates: list[str], event: str, strata: str | None) -> CoxResult:
    usable = varying(rows, covariates)
    return cox(rows, start="start", stop="stop", event=event, covariates=[first, *usable], strata=strata, cluster="dept_at_entry")


def _as_far_as_it_goes(rows: pd.DataFrame, covariates: list[str], event: str) -> tuple[CoxResult | None, bool, str]:
    """A fit for a rare cause: with the baseline covariates, else without; whether they are in; why there is none."""
    problem = ""
    for names in ([*covariates, "period"], ["period"], []):
        try:
            return _fit(rows, "mentored", names, event, "dept_id"), bool(covariates) and covariates[0] in names, ""
        except EstimationError as error:
            problem = error.problem
    return None, False, problem


def _audit(episodes: Episodes, covariates: list[str], persons: int) -> tuple[list[Result], float, float]:
    """The naive results, and the person-days of follow-up that they misclassify, of all they call mentored."""
    results = []
    for origin, label, text in (
        ("hire", "Ever mentored, counted from hire", "naive: ever against never mentored, everybody counted from hire"),
        ("entry", "Ever mentored, counted from entry", "naive: ever against never mentored, with delayed entry"),
    ):
        naive = naive_rows(episodes, origin=origin)
        rows, _ = with_covariates(naive.rows, covariates)
        rows["event"] = (rows["cause"] == CAUSE).astype(int)
        try:
            fit = _fit(rows, "ever_mentored", covariates, "event", "dept_id")
        except EstimationError:
            continue
        estimate = persons_not_rows(fit.estimate, persons, int(rows["event"].sum()), text)
        results.append(Result(f"retention.naive_{origin}", OUTCOME, text, "all staff followed", estimate, label, "audit"))
    followed = naive_rows(episodes, origin="entry")
    return results, followed.misclassified_days, followed.claimed_days


def being_mentored(cohort: Cohort, episodes: Episodes) -> BeingMentored:
    """The whole default analysis of this estimand, its companions and its audit."""
    covariates = [name for name in planned_covariates(cohort, OUTCOME) if name in episodes.rows]
    unknown = [name for name in planned_covariates(cohort, OUTCOME) if name not in episodes.rows]
    rows, cautions = with_covariates(episodes.rows, covariates)
    if unknown:
        cautions.append(
            Caution(
                "covariate_absent",
                f"The plan names {', '.join(unknown)}, which staff does not have; the model goes without.",
                {"covariates": unknown},
            )
        )
    cautions += list(episodes.notes)
    rows["event"] = (rows["cause"] == CAUSE).astype(int)
    persons, leavers = len(episodes.persons), int(rows["event"].sum())
    method = (
        "Cox model on (start, stop] rows in days since hire, delayed entry at the window, strata: department, "
        f"covariates: {', '.join([*covariates, 'calendar quarter'])}; "
    )
    results: list[Result] = []
    exhibits: list[Exhibit] = []
    gaps: list[Gap] = []
    try:
        main = _fit(rows, "mentored", [*covariates, "period"], "event", "dept_id")
    except EstimationError as error:
        gaps.append(Gap("The hazard of leaving while mentored", str(error), "More follow-up, or more staff mentored and not mentored."))
        return BeingMentored([], [], [], cautions, gaps, method)
    estimand = "hazard of voluntary leaving while mentored, against not yet mentored"
    estimate = persons_not_rows(main.estimate, persons, leavers, estimand)
    results.append(
        Result(
            "retention.being_mentored",
            OUTCOME,
            estimand,
            "all staff followed",
            replace(estimate, method=method + main.method),
            "Voluntary leaving while mentored",
            "headline",
            MENTORED,
        )
    )
    method += main.method

    for label, strata, extra in (("without strata of department", None, ["period"]), ("without calendar quarters", "dept_id", [])):
        try:
            other = _fit(rows, "mentored", [*covariates, *extra], "event", strata)
        except EstimationError:
            continue
        results.append(
            Result(
                "retention.sensitivity." + label.replace(" ", "_"),
                OUTCOME,
                f"{estimand}, {label}",
                "all staff followed",
                persons_not_rows(other.estimate, persons, leavers, estimand),
                f"While mentored, {label}",
                "sensitivity",
                MENTORED,
            )
        )
    for cause in sorted(set(rows["cause"]) - {"", CAUSE}):
        rows["other"] = (rows["cause"] == cause).astype(int)
        word = cause.replace("_", " ")
        other, adjusted, problem = _as_far_as_it_goes(rows, covariates, "other")
        if other is None:
            gaps.append(Gap(f"Mentorship and leaving by {word}", problem, "More such exits."))
            continue
        if not adjusted:
            cautions.append(
                Caution(
                    "unadjusted_cause",
                    f"{_TRANSITIONS.get(cause, word)}: the baseline covariates separate who had such an exit, "
                    "so that the hazard ratio is told without them.",
                    {"cause": cause},
                )
            )
        what = f"hazard of leaving by {word} while mentored, against not yet mentored"
        results.append(
            Result(
                f"retention.cause.{cause}",
                f"exit_{cause}",
                what,
                "all staff followed",
                persons_not_rows(other.estimate, persons, int(rows["other"].sum()), what),
                _TRANSITIONS.get(cause, cause.replace("_", " ").capitalize()),
                "companion",
                "Other exits while mentored",
            )
        )

    audit, misclassified, claimed = _audit(episodes, covariates, persons)
    results += audit
    if audit:
        frame = pd.DataFrame(
            [
                {
                    "label": r.label,
                    "estimate": r.estimate.value,
                    "ci_low": r.estimate.ci_low,
                    "ci_high": r.estimate.ci_high,
                    "hollow": r.role == "audit",
                }
                for r in [*audit, results[0]]
            ]
        )
        exhibits.append(
            Exhibit(
                "retention.audit",
                "audit_contrast",
                "What immortal time does to the estimate",
                {"rows": frame},
                {},
                {"misclassified_days": misclassified, "total_days": claimed, "value_label": "Hazard ratio of voluntary leaving"},
                "A person has to stay long enough to be matched; counting that time as mentored makes any programme look good.",
            )
        )
    ph = main.ph_test().table
    ph = ph[ph["term"].isin(["mentored", *covariates, "period", "GLOBAL"])]
    exhibits.append(
        table_exhibit(
            "retention.ph",
            "Test of proportional hazards",
            ph,
            labels={"term": "Term", "chisq": "Chi-square", "df": "df", "p": "p"},
            formats={"p": "p", "df": "count"},
            note="Score test on Kaplan-Meier-transformed time. A small p says that the ratio changes with tenure, so that one number is an "
            "average over tenure; a large p does not show that it is constant.",
        )
    )
    lead = [
        Statement(
            "{persons} members of staff were followed for "
            + f"{episodes.person_days / 365.25:,.0f} person-years; "
            + "{exits} left, {leavers} of "
            "them voluntarily. " + f"{episodes.mentored_days / max(episodes.person_days, 1):.0%} of the person-time was mentored.",
            {"persons": persons, "exits": episodes.leavers(), "leavers": leavers},
        )
    ]
    return BeingMentored(results, exhibits, lead, cautions, gaps, method)
