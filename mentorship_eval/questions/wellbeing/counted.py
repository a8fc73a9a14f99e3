"""What the comparisons of this chapter rest on, and are measured in: counts that give nobody away, cautions said once, the spread of a scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy

__all__ = ["UNCOUNTED", "Warned", "counts_of", "first_spread", "listed", "number_told", "people_and_answers", "said_once"]

# more than any profile of disclosure withholds: fewer between two counts of people, and only one of the two is told
_FEW = 30
UNCOUNTED = "The number of people is left out: a small number of people tells it from the number of scores of that wave."

# code and words of a caution -> the scales that it is about, each with the counts behind it
Warned = dict[tuple[str, str], list[tuple[str, tuple[float, ...]]]]


def people_and_answers(rows: pd.DataFrame) -> tuple[float, float]:
    """How many people ``rows`` are of, and how many answers they are."""
    return float(rows["person"].nunique()), float(len(rows))


def counts_of(rows: pd.DataFrame) -> tuple[float, ...]:
    """People and answers of either arm, behind every comparison."""
    return tuple(value for arm in (1, 0) for value in people_and_answers(rows[rows["mentored"] == arm]))


def number_told(count: int, others: Iterable[int]) -> int | None:
    """``count``, or nothing where it differs by few from one of the ``others``, which are told."""
    return None if any(0 < abs(count - other) < _FEW for other in others) else count


def first_spread(study: SurveyStudy, scale: Scale) -> float:
    """SD of the scores of the people who are compared, at the first wave at which they gave any.

    Where few others answered then, it is theirs too: the SD of everybody's scores is told, and two that differ by one person tell that score.
    """
    rows, everyone = study.answers(scale), study.all_answers(scale)
    rows = everyone if rows.empty else rows
    rows, everyone = (each.loc[each["wave"] == rows["wave"].min(), scale.column] for each in (rows, everyone))
    return float((rows if number_told(len(rows), [len(everyone)]) is not None else everyone).std(ddof=1))


def listed(names: Sequence[str]) -> str:
    """Names of scales one after the other, a capital at the beginning alone, and where a name is an abbreviation."""
    return ", ".join(name if place == 0 or name[:2].isupper() else name[:1].lower() + name[1:] for place, name in enumerate(names))


def said_once(warned: Warned, *, topic: str = "", scales: Sequence[str] = ()) -> list[Caution]:
    """One caution for all the scales that it is about, named after the ``topic``, if any; of many ``scales`` those are named that it is not about."""
    out = []
    for (code, text), about in warned.items():
        names = [name for name, _ in about]
        others = [name for name in scales if name not in names]
        named = listed(names)
        if scales and len(others) < len(names):
            named = f"all scales but {listed(others)}" if others else ""
        start = f"{topic}, {named[:1].lower()}{named[1:]}" if topic and named and not named[:2].isupper() else ", ".join(filter(None, (topic, named)))
        out.append(Caution(code, f"{start}: {text}", {"rests_on": tuple(count for _, counts in about for count in counts)}))
    return out
