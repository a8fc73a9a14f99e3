"""What is and is not in the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MEGABYTE = 1_000_000
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".cff", ".lock", ".ipynb", ".j2", ".css", ".json", ".csv", ".txt", "", ".cfg"}
IGNORED = {".git", ".venv", "reports", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__", "build", "dist",
           ".ipynb_checkpoints", "mentorship_eval.egg-info"}  # fmt: skip


@cache
def tracked() -> list[Path]:
    """Files under version control, or that would be; without git (a source archive) every file."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        files = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        files = [p for p in ROOT.rglob("*") if not IGNORED & set(p.relative_to(ROOT).parts)]
    return sorted(path for path in files if path.is_file())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def texts() -> dict[str, str]:
    return {relative(p): p.read_text(encoding="utf-8") for p in tracked() if p.suffix in TEXT}


@pytest.mark.parametrize(
    "name",
    ["LICENSE", "README.md", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", "environment.yml",
     "requirements.lock", "requirements-dev.lock", ".ci/run", ".pre-commit-config.yaml", "docs/architecture.md", "docs/methods.md",
     "docs/data-dictionary.md", "data/README.md", "data/demo/study.yaml", "data/demo/truth.json", "reports/README.md"],
)  # fmt: skip
def test_the_file_is_there_and_says_something(name):
    assert (ROOT / name).stat().st_size > 100


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no executable bit")
def test_the_build_script_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# Written in pieces, so that this file does not contain what it forbids.
MACHINE_PATHS = re.compile("|".join(rf"(?<![\w.]){re.escape('/' + place + '/')}" for place in ("work", "root", "home", "Users")))
HOSTS = ("pypi" + ".org", "python" + "hosted.", "conda." + "anaconda", "/simple" + "/")
REGISTRIES = re.compile("|".join(re.escape(host) for host in HOSTS))


@pytest.mark.parametrize(("pattern", "what"), [(MACHINE_PATHS, "a path of one machine"), (REGISTRIES, "a package registry")],
                         ids=["machine", "registry"])  # fmt: skip
def test_nothing_names(pattern, what):
    found = [f"{name}:{i}" for name, text in texts().items() for i, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    assert not found, f"{what} in {found[:10]}"


def test_the_patterns_find_what_they_forbid():
    assert MACHINE_PATHS.search("see /" + "home/someone/x") and not MACHINE_PATHS.search("frame" + "work/x")
    assert REGISTRIES.search("//pypi" + ".org/x")


def test_notebooks_are_stripped_and_run_on_the_plain_kernel():
    notebooks = [path for path in tracked() if path.suffix == ".ipynb"]
    assert notebooks
    for path in notebooks:
        content = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        assert not [c for c in code if c["outputs"] or c["execution_count"] is not None], relative(path)
        assert content["metadata"]["kernelspec"]["name"] == "python3", relative(path)


def test_files_are_small():
    sizes = {relative(path): path.stat().st_size for path in tracked()}
    demo = {name for name in sizes if name.startswith("data/demo/")}
    assert not [name for name, size in sizes.items() if size > MEGABYTE and not (name in demo and name.endswith(".csv"))]
    assert 0 < sum(sizes[name] for name in demo) < 13 * MEGABYTE


def test_only_simulated_cohorts_have_rows():
    folders = {path.parent for path in tracked() if path.suffix in {".csv", ".xlsx", ".parquet"} and relative(path).startswith("data/")}
    assert folders
    for folder in folders:
        assert (folder / "truth.json").is_file(), f"{relative(folder)} holds rows but no truth.json: are they real?"


def test_reports_are_not_under_version_control():
    assert [relative(p) for p in tracked() if relative(p).startswith("reports/")] == ["reports/README.md"]


def test_the_version_is_the_same_everywhere():
    import tomllib

    import yaml

    import mentorship_eval

    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert mentorship_eval.__version__ == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_data_dictionary_is_up_to_date():
    from mentorship_eval.cohort import data_dictionary

    written = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written == data_dictionary(), "run python tools/dictionary.py"


@pytest.mark.skipif(os.name == "nt", reason="make is not part of Windows")
def test_make_lists_its_verbs():
    done = subprocess.run(["make", "-C", str(ROOT), "--no-print-directory"], capture_output=True, text=True, check=True)
    assert {"demo", "test", "lab", "lint", "bench", "lock"} <= {line.split()[1] for line in done.stdout.splitlines() if line.strip()}


@pytest.mark.slow
def test_the_wheel_does_all_that_a_checkout_does(tmp_path):
    """Built, unpacked elsewhere, and asked there: notebooks, templates and the demo cohort come along."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; requirements.lock installs it")
    build = "import os, sys; os.chdir(sys.argv[1]); from hatchling.build import build_wheel; print(build_wheel(sys.argv[2]))"
    made = subprocess.run([sys.executable, "-c", build, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=True)
    import zipfile

    target = tmp_path / "installed"
    with zipfile.ZipFile(tmp_path / made.stdout.split()[-1]) as wheel:
        wheel.extractall(target)
    ask = """
import sys
sys.path[:0] = [sys.argv[1]]
import mentorship_eval
assert mentorship_eval.__file__.startswith(sys.argv[1]), mentorship_eval.__file__
from mentorship_eval.report.parameters import NOTEBOOKS, notebook_folder, resolve_cohort
for place in (notebook_folder(), resolve_cohort("data/demo")):
    assert str(place).startswith(sys.argv[1]), place
assert all((notebook_folder() / f"{name}.ipynb").is_file() for name in NOTEBOOKS.values())
cohort = mentorship_eval.read_cohort(resolve_cohort("demo"))
print(mentorship_eval.__version__)
"""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([sys.executable, "-c", ask, str(target)], cwd=elsewhere, check=True, env={**os.environ, "PYTHONPATH": ""})
    assert (target / "mentorship_eval" / "resources" / "starting" / "my_analysis.ipynb").is_file()
    templates = ROOT / "mentorship_eval" / "report" / "templates"
    for path in [p for p in templates.rglob("*") if p.is_file()]:
        assert (target / "mentorship_eval" / "report" / "templates" / path.relative_to(templates)).is_file()


def test_slow_tests_are_there():
    """What is measured as slow and has another name now would be quick without anybody knowing."""
    for line in (ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").splitlines():
        file, name = line.split("[")[0].split("::")[:2]
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), line
