"""Flow of records: what was read, what was left out and why, what was kept, and what was analysed in each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.flow_page import below, beside
from mentorship_eval.display.frames import check_columns, is_blank
from mentorship_eval.display.style import house_style
from mentorship_eval.display.words import count, lower_first, sentence

__all__ = ["Stage", "flow_diagram"]

_WHAT = "flow_diagram(flow)"


@dataclass(frozen=True)
class Stage:
    """One step (or table): counts as text; out and added: (count, reason); checked: reasons that nothing was left out for."""

    label: str
    read: str
    kept: str
    out: tuple[tuple[str, str], ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    checked: tuple[str, ...] = ()


@redrawn
def flow_diagram(
    flow: pd.DataFrame,
    arms: pd.DataFrame | None = None,
    *,
    unit: str = "rows",
    start_label: str = "Read",
    end_label: str = "Kept",
    title: str | None = None,
    note: str = "",
    name: str = "flow_diagram",
) -> Drawn:
    """Boxes after the manner of CONSORT and STROBE, from a table that reconciles.

    flow: step (or table), reason, removed, kept; one row per reason, in order. Rows of one step stand in
        one side box; ``kept`` of its last row is what goes on. With ``table`` in place of ``step`` every
        table has its own line, read at the left and kept at the right. Optional ``read`` (or ``start``):
        rows before the step; without it the count is kept + removed where both are numbers. Optional ``added``:
        rows that the step made, told in the same box. Counts may
        be text such as ``<10``. A row without reason and removed (0 or missing) removes nothing; steps that removed nothing at all are
        named in one box and have none of their own.
    arms: group, n, and what else is told of it (``detail``, text; ``unit`` where it is not that of the flow): a box each at the foot, for what
        was analysed. start_label, end_label: of the first and the last box.
    """
    by = "table" if isinstance(flow, pd.DataFrame) and "table" in flow.columns and "step" not in flow.columns else "step"
    flow = check_columns(flow, (by, "reason", "removed", "kept"), _WHAT)
    if arms is not None:
        arms = check_columns(arms, ("group", "n"), "flow_diagram(arms)")
    stages = [_stage(str(label), rows) for label, rows in flow.groupby(by, sort=False)]
    groups = [] if arms is None else [_group(row, unit) for row in arms.to_dict("records")]
    with house_style():
        if by == "table":
            figure = beside(stages, unit, "" if start_label == "Read" else lower_first(start_label), lower_first(end_label))
        else:
            figure = below(stages, unit, start_label, end_label, groups)
    words = [_told(stage, unit, lower_first(end_label) if by == "table" else "kept") for stage in stages]
    words += [f"{group}: {', '.join(filter(None, [number, detail]))}" for group, number, detail in groups]
    told = f"Flow of records: {unit} read, removed by reason, and kept"
    if end_label != "Kept":
        told = f"Flow of {unit}: {lower_first(start_label)}, left out by reason, and {lower_first(end_label)}"
    caption = sentence(title, told, note)
    return Drawn(figure, caption, sentence("Flow diagram", *words), {"flow": flow, **({} if arms is None else {"arms": arms})}, name)


def _told(stage: Stage, unit: str, end: str) -> str:
    out = "; ".join(f"{number} {reason}" for number, reason in stage.out) or "none"
    more = f", added: {'; '.join(f'{number} {reason}' for number, reason in stage.added)}" if stage.added else ""
    return f"{stage.label}: {stage.read} {unit}, removed: {out}{more}; {end} {stage.kept}"


def _group(row: Mapping[Any, Any], unit: str) -> tuple[str, str, str]:
    detail = row.get("detail", "")
    return str(row["group"]), f"{count(row['n'])} {row.get('unit', unit)}", "" if is_blank(detail) else str(detail)


def _stage(label: str, rows: pd.DataFrame) -> Stage:
    changes: dict[str, list[tuple[str, str]]] = {"removed": [], "added": []}
    checked = []
    for row in rows.to_dict("records"):
        if is_blank(row["reason"]):
            continue
        some = [kind for kind in changes if kind in row and not is_blank(row[kind]) and count(row[kind]) != "0"]
        for kind in some:
            changes[kind].append((count(row[kind]), str(row["reason"])))
        if not some:
            checked.append(str(row["reason"]))
    read = next((rows[column].iloc[0] for column in ("read", "start") if column in rows.columns), None)
    if is_blank(read):
        removed = pd.to_numeric(rows["removed"].fillna(0), errors="coerce")
        last = pd.to_numeric(rows["kept"], errors="coerce").iloc[-1]
        # a suppressed count leaves the sum unknown: it must not be worked out here
        read = float(removed.sum() + last) if removed.notna().all() and not np.isnan(last) else None
    return Stage(label, count(read), count(rows["kept"].iloc[-1]), tuple(changes["removed"]), tuple(changes["added"]), tuple(checked))
