"""The section matching of study.yaml: what it takes, what it says when it is wrong, and what the command line overrides."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cli.starting import new_cohort
from mentorship_eval.cohort.reading.findings import StudyFileError
from mentorship_eval.cohort.study.choices import MatchingWeights
from mentorship_eval.cohort.study.document import load_study
from mentorship_eval.matching import Weights
from tests.matching.rounds import pairs, wards
from tests.program import call


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [
        ("{untrained: maybe}", "matching.untrained", "leave_out"),
        ("{wieghts: {goals: 1}}", "matching.wieghts", "'weights'"),
        ("{weights: {goal: 1}}", "matching.weights.goal", "'goals'"),
        ("{weights: {goals: -1}}", "matching.weights.goals", "greater than or equal to 0"),
        ("{weights: {goals: .nan}}", "matching.weights.goals", "finite"),
        ("{weights: {goals: 0, field: 0, concordance: 0, preference: 0}}", "matching.weights", "all 0"),
        ("{capacity: -1}", "matching.capacity", "greater than or equal to 0"),
        ("{draws: 1}", "matching.draws", "greater than or equal to 2"),
        ("{seed: 1.5}", "matching.seed", "integer"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, section: str, key: str, said: str) -> None:
    (tmp_path / "study.yaml").write_text(f"study: {{name: N}}\ntables: {{staff: staff.csv}}\nmatching: {section}\n", encoding="utf-8")
    with pytest.raises(StudyFileError) as caught:
        load_study(tmp_path)
    (finding,) = caught.value.findings.errors
    assert finding.column == key and said in f"{finding.message} {finding.fix}" and list(finding.rows) == [3]


def test_settings_name_the_weights_of_the_engine() -> None:
    assert set(MatchingWeights.model_fields) == set(Weights.__dataclass_fields__)
    assert MatchingWeights.model_validate({"goals": 1}).given == {"goals": 1.0}


def test_the_file_is_used_and_the_command_line_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path, study="matching: {weights: {goals: 0.9, unmatched: 2}, draws: 7, seed: 3}\n")
    code, out, err = call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert (code, err) == (0, "") and "goals 0.9, field 0.2" in out and "without a mentor -2." in " ".join(out.split()) and "7 draws" in out
    out = call(capsys, "match", cohort, "--out", tmp_path / "two", "--weight", "goals=0.3", "--draws", 9)[1]
    assert "goals 0.3, field 0.2" in out and "without a mentor -2." in " ".join(out.split()) and "9 draws" in out
    (cohort / "study.yaml").write_text((cohort / "study.yaml").read_text().replace("draws", "drawings"), encoding="utf-8")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "three")
    assert code == 1 and "matching.drawings" in err


MENTORS = "staff_id,capacity,trained_on,training_expiry\nm1,2,2022-01-01,\nm2,1,,\nm3,1,2024-06-01,\nm4,3,2022-01-01,\n"


def test_mentors_without_training_get_nobody_unless_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # m2 was never trained, m3 will be after the day; m4 has left
    cohort = wards(tmp_path, mentors=MENTORS)
    out = " ".join(call(capsys, "match", cohort, "--out", tmp_path / "one")[1].split())
    assert set(pairs(tmp_path / "one").values()) == {"m1"} and "Mentors whose training is not completed get nobody: 2." in out
    gone = pd.read_csv(tmp_path / "one" / "left_out.csv")
    assert gone.to_numpy().tolist() == [
        ["e5", "mentee", "who have a mentor now"], ["m4", "mentor", "not in post"],
        ["m2", "mentor", "whose training is not completed"], ["m3", "mentor", "whose training is not completed"],
    ]
    out = " ".join(call(capsys, "match", cohort, "--out", tmp_path / "two", "--untrained", "allow")[1].split())
    assert set(pairs(tmp_path / "two").values()) == {"m1", "m2", "m3"} and "Mentors without valid training take part" in out
    told = pd.read_csv(tmp_path / "two" / "proposal.csv").set_index("mentor_id")["mentor_note"].fillna("")
    assert told.to_dict() == {"m1": "", "m2": "training is not completed", "m3": "training is not completed"}
    assert "m2" not in set(pd.read_csv(tmp_path / "two" / "left_out.csv")["staff_id"])


@pytest.mark.parametrize(
    ("row", "gets"),
    [
        ("m2,1,,2023-12-31", True),  # valid on its last day; the day of training was not recorded
        ("m2,1,,2023-12-30", False),
        ("m2,1,2023-12-31,", True),
        ("m2,1,2024-01-01,", False),
    ],
)
def test_the_days_of_training_count_to_the_day(tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, gets: bool) -> None:
    cohort = wards(tmp_path, mentors=MENTORS.replace("m2,1,,", row))
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert ("m2" in pairs(tmp_path / "one").values()) == gets


def test_a_column_without_any_day_tells_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path, mentors="staff_id,capacity,trained_on\nm1,2,\nm2,1,\nm3,1,\nm4,3,\n")
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert set(pairs(tmp_path / "one").values()) == {"m1", "m2", "m3"}


def test_capacity_of_those_who_have_none_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path, mentors="staff_id,capacity\nm1,2\nm2,\nm3,1\nm4,3\n")
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert "m2" not in pairs(tmp_path / "one").values()
    out = call(capsys, "match", cohort, "--out", tmp_path / "two", "--capacity", 1)[1]
    assert "m2" in pairs(tmp_path / "two").values() and "have room for 1: 1." in " ".join(out.split())
    none = wards(tmp_path / "other", mentors="staff_id\nm1\nm2\n", study="matching: {capacity: 2}\n")
    code, out, _ = call(capsys, "match", none, "--out", tmp_path / "three")
    assert code == 0 and "have 3 places free" in " ".join(out.split())


def test_the_lines_of_the_template_are_settings(tmp_path: Path) -> None:
    new_cohort(str(tmp_path / "new"), None)
    text = (tmp_path / "new" / "study.yaml").read_text(encoding="utf-8")
    before, after = text.split("# matching:", 1)
    (tmp_path / "new" / "study.yaml").write_text(before + "matching:" + after.replace("\n#  ", "\n  "), encoding="utf-8")
    found = load_study(tmp_path / "new").matching
    assert Weights(**found.weights.given) == Weights() and (found.untrained, found.capacity) == ("leave_out", 2)


def test_the_next_cohort_takes_the_settings_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path, study="matching: {weights: {goals: 0.9}, untrained: allow, scarce: equal, capacity: 3}  # agreed in spring\n")
    assert call(capsys, "new", tmp_path / "next", "--like", cohort)[0] == 0
    text = (tmp_path / "next" / "study.yaml").read_text(encoding="utf-8")
    assert "matching: {weights: {goals: 0.9}, untrained: allow, scarce: equal, capacity: 3}  # agreed in spring" in text
