"""estimates.csv: a row per number that a reader could quote, at full precision."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from mentorship_eval.questions.answer import Answer, Result
from mentorship_eval.report.cells import no_formula

__all__ = ["ESTIMATES_MIME", "ESTIMATE_COLUMNS", "estimate_rows", "estimates_csv"]

ESTIMATES_MIME = "application/vnd.mentorship-eval.estimates+json"

ESTIMATE_COLUMNS = (
    "id", "chapter", "outcome", "estimand", "method", "population", "scale", "unit", "estimate", "ci_low", "ci_high", "ci_level",
    "p_value", "n", "n_events", "n_clusters", "status", "warnings",
)


def _number(value: Any) -> float | int | None:
    """A plain Python number, whole where it is whole; None where there is none."""
    if value is None or isinstance(value, str):
        return None
    number = float(value)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _row(answer: Answer, result: Result, planned: frozenset[str]) -> dict[str, Any]:
    estimate = result.estimate
    return {
        "id": result.id,
        "chapter": answer.chapter,
        "outcome": result.outcome,
        "estimand": result.estimand,
        "method": estimate.method,
        "population": result.population,
        "scale": estimate.scale,
        "unit": estimate.unit,
        "estimate": _number(estimate.value),
        "ci_low": _number(estimate.ci_low),
        "ci_high": _number(estimate.ci_high),
        "ci_level": estimate.ci_level,
        "p_value": _number(estimate.p_value),
        "n": _number(estimate.n),
        "n_events": _number(estimate.n_events),
        "n_clusters": _number(estimate.n_clusters),
        # a plan cannot be locked yet, so nothing is "planned" beyond doubt
        "status": "unlocked" if result.outcome in planned else "exploratory",
        "warnings": ";".join(dict.fromkeys(caution.code for caution in estimate.warnings)),
    }


def estimate_rows(answers: Iterable[Answer], planned: Iterable[str]) -> list[dict[str, Any]]:
    """One dict per result, keys as `ESTIMATE_COLUMNS`, numbers at full precision and None where there is none.

    planned: the outcomes named in the plan, primary or secondary; everything else is exploratory.
    """
    names = frozenset(planned)
    return [_row(answer, result, names) for answer in answers for result in answer.results]


def planned_outcomes(plan: Any) -> list[str]:
    """The outcomes that study.yaml's plan names."""
    return [*plan.primary, *plan.secondary]


def estimates_csv(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as CSV; a float is written so that reading it gives the same float."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ESTIMATE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if value is None else repr(value) if isinstance(value, float) else no_formula(value) for key, value in row.items()})
    return stream.getvalue()
