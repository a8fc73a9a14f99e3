"""The answers first: the headline of every chapter on one page, with intervals, cautions and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Statement
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit

__all__ = ["answer"]


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """Collects; computes nothing of its own, so that no number stands here that does not stand in its chapter."""
    chapters = [a for name, a in (earlier or {}).items() if name not in ("cohort", "summary")]
    headlines = [r for a in chapters for r in a.results if r.role == "headline"]
    naive = [r for a in chapters for r in a.results if r.role == "audit"]
    ratios = [r for r in headlines if r.estimate.is_ratio]
    exhibits = []
    if ratios:
        exhibits.append(
            forest_exhibit(
                "summary.forest",
                "The answers",
                [replace(r, group="", label=r.full_label) for r in ratios],
                value_label="Ratio",
                sides=("fewer", "more"),
                note="A ratio below 1: fewer leave, or fewer are reported, than without mentorship.",
            )
        )
    if headlines or naive:
        frame = pd.DataFrame(
            [
                {
                    "chapter": a.title,
                    "what": r.full_label,
                    "estimate": r.estimate.value,
                    "ci_low": r.estimate.ci_low,
                    "ci_high": r.estimate.ci_high,
                    "p": r.estimate.p_value,
                    "n_events": r.estimate.n_events,
                    "truth": r.truth,
                    "reading": _reading(r.role),
                    "told": r.id,
                }
                for a in chapters
                for r in a.results
                if r.role in ("headline", "audit") and r.estimate.is_ratio
            ]
        )
        if len(frame) and frame["truth"].isna().all():
            frame = frame.drop(columns="truth")
        exhibits.append(
            table_exhibit(
                "summary.scorecard",
                "Headline estimates",
                frame,
                counts=("n_events",),
                derived=("estimate", "ci_low", "ci_high", "p"),
                results={"told": ""},
                formats={
                    "estimate": "ratio",
                    "ci_low": "ratio",
                    "ci_high": "ratio",
                    "p": "p",
                    "n_events": "count",
                    **({"truth": "ratio"} if "truth" in frame else {}),
                },
                labels={
                    k: v
                    for k, v in {
                        "chapter": "Chapter",
                        "what": "Quantity",
                        "estimate": "Ratio",
                        "ci_low": "CI low",
                        "ci_high": "CI high",
                        "p": "p",
                        "n_events": "Events",
                        "truth": "Truth",
                        "reading": "How to read it",
                    }.items()
                    if k in frame
                },
            )
        )
    known = [r.estimate for r in ratios if not pd.isna(r.estimate.value)]
    lead = [Statement(estimate.statement(), rests_on=(estimate.n, estimate.n_events)) for estimate in known]
    lead += [
        Statement(
            f"{r.label} would have given a {r.estimate.scale} of {r.estimate.interval()}: what immortal time does, and no effect.",
            rests_on=(r.estimate.n, r.estimate.n_events),
            results=(r.id,),
        )
        for r in naive
        if r.id == "retention.naive_hire"
    ]
    cautions = tuple(c for a in chapters for c in a.cautions)
    gaps = tuple(g for a in chapters for g in a.gaps)
    methods = tuple(text for a in chapters for text in a.methods)
    return Answer("summary", "Summary", tuple(lead), (), tuple(exhibits), cautions, gaps, methods)


def _reading(role: str) -> str:
    return "estimate" if role == "headline" else "what a wrong design would have said"
