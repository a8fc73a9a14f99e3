"""One small cohort and one run of it, shared by the tests of the report, the notebooks and the user journeys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.shared_run import RunOnce, run_once


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
