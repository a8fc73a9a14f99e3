"""Checks and labels that every imputation has in common, in the same words for counts, shares and scores."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.intervals import check_level

__all__ = ["AFTER_STOP", "check_choices", "check_targets", "roles"]


AFTER_STOP = ("adopted", "left_out")


def check_choices(anticipation: int, min_controls: int, ci_level: float, after_stop: str = "adopted") -> None:
    """Raise `UsageError` for a number of periods, of controls or a level that is none, or an unknown word for what follows a stop."""
    if anticipation < 0 or anticipation != int(anticipation):
        raise UsageError(f"anticipation is {anticipation}.", fix="Give a number of periods, 0 or more.")
    if min_controls < 1 or min_controls != int(min_controls):
        raise UsageError(f"min_controls is {min_controls}.", fix="Give a number of untreated units (clusters, where these are coarser), 1 or more.")
    check_level(ci_level)
    if after_stop not in AFTER_STOP:
        raise UsageError(f"after_stop is {after_stop!r}.", fix="Use 'adopted' (intention to treat) or 'left_out'.")


def check_targets(panel: Panel, targets: Targets) -> None:
    """Raise `EstimationError` when nobody is treated, nothing is untreated, or no treated cell can be compared."""
    if not targets.treated.any():
        raise EstimationError("No unit is treated within the periods of the panel.",
            fix=f"Check {panel.columns['adopted']!r}: it holds the first treated period, missing for never.")
    if not targets.untreated.any():
        raise EstimationError("No unit has an untreated period: nothing says what would have been expected.",
            fix="Add periods before adoption, or units that never adopt.")
    if not targets.target.any():
        reasons = pd.unique(targets.reason[targets.treated])
        raise EstimationError(
            f"None of the {int(targets.treated.sum()):,} treated cells can be compared: {listing(reasons)} (units "
            f"{listing(panel.units[targets.treated.any(axis=1)])}).",
            fix="Lower min_controls, or add units that adopt later or never.",
        )


def roles(targets: Targets) -> np.ndarray:
    """(I, T) what each cell is to the estimate: untreated, target, anticipation or left out."""
    names = np.array(["left out", "untreated", "target", "anticipation"], dtype=object)
    return np.asarray(names[targets.untreated + 2 * targets.target + 3 * targets.waiting])
