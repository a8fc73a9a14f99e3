"""pyproject.toml, the two locks and environment.yml say the same."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
sys.path.insert(0, str(ROOT / "tools"))
import conda_environment as conda  # noqa: E402
import run_uv as uv  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
BUILD = PROJECT["build-system"]["requires"]
BOTH = [*DECLARED, *BUILD]
DEVELOPERS = [*BOTH, *EXTRAS["test"], *EXTRAS["dev"]]


def parse_lock(text: str) -> dict[str, list[tuple[Version, str, int]]]:
    """name -> (version, marker, number of hashes): one entry per platform or Python that needs its own version."""
    found: dict[str, list[tuple[Version, str, int]]] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, *rest = block.split("\n")
        pinned = re.fullmatch(r"([\w.-]+)==([^\s;]+)\s*(?:;\s*(.*?))?\s*\\?", head)
        assert pinned, f"not an exact version: {head}"
        name, version, marker = pinned.groups()
        hashes = sum(bool(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)) for line in rest)
        assert hashes == len(rest), f"{name}: something other than hashes follows"
        found.setdefault(canonicalize_name(name), []).append((Version(version), marker or "", hashes))
    return found


@cache
def locked(name: str) -> dict[str, list[tuple[Version, str, int]]]:
    return parse_lock((ROOT / name).read_text(encoding="utf-8"))


def unsatisfied(declared: list[str], lock: dict[str, list[tuple[Version, str, int]]]) -> list[str]:
    wrong = []
    for text in declared:
        requirement = Requirement(text)
        versions = lock.get(canonicalize_name(requirement.name), [])
        if not versions or not all(requirement.specifier.contains(version) for version, _, _ in versions):
            wrong.append(text)
    return wrong


@pytest.mark.parametrize(("lock", "declared"), [(LOCKS[0], BOTH), (LOCKS[1], DEVELOPERS)])
def test_what_is_declared_is_locked_at_a_version_that_satisfies_it(lock, declared):
    assert not unsatisfied(declared, locked(lock))


def test_disagreement_is_noticed():
    lock = {"pandas": [(Version("3.0.1"), "", 1)], "numpy": [(Version("2.1"), "", 1)]}
    assert unsatisfied(["pandas>=2.2,<3", "numpy>=2.0", "scipy"], lock) == ["pandas>=2.2,<3", "scipy"]
    with pytest.raises(AssertionError, match="not an exact version"):
        parse_lock("numpy>=2.0\n")
    with pytest.raises(AssertionError, match="other than hashes"):
        parse_lock("numpy==2.0 \\\n    --hash=md5:0\n")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_file_has_a_hash_and_every_marker_can_be_read(lock):
    assert len(locked(lock)) > 50
    for name, entries in locked(lock).items():
        for _, marker, hashes in entries:
            assert hashes > 0, name
            if marker:
                Marker(marker)


def test_developers_work_with_the_versions_that_users_get():
    users, developers = locked(LOCKS[0]), locked(LOCKS[1])
    for name, entries in users.items():
        assert {version for version, _, _ in entries} == {version for version, _, _ in developers[name]}, name


@pytest.mark.parametrize("name", [*LOCKS, "environment.yml"])
def test_no_file_says_where_packages_come_from(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"\w+://|--(extra-)?index-url|--find-links|@ file", text)


def test_environment_follows_from_pyproject():
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == conda.environment_yml(), "run `make lock`"


def test_environment_names_what_the_project_promises():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    names = {re.split(r"[<>=! ]", line)[0] for line in environment["dependencies"]}
    assert {"jupyterlab", "pandas", "statsmodels", "lifelines", "papermill", "pytest", "seaborn-base", "matplotlib-base"} <= names
    assert len(names) == len(environment["dependencies"])


def test_a_name_unknown_to_the_conda_table_stops_the_lock():
    with pytest.raises(KeyError, match="no name on conda-forge"):
        conda.conda_line("some-new-thing>=1")
    assert conda.conda_line("pandas>=2.2,<3") == "pandas>=2.2,<3"


def test_the_conda_table_covers_every_dependency():
    assert {Requirement(line).name for line in DECLARED} <= set(conda.CONDA_NAMES)


def test_what_the_package_imports_is_declared():
    import ast

    declared = {canonicalize_name(Requirement(line).name) for line in DECLARED}
    distribution = {"yaml": "pyyaml", "PIL": "pillow", "pypandoc": "pypandoc-binary", "IPython": "ipykernel", "traitlets": "nbclient",
                    "jupyter_client": "nbclient", "markupsafe": "jinja2"}  # fmt: skip
    used = set()
    for path in (ROOT / "mentorship_eval").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                used.add(node.module.split(".")[0])
    foreign = used - set(sys.stdlib_module_names) - {"mentorship_eval"}
    assert not {name for name in foreign if canonicalize_name(distribution.get(name, name)) not in declared}


class TestPipSettingsForUv:
    """uv does not read pip.conf; tools/run_uv.py passes a hospital's mirror on."""

    LISTING = "global.index-url='MIRROR'\nglobal.cert='/a.pem'\n:env:.find-links='/one /two'\nuser.index-url='MINE'\nfreeze.x='y'\n"

    def test_later_sections_override(self):
        assert uv.pip_settings(self.LISTING) == {"index-url": "MINE", "cert": "/a.pem", "find-links": "/one /two"}

    def test_settings_become_variables(self):
        added = uv.uv_settings(uv.pip_settings(self.LISTING), {})
        assert added["UV_DEFAULT_INDEX"] == "MINE" and added["UV_FIND_LINKS"] == "/one,/two" and added["SSL_CERT_FILE"] == "/a.pem"

    def test_what_is_set_already_wins(self):
        assert "SSL_CERT_FILE" not in uv.uv_settings({"cert": "/a.pem"}, {"SSL_CERT_FILE": "/b.pem"})

    def test_nothing_set_means_nothing_added(self):
        assert uv.uv_settings(uv.pip_settings(""), {}) == {"UV_NO_PROGRESS": "1"}
