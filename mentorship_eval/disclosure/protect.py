"""The second pass of a run: one ledger decides over every result, table and sentence.

`protect` takes the private answers of all chapters and returns answers that may be shown, with a
log of what was withheld and why. It changes nothing but what the rule asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from mentorship_eval.disclosure.earlier import Earlier
from mentorship_eval.disclosure.frames import ShownFrame, show_frame
from mentorship_eval.disclosure.known import Cell, Known, names_of
from mentorship_eval.disclosure.points import coarse_points
from mentorship_eval.disclosure.results import is_small, show_result
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.texts import masked, show_caution, show_gap, show_statement, withheld_text
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result

__all__ = ["Ledger", "protect"]

# where an exhibit's options hold counts of people or events
_COUNT_OPTIONS = ("n", "n_events")
_LOG_COLUMNS = ["chapter", "item", "part", "rule", "why", "withheld"]


@dataclass
class Ledger:
    """What was decided in one run, over everything that it publishes."""

    rule: Rule
    entries: list[tuple[str, str, str, str, str, int]] = field(default_factory=list)

    def record(self, chapter: str, item: str, part: str, withheld: int, why: str = "primary") -> None:
        if withheld:
            self.entries.append((chapter, item, part, self.rule.name, why, withheld))

    @property
    def log(self) -> pd.DataFrame:
        """One row per item in which something was withheld, and why (disclosure_log.csv)."""
        return pd.DataFrame(self.entries, columns=_LOG_COLUMNS)


@dataclass(frozen=True)
class _Decided:
    """known: of the whole run; also: counts to withhold besides, by exhibit and frame; earlier: other runs of the cohort."""

    known: Known
    also: Mapping[tuple[str, str], frozenset[tuple[int, str]]]
    earlier: Earlier

    def show(self, exhibit: Exhibit, name: str, rule: Rule) -> ShownFrame:
        """One frame of an exhibit, given all that is known."""
        counted = exhibit.counted.get(name, Counted())
        published = self.earlier.cells(exhibit, name, counted) if self.earlier.runs else {}
        known = replace(self.known, also=self.also.get((exhibit.id, name), frozenset()), earlier=published)
        return show_frame(exhibit.frames[name], counted, rule, known)


def _decide(answers: list[Answer], rule: Rule, also: Iterable[Cell], earlier: Earlier) -> _Decided:
    """Which results are withheld: those that rest on few, and those told by a cell that is blanked, whatever for; which quantities are
    withheld wherever they stand; and which sizes are shown roughly.
    """
    cells: dict[tuple[str, str], frozenset[tuple[int, str]]] = {}
    for exhibit_id, name, row, column in also:
        cells[exhibit_id, name] = cells.get((exhibit_id, name), frozenset()) | {(row, column)}
    told = frozenset(r.id for a in answers for r in a.results if is_small(r, rule))
    exhibits = [exhibit for answer in answers for exhibit in answer.exhibits]
    decided = _Decided(Known(told, people=frozenset() if rule.round_to else _differing_by_few(exhibits, rule)), cells, earlier)
    # the others decide about nothing but themselves
    telling = [(exhibit, name) for exhibit in exhibits for name in exhibit.frames if _tells(exhibit.counted.get(name), earlier)]
    while rule.active:
        known = decided.known
        shown = [decided.show(exhibit, name, rule) for exhibit, name in telling]
        more = replace(
            known,
            covered=known.covered.union(*(frame.covered for frame in shown)),
            names=known.names.union(*(frame.names for frame in shown)),
            sizes=known.sizes.union(*(frame.sizes for frame in shown)),
            said={value: published for frame in shown for value, published in frame.near.items()},
        )
        if more == known:
            break
        decided = replace(decided, known=more)
    return replace(decided, known=replace(decided.known, told=decided.known.told | decided.known.covered))


def _tells(counted: Counted | None, earlier: Earlier) -> bool:
    """Whether what is withheld in a frame bears on results or other frames."""
    return counted is not None and bool(counted.results or counted.same or counted.populations or (earlier.runs and counted.counts))


def _differing_by_few(exhibits: Iterable[Exhibit], rule: Rule) -> frozenset[float]:
    """Counts of one quantity in two populations, one of which holds the other, that would tell of few by their difference."""
    found: dict[str, dict[str, float]] = {}
    for exhibit in exhibits:
        for name, frame in exhibit.frames.items():
            counted = exhibit.counted.get(name, Counted())
            for column in counted.same if rule.active else ():
                if column not in frame:
                    continue
                numbers = pd.to_numeric(frame[column], errors="coerce")
                for named, number in zip(names_of(frame, counted, column), numbers, strict=True):
                    quantity, _, population = named.partition("@")
                    if population and number >= rule.threshold:
                        found.setdefault(quantity, {})[population] = float(number)
    return frozenset(
        number for sizes in found.values() for number in sizes.values() if any(rule.near(number - other) for other in sizes.values())
    )

def _protect_result(result: Result, ledger: Ledger, chapter: str, decided: _Decided) -> Result:
    shown, why = show_result(result, ledger.rule, decided.known, decided.earlier)
    for part, reason in why.items():
        ledger.record(chapter, result.id, part, 1, reason)
    return shown


def _protect_exhibit(exhibit: Exhibit, ledger: Ledger, chapter: str, decided: _Decided) -> Exhibit | Gap:
    """The exhibit as it may be shown; a gap in its place when all of it rests on few, or nothing of a curve is left."""
    rule, frames, shown = ledger.rule, {}, {}
    few = any(rule.small(count) for count in exhibit.rests_on)
    for name, frame in exhibit.frames.items():
        shown[name] = decided.show(exhibit, name, rule)
        frames[name] = shown[name].frame
        few = few or (len(frames[name]) == 0 and len(frame) > 0)
    if few:
        ledger.record(chapter, exhibit.id, "exhibit", 1)
        return Gap(exhibit.title, _capital(withheld_text(rule)), "More people, or more follow-up.")
    for name, part in shown.items():
        for why, count in part.why.items():
            ledger.record(chapter, exhibit.id, name, count, why)
    if rule.point_digits and exhibit.kind != "table":
        frames = {name: coarse_points(frame, exhibit.counted.get(name, Counted()), rule) for name, frame in frames.items()}
    options = _protect_options(exhibit, shown.values(), ledger, chapter, decided)
    return replace(exhibit, frames=frames, options=options, rests_on=())


def _protect_options(exhibit: Exhibit, shown: Iterable[ShownFrame], ledger: Ledger, chapter: str, decided: _Decided) -> dict[str, object]:
    """Counts of the caption: withheld when small, or when less what the frames show they would give a blanked count away; rough where they are
    near those of an earlier run, or secret sizes.
    """
    options, rule = dict(exhibit.options), ledger.rule
    parts = [sums for frame in shown for sums in frame.exact.values()]
    for name in _COUNT_OPTIONS:
        value = options.get(name)
        if value is None or isinstance(value, str) or not rule.active:
            continue
        why = "primary"
        if rule.small(value):
            options[name] = rule.mark
        elif (published := decided.earlier.option(exhibit, name, rule)) is not None:
            options[name], why = f"≈{published:,.0f}", "earlier run"
        elif (roughly := decided.known.roughly(float(value), rule, of_people=name == "n")) is not None:
            options[name], why = f"≈{roughly:,.0f}", "earlier run" if float(value) in decided.known.said else "rounded"
        elif any(hidden > 0 and exact > 0 and rule.small(float(value) - exact) for exact, hidden in parts):
            options[name], why = rule.second_mark, "second"
        else:
            if rule.round_to:
                options[name] = type(value)(rule.rounded(float(value)))
            continue
        ledger.record(chapter, exhibit.id, name, 1, why)
    return options


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _protect_cautions(cautions: Iterable[Caution], ledger: Ledger, chapter: str, known: Known) -> tuple[Caution, ...]:
    out: dict[str, Caution] = {}
    for caution in cautions:
        shown = show_caution(caution, ledger.rule, known)
        ledger.record(chapter, "caution", caution.code, int(shown.text != caution.text))
        # several that are withheld read alike: once is enough
        key = shown.text if shown.text.startswith("Something is withheld") else f"{len(out)}"
        out.setdefault(key, shown)
    return tuple(out.values())


def _coarser_sentences(answer: Answer, rule: Rule, decided: _Decided) -> dict[str, str]:
    """A sentence that is a result's own says what the result says once its numbers are coarser."""
    shown = ((result, show_result(result, rule, decided.known, decided.earlier)[0]) for result in answer.results)
    return {old.estimate.statement(): new.estimate.statement() for old, new in shown if new.estimate.value == new.estimate.value}


