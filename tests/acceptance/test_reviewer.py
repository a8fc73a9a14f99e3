"""A reviewer gets a bundle: it holds what was published and no data, it verifies, and whatever was done to it is named."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.program import call
from tests.report.shared_run import RunOnce


@pytest.fixture(scope="module")
def bundle(ran: RunOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mentorship_eval.report.verify.bundle import write_bundle

    return write_bundle(ran.run, tmp_path_factory.mktemp("reviewer") / "bundle.zip")[0]


def unpack(bundle: Path, place: Path) -> Path:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(place)
    (run,) = place.iterdir()
    return run


def pack(run: Path, archive: Path) -> Path:
    return Path(shutil.make_archive(str(archive.with_suffix("")), "zip", run.parent, run.name))


def test_the_bundle_verifies_and_says_so_for_people_and_programs(
    ran: RunOnce, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, "bundle", ran.run.parent, "--out", tmp_path / "b.zip")
    assert (code, out.strip()) == (0, str(tmp_path / "b.zip")), err
    code, out, _ = call(capsys, "verify", tmp_path / "b.zip", "--cohort", ran.cohort, "--strict")
    assert code == 0 and out.startswith(f"Riverside-small/{ran.run.name}: holds\n"), out
    assert all(len(line) < 120 for line in out.splitlines())
    code, out, _ = call(capsys, "verify", tmp_path / "b.zip", "--json")
    told = json.loads(out)
    assert code == 0 and told["holds"] and told["content_key"] == ran.run.name
    assert {check["state"] for check in told["checks"]} == {"ok", "not checked"}


def test_no_raw_data_are_inside(ran: RunOnce, bundle: Path) -> None:
    rows = {name: (ran.cohort / name).read_text(encoding="utf-8").splitlines()[1:] for name in ("staff.csv", "spells.csv", "incidents.csv")}
    ids = {row["staff_id"] for row in csv.DictReader((ran.cohort / "staff.csv").open(encoding="utf-8", newline=""))}
    with zipfile.ZipFile(bundle) as archive:
        assert not {Path(name).name for name in archive.namelist()} & {path.name for path in ran.cohort.iterdir()}
        for name in archive.namelist():
            if not name.endswith((".csv", ".json", ".ipynb", ".html")):
                continue
            text = archive.read(name).decode("utf-8")
            assert not any(row in text for table in rows.values() for row in table[:200]), name
            assert not ids & set(re.findall(r"[\w-]+", re.sub(r"base64,[A-Za-z0-9+/=\\n]+", "", text))), name


def test_one_flipped_byte_in_one_figure_an_edited_number_and_a_file_added_are_each_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = unpack(bundle, tmp_path / "a")
    figure = sorted((run / "figures").glob("*.png"))[0]
    content = bytearray(figure.read_bytes())
    content[len(content) // 2] ^= 1
    figure.write_bytes(content)
    estimates = (run / "estimates.csv").read_text(encoding="utf-8")
    number = next(row["estimate"] for row in csv.DictReader(estimates.splitlines()) if row["id"] == "incidents.harm")
    (run / "estimates.csv").write_text(estimates.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10)), encoding="utf-8", newline="")
    (run / "tables" / "staff.csv").write_text("staff_id\nS00001\n")
    code, out, _ = call(capsys, "verify", pack(run, tmp_path / "spoilt.zip"))
    assert code == 1 and "does not hold: files" in out
    for words in (f"figures/{figure.name}: changed", "estimates.csv: changed", "tables/staff.csv: extra", "2 changed, 1 extra of"):
        assert words in " ".join(out.split()), out
    code, out, _ = call(capsys, "verify", run, "--json")
    (files,) = [check for check in json.loads(out)["checks"] if check["name"] == "files"]
    assert code == 1 and len(files["details"]) == 3


def test_wrong_use_is_told_from_a_run_that_differs(ran: RunOnce, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["verify", tmp_path / "nothing.zip"], ["verify", bundle, "--rerun"], ["bundle", ran.run, "--out", bundle],
                  ["bundle", ran.cohort]):  # fmt: skip
        code, out, err = call(capsys, *words)
        assert (code, out) == (2, ""), words
        assert err.startswith("mentorship-eval: ") and len(err.splitlines()) == 1
