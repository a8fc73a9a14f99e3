"""A comparison as a table, as CSV and as JSON: at full precision, and without the counts that the pair would tell."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from mentorship_eval.estimate import Estimate
from mentorship_eval.report.cells import no_formula
from mentorship_eval.report.compare.comparison import Comparison
from mentorship_eval.report.compare.numbers import Change

__all__ = ["COLUMNS", "as_csv", "as_json", "change_rows"]

_NUMBERS = ("estimate", "ci_low", "ci_high", "se", "p_value", "n", "n_events")
COLUMNS = (
    "id", "chapter", "label", "role", "change", "scale", "unit", *(f"{name}_{side}" for name in _NUMBERS for side in ("old", "new")),
    "difference", "ratio", "difference_in_se", "redefined", "status_old", "status_new",
)  # fmt: skip


def _number(value: Any) -> float | int | None:
    if value is None or not math.isfinite(float(value)):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


def _value(estimate: Estimate | None, name: str) -> float | int | None:
    return None if estimate is None else _number(getattr(estimate, "value" if name == "estimate" else name))


def _row(change: Change, comparison: Comparison) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for name in _NUMBERS:
        hidden = (change.id, name) in comparison.hidden
        for side, estimate in (("old", change.old), ("new", change.new)):
            numbers[f"{name}_{side}"] = None if hidden else _value(estimate, name)
    return {
        "id": change.id, "chapter": change.chapter, "label": change.label, "role": change.role, "change": change.change, "scale": change.scale,
        "unit": change.unit, **numbers, "difference": _number(change.difference), "ratio": _number(change.ratio),
        "difference_in_se": _number(change.in_se), "redefined": ";".join(change.redefined), "status_old": change.status[0],
        "status_new": change.status[1],
    }  # fmt: skip


def change_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One dict per estimate of either release, keys as `COLUMNS`; None where there is no number, or where the pair would tell a small count."""
    return [_row(change, comparison) for change in comparison.changes]


def as_csv(comparison: Comparison) -> str:
    """The rows as CSV; a float is written so that reading it gives the same float."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in change_rows(comparison):
        writer.writerow({key: "" if value is None else repr(value) if isinstance(value, float) else no_formula(value) for key, value in row.items()})
    return stream.getvalue()


def as_json(comparison: Comparison) -> str:
    """Everything: labels, causes, what can be said about why, cautions, where the pair tells small counts, and the rows."""
    whole: dict[str, Any] = {
        "old": comparison.old.label, "new": comparison.new.label, "estimates": comparison.counted,
        "causes": [{"group": each.group or "none", "what": each.what, "old": each.old, "new": each.new} for each in comparison.causes],
        "why": comparison.why(), "cautions": comparison.cautions(),
        "told_together": [{"where": each.where, "what": each.what, "cells": each.cells} for each in comparison.told],
        "rows_of_tables": [row.as_dict() for row in comparison.rows], "explained": [each.as_dict() for each in comparison.explained],
        "changes": change_rows(comparison),
    }  # fmt: skip
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
