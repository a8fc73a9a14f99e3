"""What a reader must know beside a control chart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.spc.limits import TRIAL, Phase
from mentorship_eval.spc.rules import LEAST_FOR_RUNS, RULE_WORDS, find_signals
from mentorship_eval.spc.series import Series, time_words

__all__ = ["chart_cautions", "lag_one"]

_LEAST_FOR_CORRELATION = 10
_RUN_RULES = ("long_run", "few_crossings")


def lag_one(z: np.ndarray, used: np.ndarray, phase: np.ndarray) -> tuple[float, float]:
    """Correlation of neighbouring points that set the limits (about the mean of their phase), and 1.96 / sqrt(n).

    A series whose neighbours resemble each other has moving ranges that are too small, and limits that are too narrow.
    """
    known = np.flatnonzero(used & np.isfinite(z))
    if len(known) < _LEAST_FOR_CORRELATION:
        return float("nan"), float("nan")
    off = np.full(len(z), np.nan)
    for code in np.unique(phase[known]):
        mine = known[phase[known] == code]
        off[mine] = z[mine] - z[mine].mean()
    whole = float(np.sum(off[known] ** 2))
    if whole == 0:
        return float("nan"), float("nan")
    pairs = off[:-1] * off[1:]
    together = np.isfinite(pairs) & (phase[:-1] == phase[1:])
    return float(pairs[together].sum()) / whole, 1.96 / float(np.sqrt(len(known)))


def _named(phase: str) -> str:
    return f"Phase {phase!r}: " if phase else ""


def _limit_cautions(series: Series, phases: Sequence[Phase], lower: np.ndarray, kind: str, *, floor: bool) -> list[Caution]:
    out = []
    for code, (name, phase) in enumerate(zip(series.phase_names, phases, strict=True)):
        data = {"phase": name, "n_used": phase.n_used}
        if phase.reason:
            out.append(Caution("no_limits", f"{_named(name)}no limits are drawn: {phase.reason}.", data))
            continue
        if phase.n_used < TRIAL:
            text = (
                f"{_named(name)}the limits rest on {phase.n_used} points. With fewer than {TRIAL} they are trial limits, useful and not "
                "firm; the field asks for 20 or more before they are fixed."
            )
            out.append(Caution("trial_limits", text, data))
        if kind.endswith("'") and phase.spread < 1:
            text = (
                f"{_named(name)}sigma z is {format_number(phase.spread, 2)}: the points that set the limits vary less than counts do by "
                "chance alone, and the limits are narrower than those of a plain chart. That is more often luck than steadiness."
            )
            out.append(Caution("narrow_limits", text, {**data, "sigma_z": phase.spread}))
        mine = lower[series.phase == code]
        mine = mine[np.isfinite(mine)]
        if floor and len(mine) and (mine <= 0).mean() > 0.5:
            text = (
                f"{_named(name)}the lower limit is zero in {int((mine <= 0).sum())} of {len(mine)} periods: a single period, even one without "
                "events, cannot mark a fall there; only runs of points can. Longer periods, or a chart of the time between events, would."
            )
            out.append(Caution("no_lower_limit", text, {**data, "periods": int((mine <= 0).sum())}))
    return out


def chart_cautions(
    kind: str, series: Series, z: np.ndarray, side: np.ndarray, value: np.ndarray, lower: np.ndarray, used: np.ndarray,
    phases: Sequence[Phase], rules: tuple[str, ...], correlation: tuple[float, float], *, floor: bool,
) -> list[Caution]:  # fmt: skip
    """Every caution that follows from the series, its limits and its rules."""
    out = _limit_cautions(series, phases, lower, kind, floor=floor)
    if series.lacks_baseline:
        text = "No period that could set the limits lies before go-live: they rest on the whole series, and a change at go-live widens them."
        out.append(Caution("no_baseline", text))
    if series.excluded:
        out.append(Caution("excluded", f"{series.excluded} points were left out of the limits by choice.", {"points": series.excluded}))
    gaps = int((~np.isfinite(value)).sum())
    if gaps:
        times = listing((time_words(time) for time in series.times[~np.isfinite(value)]), 4)
        text = f"{gaps} of {len(series)} periods have no point ({times}); runs are counted across them."
        out.append(Caution("missing_points", text, {"gaps": gaps}))
    value_r, bound = correlation
    if np.isfinite(value_r) and abs(value_r) > bound:
        effect = "too narrow, and signals come too often" if value_r > 0 else "too wide, and signals come too seldom"
        text = (
            f"Neighbouring points that set the limits are correlated (lag 1: {format_number(value_r, 2)}, beyond "
            f"±{format_number(bound, 2)}). Limits from moving ranges are then {effect}."
        )
        out.append(Caution("autocorrelation", text, {"lag_1": value_r, "limit": bound}))
    out += _baseline_cautions(series, z, side, value, used, phases, rules)
    return out


def _baseline_cautions(
    series: Series, z: np.ndarray, side: np.ndarray, value: np.ndarray, used: np.ndarray, phases: Sequence[Phase], rules: tuple[str, ...]
) -> list[Caution]:
    out = []
    wanting = [rule for rule in rules if rule in _RUN_RULES]
    for code, (name, phase) in enumerate(zip(series.phase_names, phases, strict=True)):
        mine = np.flatnonzero(series.phase == code)
        known = mine[np.isfinite(z[mine]) & np.isfinite(value[mine])]
        useful = int(np.count_nonzero(side[known]))
        if wanting and not phase.reason and useful < LEAST_FOR_RUNS:
            text = (
                f"{_named(name)}runs and crossings were not judged: {useful} points lie off the centre line, and the rule is defined from "
                f"{LEAST_FOR_RUNS} on."
            )
            out.append(Caution("few_for_runs", text, {"phase": name, "useful": useful}))
        base = mine[used[mine]]
        # a baseline that is the whole phase says so by the signals of the chart
        if phase.reason or len(base) == len(known):
            continue
        within = find_signals(rules, z[base], side[base], value[base])
        if within:
            words = listing(dict.fromkeys(RULE_WORDS[found.rule] for found in within), 3)
            text = f"{_named(name)}the points that set the limits are not stable themselves ({words}); limits from them foretell little."
            out.append(Caution("unstable_baseline", text, {"phase": name, "signals": len(within)}))
    return out
