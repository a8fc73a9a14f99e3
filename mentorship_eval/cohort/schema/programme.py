"""Tables about the programme itself: who mentored whom, how often, towards what."""

from __future__ import annotations

from mentorship_eval.cohort.schema.types import Table
from mentorship_eval.cohort.schema.types import column as col

TIDIER_FIELDS = (
    ("name", "Name of the programme"),
    ("why", "Rationale, theory or goal"),
    ("what_materials", "Materials"),
    ("what_procedures", "Procedures"),
    ("who_provided", "Who provided it and their training"),
    ("how", "Mode of delivery"),
    ("where", "Place"),
    ("when_how_much", "Number, length and intensity of sessions"),
    ("tailoring", "Tailoring"),
    ("modifications", "Changes during the study"),
    ("how_well_planned", "How fidelity was to be assessed"),
    ("how_well_actual", "Fidelity as delivered"),
)

MATCHES = Table(
    "matches",
    "One row per mentoring relationship.",
    ("match_id",),
    (
        col("match_id", "id", "Key of the match; numbered by the program when absent"),
        col("programme_id", "id", "Programme", references="programmes.programme_id"),
        col("mentor_id", "id", "Mentor"),
        col("mentee_id", "id", "Mentee", required=True, references="staff.staff_id"),
        col("offered_on", "date", "Day a mentor was offered"),
        col("start", "date", "Day mentoring began; blank = offered, never begun", required=True),
        col("end", "date", "Day it ended; blank while it lasts", open_end=True),
        col("end_reason", "category", "Why it ended"),
        col("direction", "category", "Direction", categories=("traditional", "reverse", "peer")),
        col("format", "category", "Format", categories=("1:1", "group")),
        col("mode", "category", "Face to face, remote, mixed"),
        col("method", "category", "How the pair was made", categories=("manual", "algorithm", "self")),
        col("score", "float", "Match score", minimum=0, maximum=1),
        col("relationship_type", "category", "Kind of relationship", categories=("mentoring", "preceptorship", "supervision")),
    ),
    ("retention", "incidents", "wellbeing", "innovation", "careers", "collaboration", "equity", "delivery", "economics"),
    auto_key=True,
)

MENTORS = Table(
    "mentors",
    "One row per mentor.",
    ("staff_id",),
    (
        col("staff_id", "id", "Mentor", required=True),
        col("trained_on", "date", "Day trained"),
        col("training_hours", "float", "Training", unit="hours", minimum=0),
        col("training_expiry", "date", "Training valid to"),
        col("capacity", "int", "Mentees at a time", minimum=0),
        col("appraisal_recognised", "bool", "Mentoring counts in appraisal"),
    ),
    ("careers", "equity", "delivery", "economics"),
)

SESSIONS = Table(
    "sessions",
    "One row per mentoring session.",
    ("session_id",),
    (
        col("session_id", "id", "Key of the session; numbered by the program when absent"),
        col("match_id", "id", "Match", required=True, references="matches.match_id"),
        col("date", "date", "Day", required=True),
        col("minutes", "float", "Length", unit="minutes", minimum=0),
        col("mode", "category", "Face to face, remote"),
        col("status", "category", "What happened", categories=("held", "cancelled", "no_show")),
        col("protected", "bool", "In protected time"),
        col("topic", "category", "Topic (never free text)"),
        col("cancel_reason", "category", "Why it was cancelled"),
        col("case_on", "date", "Day of the case or operation on which it gave feedback"),
    ),
    ("retention", "equity", "delivery", "economics"),
    auto_key=True,
)

GOALS = Table(
    "goals",
    "One row per goal agreed in a match.",
    ("goal_id",),
    (
        col("goal_id", "id", "Key of the goal; numbered by the program when absent"),
        col("match_id", "id", "Match", required=True, references="matches.match_id"),
        col("set_on", "date", "Day set", required=True),
        col("due_on", "date", "Day due"),
        col("achieved_on", "date", "Day achieved; blank = not yet"),
        col("domain", "category", "Domain"),
    ),
    ("delivery",),
    auto_key=True,
)

FEEDBACK = Table(
    "feedback",
    "One row per rating of a match.",
    ("match_id", "date", "role"),
    (
        col("match_id", "id", "Match", required=True, references="matches.match_id"),
        col("date", "date", "Day", required=True),
        col("role", "category", "Who answered", required=True),
        col("mqs", "float", "Quality of the match", unit="0 to 100", minimum=0, maximum=100),
        col("action_on", "date", "Day somebody acted on it"),
    ),
    ("equity", "delivery"),
)

PROGRAMMES = Table(
    "programmes",
    "One row per programme and version, in the twelve items of TIDieR.",
    ("programme_id", "version"),
    (
        col("programme_id", "id", "Programme", required=True),
        col("version", "text", "Version", required=True),
        *(col(name, "text", text) for name, text in TIDIER_FIELDS),
        col("valid_from", "date", "First day of the version"),
        col("valid_to", "date", "Last day of the version", open_end=True),
    ),
    ("retention", "incidents", "innovation", "delivery"),
)

EVENTS = Table(
    "events",
    "One row per person and workshop or educational event beside mentoring.",
    ("staff_id", "date", "kind"),
    (
        col("staff_id", "id", "Person", required=True, references="staff.staff_id"),
        col("date", "date", "Day", required=True),
        col("kind", "category", "Kind of event", required=True),
    ),
    ("delivery",),
)

WISH_KINDS = ("seeks", "offers", "same", "prefers", "excludes", "managed_by")

WISHES = Table(
    "wishes",
    "One row per thing that a person seeks, offers or rules out in the next round of matching; read by `mentorship-eval match`.",
    ("staff_id", "kind", "value"),
    (
        col("staff_id", "id", "Who wishes", required=True),
        col("kind", "category", "Kind of wish", required=True, categories=WISH_KINDS),
        col("value", "text", "seeks, offers: a domain; same: gender, profession, ...; prefers, excludes, managed_by: a staff_id", required=True),
    ),
    ("delivery",),
)

PROGRAMME_TABLES = (MATCHES, MENTORS, SESSIONS, GOALS, FEEDBACK, PROGRAMMES, EVENTS, WISHES)
