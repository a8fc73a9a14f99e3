"""The survival engine beside R's survival, lifelines and statsmodels: time, memory, growth and the same figures.

    python benchmarks/survival_peers.py [--rows 10000,100000] [--sides ours,R] [--cases cox_5,...] [--limit 180]

Each case runs in a process of its own on every side, one after the other, with one thread, on the same columns
(`survival_data.py`). Results are kept as they come in, one line each, in --results; run it again with other rows or sides and
the tables are made of all that is there, the last run of a case counting (`survival_tables.py` makes them).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from survival_data import make

HERE = Path(__file__).resolve().parent
CASES = [
    "cox_5", "cox_20", "cox_5_clustered", "cox_20_clustered", "cox_varying_clustered", "kaplan_meier", "logrank", "aalen_johansen",
    "fine_gray",
]
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def one(side: str, case: str, folder: Path, repeats: int, limit: int) -> dict[str, Any]:
    """What the case printed, or why there is nothing."""
    script = ["Rscript", str(HERE / "survival_case.R")] if side == "R" else [sys.executable, str(HERE / "survival_case.py"), side]
    environment = {**os.environ, **THREADS, "PYTHONPATH": os.environ.get("PYTHONPATH", str(HERE.parent))}
    try:
        done = subprocess.run(
            [*script, case, str(folder), str(repeats)], capture_output=True, text=True, env=environment, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"over {limit} s"}
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {"failed": "out of memory" if done.returncode < 0 or "allocate" in done.stderr else said[:120]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir()) / "survival_benchmark"
    parser.add_argument("--rows", default="10000,100000")
    parser.add_argument("--sides", default="R,ours,lifelines,statsmodels")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--limit", type=int, default=180, help="seconds after which a case is given up")
    parser.add_argument("--scratch", type=Path, default=scratch, help="folder of the columns")
    parser.add_argument("--results", type=Path, default=scratch / "results.jsonl")
    chosen = parser.parse_args()
    chosen.scratch.mkdir(parents=True, exist_ok=True)
    for rows in map(int, chosen.rows.split(",")):
        folder = make(rows, chosen.scratch)
        for case in chosen.cases.split(","):
            for side in chosen.sides.split(","):
                repeats = 5 if rows <= 20_000 else 3 if rows <= 200_000 or side == "ours" else 1
                found = one(side, case, folder, repeats, chosen.limit)
                if found.get("absent"):
                    continue
                line = {"rows": rows, "case": case, "side": side, "when": datetime.date.today().isoformat(), **found}
                with chosen.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                said = found.get("failed") or f"CPU {', '.join(f'{value:.3f}' for value in found['cpu'])} s; peak {found['peak_mb']:.0f} MB"
                print(f"{rows:>9,} {case:22} {side:12} {said}", flush=True)


if __name__ == "__main__":
    main()
