"""Proposed pairs as a page of their own, in the house style, for the coordinator who decides: it names people and stays with the data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup

from mentorship_eval import __version__
from mentorship_eval.matching.words import UNMET
from mentorship_eval.questions.next_wave import LAST_WAVE_DAYS
from mentorship_eval.report.numbered import Contents, Entry
from mentorship_eval.report.page import filled, style_sheet
from mentorship_eval.report.pairing.words import Round, about_choice, about_fairness, about_size, decided

__all__ = ["pairs_html"]

_PARTS = {"goals": "Goals", "field": "Profession and specialty", "concordance": "A mentor alike", "preference": "A mentor by name"}
_FIRST = 12  # pairs named of each kind to look at first

_STYLE = """
.pairing { border-collapse: collapse; font-size: 0.9rem; margin: 0.6rem 0 1.4rem; font-variant-numeric: tabular-nums; width: 100%; }
.pairing :is(th, td) { text-align: left; vertical-align: top; padding: 0.45rem 0.9rem 0.45rem 0; border-bottom: 1px solid var(--line); }
.pairing thead th { border-bottom-color: var(--ink); vertical-align: bottom; }
.pairing tbody th { font-weight: 600; }
.pairing:not(.people) { width: auto; min-width: min(38rem, 100%); }
.pairing.people :is(td:nth-child(3), td:has(.bar)) { white-space: nowrap; }
.pairing.people :is(tbody th, td:nth-child(2), td:nth-child(5)):not(:has(.bar)) { overflow-wrap: anywhere; min-width: 5rem; }
.pairing.people td:nth-child(4) { min-width: 11rem; }
.pairing .quiet { color: var(--quiet); }
.wide { overflow-x: auto; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
div.cautions { padding: 0.3rem 0.9rem; max-width: 52rem; }
.bar { display: inline-block; width: 5rem; height: 0.55rem; margin-right: 0.5rem; border: 1px solid var(--quiet); border-radius: 2px; }
.bar > span { display: block; height: 100%; background: var(--mark); }
.met, .unmet, .state, .remark { display: block; }
.met::before { content: "✓"; color: var(--mark); } .unmet::before { content: "–"; color: var(--quiet); }
.met::before, .unmet::before { display: inline-block; width: 1.1rem; margin-left: -1.1rem; font-weight: 700; }
.met, .unmet { padding-left: 1.1rem; line-height: 1.4; }
.unmet { color: var(--quiet); }
.state { font-weight: 400; font-size: 0.85em; color: var(--quiet); }
.remark { font-size: 0.85em; color: var(--warn); white-space: normal; }
@media screen and (max-width: 48rem) {
  .people, .people :is(tbody, tr, th, td) { display: block; }
  .people thead { position: absolute; left: -999rem; }
  .people tr { border: 1px solid var(--line); border-radius: 5px; padding: 0.5rem 0.8rem; margin: 0 0 0.8rem; }
  .people :is(th, td) { border: 0; padding: 0.15rem 0; }
  .people td { display: grid; grid-template-columns: 6.2rem minmax(0, 1fr); overflow-wrap: anywhere; }
  .people td::before { content: attr(data-label); color: var(--quiet); }
  .people td > .remark { grid-column: 2; }
  .bar { width: 3.4rem; }
  .pairing:not(.people) .bar { display: none; }
  .people td:has(> .bar) { grid-template-columns: 6.2rem 4.2rem minmax(0, 1fr); align-items: center; }
}
@media print { .pairing:not(.people) { break-inside: avoid; } .bar > span { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def pairs_html(made: Round, *, cohort: str, key: str) -> str:
    """The page. cohort: name of the study; key: what the footer tells the round by. All that comes from the data is escaped."""
    headings = {"good": "How good the pairs are", "pairs": "The pairs and their reasons", "without": "Without a mentor", "decide": "How to decide"}
    page = {"nav": [], "style": style_sheet() + _STYLE, "cohort": cohort, "key": key, "version": __version__, "unprotected": ""}
    shown = [_pair(number, row) for number, row in enumerate(made.proposal.pairs.to_dict("records"), start=1)]
    for row in shown:
        row["remark"] = made.wave.remarks.get(row["mentor"], "")
    return filled(
        "pairs.html.j2", page, title=f"Proposed pairs: {cohort}", contents=Contents([Entry(anchor, words) for anchor, words in headings.items()]),
        headings=headings, day=f"{made.wave.day:%Y-%m-%d}", size=about_size(made), decided=_coded(decided(made)), compared=_compared(made),
        told=[_coded(text) for text in _told(made)],
        cautions=[_coded(text) for text in (*about_fairness(made), *made.notes)], parts=_parts(made), weak=list(_weak(made, shown)), pairs=shown,
        refused=made.of("refused").to_dict("records"), unmatched=[_lone(row) for row in made.proposal.unmatched.to_dict("records")],
        left_out=_left_out(made), wave_notes=[_coded(text) for text in made.wave.notes if " get nobody: " not in text and " left out: " not in text],
        rows=f" (now {len(made.of('kept')):,})", settings=_settings(made), bar=_bar,
    )  # fmt: skip


def _told(made: Round) -> Iterator[str]:
    """What the table of means does not say."""
    if len(made.of("proposed")):
        yield about_choice(made)
        yield "Random pairs keep the same rules; their interval tells how well so many draws know the mean, not how draws differ."
    if len(made.last):
        yield (f"The last wave are the pairs begun in the {LAST_WAVE_DAYS} days before, by the same score; their wishes count as far as the table "
               "`wishes` still has them.")


def _compared(made: Round) -> list[dict[str, str]]:
    """The pairs chosen, those kept, chance, and the last wave, each as a bar."""
    random, kept = made.proposal.random, made.of("kept")
    rows = []
    if len(made.of("proposed")):
        rows.append(_measured("Chosen now", made.proposal.mean_free, len(made.of("proposed"))))
    if len(kept):
        rows.append(_measured("Decided by you", float(kept["score"].mean()), len(kept)))
    if len(random.means):
        low, high = random.interval
        rows.append({**_measured("Random pairs of the same people", random.mean, round(random.matched.mean())),
                     "interval": f"{low:.3f} to {high:.3f}, {len(random.means):,} draws"})  # fmt: skip
    if len(made.last):
        rows.append(_measured("The last wave", float(made.last.mean()), len(made.last)))
    return rows


def _measured(label: str, score: float, number: int) -> dict[str, str]:
    return {"label": label, "width": _width(score), "score": f"{score:.3f}", "number": f"{number:,}", "interval": ""}


def _parts(made: Round) -> list[dict[str, str]]:
    """Of the pairs, kept and proposed: who asked for what, and how much of it is met."""
    if made.proposal.pairs.empty:
        return []
    rows = []
    for name, weight in made.weights.parts.items():
        asked = made.proposal.pairs[name].dropna()
        met = float(asked.mean()) if len(asked) else 0.0
        rows.append({"label": _PARTS[name], "weight": f"{weight:g}", "asked": f"{len(asked):,} of {len(made.proposal.pairs):,}",
                     "met": f"{met:.0%}" if len(asked) else "", "width": _width(met)})  # fmt: skip
    return rows


def _weak(made: Round, shown: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Pairs that want a second look, most of all those that chance would have made better."""
    chance = made.proposal.random.mean
    open_pairs = [row for row in shown if not row["kept"]]
    kinds = {
        "Below the mean of random pairs": sorted((row for row in open_pairs if row["value"] < chance), key=lambda row: row["value"]),
        "Mentor without valid training": [row for row in open_pairs if row["remark"]],
    }
    for text, rows in kinds.items():
        if rows:
            yield f"{text} ({len(rows):,}{f', the first {_FIRST} of them' if len(rows) > _FIRST else ''})", rows[:_FIRST]


def _pair(number: int, row: dict[str, Any]) -> dict[str, Any]:
    reasons = [text for text in str(row["why"]).split("; ") if text]
    loss = float(row["loss"]) if row["loss"] == row["loss"] else np.nan
    return {
        "anchor": f"pair-{number}", "mentee": row["mentee_id"], "mentor": row["mentor_id"], "value": float(row["score"]),
        "score": f"{row['score']:.2f}", "width": _width(row["score"]), "met": [text for text in reasons if not text.startswith(UNMET)],
        "unmet": [text for text in reasons if text.startswith(UNMET)], "other": row["next_best"],
        "loss": "costs nothing" if loss == 0 else f"costs {loss:.2f} or more" if loss >= 0.005 else f"costs {loss:.4f} or more",
        "kept": "decided" if row["status"] == "kept" else "",
        "places": f"{row['load_after']} of {row['capacity']}",
    }  # fmt: skip


def _lone(row: dict[str, Any]) -> dict[str, Any]:
    score, number = float(row["best_score"]), int(row["open_mentors"])
    drawn = {"score": f"{score:.2f}", "width": _width(score)} if np.isfinite(score) else {"score": "", "width": ""}
    return {"mentee": row["mentee_id"], "why": row["why"], "open": f"{number:,} mentor{'' if number == 1 else 's'}", **drawn}


def _left_out(made: Round) -> list[tuple[str, list[str]]]:
    groups = made.wave.left_out.groupby(["role", "why"], sort=True)["staff_id"]
    return [(f"{role.capitalize()}s {why}", [str(person) for person in people]) for (role, why), people in groups]


def _settings(made: Round) -> dict[str, str]:
    choice = made.choice
    return {
        "Weights": ", ".join(f"{name} {weight:g}" for name, weight in made.weights.parts.items()), "Without a mentor": f"−{made.weights.unmatched:g}",
        "Scarce places": {"total": "the highest total of scores", "equal": "everybody the same claim, however easily suited"}[choice.scarce],
        "Mentors without training": {"leave_out": "get nobody", "allow": "take part"}[choice.untrained],
        "Blank capacity": "gets nobody" if choice.capacity is None else f"{choice.capacity:,} mentees at a time",
        "Random draws and seed": f"{choice.draws:,}; {choice.seed}",
    }  # fmt: skip


def _width(score: float) -> str:
    return f"{100 * min(max(float(score), 0.0), 1.0):.0f}%"


def _bar(width: str, words: str) -> Markup:
    """A drawn share that says nothing beyond the number beside it."""
    return Markup('<span class="bar" aria-hidden="true"><span style="width: {}"></span></span><span>{}</span>').format(width, words)


def _coded(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
