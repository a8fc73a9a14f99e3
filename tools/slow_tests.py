"""Renew tests/slow.txt from the durations of a run of every test.

    make test ARGS='-m "" --durations=0 --durations-min=0.5' > durations.txt
    .venv/bin/python tools/slow_tests.py durations.txt

A test is slow when its call takes a second or more. Those that find a truth, hold a size or equal a reference stay with the quick ones up to two
seconds, and user journeys always do: they are what the quick run is for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LIST = Path(__file__).resolve().parents[1] / "tests" / "slow.txt"
SECONDS, OF_TRUTHS = 1.0, 2.0
_LINE = re.compile(r"([\d.]+)s call\s+tests/(\S+?::.+)$")
_TRUTHS = re.compile(r"truth|recover|size|cover|effect|null|found|hold|golden|oracle|reference|equal", re.IGNORECASE)


def slow_of(report: str) -> list[str]:
    """Node ids, without the folder of the tests, in alphabetical order."""
    found = set()
    for line in report.splitlines():
        match = _LINE.match(line.strip())
        if match and not match[2].startswith("acceptance/"):
            least = OF_TRUTHS if _TRUTHS.search(match[2].split("::", 1)[1]) else SECONDS
            if float(match[1]) >= least:
                found.add(match[2].rstrip())
    return sorted(found)


if __name__ == "__main__":
    names = slow_of(Path(sys.argv[1]).read_text(encoding="utf-8"))
    LIST.write_text("".join(f"{name}\n" for name in names), encoding="utf-8", newline="\n")
    print(f"{len(names)} slow tests in {LIST.name}")
