"""What `twfe` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.shown import Shown
from mentorship_eval.inference.wild_bootstrap import WildBootstrap

__all__ = ["TwoWayFixedEffects"]


@dataclass(frozen=True, kw_only=True)
class TwoWayFixedEffects(Shown):
    """A two-way fixed-effects coefficient, a diagnostic.

    estimate : a rate ratio for counts (se of its logarithm), a difference for scores.
    wild : the restricted wild cluster bootstrap when it was asked for; of the log ratio for counts.
    standard_errors : variance, meaning, se, df, ci_low, ci_high, p_value: the chosen one beside those that treat
        cells as independent; for counts all of the log ratio.
    clusters : cluster, share_of_variance, estimate_without (with CR3).
    negative_weight_share : share of the treated cells that enter with a negative weight, and negative_weight_sum their
        sum, all weights adding up to 1; cell_weights : unit, time, adopted, weight (linear model; else NaN and empty).
    deviance, log_likelihood : of the Poisson model, else NaN.
    """

    estimate: Estimate
    wild: WildBootstrap | None
    standard_errors: pd.DataFrame
    clusters: pd.DataFrame
    negative_weight_share: float
    negative_weight_sum: float
    cell_weights: pd.DataFrame
    deviance: float
    log_likelihood: float
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def wild_interval(self) -> tuple[float, float]:
        """Limits of the wild cluster bootstrap on the scale of the estimate; NaN when it was not asked for."""
        if self.wild is None:
            return np.nan, np.nan
        if not self.estimate.is_ratio:
            return self.wild.ci_low, self.wild.ci_high
        return float(np.exp(self.wild.ci_low)), float(np.exp(self.wild.ci_high))

    @property
    def table(self) -> pd.DataFrame:
        """quantity, inference, estimate, se, ci_low, ci_high, ci_level, p_value, scale, n, n_events, n_clusters, df."""
        e = self.estimate
        base = {"quantity": "two-way fixed effects (diagnostic)", "estimate": e.value, "ci_level": e.ci_level, "scale": e.scale, "n": e.n,
            "n_events": e.n_events}
        rows = [{**base, "inference": str(self.settings["variance"]), "se": e.se, "ci_low": e.ci_low, "ci_high": e.ci_high,
            "p_value": e.p_value, "n_clusters": e.n_clusters, "df": e.df}]
        if self.wild is not None:
            low, high = self.wild_interval
            rows.append({**base, "inference": "wild cluster bootstrap", "se": np.nan, "ci_low": low, "ci_high": high,
                "p_value": self.wild.p_value, "n_clusters": self.wild.n_clusters, "df": np.nan})
        columns = ["quantity", "inference", "estimate", "se", "ci_low", "ci_high", "ci_level", "p_value", "scale", "n", "n_events", "n_clusters",
            "df"]
        frame = pd.DataFrame(rows)[columns]
        return frame.astype({"df": float, "n_events": float})

    def statement(self) -> str:
        """The coefficient with its interval, the bootstrap, and what it is not."""
        parts = [self.estimate.statement()]
        if self.wild is not None:
            parts.append(self.wild.statement(ratio=self.estimate.is_ratio))
        parts.append(self.warnings[0].text)
        return " ".join(parts)

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        shown = self.table[["quantity", "inference", "estimate", "se", "ci_low", "ci_high", "p_value"]]
        return (shown,)

    def _notes(self) -> tuple[Caution, ...]:
        return self.warnings[1:]
