"""What staff learn and whom they work with: mandatory training, and ties between colleagues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import lives_of, text_dates
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["collaboration_table", "learning_truth", "training_table"]

_COMPETENCIES = ("basic life support", "medicines safety", "speaking up")
_KINDS = {"advice": 0.5, "joint task": 0.3, "project": 0.2}
_ROUNDS = 12  # of looking for a partner who is in post that day


def training_table(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """staff_id, competency, due, completed: one due day per person and competency while in post; in time, late or not yet."""
    lives = lives_of(parameters, tables)
    end = int(window_days(parameters)[-1]) - 1
    parts = []
    for competency in _COMPETENCIES:
        first, last = lives["first"].to_numpy(), lives["last"].to_numpy()
        due = first + 30 + np.floor(rng.random(len(lives)) * np.maximum(last - first - 30, 1)).astype(int)
        share = np.where(lives["mentored"].to_numpy() <= due - 60, *reversed(parameters.training_in_time))
        in_time = rng.random(len(lives)) < share
        completed = np.where(in_time, due - rng.integers(0, 30, len(lives)), due + 1 + rng.geometric(1 / 60, len(lives)))
        known = completed <= np.minimum(last, end)
        part = pd.DataFrame({"staff_id": lives["staff_id"], "competency": competency, "due": text_dates(parameters, due),
                             "completed": text_dates(parameters, np.minimum(completed, end)).where(pd.Series(known), "")})
        parts.append(part[due <= last])
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "competency"], kind="stable", ignore_index=True)


def collaboration_table(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """from_id, to_id, date, kind: ties begun, within the own profession and, more often once mentored, across professions."""
    lives = lives_of(parameters, tables)
    profession = pd.factorize(lives["staff_id"].map(tables["staff"].set_index("staff_id")["profession"]))[0]
    first, last = lives["first"].to_numpy(float), lives["last"].to_numpy(float)
    switch = np.clip(lives["mentored"].to_numpy(float), first, last)
    order = np.argsort(profession, kind="stable")
    size = np.bincount(profession)
    begins = np.cumsum(size) - size
    parts = []
    for across, rate in enumerate(parameters.ties):
        for low, high, ratio in ((first, switch, 1.0), (switch, last, parameters.ties_across_ratio if across else 1.0)):
            number = rng.poisson(rate / 365.25 * ratio * (high - low))
            who = np.repeat(np.arange(len(lives)), number)
            day = low[who] + rng.random(len(who)) * (high - low)[who]
            other = np.full(len(who), -1)
            todo = np.arange(len(who))
            for _ in range(_ROUNDS):
                if across:
                    pick = rng.integers(0, len(lives), len(todo))
                else:
                    own = profession[who[todo]]
                    pick = order[begins[own] + np.floor(rng.random(len(todo)) * size[own]).astype(int)]
                right = (profession[pick] != profession[who[todo]]) if across else (pick != who[todo])
                right &= (first[pick] < day[todo]) & (last[pick] > day[todo])
                other[todo[right]] = pick[right]
                todo = todo[~right]
            found = other >= 0
            parts.append(np.stack([who[found].astype(float), other[found].astype(float), np.floor(day[found])]))
    source, target, day = np.concatenate(parts, axis=1)
    kind = rng.choice(list(_KINDS), len(source), p=list(_KINDS.values()))
    ids = lives["staff_id"].to_numpy()
    table = pd.DataFrame({"from_id": ids[source.astype(int)], "to_id": ids[target.astype(int)], "date": text_dates(parameters, day), "kind": kind})
    table = table.drop_duplicates(["from_id", "to_id", "date", "kind"])
    return table.sort_values(["date", "from_id", "to_id", "kind"], kind="stable", ignore_index=True)


def learning_truth(parameters: Parameters) -> dict[str, Any]:
    without, with_ = parameters.training_in_time
    return {"training_in_time_risk_difference_mentored": with_ - without, "ties_across_professions_rate_ratio_mentored": parameters.ties_across_ratio,
            "ties_within_profession_rate_ratio_mentored": 1.0}
