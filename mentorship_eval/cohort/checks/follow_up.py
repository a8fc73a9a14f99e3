"""Too little to tell much of: answers to surveys (W119), and time since hire (W124)."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading

__all__ = ["check_follow_up"]

_FEWEST_ASKED = 10  # people of an arm below which a share says nothing
_YEAR = 365


def check_follow_up(reading: Reading) -> None:
    _answers(reading)
    _immature(reading)


def _answers(reading: Reading) -> None:
    """W119: share of those invited who answered, by wave, and by having been mentored when they were asked."""
    invites, surveys, rules = reading.sources.get("survey_invites"), reading.sources.get("surveys"), reading.study.rules
    if invites is None or surveys is None or not {"staff_id", "wave"} <= set(invites.frame) or not {"staff_id", "wave"} <= set(surveys.frame):
        return
    asked = invites.frame.dropna(subset=["staff_id", "wave"])
    answered = pd.MultiIndex.from_frame(surveys.frame[["staff_id", "wave"]].dropna().astype({"wave": "float64"}).drop_duplicates())
    asked = asked.assign(answered=pd.MultiIndex.from_frame(asked[["staff_id", "wave"]].astype({"wave": "float64"})).isin(answered))
    asked["mentored"] = _mentored(reading, asked)
    for wave, rows in asked.groupby("wave"):
        share = float(rows["answered"].mean())
        arms = rows.groupby("mentored")["answered"].agg(["mean", "size"])
        apart = float(arms["mean"].max() - arms["mean"].min()) if len(arms) == 2 and (arms["size"] >= _FEWEST_ASKED).all() else 0.0
        few, unequal = share < rules.response_share and len(rows) >= _FEWEST_ASKED, apart > rules.response_difference
        if not (few or unequal):
            continue
        text = f"wave {wave:g}: {share:.0%} of those invited answered"
        if unequal:
            text += f", {arms.loc[True, 'mean']:.0%} of the mentored and {arms.loc[False, 'mean']:.0%} of the others"
        invites.find(
            "W119",
            text,
            rows=rows.index[~rows["answered"].to_numpy()],
            column="wave",
            fix="Who answers may differ from who does not: weigh by the chance of answering, and see how far the result could tip.",
        )


def _mentored(reading: Reading, asked: pd.DataFrame) -> pd.Series:
    matches = reading.sources.get("matches")
    if matches is None or not {"mentee_id", "start"} <= set(matches.frame):
        return pd.Series(False, index=asked.index)
    begun = asked["staff_id"].map(matches.frame.groupby("mentee_id")["start"].min())
    return (begun <= asked["invited_on"]) if "invited_on" in asked and asked["invited_on"].notna().any() else begun.notna()


def _immature(reading: Reading) -> None:
    """W124: of those whose first year lies at least partly in the window, how many could be followed to its end."""
    spells, window, rules = reading.sources.get("spells"), reading.study.study, reading.study.rules
    if spells is None or not window.start or not window.end or not {"staff_id", "start"} <= set(spells.frame):
        return
    start, end, year = pd.Timestamp(window.start), pd.Timestamp(window.end), pd.Timedelta(days=_YEAR)
    frame = spells.frame
    if "end" in frame:
        frame = frame[frame["end"].isna() | (frame["end"] > start)]
    hired = frame.groupby("staff_id")["start"].min().dropna()
    ahead = hired[(hired + year > start) & (hired < end)]
    if ahead.empty:
        return
    share = float((ahead + year <= end).mean())
    if share < rules.mature_share:
        rows = frame.index[frame["staff_id"].isin(ahead.index[(ahead + year > end).to_numpy()]).to_numpy()]
        spells.find(
            "W124",
            f"an immature cohort: the window lets {share:.0%} of those in their first year be followed to its end",
            rows=rows,
            column="start",
            fix="What is told of 12 months and more rests on few people; a longer window, or a later evaluation, says more.",
        )
