"""Further survey instruments, answered by those who answered at all: resilience, engagement, wellbeing, confidence, safety culture, belonging."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import lives_of, wave_days
from mentorship_eval.cohort.simulation.parameters import Parameters

__all__ = ["instrument_truth", "with_more_instruments"]

# parameter -> instrument, subscale, lowest and highest score, step between scores
_INSTRUMENTS = {
    "resilience": ("CD-RISC-10", "total", 0.0, 40.0, 1.0),
    "engagement": ("UWES-9", "total", 0.0, 6.0, 0.01),
    "wellbeing": ("WHO-5", "total", 0.0, 100.0, 4.0),
    "self_efficacy": ("GSE", "total", 10.0, 40.0, 1.0),
    "openness": ("HSOPSC", "communication openness", 0.0, 100.0, 0.1),
    "safety_culture": ("HSOPSC", "overall perceptions", 0.0, 100.0, 0.1),
    "across_units": ("HSOPSC", "teamwork across units", 0.0, 100.0, 0.1),
    "work_family": ("WFC", "total", 1.0, 7.0, 0.2),
    "belonging": ("BELONGING", "total", 1.0, 5.0, 0.1),
    "satisfaction": ("JOB-SATISFACTION", "total", 1.0, 7.0, 0.1),
}
_OWN = 0.75  # a person's own level makes three quarters of the variance between people at one time


def with_more_instruments(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """The survey table with one more row per answer and instrument: whoever filled in one questionnaire filled in all."""
    answered = tables["surveys"][tables["surveys"]["instrument"] == "MBI"]
    lives = lives_of(parameters, tables)
    person = pd.Index(lives["staff_id"]).get_indexer(answered["staff_id"])
    mentored = lives["mentored"].to_numpy()[person] <= wave_days(parameters)[answered["wave"].to_numpy()]
    parts = [tables["surveys"]]
    for name, (instrument, subscale, low, high, step) in _INSTRUMENTS.items():
        mean, spread, change = getattr(parameters, name)
        own, noise = rng.standard_normal(len(lives)), rng.standard_normal(len(answered))
        score = mean + spread * (np.sqrt(_OWN) * own[person] + np.sqrt(1 - _OWN) * noise) + change * mentored
        score = np.round(np.clip(np.round(score / step) * step, low, high), 2)
        parts.append(answered.assign(instrument=instrument, subscale=subscale, score=score))
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "wave", "instrument", "subscale"], kind="stable", ignore_index=True)


def instrument_truth(parameters: Parameters) -> dict[str, Any]:
    return {f"{name}_change_mentored": getattr(parameters, name)[2] for name in _INSTRUMENTS}
