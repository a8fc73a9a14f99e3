"""The pages of a run in a real browser: rules of accessibility, light and dark, wide and narrow, by keyboard and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import chromium
from tests.report.shared_run import RunOnce
from tests.report.test_run_folder import PAGES

pytestmark = pytest.mark.browser

# every page in each: the colours of both schemes, the layout of a desk and of a phone. What is in a page is the same in both, so the
# second time only those rules are asked that depend on how it looks.
BY_LOOK = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
LOOKS = {"light, wide": ("light", 1280, []), "dark, phone": ("dark", 390, BY_LOOK)}
SECONDS = 120_000  # milliseconds that a step may take on a loaded machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def desk(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(SECONDS)
    yield page
    page.close()


def violations(page: Any, rules: list[str]) -> tuple[list[str], int]:
    """What axe-core complains of on the page, with the place, and how many rules found something to pass. rules: [] for all that it has."""
    from axe_playwright_python.sync_playwright import Axe

    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **only}).response
    told = [f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary', '')}" for rule in found["violations"] for node in rule["nodes"]]
    return told, len(found["passes"])


def address(run: Path, name: str) -> str:
    return (run / name).resolve().as_uri()


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_breaks_a_rule_of_accessibility_or_reaches_out(ran: RunOnce, browser: Any, look: str) -> None:
    scheme, width, rules = LOOKS[look]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(SECONDS)
    try:
        for name in PAGES:
            page = context.new_page()
            asked: list[str] = []
            said: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url[:200]))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.goto(address(ran.run, name))
            told, passed = violations(page, rules)
            assert told == [], name
            assert passed > (1 if rules else 20), "axe-core looked at nothing"
            assert said == [], name
            inside = ran.run.resolve().as_uri()
            assert not [url for url in asked if not url.startswith((inside, "data:"))], name
            sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sideways <= 0, f"{name} scrolls sideways by {sideways} pixels"
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, dark.removeprefix("rgb(").rstrip(")").split(","))) < 200) == (scheme == "dark"), dark
            page.close()
    finally:
        context.close()


def test_a_page_that_breaks_a_rule_is_found(desk: Any) -> None:
    desk.set_content('<html lang="en"><title>t</title><main><h1>One</h1><h3>Three</h3><img src="data:,"></main>')
    told, _ = violations(desk, [])
    assert {line.split(":")[0] for line in told} >= {"image-alt", "heading-order"}


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.className || document.activeElement.id || document.activeElement.tagName"))


def test_a_reader_without_a_mouse_gets_everywhere(ran: RunOnce, desk: Any) -> None:
    desk.goto(address(ran.run, "02_retention.html"))
    desk.keyboard.press("Tab")
    assert focused(desk) == "skip"
    box = desk.locator(".skip").bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0, "the skip link is not to be seen"
    desk.keyboard.press("Enter")
    assert focused(desk) == "content"
    for selector in ("details.code", ".estimates > details"):
        fold = desk.locator(selector).first
        inner = fold.locator(":scope > :not(summary)").first
        assert not inner.is_visible()
        fold.locator("summary").focus()
        desk.keyboard.press("Enter")
        assert inner.is_visible(), f"{selector} does not open"
        outline = fold.locator("summary").evaluate("summary => getComputedStyle(summary).outlineStyle")
        assert outline == "solid", "what has the focus is not marked"
        desk.keyboard.press("Enter")
        assert not inner.is_visible(), f"{selector} does not close"


def test_text_leads_to_a_figure_and_back_and_the_contents_to_a_section(ran: RunOnce, desk: Any) -> None:
    desk.goto(address(ran.run, "02_retention.html"))
    mention = desk.locator(".lead a.see").first
    words, anchor = mention.inner_text(), mention.get_attribute("href")
    mention.click()
    exhibit = desk.locator(f"[id='{anchor[1:]}']")
    assert exhibit.evaluate("e => e.getBoundingClientRect().top < innerHeight && e.getBoundingClientRect().bottom > 0")
    caption = exhibit.locator("figcaption, caption").first
    assert caption.inner_text().startswith(f"{words}.")
    caption.locator("a.back").click()
    assert mention.evaluate("e => e.getBoundingClientRect().top >= 0 && e.getBoundingClientRect().bottom <= innerHeight")
    entry = desk.locator(".contents a").last
    assert entry.is_visible(), "on a wide screen the contents stand open"
    entry.click()
    heading = desk.locator(f"[id='{entry.get_attribute('href')[1:]}']")
    assert heading.inner_text() == entry.inner_text()
    assert heading.evaluate("e => e.getBoundingClientRect().top < innerHeight")


def test_on_a_phone_the_contents_are_folded_and_tables_scroll_in_their_box(ran: RunOnce, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.set_default_timeout(SECONDS)
    page.goto(address(ran.run, "02_retention.html"))
    assert not page.locator(".contents a").first.is_visible()
    page.locator(".contents summary").click()
    assert page.locator(".contents a").first.is_visible()
    wide = page.locator(".data-table").evaluate_all("boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).map(box => box.tabIndex)")
    assert wide and set(wide) == {0}, "a box that scrolls can be reached and scrolled by keyboard"
    page.close()


def test_nothing_that_is_folded_is_lost_on_paper(ran: RunOnce, desk: Any) -> None:
    for name in ("index.html", "02_retention.html"):
        desk.goto(address(ran.run, name))
        desk.emulate_media(media="print")
        folds = desk.locator("main details")
        heights = folds.evaluate_all("all => all.map(fold => fold.getBoundingClientRect().height - fold.firstElementChild.offsetHeight)")
        assert heights
        assert min(heights) > 5, f"{name}: a fold stays shut"
        for hidden in ("header", ".skip", ".contents"):
            assert not desk.locator(hidden).first.is_visible(), f"{name}: {hidden} is printed"
        assert desk.locator("main .data-table").evaluate_all("boxes => boxes.every(box => getComputedStyle(box).overflowX === 'visible')")
        desk.emulate_media(media="screen")
