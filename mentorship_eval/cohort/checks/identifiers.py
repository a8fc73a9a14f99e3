"""Direct identifiers: found by the names of columns and by what stands in them, in mapped and unmapped columns alike."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Source

__all__ = ["check_identifiers", "valid_nhs_number"]

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_NHS = re.compile(r"(?<![\w.,-])(\d{3})([ -]?)(\d{3})\2(\d{4})(?![\w]|[.,-]\d)")
_NAMES = re.compile(
    r"^(?:"
    r"(?:full|first|last|given|middle|family|preferred|known as|maiden|staff|employee|person|mentor|mentee|patient|nurse)? ?names?"
    r"|fore ?names?|sur ?names?|.*\be ?mails?\b.*"
    r"|.*\bnhs (?:no|num|number)\b.*|nhsno|nhsnumber|ni (?:no|number)|nino|national insurance.*|ssn|social security.*|passport.*"
    r"|dob|d o b|.*\bdate of birth\b|.*\bbirth ?date"
    r"|.*\b(?:tele)?phone\b.*|mobile(?: (?:no|number))?"
    r"|(?:home )?address(?: line ?\d)?|post ?code|zip ?code"
    r"|(?:nmc|gmc|gphc|hcpc)(?: (?:no|number|pin))?"
    r")$"
)
# the name of a ward or of a programme is nobody's name
_NAMES_OF_THINGS = {("departments", "name"), ("programmes", "name")}
_FIX = (
    "Take the column out before the file comes here, or put a pseudonym in its place; if it identifies nobody, "
    "list it under not_identifiers in study.yaml."
)


def valid_nhs_number(digits: str) -> bool:
    """Ten digits whose last is the modulus 11 check digit of the first nine."""
    if len(digits) != 10 or not digits.isdigit() or len(set(digits)) == 1:
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return check != 10 and check % 11 == int(digits[9])


def check_identifiers(source: Source) -> None:
    """E121 per column. What was found is never quoted."""
    for name in source.raw.columns:
        if name in source.declared.not_identifiers:
            continue
        words = re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()
        ours = {key for key, theirs in source.theirs.items() if theirs == name} or {words}
        if _NAMES.match(words) and not any((source.name, key) in _NAMES_OF_THINGS for key in ours):
            source.find("E121", "the column's name says that it identifies people", rows=source.declared.header_row, column=name, fix=_FIX)
            continue
        what, rows = _in_values(source.raw[name])
        if what:
            source.find("E121", f"holds {what}", rows=rows, column=name, fix=_FIX)


def _in_values(values: pd.Series) -> tuple[str, pd.Index]:
    codes, uniques = pd.factorize(values.to_numpy(dtype=object))
    if any("@" in text for text in uniques):
        hits = [i for i, text in enumerate(uniques) if "@" in text and _EMAIL.search(text)]
        if hits:
            return "e-mail addresses", values.index[np.isin(codes, hits)]
    candidates = {i: match for i, text in enumerate(uniques) if len(text) >= 10 and (match := _NHS.search(text))}
    valid = [i for i, match in candidates.items() if valid_nhs_number(match.group(1) + match.group(3) + match.group(4))]
    # one number in eleven passes the check by chance: a column of other ten-digit numbers is let through
    if valid and len(valid) > 0.5 * len(candidates):
        return "valid NHS numbers", values.index[np.isin(codes, valid)]
    return "", values.index[:0]
