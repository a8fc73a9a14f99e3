"""How departments came to have the programme, and what that means for the reading."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution

__all__ = ["BLOCK", "allocation_cautions", "allocations", "other_programmes", "own_rollout", "programme_ends", "with_blocks"]

BLOCK = "block_of_lottery"


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


def with_blocks(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with the block within which a department's date was drawn, where dates were drawn by lot: rollout.block, or one lottery for all
    departments that rollout allocates at random. Departments outside the lottery are a block of their own; without any, or without blocks, the
    rows are returned as they are.
    """
    if allocations(cohort) != {"random"}:
        return rows
    rollout = own_rollout(cohort)
    drawn = rollout[rollout["allocation"] == "random"].drop_duplicates("dept_id").set_index("dept_id")
    block = drawn["block"].astype(object).where(drawn["block"].notna(), "lottery") if "block" in drawn else pd.Series("lottery", index=drawn.index)
    found = rows["dept_id"].map(block.astype(str)).fillna("not drawn")
    return rows.assign(**{BLOCK: found}) if len(found.unique()) > 1 else rows


def programme_ends(cohort: Cohort) -> pd.Series:
    """dept_id -> last day of the programme there, missing while it lasts; a department has stopped when the last of its programmes has."""
    rollout = own_rollout(cohort)
    if "active_to" not in rollout:
        return pd.Series(dtype="datetime64[ns]")
    began = rollout[rollout["active_from"].notna()]
    return pd.to_datetime(began.groupby("dept_id")["active_to"].agg(lambda day: pd.NaT if day.isna().any() else day.max()))


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
