"""Cox and Kaplan-Meier beside lifelines and statsmodels, in one process on the same rows.

    python benchmarks/survival_peers.py [--rows 1000,10000,100000] [--repeats 5]

Day-level ties, five covariates, right-censored without entry (where the peers are right); one BLAS thread. Ratios are
peer / ours, medians of the repeats; the last columns show that the numbers are the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

COVARIATES = [f"x{i}" for i in range(5)]


def staff(rows: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 5)), columns=COVARIATES)
    hazard = np.exp(0.2 * frame["x0"] - 0.1 * frame["x1"]) / 900
    leave = np.ceil(rng.exponential(1 / hazard))
    frame["stop"] = np.minimum(leave, 1095)
    frame["event"] = (leave <= 1095).astype(int)
    frame["cluster"] = rng.integers(0, 60, rows)
    return frame


def median_seconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    taken, result = [], call()  # the first call warms up and is not counted
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), result


def compare(rows: int, repeats: int) -> None:
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from statsmodels.duration.api import PHReg, SurvfuncRight

    from mentorship_eval.survival import cox, kaplan_meier

    frame = staff(rows)
    lean = frame.drop(columns="cluster")
    ours, fit = median_seconds(lambda: cox(frame, stop="stop", event="event", covariates=COVARIATES), repeats)
    clustered, _ = median_seconds(
        lambda: cox(frame, stop="stop", event="event", covariates=COVARIATES, cluster="cluster", variance="cluster"), repeats)  # fmt: skip
    peer, theirs = median_seconds(lambda: CoxPHFitter().fit(lean, "stop", "event"), min(repeats, 3))
    print(f"cox, plain      {rows:>8,}  ours {ours:8.4f} s  lifelines {peer:8.3f} s  ratio {peer / ours:7.1f}  "
          f"largest difference {np.abs(theirs.params_.to_numpy() - fit.table['coef'].to_numpy()).max():.1e}")  # fmt: skip
    model = PHReg(frame["stop"], frame[COVARIATES], status=frame["event"], ties="efron")
    peer, theirs = median_seconds(lambda: model.fit(), 1)
    print(f"cox, plain      {rows:>8,}  ours {ours:8.4f} s  statsmodels {peer:6.3f} s  ratio {peer / ours:7.1f}  "
          f"largest difference {np.abs(theirs.params - fit.table['coef'].to_numpy()).max():.1e}")  # fmt: skip
    print(f"cox, clustered  {rows:>8,}  ours {clustered:8.4f} s")
    ours, curve = median_seconds(lambda: kaplan_meier(frame, stop="stop", event="event"), repeats)
    peer, theirs = median_seconds(lambda: KaplanMeierFitter().fit(frame["stop"], frame["event"]), repeats)
    at = float(theirs.survival_function_at_times(365).iloc[0])
    print(f"kaplan_meier    {rows:>8,}  ours {ours:8.4f} s  lifelines {peer:8.3f} s  ratio {peer / ours:7.1f}  "
          f"difference at 365 {abs(at - curve.at([365])['survival'].iloc[0]):.1e}")  # fmt: skip
    peer, _ = median_seconds(lambda: SurvfuncRight(frame["stop"], frame["event"]), repeats)
    print(f"kaplan_meier    {rows:>8,}  ours {ours:8.4f} s  statsmodels {peer:6.3f} s  ratio {peer / ours:7.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,10000,50000")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for rows in chosen.rows.split(","):
            compare(int(rows), chosen.repeats)


if __name__ == "__main__":
    main()
