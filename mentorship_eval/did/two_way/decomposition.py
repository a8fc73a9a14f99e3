"""Goodman-Bacon decomposition of a linear two-way coefficient: the front door and its result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel, build_score_panel
from mentorship_eval.did.two_way.coefficient import two_way_result
from mentorship_eval.did.two_way.comparisons import TYPES, compare
from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.shown import Shown

__all__ = ["GoodmanBacon", "goodman_bacon"]


@dataclass(frozen=True, kw_only=True)
class GoodmanBacon(Shown):
    """What a two-way coefficient is an average of; a diagnostic.

    estimate : the two-way coefficient, with CR1 and t(G-1); it equals the sum of weight times estimate over `table`.
    table : type, treated, control, weight, estimate, treated_units, control_units, forbidden; a row per comparison.
    negative_weight_share : share of the treated cells whose own effect enters with a negative weight, and
        negative_weight_sum their sum, all weights adding up to 1 (de Chaisemartin & D'Haultfoeuille 2020);
    cell_weights : unit, time, adopted, weight of every treated cell.
    """

    estimate: Estimate
    table: pd.DataFrame
    negative_weight_share: float
    negative_weight_sum: float
    cell_weights: pd.DataFrame
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def by_type(self) -> pd.DataFrame:
        """type, weight, estimate (the weighted mean), comparisons; the types that the panel holds."""
        parts = self.table.assign(product=self.table["weight"] * self.table["estimate"]).groupby("type", sort=False)
        sums = parts[["weight", "product"]].sum()
        frame = pd.DataFrame({"weight": sums["weight"], "estimate": sums["product"] / sums["weight"], "comparisons": parts.size()})
        return frame.reindex([kind for kind in TYPES if kind in frame.index]).rename_axis("type").reset_index()

    @property
    def forbidden_share(self) -> float:
        """Weight of the comparisons of a later wave with units that are treated already."""
        return float(self.table.loc[self.table["forbidden"], "weight"].sum())

    def statement(self) -> str:
        """The coefficient, what it averages, and what it is not."""
        parts = [
            f"{row.type}: weight {row.weight:.0%}, estimate {format_number(row.estimate, 3)}" for row in self.by_type.itertuples()
        ]
        return f"{self.estimate.statement()} It is the weighted mean of {len(self.table):,} comparisons. {'; '.join(parts)}. {self.warnings[0].text}"

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.by_type,)

    def _notes(self) -> tuple[Caution, ...]:
        return self.warnings[1:]


def _refuse_unbalanced(panel: Panel) -> None:
    gone = ~(panel.exposure > 0)
    if gone.any():
        units = panel.units[gone.any(axis=1)]
        cells = [f"{panel.units[i]} in {panel.times[t]}" for i, t in zip(*np.nonzero(gone), strict=True)]
        raise EstimationError(
            f"The decomposition needs a balanced panel, and {len(units):,} unit{'s have' if len(units) > 1 else ' has'} gaps: "
            f"{listing(units)} ({listing(cells, 3)}).",
            fix="Leave out these units, or the periods in which they are missing; did.twfe takes panels with gaps.",
        )
    changing = np.ptp(panel.exposure, axis=1) > 1e-12 * panel.exposure.max(axis=1)
    if changing.any():
        raise EstimationError(
            f"The weights {panel.columns['weights']!r} change within unit {listing(panel.units[changing])}: the decomposition does not hold then.",
            fix="Give each unit one weight, such as its mean exposure, or leave weights out.",
        )


def goodman_bacon(
    panel: pd.DataFrame, *, outcome: str, unit: str, time: str, adopted: str, weights: str | None = None, cluster: str | None = None,
    ci_level: float = 0.95,
) -> GoodmanBacon:
    """Decompose a linear two-way coefficient into its comparisons of two groups and two stretches of time.

    Parameters
    ----------
    panel : one row per unit and period, balanced.
    outcome : a score or rate; weights : column with one weight per unit (1 by default).
    unit, time, adopted : columns; adopted holds the first treated period, missing for never. Units that adopt in the first period
        or before are "always treated", those that adopt after the last one "never treated".
    cluster : of the standard error; the units by default.

    Raises `EstimationError` for a panel with gaps, naming the units, for weights that change within a unit, and as `twfe`.
    """
    critical_value(ci_level)
    data = build_score_panel(panel, unit=unit, time=time, adopted=adopted, outcome=outcome, weights=weights, cluster=cluster)
    _refuse_unbalanced(data)
    two_way = two_way_result(data, variance="CR1", ci_level=ci_level)
    table = compare(data)
    forbidden = float(table.loc[table["forbidden"], "weight"].sum())
    caution, *others = two_way.warnings
    if forbidden > 0:
        others.insert(0, Caution(
            "forbidden_comparisons", f"{forbidden:.0%} of the weight is on comparisons of a later wave with units that are treated already.",
            {"weight": forbidden},
        ))
    return GoodmanBacon(
        estimate=two_way.estimate, table=table, negative_weight_share=two_way.negative_weight_share,
        negative_weight_sum=two_way.negative_weight_sum, cell_weights=two_way.cell_weights,
        settings={"outcome": outcome, "unit": unit, "time": time, "adopted": adopted, "weights": weights, "cluster": cluster or unit,
            "ci_level": ci_level},
        warnings=(caution, *others),
    )
