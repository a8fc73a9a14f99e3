"""What a reader must know beside the mean effect: each rule of thumb once, with its figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.did.counts.cautions import FEW_PERIODS, cluster_cautions
from mentorship_eval.did.counts.imputed import rank_statement
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.two_way import fit_two_way
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["design_cautions", "gap_caution", "score_cluster_cautions"]


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def design_cautions(panel: Panel, targets: Targets, anticipation: int, all_periods: float, value: float) -> list[Caution]:
    """About the panel and the choice of cells, before any inference."""
    out: list[Caution] = []

    def units(code: str, which: np.ndarray, text: str) -> None:
        if which.any():
            names = panel.units[which]
            out.append(Caution(code, f"{_plural(len(names), 'unit')} {text}: {listing(names)}.", {"units": list(names)}))

    in_target, treated, untreated = (np.asarray(part.any(axis=1)) for part in (targets.target, targets.treated, targets.untreated))
    units("adopts_later", np.isfinite(panel.adopted) & (panel.adopted > panel.position[-1]),
        "adopt after the last period and count as not yet treated throughout")
    units("always_treated", treated & ~untreated, "without an untreated period say nothing and are left out")
    units("control_only", treated & ~in_target & untreated,
        "adopt within the panel but in no period that has enough untreated units, and serve only as control")
    thin = np.array([str(r).startswith("fewer than") for r in targets.reason.ravel()]).reshape(panel.shape)
    if thin.any():
        periods, kind = panel.times[thin.any(axis=0)], "clusters" if panel.has_cluster else "units"
        out.append(Caution(
            "thin_controls",
            f"{_plural(len(periods), 'treated period')} with fewer than {targets.min_controls} untreated {kind} left out without looking at "
            f"outcomes; the effect is {format_number(value)} without them and {format_number(all_periods)} with them.",
            {"periods": list(periods), "cells": int(thin.sum()), "estimate": value, "all_periods": all_periods},
        ))
    unlinked = int((targets.reason == "unit and period are not linked through untreated cells").sum())
    if unlinked:
        out.append(Caution("not_linked", f"{_plural(unlinked, 'treated cell')} cannot be projected: their unit and period are not linked "
            f"through untreated cells.", {"cells": unlinked}))
    if anticipation:
        cells = int(targets.waiting.sum())
        out.append(Caution("anticipation", f"The {_plural(anticipation, 'period')} before adoption ({cells:,} cells) are neither treated nor "
            f"untreated.", {"periods": anticipation, "cells": cells}))
    before = targets.untreated.sum(axis=1)[in_target]
    if (before < FEW_PERIODS).any():
        out.append(Caution("few_pre_periods", f"{_plural(int((before < FEW_PERIODS).sum()), 'treated unit')} have fewer than {FEW_PERIODS} "
            f"untreated periods (the fewest: {int(before.min())}).", {"fewest": int(before.min())}))
    waves = np.unique(panel.adopted[in_target], return_counts=True)[1]
    if len(waves) > 1 and (waves == 1).all():
        out.append(Caution("singleton_waves", f"Each of the {len(waves)} waves is a single unit, so that no wave can be judged by itself.",
            {"waves": len(waves)}))
    return out


def gap_caution(panel: Panel, targets: Targets, value: float) -> list[Caution]:
    """Missing rows of the panel, and the effect without the units that have them."""
    missing = ~panel.present
    if not missing.any():
        return []
    gaps = np.asarray(missing.any(axis=1))
    treated = int((missing & (panel.position[None, :] >= panel.adopted[:, None])).sum())
    without = np.nan
    if not gaps.all():
        try:
            rest = panel.keep_units(~gaps)
            fit = fit_two_way(rest.outcome, np.where(targets.untreated[~gaps], rest.exposure, 0.0), rest.covariates, rest.covariate_names)
            cells = targets.target[~gaps] & np.isfinite(fit.expected)
            if cells.any():
                without = float(np.average((rest.outcome - fit.expected)[cells], weights=rest.exposure[cells]))
        except EstimationError:
            pass
    effect = "without these units no effect can be estimated"
    if np.isfinite(without):
        effect = f"without these units the effect is {format_number(without)} instead of {format_number(value)}"
    where = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(missing), strict=True)]
    return [Caution(
        "missing_cells", f"{_plural(len(where), 'unit-period')} have no row ({treated:,} of them after adoption): {listing(where, 3)}; {effect}.",
        {"cells": where, "units": list(panel.units[gaps]), "estimate": value, "estimate_without_these_units": without},
    )]


def _alone_in_wave(panel: Panel, targets: Targets) -> tuple[int, int]:
    """Waves of the estimand held by a single cluster, and all waves of it."""
    in_target = targets.target.any(axis=1)
    waves = np.unique(panel.adopted[in_target])
    return sum(len(np.unique(panel.cluster[in_target & (panel.adopted == wave)])) == 1 for wave in waves), len(waves)


def score_cluster_cautions(
    panel: Panel, targets: Targets, jackknife: Jackknife, informative: np.ndarray, treated_clusters: int, rank: tuple[int, int] | None,
    variance: str,
) -> list[Caution]:
    """About the clusters behind the standard error."""
    out = cluster_cautions(panel, targets, jackknife, informative, treated_clusters, None)
    if rank is not None:
        kind = "clusters" if panel.has_cluster else "units"
        told = rank_statement(rank, kind, "effect", 0)
        text = f"Only one of the {kind} is treated: no p-value and no interval can be given, only its placebo rank. {told}"
        out = [replace(c, text=text, data={**c.data, "rank": rank[0], "of": rank[1]}) if c.code == "one_treated" else c for c in out]
    if variance == "bjs":
        told = "how far it would move is unknown, and there is no jackknife standard error"
        out = [replace(c, text=f"{c.text.split(':')[0]}: {told}.") if c.code == "no_estimate_without" else c for c in out]
    alone, waves = _alone_in_wave(panel, targets)
    if variance == "bjs" and alone:
        out.append(Caution(
            "no_spread_within_wave", f"{alone} of {_plural(waves, 'wave')} are held by one cluster: their effects are their own mean and add "
            f"nothing to this standard error, which is too small; variance='jackknife' does not need waves of several.",
            {"waves": waves, "alone": alone},
        ))
    return out
