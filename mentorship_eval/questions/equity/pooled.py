"""Partial pooling of the results of one characteristic: those of small groups are drawn towards the mean of their kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate
from mentorship_eval.inference.pooling import partial_pooling
from mentorship_eval.questions.answer import Result

__all__ = ["POOLING", "pooled_results"]

POOLING = (
    "variance between groups by REML (Viechtbauer 2005), empirical Bayes means and intervals (Morris 1983); the uncertainty of that variance is not "
    "in them."
)


def pooled_results(raw: list[Result], *, key: tuple[str, str], words: tuple[str, str]) -> list[Result]:
    """``raw`` (estimates that share no group), each drawn towards their mean; none where fewer than three have an error.

    Ratios are pooled as logarithms. key: beginning of the ids, and what stands there instead; words: the same of the estimands. No p-values: gaps
    are tested as gaps.
    """
    known = [result for result in raw if not result.estimate.is_ratio or result.estimate.value > 0]
    value = np.array([np.log(r.estimate.value) if r.estimate.is_ratio else r.estimate.value for r in known])
    try:
        made = partial_pooling(value, np.array([r.estimate.se for r in known]))
    except EstimationError:
        return []  # two groups say nothing about how much groups of their kind differ
    out = []
    for result, mean, se in zip(known, made.value, made.se, strict=True):
        if not np.isfinite(mean):
            continue
        e, estimand = result.estimate, result.estimand.replace(*words)
        about = {"scale": e.scale, "unit": e.unit, "n": e.n, "n_events": e.n_events, "n_clusters": e.n_clusters, "estimand": estimand}
        build = ratio_estimate if e.is_ratio else difference_estimate
        kind = "ratios" if e.is_ratio else "differences"
        own: Estimate = replace(build(float(mean), float(se), method=f"empirical Bayes, REML, of the raw {kind}, z", **about), p_value=np.nan)
        out.append(replace(result, id=result.id.replace(*key), estimand=estimand, estimate=own, role="sensitivity"))
    return out
