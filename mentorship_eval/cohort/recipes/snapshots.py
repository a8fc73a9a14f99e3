"""Monthly lists of who is in post, joined into spells (R127): a leaver is a person who is not in the next list.

A list shows who is in post at the end of its month. Without exact dates a spell runs from the first day of the first month seen to the
last day of the last month seen: the earliest start and the earliest end that the lists allow.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.dates import DateAnswer, parse_dates, parse_months
from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.leavers import with_leavers
from mentorship_eval.cohort.recipes.mapping import has, texts
from mentorship_eval.cohort.recipes.models import Snapshots, TableRecipe
from mentorship_eval.cohort.recipes.traced import replace_rows
from mentorship_eval.errors import listing

__all__ = ["join_snapshots", "read_dates"]

_FEW = 0.5  # a list with fewer than this share of the people in those around it


def join_snapshots(source: Source, table: TableRecipe, folder: Path) -> bool:
    """Make spells of ``source.raw``; False when the series does not say who left (E127, E106, E008)."""
    rule = table.snapshots
    assert rule is not None
    months = _months(source)
    if months is None or not _series(source, months, rule):
        return False
    rows = source.raw.index.to_numpy()
    people = pd.factorize(texts(source, "staff_id"), sort=True)[0]
    series = np.unique(months)
    position = np.searchsorted(series, months)
    order = np.lexsort((rows, position, people))
    people, position, month, rows = people[order], position[order], months[order], rows[order]
    twice = (people[1:] == people[:-1]) & (position[1:] == position[:-1])
    if twice.any():
        source.find("E005", "the same person twice in one month", rows=rows[1:][twice], column="staff_id", fix="Keep one row per person and month.")
        return False
    goes_on = np.concatenate([[False], (people[1:] == people[:-1]) & (position[1:] == position[:-1] + 1)])
    alike = goes_on.copy()
    for name in (name for name in rule.new_spell if has(source, name)):
        cells = texts(source, name)[order]
        alike[1:] &= cells[1:] == cells[:-1]
    first = np.flatnonzero(~alike)
    last = np.concatenate([first[1:], [len(rows)]]) - 1
    begun, ended = month[first].astype("datetime64[D]"), _month_end(month[last])
    continues = goes_on[first]  # the same person was in the list before, in another post
    _exact_starts(source, order, first, position, series, begun, continues)
    follows = np.concatenate([continues[1:], [False]])
    ended = np.where(follows, np.concatenate([begun[1:], begun[:1]]) - np.timedelta64(1, "D"), ended)
    in_post = ~follows & (position[last] == len(series) - 1)
    frame = _frame(source, table, order[first])
    frame["start"] = begun.astype(str)
    frame["end"] = np.where(in_post, "", ended.astype(str))
    left = ~follows & ~in_post
    following = series[np.minimum(position[last] + 1, len(series) - 1)]
    if not with_leavers(source, rule, folder, frame, left, month[last], following):
        return False
    n = len(source.raw)
    source.find(
        "R127",
        f"{n:,} rows of {len(series)} monthly lists ({series[0]} to {series[-1]}) joined into {len(frame):,} spells: "
        "who is not in the next list has left, on the last day of the last month seen unless a date says otherwise",
        rows=int(source.raw.index[0]),
    )
    reason = "rows of consecutive months in one post are one spell"
    source.repair("R127", row=int(source.raw.index[0]), before=f"{n} rows", after=f"{len(frame)} spells", reason=reason, count=n)
    source.step("monthly rows joined into spells", n, len(frame))
    replace_rows(source, frame, rows[first])
    return True


def _frame(source: Source, table: TableRecipe, at: np.ndarray) -> pd.DataFrame:
    names = [name for name in table.names if name in source.table and has(source, name)]
    return pd.DataFrame({name: texts(source, name)[at] for name in names}, dtype=object)


def _months(source: Source) -> np.ndarray | None:
    """The month of each row; None where a person or a month is missing or cannot be read."""
    ok = True
    for name in ("staff_id", "month"):
        blank = np.isin(texts(source, name).astype(str), list(MISSING))
        if blank.any():
            ok = False
            source.find("E008", f"{source.theirs[name]} is empty", rows=source.raw.index[blank], column=name, fix="Fill it in, or leave the row out.")
    codes, uniques = pd.factorize(texts(source, "month"))
    answer, _ = parse_months([str(text) for text in uniques], source.declared.date_format("month"))
    ok &= report(source, "month", codes, answer)
    if not ok:
        return None
    return answer.values.to_numpy().astype("datetime64[M]")[codes]


def report(source: Source, name: str, codes: np.ndarray, answer: DateAnswer) -> bool:
    """E106 for what could not be read; whether everything could."""
    for message, positions, fix in answer.problems:
        source.find("E106", message, rows=source.raw.index[np.isin(codes, positions)], column=name, fix=fix)
    return not answer.problems


def read_dates(source: Source, name: str) -> np.ndarray | None:
    """A column of dates as days, NaT where blank or a placeholder; None when a cell cannot be read (E106)."""
    codes, uniques = pd.factorize(texts(source, name))
    answer = parse_dates([str(text) for text in uniques], source.declared.date_format(name), open_end=True)
    return answer.values.to_numpy().astype("datetime64[D]")[codes] if report(source, name, codes, answer) else None


def _series(source: Source, months: np.ndarray, rule: Snapshots) -> bool:
    """E127 for one list or a missing month; W127 for a list that is far too short."""
    series, counts = np.unique(months, return_counts=True)
    rows, first = source.raw.index, int(source.raw.index[0])
    if len(series) < 2:
        source.find("E127", f"one monthly list ({series[0]}) does not say who left", rows=first, column="month", fix="Give at least two months.")
        return False
    missing = np.setdiff1d(np.arange(series[0], series[-1]), series)
    if len(missing):
        said = listing([str(month) for month in missing], 6)
        if rule.missing_months == "stop":
            source.find(
                "E127",
                f"no list for {said}: everybody would leave and come back",
                rows=rows[months == series[np.searchsorted(series, missing[0])]][:1],
                column="month",
                fix="Add the file, or say settings: {snapshots: {missing_months: go_on}}: who is in the lists on both sides has then stayed.",
            )
            return False
        source.find("R127", f"no list for {said}: who is in the lists on both sides has stayed", rows=first, column="month")
        reason = "who is in the lists on both sides has stayed"
        source.repair("R127", row=first, column="month", before="no list", after="gone over", reason=reason, count=len(missing))
    around = np.minimum(np.concatenate([[counts[1]], counts[:-1]]), np.concatenate([counts[1:], [counts[-2]]]))
    for i in np.flatnonzero(counts < _FEW * around):
        source.find(
            "W127",
            f"the list of {series[i]} has {counts[i]:,} rows, those around it at least {around[i]:,}: is it whole?",
            rows=rows[months == series[i]][:1],
            column="month",
            fix="See whether the export was cut; people who are missing from it count as leavers.",
        )
    return True


def _month_end(month: np.ndarray) -> np.ndarray:
    return (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")


def _exact_starts(
    source: Source, order: np.ndarray, first: np.ndarray, position: np.ndarray, series: np.ndarray, begun: np.ndarray, continues: np.ndarray
) -> None:
    """Replace the first day of the month by the day of hire, or of the move, where that lies between the two lists. Works on ``begun``."""
    at = position[first]
    upto = _month_end(series[at])
    after = np.where(at > 0, _month_end(series[np.maximum(at - 1, 0)]), np.datetime64("1900-01-01"))
    known = np.zeros(len(first), dtype=bool)
    for name, which in (("hired", ~continues), ("post_started", continues)):
        if not has(source, name):
            continue
        days = read_dates(source, name)
        if days is None:
            continue
        days = days[order][first]
        with np.errstate(invalid="ignore"):
            use = which & ~np.isnat(days) & (days > after) & (days <= upto)
        begun[use] = days[use]
        known |= use
    unknown = (at == 0) & ~known
    if unknown.any():
        rows = source.raw.index.to_numpy()[order][first][unknown]
        source.find(
            "W127",
            f"{int(unknown.sum()):,} people are in the first list and their day of hire is not known: they begin on {series[0]}-01, "
            "so that their time since hire is too short",
            rows=rows,
            column="staff_id",
            fix="Export the day of hire (Latest Start Date), or begin the window of the study where new people are told apart.",
        )
