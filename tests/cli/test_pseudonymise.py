"""The verb pseudonymise at the terminal: from identifiers to a cohort that is read, by the commands that a user types."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cohort.folders import PEOPLE, write
from tests.program import call

NUMBERS = ("9434765919", "4010232137", "9434765870")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The extracts of tests.cohort.folders with NHS numbers for ids, and a name in the staff file."""
    files = {}
    for name, text in PEOPLE.items():
        for person, number in zip(("s1", "s2", "s3"), NUMBERS, strict=True):
            text = text.replace(f"{person},", f"{number},")
        files[name] = text
    files["staff.csv"] = files["staff.csv"].replace("staff_id,", "staff_id,Surname,").replace(",f,", ",Able,f,").replace(",m,", ",Baker,m,")
    study = files.pop("study.yaml")
    (tmp_path / "keys").mkdir()
    write(tmp_path / "cohort", {"study.yaml": study})
    return write(tmp_path / "raw", files)


def test_from_nhs_numbers_to_a_cohort(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = write(tmp_path / "before", {**{path.name: path.read_text() for path in raw.iterdir()}, "study.yaml": PEOPLE["study.yaml"]})
    code, out, _ = call(capsys, "check", before)
    assert code == 1 and "E121" in out and "mentorship-eval pseudonymise" in out
    common = ("--normalise", "nhs", "--key", tmp_path / "keys" / "study.key", "--out", tmp_path / "cohort")
    columns = ("--column", "staff_id", "--column", "mentor_id", "--column", "mentee_id")
    files = [raw / name for name in ("staff.csv", "spells.csv", "matches.csv")]
    code, out, err = call(capsys, "pseudonymise", *files, *columns, *common)
    assert code == 1 and out == "" and "Surname" in err and "--drop" in err
    assert [path.name for path in (tmp_path / "cohort").iterdir()] == ["study.yaml"] and not list((tmp_path / "keys").iterdir())
    code, out, err = call(capsys, "pseudonymise", *files, *columns, "--drop", "Surname", *common)
    assert code == 0, err
    assert out.splitlines() == [str(tmp_path / "cohort" / path.name) for path in files]
    assert "staff_id: 3 cells replaced (nhs: " in err and "left out: Surname" in err and "kept as they are: gender" in err
    assert "A new key was made" in err and (tmp_path / "keys" / "study.key").read_text().split()[1] not in out + err
    assert not any(number in out + err for number in NUMBERS)
    code, out, _ = call(capsys, "check", tmp_path / "cohort")
    assert code == 0 and "This cohort answers: retention" in out
    code, _, err = call(capsys, "pseudonymise", *files, *columns, "--drop", "Surname", *common)
    assert code == 2 and "exists already" in err


WRONG = [
    (["--normalise", "hns"], "there is no kind 'hns'"),
    (["--normalise", "x=nhs"], "'x' is not a --column"),
    (["--drop", "staff_id"], "staff_id is named twice"),
    (["--key", "{cohort}/k"], "cohort folder cohort"),
    (["--key", "{out}/k"], "output folder out"),
    (["--sheet", "A", "--header-row", "0"], "--header-row"),
]


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_wrong_use_is_one_line_and_code_2(words: list[str], says: str, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = {"cohort": tmp_path / "cohort", "out": tmp_path / "out"}
    words = [word.format(**places) for word in words]
    key = [] if "--key" in words else ["--key", tmp_path / "keys" / "k"]
    code, out, err = call(capsys, "pseudonymise", raw / "spells.csv", "--column", "staff_id", *key, "--out", tmp_path / "out", *words)
    assert (code, out) == (2, "") and says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists() and not list((tmp_path / "keys").iterdir())


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "pseudonymise", tmp_path / "no.csv", "--column", "x", "--key", tmp_path / "k", "--out", tmp_path / "out")
    assert code == 2 and "does not exist" in err and list(tmp_path.iterdir()) == []
