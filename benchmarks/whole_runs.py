"""How long a whole run takes, from a cohort folder to its report: demo, turnover, police_training.

    python benchmarks/whole_runs.py [--cohorts demo,turnover,police_training] [--repeats 3]

Each run is a process of its own with an empty private cache and an empty output folder, as on the first day. The median
is quoted; machines differ, so compare runs of one machine. Cohorts whose data are not at hand are passed over with a word.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def one_run(cohort: str) -> tuple[float, int, str]:
    """Seconds, exit code and the last line of what was said."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "MENTORSHIP_EVAL_CACHE": str(Path(scratch) / "cache"), "PYTHONPATH": str(ROOT)}
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "mentorship_eval.cli", "run", str(ROOT / "data" / cohort), "--out", str(Path(scratch) / "out")],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).strip().splitlines()
        return time.perf_counter() - began, done.returncode, said[-1] if said else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", default="demo,turnover,police_training")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    print(f"{'cohort':18} {'median s':>9} {'min':>7} {'max':>7}  runs")
    for cohort in chosen.cohorts.split(","):
        seconds = []
        for _ in range(chosen.repeats):
            took, code, said = one_run(cohort)
            if code:
                print(f"{cohort:18} not run: {said}")
                break
            seconds.append(took)
        else:
            print(f"{cohort:18} {statistics.median(seconds):9.1f} {min(seconds):7.1f} {max(seconds):7.1f}  {len(seconds)}")


if __name__ == "__main__":
    main()
