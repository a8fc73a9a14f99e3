"""Shares, means and rates of units that come in clusters: sum over sum, with each cluster left out in turn.

Intervals are a leave-one-cluster-out jackknife with t on G-1 degrees of freedom, of the log odds for shares; G counts clusters that have units.
Where a share is 0 or 1, or would be without one cluster, or there are fewer than two clusters, a share gets Wilson's interval, which knows no
clusters, with a caution. What may pass 1 (places taken) is a ratio of sums, and jackknifed as such.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import critical_value, difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.proportions import wilson

__all__ = ["clustered_mean", "clustered_share"]


def _sums(top: Any, bottom: Any, cluster: Any) -> tuple[np.ndarray, np.ndarray]:
    """(1 + G,) sums of all, then without each cluster."""
    code = np.unique(np.asarray(cluster).astype(str), return_inverse=True)[1]
    each = [np.bincount(code, weights=np.asarray(part, float)) for part in (top, bottom)]
    counted = (each[0] != 0) | (each[1] != 0)  # without any unit a cluster says nothing
    each = [part[counted] for part in each]
    first, second = (part.sum() - np.append(0.0, part) for part in each)
    return first, second


def clustered_share(successes: Any, trials: Any, cluster: Any, *, ci_level: float = 0.95, **about: Any) -> Estimate:
    """sum(successes) / sum(trials), between 0 and 1.

    successes, trials, cluster : (n,) per unit; about : fields of `Estimate`, such as estimand. Returns scale ``probability``; n and n_events are
    the two sums; value NaN without trials.
    """
    top, bottom = _sums(successes, trials, cluster)
    total, number = float(top[0]), float(bottom[0])
    about = {"n": round(number), "n_events": total, "scale": "probability", "ci_level": ci_level, **about}
    if number <= 0:
        return Estimate(value=math.nan, **about)
    if (top > bottom * (1 + 1e-9)).any():  # more mentees than places, with or without one of the clusters
        ratio = clustered_mean(successes, trials, cluster, **about)
        return replace(ratio, ci_low=max(ratio.ci_low, 0.0)) if np.isfinite(ratio.ci_low) else ratio
    with np.errstate(divide="ignore", invalid="ignore"):
        share = top / bottom
        odds = np.log(share / (1 - share))
    if len(odds) > 2 and np.isfinite(odds).all():
        made = cluster_jackknife(odds[0], odds[1:])
        half = critical_value(ci_level, made.df) * float(made.se[0])
        low, high = (1 / (1 + math.exp(-(odds[0] + sign * half))) for sign in (-1, 1))
        about = {"method": "leave-one-cluster-out jackknife of the log odds, t(G-1)", **about}
        # the standard error belongs to the share itself (delta method), as on every additive scale
        return Estimate(value=float(share[0]), se=float(made.se[0] * share[0] * (1 - share[0])), ci_low=low, ci_high=high, df=made.df,
                        n_clusters=made.n_clusters, **about)  # fmt: skip
    low, high = wilson(total, number, ci_level)
    told = Caution("clusters_not_in_interval", "The interval takes no account of clusters: too few, or the share is none or all in them.")
    return Estimate(value=float(share[0]), ci_low=low, ci_high=high, warnings=(told,), **{"method": "Wilson (1927)", **about})


def clustered_mean(amount: Any, weight: Any, cluster: Any, *, ci_level: float = 0.95, **about: Any) -> Estimate:
    """sum(amount) / sum(weight): a mean (weights of 1) or a rate (time at risk).

    Arrays as in `clustered_share`. scale ``rate`` unless said; NaN interval with fewer than two clusters. No test: there is no value to test against.
    """
    top, bottom = _sums(amount, weight, cluster)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = top / bottom
    about = {"scale": "rate", "method": "leave-one-cluster-out jackknife, t(G-1)", **about}
    if bottom[0] <= 0:
        return Estimate(value=math.nan, ci_level=ci_level, **about)
    made = cluster_jackknife(value[0], value[1:])
    found = difference_estimate(float(value[0]), float(made.se[0]), df=made.df, ci_level=ci_level, n_clusters=made.n_clusters, **about)
    return replace(found, p_value=math.nan)
