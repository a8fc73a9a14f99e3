"""Analyses by weighting (marginal structural models, restricted means from a landmark), and the shared frailty."""

from __future__ import annotations

from collections.abc import Callable

from mentorship_eval.cohort.person_time.fixed_exposure import landmark_rows
from mentorship_eval.survival import marginal_structural, person_periods, propensity_weights, rmst, shared_frailty
from validation.analyses import ANALYSES, COVARIATES, LABELS, Followed, Found, of_estimate
from validation.worlds import MONTH

__all__: list[str] = []


def structural(strata: str | None) -> Callable[[Followed], Found]:
    """Months since hire; uptake explained by the covariate; weights clipped at 1 and 99 %."""

    def of(who: Followed) -> Found:
        columns = [*COVARIATES, "dept_id", "dept_at_entry"]
        months = person_periods(who.rows, person="staff_id", start="start", stop="stop", event="event", treatment="mentored", width=MONTH,
                                covariates=columns)
        fit = marginal_structural(months, person="staff_id", period="period", treatment="mentored", event="event", time_varying=COVARIATES,
                                  strata=strata, cluster="dept_at_entry")
        return of_estimate(fit.estimate)

    return of


def structural_as_reported(who: Followed) -> Found:
    """The sensitivity analysis of the report: covariates in all models, the calendar quarter in the weights, strata of department."""
    columns = [*COVARIATES, "dept_id", "dept_at_entry", "quarter"]
    months = person_periods(who.quarters.rename(columns={"period": "quarter"}), person="staff_id", start="start", stop="stop", event="event",
                            treatment="mentored", width=MONTH, covariates=columns)
    fit = marginal_structural(months, person="staff_id", period="period", treatment="mentored", event="event", time_varying=["quarter"],
                              baseline=COVARIATES, strata="dept_id", cluster="dept_at_entry")
    return of_estimate(fit.estimate)


def restricted_mean(who: Followed) -> Found:
    """Difference in months still employed within 24 of the landmark, weighted as the report weights it."""
    rows = landmark_rows(who.episodes, round(9 * MONTH)).rows
    share = rows.groupby("dept_id")["mentored"].transform("mean")
    rows = rows[(share > 0) & (share < 1)].reset_index(drop=True)
    rows["exit"] = (rows["cause"] != "").astype(int)
    made = propensity_weights(rows, treatment="mentored", covariates=COVARIATES, strata="dept_id", stabilised="overall", clip=(0.01, 0.99))
    fit = rmst(rows, stop="stop", event="exit", by="mentored", tau=24 * MONTH, cluster="dept_at_entry", reweight=made.refit, reference=0)
    one = fit.difference
    assert one is not None
    return Found(one.value / MONTH, one.se / MONTH, one.ci_low / MONTH, one.ci_high / MONTH, one.p_value)


def frailty(who: Followed) -> Found:
    fit = shared_frailty(who.rows, start="start", stop="stop", event="event", covariates=["mentored", *COVARIATES], group="dept_id")
    return of_estimate(fit.estimate)


def strain_weighted(who: Followed) -> Found:
    """Strain in the model of uptake, not in the model of leaving."""
    fit = marginal_structural(who.draw.more["visits"], person="staff_id", period="visit", treatment="mentored", event="event",
                              baseline=COVARIATES, time_varying=["strain"], strata="dept_id", cluster="dept_id")
    return of_estimate(fit.estimate)


ANALYSES.update({
    "structural": structural(None),
    "structural_strata": structural("dept_id"),
    "structural_as_reported": structural_as_reported,
    "rmst_iptw": restricted_mean,
    "frailty": frailty,
    "strain_weighted": strain_weighted,
})
LABELS.update({
    "structural": "marginal structural, weights clipped at 1/99 %",
    "structural_strata": "the same with an intercept for each department",
    "structural_as_reported": "marginal structural as the report fits it (covariate in all models, quarters in the weights)",
    "rmst_iptw": "landmark 9 months, RMST(24) in months, IPTW, cluster jackknife t",
    "frailty": "time-varying, entry, covariate, gaussian frailty of department",
    "strain_weighted": "marginal structural model with strain in the weights",
})
