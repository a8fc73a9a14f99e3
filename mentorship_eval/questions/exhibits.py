"""Frames of exhibits that several chapters share: forests, curves on a monthly grid, rates over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Counted, Exhibit, Result

__all__ = [
    "DAYS_PER_MONTH", "counted_curve", "counted_forest", "curve_exhibit", "followed", "forest_exhibit", "in_months", "just_after", "monthly_grid",
    "table_exhibit",
]  # fmt: skip

DAYS_PER_MONTH = 30.4375
_INTERVAL = ("estimate", "ci_low", "ci_high")


def forest_rows(results: Iterable[Result]) -> pd.DataFrame:
    """One line of a forest per result, groups together in the order in which they first appear; audits are drawn hollow."""
    results = list(results)
    groups = list(dict.fromkeys(r.group for r in results))
    results.sort(key=lambda r: groups.index(r.group))
    rows = [
        {
            "id": r.id,
            "label": r.label,
            "group": r.group,
            "estimate": r.estimate.value,
            "ci_low": r.estimate.ci_low,
            "ci_high": r.estimate.ci_high,
            "n": r.estimate.n,
            "n_events": r.estimate.n_events,
            "hollow": r.role == "audit",
            "truth": np.nan if r.truth is None else r.truth,
            "reason": "" if np.isfinite(r.estimate.value) else "not estimable",
        }
        for r in results
    ]
    frame = pd.DataFrame(rows)
    if any(r.rests_on for r in results):
        # declared, never shown: the smallest count behind a row that is not none
        frame["fewest"] = [min((float(c) for c in r.rests_on if c is not None and c > 0), default=np.nan) for r in results]
    if len(frame) and frame["truth"].isna().all():
        frame = frame.drop(columns="truth")
    if len(frame) and (frame["group"] == "").all():
        frame = frame.drop(columns="group")
    return frame


def counted_forest(**more: Any) -> Counted:
    """How the counts of `forest_rows` are declared."""
    derived = (*_INTERVAL, *more.pop("derived", ()))
    behind = ("fewest", *more.pop("behind", ()))
    return Counted(("n", "n_events"), derived, behind=behind, results={"id": ""}, **more)


def forest_exhibit(exhibit_id: str, title: str, results: Sequence[Result], *, note: str = "", **options: Any) -> Exhibit:
    return Exhibit(
        exhibit_id,
        "forest",
        title,
        {"rows": forest_rows(results)},
        {"rows": counted_forest()},
        options,
        note,
    )


def table_exhibit(
    exhibit_id: str,
    title: str,
    frame: pd.DataFrame,
    *,
    counts: tuple[str, ...] = (),
    derived: tuple[str, ...] = (),
    adds_up: bool = False,
    within: str | tuple[str, ...] = "",
    sums: tuple[tuple[str, ...], ...] = (),
    of: Mapping[str, str] | None = None,
    behind: tuple[str, ...] = (),
    results: Mapping[str, str] | None = None,
    steps: tuple[str, ...] = (),
    by: str = "",
    totals: tuple[str, ...] = (),
    ratios: Mapping[str, str | tuple[str, str]] | None = None,
    same: Mapping[str, str] | None = None,
    populations: tuple[str, ...] = (),
    rests_on: tuple[float | None, ...] = (),
    note: str = "",
    **options: Any,
) -> Exhibit:
    """A table; counts to populations are declared as in `Counted`, rests_on as in `Exhibit`."""
    counted = Counted(counts, derived, adds_up, within, sums, of or {}, behind, results or {}, steps=steps, by=by, totals=totals,
                      ratios=ratios or {}, same=same or {}, populations=populations)
    return Exhibit(exhibit_id, "table", title, {"rows": frame}, {"rows": counted}, options, note, rests_on)


def monthly_grid(last: float, days_per_unit: float = DAYS_PER_MONTH) -> np.ndarray:
    """Whole units (months) from 0 to the end of follow-up."""
    return np.arange(0, int(np.floor(last / days_per_unit + 1e-9)) + 1, dtype=float)


def in_months(frame: pd.DataFrame) -> pd.DataFrame:
    """``time`` in days turned into months, without the traces of `just_after`."""
    return frame.assign(time=np.round(frame["time"] / DAYS_PER_MONTH, 3))


def just_after(grid: np.ndarray) -> np.ndarray:
    """A grid of months in days; just after 0, so that the people who are there from the start count as at risk then."""
    return np.where(grid == 0, 1e-6, grid * DAYS_PER_MONTH)


def _ticks(grid: np.ndarray) -> np.ndarray:
    """At most nine round times for the table of people at risk."""
    last = grid[-1] if len(grid) else 0.0
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 48, 60, 120) if last / s <= 8), 120)
    return grid[np.isclose(grid % step, 0)]


def counted_curve(*, carry: bool = False, plain: bool = False) -> dict[str, Counted]:
    """How the counts of the two frames of a curve are declared; plain: an unweighted Kaplan-Meier curve."""
    same = {"n_risk": "quantity", "n_event": "quantity_left"}
    return {
        "curve": Counted(("n_risk",), _INTERVAL, cumulative="n_event", by="by", carry=carry, survival=plain),
        "at_risk": Counted(("n_risk", "n_event"), ("n_risk_weighted",), cumulative="n_event", by="by", same=same),
    }


def followed(population: str, group: object, months: object, exhibit: str) -> tuple[str, str]:
    """What the people followed to a time, and those seen to leave by then, are called wherever they stand (`Counted.same`)."""
    at = f"{population}:{str(group).lower()}:{months}@{exhibit}"
    return f"followed {at}", f"left {at}"


def curve_exhibit(
    exhibit_id: str,
    title: str,
    looked_up: pd.DataFrame,
    *,
    by: str,
    value: str,
    at_risk: pd.DataFrame | None = None,
    population: str = "",
    plain: bool = False,
    note: str = "",
    **options: Any,
) -> Exhibit:
    """Curves on a whole-unit grid, with the people at risk.

    looked_up: rows of an ``.at(...)`` with ``time`` already in the unit of the figure, columns ``by`` (groups or
    causes), ``value``, ci_low, ci_high, n_risk, n_event (so far). A step of the curve that rests on few events is not shown
    before more have happened; where fewer people than the disclosure threshold remain at risk the curve stops.
    population: what the people are called in other tables of the same (`followed`); plain: an unweighted Kaplan-Meier curve.
    """
    curve = looked_up.rename(columns={value: "estimate"}).assign(by=looked_up[by])
    keep = ["by", "time", "estimate", "ci_low", "ci_high", "n_risk", "n_event"]
    curve = curve[keep].dropna(subset=["estimate"]).reset_index(drop=True)
    risk = looked_up.assign(by=looked_up[by]) if at_risk is None else at_risk
    risk = risk[["by", "time", "n_risk", "n_event", *(["n_risk_weighted"] if "n_risk_weighted" in risk else [])]]
    risk = risk[risk["time"].isin(_ticks(np.sort(looked_up["time"].unique())))].reset_index(drop=True)
    if population:
        named = [followed(population, group, f"{time:g}", "curve") for group, time in zip(risk["by"], risk["time"], strict=True)]
        risk = risk.assign(quantity=[name for name, _ in named], quantity_left=[name for _, name in named])
    return Exhibit(
        exhibit_id,
        "survival_curves",
        title,
        {"curve": curve, "at_risk": risk},
        counted_curve(plain=plain),
        options,
        note,
    )
