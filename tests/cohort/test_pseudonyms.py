"""Pseudonyms: the same for the same person, to be had from the key alone, and nothing written when anything is wrong."""

from __future__ import annotations

import csv
import hashlib
import hmac
import stat
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.checks.identifying import PSEUDONYM
from mentorship_eval.cohort.pseudonyms.files import Done, pseudonymise_files
from mentorship_eval.cohort.pseudonyms.hashing import KINDS, Malformed, hasher, normalise
from mentorship_eval.cohort.pseudonyms.keys import open_key, place_refused
from mentorship_eval.errors import DataError, UsageError

READING = {"encoding": None, "delimiter": None, "sheet": None, "header_row": 1}
NUMBERS = ("9434765919", "4010232137")


def turn(tmp_path: Path, *files: Path, columns: dict[str, str] | None = None, out: str = "out", **more: object) -> list[Done]:
    (tmp_path / "keys").mkdir(exist_ok=True)
    place = tmp_path / out
    key = open_key(tmp_path / "keys" / "k", place)
    return pseudonymise_files(files, place, key, columns=columns or {"NHS Number": "nhs"}, **{**READING, **more})  # type: ignore[arg-type]


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def text(path: Path, words: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(words.encode(encoding))
    return path


def everything_in(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file())


def test_a_pseudonym_is_the_keyed_hash_and_nothing_else() -> None:
    secret = bytes(range(32))
    digest = hmac.new(secret, b"9434765919", hashlib.sha256).digest()
    number = int.from_bytes(digest, "big") >> (256 - 130)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    expected = "p" + "".join(letters[(number >> (5 * place)) & 31] for place in reversed(range(26)))
    assert hasher(secret)("9434765919") == expected
    assert PSEUDONYM.fullmatch(expected)
    assert hasher(bytes(32))("9434765919") != expected


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30), st.sampled_from(sorted(KINDS)))
def test_normalising_twice_is_normalising_once(word: str, kind: str) -> None:
    try:
        once = normalise(word, kind)
    except Malformed:
        return
    assert normalise(once, kind) == once or once.casefold() != once  # a letter whose small form has no small form of its own


def test_what_normalising_joins_and_what_it_keeps_apart() -> None:
    assert normalise("943 476 5919", "nhs") == normalise("943-476-5919", "nhs") == normalise(" 9434765919", "nhs") == "9434765919"
    assert normalise(" A.Nurse@Trust.Example ", "email") == "a.nurse@trust.example"
    assert normalise("Mary\u00a0 Smith", "text") == normalise("MARY SMITH", "text")
    assert normalise("007", "text") != normalise("7", "text")
    for word, kind in (("943476591", "nhs"), ("94347659190", "nhs"), ("mary", "email"), ("p" + "a" * 26, "text")):
        with pytest.raises(Malformed) as problem:
            normalise(word, kind)
        assert word not in str(problem.value)


def test_files_and_years_link_under_one_key_and_not_under_another(tmp_path: Path) -> None:
    first = text(tmp_path / "a.csv", "NHS Number,ward\n943 476 5919,North\n4010232137,South\n")
    second = text(tmp_path / "b.csv", "mentee;NHS Number\nx;4010232137\n")
    turn(tmp_path, first, second, out="2023")
    third = text(tmp_path / "a.csv", 'ward,NHS Number\n"North, A",9434765919\n')
    turn(tmp_path, third, out="2024")
    old, pairs, new = cells(tmp_path / "2023" / "a.csv"), cells(tmp_path / "2023" / "b.csv"), cells(tmp_path / "2024" / "a.csv")
    assert old[0]["NHS Number"] == new[0]["NHS Number"] != old[1]["NHS Number"] == pairs[0]["NHS Number"]
    assert (new[0]["ward"], pairs[0]["mentee"]) == ("North, A", "x")
    (tmp_path / "keys" / "k").unlink()
    turn(tmp_path, third, out="other")
    assert cells(tmp_path / "other" / "a.csv")[0]["NHS Number"] != new[0]["NHS Number"]


