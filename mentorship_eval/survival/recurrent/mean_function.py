"""The mean cumulative function: events per person by a time, of people followed over rows (start, stop].

Without an end that stops events for good it is the sum of dN / Y (Nelson 1988, J. Quality Technology 20:24-35; Lawless & Nadeau 1995,
Technometrics 37:158-168). With one (``terminal``: leaving) each step is weighted by the chance of still being there, so that those who left go
on counting with the events that they had, and have no more (Cook & Lawless 1997, Stat. Med. 16:911-924; Ghosh & Lin 2000, Biometrics
56:554-562). The standard error is the infinitesimal jackknife by cluster, which for the first is that of R's survfit.

A mean says what people had by a time. Where for a while nobody of a group is at risk, what came then is not known, and all that follows would lack
it: the mean ends there, and says so (R goes on as if nothing had happened). Restrict the rows to those after the gap for the mean from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.intervals import critical_value, difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import event_flags, interval_times, labels_of, read_groups, require_columns
from mentorship_eval.survival.curves.curve_steps import Rows
from mentorship_eval.survival.curves.restricted_area import gaps
from mentorship_eval.survival.lookup import look_up
from mentorship_eval.survival.recurrent.mean_steps import MeanSteps, mean_steps

__all__ = ["MeanCumulative", "mean_cumulative"]


@dataclass(frozen=True)
class MeanCumulative(Shown):
    """Events per person by group.

    table: by, time, n_risk, n_event, mean, se, ci_low, ci_high; a row for each time at which a row of the data ends; no mean after a gap with
    nobody at risk. terminal: whether an end stops events for good; n: rows read; ci_level; warnings.
    """

    table: pd.DataFrame
    terminal: bool
    ci_level: float
    n: int
    method: str
    warnings: tuple[Caution, ...]
    _rows: dict[object, Rows] = field(repr=False)
    _steps: dict[object, MeanSteps] = field(repr=False)
    _gaps: dict[object, tuple[float, float]] = field(repr=False)

    def at(self, times: Sequence[float] | float) -> pd.DataFrame:
        """The means at ``times``: by, time, n_risk (just before), n_event (so far), mean, se, ci_low, ci_high, and ``reason`` for what is missing."""
        found = look_up(self.table, self._rows, times, {"mean": 0.0, "se": 0.0}, None, by=["by"])
        for label, (last, back) in self._gaps.items():
            late = (found["by"] == label) & (found["time"] > last)
            found.loc[late, ["mean", "se", "ci_low", "ci_high"]] = np.nan
            beyond = found["reason"].str.startswith("beyond")
            found.loc[late & ~beyond, "reason"] = f"nobody is at risk between {last:g} and {back:g}"
        return found

    def difference(self, time: float, of: object, against: object, *, estimand: str = "") -> Estimate:
        """Mean of group ``of`` minus that of ``against`` at ``time``; clusters are left out of both groups at once.

        t on the clusters of the group that has fewer, minus 1. Raises UsageError for an unknown group, EstimationError beyond its follow-up, after
        a gap with nobody at risk, and where one group has events before anybody of the other is at risk.
        """
        unknown = [group for group in (of, against) if group not in self._steps]
        if unknown:
            raise UsageError(f"There is no group {listing(unknown)}.", fix=f"The groups are {listing(self._steps, 12)}.")
        late = [group for group in (of, against) if self._rows[group].stop.max() < time]
        if late:
            raise EstimationError(f"Nobody in {listing(late)} is followed to {time:g}.", fix="Ask for an earlier time.")
        for group in (of, against):
            last, back = self._gaps.get(group, (np.inf, np.inf))
            if last < time:
                raise EstimationError(f"Nobody in {group} is at risk between {last:g} and {back:g}.", fix=f"Ask for a time up to {last:g}.")
        upper, lower = self._steps[of], self._steps[against]
        begun = {group: float(self._rows[group].start.min()) for group in (of, against)}
        later = max(begun, key=lambda group: begun[group])
        earlier = lower if later is of else upper
        if earlier.events_by(min(begun[later], time)) > 0:
            raise EstimationError(
                f"Nobody in {later} is at risk before {begun[later]:g}, by when there are events in the other group: the two means count from "
                "different times.", fix=f"Begin the rows of both groups at {begun[later]:g}.",
            )  # fmt: skip
        names = sorted({*upper.clusters.tolist(), *lower.clusters.tolist()})
        (whole, without), (base, base_without) = ((part.at(time), part.without_each_at(time, names)) for part in (upper, lower))
        jackknife = cluster_jackknife(whole - base, without - base_without)
        fewest = min(len(upper.clusters), len(lower.clusters))
        se = np.nan if jackknife.failed or fewest < 2 else float(jackknife.se[0])
        return difference_estimate(
            float(whole - base), se, scale="difference", df=float(fewest - 1), ci_level=self.ci_level,
            n=sum(len(self._rows[group].stop) for group in (of, against)),
            n_events=int(upper.events_by(time) + lower.events_by(time)), n_clusters=fewest, estimand=estimand,
            method=f"{self.method}; leave-one-cluster-out jackknife of the difference, t on the clusters of the group that has fewer - 1",
        )  # fmt: skip

    def statement(self) -> str:
        """Each group's mean with its interval where its follow-up ends."""
        parts = []
        for label, part in self.table.groupby("by", sort=False):
            last = part[part["mean"].notna()].iloc[-1]
            who = "" if label == "all" else f", {label}"
            limits = f" ({self.ci_level * 100:g} % CI {format_number(last.ci_low)} to {format_number(last.ci_high)})"
            parts.append(f"Events per person{who} by {last.time:g}: {format_number(last['mean'])}{'' if np.isnan(last.ci_low) else limits}.")
        return " ".join(parts)


