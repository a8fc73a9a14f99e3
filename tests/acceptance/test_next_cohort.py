"""The year after: a cohort made after the model of the last one, new categories that stop, and looks at one programme that are counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mentorship_eval.cohort.schema.tables import QUESTIONS
from mentorship_eval.questions import CHAPTERS
from tests.cohort.folders import PEOPLE, write
from tests.program import call

OLD = {
    **PEOPLE,
    "study.yaml": """
# agreed with the steering group
study: {name: Riverside 2022-23, start: 2022-01-01, end: 2023-12-31}
tables:
  staff: staff.csv      # from HR
  spells: leavers_2023.csv
  matches: {file: matches.csv, recipe: ./ours.yaml}
plan: {primary: [retention], subgroups: [grade]}
disclosure: none
""",
    "staff.csv": "staff_id,gender,profession,newly_qualified,grade\ns1,f,nurse,yes,5\ns2,m,physician,no,Band 6\ns3,f,nurse,no,5\n",
    "ours.yaml": "title: ours\nfits: our list of pairs\nnotes: none\ntables:\n  matches:\n"
    "    columns: {match_id: [match_id], mentor_id: [mentor_id], mentee_id: [mentee_id], start: [start], end: [end]}\n",
}  # fmt: skip
OLD["leavers_2023.csv"] = OLD.pop("spells.csv")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old", OLD)


def filled_in(folder: Path) -> Path:
    """What a user does next: window, file and rows of the new year."""
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    for cleared, filled in (("start: ,", "start: 2024-01-01,"), ("end: ,", "end: 2025-12-31,"), ('spells: {file: ""', "spells: {file: leavers.csv")):
        text = text.replace(cleared, filled)

    def later(name: str) -> str:
        return OLD[name].replace("2023", "2025").replace("2022", "2024").replace("2021", "2023")

    rows = {"leavers.csv": later("leavers_2023.csv"), "staff.csv": later("staff.csv"), "matches.csv": later("matches.csv")}
    return write(folder, {"study.yaml": text, **rows})


def test_the_next_cohort_is_like_the_last_and_knows_its_categories(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "check", old)[0] == 0
    code, out, err = call(capsys, "new", tmp_path / "new", "--like", old)
    assert (code, out.strip()) == (0, str(tmp_path / "new")), err
    for words in ("study.start is cleared (was 2022-01-01)", "the file of spells is cleared (was leavers_2023.csv)", "staff: the levels of grade"):
        assert words in err, err
    text = (tmp_path / "new" / "study.yaml").read_text(encoding="utf-8")
    assert "# agreed with the steering group" in text and "# from HR" in text and text.count("  # change:") + text.count("\n# change:") == 4
    assert (tmp_path / "new" / "ours.yaml").read_text() == OLD["ours.yaml"].lstrip()
    said = yaml.safe_load(text)
    assert said["study"]["programme"] == "Riverside" and said["study"]["earlier"][0]["name"] == "Riverside 2022-23"
    assert said["tables"]["staff"]["levels"] == {"grade": ["5", "Band 6"]}
    code, out, _ = call(capsys, "check", tmp_path / "new")
    assert code == 1 and "the file name is empty" in out

    new = filled_in(tmp_path / "new")
    code, out, err = call(capsys, "check", new)
    assert code == 0, out
    staff = (new / "staff.csv").read_text()
    (new / "staff.csv").write_text(staff.replace("Band 6", "band6"))
    code, out, _ = call(capsys, "check", new)
    assert code == 1 and "E125" in out and "'band6'" in out and "'Band 6'" in out and "staff.csv:3:grade" in out
    (new / "study.yaml").write_text((new / "study.yaml").read_text().replace("Band 6]", "Band 6, band6]"))
    assert call(capsys, "check", new)[0] == 0


def test_a_model_with_errors_is_taken_over_as_far_as_it_goes(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "leavers_2023.csv").unlink()
    code, _, err = call(capsys, "new", tmp_path / "new", "--like", old)
    assert code == 0 and "not carried over: the data have 1 error" in err
    assert "levels" not in (tmp_path / "new" / "study.yaml").read_text()
    (old / "study.yaml").write_text(OLD["study.yaml"].replace("disclosure", "disclosur"))
    code, _, err = call(capsys, "new", tmp_path / "newer", "--like", old)
    assert code == 0 and "the study file has errors" in err
    assert "disclosur: none" in (tmp_path / "newer" / "study.yaml").read_text()
    (old / "study.yaml").write_text("a: [")
    code, _, err = call(capsys, "new", tmp_path / "newest", "--like", old)
    assert code == 0 and "it is here as it was" in err and "a: [" in (tmp_path / "newest" / "study.yaml").read_text()
    (tmp_path / "empty").mkdir()
    code, _, err = call(capsys, "new", tmp_path / "none", "--like", tmp_path / "empty")
    assert code == 1 and "no study.yaml" in err and not (tmp_path / "none").exists()


def test_a_second_look_is_recorded_and_said_wherever_reports_go(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(tmp_path / "cache"))
    # a first evaluation of which no report is left
    (old / "looks.csv").write_text("look,name,start,end,plan,data\n1,Riverside 2021,2020-01-01,2021-12-31,aaaaaaaaaaaa,bbbbbbbbbbbb\n")
    code, out, err = call(capsys, "run", old, "--out", tmp_path / "reports", "--chapters", "cohort", "--jobs", 1)
    assert code == 0, err
    page = Path(out.splitlines()[-1])
    for name in ("index.html", "01_cohort.html", "11_summary.html"):
        assert "This is look 2 at this programme" in (page.parent / name).read_text(encoding="utf-8"), name
    assert "Riverside 2021" in (page.parent / "01_cohort.html").read_text(encoding="utf-8")
    assert json.loads((page.parent / "manifest.json").read_text())["look"]["number"] == 2
    assert len((old / "looks.csv").read_text().splitlines()) == 3
    # the same evaluation again is no further look, and finds its report
    code, again, err = call(capsys, "run", old, "--out", tmp_path / "reports", "--chapters", "cohort", "--jobs", 1)
    assert again == out and "that report stands" in err
    # the next cohort knows both
    call(capsys, "new", tmp_path / "new", "--like", old)
    said = yaml.safe_load((tmp_path / "new" / "study.yaml").read_text(encoding="utf-8"))
    assert [look["name"] for look in said["study"]["earlier"]] == ["Riverside 2021", "Riverside 2022-23"]
    from mentorship_eval import read_cohort

    assert read_cohort(filled_in(tmp_path / "new")).look.number == 3


def test_check_speaks_of_every_question_and_promises_only_chapters_that_exist(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", old)
    assert code == 0
    answers = next(line for line in out.splitlines() if line.startswith("This cohort answers: "))
    for question in QUESTIONS:
        assert question in out
        if question not in CHAPTERS:
            assert question not in answers
    later = [question for question in QUESTIONS if question not in CHAPTERS]
    if later:
        (line,) = [line for line in out.splitlines() if line.startswith("No chapter yet in this version: ")]
        assert all(question in line for question in later)
        assert "(the tables are here for equity)" in line or "equity" not in later
