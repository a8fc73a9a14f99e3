"""Which shipped scale a score belongs to, however its instrument and subscale are spelled, and in which direction it is read.

A direction is never guessed: a subscale that the key does not hold has the direction of its neighbours only where all of them have the same one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mentorship_eval.inference.scales.keys import ScoringKey, scoring_keys

__all__ = ["TOTAL", "KnownScale", "known_key", "known_scale", "plain", "scale_slug"]

TOTAL = "total"
# instruments that are often named shorter than their scoring key, beside the aliases of the keys
_SHORT = {"uwes": "UWES-9", "cd risc": "CD-RISC-10"}
# subscales that are often written out, or shortened
_PARTS = {
    ("MBI-HSS", "emotional exhaustion"): "EE", ("MBI-HSS", "depersonalisation"): "DP", ("MBI-HSS", "depersonalization"): "DP",
    ("MBI-HSS", "personal accomplishment"): "PA", ("ProQOL-5", "cs"): "compassion satisfaction", ("ProQOL-5", "bo"): "burnout",
    ("ProQOL-5", "sts"): "secondary traumatic stress",
}  # fmt: skip
_READING = {"higher": True, "lower": False}


@dataclass(frozen=True)
class KnownScale:
    """key: of the instrument, None where none is shipped for this scale; subscale: as the key spells it; higher_is_better: None where not known."""

    key: ScoringKey | None
    subscale: str
    higher_is_better: bool | None


def plain(text: str) -> str:
    """A name without case, hyphens and underscores."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def scale_slug(instrument: str, subscale: str) -> str:
    """The name of a scale in ids: the instrument and, where it is not the whole, the subscale."""
    whole = subscale.lower() in (TOTAL, "")
    return "_".join(filter(None, [instrument, "" if whole else subscale])).lower().replace("-", "_").replace(" ", "_")


def known_key(instrument: str) -> ScoringKey | None:
    """The shipped key of an instrument, by its name or another that is known."""
    by_name = {plain(name): key for key in scoring_keys().values() for name in (key.name, *key.aliases)}
    wanted = plain(instrument)
    return by_name.get(plain(_SHORT.get(wanted, wanted)))


def known_scale(instrument: str, subscale: str) -> KnownScale:
    """What the shipped keys know of the scores of ``subscale`` ("total" or "" for the whole) of ``instrument``."""
    key = known_key(instrument)
    if key is None:
        return KnownScale(None, subscale, None)
    wanted = plain(subscale)
    part = next((name for name in key.subscales if plain(name) == wanted), _PARTS.get((key.name, wanted), ""))
    if part:
        return KnownScale(key, part, _READING.get(key.subscales[part].better))
    whole = TOTAL if wanted in (TOTAL, "") else subscale
    readings = {each.better for each in key.subscales.values()}
    if len(readings | {key.better}) > 1:
        # exhaustion under a name that nobody knows is not read like accomplishment, nor a sum of the two
        return KnownScale(None, whole, None)
    return KnownScale(key, whole, _READING.get(key.better))
