"""The result of `marginal_structural`, and what a reader must know beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.histories.structural_fit import HistoryWeights, OutcomeFit, Panel

__all__ = ["MarginalStructural", "describe_weights", "structural_cautions"]

FEW_CLUSTERS = 8
COMMON = 0.1  # events per person-period beyond which an odds ratio is no hazard ratio
OFF_ONE = 0.05
LARGE = 20.0


@dataclass(frozen=True, kw_only=True)
class MarginalStructural(Shown):
    """A fitted marginal structural model.

    table: term, coef, se, odds_ratio, ci_low, ci_high, p, df of the outcome model, treatment first; estimate: the odds ratio of treatment
    per period, close to a hazard ratio while ``mean_hazard`` (events per person-period) is small; unweighted: the same odds ratio
    without weights.
    risks: horizon (periods), risk_never, se_never, risk_always, se_always, difference, se, ci_low, ci_high, p, reason (why NaN);
    risk_differences: an `Estimate` by horizon.
    weights: one a row, aligned with the data; weight_summary: period, n, mean, sd, min, max (unclipped); overall_weights: mean, sd, min,
    max unclipped, and the limits of clipping. models: model, term, coef, se, odds_ratio behind the weights. shares: of the
    jackknife variance by cluster, None without.
    """

    table: pd.DataFrame
    estimate: Estimate
    unweighted: float
    risks: pd.DataFrame
    risk_differences: Mapping[int, Estimate] = field(repr=False)
    weights: pd.Series = field(repr=False)
    weight_summary: pd.DataFrame = field(repr=False)
    overall_weights: Mapping[str, float]
    models: pd.DataFrame = field(repr=False)
    shares: pd.DataFrame | None = field(repr=False)
    method: str
    mean_hazard: float
    n_persons: int
    n: int
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        """The odds ratio with its interval, and the risk difference at the last horizon."""
        text = self.estimate.statement()[:-1]
        text += f" ({self.n_persons:,} persons, {self.n:,} person-periods; {format_number(self.unweighted)} without weights)."
        if self.risk_differences:
            text += " " + list(self.risk_differences.values())[-1].statement()
        return text

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.table, self.risks)


def describe_weights(period: np.ndarray, history: HistoryWeights) -> tuple[pd.DataFrame, dict[str, float]]:
    """Unclipped weights by period and overall; the mean of a stabilised weight is 1 in every period when the models are right."""
    raw = pd.Series(history.raw)
    table = raw.groupby(period).agg(["size", "mean", "std", "min", "max"]).reset_index()
    table.columns = ["period", "n", "mean", "sd", "min", "max"]
    low, high = history.limits if history.limits else (np.nan, np.nan)
    return table, {"mean": float(raw.mean()), "sd": float(raw.std()), "min": float(raw.min()), "max": float(raw.max()), "clipped_below": low,
                   "clipped_above": high}


def structural_cautions(
    panel: Panel, history: HistoryWeights, outcome: OutcomeFit, terms: list[str], informative: int, lost: Mapping[object, str], cluster: str,
    treatment: str, gaps: int, prevalent: int,
) -> tuple[Caution, ...]:
    found = []
    mean, largest = float(history.raw.mean()), float(history.raw.max())
    if abs(mean - 1) > OFF_ONE:
        text = f"The weights average {mean:.3f} before clipping, not 1: the models behind them do not fit, or some histories are hardly ever treated."
        found.append(Caution("weights_mean", text, {"mean": mean}))
    if largest > LARGE:
        text = f"The largest weight before clipping is {largest:.1f}; a few histories count for many."
        found.append(Caution("large_weights", text, {"max": largest}))
    model = history.models["treatment denominator"]
    if model.runaway is not None:
        text = f"{terms[model.runaway]!r} separates those who begin treatment from those who do not: its effect cannot be told from treatment's."
        found.append(Caution("separation", text, {"term": terms[model.runaway]}))
    hazard = float(panel.event.mean())
    if hazard > COMMON:
        text = f"In the mean {hazard:.0%} of those at risk have the event in a period, so the odds ratio lies further from 1 than the hazard ratio; "
        text += "use shorter periods, or read the risks."
        found.append(Caution("common_event", text, {"hazard": hazard}))
    if informative < FEW_CLUSTERS:
        text = f"Only {informative} clusters of {cluster} carry information about {treatment}; the interval rests on few independent units."
        found.append(Caution("few_clusters", text, {"informative": informative}))
    if lost:
        text = f"Without {cluster} {listing(lost)} there is no estimate ({next(iter(lost.values()))}), so no interval can be given."
        found.append(Caution("jackknife_failed", text, {"clusters": tuple(lost)}))
    if prevalent:
        text = f"{prevalent:,} persons come under observation later than others and treated already: why, is judged by their covariates at entry."
        found.append(Caution("prevalent", text, {"persons": prevalent}))
    if gaps:
        text = f"{gaps:,} rows follow a gap in a person's periods; what happened in the gap is unknown and not modelled."
        found.append(Caution("gaps", text, {"rows": gaps}))
    return tuple(found)
