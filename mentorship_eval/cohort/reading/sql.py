"""What may be asked of a database: one statement that reads, told by its words before anything is sent."""

from __future__ import annotations

import re

from mentorship_eval.cohort.reading.raw import Unreadable

__all__ = ["ordered", "single_select"]

_QUOTED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL
)
_WRITES = re.compile(
    r"\b(?:insert|update|delete|merge|drop|alter|create|truncate|into|exec|execute|call|grant|revoke|copy|attach|detach|pragma|vacuum|lock)\b",
    re.IGNORECASE,
)
_FIX = "Give one SELECT (or WITH ... SELECT) that changes nothing; put names such as \"update\" into double quotes."


def _bare(query: str) -> str:
    """The query without comments and without what stands in quotation marks."""
    return _QUOTED.sub(lambda found: " " if found.group().startswith(("--", "/*")) else " quoted ", query)


def single_select(query: str) -> str:
    """The query without a closing semicolon; raises :class:`Unreadable` unless it is a single SELECT or WITH that only reads."""
    text = query.strip().rstrip(";").strip()
    if "\\'" in text or '\\"' in text or "/*!" in text:
        # databases do not agree where such a text ends, so what follows could be a second statement
        raise Unreadable("the query holds a backslash before a quotation mark, or a comment that is run", fix="Write '' for a quotation mark.")
    bare = _bare(text)
    if ";" in bare:
        raise Unreadable("the query holds more than one statement", fix=_FIX)
    if not re.match(r"[\s(]*(?:select|with)\b", bare, re.IGNORECASE):
        raise Unreadable("the query is not a SELECT", fix=_FIX)
    writes = _WRITES.search(bare)
    if writes:
        raise Unreadable(f"the query holds the word {writes.group().upper()}: only queries that read are run", fix=_FIX)
    return text


def ordered(query: str) -> bool:
    """Whether the query says in which order its rows come."""
    return re.search(r"\border\s+by\b", _bare(query), re.IGNORECASE) is not None
