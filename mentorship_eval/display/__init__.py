"""Protected answers to figures and tables: one house style, caption and alt text made from the result.

Everything here takes tidy frames that disclosure control has already passed (a suppressed count is a
string such as ``<10``, a suppressed number is NaN) and fits nothing. Importing this package is cheap:
matplotlib is loaded when the first figure is drawn.
"""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "Drawn": "drawn",
    "HtmlTable": "tables",
    "audit_contrast": "audit",
    "bacon_plot": "two_by_two",
    "breakdown": "violations",
    "ceac": "ceac",
    "control_chart": "control",
    "dose_response": "dose",
    "dot_rates": "dots",
    "event_study": "dynamics",
    "flow_diagram": "flow",
    "forest": "ratios",
    "format_cell": "table_cells",
    "house_style": "style",
    "html_table": "tables",
    "observed_expected": "expected",
    "leave_one_out": "leave_out",
    "love_plot": "balance",
    "overlap": "overlap",
    "placebo_distribution": "placebo",
    "power_curve": "power",
    "rate_trend": "trends",
    "save": "journals.journal_figure",
    "schoenfeld": "residuals",
    "stacked_cif": "cif_stack",
    "survival_curves": "curves",
    "tipping": "tipping",
    "tornado": "tornado",
    "weights": "weights",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