def _protect_answer(answer: Answer, ledger: Ledger, decided: _Decided, secret: set[str]) -> Answer:
    lead = []
    again = _coarser_sentences(answer, ledger.rule, decided) if ledger.rule.round_to else {}
    for written in answer.lead:
        statement = replace(written, text=again.get(written.text, written.text))
        shown, withheld = show_statement(statement, ledger.rule, secret, decided.known)
        # what is withheld is not quoted in the log either
        ledger.record(answer.chapter, "text", "a sentence" if not statement.counts else statement.text[:60], withheld)
        if not (shown.text.startswith("A result is withheld") and shown in lead):
            lead.append(shown)
    exhibits = [_protect_exhibit(exhibit, ledger, answer.chapter, decided) for exhibit in answer.exhibits]
    gaps = [*(show_gap(gap, ledger.rule, decided.known) for gap in answer.gaps), *(one for one in exhibits if isinstance(one, Gap))]
    return replace(
        answer,
        lead=tuple(lead),
        results=tuple(_protect_result(result, ledger, answer.chapter, decided) for result in answer.results),
        methods=tuple(masked(text, ledger.rule) if ledger.rule.round_to else text for text in answer.methods),
        exhibits=tuple(one for one in exhibits if isinstance(one, Exhibit)),
        cautions=_protect_cautions(answer.cautions, ledger, answer.chapter, decided.known),
        gaps=tuple(gaps),
    )


def protect(
    answers: Iterable[Answer], rule: Rule, also: frozenset[Cell] = frozenset(), *, earlier: Sequence[Iterable[Answer]] = ()
) -> tuple[list[Answer], pd.DataFrame]:
    """Apply ``rule`` to every answer of a run; returns the protected answers and the log.

    also: counts to withhold besides, each (exhibit id, frame name, row of the private frame from 0, column of counts). What follows from
    a cell that is withheld follows from these too: a second blank, derived numbers, the results that they tell. earlier: protected
    answers of other runs of the cohort that were published, the newest first.
    """
    answers, ledger = list(answers), Ledger(rule)
    decided = _decide(answers, rule, also, Earlier.of(earlier, rule))
    secret = {r.estimate.statement() for a in answers for r in a.results if r.id in decided.known.told}
    return [_protect_answer(answer, ledger, decided, secret) for answer in answers], ledger.log
