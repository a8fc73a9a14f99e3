"""What else mentorship promises, simulated on top of the careers: surveys, improvement projects, promotions.

Drawn only when asked for (``outcomes=True``), from streams of their own, so that careers and incidents stay as they were.
All three are drawn from the written tables: who is employed when, and from when mentored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.parameters import DAYS_PER_MONTH, Parameters, window_days

__all__ = ["career_events", "event_times", "lives_of", "outcome_truth", "projects", "survey_invites", "surveys", "text_dates", "wave_days"]

_FAR = 10**6


def lives_of(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """staff_id, first and last day in post within the window, and first day mentored; days from the start of the window."""
    origin = pd.Timestamp(parameters.start)
    spells = tables["spells"].assign(
        first=(pd.to_datetime(tables["spells"]["start"]) - origin).dt.days,
        last=(pd.to_datetime(tables["spells"]["end"]) - origin).dt.days.fillna(_FAR),
    )
    lives = spells.groupby("staff_id").agg(first=("first", "min"), last=("last", "max")).reset_index()
    began = tables["matches"].groupby("mentee_id")["start"].min()
    lives["mentored"] = (pd.to_datetime(lives["staff_id"].map(began)) - origin).dt.days.fillna(_FAR)
    end = int(window_days(parameters)[-1]) - 1
    lives["first"], lives["last"] = lives["first"].clip(lower=0), lives["last"].clip(upper=end)
    return lives[lives["last"] > lives["first"]].sort_values("staff_id", ignore_index=True)


def text_dates(parameters: Parameters, days: np.ndarray) -> pd.Series:
    return pd.Series(pd.Timestamp(parameters.start) + pd.to_timedelta(np.floor(days), unit="D")).dt.strftime("%Y-%m-%d")


def wave_days(parameters: Parameters) -> np.ndarray:
    """The first wave comes a month before the first go-live, the others as many months later as the plan says."""
    first = max(min(parameters.waves, default=1) - 1, 0)
    months = np.minimum(first + np.asarray(parameters.survey_months), parameters.months - 1)
    return window_days(parameters)[months]


def survey_invites(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Everybody in post on the day of a wave is asked: staff_id, wave, invited_on."""
    lives, parts = lives_of(parameters, tables), []
    for wave, day in enumerate(wave_days(parameters)):
        there = lives[(lives["first"] <= day) & (lives["last"] > day)]
        parts.append(pd.DataFrame({"staff_id": there["staff_id"], "wave": wave, "day": day}))
    invited = pd.concat(parts, ignore_index=True)
    return invited.assign(invited_on=text_dates(parameters, invited["day"].to_numpy())).drop(columns="day")


def surveys(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """Emotional exhaustion (0-54) and work environment (1-4) of those who answer; the exhausted answer less often (MNAR)."""
    p, lives, parts = parameters, lives_of(parameters, tables), []
    # a person's own level makes three quarters of the variance between people at one time
    trait_ee, trait_pes = rng.normal(size=(2, len(lives)))
    for wave, day in enumerate(wave_days(p)):
        mentored = (lives["mentored"].to_numpy() <= day).astype(float)
        noise = rng.normal(size=(2, len(lives)))
        ee_z = np.sqrt(0.75) * trait_ee + np.sqrt(0.25) * noise[0]
        pes_z = np.sqrt(0.75) * trait_pes + np.sqrt(0.25) * noise[1]
        ee = p.exhaustion[0] + p.exhaustion[1] * ee_z + p.exhaustion_change * mentored
        pes = p.environment[0] + p.environment[1] * pes_z + p.environment_change * mentored
        share = p.response[min(wave, len(p.response) - 1)]
        logit = np.log(share / (1 - share)) + p.response_per_sd * (ee - p.exhaustion[0]) / p.exhaustion[1] + p.response_mentored * mentored
        there = ((lives["first"] <= day) & (lives["last"] > day)).to_numpy()
        answers = there & (rng.random(len(lives)) < 1 / (1 + np.exp(-logit)))
        delay = np.minimum(rng.integers(0, 21, len(lives)), np.maximum(lives["last"].to_numpy() - day, 0))
        for name, subscale, score, low, high, digits in (("MBI", "EE", ee, 0, 54, 0), ("PES-NWI", "total", pes, 1, 4, 2)):
            parts.append(pd.DataFrame({
                "staff_id": lives["staff_id"][answers], "wave": wave, "completed_on": text_dates(p, (day + delay)[answers]).to_numpy(),
                "instrument": name, "subscale": subscale, "score": np.round(np.clip(score[answers], low, high), digits),
            }))  # fmt: skip
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "wave", "instrument"], kind="stable", ignore_index=True)


