"""matches.csv: a row per accepted pair, which the cohort's own table takes; decisions are carried from round to round by one file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort import read_cohort
from mentorship_eval.questions.next_wave import next_wave
from tests.matching.rounds import FILES, decide, pairs, wards
from tests.program import call

FULL = "match_id,programme_id,mentor_id,mentee_id,offered_on,start,end,method,score,relationship_type,end_reason\n" \
    "x1,P1,m1,e5,,2023-03-01,,manual,,mentoring,\nx2,P1,m2,e1,,2023-02-01,2023-06-01,self,,mentoring,other\n"


def rounds(cohort: Path, place: Path, capsys: pytest.CaptureFixture[str], **decisions: str) -> Path:
    assert call(capsys, "match", cohort, "--out", place / "one")[0] == 0
    code, _, err = call(capsys, "match", cohort, "--out", place / "two", "--decisions", decide(place / "one", **decisions))
    assert (code, err) == (0, "")
    return place / "two"


def with_rows(cohort: Path, rows: Path, source: str = "matches.csv") -> None:
    """The rows stand in a file of their own beside the table."""
    (cohort / "accepted.csv").write_bytes((rows / "matches.csv").read_bytes())
    study = (cohort / "study.yaml").read_text(encoding="utf-8")
    (cohort / "study.yaml").write_text(study.replace(f"matches: {source}", f"matches: [{source}, accepted.csv]"), encoding="utf-8")


def test_nothing_is_accepted_before_somebody_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path)
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert (tmp_path / "one" / "matches.csv").read_text(encoding="utf-8") == "match_id,mentor_id,mentee_id,start,end\n"


def test_accepted_pairs_are_rows_that_the_cohort_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path, matches=FULL)
    made = rounds(cohort, tmp_path, capsys, e2="accept", e3="change:m2")
    score = pd.read_csv(made / "proposal.csv").set_index("mentee_id")["score"]
    rows = pd.read_csv(made / "matches.csv").set_index("mentee_id")
    assert list(rows.reset_index().columns.sort_values()) == sorted(FULL.splitlines()[0].split(","))
    assert rows.loc["e2", ["mentor_id", "method", "start", "offered_on"]].tolist() == ["m3", "algorithm", "2023-12-31", "2023-12-31"]
    assert rows.loc["e3", ["mentor_id", "method"]].tolist() == ["m2", "manual"] and set(rows["programme_id"]) == {"P1"}
    assert rows["score"].to_dict() == score[["e2", "e3"]].to_dict() and len(rows) == 2
    with_rows(cohort, made)
    code, out, _ = call(capsys, "check", cohort)
    assert code == 0, out
    cohort_now = read_cohort(cohort)
    assert len(cohort_now.table("matches")) == 4 and cohort_now.table("matches")["match_id"].is_unique
    # who has a mentor now waits no longer, and the places are taken
    wave = next_wave(cohort_now)
    assert list(wave.pool.mentees.index) == ["e1", "e4"] and wave.pool.room.to_dict() == {"m1": 1, "m2": 0, "m3": 0}


@pytest.mark.parametrize(
    ("table", "source", "columns"),
    [
        ("mentor_id,mentee_id,start\nm1,e5,2023-03-01\n", "matches.csv", "mentor_id,mentee_id,start"),  # the key is the reader's
        ("match_id,Guide,mentee_id,start\nx1,m1,e5,01/03/2023\n",
         "{file: matches.csv, columns: {mentor_id: Guide}, dates: '%d/%m/%Y'}", "match_id,Guide,mentee_id,start"),
    ],
)  # fmt: skip
def test_the_columns_are_those_of_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, source: str, columns: str
) -> None:
    cohort = wards(tmp_path, matches=table)
    text = FILES["study.yaml"].replace("matches: matches.csv", f"matches: {source}").replace(", goals: goals.csv", "")
    (cohort / "study.yaml").write_text(text, encoding="utf-8")
    made = rounds(cohort, tmp_path, capsys, e2="accept")
    assert (made / "matches.csv").read_text(encoding="utf-8").splitlines()[0] == columns
    (cohort / "accepted.csv").write_bytes((made / "matches.csv").read_bytes())
    both = "[matches.csv, accepted.csv]"
    new = text.replace("file: matches.csv", f"file: {both}") if "file:" in source else text.replace("matches: matches.csv", f"matches: {both}")
    (cohort / "study.yaml").write_text(new, encoding="utf-8")
    matches = read_cohort(cohort).table("matches")
    assert matches.set_index("mentee_id").loc["e2", ["mentor_id", "start"]].tolist() == ["m3", pd.Timestamp("2023-12-31")]


def test_what_the_table_has_no_place_for_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path)
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    out = call(capsys, "match", cohort, "--out", tmp_path / "two", "--decisions", decide(tmp_path / "one", e2="accept"))[1]
    assert "Your table matches has no column score, method" in " ".join(out.split())


def test_one_file_carries_every_decision_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = wards(tmp_path)
    made = rounds(cohort, tmp_path, capsys, e2="reject", e3="change:m2")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "three", "--decisions", made / "proposal.csv")
    assert (code, err) == (0, "") and pairs(made)["e3"] == "m2" and pairs(made).get("e2") != "m3"
    for name in ("proposal.csv", "unmatched.csv", "matches.csv"):
        assert (tmp_path / "three" / name).read_bytes() == (made / name).read_bytes()
    # a second refusal of the same mentee is added to the first
    frame = pd.read_csv(made / "proposal.csv", dtype=str)
    assert frame.loc[frame["status"] == "refused", ["mentee_id", "mentor_id", "decision"]].to_numpy().tolist() == [["e2", "m3", "reject"]]
    frame.loc[(frame["mentee_id"] == "e2") & (frame["status"] == "proposed"), "decision"] = "reject"
    frame.to_csv(tmp_path / "again.csv", index=False, sep=";")  # as some spreadsheets save it
    assert call(capsys, "match", cohort, "--out", tmp_path / "four", "--decisions", tmp_path / "again.csv")[0] == 0
    last = pd.read_csv(tmp_path / "four" / "proposal.csv", dtype=str)
    assert set(last.loc[last["status"] == "refused", "mentor_id"]) == {"m3", pairs(made)["e2"]} and "e2" not in pairs(tmp_path / "four")
    assert last["load_after"].dropna().str.fullmatch(r"[0-9]+").all()
