"""Survey exports to scores: one row per answer becomes one row per answer and scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.items import check_scale, item_values, scored, turned
from mentorship_eval.cohort.recipes.mapping import find_column, has, texts
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.recipes.traced import replace_rows
from mentorship_eval.cohort.study.document import did_you_mean

__all__ = ["drop_label_rows", "link", "score_answers"]


def drop_label_rows(source: Source, table: TableRecipe) -> None:
    """Rows of labels below the header of each file, known by a mark in the last of them (R123)."""
    rule = table.label_rows
    if rule is None:
        return
    gone: list[int] = []
    for at in source.places.spans(source.raw.index):
        head = source.raw.iloc[at[: rule.count]]
        if len(head) == rule.count and head.iloc[-1].str.contains(rule.marker, regex=False).any():
            gone += [int(row) for row in head.index]
    if gone:
        source.raw = source.raw.drop(index=gone)
        source.find("R123", f"{rule.count} rows of labels below the header left out", rows=gone)
        for row in gone:
            source.repair("R123", row=row, before="row of labels", after="left out", reason="part of the header")


def link(source: Source, table: TableRecipe) -> bool:
    """Whether answers may carry the ``staff_id`` that they hold; ids without consent are taken away (R120), without any word of it E120."""
    rule = table.linkage
    if rule is None or not has(source, "staff_id") or rule.declared:
        return True
    filled = ~np.isin(texts(source, "staff_id").astype(str), list(MISSING))
    if not filled.any():
        return True
    if not has(source, "consent"):
        source.find(
            "E120",
            f"{int(filled.sum()):,} answers hold a {source.theirs['staff_id']}, and nothing says that people agreed to be joined to HR records",
            rows=source.raw.index[filled],
            column="staff_id",
            fix="Add a column linkage_consent (1 or yes); or, if the invitation said that answers are joined, declare it: "
            "settings: {linkage: {declared: true}}; or map the anonymous key alone, as anon_id.",
        )
        return False
    given = {text.casefold() for text in rule.given}
    agreed = np.array([str(text).strip().casefold() in given for text in texts(source, "consent")], dtype=bool)
    apart = filled & ~agreed
    if not apart.any():
        return True
    rows = source.raw.index[apart]
    if not has(source, "anon_id"):
        fix = "Map an anonymous key as anon_id, or leave these answers out."
        source.find("E120", f"{len(rows):,} answers hold an id without consent to linkage", rows=rows, column="staff_id", fix=fix)
        return False
    source.find("R120", f"{len(rows):,} answers without consent to linkage kept without their staff_id", rows=rows, column="staff_id")
    reason = "no consent to linkage"
    source.repair("R120", row=int(rows[0]), column="staff_id", before="id", after="taken away", reason=reason, count=len(rows))
    source.raw.loc[rows, source.theirs["staff_id"]] = ""
    return True


def score_answers(source: Source, table: TableRecipe) -> bool:
    """Make surveys of ``source.raw``; False when items are out of range or do not belong together (E118), or are not there (E004)."""
    if not table.scales:
        source.find(
            "E010",
            "the recipe cannot know which items make which scale",
            fix="Say so under settings: {scales: [{key: WHO-5, items: Q5_1 to Q5_5}]}; docs/recipes.md lists the scoring keys.",
        )
        return False
    n = len(source.raw)
    present = [str(name) for name in source.raw.columns]
    parts, origins, short, ok = [], [], 0, True
    common = {name: texts(source, name) for name in ("staff_id", "anon_id", "wave", "completed_on") if has(source, name)}
    if "staff_id" in common and "anon_id" in common:
        # a linked answer needs no second name
        linked = ~np.isin(common["staff_id"].astype(str), list(MISSING))
        common["anon_id"] = np.where(linked, "", common["anon_id"])
    for scale in table.scales:
        names = scale.items or [str(scale.column)]
        columns = [find_column([name], present) for name in names]
        absent = [name for name, column in zip(names, columns, strict=True) if column is None]
        if absent:
            ok = False
            source.find(
                "E004",
                f"{scale.instrument} {scale.subscale}: no column {', '.join(repr(name) for name in absent[:4])}",
                rows=source.declared.header_row,
                column=absent[0],
                fix=did_you_mean(absent[0], present),
            )
            continue
        found = [str(column) for column in columns]
        values = item_values(source, found, scale, table.missing_codes)
        if values is None or not check_scale(source, found, scale, values):
            ok = False
            continue
        score = scored(scale, values)
        begun = ~np.isnan(values).all(axis=1) & _complete(source, scale.complete, present)
        enough = begun & ~np.isnan(score)
        short += int((begun & ~enough).sum())
        part = pd.DataFrame({name: cells[enough] for name, cells in common.items()}, dtype=object)
        part["instrument"], part["subscale"], part["version"] = scale.instrument, scale.subscale, scale.version
        part["score"] = [f"{value:.10g}" for value in score[enough]]
        if scale.items:
            labels = [str(number) for number in scale.numbers or range(1, len(names) + 1)]
            source.items[scale.instrument, scale.subscale] = pd.DataFrame(turned(scale, values), index=source.raw.index.to_numpy(), columns=labels)
        parts.append(part)
        origins.append(source.raw.index.to_numpy()[enough])
    if not ok:
        return False
    return _together(source, parts, origins, n, short)


def _complete(source: Source, column: str | None, present: list[str]) -> np.ndarray:
    """Where an instrument has its own mark of completeness (REDCap: 2), only answers with it."""
    found = find_column([column], present) if column else None
    if found is None:
        return np.ones(len(source.raw), dtype=bool)
    return source.raw[found].isin(["2", "2.0", "Complete"]).to_numpy()


def _together(source: Source, parts: list[pd.DataFrame], origins: list[np.ndarray], n: int, short: int) -> bool:
    frame = pd.concat(parts, ignore_index=True)
    origin = np.concatenate(origins)
    first = int(source.raw.index[0])
    if frame.empty:
        source.find("E003", "no answer has a score", rows=first, fix="See the items of the scales, and settings: {missing_codes: [...]}.")
        return False
    source.find("R127", f"{n:,} answers scored on {len(parts)} scales: {len(frame):,} scores", rows=first)
    source.repair("R127", row=first, before=f"{n} answers", after=f"{len(frame)} scores", reason="one row per answer and scale", count=n)
    if short:
        source.find(
            "R127",
            f"{short:,} scores not made, because too few items were answered",
            rows=first,
            fix="The share of items that a scale needs is its answered: 1 unless told.",
        )
        source.repair("R127", row=first, before="items", after="no score", reason="too few items answered", count=short)
    source.step("answers scored: one row per answer and scale", n, len(frame) + short)
    source.step("too few items answered", len(frame) + short, len(frame))
    order = np.argsort(origin, kind="stable")
    replace_rows(source, frame.iloc[order].reset_index(drop=True), origin[order])
    return True
