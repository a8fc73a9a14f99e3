"""What may be asked of a database: one statement that reads, told by its words before anything is sent."""

from __future__ import annotations

import re
from functools import cache

from mentorship_eval.cohort.reading.raw import Unreadable

__all__ = ["ordered", "single_select"]

_STANDARD = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/"
# further marks around texts and names, each in some databases only: what is a quotation to one is code to another
_BRACKETS = (r"\[[^\]]*\]", frozenset({"mssql", "sqlite", "access"}))
_BACKTICKS = (r"`[^`]*`", frozenset({"mysql", "mariadb", "sqlite"}))
_DOLLARS = (r"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$", frozenset({"postgresql", "duckdb"}))
_MYSQL = frozenset({"mysql", "mariadb"})
_WRITES = re.compile(
    r"\b(?:insert|update|delete|merge|drop|alter|create|truncate|into|exec|execute|call|grant|revoke|copy|attach|detach|pragma|vacuum|lock)\b",
    re.IGNORECASE,
)
# SQL Server takes a second statement without a semicolon
_SECOND = re.compile(r"\b(?:commit|shutdown|kill|backup|restore|waitfor|dbcc|reconfigure|deny|bulk|declare)\b", re.IGNORECASE)
_FIX = "Give one SELECT (or WITH ... SELECT) that changes nothing; put names such as \"update\" into double quotes."


@cache
def _quoted(backend: str) -> re.Pattern[str]:
    return re.compile("|".join([_STANDARD, *(mark for mark, known in (_BRACKETS, _BACKTICKS, _DOLLARS) if backend in known)]), re.DOTALL)


def _bare(query: str, backend: str) -> str:
    """The query without comments and without what stands in quotation marks; raises :class:`Unreadable` where databases differ on what these are."""

    def instead(found: re.Match[str]) -> str:
        part = found.group()
        if part.startswith("/*") and "/*" in part[2:]:
            raise Unreadable("the query holds a comment within a comment", fix="Take it out.")
        if part.startswith("--") and backend in _MYSQL and part[2:3].strip():
            raise Unreadable("the query holds -- without a blank after it", fix="Write a blank before and after each minus sign.")
        return " " if part.startswith(("--", "/*")) else " quoted "

    bare = _quoted(backend).sub(instead, query)
    if re.search(r"['\"]|/\*", bare):
        raise Unreadable("a quotation mark or a comment in the query is never closed", fix=_FIX)
    if "#" in bare and backend in _MYSQL:
        raise Unreadable("the query holds a comment that begins with #", fix="Write -- and a blank.")
    return bare


def single_select(query: str, backend: str = "") -> str:
    """The query without a closing semicolon; raises :class:`Unreadable` unless it is a single SELECT or WITH that only reads.

    backend: SQLAlchemy's name of the kind of database, whose quotation marks hold; of one that is not known, those of standard SQL alone. Functions
    that do something (``pg_terminate_backend``) are not told from others: what a user of the database may do is the database's affair.
    """
    text = query.strip().rstrip(";").strip()
    if "\\'" in text or '\\"' in text or "/*!" in text:
        # databases do not agree where such a text ends, so what follows could be a second statement
        raise Unreadable("the query holds a backslash before a quotation mark, or a comment that is run", fix="Write '' for a quotation mark.")
    bare = _bare(text, backend)
    if ";" in bare:
        raise Unreadable("the query holds more than one statement", fix=_FIX)
    if not re.match(r"[\s(]*(?:select|with)\b", bare, re.IGNORECASE):
        raise Unreadable("the query is not a SELECT", fix=_FIX)
    writes = _WRITES.search(bare) or (_SECOND.search(bare) if backend == "mssql" else None)
    if writes:
        raise Unreadable(f"the query holds the word {writes.group().upper()}: only queries that read are run", fix=_FIX)
    return text


def ordered(query: str, backend: str = "") -> bool:
    """Whether the query says in which order its rows come."""
    return re.search(r"\border\s+by\b", _bare(query, backend), re.IGNORECASE) is not None
