"""Group-time average treatment effects under staggered adoption: the front door.

Callaway & Sant'Anna (2021), Journal of Econometrics 225:200: the change of each group of units that adopted
together, from its last untreated period on, less the change of units never or not yet treated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.group_time.bands import MULTIPLIERS, band_critical_value
from mentorship_eval.did.group_time.cautions import design_cautions, dropped_rows, gap_caution, treated_cautions
from mentorship_eval.did.group_time.comparisons import plan_comparisons
from mentorship_eval.did.group_time.controls_behind import control_clusters
from mentorship_eval.did.group_time.design import Design, build_design
from mentorship_eval.did.group_time.engine import Engine, Estimated
from mentorship_eval.did.group_time.result import VARIANCES, GroupTimeEffects
from mentorship_eval.did.group_time.uncertainty import limits
from mentorship_eval.did.panels.panel import Panel, build_score_panel
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["callaway_santanna"]

CHOICES = {
    "control": ("not_yet_treated", "never_treated"), "weighting": ("fixed", "varying"), "base": ("varying", "universal"),
    "method": ("dr", "ipw", "reg"), "variance": VARIANCES, "multiplier": MULTIPLIERS,
}


def _check_settings(chosen: dict[str, str], weights: str | None, covariates: Sequence[str] | None, anticipation: int, bootstrap: int,
        ci_level: float) -> None:
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise UsageError(f"{name} is {value!r}.", fix=f"Use one of {', '.join(CHOICES[name])}.")
    if anticipation < 0 or anticipation != int(anticipation):
        raise UsageError(f"anticipation is {anticipation}.", fix="Give a number of periods, 0 or more.")
    if bootstrap < 0 or bootstrap != int(bootstrap) or 0 < bootstrap < 100:
        raise UsageError(f"bootstrap is {bootstrap}.", fix="Give 0 for no bands, or a number of draws from 100 on.")
    if chosen["weighting"] == "varying" and weights is None:
        raise UsageError("weighting is 'varying', but there are no weights.", fix="Name the column of weights.")
    if chosen["weighting"] == "varying" and covariates:
        raise UsageError("Covariates need weights that are fixed within a unit.", fix="Use weighting='fixed', or leave the covariates out.")
    critical_value(ci_level)


def _check_groups(design: Design, panel: Panel, always: np.ndarray) -> None:
    adopted = panel.columns["adopted"]
    if not len(design.groups):
        if always.any():
            raise EstimationError(f"Every treated unit adopts in or before the first usable period ({listing(panel.units[always])}).",
                fix="Add periods before adoption.")
        raise EstimationError("No unit is treated within the periods of the panel.",
            fix=f"Check {adopted!r}: it holds the first treated period, missing for never.")
    if design.never_treated_only and not (design.adopted > design.position[-1] + design.anticipation).any():
        raise EstimationError("No unit is never treated.", fix="Use control='not_yet_treated', or add units that never adopt.")


def _estimate(panel: Panel, *, control: str, anticipation: int, weighting: str, base: str, method: str) -> tuple[Engine, Estimated, np.ndarray]:
    design, always = build_design(panel, never_treated_only=control == "never_treated", anticipation=anticipation,
        varying=weighting == "varying")
    _check_groups(design, panel, always)
    engine = Engine(design, plan_comparisons(design, universal=base == "universal"), method)
    estimated = engine.estimate()
    after = np.array([cell.post for cell in engine.cells], dtype=bool)
    if not np.isfinite(estimated.att[after]).any():
        raise EstimationError(f"No effect after adoption can be estimated: {listing(pd.unique(estimated.reason[after]))}.",
            fix="Add units that adopt later or never, or periods before adoption.")
    return engine, estimated, always


def _simple(engine: Engine, estimated: Estimated) -> float:
    """The simple average alone."""
    share = np.array([engine.design.shares[cell.group] if cell.post else 0.0 for cell in engine.cells])
    known = np.isfinite(estimated.att)
    return float(share[known] @ estimated.att[known] / share[known].sum())


def _without_gaps(panel: Panel, settings: dict[str, Any]) -> float:
    """The simple average of the units that have every period; NaN when there is none."""
    gaps: np.ndarray = np.logical_not((panel.exposure > 0).all(axis=1))
    if not gaps.any() or gaps.all():
        return np.nan
    try:
        engine, estimated, _ = _estimate(panel.keep_units(~gaps), **settings)
    except EstimationError:
        return np.nan
    return _simple(engine, estimated)


def _jackknife_errors(engine: Engine, estimated: Estimated) -> np.ndarray:
    """Jackknife standard errors of the effects; NaN where an effect does not exist without some cluster."""
    se = np.full(len(engine.cells), np.nan)

    def take(k: int, values: np.ndarray) -> None:
        found = cluster_jackknife(estimated.att[k], values[estimated.informative])
        se[k] = np.nan if found.failed else found.se[0]

    engine.leave_one_out(take, chosen=np.flatnonzero(np.isfinite(estimated.att)))
    return se


def _tables(
    engine: Engine, estimated: Estimated, se: np.ndarray, *, ci_level: float, bootstrap: int, multiplier: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    cells, design = engine.cells, engine.design
    known = np.isfinite(estimated.att)
    count, band = int(estimated.informative.sum()), float("nan")
    if bootstrap:
        moving = np.flatnonzero(known & (estimated.se > 0))
        band = band_critical_value(lambda begin, end: engine.each(moving[begin:end])[estimated.informative], len(moving), count,
            draws=bootstrap, multiplier=multiplier, seed=seed, level=ci_level)
    note = estimated.reason.copy()
    note[known & (note == "") & ~np.isfinite(se)] = "does not exist without one of the clusters: no standard error"
    sides = limits(estimated.att, se, estimated.treated_clusters, df=count - 1, ci_level=ci_level, band=band, note=note,
        controls=control_clusters(design, cells, estimated.controls))
    event = np.array([cell.event for cell in cells])
    columns: dict[str, object] = {
        "group": [design.labels[cell.group] for cell in cells], "time": design.times[[cell.t for cell in cells]],
        "event_time": event.astype(int) if (event == np.round(event)).all() else event, "att": estimated.att, "se": sides.se,
        "ci_low": sides.ci_low, "ci_high": sides.ci_high,
    }
    if bootstrap:
        columns |= {"band_low": sides.band_low, "band_high": sides.band_high}
    table = pd.DataFrame(columns | {"n_treated": estimated.treated, "n_controls": estimated.controls, "note": sides.note})
    refused = table.loc[~known, ["group", "time", "event_time"]].assign(reason=estimated.reason[~known])
    return table[known].reset_index(drop=True), refused.reset_index(drop=True), band


def callaway_santanna(
    panel: pd.DataFrame, *, outcome: str, unit: str, time: str, adopted: str, control: str = "not_yet_treated", weights: str | None = None,
    weighting: str = "fixed", anticipation: int = 0, base: str = "varying", covariates: Sequence[str] | None = None, method: str = "dr",
    cluster: str | None = None, variance: str = "analytic", bootstrap: int = 0, multiplier: str = "rademacher", seed: int = 0,
    ci_level: float = 0.95,
) -> GroupTimeEffects:
    """Average effects on each group in each period, and what they average to.

    Parameters
    ----------
    panel : one row per unit and period. A unit takes part in a comparison when it has both of its periods;
        absent unit-periods are listed in ``dropped``, with the average without such units in ``warnings``.
    outcome : column of scores or rates. unit, time : columns; time in whole numbers, dates or Periods.
    adopted : column with the first treated period of the unit, in the type of ``time``; missing for never.
    control : "not_yet_treated" (includes the never treated) or "never_treated".
    weights : column, such as the exposure of a rate; rows of weight 0 take no part.
    weighting : "fixed": a unit counts by the mean of its weights, in comparisons and in the size of its group;
        "varying": each period by its own weight, so that a rate weighted by its exposure is that of the whole
        group, and the size of the group by each unit's first weight.
    anticipation : periods before adoption in which units may already react; the base period lies before them.
    base : "varying" (effects before adoption compare neighbouring periods) or "universal" (all compare with the
        last period before adoption, or anticipation).
    covariates : columns, taken at the earlier of the two periods of a comparison.
    method : with covariates: "dr" (doubly robust), "ipw" or "reg".
    cluster : column of clusters, the units by default.
    variance : "analytic" (influence function) or "jackknife" (leave one cluster out, CR3); both with t(G-1).
    bootstrap : draws of the multiplier bootstrap for simultaneous bands; 0 for none. multiplier : "rademacher" or
        "mammen". seed : of its draws.

    Returns
    -------
    GroupTimeEffects. Figures that rest on fewer than six treated units (or clusters), or fewer than six controls, have no interval.

    Raises
    ------
    UsageError : unknown columns or settings. EstimationError : duplicate unit-periods, adoption 0 or changing
    within a unit, missing scores or covariates, nobody treated within the panel, no control.
    """
    chosen = {"control": control, "weighting": weighting, "base": base, "method": method, "variance": variance, "multiplier": multiplier}
    _check_settings(chosen, weights, covariates, anticipation, bootstrap, ci_level)
    data = build_score_panel(panel, unit=unit, time=time, adopted=adopted, outcome=outcome, weights=weights, covariates=covariates, cluster=cluster)
    how: dict[str, Any] = {"control": control, "anticipation": int(anticipation), "weighting": weighting, "base": base, "method": method}
    engine, estimated, always = _estimate(data, **how)
    se = _jackknife_errors(engine, estimated) if variance == "jackknife" else estimated.se
    table, refused, band = _tables(engine, estimated, se, ci_level=ci_level, bootstrap=int(bootstrap), multiplier=multiplier, seed=seed)
    warnings = (
        *treated_cautions(engine, estimated), *design_cautions(data, engine, estimated, always, refused),
        *gap_caution(data, _simple(engine, estimated), _without_gaps(data, how)),
    )
    return GroupTimeEffects(
        table=table, not_estimated=refused, dropped=dropped_rows(data, always), critical_value=band, n_units=len(engine.design.cluster),
        n_clusters=int(estimated.informative.sum()),
        settings={
            "outcome": outcome, "unit": unit, "time": time, "adopted": adopted, "weights": weights, "covariates": data.covariate_names,
            "anticipation": int(anticipation), "cluster": cluster or unit, "bootstrap": int(bootstrap), "seed": seed, "ci_level": ci_level,
            **chosen,
        },
        warnings=warnings, _engine=engine, _estimated=estimated,
    )
