"""CPU time and peak memory of `simulate_cohort` and of writing what it made, each size and step in a process of its own.

    python benchmarks/simulation.py --spells 100000,1000000,10000000 [--format csv,parquet]

A staff of 100 gives 112 spells over 36 months; there are 435 people to a department. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STAFF_PER_SPELL, STAFF_PER_DEPARTMENT = 0.892, 435


def one(spells: int, format: str) -> None:
    """Simulate, write when a format is given, and print seconds, seconds of writing, rows and megabytes."""
    from mentorship_eval import simulate_cohort

    staff = round(spells * STAFF_PER_SPELL)
    begun = time.process_time()
    made = simulate_cohort(staff=staff, departments=max(24, staff // STAFF_PER_DEPARTMENT), seed=1)
    simulated = time.process_time() - begun
    megabytes = 0.0
    if format:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            made.write(folder, format)
            megabytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    written = time.process_time() - begun - simulated
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(made['spells'])} {sum(len(table) for table in made.tables.values())} {simulated:.1f} {written:.1f} {peak:.0f} {megabytes:.0f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--spells", default="100000,1000000")
    options.add_argument("--format", default="")
    options.add_argument("--one", type=int)
    chosen = options.parse_args()
    if chosen.one:
        one(chosen.one, chosen.format)
        return
    print("| spells | rows of all tables | CPU s, simulate | CPU s, write | peak MB | MB on disk | format |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for spells in chosen.spells.split(","):
        for format in chosen.format.split(","):
            call = [sys.executable, __file__, "--one", spells, "--format", format]
            done = subprocess.run(call, capture_output=True, text=True, check=True)
            counts, rows, simulated, written, peak, disk = done.stdout.split()
            print(f"| {int(counts):,} | {int(rows):,} | {simulated} | {written} | {int(peak):,} | {disk} | {format or '-'} |", flush=True)


if __name__ == "__main__":
    main()
