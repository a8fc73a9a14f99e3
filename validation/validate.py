"""`make validate`: bias, coverage and false positives of the analyses on simulated cohorts, into docs/validation.md.

    python -m validation.validate [--only REGEX] [--replicates N] [--out FOLDER] [--trial] [--document] [--truths]

Replicates are kept in --out, one file a cell and table, so that a stopped run goes on; what they come to is kept in
validation/results/, from which the document is made, and never gives way to fewer replicates. ``--document`` runs nothing: it
writes the document from what there is. ``--trial`` uses other seeds and leaves results and document as they are.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: small matrices

import argparse
import re
import time
from pathlib import Path

from validation import programme, weighting  # noqa: F401 (they add their analyses)
from validation.cells import HERE, Batch, Cell, read_plan
from validation.document import renew_results, write_document
from validation.run import run_batch, stored
from validation.tables import summarise
from validation.truths import compute

TRIAL = 5_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cells and tables whose 'cell.table.analysis' matches")
    parser.add_argument("--replicates", type=int, default=None, help="at most so many per cell")
    parser.add_argument("--out", type=Path, default=HERE.parent / "reports" / ".validation")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trial", action="store_true")
    parser.add_argument("--document", action="store_true")
    parser.add_argument("--truths", action="store_true", help="compute the truths of results/truths.csv anew")
    chosen = parser.parse_args()
    if chosen.truths:
        print(compute())
        return
    plan = read_plan()
    if not chosen.document:
        for cell, batch in order(plan.cells):
            name = f"{cell.id}.{batch.table}.{batch.analyses[0]}"
            if not re.search(chosen.only, name):
                continue
            begin, offset = time.time(), TRIAL if chosen.trial else 0
            number = min(chosen.replicates or batch.replicates, batch.replicates)
            for done in run_batch(cell, batch, chosen.out, replicates=number, offset=offset, workers=chosen.workers):
                print(f"{name}: {done:,} of {number:,}, {time.time() - begin:.0f} s", flush=True)
            if chosen.trial:
                print(summarise(stored(chosen.out, cell, batch), 0.0).to_string())
    if not chosen.trial:
        renew_results(plan, chosen.out)
        write_document(plan)


def order(cells: tuple[Cell, ...]) -> list[tuple[Cell, Batch]]:
    """Batches in the order of the tables of the plan, so that what matters most is there first."""
    pairs = [(cell, batch) for cell in cells for batch in cell.batches]
    tables = [table.id for table in read_plan().tables]
    return sorted(pairs, key=lambda pair: tables.index(pair[1].table))


if __name__ == "__main__":
    main()
