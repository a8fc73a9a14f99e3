"""What a reader must know beside a two-way fixed-effects coefficient."""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.two_way.standard_errors import Chosen
from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.wild_bootstrap import WildBootstrap

__all__ = ["FEW_TREATED", "diagnostic_caution", "inference_cautions", "panel_cautions"]

FEW_TREATED = 6
FEW_CLUSTERS = 8
ENOUGH_CLUSTERS = 30


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def diagnostic_caution(panel: Panel, treated: np.ndarray, negative_share: float, instead: str) -> Caution:
    """Always given: what the coefficient is, and what to report in its place."""
    adopted = panel.adopted[treated.any(axis=1)]
    waves = len(np.unique(adopted))
    text = (
        "Two-way fixed effects is a diagnostic, not the estimate of the effect: it is biased when effects grow or differ between waves, "
        "because units that are treated already serve as controls of those treated later"
    )
    if waves == 1 and not (adopted <= panel.position[0]).any():
        text += "; with the one wave of this panel no such comparison is made, but its average still weights units and periods its own way"
    if negative_share > 0:
        text += f"; here {negative_share:.0%} of the treated cells enter with a negative weight"
    return Caution("two_way_fixed_effects", f"{text}. Report {instead}.", {"waves": waves, "negative_weight_share": negative_share})


def panel_cautions(panel: Panel, treated: np.ndarray) -> list[Caution]:
    """About the units and cells behind the coefficient."""
    out: list[Caution] = []
    used = panel.exposure > 0
    always = treated.any(axis=1) & ~(used & ~treated).any(axis=1)
    if always.any():
        names = list(panel.units[always])
        out.append(Caution("always_treated", f"{_plural(len(names), 'unit')} without an untreated period serve as controls although they "
            f"are treated: {listing(names)}.", {"units": names}))
    late = np.isfinite(panel.adopted) & (panel.adopted > panel.position[-1])
    if late.any():
        names = list(panel.units[late])
        out.append(Caution("adopts_later", f"{_plural(len(names), 'unit')} adopt after the last period and count as untreated throughout: "
            f"{listing(names)}.", {"units": names}))
    gone = ~used
    if gone.any():
        cells = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(gone), strict=True)]
        out.append(Caution("missing_cells", f"{_plural(len(cells), 'unit-period')} have no row, exposure or weight and are not in the fit: "
            f"{listing(cells, 3)}.", {"cells": cells}))
    if "count" in panel.columns:
        empty = used.any(axis=1) & ~((panel.outcome > 0) & used).any(axis=1)
        if empty.any():
            names = list(panel.units[empty])
            out.append(Caution("units_without_events", f"{_plural(len(names), 'unit')} without any event say nothing about the ratio: "
                f"{listing(names)}.", {"units": names}))
    return out


def inference_cautions(panel: Panel, chosen: Chosen, variance: str, treated_clusters: int, wild: WildBootstrap | None) -> list[Caution]:
    """About the clusters behind the standard error."""
    out: list[Caution] = []
    labels, count = panel.cluster_labels, chosen.variance.n_clusters or 0
    kind = "clusters" if panel.has_cluster else "units"
    if treated_clusters == 1:
        out.append(Caution("one_treated", f"Only one of the {kind} is treated: no interval and no p-value can be given.", {"treated": 1}))
    elif treated_clusters < FEW_TREATED:
        out.append(Caution(
            "few_treated", f"Only {treated_clusters} {kind} are treated: with fewer than {FEW_TREATED} no t interval is given"
            + (", and the wild cluster bootstrap tends to reject too rarely." if wild else "; permute the adoption dates instead."),
            {"treated": treated_clusters},
        ))
    if count < FEW_CLUSTERS:
        out.append(Caution("few_clusters", f"Only {count} clusters carry information.", {"clusters": count}))
    elif variance == "CR1" and count < ENOUGH_CLUSTERS:
        out.append(Caution("cr1_few_clusters", f"With {count} clusters the CR1 standard error tends to be too small: compare variance=\"CR3\" "
            f"or wild=9999.", {"clusters": count}))
    if len(chosen.failed):
        names = list(labels[chosen.failed])
        out.append(Caution("no_estimate_without", f"There is no estimate without {listing(names)}; the standard error leaves these "
            f"clusters out and is too small.", {"clusters": names}))
    for g in np.flatnonzero(chosen.variance.shares > 0.5):
        share = float(chosen.variance.shares[g])
        out.append(Caution("dominant_cluster", f"{labels[g]} alone makes {share:.0%} of the variance.", {"cluster": labels[g], "share": share}))
    if wild is not None and wild.smallest_p > 1 - wild.ci_level:
        out.append(Caution("coarse_bootstrap", f"With {wild.n_clusters} clusters the smallest p-value of the wild bootstrap is "
            f"{wild.smallest_p:.2g}: it cannot reject at this level.", {"smallest_p": wild.smallest_p}))
    if wild is not None and np.isinf([wild.ci_low, wild.ci_high]).any():
        out.append(Caution("unbounded_interval", "The interval of the wild cluster bootstrap has no end on one side: "
            f"{format_number(wild.ci_low)} to {format_number(wild.ci_high)}.", {"ci_low": wild.ci_low, "ci_high": wild.ci_high}))
    return out
