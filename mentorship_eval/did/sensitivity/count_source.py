"""The panel, cells and fit behind a Poisson imputation, made again from its data, and refits without each cluster.

Refits are made one by one, from scratch, by the fit of the estimate itself: slower than those of the estimate and independent of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.ratios import informative_clusters
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, ZERO, connected_cells
from mentorship_eval.did.counts.targets import Targets, choose_targets
from mentorship_eval.did.panels.panel import Panel, build_panel
from mentorship_eval.errors import EstimationError, UsageError

__all__ = ["Source", "source_of", "sums_without"]


@dataclass(frozen=True)
class Source:
    """Panel, targets and full fit of a `PoissonImputation`; since (I, T): periods since adoption, -inf for never; informative (G,)."""

    panel: Panel
    targets: Targets
    fit: Imputation
    since: np.ndarray
    informative: np.ndarray
    anticipation: int

    @property
    def treated(self) -> np.ndarray:
        """(I,) units that are treated some time."""
        return np.isfinite(self.panel.adopted)

    @property
    def keeps(self) -> list[np.ndarray]:
        """(I,) units of each refit: all, then all but those of each informative cluster."""
        return [np.ones(len(self.panel.units), dtype=bool), *(self.panel.cluster != g for g in np.flatnonzero(self.informative))]


def source_of(fit: PoissonImputation, frame: pd.DataFrame) -> Source:
    """``frame`` is the panel that ``fit`` was made from; another one raises `UsageError`."""
    s = fit.settings
    names: tuple[str, ...] = s["covariates"]  # type: ignore[assignment]
    columns = list(dict.fromkeys(name if name in frame.columns else name.rsplit("[", 1)[0] for name in names))
    cluster = None if s["cluster"] == s["unit"] else s["cluster"]
    panel = build_panel(frame, unit=s["unit"], time=s["time"], adopted=s["adopted"], count=s["count"], exposure=s["exposure"],  # type: ignore[arg-type]
        covariates=columns, cluster=cluster)  # type: ignore[arg-type]
    targets = choose_targets(panel, anticipation=s["anticipation"], min_controls=s["min_controls"])  # type: ignore[arg-type]
    full = impute(panel, targets.untreated)
    expected, observed = float(full.expected[targets.target].sum()), float(panel.outcome[targets.target].sum())
    if not (np.isclose(expected, fit.expected_total, rtol=1e-6) and observed == fit.observed):
        raise UsageError(
            f"The panel gives {observed:,.0f} observed and {expected:,.2f} expected events, the fit {fit.observed:,.0f} and "
            f"{fit.expected_total:,.2f}.", fix="Give the frame that the fit was made from.")
    return Source(panel, targets, full, panel.position[None, :] - panel.adopted[:, None], informative_clusters(panel, targets),
        int(s["anticipation"]))  # type: ignore[call-overload]


def sums_without(
    source: Source, untreated: np.ndarray, cells: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Observed and expected (1 + G, K) over ``cells`` by ``groups`` (cells, K), with all clusters and without each informative one.

    A cell that a refit cannot project leaves it; a refit that fails is NaN.
    """
    panel, rows = source.panel, source.keeps
    observed, expected = np.full((len(rows), groups.shape[1]), np.nan), np.full((len(rows), groups.shape[1]), np.nan)
    for r, keep in enumerate(rows):
        try:
            alone = impute(panel.keep_units(keep), untreated[keep], start=source.fit.period, slope=source.fit.slope)
        except EstimationError:
            continue
        usable, mean = np.zeros(panel.shape, dtype=bool), np.zeros(panel.shape)
        usable[keep] = connected_cells(untreated[keep]) | (alone.kind == ZERO)
        if np.isin(alone.kind, (INFINITE, UNIDENTIFIED))[(cells & usable)[keep]].any():
            continue
        mean[keep] = alone.expected
        use = usable[cells]
        observed[r] = (use * panel.outcome[cells]) @ groups
        expected[r] = np.where(use, mean[cells], 0.0) @ groups
    return observed, expected
