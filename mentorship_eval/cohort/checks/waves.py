"""Waves of a survey that nobody answers twice: whatever their column says, they are no repeated measures."""

from __future__ import annotations

from mentorship_eval.cohort.reading.raw import Source

__all__ = ["check_waves"]


def check_waves(source: Source) -> None:
    """E126 where answers carry a person and no person answers in more than one wave; W126 where they are anonymous or that is declared.

    Such a ``wave`` is often something else: the number of waves that a person answered, a site, a version of the questionnaire. Change
    within people cannot be told from it, and comparing its values compares different people.
    """
    frame = source.frame
    person = next((name for name in ("staff_id", "anon_id") if name in frame and frame[name].notna().any()), "")
    if not person or not {person, "wave"} <= set(frame.columns):
        return
    known = frame[[person, "wave"]].dropna().drop_duplicates()
    waves = sorted(int(wave) for wave in known["wave"].unique())
    if len(waves) < 2 or known[person].duplicated().any():
        return
    people = known["wave"].value_counts().sort_index()
    told = ", ".join(f"{int(wave)}: {n:,}" for wave, n in people.head(5).items()) + (", ..." if len(people) > 5 else "")
    theirs = source.theirs.get("wave", "wave")
    if person == "staff_id" and not source.declared.cross_sectional:
        source.find(
            "E126",
            f"no person answers in more than one wave (people by {theirs} {told}): these are no repeated measures",
            column="wave",
            fix=f"See what {theirs} means: it may be the number of waves that a person answered, or a site. Map the true wave and an id that is the "
            "same in every wave; or, if each wave asked different people, say so: cross_sectional: true under surveys. Change within people then "
            "stays unknown.",
        )
    else:
        source.find(
            "W126",
            f"no {'person' if person == 'staff_id' else 'respondent'} answers in more than one wave: waves compare different people",
            column="wave",
            fix="" if source.declared.cross_sectional else "If that was the design, cross_sectional: true under surveys says so.",
        )
