"""Names and values of an export: which column is which of ours, and which text means what."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.columns import plain_name
from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.study.document import did_you_mean
from mentorship_eval.errors import listing

__all__ = ["fill_constants", "find_column", "has", "needed", "rescale", "resolve", "set_values", "texts", "translate"]


_SHARE = 1.5


def has(source: Source, name: str) -> bool:
    """Whether the export holds a column for this name of ours or of the recipe."""
    return name in source.theirs


def texts(source: Source, name: str) -> np.ndarray:
    """The cells of a column, by our name or the recipe's."""
    return source.raw[source.theirs[name]].to_numpy(dtype=object)


def find_column(alternatives: list[str], present: list[str]) -> str | None:
    """The first of the alternatives that is there, spelt so or with other capitals, blanks and hyphens."""
    plain: dict[str, str] = {}
    for name in present:
        plain.setdefault(plain_name(name), name)
    return next((found for name in alternatives if (found := name if name in present else plain.get(plain_name(name)))), None)


def resolve(source: Source, table: TableRecipe) -> bool:
    """Fill ``source.theirs`` for columns of ours and helpers; False when a column that study.yaml names is not there (E004)."""
    present = [str(name) for name in source.raw.columns]
    declared, ok = source.declared.columns, True
    for name in table.names:
        if name in source.theirs:
            continue  # replaced through the key file, or made of a date of birth
        wanted = declared.get(name)
        if wanted is not None and wanted not in present:
            ok = False
            row = source.declared.header_row
            source.find("E004", f"there is no column {wanted!r} (declared for {name})", rows=row, column=wanted, fix=did_you_mean(wanted, present))
            continue
        alternatives = [wanted] if wanted else [*table.columns.get(name, []), *table.helpers.get(name, []), name]
        found = find_column(alternatives, present)
        if found is not None:
            source.theirs[name] = found
    for column in source.table.columns:  # our own names are understood in any export
        if column.name not in source.theirs and not table.reshapes:
            found = find_column([declared.get(column.name, column.name)], present)
            if found is not None and found not in source.theirs.values():
                source.theirs[column.name] = found
    return ok and _allowed(source, table) and _everywhere(source)


def _allowed(source: Source, table: TableRecipe) -> bool:
    """E004 where a column of ours is taken from one that the recipe refuses."""
    ok = True
    for name, patterns in table.refused.items():
        found = source.theirs.get(name, "")
        why = next((why for pattern, why in patterns.items() if fnmatchcase(found.casefold(), pattern.casefold())), None)
        if found and why is not None:
            ok = False
            source.find("E004", f"{found} cannot be {name}: {why}", rows=source.declared.header_row, column=name, fix="Map another column.")
    return ok


def _everywhere(source: Source) -> bool:
    """E004 where a column that is used is in some files of the table and not in others."""
    ok = True
    for name, theirs in source.theirs.items():
        lacking = source.places.lacking(theirs)
        if lacking:
            ok = False
            first = source.places.starts[source.places.files.index(lacking[0])]
            source.find(
                "E004",
                f"{len(lacking)} of {len(source.places)} files have no column {theirs!r} ({name}): {listing(lacking, 3)}",
                rows=first + source.declared.header_row,
                column=theirs,
                fix="Give every file the same header; a column without values has empty cells.",
            )
    return ok


def needed(source: Source, table: TableRecipe, names: list[str], recipe: str) -> bool:
    """E004 for names without which the table cannot be made: what the recipe looks for, and what there is."""
    ok = True
    spare = [str(name) for name in source.raw.columns if name not in source.theirs.values()]
    for name in names:
        if has(source, name) or name in source.declared.columns:
            continue
        ok = False
        looked = [*table.columns.get(name, []), *table.helpers.get(name, []), *(table.key.columns.get(name, []) if table.key else [])]
        there = f"There are: {', '.join(spare[:12])}{', ...' if len(spare) > 12 else ''}. " if spare else ""
        source.find(
            "E004",
            f"no column for {name}: the recipe {recipe} looks for {listing([repr(item) for item in looked] or [repr(name)], 6)}",
            rows=source.declared.header_row,
            column=name,
            fix=f"{there}Say which one it is: columns: {{{name}: THEIR NAME}}.",
        )
    return ok


def fill_constants(source: Source, table: TableRecipe) -> None:
    """Columns that the export does not have and the recipe knows."""
    for name, value in table.constants.items():
        if not has(source, name):
            source.raw[name] = value
            source.theirs[name] = name


