"""From an identifier as somebody typed it to its pseudonym.

A pseudonym is ``p`` and the first 26 letters of the base 32 form of HMAC-SHA256 (RFC 2104, RFC 4648): 130 bits. Among ten million people
two share one with a probability below 1e-25. It begins with a letter and has no capitals, so that no spreadsheet makes a number of it.
"""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from mentorship_eval.cohort.checks.identifying import PSEUDONYM

__all__ = ["KINDS", "Malformed", "hasher", "normalise"]

# kind -> what is done to a value before it is hashed, as users are told
KINDS = {
    "text": "blanks around it taken off, blanks within it made one, capitals made small",
    "email": "blanks taken off, capitals made small; must be an e-mail address",
    "nhs": "blanks and hyphens taken out; must have ten digits",
}
_ADDRESS = re.compile(r"[^@\s<>:;,()\"]+@[^@\s<>:;,()\"]+\.[^@\s<>:;,()\"]+")
_KEPT = 200_000  # pseudonyms remembered at a time: people come back in the same file, and memory stays bounded


class Malformed(ValueError):
    """A value that is not of its declared kind; the message does not quote it."""


def normalise(text: str, kind: str) -> str:
    """``text`` in the form that is hashed; raises :class:`Malformed`. Compatible letters are one (Unicode NFKC), invisible ones are gone.

    Signs without width come along when cells are copied from web pages, and would make two people of one.
    """
    seen = "".join(letter for letter in text if letter.isascii() or unicodedata.category(letter) != "Cf")
    plain = " ".join(unicodedata.normalize("NFKC", seen).split())
    if kind == "nhs":
        digits = re.sub(r"[\s-]", "", plain)
        if not (len(digits) == 10 and digits.isascii() and digits.isdigit()):
            raise Malformed("is not an NHS number of ten digits")
        return digits
    plain = plain.casefold()
    if kind == "email" and not _ADDRESS.fullmatch(plain):
        raise Malformed("is not an e-mail address")
    if PSEUDONYM.fullmatch(plain):
        raise Malformed("is a pseudonym already; hashed again it would link to nothing")
    return plain


def hasher(secret: bytes) -> Callable[[str], str]:
    """Normalised identifier -> pseudonym under ``secret``."""

    @lru_cache(maxsize=_KEPT)
    def pseudonym(identifier: str) -> str:
        digest = hmac.digest(secret, identifier.encode("utf-8", "surrogatepass"), "sha256")
        return "p" + base64.b32encode(digest)[:26].decode("ascii").lower()

    return pseudonym
