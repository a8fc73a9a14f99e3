"""One call from a finished run to the supplementary material of a paper."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mentorship_eval.display.journals.journal_figure import prepare
from mentorship_eval.display.journals.profile import Journal, load_journal
from mentorship_eval.display.journals.rules import Breach
from mentorship_eval.report.appendix.checklists import checklist_names, fill, load_checklist
from mentorship_eval.report.appendix.items import Item, numbered_items, source_frames
from mentorship_eval.report.appendix.methods import methods_paragraphs
from mentorship_eval.report.appendix.source import Source, open_source
from mentorship_eval.report.appendix.words import Figure, Pack, appendix_document, appendix_markdown, captioned, check_references
from mentorship_eval.report.appendix.writing import Files, place_of, whole_folder

if TYPE_CHECKING:
    from mentorship_eval.display.table_model import TableModel

__all__ = ["Appendix", "make_appendix"]

_PREVIEW = 200  # dpi of the pictures in the Word document
_RULES = ("item", "exhibit", "rule", "measured", "allowed", "source")


@dataclass(frozen=True)
class Appendix:
    """place: the folder; journal: whose rules were followed; broken: which figure breaks which rule; missing: ids of what cannot be drawn, with the
    reason; notes: to be read."""

    place: Path
    journal: str
    items: tuple[Item, ...]
    broken: tuple[tuple[Item, Breach], ...]
    missing: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Made:
    figures: list[Figure] = field(default_factory=list)
    tables: list[tuple[Item, TableModel]] = field(default_factory=list)
    broken: list[tuple[Item, Breach]] = field(default_factory=list)


def make_appendix(
    run: str | Path, *, journal: str | None = None, disclosure: str | None = None, out: str | Path | None = None, column: str = "double",
    only: Sequence[str] = (), progress: Callable[[str], Any] | None = None
) -> Appendix:
    """Write the supplementary material of ``run`` by the rules of ``journal``, by default that of its study.yaml.

    The data are not needed, and nothing is told that the run withheld.

    run: a run folder, or the folder of a cohort's runs. disclosure: the profile that it has to have been protected by. out: a folder; by
    default one beside the run, never inside it. column: the journal's column that figures are laid out for: single, middle or double.
    only: ids of the exhibits to take, or patterns of them. progress: called with one line per step.

    Raises `UsageError` for a run, profile or column that there is not, and where the run was protected by another profile.
    """
    say = progress or (lambda _: None)
    if journal is not None:
        load_journal(journal).width(column)  # refused before anything is read
    source = open_source(run, disclosure)
    journal = journal or source.journal
    profile = load_journal(journal)
    profile.width(column)
    profile, notes = _allowed_formats(profile, source)
    items, missing = numbered_items(source, profile, only)
    place = place_of(source.folder, source.key, journal, out)
    private = Path(tempfile.mkdtemp(prefix="mentorship-eval-"))
    try:
        with whole_folder(place) as folder:
            files, made = Files(folder), _Made()
            for item in items:
                say(f"{item.label}: {item.exhibit.title or item.id}")
                _one(item, profile, column, files, private, made)
            pack = Pack(source, profile, made.figures, made.tables, methods_paragraphs(source), _checklists(source, items, files))
            _documents(pack, made, files, say)
            files.add_rows("rules.csv", _RULES, [(i.label, i.id, b.rule, b.measured, b.allowed, b.source) for i, b in made.broken],
                           what="rules that figures break")  # fmt: skip
            files.finish()
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return Appendix(place, journal, tuple(items), tuple(made.broken), tuple(missing), (*profile.notes, *notes))


def _allowed_formats(journal: Journal, source: Source) -> tuple[Journal, list[str]]:
    """Without the formats that the run's disclosure profile does not let out."""
    blocked = set(source.rule.blocked_figures)
    formats = tuple(each for each in journal.formats if each not in blocked and not (each == "pdf" and "svg" in blocked)) or ("png",)
    if formats == journal.formats:
        return journal, []
    note = f"The disclosure profile {source.rule.name} lets no vector graphics out: figures are written as {', '.join(formats)} alone."
    return replace(journal, formats=formats), [note]


