"""Text to types, column by column: distinct values are converted once, trouble is reported with its rows."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.cells import Cells
from mentorship_eval.cohort.reading.convert_categories import to_bool, to_category, to_covariate, to_level, to_text
from mentorship_eval.cohort.reading.convert_numbers import numbers
from mentorship_eval.cohort.reading.dates import DateAnswer, parse_dates, parse_months
from mentorship_eval.cohort.reading.levels import check_levels
from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.cohort.schema.tables import Column
from mentorship_eval.errors import listing

__all__ = ["convert"]


def convert(source: Source) -> None:
    """Fill ``source.frame`` from ``source.raw``: our columns, typed, under their file rows."""
    frame = pd.DataFrame(index=source.raw.index)
    for column in source.table.columns:
        if column.name in source.theirs:
            cells = Cells(source, column.name)
            frame[column.name] = _CONVERT[column.type](cells, column)
            _required(cells, column)
            _within(source, frame[column.name], column)
            check_levels(source, column.name, frame[column.name])
    for name in source.declared.outcomes:
        if name in source.theirs:
            cells = Cells(source, name)
            outcome = Column(name, "float", "count", minimum=0)
            frame[name] = _float(cells, outcome)
            _within(source, frame[name], outcome)
            _required(cells, Column(name, "float", "count", required=True))
    for name in source.declared.covariates:
        if name in source.theirs:
            frame[name] = to_covariate(Cells(source, name))
            check_levels(source, name, frame[name])
    source.frame = frame


def _required(cells: Cells, column: Column) -> None:
    # these may be blank in good data although the column must be there
    if not column.required or (cells.source.name, column.name) in {
        ("matches", "start"),
        ("rollout", "active_from"),
        ("exposure", "patient_days"),
        ("counts", "exposure"),
    }:
        return
    blank = cells.missing[cells.codes]
    if blank.any():
        cells.source.find(
            "E008", f"{column.name} is empty", rows=cells.rows[blank], column=column.name, fix="Fill it in, or leave the row out."
        )


def _within(source: Source, values: pd.Series, column: Column) -> None:
    if column.minimum is None and column.maximum is None:
        return
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    number = values.to_numpy(dtype="float64", na_value=np.nan)
    outside = (number < low) | (number > high)
    if outside.any():
        allowed = f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} or more"
        first = listing([f"{value:g}" for value in pd.unique(number[outside])], 4)
        source.find(
            "E108", f"{first}: outside {allowed}", rows=values.index[outside], column=column.name, fix="Correct the cells or their unit."
        )


def _id(cells: Cells, column: Column) -> np.ndarray:
    if not cells.mapped and not cells.missing.any():
        return cells.source.raw[cells.source.theirs[column.name]].to_numpy()  # the very strings, with millions of ids not made again
    return cells.spread(np.array([None if gone else text for text, gone in zip(cells.texts, cells.missing, strict=True)], dtype=object))


def _float(cells: Cells, column: Column) -> np.ndarray:
    return cells.spread(numbers(cells, column))


def _int(cells: Cells, column: Column) -> pd.Series | np.ndarray:
    values = numbers(cells, column)
    with np.errstate(invalid="ignore"):
        broken = [i for i, value in enumerate(values) if np.isfinite(value) and value != round(value)]
    cells.bad("E007", broken, "not a whole number", "Correct the cells.")
    spread = cells.spread(values)
    return spread if np.isnan(spread).any() or broken or (np.abs(spread) > 2**53).any() else spread.astype("int64")


def _date(cells: Cells, column: Column) -> pd.DatetimeIndex:
    answer = parse_dates(cells.texts, cells.source.declared.date_format(column.name), open_end=column.open_end)
    _report_dates(cells, column, answer)
    return cells.spread(answer.values)


def _report_dates(cells: Cells, column: Column, answer: DateAnswer) -> None:
    source = cells.source
    for message, positions, fix in answer.problems:
        source.find("E106", message, rows=cells.rows_of(positions), column=column.name, fix=fix)
    if answer.far:
        source.find("R106", "far-future end dates taken as not ended", rows=cells.rows_of(answer.far), column=column.name)
        for i in answer.far:
            source.repair(
                "R106",
                row=cells.first_row(i),
                column=column.name,
                before=cells.texts[i],
                after="",
                reason="placeholder for not ended",
                count=cells.count(i),
            )
    if answer.note:
        source.find("R106", answer.note, column=column.name, fix="Declare dates in study.yaml to be sure.")
        source.repair(
            "R106",
            row=int(cells.rows[0]),
            column=column.name,
            before="text",
            after="date",
            reason=answer.note,
            count=len(cells.rows),
        )


def _month(cells: Cells, column: Column) -> pd.DatetimeIndex:
    answer, inside = parse_months(cells.texts, cells.source.declared.date_format(column.name))
    _report_dates(cells, column, answer)
    if inside:
        cells.source.find("R106", "dates inside a month taken as that month", rows=cells.rows_of(inside), column=column.name)
        for i in inside[:50]:
            cells.source.repair(
                "R106",
                row=cells.first_row(i),
                column=column.name,
                before=cells.texts[i],
                after=f"{answer.values[i]:%Y-%m}",
                reason="month of the date",
                count=cells.count(i),
            )
    return cells.spread(answer.values)


def _period(cells: Cells, column: Column) -> pd.DatetimeIndex | np.ndarray:
    """Whole numbers stay numbers, unless every one is a month written as 202201."""
    given = [text for text, gone in zip(cells.texts, cells.missing, strict=True) if not gone and text.casefold() != "never"]
    whole = all(re.fullmatch(r"-?\d{1,9}(?:\.0+)?", text) for text in given)
    compact = bool(given) and all(re.fullmatch(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])", text) for text in given)
    cells.missing |= np.array([text.casefold() == "never" for text in cells.texts], dtype=bool)
    if given and whole and not compact:
        return _int(cells, column)
    cells.texts = ["" if gone else text for text, gone in zip(cells.texts, cells.missing, strict=True)]
    return _month(cells, column)


_CONVERT: dict[str, Callable[[Cells, Column], object]] = {
    "id": _id,
    "text": to_text,
    "float": _float,
    "int": _int,
    "bool": to_bool,
    "date": _date,
    "month": _month,
    "period": _period,
    "level": to_level,
    "category": to_category,
}
