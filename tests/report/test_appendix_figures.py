"""Figures for journals: profiles, the size and type that was asked for, files as journals take them, and a checker that catches what is wrong."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from PIL import Image

from mentorship_eval import display
from mentorship_eval.display.drawn import Drawn
from mentorship_eval.display.journals.colours import distance, views
from mentorship_eval.display.journals.journal_figure import _laid_out, prepare
from mentorship_eval.display.journals.line_widths import hold_widths, strokes
from mentorship_eval.display.journals.measured import measure
from mentorship_eval.display.journals.profile import journal_names, load_journal
from mentorship_eval.display.journals.rules import breaches
from mentorship_eval.display.rendering import render
from mentorship_eval.display.style import Page, on_page, page
from mentorship_eval.errors import UsageError
from tests.display.scenes import SCENES
from tests.display.test_figures import ONE_OF_A_KIND

NAMES = journal_names()
RULES = {"width", "height", "dpi", "type_size", "line_width", "fonts", "raster", "file_size"}


# -- profiles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_states_its_rules_with_their_sources(name):
    journal = load_journal(name)
    assert set(journal.rules) == RULES
    assert all(rule.source and rule.words for rule in journal.rules.values())
    for width in journal.widths.values():
        assert journal.rules["width"].holds(width)
    assert journal.rules["type_size"].holds(journal.type_size)
    assert set(journal.formats) <= {"png", "svg", "pdf", "tiff"}
    assert "3" in journal.label("figure", 3) and journal.label("figure", 3) != journal.label("table", 3)


def test_a_journal_without_millimetres_takes_the_generic_ones_and_says_so():
    bmj, generic = load_journal("bmj"), load_journal("generic")
    assert not bmj.widths_known and bmj.widths == generic.widths
    assert any("generic profile" in note for note in bmj.notes)
    assert "not the journal's own" in bmj.rules["width"].source


def test_unknown_journals_and_columns_are_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="plos"):
        load_journal("lancet")
    with pytest.raises(UsageError, match="single, double"):
        prepare(SCENES["audit"](), load_journal("plos"), "middle")


# -- size, type, files ------------------------------------------------------------------------------------------------------


def test_a_page_sets_width_type_and_nothing_else_stays_behind():
    with on_page(Page(width=3.5, smallest=6)):
        drawn = SCENES["two_groups"]()
        assert page().width == 3.5
    assert page() == Page()
    found = measure(drawn.figure, drawn.scale)
    assert found.width == pytest.approx(3.5 * 25.4, abs=0.01)
    assert min(each.size for each in found.lettering) == pytest.approx(6)
    assert drawn.again is not None and drawn.again().size[0] == pytest.approx(7.1)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_in_all_the_formats_of_each_profile(name):
    scene = ONE_OF_A_KIND[NAMES.index(name)]
    journal = load_journal(name)
    if name not in ("plos", "nature", "bmc"):  # a PDF takes a second: three times are enough
        journal = replace(journal, formats=tuple(each for each in journal.formats if each != "pdf"))
    made = prepare(SCENES[scene](), journal)
    assert tuple(made.files) == journal.formats
    assert {breach.rule for breach in made.breaches} <= {"fonts"}, made  # the journal's typeface need not be installed here
    width = journal.widths["double"]
    if "tiff" in made.files:
        with Image.open(io.BytesIO(made.files["tiff"])) as picture:
            assert (picture.mode, picture.info["compression"]) == ("RGB", "tiff_lzw")
            assert picture.info["dpi"] == (journal.dpi, journal.dpi)
            assert picture.width == pytest.approx(width / 25.4 * journal.dpi, abs=1.5)
            assert {258: (8, 8, 8), 277: 3}.items() <= dict(picture.tag_v2).items()
            assert 306 not in picture.tag_v2  # no date
    if "png" in made.files:
        with Image.open(io.BytesIO(made.files["png"])) as picture:
            assert picture.mode == "RGB" and picture.info["dpi"][0] == pytest.approx(journal.dpi, rel=0.001)
    if "pdf" in made.files:
        pdf = made.files["pdf"]
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
        assert box and float(box[1]) == pytest.approx(width / 25.4 * 72, abs=0.5)
        assert pdf.count(b"/FontFile2") == pdf.count(b"/Type /FontDescriptor") > 0 and b"/Type3" not in pdf
        assert b"CreationDate" not in pdf
    if "svg" in made.files:
        window = re.search(r'width="([\d.]+)pt"', made.files["svg"].decode())
        assert window and float(window[1]) == pytest.approx(width / 25.4 * 72, abs=0.5)


def test_the_same_figure_gives_the_same_bytes():
    one, two = (prepare(SCENES["audit"](), load_journal("jama"), "single").files for _ in range(2))
    assert one == two and set(one) == {"pdf", "svg", "tiff"}


def test_a_pdf_drawn_smaller_has_everything_within_its_page():
    with on_page(Page(width=3.5, smallest=5)):
        drawn = SCENES["two_groups"]()
    small, large = drawn.render("pdf"), render(drawn.figure, "pdf", dpi=100)
    sizes = [float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", each)[1]) for each in (small, large)]  # type: ignore[index]
    assert sizes[0] == pytest.approx(sizes[1] * 5 / 8)
    streams = [zlib.decompress(each) for each in re.findall(rb"/FlateDecode >>\nstream\r?\n(.*?)\r?\nendstream", small, re.DOTALL)]
    content = next(each for each in streams if b" cm" in each)
    assert b"0.625 0 0 0.625 0 0 cm" in content
    # lines are cut at the page before the matrix: a horizontal one reaches further than the printed width
    assert max(float(x) for x in re.findall(rb"\n([\d.]+) [\d.]+ l\n", content)) > sizes[0]


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_every_kind_fits_the_narrowest_column(name):
    profile = load_journal("nature")
    used, laid = _laid_out(SCENES[name](), profile, "single")
    assert used == "single" and laid.size[0] * 25.4 == pytest.approx(89)
    limits = profile.rules["line_width"].allowed
    hold_widths(laid.figure, limits["least"] / laid.scale, limits["most"] / laid.scale)
    found = [each for each in breaches(measure(laid.figure, laid.scale), {}, profile) if each.rule != "fonts"]
    assert not found, [*map(str, found)]


# -- the checker ------------------------------------------------------------------------------------------------------------


def _plain(width: float = 6, **words: object) -> Figure:
    figure = Figure(figsize=(width, 3), dpi=100)
    axes = figure.add_axes((0.15, 0.2, 0.8, 0.7))
    axes.plot([0, 1, 2], [1, 3, 2], color="black")
    axes.tick_params(labelsize=9)
    axes.set_xlabel("Months", fontsize=9)
    return figure


def _broken(figure: Figure, journal: str = "plos", files: dict[str, bytes] | None = None) -> dict[str, str]:
    found = breaches(measure(figure), files or {}, load_journal(journal))
    return {each.rule: str(each) for each in found if each.rule != "fonts"}


def test_a_figure_in_order_breaks_nothing():
    assert not _broken(_plain())


def test_too_wide():
    assert "203.2 mm; allowed: 66.8 to 190.5 mm" in _broken(_plain(8))["width"]


def test_small_type_is_quoted():
    figure = _plain()
    figure.text(0.5, 0.95, "a very small remark", fontsize=4)
    said = _broken(figure)
    assert set(said) == {"type_size"} and "4.0 pt (“a very small remark”; 1 of" in said["type_size"] and "8 to 12 pt" in said["type_size"]


def test_thin_lines_wherever_they_are():
    for draw in (
        lambda axes: axes.plot([0, 2], [1, 1], linewidth=0.1, color="black"),
        lambda axes: axes.bar([1], [1], facecolor="white", edgecolor="black", linewidth=0.1),
        lambda axes: axes.plot([1], [1], marker="x", markeredgewidth=0.1, color="black", linestyle="none"),
        lambda axes: axes.tick_params(width=0.1),
    ):
        figure = _plain()
        draw(figure.axes[0])
        assert "0.10 pt" in _broken(figure)["line_width"]


def test_held_widths_are_within_the_limits():
    drawn = SCENES["two_groups"]()
    hold_widths(drawn.figure, 0.7, 1.0)
    assert all(0.7 <= each.width <= 1.0 for each in strokes(drawn.figure))


def test_red_and_green_alone_and_with_a_pattern():
    red, green = "#d62728", "#2ca02c"
    figure = _plain()
    figure.axes[0].plot([0, 1], [0, 1], color=red)
    figure.axes[0].plot([0, 1], [1, 0], color=green)
    assert "protanopia" in _broken(figure)["colour_vision"] or "deuteranopia" in _broken(figure)["colour_vision"]
    figure.axes[0].lines[-1].set_linestyle("--")
    assert not _broken(figure)
    figure.axes[0].lines[-1].set_linestyle("-")
    figure.axes[0].lines[-1].set_marker("s")
    assert not _broken(figure)


def test_colours_alike_in_grey_are_named():
    figure = _plain()
    for x, colour in enumerate(("#d55e00", "#009e73")):
        figure.axes[0].bar([x], [1], color=colour)
    assert "#d55e00 and #009e73 (fills)" in _broken(figure)["grey"]
    figure.axes[0].patches[0].set_hatch("//")
    assert "grey" not in _broken(figure)


def test_distances_of_colours():
    assert distance((0, 0, 0), (1, 1, 1)) == pytest.approx(100, abs=0.1)
    assert distance((1, 0, 0), (0, 1, 0)) == pytest.approx(170.6, abs=0.5)  # red and green of sRGB, CIE 1976
    seen = views((1.0, 0.5, 0.0), (0.6, 0.75, 0.0))
    assert seen["deuteranopia"] < distance((1.0, 0.5, 0.0), (0.6, 0.75, 0.0))
    assert views((0.2, 0.4, 0.6), (0.2, 0.4, 0.6)) == {"protanopia": 0.0, "deuteranopia": 0.0, "grey": 0.0}


def test_alpha_compression_resolution_and_size_of_files():
    figure = _plain()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=300)
    assert "alpha channel (png: RGBA)" in _broken(figure, files={"png": stream.getvalue()})["alpha"]
    flat = io.BytesIO()
    Image.open(stream).convert("RGB").save(flat, "TIFF")
    said = _broken(figure, files={"tiff": flat.getvalue()})
    assert "compression raw" in said["raster"]
    assert "72 dpi" in _broken(figure, files={"png": render(figure, "png", dpi=72, opaque=True)})["dpi"]
    assert "11.0 MB" in _broken(figure, files={"svg": b" " * 11_000_000})["file_size"]
    assert "embedded" in str(breaches(measure(figure), {"pdf": b"<< /Type /FontDescriptor >>"}, load_journal("plos"))[-1])


def test_text_that_is_cut_and_text_on_text():
    figure = _plain()
    figure.text(0.99, 0.5, "beyond the edge", fontsize=9)
    assert "beyond the edge" in _broken(figure)["cut"]
    figure = _plain()
    figure.text(0.5, 0.6, "one", fontsize=9)
    figure.text(0.5, 0.6, "two", fontsize=9)
    assert "“one” on “two”" in _broken(figure)["overlap"]


# -- by hand ----------------------------------------------------------------------------------------------------------------


def test_save_by_hand_writes_the_journals_formats_and_says_what_is_broken(tmp_path):
    made = display.save(SCENES["audit"](), tmp_path / "out", journal="plos")
    assert [path.name for path in made.paths] == ["audit_contrast.tiff", "audit_contrast.pdf"]
    assert "190 × " in repr(made) or "191 × " in repr(made)
    foreign = display.save(_plain(8), tmp_path, journal="plos")
    assert any(each.rule == "width" for each in foreign.breaches) and "breaks width" in repr(foreign)
    with pytest.raises(UsageError, match="takes a figure"):
        display.save("a figure", tmp_path)  # type: ignore[arg-type]


def test_a_figure_too_wide_for_its_column_goes_to_the_next_and_says_so():
    made = prepare(SCENES["control_twelve"](), replace(load_journal("elsevier"), formats=("svg",)), "single")
    assert made.column in ("middle", "double") and made.breaches[0].rule == "column"
    assert isinstance(made.drawn, Drawn) and made.drawn.size[0] * 25.4 == pytest.approx(load_journal("elsevier").widths[made.column])
