"""What `mixed_model` tells wave by wave, of its variances, and without each cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.surveys.mixed.fitting import Fit, restricted_fit
from mentorship_eval.surveys.mixed.levels import levels_of

__all__ = ["by_wave_table", "left_out_in_turn", "variance_table"]


def left_out_in_turn(
    fit: Fit, nonnegative: np.ndarray, labels: list[object], lines: np.ndarray, estimates: list[Estimate], ci_level: float
) -> tuple[tuple[Estimate, ...], pd.DataFrame]:
    """The same estimates with leave-one-cluster-out standard errors, and the mean without each cluster."""
    without = np.full((len(labels), len(lines)), np.nan)
    start = fit.at.theta + 1e-4 * fit.at.theta.max() * fit.boundary
    levels = levels_of(fit.likelihood)
    if levels is not None:  # all at once; what does not end there is tried for itself
        without = levels.leave_one_out(fit.at.theta[1] / fit.at.theta[0] if levels.persons else 0.0, fit.at.theta[-1] / fit.at.theta[0]) @ lines.T
    for code in np.flatnonzero(np.isnan(without).any(axis=1)):
        try:
            without[code] = lines @ restricted_fit(fit.likelihood.without(int(code)), nonnegative=nonnegative, start=start).at.beta
        except (EstimationError, np.linalg.LinAlgError):
            continue  # does not exist without this cluster: NaN, told by the jackknife
    made = cluster_jackknife(lines @ fit.at.beta, without)
    checks = tuple(
        replace(
            difference_estimate(
                e.value,
                float(se) if not made.failed else np.nan,
                df=made.df,
                ci_level=ci_level,
                n=e.n,
                n_clusters=made.n_clusters,
                estimand=e.estimand,
            ),
            method="the same estimate; leave-one-cluster-out jackknife (CR3), t(G-1)",
        )
        for e, se in zip(estimates, made.se, strict=True)
    )
    return checks, pd.DataFrame({"cluster": labels, "estimate": without[:, 0]})


def by_wave_table(
    wave: pd.Series, inside: np.ndarray, y: np.ndarray, waves: list[Any], place: dict[int, int], estimates: list[Estimate], checks: Any
) -> pd.DataFrame:
    rows, number = [], 0
    values = wave.to_numpy()
    for k, w in enumerate(waves):
        here = values == w
        row: dict[str, Any] = {"wave": w}
        for name, arm in (("arm", 1.0), ("reference", 0.0)):
            part = y[here & (inside == arm)]
            row |= {
                f"n_{name}": len(part),
                f"mean_{name}": part.mean() if len(part) else np.nan,
                f"sd_{name}": part.std(ddof=1) if len(part) > 1 else np.nan,
            }
        if k in place:
            number += 1
            e = estimates[number]
            row |= {"difference": e.value, "se": e.se, "df": e.df, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value}
            row["se_jackknife"] = checks[number].se if checks else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def variance_table(fit: Fit, structure: str, waves: list[Any], cluster: str | None) -> pd.DataFrame:
    theta = list(fit.at.theta)
    rows = [{"part": f"between clusters ({cluster})", "value": theta.pop()}] if cluster else []
    if structure == "intercepts":
        rows += [{"part": "between people", "value": theta[1]}] if len(theta) > 1 else []
        rows.append({"part": "residual", "value": theta[0]})
        return pd.DataFrame(rows)
    values = iter(theta)
    for i in range(len(waves)):
        for j in range(i + 1):
            what = f"variance at wave {waves[i]}" if i == j else f"covariance of waves {waves[j]} and {waves[i]}"
            rows.append({"part": what, "value": next(values)})
    return pd.DataFrame(rows)
