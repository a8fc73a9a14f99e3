"""Head-counts, leavers and who stayed, by staff group and twelve-month period: the numbers behind leaver rates.

Head-count is the mean of the counts at the close of the day before the period and of its month-ends (thirteen counts in twelve
months). A leaver is an end of employment in the period; the stability index compares two days: of those in post at the close of the
day before the period, who is in post at the close of its last day. Both are definitions of published workforce statistics, except
that national figures also count those who go on maternity leave or a career break, which is told apart here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import day_number
from mentorship_eval.cohort.person_time.in_post import InPost

__all__ = ["ALL", "OVERALL", "Period", "joined_groups", "measures", "periods_of"]

ALL = "All staff"
OVERALL = "whole window"
_JOINED = "smaller staff groups, joined"


@dataclass(frozen=True)
class Period:
    """name; before: the day before it begins, last: its last day (days since 1970-01-01); counts: days of its head-counts;
    parts: the twelve-month periods that make it up (itself, or all of them for the whole window)."""

    name: str
    before: float
    last: float
    counts: tuple[float, ...]
    parts: tuple[tuple[float, float], ...]

    @property
    def years(self) -> float:
        """Twelve months are one year, whatever the calendar; a window of another length is counted in days."""
        return 1.0 if self.parts == ((self.before, self.last),) else (self.last - self.before) / 365.25


def _day(date: pd.Timestamp) -> float:
    return float(day_number(pd.Series([date]), "window")[0])


def _month_ends(start: pd.Timestamp, last: float) -> tuple[float, ...]:
    """The day before ``start`` and before the same day of each month after it, up to ``last``."""
    ends = (_day(start + pd.DateOffset(months=month)) - 1 for month in range(int((last - _day(start)) / 28) + 2))
    return tuple(end for end in ends if end <= last)


def periods_of(start: pd.Timestamp, end: pd.Timestamp) -> list[Period]:
    """The whole twelve-month periods of a window (both days inside), and the whole window last."""
    out: list[Period] = []
    begins, after = start, start + pd.DateOffset(months=12)
    while _day(after) - 1 <= _day(end):
        before, last = _day(begins) - 1, _day(after) - 1
        final = after - pd.Timedelta(days=1)
        same_year = begins.year == final.year
        name = f"{begins:%Y}" if same_year else f"{begins:%b %Y} to {final:%b %Y}"
        out.append(Period(name, before, last, _month_ends(begins, last), ((before, last),)))
        begins, after = after, after + pd.DateOffset(months=12)
    before, last = _day(start) - 1, _day(end)
    parts = tuple(part for period in out for part in period.parts)
    whole = Period(OVERALL, before, last, _month_ends(start, last), parts)
    return [*out, whole] if parts != ((before, last),) else out


def measures(found: InPost, group: pd.Series, period: Period) -> pd.DataFrame:
    """One row per group and one for `ALL`, first, in one period.

    group: staff group of each person, by row of staff. Columns: group, people (ever in post in it), heads, person_years, left,
    voluntary, other (left = voluntary + other), breaks (who went on leave and did not leave), heads_active (without people on
    leave), at_start, stayed, gone, and the whole-time equivalents wte, wte_left, wte_voluntary, wte_start, wte_stayed, with the sums
    of squares wte_left2, wte_voluntary2, wte_start2 (all NaN where no post has a wte).
    """
    posts, exits = found.posts, found.exits
    names = list(dict.fromkeys(group))
    code = group.map({name: position for position, name in enumerate(names)}).to_numpy()
    size = len(names)

    def count(people: pd.Series, weight: pd.Series | None = None) -> np.ndarray:
        weights = None if weight is None else weight.fillna(0.0).to_numpy(float)
        return np.bincount(code[people.to_numpy(int)], weights, size).astype(float)

    inside = (posts["stop"] > period.before) & (posts["start"] <= period.last)
    time = posts["stop"].clip(upper=period.last) - posts["start"].clip(lower=period.before)
    left = exits[(exits["day"] > period.before) & (exits["day"] <= period.last)]
    voluntary = left[left["reason"] == "voluntary"]
    off = posts["suspended"] & ~posts["suspended"].shift(fill_value=False) & posts["employment"].eq(posts["employment"].shift())
    off &= (posts["start"] > period.before) & (posts["start"] <= period.last) & ~posts["employment"].isin(left["employment"])
    counted = [found.held(day) for day in period.counts]
    active = [posts_now[~posts_now["suspended"]] for posts_now in counted]
    table: dict[str, np.ndarray] = {
        "people": count(posts.loc[inside, "person"].drop_duplicates()),
        "heads": np.mean([count(now["person"]) for now in counted], axis=0),
        "person_years": count(posts.loc[inside, "person"], time[inside]) / 365.25,
        "left": count(left["person"]),
        "voluntary": count(voluntary["person"]),
        "breaks": count(posts.loc[off].drop_duplicates("employment")["person"]),
        "heads_active": np.mean([count(now["person"]) for now in active], axis=0),
        "wte": np.mean([count(now["person"], now["wte"]) for now in counted], axis=0),
        "wte_left": count(left["person"], left["wte"]),
        "wte_left2": count(left["person"], left["wte"] ** 2),
        "wte_voluntary": count(voluntary["person"], voluntary["wte"]),
        "wte_voluntary2": count(voluntary["person"], voluntary["wte"] ** 2),
    }
    for name in ("at_start", "stayed", "wte_start", "wte_start2", "wte_stayed"):
        table[name] = np.zeros(size)
    for before, last in period.parts:
        first = found.held(before)
        kept = first[first["person"].isin(found.held(last)["person"])]
        table["at_start"] += count(first["person"])
        table["stayed"] += count(kept["person"])
        table["wte_start"] += count(first["person"], first["wte"])
        table["wte_start2"] += count(first["person"], first["wte"] ** 2)
        table["wte_stayed"] += count(kept["person"], kept["wte"])
    frame = pd.DataFrame(table)
    frame.insert(0, "group", names)
    if not posts["wte"].notna().any():
        frame[[name for name in frame if str(name).startswith("wte")]] = np.nan
    total = frame.drop(columns="group").sum(min_count=1).to_frame().T.assign(group=ALL)
    frame = pd.concat([total[frame.columns], frame.sort_values("heads", ascending=False)], ignore_index=True)
    frame["other"], frame["gone"] = frame["left"] - frame["voluntary"], frame["at_start"] - frame["stayed"]
    frame.insert(0, "period", period.name)
    return frame


def joined_groups(found: InPost, group: pd.Series, periods: list[Period], threshold: int) -> pd.Series:
    """``group`` with small groups joined, until no count of leavers in any group and period lies between 1 and ``threshold`` - 1.

    Blanking a small count would not hide it: its row and its column add up to totals that are shown. Threshold 0 or 1 joins nothing.
    """
    counted = ["left", "voluntary", "other", "gone"]
    group = group.copy()
    while threshold > 1 and len(group.unique()) > 1:
        tables = pd.concat([measures(found, group, period) for period in periods])
        tables = tables[tables["group"] != ALL]
        small = ((tables[counted] > 0) & (tables[counted] < threshold)).any(axis=1)
        poor = set(tables.loc[small, "group"])
        if not poor:
            break
        size = tables.groupby("group")["person_years"].sum().sort_values()
        if poor <= {_JOINED} or len(poor) == 1:
            # what is joined must hold at least two groups, and grow by the smallest of the others
            poor |= {next(name for name in size.index if name not in poor)}
        group = group.where(~group.isin(poor | ({_JOINED} & set(group))), _JOINED)
    return group
