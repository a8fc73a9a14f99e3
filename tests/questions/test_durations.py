"""One line per person: mentoring that begins during follow-up is time-varying, causes compete."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.retention.durations_form.durations import answer_durations
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


@pytest.mark.parametrize(("unit", "expected"), [("days", [100, 365]), ("weeks", [14.29, 52]), ("months", [3.29, 12]), ("years", [0.27, 1])])
def test_the_horizons_of_the_plan_are_told_in_the_unit_of_the_table(tmp_path, unit, expected):
    per = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}[unit]
    frame = people().drop(columns="mentored_from")
    frame["time"] = (frame["time"] * 30.4375 / per).round(6)
    cohort = write(tmp_path / "c", frame, "plan: {horizons_days: [365, 100], leaving: role}\n".replace("months", unit))
    study = cohort.study.model_copy(update={"tables": {"durations": cohort.study.tables["durations"].model_copy(update={"unit": unit})}})
    answer = answer_durations(replace(cohort, study=study))
    told = {float(r.id.rsplit("mentored.", 1)[1]): r.estimate.value for r in answer.results if r.id.startswith("retention.still_employed.mentored")}
    assert list(told) == expected
    mine = frame[frame["mentored"] == 1]
    free = 1.0
    for time in np.sort(mine.loc[(mine["event"] == 1) & (mine["time"] <= expected[0]), "time"].unique()):
        free *= 1 - ((mine["time"] == time) & (mine["event"] == 1)).sum() / (mine["time"] >= time).sum()
    assert told[expected[0]] == pytest.approx(free, abs=1e-12)
    assert "level_as_delivered" in {c.code for c in answer.cautions}
