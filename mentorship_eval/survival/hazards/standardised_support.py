"""For whom, and for how long, the baseline of a stratified Cox fit was observed at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.survival.columns import Groups, labels_of, read_groups
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["Support", "support"]


@dataclass(frozen=True)
class Support:
    """codes: (N,) stratum of each person; kept: (N,) whether the average counts the person; reason: (T,) why there
    is no value at a time, "" where there is one."""

    codes: np.ndarray
    kept: np.ndarray
    reason: np.ndarray
    warnings: tuple[Caution, ...]


def support(
    fit: CoxResult, data: pd.DataFrame, times: np.ndarray, since: float | None, weight: np.ndarray, short_strata: str
) -> Support:
    if since is not None and not np.isfinite(since):
        raise UsageError(f"since needs a finite time, not {since}.")
    codes = _strata_of(fit, data)
    used = fit._weight > 0
    count = len(fit._strata)
    ends = np.full(count, -np.inf)
    np.maximum.at(ends, fit._strata.codes[used], fit._stop[used])
    kept = weight > 0
    there = np.unique(codes[kept])
    last = float(times.max())
    cautions = []
    name = " and ".join(fit._strata_columns) or "stratum"
    if short_strata == "leave_out" and (ends[there] < last).any():
        short = there[ends[there] < last]
        kept = kept & ~np.isin(codes, short)
        if not kept.any():
            raise EstimationError(f"No {name} is followed to {last:g}.", fix=f"Ask for times up to {ends.max():g}.")
        dropped = int(((weight > 0) & ~kept).sum())
        text = f"{len(short)} of {len(there)} strata ({name}) end before {last:g}; their {dropped:,} persons are left out of the average."
        cautions.append(Caution("short_strata", text, {"strata": [fit._strata.labels[code] for code in short], "persons": dropped}))
        there = np.setdiff1d(there, short)
    reason = np.full(len(times), "", dtype=object)
    shortest = there[np.argmin(ends[there])]
    where = f" of {name} {_label(fit._strata, int(shortest))}" if count > 1 else ""
    reason[times > ends[shortest]] = f"beyond follow-up{where}, which ends at {ends[shortest]:g}"
    if since is not None:
        reason[times < since] = f"before {since:g}, from which the curve is conditional"
    unseen = _unseen(fit, used, there, since, min(last, float(ends[shortest])))
    if unseen:
        longest = max(unseen, key=lambda label: unseen[label])
        text = f"In {len(unseen)} of {len(there)} strata nobody was at risk for part of the time (longest: {unseen[longest]:g}, {name} {longest}); "
        text += "no event is counted then, so survival may be too high. Use since= to begin later, or fewer strata."
        cautions.append(Caution("unobserved_time", text, {"strata": unseen}))
    return Support(codes, kept, reason, tuple(cautions))


def _label(groups: Groups, code: int) -> str:
    label = groups.labels[code]
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _strata_of(fit: CoxResult, data: pd.DataFrame) -> np.ndarray:
    columns = list(fit._strata_columns)
    if not columns:
        return np.zeros(len(data), dtype=np.intp)
    tupled = isinstance(fit._strata.labels[0], tuple)
    groups = read_groups(data, columns if tupled else columns[0])
    known = {label: code for code, label in enumerate(fit._strata.labels)}
    strange = [label for label in groups.labels if label not in known]
    codes = np.array([known.get(label, -1) for label in groups.labels], dtype=np.intp)[groups.codes]
    if strange:
        raise EstimationError(
            f"No row of {' and '.join(columns)} {listing(strange)} was fitted, so there is no baseline for it.",
            fix="Leave these rows out.", rows=labels_of(data, codes < 0)[:20],
        )
    return codes


def _unseen(fit: CoxResult, used: np.ndarray, strata: np.ndarray, since: float | None, until: float) -> dict[str, float]:
    """Time between the origin (or ``since``) and ``until`` during which a stratum has nobody at risk, where there is any."""
    start, stop, codes = fit._start[used], fit._stop[used], fit._strata.codes[used]
    if not np.isfinite(start).any():
        return {}
    origin = float(start[np.isfinite(start)].min()) if since is None else float(since)
    order = np.lexsort((start, codes))
    start, stop, codes = start[order], stop[order], codes[order]
    bounds = np.searchsorted(codes, np.arange(len(fit._strata) + 1))
    found = {}
    for code in strata:
        begins, ends = start[bounds[code]:bounds[code + 1]], stop[bounds[code]:bounds[code + 1]]
        reached = np.maximum(np.concatenate(([origin], np.maximum.accumulate(ends)[:-1])), origin)
        gap = np.minimum(begins, until) - np.minimum(reached, until)
        total = float(np.maximum(gap, 0.0).sum())
        if total > 1e-9 * max(1.0, abs(until)):
            found[_label(fit._strata, int(code))] = total
    return found
