"""What staff learn and whom they work with: mandatory training, and ties between colleagues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import lives_of, text_dates
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["collaboration_table", "learning_truth", "training_table", "with_handoffs"]

_COMPETENCIES = ("basic life support", "medicines safety", "speaking up")
_KINDS = {"advice": 0.5, "joint task": 0.3, "project": 0.2}
HANDOFF = "hand-off"
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
    place = _places(tables, lives)
    near_order, near_size = np.argsort(place, kind="stable"), np.bincount(place)
    near_begins = np.cumsum(near_size) - near_size
    parts = []
    for across, rate in enumerate(parameters.ties):
        for low, high, ratio in ((first, switch, 1.0), (switch, last, parameters.ties_across_ratio if across else 1.0)):
            number = rng.poisson(rate / 365.25 * ratio * (high - low))
            who = np.repeat(np.arange(len(lives)), number)
            day = low[who] + rng.random(len(who)) * (high - low)[who]
            other = np.full(len(who), -1)
            # nothing is drawn for cohorts without such ties, which keep their bytes
            near = rng.random(len(who)) < parameters.ties_near if parameters.ties_near else np.zeros(len(who), bool)
            todo = np.arange(len(who))
            for _ in range(5 * _ROUNDS if parameters.ties_near else _ROUNDS):  # a department has few of some professions
                if across:
                    pick = rng.integers(0, len(lives), len(todo))
                else:
                    own = profession[who[todo]]
                    pick = order[begins[own] + np.floor(rng.random(len(todo)) * size[own]).astype(int)]
                if parameters.ties_near:
                    own = place[who[todo]]
                    pick = np.where(near[todo], near_order[near_begins[own] + np.floor(rng.random(len(todo)) * near_size[own]).astype(int)], pick)
                alike = profession[pick] == profession[who[todo]]
                right = ~alike if across else alike & (pick != who[todo])
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


def _places(tables: dict[str, pd.DataFrame], lives: pd.DataFrame) -> np.ndarray:
    """The department of each person's first spell, as a number."""
    first = tables["spells"].sort_values(["staff_id", "start"], kind="stable").drop_duplicates("staff_id").set_index("staff_id")["dept_id"]
    return pd.factorize(lives["staff_id"].map(first))[0]


def _posts(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """staff_id, dept_id, first and last day of each post, as far as it lies in the window; days from its start."""
    origin, end = pd.Timestamp(parameters.start), int(window_days(parameters)[-1]) - 1
    spells = tables["spells"]
    first = (pd.to_datetime(spells["start"]) - origin).dt.days.clip(lower=0)
    last = (pd.to_datetime(spells["end"]) - origin).dt.days.fillna(end).clip(upper=end)
    posts = spells[["staff_id", "dept_id"]].assign(first=first.astype(float), last=last.astype(float))
    return posts[posts["last"] > posts["first"]].reset_index(drop=True)


def with_handoffs(parameters: Parameters, tables: dict[str, pd.DataFrame], ties: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """``ties`` with hand-offs to people of other departments, more often once the programme is active in the department that hands over."""
    rate, ratio = parameters.handoffs
    if not rate:
        return ties
    posts = _posts(parameters, tables)
    place = pd.factorize(posts["dept_id"])[0]
    live = pd.to_datetime(tables["rollout"].groupby("dept_id")["active_from"].min())
    day_live = (posts["dept_id"].map(live) - pd.Timestamp(parameters.start)).dt.days.to_numpy(float)
    first, last = posts["first"].to_numpy(float), posts["last"].to_numpy(float)
    switch = np.clip(np.where(np.isnan(day_live), np.inf, day_live), first, last)
    parts = []
    for low, high, factor in ((first, switch, 1.0), (switch, last, ratio)):
        who = np.repeat(np.arange(len(posts)), rng.poisson(rate / 365.25 * factor * (high - low)))
        day = low[who] + rng.random(len(who)) * (high - low)[who]
        other = np.full(len(who), -1)
        todo = np.arange(len(who))
        for _ in range(_ROUNDS):
            pick = rng.integers(0, len(posts), len(todo))
            right = (place[pick] != place[who[todo]]) & (first[pick] < day[todo]) & (last[pick] > day[todo])
            other[todo[right]] = pick[right]
            todo = todo[~right]
        found = other >= 0
        parts.append(np.stack([who[found].astype(float), other[found].astype(float), np.floor(day[found])]))
    source, target, day = np.concatenate(parts, axis=1)
    ids = posts["staff_id"].to_numpy()
    more = pd.DataFrame({"from_id": ids[source.astype(int)], "to_id": ids[target.astype(int)], "date": text_dates(parameters, day), "kind": HANDOFF})
    table = pd.concat([ties, more], ignore_index=True).drop_duplicates(["from_id", "to_id", "date", "kind"])
    return table.sort_values(["date", "from_id", "to_id", "kind"], kind="stable", ignore_index=True)


def learning_truth(parameters: Parameters) -> dict[str, Any]:
    without, with_ = parameters.training_in_time
    (within, across), ratio = parameters.ties, parameters.ties_across_ratio
    share, share_mentored = across / (within + across), across * ratio / (within + across * ratio)
    told = {"training_in_time_risk_difference_mentored": with_ - without, "ties_across_professions_rate_ratio_mentored": ratio,
            "ties_within_profession_rate_ratio_mentored": 1.0}
    if parameters.ties_near:
        # where the partner works does not depend on the profession, so that both kinds of ties mix alike
        told["ties_across_departments_rate_ratio_mentored"] = (within + across * ratio) / (within + across)
        told["tie_share_across_percentage_points_mentored"] = 100 * (share_mentored - share)
    if parameters.handoffs[0]:
        told["handoffs_rate_ratio_programme_active"] = parameters.handoffs[1]
    return told
