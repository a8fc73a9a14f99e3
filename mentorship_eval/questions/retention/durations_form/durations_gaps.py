"""What the table ``durations`` cannot say, and what would unlock it."""

from __future__ import annotations

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Gap

__all__ = ["what_lacks"]


def what_lacks(cohort: Cohort) -> list[Gap]:
    """Questions that one line per person leaves open, each with the column or table that would answer it."""
    columns = set(cohort.table("durations").columns)
    gaps = [
        Gap(
            "What mentorship did to leaving, calendar time and left truncation accounted for",
            "The table durations has no dates.",
            "staff (staff_id), spells (staff_id, dept_id, start, end, leaving_reason) and matches (mentee_id, start)",
        )
    ]
    if "dept_id" not in columns:
        gaps.append(
            Gap(
                "Differences between departments, and intervals that allow for them",
                "The table durations has no departments.",
                "the column dept_id in durations, or the table spells",
            )
        )
    if "mentored_from" not in columns and "mentored" in columns:
        gaps.append(
            Gap(
                "Whether mentorship began before follow-up did (immortal time)",
                "The table durations does not say when mentorship began.",
                "the column mentored_from in durations, or the table matches",
            )
        )
    if "cause" not in columns:
        gaps.append(
            Gap(
                "Voluntary leaving apart from planned exits",
                "The table durations does not say why people left.",
                "the column cause in durations, or spells with leaving_reason",
            )
        )
    gaps.append(
        Gap(
            "Leaving where the programme is active (intention to treat)",
            "There is no roll-out.",
            "rollout (programme_id, dept_id, active_from) beside staff and spells",
        )
    )
    return gaps
