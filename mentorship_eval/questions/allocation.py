"""How departments came to have the programme, and what that means for the reading."""

from __future__ import annotations

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution

__all__ = ["allocation_cautions", "allocations"]


def allocations(cohort: Cohort) -> set[str]:
    """How the departments came to their dates, as rollout says; empty when it does not."""
    if not cohort.has("rollout") or "allocation" not in cohort.table("rollout"):
        return set()
    return {str(value) for value in cohort.table("rollout")["allocation"].dropna().unique()}


def allocation_cautions(cohort: Cohort) -> list[Caution]:
    """What the allocation, and an end of the programme, mean for the reading."""
    out, how = [], allocations(cohort)
    if "targeted" in how:
        text = (
            "Departments were chosen for the programme (targeted). If they were chosen for bad months, part of any improvement is "
            "regression to the mean."
        )
        out.append(Caution("regression_to_mean", text, {"allocation": sorted(how)}))
    if how - {"random", "targeted"}:
        text = f"The order of go-live was {' or '.join(sorted(how))}, not random: the permutation p-value is a placebo test."
        out.append(Caution("timing_not_random", text, {"allocation": sorted(how)}))
    if cohort.has("rollout") and "active_to" in cohort.table("rollout") and cohort.table("rollout")["active_to"].notna().any():
        stopped = int(cohort.table("rollout")["active_to"].notna().sum())
        text = f"In {stopped} departments the programme ended; they stay counted as having it (intention to treat)."
        out.append(Caution("programme_ended", text, {"departments": stopped}))
    return out