def mean_cumulative(
    data: pd.DataFrame, *, stop: str, event: str, cluster: str, id: str | None = None, start: str | None = None, by: str | None = None,
    terminal: str | None = None, ci_level: float = 0.95,
) -> MeanCumulative:
    """Mean cumulative function of rows (start, stop], by group.

    Parameters
    ----------
    event : 1 where an event happens at ``stop`` of the row, else 0; several rows of a person may end with one.
    cluster : column of independent units: the person, or the department. Required, since rows of a person never are.
    id : column of persons; None when the clusters are persons. Nobody is in two places at once: rows of a person may leave a gap, not overlap.
    terminal : 1 where the person's events are over for good at ``stop``; None for no such end. Rows of a person that end otherwise
        are censored there unless another goes on. An event and an end on one day: the event came first.
    by : column of groups, None for one (labelled ``all``). A person may change group, as exposure that varies with time; then the
        curve with ``terminal`` says little, since what comes before a change is not told: use groups fixed at a landmark.

    Intervals are on the log scale, t on the clusters of the group - 1. Memory grows with clusters times event times.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, no events at all; rows of one person that overlap or come after
        the end.
    """
    critical_value(ci_level)
    require_columns(data, [column for column in (stop, event, cluster, id, start, by, terminal) if column is not None])
    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    over = np.zeros(len(data), bool)
    if terminal is not None and data[terminal].to_numpy(float).any():
        over = event_flags(data, terminal)
    groups, units = read_groups(data, by), read_groups(data, cluster)
    _refuse_impossible(data, begins, ends, over, id or cluster, by_default=id is None)
    rows, steps, tables, without = {}, {}, [], {}
    for code, label in enumerate(groups.labels):
        mine = np.flatnonzero(groups.codes == code)
        part = Rows(begins[mine], ends[mine], np.where(happened[mine], 0, -1), np.ones(len(mine)), units.codes[mine])
        rows[label], steps[label] = part, mean_steps(part.start, part.stop, happened[mine], over[mine], units.codes[mine])
        tables.append(_frame(label, steps[label], ci_level))
        empty = gaps(part, float(part.start.min()), float(part.stop.max())) if start is not None else np.zeros(0)
        if len(empty):
            without[label] = float(empty[0]), float(part.start[part.start >= empty[0]].min())
            tables[-1].loc[tables[-1]["time"] > empty[0], ["mean", "se", "ci_low", "ci_high"]] = np.nan
    cautions = [
        Caution("risk_set_gap", f"Nobody{'' if label == 'all' else f' in {label}'} is at risk between {last:g} and {back:g}; the mean ends there.",
                {"by": label, "from": last, "to": back})
        for label, (last, back) in without.items()
    ]  # fmt: skip
    kind = ", each step weighted by the chance of still being there (Ghosh & Lin)" if terminal else " (Nelson; Lawless & Nadeau)"
    how = f"mean cumulative function{kind}"
    table = pd.concat(tables, ignore_index=True)
    return MeanCumulative(table, terminal is not None, ci_level, len(data), how, tuple(cautions), rows, steps, without)


def _refuse_impossible(data: pd.DataFrame, start: np.ndarray, stop: np.ndarray, over: np.ndarray, person: str, *, by_default: bool) -> None:
    """Refuse rows of one ``person`` (a column) that overlap, and rows after its end; persons and rows are told."""
    who = read_groups(data, person)
    order = np.lexsort((stop, start, who.codes))
    again = who.codes[order][1:] == who.codes[order][:-1]
    # the latest end so far, not the end of the row before: a long row may hold several short ones
    reached = pd.Series(stop[order]).groupby(who.codes[order]).cummax().to_numpy()
    ended = pd.Series(over[order]).groupby(who.codes[order]).cummax().to_numpy()
    for wrong, what, fix in (
        (again & (start[order][1:] < reached[:-1]), "overlap with an earlier row", "Correct or remove these rows"),
        (again & ended[:-1], "come after the end", "An end is a person's last row; correct or remove these rows"),
    ):
        if wrong.any():
            places = order[1:][wrong]
            people = list(dict.fromkeys(who.labels[code] for code in who.codes[places]))
            rows = labels_of(data, np.isin(np.arange(len(data)), places))
            hint = f", or name the column of persons in id= when {person!r} holds several of them." if by_default else "."
            raise EstimationError(
                f"{len(rows):,} rows ({listing(rows)}) {what} of the same {person!r} ({listing(people)}).", fix=fix + hint, rows=rows
            )


def _frame(label: object, steps: MeanSteps, ci_level: float) -> pd.DataFrame:
    few = len(steps.clusters) < 2
    se = np.full(len(steps.time), np.nan) if few else steps.se
    critical = np.nan if few else critical_value(ci_level, float(len(steps.clusters) - 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp(critical * se / np.where(steps.mean > 0, steps.mean, np.nan))
    return pd.DataFrame({
        "by": [label] * len(se), "time": steps.time, "n_risk": steps.n_risk, "n_event": steps.n_event, "mean": steps.mean, "se": se,
        "ci_low": steps.mean / factor, "ci_high": steps.mean * factor,
    })  # fmt: skip
