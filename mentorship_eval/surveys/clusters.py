"""Whether the clusters of a comparison can carry an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.estimate import Caution, Estimate

__all__ = ["ClusterSupport", "cluster_support"]

FEWEST = 6  # clusters in all: below that the variance between them is hardly known, whatever the method
FEW_IN_AN_ARM = 6


@dataclass(frozen=True)
class ClusterSupport:
    """enough: whether an interval is given at all; cautions: what must be said."""

    enough: bool
    cautions: tuple[Caution, ...]

    def guarded(self, estimate: Estimate) -> Estimate:
        """The estimate, without limits and p-value when the clusters cannot carry them."""
        return estimate if self.enough else replace(estimate, ci_low=math.nan, ci_high=math.nan, p_value=math.nan)


def cluster_support(cluster: str | None, codes: np.ndarray, inside: np.ndarray) -> ClusterSupport:
    """From the (n,) codes of the clusters and the arm of every row.

    No interval with fewer than six clusters, or with one cluster in an arm that shares none with the other: how much departments differ by themselves
    cannot be told from the programme then.
    """
    if cluster is None:
        text = "People are taken as independent; if the programme was given to departments, name them as cluster."
        return ClusterSupport(True, (Caution("no_clusters", text),))
    in_arm, in_reference = (set(np.unique(codes[inside == arm]).tolist()) for arm in (1.0, 0.0))
    counts = {"arm": len(in_arm), "reference": len(in_reference), "both": len(in_arm & in_reference)}
    total = len(in_arm | in_reference)
    if total < FEWEST or (min(len(in_arm), len(in_reference)) < 2 and not counts["both"]):
        text = f"{counts['arm']} and {counts['reference']} clusters in the arms are too few for an interval; the estimate stands alone."
        return ClusterSupport(False, (Caution("too_few_clusters", text, counts),))
    if min(len(in_arm), len(in_reference)) < FEW_IN_AN_ARM:
        text = f"{counts['arm']} and {counts['reference']} clusters in the arms: intervals from so few lean on the model."
        return ClusterSupport(True, (Caution("few_clusters", text, counts),))
    return ClusterSupport(True, ())
