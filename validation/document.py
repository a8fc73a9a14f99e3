"""docs/validation.md, from the plan and the stored results."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pandas as pd

from validation.analyses import LABELS
from validation.cells import HERE, Cell, Plan, Table
from validation.cost_cohorts import COST_LABELS
from validation.delivery_cohorts import DELIVERY_DIFFERENCES
from validation.gap_cohorts import GAP_DIFFERENCES
from validation.people_cohorts import PEOPLE_DIFFERENCES
from validation.project_analyses import MEANS
from validation.rates_analyses import ON_THE_RATE
from validation.run import stored
from validation.survey_analyses import IN_POINTS
from validation.tables import SUMMARY, markdown, summarise
from validation.truths import read_truths
from validation.whole_cohorts import WHOLE_LABELS

__all__ = ["document", "read_results", "renew_results", "true_value", "write_document"]

RESULTS = HERE / "results" / "results.csv"
DOCUMENT = HERE.parent / "docs" / "validation.md"
IN_MONTHS = frozenset({"rmst_iptw"})


def true_value(cell: Cell, analysis: str) -> float:
    """The truth of a row on the scale of analysis."""
    truth = cell.truth_of(analysis)
    if isinstance(truth, str):
        return read_truths()[truth][0]
    return math.log(truth)  # also of a difference: no effect on the hazard is none in months


def read_results(path: Path = RESULTS) -> pd.DataFrame:
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=SUMMARY)


def renew_results(plan: Plan, out: Path, path: Path = RESULTS) -> pd.DataFrame:
    """Replace the stored summary of what ``out`` holds at least as many replicates of, so that a short trial does not undo a long run."""
    kept = read_results(path)
    fresh = []
    for cell in plan.cells:
        for batch in cell.batches:
            frame = stored(out, cell, batch)
            if not len(frame):
                continue
            parts = [summarise(part, true_value(cell, str(name))) for name, part in frame.groupby("analysis", sort=False)]
            fresh.append(pd.concat(parts).assign(cell=cell.id, table=batch.table)[SUMMARY])
    if fresh:
        new = pd.concat(fresh, ignore_index=True)
        keys = ["cell", "table", "analysis"]
        before = kept.set_index(keys)["replicates"].reindex(new.set_index(keys).index).fillna(0).to_numpy()
        new = new[new["replicates"].to_numpy() >= before]
        old = kept[~kept.set_index(keys).index.isin(new.set_index(keys).index)]
        kept = pd.concat([old, new], ignore_index=True) if len(old) else new
        kept.to_csv(path, index=False, float_format="%.6g")
    return kept


def _table_text(plan: Plan, table: Table, results: pd.DataFrame, reading: str) -> str:
    claimed, planned, wanted = {}, {}, []
    for cell in plan.cells:
        for batch in cell.batches:
            if batch.table == table.id:
                for analysis in batch.analyses:
                    wanted.append((cell.id, analysis))
                    claimed[cell.id, analysis] = analysis in batch.claimed
                    planned[cell.id, analysis] = batch.replicates
    here = results[results["table"] == table.id].set_index(["cell", "analysis"], drop=False)
    rows = here.loc[[key for key in wanted if key in here.index]].reset_index(drop=True)
    parts = [f"## {table.title}", "", table.about, ""]
    if reading:
        parts += [reading.strip(), ""]
    if len(rows):
        chapters = PEOPLE_DIFFERENCES | GAP_DIFFERENCES | DELIVERY_DIFFERENCES | frozenset(COST_LABELS)
        differences = IN_MONTHS | ON_THE_RATE | IN_POINTS | MEANS | chapters
        parts += [markdown(rows, LABELS | WHOLE_LABELS, {cell.id: cell.label for cell in plan.cells}, claimed, planned, differences), ""]
    lacking: dict[str, list[str]] = {}
    for cell, analysis in wanted:
        if (cell, analysis) not in here.index:
            lacking.setdefault(analysis, []).append(plan.cell(cell).label)
    if lacking:
        said = "; ".join(f"{(LABELS | WHOLE_LABELS)[name]} ({', '.join(cells)})" for name, cells in lacking.items())
        parts += [f"Planned and not yet run: {said}.", ""]
    return "\n".join(parts)


def document(plan: Plan, results: pd.DataFrame) -> str:
    """The text of docs/validation.md."""
    words = tomllib.loads((HERE / "readings.toml").read_text(encoding="utf-8"))
    parts = ["# Validation", "", words["opening"].strip(), "", plan.note.strip(), ""]
    parts += [_table_text(plan, table, results, words["tables"].get(table.id, "")) for table in plan.tables]
    parts += ["## What the report says when it meets such data", "", words["warnings"].strip(), ""]
    truths = "; ".join(f"{name} {truth:.4f} ± {error:.4f}" for name, (truth, error) in read_truths().items())
    parts += ["## Truths found by simulation", "", words["truths"].strip() + f" {truths}.", ""]
    return "\n".join(parts)


def write_document(plan: Plan) -> None:
    DOCUMENT.write_text(document(plan, read_results()), encoding="utf-8")
