"""The second pass of a run: one ledger decides over every result, table and sentence.

`protect` takes the private answers of all chapters and returns answers that may be shown, with a
log of what was withheld and why. It changes nothing but what the rule asks for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Result, Statement

__all__ = ["Ledger", "protect"]

# where an exhibit's options and a caution's data hold counts of people or events
_COUNT_OPTIONS = {"n", "n_events"}
_COUNT_DATA = {"observed", "events", "matches", "persons", "leavers", "spells", "rows"}
# a number in front of one of these words counts people or events
_COUNTED_WORDS = re.compile(
    r"(?<![\d.,])(\d{1,3})(?= (?:observed |voluntary |such )?(?:events?|persons?|people|leavers?|rows?|spells?|matches|returns?|exits?|incidents?)\b)"
)
_LOG_COLUMNS = ["chapter", "item", "part", "rule", "withheld"]


@dataclass
class Ledger:
    """What was decided in one run, over everything that it publishes."""

    rule: Rule
    entries: list[tuple[str, str, str, str, int]] = field(default_factory=list)

    def record(self, chapter: str, item: str, part: str, withheld: int) -> None:
        if withheld:
            self.entries.append((chapter, item, part, self.rule.name, withheld))

    @property
    def log(self) -> pd.DataFrame:
        """One row per item in which something was withheld (disclosure_log.csv)."""
        return pd.DataFrame(self.entries, columns=_LOG_COLUMNS)


def _suppressed(estimate: Estimate, rule: Rule) -> Estimate:
    blank = math.nan
    small_n = rule.small(estimate.n)
    # codes stay, sentences go: an engine's caution may quote the counts
    codes = tuple(Caution(caution.code, "withheld") for caution in estimate.warnings)
    note = Caution("suppressed", f"Withheld: it rests on fewer than {rule.threshold} persons or events.")
    return replace(
        estimate,
        value=blank,
        se=blank,
        ci_low=blank,
        ci_high=blank,
        p_value=blank,
        n=None if small_n else estimate.n,
        n_events=None,
        warnings=(*codes, note),
    )


def _protect_result(result: Result, ledger: Ledger, chapter: str) -> Result:
    estimate = result.estimate
    if not (ledger.rule.small(estimate.n) or ledger.rule.small(estimate.n_events)):
        return result
    ledger.record(chapter, result.id, "estimate", 1)
    return replace(result, estimate=_suppressed(estimate, ledger.rule))


def _protect_frame(frame: pd.DataFrame, counted: Counted, rule: Rule) -> tuple[pd.DataFrame, int]:
    columns = [column for column in counted.counts if column in frame]
    if not columns or not rule.active or frame.empty:
        return frame, 0
    values = frame[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    small = (values > 0) & (values < rule.threshold)
    if not small.any():
        return frame, 0
    if counted.within:
        small |= _second_blanks(values, small, frame[counted.within].to_numpy())
    out = frame.copy()
    for position, column in enumerate(columns):
        kept = frame[column].astype(object)
        if counted.adds_up:
            # The others of a sum would give the small one away by subtraction.
            rounded = np.round(values[:, position] / rule.threshold) * rule.threshold
            kept = pd.Series(
                [f"≈{r:,.0f}" if v > 0 else k for r, v, k in zip(rounded, values[:, position], kept, strict=True)],
                index=frame.index,
                dtype=object,
            )
        hidden = small[:, position]
        # a count that is hidden only to cover another must not be told apart from it
        covered = (values[hidden, position] >= rule.threshold).any()
        kept[hidden] = "withheld" if covered else rule.mark
        out[column] = kept
    rows = small.any(axis=1)
    for column in counted.derived:
        if column in out:
            out[column] = out[column].where(~rows)
    return out, int(small.sum())


def _second_blanks(values: np.ndarray, small: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Where a group has exactly one small count in a column: its next smallest count, which would give it away."""
    second = np.zeros_like(small)
    for group in pd.unique(pd.Series(groups)):
        mine = np.flatnonzero(groups == group)
        for column in range(values.shape[1]):
            others = mine[~small[mine, column] & (values[mine, column] > 0)]
            if small[mine, column].sum() == 1 and len(others):
                second[others[np.argmin(values[others, column])], column] = True
    return second


def _protect_exhibit(exhibit: Exhibit, ledger: Ledger, chapter: str) -> Exhibit:
    frames = {}
    for name, frame in exhibit.frames.items():
        frames[name], withheld = _protect_frame(frame, exhibit.counted.get(name, Counted()), ledger.rule)
        ledger.record(chapter, exhibit.id, name, withheld)
    options = dict(exhibit.options)
    for name in _COUNT_OPTIONS & options.keys():
        if ledger.rule.small(options[name]):
            options[name] = ledger.rule.mark
            ledger.record(chapter, exhibit.id, name, 1)
    return replace(exhibit, frames=frames, options=options)


def _masked(text: str, rule: Rule) -> str:
    """``text`` with every small count of people or events replaced."""
    return _COUNTED_WORDS.sub(lambda found: rule.show(float(found[1])), text)


def _protect_caution(caution: Caution, ledger: Ledger, chapter: str) -> Caution:
    text, data = caution.text, dict(caution.data)
    for name in _COUNT_DATA & data.keys():
        if isinstance(data[name], int | float) and ledger.rule.small(data[name]):
            # The number stands in the sentence as the engine wrote it.
            text = re.sub(rf"(?<![\d.,]){float(data[name]):,.0f}(?![\d,]|\.\d)", ledger.rule.show(data[name]), text)
            data[name] = ledger.rule.mark
    text = _masked(text, ledger.rule)
    ledger.record(chapter, "caution", caution.code, int(text != caution.text))
    return replace(caution, text=text, data=data)


def _protect_statement(statement: Statement, ledger: Ledger, chapter: str) -> Statement:
    small = sum(ledger.rule.small(value) for value in statement.counts.values())
    ledger.record(chapter, "text", statement.text[:60], small)
    if any(ledger.rule.small(value) for value in statement.rests_on):
        ledger.record(chapter, "text", "a sentence", 1)
        return Statement(f"A result is withheld: it rests on fewer than {ledger.rule.threshold} persons or events.")
    if not statement.counts:
        return Statement(statement.text)
    shown = {name: ledger.rule.show(value) for name, value in statement.counts.items()}
    return Statement(statement.text.format(**shown))


def protect(answers: Iterable[Answer], rule: Rule) -> tuple[list[Answer], pd.DataFrame]:
    """Apply ``rule`` to every answer of a run; returns the protected answers and the log."""
    ledger = Ledger(rule)
    protected = []
    for answer in answers:
        protected.append(
            replace(
                answer,
                lead=tuple(_protect_statement(statement, ledger, answer.chapter) for statement in answer.lead),
                results=tuple(_protect_result(result, ledger, answer.chapter) for result in answer.results),
                exhibits=tuple(_protect_exhibit(exhibit, ledger, answer.chapter) for exhibit in answer.exhibits),
                cautions=tuple(_protect_caution(caution, ledger, answer.chapter) for caution in answer.cautions),
                gaps=tuple(replace(gap, reason=_masked(gap.reason, rule)) for gap in answer.gaps),
            )
        )
    return protected, ledger.log
