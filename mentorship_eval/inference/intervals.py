"""Intervals and p-values from a value, its standard error and its degrees of freedom.

scipy.special is enough here and loads in a tenth of the time of scipy.stats; it is fetched when a quantile is asked for, since it takes
longer to load than many a point estimate to work out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate

__all__ = ["check_level", "critical_value", "difference_estimate", "ratio_estimate", "two_sided_p"]


def check_level(ci_level: float) -> None:
    """Raise `UsageError` for a level that does not lie between 0 and 1."""
    if not 0 < ci_level < 1:
        raise UsageError(f"ci_level is {ci_level}, but a level lies between 0 and 1.", fix="Use 0.95 for 95 %.")


def critical_value(ci_level: float = 0.95, df: float | None = None) -> float:
    """The two-sided critical value: of t with ``df`` degrees of freedom, or normal for None."""
    check_level(ci_level)
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + ci_level / 2
    return float(ndtri(upper) if df is None else stdtrit(df, upper))


def two_sided_p(statistic: Any, df: float | None = None) -> Any:
    """Two-sided p-value of a z (``df`` None) or t statistic; arrays go through elementwise."""
    from scipy.special import ndtr, stdtr

    magnitude = -np.abs(statistic)
    return 2 * (ndtr(magnitude) if df is None else stdtr(df, magnitude))


def _build(value: float, se: float, df: float | None, ci_level: float, transform: Any, **about: Any) -> Estimate:
    if se is None or not math.isfinite(se) or se <= 0 or (df is not None and df < 1):
        low = high = p = math.nan
    else:
        half = critical_value(ci_level, df) * se
        low, high = transform(value - half), transform(value + half)
        p = float(two_sided_p(value / se, df))
    return Estimate(
        value=float(transform(value)),
        se=math.nan if se is None else float(se),
        ci_low=float(low),
        ci_high=float(high),
        ci_level=ci_level,
        p_value=p,
        df=df,
        **about,
    )


def ratio_estimate(
    log_value: float,
    se: float,
    *,
    scale: str,
    df: float | None = None,
    ci_level: float = 0.95,
    warnings: tuple[Caution, ...] = (),
    **about: Any,
) -> Estimate:
    """An `Estimate` of a ratio from its logarithm and the standard error of that logarithm."""
    with np.errstate(over="ignore"):
        return _build(log_value, se, df, ci_level, np.exp, scale=scale, warnings=warnings, **about)


def difference_estimate(
    value: float,
    se: float,
    *,
    scale: str = "difference",
    df: float | None = None,
    ci_level: float = 0.95,
    warnings: tuple[Caution, ...] = (),
    **about: Any,
) -> Estimate:
    """An `Estimate` on an additive scale."""
    return _build(value, se, df, ci_level, float, scale=scale, warnings=warnings, **about)
