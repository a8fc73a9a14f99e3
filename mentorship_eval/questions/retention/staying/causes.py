"""Why people left: each cause with its share and its cumulative incidence, the other causes competing.

Planned ends (retirement, the end of a contract, a rotation) compete with voluntary leaving; they are never counted as it. A
Kaplan-Meier curve of one cause takes the other exits for people who might still leave for that cause, and overstates it.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, counted_curve, curve_exhibit, in_months, just_after, monthly_grid, table_exhibit
from mentorship_eval.questions.retention.levels import Words
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.staying.exit_curves import FEWEST_AT_RISK, ExitCurves, Horizon, exit_curves, horizons_of
from mentorship_eval.questions.retention.support import fewest_shown
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import kaplan_meier

__all__ = ["cause_figure", "causes_of_leaving", "conditional_caution"]

_ALL = "All causes"
_MOST_BANDS = 6  # more cannot be told apart in a figure


def _name(cause: object) -> str:
    return str(cause).replace("_", " ").capitalize()


def conditional_caution(curves: ExitCurves) -> list[Caution]:
    """That the curves start late, and why."""
    if not curves.since:
        return []
    text = (
        f"Curves start at {curves.since / DAYS_PER_MONTH:.1f} months since hire, the first time with at least "
        f"{FEWEST_AT_RISK} people at risk; they are conditional on staying until then."
    )
    return [Caution("conditional_curve", text)]


def causes_of_leaving(study: Prepared) -> Section:
    """Curves, table and results of every cause; what a Kaplan-Meier curve of the outcome alone would have said."""
    persons, words = study.episodes.persons, study.words
    try:
        curves = exit_curves(persons)
    except EstimationError as error:
        return Section().lacks("Causes of leaving", error.problem, "More people, or more follow-up.")
    told = Section(cautions=conditional_caution(curves))
    told.exhibits += cause_figure(curves, words, fewest_shown(study))
    horizons = [horizon for horizon in horizons_of(study.cohort) if not curves.why_not(horizon.days)]
    rows = _by_horizon(curves, horizons)
    told.exhibits.append(_table(curves, rows))
    told.results += _results(curves, rows)
    if horizons:
        told.lead += _contrast(curves, horizons[-1], study.episodes.outcome, words)
    told.methods.append(
        f"Causes of leaving: {curves.method}; planned ends compete with {words.leaving} and are never counted as it."
    )
    return told


def _main_causes(persons: pd.DataFrame, fewest: int) -> pd.Series:
    """Cause of each exit; rare ones joined until each band holds ``fewest`` exits, and a figure at most `_MOST_BANDS`."""
    counts = persons.loc[persons["cause"] != "", "cause"].value_counts()
    kept = int(min((counts >= fewest).sum(), len(counts) if len(counts) <= _MOST_BANDS else _MOST_BANDS - 1))
    # one rare cause by itself would be told by what the others leave: the next joins it
    while kept < len(counts) and kept and (len(counts) - kept < 2 or counts.iloc[kept:].sum() < fewest):
        kept -= 1
    return persons["cause"] if kept == len(counts) else persons["cause"].where(~persons["cause"].isin(counts.index[kept:]), "other causes")


def cause_figure(curves: ExitCurves, words: Words, fewest: int) -> list[Exhibit]:
    """The curve of each cause with its interval, and the same stacked, with who is still there on top."""
    persons = curves.persons.assign(cause=_main_causes(curves.persons, fewest))
    shown = curves if persons["cause"].equals(curves.persons["cause"]) else exit_curves(persons)
    grid = monthly_grid(min(float(persons["stop"].max()), 60 * DAYS_PER_MONTH))
    grid = grid[grid * DAYS_PER_MONTH >= shown.since]
    looked = in_months(shown.fitted.at(just_after(grid)))
    order = looked.groupby("cause", sort=False)["cif"].max().sort_values(ascending=False, kind="stable").index
    looked = pd.concat([looked[looked["cause"] == cause] for cause in order], ignore_index=True)
    looked["cause"] = looked["cause"].map(_name)
    risk = looked.groupby("time", as_index=False).agg(n_risk=("n_risk", "first"), n_event=("n_event", "sum")).assign(by="All staff")
    about = {"n": len(persons), "n_events": int((persons["cause"] != "").sum()), "method": shown.method}
    lines = curve_exhibit(
        "retention.cif",
        "Causes of leaving since hire",
        looked,
        by="cause",
        value="cif",
        at_risk=risk,
        population="since hire",
        y_label="Left by this time",
        rising=True,
        delayed_entry=bool((persons["entry"] > 0).any()),
        note="Each curve is the share who have left for that reason, the other reasons competing; a Kaplan-Meier curve of one reason would "
        "overstate it.",
        **about,
    )
    stacked = replace(
        lines,
        id="retention.cif_stacked",
        kind="stacked_cif",
        title="Who has left, by cause, and who is still there",
        counted=counted_curve(carry=True),
        options={
            **about,
            "remainder_label": words.still[:1].upper() + words.still[1:],
            "y_label": f"Share of those still there at {shown.since / DAYS_PER_MONTH:.1f} months" if shown.since else "Share of all who began",
        },
        note="",
    )
    return [lines, stacked]


def _by_horizon(curves: ExitCurves, horizons: list[Horizon]) -> pd.DataFrame:
    """One row per cause and horizon, `_ALL` first: horizon, cause, left (seen to leave by then), cif, se, ci_low, ci_high."""
    if not horizons:
        return pd.DataFrame(columns=["horizon", "cause", "left", "cif", "se", "ci_low", "ci_high"])
    days = [horizon.days for horizon in horizons]
    each, free = curves.fitted.at(days), curves.fitted.event_free_at(days)
    parts = []
    for horizon, (_, stay) in zip(horizons, free.iterrows(), strict=True):
        mine = each[each["time"] == horizon.days].sort_values("cif", ascending=False)
        total = {
            "cause": _ALL, "left": mine["n_event"].sum(), "cif": 1 - stay["probability"], "se": stay["se"],
            "ci_low": 1 - stay["ci_high"], "ci_high": 1 - stay["ci_low"],
        }  # fmt: skip
        mine = mine.rename(columns={"n_event": "left"})[["cause", "left", "cif", "se", "ci_low", "ci_high"]]
        part = pd.concat([pd.DataFrame([total]), mine], ignore_index=True)
        part.insert(0, "horizon", horizon)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _id(cause: object, horizon: Horizon) -> str:
    return f"retention.left_by.{cause}.{horizon.key}"


def _table(curves: ExitCurves, rows: pd.DataFrame) -> Exhibit:
    counts = curves.persons.loc[curves.persons["cause"] != "", "cause"].value_counts()
    whole = pd.DataFrame(
        {
            "time": "whole follow-up",
            "cause": [_ALL, *map(_name, counts.index)],
            "left": [int(counts.sum()), *counts.tolist()],
            "share": [1.0, *(counts / counts.sum())],
            "incidence": "–",
            "told": "",
        }
    )
    total = rows["left"].where(rows["cause"] == _ALL).ffill()
    by_time = pd.DataFrame(
        {
            "time": [f"by {horizon.words}" for horizon in rows["horizon"]],
            "cause": rows["cause"].map(lambda cause: cause if cause == _ALL else _name(cause)),
            "left": rows["left"],
            "share": rows["left"] / total.where(total > 0),
            "incidence": [
                f"{format_number(100 * r.cif, 1)} % ({format_number(100 * r.ci_low, 1)} to {format_number(100 * r.ci_high, 1)})"
                if r.ci_low == r.ci_low
                else f"{format_number(100 * r.cif, 1)} %"
                for r in rows.itertuples()
            ],
            # the outcome of all causes is told by the table of who is still there
            "told": [f"retention.still_employed.{r.horizon.key}" if r.cause == _ALL else _id(r.cause, r.horizon) for r in rows.itertuples()],
        }
    )
    note = "Left: people seen to leave by that time since hire; the share who have left by then allows for those who came under observation late "
    note += "or are followed for less."
    if curves.since:
        note += f" Of those still there {curves.since / DAYS_PER_MONTH:.1f} months after hire."
    return table_exhibit(
        "retention.causes",
        "Causes of leaving",
        pd.concat([whole, by_time], ignore_index=True),
        counts=("left",),
        derived=("share", "incidence"),
        ratios={"share": "left", "incidence": "left"},
        within="time",
        results={"told": ""},
        steps=("left",),
        totals=(_ALL,),
        by="cause",
        labels={
            "time": "Time since hire and cause",
            "left": "Left",
            "share": "Share of leavers",
            "incidence": "Have left by then (95 % CI)",
        },
        stub=["time", "cause"],
        formats={"left": "count", "share": "percent", "incidence": "number"},
        note=note,
    )


def _results(curves: ExitCurves, rows: pd.DataFrame) -> list[Result]:
    out = []
    for row in rows[rows["cause"] != _ALL].itertuples():
        word, name = str(row.cause).replace("_", " "), _name(row.cause)
        estimand = f"left by {row.horizon.words} after hire, cause {word}, the other causes competing"
        if curves.since:
            estimand += f", among those still there at {curves.since / DAYS_PER_MONTH:.1f} months"
        estimate = curves.told(row.cif, pd.Series(row._asdict()), n_events=int(row.left), estimand=estimand)
        out.append(
            Result(
                _id(row.cause, row.horizon), f"exit_{row.cause}", estimand, "all staff followed", estimate,
                f"{name}, by {row.horizon.words}", "descriptive", "Left by cause",
            )
        )  # fmt: skip
    return out


def _contrast(curves: ExitCurves, horizon: Horizon, outcome: tuple[str, ...], words: Words) -> list[Statement]:
    """What the wrong curve would have said, where other exits make a difference."""
    persons = curves.persons.assign(event=curves.persons["cause"].isin(outcome).astype(int))
    others = persons["cause"].ne("") & ~persons["cause"].isin(outcome)
    if not others.any() or not persons["event"].any():
        return []
    alone = kaplan_meier(persons, start="entry", stop="stop", event="event")
    alone = alone.from_time(curves.since) if curves.since else alone
    value = float(alone.at([horizon.days])["survival"].iloc[0])
    stay = float(curves.fitted.event_free_at([horizon.days])["probability"].iloc[0])
    if value != value:
        return []
    text = (
        f"{horizon.words} after hire {stay:.0%} are {words.still}. A Kaplan-Meier curve of {words.leaving} alone stands at {value:.0%} then: "
        "it takes people who left for another reason for people who might still be there."
    )
    behind = (float(persons["event"].sum()), float(others.sum()))
    return [Statement(text, results=(f"retention.still_employed.{horizon.key}",), rests_on=behind)]
