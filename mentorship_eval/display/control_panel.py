"""One series of a control chart with what belongs to it: its signals, its go-live, other dates that matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.control_layout import solid_part
from mentorship_eval.display.frames import Periods, check_columns, flags, is_blank, numbers, reason_of
from mentorship_eval.display.words import digits_for, ends
from mentorship_eval.errors import UsageError, listing
from mentorship_eval.estimate import format_number

__all__ = ["WHAT", "Panel", "attach"]

WHAT = "control_chart(points)"
_BEYOND = "beyond_limits"


class Panel:
    """One series with what belongs to it."""

    def __init__(self, group: Any, rows: pd.DataFrame, calendar: Periods) -> None:
        self.group, self.rows = group, rows
        self.places = rows["_place"].to_numpy()
        if "open" not in rows.columns and len(set(self.places)) < len(self.places):
            raise UsageError(f"{WHAT}: {group} has two rows in one period.", fix="Give one row a period.")
        self.value, self.centre, self.lower, self.upper = (numbers(rows, each, WHAT) for each in ("value", "centre", "lower", "upper"))
        known = np.isfinite(self.value)
        marks = [str(mark).split(",") if not is_blank(mark) else [] for mark in rows.get("signal", pd.Series([""] * len(rows)))]
        # a point that is withheld says nothing, not even by its mark
        self.beyond = np.array([_BEYOND in mark for mark in marks]) & known
        self.run = np.array([bool(set(mark) - {_BEYOND}) for mark in marks]) & known
        self.open = flags(rows, "open")
        self.used = flags(rows, "used_for_limits") if "used_for_limits" in rows.columns else np.ones(len(rows), dtype=bool)
        self.phase = list(rows["phase"].fillna("")) if "phase" in rows.columns else [""] * len(rows)
        self.gaps = int((~known).sum())
        self.reasons = {reason_of(rows.iloc[k], "") for k in np.flatnonzero(~known)} - {""}
        self.limited = bool((np.isfinite(self.lower) | np.isfinite(self.upper)).any())
        self.projected = self.limited and bool((~solid_part(self.used, self.phase) & np.isfinite(self.upper)).any())
        self.n_used = int(self.used.sum())
        self.go_live = math.nan
        self.changes: list[tuple[float, str]] = []
        self.signals: pd.DataFrame | None = None
        self.few_crossings: set[Any] = set()

    def top(self) -> float:
        """The highest thing that must be seen: points, centre line, and limits unless they dwarf the points."""
        shown = np.concatenate([self.value, self.centre])
        high = float(np.nanmax(shown)) if np.isfinite(shown).any() else 1.0
        limit = float(np.nanmedian(self.upper)) if np.isfinite(self.upper).any() else high
        return max(high, min(float(np.nanmax(self.upper)), 2.5 * limit) if np.isfinite(self.upper).any() else high)

    def bottom(self) -> float:
        shown = np.concatenate([self.value, self.centre, self.lower])
        return float(np.nanmin(shown)) if np.isfinite(shown).any() else 0.0

    def words(self, label: Callable[[float], str]) -> str:
        """The series in numbers and its signals, for the alt text."""
        text = f"{self.group}: {ends([label(place) for place in self.places], list(self.value))}"
        known = np.isfinite(self.centre)
        if known.any():
            digits = digits_for([*self.value, *self.centre])
            last = np.flatnonzero(known)[-1]
            text += f"; centre line {format_number(self.centre[last], digits)}"
            if np.isfinite(self.upper[last]):
                low = f"{format_number(self.lower[last], digits)} to " if np.isfinite(self.lower[last]) else "up to "
                text += f", last limits {low}{format_number(self.upper[last], digits)}"
        text += f" set by {self.n_used} of {len(self.value)} points" if self.limited and self.n_used < len(self.value) else ""
        text += "" if self.limited else "; no limits"
        if math.isfinite(self.go_live):
            text += f"; go-live {label(self.go_live)}"
        if self.signals is not None and len(self.signals):
            return f"{text}; {'; '.join(_told(row, label) for _, row in self.signals.iterrows())}"
        return text + ("; no signal" if self.signals is not None and self.limited else "")

    def tell(self, signals: pd.DataFrame) -> None:
        """Take the signals of this panel as far as their points are shown: the rest would tell what is withheld."""
        known, rows = np.isfinite(self.value), []
        for _, row in signals.iterrows():
            inside = np.flatnonzero((self.places >= row["_first"]) & (self.places <= row["_last"]))
            shown = inside[known[inside]]
            # of points beyond a limit each one speaks, so a withheld one parts them; a run only ends where it is last seen
            parts = np.split(shown, np.flatnonzero(np.diff(shown) > 1) + 1) if row.get("rule") == _BEYOND else [shown]
            for part in parts:
                if len(part):
                    ends_at = {"first": part[0], "last": part[-1]}
                    seen = {name: self.rows["period"].iloc[k] for name, k in ends_at.items()}
                    rows.append(row.drop("n_points", errors="ignore").to_dict() | seen | {f"_{name}": self.places[k] for name, k in ends_at.items()})
        self.signals = pd.DataFrame(rows, columns=[name for name in signals.columns if name != "n_points"])
        if "rule" in signals.columns:
            few = self.signals[self.signals["rule"] == "few_crossings"]
            self.few_crossings = set(few["phase"].fillna("")) if "phase" in few.columns else {""} if len(few) else set()


def _told(row: pd.Series, label: Callable[[float], str]) -> str:
    first, last = row["_first"], row["_last"]
    span = label(first) if first == last else f"{label(first)} to {label(last)}"
    direction = row.get("direction", "")
    return f"{row['text']}{'' if is_blank(direction) else f' ({direction})'}, {span}"


def attach(panels: list[Panel], signals: Any, go_live: Any, changes: Any, calendar: Periods) -> None:
    """Signals, go-live and changes to the panels they belong to; `UsageError` for those that belong to none."""
    by_name = {panel.group: panel for panel in panels}
    if signals is not None:
        for panel in panels:
            panel.signals = pd.DataFrame(columns=["text"])
        if not (isinstance(signals, pd.DataFrame) and signals.empty):
            what = "control_chart(signals)"
            frame = check_columns(signals, ("group", "text", "first", "last"), what)
            _no_strangers(frame["group"], by_name, "signals")
            frame = frame.assign(_first=calendar.place(frame["first"], what), _last=calendar.place(frame["last"], what))
            for group, rows in frame.groupby("group", sort=False):
                by_name[group].tell(rows)
    if go_live is not None:
        if isinstance(go_live, pd.DataFrame):
            frame = check_columns(go_live, ("group", "go_live"), "control_chart(go_live)")
            go_live = dict(zip(frame["group"], frame["go_live"], strict=True))
        _no_strangers(go_live, by_name, "go_live")
        names = list(go_live)
        given = [None if is_blank(go_live[each]) or go_live[each] is pd.NaT else go_live[each] for each in names]
        for each, place in zip(names, calendar.place(pd.Series(given, dtype=object), "control_chart(go_live)"), strict=True):
            by_name[each].go_live = float(place)
    if changes is not None and len(changes):
        frame = check_columns(changes, ("period", "label"), "control_chart(changes)")
        whose = frame["group"] if "group" in frame.columns else pd.Series([None] * len(frame))
        _no_strangers([each for each in whose if not is_blank(each)], by_name, "changes")
        places = calendar.place(frame["period"], "control_chart(changes)")
        for group, place, label in zip(whose, places, frame["label"], strict=True):
            for panel in panels if is_blank(group) else [by_name[group]]:
                panel.changes.append((float(place), str(label)))


def _no_strangers(names: Any, known: Mapping[Any, Any], what: str) -> None:
    strangers = [each for each in dict.fromkeys(names) if each not in known]
    if strangers:
        raise UsageError(f"control_chart({what}): no points for {listing(strangers)}.", fix="Use the same names in both.")
