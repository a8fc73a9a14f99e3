"""What is simulated: a panel without counts, the rates behind it, and whether units are dealt out to waves anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.design.baseline import Baseline, estimate_baseline
from mentorship_eval.did.design.plan import Design, adoption_of_waves
from mentorship_eval.did.panels.panel import Panel, build_panel
from mentorship_eval.errors import UsageError

__all__ = ["Scenario", "observed_scenario", "paper_scenario"]


@dataclass(frozen=True)
class Scenario:
    """panel: exposure and adoption of I units over T periods; mean (I, T): expected counts without treatment, before noise;
    shuffle: units change places in every simulation; baseline: the estimates that it rests on, None on paper.
    """

    panel: Panel
    mean: np.ndarray
    overdispersion: float
    autocorrelation: float
    shuffle: bool
    baseline: Baseline | None


def _panel(frame: pd.DataFrame) -> Panel:
    return build_panel(frame, unit="unit", time="period", adopted="adopted", count="count", exposure="exposure")


def paper_scenario(design: Design) -> Scenario:
    """A design on paper as arrays."""
    frame = design.frame()
    panel = _panel(frame)
    rate = frame["rate"].to_numpy().reshape(panel.shape)
    return Scenario(panel, panel.exposure * rate, design.overdispersion, design.autocorrelation, True, None)


def observed_scenario(
    frame: pd.DataFrame, *, count: str, exposure: str, unit: str, time: str, adopted: str | None, waves: Sequence[tuple[int, int]] | None,
    periods: int | None, overdispersion: float | None, autocorrelation: float | None, anticipation: int, seed: int,
) -> Scenario:
    """The units of an observed panel with their own exposures and rates, adopting as observed or in planned ``waves``.

    With ``waves`` the observed untreated cells are the baseline of a roll-out to come: ``periods`` long (as long as
    observed by default), each unit with its average exposure and rate.
    """
    if adopted is None:
        if waves is None:
            raise UsageError("Neither adopted nor waves says who adopts when.",
                fix="Give the column of adoption, or planned waves such as ((12, 8),).")
        frame = frame.assign(**{"\0never": np.full(len(frame), np.nan)})
    panel = build_panel(frame, unit=unit, time=time, adopted=adopted or "\0never", count=count, exposure=exposure)
    untreated = choose_targets(panel, anticipation=anticipation, min_controls=1).untreated
    known = estimate_baseline(panel, untreated, seed=seed)
    noise = (
        known.overdispersion if overdispersion is None else overdispersion,
        known.autocorrelation if autocorrelation is None else autocorrelation,
    )
    if waves is None:
        if periods is not None:
            raise UsageError("periods is given without waves.", fix="Give planned waves too, or leave periods out to take the observed ones.")
        numbered = np.arange(1, len(panel.units) + 1)  # what goes wrong in a simulated panel must not seem to be about a real unit
        empty = replace(panel, outcome=np.zeros(panel.shape), units=numbered, cluster_labels=numbered)
        return Scenario(empty, panel.exposure * known.mean, *noise, False, known)
    length = panel.shape[1] if periods is None else periods
    live = panel.exposure.sum(axis=1) > 0
    number = int(live.sum())
    size = np.divide(panel.exposure.sum(axis=1), (panel.exposure > 0).sum(axis=1), out=np.zeros(len(live)), where=live)[live]
    weighted = (panel.exposure * known.mean).sum(axis=1)[live] / panel.exposure.sum(axis=1)[live]
    planned = pd.DataFrame({
        "unit": np.repeat(np.arange(number), length), "period": np.tile(np.arange(1, length + 1), number),
        "adopted": np.repeat(adoption_of_waves(waves, number, length), length), "exposure": np.repeat(size, length), "count": 0,
    })
    ahead = _panel(planned)
    return Scenario(ahead, ahead.exposure * weighted[:, None], *noise, True, known)
