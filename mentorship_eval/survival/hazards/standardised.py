"""Adjusted survival curves: what survival would be, on average over given persons, at each level of an exposure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import case_weights, labels_of, read_groups, require_columns, snap_to
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.standardised_curves import Population, baseline_sums, compress, standardise
from mentorship_eval.survival.hazards.standardised_result import AdjustedSurvival, assemble
from mentorship_eval.survival.hazards.standardised_support import support
from mentorship_eval.survival.hazards.standardised_variance import Persons, by_influence, by_jackknife, model_based
from mentorship_eval.survival.lookup import as_times

__all__ = ["adjusted_survival"]

MOST_LEVELS = 5  # of a number, when none are named
MOST_REFITS = 250  # clusters; beyond, the infinitesimal jackknife by cluster says the same in a fraction of the time
KINDS = ("auto", "model", "influence", "jackknife")


def adjusted_survival(
    fit: CoxResult, data: pd.DataFrame, *, exposure: str, times: Sequence[float] | float, subject: str | None,
    levels: Sequence[object] | None = None, since: float | None = None, weights: str | None = None, short_strata: str = "nan",
    variance: str = "auto", several_rows: bool = False,
) -> AdjustedSurvival:
    """Survival averaged over the persons in ``data`` with the exposure set to each level in turn (g-formula).

    Parameters
    ----------
    fit : a `cox` fit with ``exposure`` among its covariates. The exposure is held fixed from the origin (or from
        ``since``) on: a time-varying one must have been turned into a fixed one at a landmark before.
        A covariate that is itself a product with the exposure would not follow it.
    data : one row per person, with the covariates and strata of the fit: usually the rows that were fitted.
    times : at which the curves are wanted (numbers, or timedeltas in days).
    subject : column that names the person; None states that every row is a person. Several rows of a person are
        refused unless ``several_rows`` says that each is to count.
    levels : of the exposure, the first being the one compared with; by default the levels of a category
        (its reference first), or the fitted values of a number that has at most 5.
    since : survival from this time on among those there then, S(t | T >= since); needed when rows enter late
        and hardly anybody is at risk early.
    weights : column of ``data`` that weights the average (not the fit).
    short_strata : every person is followed through the baseline of his or her own stratum. "nan": no value beyond
        the shortest follow-up of a stratum; "leave_out": average over the strata followed to the last time only.
    variance : "model" (delta method), "influence" (infinitesimal jackknife by row, or by the clusters of the fit, t on
        G-1) or "jackknife" (without each cluster in turn, t on G-1). "auto": model without cluster and weights,
        influence for a weighted fit, jackknife with up to 250 clusters and influence with more. The sampling of the
        persons counts in all of them; case weights of the fit are taken as known. Intervals of survival are on the
        log-log scale, those of differences plain.

    Raises
    ------
    UsageError : exposure not in the model, unknown options or columns. EstimationError : several rows of a person,
        unknown strata or levels, missing values.

    Source: Makuch (1982), Robins (1986); Hernan & Robins (2020), What If, chapters 13 and 17.
    """
    _check(fit, exposure, short_strata, variance)
    owner = np.flatnonzero(fit._design.owner == fit._design.covariates.index(exposure))
    chosen = _levels(fit, exposure, levels)
    strata = list(fit._strata_columns)
    require_columns(data, [*(name for name in fit._design.covariates if name != exposure), *strata, *(
        column for column in (subject, weights) if column is not None)])
    if subject is not None and not several_rows and data[subject].duplicated().any():
        again = data[subject].duplicated(keep=False).to_numpy()
        raise EstimationError(
            f"{data.loc[again, subject].nunique():,} persons have several rows; their curve would count each row as a person.",
            fix="Give one row per person (at the landmark or at entry), or say several_rows=True.", rows=labels_of(data, again)[:20],
        )
    asked = as_times(times)
    weight = case_weights(data, weights)
    followed = support(fit, data, asked, since, weight, short_strata)
    kept = np.flatnonzero(followed.kept)
    frame, weight, codes = data.iloc[kept], weight[kept], followed.codes[kept]
    matrices = [fit._design.encode(frame.iloc[:1].assign(**{exposure: level}))[owner, 0] for level in chosen]
    raw = fit._design.encode(frame.assign(**{exposure: chosen[0]}))
    x = (raw - fit._centre[:, codes]) / fit._scale[:, np.newaxis]
    shift = np.zeros((len(x), len(chosen)))
    shift[owner] = (np.array(matrices).T - matrices[0][:, np.newaxis]) / fit._scale[owner, np.newaxis]
    others = np.delete(np.arange(len(x)), owner)
    first, pattern = compress(codes, raw[others])
    totals, squares = (np.bincount(pattern, one, len(first)) for one in (weight, weight**2))
    population = Population(totals, squares, codes[first], np.ascontiguousarray(x[:, first]), shift)
    times_used = snap_to(asked, np.unique(fit._fit.likelihood.sets.times))
    begin = -np.inf if since is None else float(since)
    count = len(fit._strata)
    sums = baseline_sums(fit._fit.likelihood, times_used, begin, count, hazard_only=True)
    survival = standardise(population, fit._fit.coef, sums.hazard)

    linked = _fitted_rows(fit, frame, exposure, raw)
    cluster = _clusters_of(fit, frame, linked)
    persons = Persons(pattern, weight, cluster, linked)
    kind = _kind(fit, variance)
    sets = fit._fit.likelihood.sets
    groups = fit._clusters
    if kind == "model":
        found = model_based(fit._fit, population, times_used, begin, count)
    elif kind == "jackknife" and groups is not None:
        used = fit._weight > 0
        found = by_jackknife(
            fit._fit, population, persons, times_used, begin, groups.codes[sets.rows], groups.codes[used], fit._strata.codes[used], count,
            raw[:, first] != 0, owner,
        )
    else:
        by = None if groups is None else groups.codes[sets.rows]
        found = by_influence(
            fit._fit, population, persons, times_used, begin, count, by, 0 if groups is None else len(groups), owner
        )
    return assemble(fit, exposure, tuple(chosen), asked, survival, found, followed, kind, since, len(kept))


def _check(fit: CoxResult, exposure: str, short_strata: str, variance: str) -> None:
    if exposure not in fit._design.covariates:
        raise UsageError(f"{exposure!r} is not a covariate of the model.", fix=f"It has {listing(fit._design.covariates, 12)}.")
    if short_strata not in ("nan", "leave_out"):
        raise UsageError(f"short_strata is {short_strata!r}.", fix="Use 'nan' or 'leave_out'.")
    if variance not in KINDS:
        raise UsageError(f"There is no variance {variance!r} of adjusted curves.", fix=f"Use one of {', '.join(KINDS)}.")
    if variance == "jackknife" and fit._clusters is None:
        raise UsageError("variance='jackknife' needs a model fitted with cluster=.", fix="Fit it so, or use variance='influence'.")
    if fit.variance == "profile":
        raise UsageError("A penalised fit has no adjusted curves: their intervals would not be those of its profile.", fix="Report the counts.")


def _kind(fit: CoxResult, variance: str) -> str:
    if variance != "auto":
        return variance
    if fit._clusters is not None:
        return "jackknife" if len(fit._clusters) <= MOST_REFITS else "influence"
    return "influence" if fit._weighted else "model"


def _levels(fit: CoxResult, exposure: str, levels: Sequence[object] | None) -> list[object]:
    column = next(one for one in fit._design.columns if one.name == exposure)
    if levels is None:
        if column.levels is not None:
            return [column.reference, *column.levels]
        fitted = np.unique(fit._design.matrix[fit._design.covariates.index(exposure) == fit._design.owner][0])
        if len(fitted) > MOST_LEVELS:
            raise UsageError(f"{exposure!r} has {len(fitted):,} values.", fix="Name the levels to compare, e.g. levels=[0, 1].")
        found = [int(value) if value == int(value) else float(value) for value in fitted]
        levels = found
    chosen = list(dict.fromkeys(levels))
    if len(chosen) < 2:
        raise UsageError(f"Adjusted curves compare at least two levels of {exposure!r}.", fix="Name them as levels=[...].")
    return chosen


def _fitted_rows(fit: CoxResult, frame: pd.DataFrame, exposure: str, raw: np.ndarray) -> np.ndarray | None:
    """Positions among the fitted rows when ``frame`` is made of them: the same labels and the same covariates."""
    if not fit._index.is_unique or not frame.index.is_unique:
        same = fit._index.equals(frame.index)
        place = np.arange(len(frame)) if same else None
    else:
        place = fit._index.get_indexer(frame.index)
        place = None if (place < 0).any() else place
    if place is None:
        return None
    others = np.flatnonzero(fit._design.owner != fit._design.covariates.index(exposure))
    same = np.array_equal(fit._design.matrix[np.ix_(others, place)], raw[others])
    return place if same and (fit._weight[place] > 0).all() else None


def _clusters_of(fit: CoxResult, frame: pd.DataFrame, linked: np.ndarray | None) -> np.ndarray | None:
    """Cluster codes of the persons; -1 for clusters that were not fitted; None when persons are taken as given."""
    if fit._clusters is None:
        return None
    if linked is not None:
        return fit._clusters.codes[linked]
    if fit._cluster_column is None or fit._cluster_column not in frame.columns:
        return None
    groups = read_groups(frame, fit._cluster_column)
    known = {label: code for code, label in enumerate(fit._clusters.labels)}
    codes = np.array([known.get(label, -1) for label in groups.labels])[groups.codes]
    return codes if (codes >= 0).all() else None
