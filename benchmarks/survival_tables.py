"""Tables in Markdown from the results of `survival_peers.py`: survival_tables.py RESULTS... > part of docs/benchmarks.md

Seconds are CPU time, the median of the repeats; ratios are the peer's over ours; growth is the slope of log seconds on log rows
from one size to the next, below 100,000 rows left out for fixed costs; the largest relative difference is over all figures of a case.
"""

from __future__ import annotations

import json
import statistics
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from survival_peers import CASES

SMALL = 100_000  # below, the fixed costs of a call hide the growth
PEERS = ("R", "lifelines", "statsmodels")
Found = dict[tuple[str, int, str], dict[str, Any]]


def read(paths: list[str]) -> Found:
    lines = [json.loads(line) for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return {(line["case"], line["rows"], line["side"]): line for line in lines}


def seconds(one: dict[str, Any] | None) -> float | None:
    return None if one is None or "cpu" not in one else statistics.median(one["cpu"])


def shown(one: dict[str, Any] | None, ours: float | None) -> tuple[str, str]:
    """The peer's seconds and its ratio to ours, or why there are none."""
    taken = seconds(one)
    if one is None:
        return "", ""
    if taken is None:
        return str(one["failed"]), ""
    return f"{taken:.3g}", "" if ours is None else f"{taken / ours:.1f}"


def difference(one: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    if one is None or other is None or "figures" not in one or "figures" not in other or len(one["figures"]) != len(other["figures"]):
        return ""
    a, b = np.array(one["figures"]), np.array(other["figures"])
    return f"{np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-300)):.0e}"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] + ["---:"] * (len(head) - 1), *rows])


def main() -> None:
    found = read(sys.argv[1:])
    sizes = sorted({rows for _, rows, _ in found})
    times, memory, growth = [], [], []
    for case in CASES:
        mine = {rows: found.get((case, rows, "ours")) for rows in sizes}
        for rows in sizes:
            own, theirs = seconds(mine[rows]), [found.get((case, rows, peer)) for peer in PEERS]
            if mine[rows] is None and not any(theirs):
                continue
            cells = [cell for peer in theirs for cell in shown(peer, own)]
            times.append([case, f"{rows:,}", shown(mine[rows], None)[0], *cells, difference(mine[rows], theirs[0])])
            peaks = [one["peak_mb"] if one and "peak_mb" in one else None for one in (mine[rows], theirs[0])]
            if all(peaks):
                memory.append([case, f"{rows:,}", *(f"{peak:,.0f}" for peak in peaks), f"{peaks[1] / peaks[0]:.1f}"])
        for small, large in pairwise(rows for rows in sizes if rows >= SMALL):
            slopes = []
            for side in ("ours", "R"):
                less, more = (seconds(found.get((case, rows, side))) for rows in (small, large))
                slopes.append(f"{np.log(more / less) / np.log(large / small):.2f}" if less and more else "")
            if any(slopes):
                growth.append([case, f"{small:,} to {large:,}", *slopes])
    print("## Time\n")
    print(table(["case", "rows", "ours (s)", *(name for peer in PEERS for name in (f"{peer} (s)", "ratio")), "difference from R"], times))
    print("\n## Peak memory of the process (MB)\n")
    print(table(["case", "rows", "ours", "R", "ratio"], memory))
    print("\n## Growth\n")
    print(table(["case", "between rows", "ours", "R"], growth))


if __name__ == "__main__":
    main()
