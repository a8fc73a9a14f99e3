"""Families of comparisons, as the plan names them: p-values are adjusted within each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.models import Plan
from mentorship_eval.inference.multiplicity import holm, within_families
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["adjusted_p_values", "adjusted_table", "planned_families"]


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


def adjusted_p_values(results: Sequence[Result], plan: Plan, rest: str | Sequence[str]) -> tuple[pd.DataFrame, str]:
    """family, p, adjusted (Holm, within the family) of each of ``results``, and how many comparisons each family has, in words.

    rest : family of those that the plan's families do not name, as in `planned_families`.
    """
    p_values = np.array([result.estimate.p_value for result in results])
    families = planned_families(plan.families, [result.id for result in results], rest)
    sizes = "; ".join(f"{family} {families.count(family)}" for family in dict.fromkeys(families))
    return pd.DataFrame({"family": families, "p": p_values, "adjusted": within_families(families, p_values, holm)}), sizes


def adjusted_table(exhibit_id: str, title: str, results: list[Result], plan: Plan) -> Exhibit:
    """p-values as they are and adjusted (Holm) within the families of the plan; of others headlines are one family and the rest another."""
    headed = any(result.role == "headline" for result in results)
    others = ["asked first" if r.role == "headline" else "others" if headed else "all" for r in results]
    adjusted, sizes = adjusted_p_values(results, plan, others)
    frame = pd.DataFrame({
        "group": [r.group for r in results], "level": [r.label for r in results], **adjusted, "told": [r.id for r in results],
        "fewest": [min((float(c) for c in r.rests_on if c), default=np.nan) for r in results],
    })  # fmt: skip
    return table_exhibit(
        exhibit_id, title, frame, derived=("p", "adjusted"), behind=("fewest",), results={"told": ""},
        labels={"group": "Group", "level": "Comparison", "family": "Family", "p": "p", "adjusted": "p (Holm)"}, formats={"p": "p", "adjusted": "p"},
        note=f"Comparisons by family, within this table: {sizes}. A large p-value does not show that groups are alike.",
    )  # fmt: skip
