"""The three quantities of one fit: rate ratio, rate difference and events avoided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["METHOD", "estimates"]

FITTED = "Poisson imputation on untreated cells"
METHOD = f"{FITTED}; leave-one-cluster-out jackknife (CR3), t(G-1)"


def estimates(
    log_ratio: float, difference: float, ratios: Jackknife, differences: Jackknife, *, jackknife: bool, treated_clusters: int,
    control_clusters: int, exposed: float, per: float, exposure: str, about: dict[str, Any],
) -> tuple[Estimate, Estimate, Estimate]:
    """Ratio, difference per ``per`` of ``exposure`` and events avoided in ``exposed``; only the ratio has a p-value.

    With fewer than six treated or untreated clusters there is no interval, with one treated no standard error; nor where the quantity
    does not exist without one of the clusters, whose part of the error is unknown and may be all of it.
    """
    about = {**about, "method": METHOD if jackknife else FITTED}

    def error(found: Jackknife) -> dict[str, Any]:
        known = jackknife and treated_clusters > 1 and not found.failed
        count = found.n_clusters + len(found.failed) if jackknife else None
        return {"se": float(found.se[0]) if known else np.nan, "df": found.df if jackknife and not found.failed else None, "n_clusters": count}

    irr = ratio_estimate(
        log_ratio, scale="rate ratio", **error(ratios),
        estimand="events among the treated, against those expected without treatment", **about,
    )
    rate = difference_estimate(
        difference, scale="rate difference", **error(differences),
        unit=f"per {per:,g} {exposure}", estimand="rate among the treated, less that expected without treatment", **about,
    )
    if min(treated_clusters, control_clusters) < FEW_TREATED:
        irr, rate = (replace(e, ci_low=np.nan, ci_high=np.nan, p_value=np.nan) for e in (irr, rate))
    rate = replace(rate, p_value=np.nan)
    total = exposed / per
    avoided = replace(
        rate, value=-rate.value * total, se=rate.se * total, ci_low=-rate.ci_high * total, ci_high=-rate.ci_low * total,
        scale="events avoided", unit="",
        estimand="events expected without treatment, less those observed (positive: fewer than expected)",
    )
    return irr, rate, avoided
