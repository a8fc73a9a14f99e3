"""How the programme went, in the detail that coordinators keep: offers, kinds of relationship, why sessions failed, what they were about, slippage.

Drawn with ``delivered=True`` after everything else and from a stream of its own, so that careers, incidents and all other tables stay as they
were. Nothing here acts on an outcome, but for the two scores that say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.outcomes import lives_of, text_dates
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.sessions import session_table
from mentorship_eval.cohort.simulation.tables import PROGRAMME

__all__ = ["COMPETENCE", "DIGITAL", "SUPPORT", "delivered_tables", "delivered_truth"]

COMPETENCE, DIGITAL, SUPPORT = "MENTORING-COMPETENCE", "DIGITAL-CONFIDENCE", "ORGANISATIONAL-SUPPORT"
_TOPICS = ("career", "clinical", "emotional support", "patient safety")
_OTHER_REASONS = ("mentor unavailable", "mentee unavailable", "illness")


def delivered_tables(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """matches, sessions, mentors, rollout, events, and surveys where there are some: those of ``tables`` with more columns and rows."""
    origin = pd.Timestamp(parameters.start)
    matches = _kinds(parameters, tables["matches"], rng)
    beside = _beside(parameters, tables, matches, rng)
    more = session_table(parameters, beside[beside["relationship_type"] == "supervision"].reset_index(drop=True), tables["staff"], rng)
    sessions = _content(parameters, tables["sessions"], rng)
    made = {
        "matches": pd.concat([matches, beside], ignore_index=True),
        "sessions": pd.concat([sessions, _content(parameters, more, rng)], ignore_index=True),
        "mentors": tables["mentors"].assign(training_expiry=tables["mentors"]["trained_on"] + pd.Timedelta(days=parameters.training_valid)),
    }
    rollout = tables["rollout"]
    slip = pd.to_timedelta(np.round(parameters.slip_days * rng.gamma(4.0, 0.25, len(rollout))), unit="D")
    planned = (rollout["active_from"] - slip).clip(lower=origin)
    hours = np.where(rollout["active_from"].notna(), rng.choice([1.0, 1.5, 2.0], len(rollout)), np.nan)
    made["rollout"] = rollout.assign(planned_from=planned.where(rollout["active_from"].notna()), protected_hours_month=hours)
    made["events"] = _events(parameters, tables, rng)
    if "surveys" in tables:
        made["surveys"] = _surveys(parameters, tables | made, rng)
    return made


def _kinds(parameters: Parameters, matches: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Offers, direction, format; a remote session before the second version of the programme is made one on site elsewhere (`_content`)."""
    number = len(matches)
    wait = pd.to_timedelta(1 + rng.geometric(1 / parameters.offer_wait, number), unit="D")
    reverse, peer = parameters.directions
    direction = rng.choice(["reverse", "peer", "traditional"], number, p=[reverse, peer, 1 - reverse - peer])
    form = np.where(rng.random(number) < parameters.grouped, "group", "1:1")
    return matches.assign(offered_on=matches["start"] - wait, direction=direction, format=form)


