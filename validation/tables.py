"""From replicates to rows: bias, spread, coverage, false positives and length, each with its Monte-Carlo error, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from validation.accept import NOMINAL, binomial_interval, judge_coverage, judge_size

__all__ = ["SUMMARY", "markdown", "summarise", "verdicts"]

SUMMARY = ["cell", "table", "analysis", "replicates", "answered", "truth", "mean", "sd", "mean_se", "mean_length",
           "judged", "covered", "tested", "rejected", "seconds", "said"]


def summarise(frame: pd.DataFrame, truth: float) -> pd.DataFrame:
    """One row per analysis of the replicates in ``frame``; ``truth`` where a replicate has none of its own (both on the scale of analysis).

    mean and sd are of the error added to the mean truth, so that truths that differ between replicates do not count as spread.
    """
    rows = []
    for name, part in frame.groupby("analysis", sort=False):
        true = part["truth"].astype(float).fillna(truth)
        error = (part["value"] - true).dropna()
        limits = part["low"].notna() & part["high"].notna()
        covered = ((part["low"] <= true) & (true <= part["high"]))[limits]
        p = part["p"].dropna()
        rows.append({
            "analysis": name, "replicates": len(part), "answered": int((part["p"].notna() | limits).sum()), "truth": true.mean(),
            "mean": true.mean() + error.mean(), "sd": error.std(ddof=1), "mean_se": part["se"].mean(),
            "mean_length": (part["high"] - part["low"])[limits].replace(np.inf, np.nan).mean(), "judged": int(limits.sum()),
            "covered": int(covered.sum()), "tested": len(p), "rejected": int((p < 0.05).sum()), "seconds": part["seconds"].mean(),
            "said": _said(part),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _said(part: pd.DataFrame) -> str:
    """Codes of cautions with the share of replicates (%) in which each was given, the most frequent first."""
    if "said" not in part:
        return ""
    shares = part["said"].fillna("").str.split().explode().dropna().value_counts() / len(part) * 100
    return ", ".join(f"`{code}` {share:.0f}" for code, share in shares.items() if share >= 1)


def verdicts(table: pd.DataFrame, claimed: Mapping[tuple[str, str], bool], planned: Mapping[tuple[str, str], int] | None = None) -> list[str]:
    """The rule for each row of one table (columns of `SUMMARY`): every judged share counts towards Bonferroni, claimed or not.

    A row with fewer replicates than ``planned`` whose exact interval still holds the nominal value is ``not settled``: with 40 replicates a sound
    interval covers less than 93 % in one of three runs.
    """
    null = (table["truth"].abs() < 1e-12) & (table["tested"] > 0)
    claims = max(int((table["judged"] > 0).sum() + null.sum()), 1)
    told = []
    for (_, row), at_null in zip(table.iterrows(), null, strict=True):
        found = []
        if row["judged"]:
            found.append(judge_coverage(int(row["covered"]), int(row["judged"]), claims))
        if at_null:
            found.append(judge_size(int(row["rejected"]), int(row["tested"]), claims))
        order = ("FAILS", "over-covers", "conservative", "holds")
        word = next((word for word in order if word in found), "–")
        key = (row["cell"], row["analysis"])
        if word == "FAILS" and (planned or {}).get(key, 0) > row["replicates"] and not _beyond(row, at_null, claims):
            word = "not settled"
        claim = claimed.get(key, False)
        told.append(f"**{word}**" if word == "FAILS" and claim else word)
    return told


def _beyond(row: pd.Series, at_null: bool, claims: int) -> bool:
    """Whether an exact interval lies wholly on the wrong side of the nominal value."""
    short = row["judged"] > 0 and binomial_interval(int(row["covered"]), int(row["judged"]), claims)[1] < NOMINAL
    return bool(short or (at_null and judge_size(int(row["rejected"]), int(row["tested"]), claims) == "FAILS"))


def _share(count: float, number: float) -> str:
    if not number:
        return "–"
    share = count / number
    return f"{100 * share:.1f} ± {100 * math.sqrt(share * (1 - share) / number):.1f}"


def _number(value: float, digits: int = 3, sign: bool = False) -> str:
    return "–" if pd.isna(value) else f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def markdown(table: pd.DataFrame, labels: Mapping[str, str], cells: Mapping[str, str], claimed: Mapping[tuple[str, str], bool],
             planned: Mapping[tuple[str, str], int], differences: frozenset[str] = frozenset()) -> str:
    """A table of the document. Analyses in ``differences`` are told in months, the others as ratios."""
    head = ["cell", "analysis", "claimed", "replicates", "truth", "mean", "bias", "SD", "mean SE", "coverage %", "rejects no effect %",
            "length", "rule"]
    warned = bool(table["said"].fillna("").astype(bool).any()) if "said" in table else False
    head += ["report warns, % of replicates"] if warned else []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (_, row), verdict in zip(table.iterrows(), verdicts(table, claimed, planned), strict=True):
        key = (row["cell"], row["analysis"])
        ratio = row["analysis"] not in differences
        scale = math.exp if ratio else float
        answered = int(row["replicates"])
        count = f"{answered:,}" if planned.get(key, answered) <= answered else f"{answered:,} of {planned[key]:,}"
        if row["answered"] < row["replicates"]:
            count += f" ({int(row['replicates'] - row['answered'])} without an interval or test)"
        if planned.get(key, answered) > answered and verdict != "–":
            verdict += " so far"
        bias = row["mean"] - row["truth"]
        error = row["sd"] / math.sqrt(max(row["judged"] or row["replicates"], 1))
        known = not pd.isna(row["mean"])
        lines.append("| " + " | ".join([
            cells[row["cell"]], labels[row["analysis"]], "yes" if claimed.get(key) else "no", count,
            _number(scale(row["truth"]), 3) if known else "–", _number(scale(row["mean"]), 3) if known else "–",
            f"{_number(bias, 3, True)} ± {error:.3f}" if known else "–", _number(row["sd"]), _number(row["mean_se"]),
            _share(row["covered"], row["judged"]), _share(row["rejected"], row["tested"]), _number(row["mean_length"], 2), verdict,
            *([row["said"] if isinstance(row["said"], str) and row["said"] else "–"] if warned else []),
        ]) + " |")  # fmt: skip
    return "\n".join(lines)
