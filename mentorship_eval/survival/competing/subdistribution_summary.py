"""From a converged Fine-Gray fit to what is reported: variances, intervals, degrees of freedom, cautions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.columns import Groups
from mentorship_eval.survival.competing.subdistribution_fit import SubdistributionFit, leave_one_cluster_out
from mentorship_eval.survival.competing.subdistribution_likelihood import SubdistributionLikelihood
from mentorship_eval.survival.competing.subdistribution_result import FineGray
from mentorship_eval.survival.competing.subdistribution_risk_sets import COMPETING, OF_INTEREST
from mentorship_eval.survival.design import Design

__all__ = ["summarise"]

JACKKNIFE_BELOW = 30  # informative clusters: with fewer the sandwich rejects too often
FEW_CLUSTERS = 8
FEW_EVENTS = 10  # per coefficient
DOMINANT = 0.5  # share of the jackknife variance


@dataclass(frozen=True)
class _Variance:
    """covariance: behind the intervals; robust: the weights taken as known; informative: (p,) clusters that carry
    information on each coefficient; left_out, missing, shares: of the jackknife."""

    kind: str
    covariance: np.ndarray
    robust: np.ndarray
    informative: np.ndarray | None = None
    left_out: tuple[int, ...] = ()
    missing: np.ndarray | None = None
    shares: np.ndarray | None = None


def summarise(
    fit: SubdistributionFit, null: SubdistributionLikelihood, design: Design, scale: np.ndarray, *, groups: Groups | None,
    persons: Groups | None, cluster: str | None, variance: str, ties: str, ci_level: float, of: object, causes: tuple[object, ...],
    weighted: bool, delayed: bool, n: int,
) -> FineGray:
    found = _variance(fit, variance, groups, persons, ties)
    rows, likelihood, counts = fit.rows, fit.likelihood, found.informative
    events, others = int((rows.kind == OF_INTEREST).sum()), int((rows.kind == COMPETING).sum())
    shrink = np.outer(scale, scale)
    model, robust, used = fit.inverse / shrink, found.robust / shrink, found.covariance / shrink
    cautions = _cautions(found, events, others, cluster, groups, design)
    method = _method(found.kind, ties, cluster, counts, weighted, delayed, fit.events_first)
    with_t = found.kind in ("cluster", "jackknife") and counts is not None
    estimates = {}
    for j, term in enumerate(design.terms):
        name = design.covariates[design.owner[j]]
        versus = f"{term} against {name}[{design.references[name]}]" if name in design.references else f"per unit of {term}"
        estimates[term] = ratio_estimate(
            float(fit.coef[j] / scale[j]), float(np.sqrt(used[j, j])), scale="subdistribution hazard ratio",
            df=float(counts[j] - 1) if with_t and counts is not None else None, ci_level=ci_level, n=n, n_events=events,
            n_clusters=None if counts is None else int(counts[j]), method=method, estimand=f"cumulative incidence of {of}, {versus}",
            warnings=tuple(cautions),
        )
    shares = None
    if found.shares is not None and groups is not None:
        index = pd.Index([groups.labels[code] for code in found.left_out], name=cluster)
        shares = pd.DataFrame(found.shares, index=index, columns=list(design.terms))
    coef, every = fit.coef / scale, list(estimates.values())
    table = pd.DataFrame({
        "term": list(design.terms), "coef": coef, "se": np.sqrt(np.diag(model)), "robust_se": np.sqrt(np.diag(robust)),
        "hr": [one.value for one in every], "ci_low": [one.ci_low for one in every], "ci_high": [one.ci_high for one in every],
        "p": [one.p_value for one in every], "interval_se": np.sqrt(np.diag(used)),
        "df": [math.nan if one.df is None else one.df for one in every],
    })
    hazard = likelihood.sums[0]
    times = rows.stop[likelihood.sets.cell[:-1]][likelihood.sets.dead]
    return FineGray(
        table=table, estimates=estimates, covariance=used, loglik=(null.loglik, likelihood.loglik), of=of, n=n, n_events=events,
        n_competing=others, n_clusters=None if counts is None else int(counts[0]), method=method, variance=found.kind,
        warnings=tuple(cautions), score_norm=float(np.abs(likelihood.score() * scale).max()), decrement=fit.decrement,
        iterations=fit.iterations, baseline=pd.DataFrame({"time": times, "hazard": hazard, "cumulative_hazard": np.cumsum(hazard)}),
        cluster_shares=shares, ci_level=ci_level, model_covariance=model, robust_covariance=robust, _design=design,
    )


def _variance(fit: SubdistributionFit, variance: str, groups: Groups | None, persons: Groups | None, ties: str) -> _Variance:
    order = fit.rows.order
    units = groups if groups is not None else persons
    codes = None if units is None else units.codes[order]
    known = fit.likelihood.score_residuals()
    informs = None if groups is None or codes is None else _informative(known, codes, len(groups))
    robust = _sandwich(fit, known, codes)
    counts = None if informs is None else informs.sum(axis=0)
    kind = variance
    if variance == "auto":
        kind = "fine-gray" if counts is None else "jackknife" if counts[0] < JACKKNIFE_BELOW else "cluster"
    if kind in ("model", "robust"):
        return _Variance(kind, fit.inverse if kind == "model" else robust, robust, counts)
    known += fit.censoring_influence()
    if kind != "jackknife" or groups is None or codes is None or informs is None or counts is None:
        return _Variance(kind, _sandwich(fit, known, codes), robust, counts)
    left_out = np.flatnonzero(informs.any(axis=1))
    refits = leave_one_cluster_out(fit, ties, codes, left_out, _by_unit(known, codes))
    missing = ~np.isfinite(refits)
    # A term that ceases to exist without some cluster gets no variance: setting that refit aside would drop the very
    # cluster on which the estimate rests. The other terms keep theirs.
    whole = np.flatnonzero(~missing.any(axis=0))
    covariance, shares = np.full(robust.shape, np.nan), np.full(refits.shape, np.nan)
    if len(whole):
        jackknife = cluster_jackknife(fit.coef[whole], refits[:, whole])
        covariance[np.ix_(whole, whole)], shares[:, whole] = jackknife.covariance, jackknife.shares
    return _Variance(kind, covariance, robust, counts - missing.sum(axis=0), tuple(left_out.tolist()), missing, shares)


def _by_unit(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(codes, row) for row in scores])


def _sandwich(fit: SubdistributionFit, scores: np.ndarray, codes: np.ndarray | None) -> np.ndarray:
    changes = scores if codes is None else _by_unit(scores, codes)
    return fit.inverse @ (changes @ changes.T) @ fit.inverse


def _informative(residuals: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """(count, p): does leaving the cluster out change the coefficient? Not when the residual of each of its rows is zero."""
    largest = np.zeros((count, len(residuals)))
    for column, row in zip(largest.T, np.abs(residuals), strict=True):
        np.maximum.at(column, codes, row)
    return largest > 1e-9 * largest.max(axis=0, initial=0.0)


def _method(
    kind: str, ties: str, cluster: str | None, counts: np.ndarray | None, weighted: bool, delayed: bool, events_first: bool
) -> str:
    parts = [f"Fine-Gray regression, {ties.capitalize()} ties"]
    if delayed:
        parts.append("rows (start, stop] with delayed entry (Geskus weights)")
    if weighted:
        parts.append("weighted")
    if not events_first:
        parts.append("those with an event at risk of censoring at the same time")
    first = "" if counts is None else f"{int(counts[0])} informative clusters"
    by = cluster or "person"
    parts.append({
        "model": "model-based standard errors, which ignore the weighting (z)",
        "robust": f"sandwich standard errors by {by}, censoring weights taken as known (z)",
        "fine-gray": f"sandwich standard errors by {by} with the estimated censoring weights (z)",
        "cluster": f"cluster-robust sandwich standard errors by {cluster} with the estimated censoring weights, t on {first} less 1",
        "jackknife": f"leave-one-cluster-out jackknife standard errors by {cluster} (CR3), t on {first} less 1",
    }[kind])
    return "; ".join(parts)


def _cautions(
    found: _Variance, events: int, others: int, cluster: str | None, groups: Groups | None, design: Design
) -> list[Caution]:
    cautions, terms = [], design.terms
    if not others:
        cautions.append(Caution("no_competing_events", "There are no competing events: this is the Cox model of the only cause.", {}))
    if found.informative is not None and found.informative[0] < FEW_CLUSTERS and found.kind != "model":
        informative = int(found.informative[0])
        text = f"Only {informative} clusters of {cluster} carry information about {terms[0]}; the interval rests on few independent units."
        cautions.append(Caution("few_clusters", text, {"informative": informative}))
    if events < FEW_EVENTS * len(terms):
        text = f"{events:,} events for {len(terms)} coefficients: fewer than {FEW_EVENTS} each, so estimates may be biased away from 1."
        cautions.append(Caution("few_events", text, {"events": events, "coefficients": len(terms)}))
    if found.missing is not None and groups is not None and found.shares is not None:
        labels = [groups.labels[code] for code in found.left_out]
        if found.missing.any():
            without = tuple(label for label, row in zip(labels, found.missing, strict=True) if row.any())
            names = tuple(term for term, column in zip(terms, found.missing.T, strict=True) if column.any())
            text = f"Without {cluster} {listing(without)} there is no finite estimate of {listing(names)}, which therefore "
            text += f"{'has' if len(names) == 1 else 'have'} neither an interval nor a p-value."
            cautions.append(Caution("jackknife_failed", text, {"clusters": without, "terms": names}))
        if len(labels) and found.shares[:, 0].max() > DOMINANT:
            place = int(found.shares[:, 0].argmax())
            share = float(found.shares[place, 0])
            text = f"{cluster} {labels[place]} alone makes up {share:.0%} of the variance of {terms[0]}."
            cautions.append(Caution("dominant_cluster", text, {"cluster": labels[place], "share": share}))
    return cautions
