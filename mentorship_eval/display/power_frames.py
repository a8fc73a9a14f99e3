"""Power curves as they are drawn: frames checked and split into one curve for each label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import check_columns, in_order, numbers, reason_of
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["MOST_CURVES", "Curve", "read_curves"]

MOST_CURVES = 5
_WHAT, _MARKS = "power_curve(curves)", "power_curve(detectable)"


@dataclass(frozen=True)
class Curve:
    """One design: power at ascending ratios with Monte-Carlo limits, and its marks: ratio, low, high of each direction."""

    label: str
    ratio: np.ndarray
    power: np.ndarray
    low: np.ndarray
    high: np.ndarray
    marks: tuple[tuple[float, float, float], ...]
    reason: str

    @property
    def size(self) -> float:
        at = np.flatnonzero(np.isclose(self.ratio, 1))
        return float(self.power[at[0]]) if len(at) else math.nan

    def detects(self, digits: int = 2) -> str:
        """``0.68 or lower; 1.48 or higher``; empty without a mark."""
        parts = [f"{format_number(ratio, digits)} or {'lower' if ratio < 1 else 'higher'}" for ratio, _, _ in self.marks]
        return "; ".join(parts)


def read_curves(curves: pd.DataFrame, detectable: pd.DataFrame | None) -> list[Curve]:
    """Curves in order of appearance; `UsageError` for whatever `power_curve` refuses."""
    curves = check_columns(curves, ("ratio", "power", "ci_low", "ci_high"), _WHAT)
    ratio = numbers(curves, "ratio", _WHAT)
    if not (ratio > 0).all():
        raise UsageError(f"{_WHAT}: ratios at or below zero, or missing.", fix="Give rate ratios.", rows=list(curves.index[~(ratio > 0)]))
    power, low, high = (numbers(curves, column, _WHAT) for column in ("power", "ci_low", "ci_high"))
    odd = ((power < 0) | (power > 1)) | ((low < 0) | (high > 1))
    if odd.any():
        raise UsageError(f"{_WHAT}: power outside 0 to 1.", fix="Give shares, not percentages.", rows=list(curves.index[odd]))
    labels = in_order(curves["label"]) if "label" in curves.columns else [""]
    if len(labels) > MOST_CURVES:
        raise UsageError(f"{_WHAT}: {len(labels)} curves cannot be told apart.", fix=f"Show at most {MOST_CURVES}.")
    of = curves["label"].to_numpy() if "label" in curves.columns else np.full(len(curves), "", dtype=object)
    marks = _marks(detectable, labels)
    out = []
    for label in labels:
        rows = np.flatnonzero(of == label)
        rows = rows[np.argsort(ratio[rows], kind="stable")]
        if (np.diff(ratio[rows]) <= 0).any():
            raise UsageError(f"{_WHAT}: {label or 'the curve'} has two rows at one ratio.", fix="Give one row per ratio and label.")
        reason = reason_of(curves.iloc[rows[0]], "not shown") if not np.isfinite(power[rows]).any() else ""
        out.append(Curve(str(label), ratio[rows], power[rows], low[rows], high[rows], marks[label], reason))
    return out


def _marks(detectable: pd.DataFrame | None, labels: list[Any]) -> dict[Any, tuple[tuple[float, float, float], ...]]:
    out: dict[Any, tuple[tuple[float, float, float], ...]] = dict.fromkeys(labels, ())
    if detectable is None:
        return out
    frame = check_columns(detectable, ("ratio", "mc_low", "mc_high"), _MARKS)
    if "label" not in frame.columns:
        if len(labels) > 1:
            raise UsageError(f"{_MARKS} does not say which curve its rows belong to.", fix="Give it the column label too.")
        frame = frame.assign(label=labels[0])
    strangers = [label for label in in_order(frame["label"]) if label not in labels]
    if strangers:
        raise UsageError(f"{_MARKS}: there is no curve {strangers[0]!r}.", fix="Use the same labels in both frames.")
    values = np.column_stack([numbers(frame, column, _MARKS) for column in ("ratio", "mc_low", "mc_high")])
    for label in labels:
        mine = values[(frame["label"] == label).to_numpy() & np.isfinite(values[:, 0])]
        out[label] = tuple(tuple(float(x) for x in row) for row in mine[np.argsort(mine[:, 0])])  # type: ignore[misc]
    return out
