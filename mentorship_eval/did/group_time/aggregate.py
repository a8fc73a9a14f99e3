"""Aggregates of group-time effects: by time since adoption, by group, by period, and over all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.did.group_time.averages import Averages, average, averages_without
from mentorship_eval.did.group_time.bands import band_critical_value
from mentorship_eval.did.group_time.controls_behind import control_clusters_of_rows
from mentorship_eval.did.group_time.engine import Engine, Estimated
from mentorship_eval.did.group_time.schemes import Scheme, make_scheme
from mentorship_eval.did.group_time.uncertainty import FEW_CONTROLS, FEW_TREATED, Limits, limits
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import Jackknife, cluster_jackknife
from mentorship_eval.inference.shown import Shown

__all__ = ["Aggregate", "aggregate_effects"]

# Below this many clusters the jackknife is the safer standard error (the analytic one rejects 6 to 7 % at 5 % with 12).
SMALL_SAMPLE = 30
WHAT = {
    "simple": "mean effect over all treated periods, groups by their size",
    "dynamic": "mean effect over the times since adoption",
    "group": "mean effect over the groups, by their size",
    "calendar": "mean effect over the periods",
}


@dataclass(frozen=True, kw_only=True)
class Aggregate(Shown):
    """An average of group-time effects.

    kind; estimate: the overall value; table: a row per event time, group or period (``att``, ``se``, ``ci_low``,
    ``ci_high``, with a bootstrap ``band_low`` and ``band_high``, ``n_groups``, ``n_treated``, ``note``);
    covariance (K, K) of the table's rows; critical_value of the simultaneous band (NaN without a bootstrap);
    shares: each cluster's part of the jackknife variance of the estimate (None when analytic).
    """

    kind: str
    estimate: Estimate
    table: pd.DataFrame
    covariance: np.ndarray
    critical_value: float
    shares: pd.DataFrame | None
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        """A sentence with the interval; never a verdict."""
        return self.estimate.statement()


def _treated_clusters(engine: Engine, scheme: Scheme, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Groups and clusters with treated units behind each row, and clusters behind the overall value."""
    design, width = engine.design, len(scheme.labels)
    member = np.zeros((len(design.groups), design.n_clusters), dtype=bool)
    for j, (low, high) in enumerate(design.bounds):
        member[j, design.cluster[low:high]] = True
    groups = np.zeros((width, len(design.groups)), dtype=bool)
    for k in np.flatnonzero((scheme.row >= 0) & known):
        groups[scheme.row[k], engine.cells[k].group] = True
    clusters = np.array([member[row].any(axis=0).sum() for row in groups], dtype=int)
    behind = groups[scheme.overall].any(axis=0)
    return groups.sum(axis=1), clusters, int(member[behind].any(axis=0).sum())


def _jackknife(
    engine: Engine, scheme: Scheme, found: Averages, informative: np.ndarray
) -> tuple[Jackknife, np.ndarray, list[Jackknife], np.ndarray]:
    """Of the overall value, the covariance of the rows, of each row, and (G,) the effects that are lost with each cluster."""
    without, lost = (values[informative] for values in averages_without(engine, scheme))
    rows = [cluster_jackknife(value, without[:, k]) for k, value in enumerate(found.rows)]
    deviations = without[:, :-1] - found.rows
    deviations = np.where(np.isfinite(deviations), deviations, 0.0)
    count = max(len(without), 1)
    return cluster_jackknife(found.overall, without[:, -1]), (count - 1) / count * deviations.T @ deviations, rows, lost


def _jackknife_cautions(whole: Jackknife, labels: np.ndarray, lost: np.ndarray) -> list[Caution]:
    out = []
    if whole.failed:
        names = [labels[i] for i in whole.failed]
        out.append(Caution("no_estimate_without", f"There is no estimate without {listing(names)}: how far it would move is unknown, and no "
            f"standard error and no interval can be given.", {"clusters": names}))
    holders = [i for i in np.argsort(-whole.shares[:, 0], kind="stable") if lost[i] and i not in whole.failed]
    if holders:
        told = [f"{labels[i]} ({lost[i]:,} effects, {whole.shares[i, 0]:.0%} of the variance)" for i in holders]
        out.append(Caution("effects_lost", f"Some effects rest on one cluster, as the whole of a group or the only control, and leave the "
            f"average with it: {listing(told)}.", {"clusters": [labels[i] for i in holders]}))
    for i in np.flatnonzero(whole.shares[:, 0] > 0.5) if not whole.failed else ():
        out.append(Caution("dominant_cluster", f"{labels[i]} alone makes {whole.shares[i, 0]:.0%} of the variance.",
            {"cluster": labels[i], "share": float(whole.shares[i, 0])}))
    return out


