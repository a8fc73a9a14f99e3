"""The gaps themselves: who is still there in each group and arm, how far the group lies from the largest one without mentoring and with it, and
mentored minus not group by group, partially pooled.

Pooled are the differences of the groups, and not the changes of the gaps: changes all share the largest group, so that they are not independent, and
their mean would be taken for better known than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.equity.pooled import pooled_results
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.groups import jackknifed_difference, slug
from mentorship_eval.questions.retention.from_landmark.horizon_differences import survival_without_each

__all__ = ["POPULATION", "apart_forest", "differences_apart", "gap_table", "gaps_by_arm", "shares_by_arm"]

POPULATION = "eligible staff still there after six months"
_NUMBERS = ("gap_0", "gap_1", "change")
_ENDS = ("", "_low", "_high")


def shares_by_arm(rows: pd.DataFrame, horizon: float) -> tuple[dict[tuple[str, int], np.ndarray], dict[tuple[str, int], int]]:
    """Kaplan-Meier at ``horizon`` of each level and arm of ``rows``, from everybody and then without each department, (1 + departments,); and in how
    many departments each lies.
    """
    place, names = pd.factorize(rows["dept_id"], sort=True)
    curves, places = {}, {}
    for level in rows["level"].unique():
        for arm in (1, 0):
            mine = ((rows["level"] == level) & (rows["mentored"] == arm)).to_numpy()
            stop, exit_ = rows["stop"].to_numpy(float)[mine], rows["exit"].to_numpy(int)[mine]
            curves[str(level), arm] = survival_without_each(stop, exit_, place[mine], len(names), horizon)
            places[str(level), arm] = len(np.unique(place[mine]))
    return curves, places


def _counts(rows: pd.DataFrame, level: str, horizon: float) -> dict[str, float]:
    """Who left by ``horizon`` and who was followed beyond it, by arm."""
    out = {}
    for arm in (0, 1):
        mine = rows[(rows["level"] == level) & (rows["mentored"] == arm)]
        gone = (mine["exit"] == 1) & (mine["stop"] <= horizon)
        out[f"left_{arm}"], out[f"still_{arm}"] = float(gone.sum()), float((~gone & (mine["stop"] >= horizon)).sum())
    return out


def gaps_by_arm(rows: pd.DataFrame, reference: str, found: Mapping[str, Result], horizon: float) -> pd.DataFrame:
    """A line for the largest group and for each of ``found`` (level -> change of its gap): shares by arm, gap in each arm, change."""
    lines = []
    for level in (reference, *found):
        two = rows[rows["level"].isin([reference, level])]
        curves, places = shares_by_arm(two, horizon)
        line: dict[str, object] = {"characteristic": next(iter(found.values())).group, "level": level, "told": "", **_counts(rows, level, horizon)}
        line |= {f"share_{arm}": float(curves[level, arm][0]) for arm in (0, 1)}
        if level != reference:
            line["told"] = found[level].id
            for arm in (0, 1):
                fewest = min(places[level, arm], places[reference, arm])
                line |= _numbers(f"gap_{arm}", jackknifed_difference(curves[level, arm], curves[reference, arm], places=fewest))
            line |= _numbers("change", found[level].estimate)
        lines.append(line)
    return pd.DataFrame(lines)


def _numbers(name: str, estimate: Estimate) -> dict[str, float]:
    return dict(zip((name + end for end in _ENDS), (estimate.value, estimate.ci_low, estimate.ci_high), strict=True))


def gap_table(frame: pd.DataFrame) -> Exhibit:
    """The lines of `gaps_by_arm` of all characteristics. Counts behind the shares are declared, and not shown."""
    return table_exhibit(
        "equity.staying.table", "Staying: the gap without mentoring, with it, and its change", frame,
        derived=("share_0", "share_1", *(name + end for name in _NUMBERS for end in _ENDS)), behind=("left_0", "left_1", "still_0", "still_1"),
        results={"told": ""}, stub=["characteristic", "level"],
        columns=["share_0", "share_1", *(f"{name}_interval" for name in _NUMBERS)],
        joined={f"{name}_interval": f"{{{name}:1}} ({{{name}_low:1}} to {{{name}_high:1}})" for name in _NUMBERS},
        spanners={"Still there a year on": ["share_0", "share_1"],
                  "Gap to the largest group, percentage points (95 % CI)": [f"{name}_interval" for name in _NUMBERS]},
        labels={"characteristic": "Characteristic", "level": "Group", "share_0": "Not mentored", "share_1": "Mentored",
                "gap_0_interval": "Not mentored", "gap_1_interval": "Mentored", "change_interval": "Change"},
        formats={"share_0": "percent", "share_1": "percent"},
        note="The first group of each kind is the largest one, which the others are held against. Shares are Kaplan-Meier estimates from six months "
        "after becoming eligible, mentored by then or not. The change is the gap with mentoring less the gap without; it alone is tested, since that "
        "one gap's interval holds 0 and the other's does not says nothing about a change. Groups of which too few were followed are left out.",
    )  # fmt: skip


def differences_apart(rows: pd.DataFrame, levels: Sequence[str], name: str, word: str, horizon: float) -> list[Result]:
    """Mentored minus not in each of ``levels``, partially pooled; none with fewer than three. Without their sizes, since all of them together, less
    those that are told, would give that of one that is not.
    """
    raw = []
    for level in levels:
        curves, places = shares_by_arm(rows[rows["level"] == level], horizon)
        counts = _counts(rows, level, horizon)
        estimand = f"still there 12 months from 6 months after becoming eligible, mentored minus not, {word.lower()}: {level}; not adjusted"
        estimate = jackknifed_difference(
            curves[level, 1], curves[level, 0], places=min(places.values()), estimand=estimand,
            method="Kaplan-Meier by arm; leave-one-department-out jackknife of the difference",
        )  # fmt: skip
        label = f"{level[:1].lower()}{level[1:]}"
        raw.append(Result(f"equity.staying_apart.{name}.{slug(level)}", "still_employed", estimand, POPULATION, estimate, label, "sensitivity", word,
                          rests_on=tuple(counts.values())))  # fmt: skip
    pooled = pooled_results(raw, key=("equity.staying_apart.", "equity.staying_pooled."), words=("still there", "partially pooled: still there"))
    return [replace(result, rests_on=own.rests_on) for own in raw for result in pooled if result.label == own.label]


def apart_forest(results: list[Result]) -> Exhibit:
    """One line a group."""
    return forest_exhibit(
        "equity.staying_pooled.forest", "Staying: mentored minus not, group by group, partially pooled", results, log=False, digits=1,
        value_label="Difference, percentage points", sides=("fewer of the mentored stay", "more of the mentored stay"),
        note="Each drawn towards the mean of its kind, the more so the less precise it is: how far groups lie apart should be read from these, and "
        "not from the raw ones, of which those of small groups vary most. Where all of a kind are alike, these data do not tell its groups apart. "
        "Not adjusted; nobody was assigned to be mentored.",
    )  # fmt: skip