def test_nothing_that_identifies_and_no_key_is_in_the_output(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", f"NHS Number,Surname,ward\n{NUMBERS[0]},Smith,North\n{NUMBERS[1]},Jones,South\n")
    (done,) = turn(tmp_path, file, drop=["Surname"], lookup=True)
    said = everything_in(tmp_path / "out") + repr(done)
    secret = (tmp_path / "keys" / "k").read_text().split()[1]
    for word in (*NUMBERS, "Smith", "Jones", secret):
        assert word not in said
    assert (done.rows, done.dropped, done.kept, done.replaced) == (2, ["Surname"], ["ward"], {"NHS Number": 2})
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["k", "k.lookup.csv"]
    known = {row["identifier"]: row["pseudonym"] for row in cells(tmp_path / "keys" / "k.lookup.csv")}
    assert [known[number] for number in NUMBERS] == [row["NHS Number"] for row in cells(tmp_path / "out" / "a.csv")]
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_the_lookup_grows_and_forgets_nobody(tmp_path: Path) -> None:
    turn(tmp_path, text(tmp_path / "a.csv", f"NHS Number\n{NUMBERS[0]}\n"), out="x", lookup=True)
    turn(tmp_path, text(tmp_path / "a.csv", f"NHS Number\n{NUMBERS[1]}\n{NUMBERS[0]}\n"), out="y", lookup=True)
    assert sorted(row["identifier"] for row in cells(tmp_path / "keys" / "k.lookup.csv")) == sorted(NUMBERS)


LEFTOVERS = {
    "an e-mail address anywhere": ("NHS Number,remark\n9434765919,\n4010232137,ask a.b@trust.example\n", "remark holds e-mail"),
    "a telling name": ("NHS Number,Date of Birth\n9434765919,1980-01-01\n", "Date of Birth identifies people by its name"),
    "another number": ("NHS Number,other\n9434765919,4010232137\n", "other holds valid NHS numbers"),
    "names of mentors": ("NHS Number,Mentor\n9434765919,Jane Smith\n4010232137,John Brown\n", "Mentor holds names of people"),
}


@pytest.mark.parametrize("kind", LEFTOVERS)
def test_identifiers_left_over_stop_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    words, says = LEFTOVERS[kind]
    good = text(tmp_path / "first.csv", "NHS Number\n9434765919\n")
    with pytest.raises(DataError, match=says) as stop:
        turn(tmp_path, good, text(tmp_path / "a.csv", words))
    assert "Smith" not in str(stop.value) and "a.b@" not in str(stop.value)
    assert not (tmp_path / "out").exists() and not list((tmp_path / "keys").iterdir())
    cleared = words.split("\n", 1)[0].split(",")[1]
    turn(tmp_path, text(tmp_path / "a.csv", words), cleared=[cleared])
    assert cells(tmp_path / "out" / "a.csv")[0][cleared] == cells(tmp_path / "a.csv")[0][cleared]


WRONG = {
    "not of its kind": (DataError, {"NHS Number": "nhs"}, "NHS Number\n9434765919\n12345\n", "a.csv:3:NHS Number"),
    "a longer row": (DataError, {"NHS Number": "nhs"}, "NHS Number\n9434765919,x\n", "row 2 has 2 fields"),
    "hashed before": (DataError, {"id": "text"}, "id\np" + "a2" * 13 + "\n", "pseudonym already"),
    "no rows": (DataError, {"id": "text"}, "id\n", "no rows"),
    "named twice": (DataError, {"id": "text"}, "id,x,x\n1,2,3\n", "more than once"),
    "open quote": (DataError, {"id": "text"}, 'id\n"abc\n', "not a row of a table"),
    "no such column": (UsageError, {"nhs number": "nhs"}, "NHS Number\n9434765919\n", "Did you mean 'NHS Number'"),
    "one column too many": (UsageError, {"id": "text", "iid": "text"}, "id\n1\n", "No file has a column iid"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    error, columns, words, says = WRONG[kind]
    with pytest.raises(error) as stop:
        turn(tmp_path, text(tmp_path / "a.csv", words), columns=columns)
    assert says in str(stop.value)
    assert not (tmp_path / "out").exists() and not list((tmp_path / "keys").iterdir())


def test_a_misspelt_column_to_drop_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No file has a column nmae"):
        turn(tmp_path, text(tmp_path / "a.csv", "id,nick\n1,Bo\n"), columns={"id": "text"}, drop=["nmae"])


def test_an_output_is_never_overwritten(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", "id\n1\n")
    (tmp_path / "out").mkdir()
    kept = text(tmp_path / "out" / "a.csv", "mine\n")
    with pytest.raises(UsageError, match="exists already"):
        turn(tmp_path, file, columns={"id": "text"})
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="would both become"):
        turn(tmp_path, file, text(tmp_path / "b" / "a.csv", "id\n1\n"), columns={"id": "text"}, out="new")
    assert kept.read_text() == "mine\n" and [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]


def test_where_a_key_may_not_stand(tmp_path: Path) -> None:
    cohort, tree = tmp_path / "cohort", tmp_path / "tree"
    (cohort / "deep").mkdir(parents=True)
    text(cohort / "study.yaml", "x: 1\n")
    out = tmp_path / "out"
    out.mkdir()
    assert "cohort folder cohort" in place_refused(cohort / "deep" / "k", out)
    assert "output folder out" in place_refused(out / "k", out)
    import subprocess

    (tree / "keys").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tree)], check=True, timeout=30)
    assert "git work tree tree" in place_refused(tree / "keys" / "k", out)
    text(tree / ".gitignore", "keys/\n")
    assert place_refused(tree / "keys" / "k", out) == ""
    text(tree / ".gitignore", "keys/k\n")  # covers the key alone, and not the lookup beside it
    (tmp_path / "a.csv").write_text("id\n1\n")
    key = open_key(tree / "keys" / "k", out)
    with pytest.raises(UsageError, match="lookup file is refused"):
        pseudonymise_files([tmp_path / "a.csv"], out, key, columns={"id": "text"}, lookup=True, **READING)
    if sys.platform != "win32":
        link = tmp_path / "link"
        link.symlink_to(cohort, target_is_directory=True)
        with pytest.raises(UsageError, match="cohort folder"):
            open_key(link / "k", out)


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    open_key(tmp_path / "k", out).save()
    assert open_key(tmp_path / "k", out).secret == open_key(tmp_path / "k", out).secret
    assert open_key(tmp_path / "k", out).secret.hex() not in repr(open_key(tmp_path / "k", out))
    other = text(tmp_path / "letter", "dear diary\n")
    other.chmod(0o600)
    with pytest.raises(UsageError, match="not a key"):
        open_key(other, out)
    with pytest.raises(UsageError, match="no folder"):
        open_key(tmp_path / "nowhere" / "k", out)
    if sys.platform != "win32":
        (tmp_path / "k").chmod(0o644)
        with pytest.raises(UsageError, match="chmod 600"):
            open_key(tmp_path / "k", out)


