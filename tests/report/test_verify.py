"""verify and bundle: every way in which a run can stop being what it was is noticed and named, and nothing else is."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from mentorship_eval.errors import DataError, MentorshipEvalError, UsageError
from mentorship_eval.report.fingerprint import file_sha256
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.verify import machine, rerun, unpack
from mentorship_eval.report.verify.bundle import write_bundle
from mentorship_eval.report.verify.checked import Verdict
from mentorship_eval.report.verify.same import cells_apart, values_apart
from mentorship_eval.report.verify.unpack import unpacked
from mentorship_eval.report.verify.verify import verify_run
from tests.report.releases import leavers, release


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A cohort and a release of it."""
    base = tmp_path_factory.mktemp("verify")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MENTORSHIP_EVAL_CACHE", str(base / "cache"))
        cohort = leavers(base / "Riverside")
        return cohort, release(cohort, base / "out")


@pytest.fixture
def run(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return shutil.copytree(made[1], tmp_path / "run")


def found(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.state for check in verdict.checks}


def details(verdict: Verdict, name: str) -> list[str]:
    (check,) = [check for check in verdict.checks if check.name == name]
    return list(check.details)


def rehash(run: Path, *names: str) -> None:
    """Somebody who edits a file and its hash in the manifest too."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["outputs"].update({name: file_sha256(run / name) for name in names})
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_an_untouched_run_holds(made: tuple[Path, Path]) -> None:
    cohort, run = made
    verdict = verify_run(run, cohort=cohort, strict=True)
    assert verdict.holds
    assert found(verdict) == {
        "files": "ok", "manifest": "ok", "numbers": "ok", "no raw data": "ok", "code": "ok", "machine": "ok", "inputs": "ok", "no person": "ok",
        "run again": "not checked",
    }  # fmt: skip
    assert verdict.manifest_sha256 == file_sha256(run / "manifest.json")
    assert found(verify_run(run))["inputs"] == "not checked"


def test_every_file_that_is_changed_missing_or_extra_is_named(run: Path) -> None:
    (run / "repair_log.csv").write_bytes((run / "repair_log.csv").read_bytes() + b" ")
    (run / "tables" / "cohort-people.csv").unlink(missing_ok=True)
    gone = sorted((run / "tables").iterdir())[0]
    gone.unlink()
    (run / "notes.txt").write_text("mine")
    (run / "link").symlink_to("/")
    (run / ".DS_Store").write_text("a desktop's")
    (run / "run_info.json").write_text("{}")
    verdict = verify_run(run)
    assert not verdict.holds
    said = details(verdict, "files")
    assert f"tables/{gone.name}: missing" in said and "repair_log.csv: changed" in said
    assert [line for line in said if "extra" in line] == ["link: extra, not in the manifest", "notes.txt: extra, not in the manifest"]


def test_an_edited_number_is_found_even_when_its_hash_was_edited_too(run: Path) -> None:
    text = (run / "estimates.csv").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("retention.group.yes,"))
    number = next(cell for cell in row.split(",") if cell.startswith("0.") and len(cell) > 10)
    (run / "estimates.csv").write_text(text.replace(number, "0.51"), encoding="utf-8", newline="")
    assert details(verify_run(run), "files") == ["estimates.csv: changed"]
    rehash(run, "estimates.csv")
    verdict = verify_run(run)
    assert found(verdict)["files"] == "ok" and found(verdict)["numbers"] == "differs"
    assert any("retention.group.yes" in line and "0.51" in line for line in details(verdict, "numbers"))
    with pytest.raises(DataError, match=r"not what it was.*estimates\.csv"):
        write_bundle(run, run.parent / "b.zip")
    assert not (run.parent / "b.zip").exists()


def test_another_order_of_summation_is_no_difference() -> None:
    assert cells_apart("id,x\na,0.1\nb,\n", f"id,x\na,{0.1 * (1 + 1e-10)!r}\nb,\n") == []
    assert cells_apart("id,x\na,0.1\n", "id,x\na,0.1000001\n") == ["a, x: 0.1000001, not 0.1"]
    assert cells_apart("id,x\na,0.1\n", "id,x\na,\n") == ["a, x: nothing, not 0.1"]
    assert cells_apart("id,x\na,0.1\n", "id,x\n") == ["0 rows, not 1"]
    assert cells_apart("id,x\na,1\n", "id,y\na,1\n") == ["the columns differ"]
    assert not list(values_apart({"a": [1.0, "x", None]}, {"a": [1.0 + 1e-12, "x", None]}))
    assert list(values_apart({"a": [1.0, True]}, {"a": [1.1, False]})) == [(1.0, 1.1), (True, False)]
    assert list(values_apart({"a": 1}, {"b": 1}))


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda m: m["plan"].update(permutations=100_000), "content_key"),
        (lambda m: m["libraries"].update(numpy="9.9"), "content_key"),
        (lambda m: m["disclosure"].update(threshold=1), "content_key"),
        (lambda m: m["inputs"][1].update(sha256="0" * 64), "cohort.sha256"),
        (lambda m: m.update(plan_sha256="0" * 64), "plan_sha256"),
        (lambda m: m["exhibits"].pop(), "of no exhibit"),
        (lambda m: m.pop("lock"), "lock: missing"),
    ],
)
def test_a_manifest_that_was_edited_does_not_agree_with_itself(run: Path, edit, says: str) -> None:
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    edit(manifest)
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    verdict = verify_run(run)
    assert found(verdict)["manifest"] == "differs"
    assert any(says in line for line in details(verdict, "manifest")), details(verdict, "manifest")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"inputs": [1], "outputs": {}, "cohort": {"folder": "x"}}'])
def test_a_manifest_that_is_none_is_said_in_one_line(run: Path, text: str) -> None:
    (run / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        verify_run(run)


def test_damaged_answers_do_not_stop_the_other_checks(run: Path) -> None:
    for text in ("{", '{"format": 1, "planned": [], "chapters": {"a": 1}}', "[]"):
        (run / "answers.json").write_text(text)
        assert found(verify_run(run))["numbers"] == "differs", text


def test_other_software_is_told_and_fails_only_when_strict(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = dict(machine.library_versions())
    monkeypatch.setattr(machine, "library_versions", lambda: {**here, "numpy": "0.0.1"})
    monkeypatch.setattr(machine, "source_sha256", lambda: "f" * 64)
    verdict = verify_run(run)
    assert verdict.holds and found(verdict)["machine"] == found(verdict)["code"] == "told"
    assert details(verdict, "machine") == [f"numpy: 0.0.1 here, {here['numpy']} there"]
    assert not verify_run(run, strict=True).holds


def test_other_data_are_named(made: tuple[Path, Path], run: Path, tmp_path: Path) -> None:
    cohort = shutil.copytree(made[0], tmp_path / "Riverside")
    text = (cohort / "durations.csv").read_text()
    (cohort / "durations.csv").write_text(text.replace(",yes,", ",no,", 1))
    verdict = verify_run(run, cohort=cohort, rerun=True)
    assert details(verdict, "inputs") == ["durations (durations.csv): changed"]
    assert found(verdict)["run again"] == "not checked", "it was run again on other data"
    (cohort / "durations.csv").write_text("staff_id\n")
    assert found(verify_run(run, cohort=cohort))["inputs"] == "differs"
    with pytest.raises(UsageError, match="--cohort"):
        verify_run(run, rerun=True)


def test_a_file_that_is_not_what_its_ending_says_is_no_failure_of_ours(made: tuple[Path, Path], run: Path) -> None:
    (run / "report.docx").write_bytes(b"not a document")
    verdict = verify_run(run, cohort=made[0])
    assert found(verdict)["no person"] == "differs" and "report.docx: extra, not in the manifest" in details(verdict, "files")


def test_raw_data_and_ids_inside_a_run_are_found(made: tuple[Path, Path], run: Path) -> None:
    shutil.copyfile(made[0] / "durations.csv", run / "tables" / "harmless.csv")
    rehash(run, "tables/harmless.csv")
    verdict = verify_run(run, cohort=made[0])
    assert details(verdict, "no raw data") == ["tables/harmless.csv: the same bytes as the input durations.csv"]
    assert found(verdict)["no person"] == "differs"
    with pytest.raises(DataError, match="not what it was"):
        write_bundle(run, run.parent / "b.zip")


def test_a_run_made_again_tells_bytes_from_numbers(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    again = shutil.copytree(run, tmp_path / "again")
    (again / "run_info.json").write_text("{}")  # its times are no difference
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    first, second = [each for each in manifest["exhibits"] if each["files"]][:2]
    in_bytes, in_numbers = (next(each for each in pair["files"]) for pair in (first, second))
    (again / in_bytes).write_text((again / in_bytes).read_text() + "\n")
    (again / in_numbers).write_text("x\n")
    stored = json.loads((again / "answers.json").read_text(encoding="utf-8"))
    for chapter in stored["chapters"].values():
        for exhibit in chapter["exhibits"]:
            if exhibit["id"] == second["id"]:
                frame = next(iter(exhibit["frames"].values()))
                frame["values"][-1][0] = 123456.0
    (again / "answers.json").write_text(json.dumps(stored), encoding="utf-8")
    monkeypatch.setattr("mentorship_eval.report.run.run_cohort", lambda *_, **__: again)
    by_bytes, by_numbers = rerun.run_again(run, manifest, tmp_path / manifest["parameters"]["cohort"])
    assert f"{in_bytes}: other bytes; its numbers are the same" in by_bytes.details
    assert not any("run_info" in line for line in by_bytes.details)
    assert f"{in_numbers}: other bytes; its numbers differ" in by_bytes.details
    assert by_numbers.details == [f"exhibit {second['id']}: its numbers differ"]
    by_name = rerun.run_again(run, manifest, tmp_path / "Elsewhere")[-1]
    assert by_name.state == "told" and "Elsewhere" in by_name.says


# -- bundles --------------------------------------------------------------------------------------------------------------------


def test_a_bundle_has_the_same_bytes_each_time_and_holds_the_run_alone(run: Path, tmp_path: Path) -> None:
    (run / "run_info.json").write_text('{"seconds": 1}')
    one, protected = write_bundle(run, tmp_path / "one.zip")
    for path in run.rglob("*"):
        path.touch()
    (run / "run_info.json").write_text('{"seconds": 2}')
    two, _ = write_bundle(run, tmp_path / "two.zip")
    assert protected and one.read_bytes() == two.read_bytes()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(one) as bundle:
        names = {name.split("/", 1)[1] for name in bundle.namelist()}
        assert names == {*manifest["outputs"], "manifest.json"}
        assert {entry.date_time for entry in bundle.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert verify_run(one).holds
    with pytest.raises(UsageError, match="exists already"):
        write_bundle(run, one)
    with pytest.raises(UsageError, match="cannot be written"):
        write_bundle(run, tmp_path / "nowhere" / "b.zip")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def _zip(path: Path, *entries: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            bundle.writestr(entry, content)
    return path


PLAIN, LINK = 0o100644, 0o120777


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([("../evil.txt", b"x", PLAIN)], "leads out"),
        ([("run/../../evil.txt", b"x", PLAIN)], "leads out"),
        ([("/evil.txt", b"x", PLAIN)], "leads out"),
        ([("..\\evil.txt", b"x", PLAIN)], "leads out"),
        ([("C:evil.txt", b"x", PLAIN)], "leads out"),
        ([("run/link", b"/etc", LINK), ("run/link/evil", b"x", PLAIN)], "no plain file"),
        ([("run/a", b"x", PLAIN), ("run/A", b"y", PLAIN)], "twice"),
        ([("run/manifest.json", b"{}", PLAIN), ("beside.csv", b"x", PLAIN)], "beside the run"),
        ([("run/a", b"x", PLAIN), ("run/a/b", b"y", PLAIN)], "cannot be unpacked"),
    ],
)
def test_a_bundle_that_must_not_be_unpacked_is_not(tmp_path: Path, entries: list[tuple[str, bytes, int]], says: str) -> None:
    (tmp_path / "in").mkdir()
    archive = _zip(tmp_path / "in" / "bundle.zip", *entries)
    with pytest.raises(DataError, match=says), unpacked(archive):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "bundle.zip"]


def test_a_bundle_is_unpacked_to_a_limit_whatever_it_says_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "LARGEST", 1_000_000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("run/zeros", b"0" * 3_000_000)
    assert bomb.stat().st_size < 10_000
    with pytest.raises(DataError, match="more than"), unpacked(bomb):
        pass
    monkeypatch.setattr(unpack, "MOST", 2)
    with pytest.raises(DataError, match="3 files"), unpacked(_zip(tmp_path / "many.zip", *((f"r/{i}", b"", PLAIN) for i in range(3)))):
        pass


def test_what_is_no_bundle_is_said(run: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    for archive in (tmp_path / "text.zip", _zip(tmp_path / "empty.zip", ("a/b.txt", b"x", PLAIN))):
        with pytest.raises(UsageError):
            verify_run(archive)
    (tmp_path / "nothing.zip").write_bytes(b"")
    with pytest.raises(UsageError):
        verify_run(tmp_path / "nothing.zip")


def test_a_byte_that_was_flipped_anywhere_in_a_bundle_is_noticed(run: Path, tmp_path: Path) -> None:
    bundle, _ = write_bundle(run, tmp_path / "b.zip")
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as opened:
        inside = next(entry for entry in opened.infolist() if entry.filename.endswith("answers.json"))
    noticed = 0
    for place in (inside.header_offset + 200, inside.header_offset + 900, len(whole) // 7, len(whole) - 60):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x55
        bundle.write_bytes(spoilt)
        try:
            noticed += not verify_run(bundle).holds
        except MentorshipEvalError as error:
            noticed += 1
            if place in (inside.header_offset + 200, inside.header_offset + 900):
                assert "answers.json in the bundle is damaged" in str(error)
    assert noticed == 4


def test_a_run_is_found_by_any_of_its_names(run: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("run\n")
    (run / "index.html").write_text("")
    for name in (run, run / "index.html", run / "manifest.json", tmp_path / "latest", tmp_path):
        assert find_run(name) == run.resolve()
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").symlink_to("run", target_is_directory=True)
    assert find_run(tmp_path / "latest") == find_run(tmp_path) == run.resolve()
    for name in (tmp_path / "nothing", run / "tables"):
        with pytest.raises(UsageError):
            find_run(name)


def test_a_run_made_against_earlier_ones_needs_them_to_be_made_again(made: tuple[Path, Path], run: Path, tmp_path: Path) -> None:
    older = shutil.copytree(made[1], tmp_path / "older")
    asked = {"further": {"earlier_runs": [{"run": "older", "answers_sha256": file_sha256(older / "answers.json")}]}}
    assert rerun.find_earlier(run, {"further": {}}) == ([], [])
    found, lacking = rerun.find_earlier(run, asked)
    assert lacking == [] and len(found) == 1
    (older / "answers.json").write_text("{}")
    shutil.rmtree(run)
    shutil.copytree(older, run)
    assert rerun.find_earlier(run, asked) == ([], ["older"])
    assert rerun.find_earlier(run, asked, [made[1]]) == ([made[1].resolve()], [])


def test_figures_that_answers_do_not_draw_are_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mentorship_eval.report.exhibits import draw, file_stem
    from mentorship_eval.report.stored import load_answers
    from mentorship_eval.report.verify.redraw import check_figures

    exhibit = next(each for answer in load_answers(run)[0].values() for each in answer.exhibits if each.kind != "table")
    shown = draw(exhibit)
    stem = file_stem(exhibit.id)
    for ending in ("png", "svg"):
        (run / "figures" / f"{stem}.{ending}").write_bytes(shown.render(ending))
    check = check_figures(run)
    assert (check.state, check.says[:8]) == ("ok", "1 figure")
    (run / "figures" / f"{stem}.svg").write_bytes((run / "figures" / f"{stem}.svg").read_bytes().replace(b"0", b"1", 1))
    assert list(check_figures(run).details) == [f"figures/{stem}.svg: other bytes"]
    (run / "figures" / f"{stem}.png").unlink()
    assert len(check_figures(run).details) == 2
