from __future__ import annotations

import pytest


@pytest.fixture
def quick(monkeypatch):
    """Without the tables that a test of the main estimate does not look at: they take most of the time."""
    for name in ("event_study", "by_wave"):
        monkeypatch.setattr(f"mentorship_eval.did.counts.poisson.{name}", lambda *_: None)
