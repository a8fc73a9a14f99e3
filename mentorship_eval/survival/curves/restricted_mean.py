"""Restricted mean survival time by group, with its difference and ratio."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.survival.columns import Groups, case_weights, event_flags, interval_times, read_groups, require_columns
from mentorship_eval.survival.curves.curve_steps import Rows
from mentorship_eval.survival.curves.restricted_area import Area, area_under_curve, gaps, last_time_with
from mentorship_eval.survival.curves.restricted_mean_contrasts import Arms, contrasts
from mentorship_eval.survival.curves.restricted_mean_result import RestrictedMean

__all__ = ["largest_tau", "rmst"]

VARIANCES = ("auto", "greenwood", "robust", "cluster", "jackknife")
Reweight = Callable[[pd.DataFrame], "pd.Series | np.ndarray"]


def rmst(
    data: pd.DataFrame, *, stop: str, event: str, tau: float, by: str | None = None, start: str | None = None, weights: str | None = None,
    cluster: str | None = None, reweight: Reweight | None = None, since: float = 0.0, reference: object = None, variance: str = "auto",
    ci_level: float = 0.95,
) -> RestrictedMean:
    """Mean time without the event between ``since`` and ``tau``: the area under the Kaplan-Meier curve of each group.

    Parameters
    ----------
    stop, event, start, weights : as in `kaplan_meier`; with ``start``, ``since`` may not lie before the first entry.
    tau : where the mean is cut; at most the last time at risk in every group (`largest_tau` is a better choice).
    since : where it begins; above 0 the mean is among those without the event until then.
    by, reference : column of groups, and the one that others are compared with: without ``reference`` the lowest
        number (0 or False), the first of ordered categories, or the most frequent text.
    reweight : from a frame of some of the rows of ``data`` to their weights, in place of ``weights``: weights that were
        estimated are then estimated anew without each cluster, and the variance is the jackknife.
    variance : "greenwood" (z), "robust" (squared influences of rows, z), "cluster" (summed by cluster, t on G-1),
        "jackknife" (leave one cluster out, t on G-1). "auto" takes Greenwood's without weights and cluster,
        "robust" with weights, and with ``cluster`` "cluster" from 30 informative clusters on and
        "jackknife" below. G counts, for each mean and contrast, the clusters without which it changes.

    Raises
    ------
    UsageError, EstimationError : as `kaplan_meier`; ``tau`` beyond the last time at risk (the largest one is named); nobody
        at risk at some time before ``tau``; a curve that falls to 0 although others enter later.

    The variance is that of the estimate, not that of min(T, tau). Source: Royston & Parmar (2013), BMC Med Res Methodol 13:152;
    Uno et al. (2014), J Clin Oncol 32:2380-2385.
    """
    _check_options(variance, cluster, weights, reweight, tau, since)
    critical_value(ci_level)
    require_columns(data, [column for column in (stop, event, start, by, weights, cluster) if column is not None])
    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    groups = read_groups(data, by)
    units = None if cluster is None else read_groups(data, cluster)
    base = _reference(data, by, groups, reference)
    weight = case_weights(data, weights) if reweight is None else _weights_from(reweight, data)
    everything = Rows(begins, ends, np.where(happened, 0, -1), weight, None if units is None else units.codes)
    inside = ends >= since
    if since == 0 and not inside.all():
        raise EstimationError("Some rows end before 0.", fix="Name the time from which to count as since=.")

    def measure(kept: np.ndarray, changed: np.ndarray | None = None) -> list[Area | None]:
        """Area of each group among the rows where ``kept`` holds; None where it does not exist."""
        rows = everything if changed is None else Rows(begins, ends, everything.cause, changed, everything.cluster)
        found: list[Area | None] = []
        for code in range(len(groups)):
            part = rows.where(kept & inside & (groups.codes == code) & (rows.weight > 0))
            if not len(part.stop) or len(gaps(part, since, tau)):
                found.append(None)
                continue
            area = area_under_curve(part, since, tau)
            found.append(None if area.emptied is not None and part.stop.max() > area.emptied else area)
        return found

    whole = np.ones(len(data), dtype=bool)
    areas = measure(whole)
    for code, area in enumerate(areas):
        if area is None:
            raise _explain(everything, groups, code, since, tau)
    leave_out = _leaver(data, len(groups), measure, reweight, units)
    member = inside & (everything.weight > 0)
    arms = Arms(
        groups.labels, base, [area for area in areas if area is not None],
        [member & (groups.codes == code) for code in range(len(groups))], everything, units, leave_out,
    )
    n_event = [int((happened & member & (groups.codes == code) & (ends <= tau)).sum()) for code in range(len(groups))]
    kind = variance
    if variance == "auto" and (reweight is not None and cluster is not None):
        kind = "jackknife"
    elif variance == "auto" and cluster is None:
        kind = "robust" if weights is not None or reweight is not None else "greenwood"
    return contrasts(arms, n_event, kind, since, tau, cluster, ci_level, refitted=reweight is not None)


def _check_options(
    variance: str, cluster: str | None, weights: str | None, reweight: Reweight | None, tau: float, since: float
) -> None:
    if variance not in VARIANCES:
        raise UsageError(f"There is no variance {variance!r}.", fix=f"Use one of {', '.join(VARIANCES)}.")
    if variance in ("cluster", "jackknife") and cluster is None:
        raise UsageError(f"variance={variance!r} needs cluster=.", fix="Name the column of clusters, or use variance='robust'.")
    if variance == "greenwood" and (cluster is not None or weights is not None or reweight is not None):
        raise UsageError("Greenwood's variance is for independent rows without weights.", fix="Use variance='auto'.")
    if reweight is not None and weights is not None:
        raise UsageError("Both weights= and reweight= are given.", fix="Give reweight= alone; it makes the weights too.")
    if not (np.isfinite(tau) and np.isfinite(since) and tau > since):
        raise UsageError(f"tau is {tau}, but it must be a finite time after {since:g}.", fix="largest_tau() names the largest sensible one.")


def _reference(data: pd.DataFrame, by: str | None, groups: Groups, reference: object) -> int:
    if reference is not None:
        if reference not in groups.labels:
            raise UsageError(f"There is no group {reference!r} in {by!r}.", fix=f"The groups are {listing(map(repr, groups.labels), 12)}.")
        return groups.labels.index(reference)
    column = None if by is None else data[by]
    ordered = column is None or isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_numeric_dtype(column)
    return 0 if ordered else int(np.argmax(np.bincount(groups.codes, minlength=len(groups))))


def _weights_from(reweight: Reweight, data: pd.DataFrame) -> np.ndarray:
    values = np.asarray(reweight(data), dtype=float)
    if values.shape != (len(data),):
        raise UsageError(f"reweight gave {values.shape} weights for {len(data):,} rows.", fix="Return one weight per row, in their order.")
    return case_weights(pd.DataFrame({"weight": values}, index=data.index), "weight")


def _leaver(
    data: pd.DataFrame, count: int, measure: Callable[..., list[Area | None]], reweight: Reweight | None, units: Groups | None
) -> Callable[[int], list[Area | None]]:
    """From the code of a cluster to the areas without it, with weights estimated anew when they are estimated."""

    def without(code: int) -> list[Area | None]:
        assert units is not None
        kept = units.codes != code
        if reweight is None:
            return measure(kept)
        changed = np.zeros(len(data))
        try:
            changed[kept] = _weights_from(reweight, data[kept])
        except EstimationError:
            return [None] * count
        return measure(kept, changed)

    return without


def _explain(rows: Rows, groups: Groups, code: int, since: float, tau: float) -> EstimationError:
    """The reason why group ``code`` has no restricted mean."""
    label, mine = groups.labels[code], (groups.codes == code) & (rows.weight > 0)
    part = rows.where(mine & (rows.stop >= since))
    who = "" if label == "all" else f" in {label}"
    if not len(part.stop):
        return EstimationError(f"Nobody{who} is followed (with a weight above 0) at {since:g}.", fix="Choose an earlier since=, or check weights.")
    last = float(part.stop.max())
    if tau > last:
        ends = [rows.stop[(groups.codes == k) & (rows.weight > 0)].max(initial=-np.inf) for k in range(len(groups))]
        return EstimationError(
            f"tau is {tau:g}, but the last time at risk{who} is {last:g}.",
            fix=f"The largest tau that all groups allow is {min(ends):g}; largest_tau() names one with enough people at risk.",
        )
    empty = gaps(part, since, tau)
    if len(empty):
        back = [float(part.start[part.start >= gap].min()) for gap in empty[[0, -1]]]
        return EstimationError(
            f"Nobody{who} is at risk between {empty[0]:g} and {back[0]:g}.", fix=f"Use since={back[1]:g}, or later, when more are at risk."
        )
    emptied = area_under_curve(part, since, tau).emptied
    return EstimationError(
        f"The curve{who} falls to 0 at {emptied:g}, when everybody then at risk had the event, though others enter later.",
        fix="Use since= with a time from which enough people are at risk.",
    )


def largest_tau(
    data: pd.DataFrame, *, stop: str, by: str | None = None, start: str | None = None, at_risk: int = 10
) -> float:
    """The last time at which every group still has ``at_risk`` rows at risk: a tau chosen without looking at events.

    Raises `EstimationError` naming a group that never has so many.
    """
    if at_risk < 1:
        raise UsageError(f"at_risk is {at_risk}.", fix="Use a whole number of at least 1.")
    require_columns(data, [column for column in (stop, start, by) if column is not None])
    begins, ends = interval_times(data, start, stop)
    groups = read_groups(data, by)
    latest = []
    for code, label in enumerate(groups.labels):
        mine = groups.codes == code
        latest.append(last_time_with(begins[mine], ends[mine], at_risk))
        if np.isnan(latest[-1]):
            raise EstimationError(f"In {label} there are never {at_risk} rows at risk.", fix="Merge groups, or lower at_risk=.")
    return min(latest)
