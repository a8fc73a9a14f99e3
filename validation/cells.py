"""What is run: cells, replicates and seeds from validate.toml, typed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["HERE", "Batch", "Cell", "Plan", "Table", "read_plan"]

HERE = Path(__file__).resolve().parent
KINDS = ("careers", "strained", "rates", "surveys", "projects", "cohort", "incidents", "people", "equity", "gaps", "delivery", "costs")


@dataclass(frozen=True)
class Batch:
    """Analyses of the first ``replicates`` cohorts of a cell, shown in ``table``; claimed: those that the report would call right here."""

    table: str
    analyses: tuple[str, ...]
    replicates: int
    claimed: tuple[str, ...] = ()
    needs: str = ""  # a function that has to exist


@dataclass(frozen=True)
class Cell:
    """One world with its seed. truth: the hazard ratio, or the name of a row of results/truths.csv; truths: of single analyses."""

    id: str
    label: str
    kind: str
    seed: int
    world: dict[str, Any]
    batches: tuple[Batch, ...]
    truth: float | str = 1.0
    truths: dict[str, float | str] = field(default_factory=dict)

    def truth_of(self, analysis: str) -> float | str:
        return self.truths.get(analysis, self.truth)


@dataclass(frozen=True)
class Table:
    id: str
    title: str
    about: str


@dataclass(frozen=True)
class Plan:
    note: str
    tables: tuple[Table, ...]
    cells: tuple[Cell, ...]

    def cell(self, name: str) -> Cell:
        return next(cell for cell in self.cells if cell.id == name)


def read_plan(path: Path = HERE / "validate.toml") -> Plan:
    """The plan; doubled ids or seeds, unknown tables and kinds are refused."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = tuple(Table(**table) for table in content["tables"])
    cells = []
    for entry in content["cells"]:
        batches = tuple(
            Batch(b["table"], tuple(b["analyses"]), int(b["replicates"]), tuple(b.get("claimed", ())), b.get("needs", "")) for b in entry["batches"]
        )
        cells.append(Cell(entry["id"], entry["label"], entry.get("kind", "careers"), int(entry["seed"]), entry.get("world", {}), batches,
                          entry.get("truth", 1.0), entry.get("truths", {})))
    known = {table.id for table in tables}
    for cell in cells:
        if cell.kind not in KINDS or any(batch.table not in known for batch in cell.batches):
            raise ValueError(f"Cell {cell.id}: unknown kind or table.")
        for batch in cell.batches:
            if not set(batch.claimed) <= set(batch.analyses):
                raise ValueError(f"Cell {cell.id} claims an analysis that it does not run.")
    # equity is asked of the cohorts of careers and collaboration
    ids, seeds = [cell.id for cell in cells], [cell.seed for cell in cells if cell.kind not in ("cohort", "incidents", "equity")]
    if len(set(ids)) < len(ids) or len(set(seeds)) < len(seeds):
        raise ValueError("Two cells share one id or one seed.")
    return Plan(content["note"], tables, tuple(cells))
