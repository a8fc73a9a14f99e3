"""Further survey instruments, answered by those who answered at all: resilience, engagement, wellbeing, confidence, safety culture, belonging.

With ``instruments="all"`` besides, from a stream of its own, every other scale that a shipped scoring key holds: each spans its range with a mean in
the middle and a standard deviation of a sixth of it, so that three standard deviations lie on either side and clipping moves nothing, and changes
by ``instrument_shift`` standard deviations for the better once a person is mentored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import lives_of, wave_days
from mentorship_eval.cohort.simulation.parameters import Parameters
from mentorship_eval.inference.scales.keys import scoring_keys
from mentorship_eval.inference.scales.known import TOTAL, known_scale, scale_slug

__all__ = ["directions_of", "instrument_truth", "with_more_instruments"]

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


# factors of the Casey-Fink survey as named in 2021; its key leaves them to the study
_CASEY_FINK = ("job satisfaction", "support", "organise and prioritise", "role confidence", "professional socialisation")
# instruments of the cohort whose direction no shipped key knows; those of the detail of delivery
_DIRECTIONS = {"BELONGING": True, "JOB-SATISFACTION": True}
_DELIVERED = {"ORGANISATIONAL-SUPPORT": True, "DIGITAL-CONFIDENCE": True, "MENTORING-COMPETENCE": True}


def _all_scales() -> dict[tuple[str, str], tuple[float, float, float, float]]:
    """(instrument, subscale) -> lowest and highest score, step between scores, and 1 where higher is better or -1; of what is not made yet."""
    made = {("MBI", "EE"), ("PES-NWI", TOTAL), *((instrument, subscale) for instrument, subscale, *_ in _INSTRUMENTS.values())}
    found = {}
    for key in scoring_keys().values():
        instrument = "MBI" if key.name == "MBI-HSS" else key.name  # as the table has it already
        parts = tuple(key.subscales) or (_CASEY_FINK if key.subscales_needed else ())
        for subscale in (*parts, *(() if key.subscales_needed else (TOTAL,))):
            limits = key.score_range(subscale)
            if (instrument, subscale) in made or limits is None:
                continue
            items = len(key.items_of(subscale))
            step = {"sum": key.times, "mean": 1 / items if items else 0.1}.get(key.score, 0.1)
            sign = -1.0 if known_scale(instrument, subscale).higher_is_better is False else 1.0
            found[instrument, subscale] = (*limits, step, sign)
    return found


def _change(parameters: Parameters, low: float, high: float, sign: float) -> float:
    return sign * parameters.instrument_shift * (high - low) / 6


def with_more_instruments(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: dict[str, np.random.Generator]) -> pd.DataFrame:
    """The survey table with one more row per answer and instrument: whoever filled in one questionnaire filled in all."""
    answered = tables["surveys"][tables["surveys"]["instrument"] == "MBI"]
    lives = lives_of(parameters, tables)
    person = pd.Index(lives["staff_id"]).get_indexer(answered["staff_id"])
    mentored = lives["mentored"].to_numpy()[person] <= wave_days(parameters)[answered["wave"].to_numpy()]
    parts = [tables["surveys"]]

    def add(instrument: str, subscale: str, shape: tuple[float, float, float], scale: tuple[float, float, float], stream: str) -> None:
        (mean, spread, change), (low, high, step) = shape, scale
        own, noise = rng[stream].standard_normal(len(lives)), rng[stream].standard_normal(len(answered))
        score = mean + spread * (np.sqrt(_OWN) * own[person] + np.sqrt(1 - _OWN) * noise) + change * mentored
        score = np.round(np.clip(np.round(score / step) * step, low, high), 2)
        parts.append(answered.assign(instrument=instrument, subscale=subscale, score=score))

    for name, (instrument, subscale, *scale) in _INSTRUMENTS.items():
        add(instrument, subscale, getattr(parameters, name), (scale[0], scale[1], scale[2]), "instruments")
    for (instrument, subscale), (low, high, step, sign) in _all_scales().items() if parameters.instruments else ():
        add(instrument, subscale, ((low + high) / 2, (high - low) / 6, _change(parameters, low, high, sign)), (low, high, step), "questionnaires")
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "wave", "instrument", "subscale"], kind="stable", ignore_index=True)


def directions_of(parameters: Parameters) -> dict[str, bool]:
    """Instrument -> whether higher is better, of those whose direction no shipped key knows."""
    return {**_DIRECTIONS, **(_DELIVERED if parameters.delivered else {}), **({"CASEY-FINK": True} if parameters.instruments else {})}


def instrument_truth(parameters: Parameters) -> dict[str, Any]:
    """Points by which mentoring changes each scale; those of ``instruments`` by the name that a scale has in estimates."""
    told: dict[str, Any] = {f"{name}_change_mentored": getattr(parameters, name)[2] for name in _INSTRUMENTS}
    if parameters.instruments:
        told["scale_change_mentored"] = {
            scale_slug(*name): _change(parameters, low, high, sign) for name, (low, high, _, sign) in _all_scales().items()
        }
    return told
