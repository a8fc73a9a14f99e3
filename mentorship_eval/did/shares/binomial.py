"""Difference and ratio of shares among the treated by binomial imputation: the front door.

Unit and period effects are fitted on untreated cells only (never or not yet treated) by binomial quasi-likelihood with a logit link, and
projected on the treated cells; what was observed there is compared with the sum of the projected numerators (Borusyak, Jaravel & Spiess
2024, Review of Economic Studies 91:3253, carried to a logit as Wooldridge 2023, Econometrics Journal 26:C31, does). Trends are
taken to be parallel in log odds, which keeps every expected share between 0 and 1. The jackknife makes no use of the binomial
variance: records of a unit may depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.active import last_active, stop_caution
from mentorship_eval.did.counts.checks import check_choices, check_targets, roles
from mentorship_eval.did.counts.event_study import step_groups
from mentorship_eval.did.counts.few_controls import FEW_SERVING, serving_clusters, without_intervals
from mentorship_eval.did.counts.fit_covariates import check_collinear
from mentorship_eval.did.counts.groups import find_waves
from mentorship_eval.did.counts.replicates import full_sums, no_refits
from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.counts.targets import Targets, choose_targets, dropped_frame
from mentorship_eval.did.counts.waves import calendar_groups, wave_groups, whole
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.cautions import design_cautions, score_cluster_cautions
from mentorship_eval.did.shares.cautions import difference_over, fit_cautions, gap_caution, refuse_unprojectable, scale_caution
from mentorship_eval.did.shares.estimates import METHOD, POINTS, estimates
from mentorship_eval.did.shares.event_study import event_study
from mentorship_eval.did.shares.imputation import ShareImputation, impute
from mentorship_eval.did.shares.placebo import placebo_test
from mentorship_eval.did.shares.records import build_share_panel
from mentorship_eval.did.shares.replicates import difference, informative_clusters, leave_one_out
from mentorship_eval.did.shares.result import BinomialImputation
from mentorship_eval.did.shares.rows import by_calendar, by_wave, weights_by_unit
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["binomial_imputation"]


def _cells(panel: Panel, targets: Targets, expected: np.ndarray) -> pd.DataFrame:
    i, t = np.nonzero(panel.exposure > 0)
    role = roles(targets)
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "observed": panel.outcome[i, t], "expected": expected[i, t],
        "denominator": panel.exposure[i, t], "treated": targets.treated[i, t], "role": role[i, t],
    })


def _projected(targets: Targets, fit: ShareImputation) -> np.ndarray:
    """(I, T): the target cells, and those of the anticipation window that the fit says something of."""
    if not targets.waiting.any():
        return targets.target
    return targets.target | (targets.waiting & connected_cells(targets.untreated) & np.isfinite(fit.expected))


def binomial_imputation(
    panel: pd.DataFrame, *, numerator: str, denominator: str, unit: str, time: str, adopted: str, covariates: Sequence[str] | None = None,
    anticipation: int = 0, min_controls: int = 2, cluster: str | None = None, permute_within: str | None = None, permutations: int = 9999,
    seed: int = 0, ci_level: float = 0.95, active_to: str | None = None, after_stop: str = "adopted", jackknife: bool = True,
    tables: bool = True,
) -> BinomialImputation:
    """Difference in percentage points and ratio of the shares of treated units and those expected without treatment.

    Parameters
    ----------
    panel : one row per unit and period. Absent rows are reported, never filled.
    numerator, denominator : columns of whole numbers: records that met the criterion, and records looked at. Rows with denominator 0 or
        missing (and numerator 0) are left out and listed.
    unit, time : columns; time in whole numbers, dates or Periods.
    adopted : column with the first treated period of the unit, in the type of ``time``; missing for never.
    covariates : columns that adoption cannot change; known in treated cells too. Text is treatment-coded against its most
        frequent level.
    anticipation : periods before adoption that count as neither treated nor untreated.
    min_controls : treated periods with fewer untreated units (with ``cluster``, fewer clusters that hold such a unit) are left out
        of the estimand, by denominators and dates alone, and listed; `all_periods` is the difference with them.
    cluster : column of the clusters left out in turn; the units by default.
    permute_within : column of the blocks within which adoption dates were allocated.
    permutations : assignments of the placebo test at most; all of them when there are no more than this. 0 for none.
    seed : of the random assignments.
    active_to : column with the last treated period of the unit, in the type of ``time``; missing while the programme goes on.
    after_stop : what becomes of the periods after it: "adopted" (intention to treat: they count as treated) or "left_out"
        (neither treated nor untreated).
    jackknife : False for the values alone, without standard errors, intervals and t tests.
    tables : False leaves the event study with its joint test before adoption, the waves and the calendar periods out.

    Returns
    -------
    BinomialImputation. With fewer than six treated units (or clusters), or fewer than six that are untreated in some target period, there is
    no interval and no t test, with one treated also no permutation p-value; no standard error where there is no estimate without
    one of the clusters. Units and periods at 0 or 100 % in all untreated cells have that expected share and stay.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : duplicate unit-periods, numerators that are negative, fractional or above
    their denominator, adoption 0 or changing within a unit, nobody treated, no untreated cell, target cells whose share the
    untreated cells leave open, no convergence, collinear covariates.
    """
    check_choices(anticipation, min_controls, ci_level, after_stop)
    data = build_share_panel(
        panel, numerator=numerator, denominator=denominator, unit=unit, time=time, adopted=adopted, covariates=covariates, cluster=cluster,
        permute_within=permute_within,
    )
    last = last_active(panel, data, active_to) if active_to else None
    left_out = active_to is not None and after_stop == "left_out"
    rules: dict[str, Any] = {"anticipation": anticipation, "last": last}
    targets = choose_targets(data, min_controls=min_controls, leave_out_stopped=left_out, **rules)
    check_targets(data, targets)
    check_collinear(data.covariates, data.exposure * targets.untreated, data.covariate_names)
    fit = impute(data, targets.untreated)
    refuse_unprojectable(data, targets, fit)

    waves = find_waves(data)
    cells = _projected(targets, fit) if tables else targets.target
    groups = [whole(waves, targets.target)]
    if tables:
        groups += [wave_groups(waves, targets.target), step_groups(waves, cells), calendar_groups(waves, targets.target)]
    full = full_sums(data, waves, fit.expected, cells, groups)
    observed, expected, records = (float(values[0, 0]) for values in (full[0].observed, full[0].expected, full[0].exposure))
    without = leave_one_out(data, waves, targets.untreated, cells, groups, fit) if jackknife else no_refits(data, groups)
    informative = informative_clusters(data, targets.untreated, targets.target, fit)
    value = float(difference(full[0])[0, 0])
    log_ratio = np.nan
    if expected > 0:
        log_ratio = float(np.log(observed) - np.log(expected)) if observed > 0 else -np.inf
    differences = cluster_jackknife(value, difference(without[0])[informative])
    ratios = cluster_jackknife(log_ratio if np.isfinite(log_ratio) else np.nan, without[0].log_ratio[informative])

    treated_clusters, serving = len(np.unique(data.cluster[targets.target.any(axis=1)])), serving_clusters(data, targets)
    change, ratio, surplus = estimates(
        value, log_ratio, differences, ratios, jackknife=jackknife, treated_clusters=treated_clusters, control_clusters=serving,
        records=records, about={"n": int(targets.target.sum()), "n_events": observed, "ci_level": ci_level},
    )
    wider = choose_targets(data, min_controls=1, leave_out_stopped=left_out, **rules).target
    all_periods = difference_over(data, wider, fit)
    permuted, rank, placebo_cautions = placebo_test(
        data, fit, value, anticipation=anticipation, min_controls=min_controls, draws=permutations, seed=seed,
        treated_clusters=treated_clusters, last=last if left_out else None,
    )
    other_way = difference_over(data, choose_targets(data, min_controls=min_controls, leave_out_stopped=not left_out, **rules).target, fit)
    warnings = (
        *(score_cluster_cautions(data, targets, differences, informative, treated_clusters, rank, "jackknife") if jackknife else ()),
        *scale_caution(change, ratio), *design_cautions(data, targets, anticipation, all_periods, value),
        *fit_cautions(data, targets, fit, value), *gap_caution(data, targets, value),
        *(stop_caution(data, targets, active_to, left_out, value, other_way, "difference") if active_to else ()), *placebo_cautions,
    )
    shown: dict[str, Any] = {name: pd.DataFrame() for name in ("event_study", "by_wave", "by_calendar")}
    pre_test = None
    if tables:
        common = (informative, ci_level)
        study = event_study(data, waves, targets, fit, cells, groups[2], full[2], without[2], *common, jackknife)
        pre_test = study.pre_test
        shown = {
            "event_study": study.table,
            "by_wave": by_wave(data, waves, targets, groups[1], full[1], without[1], *common),
            "by_calendar": by_calendar(data, targets, groups[3], full[3], without[3], *common),
        }
        if serving < FEW_SERVING:
            shown = {name: without_intervals(frame) for name, frame in shown.items()}
    return BinomialImputation(
        difference=change.warn(*warnings), ratio=ratio, surplus=surplus,
        all_periods=Estimate(value=all_periods, scale="difference of shares", unit=POINTS, ci_level=ci_level, method=METHOD,
            estimand="the same with min_controls 1"),
        observed=observed, expected_total=expected, denominator_total=records,
        n_treated_units=int(targets.target.any(axis=1).sum()), n_untreated_cells=int(targets.untreated.sum()), permutation=permuted,
        placebo_rank=rank, **shown, pre_test=pre_test, weights_by_unit=weights_by_unit(data, targets, without[0], informative, differences),
        leave_one_out=pd.DataFrame({"cluster": data.cluster_labels, "difference": difference(without[0])[:, 0],
            "log_ratio": without[0].log_ratio[:, 0], "informative": informative}),
        dropped=dropped_frame(data, targets).rename(columns={"exposure": "denominator", "events": "numerator"}),
        cells=_cells(data, targets, fit.expected),
        settings={
            "numerator": numerator, "denominator": denominator, "unit": unit, "time": time, "adopted": adopted,
            "covariates": data.covariate_names, "anticipation": anticipation, "min_controls": min_controls, "cluster": cluster or unit,
            "permute_within": permute_within, "permutations": permutations, "seed": seed, "ci_level": ci_level,
            "active_to": active_to, "after_stop": after_stop,
        },
        warnings=warnings,
    )
