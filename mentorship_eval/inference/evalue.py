"""E-values: how strong an unmeasured confounder would have to be to explain an association away.

VanderWeele & Ding (2017), Ann Intern Med 167:268-274: a risk ratio R >= 1 is explained away by a confounder that
is associated with exposure and with outcome by a risk ratio of R + sqrt(R (R - 1)) each, above and beyond the measured
covariates, and by no weaker one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate, format_number

if TYPE_CHECKING:
    import pandas as pd
from mentorship_eval.inference.shown import Shown

__all__ = ["EValue", "e_value", "to_risk_ratio"]

SCALES = {"hr": "hazard ratio", "rr": "risk ratio", "or": "odds ratio"}
SHORT = {"hazard ratio": "hr", "subdistribution hazard ratio": "hr", "risk ratio": "rr", "rate ratio": "rr", "odds ratio": "or"}


@dataclass(frozen=True)
class EValue(Shown):
    """value: E-value of the estimate; ci_value: of the confidence limit nearer to 1 (1 when the interval holds 1; NaN without an
    interval); ratio, ci_low, ci_high: as given; risk_ratio, ci_risk_ratio: what they were converted to; limit: which one
    was used, "low", "high" or "" (none).
    """

    value: float
    ci_value: float
    ratio: float
    ci_low: float
    ci_high: float
    scale: str
    common: bool | None
    risk_ratio: float
    ci_risk_ratio: float
    limit: str

    @property
    def table(self) -> pd.DataFrame:
        """quantity, ratio, risk_ratio, e_value: of the estimate and of the confidence limit nearer to 1."""
        import pandas as pd

        nearer = {"low": self.ci_low, "high": self.ci_high, "": math.nan}[self.limit]
        return pd.DataFrame({
            "quantity": ["estimate", "confidence limit"], "ratio": [self.ratio, nearer], "risk_ratio": [self.risk_ratio, self.ci_risk_ratio],
            "e_value": [self.value, self.ci_value],
        })

    def statement(self) -> str:
        """One sentence with both E-values; it says what would be needed, not that it is absent."""
        text = f"To explain the {SCALES[self.scale]} of {format_number(self.ratio)} away, an unmeasured confounder would have to be associated with "
        text += f"both exposure and outcome by risk ratios of at least {format_number(self.value)} each, beyond the measured covariates"
        if math.isnan(self.ci_value):
            return f"{text}; no interval was given."
        if self.ci_value == 1:
            return f"{text}; the interval holds 1, so none is needed to move it there."
        return f"{text}; {format_number(self.ci_value)} each would move the interval to 1."


def to_risk_ratio(ratio: float, scale: str, common: bool | None) -> float:
    """Approximate risk ratio: of a hazard ratio (1 - 0.5^sqrt(h)) / (1 - 0.5^sqrt(1/h)), of an odds ratio its square root, when the
    outcome is common; the ratio itself when it is rare (VanderWeele 2017, Biometrics 73:1-2 for the odds ratio)."""
    if scale == "rr" or not common or math.isnan(ratio):
        return ratio
    if scale == "or":
        return math.sqrt(ratio)
    if ratio == 0 or math.isinf(ratio):  # limits of the formula
        return 0.0 if ratio == 0 else math.inf
    return math.expm1(-math.log(2) * math.sqrt(ratio)) / math.expm1(-math.log(2) * math.sqrt(1 / ratio))


def _of(risk_ratio: float) -> float:
    if math.isnan(risk_ratio):
        return math.nan
    if risk_ratio == 0 or math.isinf(risk_ratio):
        return math.inf
    above = max(risk_ratio, 1 / risk_ratio)
    return above + math.sqrt(above * (above - 1))


def e_value(
    ratio: float | Estimate, *, ci_low: float = math.nan, ci_high: float = math.nan, scale: str | None = None, common: bool | None = None,
) -> EValue:
    """E-value of a ratio and of its confidence limit nearer to 1.

    Parameters
    ----------
    ratio : the ratio, or an `Estimate` of one, which brings its limits and its scale.
    ci_low, ci_high : its limits, on the scale of the ratio; NaN when there are none.
    scale : "hr", "rr" or "or" (a rate ratio counts as "rr").
    common : does more than about 15 % have the outcome by the end of follow-up? Must be said for hazard and odds ratios, for it
        decides about the conversion.

    Raises
    ------
    UsageError : ratio or limits below 0 or out of order, unknown scale, ``common`` not said, an estimate that is no ratio.
    """
    if isinstance(ratio, Estimate):
        if ratio.scale not in SHORT and scale is None:
            raise UsageError(f"An E-value needs a ratio, but the estimate is a {ratio.scale}.", fix="Give a hazard, risk, rate or odds ratio.")
        scale = scale or SHORT[ratio.scale]
        value, ci_low, ci_high = ratio.value, ratio.ci_low, ratio.ci_high
    else:
        value = float(ratio)
    if scale not in SCALES:
        raise UsageError(f"There is no scale {scale!r} of an E-value.", fix="Use 'hr', 'rr' or 'or'.")
    if scale != "rr" and common is None:
        raise UsageError("Whether the outcome is common decides about the E-value.", fix="Give common=True when over 15 % have it, else False.")
    if value < 0 or ci_low < 0 or ci_high < 0:
        raise UsageError("A ratio and its limits are at least 0.", fix="Give ratios, not their logarithms.")
    if ci_low > value or value > ci_high:
        raise UsageError(f"The interval {ci_low:g} to {ci_high:g} does not hold the ratio {value:g}.", fix="Check the order of the limits.")
    limit, nearer = "", math.nan
    if value < 1 and not math.isnan(ci_high):
        limit, nearer = "high", max(value, ci_high)
    elif value >= 1 and not math.isnan(ci_low):
        limit, nearer = "low", ci_low
    crosses = (limit == "high" and nearer >= 1) or (limit == "low" and nearer <= 1)
    converted = to_risk_ratio(value, scale, common)
    converted_limit = to_risk_ratio(nearer, scale, common)
    return EValue(
        value=_of(converted), ci_value=1.0 if crosses else _of(converted_limit), ratio=value, ci_low=ci_low, ci_high=ci_high, scale=scale,
        common=common, risk_ratio=converted, ci_risk_ratio=converted_limit, limit=limit,
    )
