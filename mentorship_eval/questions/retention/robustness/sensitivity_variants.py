"""The list of other analyses of being mentored, as the plan has them: model, clusters, exposure, people, landmarks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.cohort.reading.reread import bridged_on_reading, spells_with_gap
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.robustness.rule_variants import PEOPLE, rule_variants
from mentorship_eval.questions.retention.robustness.sensitivity_fits import Fitted, Variant, filtered, from_episodes, restricted_fit, same
from mentorship_eval.survival.hazards.cox_variance import JACKKNIFE_BELOW

__all__ = ["LANDMARKS", "landmark_variant", "variants"]

MODEL, CLUSTERS, EXPOSURE, LANDMARKS = "Model", "Clusters", "When exposure counts", "Mentored by a landmark"
_PLANNED_ENDS = ("fixed_term", "rotational")
_CLUSTERS = {
    "current_department": ("Clusters: department at the time", "clusters: current department", "dept_id", "auto"),
    "person": ("Clusters: person", "clusters: person", "staff_id", "cluster"),
    "none": ("No clusters, model-based standard errors", "without clusters", None, "model"),
}


def variants(study: Prepared) -> Iterator[Variant]:
    """Every analysis of the plan's list, in the order in which it is shown."""
    plan = study.cohort.study.plan
    chosen, exposure = plan.sensitivity, plan.exposure
    if chosen.without_strata:
        yield Variant(
            "without_strata_of_department", "Without strata of department", MODEL, "without strata of department",
            lambda s: restricted_fit(s.rows, list(s.model), strata=None),
        )
    if chosen.without_calendar:
        yield Variant(
            "without_calendar_quarters", "Without calendar quarters", MODEL, "without calendar quarters",
            lambda s: restricted_fit(s.rows, list(s.covariates)),
        )
    for name in chosen.clusters:
        yield _clustered(name)
    for days in dict.fromkeys(chosen.lags_days):
        if days != exposure.lag_days:
            yield _lagged(int(days))
    if chosen.other_definition:
        yield _defined("absorbing" if exposure.definition == "current" else "current", 0)
    for days in dict.fromkeys(chosen.grace_days):
        if days > 0 and (exposure.definition, exposure.grace_days) != ("current", days):
            yield _defined("current", int(days))
    if chosen.exclude_prevalent:
        yield Variant(
            "without_prevalent", "Without those mentored before follow-up", PEOPLE, "without those whose mentoring began before they were followed",
            _without_prevalent, "staff not mentored when first followed",
        )
    if chosen.hired_in_window:
        yield Variant("hired_in_window", "Only those hired in the window", PEOPLE, "among those hired in the window", _hired, "hired in the window")
    for days in dict.fromkeys(chosen.rehire_gaps_days):
        if days != study.cohort.study.rules.rehire_gap_days:
            yield _rehired(days)
    if chosen.remove_suspended:
        yield Variant(
            "suspended_removed", "Without suspended time", PEOPLE, "without time on maternity leave, career break or secondment", _unsuspended
        )
    if chosen.exclude_planned_ends:
        yield Variant(
            "without_planned_ends", "Without contracts that have an end", PEOPLE, "without fixed-term and rotational contracts", _open_ended,
            "staff whose contract has no planned end",
        )
    yield from rule_variants(study)


def _clustered(name: str) -> Variant:
    label, words, column, variance = _CLUSTERS[name]

    def run(study: Prepared) -> Fitted:
        if column == "dept_id" and (study.rows["dept_id"] == study.rows["dept_at_entry"]).all():
            return same("nobody changed department")
        quick = _other_errors(study, column)
        if quick is not None:
            return Fitted(quick, study.persons, study.leavers)
        return restricted_fit(study.rows, list(study.model), cluster=column, variance=variance)

    return Variant(f"clusters_{name}", label, CLUSTERS, words, run)


def _other_errors(study: Prepared, column: str | None) -> Estimate | None:
    """The default estimate with other standard errors: only they change, so the fit need not be made again. None where the jackknife is
    wanted."""
    main = study.main
    if main is None or main.variance != "cluster":
        return None
    about = {"scale": "hazard ratio", "ci_level": main.ci_level}
    coef = math.log(main.estimate.value)
    if column is None:
        method = main.method.split("; cluster-robust")[0] + "; model-based standard errors (z)"
        return ratio_estimate(coef, math.sqrt(main.model_covariance[0, 0]), method=method, **about)
    codes, labels = pd.factorize(study.rows[column])
    score = main.residuals("score")["mentored"].abs()
    largest = score.groupby(codes).max()
    informative = int((largest > 1e-9 * largest.max()).sum())
    if informative < JACKKNIFE_BELOW and column != "staff_id":
        return None
    changes = np.bincount(codes, main.residuals("dfbeta")["mentored"].to_numpy(), len(labels))
    method = f"{main.method.split('; cluster-robust')[0]}; cluster-robust sandwich standard errors by {column}, t on {informative} informative "
    return ratio_estimate(
        coef, float(np.sqrt((changes**2).sum())), df=float(informative - 1), n_clusters=informative, method=method + "clusters less 1", **about
    )


