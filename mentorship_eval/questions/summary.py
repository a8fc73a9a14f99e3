"""The answers first: the headline of every chapter on one page, with intervals, cautions and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement
from mentorship_eval.questions.domains import Judged, judged
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit

__all__ = ["answer"]


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """Collects; computes nothing of its own, so that no number stands here that does not stand in its chapter."""
    chapters = {name: a for name, a in (earlier or {}).items() if name not in ("cohort", "summary")}
    domains = judged(chapters, cohort)
    headlines = [r for a in chapters.values() for r in a.results if r.role == "headline"]
    naive = [r for a in chapters.values() for r in a.results if r.role == "audit"]
    ratios = [r for r in headlines if r.estimate.is_ratio]
    exhibits = [_forest(ratios)] if ratios else []
    exhibits.append(_scorecard(domains))
    if naive:
        exhibits.append(_wrong_designs(naive))
    known = [r.estimate for r in headlines if not pd.isna(r.estimate.value)]
    lead = [Statement(estimate.statement(), rests_on=(estimate.n, estimate.n_events), see=("summary.scorecard",)) for estimate in known]
    lead += [
        Statement(
            f"{r.label} would have given a {r.estimate.scale} of {r.estimate.interval()}: what immortal time does, and no effect.",
            rests_on=(r.estimate.n, r.estimate.n_events),
            results=(r.id,),
            see=("summary.wrong_designs",),
        )
        for r in naive
        if r.id == "retention.naive_hire"
    ]
    cautions = tuple(c for a in chapters.values() for c in a.cautions)
    open_domains = [Gap(f"{each.domain.title}: {each.domain.question}", each.reason, each.unlock)
                    for each in domains if each.domain.chapter not in chapters]  # fmt: skip
    gaps = (*(g for a in chapters.values() for g in a.gaps), *open_domains)
    methods = tuple(text for a in chapters.values() for text in a.methods)
    return Answer("summary", "Summary", tuple(lead), (), tuple(exhibits), cautions, gaps, methods)


def _forest(ratios: list[Result]) -> Exhibit:
    return forest_exhibit(
        "summary.forest",
        "The answers",
        [replace(r, group="", label=r.full_label) for r in ratios],
        value_label="Ratio",
        sides=("fewer", "more"),
        note="A ratio below 1: fewer leave, or fewer are reported, than without mentorship.",
    )


def _scorecard(domains: list[Judged]) -> Exhibit:
    """A row for each headline estimate, and one for each domain that has none."""
    rows: list[dict[str, Any]] = []
    for each in domains:
        rows += [{"domain": each.domain.title, **_row(result), "says": ""} for result in each.results]
        if not each.results:
            rows.append({"domain": each.domain.title, "what": "No estimate", "told": "", "says": f"{each.reason} {each.unlock}".strip()})
    names = ("domain", "what", "scale", "estimate", "ci_low", "ci_high", "p", "n_events", "truth", "says", "told")
    frame = pd.DataFrame(rows).reindex(columns=list(names))
    return _table("summary.scorecard", "The four domains", frame, {"domain": "Domain", "says": "What would unlock it"})


def _wrong_designs(naive: list[Result]) -> Exhibit:
    frame = pd.DataFrame([_row(result) for result in naive])
    note = "Shown so that they can be recognised; none is an effect of mentorship."
    return _table("summary.wrong_designs", "What wrong designs would have said", frame, {}, note)


def _row(result: Result) -> dict[str, Any]:
    estimate = result.estimate
    return {
        "what": result.full_label,
        "scale": estimate.scale + (f" ({estimate.unit})" if estimate.unit else ""),
        "estimate": estimate.value,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "p": estimate.p_value,
        "n_events": estimate.n_events,
        "truth": result.truth,
        "told": result.id,
    }


def _table(name: str, title: str, frame: pd.DataFrame, more: Mapping[str, str], note: str = "") -> Exhibit:
    # a column that holds nothing in any row is left out: the truth of a real cohort, what lacks where nothing does
    hollow = [column for column in ("truth", "says") if column in frame and not frame[column].map(_told).any()]
    frame = frame.drop(columns=hollow)
    labels = {"what": "Quantity", "scale": "Scale", "estimate": "Estimate", "ci_low": "CI low", "ci_high": "CI high", "p": "p",
              "n_events": "Events", "truth": "Truth", **more}  # fmt: skip
    numbers = dict.fromkeys(("estimate", "ci_low", "ci_high", "truth"), "ratio")
    formats = {column: kind for column, kind in {**numbers, "p": "p", "n_events": "count"}.items() if column in frame}
    return table_exhibit(
        name, title, frame, counts=("n_events",), derived=("estimate", "ci_low", "ci_high", "p"), results={"told": ""}, formats=formats,
        labels={column: label for column, label in labels.items() if column in frame}, note=note,
    )  # fmt: skip


def _told(value: Any) -> bool:
    return bool(value) and not pd.isna(value)
