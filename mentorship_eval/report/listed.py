"""The list of a chapter's estimates as tables, for pages and documents alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Answer, Result

if TYPE_CHECKING:
    from mentorship_eval.display import HtmlTable

__all__ = ["listed_estimates"]

_MOST_AT_ONCE = 40  # rows before the lesser estimates get a table of their own


def listed_estimates(answer: Answer, status: Mapping[str, str]) -> list[HtmlTable]:
    """Estimate with interval, p, persons, events, clusters, role and status of every result; status: by id of the result.

    No table without results; two where there are many: what the chapter is about, and all that is descriptive, by group, by dose,
    sensitivity or diagnostic.
    """
    levels = {result.estimate.ci_level for result in answer.results}
    level = f"{100 * levels.pop():g} % CI" if len(levels) == 1 else ""
    frame = pd.DataFrame([_row(result, level, status) for result in answer.results])
    if frame.empty:
        return []
    if len(frame) <= _MOST_AT_ONCE:
        return [_table(frame, level, "Estimates of this chapter")]
    told = frame["role"].isin(("headline", "audit")) | ((frame["role"] == "companion") & ~pd.Series(_in_a_family(answer)))
    first = told if told.any() else pd.Series(np.arange(len(frame)) < _MOST_AT_ONCE)
    parts = [(frame[first], "Estimates of this chapter"), (frame[~first], "Further estimates")]
    return [_table(part, level, caption) for part, caption in parts if len(part)]


def _row(result: Result, level: str, status: Mapping[str, str]) -> dict[str, object]:
    estimate = result.estimate
    withheld = any(caution.code == "suppressed" for caution in estimate.warnings)
    common = f"({level} " if level else "("  # said once, in the header
    return {
        "what": result.full_label,
        "scale": f"{estimate.scale}{f' ({estimate.unit})' if estimate.unit else ''}",
        "estimate": "withheld" if withheld else estimate.interval().replace(common, "("),
        "p": estimate.p_value,
        "n": estimate.n,
        "events": estimate.n_events,
        "clusters": estimate.n_clusters,
        "role": result.role,
        "status": status.get(result.id, ""),
    }


def _in_a_family(answer: Answer) -> list[bool]:
    """Which results are one of many under a heading (subgroups, doses), and so belong to the longer list."""
    sizes = Counter(result.group for result in answer.results)
    return [bool(result.group) and sizes[result.group] > 1 and not result.label[:1].isupper() for result in answer.results]


def _table(frame: pd.DataFrame, level: str, caption: str) -> HtmlTable:
    from mentorship_eval.display import html_table

    labels = {
        "what": "Estimate of", "scale": "Scale", "estimate": f"Estimate ({level or 'interval'})", "p": "p", "n": "Persons or cells",
        "events": "Events", "clusters": "Clusters", "role": "Role", "status": "Plan",
    }  # fmt: skip
    empty = [column for column in ("n", "events", "clusters") if frame[column].isna().all()]
    frame = frame.drop(columns=empty).reset_index(drop=True)
    kept = {name: label for name, label in labels.items() if name in frame}
    counts = {name: "count" for name in ("n", "events", "clusters") if name in frame}
    return html_table(frame, caption, labels=kept, formats=counts)
