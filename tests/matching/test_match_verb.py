"""A coordinator's way: propose, decide pair by pair, propose again; and every wrong turn."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.matching.rounds import FILES, decide, pairs, wards
from tests.program import call


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    return wards(tmp_path)


def test_a_round_and_a_second_one(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = tmp_path / "one"
    code, out, err = call(capsys, "match", cohort, "--out", first)
    assert (code, err) == (0, "")
    # m2 has shown career; m1 manages e1, and has one place left of two; m4 has left; e5 has a mentor
    made = pairs(first)
    assert made["e3"] == "m1" and made["e2"] == "m3" and "m2" in made.values() and len(made) == 3 and "e5" not in made
    told = " ".join(out.split())
    for words in ("Pairs for 3 of 4 mentees with 3 mentors who have 3 places free", "(gap 0)", "Random pairs", "Pairs of the last wave",
                  "Mentors not in post get nobody: 1.", "Mentees who have a mentor now are left out: 1.", "Beware: places are scarcer"):
        assert words in told
    frame = pd.read_csv(first / "proposal.csv")
    assert frame["decision"].isna().all() and list(pd.read_csv(first / "unmatched.csv").columns) == ["mentee_id", "why", "open_mentors", "best_score"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "wards"]

    other = next(mentee for mentee in ("e1", "e4") if made.get(mentee) == "m2")
    second = tmp_path / "two"
    code, out, err = call(capsys, "match", cohort, "--out", second, "--decisions", decide(first, e2="change: m1", e3="reject", **{other: "accept"}))
    assert (code, err) == (0, "") and "2 kept, 1 refused" in out
    again = pairs(second)
    assert again == {"e2": "m1", other: "m2", "e3": "m3"}
    kept = pd.read_csv(second / "proposal.csv").set_index("mentee_id")
    kept = kept[kept["status"] != "refused"]
    assert kept["decision"].fillna("").to_dict() == {"e2": "accept", other: "accept", "e3": ""}
    assert kept["method"].to_dict() == {"e2": "manual", other: "algorithm", "e3": "algorithm"}


def test_same_data_same_bytes(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        call(capsys, "match", cohort, "--out", tmp_path / name)
    for name in ("proposal.csv", "unmatched.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["e2,m1,accept", "e3,m1,accept"], "decided.csv:3:mentor_id: m1 has room for 1 more"),
        (["e2,m2,change:m1", "e3,m2,change:m1"], "decided.csv:3:decision: m1 has room for 1 more"),
        (["e4,m2,change:m3"], "decided.csv:2:decision: e4 and m3 may not be paired"),
        (["e1,m1,accept"], "decided.csv:2:mentor_id: e1 and m1 may not be paired"),
        (["e2,m2,change:m9"], "decided.csv:2:decision: m9 is no mentor"),
        (["e2,m2,maybe"], "decided.csv:2:decision: 'maybe' is not accept"),
        (["e2,m2,change:"], "decided.csv:2:decision: 'change:' is not accept"),
        (["e5,m2,accept"], "decided.csv:2:mentee_id: e5 does not wait"),
        (["e2,m2,accept", "e2,m3,accept"], "decided.csv:3:mentee_id: e2 was decided on above"),
        (["e2,m2,accept", "e2,m2,reject"], "decided.csv:2:mentor_id: the pair of e2 and m2 is refused in another row"),
        (["e2,m2,reject", "e2,m3,change:m2"], "decided.csv:3:decision: the pair of e2 and m2 is refused in another row"),
        (["e2,m9,reject"], "decided.csv:2:mentor_id: m9 is no mentor of this cohort"),
        (["e2,m4,accept"], "decided.csv:2:mentor_id: m4 is no mentor who can be given a mentee (not in post)"),
    ],
)
def test_a_decision_that_cannot_be_is_told_by_its_place(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], said: str
) -> None:
    (tmp_path / "decided.csv").write_text("\n".join(["mentee_id,mentor_id,decision", *rows]) + "\n", encoding="utf-8")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "one", "--decisions", tmp_path / "decided.csv")
    assert code == 1 and said in err and not (tmp_path / "one").exists()


def test_wrong_use(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "match", cohort, "--out", cohort)[0] == 2
    assert call(capsys, "match", cohort, "--out", tmp_path / "one", "--weight", "luck=1")[0] == 2
    assert call(capsys, "match", cohort, "--out", tmp_path / "one", "--decisions", tmp_path / "none.csv")[0] == 2
    (cohort / "mentors.csv").write_text("staff_id\nm1\n", encoding="utf-8")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert code == 1 and "no column capacity" in err


def test_without_wishes_those_who_never_had_a_mentor_wait(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cohort / "study.yaml").write_text(FILES["study.yaml"].replace(", wishes: wishes.csv", ""), encoding="utf-8")
    code, out, _ = call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert code == 0 and "of 3 mentees" in " ".join(out.split()) and set(pairs(tmp_path / "one")) <= {"e2", "e3", "e4"}


def test_mentors_are_left_out_for_several_reasons_each_counted_once(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # m2 has expired, m4 has left, m3 has no capacity; m5 is expired and not in post
    text = "staff_id,capacity,training_expiry\nm1,3,\nm2,1,2022-01-01\nm3,,\nm4,3,\nm5,1,2022-01-01\n"
    (cohort / "mentors.csv").write_text(text, encoding="utf-8")
    code, out, err = call(capsys, "match", cohort, "--out", tmp_path / "one")
    assert (code, err) == (0, "")
    for words in ("whose training has expired get nobody: 2.", "not in post get nobody: 1.", "of blank capacity get nobody: 1."):
        assert words in " ".join(out.split())
    assert set(pairs(tmp_path / "one").values()) == {"m1"}


def test_zeros_that_a_spreadsheet_took_off_are_hinted_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {name.removesuffix(".csv"): text for name, text in FILES.items() if name.endswith(".csv")}
    cohort = wards(tmp_path, **{name: text.replace("e2,", "007,").replace("m1,", "0042,") for name, text in texts.items()})
    (tmp_path / "decided.csv").write_text("mentee_id,mentor_id,decision\n7,42,accept\n007,42,accept\n", encoding="utf-8")
    code, _, err = call(capsys, "match", cohort, "--out", tmp_path / "one", "--decisions", tmp_path / "decided.csv")
    assert code == 1 and "taken the zeros off 007?" in err and "taken the zeros off 0042?" in err


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"mentors": "staff_id,capacity\nm1,0\nm2,0\n"}, "Pairs for 0 of 4 mentees"),
        ({"wishes": "staff_id,kind,value\ne2,seeks,x\ne2,excludes,m1\ne2,excludes,m2\ne2,excludes,m3\n"}, "Pairs for 0 of 1 mentees"),
    ],
)
@pytest.mark.parametrize("scarce", ["total", "equal"])
def test_a_wave_without_any_pair_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], said: str, scarce: str
) -> None:
    code, out, err = call(capsys, "match", wards(tmp_path, **files), "--out", tmp_path / "one", "--scarce", scarce)
    told = " ".join(out.split())
    assert (code, err) == (0, "") and said in told and "Beware" not in told and "Random" not in told and "nan" not in told
    page = (tmp_path / "one" / "pairs.html").read_text(encoding="utf-8")
    assert "<p>None.</p>" in page and "nan" not in page.split("</style>")[1]


def test_when_all_is_decided_nothing_is_chosen(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "match", cohort, "--out", tmp_path / "one")
    every = decide(tmp_path / "one", **dict.fromkeys(pairs(tmp_path / "one"), "accept"))
    code, out, _ = call(capsys, "match", cohort, "--out", tmp_path / "two", "--decisions", every)
    assert code == 0 and "3 kept, 0 refused" in out and "Random" not in out and pairs(tmp_path / "two") == pairs(tmp_path / "one")
    assert len(pd.read_csv(tmp_path / "two" / "matches.csv")) == 3
