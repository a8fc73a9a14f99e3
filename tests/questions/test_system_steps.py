"""The test of a step at a change of the reporting system: found where it is, not where it is not, refused where it cannot be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.incidents.calendar_events import switches
from mentorship_eval.questions.incidents.prepared import from_records
from mentorship_eval.questions.incidents.system_steps import step_at, system_steps
from tests.questions.wards import month, wards, with_tables

LIVE = {f"W{k:02d}": (16 + k if k < 4 else None) for k in range(16)}
SWITCH = 12


def study_of(factor: float, seed: int = 1, live: dict = LIVE, rate: float = 8.0, effect: float = 1.0, trend: float = 0.0):
    def by(ward: str, period: int, level: str) -> float:
        with_it = live[ward] is not None and period >= live[ward]
        return (factor if period >= SWITCH else 1.0) * (effect if with_it else 1.0) * np.exp(trend * (period - SWITCH))

    cohort = wards(live, seed=seed, rate=rate, factor=by)
    calendar = pd.DataFrame({"label": ["LFPSE"], "start": [month(SWITCH)], "end": [pd.NaT], "scope": ["all"]})
    return from_records(with_tables(cohort, calendar=calendar))


def step(study, column="harm"):
    return step_at(study, study.kind(column), switches(study)[0])


def test_a_step_is_found_with_its_size_and_said():
    study = study_of(1.6)
    found = step(study)
    assert found.ci_low < 1.6 < found.ci_high and found.p_value < 0.001
    assert found.n_clusters == 16
    told = system_steps(study)
    assert {result.id for result in told.results} == {"incidents.harm.step_1", "incidents.no_harm.step_1"}
    assert [caution.code for caution in told.cautions] == ["system_step", "system_step"]
    assert "LFPSE (2022-12" in told.cautions[0].text


@pytest.mark.parametrize("trend", [0.0, 0.03])
def test_none_is_found_where_there_is_none_whatever_the_trend_and_the_programme(trend):
    """A trend is no step, and neither is what the programme does: it runs after the switch, and its months do not count."""
    p = [step(study_of(1.0, seed=seed, effect=0.4, trend=trend)).p_value for seed in range(4)]
    assert sum(value < 0.05 for value in p) <= 1
    assert not system_steps(study_of(1.0, effect=0.4, trend=trend)).cautions


def test_what_cannot_be_told_is_refused():
    with pytest.raises(EstimationError, match="Fewer than 6 departments"):
        step(study_of(1.6, live={f"W{k:02d}": (16 if k < 2 else None) for k in range(5)}))
    everybody = dict.fromkeys(LIVE, SWITCH + 1)
    with pytest.raises(EstimationError, match="Fewer than 3 months"):
        step(study_of(1.6, live=everybody))
    told = system_steps(study_of(1.6, live=everybody))
    assert not told.results and "LFPSE" in told.gaps[0].question


def test_no_switch_no_test():
    study = study_of(1.6)
    tables = {name: table for name, table in study.cohort.tables.items() if name != "calendar"}
    told = system_steps(from_records(replace(study.cohort, tables=tables)))
    assert not (told.results or told.cautions or told.gaps or told.methods)
