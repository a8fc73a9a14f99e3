"""Against earlier runs of the same cohort: what they published, cell by cell, so that no difference between two reports tells of few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.known import labels_of
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Result

__all__ = ["Earlier"]


@dataclass(frozen=True)
class Earlier:
    """Protected answers of earlier runs, the newest first."""

    runs: tuple[tuple[Answer, ...], ...] = ()

    @staticmethod
    def of(runs: Sequence[Iterable[Answer]], rule: Rule) -> Earlier:
        """What is to be compared; nothing under a rule that rounds, since rounding is what protects differences there."""
        return Earlier(() if rule.round_to or not rule.active else tuple(tuple(run) for run in runs))

    def option(self, exhibit: Exhibit, name: str, rule: Rule) -> float | None:
        """What an earlier run published in the caption of an exhibit, where that differs by few."""
        now = exhibit.options.get(name)
        if not isinstance(now, int | float):
            return None
        for run in self.runs:
            old = next((each for answer in run for each in answer.exhibits if each.id == exhibit.id), None)
            then = None if old is None else old.options.get(name)
            if isinstance(then, int | float) and rule.near(float(now) - float(then)):
                return float(then)
        return None

    def cells(self, exhibit: Exhibit, name: str, counted: Counted) -> dict[tuple[str, str], tuple[float, ...]]:
        """Exact counts that were published for one frame, by labels of the row and column."""
        found: dict[tuple[str, str], tuple[float, ...]] = {}
        for run in self.runs:
            old = next((each for answer in run for each in answer.exhibits if each.id == exhibit.id), None)
            frame = None if old is None else old.frames.get(name)
            if frame is None or frame.empty:
                continue
            labels = labels_of(frame, counted)
            for column in counted.counts:
                if column not in frame:
                    continue
                numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
                for row in np.flatnonzero(~np.isnan(numbers)):
                    key = (labels[row], column)
                    found[key] = (*found.get(key, ()), float(numbers[row]))
        return found

    def near(self, result: Result, name: str, rule: Rule) -> float | None:
        """What an earlier run published as ``n`` or ``n_events`` of the result, where that differs by few."""
        now = getattr(result.estimate, name)
        for run in self.runs if now is not None else ():
            old = next((each for answer in run for each in answer.results if each.id == result.id), None)
            then = None if old is None else getattr(old.estimate, name)
            if then is not None and rule.near(float(now) - float(then)):
                return float(then)
        return None
