from __future__ import annotations

import pandas as pd
import pytest

from mentorship_eval.did.counts.event_study import EventStudy


@pytest.fixture
def quick(monkeypatch):
    """Without the tables that a test of the main estimate does not look at: they take most of the time."""
    monkeypatch.setattr("mentorship_eval.did.counts.poisson.event_study", lambda *_: EventStudy(pd.DataFrame(), None))
    monkeypatch.setattr("mentorship_eval.did.counts.poisson.by_wave", lambda *_: pd.DataFrame())
