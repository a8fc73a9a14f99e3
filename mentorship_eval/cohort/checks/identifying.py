"""What a direct identifier looks like: the names of columns that say so, and the form of what stands in them.

A false alarm costs a user an afternoon, a miss costs somebody their privacy. What one value shows beyond doubt (an e-mail address) counts
at once; what another number could be by chance counts only when most of a column's different values have the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["PSEUDONYM", "Column", "identifying_name", "is_identifier", "plain_words", "valid_nhs_number"]

# as mentorship-eval pseudonymise makes them; here so that a column of them is known whatever its name
PSEUDONYM = re.compile(r"p[a-z2-7]{26}")

# each run of letters is tried once, from its beginning: long cells take time in proportion to their length
_EMAIL = re.compile(r"(?<![\w.+'-])[\w.+'-]++@(?:[\w-]+\.)+[A-Za-z]{2,}(?![\w@])")
_NHS = re.compile(r"(?<![\w.,-])(\d{3})([ -]?)(\d{3})\2(\d{4})(?![\w]|[.,-]\d)")
_WHO = (
    "full|first|last|given|middle|family|preferred|known as|maiden|staff|employee|worker|person|mentor|mentee|patient|nurse|manager|line manager|"
    "contact|recipient"
)
_NAMES = re.compile(
    r"^(?:"
    rf"(?:(?:{_WHO})? ?(?:{_WHO})? ?names?)"
    r"|fore ?names?|sur ?names?|.*\be ?mails?\b(?: address(?:es)?)?"
    r"|.*\bnhs (?:no|num|number)\b.*|nhsno|nhsnumber|ni (?:no|number)|nino|national insurance.*|ssn|social security.*|passport.*"
    r"|dob|d o b|.*\bdate of birth\b|.*\bbirth ?(?:date|day)|born(?: on)?"
    r"|(?:(?:home|work|mobile|cell|contact|staff|business) )?(?:tele)?phone(?: ?(?:no|num|number|numbers|\d))?|mobile (?:no|number)"
    r"|(?:(?:home|postal|street|mailing) )?address(?: line)?(?: ?\d)?|(?:home )?post ?code|zip ?code|ip ?address"
    r"|(?:(?:professional|prof) )?(?:registration|reg) (?:no|num|number|pin)"
    r"|(?:nmc|gmc|gphc|hcpc|gdc)(?: (?:no|num|number|pin|registration|reg))*"
    r")$"
)
_PHONE = re.compile(
    r"\+\d{1,3}[ ().-]*\d(?:[ ().-]*\d){7,11}|07\d{3}[ -]?\d{3}[ -]?\d{3}|\(?0\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}|\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}"
)
_INSURANCE = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", re.IGNORECASE)
_AREAS = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD "
    "HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH "
    "RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE"
)
_POSTCODE = re.compile(rf"(?:{'|'.join(_AREAS.split())})\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{{2}}", re.IGNORECASE)
_NURSING_PIN = re.compile(r"\d{2}[A-L]\d{4}[CENOSW]", re.IGNORECASE)
_TITLED = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sr|Sister)\.? (?:[^\W\d_][\w'’-]*\.? ){0,3}[^\W\d_][\w'’-]+")
_NAMED = re.compile(r"[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*,? (?:[^\W\d_]\.? )*[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*(?: [^\W\d_][^\W\d_'’-]+)?")
# whose cells, when they hold two or three words, hold names; unless the words are those of posts and places
_PEOPLE = re.compile(
    r"^(?:.*\b)?(?:mentor|mentee|manager|supervisor|employee|worker|person|staff(?: member)?|reporter|reported by|author|owner)(?: id)?$"
)
_FLAGS = frozenset({"yes", "no", "true", "false", "1", "0", "y", "n"})
_SAMPLE = 2000  # different values on which the forms of _MOST are tried: patterns are slow on millions of ids
_POSTS = re.compile(
    r"nurs|doctor|physician|manager|assistant|sister|midwi|consultant|pharmac|technic|student|ward|unit|department|team|admin|unknown|stated|"
    r"therap|practitioner|officer|registrar|trainee|support|health|clinic|care|staff|lead|director|other|not |service|hospital|general",
    re.IGNORECASE,
)


def plain_words(name: str) -> str:
    """A column's name as lower-case words: ``DateOfBirth`` -> ``date of birth``."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()


