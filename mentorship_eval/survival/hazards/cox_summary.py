"""From a converged Cox fit to what is reported: variances, intervals, degrees of freedom, cautions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.survival.columns import Groups, read_groups
from mentorship_eval.survival.design import Design
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.cox_variance import Variance, estimate_variance
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood
from mentorship_eval.survival.hazards.penalised import FirthFit

__all__ = ["summarise"]

FEW_CLUSTERS = 8
FEW_EVENTS = 10  # per coefficient
DOMINANT = 0.5  # share of the jackknife variance


def summarise(
    fit: Fit, null: Likelihood, design: Design, *, scale: np.ndarray, centre: np.ndarray, strata: Groups, start: np.ndarray,
    stop: np.ndarray, event: np.ndarray, data: pd.DataFrame, cluster: str | None, weighted: bool, variance: str, ci_level: float,
    delayed: bool, strata_columns: tuple[str, ...], weight: np.ndarray,
    firth: FirthFit | None = None, separated: str | None = None,
) -> CoxResult:
    """The result of a converged ``fit``. ``firth``: what its penalised likelihood adds; ``separated``: the term
    without a finite estimate when nothing is penalised."""
    likelihood, size = fit.likelihood, len(fit.coef)
    sets = likelihood.sets
    groups = read_groups(data, cluster) if cluster is not None else None
    found = estimate_variance(fit, variance, groups, weighted)
    chosen, counts = "profile" if firth is not None else found.kind, found.informative
    # few events bias the plain estimate, which is what the penalty takes away
    cautions = _separation(separated) if firth is not None else _cautions(found, len(sets.dead), size, cluster, design)
    shares = None
    if found.shares is not None and groups is not None:
        labels = pd.Index([groups.labels[code] for code in found.left_out], name=cluster)
        shares = pd.DataFrame(found.shares, index=labels, columns=list(design.terms))
        cautions += _dominant(shares, cluster, design)
    lost = [_lost(j, found, groups, cluster, design) for j in range(size)]
    shrink = np.outer(scale, scale)
    model, used = fit.inverse / shrink, found.covariance / shrink
    robust = None if found.sandwich is None else found.sandwich / shrink
    method = _method(chosen, sets.ties, cluster, counts, weighted, delayed, strata_columns)
    with_t = chosen in ("cluster", "jackknife") and counts is not None
    estimates = {}
    for j, term in enumerate(design.terms):
        estimates[term] = ratio_estimate(
            float(fit.coef[j] / scale[j]), float(math.sqrt(used[j, j])) if used[j, j] >= 0 else math.nan, scale="hazard ratio",
            df=float(counts[j] - 1) if with_t and counts is not None else None, ci_level=ci_level, n=len(stop), n_events=int(event.sum()),
            n_clusters=None if counts is None else int(counts[j]), method=method, estimand=_estimand(term, design, int(design.owner[j])),
            warnings=(*cautions, *lost[j]),
        )
        if firth is not None:
            with np.errstate(over="ignore"):
                low, high = np.exp(firth.low[j] / scale[j]), np.exp(firth.high[j] / scale[j])
            estimates[term] = replace(estimates[term], ci_low=float(low), ci_high=float(high), p_value=float(firth.p[j]))
    score = null.score()
    # the determinant in the penalty belongs to the covariates as they were given
    logliks = (null.loglik, likelihood.loglik) if firth is None else tuple(value + np.log(scale).sum() for value in firth.penalised)
    lr = 2 * (logliks[1] - logliks[0])
    statistic = float(score @ np.linalg.solve(null.information(), score))
    return CoxResult(
        table=_table(design, fit.coef / scale, model, robust, used, estimates), estimates=estimates, covariance=used,
        loglik=(float(logliks[0]), float(logliks[1])), n=len(stop), n_events=int(event.sum()),
        n_clusters=None if counts is None else int(counts[0]), method=method, variance=chosen, warnings=(*cautions, *lost[0]),
        score_norm=float(np.abs((likelihood.score() if firth is None else firth.score) * scale).max()),
        iterations=fit.iterations, decrement=fit.decrement,
        score_test=(statistic, size, float(chdtrc(size, statistic))), likelihood_ratio_test=(lr, size, float(chdtrc(size, max(lr, 0.0)))),
        cluster_shares=shares, ci_level=ci_level, model_covariance=model, robust_covariance=robust, _fit=fit, _design=design, _scale=scale,
        _centre=centre, _strata=strata, _start=start, _stop=stop, _event=event, _weighted=weighted or cluster is not None,
        _weight=weight, _clusters=groups, _index=data.index, _strata_columns=strata_columns, _cluster_column=cluster,
    )


def _estimand(term: str, design: Design, owner: int) -> str:
    name = design.covariates[owner]
    if name in design.references:
        return f"hazard of {term} against {name}[{design.references[name]}]"
    return f"hazard per unit of {term}"


def _table(
    design: Design, coef: np.ndarray, model: np.ndarray, robust: np.ndarray | None, used: np.ndarray, estimates: dict[str, Estimate]
) -> pd.DataFrame:
    of = list(estimates.values())
    with np.errstate(over="ignore", invalid="ignore"):
        return pd.DataFrame({
            "term": list(design.terms), "coef": coef, "se": np.sqrt(np.diag(model)),
            "robust_se": np.full(len(coef), np.nan) if robust is None else np.sqrt(np.diag(robust)), "hr": np.exp(coef),
            "ci_low": [one.ci_low for one in of], "ci_high": [one.ci_high for one in of], "p": [one.p_value for one in of],
            "interval_se": np.sqrt(np.diag(used)), "df": [math.nan if one.df is None else one.df for one in of],
        })


def _method(
    chosen: str, ties: str, cluster: str | None, counts: np.ndarray | None, weighted: bool, delayed: bool, strata: tuple[str, ...]
) -> str:
    parts = [f"Cox regression{' with Firth penalty' if chosen == 'profile' else ''}, {ties.capitalize()} ties"]
    if delayed:
        parts.append("rows (start, stop] with delayed entry")
    if strata:
        parts.append(f"stratified by {listing(strata)}")
    if weighted:
        parts.append("weighted")
    first = "" if counts is None else f"{int(counts[0])} informative clusters"
    parts.append({
        "model": "model-based standard errors (z)",
        "profile": "profile penalised-likelihood intervals and penalised likelihood-ratio p-values, rows taken as independent",
        "robust": f"sandwich standard errors by {cluster or 'row'} (z)",
        "cluster": f"cluster-robust sandwich standard errors by {cluster}, t on {first} less 1",
        "jackknife": f"leave-one-cluster-out jackknife standard errors by {cluster} (CR3), t on {first} less 1",
    }[chosen])
    return "; ".join(parts)


def _cautions(found: Variance, events: int, size: int, cluster: str | None, design: Design) -> list[Caution]:
    cautions = []
    if found.informative is not None and found.informative[0] < FEW_CLUSTERS and found.kind != "model":
        informative = int(found.informative[0])
        text = f"Only {informative} clusters of {cluster} carry information about {design.terms[0]}; "
        text += "the interval rests on few independent units."
        cautions.append(Caution("few_clusters", text, {"informative": informative}))
    if events < FEW_EVENTS * size:
        text = f"{events:,} events for {size} coefficients: fewer than {FEW_EVENTS} each, so estimates may be biased away from 1."
        cautions.append(Caution("few_events", text, {"events": events, "coefficients": size}))
    return cautions


def _separation(term: str | None) -> list[Caution]:
    if term is None:
        return []
    text = f"Without the penalty the hazard ratio of {term} has no finite estimate (separation); the size of the penalised one depends on the "
    text += "penalty, and its interval says more."
    return [Caution("separation", text, {"term": term})]


def _dominant(shares: pd.DataFrame, cluster: str | None, design: Design) -> list[Caution]:
    first = shares.iloc[:, 0]
    if not (len(first) and first.max() > DOMINANT):
        return []
    label, share = first.idxmax(), float(first.max())
    text = f"{cluster} {label} alone makes up {share:.0%} of the variance of {design.terms[0]}."
    return [Caution("dominant_cluster", text, {"cluster": label, "share": share})]


def _lost(j: int, found: Variance, groups: Groups | None, cluster: str | None, design: Design) -> list[Caution]:
    """What term ``j`` must say of jackknife refits in which its own or another coefficient does not exist."""
    if found.missing is None or groups is None or not found.missing.any():
        return []
    labels, term, cautions = [groups.labels[code] for code in found.left_out], design.terms[j], []
    own = found.missing[:, j]
    if own.any():
        without = tuple(label for label, gone in zip(labels, own, strict=True) if gone)
        text = f"Without {cluster} {listing(without)} the hazard ratio of {term} has no finite estimate: it rests on what was seen there, "
        text += "and neither an interval nor a p-value can be given."
        cautions.append(Caution("jackknife_failed", text, {"term": term, "clusters": without}))
    others = found.missing[~own].any(axis=0)
    if others.any():
        rows = found.missing[~own].any(axis=1)
        without = tuple(label for label, gone in zip([labels[i] for i in np.flatnonzero(~own)], rows, strict=True) if gone)
        terms = tuple(name for name, gone in zip(design.terms, others, strict=True) if gone)
        text = f"Without {cluster} {listing(without)} there is no finite estimate of {listing(terms)}, which therefore "
        text += f"{'has' if len(terms) == 1 else 'have'} no interval; {term} has one in each of these refits."
        cautions.append(Caution("jackknife_nuisance", text, {"terms": terms, "clusters": without}))
    return cautions