def _one(item: Item, journal: Journal, column: str, files: Files, private: Path, made: _Made) -> None:
    """The files of one item."""
    if item.kind == "table":
        _table(item, files, made)
    else:
        _figure(item, journal, column, files, private, made)


def _figure(item: Item, journal: Journal, column: str, files: Files, private: Path, made: _Made) -> None:
    prepared = prepare(item.shown, journal, column)  # type: ignore[arg-type]
    drawn = prepared.drawn
    words = {"item": item.label, "title": item.exhibit.title}
    names = [files.add(f"figures/{item.stem}.{format}", content, what="figure", **words) for format, content in prepared.files.items()]
    for ending, frame in source_frames(item.exhibit).items():
        names.append(files.add_frame(f"data/{item.stem}{ending}.csv", frame, what="source data", **words))
    preview = private / f"{item.stem}.png"
    preview.write_bytes(drawn.render("png", dpi=_PREVIEW))
    made.figures.append(Figure(item, drawn.caption, drawn.alt, drawn.size, preview, tuple(names)))
    made.broken += [(item, breach) for breach in prepared.breaches]


def _table(item: Item, files: Files, made: _Made) -> None:
    from mentorship_eval.report.document.tables import table_docx, table_latex

    model = item.shown.model  # type: ignore[union-attr]
    words = {"item": item.label, "title": model.caption}
    files.add(f"tables/{item.stem}.docx", table_docx(model, item.label), what="table", **words)
    files.add(f"tables/{item.stem}.tex", table_latex(model, item.label), what="table", **words)
    files.add_frame(f"tables/{item.stem}.csv", item.exhibit.frames["rows"], what="table", **words)
    made.tables.append((item, model))


def _checklists(source: Source, items: Sequence[Item], files: Files) -> list[tuple[str, str, TableModel]]:
    from mentorship_eval.display import html_table
    from mentorship_eval.report.document.tables import table_docx

    made = []
    for name in checklist_names():
        checklist = load_checklist(name)
        lines = fill(checklist, source, items)
        frame = pd.DataFrame([{"Item": each.item, "Section": each.section, "What it asks": each.asks, "Status": each.status, "Where": each.where,
                               "What remains": each.remains, "Page, by the author": ""} for each in lines])  # fmt: skip
        note = f"{checklist.source}. {checklist.scope} “In the report” says that it is there, never that it suffices."
        # in a document the label is enough; the anchor into the report stands in the CSV file
        short = frame.assign(Where=frame["Where"].str.replace(r" \([^)]*#[^)]*\)", "", regex=True))
        model = html_table(short, checklist.title, note=note, name=f"checklist-{name}").model
        files.add_frame(f"checklists/{name}.csv", frame, what="reporting checklist", title=checklist.title)
        files.add(f"checklists/{name}.docx", table_docx(model), what="reporting checklist", title=checklist.title)
        made.append((checklist.title, checklist.scope, model))
    return made


def _documents(pack: Pack, made: _Made, files: Files, say: Callable[[str], Any]) -> None:
    """Captions, methods, and the two documents; every number in them is one of an item, and every item is named."""
    from mentorship_eval.report.document.word import docx_bytes

    files.add_rows("captions.csv", ("item", "title", "caption", "alt_text"),
                   [(each.item.label, each.item.exhibit.title, captioned(each.item.label, each.caption), each.alt) for each in made.figures]
                   + [(item.label, model.caption, captioned(item.label, model.caption), "") for item, model in made.tables],
                   what="captions and alt texts")  # fmt: skip
    methods = "\n\n".join("\n".join((heading, *texts)) for heading, texts in pack.methods)
    files.add("methods.txt", methods + "\n", item=pack.journal.label("text", 1), what="methods text")
    text = appendix_markdown(pack)
    wrong = check_references(text, pack.journal, [each.item for each in made.figures] + [item for item, _ in made.tables])
    if wrong:
        raise RuntimeError(f"The numbers of the appendix do not agree: {'; '.join(wrong[:5])}.")
    files.add("appendix.md", text, what="the whole appendix")
    say("appendix.docx")
    files.add("appendix.docx", docx_bytes(appendix_document(pack)), what="the whole appendix")
