"""What a reader must know beside the difference of shares; what holds for any panel is said in the words of the other estimators."""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.counts.cautions import FEW_CONTROLS
from mentorship_eval.did.counts.targets import Targets, untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.shares.boundary import ONE, UNIDENTIFIED, ZERO
from mentorship_eval.did.shares.imputation import ShareImputation, impute
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate, format_number

__all__ = ["difference_over", "fit_cautions", "gap_caution", "refuse_unprojectable", "scale_caution"]


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def difference_over(panel: Panel, target: np.ndarray, fit: ShareImputation) -> float:
    """The difference in percentage points over other cells; NaN where the untreated cells leave one of them open."""
    total = panel.exposure[target].sum()
    return float(100 * (panel.outcome - fit.expected)[target].sum() / total) if total > 0 else np.nan


def fit_cautions(panel: Panel, targets: Targets, fit: ShareImputation, value: float) -> list[Caution]:
    """Target cells on the boundary, and target periods that rest on few controls."""
    out: list[Caution] = []
    for kind, share, what in ((ZERO, "0 %", "no record that meets"), (ONE, "100 %", "only records that meet")):
        cells = targets.target & (fit.kind == kind)
        if cells.any():
            out.append(Caution(
                "boundary_cells", f"{_plural(int(cells.sum()), 'target cell')} have an expected share of {share}, because their unit or period "
                f"has {what} the criterion in untreated cells; they stay in the estimate.",
                {"cells": int(cells.sum()), "expected_share": share},
            ))
    controls = untreated_clusters(panel, targets.untreated)
    few = targets.target.any(axis=0) & (controls < FEW_CONTROLS)
    if few.any():
        size = np.where(targets.target, panel.exposure, 0.0).sum(axis=0)
        held, without = float(size[few].sum() / size.sum()), difference_over(panel, targets.target & ~few[None, :], fit)
        kind_of = "clusters" if panel.has_cluster else "units"
        out.append(Caution(
            "few_controls", f"{_plural(int(few.sum()), 'target period')} rest on fewer than {FEW_CONTROLS} untreated {kind_of} (the fewest: "
            f"{int(controls[few].min())}) and hold {held:.0%} of the records; the difference is {format_number(value)} percentage points with "
            f"them and {format_number(without)} without them.",
            {"periods": list(panel.times[few]), "fewest": int(controls[few].min()), "share": held, "difference": value,
             "difference_without": without},
        ))
    return out


def gap_caution(panel: Panel, targets: Targets, value: float) -> list[Caution]:
    """Missing rows of the panel, and the difference without the units that have them."""
    missing = ~panel.present
    if not missing.any():
        return []
    gaps = np.asarray(missing.any(axis=1))
    treated = int((missing & (panel.position[None, :] >= panel.adopted[:, None])).sum())
    without = np.nan
    if not gaps.all():
        try:
            rest = panel.keep_units(~gaps)
            fit = impute(rest, targets.untreated[~gaps])
            without = difference_over(rest, targets.target[~gaps] & np.isfinite(fit.expected), fit)
        except EstimationError:
            pass
    effect = "without these units no difference can be formed"
    if np.isfinite(without):
        effect = f"without these units the difference is {format_number(without)} instead of {format_number(value)} percentage points"
    where = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(missing), strict=True)]
    return [Caution(
        "missing_cells", f"{_plural(len(where), 'unit-period')} have no row ({treated:,} of them after adoption): {listing(where, 3)}; {effect}.",
        {"cells": where, "units": list(panel.units[gaps]), "difference": value, "difference_without_these_units": without},
    )]


def scale_caution(difference: Estimate, ratio: Estimate) -> list[Caution]:
    """Difference and ratio may disagree about no effect; then both are shown and only the difference is tested."""
    if not (np.isfinite(ratio.ci_low) and np.isfinite(difference.ci_low)):
        return []
    excludes, ratio_excludes = not difference.ci_low <= 0 <= difference.ci_high, not ratio.ci_low <= 1 <= ratio.ci_high
    if excludes == ratio_excludes:
        return []
    which = ("difference", "ratio") if excludes else ("ratio", "difference")
    return [Caution(
        "scales_disagree", f"The interval of the {which[0]} of shares excludes no effect and that of the {which[1]} does not; the one test is "
        f"that of the difference.", {"ratio": (ratio.ci_low, ratio.ci_high), "difference": (difference.ci_low, difference.ci_high)},
    )]


def refuse_unprojectable(panel: Panel, targets: Targets, fit: ShareImputation) -> None:
    """Raise when the records, not the design, leave the expected share of a target cell open."""
    bad = targets.target & (fit.kind == UNIDENTIFIED)
    if not bad.any():
        return
    units, periods = panel.units[bad.any(axis=1)], panel.times[bad.any(axis=0)]
    raise EstimationError(
        f"{_plural(int(bad.sum()), 'target cell')} have no expected share: their unit is at one end (0 or 100 %) in all of its untreated "
        f"periods and their period at the other in all of its untreated units (units {listing(units)}; periods {listing(periods)}).",
        fix="Raise min_controls, use longer periods, or merge small units.",
    )
