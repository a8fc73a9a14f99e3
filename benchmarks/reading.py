"""CPU seconds and peak memory of reading and checking a cohort whose incidents have many million rows.

    python benchmarks/reading.py [--rows 1000000,10000000] [--kinds csv,folder,parquet] [--checkout OTHER]

Each case is a process of its own on one thread. Its memory is the peak of the whole process, with the libraries. ``--checkout`` reads with the
package in another folder, to compare before and after. The files are made once, in a temporary folder: 55 bytes a row as CSV.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
BLOCK = 200_000
CHILD = """
import resource, sys, time
from mentorship_eval.cohort import check_cohort
began = time.process_time()
findings, cohort = check_cohort(sys.argv[1])
assert cohort is not None, str(findings)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.process_time() - began, peak, len(cohort.table("incidents")))
"""
STUDY = """
study: {{name: Large, start: 2015-01-01, end: 2024-12-31}}
tables: {{incidents: {file}, exposure: exposure.csv, rollout: rollout.csv}}
disclosure: none
"""


def lines(first: int, rows: int, rng: np.random.Generator) -> str:
    """Rows of incidents: different ids, 400 departments, ten years, six categories and six degrees of harm."""
    days = np.arange("2015-01-01", "2025-01-01", dtype="datetime64[D]").astype(str)
    categories = ["fall", "medication", "pressure_ulcer", "infection", "equipment", "violence"]
    harms = ["near_miss", "none", "low", "moderate", "severe", "death"]
    occurred, lag = rng.integers(0, len(days) - 30, rows), rng.integers(0, 30, rows)
    dept, category, harm = rng.integers(0, 400, rows), rng.integers(0, 6, rows), rng.integers(0, 6, rows)
    return "".join(
        f"I{first + i:09d},D{dept[i]:03d},{days[occurred[i]]},{days[occurred[i] + lag[i]]},{categories[category[i]]},{harms[harm[i]]}\n"
        for i in range(rows)
    )


def make(folder: Path, kind: str, rows: int) -> None:
    """The cohort folder; the same rows whatever the kind."""
    rng = np.random.default_rng(0)
    names = "incident_id,dept_id,occurred,reported,category,harm\n"
    pieces = folder / "incidents"
    pieces.mkdir()
    step = rows // 12 + 1 if kind == "folder" else rows
    for number, first in enumerate(range(0, rows, step)):
        with (pieces / f"{number:02d}.csv").open("w", encoding="utf-8") as file:
            file.write(names)
            for start in range(first, min(first + step, rows), BLOCK):
                file.write(lines(start, min(BLOCK, first + step - start, rows - start), rng))
    if kind == "parquet":
        import pyarrow.csv
        import pyarrow.parquet

        with pyarrow.csv.open_csv(pieces / "00.csv") as reader, pyarrow.parquet.ParquetWriter(pieces / "00.parquet", reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        (pieces / "00.csv").unlink()
    months = np.arange("2015-01", "2025-01", dtype="datetime64[M]").astype(str)
    exposure = "".join(f"D{dept:03d},{month},700\n" for dept in range(400) for month in months)
    (folder / "exposure.csv").write_text("dept_id,month,patient_days\n" + exposure, encoding="utf-8")
    rollout = "".join(f"D{dept:03d},{'2020-01-01' if dept % 2 else ''}\n" for dept in range(400))
    (folder / "rollout.csv").write_text("dept_id,active_from\n" + rollout, encoding="utf-8")
    file = {"csv": "incidents/00.csv", "parquet": "incidents/00.parquet", "folder": "incidents"}[kind]
    (folder / "study.yaml").write_text(STUDY.format(file=file), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000,10000000")
    parser.add_argument("--kinds", default="csv,folder,parquet")
    parser.add_argument("--checkout", type=Path, default=ROOT)
    chosen = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(chosen.checkout), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    print(f"{'kind':8} {'rows':>12} {'CPU s':>8} {'peak MB':>9}", flush=True)
    for rows in map(int, chosen.rows.split(",")):
        for kind in chosen.kinds.split(","):
            with tempfile.TemporaryDirectory() as scratch:
                make(Path(scratch), kind, rows)
                command = [sys.executable, "-c", CHILD, scratch]
                done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=scratch, check=False)
                if done.returncode:
                    print(f"{kind:8} {rows:12,} {(done.stderr.strip().splitlines() or ['failed'])[-1]}", flush=True)
                    continue
                seconds, peak, found = done.stdout.split()
                assert int(found) == rows
                print(f"{kind:8} {rows:12,} {float(seconds):8.1f} {float(peak):9,.0f}", flush=True)


if __name__ == "__main__":
    main()
