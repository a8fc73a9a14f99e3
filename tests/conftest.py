"""One small cohort and one run of it, shared by the tests of the report, the notebooks and the user journeys."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.report.shared_run import RunOnce, run_once

SLOW = Path(__file__).with_name("slow.txt")  # measured: tools/slow_tests.py


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = set(SLOW.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid.removeprefix("tests/") in slow:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)  # known to pytest-xdist only
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``, the files that use the shared run go to one worker: each worker that meets it would make it anew."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    @cache
    def uses_the_run(file: str) -> bool:
        return "ran: RunOnce" in (config.rootpath / file).read_text(encoding="utf-8")

    class OneRun(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "the shared run" if uses_the_run(file) else file

    return OneRun(config, log)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> RunOnce:
    """The cohort folder, the run folder, and the cache that the run used."""
    return run_once(tmp_path_factory)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that nothing is taken from an earlier test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(folder))
    return folder
