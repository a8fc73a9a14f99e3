"""The ratio of two rate ratios of one panel, with a joint jackknife: what moved one kind of incident and not the other."""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["ratio_of_ratios"]


def ratio_of_ratios(upper: PoissonImputation, lower: PoissonImputation, estimand: str) -> Estimate | None:
    """Rate ratio of ``upper`` over that of ``lower``; None when one is 0 or unknown.

    Both fits leave out the same departments in turn, so their errors are compared department by department. Without an interval
    where one of them has none (few departments treated or to compare with), and where there is no such ratio without one of the departments.
    """
    if not all(np.isfinite(fit.irr.value) and fit.irr.value > 0 for fit in (upper, lower)):
        return None
    both = upper.leave_one_out.merge(lower.leave_one_out, on="cluster", suffixes=("_upper", "_lower"))
    used = both[both["informative_upper"] | both["informative_lower"]]
    value = float(np.log(upper.irr.value) - np.log(lower.irr.value))
    jackknife = cluster_jackknife(value, (used["log_irr_upper"] - used["log_irr_lower"]).to_numpy())
    known = not (np.isnan(upper.irr.ci_low) or np.isnan(lower.irr.ci_low) or jackknife.failed)
    return ratio_estimate(
        value, float(jackknife.se[0]) if known else np.nan, scale="rate ratio", df=jackknife.df, n=upper.irr.n,
        n_events=min(upper.irr.n_events or 0, lower.irr.n_events or 0), n_clusters=jackknife.n_clusters, estimand=estimand,
        method="ratio of two Poisson imputations; joint leave-one-department-out jackknife",
    )  # fmt: skip
