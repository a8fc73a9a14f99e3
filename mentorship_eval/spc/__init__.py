"""Engine: control charts of one series over time, with the limits and the run rules of the field."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "u_chart": "attributes",
    "p_chart": "attributes",
    "xmr_chart": "individuals",
    "g_chart": "rare_events",
    "t_chart": "rare_events",
    "days_between": "rare_events",
    "ControlChart": "result",
    "RULE_SETS": "rules",
    "RULE_WORDS": "rules",
    "false_signals": "false_alarms",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
