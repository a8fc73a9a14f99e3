"""What was observed: cohort folders read, typed and checked; person-time and panels made of them; cohorts simulated."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "Cohort": "cohort",
    "CohortError": "reading.findings",
    "Finding": "reading.findings",
    "Findings": "reading.findings",
    "check_cohort": "cohort",
    "data_dictionary": "schema.tables",
    "department_months": "panels",
    "mentorship_episodes": "person_time.episodes",
    "read_cohort": "cohort",
    "simulate_cohort": "simulate",
    "write_templates": "schema.tables",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
