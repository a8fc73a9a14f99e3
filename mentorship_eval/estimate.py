"""What every analysis returns: one number with its interval, and how it came about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["MONEY_SCALES", "RATIO_SCALES", "Caution", "Estimate", "format_money", "format_number", "format_p"]

# On these scales the value is a ratio and ``se`` belongs to its logarithm.
RATIO_SCALES = frozenset({"hazard ratio", "rate ratio", "odds ratio", "risk ratio", "time ratio", "subdistribution hazard ratio"})

# Amounts of money: told to three significant figures.
MONEY_SCALES = frozenset({"net benefit", "cost"})


def format_number(value: float, digits: int = 2) -> str:
    """``value`` with ``digits`` decimals, more when that would hide it, and a real minus sign."""
    if value is None or math.isnan(value):
        return "not estimable"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and abs(value) < 0.5 * 10**-digits:
        digits = min(8, digits + int(-math.log10(abs(value))) - digits + 2)
    return f"{value:,.{digits}f}".replace("-", "−")


def format_money(value: float) -> str:
    """An amount to three significant figures, since no estimate of one is known better; to the penny below 100."""
    if value is None or not math.isfinite(value) or abs(value) < 100:
        return format_number(value)
    return format_number(float(f"{value:.3g}"), 0)


def format_p(p: float) -> str:
    """A p-value to three decimals, as reporting guidelines ask (SAMPL)."""
    if p is None or math.isnan(p):
        return "p not available"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


@dataclass(frozen=True)
class Caution:
    """Something that a reader must know beside a number.

    code: short and stable, for machines (``few_clusters``); text: one sentence for people;
    data: the figures behind it.
    """

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One estimated quantity.

    value: on ``scale`` itself, so a rate ratio of 0.8 is 0.8 and not its logarithm.
    se: standard error on the scale on which the interval is symmetric: of the logarithm for
        the ratio scales (`RATIO_SCALES`), of the value otherwise. NaN where none is defensible.
    ci_low, ci_high: limits at level ``ci_level``, on ``scale``.
    p_value: two-sided, of no effect; NaN where no test is defensible.
    n: persons, or cells, that were analysed; n_events: events among them; n_clusters: clusters
        that carry information about the quantity (None where there is no clustering).
    df: degrees of freedom of the t distribution behind the interval; None means normal.
    method: how it was computed; estimand: what it is a number of; unit: of a difference.
    """

    value: float
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    ci_level: float = 0.95
    p_value: float = math.nan
    scale: str = "difference"
    n: int | None = None
    n_events: float | None = None
    n_clusters: int | None = None
    df: float | None = None
    method: str = ""
    estimand: str = ""
    unit: str = ""
    warnings: tuple[Caution, ...] = ()

    @property
    def is_ratio(self) -> bool:
        return self.scale in RATIO_SCALES

    def warn(self, *cautions: Caution) -> Estimate:
        """The same estimate with more cautions attached."""
        return replace(self, warnings=self.warnings + cautions)

    def shown(self, value: float, digits: int = 2) -> str:
        """A value on this scale as people read it: amounts of money to three significant figures, whatever ``digits``."""
        return format_money(value) if self.scale in MONEY_SCALES else format_number(value, digits)

    def interval(self, digits: int = 2) -> str:
        """``0.81 (95 % CI 0.70 to 0.94)``."""
        text = self.shown(self.value, digits)
        if not math.isnan(self.ci_low) or not math.isnan(self.ci_high):
            low, high = self.shown(self.ci_low, digits), self.shown(self.ci_high, digits)
            text += f" ({self.ci_level * 100:g} % CI {low} to {high})"
        return text

    def statement(self) -> str:
        """A sentence with the interval; never without it, and never a verdict."""
        what = self.estimand or self.scale
        what = what[:1].upper() + what[1:]
        unit = f" {self.unit}" if self.unit else ""
        tail = f"; {format_p(self.p_value)}" if not math.isnan(self.p_value) else ""
        missing = "" if not math.isnan(self.ci_low) else "; no interval is given"
        return f"{what}: {self.scale} {self.interval()}{unit}{tail}{missing}."

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<li>{escape(caution.text)}</li>" for caution in self.warnings)
        notes = f"<ul>{notes}</ul>" if notes else ""
        return f"<p>{escape(self.statement())}</p>{notes}"
