"""From protected answers to the blocks of a document: the answers first, then every chapter as its notebook orders it, then how it was made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mentorship_eval.errors import MentorshipEvalError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Statement
from mentorship_eval.report.document.blocks import About, Block, Box, Contents, Document, Facts, Heading, Item, Paragraph, Table
from mentorship_eval.report.document.pictures import picture
from mentorship_eval.report.estimates import estimate_rows
from mentorship_eval.report.exhibits import draw
from mentorship_eval.report.index import headline_results, reading
from mentorship_eval.report.listed import listed_estimates
from mentorship_eval.report.numbering import chapter_number, estimates_id, exhibit_numbers
from mentorship_eval.report.outline import outline

__all__ = ["build_document"]

_FIRST = 3  # cautions of a chapter that stand among the answers
_AGAIN = "The same files, plan and software give the same bytes; manifest.json, beside this document, names them all by their hashes."


def build_document(
    answers: Mapping[str, Answer], planned: Sequence[str], about: About, figures: Path, notebooks: Path | None = None
) -> Document:
    """The whole report.

    answers: protected, by chapter; planned: outcomes of the plan; figures: folder with the figures of the run, to which those that are not
    there yet are added; notebooks: folder with the notebooks that order the chapters, the package's own by default.
    """
    numbers = {name: exhibit_numbers(answer, notebooks) for name, answer in answers.items()}
    everywhere = {exhibit: number for chapter in numbers.values() for exhibit, number in chapter.items()}
    made = _Chapters(answers, planned, everywhere, figures, notebooks)
    blocks = [*made.first(), Contents()]
    for name in answers:
        if name != "summary":
            blocks += made.chapter(name)
    blocks += _made(about)
    return Document(about, tuple(_anchored(blocks)))


class _Chapters:
    def __init__(
        self, answers: Mapping[str, Answer], planned: Sequence[str], numbers: Mapping[str, str], figures: Path, notebooks: Path | None
    ) -> None:
        self._answers, self._planned, self._numbers = answers, planned, numbers
        self._figures, self._notebooks = figures, notebooks
        known = [result for result in headline_results(answers) if not math.isnan(result.estimate.value)]
        self._readings = {result.estimate.statement(): reading(result) for result in known}

    def first(self) -> Iterator[Block]:
        """The answers, what to keep in mind, what is missing; methods stand in the chapters."""
        summary = self._answers.get("summary")
        yield Heading("The answers", 1)
        if summary:
            for block in outline(summary, self._notebooks):
                if block.kind == "heading" and block.level == 1 and block.words:
                    yield Paragraph(block.words, "quiet")
                elif block.kind == "lead":
                    yield from (Paragraph(self._said(statement), "lede") for statement in summary.lead)
                elif block.kind == "exhibits":
                    yield from self._exhibits(summary, block.exhibits)
        yield from self._cautions()
        yield from _gaps([gap for answer in self._answers.values() for gap in answer.gaps])

    def _cautions(self) -> Iterator[Box]:
        """Those of the single answers, then the first of each chapter, which has the others at its start."""
        headlines = headline_results(self._answers)
        own = [(result, caution) for result in headlines for caution in result.estimate.warnings if caution.code != "suppressed"]
        if own:
            yield Box("To keep in mind on single answers", tuple(Item(f"{result.full_label}:", caution.text) for result, caution in own))
        for name, answer in self._answers.items():
            texts = list(dict.fromkeys(caution.text for caution in answer.cautions)) if name != "summary" else []
            more = [Item("", "", f"{len(texts) - _FIRST} more stand at the start of chapter {chapter_number(name)}.")] if texts[_FIRST:] else []
            if texts:
                yield Box(f"To keep in mind: {answer.title}", (*(Item("", text) for text in texts[:_FIRST]), *more))

    def chapter(self, name: str) -> Iterator[Block]:
        answer = self._answers[name]
        for block in outline(answer, self._notebooks):
            if block.kind == "heading":
                yield Heading(block.title, block.level, chapter_number(name) if block.level == 1 else "")
                if block.words:
                    yield Paragraph(block.words, "quiet")
            elif block.kind == "lead":
                yield from (Paragraph(self._said(statement)) for statement in answer.lead)
                yield from _cautions(answer.cautions)
                yield from _gaps(answer.gaps)
            elif block.kind == "exhibits":
                yield from self._exhibits(answer, block.exhibits)
            elif block.kind == "estimates":
                yield from self._estimates(answer)
            elif block.kind == "methods":
                yield from (Paragraph(text) for text in answer.methods)

    def _said(self, statement: Statement) -> str:
        """The sentence, what an interval in it means, and where more of it stands."""
        seen = [self._numbers[each] for each in statement.see if each in self._numbers]
        words = " ".join(filter(None, [str(statement), self._readings.get(str(statement), "")]))
        return f"{words} ({', '.join(seen)})" if seen else words

    def _exhibits(self, answer: Answer, names: Sequence[str]) -> Iterator[Block]:
        for name in names:
            exhibit = answer.exhibit(name)
            if exhibit is not None:
                yield _table(exhibit, self._numbers[name]) if exhibit.kind == "table" else picture(exhibit, self._numbers[name], self._figures)

    def _estimates(self, answer: Answer) -> Iterator[Block]:
        status = {row["id"]: row["status"] for row in estimate_rows([answer], self._planned)}
        number = self._numbers.get(estimates_id(answer), "")
        for place, table in enumerate(listed_estimates(answer, status)):
            yield Table(f"{number}, continued" if place else number, table.model)


def _table(exhibit: Exhibit, number: str) -> Block:
    try:
        return Table(number, draw(exhibit).model)  # type: ignore[union-attr]
    except MentorshipEvalError as error:
        return Paragraph(f"{number}. {exhibit.title or exhibit.id}: not shown. {error.problem}", "quiet")


def _cautions(cautions: Sequence[Caution]) -> Iterator[Box]:
    texts = dict.fromkeys(caution.text for caution in cautions)
    if texts:
        yield Box("To keep in mind", tuple(Item("", text) for text in texts))


def _gaps(gaps: Sequence[Gap]) -> Iterator[Box]:
    told = {(gap.question, gap.reason): gap for gap in gaps}
    if told:
        yield Box("What these data cannot answer", tuple(_gap(gap) for gap in told.values()), "gap")


def _gap(gap: Gap) -> Item:
    unlock = gap.unlock if gap.unlock[:1].isupper() or not gap.unlock else f"What would unlock it: {gap.unlock}"
    return Item(
        gap.question if gap.question.endswith("?") else f"{gap.question}:", gap.reason,
        unlock if unlock.endswith(".") or not unlock else f"{unlock}.",
    )  # fmt: skip


def _made(about: About) -> Iterator[Block]:
    yield Heading("How this report was made", 1)
    yield Heading("Disclosure control", 2)
    yield Paragraph(about.disclosure)
    yield Heading("How to make this report again", 2)
    yield Paragraph(_AGAIN)
    yield Facts(about.facts)


def _anchored(blocks: Sequence[Block]) -> Iterator[Block]:
    """Every heading with a name of its own, the same from run to run."""
    for place, block in enumerate(blocks):
        yield Heading(block.text, block.level, block.number, f"part{place}") if isinstance(block, Heading) else block
