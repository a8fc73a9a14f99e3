"""Looks at a programme: counted by the data that were evaluated, recorded beside study.yaml, and told from the second on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentorship_eval import read_cohort
from mentorship_eval.cohort.study.looks import LOOKS_FILE, read_looks, record_look
from mentorship_eval.errors import DataError
from mentorship_eval.questions import answer_chapter
from tests.cohort.folders import SAFETY, write

YAML = SAFETY["study.yaml"]
EARLIER = YAML.replace("study: {", "study: {programme: Mentorship, earlier: [{name: Small 2020, plan: abc}, {name: Small 2021, data: def}], ")


def looked(folder: Path) -> tuple[int, int]:
    cohort = read_cohort(folder)
    return cohort.look.number, cohort.look.plans


def record(folder: Path) -> bool:
    cohort = read_cohort(folder)
    return record_look(cohort.study, cohort.files, folder)


def test_new_data_are_a_new_look_and_the_same_data_are_not(tmp_path: Path) -> None:
    folder = write(tmp_path / "c", SAFETY)
    assert looked(folder) == (1, 1)
    assert record(folder) and looked(folder) == (1, 1)
    before = (folder / LOOKS_FILE).read_bytes()
    assert record(folder) and (folder / LOOKS_FILE).read_bytes() == before
    write(folder, {"exposure.csv": SAFETY["exposure.csv"].replace("700", "701")})
    assert looked(folder) == (2, 1)
    assert record(folder) and looked(folder) == (2, 1)
    assert [look.name for look in read_looks(folder)] == ["Small", "Small"]
    write(folder, {"exposure.csv": SAFETY["exposure.csv"]})
    assert looked(folder) == (1, 1), "the first data are the first look again"


def test_another_plan_on_the_same_data_is_told_and_is_no_look(tmp_path: Path) -> None:
    folder = write(tmp_path / "c", SAFETY)
    record(folder)
    changed = YAML + "plan: {anticipation: 1}\n"
    write(folder, {"study.yaml": changed})
    assert looked(folder) == (1, 1)
    write(folder, {"study.yaml": changed, "exposure.csv": SAFETY["exposure.csv"].replace("700", "701")})
    assert looked(folder) == (2, 2)
    assert "under 2 different plans" in read_cohort(folder).look.statement()


def test_earlier_evaluations_are_counted_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "c", {**SAFETY, "study.yaml": EARLIER})
    assert looked(folder) == (3, 2)
    record(folder)
    assert looked(folder) == (3, 2)
    assert read_cohort(folder).look.programme == "Mentorship"
    (known,) = read_looks(folder)
    write(folder, {"study.yaml": EARLIER.replace("data: def", f"data: {known.data}")})
    assert looked(folder)[0] == 2, "the data that stand here are not earlier than themselves"


@pytest.mark.parametrize("study", [YAML, EARLIER])
def test_every_chapter_says_so_from_the_second_look_on(study: str, tmp_path: Path) -> None:
    cohort = read_cohort(write(tmp_path / "c", {**SAFETY, "study.yaml": study}))
    answers: dict = {}
    for name in ("cohort", "retention", "summary"):
        answers[name] = answer_chapter(name, cohort, answers)
        told = [caution.text for caution in answers[name].cautions if caution.code == "repeated_look"]
        if study == YAML:
            assert told == []
        else:
            assert told == ["This is look 3 at this programme (Mentorship) under 2 different plans; intervals and p-values are not adjusted for "
                            "repeated looks."]  # fmt: skip
    looks = answers["cohort"].exhibit("cohort.looks")
    assert (looks is None) == (study == YAML)
    if looks is not None:
        assert list(looks.frames["rows"]["name"]) == ["Small 2020", "Small 2021", "Small"]


HEAD = "look,name,start,end,plan,data\n"


@pytest.mark.parametrize("damaged", [HEAD + "1,a,never,,x,d1\n", HEAD + "1,b,,,x,\n", "x\n1\n", b"\xff\xfe\x00"])
def test_a_damaged_record_stops_and_is_not_taken_for_none(damaged: str | bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "c", {**SAFETY, LOOKS_FILE: damaged})
    with pytest.raises(DataError, match=r"looks\.csv"):
        looked(folder)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "c", SAFETY)
    cohort = read_cohort(folder)

    def closed(*_: object, **__: object) -> None:
        raise PermissionError("closed")

    monkeypatch.setattr(Path, "open", closed)
    assert not record_look(cohort.study, cohort.files, folder)
    monkeypatch.undo()
    assert looked(folder) == (1, 1)
