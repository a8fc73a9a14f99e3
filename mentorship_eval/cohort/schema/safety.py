"""Tables about incidents and what they are divided by, and the aggregated form of the same."""

from __future__ import annotations

from mentorship_eval.cohort.schema.types import Table
from mentorship_eval.cohort.schema.types import column as col

HARM_LEVELS = ("near_miss", "none", "low", "moderate", "severe", "death")
ALLOCATIONS = ("random", "phased", "volunteer", "targeted")

ROLLOUT = Table(
    "rollout",
    "When the programme went live in each department; blank active_from = never.",
    ("programme_id", "dept_id"),
    (
        col("programme_id", "id", "Programme; one programme is assumed when absent", references="programmes.programme_id"),
        col("dept_id", "id", "Department", required=True),
        col("planned_from", "date", "Planned go-live"),
        col("active_from", "date", "Go-live; blank = never in the programme", required=True),
        col("active_to", "date", "End of the programme there; blank while it lasts", open_end=True),
        col("allocation", "category", "How the department was chosen", categories=ALLOCATIONS),
        col("block", "category", "Block, such as a site, within which random dates were drawn; blank = one lottery"),
        col("selection_metric", "text", "What it was chosen by, when targeted"),
        col("selection_window", "text", "Months whose values it was chosen by"),
        col("protected_hours_month", "float", "Protected time for mentoring, of mentor and mentee each, per match", unit="hours a month", minimum=0),
    ),
    ("retention", "incidents", "wellbeing", "innovation", "collaboration", "equity", "delivery", "economics"),
)

INCIDENTS = Table(
    "incidents",
    "One row per reported incident.",
    ("incident_id",),
    (
        col("incident_id", "id", "Key of the incident; numbered by the program when absent"),
        col("dept_id", "id", "Department where it happened", required=True),
        col("occurred", "date", "Day it happened", required=True),
        col("reported", "date", "Day it was reported"),
        col("category", "category", "Kind of incident"),
        col("harm", "category", "Degree of harm", required=True, categories=HARM_LEVELS),
        col("system", "category", "Reporting system or taxonomy"),
        col("reporter_role", "category", "Role of the reporter"),
    ),
    ("incidents",),
    auto_key=True,
)

EXPOSURE = Table(
    "exposure",
    "One row per department and month: what incidents are divided by.",
    ("dept_id", "month"),
    (
        col("dept_id", "id", "Department", required=True),
        col("month", "month", "Calendar month, 2022-01 or its first day", required=True),
        col("patient_days", "float", "Occupied bed days", required=True, unit="days", minimum=0),
        col("staffed_wte", "float", "Staff in post", unit="WTE", minimum=0),
        col("admissions", "float", "Admissions or attendances", unit="admissions", minimum=0),
        col("items_dispensed", "float", "Items dispensed", unit="items", minimum=0),
        col("complete", "bool", "The month is complete"),
    ),
    ("incidents",),
)

COUNTS = Table(
    "counts",
    "Aggregated form of incidents, exposure and rollout: one row per department and period; outcomes are named in study.yaml.",
    ("dept_id", "period"),
    (
        col("dept_id", "id", "Department, training wave or other unit", required=True),
        col("period", "period", "Number of the period (1, 2, ...) or calendar month", required=True),
        col("exposure", "float", "What the counts are divided by", required=True, minimum=0),
        col("active_from", "period", "First period with the programme; blank or no such column = never"),
    ),
    ("incidents",),
)

CALENDAR = Table(
    "calendar",
    "Named shocks and changes of system inside the window.",
    ("label", "start"),
    (
        col("start", "date", "First day", required=True),
        col("end", "date", "Last day; blank = one lasting change", open_end=True),
        col("scope", "category", "What it touches: all, a site, a department, a reporting system"),
        col("label", "text", "Name to print", required=True),
    ),
    ("retention", "incidents"),
)

AUDITS = Table(
    "audits",
    "Audited measures per department and month.",
    ("dept_id", "month", "measure"),
    (
        col("dept_id", "id", "Department", required=True),
        col("month", "month", "Calendar month", required=True),
        col("measure", "category", "Measure", required=True),
        col("num", "float", "Numerator", required=True, minimum=0),
        col("den", "float", "Denominator", required=True, minimum=0),
    ),
    ("incidents",),
)

SAFETY_TABLES = (ROLLOUT, INCIDENTS, EXPOSURE, COUNTS, CALENDAR, AUDITS)
