"""A comparison as a page of its own, in the house style."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any

from mentorship_eval import __version__
from mentorship_eval.estimate import Estimate
from mentorship_eval.report.compare.causes import GROUPS
from mentorship_eval.report.compare.comparison import Comparison
from mentorship_eval.report.compare.numbers import Change
from mentorship_eval.report.compare.words import both, distance, moved_by, outcome
from mentorship_eval.report.numbered import Contents, Entry
from mentorship_eval.report.page import filled, style_sheet
from mentorship_eval.report.small_intervals import Axis, axis_for

__all__ = ["comparison_html"]

_STYLE = """
.compared { border-collapse: collapse; font-size: 0.88rem; margin: 0.6rem 0 1.4rem; font-variant-numeric: tabular-nums; }
.compared :is(th, td) { text-align: left; vertical-align: top; padding: 0.4rem 0.7rem 0.4rem 0; border-bottom: 1px solid var(--line); }
.compared thead th { border-bottom-color: var(--ink); }
.compared tbody th { font-weight: 600; min-width: 12rem; }
.compared .key { display: block; font-weight: 400; font-size: 0.85em; overflow-wrap: anywhere; }
.compared .figure { white-space: nowrap; }
.compared .figure span { display: block; line-height: 1.5rem; }
.compared .was-now { color: var(--quiet); display: inline-block !important; width: 2.4rem; }
.compared .interval-drawing { max-width: none; width: 12rem; }
.wide { overflow-x: auto; }
@media (min-width: 40.01rem) { dl.facts dd.next { grid-column: 2; } }
.old-mark { fill: var(--paper); stroke: var(--quiet); stroke-width: 1.6; }
.interval-drawing .was { stroke: var(--quiet); stroke-width: 2.4; }
.compared .interval-drawing .interval { stroke-width: 3.2; }
"""
# the lines of the drawing stand at the height of the two lines of figures beside it, at 12rem for 300 units
_WIDTH, _BASE, _OLD, _NEW = 300, 73.0, 18.75, 56.25


def _line(estimate: Estimate | None, axis: Axis, height: float, kind: str) -> str:
    if estimate is None or not math.isfinite(estimate.value):
        return ""
    drawn = ""
    if not math.isnan(estimate.ci_low) and not math.isnan(estimate.ci_high):
        drawn = f'<path class="{kind}" d="M{axis.place(estimate.ci_low)} {height}H{axis.place(estimate.ci_high)}"/>'
    at = axis.place(estimate.value)
    if kind == "was":
        return f'{drawn}<circle class="old-mark" cx="{at}" cy="{height}" r="6"/>'
    return f'{drawn}<rect class="value" x="{at - 6}" y="{height - 6}" width="12" height="12"/>'


def _drawing(change: Change, axes: dict[bool, Axis]) -> str:
    """Old above new on one axis; it adds nothing to the words beside it and is hidden from screen readers."""
    if not change.moved or change.old is None or change.new is None or change.old.scale != change.new.scale:
        return ""
    if not change.old.is_ratio and not any(word in change.old.scale for word in ("difference", "avoided")):
        return ""  # a share or a test has no value of no effect
    axis = axes[True] if change.old.is_ratio else axis_for([change.old, change.new], ratio=False)
    none = axis.place(1.0 if axis.ratio else 0.0)
    return (
        f'<svg class="interval-drawing" viewBox="0 0 {_WIDTH} {_BASE + 2:g}" aria-hidden="true" '
        'focusable="false">'
        f'<path class="none" d="M{none} 1V{_BASE:g}"/>{_line(change.old, axis, _OLD, "was")}{_line(change.new, axis, _NEW, "interval")}</svg>'
    )


def _row(change: Change, axes: dict[bool, Axis]) -> dict[str, Any]:
    old, new = both(change)
    unit = f"{change.scale}{', ' + change.unit if change.unit else ''}"
    return {
        "id": change.id, "label": change.label, "unit": unit, "old": old, "new": new, "moved": moved_by(change), "distance": distance(change),
        "outcome": outcome(change).replace(" -> ", " → "), "drawing": _drawing(change, axes),
    }  # fmt: skip


def _shared_axes(comparison: Comparison) -> dict[bool, Axis]:
    """One axis for all ratios, so that they compare by eye; what is no ratio has its own unit and its own axis."""
    ratios = [each for change in comparison.changes if change.moved for each in (change.old, change.new) if each is not None and each.is_ratio]
    return {True: axis_for(ratios, ratio=True)}


def comparison_html(comparison: Comparison) -> str:
    """The page: what changed, why, what became of each estimate, and what the pair tells."""
    axes = _shared_axes(comparison)
    different = comparison.different
    shown = {change.id for change in different}
    causes = {name: [str(cause).replace(" -> ", " → ") for cause in comparison.causes if cause.group == group]
              for group, name in {**GROUPS, "": "what moves no number"}.items()}  # fmt: skip
    unprotected = [each for each in (comparison.old, comparison.new) if not each.rule.active]
    title = f"{comparison.old.label} and {comparison.new.label}"
    page = {
        "nav": [], "style": style_sheet() + _STYLE, "cohort": comparison.new.manifest["cohort"]["folder"],
        "key": f"{comparison.old.manifest['content_key']} and {comparison.new.manifest['content_key']}", "version": __version__,
        "unprotected": unprotected[0].rule.describe() if unprotected else "",
    }  # fmt: skip
    headings = {"why": "Why", "causes": "What is different", "estimates": "What became of each estimate"}
    if comparison.explained:
        headings["explained"] = "One thing changed at a time"
    if comparison.told:
        headings["together"] = "What the two tell together"
    return filled(
        "compare.html.j2", page, title=f"Compared: {title}", contents=Contents([Entry(anchor, words) for anchor, words in headings.items()]),
        headings=headings, old=comparison.old.label, new=comparison.new.label, counted=comparison.counted,
        why=_coded(comparison.why()), cautions=_coded(comparison.cautions()), causes={name: each for name, each in causes.items() if each},
        rows=[str(row) for row in comparison.rows],
        different=[_row(change, axes) for change in different], explained=[_explained(each) for each in comparison.explained],
        same=[_row(change, axes) for change in comparison.changes if change.id not in shown], told=[str(each) for each in comparison.told],
    )  # fmt: skip


def _coded(texts: list[str]) -> list[str]:
    """Sentences as HTML; commands, between backticks, are set as code."""
    return [re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)) for text in texts]


def _explained(each: Any) -> dict[str, str]:
    return {"id": each.id, **{name: each.said(getattr(each, name)) for name in ("whole", "software", "data", "plan", "rest")}}
