"""Tables about the other promises: wellbeing, innovation, careers, collaboration, learning, money."""

from __future__ import annotations

from mentorship_eval.cohort.schema.types import Table
from mentorship_eval.cohort.schema.types import column as col

SURVEYS = Table(
    "surveys",
    "One row per person, wave and subscale: a scored answer.",
    ("staff_id", "anon_id", "wave", "instrument", "subscale"),
    (
        col("staff_id", "id", "Person, when answers may be linked", references="staff.staff_id"),
        col("anon_id", "id", "Respondent, when they may not"),
        col("wave", "int", "Wave", required=True),
        col("completed_on", "date", "Day completed"),
        col("instrument", "category", "Instrument", required=True),
        col("subscale", "category", "Subscale", required=True),
        col("score", "float", "Score", required=True),
        col("version", "category", "Version of the instrument"),
    ),
    ("wellbeing", "collaboration", "delivery"),
    one_of=(("staff_id", "anon_id"),),
)

SURVEY_INVITES = Table(
    "survey_invites",
    "One row per person and wave: who was asked.",
    ("staff_id", "wave"),
    (
        col("staff_id", "id", "Person", required=True, references="staff.staff_id"),
        col("wave", "int", "Wave", required=True),
        col("invited_on", "date", "Day invited"),
    ),
    ("wellbeing",),
)

SURVEY_ITEMS = Table(
    "survey_items",
    "One row per answer and item, for reliability alone; made by the survey recipes from the items that they score.",
    ("response", "wave", "instrument", "subscale", "item"),
    (
        col("response", "id", "Answered form, by a key of its own that belongs to no person", required=True),
        col("wave", "int", "Wave", required=True),
        col("instrument", "category", "Instrument", required=True),
        col("subscale", "category", "Subscale", required=True),
        col("item", "category", "Item", required=True),
        col("answer", "float", "Answer, reverse items turned; blank = missing"),
    ),
    ("wellbeing",),
)

PROJECTS = Table(
    "projects",
    "One row per person and improvement, innovation or research project.",
    ("project_id", "staff_id"),
    (
        col("project_id", "id", "Project", required=True),
        col("staff_id", "id", "Member", required=True, references="staff.staff_id"),
        col("dept_id", "id", "Department"),
        col("start", "date", "Start", required=True),
        col("type", "category", "Kind", categories=("qi", "innovation", "research", "digital")),
        col("stage", "category", "Stage"),
        col("adopted_on", "date", "Day adopted; blank = not yet"),
        col("abandoned_on", "date", "Day given up; blank = not"),
        col("lab_id", "id", "Innovation lab"),
    ),
    ("innovation",),
)

CAREER_EVENTS = Table(
    "career_events",
    "One row per step in a career.",
    ("staff_id", "date", "event"),
    (
        col("staff_id", "id", "Person", required=True, references="staff.staff_id"),
        col("date", "date", "Day", required=True),
        col("event", "category", "Step", required=True, categories=("promotion", "leadership_role", "acting_up", "certification")),
    ),
    ("careers", "equity"),
)

COLLABORATION = Table(
    "collaboration",
    "One row per tie between two people.",
    ("from_id", "to_id", "date", "kind"),
    (
        col("from_id", "id", "Person from whom the tie goes, and for whom it is counted", required=True),
        col("to_id", "id", "Person to whom it goes", required=True),
        col("date", "date", "Day", required=True),
        col("kind", "category", "Kind of tie; hand-offs (handovers) are counted apart from the others"),
    ),
    ("collaboration",),
)

TRAINING = Table(
    "training",
    "One row per person and competency.",
    ("staff_id", "competency", "due"),
    (
        col("staff_id", "id", "Person", required=True, references="staff.staff_id"),
        col("competency", "category", "Competency", required=True),
        col("due", "date", "Day due"),
        col("completed", "date", "Day completed; blank = not yet"),
    ),
    ("delivery",),
)

COSTS = Table(
    "costs",
    "One row per cost item, with its plausible range.",
    ("item",),
    (
        col("item", "text", "Item", required=True),
        col("unit", "text", "Per what", required=True),
        col("amount", "float", "Amount", required=True),
        col("currency", "category", "Currency", required=True),
        col("price_year", "int", "Price year", minimum=1980, maximum=2100),
        col("low", "float", "Lowest plausible amount"),
        col("high", "float", "Highest plausible amount"),
    ),
    ("economics",),
)

OUTCOMES_MONTHLY = Table(
    "outcomes_monthly",
    "Outcomes of patients per department and month, for exploration.",
    ("dept_id", "month", "indicator"),
    (
        col("dept_id", "id", "Department", required=True),
        col("month", "month", "Calendar month", required=True),
        col("indicator", "category", "What is counted: falls, pressure injuries, readmissions", required=True),
        col("num", "float", "Events; the fewer the better", required=True, minimum=0),
        col("den", "float", "What they are divided by: patient-days, discharges", required=True, minimum=0),
    ),
    ("innovation",),
)

OUTCOME_TABLES = (SURVEYS, SURVEY_INVITES, SURVEY_ITEMS, PROJECTS, CAREER_EVENTS, COLLABORATION, TRAINING, COSTS, OUTCOMES_MONTHLY)