def test_encodings_missing_cells_and_short_rows(tmp_path: Path) -> None:
    words = "id;Stüfe;x\n1;fünf;\nNA;;z\n2\n"
    expected = [("Stüfe", ["fünf", "", ""])]
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        (done,) = turn(tmp_path, text(tmp_path / "a.csv", words, encoding), columns={"id": "text"}, out=encoding)
        rows = cells(tmp_path / encoding / "a.csv")
        assert [(name, [row[name] for row in rows]) for name, _ in expected] == expected
        assert (done.rows, done.empty, done.short, rows[1]["id"]) == (3, 1, 1, "")


def test_workbooks(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Leavers"
    sheet.append(["a report"])
    sheet.append(["NHS Number", "start", "wte"])
    sheet.append([9434765919, __import__("datetime").datetime(2022, 1, 10), 0.8])
    book.save(tmp_path / "one.xlsx")
    turn(tmp_path, tmp_path / "one.xlsx", header_row=2)
    turn(tmp_path, text(tmp_path / "same.csv", "NHS Number\n9434765919\n"))
    (row,) = cells(tmp_path / "out" / "one.csv")
    assert (row["start"], row["wte"]) == ("2022-01-10", "0.8")
    assert row["NHS Number"] == cells(tmp_path / "out" / "same.csv")[0]["NHS Number"]
    book.create_sheet("Second")
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(UsageError, match="Leavers, Second"):
        turn(tmp_path, tmp_path / "two.xlsx", out="y")
    turn(tmp_path, tmp_path / "two.xlsx", sheet="Leavers", header_row=2, out="z")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("w") as stream:
        stream.write("id,remark\n")
        stream.writelines(f"S{i % 500},{'x' * 4000}{i % 50}\n" for i in range(2_000))
    (tmp_path / "keys").mkdir()
    tracemalloc.start()
    turn(tmp_path, file, columns={"id": "text"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.stat().st_size > 8e6 and peak < 3e6, peak


def test_two_spellings_with_one_pseudonym_are_told_by_their_rows(tmp_path: Path) -> None:
    file = text(tmp_path / "a.csv", "id,mail\nAB12,a@x.org\nab12,A@x.org\n AB12 ,a@x.org\nCD34,b@x.org\n")
    (done,) = turn(tmp_path, file, columns={"id": "text", "mail": "email"})
    assert done.spelt == [3] and done.replaced == {"id": 4, "mail": 4}


def test_a_file_without_a_header_is_not_quoted(tmp_path: Path) -> None:
    for row in ("jane.smith@x.nhs.example,Jane Smith", "943 476 5919,Jane Smith"):
        file = text(tmp_path / "a.csv", f"{row}\n{row}\n")
        with pytest.raises(DataError, match="a row of data") as refused:
            turn(tmp_path, file, columns={"mail": "email"})
        assert not any(word in str(refused.value) for word in ("jane", "Jane", "5919"))


def test_signs_that_nobody_sees_make_no_second_person(tmp_path: Path) -> None:
    for kind, plain in (("text", "AB12"), ("email", "a@b.org"), ("nhs", NUMBERS[0])):
        assert normalise(f"\u200b{plain[:2]}\u00ad{plain[2:]}\ufeff", kind) == normalise(plain, kind)
    for wrapped in ("<a@b.org>", "mailto:a@b.org", "a@b.org,", '"a"@b.org'):
        with pytest.raises(Malformed):
            normalise(wrapped, "email")


def test_a_lookup_that_is_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "k.lookup.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not a lookup file of ours"):
        turn(tmp_path, text(tmp_path / "a.csv", f"NHS Number\n{NUMBERS[0]}\n"), lookup=True)
    assert (tmp_path / "keys" / "k.lookup.csv").read_bytes() == b"\xff\xfe\x00"
