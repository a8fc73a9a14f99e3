"""How departments came to have the programme, and what that means for the reading."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution

__all__ = ["allocation_cautions", "allocations", "other_programmes", "own_rollout"]


def other_programmes(cohort: Cohort) -> list[str]:
    """Programmes of rollout that are not the mentorship: those that the plan names (plan.incidents.other_programmes), else, where matches name
    their programme, those under which nobody was matched."""
    if not cohort.has("rollout") or "programme_id" not in cohort.table("rollout"):
        return []
    known = [str(name) for name in cohort.table("rollout")["programme_id"].dropna().unique()]
    named = cohort.study.plan.incidents.other_programmes
    if named:
        return [name for name in known if name in named]
    if not cohort.has("matches") or "programme_id" not in cohort.table("matches"):
        return []
    mentoring = set(cohort.table("matches")["programme_id"].dropna().astype(str))
    return [name for name in known if name not in mentoring] if mentoring & set(known) else []


def own_rollout(cohort: Cohort) -> pd.DataFrame:
    """The rows of rollout that are about the mentorship."""
    rollout, others = cohort.table("rollout"), other_programmes(cohort)
    return rollout[~rollout["programme_id"].astype(str).isin(others)] if others else rollout


def allocations(cohort: Cohort) -> set[str]:
    """How the departments came to their dates, as rollout says; empty when it does not."""
    if not cohort.has("rollout") or "allocation" not in cohort.table("rollout"):
        return set()
    return {str(value) for value in own_rollout(cohort)["allocation"].dropna().unique()}


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
    if cohort.has("rollout") and "active_to" in cohort.table("rollout") and own_rollout(cohort)["active_to"].notna().any():
        stopped = int(own_rollout(cohort)["active_to"].notna().sum())
        text = f"In {stopped} departments the programme ended; they stay counted as having it (intention to treat)."
        out.append(Caution("programme_ended", text, {"departments": stopped}))
    return out
