"""Families of comparisons, as the plan names them: p-values are adjusted within each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["planned_families"]


def planned_families(families: Mapping[str, Iterable[str]], ids: Sequence[str], rest: str | Sequence[str]) -> list[str]:
    """The family of each result; of those that no family names, ``rest`` (one for all, or one each).

    families : of the plan, by name: ids of results, or whole parts of them between full stops (``gender`` names ``equity.reach.gender``).
    """
    others = [rest] * len(ids) if isinstance(rest, str) else list(rest)
    told = []
    for name, other in zip(ids, others, strict=True):
        parts = name.split(".")
        meant = {".".join(parts[begin:end]) for begin in range(len(parts)) for end in range(begin + 1, len(parts) + 1)}
        told.append(next((family for family, members in families.items() if meant & set(members)), other))
    return told