def _beside(parameters: Parameters, tables: dict[str, pd.DataFrame], matches: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Offers that came to nothing, and line supervision of staff who were never mentored: rows of the table of matches."""
    lives = lives_of(parameters, tables)
    never = lives[~lives["staff_id"].isin(matches["mentee_id"]) & (lives["last"] - lives["first"] > 60)].reset_index(drop=True)
    chosen = never.iloc[rng.permutation(len(never))].reset_index(drop=True)
    declined, supervised = (min(round(share * len(matches)), len(chosen) // 2) for share in (parameters.declined, parameters.supervised))
    chosen = chosen.iloc[: declined + supervised]
    first, last = chosen["first"].to_numpy(float), chosen["last"].to_numpy(float)
    mentors = tables["mentors"]["staff_id"].to_numpy(object)
    origin = pd.Timestamp(parameters.start)
    begin = origin + pd.to_timedelta(np.floor(first + 20 + rng.random(len(chosen)) * np.maximum(last - first - 60, 0)), unit="D")
    starts = pd.Series(begin).where(np.arange(len(chosen)) >= declined)
    finish = pd.Series(np.minimum(begin + pd.Timedelta(days=365), origin + pd.to_timedelta(last, unit="D")))
    end = origin + pd.Timedelta(days=int(window_days(parameters)[-1]) - 1)
    mentor = mentors[rng.integers(len(mentors), size=len(chosen))]
    own = mentor == chosen["staff_id"].to_numpy(object)
    return pd.DataFrame({
        "match_id": [f"X{number:05d}" for number in range(1, len(chosen) + 1)], "programme_id": PROGRAMME,
        "mentor_id": np.where(own, mentors[0], mentor), "mentee_id": chosen["staff_id"], "start": starts,
        "end": finish.where(starts.notna() & (finish < end)), "end_reason": None,
        "relationship_type": np.where(np.arange(len(chosen)) < declined, "mentoring", "supervision"),
        "offered_on": pd.Series(begin).where(np.arange(len(chosen)) < declined), "direction": None, "format": None,
    })  # fmt: skip


def _content(parameters: Parameters, sessions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """cancel_reason of sessions cancelled, topic and case_on of those held; remote ones of the first version moved on site."""
    number, origin = len(sessions), pd.Timestamp(parameters.start)
    held = (sessions["status"] == "held").to_numpy(bool)
    workload = rng.random(number) < parameters.cancelled_for_workload
    reason = np.where(workload, "workload", np.asarray(_OTHER_REASONS, object)[rng.integers(len(_OTHER_REASONS), size=number)])
    topic = np.asarray(_TOPICS, object)[rng.choice(len(_TOPICS), number, p=parameters.topics)]
    linked = held & (rng.random(number) < parameters.on_a_case)
    gap = pd.to_timedelta(rng.geometric(1 / parameters.case_days, number), unit="D")
    live = window_days(parameters)[min(min(parameters.waves, default=0), parameters.months - 1)]
    early = (sessions["date"] < origin + pd.Timedelta(days=int(live) + 365)).to_numpy(bool)
    moved = early & (sessions["mode"] == "remote").to_numpy(bool) & (rng.random(number) < parameters.remote_waits)
    return sessions.assign(
        mode=np.where(moved, "on_site", sessions["mode"]), topic=np.where(held, topic, None),
        cancel_reason=np.where((sessions["status"] == "cancelled").to_numpy(bool), reason, None), case_on=(sessions["date"] - gap).where(linked),
    )  # fmt: skip


def _events(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """staff_id, date, kind: workshops and the like, more often once mentored by the second number of ``events``."""
    lives = lives_of(parameters, tables)
    first, last = lives["first"].to_numpy(float), lives["last"].to_numpy(float)
    switch = np.clip(lives["mentored"].to_numpy(float), first, last)
    rate, ratio = parameters.events
    parts = []
    for low, high, factor in ((first, switch, 1.0), (switch, last, ratio)):
        who = np.repeat(np.arange(len(lives)), rng.poisson(rate / 365.25 * factor * (high - low)))
        parts.append((who, low[who] + rng.random(len(who)) * (high - low)[who]))
    who, day = (np.concatenate(side) for side in zip(*parts, strict=True))
    kind = rng.choice(["workshop", "educational event", "conference"], len(who), p=[0.5, 0.4, 0.1])
    table = pd.DataFrame({"staff_id": lives["staff_id"].to_numpy()[who], "date": text_dates(parameters, np.floor(day)), "kind": kind})
    return table.drop_duplicates().sort_values(["date", "staff_id", "kind"], kind="stable", ignore_index=True)


def _surveys(parameters: Parameters, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """Everybody's support and digital confidence, and mentors' competence, of those who filled in the questionnaire of the wave."""
    answered = tables["surveys"].drop_duplicates(["staff_id", "wave"]).sort_values(["staff_id", "wave"], kind="stable")
    day = pd.to_datetime(answered["completed_on"])
    matches = tables["matches"]
    begun = matches[matches["start"].notna() & (matches["relationship_type"] == "mentoring")]
    reverse = begun[begun["direction"] == "reverse"].groupby("mentee_id")["start"].min()
    mentors = begun.groupby("mentor_id")["start"].min()
    parts = [tables["surveys"]]
    for name, first, gain, mean, only in ((SUPPORT, None, 0.0, 3.4, False), (DIGITAL, reverse, parameters.reverse_gain, 3.0, False),
                                          (COMPETENCE, mentors, parameters.mentor_gain, 4.8, True)):  # fmt: skip
        level = pd.Series(0.6 * rng.standard_normal(len(tables["staff"])), index=tables["staff"]["staff_id"])
        since = (answered["staff_id"].map(first) <= day).to_numpy(float) if first is not None else np.zeros(len(answered))
        raw = mean + answered["staff_id"].map(level).to_numpy(float) + gain * since + 0.4 * rng.standard_normal(len(answered))
        rows = answered.assign(instrument=name, subscale="total", score=np.round(np.clip(raw, 1, 7 if only else 5), 1))
        parts.append(rows[rows["staff_id"].isin(tables["mentors"]["staff_id"])] if only else rows)
    return pd.concat(parts, ignore_index=True).sort_values(["staff_id", "wave", "instrument", "subscale"], kind="stable", ignore_index=True)


def delivered_truth(parameters: Parameters) -> dict[str, Any]:
    """By what each was drawn; shares in 0 to 1."""
    low, high = parameters.session_delivery
    remote = parameters.session_remote * 0.85 + (1 - parameters.session_remote) * 0.15
    return {
        "sessions_held_share": (low + high) / 2, "cancelled_for_workload_share": parameters.cancelled_for_workload,
        "topic_career_share": parameters.topics[0], "reverse_share": parameters.directions[0], "group_share": parameters.grouped,
        "days_from_case_to_session": parameters.case_days, "slippage_days": parameters.slip_days, "events_rate_ratio_mentored": parameters.events[1],
        "digital_confidence_change_reverse": parameters.reverse_gain, "mentor_competence_change": parameters.mentor_gain,
        "remote_share_first_version": remote * (1 - parameters.remote_waits), "remote_share_second_version": remote,
        "remote_percentage_points_between_versions": 100 * remote * parameters.remote_waits,
    }  # fmt: skip
