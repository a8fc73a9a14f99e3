"""Why a pair was made, in one line that a coordinator can judge."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.matching.pool import Pool
from mentorship_eval.matching.scores import FIELD

__all__ = ["UNMET", "reason"]

UNMET = ("does not offer ", "another ", "not alike as wished in ", "nothing is known ")  # how reasons begin that speak against a pair


def reason(pool: Pool, said: Mapping[str, Mapping[str, set[str]]], parts: Mapping[str, float], mentee: str, mentor: str) -> str:
    """Goals and wishes met and not met; ``parts`` are the parts of the pair's score, ``said`` the pool's wishes by kind and person."""
    told = []
    if wanted := said["seeks"].get(mentee):
        offered = said["offers"].get(mentor, set())
        told += _both("offers", sorted(wanted & offered), "does not offer", sorted(wanted - offered))
    one, other = pool.mentees.loc[mentee], pool.mentors.loc[mentor]
    field = [name for name in FIELD if name in pool.attributes and one[name] == one[name] and one[name] is not None]
    told += _both("same", [name for name in field if one[name] == other[name]], "another", [name for name in field if one[name] != other[name]])
    if wished := sorted(said["same"].get(mentee, ())):
        met = [name for name in wished if one[name] == other[name]]
        told += _both("alike as wished in", met, "not alike as wished in", [name for name in wished if name not in met])
    if parts["preference"] == parts["preference"]:
        told.append("named by the mentee" if parts["preference"] else "another than the mentee named")
    return "; ".join(told) or "nothing is known of what the mentee wants"


def _both(met: str, good: list[str], unmet: str, bad: list[str]) -> list[str]:
    return [f"{words} {', '.join(names)}" for words, names in ((met, good), (unmet, bad)) if names]
