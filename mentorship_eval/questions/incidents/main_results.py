"""The main results of the chapter as a table fit to print: observed, expected, ratio, difference and events avoided, by outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["main_table"]

_PARTS = {"ratio": "", "difference": ".difference", "avoided": ".avoided"}
_DIGITS = {"ratio": "2", "difference": "2", "avoided": "0"}


def main_table(results: Sequence[Result], exposure_words: str, time_unit: str) -> list[Exhibit]:
    """From the results of the default analysis; nothing where it gave none."""
    by_id = {result.id: result for result in results}
    lines = [_line(r, by_id) for r in results if r.role in ("headline", "companion") and not r.group and f"{r.id}.difference" in by_id]
    if not lines:
        return []
    frame = pd.DataFrame(lines)
    joined = {
        f"{part}_interval": f"{{{part}:{_DIGITS[part]}}} ({{{part}_low:{_DIGITS[part]}}} to {{{part}_high:{_DIGITS[part]}}})" for part in _PARTS
    }
    derived = (*(column for part in _PARTS for column in (part, f"{part}_low", f"{part}_high")), "expected")
    table = table_exhibit(
        "incidents.main", "The programme and incidents", frame, counts=("n", "n_events"), derived=derived, results={"told": ""},
        ratios={"expected": "n_events"},
        columns=["label", "n", "n_events", "expected", "clusters", *joined], joined=joined,
        formats={"label": "text", "expected": "0", "clusters": "count"},
        spanners={f"Department-{time_unit}s with the programme": ["n", "n_events", "expected"], "Effect (95 % CI)": list(joined)},
        labels={
            "label": "Outcome", "n": "Number", "clusters": "Clusters", "n_events": "Events", "expected": "Expected", "ratio_interval": "Rate ratio",
            "difference_interval": f"Difference {exposure_words}", "avoided_interval": "Events avoided",
        },
        note="Adjusted for department and month, and for nothing else: what is expected comes from the months and departments without the programme. "
        "Clusters are departments. Observed rates without this adjustment stand in the table of rates. –, not estimable, or withheld.",
    )  # fmt: skip
    return [table]


def _line(result: Result, by_id: dict[str, Result]) -> dict[str, object]:
    estimate = result.estimate
    ids = [result.id + tail for tail in _PARTS.values()]
    expected = estimate.n_events / estimate.value if estimate.n_events is not None and estimate.value else math.nan
    line: dict[str, object] = {
        "told": " ".join(name for name in ids if name in by_id), "label": result.label, "n": estimate.n, "clusters": estimate.n_clusters,
        "n_events": estimate.n_events, "expected": expected,
    }  # fmt: skip
    for part, name in zip(_PARTS, ids, strict=True):
        one = by_id[name].estimate if name in by_id else None
        values = (one.value, one.ci_low, one.ci_high) if one is not None else (math.nan,) * 3
        line |= dict(zip((part, f"{part}_low", f"{part}_high"), values, strict=True))
    return line