def _control_caution(engine: Engine, controls: int) -> list[Caution]:
    if controls >= FEW_CONTROLS:
        return []
    one, many = ("unit", "units") if engine.design.unit_clusters else ("cluster", "clusters")
    who = f"1 {one} serves as control" if controls == 1 else f"{controls} {many} serve as controls"
    none = "no standard error and no interval" if controls < 2 else "no interval and no t test"
    return [Caution("few_controls_no_interval", f"Only {who}: with fewer than {2 if controls < 2 else FEW_CONTROLS} {none} can be given.",
        {"controls": controls})]


def _table(scheme: Scheme, found: Averages, sides: Limits, groups: np.ndarray, clusters: np.ndarray, banded: bool) -> pd.DataFrame:
    columns: dict[str, object] = {scheme.key or "effect": list(scheme.labels), "att": found.rows, "se": sides.se, "ci_low": sides.ci_low,
        "ci_high": sides.ci_high}
    if banded:
        columns |= {"band_low": sides.band_low, "band_high": sides.band_high}
    return pd.DataFrame(columns | {"n_groups": groups, "n_treated": clusters, "note": sides.note})


def aggregate_effects(
    engine: Engine, estimated: Estimated, kind: str, *, min_e: float, max_e: float, balance_e: float | None, variance: str, bootstrap: int,
    multiplier: str, seed: int, ci_level: float, unit: str, warnings: tuple[Caution, ...],
) -> Aggregate:
    """The aggregate of one ``kind`` with its uncertainty. Raises `EstimationError` when no effect is left to average."""
    known = np.isfinite(estimated.att)
    scheme = make_scheme(engine.design, engine.cells, known, kind, min_e=min_e, max_e=max_e, balance_e=balance_e)
    if not (scheme.row >= 0).any():
        raise EstimationError(f"No effect is left for the {kind} average.", fix="Widen min_e and max_e, or lower balance_e.")
    found = average(engine, estimated.att, scheme)
    groups, clusters, treated = _treated_clusters(engine, scheme, known)
    informative = estimated.informative
    count = int(informative.sum())
    labels = engine.design.cluster_labels[informative]
    shares, extra, note = None, [], np.full(len(found.rows), "", dtype=object)
    if variance == "jackknife":
        whole, covariance, by_row, gone = _jackknife(engine, scheme, found, informative)
        absent = np.array([bool(row.failed) for row in by_row])
        note[absent] = "does not exist without one of the clusters: no standard error"
        se, df = np.where(absent, np.nan, [row.se[0] for row in by_row]), float(count - 1)
        overall_se = np.nan if whole.failed else float(whole.se[0])
        extra = _jackknife_cautions(whole, labels, gone)
        shares = pd.DataFrame({"cluster": labels, "share": whole.shares[:, 0]}).sort_values("share", ascending=False, ignore_index=True)
    else:
        covariance, df = found.influence.T @ found.influence, float(count - 1)
        se, overall_se = np.sqrt(np.diag(covariance)), float(np.sqrt(found.overall_influence @ found.overall_influence))
        if count < SMALL_SAMPLE:
            extra = [Caution("analytic_few_clusters", f"With {count} units or clusters the analytic standard error tends to be too small; "
                f"variance='jackknife' is the safer one below {SMALL_SAMPLE}.", {"clusters": count})]
    band = float("nan")
    if bootstrap and kind != "simple":
        part = found.influence[informative]
        band = band_critical_value(lambda begin, end: part[:, begin:end], len(scheme.labels), count, draws=bootstrap, multiplier=multiplier,
            seed=seed, level=ci_level)
    by_row_controls, controls = control_clusters_of_rows(engine.design, engine.cells, np.where(known, scheme.row, -1), scheme.overall)
    sides = limits(found.rows, se, clusters, df=df, ci_level=ci_level, band=band, note=note, controls=by_row_controls)
    overall = difference_estimate(
        found.overall, overall_se if min(treated, controls) > 1 else np.nan, df=df, ci_level=ci_level, n_clusters=count, unit=unit,
        n=len(engine.design.cluster), estimand=WHAT[kind],
        method=f"Callaway-Sant'Anna, {kind} average; " + ("leave-one-cluster-out jackknife (CR3), t(G-1)" if variance == "jackknife"
            else "influence function by clusters, t(G-1)"),
    )
    if treated < FEW_TREATED or controls < FEW_CONTROLS:
        overall = replace(overall, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
    notes = (*warnings, *_control_caution(engine, controls), *extra)
    return Aggregate(
        kind=kind, estimate=overall.warn(*notes), table=_table(scheme, found, sides, groups, clusters, bool(bootstrap) and kind != "simple"),
        covariance=covariance, critical_value=band, shares=shares, warnings=notes,
    )
