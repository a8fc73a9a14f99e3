"""Replicates of a cell on two processes, with checkpoints: a run that was stopped goes on where it was.

Replicate number r of a cell is drawn from SeedSequence(seed of the cell, spawn_key=(r,)), whichever analyses are asked for and in
whatever order, so that analyses added later meet the same cohorts.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import validation.rates_analyses  # noqa: F401 (adds its analyses)
from mentorship_eval.errors import EstimationError
from validation.analyses import ANALYSES, Followed, Found, analyse
from validation.cells import Batch, Cell
from validation.project_analyses import Begun
from validation.project_worlds import ProjectWorld, draw_projects
from validation.rates_fits import Counted
from validation.rates_worlds import RateWorld, draw_rates
from validation.strained import StrainedWorld, draw_strained
from validation.survey_analyses import Surveyed
from validation.survey_worlds import SurveyWorld, draw_survey
from validation.whole_cohorts import WHOLE
from validation.worlds import World, draw

__all__ = ["COLUMNS", "replicate", "run_batch", "stored"]

COLUMNS = ["replicate", "analysis", "value", "se", "low", "high", "p", "truth", "problem", "seconds"]
CHUNK = 40


def columns_of(cell: Cell) -> list[str]:
    """Panels of counts also keep what the report would say."""
    return [*COLUMNS, "said"] if cell.kind == "rates" else COLUMNS


def cohort_of(cell: Cell, number: int, offset: int = 0) -> Followed | Counted | Surveyed | Begun:
    """The cohort of one replicate; ``offset`` moves to other seeds, for trials."""
    rng = np.random.default_rng(np.random.SeedSequence(cell.seed + offset, spawn_key=(number,)))
    if cell.kind == "rates":
        return Counted(draw_rates(RateWorld(**_tuples(cell.world)), rng))
    if cell.kind == "surveys":
        return Surveyed(draw_survey(SurveyWorld(**_tuples(cell.world)), rng))
    if cell.kind == "projects":
        return Begun(draw_projects(ProjectWorld(**_tuples(cell.world)), rng))
    if cell.kind == "strained":
        return Followed(draw_strained(StrainedWorld(**_tuples(cell.world)), rng))
    return Followed(draw(World(**_tuples(cell.world)), rng))


def _tuples(world: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in world.items()}


def replicate(cell: Cell, batch: Batch, number: int, offset: int = 0) -> list[list]:
    """Rows of `columns_of` the cell; what the package refuses to answer is a row with the reason."""
    warnings.simplefilter("ignore")
    rows = []
    if cell.kind in WHOLE:
        begin = time.process_time()
        for name, found in WHOLE[cell.kind](cell.seed + offset + number, **cell.world).items():
            rows.append(_row(number, name, found, "", time.process_time() - begin))
        return rows
    who, counted = cohort_of(cell, number, offset), cell.kind == "rates"
    for analysis in batch.analyses:
        begin = time.process_time()
        try:
            for name, found in analyse(analysis, who).items():
                rows.append(_row(number, name, found, "", time.process_time() - begin, counted))
        except EstimationError as error:
            nothing = Found(*[math.nan] * 5)
            rows.append(_row(number, analysis, nothing, error.problem[:120], time.process_time() - begin, counted))
    return rows


def _row(number: int, name: str, found: Found, problem: str, seconds: float, counted: bool = False) -> list:
    row = [number, name, found.value, found.se, found.low, found.high, found.p, found.truth, problem, round(seconds, 4)]
    return [*row, found.said] if counted else row


def file_of(out: Path, cell: Cell, batch: Batch) -> Path:
    return out / f"{cell.id}.{batch.table}.{batch.analyses[0]}.csv"


def stored(out: Path, cell: Cell, batch: Batch) -> pd.DataFrame:
    path = file_of(out, cell, batch)
    if not path.exists():
        return pd.DataFrame(columns=columns_of(cell))
    frame = pd.read_csv(path).fillna({"problem": "", "said": ""})
    if cell.kind in WHOLE:
        return frame
    unknown = set(frame["analysis"]) - set(batch.analyses)
    if unknown:
        raise ValueError(f"{path} holds analyses {sorted(unknown)} that the plan does not name; remove it or name another --out.")
    return frame


def run_batch(cell: Cell, batch: Batch, out: Path, *, replicates: int, offset: int = 0, workers: int = 2) -> Iterator[int]:
    """Bring the stored replicates of a batch up to ``replicates``; yields how many there are after each chunk."""
    if cell.kind not in WHOLE and not set(batch.analyses) <= set(ANALYSES):
        raise ValueError(f"Cell {cell.id} names unknown analyses {sorted(set(batch.analyses) - set(ANALYSES))}.")
    out.mkdir(parents=True, exist_ok=True)
    path = file_of(out, cell, batch)
    done = int(stored(out, cell, batch)["replicate"].max() + 1) if path.exists() else 0
    if done >= replicates:
        return
    with ProcessPoolExecutor(workers, initializer=_settle) as pool:
        step = CHUNK * workers
        for first in range(done, replicates, step):
            numbers = range(first, min(first + step, replicates))
            rows = [row for found in pool.map(partial(replicate, cell, batch, offset=offset), numbers, chunksize=5) for row in found]
            pd.DataFrame(rows, columns=columns_of(cell)).to_csv(path, mode="a", header=not path.exists(), index=False)
            yield numbers[-1] + 1


def _settle() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
