"""Variables described by group at time zero: counts with shares, means or medians, missing values, standardised differences.

Nothing is tested. A p-value in a table of baseline characteristics asks whether chance explains a difference between groups that no lot
made, or that a lot did make; in neither case does the answer tell how much the groups differ (Altman 1985, The Statistician 34:125-136;
STROBE, item 14). Smallest and largest values are never told: they are somebody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.questions.baseline.differences import largest_of_pairs

__all__ = ["Variable", "arm_columns", "described"]

SKEWED = 1.0  # skewness from which a median tells more than a mean
_MOST_LEVELS = 8  # more are joined: a table is read, and a rare level is withheld anyway
_JOINED, _MISSING = "Other levels", "Missing"


@dataclass(frozen=True)
class Variable:
    """name: column; label: as printed, with its unit; kind: "number", "category" or "flag" (yes or no, told by one row)."""

    name: str
    label: str
    kind: str = "category"


def arm_columns(arm: str) -> dict[str, str]:
    """Names of the columns of one group: n, share, middle (mean or median), sd, low and high (quartiles), known, rest."""
    return {part: f"{part}_{arm}" for part in ("n", "share", "middle", "sd", "low", "high", "known", "rest")}


def described(
    rows: pd.DataFrame, arm: str, names: dict[str, str], variables: Sequence[Variable], *, fewest: int = 1, unit: str = "People"
) -> pd.DataFrame:
    """One row for each level of a category, for a flag, for a number, and for what is missing of each.

    rows: one a person (or department); arm: the column of groups; names: group to the ending of its columns, in their order. fewest: levels
    with fewer in some group are joined where there are several; unit: what a row is. Columns: characteristic, level ("" for a variable as a whole),
    statistic, those of `arm_columns` by group, smd (of the variable, at its first row: the largest of all pairs of groups), n_all;
    adds_up (rows of one name add up to the group), fewest (the smallest count other than none behind smd). Shares are of
    all of the group, what is missing included; means and medians of those known.
    """
    groups = rows[arm]
    table = [_line(unit, "", "n", {name: {"n": int((groups == name).sum())} for name in names})]
    for variable in variables:
        values, numeric = rows[variable.name], variable.kind == "number"
        if not numeric:
            values = _flags(values) if variable.kind == "flag" else _joined(values.astype(object), groups, list(names), fewest)
        make = {"number": _number, "flag": _flag}.get(variable.kind, _category)
        lines = [*make(variable, values, groups, list(names)), *_missing(variable, values, groups, list(names))]
        lines[0]["smd"] = largest_of_pairs(values, groups, list(names), numeric=numeric)
        # what is missing is a level of a category, and no part of a difference of means
        lines[0]["fewest"] = _fewest(lines[:1] if numeric else lines)
        table += lines
    return _frame(table, names)


def _line(characteristic: str, level: str, statistic: str, cells: dict[str, dict[str, float]], adds_up: str = "") -> dict[str, object]:
    return {"characteristic": characteristic, "level": level, "statistic": statistic, "cells": cells, "adds_up": adds_up}


def _fewest(lines: list[dict[str, object]]) -> float:
    counts = [value for line in lines for cell in line["cells"].values() for part, value in cell.items() if part in ("n", "known", "rest")]  # type: ignore[attr-defined]
    return float(min((count for count in counts if count > 0), default=np.nan))


def _number(variable: Variable, values: pd.Series, groups: pd.Series, names: list[str]) -> list[dict[str, object]]:
    values = pd.to_numeric(values).astype(float)
    skewed = abs(float(values.skew())) > SKEWED
    cells: dict[str, dict[str, float]] = {}
    for name in names:
        known = values[groups == name].dropna()
        cells[name] = {"known": len(known)}
        if len(known):
            cells[name] |= {"middle": float(known.median() if skewed else known.mean())}
            cells[name] |= {"low": float(known.quantile(0.25)), "high": float(known.quantile(0.75))} if skewed else {"sd": float(known.std(ddof=1))}
    return [_line(variable.label, "", "median (IQR)" if skewed else "mean (SD)", cells)]


def _flags(values: pd.Series) -> pd.Series:
    return values.map(lambda value: None if pd.isna(value) else bool(value)).astype(object)


def _flag(variable: Variable, values: pd.Series, groups: pd.Series, names: list[str]) -> list[dict[str, object]]:
    yes, known = values.eq(True), values.notna()
    cells = {name: _share(yes, groups == name) for name in names}
    for name in names:
        # the row tells those who are not counted in it too
        cells[name] |= {"known": int((known & (groups == name)).sum()), "rest": int((known & ~yes & (groups == name)).sum())}
    return [_line(variable.label, "", "n (%)", cells)]


def _joined(values: pd.Series, groups: pd.Series, names: list[str], fewest: int) -> pd.Series:
    """``values`` with levels joined that are rare in some group, or beyond the number that a table bears; a single one stays as it is."""
    counts = pd.crosstab(values[values.notna()], groups[values.notna()]).reindex(columns=names, fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    rare = ((counts > 0) & (counts < fewest)).any(axis=1)
    if len(counts) > _MOST_LEVELS:
        rare |= np.arange(len(counts)) >= _MOST_LEVELS - 1
    return values.where(~values.isin(counts.index[rare]), _JOINED) if rare.sum() > 1 else values


def _category(variable: Variable, values: pd.Series, groups: pd.Series, names: list[str]) -> list[dict[str, object]]:
    counts = values.value_counts()
    # years and the like stand in their own order, names by how often they come
    ranked = all(str(level).replace(".", "", 1).isdigit() for level in counts.index if level != _JOINED)
    order = sorted(counts.index, key=lambda level: (level == _JOINED, 0 if ranked else -counts[level], str(level)))
    lines = [_line(variable.label, "", "n (%)", {name: {} for name in names}, variable.name)]
    for level in order:
        cells = {name: _share(values == level, groups == name) for name in names}
        lines.append(_line(variable.label, _words(level), "n (%)", cells, variable.name))
    return lines


def _missing(variable: Variable, values: pd.Series, groups: pd.Series, names: list[str]) -> list[dict[str, object]]:
    if values.notna().all():
        return []
    cells = {name: _share(values.isna(), groups == name) for name in names}
    return [_line(variable.label, _MISSING, "n (%)", cells, variable.name if variable.kind == "category" else "")]


def _share(here: pd.Series, group: pd.Series) -> dict[str, float]:
    n, size = int((here & group).sum()), int(group.sum())
    return {"n": n, "share": n / size if size else np.nan}


def _words(level: object) -> str:
    text = str(level).replace("_", " ")
    return text[:1].upper() + text[1:]


def _frame(table: list[dict[str, object]], names: dict[str, str]) -> pd.DataFrame:
    out: list[dict[str, object]] = []
    for line in table:
        row = {key: line[key] for key in ("characteristic", "level", "statistic")}
        cells: dict[str, dict[str, float]] = line["cells"]  # type: ignore[assignment]
        for name, ending in names.items():
            row |= {column: cells[name].get(part, np.nan) for part, column in arm_columns(ending).items()}
        counts = [cells[name].get("n", np.nan) for name in names]
        row |= {"smd": line.get("smd", np.nan), "n_all": np.sum(counts), "adds_up": line["adds_up"] or f"alone {len(out)}",
                "fewest": line.get("fewest", np.nan)}  # fmt: skip
        out.append(row)
    frame = pd.DataFrame(out)
    empty = [c for name in names.values() for part, c in arm_columns(name).items() if part not in ("n", "share", "known") and frame[c].isna().all()]
    return frame.drop(columns=empty)
