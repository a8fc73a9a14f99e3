"""Every figure: nothing overlaps or is cut, type is large enough, words carry the numbers, bytes are stable."""

from __future__ import annotations

import inspect
import itertools
import re
import subprocess
import sys

import matplotlib
import pytest
from matplotlib.text import Text

from mentorship_eval import display
from tests.display.scenes import SCENES

# the slow comparison of bytes takes one scene of each kind as SVG (ids are what may differ), two of them in all formats (half a second a PDF)
ONE_OF_A_KIND = (
    "two_groups", "forest_groups", "wave_trend", "police_expected", "event_short", "flow_steps", "placebo", "residuals", "balance",
    "causes_stacked", "departments_left_out", "scores_overlap", "weights_arms", "dose_line", "rates_by_profession",
    "control_one", "power_levels", "bacon_few", "breakdown_drift", "inputs_one_by_one", "acceptability", "tipping_reached",
)  # fmt: skip
EVERY_FORMAT = ("two_groups", "causes_stacked")
VERDICTS = re.compile(r"significan|prove[sdn]|proof|passed|confirm|demonstrat|effective(?! n\b)", re.IGNORECASE)


@pytest.fixture(scope="module")
def drawn():
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = SCENES[name]()
        return cache[name]

    return get


def visible_texts(figure):
    """Every text that is drawn, with its box in pixels; tick labels outside their axis are not drawn."""
    figure.draw_without_rendering()  # places everything, paints nothing
    renderer = figure.canvas.get_renderer()
    out = []
    axis_texts = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis_texts.update(id(t) for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()] for t in (tick.label1, tick.label2))
            drawn_ticks = axis._update_ticks()
            out += [t for tick in drawn_ticks for t in (tick.label1, tick.label2) if t.get_visible() and t.get_text()]
            # positioned but possibly hidden labels are counted once, through the list above
    for text in figure.findobj(Text):
        if id(text) not in axis_texts and text.get_visible() and text.get_text().strip():
            out.append(text)
    unique = {id(text): text for text in out}
    return [(text, text.get_window_extent(renderer)) for text in unique.values()]


@pytest.mark.parametrize("name", SCENES)
def test_no_text_overlaps_another_or_leaves_the_page(drawn, name):
    figure = drawn(name).figure
    texts = visible_texts(figure)
    assert len(texts) >= 5
    assert all(text.get_fontsize() >= 8 for text, _ in texts)
    page = figure.bbox
    for text, box in texts:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1, text.get_text()
    for (a, first), (b, second) in itertools.combinations(texts, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert not (across > 1 and down > 1.5), f"{a.get_text()!r} overlaps {b.get_text()!r}"


@pytest.mark.parametrize("name", SCENES)
def test_figures_fit_a_page_so_that_type_keeps_its_size(drawn, name):
    width, height = drawn(name).figure.get_size_inches()
    assert width <= 7.1 and height < 9


def test_every_kind_is_compared_byte_for_byte():
    kinds = {name for name in display.__all__ if name not in ("Drawn", "HtmlTable", "format_cell", "house_style", "html_table", "save")}
    compared = {inspect.getsource(SCENES[name]).split("display.")[1].split("(")[0] for name in ONE_OF_A_KIND}
    assert kinds - compared == {"audit_contrast"}  # compared across processes below


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_same_bytes_from_two_renders(drawn, name):
    first, second = drawn(name), SCENES[name]()
    for format in ("png", "svg", "pdf") if name in EVERY_FORMAT else ("svg",):
        assert first.render(format) == second.render(format), format


def test_rendering_leaves_the_figure_as_it_was():
    figure = SCENES["audit"]()
    once = [figure.render(format) for format in ("pdf", "svg", "png")]
    assert [figure.render(format) for format in ("pdf", "svg", "png")] == once
    assert not any(word in content for content in once for word in (b"CreationDate", b"<dc:date>", b"Matplotlib v"))


def test_another_process_gives_the_same_bytes_without_pyplot_and_imports_late(drawn, tmp_path):
    code = (
        "import sys; from mentorship_eval import display; display.__all__; assert 'matplotlib' not in sys.modules;"
        "from tests.display.scenes import SCENES; SCENES['audit']().save(sys.argv[1]);"
        "assert 'matplotlib.pyplot' not in sys.modules and 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    for format in ("png", "svg", "pdf"):
        assert (tmp_path / f"audit_contrast.{format}").read_bytes() == drawn("audit").render(format), format


@pytest.mark.parametrize("name", SCENES)
def test_words_hold_numbers_and_no_verdict(drawn, name):
    figure = drawn(name)
    assert len(figure.caption) > 30 and figure.caption.endswith(".")
    assert len(re.findall(r"\d", figure.alt)) >= 6
    assert not VERDICTS.search(figure.caption + figure.alt)
    assert "nan" not in (figure.caption + figure.alt).split()
    assert figure.data and all(len(frame) for frame in figure.data.values())
    assert not any(column.startswith("_") for frame in figure.data.values() for column in frame.columns)


def test_alt_of_curves_reads_them_at_one_and_two_years(drawn):
    figure = drawn("two_groups")
    step = figure.data["curve"]
    mentored = step[step["by"] == "Mentored by month 9"]
    at_12 = mentored[mentored["time"] <= 12].iloc[-1]
    assert (
        f"{100 * at_12['estimate']:.1f} % (95 % CI {100 * at_12['ci_low']:.1f} to {100 * at_12['ci_high']:.1f}) at 12 months" in figure.alt
    )
    assert "hazard ratio 0.75 (95 % CI 0.64 to 0.88)" in figure.alt and "2,015 people, 498 events" in figure.caption


def test_alt_of_forest_gives_every_row_or_its_reason(drawn):
    alt = drawn("forest_groups").alt
    assert "0.75 (95 % CI 0.68 to 0.83); true value 0.78" in alt
    assert "Pharmacists: suppressed" in alt and "not estimable: no events in one arm" in alt


def test_suppressed_counts_are_printed_as_they_are(drawn):
    for name in ("two_groups", "three_long_groups", "forest_groups", "flow_steps"):
        words = [text.get_text() for text, _ in visible_texts(drawn(name).figure)]
        assert any("<10" in word for word in words), name


def test_at_risk_counts_stand_under_their_ticks(drawn):
    figure = drawn("two_groups").figure
    axes = figure.axes[0]
    places = [axes.transData.transform((tick, 0))[0] for tick in axes.get_xticks()]
    cells = [(text, box) for text, box in visible_texts(figure) if text.get_gid() == "at-risk"]
    assert len(cells) == 14
    for text, box in cells:
        assert min(abs((box.x0 + box.x1) / 2 - place) for place in places) < 3, text.get_text()


def test_series_are_told_apart_without_colour(drawn):
    lines = [line for line in drawn("four_causes").figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 4


def test_base_is_stated_inside_the_event_study(drawn):
    for name, words in (("event_short", "Reference: month −1"), ("event_long", "Reference: all untreated months")):
        assert any(text.get_text().startswith(words) for text, _ in visible_texts(drawn(name).figure))


def test_style_is_never_global_and_ignores_the_users():
    before = dict(matplotlib.rcParams)
    plain = SCENES["placebo"]().render()
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "font.family": "serif", "lines.linewidth": 9}):
        assert SCENES["placebo"]().render() == plain
