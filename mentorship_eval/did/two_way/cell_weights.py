"""The weight of each treated cell in a two-way coefficient, some of it negative.

With an effect of its own in every treated cell, the coefficient is sum w_it tau_it, the weights being
proportional to the treatment indicator without unit and period effects and adding up to 1
(de Chaisemartin & D'Haultfoeuille 2020, American Economic Review 110:2964-2996). A cell of negative
weight pulls the coefficient down the better it fares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.two_way.linearised import Linearised

__all__ = ["CellWeights", "cell_weights"]


@dataclass(frozen=True)
class CellWeights:
    """share: of the treated cells whose weight is negative; total: sum of the negative weights; cells: unit, time, adopted, weight."""

    share: float
    total: float
    cells: pd.DataFrame


def cell_weights(panel: Panel, fit: Linearised) -> CellWeights:
    """Weights of the treated cells of a linear fit; a weight within rounding of 0 is not negative."""
    used = fit.weights > 0
    weight = np.zeros(fit.weights.shape)
    weight[used] = fit.regressor * np.sqrt(fit.weights[used])
    treated = used & (fit.treatment > 0)
    i, t = np.nonzero(treated)
    values = weight[i, t] / weight[i, t].sum()
    negative = values < -1e-12 * np.abs(values).max()
    adopted = [panel.adopted_label[unit] for unit in i]
    cells = pd.DataFrame({"unit": panel.units[i], "time": panel.times[t], "adopted": adopted, "weight": values})
    return CellWeights(float(negative.mean()), float(values[negative].sum()), cells)
