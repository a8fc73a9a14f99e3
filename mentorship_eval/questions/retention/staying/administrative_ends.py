"""Ends of employment that may be administrative: many on one day, retire-and-return, over to the bank (W108).

Records call a ward that went to another employer a hundred resignations on one day. Nothing is reclassified here; what still looks
administrative under the rules of the study (`cohort.checks.administrative`) is said, with the rule that would tell it otherwise.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.checks.administrative import unusual_days
from mentorship_eval.cohort.person_time.employments import day_number
from mentorship_eval.cohort.person_time.in_post import InPost, in_post
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.section import Section

__all__ = ["administrative_ends", "mass_ends"]

SHARE = 0.05
_PLANNED = ("tupe", "end_of_contract", "transfer")


def mass_ends(found: InPost, first: float, last: float, share: float = SHARE) -> pd.DataFrame:
    """Departments and days in (first, last] on which unusually many people and ``share`` of the department left, planned ends aside.

    Columns dept_id, day, left, voluntary (of them), heads (in the department at the close of the day before); largest first.
    """
    exits = found.exits[(found.exits["day"] > first) & (found.exits["day"] <= last) & ~found.exits["reason"].isin(_PLANNED)]
    days = exits.assign(voluntary=exits["reason"].eq("voluntary")).groupby(["dept_id", "day"], as_index=False)
    table = days.agg(left=("person", "size"), voluntary=("voluntary", "sum"))
    unusual = unusual_days(table.set_index(["dept_id", "day"])["left"])
    table = table[pd.MultiIndex.from_frame(table[["dept_id", "day"]]).isin(unusual.index)]
    heads = [int(found.held(row.day - 1)["dept_id"].eq(row.dept_id).sum()) for row in table.itertuples()]
    table = table.assign(heads=heads)
    return table[table["left"] >= share * table["heads"]].sort_values("left", ascending=False, ignore_index=True)


def administrative_ends(study: Prepared) -> Section:
    """Cautions; nothing when no end looks administrative."""
    cohort, told = study.cohort, Section()
    spells, rules = cohort.table("spells"), cohort.study.rules
    found = in_post(staff=cohort.table("staff"), spells=spells, bridge_gap=max(int(rules.rehire_gap_days), 1))
    start, end = day_number(pd.Series(cohort.window), "window")
    mass = mass_ends(found, start - 1, end, rules.mass_end_share)
    if len(mass):
        number, departments = int(mass["left"].sum()), mass["dept_id"].nunique()
        when = pd.Timestamp(int(mass["day"].iloc[0]), unit="D")
        text = (
            f"W108: {number:,} people left with many others of their department on one day ({departments} "
            f"{'departments' if departments > 1 else 'department'}; the largest on {when:%Y-%m-%d}), which looks like a merger, a closure or a "
            "transfer of undertaking. They count by the recorded reason; if it was administrative, list the day under rules.mass_ends, and describe "
            "the change of departments in dept_lineage."
        )
        told.cautions.append(Caution("mass_ends", text, {"persons": number, "departments": departments}))
    retired = found.exits[(found.exits["reason"] == "retirement") & (found.exits["day"] > start - 1) & (found.exits["day"] <= end)]
    later = found.posts.groupby("person")["start"].max()
    back = int((retired["person"].map(later) >= retired["day"]).sum())
    if back:
        text = (
            f"W108: {back:,} people retired and came back to a post. The first leave counts, as retirement (rules.retire_return: leave); head-counts "
            "hold them again from their return."
        )
        told.cautions.append(Caution("retire_and_return", text, {"persons": back}))
    if "contract" in spells:
        told.cautions += _to_the_bank(spells)
    return told


def _to_the_bank(spells: pd.DataFrame) -> list[Caution]:
    ordered = spells.sort_values(["staff_id", "start"])
    same = ordered["staff_id"].eq(ordered["staff_id"].shift())
    over = same & ordered["contract"].eq("bank") & ordered["contract"].shift().ne("bank") & ordered["contract"].shift().notna()
    people = ordered.loc[over, "staff_id"].nunique()
    if not people:
        return []
    text = (
        f"W108: {people:,} people went over to a bank contract and count as still employed while it lasts (rules.bank: stay); plan.leaving: role "
        "counts it as leaving the post."
    )
    return [Caution("bank_only", text, {"persons": people})]
