"""Training gaps of all staff: what was not completed by the day it was due, and what is overdue still, by department and by competency."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.delivery.study import NO_DEPARTMENT, DeliveryStudy, share_of
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.section import Section

__all__ = ["training_gaps"]

_MOST = 30  # departments that are listed, the largest first


def training_gaps(study: DeliveryStudy) -> Section:
    """Share of training due within the window of staff in post that day that was not completed by then; a table by department of it."""
    told, question = Section(), "Where training was late or is overdue"
    if not study.cohort.has("training") or "due" not in study.cohort.table("training"):
        return told.lacks(question, "Training due is not in these data.", "training (staff_id, competency, due, completed)")
    table = study.cohort.table("training").reset_index(drop=True)
    due = pd.to_datetime(table["due"])
    table = table[(due >= study.start) & (due <= study.end)].reset_index(drop=True)
    due = pd.to_datetime(table["due"])
    dept = study.department_on(table["staff_id"], due)
    here = dept != NO_DEPARTMENT
    if not here.any():
        return told.lacks(question, "Nothing was due within the window of anybody in post that day.", "training within the window")
    done = pd.to_datetime(table["completed"]) if "completed" in table else pd.Series(pd.NaT, index=table.index)
    now = study.department_on(table["staff_id"], pd.Series(study.end, index=table.index)) != NO_DEPARTMENT
    rows = table.assign(dept_id=dept, late=(~(done <= due)).astype(int), overdue=(~(done <= study.end)).astype(int), now=now)[here]
    group, population = "Training gaps", "training due within the window, of staff in post on the day"
    told.results.append(
        share_of("training_gap", "Training not completed in time", "share of training due within the window that was not completed by its due day",
                 rows["late"], rows["dept_id"], population=population, group=group)
    )  # fmt: skip
    for name, part in rows.groupby(rows["competency"].astype(str), sort=True):
        told.results.append(
            share_of(f"training_gap.{slug(str(name))}", f"The same, {name}", f"share of training due that was not completed by the day due: {name}",
                     part["late"], part["dept_id"], population=population, group=group)
        )  # fmt: skip
    still = rows[rows["now"]]
    if len(still):
        told.results.append(
            share_of("training_overdue", "Training overdue still, staff in post at the end", "share of training due by the end of the window and not "
                     "completed by then, of staff in post at the end", still["overdue"], still["dept_id"],
                     population="training due of staff in post at the end of the window", group=group)
        )  # fmt: skip
    by = rows.groupby("dept_id")["late"].agg(["size", "sum"]).sort_values("size", ascending=False, kind="stable").head(_MOST)
    names = study.cohort.table("departments").set_index("dept_id")["name"] if study.cohort.has("departments") else pd.Series(dtype=object)
    counts = ("due", "late", "done")
    frame = pd.DataFrame({
        "department": [str(names.get(d, d)) for d in by.index], "due": by["size"].to_numpy(), "late": by["sum"].to_numpy(),
        "done": (by["size"] - by["sum"]).to_numpy(), "share": (by["sum"] / by["size"]).to_numpy(),
    })  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "delivery.gaps", "Training not completed by the day it was due, by department", frame, counts=counts, derived=("share",),
            sums=(counts,), within="*", ratios={"share": ("late", "due")},
            labels={"department": "Department", "due": "Due", "late": "Not in time", "done": "In time", "share": "Not in time, share"},
            formats={"share": "percent", **dict.fromkeys(counts, "count")},
            note="Department in which the person was in post on the day. Of many departments one is high by chance: this is no ranking.",
        )
    )  # fmt: skip
    return told
