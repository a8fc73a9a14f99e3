"""When each category of incident was in use: a category that a new taxonomy brings, or drops, was not at 0 before, or after; it did not exist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.incidents.prepared import Prepared

__all__ = ["Life", "category_lives", "lives", "taxonomy_caution", "taxonomy_months"]

# so many events would have been expected in the months without any, had the category been in use at the rate of the others
SURELY_SEEN = 10.0


@dataclass(frozen=True)
class Life:
    """First and last period in which a category was in use; cut: whether the window goes beyond them."""

    first: float
    last: float
    cut: bool

    def within(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The department-months in which the category was in use."""
        return rows[rows["period"].between(self.first, self.last)] if self.cut else rows

    def words(self, study: Prepared) -> str:
        """As in "(from 2023-09)"; nothing for a category that was always in use."""
        if not self.cut:
            return ""
        if self.first <= study.rows["period"].min():
            return f" (to {study.name_of(self.last)})"
        whole = self.last >= study.rows["period"].max()
        return f" (from {study.name_of(self.first)})" if whole else f" ({study.name_of(self.first)} to {study.name_of(self.last)})"


def lives(rows: pd.DataFrame, columns: list[str], exposure: str) -> dict[str, Life]:
    """Months from the first to the last event anywhere, by column of a panel; the whole window where the months without an event can be chance.

    This looks at the sum of the rows alone, never at single departments.
    """
    if rows.empty:
        return {column: Life(-np.inf, np.inf, False) for column in columns}
    by_period = rows.groupby("period")[[exposure, *columns]].sum()
    size, periods = by_period[exposure].to_numpy(float), by_period.index.to_numpy(float)
    out = {}
    for column in columns:
        counts = by_period[column].to_numpy(float)
        some = np.flatnonzero(counts)
        if not len(some):
            out[column] = Life(periods[0], periods[-1], False)
            continue
        first, last = int(some[0]), int(some[-1])
        rate = counts[first : last + 1].sum() / size[first : last + 1].sum()
        # each end by itself: an old category may end where a new one begins
        begin = first if rate * size[:first].sum() > SURELY_SEEN else 0
        end = last if rate * size[last + 1 :].sum() > SURELY_SEEN else len(periods) - 1
        out[column] = Life(periods[begin], periods[end], begin > 0 or end < len(periods) - 1)
    return out


def category_lives(study: Prepared) -> dict[str, Life]:
    """By category of the incident records, without those of no category; empty when the records have none."""
    if study.records is None or "category" not in study.records:
        return {}
    rows = study.panel(by="category").rows
    names = sorted(str(column) for column in rows if str(column).startswith("category=") and column != "category=missing")
    # by departments without the programme alone: a category that the programme does away with has not left the taxonomy
    without = rows[~(rows["period"] >= rows[study.adopted])]
    return {name.removeprefix("category="): life for name, life in lives(without, names, study.exposure).items()}


def _came_or_went(study: Prepared, found: dict[str, Life]) -> dict[float, list[str]]:
    """Periods from which a category was in use, or no longer, with the categories."""
    first, last = float(study.rows["period"].min()), float(study.rows["period"].max())
    came: dict[float, list[str]] = {}
    for name, life in found.items():
        if life.cut and life.first > first:
            came.setdefault(life.first, []).append(name)
        if life.cut and life.last < last:
            came.setdefault(life.last + 1, []).append(name)
    return came


def taxonomy_months(study: Prepared) -> list[float]:
    """Periods in which categories came or went."""
    return sorted(_came_or_went(study, category_lives(study)))


def taxonomy_caution(study: Prepared, found: dict[str, Life]) -> list[Caution]:
    """Which categories came or went, and when; months of the change that several share are named once."""
    came = _came_or_went(study, found)
    if not came:
        return []
    months = "; ".join(f"{study.name_of(when)}: {', '.join(sorted(names))}" for when, names in sorted(came.items()))
    text = (
        f"Categories came or went inside the window ({months}): the taxonomy changed. Each category is compared only over the months in which it was "
        "in use; all incidents together, harm and no-harm do not depend on it, unless what counts as an incident changed too."
    )
    return [Caution("taxonomy_change", text, {"months": [str(study.name_of(when)) for when in sorted(came)]})]
