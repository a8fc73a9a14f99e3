"""Which reasons for the end of a match say that it ended as planned: one list for every chapter that asks."""

from __future__ import annotations

import pandas as pd

__all__ = ["FINISHED", "ended_as_planned"]

FINISHED: frozenset[str] = frozenset({
    "completed", "complete", "completion", "finished", "planned", "planned_end", "ended_as_planned", "as_planned", "goals_met", "goal_met",
    "goals_achieved", "goals_reached", "objectives_met", "accomplished", "fulfilled", "graduated", "programme_completed", "program_completed",
    "match_completed", "mentorship_completed", "end_of_programme", "end_of_program", "programme_ended", "program_ended", "end_of_term", "natural_end",
})  # fmt: skip
_NOT_SAID = frozenset({"", "nan", "none", "na", "n/a", "unknown", "not_known", "not_recorded", "not_stated", "missing"})


def ended_as_planned(reasons: pd.Series) -> pd.Series:
    """True where a reason is one of `FINISHED`, False where it is another, missing where none is said; of dtype boolean, index as given.

    Capitals, blanks around it, and blanks or hyphens within it make no difference: "Goals met" is "goals_met". A missing reason is neither a
    planned end nor an early one: whoever counts early ends has to follow such a match no longer than to its end, and say so.
    """
    words = reasons.astype(object).where(reasons.notna(), "").astype(str).str.strip().str.lower().str.replace(r"[\s\-_]+", "_", regex=True)
    return words.isin(FINISHED).astype("boolean").mask(words.isin(_NOT_SAID))
