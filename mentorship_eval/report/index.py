"""index.html: the answers first, then what to keep in mind, what is missing, and how it was done."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mentorship_eval.estimate import Caution, Estimate, format_number, format_p
from mentorship_eval.questions.answer import Answer, Gap, Result
from mentorship_eval.questions.domains import judged
from mentorship_eval.report.fragments import gaps_html, unlock_words
from mentorship_eval.report.numbered import Contents, Entry
from mentorship_eval.report.page import filled
from mentorship_eval.report.small_intervals import Axis, axis_for, interval_svg

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["headline_results", "index_html", "reading", "truth_of", "window_words"]

DOWNLOADS = (
    ("report.pdf", "this report to print or send: tagged, with contents and bookmarks"),
    ("report.docx", "this report for Word, with real tables"),
    ("estimates.csv", "every number that may be quoted, at full precision"),
    ("repair_log.csv", "every kind of change that reading made to the data, and how often"),
    ("disclosure_log.csv", "what was withheld, where and by which rule"),
    ("answers.json", "all that the pages show, for programs: figures and tables can be made from it again"),
    ("manifest.json", "hashes of inputs and outputs, versions, parameters"),
    ("figures/", "each figure as PNG and SVG"),
    ("tables/", "the numbers behind each figure and table"),
    ("notebooks/", "the executed notebooks"),
)
HEADINGS = (
    ("answers", "What was found"), ("cautions", "To keep in mind"), ("gaps", "What these data cannot answer"), ("chapters", "Chapters"),
    ("methods", "Methods"), ("downloads", "Downloads"), ("again", "How to make this report again"),
)  # fmt: skip
_FIRST = 3  # cautions of a chapter that stand open on the first page; the others are one click away, and printed


def truth_of(result: Result) -> float | None:
    """The true value where the cohort is simulated."""
    return None if result.truth is None or math.isnan(result.truth) else result.truth


def headline_results(answers: Mapping[str, Answer]) -> list[Result]:
    """The results that answer the questions, in chapter order; companions, checks and audits stand in their chapters."""
    found = {result.id: result for answer in answers.values() for result in answer.results if result.role == "headline"}
    return list(found.values())


def _shown(result: Result, axes: Mapping[str, Axis]) -> dict[str, Any]:
    """One headline estimate as the template shows it."""
    estimate = result.estimate
    cautions = [caution.text for caution in estimate.warnings if caution.code != "suppressed"]
    words: dict[str, Any] = {"label": result.full_label, "cautions": cautions}
    if math.isnan(estimate.value):
        withheld = next((caution.text for caution in estimate.warnings if caution.code == "suppressed"), "")
        return {**words, "number": "withheld" if withheld else "not estimable", "words": withheld or _capital(result.estimand)}
    interval = ""
    if not math.isnan(estimate.ci_low):
        p = format_p(estimate.p_value) if not math.isnan(estimate.p_value) else ""
        low, high = _number(estimate, estimate.ci_low), _number(estimate, estimate.ci_high)
        interval = f"{estimate.ci_level * 100:g} % interval {low} to {high}{'; ' + p if p else ''}"
    truth = truth_of(result)
    return {
        **words,
        "number": _number(estimate, estimate.value),
        "scale": "" if _is_level(estimate) else f"{estimate.scale}{', ' + estimate.unit if estimate.unit else ''}",
        "interval": interval,
        "drawing": "" if _is_level(estimate) else interval_svg(estimate, axes[_kind(estimate)], truth),
        "words": f"{_capital(result.estimand)}. {reading(result)}".rstrip(),
        "truth": "" if truth is None else f"True value in this simulated cohort: {_number(estimate, truth)}",
    }


def _number(estimate: Estimate, value: float) -> str:
    """A value on the scale of ``estimate``; shares by themselves in per cent."""
    return f"{format_number(100 * value, 1)} %" if _is_level(estimate) else estimate.shown(value)


def _is_level(estimate: Estimate) -> bool:
    """A share by itself compares nothing: there is no value of no effect to draw it against."""
    return estimate.scale == "probability"


def _kind(estimate: Estimate) -> str:
    """Estimates of one kind share an axis."""
    return "ratio" if estimate.is_ratio else f"{estimate.scale} {estimate.unit}"


def _axes(results: Iterable[Result]) -> dict[str, Axis]:
    kinds: dict[str, list[Result]] = {}
    for result in results:
        kinds.setdefault(_kind(result.estimate), []).append(result)
    return {
        kind: axis_for([each.estimate for each in those], ratio=kind == "ratio", more=[each for each in map(truth_of, those) if each is not None])
        for kind, those in kinds.items()
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def reading(result: Result) -> str:
    """The interval in words, without a verdict on causes; nothing for a share by itself."""
    estimate = result.estimate
    if _is_level(estimate):
        return ""
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
    # an index of chapters has room for a sentence, not for all that a statement says
    return re.split(r"(?<=[a-z)])(?<!\bvs)\. (?=[A-Z])", str(answer.lead[0]), maxsplit=1)[0].removesuffix(".") + "." if answer.lead else ""


def window_words(cohort: Cohort) -> str:
    """First and last day of what was observed, or nothing where the tables do not say it."""
    start, end = cohort.window
    return "" if start != start or end != end else f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"


def _cautions(answers: Mapping[str, Answer], links: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """By chapter, each caution once; the summary only repeats them."""
    told: set[str] = set()
    found = []
    for name, answer in answers.items():
        own: list[Caution] = [each for each in answer.cautions if name != "summary" and each.text not in told]
        told.update(each.text for each in own)
        if own:
            texts = [each.text for each in own]
            found.append({"href": links[name][0], "label": links[name][1], "first": texts[:_FIRST], "more": texts[_FIRST:]})
    return found


def _gaps(answers: Mapping[str, Answer], domains: Iterable[str]) -> list[Gap]:
    """What no chapter could answer; what a domain lacks stands in its own place above."""
    found = {(gap.question, gap.reason): gap for answer in answers.values() for gap in answer.gaps}
    return [gap for gap in found.values() if not gap.question.startswith(tuple(domains))]


def _methods(answers: Mapping[str, Answer], links: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    said: set[str] = set()
    found = []
    for name, answer in answers.items():
        texts = [text for text in answer.methods if text not in said]
        said.update(texts)
        if texts:
            found.append({"label": links[name][1], "texts": texts})
    return found


def index_html(
    answers: Mapping[str, Answer],
    cohort: Cohort,
    *,
    page: Mapping[str, Any],
    pages: Mapping[str, str],
    facts: list[tuple[str, str]],
    disclosure: str,
) -> str:
    """The first page of a report.

    page: key, version, style, nav, unprotected. pages: file name of each chapter -> its label, in the order of answers.
    facts: label and value of what is needed to make the report again.
    """
    links = dict(zip(answers, pages.items(), strict=True))
    headlines = headline_results(answers)
    axes = _axes(result for result in headlines if not math.isnan(result.estimate.value))
    domains = [
        {
            "title": each.domain.title, "question": each.domain.question, "reason": each.reason, "unlock": unlock_words(each.unlock),
            "chapter": links.get(each.domain.chapter, ("", "")),
            "results": [_shown(result, axes) for result in each.results],
        }
        for each in judged(answers, cohort)
    ]  # fmt: skip
    inside = {result.id for each in judged(answers, cohort) for result in each.results}
    others = [_shown(result, axes) for result in headlines if result.id not in inside]
    # a sentence whose numbers stand in a card is not said twice
    carded = {result.estimate.statement() for result in headlines}
    summary = answers.get("summary")
    cautions, gaps = _cautions(answers, links), _gaps(answers, [f"{each['title']}: {each['question']}" for each in domains])
    empty = {anchor for anchor, there in (("cautions", cautions), ("gaps", gaps)) if not there}
    return filled(
        "index.html.j2", page, title=f"{cohort.name or page['cohort']} · report",
        contents=Contents([Entry(anchor, words) for anchor, words in HEADINGS if anchor not in empty]),
        words=dict(HEADINGS), name=cohort.name or page["cohort"], window=window_words(cohort), domains=domains, others=others,
        lead=[str(statement) for statement in summary.lead if str(statement) not in carded] if summary else [],
        simulated=any(truth_of(result) is not None for result in headlines), cautions=cautions, gaps=gaps_html(gaps, heading="") if gaps else "",
        chapters=[{"href": href, "label": label, "says": _says(answers[name])} for name, (href, label) in links.items()],
        downloads=[{"href": href, "what": what} for href, what in DOWNLOADS], methods=_methods(answers, links), disclosure=disclosure, facts=facts,
    )  # fmt: skip
