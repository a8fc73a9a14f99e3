"""index.html: the answers first, then what to keep in mind, what is missing, and how it was done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.questions.answer import Answer, Result
from mentorship_eval.report.fragments import gaps_html, lead_html
from mentorship_eval.report.page import TEMPLATES

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["headline_results", "index_html", "truth_of"]

DOWNLOADS = (
    ("estimates.csv", "every number that may be quoted, at full precision"),
    ("repair_log.csv", "every kind of change that reading made to the data, and how often"),
    ("disclosure_log.csv", "what was withheld, where and by which rule"),
    ("answers.json", "all that the pages show, for programs: figures and tables can be made from it again"),
    ("manifest.json", "hashes of inputs and outputs, versions, parameters"),
    ("figures/", "each figure as PNG and SVG"),
    ("tables/", "the numbers behind each figure and table"),
    ("notebooks/", "the executed notebooks"),
)


def truth_of(result: Result) -> float | None:
    """The true value where the cohort is simulated."""
    return None if result.truth is None or math.isnan(result.truth) else result.truth


def headline_results(answers: Mapping[str, Answer]) -> list[Result]:
    """The results that answer the questions, in chapter order; companions, checks and audits stand in their chapters."""
    found = {result.id: result for answer in answers.values() for result in answer.results if result.role == "headline"}
    return list(found.values())


def _card(result: Result) -> dict[str, str]:
    estimate = result.estimate
    label = result.full_label
    p = format_p(estimate.p_value) if not math.isnan(estimate.p_value) else ""
    if math.isnan(estimate.value):
        withheld = next((caution.text for caution in estimate.warnings if caution.code == "suppressed"), "")
        return {"label": label, "number": "withheld" if withheld else "not estimable", "words": withheld or _capital(result.estimand)}
    interval = ""
    if not math.isnan(estimate.ci_low):
        low, high = format_number(estimate.ci_low), format_number(estimate.ci_high)
        interval = f"{estimate.ci_level * 100:g} % interval {low} to {high}{'; ' + p if p else ''}"
    truth = truth_of(result)
    return {
        "label": label,
        "number": format_number(estimate.value),
        "scale": f"{estimate.scale}{', ' + estimate.unit if estimate.unit else ''}",
        "interval": interval,
        "words": f"{_capital(result.estimand)}. {_reading(result)}",
        "truth": "" if truth is None else f"True value in this simulated cohort: {format_number(truth)}",
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reading(result: Result) -> str:
    """The interval in words, without a verdict on causes."""
    estimate = result.estimate
    if math.isnan(estimate.ci_low) or math.isnan(estimate.ci_high):
        return "No interval can be given."
    if not estimate.is_ratio:
        return f"The interval {'includes' if estimate.ci_low <= 0 <= estimate.ci_high else 'excludes'} no difference."

    def change(ratio: float) -> str:
        if math.isinf(ratio):
            return "no upper limit"
        percent = 100 * (ratio - 1)
        return f"{format_number(abs(percent), 0)} % {'lower' if percent < 0 else 'higher'}"

    return f"Compatible with anything from {change(estimate.ci_low)} to {change(estimate.ci_high)}."


def _says(answer: Answer) -> str:
    """A chapter in one line: its first sentence, or that it has no answer."""
    if answer.chapter == "summary":
        return ""
    if answer.gaps and not answer.results and not answer.exhibits:
        return "not answered with these data"
    return str(answer.lead[0]) if answer.lead else ""


def _window(cohort: Cohort) -> str:
    start, end = cohort.window
    return "" if start != start or end != end else f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"


def index_html(
    answers: Mapping[str, Answer],
    cohort: Cohort,
    *,
    page: Mapping[str, Any],
    pages: Mapping[str, str],
    facts: list[tuple[str, str]],
    disclosure: str,
    figure: str = "",
) -> str:
    """The first page of a report.

    page: key, version, style, nav, unprotected. pages: file name of each chapter -> its label, in the order of answers.
    facts: label and value of what is needed to make the report again. figure: a <figure> from the summary, or "".
    """
    from jinja2 import Environment, FileSystemLoader

    summary = answers.get("summary")
    headlines = headline_results(answers)
    # a sentence whose numbers stand in a card is not said twice
    carded = {result.estimate.statement() for result in headlines}
    said: set[str] = set()
    methods = []
    for name, label in zip(answers, pages.values(), strict=True):
        texts = [text for text in answers[name].methods if text not in said]
        said.update(texts)
        if texts:
            methods.append({"label": label, "texts": texts})
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=False)
    cautions = {caution.text: caution for answer in ([summary] if summary else answers.values()) for caution in answer.cautions}
    gaps = {(gap.question, gap.reason): gap for answer in answers.values() for gap in answer.gaps}
    boxes = lead_html(Answer("", "", cautions=tuple(cautions.values()))) if cautions else ""
    chapters = [
        {"href": href, "label": label, "says": _says(answers[name])}
        for name, (href, label) in zip(answers, pages.items(), strict=True)
    ]
    return environment.get_template("index.html.j2").render(
        page={"name": cohort.name or page["cohort"], "window": _window(cohort), **page},
        lead=[str(statement) for statement in summary.lead if str(statement) not in carded] if summary else [],
        headlines=[_card(result) for result in headlines],
        figure=figure,
        cautions=boxes,
        gaps=gaps_html(gaps.values()) if gaps else "",
        chapters=chapters,
        downloads=[{"href": href, "what": what} for href, what in DOWNLOADS],
        methods=methods,
        disclosure=disclosure,
        facts=facts,
    ) + "\n"


def figure_html(answer: Answer | None) -> str:
    """The summary's forest plot as a figure, or nothing."""
    from mentorship_eval.errors import MentorshipEvalError
    from mentorship_eval.report.exhibits import draw

    exhibit = answer.exhibit("summary.forest") if answer else None
    if exhibit is None:
        return ""
    try:
        return draw(exhibit)._repr_html_()
    except MentorshipEvalError as error:
        return f'<p class="absent">{escape(error.problem)}</p>'
