"""Which of a journal's rules a figure breaks: each with what was measured, what is allowed, and where the rule comes from."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mentorship_eval.display.journals.colours import distance, views
from mentorship_eval.display.journals.measured import Lettering, Mark, Measured
from mentorship_eval.display.journals.profile import Journal

__all__ = ["APART", "Breach", "breaches", "layout_breaches"]

APART = 10.0  # in CIELAB: colours of two series are at least this far apart, or have another pattern or marker
_SLACK = {"width": 0.1, "height": 0.1, "type_size": 0.01, "line_width": 0.005}  # mm, mm, points, points
_HOUSE = "house rule, for every reader"


@dataclass(frozen=True)
class Breach:
    """A rule that a figure breaks; measured and allowed as a reader needs them."""

    rule: str
    measured: str
    allowed: str
    source: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.measured}; allowed: {self.allowed} ({self.source})"


def breaches(measured: Measured, rendered: Mapping[str, bytes], journal: Journal) -> tuple[Breach, ...]:
    """measured: the figure; rendered: its files by format."""
    own = (*_sizes(measured, journal), *_words(measured, journal), *_files(rendered, measured, journal))
    return (*own, *_colours(measured), *layout_breaches(measured))


def _sizes(measured: Measured, journal: Journal) -> Iterator[Breach]:
    for name, value in (("width", measured.width), ("height", measured.height)):
        rule = journal.rules.get(name)
        if rule and not rule.holds(value, _SLACK[name]):
            yield Breach(name, f"{value:.1f} mm", rule.words, rule.source)
    rule = journal.rules.get("line_width")
    if rule:
        wrong = [(width, what) for what, width in measured.lines if not rule.holds(width, _SLACK["line_width"])]
        for width, what in {min(wrong), max(wrong)} if wrong else ():
            yield Breach("line_width", f"{width:.2f} pt ({what}; {len(wrong)} of {len(measured.lines)} lines)", rule.words, rule.source)


def _quoted(text: str, most: int = 40) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= most else line[: most - 1] + '…'}”"


def _words(measured: Measured, journal: Journal) -> Iterator[Breach]:
    rule = journal.rules.get("type_size")
    if rule:
        wrong = [each for each in measured.lettering if not rule.holds(each.size, _SLACK["type_size"])]
        if wrong:
            worst = min(wrong, key=lambda each: (each.size, each.text))
            yield Breach("type_size", f"{worst.size:.1f} pt ({_quoted(worst.text)}; {len(wrong)} of {len(measured.lettering)} texts)",
                         rule.words, rule.source)  # fmt: skip
    rule = journal.rules.get("fonts")
    if rule and rule.allowed.get("families"):
        allowed = {*rule.allowed["families"], *rule.allowed.get("like", [])}
        strangers = sorted({each.family for each in measured.lettering} - allowed)
        if strangers:
            others = rule.allowed.get("like", [])
            free = f"; {' or '.join(others)} serve in their place where installed" if others else ""
            yield Breach("fonts", ", ".join(strangers), " or ".join(rule.allowed["families"]) + free, rule.source)


def _files(rendered: Mapping[str, bytes], measured: Measured, journal: Journal) -> Iterator[Breach]:
    rule = journal.rules.get("file_size")
    for format, content in rendered.items():
        megabytes = len(content) / 1e6
        if rule and not rule.holds(megabytes):
            yield Breach("file_size", f"{megabytes:.1f} MB ({format})", rule.words, rule.source)
        if format in ("tiff", "png"):
            yield from _raster(content, format, measured, journal)
    fonts = journal.rules.get("fonts")
    if fonts and fonts.allowed.get("embedded") and "pdf" in rendered:
        described, held = (rendered["pdf"].count(word) for word in (b"/Type /FontDescriptor", b"/FontFile2"))
        if held < described or b"/Subtype /Type3" in rendered["pdf"]:
            yield Breach("fonts", f"{held} of {described} embedded as TrueType (pdf)", "every font embedded", fonts.source)


def _raster(content: bytes, format: str, measured: Measured, journal: Journal) -> Iterator[Breach]:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        mode, compression, across = picture.mode, str(picture.info.get("compression", "")), picture.width
    dpi, raster = journal.rules.get("dpi"), journal.rules.get("raster")
    real = across / (measured.width / 25.4)
    if dpi and not dpi.holds(real, 1.0):
        yield Breach("dpi", f"{real:.0f} dpi ({format})", dpi.words, dpi.source)
    if raster is None:
        return
    if mode in ("RGBA", "LA", "PA") and not raster.allowed.get("alpha", True):
        yield Breach("alpha", f"an alpha channel ({format}: {mode})", "flattened, no alpha channel", raster.source)
    elif mode not in raster.allowed.get("modes", [mode]):
        yield Breach("raster", f"{mode} ({format})", ", ".join(raster.allowed["modes"]), raster.source)
    if format == "tiff" and compression not in raster.allowed.get("compression", [compression]):
        yield Breach("raster", f"compression {compression or 'none'} (tiff)", ", ".join(raster.allowed["compression"]), raster.source)


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _colours(measured: Measured) -> Iterator[Breach]:
    """Pairs that differ by colour alone, and are alike for a reader without red-green vision, or in grey."""
    patterns: dict[tuple[float, float, float], set[tuple[str, str]]] = {}
    for mark in measured.marks:
        patterns.setdefault(mark.colour, set()).add((mark.kind, mark.pattern))
    worst: dict[str, tuple[float, Mark, Mark]] = {}
    for first, second in itertools.combinations(measured.marks, 2):
        if (first.kind, first.pattern) != (second.kind, second.pattern) or distance(first.colour, second.colour) < APART:
            continue  # another pattern or marker tells them apart, or they are meant to look alike
        mine, theirs = patterns[first.colour], patterns[second.colour]
        if mine - theirs and theirs - mine:
            continue  # whiskers alike, but the points on them have markers of their own
        for view, apart in views(first.colour, second.colour).items():
            if apart < APART and apart < worst.get(view, (APART,))[0]:
                worst[view] = (apart, first, second)
    for view, (apart, first, second) in worst.items():
        rule = "grey" if view == "grey" else "colour_vision"
        yield Breach(rule, f"{_hex(first.colour)} and {_hex(second.colour)} ({first.kind}s) differ by {apart:.0f} in {view}",
                     f"at least {APART:g} in CIELAB, or another pattern or marker", _HOUSE)  # fmt: skip


def layout_breaches(measured: Measured) -> Iterator[Breach]:
    """Texts that leave the figure, and texts on one another."""
    cut = [each for each in measured.lettering if _outside(each, measured)]
    if cut:
        yield Breach("cut", f"{_quoted(cut[0].text)} leaves the figure ({len(cut)} of {len(measured.lettering)} texts)", "all inside", _HOUSE)
    pairs = [(a, b) for a, b in itertools.combinations(measured.lettering, 2) if _overlap(a, b)]
    if pairs:
        a, b = pairs[0]
        yield Breach("overlap", f"{_quoted(a.text)} on {_quoted(b.text)} ({len(pairs)} pairs)", "no text on another", _HOUSE)


def _outside(each: Lettering, measured: Measured, slack: float = 0.2) -> bool:
    left, low, right, high = each.box
    return left < -slack or low < -slack or right > measured.width + slack or high > measured.height + slack


def _overlap(a: Lettering, b: Lettering) -> bool:
    across = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    down = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return across > 0.15 and down > 0.22  # mm: boxes are a little larger than the letters in them
