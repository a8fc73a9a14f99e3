"""What a reader must know beside the rate ratio: each rule of thumb once, with its figures."""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.counts.few_controls import few_serving_caution
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.imputed import rank_statement
from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, ZERO
from mentorship_eval.did.counts.targets import Targets, untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["cluster_cautions", "design_cautions", "gap_caution", "refuse_unprojectable", "scale_caution"]

FEW_PERIODS = 6
FEW_CLUSTERS = 8
FEW_CONTROLS = 5


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def design_cautions(panel: Panel, targets: Targets, fit: Imputation, anticipation: int, all_periods: float, ratio: float) -> list[Caution]:
    """About the panel and the choice of cells, before any inference."""
    out: list[Caution] = []
    target, last = targets.target, panel.position[-1]
    in_target = target.any(axis=1)
    late = np.isfinite(panel.adopted) & (panel.adopted > last)
    if late.any():
        names = panel.units[late]
        out.append(Caution("adopts_later", f"{_plural(len(names), 'unit')} adopt after the last period and count as not yet treated "
            f"throughout: {listing(names)}.", {"units": list(names)}))
    always = targets.treated.any(axis=1) & ~targets.untreated.any(axis=1)
    if always.any():
        names = panel.units[always]
        out.append(Caution("always_treated", f"{_plural(len(names), 'unit')} without an untreated period say nothing and are left out: "
            f"{listing(names)}.", {"units": list(names)}))
    control_only = targets.treated.any(axis=1) & ~in_target & targets.untreated.any(axis=1)
    if control_only.any():
        names = panel.units[control_only]
        out.append(Caution(
            "control_only", f"{_plural(len(names), 'unit')} adopt within the panel but in no period that has enough untreated units, and "
            f"serve only as control: {listing(names)}.",
            {"units": list(names)},
        ))
    thin = targets.thin
    if thin.any():
        periods, kind = panel.times[thin.any(axis=0)], "clusters" if panel.has_cluster else "units"
        out.append(Caution(
            "thin_controls",
            f"{_plural(len(periods), 'treated period')} with fewer than {targets.min_controls} untreated {kind} left out without looking "
            f"at counts; the ratio is "
            f"{format_number(ratio)} without them and {format_number(all_periods)} with them.",
            {"periods": list(periods), "cells": int(thin.sum()), "ratio": ratio, "all_periods": all_periods},
        ))
    out += _shrinking(panel, targets, fit, ratio)
    unlinked = (targets.reason == "unit and period are not linked through untreated cells").sum()
    if unlinked:
        out.append(Caution("not_linked", f"{_plural(int(unlinked), 'treated cell')} cannot be projected: their unit and period are not "
            f"linked through untreated cells.", {"cells": int(unlinked)}))
    if anticipation:
        out.append(Caution(
            "anticipation", f"The {_plural(anticipation, 'period')} before adoption ({int(targets.waiting.sum()):,} cells) are neither "
            f"treated nor untreated.",
            {"periods": anticipation, "cells": int(targets.waiting.sum())},
        ))
    boundary = target & (fit.kind == ZERO)
    if boundary.any():
        seen = float(panel.outcome[boundary].sum())
        out.append(Caution(
            "boundary_cells", f"{_plural(int(boundary.sum()), 'target cell')} have an expected count of 0, because their unit or period "
            f"has no event in any untreated cell; they stay "
            f"in the estimate, with {seen:,.0f} observed events.", {"cells": int(boundary.sum()), "observed": seen},
        ))
    before = targets.untreated.sum(axis=1)[in_target]
    if (before < FEW_PERIODS).any():
        out.append(Caution(
            "few_pre_periods", f"{_plural(int((before < FEW_PERIODS).sum()), 'treated unit')} have fewer than {FEW_PERIODS} untreated "
            f"periods (the fewest: {int(before.min())}).", {"fewest": int(before.min())}
        ))
    waves = np.unique(panel.adopted[in_target], return_counts=True)[1]
    if len(waves) > 1 and (waves == 1).all():
        out.append(Caution("singleton_waves", f"Each of the {len(waves)} waves is a single unit, so that no wave can be judged by itself.",
            {"waves": len(waves)}))
    return out


