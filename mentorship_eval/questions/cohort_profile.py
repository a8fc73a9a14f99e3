"""What was observed: people, departments, follow-up, repairs and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import adoption
from mentorship_eval.cohort.schema.tables import QUESTIONS
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Statement
from mentorship_eval.questions.baseline.missing import missing_table
from mentorship_eval.questions.cohort_records import findings_table, flow_exhibits, looks_table, repairs_table
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["answer"]

_QUESTION_WORDS = {
    "retention": "Did mentorship keep staff?",
    "incidents": "Did care become safer?",
}
_DESCRIBED = ("profession", "gender", "ethnicity_group", "newly_qualified")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The cohort chapter."""
    start, end = cohort.window
    lead = [Statement(f"{cohort.name}: " + ", ".join(cohort.tables) + ".")]
    if not pd.isna(start):
        lead.append(Statement(f"Window: {start:%Y-%m-%d} to {end:%Y-%m-%d}."))
    else:
        lead.append(Statement("No calendar window: the tables are aggregated."))
    records = (*flow_exhibits(cohort), looks_table(cohort), findings_table(cohort), repairs_table(cohort), missing_table(cohort))
    exhibits = [exhibit for exhibit in records if exhibit is not None]
    if cohort.has("staff"):
        exhibits.append(_people(cohort))
    if cohort.has("rollout") and not pd.isna(start):
        exhibits.append(_departments(cohort))
    cautions = _not_used(cohort)
    gaps = [
        Gap(_QUESTION_WORDS[q], "The tables for it are not in this cohort.", cohort.missing_for(q))
        for q in QUESTIONS
        if q in _QUESTION_WORDS and cohort.missing_for(q)
    ]
    methods = (
        "Tables are read as text, converted by the declared formats and checked; repairs are logged one by one, errors stop the work.",
    )
    return Answer("cohort", "Cohort", tuple(lead), (), tuple(exhibits), tuple(cautions), tuple(gaps), methods)


def _not_used(cohort: Cohort) -> list[Caution]:
    """Keys of the plan that this version reads and does not act on: said, never passed over in silence."""
    plan = cohort.study.plan
    idle = [name for name in ("strata",) if name in plan.model_fields_set]
    if plan.exposure.grace_days and plan.exposure.definition == "absorbing":
        idle.append("exposure.grace_days")
    if not idle:
        return []
    text = f"study.yaml sets {', '.join('plan.' + name for name in idle)}; this version does not use {'it' if len(idle) == 1 else 'them'} yet."
    return [Caution("plan_not_used", text, {"keys": idle})]


def _people(cohort: Cohort) -> Exhibit:
    staff = cohort.table("staff")
    mentored = set(cohort.mentoring()["mentee_id"]) if cohort.has("matches") else set()
    is_mentee = staff["staff_id"].isin(mentored)
    rows = [{"characteristic": "All", "level": "", "people": len(staff), "mentees": int(is_mentee.sum())}]
    for name in _DESCRIBED:
        if name in staff:
            level = staff[name].astype(object).where(staff[name].notna(), "missing")
            if name == "newly_qualified":
                level = level.map({True: "yes", False: "no"}).fillna("missing")
            table = pd.DataFrame({"level": level.astype(str), "mentee": is_mentee}).groupby("level")["mentee"].agg(["size", "sum"])
            for key, row in table.sort_values("size", ascending=False).iterrows():
                rows.append(
                    {
                        "characteristic": name.replace("_", " ").capitalize(),
                        "level": str(key).replace("_", " "),
                        "people": int(row["size"]),
                        "mentees": int(row["sum"]),
                    }
                )
    frame = pd.DataFrame(rows)
    frame["share"] = frame["mentees"] / frame["people"]
    return table_exhibit(
        "cohort.people",
        "People, and how many of them were ever matched with a mentor",
        frame.assign(**_quantities(frame)),
        counts=("people", "mentees"),
        derived=("share",),
        within="characteristic",
        ratios={"share": ("mentees", "people")},
        same={"people": "quantity", "mentees": "quantity_mentored"},
        stub=["characteristic", "level"],
        formats={"people": "count", "mentees": "count", "share": "percent"},
        labels={"characteristic": "Characteristic", "people": "People", "mentees": "Ever matched", "share": "Share"},
        note="Ever matched describes reach. It is not an exposure: who stays longer has longer to be matched.",
    )


def _quantities(frame: pd.DataFrame) -> dict[str, list[str]]:
    """What each row counts, of all in the staff table: the chapters count the same of those they follow."""
    named = [f"{row.characteristic}:{row.level}".lower() for row in frame.itertuples()]
    return {"quantity": [f"people:{name}@staff" for name in named], "quantity_mentored": [f"mentored:{name}@staff" for name in named]}


def _departments(cohort: Cohort) -> Exhibit:
    start, end = cohort.window
    first = pd.Timestamp(start).to_period("M")
    plan = adoption(rollout=own_rollout(cohort), start=start, end=end)
    everyone = pd.Index(cohort.table("departments")["dept_id"]) if cohort.has("departments") else plan.index
    wave = plan["adopted"].reindex(everyone)
    name = wave.map(lambda value: str(first + int(value) - 1), na_action="ignore").fillna("never in the window")
    frame = pd.DataFrame({"dept_id": everyone, "wave": name.to_numpy()})
    columns: dict[str, pd.Series] = {"departments": frame.groupby("wave")["dept_id"].size()}
    if cohort.has("exposure") and "patient_days" in cohort.table("exposure"):
        days = cohort.table("exposure").groupby("dept_id")["patient_days"].sum()
        columns["patient_days"] = frame.assign(x=frame["dept_id"].map(days)).groupby("wave")["x"].sum()
    if cohort.has("incidents"):
        count = cohort.table("incidents").groupby("dept_id").size()
        columns["incidents"] = frame.assign(x=frame["dept_id"].map(count)).groupby("wave")["x"].sum()
    table = pd.DataFrame(columns).reset_index()
    return table_exhibit(
        "cohort.departments",
        "Departments by first full month of the programme",
        table,
        counts=tuple(c for c in ("incidents",) if c in table),
        formats=dict.fromkeys(columns, "count"),
        labels={"wave": "First month", "departments": "Departments", "patient_days": "Patient-days", "incidents": "Incidents"},
    )
