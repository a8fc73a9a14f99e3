"""What mentoring consisted of: monthly sessions of each match, and the mentors who gave them.

Drawn from the written matches and from a stream of their own, so that careers and incidents stay as they were. Attendance has nothing to
do with leaving: beyond being mentored, more sessions change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.departments import is_minority
from mentorship_eval.cohort.simulation.parameters import DAYS_PER_MONTH, Parameters, window_days
from mentorship_eval.cohort.simulation.tables import dates

__all__ = ["dose_truth", "mentor_table", "session_table"]

_MINUTES = ((30, 0.15), (45, 0.30), (60, 0.45), (90, 0.10))
_CANCELLED = 0.6  # of the sessions that were not held; to the others nobody came
_KEPT_MODE = 0.85  # of sessions in the mode that the pair prefers


def session_table(parameters: Parameters, matches: pd.DataFrame, staff: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """match_id, date, minutes, mode, status, protected: one row per session that was agreed, held or not."""
    p, origin, last = parameters, pd.Timestamp(parameters.start), int(window_days(parameters)[-1]) - 1
    begin = (pd.to_datetime(matches["start"]) - origin).dt.days.to_numpy()
    finish = (pd.to_datetime(matches["end"]) - origin).dt.days.fillna(last).to_numpy().astype(int)
    low, high = p.session_delivery
    kept, remote = rng.uniform(low, high, len(matches)), rng.random(len(matches)) < p.session_remote
    minority = is_minority(matches["mentee_id"].map(staff.set_index("staff_id")["ethnicity_group"]).to_numpy(object))
    kept = np.where(minority, p.sessions_minority, 1.0) * kept
    first = begin + 1 + rng.integers(0, 14, len(matches))
    number = np.maximum(np.floor((finish - first) / DAYS_PER_MONTH).astype(int) + 1, 0)
    match = np.repeat(np.arange(len(matches)), number)
    order = np.arange(len(match)) - np.repeat(np.cumsum(number) - number, number)
    day = first[match] + np.round(order * DAYS_PER_MONTH).astype(int) + rng.integers(-5, 6, len(match)) * (order > 0)
    day = np.minimum(day, finish[match])
    held = rng.random(len(match)) < kept[match]
    status = np.where(held, "held", np.where(rng.random(len(match)) < _CANCELLED, "cancelled", "no_show"))
    away = remote[match] ^ (rng.random(len(match)) >= _KEPT_MODE)
    minutes = rng.choice([value for value, _ in _MINUTES], p=[share for _, share in _MINUTES], size=len(match))
    protected = (rng.random(len(match)) < p.session_protected).astype(int)
    table = pd.DataFrame({
        "match_id": matches["match_id"].to_numpy()[match], "date": dates(p, day), "minutes": pd.array(minutes, dtype="Int64"),
        "mode": np.where(held, np.where(away, "remote", "on_site"), None), "status": status, "protected": pd.array(protected, dtype="Int64"),
    })
    table.loc[~held, ["minutes", "protected"]] = pd.NA
    return table


def mentor_table(parameters: Parameters, staff: np.ndarray, is_mentor: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Everybody who could be given mentees, most of them trained in the months before the first go-live."""
    ids = np.sort(staff[is_mentor])
    live = window_days(parameters)[min(min(parameters.waves, default=0), parameters.months - 1)]
    trained = rng.random(len(ids)) < 0.85
    day = np.maximum(live - rng.integers(10, 120, len(ids)), 0)
    hours = rng.choice([4, 6, 8, 12], p=[0.3, 0.3, 0.3, 0.1], size=len(ids))
    return pd.DataFrame({
        "staff_id": ids, "trained_on": dates(parameters, np.where(trained, day, 10**6)),
        "training_hours": pd.array(np.where(trained, hours, 0), dtype="Int64"), "capacity": rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2], size=len(ids)),
        "appraisal_recognised": (rng.random(len(ids)) < 0.4).astype(int),
    })


def dose_truth(parameters: Parameters, sessions: pd.DataFrame) -> dict[str, Any]:
    return {
        "hazard_ratio_per_session_beyond_being_mentored": 1.0,
        "hazard_ratio_remote_against_face_to_face": 1.0,
        "share_of_sessions_held": float((sessions["status"] == "held").mean()) if len(sessions) else None,
        "note": "attendance and mode are drawn without regard to leaving and have no effect beyond being mentored; many sessions go along "
        "with a long or ended match, and the ratio after a match differs from that during it",
    }
