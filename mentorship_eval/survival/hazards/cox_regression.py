"""Cox regression: hazard ratios from rows (start, stop], with strata, clusters and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import Groups, case_weights, event_flags, interval_times, read_groups, require_columns
from mentorship_eval.survival.design import Design, build_design, refuse_collinear
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.cox_summary import summarise
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood, maximise
from mentorship_eval.survival.hazards.penalised import maximise_firth
from mentorship_eval.survival.hazards.risk_sets import RiskSets, build_risk_sets

__all__ = ["Ready", "cox", "prepare"]

VARIANCES = ("auto", "model", "robust", "cluster", "jackknife")


def cox(
    data: pd.DataFrame, *, stop: str, event: str, covariates: Sequence[str] | Mapping[str, object] | str, start: str | None = None,
    strata: str | Sequence[str] | None = None, cluster: str | None = None, weights: str | None = None, ties: str = "efron",
    variance: str = "auto", ci_level: float = 0.95, reference: Mapping[str, object] | None = None, penalty: str | None = None,
) -> CoxResult:
    """Fit a Cox model by partial likelihood, converged to rounding.

    Parameters
    ----------
    data : one row per interval of a person's time at risk; several rows per person carry
        time-varying covariates.
    stop, event : end of the row (numbers, or timedeltas in days) and whether the event happened
        then (0/1 or boolean).
    covariates : columns; numbers and booleans enter as they are, categories and strings are coded
        against their most frequent level, or against the one given in ``reference`` (or as the
        value of a mapping {column: level}). Terms are named like ``coach[yes]``.
    start : beginning of the row, excluded (delayed entry); without it every row begins before
        all events.
    strata : column or columns; each stratum has its own baseline hazard.
    cluster : column whose groups are independent of each other; rows of a group need not be.
    weights : column of case weights, at least 0.
    ties : "efron" or "breslow". Times that differ only by rounding are one time.
    variance : "model" (inverse information, z); "robust" (sandwich by cluster, by row without
        ``cluster``, z); "cluster" (sandwich, t on G-1); "jackknife" (leave one cluster out, t on
        G-1). "auto" takes the model's without cluster and weights, the row sandwich with weights
        only, and with ``cluster`` the sandwich from 30 informative clusters on and the jackknife
        below. G counts, for each term, the clusters that carry information about it.
    penalty : None, or "firth" for Firth's penalised likelihood, which has a finite maximum also where the
        events are separated (a group without events). Intervals are then limits of the profile of the
        penalised likelihood and p-values those of its likelihood ratio (``variance`` of the result is
        "profile"); rows are taken as independent, so ``cluster`` and ``weights`` are refused with it.

    Raises
    ------
    UsageError : absent column, unknown option, unknown reference level.
    EstimationError : missing or impossible values (with rows), no events, a covariate that is
        constant, without contrast, collinear, or that separates the events (monotone likelihood).

    Source: Cox (1972), Efron (1977); Therneau & Grambsch (2000), chapters 3, 5 and 7.
    """
    if ties not in ("efron", "breslow"):
        raise UsageError(f"There is no way {ties!r} to handle ties.", fix="Use 'efron' or 'breslow'.")
    if variance not in VARIANCES:
        raise UsageError(f"There is no variance {variance!r}.", fix=f"Use one of {', '.join(VARIANCES)}.")
    if variance in ("cluster", "jackknife") and cluster is None:
        raise UsageError(f"variance={variance!r} needs cluster=.", fix="Name the column of clusters, or use variance='robust'.")
    if not 0 < ci_level < 1:
        raise UsageError(f"ci_level is {ci_level}, but a level lies between 0 and 1.", fix="Use 0.95 for 95 %.")
    _check_penalty(penalty, cluster, weights, variance)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name at least one column, or use kaplan_meier.")
    strata_columns = [strata] if isinstance(strata, str) else list(strata or ())
    require_columns(data, [column for column in (stop, event, start, cluster, weights, *strata_columns, *names) if column is not None])

    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    weight = case_weights(data, weights)
    groups = read_groups(data, strata or None)
    design = build_design(data, covariates, reference)
    if not (happened & (weight > 0)).any():
        raise EstimationError("All rows with an event have weight 0.", fix="Check how the weights were made.")

    ready = _ready(begins, ends, happened, groups, weight, ties, design)
    sets, x, fit = ready.sets, ready.x, ready.fit
    firth, separated = None, None
    if penalty is None:
        _refuse_divergence(fit, ready.null, design)
    else:
        separated = None if fit is None or fit.runaway is None else design.terms[fit.runaway]
        firth = maximise_firth(sets, x, ci_level)
        fit = None if firth is None else firth.fit
        if fit is None:
            problem = "The penalised likelihood has no maximum within the range of numbers: a covariate follows the order of the events closely."
            raise EstimationError(problem, fix="Use fewer covariates or merge rare categories.")
    assert fit is not None
    return summarise(
        fit, ready.null, design, scale=ready.scale, centre=ready.centre, strata=groups, start=begins, stop=ends, event=happened,
        data=data, cluster=cluster, weighted=weights is not None, variance=variance, ci_level=ci_level, delayed=start is not None,
        strata_columns=tuple(strata_columns), weight=weight, firth=firth, separated=separated,
    )


@dataclass(frozen=True)
class Ready:
    """Risk sets, standardised covariates x (p, n) with their centres (p, strata) and scales (p,), and the likelihood at 0;
    fit: None or with a runaway coefficient when there is no maximum."""

    sets: RiskSets
    x: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    null: Likelihood
    fit: Fit | None


def _ready(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, strata: Groups, weight: np.ndarray, ties: str, design: Design
) -> Ready:
    sets = build_risk_sets(start, stop, event, strata.codes, weight, ties)
    x, centre, scale = _standardise(design.matrix, strata.codes, len(strata), sets)
    null = Likelihood.at(sets, x, np.zeros(len(x)))
    refuse_collinear(null.information(), len(null.sets.dead), design, ", or do not stratify by it")
    return Ready(sets, x, centre, scale, null, maximise(sets, x, null))


def prepare(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, strata: Groups, weight: np.ndarray, ties: str, design: Design
) -> tuple[Ready, Fit]:
    """The fit of checked rows, with what it was made of; what has no maximum is refused by name."""
    ready = _ready(start, stop, event, strata, weight, ties, design)
    _refuse_divergence(ready.fit, ready.null, design)
    assert ready.fit is not None
    return ready, ready.fit


def _check_penalty(penalty: str | None, cluster: str | None, weights: str | None, variance: str) -> None:
    if penalty is None:
        return
    if penalty != "firth":
        raise UsageError(f"There is no penalty {penalty!r}.", fix="Use 'firth', or None.")
    given = [name for name, value in (("cluster", cluster), ("weights", weights)) if value is not None]
    if given:
        raise UsageError(
            f"penalty='firth' cannot be combined with {listing(given)}=: its profile intervals presume independent rows that count once.",
            fix="Leave it out and say so; strata= may take up what rows of a cluster have in common.",
        )
    if variance != "auto":
        raise UsageError(f"penalty='firth' has profile intervals, not variance={variance!r}.", fix="Leave variance= out.")


def _standardise(matrix: np.ndarray, codes: np.ndarray, count: int, sets: RiskSets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates of the rows at risk, centred within strata and scaled; centres (p, strata), scales (p,).

    Neither changes the likelihood (a stratum has its own baseline), but both spare digits.
    """
    sizes = np.maximum(np.bincount(codes, minlength=count), 1)
    x, centre, scale = np.empty((len(matrix), len(sets.rows))), np.empty((len(matrix), count)), np.empty(len(matrix))
    within = codes[sets.rows] if count > 1 else 0
    for j, row in enumerate(matrix):  # one at a time, without copies: fresh memory costs more than the sums at millions of rows
        centre[j] = np.bincount(codes, row, count) / sizes if count > 1 else row.mean()
        np.take(row, sets.rows, out=x[j], mode="clip")
        x[j] -= centre[j][within]
        spread, overall = np.sqrt(x[j] @ x[j] / max(len(x[j]), 1)), max(row.max(), -row.min())
        # A covariate that is constant within strata is left with rounding only; 1 keeps it so.
        scale[j] = (spread if spread > 1e-11 * overall else overall) or 1.0
        x[j] /= scale[j]
    return x, centre, scale


def _refuse_divergence(fit: Fit | None, null: Likelihood, design: Design) -> None:
    if fit is None:
        # the covariate that the first step moves furthest, in standard deviations
        term = design.terms[int(np.argmax(np.abs(np.linalg.solve(null.information(), null.score()))))]
        raise EstimationError(
            f"The information became singular while fitting: the order of the events follows {term!r} so closely that its hazard ratio may "
            "have no finite estimate.", fix=f"Leave {term!r} out or merge its rare values, or use penalty='firth'.",
        )
    if fit.runaway is not None:
        term = design.terms[fit.runaway]
        raise EstimationError(
            f"The hazard ratio of {term!r} has no finite estimate: the likelihood rises without end (separation), typically because one "
            f"of the groups compared has no event.",
            fix="Use penalty='firth' (without cluster= and weights=) for a penalised estimate; or report the counts or the difference of "
            "risks, merge categories, or leave this covariate out.",
        )
