"""One figure for one journal: laid out for the width of its column, rendered in its formats, measured against its rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval.display.drawn import Drawn
from mentorship_eval.display.journals.line_widths import hold_widths
from mentorship_eval.display.journals.measured import MM, measure
from mentorship_eval.display.journals.profile import COLUMNS, Journal, load_journal
from mentorship_eval.display.journals.rules import Breach, breaches, layout_breaches
from mentorship_eval.display.rendering import render
from mentorship_eval.display.style import Page, on_page
from mentorship_eval.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["JournalFigure", "families", "prepare", "save"]

_OURS = "DejaVu Sans"  # matplotlib carries it: at hand on every machine


@dataclass(frozen=True, eq=False)
class JournalFigure:
    """drawn: the figure as laid out for the journal; files: its bytes by format; column: the one that it was laid out for."""

    drawn: Drawn
    journal: Journal
    column: str
    files: dict[str, bytes]
    breaches: tuple[Breach, ...]
    paths: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        width, height = (side * MM for side in self.drawn.size)
        head = f"{self.drawn.name} for {self.journal.title}: {width:.0f} × {height:.0f} mm, {', '.join(self.files)}"
        said = [f"  breaks {breach}" for breach in self.breaches] or ["  breaks no rule of the profile"]
        return "\n".join([head, *[f"  note: {note}" for note in self.journal.notes], *said, *[f"  {path}" for path in self.paths]])


@cache
def families(journal: Journal) -> tuple[str, ...]:
    """The journal's first typeface that is installed here, then ours, which also lends single characters that the first does not have."""
    rule = journal.rules.get("fonts")
    wanted = [*rule.allowed.get("families", []), *rule.allowed.get("like", [])] if rule else []
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    sans = [name for name in wanted if name in installed and name not in ("Symbol", "Courier", "Times New Roman")]
    return (*sans[:1], _OURS)


def _sizes(journal: Journal) -> Iterator[float]:
    """Sizes of the smallest type to be tried: the preferred one, then smaller ones down to the smallest that is allowed."""
    least = journal.rules["type_size"].allowed.get("least", journal.type_size) if "type_size" in journal.rules else journal.type_size
    yield journal.type_size
    for step in (0.5, 1.0) if least < journal.type_size else ():
        yield journal.type_size + step * (least - journal.type_size)


def _tries(drawn: Drawn, journal: Journal, column: str) -> Iterator[tuple[str, Drawn, bool]]:
    """Drawn again for ``column`` in smaller and smaller type, then for wider columns: which column, the figure, and whether all of it fits."""
    assert drawn.again is not None
    most = journal.rules["height"].allowed.get("most", float("inf")) if "height" in journal.rules else float("inf")
    for each in COLUMNS[COLUMNS.index(column) :]:
        for size in _sizes(journal) if each in journal.widths else ():
            with on_page(Page(journal.widths[each] / MM, size, families(journal))):
                try:
                    made = drawn.again()
                except UsageError:  # no room for its words
                    continue
            fits = made.size[1] * MM <= most and not any(layout_breaches(measure(made.figure, made.scale)))
            yield each, made, fits


def prepare(drawn: Drawn, journal: Journal, column: str = "double") -> JournalFigure:
    """``drawn`` laid out for a column of ``journal`` in the largest type that fits; where none does, for the next wider column.

    A figure that was not made by this package cannot be laid out again: it is rendered as it is, and what does not fit is said.
    """
    notes: list[Breach] = []
    if drawn.again is not None:
        journal.width(column)  # refuses a column that there is not
        used, drawn = _laid_out(drawn, journal, column)
        if used != column:
            notes = [Breach("column", f"needs the {used} column", f"the {column} column", "asked for")]
        column = used
        rule = journal.rules.get("line_width")
        if rule:
            limits = [rule.allowed[end] / drawn.scale if end in rule.allowed else None for end in ("least", "most")]
            hold_widths(drawn.figure, *limits)
    rendered = {
        format: render(drawn.figure, format, dpi=journal.dpi, scale=drawn.scale, title=drawn.caption, description=drawn.alt, opaque=True)
        for format in journal.formats
    }
    return JournalFigure(drawn, journal, column, rendered, (*notes, *breaches(measure(drawn.figure, drawn.scale), rendered, journal)))


def _laid_out(drawn: Drawn, journal: Journal, column: str) -> tuple[str, Drawn]:
    """The first try that fits, else the last: the widest, in the smallest type; as it is where its words leave no room in any column."""
    last: tuple[str, Drawn] | None = None
    for used, made, fits in _tries(drawn, journal, column):
        last = used, made
        if fits:
            return last
    return last or (column, drawn)


def save(figure: Drawn | Figure, path: str | Path = ".", *, journal: str = "generic", column: str = "double") -> JournalFigure:
    """Write ``figure`` as a journal wants it and say which rules it breaks.

    figure: what a function of `mentorship_eval.display` returned, which is laid out again for the column; or any matplotlib figure, which is
    taken as it is. path: a folder, made when missing, for ``<name>.<format>``. journal: a profile. column: single, middle or double.
    Returns what was written, with ``.breaches`` and ``.paths``. Raises `UsageError` for a profile or a column that there is not.
    """
    profile = load_journal(journal)
    if not isinstance(figure, Drawn):
        if not hasattr(figure, "savefig"):
            raise UsageError(f"save takes a figure, not a {type(figure).__name__}.", fix="Give what display.forest() returned.")
        figure = Drawn(figure, "", "", scale=1.0)
    made = prepare(figure, profile, column)
    target = Path(path)
    target.mkdir(parents=True, exist_ok=True)
    written: list[Any] = []
    for format, content in made.files.items():
        file = target / f"{made.drawn.name}.{format}"
        file.write_bytes(content)
        written.append(file)
    return JournalFigure(made.drawn, profile, made.column, made.files, made.breaches, tuple(written))
