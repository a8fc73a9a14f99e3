"""Fewer than six clusters to compare with: then no t interval, as with fewer than six treated ones.

A t test treats both sides alike: with one date of adoption it rejects 16 % of true nulls at 5 % with two controls, 7 % with four and 6 to
6.5 % with five to eight (docs/validation.md); six is the line of the treated side. What counts is how many clusters are untreated in some
target period, so that later waves are controls of earlier ones; staggered designs of 8 departments, of which few never adopt, hold their size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.estimate import Caution

__all__ = ["FEW_SERVING", "NOTE", "few_serving_caution", "serving_clusters", "without_intervals"]

FEW_SERVING = FEW_TREATED
NOTE = f"fewer than {FEW_SERVING} untreated units or clusters: no interval"


def serving_clusters(panel: Panel, targets: Targets) -> int:
    """How many clusters have an untreated cell in at least one target period; by dates and exposure alone, never by counts."""
    periods = targets.target.any(axis=0)
    return len(np.unique(panel.cluster[targets.untreated[:, periods].any(axis=1)]))


def few_serving_caution(panel: Panel, targets: Targets) -> list[Caution]:
    serving = serving_clusters(panel, targets)
    if serving >= FEW_SERVING:
        return []
    one, many = ("cluster", "clusters") if panel.has_cluster else ("unit", "units")
    who = f"1 {one} is" if serving == 1 else f"{serving} {many} are"
    return [Caution(
        "few_controls_no_interval", f"Only {who} untreated in any of the periods compared: with fewer than {FEW_SERVING} no t interval and no t "
        f"test is given, only the permutation p-value where there is one.", {"controls": serving},
    )]


def without_intervals(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` without any of its limits, and the reason in its notes; standard errors stay."""
    limits = [name for name in frame.columns if name.endswith(("ci_low", "ci_high", "band_low", "band_high"))]
    notes = {name: frame[name].where(frame[name] != "", NOTE) for name in frame.columns if name in ("note", "ratio_note")}
    out = frame.assign(**dict.fromkeys(limits, np.nan), **notes)
    out.attrs = dict(frame.attrs)
    return out
