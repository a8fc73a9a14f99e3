"""How often a chart signals although nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.spc.limits import LEAST, sigma_of_ranges
from mentorship_eval.spc.rules import find_signals, rules_of

__all__ = ["false_signals"]


def false_signals(
    points: int, *, baseline: int | None = None, rules: str | Sequence[str] = "anhoej", draws: int = 2000, seed: int = 0, correlation: float = 0.0
) -> pd.DataFrame:
    """Share of charts of an unchanged process that show a signal, by rule and for any of them, by simulation.

    points: of the chart; baseline: so many first points set the limits, None for all. correlation: of neighbouring points (a first-order
    autoregression), 0 for independent ones. The process is normal; limits are those of an individuals chart, estimated anew in each draw.

    Shares that this gives for 36 independent points (any rule of the set; simulation errors 0.01), limits set by all, 24, 18 or 12 of them:
    shewhart 0.09, 0.14, 0.19, 0.25; anhoej 0.13, 0.19, 0.25, 0.34; western_electric 0.25, 0.32, 0.39, 0.47; making_data_count 0.25, 0.32,
    0.38, 0.48; nelson 0.31, 0.38, 0.44, 0.55. A short baseline costs more than the choice of rules.

    Returns rule (``any`` last), share, mc_error (standard error of the simulation). With several departments about ``share`` of their charts
    signal by chance alone.
    """
    first = points if baseline is None else baseline
    if not LEAST <= first <= points or draws < 1 or not -1 < correlation < 1:
        raise UsageError(f"A baseline of {first} out of {points} points cannot be simulated.", fix=f"Use {LEAST} to {points} points of baseline.")
    names = rules_of(rules)
    random = np.random.default_rng(seed)
    hits = np.zeros((draws, len(names)), dtype=bool)
    for draw in range(draws):
        value = random.normal(size=points)
        if correlation:
            scale = np.sqrt(1 - correlation**2)
            for k in range(1, points):
                value[k] = correlation * value[k - 1] + scale * value[k]
        sigma, _ = sigma_of_ranges(value[:first], screened=False)
        z = (value - value[:first].mean()) / sigma
        found = {signal.rule for signal in find_signals(names, z, np.sign(z), value)}
        hits[draw] = [name in found for name in names]
    share = np.append(hits.mean(axis=0), hits.any(axis=1).mean())
    return pd.DataFrame({"rule": [*names, "any"], "share": share, "mc_error": np.sqrt(share * (1 - share) / draws)})
