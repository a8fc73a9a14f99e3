"""From a protected exhibit to a figure or table: the function of the display floor that its kind names."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from mentorship_eval.errors import UsageError
from mentorship_eval.questions.answer import Exhibit

if TYPE_CHECKING:
    from mentorship_eval.display import Drawn, HtmlTable

__all__ = ["draw", "file_stem"]

FIGURES = frozenset({
    "audit_contrast", "bacon_plot", "breakdown", "ceac", "control_chart", "dose_response", "dot_rates", "event_study", "flow_diagram",
    "forest", "leave_one_out", "love_plot", "observed_expected", "overlap", "placebo_distribution", "power_curve", "rate_trend", "schoenfeld",
    "stacked_cif", "survival_curves", "tipping", "tornado", "weights",
})  # fmt: skip


def file_stem(exhibit_id: str) -> str:
    """A file name without ending for an exhibit: ``incidents.harm.trend`` -> ``incidents-harm-trend``."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", exhibit_id).strip("-")


def draw(exhibit: Exhibit) -> Drawn | HtmlTable:
    """Draw ``exhibit``. Raises `UsageError` for a kind that the display floor does not have."""
    from mentorship_eval import display

    words: dict[str, Any] = {"title": exhibit.title, "note": exhibit.note, "name": file_stem(exhibit.id)}
    if exhibit.kind == "table":
        options = {"caption": exhibit.title, "note": exhibit.note, **exhibit.options, "name": words["name"]}
        frame, counted = exhibit.frames["rows"], exhibit.counted.get("rows")
        # ids of results stand in the frame, for programs, and not on the page
        ids = [column for column in (counted.results if counted else ()) if column in frame and column not in options.get("labels", {})]
        if ids and "columns" not in options:
            options["columns"] = [column for column in frame if column not in ids]
        return display.html_table(frame, options.pop("caption"), **options)
    if exhibit.kind not in FIGURES:
        raise UsageError(f"Exhibit {exhibit.id} has the unknown kind {exhibit.kind!r}.", fix=f"Use table or {', '.join(sorted(FIGURES))}.")
    function = getattr(display, exhibit.kind)
    accepted = inspect.signature(function).parameters
    offered = {name: value for name, value in words.items() if name in accepted}
    return function(**exhibit.frames, **{**offered, **exhibit.options})
