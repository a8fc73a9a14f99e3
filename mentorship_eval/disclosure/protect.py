"""The second pass of a run: one ledger decides over every result, table and sentence.

`protect` takes the private answers of all chapters and returns answers that may be shown, with a
log of what was withheld and why. It changes nothing but what the rule asks for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from mentorship_eval.disclosure.frames import ShownFrame, show_frame
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.texts import show_caution, show_gap, show_statement, withheld_text
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result

__all__ = ["Ledger", "protect"]

Cell = tuple[str, str, int, str]  # exhibit id, frame name, row, column
# where an exhibit's options hold counts of people or events
_COUNT_OPTIONS = ("n", "n_events")
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


@dataclass(frozen=True)
class _Decided:
    """told: ids of results that are withheld; covered: those of them whose counts must not be read off a table either;
    also: counts to withhold besides, by exhibit and frame.
    """

    told: frozenset[str]
    covered: frozenset[str]
    also: Mapping[tuple[str, str], frozenset[tuple[int, str]]]

    def besides(self, exhibit: str, name: str) -> frozenset[tuple[int, str]]:
        return self.also.get((exhibit, name), frozenset())


def _small(result: Result, rule: Rule) -> bool:
    return any(rule.small(count) for count in (result.estimate.n, result.estimate.n_events, *result.rests_on))


def _decide(answers: list[Answer], rule: Rule, also: Iterable[Cell]) -> _Decided:
    """Which results are withheld: those that rest on few, and those told by a cell that is blanked, whatever for."""
    cells: dict[tuple[str, str], frozenset[tuple[int, str]]] = {}
    for exhibit_id, name, row, column in also:
        cells[exhibit_id, name] = cells.get((exhibit_id, name), frozenset()) | {(row, column)}
    told = frozenset(r.id for a in answers for r in a.results if _small(r, rule))
    covered: frozenset[str] = frozenset()
    while rule.active:
        found: set[str] = set()
        for exhibit in (exhibit for answer in answers for exhibit in answer.exhibits):
            for name, frame in exhibit.frames.items():
                counted = exhibit.counted.get(name, Counted())
                if counted.results:
                    found |= show_frame(frame, counted, rule, covered, told, cells.get((exhibit.id, name), frozenset())).covered
        if found <= covered:
            break
        covered |= found
    return _Decided(told | covered, covered, cells)


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


def _protect_result(result: Result, ledger: Ledger, chapter: str, decided: _Decided) -> Result:
    if not ledger.rule.active:
        return result
    if not (_small(result, ledger.rule) or result.id in decided.told):
        warnings = tuple(show_caution(caution, ledger.rule) for caution in result.estimate.warnings)
        return replace(result, estimate=replace(result.estimate, warnings=warnings), rests_on=())
    ledger.record(chapter, result.id, "estimate", 1)
    return replace(result, estimate=_suppressed(result.estimate, ledger.rule), rests_on=())


def _protect_exhibit(exhibit: Exhibit, ledger: Ledger, chapter: str, decided: _Decided) -> Exhibit | Gap:
    """The exhibit as it may be shown; a gap in its place when all of it rests on few, or nothing of a curve is left."""
    rule, frames, shown = ledger.rule, {}, {}
    few = any(rule.small(count) for count in exhibit.rests_on)
    for name, frame in exhibit.frames.items():
        counted, besides = exhibit.counted.get(name, Counted()), decided.besides(exhibit.id, name)
        shown[name] = show_frame(frame, counted, rule, decided.covered, decided.told, besides)
        frames[name] = shown[name].frame
        few = few or (len(frames[name]) == 0 and len(frame) > 0)
    if few:
        ledger.record(chapter, exhibit.id, "exhibit", 1)
        return Gap(exhibit.title, _capital(withheld_text(rule)), "More people, or more follow-up.")
    for name, part in shown.items():
        ledger.record(chapter, exhibit.id, name, part.withheld)
    return replace(exhibit, frames=frames, options=_protect_options(exhibit, shown.values(), ledger, chapter), rests_on=())


def _protect_options(exhibit: Exhibit, shown: Iterable[ShownFrame], ledger: Ledger, chapter: str) -> dict[str, object]:
    """Counts of the caption: withheld when small, or when less what the frames show they would give a blanked count away."""
    options, rule = dict(exhibit.options), ledger.rule
    parts = [sums for frame in shown for sums in frame.exact.values()]
    for name in _COUNT_OPTIONS:
        value = options.get(name)
        if value is None or isinstance(value, str) or not rule.active:
            continue
        if rule.small(value):
            options[name] = rule.mark
        elif any(hidden > 0 and exact > 0 and rule.small(float(value) - exact) for exact, hidden in parts):
            options[name] = "withheld"
        else:
            continue
        ledger.record(chapter, exhibit.id, name, 1)
    return options


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _protect_cautions(cautions: Iterable[Caution], ledger: Ledger, chapter: str) -> tuple[Caution, ...]:
    out: dict[str, Caution] = {}
    for caution in cautions:
        shown = show_caution(caution, ledger.rule)
        ledger.record(chapter, "caution", caution.code, int(shown.text != caution.text))
        # several that are withheld read alike: once is enough
        key = shown.text if shown.text.startswith("Something is withheld") else f"{len(out)}"
        out.setdefault(key, shown)
    return tuple(out.values())


def _protect_answer(answer: Answer, ledger: Ledger, decided: _Decided, secret: set[str]) -> Answer:
    lead = []
    for statement in answer.lead:
        shown, withheld = show_statement(statement, ledger.rule, secret, decided.told)
        # what is withheld is not quoted in the log either
        ledger.record(answer.chapter, "text", "a sentence" if not statement.counts else statement.text[:60], withheld)
        if not (shown.text.startswith("A result is withheld") and shown in lead):
            lead.append(shown)
    exhibits = [_protect_exhibit(exhibit, ledger, answer.chapter, decided) for exhibit in answer.exhibits]
    gaps = [*(show_gap(gap, ledger.rule) for gap in answer.gaps), *(one for one in exhibits if isinstance(one, Gap))]
    return replace(
        answer,
        lead=tuple(lead),
        results=tuple(_protect_result(result, ledger, answer.chapter, decided) for result in answer.results),
        exhibits=tuple(one for one in exhibits if isinstance(one, Exhibit)),
        cautions=_protect_cautions(answer.cautions, ledger, answer.chapter),
        gaps=tuple(gaps),
    )


def protect(answers: Iterable[Answer], rule: Rule, also: frozenset[Cell] = frozenset()) -> tuple[list[Answer], pd.DataFrame]:
    """Apply ``rule`` to every answer of a run; returns the protected answers and the log.

    also: counts to withhold besides, each (exhibit id, frame name, row of the private frame from 0, column of counts). What follows from
    a cell that is withheld follows from these too: a second blank, derived numbers, the results that they tell.
    """
    answers, ledger = list(answers), Ledger(rule)
    decided = _decide(answers, rule, also)
    secret = {r.estimate.statement() for a in answers for r in a.results if r.id in decided.told}
    return [_protect_answer(answer, ledger, decided, secret) for answer in answers], ledger.log
