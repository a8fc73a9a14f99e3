"""Difference, ratio and surplus as `Estimate`s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["METHOD", "POINTS", "estimates"]

FITTED = "Binomial (logit) imputation on untreated cells"
METHOD = f"{FITTED}; leave-one-cluster-out jackknife (CR3), t(G-1)"
POINTS = "percentage points"
NO_WIDTH = 1e-10


def estimates(
    difference: float, log_ratio: float, differences: Jackknife, ratios: Jackknife, *, jackknife: bool, treated_clusters: int,
    control_clusters: int, records: float, about: dict[str, Any],
) -> tuple[Estimate, Estimate, Estimate]:
    """Difference in percentage points, ratio of shares, and records above expectation among ``records``; only the difference has a p-value.

    With fewer than six treated or untreated clusters there is no interval, with one treated no standard error; nor where the quantity
    does not exist without one of the clusters.
    """
    about = {**about, "method": METHOD if jackknife else FITTED}
    known = treated_clusters > 1 and jackknife

    def width(found: Jackknife) -> float:
        return float(found.se[0]) if known and not found.failed and found.se[0] > NO_WIDTH else np.nan

    def degrees(found: Jackknife) -> dict[str, Any]:
        return {"df": None if found.failed else found.df, "n_clusters": found.n_clusters + len(found.failed)} if jackknife else {}

    change = difference_estimate(
        difference, width(differences), scale="difference of shares", unit=POINTS,
        estimand="share among the treated, less that expected without treatment", **degrees(differences), **about,
    )
    ratio = ratio_estimate(
        log_ratio, width(ratios), scale="risk ratio", estimand="share among the treated, over that expected without treatment",
        **degrees(ratios), **about,
    )
    if min(treated_clusters, control_clusters) < FEW_TREATED:
        change, ratio = (replace(e, ci_low=np.nan, ci_high=np.nan, p_value=np.nan) for e in (change, ratio))
    ratio = replace(ratio, p_value=np.nan)
    each = records / 100
    surplus = replace(
        change, value=change.value * each, se=change.se * each, ci_low=change.ci_low * each, ci_high=change.ci_high * each, p_value=np.nan,
        scale="records above expectation", unit="", estimand="numerators observed, less those expected without treatment",
    )
    return change, ratio, surplus
