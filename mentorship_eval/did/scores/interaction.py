"""Interaction-weighted effects of Sun & Abraham (2021, Journal of Econometrics 225:175): the front door.

Two-way fixed effects with an indicator for every wave and period relative to adoption, the period before it being the reference; the
coefficients are averaged with the waves' shares of units. Beside `linear_imputation` this uses one period before
adoption as the base instead of all of them: less precise, but indifferent to drifts further back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.few_controls import FEW_SERVING, NOTE
from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.panels.panel import Panel, build_panel, build_score_panel
from mentorship_eval.did.scores.counts_block import poisson_block
from mentorship_eval.did.scores.design import WaveDesign, wave_design
from mentorship_eval.did.scores.interaction_result import SunAbraham
from mentorship_eval.did.scores.intervals import Rows, band, interval_rows
from mentorship_eval.did.scores.saturated import CellEffects, Waves, cell_effects, group_scores, leave_one_out, linear_block
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import critical_value, difference_estimate, ratio_estimate

__all__ = ["sun_abraham"]

METHODS = {"CR1": "cluster-robust (CR1), t(G-1)", "jackknife": "leave-one-cluster-out jackknife (CR3), t(G-1)"}


def _panel(frame: pd.DataFrame, outcome: str | None, count: str | None, exposure: str | None, weights: str | None, keys: dict[str, Any]) -> Panel:
    if (outcome is None) == (count is None):
        raise UsageError("Give either an outcome or a count.", fix="outcome= for scores and rates, count= with exposure= for events.")
    if outcome is not None:
        if exposure is not None:
            raise UsageError("exposure goes with count.", fix="Use weights= for an outcome.")
        return build_score_panel(frame, outcome=outcome, weights=weights, **keys)
    if exposure is None or weights is not None:
        raise UsageError("A count needs its exposure, and has no weights.", fix="Give exposure=, such as patient-days.")
    return build_panel(frame, count=str(count), exposure=exposure, **keys)


def _waves(panel: Panel, design: WaveDesign, counted: bool) -> tuple[Waves, WaveDesign]:
    weights = np.where(design.used, panel.exposure, 0.0)
    if counted:
        silent = (weights > 0).any(axis=1) & ~(np.where(design.used, panel.outcome, 0.0).sum(axis=1) > 0)
        if silent.any():  # conditional on its total a unit without events says nothing, and no share of a wave is its
            i, t = np.nonzero(silent[:, None] & design.used)
            gone = pd.DataFrame({"unit": panel.units[i], "time": panel.times[t], "reason": "the unit has no event"})
            caution = Caution("no_events", f"{int(silent.sum()):,} units without any event are left out: {listing(panel.units[silent])}.",
                {"units": list(panel.units[silent])})
            design = replace(design, used=design.used & ~silent[:, None], dropped=pd.concat([design.dropped, gone], ignore_index=True),
                cautions=(*design.cautions, caution))
            weights[silent] = 0.0
    has = design.used.any(axis=1)
    outcome = np.where(design.used, panel.outcome, 0.0)

    def block(which: np.ndarray) -> Any:
        units = np.flatnonzero(which & has)
        return poisson_block(outcome, weights, units, panel.times, panel.units) if counted else linear_block(outcome, weights, units)

    present = np.array([(has & (panel.adopted == wave)).any() for wave in design.adopted])
    adopted, reference = design.adopted[present], design.reference[present]
    if not len(adopted) or not (design.controls & has).any():
        raise EstimationError("No treated unit has both an untreated period and a control.", fix="Add periods before adoption, or controls.")
    blocks = tuple(block((panel.adopted == wave) & ~design.controls) for wave in adopted)
    return Waves(block(design.controls), blocks, adopted, reference), design


class _Inference:
    """Means of cells by group with their intervals, everything that is the same for all groupings worked out once."""

    def __init__(self, panel: Panel, design: WaveDesign, waves: Waves, cells: CellEffects, variance: str, ci_level: float) -> None:
        self.panel, self.waves, self.cells, self.variance, self.ci_level = panel, waves, cells, variance, ci_level
        number = len(panel.cluster_labels)
        used = np.bincount(panel.cluster, weights=design.used.sum(axis=1), minlength=number) > 0
        self.informative = used
        self.controls = len(np.unique(panel.cluster[waves.controls.units]))
        groups, n = int(used.sum()), int(design.used.sum())
        parameters = len(cells.value) + int(design.used.any(axis=0).sum())  # unit effects are nested in clusters and not counted
        self.factor = groups / (groups - 1) * (n - 1) / (n - parameters) if groups > 1 and n > parameters else np.nan
        self.left = leave_one_out(waves, cells, panel.cluster, number) if variance == "jackknife" else None

    def rows(self, cells: np.ndarray, code: np.ndarray, count: int) -> Rows:
        """Means of the cells (indices) by ``code``, 0 to ``count`` - 1."""
        panel, every = self.panel, self.cells
        loads = np.zeros((len(every.value), count))
        loads[cells, code] = every.weight[cells]
        loads /= np.maximum(loads.sum(axis=0), 1e-300)
        value = every.value @ loads
        number = len(panel.cluster_labels)
        score = np.sqrt(self.factor) * group_scores(self.waves, every, loads, panel.cluster, number)
        without = np.tile(value, (number, 1))
        if self.left is not None:
            sizes = self.left[1] @ (loads > 0)
            together = (self.left[0] * self.left[1]) @ (loads > 0)
            without = np.divide(together, sizes, out=np.full_like(together, np.nan), where=sizes > 0)
        held = np.zeros(count, dtype=int)
        for k in range(count):
            mine = cells[code == k]
            in_group = np.zeros(panel.shape[0], dtype=bool)
            for w in np.unique(every.wave[mine]):
                block = self.waves.blocks[w]
                in_group[block.units] = (block.weights[:, every.period[mine[every.wave[mine] == w]]] > 0).any(axis=1)
            held[k] = len(np.unique(panel.cluster[in_group]))
        return self._guarded(interval_rows(value, without, score, held, self.informative, self.variance, self.ci_level))

    def _guarded(self, rows: Rows) -> Rows:
        """Without intervals where there are fewer than six controls, without standard errors where there is one."""
        if self.controls >= FEW_SERVING:
            return rows
        nothing, one = np.full(len(rows.value), np.nan), self.controls < 2
        note = np.where(rows.note == "", "one control unit or cluster: no standard error" if one else NOTE, rows.note)
        return replace(rows, se=nothing if one else rows.se, ci_low=nothing, ci_high=nothing, note=note)


def _units_in(waves: Waves, cells: CellEffects) -> np.ndarray:
    return np.array([int((waves.blocks[w].weights[:, t] > 0).sum()) for w, t in zip(cells.wave, cells.period, strict=True)], dtype=int)


def sun_abraham(
    panel: pd.DataFrame, *, unit: str, time: str, adopted: str, outcome: str | None = None, count: str | None = None, exposure: str | None = None,
    weights: str | None = None, cluster: str | None = None, variance: str = "CR1", ci_level: float = 0.95,
) -> SunAbraham:
    """Mean effect among the treated against the period before adoption, and its course.

    It has no permutation test and needs none here: it is told as a companion of the imputation estimates, whose permutation of adoption dates
    is the test where clusters are few; under permuted dates its waves and reference periods, and so what it estimates, would change too.

    Parameters
    ----------
    panel : one row per unit and period.
    outcome : column of scores; or count and exposure : columns of events and time at risk, for a Poisson regression whose
        coefficients are logs of rate ratios (the estimate is then the geometric mean ratio).
    adopted : column with the first treated period of the unit; missing for never. Units treated from the first period on are left out;
        without units that never adopt, the last wave is the control until it adopts.
    weights : column of weights for regression and shares (outcome only).
    cluster : column of clusters; the units by default.
    variance : "CR1", with G/(G-1) (n-1)/(n-k), where k counts coefficients and periods but not the unit effects, which are nested in
        clusters; or "jackknife" (outcome only), in which the shares of the waves change with the cluster left out.

    Returns
    -------
    SunAbraham. With fewer than six treated clusters, or fewer than six controls, there is no interval; shares of waves are taken as fixed by CR1.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : as `linear_imputation`; of counts also a wave without
    events in some period, whose log ratio does not exist.
    """
    if variance not in METHODS:
        raise UsageError(f"There is no variance {variance!r}.", fix="Use 'CR1' or 'jackknife'.")
    if variance == "jackknife" and count is not None:
        raise UsageError("The jackknife is for an outcome.", fix="Use did.poisson_imputation for counts, or variance='CR1'.")
    critical_value(ci_level)
    data = _panel(panel, outcome, count, exposure, weights, {"unit": unit, "time": time, "adopted": adopted, "cluster": cluster})
    waves, design = _waves(data, wave_design(data), count is not None)
    cells = cell_effects(waves)
    since = (data.position[cells.period] - waves.adopted[cells.wave]).astype(int)
    after = np.flatnonzero(since >= 0)
    if not len(after):
        raise EstimationError("No treated cell is tied to a reference period and to controls.", fix="Add periods or controls.")
    infer = _Inference(data, design, waves, cells, variance, ci_level)
    everything = np.arange(len(cells.value))

    total = infer.rows(after, np.zeros(len(after), dtype=int), 1)
    shown = total.note[0] == ""
    about: dict[str, Any] = {
        "df": float(total.df), "ci_level": ci_level, "n": int(_units_in(waves, cells)[after].sum()), "n_clusters": int(infer.informative.sum()),
        "method": f"interaction-weighted two-way effects; {METHODS[variance]}",
    }
    if count is None:
        estimate = difference_estimate(float(total.value[0]), float(total.se[0]),
            estimand=f"mean change in {outcome} among the treated since the period before adoption, less that of controls", **about)
    else:
        estimate = ratio_estimate(float(total.value[0]), float(total.se[0]), scale="rate ratio", n_events=float(data.outcome[design.used].sum()),
            estimand=f"geometric mean change in the rate of {count} among the treated since the period before adoption, over that of controls",
            **about)
    cautions = list(design.cautions)
    if not shown:
        estimate = replace(estimate, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
    if infer.controls < FEW_SERVING:
        kind = "clusters" if cluster else "units"
        cautions.insert(0, Caution("few_controls_no_interval", f"The controls are {infer.controls} {kind}: with fewer than {FEW_SERVING} no "
            f"interval and no t test is given, with one no standard error.", {"controls": infer.controls}))
    if not shown and "untreated" not in total.note[0] and "control" not in total.note[0]:
        cautions.insert(0, Caution("few_treated", f"No interval is given: {total.note[0]}.", {"fewer_than": FEW_TREATED}))
    dropped = design.dropped
    if cells.unidentified:
        lost = [(data.adopted_label[waves.blocks[w].units[0]], data.times[t]) for w, t in cells.unidentified]
        cautions.append(Caution("not_linked", f"{len(lost):,} wave-periods are not linked to their reference period: "
            f"{listing(f'wave {w} in {t}' for w, t in lost)}.", {"cells": lost}))
        units = [(data.units[i], data.times[t]) for w, t in cells.unidentified for i in waves.blocks[w].units if design.used[i, t]]
        dropped = pd.concat([dropped, pd.DataFrame(units, columns=["unit", "time"]).assign(reason="not linked to the reference period")],
            ignore_index=True)
    return SunAbraham(
        estimate=estimate.warn(*cautions), table=_table(data, waves, cells, since, infer.rows(everything, everything, len(everything))),
        event_study=_event_study(infer, waves, cells, since, everything, ci_level), by_wave=_by_wave(data, infer, waves, cells, after),
        dropped=dropped, factor=infer.factor, warnings=tuple(cautions),
        settings={"outcome": outcome, "count": count, "exposure": exposure, "unit": unit, "time": time, "adopted": adopted, "weights": weights,
            "cluster": cluster or unit, "variance": variance, "ci_level": ci_level},
    )


def _table(panel: Panel, waves: Waves, cells: CellEffects, since: np.ndarray, rows: Rows) -> pd.DataFrame:
    labels = [panel.adopted_label[block.units[0]] for block in waves.blocks]
    return pd.DataFrame({
        "adopted": [labels[w] for w in cells.wave], "time": panel.times[cells.period], "event_time": since, "reference": panel.times[cells.base],
        "estimate": rows.value, "se": rows.se, "ci_low": rows.ci_low, "ci_high": rows.ci_high, "weight": cells.weight,
        "n_units": _units_in(waves, cells), "note": rows.note,
    })


def _event_study(infer: _Inference, waves: Waves, cells: CellEffects, since: np.ndarray, everything: np.ndarray, ci_level: float) -> pd.DataFrame:
    times, code = np.unique(since, return_inverse=True)
    rows = infer.rows(everything, code.ravel(), len(times))
    low, high = band(rows, ci_level)
    frame = pd.DataFrame({
        "event_time": times, "phase": np.where(times < 0, "before", "after"), "estimate": rows.value, "se": rows.se, "ci_low": rows.ci_low,
        "ci_high": rows.ci_high, "band_low": low, "band_high": high, "n_waves": np.bincount(code.ravel()),
        "n_units": np.bincount(code.ravel(), weights=_units_in(waves, cells)).astype(int), "note": rows.note,
    })
    frame.attrs["compared_with"] = "Every estimate is a change since the last period before adoption (event time -1), which is 0 by construction."
    return frame


def _by_wave(panel: Panel, infer: _Inference, waves: Waves, cells: CellEffects, after: np.ndarray) -> pd.DataFrame:
    found, code = np.unique(cells.wave[after], return_inverse=True)
    rows = infer.rows(after, code.ravel(), len(found))
    return pd.DataFrame({
        "adopted": [panel.adopted_label[waves.blocks[w].units[0]] for w in found], "n_units": [len(waves.blocks[w].units) for w in found],
        "n_cells": np.bincount(code.ravel()), "estimate": rows.value, "se": rows.se, "ci_low": rows.ci_low, "ci_high": rows.ci_high,
        "note": rows.note,
    })
