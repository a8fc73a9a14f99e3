"""What a reader must know beside the group-time effects: each rule of thumb once, with its figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.group_time.engine import Engine, Estimated
from mentorship_eval.did.group_time.uncertainty import FEW_CLUSTERS, FEW_TREATED
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, format_number

__all__ = ["design_cautions", "dropped_rows", "gap_caution", "treated_cautions"]

SMALL_GROUP = 5


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def dropped_rows(panel: Panel, always: np.ndarray) -> pd.DataFrame:
    """unit, time, reason: unit-periods of the grid that no comparison can use."""
    usable = panel.exposure > 0
    reason = np.where(~panel.present, "no row", np.where(~usable, "weight 0", "")).astype(object)
    reason[always[:, None] & usable] = "no period before the unit adopts (or anticipates)"
    i, t = np.nonzero(reason != "")
    return pd.DataFrame({"unit": panel.units[i], "time": panel.times[t], "reason": reason[i, t]})


def treated_cautions(engine: Engine, estimated: Estimated) -> list[Caution]:
    """About the treated clusters behind every figure."""
    out: list[Caution] = []
    design = engine.design
    kind = "units" if design.unit_clusters else "clusters"
    post = np.array([cell.post for cell in engine.cells], dtype=bool) & np.isfinite(estimated.att)
    groups = {engine.cells[k].group for k in np.flatnonzero(post)}
    treated = len(np.unique(np.concatenate([design.cluster[slice(*design.bounds[j])] for j in groups]))) if groups else 0
    count = int(estimated.informative.sum())
    if treated == 1:
        out.append(Caution("one_treated", f"Only one of the {kind} is treated: no p-value and no interval can be given.", {"treated": 1}))
    elif treated < FEW_TREATED:
        out.append(Caution("few_treated", f"Only {treated} {kind} are treated: with fewer than {FEW_TREATED} no t interval is given.",
            {"treated": treated}))
    if count < FEW_CLUSTERS:
        out.append(Caution("few_clusters", f"Only {count} {kind} carry information.", {"clusters": count}))
    return out


def design_cautions(panel: Panel, engine: Engine, estimated: Estimated, always: np.ndarray, refused: pd.DataFrame) -> list[Caution]:
    """About the panel, its groups and its controls."""
    out: list[Caution] = []
    design = engine.design
    late = np.isfinite(panel.adopted) & (panel.adopted > panel.position[-1])
    if late.any():
        names = panel.units[late]
        out.append(Caution("adopts_later", f"{_plural(len(names), 'unit')} adopt after the last period and count as not yet treated "
            f"throughout: {listing(names)}.", {"units": list(names)}))
    if always.any():
        names = panel.units[always]
        out.append(Caution("always_treated", f"{_plural(len(names), 'unit')} without a period before adoption say nothing and are left out: "
            f"{listing(names)}.", {"units": list(names)}))
    if len(refused):
        reasons = refused["reason"].value_counts()
        told = "; ".join(f"{count:,} because {reason}" for reason, count in reasons.items())
        out.append(Caution("not_estimated", f"{_plural(len(refused), 'group-time effect')} could not be estimated: {told}.",
            {"effects": list(zip(refused["group"], refused["time"], strict=True))}))
    size = np.diff(design.bounds, axis=1).ravel()
    least = SMALL_GROUP + (0 if design.x is None else design.x.shape[2])
    small = [design.labels[j] for j in np.flatnonzero(size < least)]
    if small:
        out.append(Caution("small_groups", f"{_plural(len(small), 'group')} of fewer than {least} units cannot be judged alone: "
            f"{listing(small)}.", {"groups": small}))
    alone = np.isfinite(estimated.att) & (estimated.controls == 1)
    if alone.any():
        out.append(Caution("one_control", f"{_plural(int(alone.sum()), 'group-time effect')} rest on a single control unit, whose "
            f"own variation no standard error can show.",
            {"effects": int(alone.sum())}))
    if design.anticipation:
        out.append(Caution("anticipation", f"Groups are compared with {_plural(design.anticipation + 1, 'period')} before adoption, and a "
            f"control may not adopt within {_plural(design.anticipation, 'period')}.", {"periods": design.anticipation}))
    return out


def gap_caution(panel: Panel, value: float, without: float) -> list[Caution]:
    """Unit-periods that are absent, and the simple average without the units that have any."""
    absent = ~(panel.exposure > 0)
    if not absent.any():
        return []
    where = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(absent), strict=True)]
    effect = "without these units no average can be formed"
    if np.isfinite(without):
        effect = f"without these units the simple average is {format_number(without, 3)} instead of {format_number(value, 3)}"
    return [Caution(
        "missing_cells", f"{_plural(len(where), 'unit-period')} have no row or weight 0: {listing(where, 3)}; a unit takes part in a "
        f"comparison when it has both of its periods; {effect}.",
        {"cells": where, "units": list(panel.units[absent.any(axis=1)]), "att": value, "att_without_these_units": without},
    )]