def _shrinking(panel: Panel, targets: Targets, fit: Imputation, ratio: float) -> list[Caution]:
    """Target periods that rest on few controls: how much of the expectation they hold, and the ratio without them."""
    controls = untreated_clusters(panel, targets.untreated)
    few = targets.target.any(axis=0) & (controls < FEW_CONTROLS)
    if not few.any():
        return []
    expected = np.where(targets.target, fit.expected, 0.0).sum(axis=0)
    share, rest = float(expected[few].sum() / expected.sum()), expected[~few].sum()
    without = float(panel.outcome[:, ~few][targets.target[:, ~few]].sum() / rest) if rest > 0 else np.nan
    kind = "clusters" if panel.has_cluster else "units"
    return [Caution(
        "few_controls", f"{_plural(int(few.sum()), 'target period')} rest on fewer than {FEW_CONTROLS} untreated {kind} (the fewest: "
        f"{int(controls[few].min())}) and hold {share:.0%} of the expected events; the ratio is {format_number(ratio)} with them and "
        f"{format_number(without)} without them.",
        {"periods": list(panel.times[few]), "fewest": int(controls[few].min()), "share": share, "ratio": ratio, "ratio_without": without},
    )]


def gap_caution(panel: Panel, targets: Targets, ratio: float) -> list[Caution]:
    """Missing rows of the panel, and the ratio without the units that have them."""
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
            cells = targets.target[~gaps] & np.isfinite(fit.expected)
            expected = fit.expected[cells].sum()
            without = float(rest.outcome[cells].sum() / expected) if expected > 0 else np.nan
        except EstimationError:
            pass
    effect = "without these units no ratio can be formed"
    if np.isfinite(without):
        effect = f"without these units the ratio is {format_number(without)} instead of {format_number(ratio)}"
    where = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(missing), strict=True)]
    return [Caution(
        "missing_cells", f"{_plural(len(where), 'unit-period')} have no row ({treated:,} of them after adoption): {listing(where, 3)}; "
        f"{effect}.",
        {"cells": where, "units": list(panel.units[gaps]), "ratio": ratio, "ratio_without_these_units": without},
    )]


