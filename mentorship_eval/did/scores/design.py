"""Who is compared with whom in the saturated regression: waves, their reference periods, controls, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution

__all__ = ["WaveDesign", "wave_design"]


@dataclass(frozen=True)
class WaveDesign:
    """used (I, T): cells of the regression; controls (I,): units that are compared with; adopted (W,) positions of the waves;
    reference (W,): column of the period before adoption; dropped: unit, time, reason; last_wave: controls are the last to adopt.
    """

    used: np.ndarray
    controls: np.ndarray
    adopted: np.ndarray
    reference: np.ndarray
    dropped: pd.DataFrame
    cautions: tuple[Caution, ...]
    last_wave: bool


def wave_design(panel: Panel) -> WaveDesign:
    """Never-adopting units (or, without any, the last wave until it adopts) are the controls; always-treated ones are left out.

    Raises `EstimationError` when nobody is treated, or nobody is left to compare with.
    """
    exposed = panel.exposure > 0
    first, last = panel.position[0], panel.position[-1]
    out: list[Caution] = []
    reason = np.full(panel.shape, "", dtype=object)
    reason[panel.present & ~exposed] = "weight 0"
    always = panel.adopted <= first
    later = np.isfinite(panel.adopted) & (panel.adopted > last)
    waves = np.unique(panel.adopted[~always & (panel.adopted <= last)])
    if not (panel.adopted <= last).any():
        raise EstimationError("No unit is treated within the periods of the panel.",
            fix=f"Check {panel.columns['adopted']!r}: it holds the first treated period, missing for never.")
    if always.any():
        reason[always[:, None] & exposed] = "the unit has no untreated period"
        names = panel.units[always]
        out.append(Caution("always_treated", f"{len(names):,} units without an untreated period say nothing and are left out: {listing(names)}.",
            {"units": list(names)}))
    if later.any():
        names = panel.units[later]
        out.append(Caution("adopts_later", f"{len(names):,} units adopt after the last period and count as never treated: {listing(names)}.",
            {"units": list(names)}))
    controls = panel.adopted > last
    last_wave = not controls.any()
    if last_wave:
        if len(waves) < 2:
            raise EstimationError("No unit is left untreated and no later wave can be compared with.",
                fix="Add units that adopt later or never.")
        controls = panel.adopted == waves[-1]
        beyond = panel.position >= waves[-1]
        reason[:, beyond] = np.where(exposed[:, beyond], "no untreated unit in the period", reason[:, beyond])
        names = panel.units[controls]
        out.append(Caution("last_wave_control", f"Every unit adopts: the last wave ({listing(names)}) serves as control, and periods from its "
            f"adoption on are left out.", {"units": list(names)}))
        waves = waves[:-1]
    used = exposed & (reason == "") & ~always[:, None]
    reference = np.searchsorted(panel.position, waves) - 1  # the last period before adoption that the panel has
    if not len(waves) or not used[controls].any():
        raise EstimationError("No treated unit has both an untreated period and a control.", fix="Add periods before adoption, or controls.")
    moved = panel.position[reference] != waves - 1
    if moved.any():
        out.append(Caution("reference_moved", f"{int(moved.sum())} waves have no period just before adoption and are compared with the last one "
            f"that the panel has: {listing(panel.times[reference[moved]])}.", {"waves": int(moved.sum())}))
    i, t = np.nonzero(reason != "")
    dropped = pd.DataFrame({"unit": panel.units[i], "time": panel.times[t], "reason": reason[i, t]})
    return WaveDesign(used, controls, waves, reference, dropped, tuple(out), last_wave)
