"""One line per person: mentoring that begins during follow-up is time-varying, causes compete."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort
from mentorship_eval.questions import answer_chapter
from mentorship_eval.survival import cox


def write(folder, frame, extra=""):
    folder.mkdir()
    frame.to_csv(folder / "people.csv", index=False)
    (folder / "study.yaml").write_text(
        f"study: {{name: Test}}\ntables:\n  durations:\n    file: people.csv\n    unit: months\n{extra}", encoding="utf-8"
    )
    return read_cohort(folder)


def people(n=600, seed=3, hazard=0.05):
    rng = np.random.default_rng(seed)
    leave, begin = rng.exponential(1 / hazard, n), rng.exponential(12, n)
    time = np.minimum(leave, 36)
    mentored = begin < time
    return pd.DataFrame(
        {
            "staff_id": [f"P{i}" for i in range(n)],
            "time": time.round(4),
            "event": (leave < 36).astype(int),
            "mentored": mentored.astype(int),
            "mentored_from": np.where(mentored, begin.round(4), np.nan),
        }
    )


def test_mentoring_that_begins_later_is_split_and_equals_a_fit_by_hand(tmp_path):
    frame = people()
    answer = answer_chapter("retention", write(tmp_path / "c", frame))
    estimate = next(r for r in answer.results if r.role == "headline").estimate
    late = frame["mentored_from"].notna() & (frame["mentored_from"] > 0) & (frame["mentored_from"] < frame["time"])
    by_hand = pd.concat(
        [
            frame[late].assign(a=0.0, b=frame["mentored_from"], x=0, event=0),
            frame[late].assign(a=frame["mentored_from"], b=frame["time"], x=1),
            frame[~late].assign(a=0.0, b=frame["time"], x=0),
        ]
    )
    fit = cox(by_hand, start="a", stop="b", event="event", covariates=["x"])
    assert estimate.value == pytest.approx(fit.estimate.value, rel=1e-9)
    assert estimate.ci_low < 1 < estimate.ci_high, "no effect was put in"
    assert answer.exhibit("retention.curves") is None, "a curve by ever mentored would be biased"


def test_two_causes_are_told_as_incidences(tmp_path):
    frame = people().drop(columns=["mentored_from", "event"])
    frame["cause"] = np.where(frame["time"] >= 36, "", np.where(np.arange(len(frame)) % 3 == 0, "retirement", "voluntary"))
    answer = answer_chapter("retention", write(tmp_path / "c", frame))
    curve = answer.exhibit("retention.cif").frames["curve"]
    assert set(curve["by"]) == {"retirement", "voluntary"}


def test_a_group_without_leavers_is_a_gap_and_not_a_hazard_ratio(tmp_path):
    frame = people(60).drop(columns="mentored_from")
    frame["mentored"] = (np.arange(60) < 18).astype(int)
    frame.loc[frame["mentored"] == 1, "event"] = 0
    answer = answer_chapter("retention", write(tmp_path / "c", frame))
    assert not [r for r in answer.results if r.estimate.scale == "hazard ratio"]
    assert any("hazard ratio" in gap.question for gap in answer.gaps)
