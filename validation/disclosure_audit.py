"""The auditor of disclosure on random cohorts: ``python -m validation.disclosure_audit`` writes its table into docs/disclosure.md.

For each cohort: the attack on everything as it was counted, on primary suppression alone, and on what a run would publish. A seed gives the
same cohorts and the same figures everywhere.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mentorship_eval.disclosure import Rule
from mentorship_eval.disclosure.audit import audit, audited
from validation.disclosure_cohorts import naive, random_answer

__all__ = ["Tried", "main", "try_cohort"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "disclosure.md"
BEGIN, END = "<!-- disclosure audit: begin -->", "<!-- disclosure audit: end -->"


@dataclass(frozen=True)
class Tried:
    """One cohort: counts that had to stay uncertain and those that did not, unprotected, with primary suppression alone, and as published."""

    seed: int
    sensitive: int
    unprotected: int
    primary_only: int
    suppressed: int
    narrow: int
    asked: int
    left_out: int


def try_cohort(seed: int, threshold: int = 10) -> Tried:
    private, rule = random_answer(seed), Rule(threshold)
    everything, primary = audit([private], [private], rule), audit([private], [naive(private, rule)], rule)
    shown, log, found = audited([private], rule)
    asked = int(log["why"].str.startswith("audit").sum())
    left_out = len(private.exhibits) - len(shown[0].exhibits)
    return Tried(seed, everything.suppressed, len(everything.narrow), len(primary.narrow), found.suppressed, len(found.narrow), asked, left_out)


def table(tried: list[Tried], seed: int, day: str) -> str:
    """The figures as a Markdown table."""
    def failing(name: str) -> str:
        return f"{sum(getattr(one, name) > 0 for one in tried)} of {len(tried)}"

    def counts(name: str) -> str:
        return f"{sum(getattr(one, name) for one in tried):,}"

    lines = [
        "| published | cohorts in which a count is narrowed | counts narrowed |",
        "|---|---|---|",
        f"| everything as it was counted | {failing('unprotected')} | {counts('unprotected')} of {counts('sensitive')} |",
        f"| small counts blanked, nothing else | {failing('primary_only')} | {counts('primary_only')} |",
        f"| what a run publishes | {failing('narrow')} | {counts('narrow')} of {counts('suppressed')} |",
        "",
        f"{len(tried)} random cohorts, seeds {seed} to {seed + len(tried) - 1}, {day}. The audit asked for more in {failing('asked')} of them; "
        f"{counts('left_out')} of {6 * len(tried)} exhibits are left out whole, by the ledger or by the audit.",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="print the table, do not write it")
    chosen = parser.parse_args(arguments)
    tried = []
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for one in pool.map(try_cohort, range(chosen.seed, chosen.seed + chosen.cohorts)):
            tried.append(one)
            print(one, flush=True)
    text = table(tried, chosen.seed, time.strftime("%Y-%m-%d"))
    print(text)
    page = PAGE.read_text(encoding="utf-8")
    if not chosen.dry and BEGIN in page:
        before, rest = page.split(BEGIN)
        page = f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"
        PAGE.write_text(page, encoding="utf-8", newline="\n")
    return int(any(one.narrow for one in tried))


if __name__ == "__main__":
    raise SystemExit(main())
