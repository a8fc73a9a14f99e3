"""From the areas of the groups to what is reported: variances, differences, ratios, cautions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.columns import Groups
from mentorship_eval.survival.curves.curve_steps import Rows
from mentorship_eval.survival.curves.restricted_area import Area
from mentorship_eval.survival.curves.restricted_mean_result import RestrictedMean

__all__ = ["Arms", "contrasts"]

JACKKNIFE_BELOW = 30  # informative clusters: with fewer the sandwich rejects too often
FEW_CLUSTERS = 8
DOMINANT = 0.5  # share of the jackknife variance
NEGLIGIBLE = 1e-9  # of the largest influence: the cluster changes nothing


@dataclass(frozen=True)
class Arms:
    """labels, areas, members (n,) whether a row counts: of each group; base: the reference; units: clusters;
    without: from the code of a cluster to the areas without it, None where one does not exist."""

    labels: tuple[object, ...]
    base: int
    areas: list[Area]
    members: list[np.ndarray]
    rows: Rows
    units: Groups | None
    without: Callable[[int], list[Area | None]]

    @property
    def values(self) -> np.ndarray:
        return np.array([area.value for area in self.areas])

    def count(self, k: int) -> int:
        """Rows of group ``k``."""
        return int(self.members[k].sum())

    def influences(self) -> list[np.ndarray]:
        """Of each group's rows, or summed by cluster (G,)."""
        found = []
        for area, members in zip(self.areas, self.members, strict=True):
            part = self.rows.where(members)
            influence = area.influence(part)
            found.append(influence if part.cluster is None or self.units is None else np.bincount(part.cluster, influence, len(self.units)))
        return found


@dataclass(frozen=True)
class _Spread:
    """Standard errors of linear combinations of (functions of) the means.

    covariance: (k, k) of the means; deviations: (G, k) by cluster, leave-one-out minus full for the jackknife, influences
    otherwise; kind: greenwood, robust, cluster or jackknife; left_out: codes of the clusters of ``deviations``.
    """

    kind: str
    covariance: np.ndarray
    deviations: np.ndarray | None
    left_out: np.ndarray

    def of(self, full: np.ndarray, change: Callable[[np.ndarray], np.ndarray], gradient: np.ndarray) -> tuple[float, float | None, int | None]:
        """(se, df, clusters) of ``change`` (means (..., k) to (...,)) with ``gradient`` (k,) at the means ``full``."""
        if self.deviations is None:
            return math.sqrt(max(gradient @ self.covariance @ gradient, 0.0)), None, None
        if self.kind == "cluster":
            terms = self.deviations @ gradient
            moves = np.abs(self.deviations * gradient).max(axis=1)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = change(full + self.deviations[:, gradient != 0] @ np.eye(len(full))[gradient != 0]) - change(full)
            moves = np.abs(terms)
        count = int((moves > NEGLIGIBLE * np.nanmax(moves, initial=0.0)).sum()) if len(moves) else 0
        if self.kind == "cluster":
            return float(np.sqrt(terms @ terms)), float(count - 1), count
        if not np.isfinite(terms).all():  # setting such a refit aside would drop the very cluster on which the estimate rests
            return math.nan, float(count - 1), count
        moved = moves > NEGLIGIBLE * moves.max(initial=0.0)
        found = cluster_jackknife(0.0, terms[moved])
        return float(found.se[0]), float(count - 1), count


