"""A Cox model weighted by inverse probability of treatment, with the weights refitted whenever a cluster is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.jackknife import Jackknife, cluster_jackknife
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import read_groups, require_columns
from mentorship_eval.survival.hazards.cox_regression import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.weighting.covariate_balance import Balance, balance
from mentorship_eval.survival.weighting.propensity import PropensityWeights, propensity_weights

__all__ = ["ClusterRefits", "WeightedCox", "iptw_cox", "refit_without_clusters"]

FEW_CLUSTERS = 8
DOMINANT = 0.5
WEIGHT = "_weight"


@dataclass(frozen=True)
class ClusterRefits:
    """labels: (G,) the clusters; estimates: (G, p) without each, NaN where there is none; jackknife: over those that exist;
    reasons: why there is no estimate, by cluster."""

    labels: tuple[object, ...]
    estimates: np.ndarray
    jackknife: Jackknife
    reasons: dict[object, str]


def refit_without_clusters(
    data: pd.DataFrame, *, cluster: str, statistic: Callable[[pd.DataFrame], np.ndarray | float], full: np.ndarray | float,
) -> ClusterRefits:
    """Run ``statistic`` (a whole analysis: weights, model) on the rows outside each cluster in turn.

    full: (p,) the statistic of all rows. An `EstimationError` in a refit leaves that cluster without an estimate.
    """
    groups = read_groups(data, cluster)
    centre = np.atleast_1d(np.asarray(full, dtype=float))
    estimates, reasons = np.full((len(groups), centre.size), np.nan), {}
    for code, label in enumerate(groups.labels):
        try:
            estimates[code] = statistic(data[groups.codes != code])
        except EstimationError as error:
            reasons[label] = error.problem
    return ClusterRefits(groups.labels, estimates, cluster_jackknife(centre, estimates), reasons)


@dataclass(frozen=True, kw_only=True)
class WeightedCox(Shown):
    """A weighted Cox model.

    table: term, coef, se, hr, ci_low, ci_high, p, df; estimates: an `Estimate` for each term; cox: the fit with the weights taken as known;
    weights, balance: what made them and what they did; refits: cluster, log_hr (without it), share (of the jackknife
    variance), reason; None without a jackknife.
    """

    table: pd.DataFrame
    estimates: Mapping[str, Estimate]
    cox: CoxResult
    weights: PropensityWeights
    balance: Balance
    refits: pd.DataFrame | None
    method: str
    warnings: tuple[Caution, ...]

    @property
    def estimate(self) -> Estimate:
        """The hazard ratio of the treatment."""
        return next(iter(self.estimates.values()))

    def statement(self) -> str:
        """One sentence with the hazard ratio, its interval and what it rests on."""
        one = self.estimate
        p = "" if np.isnan(one.p_value) else f"; {format_p(one.p_value)}"
        missing = "" if not np.isnan(one.ci_low) else "; no interval is given"
        return f"{one.estimand[:1].upper()}{one.estimand[1:]}: hazard ratio {one.interval()}{p}{missing} ({self.method})."


def iptw_cox(
    data: pd.DataFrame, *, treatment: str, covariates: Sequence[str] | Mapping[str, object] | str, stop: str, event: str,
    start: str | None = None, strata: str | Sequence[str] | None = None, cluster: str | None = None, adjust: Sequence[str] = (),
    estimand: str = "ate", stabilised: bool | str = True, clip: tuple[float, float] | None = (0.01, 0.99),
    propensity_strata: str | Sequence[str] | None = None, ties: str = "efron", variance: str = "auto", ci_level: float = 0.95,
    reference: Mapping[str, object] | None = None,
) -> WeightedCox:
    """Hazard ratio of a treatment fixed at the start of follow-up, weighted by the propensity of having it.

    Parameters
    ----------
    data : one row a person. treatment, covariates, estimand, stabilised, clip, reference : as in `propensity_weights`;
        propensity_strata : its ``strata``.
    stop, event, start, strata, ties : as in `cox`; adjust : covariates of the Cox model besides the treatment.
    cluster : independent units. variance : "jackknife" leaves one cluster out at a time and refits propensity, clipping and
        Cox model, t on (clusters that carry information about the hazard ratio - 1); "auto" takes it wherever there are clusters, and
        the sandwich by row without; "cluster" and "robust" take the weights as known (too wide for "ate" as a rule, and
        blind to how much the weights owe to one cluster).

    Raises
    ------
    UsageError, EstimationError : as `propensity_weights` and `cox`.

    Source: Cole & Hernan (2004), Comput Methods Programs Biomed 75:45-49; Austin (2016), Stat Med 35:5642-5655.
    """
    if variance not in ("auto", "jackknife", "cluster", "robust"):
        raise UsageError(f"There is no variance {variance!r} of a weighted Cox model.", fix="Use auto, jackknife, cluster or robust.")
    kind = variance if variance != "auto" else "jackknife" if cluster is not None else "robust"
    if kind != "robust" and cluster is None:
        raise UsageError(f"variance={kind!r} needs cluster=.", fix="Name the column of clusters, or use variance='robust'.")
    if WEIGHT in data.columns:
        raise UsageError(f"The column name {WEIGHT!r} is taken for the weights.", fix="Rename the column.")
    if cluster is not None:
        require_columns(data, [cluster])
    made = propensity_weights(data, treatment=treatment, covariates=covariates, estimand=estimand, stabilised=stabilised, clip=clip,
                              strata=propensity_strata, reference=reference, ci_level=ci_level)
    names = [treatment, *adjust]
    model = {"stop": stop, "event": event, "start": start, "strata": strata, "ties": ties, "weights": WEIGHT, "ci_level": ci_level}
    weighted = data.assign(**{WEIGHT: made.weights})
    fit = cox(weighted, covariates=names, cluster=cluster, variance="robust" if cluster is None else "cluster", **model)  # type: ignore[arg-type]
    coef = fit.table["coef"].to_numpy()
    covered = covariates if isinstance(covariates, str) else list(covariates)
    alike = balance(data, treatment=treatment, covariates=covered, weights=made.weights)
    what = {"ate": "in everybody", "att": "in the treated", "overlap": "in those who might be in either arm"}[estimand]
    estimands = [f"hazard under {treatment} against none, {what}", *[one.estimand for one in list(fit.estimates.values())[1:]]]
    cautions = (*made.warnings, *alike.warnings)
    refits, frame = None, None
    if kind == "jackknife":
        assert cluster is not None
        levels = dict(fit.references)

        def again(rows: pd.DataFrame) -> np.ndarray:
            renewed = rows.assign(**{WEIGHT: made.refit(rows)})
            part = cox(renewed, covariates=names, reference=levels, variance="model", **model).table  # type: ignore[arg-type]
            return part.set_index("term")["coef"].reindex(fit.table["term"]).to_numpy()

        refits = refit_without_clusters(data, cluster=cluster, statistic=again, full=coef)
        frame = pd.DataFrame({cluster: list(refits.labels), "log_hr": refits.estimates[:, 0], "share": refits.jackknife.shares[:, 0],
                              "reason": [refits.reasons.get(label, "") for label in refits.labels]})
        cautions += _cautions(fit, refits, cluster, treatment)
        said = f"leave-one-cluster-out jackknife by {cluster} with the weights refitted, t on {fit.n_clusters} informative clusters less 1"
    else:
        cautions += fit.warnings
        said = f"sandwich by {cluster or 'row'}, weights taken as known"
    estimates = {}
    for j, (term, one) in enumerate(fit.estimates.items()):
        se, df = one.se, one.df if kind == "cluster" else None
        if kind == "robust" and fit.robust_covariance is not None:
            se = float(np.sqrt(fit.robust_covariance[j, j]))
        if refits is not None:
            lost = np.isnan(refits.estimates[:, j]).any()
            se, df = (np.nan if lost else float(refits.jackknife.se[j])), float((one.n_clusters or 0) - 1)
        estimates[term] = ratio_estimate(
            float(coef[j]), se, scale="hazard ratio", df=df, ci_level=ci_level, n=len(data), n_events=fit.n_events, n_clusters=one.n_clusters,
            estimand=estimands[j], method=f"Cox regression, {made.method}; {said}", warnings=cautions,
        )
    of = list(estimates.values())
    table = pd.DataFrame({
        "term": list(estimates), "coef": coef, "se": [one.se for one in of], "hr": np.exp(coef), "ci_low": [one.ci_low for one in of],
        "ci_high": [one.ci_high for one in of], "p": [one.p_value for one in of], "df": [np.nan if one.df is None else one.df for one in of],
    })
    return WeightedCox(table=table, estimates=estimates, cox=fit, weights=made, balance=alike, refits=frame,
                       method=of[0].method, warnings=cautions)


def _cautions(fit: CoxResult, refits: ClusterRefits, cluster: str, treatment: str) -> tuple[Caution, ...]:
    found = [caution for caution in fit.warnings if caution.code != "few_clusters"]
    informative = fit.n_clusters or 0
    if informative < FEW_CLUSTERS:
        text = f"Only {informative} clusters of {cluster} carry information about {treatment}; the interval rests on few independent units."
        found.append(Caution("few_clusters", text, {"informative": informative}))
    if refits.reasons:
        without = tuple(refits.reasons)
        text = f"Without {cluster} {listing(without)} the weighted hazard ratio has no estimate ({next(iter(refits.reasons.values()))}), "
        text += "so neither an interval nor a p-value can be given."
        found.append(Caution("jackknife_failed", text, {"clusters": without}))
    elif len(refits.labels) > 1:
        shares = refits.jackknife.shares[:, 0]
        if shares.max() > DOMINANT:
            label, share = refits.labels[int(shares.argmax())], float(shares.max())
            found.append(Caution("dominant_cluster", f"{cluster} {label} alone makes up {share:.0%} of the variance of {treatment}.",
                                 {"cluster": label, "share": share}))
    return tuple(found)
