"""Dose: sessions held per month of being matched, by group, as a ratio to the largest group. Being matched is one thing, meeting another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.equity.eligible import WORDS, EquityStudy, ordered
from mentorship_eval.questions.equity.pairs import FEWEST_MENTEES, pairs_of
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import BOTH_COUNTED, MISSING, UNSIZED, against, few_among, fewest_places, jackknifed_ratio, sized, slug
from mentorship_eval.questions.section import Section

__all__ = ["dose"]


def dose(study: EquityStudy) -> Section:
    """Rate ratios by group with their table; a gap without sessions."""
    told, question = Section(), "Sessions held by group"
    if not study.cohort.has("sessions"):
        return told.lacks(question, "The cohort has no sessions.", "sessions in study.yaml")
    pairs = pairs_of(study)
    sessions = study.cohort.table("sessions")
    held = sessions[sessions["status"].isna() | (sessions["status"] == "held")] if "status" in sessions else sessions
    held = held.merge(pairs.rows[["match_id", "start", "days"]], on="match_id")
    since = (pd.to_datetime(held["date"]) - held["start"]).dt.days
    held = held[(since >= 0) & (since <= held["days"])]
    rows = pairs.rows.assign(held=pairs.rows["match_id"].map(held["match_id"].value_counts()).fillna(0.0))
    if rows["mentee_id"].nunique() < 2 * FEWEST_MENTEES or not rows["held"].any():
        return told.lacks(question, "Too few matches, or no session, within the window.", "More matches with their sessions.")
    tables = []
    for name in pairs.groupings:
        found, table = _ratios(rows, name)
        told.results += found
        tables.append(table)
    if not told.results:
        return told.lacks(question, f"There are no two groups of {FEWEST_MENTEES} mentees or more.", "More matches.")
    told.exhibits += [
        forest_exhibit(
            "equity.dose.forest", "Sessions held per month of being matched, by group", told.results, value_label="Rate ratio",
            sides=("fewer sessions", "more sessions"),
            note=f"Against the largest group of each kind; not adjusted. {BOTH_COUNTED}, events their sessions. {UNSIZED}",
        ),
        _table(pd.concat(tables, ignore_index=True)),
        adjusted_table("equity.dose.adjusted", "Sessions by group: p-values for the number of comparisons", told.results, study.cohort.study.plan),
    ]  # fmt: skip
    told.methods.append(
        "Dose: sessions held over months matched within the window, ratio to the largest group; leave-one-department-out jackknife of its "
        f"logarithm, t; levels of fewer than {FEWEST_MENTEES} mentees joined by size alone; career stage on the first day of the match; p-values "
        "adjusted by Holm (1979)."
    )
    return told


def _ratios(rows: pd.DataFrame, name: str) -> tuple[list[Result], pd.DataFrame]:
    place, places = pd.factorize(rows["dept_id"], sort=True)
    levels, word = ordered(rows[name]), WORDS[name]
    sums = {}
    for level in levels:
        mine = (rows[name] == level).to_numpy()
        each = [np.bincount(place[mine], weights=rows[column].to_numpy(float)[mine], minlength=len(places)) for column in ("held", "months")]
        sums[level] = [part.sum() - np.append(0.0, part) for part in each]
    people = {level: int(rows.loc[rows[name] == level, "mentee_id"].nunique()) for level in levels}
    reference, found = levels[0], []
    for level in levels[1:]:
        if people[level] < FEWEST_MENTEES:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (sums[level][0] / sums[level][1]) / (sums[reference][0] / sums[reference][1])
        estimand = f"sessions held per month of being matched, {word.lower()}: {level} against {reference}"
        estimate = jackknifed_ratio(
            ratio, scale="rate ratio", n=people[level] + people[reference], n_events=int(sums[level][0][0] + sums[reference][0][0]),
            method="sessions over months matched; leave-one-department-out jackknife of the log ratio, t on departments of the group in fewest - 1",
            estimand=estimand, places=fewest_places(place, *((rows[name] == each).to_numpy() for each in (level, reference))),
        )  # fmt: skip
        behind = (float(people[level]), float(people[reference]), float(sums[level][0][0]), float(sums[reference][0][0]))
        label = against(level, reference)
        found.append(Result(f"equity.dose.{name}.{slug(level)}", "dose", estimand, "mentees", estimate, label, "companion", word, rests_on=behind))
    table = pd.DataFrame({
        "characteristic": word, "level": levels, "mentees": [people[level] for level in levels],
        "sessions": [int(sums[level][0][0]) for level in levels], "months": [float(sums[level][1][0]) for level in levels],
    })  # fmt: skip
    return sized(found, few_among(table[["mentees", "sessions"]])), table.assign(rate=table["sessions"] / table["months"])


def _table(frame: pd.DataFrame) -> Exhibit:
    named = [f"{row.characteristic}:{row.level}".lower() for row in frame.itertuples()]
    frame = frame.assign(quantity=[f"people:{name}@mentees" for name in named], quantity_sessions=[f"sessions:{name}@mentees" for name in named])
    frame["months"] = np.round(frame["months"])
    return table_exhibit(
        "equity.dose.table", "Mentees and the sessions they had", frame, counts=("mentees", "sessions"), derived=("months", "rate"),
        within="characteristic", same={"mentees": "quantity", "sessions": "quantity_sessions"},
        labels={"characteristic": "Characteristic", "level": "Group", "mentees": "Mentees", "sessions": "Sessions held", "months": "Months matched",
                "rate": "Sessions a month"},
        formats={"mentees": "count", "sessions": "count", "months": "count", "rate": "number"}, stub=["characteristic", "level"],
        note=f"Matches that began within the window, to its end. {MISSING}: not stated counts as not recorded.",
    )  # fmt: skip
