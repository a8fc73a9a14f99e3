"""Pieces of a page as HTML, made from protected answers; everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Answer, Gap, Statement
from mentorship_eval.report.exhibits import file_stem
from mentorship_eval.report.listed import listed_estimates
from mentorship_eval.report.numbering import estimates_id

__all__ = ["BY_HAND", "Fragment", "cautions_html", "estimates_table", "exhibit_html", "gaps_html", "lead_html", "methods_html", "unlock_words"]

BY_HAND = (
    "Shown by hand: not yet passed through a run's disclosure ledger. Counts below the threshold are withheld here too, but only "
    "a whole run decides over all chapters together. Do not publish from this page."
)


class Fragment:
    """Something that a notebook shows: HTML, text for a terminal, and further mime types beside them."""

    def __init__(self, html: str, text: str = "", **more: Any) -> None:
        self.html, self.text, self.more = html, text, more.get("bundle", {})

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self.html, "text/plain": self.text or "HTML", **self.more}

    def __repr__(self) -> str:
        return self.text or "<Fragment>"


def _box(kind: str, body: str, colour: str) -> str:
    # the border is inline so that the box shows in JupyterLab, which does not carry the report's style sheet
    return f'<div class="{kind}" style="border-left:4px solid {colour};padding:0.4em 0.9em;margin:1em 0">{body}</div>'


def _heading(text: str) -> str:
    return f'<h2 style="font-size:1.05em;margin:0.3em 0">{escape(text)}</h2>'


def banner_html() -> str:
    return _box("by-hand", f"<strong>{escape(BY_HAND)}</strong>", "#D55E00")


def exhibit_html(stem: str, html: str) -> str:
    """A figure or table under the name by which a page refers to it."""
    return f'<div class="exhibit" id="exhibit-{stem}">{html}</div>'


def _told(statement: Statement) -> str:
    """A sentence, and an empty mark where a page puts the numbers of the figures and tables that show more of it."""
    marks = "".join(f'<span class="see" data-see="{file_stem(each)}"></span>' for each in statement.see)
    return f"<p>{escape(str(statement))}{marks}</p>"


def cautions_html(cautions: Iterable[Caution]) -> str:
    items = "".join(f"<li>{escape(caution.text)}</li>" for caution in cautions)
    return _box("cautions", f"{_heading('To keep in mind')}<ul>{items}</ul>", "#E69F00")


def lead_html(answer: Answer) -> str:
    """What the chapter says first: its statements, its cautions, its gaps."""
    parts = [_told(statement) for statement in answer.lead]
    if answer.cautions:
        parts.append(cautions_html(answer.cautions))
    if answer.gaps:
        parts.append(gaps_html(answer.gaps))
    return f'<div class="lead">{"".join(parts)}</div>'


def _gap(gap: Gap) -> str:
    question = escape(gap.question) if gap.question.endswith("?") else f"{escape(gap.question)}:"
    return f"<strong>{question}</strong> {escape(gap.reason)} <em>{escape(unlock_words(gap.unlock))}</em>"


def unlock_words(unlock: str) -> str:
    """What would unlock an answer, as a sentence."""
    words = unlock if unlock[:1].isupper() or not unlock else f"What would unlock it: {unlock}"
    return words if words.endswith(".") or not words else f"{words}."


def gaps_html(gaps: Iterable[Gap], heading: str = "What these data cannot answer") -> str:
    """Each question that could not be answered, why, and what would unlock it; heading: "" where the page has one."""
    items = "".join(f"<li>{_gap(gap)}</li>" for gap in gaps)
    if not items:
        return _box("gaps", "<p>No question was left open.</p>", "#6b6b6b")
    return _box("gaps", f"{_heading(heading) if heading else ''}<ul>{items}</ul>", "#6b6b6b")


def methods_html(answer: Answer) -> str:
    return f'<div class="methods">{"".join(f"<p>{escape(text)}</p>" for text in answer.methods)}</div>'


def estimates_table(answer: Answer, status: dict[str, str]) -> str:
    """The chapter's results as a table: estimate with interval, p, persons, events, clusters, status."""
    tables = listed_estimates(answer, status)
    if not tables:
        return "<p>This chapter has no estimates.</p>"
    first, *rest = (exhibit_html(file_stem(estimates_id(answer)), table.html) for table in tables)
    # a long list opens with what the chapter is about; every other number is one click away, and on paper all are printed
    words = f"{len(tables[-1].frame)} further estimates: descriptive, by group, by dose, sensitivity, diagnostic"
    more = f"<details><summary>{words}</summary>{rest[0]}</details>" if rest else ""
    return f'<div class="estimates">{first}{more}</div>'