def identifying_name(name: str) -> bool:
    """Whether a column's name says that it identifies people."""
    return bool(_NAMES.match(plain_words(name)))


def is_identifier(text: str) -> bool:
    """Whether ``text`` as a whole is an e-mail address or a valid NHS number: in a header row a sign that it is a row of data."""
    number = _NHS.fullmatch(text.strip())
    valid = number is not None and valid_nhs_number(number.group(1) + number.group(3) + number.group(4))
    return valid or _EMAIL.fullmatch(text.strip()) is not None


def valid_nhs_number(digits: str) -> bool:
    """Ten digits whose last is the modulus 11 check digit of the first nine."""
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return check != 10 and check % 11 == int(digits[9])


def _whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _postcode(text: str) -> bool:
    # S10AB may as well be the code of a ward
    return (" " in text or len(text) > 5) and _POSTCODE.fullmatch(text) is not None


def _titled(text: str) -> bool:
    return _TITLED.fullmatch(text) is not None and not _POSTS.search(text)


# what -> test; most of the different values of a column must pass, and two at the least
_MOST: dict[str, Callable[[str], bool]] = {
    "telephone numbers": _whole(_PHONE),
    "National Insurance numbers": _whole(_INSURANCE),
    "full postcodes": _postcode,
    "nursing registration numbers": _whole(_NURSING_PIN),
    "names of people": _titled,
}


@dataclass
class Column:
    """What has been seen of one column so far; values may come in any number of portions.

    person: it is read as a person (an id of ours, or a name such as ``Mentor``), so that words in it are names.
    keep: how many of the values that show something are kept; all of them by default.
    """

    name: str
    person: bool = False
    keep: int | None = None
    different: int = 0
    tried: int = 0  # values on which the forms of _MOST were tried
    numbers: int = 0  # values with ten digits that could be NHS numbers
    pseudonyms: int = 0
    flags: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    values: dict[str, set[str]] = field(default_factory=dict)

    def look(self, values: Iterable[str]) -> None:
        """Take in the different values of a portion of the column; blanks around them do not matter."""
        person = self.person or bool(_PEOPLE.match(plain_words(self.name)))
        for text in map(str.strip, values):
            if not text:
                continue
            self.different += 1
            if PSEUDONYM.fullmatch(text):
                self.pseudonyms += 1
                continue
            self.flags += len(text) < 6 and text.lower() in _FLAGS
            if "@" in text and _EMAIL.search(text):
                self._hit("e-mail addresses", text)
            number = _NHS.search(text) if len(text) >= 10 else None
            if number:
                self.numbers += 1
                if valid_nhs_number(number.group(1) + number.group(3) + number.group(4)):
                    self._hit("valid NHS numbers", text)
            if self.tried < _SAMPLE:
                self.tried += 1
                for what in [what for what, fits in _MOST.items() if 5 <= len(text) <= 60 and fits(text)]:
                    self._hit(what, text)
                if person and len(text) <= 60 and _NAMED.fullmatch(text) and not _POSTS.search(text) and not _titled(text):
                    self._hit("names of people", text)

    def _hit(self, what: str, text: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        kept = self.values.setdefault(what, set())
        if self.keep is None or len(kept) < self.keep:
            kept.add(text)

    @property
    def harmless(self) -> bool:
        """Nothing but pseudonyms as `pseudonymise` writes them, or yes and no, or nothing at all: then the name of the column does not count."""
        return self.different in (self.pseudonyms, self.flags)

    def verdict(self) -> tuple[str, set[str]]:
        """What the column holds, in words, and values that show it; "" when nothing was found."""
        if "e-mail addresses" in self.counts:
            return "e-mail addresses", self.values["e-mail addresses"]
        valid = self.counts.get("valid NHS numbers", 0)
        # one number in eleven passes the check by chance: a column of other ten-digit numbers is let through
        if valid > 0.5 * self.numbers:
            return "valid NHS numbers", self.values["valid NHS numbers"]
        for what in _MOST:
            if self.counts.get(what, 0) >= 2 and self.counts[what] > 0.5 * self.tried:
                return what, self.values[what]
        return "", set()
