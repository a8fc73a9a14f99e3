"""Scores over waves in two arms, people within departments: the difference at each wave, and its mean over the waves.

Fixed effects are a mean at each wave, a difference between arms at each wave, the slope of the baseline score at each wave, and the covariates. The
covariance is a level of the department, a level of the person and independent errors (``intercepts``), or a level of the department and
any covariance between waves (``unstructured``, often called MMRM). People with some waves count with what they answered: this is right when what is
missing depends on what was seen (missing at random), and not otherwise; `tipping_point` asks how far that can be wrong.

Few departments: Kenward and Roger's standard errors and degrees of freedom by default. The jackknife over departments, which assumes nothing about
the covariance, stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import check_level, difference_estimate
from mentorship_eval.surveys.baselines import ready_baseline
from mentorship_eval.surveys.clusters import cluster_support
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, refuse_collinear, require
from mentorship_eval.surveys.mixed.correlation import correlations
from mentorship_eval.surveys.mixed.fitting import Fit, intercept_templates, restricted_fit, unstructured_templates
from mentorship_eval.surveys.mixed.layout import build_layout
from mentorship_eval.surveys.mixed.likelihood import Likelihood
from mentorship_eval.surveys.mixed.random_effects import coefficient_table
from mentorship_eval.surveys.mixed.repeated_result import RepeatedMeasures
from mentorship_eval.surveys.mixed.repeated_tables import by_wave_table, left_out_in_turn, variance_table
from mentorship_eval.surveys.mixed.small_sample import DF_METHODS, contrasts

__all__ = ["mixed_model"]

STRUCTURES = {"intercepts": "intercepts of department and person", "unstructured": "unstructured covariance over waves"}


def _design(rows: pd.DataFrame, inside: np.ndarray, wave: np.ndarray, waves: list[Any], baseline: np.ndarray, covariates: Sequence[str]) -> Any:
    """x, terms, and the waves in which both arms answered (with the column of each difference)."""
    at = wave[:, None] == np.arange(len(waves))
    columns, terms = [at.astype(float)], [f"wave {w}" for w in waves]
    compared = [k for k in range(len(waves)) if 0 < inside[at[:, k]].sum() < at[:, k].sum()]
    if not compared:
        raise EstimationError("No wave has answers of both arms.", fix="Check the arm column: the arms must be seen at the same waves.")
    place = {k: len(waves) + j for j, k in enumerate(compared)}
    columns.append(inside[:, None] * at[:, compared])
    terms += [f"difference at wave {waves[k]}" for k in compared]
    centred = baseline - baseline.mean(axis=0)
    if baseline.shape[1]:
        columns.append(centred[:, :1] * at)
        terms += [f"baseline at wave {w}" for w in waves]
    if baseline.shape[1] > 1:
        columns.append(centred[:, 1:])
        terms.append("baseline missing")
    more = covariate_columns(rows, covariates)
    columns.append(more.matrix - more.matrix.mean(axis=0))
    return np.column_stack(columns).astype(float), [*terms, *more.terms], place


def mixed_model(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    wave: str,
    person: str,
    cluster: str | None = None,
    baseline: str | None = None,
    covariates: Sequence[str] = (),
    structure: str = "intercepts",
    df: str = "kenward-roger",
    reference: Any = None,
    randomised: bool = False,
    jackknife: bool = True,
    icc_intervals: bool = True,
    ci_level: float = 0.95,
) -> RepeatedMeasures:
    """Differences between two arms at each wave, and their mean over the waves.

    Parameters
    ----------
    data : one row per person and wave. Rows without an outcome are left out and counted. With ``baseline`` the wave at which it was taken is
        no outcome: give the later waves only. Without it, give all waves, and an arm that is 0 for everybody at first: the arms then share
        their mean at that wave.
    arm : 0/1, booleans, or two labels with ``reference``; may change within a person.
    cluster : department; everybody in one. baseline : the score before, one value per person.
    structure : "intercepts" or "unstructured" (at most eight waves). df : "kenward-roger" or "satterthwaite".
    randomised : how a missing baseline is met, see `ancova`. jackknife : whether to refit without each cluster. icc_intervals : whether the
    correlations get limits.

    Raises `UsageError` for unknown columns or settings; `EstimationError` for one arm, a person twice at one wave or in two clusters, collinear
    columns, or a model that does not converge.
    """
    check_level(ci_level)
    if structure not in STRUCTURES:
        raise UsageError(f"There is no structure {structure!r}.", fix=f"Choose one of {', '.join(STRUCTURES)}.")
    require(data, [outcome, arm, wave, person, cluster, baseline, *covariates])
    seen = ~np.isnan(numbers(data, outcome))
    rows = data[seen]
    ready = ready_baseline(rows, baseline, randomised)
    rows = rows[ready.kept]
    if not len(rows):
        raise EstimationError("No row has an outcome and a baseline.", fix="Check how the waves are joined.")
    arms = read_arms(rows, arm, reference)
    waves = sorted(pd.unique(rows[wave]).tolist())
    slot = pd.Index(waves).get_indexer(rows[wave])
    people, person_labels = cluster_codes(rows, person)
    codes, labels = cluster_codes(rows, cluster)
    x, terms, place = _design(rows, arms.inside, slot, waves, ready.columns, covariates)
    refuse_collinear(x, terms)
    y = numbers(rows, outcome)
    middle = float(y.mean())  # taken off, so that a score far from 0 loses no digits
    repeated = len(people) > len(person_labels)
    place_of_row = slot
    if structure == "unstructured":
        _refuse_unseen_pairs(people, slot, waves)
        templates, stops = unstructured_templates(len(waves)), [False] * (len(waves) * (len(waves) + 1) // 2)
    else:
        templates = intercept_templates(len(waves), person=repeated)
        place_of_row = _in_turn(people, slot, person_labels)  # which waves they were makes no difference to these covariances
        stops = [True] * len(templates)
    nonnegative = np.array([*stops, *([True] if cluster else [])])

    likelihood = Likelihood(build_layout(people, place_of_row, codes if cluster else None, person_labels), x, y - middle, templates)
    fit = restricted_fit(likelihood, nonnegative=nonnegative)
    lines = np.zeros((len(place) + 1, x.shape[1]))
    for row, column in enumerate(place.values(), start=1):
        lines[0, column], lines[row, column] = 1 / len(place), 1.0
    found = contrasts(fit, lines, df)
    n_clusters = len(labels) if cluster else len(person_labels)
    method = (
        f"linear mixed model, {STRUCTURES[structure] if cluster else STRUCTURES[structure].replace('department and ', '')}"
        f"{', department intercept' if cluster and structure == 'unstructured' else ''}, REML, {DF_METHODS[df]} t"
    )
    unit = f"{arms.arm} less {arms.reference}"
    estimates = [
        difference_estimate(
            float(found.estimate[k]),
            float(found.se[k]),
            df=float(found.df[k]),
            ci_level=ci_level,
            n=len(y),
            n_clusters=n_clusters,
            method=method,
            estimand=f"{outcome}, {'mean over the waves' if k == 0 else f'at wave {waves[list(place)[k - 1]]}'}, {unit}",
        )
        for k in range(len(lines))
    ]
    support = cluster_support(cluster, codes, arms.inside)
    estimates = [support.guarded(e) for e in estimates]
    cautions = [*ready.cautions, *support.cautions, *_cautions(fit, cluster, repeated, structure)]
    groups = tuple(filter(None, (cluster, person if repeated else None)))
    checks: tuple[Estimate, ...] | None = None
    without = pd.DataFrame(columns=["cluster", "estimate"])
    if cluster and jackknife:
        checks, without = left_out_in_turn(fit, nonnegative, labels, lines, estimates, ci_level)
        checks = tuple(support.guarded(e) for e in checks)
        if without["estimate"].isna().any():
            gone = int(without["estimate"].isna().sum())
            cautions.append(Caution("no_jackknife", f"The model cannot be fitted without {gone} of the clusters: there is no jackknife to check it."))
    table = coefficient_table(terms, contrasts(fit, np.eye(len(terms)), df), ci_level, len(waves), middle)
    if not support.enough:
        table[["p_value", "ci_low", "ci_high"]] = np.nan
    return RepeatedMeasures(
        estimate=estimates[0].warn(*cautions), at_wave=tuple(estimates[1:]), waves=tuple(waves[k] for k in place),
        jackknife=checks, leave_one_out=without,
        by_wave=by_wave_table(rows[wave], arms.inside, y, waves, place, estimates, checks), variances=variance_table(fit, structure, waves, cluster),
        icc=correlations(fit, groups, ci_level=ci_level, intervals=icc_intervals) if structure == "intercepts" and groups else {},
        table=table, deviance=fit.at.deviance, n_persons=len(person_labels),
        left_out={"without an outcome": int((~seen).sum()), "without a baseline": int((~ready.kept).sum())},
        settings={"outcome": outcome, "arm": arm, "wave": wave, "person": person, "cluster": cluster, "baseline": baseline, "structure": structure,
                  "covariates": tuple(covariates), "df": df, "randomised": randomised, "ci_level": ci_level}, warnings=tuple(cautions),
    )  # fmt: skip


def _in_turn(people: np.ndarray, slot: np.ndarray, labels: list[object]) -> np.ndarray:
    """(n,) 0, 1, ... of the rows of a person in the order of the waves; refuses two of one wave."""
    frame = pd.DataFrame({"person": people, "slot": slot})
    twice = frame.duplicated().to_numpy()
    if twice.any():
        raise EstimationError(
            f"Several rows of one wave: {listing(labels[i] for i in np.unique(people[twice]))}.", fix="Keep one row per person and wave."
        )
    return frame.sort_values(["person", "slot"]).groupby("person").cumcount().sort_index().to_numpy()


def _refuse_unseen_pairs(people: np.ndarray, slot: np.ndarray, waves: list[Any]) -> None:
    if len(waves) > 8:
        raise EstimationError(
            f"{len(waves)} waves have {len(waves) * (len(waves) + 1) // 2} variances and covariances.", fix="Use structure='intercepts'."
        )
    there = np.zeros((people.max() + 1, len(waves)))
    there[people, slot] = 1
    together = there.T @ there
    low = [f"{waves[i]} and {waves[j]}" for i in range(len(waves)) for j in range(i) if together[i, j] < 5]
    if low:
        raise EstimationError(f"Fewer than five people answered both waves {listing(low)}.", fix="Use structure='intercepts', or leave a wave out.")


def _cautions(fit: Fit, cluster: str | None, repeated: bool, structure: str) -> list[Caution]:
    out = []
    if cluster is not None and fit.boundary[-1]:
        text = "The variance between clusters is estimated as 0: they differ no more than by chance. Few clusters cannot show that it is 0."
        out.append(Caution("no_cluster_variance", text))
    if not repeated and structure == "intercepts":
        out.append(Caution("no_repeats", "Nobody answered twice: there is no person effect to estimate."))
    return out
