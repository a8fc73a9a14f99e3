"""Rate ratio among the treated by Poisson imputation: the front door.

Unit and period effects are fitted on untreated cells only (never or not yet treated) by Poisson
quasi-likelihood with log exposure as offset, and projected on the treated cells; the estimate is
the sum of the observed over the sum of the expected counts (Borusyak, Jaravel & Spiess 2024, Review
of Economic Studies 91:3253; Wooldridge 2023, Econometrics Journal 26:C31). Unlike two-way fixed
effects it is not biased by effects that grow or differ between waves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.cautions import cluster_cautions, design_cautions, gap_caution, refuse_unprojectable, scale_caution
from mentorship_eval.did.counts.event_study import event_study
from mentorship_eval.did.counts.fit_covariates import check_collinear
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.placebo import placebo_test
from mentorship_eval.did.counts.ratios import FEW_TREATED, informative_clusters
from mentorship_eval.did.counts.replicates import full_sums, leave_one_out
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.did.counts.targets import Targets, choose_targets, dropped_frame
from mentorship_eval.did.counts.waves import by_wave, weights_by_unit
from mentorship_eval.did.panels.panel import Panel, build_panel
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import critical_value, difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["poisson_imputation"]

METHOD = "Poisson imputation on untreated cells; leave-one-cluster-out jackknife (CR3), t(G-1)"


def _check_settings(anticipation: int, min_controls: int, per: float, ci_level: float) -> None:
    if anticipation < 0 or anticipation != int(anticipation):
        raise UsageError(f"anticipation is {anticipation}.", fix="Give a number of periods, 0 or more.")
    if min_controls < 1 or min_controls != int(min_controls):
        raise UsageError(f"min_controls is {min_controls}.", fix="Give a number of untreated units (clusters, where these are coarser), 1 or more.")
    if not per > 0:
        raise UsageError(f"per is {per}.", fix="Give the exposure that rates are told per, such as 1000.")
    critical_value(ci_level)


def _check_targets(panel: Panel, targets: Targets) -> None:
    if not targets.treated.any():
        raise EstimationError("No unit is treated within the periods of the panel.",
            fix=f"Check {panel.columns['adopted']!r}: it holds the first treated period, missing for never.")
    if not targets.untreated.any():
        raise EstimationError("No unit has an untreated period: nothing says what would have been expected.",
            fix="Add periods before adoption, or units that never adopt.")
    if not targets.target.any():
        reasons = pd.unique(targets.reason[targets.treated])
        raise EstimationError(
            f"None of the {int(targets.treated.sum()):,} treated cells can be compared: {listing(reasons)} (units "
            f"{listing(panel.units[targets.treated.any(axis=1)])}).",
            fix="Lower min_controls, or add units that adopt later or never.",
        )


def _cells(panel: Panel, targets: Targets, expected: np.ndarray) -> pd.DataFrame:
    i, t = np.nonzero(panel.exposure > 0)
    role = np.select([targets.untreated, targets.target, targets.waiting], ["untreated", "target", "anticipation"], "left out")
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "observed": panel.outcome[i, t], "expected": expected[i, t],
        "exposure": panel.exposure[i, t],
        "treated": targets.treated[i, t], "role": role[i, t],
    })


def _value_with_all_periods(panel: Panel, anticipation: int, fit: Imputation) -> float:
    """The ratio when every period with a control is used; NaN when the counts leave it without a finite expectation."""
    target = choose_targets(panel, anticipation=anticipation, min_controls=1).target
    expected = fit.expected[target].sum()
    return float(panel.outcome[target].sum() / expected) if expected > 0 else np.nan


def poisson_imputation(
    panel: pd.DataFrame, *, count: str, exposure: str, unit: str, time: str, adopted: str, covariates: Sequence[str] | None = None,
    anticipation: int = 0, min_controls: int = 2, cluster: str | None = None, permute_within: str | None = None, per: float = 1000,
    permutations: int = 9999, seed: int = 0, ci_level: float = 0.95,
) -> PoissonImputation:
    """Rate ratio among the treated, its rate difference and the events avoided.

    Parameters
    ----------
    panel : one row per unit and period. Absent rows are reported, never filled.
    count, exposure : columns of whole numbers of events and of the time at risk (patient-days). Rows
        with exposure 0 or missing and no events are left out and listed; with events they are refused.
    unit, time : columns; time in whole numbers, dates or Periods.
    adopted : column with the first treated period of the unit, in the type of ``time``; missing for never.
    covariates : columns that adoption cannot change; known in treated cells too. Text is
        treatment-coded against its most frequent level.
    anticipation : periods before adoption that count as neither treated nor untreated.
    min_controls : treated periods with fewer untreated units (with exposure; with ``cluster``, fewer clusters
        that hold such a unit) are left out of the estimand, by exposure and dates alone, and listed;
        `all_periods` is the ratio with them.
    cluster : column of the clusters left out in turn; the units by default.
    permute_within : column of the blocks within which adoption dates were allocated.
    per : exposure that the rate difference is told per.
    permutations : assignments of the placebo test at most; all of them when there are no more than this. 0 for none.
    seed : of the random assignments.

    Returns
    -------
    PoissonImputation. ``irr.se`` is of log IRR. With fewer than six treated units (or clusters) the
    ratio has no interval and no t test, with one also no permutation p-value.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : duplicate unit-periods, negative or
    fractional counts, events without exposure, adoption 0 or changing within a unit, nobody treated,
    no untreated cell, no events in them, no convergence, collinear covariates.
    """
    _check_settings(anticipation, min_controls, per, ci_level)
    data = build_panel(
        panel, unit=unit, time=time, adopted=adopted, count=count, exposure=exposure, covariates=covariates, cluster=cluster,
        permute_within=permute_within
    )
    targets = choose_targets(data, anticipation=anticipation, min_controls=min_controls)
    _check_targets(data, targets)
    check_collinear(data.covariates, data.exposure * targets.untreated, data.covariate_names)
    fit = impute(data, targets.untreated)
    refuse_unprojectable(data, targets, fit)

    ones = np.ones((int(targets.target.sum()), 1))
    full = full_sums(data, fit.expected, targets.target, ones)
    observed, expected, exposed = (float(values[0, 0]) for values in (full.observed, full.expected, full.exposure))
    if not expected > 0:
        raise EstimationError(
            f"No event is expected in any target cell: the units {listing(data.units[targets.target.any(axis=1)])}, or the periods they "
            f"were treated in, have none in untreated cells.",
            fix="Take a more common outcome or longer periods.",
        )
    without = leave_one_out(data, targets.untreated, targets.target, ones, fit)
    informative = informative_clusters(data, targets)
    movers = informative_clusters(data, targets, exposure_counts=True)
    with np.errstate(divide="ignore"):
        log_ratio = float(np.log(observed) - np.log(expected))
    difference = float(full.rate_difference(per)[0, 0])
    ratios = cluster_jackknife(log_ratio if observed > 0 else np.nan, without.log_ratio[informative])
    differences = cluster_jackknife(difference, without.rate_difference(per)[movers])

    treated_clusters = len(np.unique(data.cluster[targets.target.any(axis=1)]))
    about: dict[str, Any] = {"n": int(targets.target.sum()), "n_events": observed, "ci_level": ci_level, "method": METHOD}
    known = treated_clusters > 1
    irr = ratio_estimate(
        log_ratio, float(ratios.se[0]) if known else np.nan, scale="rate ratio", df=ratios.df, n_clusters=ratios.n_clusters,
        estimand="events among the treated, against those expected without treatment", **about,
    )
    per_text = f"per {per:,g} {exposure}"
    rate = difference_estimate(
        difference, float(differences.se[0]) if known else np.nan, scale="rate difference", df=differences.df,
        n_clusters=differences.n_clusters,
        unit=per_text, estimand="rate among the treated, less that expected without treatment", **about,
    )
    if treated_clusters < FEW_TREATED:
        irr, rate = (replace(e, ci_low=np.nan, ci_high=np.nan, p_value=np.nan) for e in (irr, rate))
    rate = replace(rate, p_value=np.nan)
    total = exposed / per
    avoided = replace(
        rate, value=-rate.value * total, se=rate.se * total, ci_low=-rate.ci_high * total, ci_high=-rate.ci_low * total,
        scale="events avoided", unit="",
        estimand="events expected without treatment, less those observed (positive: fewer than expected)",
    )
    all_periods = _value_with_all_periods(data, anticipation, fit)
    placebo, rank, placebo_cautions = placebo_test(
        data, fit, log_ratio, anticipation=anticipation, min_controls=min_controls, draws=permutations, seed=seed,
        treated_clusters=treated_clusters
    )
    warnings = (
        *cluster_cautions(data, targets, ratios, informative, treated_clusters, rank), *scale_caution(irr, rate),
        *design_cautions(data, targets, fit, anticipation, all_periods, irr.value), *gap_caution(data, targets, irr.value),
        *placebo_cautions,
    )
    return PoissonImputation(
        irr=irr.warn(*warnings), rate_difference=rate, events_avoided=avoided,
        all_periods=Estimate(
            value=all_periods, scale="rate ratio", ci_level=ci_level, method=METHOD, estimand="the same with min_controls 1"
        ),
        observed=observed, expected_total=expected, exposure_total=exposed, n_treated_units=int(targets.target.any(axis=1).sum()),
        n_untreated_cells=int(targets.untreated.sum()), permutation=placebo, placebo_rank=rank,
        event_study=event_study(data, targets, fit, informative, ci_level), by_wave=by_wave(data, targets, fit, informative, ci_level),
        weights_by_unit=weights_by_unit(data, targets, without, informative, ratios),
        leave_one_out=pd.DataFrame({"cluster": data.cluster_labels, "log_irr": without.log_ratio[:, 0], "informative": informative}),
        dropped=dropped_frame(data, targets),
        cells=_cells(data, targets, fit.expected),
        settings={
            "count": count, "exposure": exposure, "unit": unit, "time": time, "adopted": adopted, "covariates": data.covariate_names,
            "anticipation": anticipation,
            "min_controls": min_controls, "cluster": cluster or unit, "permute_within": permute_within, "per": per,
            "permutations": permutations, "seed": seed, "ci_level": ci_level,
        },
        warnings=warnings,
    )
