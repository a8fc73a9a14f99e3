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

from mentorship_eval.did.counts.active import last_active, stop_caution
from mentorship_eval.did.counts.cautions import cluster_cautions, design_cautions, gap_caution, refuse_unprojectable, scale_caution
from mentorship_eval.did.counts.checks import check_choices, check_targets, roles
from mentorship_eval.did.counts.estimates import METHOD, estimates
from mentorship_eval.did.counts.event_study import event_study, projected_cells, step_groups
from mentorship_eval.did.counts.few_controls import FEW_SERVING, serving_clusters, without_intervals
from mentorship_eval.did.counts.fit_covariates import check_collinear
from mentorship_eval.did.counts.groups import find_waves
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.permutation_interval import invert_permutation
from mentorship_eval.did.counts.placebo import arrange, placebo_test
from mentorship_eval.did.counts.ratios import informative_clusters
from mentorship_eval.did.counts.replicates import full_sums, leave_one_out, no_refits
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.did.counts.targets import Targets, choose_targets, dropped_frame
from mentorship_eval.did.counts.threads import suitable_threads
from mentorship_eval.did.counts.waves import by_calendar, by_wave, calendar_groups, wave_groups, weights_by_unit, whole
from mentorship_eval.did.panels.panel import Panel, build_panel
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["poisson_imputation"]


def _check_settings(anticipation: int, min_controls: int, per: float, ci_level: float, after_stop: str) -> None:
    check_choices(anticipation, min_controls, ci_level, after_stop)
    if not per > 0:
        raise UsageError(f"per is {per}.", fix="Give the exposure that rates are told per, such as 1000.")


def _cells(panel: Panel, targets: Targets, expected: np.ndarray) -> pd.DataFrame:
    i, t = np.nonzero(panel.exposure > 0)
    role = roles(targets)
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "observed": panel.outcome[i, t], "expected": expected[i, t],
        "exposure": panel.exposure[i, t],
        "treated": targets.treated[i, t], "role": role[i, t],
    })


def _ratio_over(panel: Panel, target: np.ndarray, fit: Imputation) -> float:
    """The ratio over other cells; NaN when the counts leave them without a finite expectation."""
    expected = fit.expected[target].sum()
    return float(panel.outcome[target].sum() / expected) if expected > 0 else np.nan


