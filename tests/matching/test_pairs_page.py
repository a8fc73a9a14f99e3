"""pairs.html: everything a coordinator needs, nothing from outside, nothing unescaped, and never among what is published."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.browser import chromium
from tests.matching.rounds import FILES, decide, wards
from tests.program import call


@pytest.fixture
def page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Of a second round: one pair refused, one changed, a mentor without training allowed, somebody without a mentor."""
    cohort = wards(tmp_path, mentors=FILES["mentors.csv"].replace("m2,1,", "m2,1,2022-01-01"))
    call(capsys, "match", cohort, "--out", tmp_path / "one", "--untrained", "allow")
    decided = decide(tmp_path / "one", e2="reject", e3="change:m2")
    assert call(capsys, "match", cohort, "--out", tmp_path / "two", "--untrained", "allow", "--decisions", decided)[0] == 0
    return (tmp_path / "two" / "pairs.html").read_text(encoding="utf-8")


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL)).split())


def test_it_says_what_a_coordinator_needs(page: str, tmp_path: Path) -> None:
    told = text_of(page)
    frame = pd.read_csv(tmp_path / "two" / "proposal.csv")
    for row in frame[frame["status"] != "refused"].to_dict("records"):
        assert f"{row['mentee_id']} {'decided ' if row['status'] == 'kept' else ''}{row['mentor_id']}" in told
        for reason in row["why"].split("; "):
            assert reason in told
    for words in ("Keep with the data.", "no part of a report", "Random pairs of the same people", "The last wave", "1 kept, 1 refused", "(gap 0)",
                  "Not proposed again in this wave: e2 with m3", "training has expired", "Mentors not in post: 1 m4", "change:STAFF_ID",
                  "--decisions proposal.csv", "(now 1)", "Mentors without training take part", "Beware: places are scarcer"):
        assert words in told
    for row in pd.read_csv(tmp_path / "two" / "unmatched.csv").to_dict("records"):
        assert f"{row['mentee_id']} " in told.split("Without a mentor Best score")[-1]


def test_nothing_comes_from_outside_and_nothing_runs(page: str) -> None:
    assert not re.search(r"https?:|//|<script|<link|<img|@import|url\(|\son\w+=", page.replace("<!DOCTYPE html>", ""))
    heads = re.findall(r"<th\b[^>]*>", page)
    assert heads and all("scope=" in head for head in heads)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_what_comes_from_the_data_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<b onclick=x>&amp"
    # ids and domains of the data, in every place where the page names them: mentee, mentor, reason, other mentor, left out, refused, name
    swapped = {name.removesuffix(".csv"): re.sub(r"\b(e2|m1|m3|m4|clinical)\b", rf"\1{evil}", text)
               for name, text in FILES.items() if name.endswith(".csv")}  # fmt: skip
    cohort = wards(tmp_path, **swapped)
    (cohort / "study.yaml").write_text(FILES["study.yaml"].replace("name: Wards", f"name: 'Wards{evil}'"), encoding="utf-8")
    assert call(capsys, "match", cohort, "--out", tmp_path / "one")[0] == 0
    frame = pd.read_csv(tmp_path / "one" / "proposal.csv", dtype=str)
    frame.loc[frame["mentee_id"] == f"e2{evil}", "decision"] = "reject"
    frame.to_csv(tmp_path / "decided.csv", index=False)
    assert call(capsys, "match", cohort, "--out", tmp_path / "two", "--decisions", tmp_path / "decided.csv")[0] == 0
    for folder in ("one", "two"):
        html = (tmp_path / folder / "pairs.html").read_text(encoding="utf-8")
        assert "<b" not in html.replace("<body", "") and "onclick" in html and "&amp;amp" in html
        assert not re.search(r"&amp(?!;)", html)


def test_it_is_never_written_into_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text("{}", encoding="utf-8")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "run" / "pairs" / "one")
    assert code == 2 and "lies in the folder of a report" in err and [path.name for path in (tmp_path / "run").iterdir()] == ["manifest.json"]


@pytest.mark.browser
def test_it_is_accessible_wide_and_on_a_phone(page: str, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # ids as `pseudonymise` makes them are long
    wide = re.sub(r">\s*((?:e|m)\d)\b", lambda of: f">{'p' + of[1] * 13}", page)
    assert "pe3e3" in wide and "pm2m2" in wide
    (tmp_path / "two" / "wide.html").write_text(wide, encoding="utf-8")
    with chromium() as browser:
        for scheme, width, rules in (("light", 1100, []), ("dark", 390, ["color-contrast", "scrollable-region-focusable", "target-size"])):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            shown = context.new_page()
            shown.goto((tmp_path / "two" / "pairs.html").resolve().as_uri())
            only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
            found = Axe().run(shown, options={"resultTypes": ["violations"], **only}).response
            assert [rule["id"] for rule in found["violations"]] == [] and found["passes"]
            for name in ("pairs.html", "wide.html"):
                shown.goto((tmp_path / "two" / name).resolve().as_uri())
                assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
            context.close()
