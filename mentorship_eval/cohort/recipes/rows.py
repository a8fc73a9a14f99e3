"""Which rows of an export are kept: by status, and one of those that stand for the same thing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.dates import parse_dates, parse_months
from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.reading.repairs import short_hash
from mentorship_eval.cohort.recipes.mapping import has, texts
from mentorship_eval.cohort.recipes.models import Keep, OneRow, TableRecipe
from mentorship_eval.cohort.recipes.times import read_times
from mentorship_eval.errors import listing

__all__ = ["keep_one", "keep_rows", "leave_out"]


_LINES = 2000  # rows left out by one rule beyond which the repair log counts them by file


def leave_out(source: Source, rows: pd.Index | list[int], step: str) -> None:
    """Take rows away, with their step in the flow."""
    n = len(source.raw)
    source.raw = source.raw.drop(index=rows)
    source.step(step, n, len(source.raw))


def keep_rows(source: Source, table: TableRecipe) -> bool:
    """Filters of the recipe, in order; False when a text is in no list (E108)."""
    done = [_keep(source, name, rule) for name, rule in table.keep.items() if has(source, name)]
    return all(done)


def _keep(source: Source, name: str, rule: Keep) -> bool:
    codes, uniques = pd.factorize(texts(source, name))
    kept, gone = ({text.strip().casefold() for text in part} for part in (rule.keep, rule.leave_out))
    words = [str(text).strip().casefold() for text in uniques]
    neither = [i for i, word in enumerate(words) if word not in kept | gone]
    if neither and rule.others == "stop":
        shown = listing([repr(str(uniques[i])[:40]) for i in neither], 6)
        source.find(
            "E108",
            f"{shown}: the recipe does not say whether such rows are kept",
            rows=source.raw.index[np.isin(codes, neither)],
            column=name,
            fix=f"Say so under settings: {{keep: {{{name}: {{keep: [...], leave_out: [...]}}}}}}; a list given there replaces the recipe's.",
        )
        return False
    out = [i for i, word in enumerate(words) if word in gone or (word not in kept and rule.others == "leave_out")]
    if not out:
        return True
    rows = source.raw.index[np.isin(codes, out)]
    said = listing([repr(str(uniques[i])[:40]) for i in out], 4)
    column = source.theirs[name]
    source.find("R128", f"rows whose {column} is {said} left out", rows=rows, column=name)
    for i in out:
        own = source.raw.index[codes == i]
        reason = f"the recipe leaves out this {column}"
        source.repair("R128", row=int(own[0]), column=name, before=uniques[i], after="left out", reason=reason, count=len(own))
    leave_out(source, rows, f"{column}: {said}")
    return True


def keep_one(source: Source, table: TableRecipe) -> bool:
    """One row of those that stand for the same thing; False when rows that should agree do not (E101)."""
    return all(_one(source, rule) for rule in table.one_row_per if all(has(source, name) for name in rule.by))


def _one(source: Source, rule: OneRow) -> bool:
    raw = source.raw
    keys = pd.DataFrame({name: texts(source, name) for name in rule.by}, index=raw.index)
    # a row without its key stands for itself
    whole = ~keys.isin(MISSING).any(axis=1).to_numpy()
    group = np.where(whole, keys.groupby(rule.by, sort=False).ngroup().to_numpy(), -1 - np.arange(len(raw)))
    size = pd.Series(group).groupby(group).transform("size").to_numpy()
    if not (size > 1).any():
        return True
    if not _agree(source, rule, group, size > 1):
        return False
    rank = _rank(source, rule)
    best = pd.Series(rank).groupby(group).transform("max").to_numpy()
    top = rank == best
    if rule.ties == "all":
        kept = top
    else:
        first = pd.Series(np.where(top, np.arange(len(raw)), len(raw))).groupby(group).transform("min").to_numpy()
        kept = np.arange(len(raw)) == first
    gone = raw.index[~kept]
    if not len(gone):
        return True
    _tell(source, rule, group, kept, gone)
    if rule.add_up is not None and has(source, rule.add_up):
        _add_up(source, rule.add_up, group, kept)
    leave_out(source, gone, rule.reason)
    return True


def _add_up(source: Source, name: str, group: np.ndarray, kept: np.ndarray) -> None:
    """The kept row gets the sum over its group, capped; where a cell is no number nothing is changed, and the checks find it."""
    cap = float(source.reading.study.rules.wte_cap)
    values = pd.to_numeric(pd.Series(texts(source, name), dtype=object), errors="coerce").to_numpy(dtype="float64")
    whole = pd.Series(np.isnan(values)).groupby(group).transform("sum").to_numpy() == 0
    total = np.where(whole, np.minimum(pd.Series(values).groupby(group).transform("sum").to_numpy(), cap), np.nan)
    change = kept & ~np.isnan(total) & (np.abs(total - values) > 1e-9) & (pd.Series(group).groupby(group).transform("size").to_numpy() > 1)
    for at in np.flatnonzero(change):
        row, new = int(source.raw.index[at]), f"{total[at]:.10g}"
        source.repair("R102", row=row, column=name, before=f"{values[at]:g}", after=new, reason=f"sum over concurrent posts, up to {cap:g}")
        source.raw.loc[row, source.theirs[name]] = new


def _rank(source: Source, rule: OneRow) -> np.ndarray:
    """A number for each row, the largest of which is kept; rows without a value come last."""
    n = len(source.raw)
    if rule.worst is not None:
        (name, order), *_ = rule.worst.items()
        if not has(source, name):
            return np.zeros(n)
        places = {text.strip().casefold(): -i for i, text in enumerate(order)}
        return np.array([places.get(str(text).strip().casefold(), -len(places)) for text in texts(source, name)], dtype="float64")
    by = rule.largest or rule.latest or rule.earliest
    if by is None or not has(source, by):
        return np.zeros(n)
    codes, uniques = pd.factorize(texts(source, by))
    words = [str(text) for text in uniques]
    values = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").to_numpy(dtype="float64")
    if rule.largest is None and np.isnan(values[[word not in MISSING for word in words]]).any():
        # not all plain numbers (such as 202310 or a revision): times, days or months; what cannot be read is found by the checks that follow
        declared = source.declared.date_format(by)
        times = pd.DatetimeIndex(read_times(words, declared)[0].astype("datetime64[ns]"))
        days = parse_dates(words, declared, open_end=True).values
        days = days.where(~days.isna(), parse_months(words, declared)[0].values)
        found = times.where(~times.isna(), days)
        values = np.where(found.isna(), np.nan, found.asi8.astype("float64"))
    values = -values if rule.earliest is not None else values
    return np.where(np.isnan(values), -np.inf, values)[codes]


def _agree(source: Source, rule: OneRow, group: np.ndarray, several: np.ndarray) -> bool:
    ok = True
    for name in rule.must_agree:
        if not has(source, name):
            continue
        cells = pd.Series([None if text in MISSING else str(text).strip().casefold() for text in texts(source, name)], dtype=object)
        differ = (cells.groupby(group).transform("nunique") > 1).to_numpy() & several
        if not differ.any():
            continue
        ok = False
        who = pd.unique(texts(source, rule.by[0])[differ])
        source.find(
            "E101",
            f"{rule.by[0]} {listing([short_hash(value) for value in who], 3)}: rows disagree on {source.theirs[name]}",
            rows=source.raw.index[differ],
            column=name,
            fix="Correct the rows, or give each its own key.",
        )
    return ok


def _tell(source: Source, rule: OneRow, group: np.ndarray, kept: np.ndarray, gone: pd.Index) -> None:
    """The finding; a repair line for each row, or for each file; and how many lost a value that differed."""
    lost = []
    for name in source.theirs:
        if name in rule.by or name not in source.table:
            continue
        cells = pd.Series(texts(source, name))
        differ = (cells.groupby(group).transform("nunique") > 1).to_numpy() & ~kept
        if differ.any():
            number = len(pd.unique(group[differ]))
            lost.append(f"{source.theirs[name]} of {number}")
            source.repair(
                rule.code,
                row=int(source.raw.index[differ][0]),
                column=name,
                before="a different value",
                after="not used",
                reason=rule.reason,
                count=int(differ.sum()),
            )
    differing = f"; values that differed and are not used: {listing(lost, 4)}" if lost else ""
    what = " and ".join(rule.by)
    source.find(rule.code, f"one row kept for each {what}: {rule.reason}{differing}", rows=gone, column=rule.by[0])
    if not rule.each or len(gone) > _LINES:
        for _, rows in _by_file(source, gone):
            reason = f"{rule.reason} (rows of this file)"
            source.repair(rule.code, row=int(rows[0]), before="rows", after="left out", reason=reason, count=len(rows))
        return
    first = pd.Series(np.where(kept, source.raw.index.to_numpy(), -1)).groupby(group).transform("max").to_numpy()
    for row, of in zip(gone, first[~kept], strict=True):
        reason = f"{rule.reason}; row {source.places.row_of(int(of))} is kept"
        source.repair(rule.code, row=int(row), before="row", after="left out", reason=reason)


def _by_file(source: Source, rows: pd.Index) -> list[tuple[int, np.ndarray]]:
    number = source.places.number_of(rows)
    return [(int(k), rows.to_numpy()[number == k]) for k in np.unique(number)]
