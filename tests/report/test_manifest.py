"""The manifest: a chain without a gap from the bytes that went in to the bytes that came out, and nothing private in it."""

from __future__ import annotations

import getpass
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mentorship_eval import read_cohort
from mentorship_eval.report import fingerprint
from mentorship_eval.report.fingerprint import file_sha256, ingredients, key_of
from mentorship_eval.report.manifest import build_manifest, inputs_sha256, list_inputs, parts_of
from tests.report.releases import leavers, release
from tests.report.shared_run import RunOnce


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("manifest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MENTORSHIP_EVAL_CACHE", str(base / "cache"))
        cohort = leavers(base / "Riverside small", plan=", seed: 7")
        return cohort, release(cohort, base / "out", ["cohort"])


def read(run: Path) -> dict[str, Any]:
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))


def test_the_chain_from_results_to_figures_has_no_gap(ran: RunOnce) -> None:
    manifest = read(ran.run)
    results = {line.split(",", 1)[0] for line in (ran.run / "estimates.csv").read_text(encoding="utf-8").splitlines()[1:]}
    of_exhibits = [file for exhibit in manifest["exhibits"] for file in exhibit["files"]]
    assert len(of_exhibits) == len(set(of_exhibits))
    assert set(of_exhibits) == {name for name in manifest["outputs"] if name.startswith(("figures/", "tables/"))}
    assert {exhibit["chapter"] for exhibit in manifest["exhibits"]} <= set(manifest["chapters"])
    by_id = {exhibit["id"]: exhibit for exhibit in manifest["exhibits"]}
    assert {name for exhibit in by_id.values() for name in exhibit["results"]} <= results
    assert by_id["incidents.harm.trend"]["results"] == ["incidents.harm"]
    assert by_id["incidents.harm.trend"]["files"][:2] == ["figures/incidents-harm-trend.png", "figures/incidents-harm-trend.svg"]
    assert len(by_id["incidents.forest"]["results"]) > 1
    for chapter in manifest["chapters"].values():
        assert chapter["page"] in manifest["outputs"] and chapter["executed"] in manifest["outputs"]


def test_key_and_hashes_follow_from_what_stands_in_it(made: tuple[Path, Path]) -> None:
    cohort, run = made
    manifest, known = read(run), read_cohort(cohort)
    parts = ingredients(known, ["cohort", "summary"])
    assert parts_of(manifest) == json.loads(json.dumps(parts))
    assert manifest["content_sha256"] == key_of(parts) and manifest["content_key"] == key_of(parts)[:12]
    assert inputs_sha256(manifest["inputs"]) == known.hash == manifest["cohort"]["sha256"]
    assert manifest["seeds"] == {"permutation": 7} and manifest["plan_sha256"] == key_of(manifest["plan"])
    assert manifest["lock"]["sha256"] == file_sha256(Path(fingerprint.__file__).resolve().parents[2] / "requirements.lock")


def test_an_ingredient_that_is_new_is_kept_and_enters_the_key(made: tuple[Path, Path]) -> None:
    cohort = read_cohort(made[0])
    parts = {**ingredients(cohort, ["cohort"]), "earlier_runs": ["aaaa"]}
    manifest = json.loads(json.dumps(build_manifest(made[1], cohort, parts, {})))
    assert manifest["further"]["earlier_runs"] == ["aaaa"]
    assert key_of(parts_of(manifest)) == manifest["content_sha256"] != key_of(ingredients(cohort, ["cohort"]))


def test_nothing_private_is_in_it(made: tuple[Path, Path]) -> None:
    cohort, run = made
    text = (run / "manifest.json").read_text(encoding="utf-8")
    for private in (str(cohort), str(cohort.parent), str(Path.home()) + "/", str(Path.cwd()), "S10001"):
        assert private not in text
    assert getpass.getuser() not in set(text.replace('"', " ").split())
    assert not any("rows" in item for item in read(run)["inputs"]), "the rows of a table are told beside the flow, which withholds some"
    (cohort / "study.yaml").write_text((cohort / "study.yaml").read_text().replace("disclosure: 10", "disclosure: none"))
    assert list_inputs(read_cohort(cohort))[1]["rows"] == 360


def test_where_there_is_no_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", fails)
    assert fingerprint.commit.__wrapped__() == {}
    monkeypatch.undo()
    told = fingerprint.commit.__wrapped__()
    if told:
        assert len(told["commit"]) == 40 and told["state"] in {"clean", "changed"}
