"""What a run publishes: the whole folder, the same bytes twice, and nothing that must stay inside."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mentorship_eval.report import ESTIMATE_COLUMNS, run_cohort
from mentorship_eval.report.lint import LeakError, machine_paths, scan
from mentorship_eval.report.parameters import NOTEBOOKS
from tests.report.shared_run import RunOnce

PAGES = ("index.html", *(f"{notebook}.html" for notebook in NOTEBOOKS.values()))
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Collects what a check needs, and complains about tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:  # <img/>, which the parser reports as opened and closed
            return
        if tag == "p" and "p" not in self.open:
            self.wrong.append("stray </p>")
        while self.open and self.open[-1] != tag:
            left = self.open.pop()
            if left not in {"p", "li", "td", "th", "tr", "dt", "dd"}:
                self.wrong.append(f"<{left}> closed by </{tag}>")
        if self.open:
            self.open.pop()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


def text_files(run: Path) -> list[Path]:
    return [path for path in run.rglob("*") if path.is_file() and path.suffix in {".html", ".ipynb", ".json", ".csv", ".svg"}]


def test_the_folder_is_whole(ran: RunOnce) -> None:
    names = {path.name for path in ran.run.iterdir()}
    assert names == {*PAGES, "report.pdf", "report.docx", "answers.json", "estimates.csv", "repair_log.csv", "disclosure_log.csv",
                     "manifest.json", "run_info.json", "figures", "tables", "notebooks"}  # fmt: skip
    assert {path.name for path in (ran.run / "notebooks").iterdir()} == {page.replace(".html", ".ipynb") for page in PAGES[1:]}
    assert ran.run.parent.name == "Riverside-small"
    assert re.fullmatch(r"[0-9a-f]{12}", ran.run.name)
    pictures = {path.stem for path in (ran.run / "figures").glob("*.png")}
    assert pictures == {path.stem for path in (ran.run / "figures").glob("*.svg")}
    assert len(pictures) >= 6
    for path in (ran.run / "figures").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_left_beside_the_run(ran: RunOnce) -> None:
    assert sorted(path.name for path in ran.run.parent.iterdir()) == sorted([ran.run.name, "latest"])
    latest = ran.run.parent / "latest"
    named = latest.resolve().name if latest.is_symlink() else latest.read_text().strip()
    assert named == ran.run.name


def test_estimates_have_the_agreed_columns_and_full_precision(ran: RunOnce) -> None:
    with (ran.run / "estimates.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == ESTIMATE_COLUMNS
    assert len({row["id"] for row in rows}) == len(rows) >= 5
    assert {row["status"] for row in rows} == {"unlocked", "exploratory"}
    for row in rows:
        if row["estimate"] and row["ci_low"]:
            low, value, high = (float(row[name]) for name in ("ci_low", "estimate", "ci_high"))
            assert low <= value <= high, row["id"]
        for name in ("estimate", "ci_low", "ci_high", "p_value", "n", "n_events"):
            assert row[name].lower() not in {"nan", "inf", "none", "<na>"}
    digits = [len(row["estimate"].replace("-", "").replace(".", "")) for row in rows if "." in row["estimate"]]
    assert max(digits) >= 15, "estimates are rounded"


def test_the_manifest_names_every_file_by_its_hash(ran: RunOnce) -> None:
    manifest = json.loads((ran.run / "manifest.json").read_text(encoding="utf-8"))
    files = {path.relative_to(ran.run).as_posix() for path in ran.run.rglob("*") if path.is_file()}
    assert set(manifest["outputs"]) == files - {"manifest.json", "run_info.json"}
    for name, sha in manifest["outputs"].items():
        assert hashlib.sha256((ran.run / name).read_bytes()).hexdigest() == sha
    inputs = {item["file"]: item["sha256"] for item in manifest["inputs"]}
    assert {"study.yaml", "staff.csv", "incidents.csv", "truth.json"} <= set(inputs)
    for name, sha in inputs.items():
        assert hashlib.sha256((ran.cohort / name).read_bytes()).hexdigest() == sha
    assert manifest["content_key"] == ran.run.name
    assert manifest["parameters"]["cohort"] == "Riverside-small"
    text = (ran.run / "manifest.json").read_text(encoding="utf-8")
    assert not re.search(r"\d\d:\d\d:\d\d", text), "a time stands in the manifest"


def test_the_same_inputs_are_not_run_twice(ran: RunOnce) -> None:
    before = {path: path.stat().st_mtime_ns for path in ran.run.rglob("*")}
    said: list[str] = []
    assert run_cohort(ran.cohort, out=ran.out, progress=said.append) == ran.run
    assert {path: path.stat().st_mtime_ns for path in ran.run.rglob("*")} == before
    assert any("that report stands" in line for line in said)


@pytest.mark.parametrize("name", PAGES)
def test_pages_need_nothing_from_outside(ran: RunOnce, name: str) -> None:
    text = (ran.run / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'<>)]*", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)))
    assert {address for address in addresses if "www.w3.org" not in address} == set()
    page = Page(text)
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("iframe")
    assert "@import" not in text
    for image in page.all("img"):
        assert (image.get("src") or "").startswith("data:image/png;base64,")


@pytest.mark.parametrize("name", PAGES)
def test_pages_can_be_read_by_everybody(ran: RunOnce, name: str) -> None:
    page = Page((ran.run / name).read_text(encoding="utf-8"))
    assert page.wrong == []
    assert page.all("html")[0].get("lang") == "en"
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
    for image in page.all("img"):
        assert len(image.get("alt") or "") > 20
    assert any(link.get("href") == "#content" for link in page.all("a"))
    current = [link for link in page.all("a") if link.get("aria-current") == "page"]
    assert [link.get("href") for link in current] == [name]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(ran: RunOnce, name: str) -> None:
    page = Page((ran.run / name).read_text(encoding="utf-8"))
    ids = {attrs["id"] for _, attrs in page.seen if attrs.get("id")}
    for link in page.all("a"):
        href = link.get("href") or ""
        assert href[1:] in ids if href.startswith("#") else (ran.run / href).exists(), href


def test_code_is_folded(ran: RunOnce) -> None:
    page = Page((ran.run / "02_retention.html").read_text(encoding="utf-8"))
    folded = [attrs for attrs in page.all("details") if attrs.get("class") == "code"]
    assert len(folded) > 5
    assert not any("open" in attrs for attrs in folded)


def test_the_index_gives_the_headlines_with_interval_and_truth(ran: RunOnce) -> None:
    text = (ran.run / "index.html").read_text(encoding="utf-8")
    rows = {row["id"]: row for row in csv.DictReader((ran.run / "estimates.csv").open(encoding="utf-8", newline=""))}
    harm = rows["incidents.harm"]
    assert f"{float(harm['estimate']):.2f}" in text
    assert f"{float(harm['ci_low']):.2f} to {float(harm['ci_high']):.2f}" in text
    truth = json.loads((ran.cohort / "truth.json").read_text())["incidents"]["months_with_2_controls"]["harm"]
    assert f"True value in this simulated cohort: {truth:.2f}" in text


def test_no_path_and_no_person_is_published(ran: RunOnce) -> None:
    ids = {row["staff_id"] for row in csv.DictReader((ran.cohort / "staff.csv").open(encoding="utf-8", newline=""))}
    for path in text_files(ran.run):
        text = path.read_text(encoding="utf-8")
        for private in (str(ran.cohort.parent), str(Path.home()) + "/", str(Path.cwd()) + "/"):
            assert private not in text, path.name
        words = set(re.findall(r"[\w-]+", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)))
        if path.suffix != ".svg":
            assert not ids & words, path.name


def test_published_notebooks_are_executed_and_carry_no_trace_of_the_machine(ran: RunOnce) -> None:
    for path in (ran.run / "notebooks").glob("*.ipynb"):
        book = json.loads(path.read_text(encoding="utf-8"))
        assert set(book["metadata"]) == {"kernelspec", "language_info"}
        tagged = [cell for cell in book["cells"] if cell["metadata"].get("tags") == ["parameters"]]
        assert ["".join(cell["source"]).strip() for cell in tagged] == ['cohort = "Riverside-small"']
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
        assert not any(output["output_type"] in {"error", "stream"} for cell in code for output in cell["outputs"])
        assert not any(set(cell["metadata"]) - {"tags"} for cell in book["cells"])
        assert "Shown by hand" not in path.read_text(encoding="utf-8")


def test_counts_below_the_threshold_are_withheld(ran: RunOnce) -> None:
    rows = list(csv.DictReader((ran.run / "estimates.csv").open(encoding="utf-8", newline="")))
    for row in rows:
        for name in ("n", "n_events"):
            assert not row[name] or float(row[name]) == 0 or float(row[name]) >= 10, row["id"]
        assert "suppressed" not in row["warnings"] or not row["estimate"]


def test_the_lint_stops_a_leak(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>S00042 left</p>", encoding="utf-8")
    with pytest.raises(LeakError, match=r"page\.html holds 1 raw id"):
        scan(tmp_path, [], frozenset({"S00042"}))
    scan(tmp_path, [], frozenset({"S0004"}))
    (tmp_path / "page.html").write_text(f"<p>{tmp_path}/x.csv</p>", encoding="utf-8")
    with pytest.raises(LeakError, match="path of this machine"):
        scan(tmp_path, machine_paths(tmp_path), frozenset())


def test_a_failure_leaves_nothing(ran: RunOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mentorship_eval.report import lint

    def leak(*_: object, **__: object) -> None:
        raise LeakError("found something")

    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(ran.cache))
    monkeypatch.setattr(lint, "scan", leak)
    with pytest.raises(LeakError):
        run_cohort(ran.cohort, out=tmp_path / "out", chapters=["cohort"])
    assert not (tmp_path / "out").exists()


def test_a_cohort_without_incidents_says_what_would_unlock_them(ran: RunOnce, tmp_path: Path, own_cache: Path) -> None:
    import shutil

    folder = shutil.copytree(ran.cohort, tmp_path / "people-only")
    study = (folder / "study.yaml").read_text(encoding="utf-8")
    study = study[: study.index("tables:")] + "tables: {staff: staff.csv, spells: spells.csv, matches: matches.csv}\n" + \
        study[study.index("plan:") :]  # fmt: skip
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    run = run_cohort(folder, out=tmp_path / "out", chapters="incidents")
    assert not (run / "02_retention.html").exists()
    for name in ("03_incidents.html", "index.html"):
        text = (run / name).read_text(encoding="utf-8")
        assert "rollout" in text, name
        assert "exposure" in text, name
    rows = list(csv.DictReader((run / "estimates.csv").open(encoding="utf-8", newline="")))
    assert all(math.isnan(float(row["estimate"] or "nan")) for row in rows if row["chapter"] == "incidents")
