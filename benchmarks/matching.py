"""Wall and CPU time of `mentorship-eval match` at full size, with the gap to the best assignment that there is; each case a process of its own.

    python benchmarks/matching.py [--mentees 2000] [--mentors 800]

Wishes of every kind, a manager for everybody, and places for 3 of 4 mentees (scarce) or for all (plenty). Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

STUDY = """study: {name: Full size, start: 2023-01-01, end: 2023-12-31}
tables: {staff: staff.csv, departments: departments.csv, spells: spells.csv, mentors: mentors.csv, matches: matches.csv, wishes: wishes.csv}
"""


def write(folder: Path, mentees: int, mentors: int, plenty: bool) -> None:
    """A cohort in which everybody who is no mentor waits for one."""
    rng = np.random.default_rng(1)
    ours, theirs = [f"E{number:05}" for number in range(mentees)], [f"M{number:05}" for number in range(mentors)]
    everybody, departments = [*ours, *theirs], [f"D{number:02}" for number in range(60)]
    professions = ["nurse", "physician", "technician", "pharmacist", "allied_health"]
    domains = [f"domain {number}" for number in range(12)]
    wishes = [(person, "seeks", domain) for person in ours for domain in rng.choice(domains, 1 + rng.integers(4), replace=False)]
    wishes += [(person, "offers", domain) for person in theirs for domain in rng.choice(domains, 3, replace=False)]
    wishes += [(person, "same", name) for person in ours for name in ("gender", "grade") if rng.random() < 0.25]
    for kind, share in (("prefers", 0.15), ("excludes", 0.1), ("managed_by", 1.0)):
        wishes += [(person, kind, rng.choice(theirs)) for person in ours if rng.random() < share]
    past = min(300, mentees)
    tables = {
        "staff": {"staff_id": everybody, "profession": rng.choice(professions, len(everybody)), "gender": rng.choice(["f", "m"], len(everybody)),
                  "grade": rng.choice(["5", "6", "7"], len(everybody))},
        "departments": {"dept_id": departments, "specialty": rng.choice(list("abcdef"), len(departments))},
        "spells": {"staff_id": everybody, "dept_id": rng.choice(departments, len(everybody)), "start": "2020-01-01", "end": ""},
        "mentors": {"staff_id": theirs, "capacity": rng.choice([1, 2, 3], mentors, p=[0.3, 0.5, 0.2]) + plenty},
        "matches": {"match_id": [f"X{number}" for number in range(past)], "mentor_id": rng.choice(theirs, past),
                    "mentee_id": rng.choice(ours, past, replace=False), "start": "2023-03-01", "end": "2023-10-01"},
    }  # fmt: skip
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    pd.DataFrame(wishes, columns=["staff_id", "kind", "value"]).drop_duplicates().to_csv(folder / "wishes.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")


def one(cohort: str, out: str, scarce: str) -> None:
    """The verb in this process; prints CPU seconds, pairs, and the gap to the bound."""
    from mentorship_eval.cli.matching import propose_pairs
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.matching import propose
    from mentorship_eval.questions.next_wave import next_wave

    propose_pairs(cohort, out, None, (), scarce=scarce)
    spent = time.process_time()
    made = propose(next_wave(read_cohort(cohort)).pool, draws=2, scarce=scarce)  # type: ignore[arg-type]
    print(f"RESULT {spent:.1f} {len(made.pairs)} {made.assignment.gap:.1e}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mentees", type=int, default=2000)
    options.add_argument("--mentors", type=int, default=800)
    options.add_argument("--one", nargs=3)
    chosen = options.parse_args()
    if chosen.one:
        one(*chosen.one)
        return
    print("| places | scarce | mentees | mentors | pairs | wall s | CPU s | gap |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for plenty in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            cohort = Path(folder) / "cohort"
            cohort.mkdir()
            write(cohort, chosen.mentees, chosen.mentors, plenty)
            for scarce in ("total", "equal"):
                out = Path(folder) / scarce
                begun = time.monotonic()
                subprocess.run([sys.executable, "-m", "mentorship_eval.cli", "match", cohort, "--out", out, "--scarce", scarce], check=True,
                               capture_output=True)  # fmt: skip
                wall = time.monotonic() - begun
                again = [sys.executable, __file__, "--one", str(cohort), f"{out}-again", scarce]
                told = subprocess.run(again, check=True, capture_output=True, text=True).stdout.split("RESULT ")[1].split()
                size = f"{'plenty' if plenty else 'fewer'} | {scarce} | {chosen.mentees:,} | {chosen.mentors:,}"
                print(f"| {size} | {int(told[1]):,} | {wall:.1f} | {told[0]} | {told[2]} |", flush=True)


if __name__ == "__main__":
    main()
