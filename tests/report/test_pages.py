"""Pages as text: the four domains, numbers of figures and tables, references, sizes, small drawings."""

from __future__ import annotations

import html
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.report.index import reading
from mentorship_eval.report.numbered import numbered
from mentorship_eval.report.small_intervals import axis_for, interval_svg
from tests.report.shared_run import RunOnce
from tests.report.test_run_folder import PAGES

CHAPTERS = PAGES[1:]


def text_of(ran: RunOnce, name: str) -> str:
    return (ran.run / name).read_text(encoding="utf-8")


def test_the_index_has_four_domains_and_says_what_would_unlock_an_open_one(ran: RunOnce) -> None:
    text = text_of(ran, "index.html")
    domains = re.findall(r'<article class="domain.*?</article>', text, re.DOTALL)
    assert [re.search(r"<h3[^>]*>(.*?)</h3>", each)[1] for each in domains] == ["Retention", "Safety", "Innovation", "Wellbeing"]
    retention, safety, innovation, wellbeing = domains
    for answered in (retention, safety):
        assert "% interval" in answered and "<svg" in answered
        assert answered.count("<svg") == answered.count("% interval")
    for unanswered, file in ((innovation, "projects"), (wellbeing, "surveys")):
        assert "no estimate" in unanswered and file in unanswered and "<svg" not in unanswered


@pytest.mark.parametrize("name", CHAPTERS)
def test_figures_and_tables_are_numbered_in_the_order_of_the_page(ran: RunOnce, name: str) -> None:
    text = text_of(ran, name)
    captions = re.findall(r'<a class="number" href="#exhibit-[\w-]+">(Figure|Table) ([\d.]+)\.</a>', text)
    for kind in ("Figure", "Table"):
        counted = [int(number.split(".")[-1]) for each, number in captions if each == kind]
        assert counted == sorted(set(counted)), f"{kind}s are out of order"
    assert len(captions) == len(re.findall(r'<div class="exhibit" id="exhibit-', text))
    pictures = len(re.findall(r"<figure\b", text))
    assert pictures == sum(kind == "Figure" for kind, _ in captions), "a figure has no number"
    listed = re.search(r'<section class="exhibits".*?</section>', text, re.DOTALL)
    assert (len(re.findall("<li>", listed[0])) if listed else 0) == len(captions)


def test_sentences_refer_to_what_shows_them(ran: RunOnce) -> None:
    text = text_of(ran, "02_retention.html")
    references = re.findall(r'<a class="see"[^>]* href="#(exhibit-[\w-]+)">((?:Figure|Table) [\d.]+)</a>', text)
    assert len(references) >= 4
    for anchor, number in references:
        caption = re.search(rf'<a class="number" href="#{anchor}">([^<]+)\.</a>', text)
        assert caption and caption[1] == number
    assert 'class="see" data-see' not in text, "a mark was left without a number"


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_states_its_numbers_in_words(ran: RunOnce, name: str) -> None:
    for alt in re.findall(r'<img\b[^>]*?\balt="([^"]*)"', text_of(ran, name)):
        words = html.unescape(alt)
        # where disclosure control left nothing, the words say so
        assert len(re.findall(r"\d+", words)) >= 2 or "withheld" in words, words


def test_pages_are_small(ran: RunOnce) -> None:
    assert (ran.run / "index.html").stat().st_size < 1_000_000
    assert max((ran.run / name).stat().st_size for name in CHAPTERS) < 3_000_000


def test_numbers_links_and_references_are_put_into_a_page() -> None:
    drawn = '<figure id="figure-x-one"><img alt="5 &gt; 4"><figcaption>First. More</figcaption></figure>'
    figure = f'<div class="exhibit" id="exhibit-x-one">{drawn}</div>'
    table = '<div class="exhibit" id="exhibit-x-t"><div role="region" aria-label="T"><table><caption><span>T</span></caption></table></div></div>'
    lead = '<p>Said.<span class="see" data-see="x-one"></span><span class="see" data-see="x-gone"></span></p><h2>A &amp; b</h2><h2>A &amp; b</h2>'
    page, contents = numbered(lead + figure + table + table, {"x-one": "Figure 2.1", "x-t": "Table 2.1"}, ["figures/x-one.png", "tables/x-t.csv"])
    assert '<p>Said. <a class="see" id="see-x-one" href="#exhibit-x-one">Figure 2.1</a></p>' in page
    assert '<a class="number" href="#exhibit-x-one">Figure 2.1.</a> First. More' in page
    assert 'href="figures/x-one.png">PNG</a>' in page and "SVG" not in page and 'href="tables/x-t.csv">data</a>' in page
    assert page.count('class="back"') == 1, "the table is nowhere referred to"
    assert 'aria-label="Table 2.1. T"' in page and 'aria-label="Table 2.1, continued. T"' in page
    assert [entry.anchor for entry in contents.headings] == ["a-b", "a-b-2"]
    assert [entry.words for entry in contents.exhibits] == ["Figure 2.1. First", "Table 2.1. T"]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


SIZES = st.floats(-4, 4).map(math.exp)


@settings(max_examples=40, deadline=None)
@given(value=SIZES, spread=st.floats(1.01, 30), truth=st.none() | SIZES, ratio=st.booleans())
def test_a_drawing_is_in_order_and_inside_its_box(value: float, spread: float, truth: float | None, ratio: bool) -> None:
    low, high = (value / spread, value * spread) if ratio else (value - spread, value + spread)
    scale = "rate ratio" if ratio else "difference"
    estimate = Estimate(value=value, ci_low=low, ci_high=high, scale=scale)
    axis = axis_for([estimate], ratio=ratio, more=[] if truth is None else [truth])
    places = [axis.place(each) for each in (low, value, high)]
    assert places == sorted(places)
    assert all(0 < place < 300 for place in [*places, *map(axis.place, axis.ticks)])
    assert list(axis.ticks) == sorted(axis.ticks) and len(set(map(axis.place, axis.ticks))) == 3
    drawing = interval_svg(estimate, axis, truth)
    assert drawing.count('class="value"') == 1 and drawing.count('class="truth"') == (truth is not None)
    assert "nan" not in drawing and "inf" not in drawing.replace("interval", "")


def test_an_interval_beyond_the_axis_ends_in_an_arrow_and_none_is_drawn_without_limits() -> None:
    wide = Estimate(value=2.0, ci_low=0.5, ci_high=math.inf, scale="rate ratio")
    drawing = interval_svg(wide, axis_for([wide], ratio=True))
    assert drawing.count("l6 5l-6 5") == 1, "the open end is an arrow"
    bare = Estimate(value=2.0, scale="rate ratio")
    assert 'class="interval"' not in interval_svg(bare, axis_for([bare], ratio=True))
    assert interval_svg(Estimate(value=math.nan), axis_for([], ratio=False)) == ""


def test_a_share_by_itself_is_held_against_no_value_of_no_effect() -> None:
    about = {"ci_low": 0.51, "ci_high": 0.59, "scale": "probability", "estimand": "share matched"}
    share = Result("d.matched", "d", "share matched", "staff", Estimate(value=0.55, **about), "Matched", "headline")
    gap = replace(share, estimate=replace(share.estimate, scale="risk difference"))
    assert reading(share) == "" and reading(gap) == "The interval excludes no difference."
