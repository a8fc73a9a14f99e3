"""How the programme was delivered: goals, ratings of the match, the description of the programme in the twelve items of TIDieR.

Nothing here acts on an outcome: attainment and ratings are drawn without regard to leaving.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.careers import NEVER
from mentorship_eval.cohort.simulation.departments import identifiers
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.tables import PROGRAMME, dates

__all__ = ["delivery_truth", "feedback_table", "goal_table", "programme_table"]

_DOMAINS = {"clinical": 0.35, "career": 0.30, "wellbeing": 0.20, "leadership": 0.15}
_ANSWERED = 0.60  # of the requests for a rating
_ACTED = 0.5  # of ratings below 60


def _span(parameters: Parameters, matches: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, int]:
    """First and last day of each match in days from the start of the window, and the window's last day."""
    origin, last = pd.Timestamp(parameters.start), int(window_days(parameters)[-1]) - 1
    begin = (pd.to_datetime(matches["start"]) - origin).dt.days.to_numpy()
    finish = (pd.to_datetime(matches["end"]) - origin).dt.days.fillna(last).to_numpy().astype(int)
    return begin, finish, last


def goal_table(parameters: Parameters, matches: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """goal_id, match_id, set_on, due_on, achieved_on, domain: agreed in the first two months of a match."""
    begin, finish, last = _span(parameters, matches)
    match = np.repeat(np.arange(len(matches)), rng.poisson(parameters.goals_per_match, len(matches)))
    number = len(match)
    set_on = np.minimum(begin[match] + rng.integers(0, 61, number), finish[match])
    due = set_on + 30 * rng.integers(3, 7, number)
    reached = rng.random(number) < parameters.goal_attained
    done = set_on + rng.integers(20, 200, number)
    done = np.where(reached & (done <= last), done, NEVER)
    domain = rng.choice(list(_DOMAINS), number, p=list(_DOMAINS.values()))
    return pd.DataFrame({"goal_id": identifiers("G", number), "match_id": matches["match_id"].to_numpy()[match], "set_on": dates(parameters, set_on),
                         "due_on": dates(parameters, due), "achieved_on": dates(parameters, done), "domain": domain})


def feedback_table(parameters: Parameters, matches: pd.DataFrame, staff: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """match_id, date, role, mqs, action_on: both are asked after 30 days and every 60 days from then on."""
    begin, finish, last = _span(parameters, matches)
    mean, spread = parameters.match_quality
    quality = mean + spread * rng.standard_normal(len(matches))
    if parameters.quality_alike:
        gender = staff.set_index("staff_id")["gender"]
        same = matches["mentee_id"].map(gender).to_numpy(object) == matches["mentor_id"].map(gender).to_numpy(object)
        quality = quality + parameters.quality_alike * same
    times = np.maximum((finish - begin - 30) // 60 + 1, 0)
    match = np.repeat(np.arange(len(matches)), times)
    asked = begin[match] + 30 + 60 * (np.arange(len(match)) - np.repeat(np.cumsum(times) - times, times))
    parts = []
    for role in ("mentee", "mentor"):
        answers = rng.random(len(match)) < _ANSWERED
        score = np.clip(np.round(quality[match] + 8.0 * rng.standard_normal(len(match))), 0, 100)
        acted = (score < 60) & (rng.random(len(match)) < _ACTED)
        action = asked + rng.integers(2, 30, len(match))
        action = np.where(acted & (action <= last), action, NEVER)
        part = pd.DataFrame({"match_id": matches["match_id"].to_numpy()[match], "date": dates(parameters, asked), "role": role,
                             "mqs": score.astype(int), "action_on": dates(parameters, action)})
        parts.append(part[answers])
    return pd.concat(parts, ignore_index=True).sort_values(["match_id", "date", "role"], kind="stable", ignore_index=True)


def programme_table(parameters: Parameters) -> pd.DataFrame:
    """The programme in two versions: remote sessions were allowed from a year after the first go-live on."""
    live = window_days(parameters)[min(min(parameters.waves, default=0), parameters.months - 1)]
    low, high = parameters.match_months
    row = {
        "programme_id": PROGRAMME, "version": "1.0", "name": "Staff mentoring", "why": "To keep staff and to make care safer",
        "what_materials": "Handbook for pairs", "what_procedures": "Monthly sessions on goals that the mentee sets",
        "who_provided": "Staff with two years of service or more, trained for 4 to 12 hours", "how": "One to one, face to face",
        "where": "At the place of work", "when_how_much": f"Monthly, 30 to 90 minutes, {low:g} to {high:g} months",
        "tailoring": "Goals are the mentee's own", "modifications": "None",
        "how_well_planned": "Held, cancelled and missed sessions are recorded", "how_well_actual": "See the sessions",
    }
    later = {**row, "version": "1.1", "how": "One to one, face to face or remote", "modifications": "Remote sessions allowed"}
    change = live + 365
    table = pd.DataFrame([row, later])
    table["valid_from"] = dates(parameters, np.array([live, change]))
    table["valid_to"] = dates(parameters, np.array([change - 1, NEVER]))
    return table


def delivery_truth(parameters: Parameters) -> dict[str, Any]:
    return {"goals_attained_in_the_long_run": parameters.goal_attained, "match_quality_mean": parameters.match_quality[0],
            "goals_and_ratings_act_on": "nothing"}