def poisson_imputation(
    panel: pd.DataFrame, *, count: str, exposure: str, unit: str, time: str, adopted: str, covariates: Sequence[str] | None = None,
    anticipation: int = 0, min_controls: int = 2, cluster: str | None = None, permute_within: str | None = None, per: float = 1000,
    permutations: int = 9999, seed: int = 0, ci_level: float = 0.95, active_to: str | None = None, after_stop: str = "adopted",
    permutation_interval: bool = False, jackknife: bool = True, tables: bool = True,
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
    active_to : column with the last treated period of the unit, in the type of ``time``; missing while the programme goes on.
    after_stop : what becomes of the periods after it: "adopted" (intention to treat: they count as treated) or "left_out"
        (neither treated nor untreated).
    permutation_interval : also invert the permutation test (takes some twenty times as long as the test); see `permutation_interval`.
    jackknife : False for the ratios alone, without standard errors, intervals and t tests.
    tables : False leaves the event study, the waves and the calendar periods out.

    Returns
    -------
    PoissonImputation. ``irr.se`` is of log IRR. With fewer than six treated units (or clusters), or fewer than six that are untreated in
    some target period, the ratio has no interval and no t test, with one treated also no permutation p-value; no standard error where
    there is no ratio without one of the clusters.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : duplicate unit-periods, negative or
    fractional counts, events without exposure, adoption 0 or changing within a unit, nobody treated,
    no untreated cell, no events in them, no convergence, collinear covariates.
    """
    _check_settings(anticipation, min_controls, per, ci_level, after_stop)
    data = build_panel(
        panel, unit=unit, time=time, adopted=adopted, count=count, exposure=exposure, covariates=covariates, cluster=cluster,
        permute_within=permute_within
    )
    last = last_active(panel, data, active_to) if active_to else None
    settings: dict[str, Any] = {
        "count": count, "exposure": exposure, "unit": unit, "time": time, "adopted": adopted, "covariates": data.covariate_names,
        "anticipation": anticipation,
        "min_controls": min_controls, "cluster": cluster or unit, "permute_within": permute_within, "per": per,
        "permutations": permutations, "seed": seed, "ci_level": ci_level, "active_to": active_to, "after_stop": after_stop,
    }
    with suitable_threads(data.outcome.size):
        return _analysed(data, last, settings, permutation_interval=permutation_interval, jackknife=jackknife, tables=tables)


def _analysed(
    data: Panel, last: np.ndarray | None, settings: dict[str, Any], *, permutation_interval: bool, jackknife: bool, tables: bool
) -> PoissonImputation:
    """The whole answer from a checked panel; last (I,): positions of the last treated periods."""
    anticipation, min_controls, per, ci_level, draws, seed, active_to = (
        settings[name] for name in ("anticipation", "min_controls", "per", "ci_level", "permutations", "seed", "active_to")
    )
    rules: dict[str, Any] = {"anticipation": anticipation, "last": last}
    left_out = active_to is not None and settings["after_stop"] == "left_out"
    targets = choose_targets(data, min_controls=min_controls, leave_out_stopped=left_out, **rules)
    check_targets(data, targets)
    check_collinear(data.covariates, data.exposure * targets.untreated, data.covariate_names)
    fit = impute(data, targets.untreated)
    refuse_unprojectable(data, targets, fit)

    waves = find_waves(data)
    cells = projected_cells(targets, fit) if tables else targets.target
    groups = [whole(waves, targets.target)]
    if tables:
        groups += [wave_groups(waves, targets.target), step_groups(waves, cells), calendar_groups(waves, targets.target)]
    full = full_sums(data, waves, fit.expected, cells, groups)
    observed, expected, exposed = (float(values[0, 0]) for values in (full[0].observed, full[0].expected, full[0].exposure))
    if not expected > 0:
        raise EstimationError(
            f"No event is expected in any target cell: the units {listing(data.units[targets.target.any(axis=1)])}, or the periods they "
            f"were treated in, have none in untreated cells.",
            fix="Take a more common outcome or longer periods.",
        )
    without = leave_one_out(data, waves, targets.untreated, cells, groups, fit) if jackknife else no_refits(data, groups)
    informative = informative_clusters(data, targets)
    movers = informative_clusters(data, targets, exposure_counts=True)
    with np.errstate(divide="ignore"):
        log_ratio = float(np.log(observed) - np.log(expected))
    difference = float(full[0].rate_difference(per)[0, 0])
    ratios = cluster_jackknife(log_ratio if observed > 0 else np.nan, without[0].log_ratio[informative])
    differences = cluster_jackknife(difference, without[0].rate_difference(per)[movers])

    treated_clusters, serving = len(np.unique(data.cluster[targets.target.any(axis=1)])), serving_clusters(data, targets)
    irr, rate, avoided = estimates(
        log_ratio, difference, ratios, differences, jackknife=jackknife, treated_clusters=treated_clusters, control_clusters=serving,
        exposed=exposed, per=per, exposure=settings["exposure"], about={"n": int(targets.target.sum()), "n_events": observed, "ci_level": ci_level},
    )
    all_periods = _ratio_over(data, choose_targets(data, min_controls=1, leave_out_stopped=left_out, **rules).target, fit)
    permuted: dict[str, Any] = {"anticipation": anticipation, "min_controls": min_controls, "last": last if left_out else None}
    placebo, rank, placebo_cautions = placebo_test(
        data, fit, log_ratio, draws=draws, seed=seed, treated_clusters=treated_clusters, **permuted
    )
    inverted = None
    if permutation_interval:
        inverted = invert_permutation(
            arrange(data, fit, **permuted), log_ratio, step=float(ratios.se[0]), draws=draws, seed=seed,
            ci_level=ci_level, treated_clusters=treated_clusters,
        )
    other_way = _ratio_over(data, choose_targets(data, min_controls=min_controls, leave_out_stopped=not left_out, **rules).target, fit)
    warnings = (
        *(cluster_cautions(data, targets, ratios, informative, treated_clusters, rank, none_observed=not observed > 0) if jackknife else ()),
        *scale_caution(irr, rate),
        *design_cautions(data, targets, fit, anticipation, all_periods, irr.value), *gap_caution(data, targets, irr.value),
        *(stop_caution(data, targets, active_to, left_out, irr.value, other_way) if active_to else ()), *placebo_cautions,
    )
    shown: dict[str, Any] = {"study": None, "by_wave": pd.DataFrame(), "by_calendar": pd.DataFrame()}
    if tables:
        common = (informative, ci_level)
        shown = {
            "study": event_study(data, waves, targets, fit, groups[2], full[2], without[2], *common, jackknife),
            "by_wave": by_wave(data, waves, targets, groups[1], full[1], without[1], *common),
            "by_calendar": by_calendar(data, targets, groups[3], full[3], without[3], *common),
        }
        if serving < FEW_SERVING:
            study = replace(shown["study"], table=without_intervals(shown["study"].table))
            shown = {"study": study, **{name: without_intervals(shown[name]) for name in ("by_wave", "by_calendar")}}
    return PoissonImputation(
        irr=irr.warn(*warnings), rate_difference=rate, events_avoided=avoided,
        all_periods=Estimate(
            value=all_periods, scale="rate ratio", ci_level=ci_level, method=METHOD, estimand="the same with min_controls 1"
        ),
        observed=observed, expected_total=expected, exposure_total=exposed, n_treated_units=int(targets.target.any(axis=1).sum()),
        n_untreated_cells=int(targets.untreated.sum()), permutation=placebo, placebo_rank=rank, permutation_interval=inverted,
        **shown,
        weights_by_unit=weights_by_unit(data, targets, fit.expected, without[0], informative, ratios),
        leave_one_out=pd.DataFrame({"cluster": data.cluster_labels, "log_irr": without[0].log_ratio[:, 0], "informative": informative}),
        dropped=dropped_frame(data, targets),
        cells=_cells(data, targets, fit.expected),
        settings=settings,
        warnings=warnings,
    )
