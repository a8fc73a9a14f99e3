"""A finished control chart: its points with their limits, its signals, and what a reader must know beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.shown import Shown
from mentorship_eval.spc.rules import RULE_WORDS
from mentorship_eval.spc.series import time_words

__all__ = ["ControlChart"]

_SCOPE = "A control chart shows whether one series changed and when; it does not show why."


@dataclass(frozen=True)
class ControlChart(Shown):
    """One series against the limits of its own variation.

    kind: ``u'``, ``u``, ``p'``, ``p``, ``g``, ``t`` or ``XmR``.
    table: one row a point, in order of time: time, value, centre, lower, upper, sigma, z (points in sigmas from the middle of the
        limits; of a t chart on the scale of its transform), phase, used_for_limits, since_go_live, signal (codes of the rules that
        mark the point, comma between them), reason (why a point has no value); g and t charts also open (an interval that no event
        has ended yet).
    signals: rule, text, first, last (periods), n_points, direction (high, low, rising, falling or nothing), phase, since_go_live
        (its last point is at or after go-live).
    limits: one row a phase: phase, first, last, n_points, n_used, centre, spread (sigma_z of a prime chart, mean moving range of an
        XmR chart), reason (why it has no limits).
    moving_range: of an XmR chart: time, value, centre, upper, signal; None for the others.
    autocorrelation: of neighbouring points that set the limits, NaN with fewer than ten; autocorrelation_limit: 1.96 / sqrt(n).
    rules: codes of the rules that were applied. go_live: as it was given.
    """

    kind: str
    table: pd.DataFrame
    signals: pd.DataFrame
    limits: pd.DataFrame
    rules: tuple[str, ...]
    go_live: Any = None
    moving_range: pd.DataFrame | None = None
    autocorrelation: float = float("nan")
    autocorrelation_limit: float = float("nan")
    warnings: tuple[Caution, ...] = ()

    def statement(self) -> str:
        """What the chart shows, in plain words: limits, signals by rule and time, and what it cannot show."""
        known = int(self.table["value"].notna().sum())
        parts = [f"{self.kind.replace(chr(39), '′')} chart of {known} point{'' if known == 1 else 's'}: {self._limit_words()}."]
        if self.limits["reason"].ne("").all():
            parts.append("No rule was applied.")
        elif self.signals.empty:
            parts.append("No rule of the chart marks a change.")
        else:
            count = len(self.signals)
            since = int(self.signals["since_go_live"].sum())
            share = "" if count == 1 else "none of them " if not since else "all of them " if since == count else f"{since} of them "
            reach = "not reaching" if count == 1 and not since else "reaching"
            live = f", {share}{reach} into the time since {time_words(self.go_live)}" if self.go_live is not None else ""
            told = "; ".join(_signal_words(row) for row in self.signals.head(6).itertuples())
            more = f"; and {count - 6} more" if count > 6 else ""
            parts.append(f"{count} signal{'' if count == 1 else 's'}{live}: {told}{more}.")
        return " ".join([*parts, _SCOPE])

    def _limit_words(self) -> str:
        words = []
        for row in self.limits.itertuples():
            name = f"{row.phase}: " if row.phase else ""
            if row.reason:
                words.append(f"{name}no limits ({row.reason})")
                continue
            spread = {"u'": "sigma z", "p'": "sigma z", "XmR": "mean moving range"}.get(self.kind, "")
            about = f", {spread} {format_number(row.spread, 2)}" if spread else ""
            words.append(f"{name}centre line {format_number(row.centre, 2)}{about}, limits from {row.n_used} of {row.n_points} points")
        return "; ".join(words)

    def false_alarms(self, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
        """How often charts with so many points and so many of them for the limits signal although nothing changed: rule (``any`` last),
        share, mc_error; see `false_signals`. Phases are taken as independent; a phase without limits counts for nothing.
        """
        from mentorship_eval.spc.false_alarms import false_signals

        quiet, spread, names = 1.0, 0.0, ["any"]
        for row in self.limits.itertuples():
            if not row.reason:
                table = false_signals(row.n_points, baseline=row.n_used, rules=self.rules, draws=draws, seed=seed)
                names = list(table["rule"])
                keep, error = 1 - table["share"].to_numpy(), table["mc_error"].to_numpy()
                spread = keep**2 * spread + quiet**2 * error**2  # variance of the product, to first order
                quiet = quiet * keep
        return pd.DataFrame({"rule": names, "share": 1 - quiet, "mc_error": spread**0.5})

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (*((self.signals.drop(columns="rule"),) if len(self.signals) else ()), self.limits)


def _signal_words(row: Any) -> str:
    span = time_words(row.first) if row.n_points == 1 else f"{time_words(row.first)} to {time_words(row.last)}"
    direction = f" ({row.direction}{'' if row.n_points == 1 else f', {row.n_points} points'})" if row.direction else ""
    return f"{RULE_WORDS[row.rule]}{direction}, {span}"