def _linear(row: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda means: means @ row


def contrasts(
    arms: Arms, n_event: list[int], kind: str, since: float, tau: float, cluster: str | None, ci_level: float, *, refitted: bool
) -> RestrictedMean:
    spread = _spread(arms, kind)
    values, size, base = arms.values, len(arms.areas), arms.base
    span = tau - since
    method = _method(spread.kind, cluster, refitted)
    cautions = _cautions(arms, spread, n_event, cluster, tau)
    about: dict[str, Any] = {"ci_level": ci_level, "method": method, "warnings": tuple(cautions)}
    unit = np.eye(size)
    upto = f"restricted mean time to {tau:g}" if since == 0 else f"restricted mean time from {since:g} to {tau:g}"
    estimates: dict[object, Estimate] = {}
    for k, label in enumerate(arms.labels):
        se, df, clusters = spread.of(values, _linear(unit[k]), unit[k])
        estimates[label] = difference_estimate(
            float(values[k]), se, scale="mean", df=df, n=arms.count(k), n_events=n_event[k], n_clusters=clusters,
            estimand=upto if size == 1 else f"{upto}, {label}", **about,
        )
    every: dict[str, dict[object, Estimate]] = {"difference": {}, "ratio": {}, "ratio of time lost": {}}
    for k, label in enumerate(arms.labels):
        if k == base:
            continue
        counts: dict[str, Any] = {"n": arms.count(k) + arms.count(base), "n_events": n_event[k] + n_event[base]}
        versus = f"{label} against {arms.labels[base]}"
        se, df, clusters = spread.of(values, _linear(unit[k] - unit[base]), unit[k] - unit[base])
        every["difference"][label] = difference_estimate(
            float(values[k] - values[base]), se, df=df, n_clusters=clusters, estimand=f"{upto}, {versus}", **counts, **about
        )
        for name, lost in (("ratio", 0.0), ("ratio of time lost", span)):
            amounts = values if lost == 0 else lost - values
            if not (amounts[k] > 0 and amounts[base] > 0):
                every[name][label] = Estimate(
                    value=float(amounts[k] / amounts[base]) if amounts[base] > 0 else math.nan, scale="time ratio", estimand=f"{name}, {versus}",
                    **counts, **about,
                )
                continue
            sign = 1.0 if lost == 0 else -1.0

            def log_ratio(means: np.ndarray, k: int = k, lost: float = lost, sign: float = sign) -> np.ndarray:
                return np.log(lost + sign * means[..., k]) - np.log(lost + sign * means[..., base])

            gradient = sign * (unit[k] / amounts[k] - unit[base] / amounts[base])
            se, df, clusters = spread.of(values, log_ratio, gradient)
            every[name][label] = ratio_estimate(
                float(log_ratio(values)), se, scale="time ratio", df=df, n_clusters=clusters,
                estimand=f"{upto if lost == 0 else upto.replace('mean time', 'mean time lost')}, {versus}", **counts, **about,
            )
    informative = next(iter(every["difference"].values())).n_clusters if size > 1 else next(iter(estimates.values())).n_clusters
    return RestrictedMean(
        table=_table(arms, estimates, n_event, span), contrasts=_contrast_table(every, arms.labels[base]), tau=tau, since=since,
        reference=arms.labels[base], estimates=estimates, differences=every["difference"], ratios=every["ratio"],
        lost_ratios=every["ratio of time lost"], method=method, variance=spread.kind, ci_level=ci_level, n_clusters=informative,
        warnings=tuple(cautions), cluster_shares=_shares(arms, spread, cluster),
    )


def _spread(arms: Arms, kind: str) -> _Spread:
    size = len(arms.areas)
    none = np.zeros(0, dtype=np.intp)
    if kind == "greenwood":
        return _Spread(kind, np.diag([area.greenwood for area in arms.areas]), None, none)
    influences = arms.influences()
    if arms.units is None or kind == "robust":
        if arms.units is None:
            return _Spread("robust", np.diag([one @ one for one in influences]), None, none)
        together = np.array(influences)
        return _Spread("robust", together @ together.T, None, none)
    by_cluster = np.array(influences).T
    moved = np.abs(by_cluster).max(axis=1, initial=0.0)
    informs = moved > NEGLIGIBLE * moved.max(initial=0.0)
    if kind == "auto":
        kind = "jackknife" if informs.sum() < JACKKNIFE_BELOW else "cluster"
    if kind == "cluster":
        return _Spread(kind, by_cluster.T @ by_cluster, by_cluster, np.flatnonzero(informs))
    left_out = np.arange(len(arms.units))  # weights may depend on clusters that tell nothing by themselves
    refits = np.full((len(left_out), size), np.nan)
    for out, code in zip(refits, left_out, strict=True):
        out[:] = [math.nan if area is None else area.value for area in arms.without(int(code))]
    return _Spread("jackknife", by_cluster.T @ by_cluster, refits - arms.values, left_out)


def _table(arms: Arms, estimates: dict[object, Estimate], n_event: list[int], span: float) -> pd.DataFrame:
    every = list(estimates.values())
    low, high = np.array([one.ci_low for one in every]), np.array([one.ci_high for one in every])
    return pd.DataFrame({
        "by": list(arms.labels), "n": [arms.count(k) for k in range(len(arms.labels))], "n_event": n_event, "rmst": arms.values,
        "se": [one.se for one in every], "ci_low": low, "ci_high": high, "rmtl": span - arms.values, "rmtl_ci_low": span - high,
        "rmtl_ci_high": span - low, "df": [math.nan if one.df is None else one.df for one in every],
    })


def _contrast_table(every: dict[str, dict[object, Estimate]], reference: object) -> pd.DataFrame:
    rows = [
        (label, reference, measure, one.value, one.se, one.ci_low, one.ci_high, one.p_value, math.nan if one.df is None else one.df)
        for measure, found in every.items() for label, one in found.items()
    ]
    return pd.DataFrame(rows, columns=["by", "reference", "measure", "estimate", "se", "ci_low", "ci_high", "p", "df"])


def _shares(arms: Arms, spread: _Spread, cluster: str | None) -> pd.DataFrame | None:
    if spread.kind != "jackknife" or spread.deviations is None or arms.units is None:
        return None
    others = [k for k in range(len(arms.labels)) if k != arms.base]
    terms = spread.deviations[:, others] - spread.deviations[:, [arms.base]] if others else spread.deviations
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = terms**2 / (terms**2).sum(axis=0)
    names = [arms.labels[k] for k in others] if others else list(arms.labels)
    return pd.DataFrame(shares, index=pd.Index([arms.units.labels[code] for code in spread.left_out], name=cluster), columns=names)


def _method(kind: str, cluster: str | None, refitted: bool) -> str:
    return "Area under the Kaplan-Meier curve; " + {
        "greenwood": "Greenwood's variance of the estimate (z)",
        "robust": f"squared influences by {cluster or 'row'} (z)",
        "cluster": f"influences summed by {cluster}, t on informative clusters less 1",
        "jackknife": f"leave-one-cluster-out jackknife by {cluster}{', weights estimated anew,' if refitted else ''} t on informative clusters "
        "less 1",
    }[kind]


def _cautions(arms: Arms, spread: _Spread, n_event: list[int], cluster: str | None, tau: float) -> list[Caution]:
    cautions = []
    for label, count in zip(arms.labels, n_event, strict=True):
        if not count:
            text = f"No event in {label} by {tau:g}: its restricted mean has no standard error."
            cautions.append(Caution("no_events", text, {"by": label}))
    if spread.deviations is None or arms.units is None:
        return cautions
    lost = ~np.isfinite(spread.deviations).all(axis=1)
    if lost.any():
        without = tuple(arms.units.labels[code] for code in spread.left_out[lost])
        text = f"Without {cluster} {listing(without)} nobody of some group is at risk at some time before {tau:g}, so the jackknife does "
        text += "not exist there; an earlier tau does."
        cautions.append(Caution("jackknife_failed", text, {"clusters": without}))
    moves = np.nan_to_num(np.abs(spread.deviations)).max(axis=1, initial=0.0)
    informative = int((moves > NEGLIGIBLE * moves.max(initial=0.0)).sum())
    if informative < FEW_CLUSTERS:
        text = f"Only {informative} clusters of {cluster} carry information; the intervals rest on few independent units."
        cautions.append(Caution("few_clusters", text, {"informative": informative}))
    shares = _shares(arms, spread, cluster)
    if shares is not None and shares.iloc[:, 0].max() > DOMINANT:
        name, share = shares.iloc[:, 0].idxmax(), float(shares.iloc[:, 0].max())
        text = f"{cluster} {name} alone makes up {share:.0%} of the variance."
        cautions.append(Caution("dominant_cluster", text, {"cluster": name, "share": share}))
    return cautions