def _lagged(days: int) -> Variant:
    words = f"exposure from {days} days after the match" if days else "exposure from the day after the match"
    return Variant(
        f"lag_{days}", f"From {days} days after the match", EXPOSURE, words, lambda s: from_episodes(s, cohort_episodes(s.cohort, lag=days))
    )


def _defined(definition: str, grace: int) -> Variant:
    def run(study: Prepared) -> Fitted:
        matches = study.cohort.table("matches")
        if "end" not in matches or matches["end"].isna().all():
            return same("no match has ended")
        return from_episodes(study, cohort_episodes(study.cohort, exposure=definition, grace=grace))

    if definition == "absorbing":
        return Variant("absorbing", "Once mentored, always mentored", EXPOSURE, "once mentored, always mentored", run)
    if grace:
        words = f"exposure until {grace} days after the match ends"
        return Variant(f"grace_{grace}", f"Until {grace} days after the match ends", EXPOSURE, words, run)
    return Variant("current", "Only while the match lasts", EXPOSURE, "exposure only while the match lasts", run)


def _without_prevalent(study: Prepared) -> Fitted:
    if not study.rows["prevalent"].any():
        return same("nobody was mentored before being followed")
    return filtered(study, study.rows["prevalent"] == 0)


def _hired(study: Prepared) -> Fitted:
    persons = study.episodes.persons
    chosen = persons.loc[persons["entry"] == 0, "staff_id"]
    if len(chosen) == len(persons):
        return same("everybody was hired in the window")
    return filtered(study, study.rows["staff_id"].isin(chosen))


def _rehired(days: float) -> Variant:
    def run(study: Prepared) -> Fitted:
        cohort = study.cohort
        if days > cohort.study.rules.rehire_gap_days:
            episodes = cohort_episodes(cohort, bridge_gap=int(days))
            before = study.episodes.persons
            if len(before) == len(episodes.persons) and (before["stop"].to_numpy() == episodes.persons["stop"].to_numpy()).all():
                return same(f"nobody came back within {days:g} days")
            return from_episodes(study, episodes)
        if not bridged_on_reading(cohort, days):
            return same(f"nobody came back after {days:g} to {cohort.study.rules.rehire_gap_days:g} days")
        # a start on the next day goes on with the same employment under any rule
        return from_episodes(study, cohort_episodes(cohort, spells=spells_with_gap(cohort, days), bridge_gap=int(max(days, 1))))

    words = f"a return within {days:g} days continuing the employment" if days else "every return being a new employment"
    return Variant(f"rehire_{days:g}", f"Returns within {days:g} days bridged" if days else "No return bridged", PEOPLE, words, run)


def _unsuspended(study: Prepared) -> Fitted:
    if not study.rows["suspended"].any():
        return same("no suspended time is in the risk set")
    return from_episodes(study, cohort_episodes(study.cohort, suspended="remove"))


def _open_ended(study: Prepared) -> Fitted:
    spells = study.cohort.table("spells")
    if "contract" not in spells or spells["contract"].isna().all():
        return same("spells do not name contracts")
    # the contract with which a person came under observation; a later one says how long they stayed
    persons = study.episodes.persons
    entered = persons.assign(day=persons["hire"] + pd.to_timedelta(persons["entry"], unit="D"))[["staff_id", "day"]]
    there = spells[["staff_id", "start", "end", "contract"]].merge(entered, on="staff_id")
    there = there[(there["start"] <= there["day"]) & ~(there["end"] <= there["day"])]
    planned = there.loc[there["contract"].isin(_PLANNED_ENDS), "staff_id"]
    limited = study.rows["staff_id"].isin(planned)
    if not limited.any():
        return same("nobody has a contract with an end")
    return filtered(study, ~limited)


def landmark_variant(study: Prepared, days: float | None) -> Variant:
    """Mentored by ``days`` since hire against not, among those followed then; for None the plan's landmark, or the default one."""

    planned = study.cohort.study.plan.landmark_days

    def run(study: Prepared) -> Fitted:
        landmark = landmark_rows(study.episodes, (planned or default_landmark(study.episodes)) if days is None else days)
        rows, _ = with_covariates(landmark.rows, list(study.covariates))
        rows["event"] = rows["cause"].isin(study.episodes.outcome).astype(int)
        if rows["mentored"].nunique() < 2 or not rows["event"].any():
            raise EstimationError("At this landmark everybody is in one arm, or nobody left afterwards.", fix="A longer window.")
        return restricted_fit(rows, list(study.covariates))

    name = "default" if days is None else f"{days:g}"
    main = "the landmark of the plan" if planned else "the default landmark"
    months = main if days is None else f"{days / DAYS_PER_MONTH:.0f} months"
    return Variant(
        f"landmark_{name}", f"By {months}", LANDMARKS, "", run, f"{study.words.still} at the landmark",
        f"hazard of {study.words.leaving}, mentored within {months} of hire against not, among those still there then",
    )