def event_times(lives: pd.DataFrame, rate: float, ratio: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Poisson events at ``rate`` per day, times ``ratio`` once mentored: row of lives, and day."""
    first, last = lives["first"].to_numpy(float), lives["last"].to_numpy(float)
    switch = np.clip(lives["mentored"].to_numpy(float), first, last)
    rows, days = [], []
    for begin, stop, factor in ((first, switch, 1.0), (switch, last, ratio)):
        number = rng.poisson(rate * factor * (stop - begin))
        row = np.repeat(np.arange(len(lives)), number)
        rows.append(row)
        days.append(begin[row] + rng.random(len(row)) * (stop - begin)[row])
    return np.concatenate(rows), np.concatenate(days)


def projects(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """Improvement projects begun: 0.10 per staff-year, 1.6 times as many once mentored; two fifths of them adopted."""
    lives = lives_of(parameters, tables)
    row, day = event_times(lives, parameters.project_rate / 365.25, parameters.project_ratio, rng)
    order = np.argsort(day, kind="stable")
    row, day = row[order], day[order]
    kind = rng.choice(["qi", "innovation", "research", "digital"], len(day), p=[0.55, 0.2, 0.15, 0.1])
    end = int(window_days(parameters)[-1]) - 1
    adopted = np.where(rng.random(len(day)) < 0.4, day + rng.exponential(180, len(day)), _FAR)
    adopted_on = text_dates(parameters, np.minimum(adopted, end)).where(adopted <= end, "")
    return pd.DataFrame({
        "project_id": [f"Q{i + 1:05d}" for i in range(len(day))], "staff_id": lives["staff_id"].to_numpy()[row],
        "start": text_dates(parameters, day), "type": kind, "adopted_on": adopted_on,
    })  # fmt: skip


def career_events(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """First promotion in the window: 5 % within a year of staying, 6 % once mentored."""
    lives = lives_of(parameters, tables)
    row, day = event_times(lives, -np.log1p(-parameters.promotion) / 365.25, promotion_ratio(parameters), rng)
    found = pd.DataFrame({"staff_id": lives["staff_id"].to_numpy()[row], "day": day}).sort_values(["staff_id", "day"], ignore_index=True)
    found = found.drop_duplicates("staff_id", ignore_index=True)
    return pd.DataFrame({"staff_id": found["staff_id"], "date": text_dates(parameters, found["day"].to_numpy()), "event": "promotion"})


def promotion_ratio(parameters: Parameters) -> float:
    """Ratio of promotion hazards that takes 12-month incidence from ``promotion`` to ``promotion_mentored``."""
    return float(np.log1p(-parameters.promotion_mentored) / np.log1p(-parameters.promotion))


def outcome_truth(parameters: Parameters) -> dict[str, Any]:
    """What each of these analyses aims at."""
    return {
        "exhaustion_change_mentored": parameters.exhaustion_change, "environment_change_mentored": parameters.environment_change,
        "project_rate_ratio_mentored": parameters.project_ratio, "promotion_hazard_ratio_mentored": promotion_ratio(parameters),
        "response_is_missing_not_at_random": parameters.response_per_sd != 0, "days_per_month": DAYS_PER_MONTH,
    }  # fmt: skip
