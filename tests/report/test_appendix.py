"""The supplementary material of a run: everything numbered, listed, found again, and nothing claimed that the report does not have."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from typing import get_args

import pandas as pd
import pytest

from mentorship_eval.cohort import read_cohort, simulate_cohort
from mentorship_eval.cohort.study.document import JournalName
from mentorship_eval.display.journals.profile import journal_names, load_journal
from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.report.appendix import make_appendix
from mentorship_eval.report.appendix.checklists import AUTHOR, FOUND, PART, checklist_names, fill, load_checklist
from mentorship_eval.report.appendix.items import numbered_items
from mentorship_eval.report.appendix.source import open_source
from mentorship_eval.report.appendix.words import check_references
from mentorship_eval.report.manifest import _study as study_told
from tests.program import call
from tests.report.appendix_run import write_run

COUNTS = {"STROBE": 34, "RECORD": 13, "TREND": 22, "TIDieR": 12, "TARGET": 28}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, and its appendix for a journal that takes no PDF from us (a PDF takes a second)."""
    run = write_run(tmp_path_factory.mktemp("runs") / "0123456789ab")
    said = []
    return run, make_appendix(run, journal="generic", progress=said.append), said


def _rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_stands_beside_the_run_and_leaves_the_run_alone(made):
    run, appendix, said = made
    assert appendix.place == run.parent / "0123456789ab-appendix-generic"
    assert sorted(path.name for path in run.iterdir()) == ["answers.json", "index.html", "manifest.json", "repair_log.csv"]
    assert sorted(path.name for path in run.parent.iterdir()) == ["0123456789ab", "0123456789ab-appendix-generic"]
    assert said[0].startswith("Figure S1: ")


def test_every_item_has_its_label_files_caption_and_words(made):
    _, appendix, _ = made
    labels = [item.label for item in appendix.items]
    assert sorted(labels) == ["Figure S1", "Figure S2", "Figure S3", "Table S1", "Table S2", "Table S3"]
    files = _contents(appendix.place)
    for item in appendix.items:
        endings = ("pdf", "png", "svg") if item.kind == "figure" else ("docx", "tex", "csv")
        folder = "figures" if item.kind == "figure" else "tables"
        assert all(f"{folder}/{item.stem}.{ending}" in files for ending in endings), item.label
    captions = {row["item"]: row for row in _rows(appendix.place / "captions.csv")}
    assert set(captions) == set(labels)
    assert all(captions[label]["caption"].startswith(f"{label}. ") for label in labels)
    assert all(re.search(r"\d", captions[item.label]["alt_text"]) for item in appendix.items if item.kind == "figure")
    assert {"data/Figure_S2_curve.csv", "data/Figure_S2_at_risk.csv"} <= set(files) or any("_curve.csv" in name for name in files)


def test_the_index_lists_every_file_with_its_hash(made):
    _, appendix, _ = made
    rows = {row["file"]: row for row in _rows(appendix.place / "index.csv")}
    files = _contents(appendix.place)
    assert set(rows) == set(files) - {"index.csv"}
    assert all(rows[name]["sha256"] == hashlib.sha256(files[name]).hexdigest() for name in rows)


def test_twice_the_same_bytes_and_an_earlier_appendix_is_replaced_whole(made, tmp_path):
    run, _, _ = made
    only = ("retention.forest", "retention.follow_up")
    first = make_appendix(run, journal="nature", out=tmp_path / "one", only=only)
    stray = first.place / "left over.txt"
    stray.write_text("of an earlier one", encoding="utf-8")
    once = _contents(first.place)
    again = make_appendix(run, journal="nature", out=tmp_path / "one", only=only)
    assert not stray.exists()
    assert _contents(again.place) == {name: content for name, content in once.items() if name != "left over.txt"}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    for name, content in once.items():
        if name.endswith(".docx"):
            with zipfile.ZipFile(io.BytesIO(content)) as held:
                assert {each.date_time[0] for each in held.infolist()} == {1980}, name


def test_withheld_counts_stay_withheld_and_no_cell_is_a_formula(made):
    _, appendix, _ = made
    forest = pd.read_csv(appendix.place / "data/Figure_S1.csv", dtype=str)
    assert list(forest["n"]) == ["2015", "<10"]
    tables = "".join(path.read_text(encoding="utf-8") for path in (appendix.place / "tables").glob("*.csv"))
    assert "'=Physician|x" in tables and "\n=Physician" not in tables