def cluster_cautions(
    panel: Panel, targets: Targets, jackknife: Jackknife, informative: np.ndarray, treated_clusters: int, rank: tuple[int, int] | None,
    *, none_observed: bool = False,
) -> list[Caution]:
    """About the clusters behind the standard error; none_observed: no event in the target cells, so that the log ratio is infinite."""
    out: list[Caution] = []
    labels = panel.cluster_labels[informative]
    shares = jackknife.shares[:, 0]
    share_of = dict(zip(labels, shares, strict=True))
    if treated_clusters == 1:
        kind = "clusters" if panel.has_cluster else "units"
        none = ", no interval and no placebo rank can be given" if rank is None else " and no interval can be given, only its placebo rank"
        text = f"Only one of the {kind} is treated: no p-value{none}."
        data: dict[str, object] = {"treated": 1}
        if rank is not None:
            text, data = f"{text} {rank_statement(rank, kind)}", {**data, "rank": rank[0], "of": rank[1]}
        out.append(Caution("one_treated", text, data))
    elif treated_clusters < FEW_TREATED:
        out.append(Caution(
            "few_treated", f"Only {treated_clusters} units or clusters are treated: with fewer than {FEW_TREATED} no t interval is given, "
            f"only the permutation p-value.", {"treated": treated_clusters}
        ))
    out += few_serving_caution(panel, targets)
    if 0 < len(labels) < FEW_CLUSTERS:
        out.append(Caution("few_clusters", f"Only {len(labels)} clusters carry information.", {"clusters": len(labels)}))
    if jackknife.failed and none_observed:
        out.append(Caution("no_events_observed", "No event was observed in the treated cells compared: the ratio is 0 and has neither "
            "standard error nor interval.", {"observed": 0}))
    elif jackknife.failed:
        names = [labels[i] for i in jackknife.failed]
        out.append(Caution("no_estimate_without", f"There is no estimate without {listing(names)}: how far it would move is unknown, and no "
            f"standard error and no interval can be given.", {"clusters": names}))
    for i in np.flatnonzero(shares > 0.5) if not jackknife.failed else ():
        text = f"{labels[i]} alone makes {shares[i]:.0%} of the variance."
        out.append(Caution("dominant_cluster", text, {"cluster": labels[i], "share": float(shares[i])}))

    in_target = targets.target.any(axis=1)
    waves = [panel.cluster[in_target & (panel.adopted == wave)] for wave in np.unique(panel.adopted[in_target])]
    holders = sorted({int(members[0]) for members in waves if len(set(members)) == 1})
    units_of = np.unique(panel.adopted[in_target], return_counts=True)[1]
    if holders and not (len(waves) > 1 and (units_of == 1).all()):  # waves of one unit each are told once, as singleton waves
        told = [f"{panel.cluster_labels[c]} ({share_of.get(panel.cluster_labels[c], 0.0):.0%} of the variance)" for c in holders]
        out.append(Caution("whole_wave", f"A whole wave is held by one cluster: {listing(told)}.",
            {"clusters": [panel.cluster_labels[c] for c in holders]}))
    own = np.zeros((len(panel.cluster_labels), panel.shape[1]), dtype=int)
    np.add.at(own, panel.cluster, targets.untreated)
    alone = ((own == targets.untreated.sum(axis=0)) & targets.target.any(axis=0)).sum(axis=1)
    if alone.any():
        told = [
            f"{label} ({_plural(int(periods), 'period')}, {share_of.get(label, 0.0):.0%} of the variance)"
            for label, periods in zip(panel.cluster_labels[alone > 0], alone[alone > 0], strict=True)
        ]
        out.append(Caution("only_control", f"The only control in some target periods: {listing(told)}; leaving it out takes those periods "
            f"out of that refit.", {"clusters": list(panel.cluster_labels[alone > 0])}))
    return out


def scale_caution(irr: Estimate, difference: Estimate) -> list[Caution]:
    """Ratio and difference may disagree about no effect; then both are shown and only the ratio is tested."""
    if not (np.isfinite(irr.ci_low) and np.isfinite(difference.ci_low)):
        return []
    ratio_excludes, difference_excludes = not irr.ci_low <= 1 <= irr.ci_high, not difference.ci_low <= 0 <= difference.ci_high
    if ratio_excludes == difference_excludes:
        return []
    which = ("ratio", "difference") if ratio_excludes else ("difference", "ratio")
    return [Caution(
        "scales_disagree", f"The interval of the rate {which[0]} excludes no effect and that of the rate {which[1]} does not; the one "
        f"test is that of the ratio.",
        {"ratio": (irr.ci_low, irr.ci_high), "difference": (difference.ci_low, difference.ci_high)},
    )]


def refuse_unprojectable(panel: Panel, targets: Targets, fit: Imputation) -> None:
    """Raise when the counts, not the design, leave a target cell without a finite expectation."""
    bad = targets.target & np.isin(fit.kind, (INFINITE, UNIDENTIFIED))
    if not bad.any():
        return
    units, periods = panel.units[bad.any(axis=1)], panel.times[bad.any(axis=0)]
    raise EstimationError(
        f"The fit does not converge: {int(bad.sum()):,} target cells have no finite expected count, because the few events of their "
        f"controls all fall in the same "
        f"cells (units {listing(units)}; periods {listing(periods)}).",
        fix="Raise min_controls, use longer periods, or merge small units.",
    )
