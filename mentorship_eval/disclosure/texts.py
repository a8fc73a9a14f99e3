"""Small counts in sentences: cautions, gaps and leads are written before protection, so that what they quote must be found again."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from mentorship_eval.disclosure.known import NOTHING, Known
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Gap, Statement

__all__ = ["masked", "roughly", "show_caution", "show_gap", "show_statement", "withheld_text"]

# where a caution's data hold counts of people or events
_COUNT_DATA = {
    "observed", "events", "matches", "persons", "leavers", "spells", "rows", "never", "always", "complement", "posts", "others",
}  # fmt: skip
# a number in front of one of these words counts people or events; "fewer than 5 people" is a rule and no count
_WORDS = (
    r"(?= (?:observed |voluntary |such |of them\b|only (?:un)?treated\b)?"
    r"(?:events?\b|persons?\b|people\b|leavers?\b|rows?\b|spells?\b|matches\b|returns?\b|exits?\b|incidents?\b|(?<=of them)|(?<=treated)))"
)
_COUNTED_WORDS = re.compile(r"(?<!ewer than )(?<![\d.,])(\d{1,3})" + _WORDS)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?![\d,])|\d+"
_ANY_COUNT = re.compile(rf"(?<!ewer than )(?<![\d.,])({_NUMBER})" + _WORDS)
_CLUSTERS = re.compile(rf"(?<!ewer than )(?<![\d.,])({_NUMBER})(?= (?:informative )?(?:clusters|departments|wards|units|sites)\b)")
# a number that stands alone: no part of a date, a decimal or a share
_ALONE = re.compile(rf"(?<![\d.,:−-])({_NUMBER})(?![\d,]|\.\d|-\d| ?%)")
_PERCENT = r"\d+(?:\.\d+)? ?%"
# which rows they are: positions are people
_LISTED = re.compile(r"(?P<before>\b(?:rows?|of them|people|persons)) \((?:[^()]*, )*[^()]*\d[^()%]*\)")


def withheld_text(rule: Rule) -> str:
    return f"withheld: it rests on fewer than {rule.threshold} persons or events."


def masked(text: str, rule: Rule) -> str:
    """``text`` with every small count of people or events replaced, the share behind it gone, and no list of rows."""
    if not rule.active:
        return text
    text = _LISTED.sub(lambda found: found["before"], text)
    words = [_ANY_COUNT if rule.round_to else _COUNTED_WORDS, *([_CLUSTERS] if rule.clusters_counted else [])]
    shown = text
    for pattern in words:
        shown = pattern.sub(lambda found: rule.show(float(found[1].replace(",", ""))), shown)
    if shown == text:
        return text
    # "fewer than 10 rows (19.4 %)" beside the size of the whole would give the count back
    return re.sub(rf"(fewer than {rule.threshold}(?: \w+){{0,2}}) \({_PERCENT}\)", r"\1", shown)


def roughly(text: str, rule: Rule, known: Known) -> str:
    """``text`` with every number that may only be shown roughly in this run said so."""
    if not (known.sizes or known.people or known.said):
        return text

    def said(found: re.Match[str]) -> str:
        number = known.roughly(float(found[1].replace(",", "")), rule)
        return found[0] if number is None else f"about {number:,.0f}"

    return _ALONE.sub(said, text)


def _share_words(share: float) -> list[str]:
    """How a share may have been printed."""
    return [f"{100 * share:.{digits}f}{space}%" for digits in (2, 1, 0) for space in (" ", "")]


def show_caution(caution: Caution, rule: Rule, known: Known = NOTHING) -> Caution:
    """The caution with its small counts masked; withheld whole where all of it rests on few."""
    if not rule.active:
        return caution
    text, data = caution.text, dict(caution.data)
    if any(rule.small(count) for count in data.pop("rests_on", ())):
        return Caution(caution.code, f"Something is {withheld_text(rule)}")
    few = [name for name in _COUNT_DATA & data.keys() if isinstance(data[name], int | float) and rule.small(data[name])]
    for name in few:
        # the number stands in the sentence as the engine wrote it
        pattern = rf"(?<!ewer than )(?<![\d.,]){float(data[name]):,.0f}(?![\d,]|\.\d| ?%)"
        text = re.sub(pattern, rule.show(data[name]), text)
        data[name] = rule.mark
    for name in [name for name in data if str(name).startswith("share")] if few else ():
        value = data[name]
        if isinstance(value, int | float) and not math.isnan(value):
            for words in _share_words(float(value)):
                text = re.sub(rf" \((?<![\d.]){re.escape(words)}\)", "", text)
                text = re.sub(rf"(?<![\d.]){re.escape(words)}", "a share (withheld)", text)
            data[name] = "withheld"
    if rule.round_to:
        data = {name: float(rule.rounded(value)) if name in _COUNT_DATA and isinstance(value, int | float) else value for name, value in data.items()}
    text = roughly(masked(text, rule), rule, known)
    return replace(caution, text=text[:1].upper() + text[1:], data=data)


def show_gap(gap: Gap, rule: Rule, known: Known = NOTHING) -> Gap:
    if any(rule.small(count) for count in gap.rests_on):
        return replace(gap, reason=withheld_text(rule)[:1].upper() + withheld_text(rule)[1:], rests_on=())
    return replace(gap, reason=roughly(masked(gap.reason, rule), rule, known), rests_on=())


def _alike(text: str) -> str:
    """For comparing sentences, whichever way per cent and column names are written."""
    return re.sub(r"(?<=\d) %", "%", text)


def show_statement(statement: Statement, rule: Rule, secret: Iterable[str], known: Known) -> tuple[Statement, int]:
    """The sentence with its counts filled in, and how many are withheld.

    secret: sentences of results that are withheld; a statement that quotes one, or is said to, is withheld with it.
    """
    small = sum(rule.small(value) for value in statement.counts.values())
    quoted = bool(known.told.intersection(statement.results)) or _alike(statement.text) in {_alike(text) for text in secret}
    if quoted or any(rule.small(value) for value in statement.rests_on):
        return Statement(f"A result is {withheld_text(rule)}"), small + 1
    if not statement.counts:
        return Statement(roughly(masked(statement.text, rule) if rule.round_to else statement.text, rule, known), see=statement.see), small
    rough = {name: known.roughly(value, rule) for name, value in statement.counts.items()}
    shown = {name: rule.show(value) if rough[name] is None else f"about {rough[name]:,.0f}" for name, value in statement.counts.items()}
    return Statement(statement.text.format(**shown), see=statement.see), small