def rescale(source: Source, table: TableRecipe) -> None:
    """Numbers in another unit, such as per cent of full time. What is not a number is left to the checks.

    Shares are not divided again: a factor below 1 is not applied to a column without a value above 1.5.
    """
    for name, factor in table.scale.items():
        if not has(source, name):
            continue
        column = source.theirs[name]
        codes, uniques = pd.factorize(source.raw[column].to_numpy(dtype=object))
        bare = pd.to_numeric(pd.Series([str(text).strip().removesuffix("%").strip() for text in uniques], dtype=object), errors="coerce")
        if factor < 1 and not (bare > _SHARE).any():
            continue
        # fifteen digits: 0.55 and not 0.55000000000000004
        new = [str(text) if np.isnan(value) else f"{value * factor:.15g}" for text, value in zip(uniques, bare, strict=True)]
        changed = [i for i, (old, text) in enumerate(zip(uniques, new, strict=True)) if old != text]
        _log(source, name, codes, [str(text) for text in uniques], new, changed, f"in our unit, times {factor:g}")
        source.raw[column] = np.array(new, dtype=object)[codes] if len(uniques) else source.raw[column]


def set_values(source: Source, table: TableRecipe) -> None:
    """Values that follow from other columns of the row."""
    for rule in table.set:
        if not all(has(source, name) for name in (rule.column, *rule.when)):
            continue
        hit = np.ones(len(source.raw), dtype=bool)
        for name, wanted in rule.when.items():
            folded = {text.casefold() for text in wanted}
            hit &= np.array([str(text).casefold() in folded for text in texts(source, name)], dtype=bool)
        column = source.theirs[rule.column]
        hit &= (source.raw[column] != rule.to).to_numpy()
        if not hit.any():
            continue
        rows = source.raw.index[hit]
        why = f"because of {listing([source.theirs[name] for name in rule.when if name != rule.column] or list(rule.when))}"
        for old in pd.unique(source.raw.loc[rows, column]):
            own = rows[(source.raw.loc[rows, column] == old).to_numpy()]
            source.repair("R128", row=int(own[0]), column=rule.column, before=old, after=rule.to, reason=why, count=len(own))
        source.find("R128", f"{rule.column} taken as {rule.to} {why}", rows=rows, column=rule.column)
        source.raw.loc[rows, column] = rule.to


def translate(source: Source, table: TableRecipe) -> dict[str, dict[str, str]]:
    """The value map of each column: the recipe's, with codes known by their beginning, under that of study.yaml. What it changes is logged."""
    maps: dict[str, dict[str, str]] = {name: dict(values) for name, values in source.declared.values.items()}
    for name in dict.fromkeys([*table.values, *table.prefixes]):
        mine = {key.strip().casefold(): value for key, value in source.declared.values.get(name, {}).items()}
        known = {key.strip().casefold(): value for key, value in table.values.get(name, {}).items()}
        result = {**table.values.get(name, {}), **source.declared.values.get(name, {})}
        result = {key: mine.get(key.strip().casefold(), value) for key, value in result.items()}
        if has(source, name):
            codes, uniques = pd.factorize(texts(source, name))
            old = [str(text) for text in uniques]
            for text in old:
                if text not in MISSING and text.strip().casefold() not in {*mine, *known}:
                    found = _by_prefix(table, name, text.strip())
                    if found is not None:
                        result[text] = found
            folded = {key.strip().casefold(): value for key, value in result.items()}
            new = [folded.get(text.strip().casefold(), text) for text in old]
            # what study.yaml maps was said by the user; a spelling is the checks' affair
            changed = [
                i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a.strip().casefold() not in mine and a.casefold() != b.casefold()
            ]
            _log(source, name, codes, old, new, changed, "as the recipe says")
        maps[name] = result
    return maps


def _by_prefix(table: TableRecipe, name: str, text: str) -> str | None:
    prefixes = table.prefixes.get(name)
    if prefixes is None or " " in text or not prefixes.length[0] <= len(text) <= prefixes.length[1]:
        return None
    known = [key for key in prefixes.map if text.upper().startswith(key.upper())]
    return prefixes.map[max(known, key=len)] if known else None


def _log(source: Source, name: str, codes: np.ndarray, old: list[str], new: list[str], changed: list[int], reason: str) -> None:
    """One repair line for each distinct text that changes, and one finding."""
    if not changed:
        return
    rows = source.raw.index
    for i in changed:
        own = rows[codes == i]
        source.repair("R128", row=int(own[0]), column=name, before=old[i], after=new[i], reason=reason, count=len(own))
    said = listing([f"{old[i][:40]} -> {new[i]}" for i in changed], 4)
    fix = f"values: {{{name}: {{THEIRS: OURS}}}} in study.yaml goes before the recipe."
    source.find("R128", f"{name} {reason}: {said}", rows=rows[np.isin(codes, changed)], column=name, fix=fix)