def test_markdown_names_every_item_and_no_other(made):
    _, appendix, _ = made
    text = (appendix.place / "appendix.md").read_text(encoding="utf-8")
    journal = load_journal("generic")
    assert check_references(text, journal, appendix.items) == []
    assert "Figure S9 is named" in check_references(text + " as in Figure S9", journal, appendix.items)[0]
    assert check_references(text.replace("Table S2", "it"), journal, appendix.items) == ["Table S2 is named nowhere"]
    assert "numpy 2.4.6" in text and "two-sided" in text and "seed 7" in text and "Cox model on (start, stop" in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (appendix.place / target).is_file(), target
    # the cells of a table stay in their columns
    row = next(line for line in text.splitlines() if "=Physician" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_labels_of_every_journal_are_told_apart_in_text():
    for name in journal_names():
        journal = load_journal(name)
        text = " and ".join(journal.label(kind, n) for kind in ("figure", "table") for n in (1, 11))
        found = check_references(text, journal, [])
        assert len(found) == 4, (name, found)


def test_the_document_has_figures_with_alt_texts_and_real_tables(made):
    _, appendix, _ = made
    with zipfile.ZipFile(appendix.place / "appendix.docx") as held:
        document = held.read("word/document.xml").decode()
        pictures = [name for name in held.namelist() if name.startswith("word/media/")]
    assert len(pictures) == 3
    assert document.count("<w:tbl>") >= 3 + len(checklist_names())
    assert all(label in document for label in ("Figure S1", "Table S3", "Text S1"))
    assert len(re.findall(r'descr="[^"]+\d', document)) >= 3


# -- checklists -------------------------------------------------------------------------------------------------------------


def test_checklists_have_the_items_that_they_should():
    found = {load_checklist(name).title.split(":")[0]: load_checklist(name) for name in checklist_names()}
    assert {name: len(each.items) for name, each in found.items()} == COUNTS
    for each in found.values():
        numbers = [str(item["item"]) for item in each.items]
        assert len(set(numbers)) == len(numbers) and each.source



def test_what_the_report_does_not_have_is_left_to_the_author(made):
    run, _, _ = made
    source = open_source(run)
    items, _ = numbered_items(source, load_journal("generic"))
    ids = {exhibit.id for answer in source.answers.values() for exhibit in answer.exhibits}
    for name in checklist_names():
        for line in fill(load_checklist(name), source, items):
            assert (line.status == AUTHOR) == (not line.where), line
            assert line.status == FOUND or line.remains, line
            for anchor in re.findall(r"#exhibit-([\w-]+)", line.where):
                assert anchor.replace("-", ".") in ids or any(anchor == each.replace(".", "-") for each in ids)
    lines = {line.item: line for line in fill(load_checklist("strobe"), source, items)}
    assert lines["13a"].status == FOUND and "02_retention.html#exhibit-retention-flow" in lines["13a"].where
    assert lines["14b"].status == AUTHOR and lines["22"].status == AUTHOR and lines["12e"].status == AUTHOR
    assert lines["6a"].status == PART
    assert {line.item: line for line in fill(load_checklist("record"), source, items)}["12.2"].where == "Table S3"


def test_checklists_in_the_pack_leave_the_authors_column_empty(made):
    _, appendix, _ = made
    for name in checklist_names():
        rows = _rows(appendix.place / f"checklists/{name}.csv")
        assert {row["Page, by the author"] for row in rows} == {""}
        assert {row["Status"] for row in rows} <= {AUTHOR, FOUND, PART}
        assert (appendix.place / f"checklists/{name}.docx").stat().st_size > 2000


def test_the_journal_of_the_study_is_followed_unless_another_is_named(tmp_path):
    run = write_run(tmp_path / "0123456789ab")
    path = run / "manifest.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**held, "study": {**held.get("study", {}), "journal": "nature"}}), encoding="utf-8")
    only = ("retention.forest",)
    own, other = make_appendix(run, only=only), make_appendix(run, journal="bmj", only=only)
    assert (own.journal, own.place.name) == ("nature", "0123456789ab-appendix-nature")
    assert (other.journal, other.place.name) == ("bmj", "0123456789ab-appendix-bmj")


def test_a_study_can_name_the_journals_that_there_are_and_no_other(tmp_path):
    assert set(get_args(JournalName)) == set(journal_names())
    folder = simulate_cohort(departments=4, staff=60, months=12).write(tmp_path / "cohort")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(f"{text}journal: plos\n", encoding="utf-8")
    assert study_told(read_cohort(folder))["journal"] == "plos"
    (folder / "study.yaml").write_text(f"{text}journal: letters\n", encoding="utf-8")
    with pytest.raises(DataError, match="journal"):
        read_cohort(folder)


# -- refusals ---------------------------------------------------------------------------------------------------------------


def test_places_that_are_refused(made, tmp_path):
    run, _, _ = made
    with pytest.raises(UsageError, match="inside the run"):
        make_appendix(run, out=run / "appendix")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to my publisher.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(UsageError, match="is no appendix"):
        make_appendix(run, out=tmp_path / "letters")
    assert (tmp_path / "letters" / "to my publisher.txt").is_file()
    with pytest.raises(UsageError, match=r"no figure or table 'wellbeing\.\*'.*retention.forest"):
        make_appendix(run, out=tmp_path / "new", only=("wellbeing.*",))
    with pytest.raises(UsageError):
        make_appendix(tmp_path, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_left_when_it_fails(made, tmp_path, monkeypatch):
    run, _, _ = made
    from mentorship_eval.report.appendix import pack

    def fails(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(pack, "_checklists", fails)
    with pytest.raises(RuntimeError):
        make_appendix(run, out=tmp_path / "sub" / "new", only=("retention.follow_up",))
    assert list((tmp_path / "sub").iterdir()) == []


def test_an_exhibit_that_cannot_be_drawn_is_named_and_the_rest_is_made(tmp_path):
    odd = Exhibit("retention.odd", "forest", "Odd", {"rows": pd.DataFrame({"label": ["a"], "estimate": [-1.0], "ci_low": [0.1], "ci_high": [2.0]})})
    run = write_run(tmp_path / "run", exhibits=(odd,))
    made = make_appendix(run, journal="bmj", only=("retention.odd", "retention.follow_up"))
    assert [(name, bool(problem)) for name, problem in made.missing] == [("retention.odd", True)]
    assert (made.place / "tables/Supplementary_Table_S1.docx").is_file()


# -- disclosure -------------------------------------------------------------------------------------------------------------


def test_another_profile_needs_the_data(made):
    run, _, _ = made
    with pytest.raises(UsageError, match=r"under the rule “threshold 10”, not under opensafely.*disclosure: opensafely.*run the cohort again"):
        make_appendix(run, disclosure="opensafely")
    with pytest.raises(UsageError, match="no disclosure profile 'opensaefly'"):
        make_appendix(run, disclosure="opensaefly")
    with pytest.raises(UsageError, match="not under none"):
        make_appendix(run, disclosure="none")


def test_vector_graphics_stay_inside_where_the_profile_says_so(tmp_path):
    run = write_run(tmp_path / "run", disclosure={"off": False, "profile": "acro", "threshold": 10, "round": None})
    made = make_appendix(run, journal="nature", disclosure="acro", only=("retention.forest",))
    assert sorted(path.suffix for path in (made.place / "figures").iterdir()) == [".png"]
    assert any("no vector graphics" in note for note in made.notes)


def test_an_unprotected_run_says_so_at_the_top(tmp_path):
    run = write_run(tmp_path / "run", disclosure={"off": True, "threshold": 1})
    made = make_appendix(run, only=("retention.follow_up",))
    assert "must not leave the team" in (made.place / "appendix.md").read_text(encoding="utf-8")[:400]


# -- the command ------------------------------------------------------------------------------------------------------------


def test_the_command_names_what_is_broken_and_strict_exits_with_one(made, tmp_path, capsys):
    run, _, _ = made
    words = ("appendix", run, "--journal", "plos", "--only", "retention.follow_up", "--out", tmp_path / "tables")
    code, out, _ = call(capsys, *words, "--strict")
    assert code == 0 and "no figure breaks a rule" in out and out.splitlines()[-1] == str(tmp_path / "tables" / "index.csv")
    code, out, _ = call(capsys, "appendix", run, "--journal", "lancet")
    assert code == 2
    code, _, err = call(capsys, "appendix", run, "--journal", "plos", "--column", "middle")
    assert code == 2 and "single, double" in err
