"""Series for control charts: departments, waves of go-live or all departments together, in months or more of them.

A panel is shown whole or not at all: centre line and limits rest on all its points, and two of them could be had from the others, the lines
and the totals shown elsewhere. So the finest series is taken in which every panel may be shown: departments before waves before all
departments, months before quarters. Where none does, the one that shows most panels. Coarser and finer series are never shown side by
side: their difference would tell what is withheld.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.questions.incidents.prepared import Prepared

__all__ = ["Series", "SeriesSet", "binned", "fewest", "series_of"]

MOST_WAVES = 6
FEWEST_TREATED = 3  # with no more treated departments than this, all together would hide them among the others
FEWEST_POINTS = 6  # before go-live: fewer set no limits
WIDTHS = (1, 2, 3)


@dataclass(frozen=True)
class Series:
    """One panel. rows: period, count, exposure and others summed over its departments; go_live: the first period with the programme (NaN:
    never); total: counts and others in all its rows, also those that no point holds.
    """

    name: str
    rows: pd.DataFrame
    go_live: float
    total: tuple[float, float]


@dataclass(frozen=True)
class SeriesSet:
    """panels, what each is (department, wave, or series: all departments), how many periods make a point, later go-lives inside a panel (period,
    label), and whether every panel may be shown.
    """

    panels: list[Series]
    by: str
    width: int
    later: list[tuple[float, str]]
    whole: bool = False


def series_of(study: Prepared, rows: pd.DataFrame, most: int) -> SeriesSet | None:
    """The series of ``rows``; None when there are too many departments and waves for a panel each.

    rows: dept_id, period, count, exposure, adopted, and others: a second count that the points tell (of a share, those of whom the thing is not
    true), few of which may be shown as little as few of the first; 0 where there is none.
    """
    chosen = study.cohort.study.disclosure
    threshold = 0 if chosen.off else chosen.threshold
    widths = WIDTHS if study.time_unit == "month" else (1,)
    best: tuple[float, SeriesSet] | None = None
    for by, panels, later in _levels(study, rows, most):
        for width in widths:
            shown = [_may_be_shown(panel, width, threshold) for panel in panels]
            found = SeriesSet(panels, by, width, later)
            if all(shown):
                return replace(found, whole=True)
            # of what shows part of its panels, the most, and the finest of these
            if best is None or np.mean(shown) > best[0] or (np.mean(shown) == best[0] and best[1].by == by):
                best = float(np.mean(shown)), found
    return None if best is None else best[1]


def _levels(study: Prepared, rows: pd.DataFrame, most: int) -> Iterator[tuple[str, list[Series], list[tuple[float, str]]]]:
    """From fine to coarse: departments where few were treated or few there are, waves, all departments."""
    treated = rows.loc[rows["adopted"].notna(), "dept_id"].nunique()
    number = rows["dept_id"].nunique()
    if number <= most:
        yield "department", [_series(part, str(name)) for name, part in rows.groupby("dept_id", sort=True)], []
    elif 0 < treated <= min(most, FEWEST_TREATED):
        some = rows[rows["adopted"].notna()]
        yield "department", [_series(part, str(name)) for name, part in some.groupby("dept_id", sort=True)], []
        return
    waves = rows["adopted"].fillna(np.inf)
    starts = sorted(waves.unique())
    if len(starts) <= MOST_WAVES and (len(starts) > 1 or number > most):
        names = {wave: "Never in the window" if np.isinf(wave) else f"Go-live {study.name_of(wave)}" for wave in starts}
        yield "wave", [
            _series(part, f"{name} ({part['dept_id'].nunique()} departments)") for wave, name in names.items() for part in (rows[waves == wave],)
        ], []  # fmt: skip
    began = [wave for wave in starts if np.isfinite(wave)]
    if treated > FEWEST_TREATED and len(starts) <= MOST_WAVES:
        later = [(wave, "go-live of another wave") for wave in began[1:]]
        yield "series", [_series(rows, f"All departments ({number})", began[0])], later


def _series(rows: pd.DataFrame, name: str, go_live: float | None = None) -> Series:
    """Summed over departments; months in which one of them has no row are left out, or the rate would change with who is in it."""
    by_period = rows.groupby("period")[["count", "exposure", "others"]].sum()
    by_period["here"] = rows.groupby("period")["dept_id"].nunique()
    by_period = by_period.reset_index()
    whole = by_period[by_period["here"] == by_period["here"].max()].drop(columns="here")
    live = rows["adopted"].dropna()
    begins = go_live if go_live is not None else float(live.iloc[0]) if len(live) else np.nan
    return Series(name, whole, begins, (float(rows["count"].sum()), float(rows["others"].sum())))


def binned(series: Series, width: int) -> pd.DataFrame:
    """Periods, or ``width`` of them together, counted from go-live so that none straddles it; broken ones at the ends are left out."""
    origin = series.go_live if np.isfinite(series.go_live) else series.rows["period"].min()
    start = origin + width * np.floor((series.rows["period"] - origin) / width)
    by_bin = series.rows.assign(bin=start).groupby("bin")
    out = by_bin[["count", "exposure", "others"]].sum()
    return out[by_bin.size() == width].reset_index()


def fewest(series: Series, rows: pd.DataFrame) -> float:
    """The smallest number of events, or of others, behind a panel that is not none: of a point of ``rows``, or of the periods that none holds."""
    behind = [*rows["count"], series.total[0] - rows["count"].sum(), *rows["others"], series.total[1] - rows["others"].sum()]
    return float(min((count for count in behind if count > 0), default=np.inf))


def _may_be_shown(series: Series, width: int, threshold: int) -> bool:
    """Whether no count behind the panel is small, and enough points come before go-live to set limits."""
    rows = binned(series, width)
    before = rows["bin"] < series.go_live if np.isfinite(series.go_live) else np.ones(len(rows), dtype=bool)
    return fewest(series, rows) >= threshold and int(np.sum(before)) >= (FEWEST_POINTS if width > 1 else 1)
