"""Training gaps of all staff: what was overdue at the end of the window, by department and by competency."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.delivery.study import NO_DEPARTMENT, DeliveryStudy, share_of
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.section import Section

__all__ = ["training_gaps"]

_MOST = 30  # departments that are listed, the largest first


def training_gaps(study: DeliveryStudy) -> Section:
    """Share of training due that is overdue, of staff in post at the end of the window; a table by department."""
    told, question = Section(), "Where training is overdue"
    if not study.cohort.has("training") or "due" not in study.cohort.table("training"):
        return told.lacks(question, "Training due is not in these data.", "training (staff_id, competency, due, completed)")
    table = study.cohort.table("training").reset_index(drop=True)
    dept = study.department_on(table["staff_id"], pd.Series(study.end, index=table.index))
    due = (pd.to_datetime(table["due"]) <= study.end) & (dept != NO_DEPARTMENT)
    rows = table[due].assign(dept_id=dept[due])
    if rows.empty:
        return told.lacks(question, "Nothing was due by the end of the window of anybody who is still in post.", "training within the window")
    done = pd.to_datetime(rows["completed"]) if "completed" in rows else pd.Series(pd.NaT, index=rows.index)
    rows["overdue"] = (~(done <= study.end)).astype(int)
    about = {"population": "training due of staff in post at the end of the window", "group": "Training overdue"}
    told.results.append(
        share_of(
            "training_gap",
            "All competencies",
            "share of training due by the end of the window that was not completed by then",
            rows["overdue"],
            rows["dept_id"],
            **about,
        )
    )
    for name, part in rows.groupby(rows["competency"].astype(str), sort=True):
        told.results.append(
            share_of(
                f"training_gap.{slug(str(name))}",
                str(name).capitalize(),
                f"share of training due that is overdue: {name}",
                part["overdue"],
                part["dept_id"],
                **about,
            )
        )
    by = rows.groupby("dept_id")["overdue"].agg(["size", "sum"]).sort_values("size", ascending=False, kind="stable").head(_MOST)
    names = study.cohort.table("departments").set_index("dept_id")["name"] if study.cohort.has("departments") else pd.Series(dtype=object)
    frame = pd.DataFrame(
        {
            "department": [str(names.get(d, d)) for d in by.index],
            "due": by["size"].to_numpy(),
            "overdue": by["sum"].to_numpy(),
            "done": (by["size"] - by["sum"]).to_numpy(),
            "share": (by["sum"] / by["size"]).to_numpy(),
        }
    )
    told.exhibits.append(
        table_exhibit(
            "delivery.training_gaps",
            "Training overdue at the end of the window, by department",
            frame,
            counts=("due", "overdue", "done"),
            derived=("share",),
            sums=(("due", "overdue", "done"),),
            within="*",
            ratios={"share": ("overdue", "due")},
            labels={"department": "Department", "due": "Due by then", "overdue": "Overdue", "done": "Completed", "share": "Overdue, share"},
            formats={"share": "percent", **dict.fromkeys(("due", "overdue", "done"), "count")},
            note="Staff in post on the last day. A share by chance is high in one of many departments: no ranking." if len(by) > 1 else "",
        )
    )
    return told
