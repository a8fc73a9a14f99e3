"""Tables about people: who works where and since when, and the aggregated form of the same."""

from __future__ import annotations

from mentorship_eval.cohort.schema.types import Table
from mentorship_eval.cohort.schema.types import column as col

PROFESSIONS = ("nurse", "physician", "pharmacist", "technician", "allied_health", "administrator", "other")
CONTRACTS = ("permanent", "fixed_term", "rotational", "bank")
LEAVING_REASONS = ("voluntary", "retirement", "end_of_contract", "dismissal", "death", "transfer", "tupe", "unknown")

STAFF = Table(
    "staff",
    "One row per person, with what does not change over the study.",
    ("staff_id",),
    (
        col("staff_id", "id", "Pseudonym of the person, the same in every table", required=True),
        col("birth_year", "int", "Year of birth (never the date)", minimum=1900, maximum=2100),
        col("gender", "category", "Gender as recorded"),
        col("ethnicity_group", "category", "Ethnic group, broad categories"),
        col("profession", "category", "Staff group", categories=PROFESSIONS),
        col("grade", "category", "Grade or band"),
        col("newly_qualified", "bool", "In the first year after qualifying when hired"),
        col("registration_date", "date", "First professional registration"),
        col("international", "bool", "Recruited from abroad"),
    ),
    ("retention", "wellbeing", "innovation", "careers", "collaboration", "equity", "delivery", "economics"),
)

SPELLS = Table(
    "spells",
    "One row per spell of employment: a person in a department from a date to a date.",
    ("spell_id",),
    (
        col("spell_id", "id", "Key of the spell; numbered by the program when absent"),
        col("staff_id", "id", "Who", required=True, references="staff.staff_id"),
        col("org_id", "id", "Organisation; one organisation is assumed when absent"),
        col("dept_id", "id", "Department", required=True),
        col("role", "category", "Post or job title: a change of it is a move to another post, even within the department"),
        col("start", "date", "First day of the spell", required=True),
        col("end", "date", "Last day of the spell; blank while it lasts", open_end=True),
        col("wte", "float", "Whole-time equivalent", unit="share of full time", minimum=0, maximum=1),
        col("contract", "category", "Kind of contract", categories=CONTRACTS),
        col("status", "category", "Assignment status (Active, Maternity, Career Break, Secondment, ...)"),
        col("leaving_reason", "category", "Why the spell ended; blank while it lasts", categories=LEAVING_REASONS),
        col("destination", "category", "Destination on leaving"),
        col("is_primary", "bool", "Main assignment of the person"),
        col("extract_date", "date", "Day on which the file was extracted"),
    ),
    ("retention", "wellbeing", "innovation", "careers", "collaboration", "equity", "delivery", "economics"),
    auto_key=True,
)

DURATIONS = Table(
    "durations",
    "Aggregated form of spells and matches: one row per person with a time to leaving and whether they left.",
    ("staff_id",),
    (
        col("staff_id", "id", "Pseudonym of the person", required=True),
        col(
            "time",
            "float",
            "Time from hire (or entry) to leaving or to the end of observation",
            required=True,
            unit="declared: unit",
            minimum=0,
        ),
        col("event", "bool", "1 left, 0 still there when last seen"),
        col("cause", "category", "Why they left; blank or 0 when still there. In place of event"),
        col("entry", "float", "Time since hire when observation begins (left truncation)", unit="as time", minimum=0),
        col("mentored", "level", "0/1, or categories with a declared reference level"),
        col("mentored_from", "float", "Time since hire when mentoring begins; blank = never", unit="as time", minimum=0),
        col("dept_id", "id", "Department, for strata and clusters"),
    ),
    ("retention",),
    one_of=(("event", "cause"),),
)

DEPARTMENTS = Table(
    "departments",
    "One row per department or ward.",
    ("dept_id",),
    (
        col("dept_id", "id", "Department", required=True),
        col("site_id", "id", "Site"),
        col("org_id", "id", "Organisation"),
        col("name", "text", "Name to print"),
        col("specialty", "category", "Specialty"),
        col("high_burnout", "bool", "Known for high burnout (emergency, intensive care, oncology)"),
        col("beds", "float", "Beds", minimum=0),
    ),
    ("retention", "incidents", "equity", "delivery"),
)

DEPT_LINEAGE = Table(
    "dept_lineage",
    "Departments that merged, split or were renamed: all tables are told in units that stay the same over the study.",
    ("from_id", "to_id", "effective"),
    (
        col("from_id", "id", "Department before", required=True),
        col("to_id", "id", "Department after", required=True),
        col("effective", "date", "Day of the change", required=True),
        col("share", "float", "Share of a split that went there; patient-days, counts and audits alone are divided by it", minimum=0, maximum=1),
    ),
    ("retention", "incidents", "wellbeing", "innovation", "careers", "collaboration", "equity", "delivery", "economics"),
)

PEOPLE_TABLES = (STAFF, SPELLS, DEPARTMENTS, DEPT_LINEAGE, DURATIONS)
