"""Still employed at a horizon after the landmark, mentored minus not, in percentage points.

Kaplan-Meier in each arm (everybody is followed from the landmark on). Mentored and not mentored people work in the same departments,
so that two standard errors, one an arm, would not add up: the difference itself is estimated without each department in turn, and
its interval is t on the departments of the arm that has fewer, less one; there is none where an arm is followed that long in a single
department. People are compared as they are, without adjustment.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import followed, forest_exhibit, table_exhibit
from mentorship_eval.questions.groups import jackknifed_difference
from mentorship_eval.questions.retention.from_landmark.landmark import AtLandmark
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.staying.exit_curves import FEWEST_AT_RISK, Horizon, horizons_of
from mentorship_eval.questions.retention.staying.horizons import immature
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section

__all__ = ["difference_at", "horizon_differences", "survival_without_each"]

GROUP = "Still there after the landmark, mentored minus not"


def survival_without_each(stop: np.ndarray, exit_: np.ndarray, cluster: np.ndarray, clusters: int, horizon: float) -> np.ndarray:
    """Kaplan-Meier at ``horizon`` from all people, then without each cluster: (1 + clusters,).

    stop, exit_, cluster: (n,), everybody at risk from 0; cluster 0..clusters-1. NaN where nobody is followed to ``horizon``.
    """
    times = np.unique(stop[(exit_ == 1) & (stop <= horizon)])
    size = len(times)
    # person i is at risk at the first `seen` of the times
    seen = np.searchsorted(times, stop, side="right")
    cells = np.bincount(cluster * (size + 1) + seen, minlength=clusters * (size + 1)).reshape(clusters, size + 1)
    at_risk = np.cumsum(cells[:, ::-1], axis=1)[:, ::-1][:, 1:]
    happened = (exit_ == 1) & (stop <= horizon)
    events = np.bincount(cluster[happened] * size + seen[happened] - 1, minlength=clusters * size).reshape(clusters, size)
    # the first row is of everybody
    at_risk = at_risk.sum(axis=0) - np.vstack([np.zeros(size), at_risk])
    events = events.sum(axis=0) - np.vstack([np.zeros(size), events])
    hazard = np.divide(events, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    followed = np.bincount(cluster[stop >= horizon], minlength=clusters)
    return np.where(followed.sum() - np.append(0, followed) > 0, np.prod(1 - hazard, axis=1), np.nan)


def difference_at(rows: pd.DataFrame, horizon: float, estimand: str = "") -> tuple[Estimate, dict[str, float]]:
    """The difference in percentage points at ``horizon`` days with its jackknife interval, and the shares still there by arm.

    rows: stop, exit (0/1), mentored (0/1), dept_at_entry; one a person.
    """
    cluster, names = pd.factorize(rows["dept_at_entry"])
    curves, departments = {}, {}
    for arm in (1, 0):
        mine = rows["mentored"].to_numpy() == arm
        stop, exit_ = rows["stop"].to_numpy(float)[mine], rows["exit"].to_numpy(int)[mine]
        curves[arm] = survival_without_each(stop, exit_, cluster[mine], len(names), horizon)
        departments[arm] = len(np.unique(cluster[mine]))
    estimate = jackknifed_difference(
        curves[1],
        curves[0],
        places=min(departments.values()),
        n=len(rows),
        n_events=int(((rows["exit"] == 1) & (rows["stop"] <= horizon)).sum()),
        method="Kaplan-Meier by arm; leave-one-department-out jackknife of the difference, t on the departments of the arm that has fewer - 1",
        estimand=estimand,
    )
    return estimate, {"mentored": float(curves[1][0]), "not mentored": float(curves[0][0])}


def _why_not(rows: pd.DataFrame, horizon: Horizon) -> str:
    for arm, name in ((1, "mentored"), (0, "not mentored")):
        followed = int(((rows["mentored"] == arm) & (rows["stop"] >= horizon.days)).sum())
        if followed < FEWEST_AT_RISK:
            return f"Fewer than {FEWEST_AT_RISK} of the {name} are followed that long."
    return ""


@on_both_arms
def horizon_differences(study: Prepared, at: AtLandmark) -> Section:
    """Results, table and forest of the differences at the horizons, counted from the landmark."""
    told, rows, still = Section(), at.rows, study.words.still
    hire = rows["staff_id"].map(study.episodes.persons.set_index("staff_id")["hire"])
    could = (study.episodes.end - hire).dt.days - at.days
    lines = []
    for horizon in horizons_of(study.cohort):
        line: dict[str, object] = {"time": horizon.words, "told": f"retention.horizon_difference.{horizon.key}"}
        for arm, name in ((1, "mentored"), (0, "not")):
            mine = rows[rows["mentored"] == arm]
            line[f"{name}_followed"] = int((mine["stop"] >= horizon.days).sum())
            line[f"{name}_left"] = int(((mine["stop"] <= horizon.days) & (mine["exit"] == 1)).sum())
            quantities = followed("landmark", "mentored" if arm else "not mentored", horizon.key, "horizon")
            line[f"quantity_{name}_followed"], line[f"quantity_{name}_left"] = quantities
        told.cautions += immature(could, horizon, "those still there at the landmark", study.cohort.study.rules.mature_share)
        reason = _why_not(rows, horizon)
        if reason:
            told.lacks(f"The difference in who is {still}, {horizon.words} after the landmark", reason, "More follow-up after the landmark.")
            lines.append({**line, "mentored_share": np.nan, "not_share": np.nan, "difference": "–", "reason": reason})
            continue
        estimand = (
            f"{still} {horizon.words} after the landmark, mentored within {at.months:.0f} months of hire minus not, among those still there "
            "then; not adjusted"
        )
        estimate, shares = difference_at(rows, horizon.days, estimand)
        lines.append(
            {
                **line,
                "mentored_share": shares["mentored"],
                "not_share": shares["not mentored"],
                "difference": f"{format_number(estimate.value, 1)}"
                + (f" ({format_number(estimate.ci_low, 1)} to {format_number(estimate.ci_high, 1)})" if estimate.ci_low == estimate.ci_low else ""),
                "reason": "" if estimate.ci_low == estimate.ci_low else "no interval: an arm rests on too few departments",
            }
        )
        told.results.append(
            Result(
                f"retention.horizon_difference.{horizon.key}", "still_employed", estimand, "still employed at the landmark", estimate,
                f"{still[:1].upper()}{still[1:]} {horizon.words} after the landmark", "companion", GROUP,
            )
        )  # fmt: skip
    named = [name for line in lines for name in line if name.startswith("quantity_")]
    frame = pd.DataFrame(lines)[
        ["time", "mentored_followed", "mentored_left", "mentored_share", "not_followed", "not_left", "not_share", "difference", "reason", "told",
         *dict.fromkeys(named)]
    ]
    told.exhibits.append(
        table_exhibit(
            "retention.horizon_differences",
            f"{still[:1].upper()}{still[1:]} after the landmark of {at.months:.0f} months, by mentorship at that time",
            frame,
            counts=("mentored_followed", "mentored_left", "not_followed", "not_left"),
            derived=("mentored_share", "not_share", "difference"),
            results={"told": ""},
            ratios={"mentored_share": "mentored_followed", "not_share": "not_followed"},
            same={f"{arm}_{count}": f"quantity_{arm}_{count}" for arm in ("mentored", "not") for count in ("followed", "left")},
            steps=("mentored_left", "not_left"),
            labels={
                "time": "After the landmark",
                "mentored_followed": "Mentored: followed that long",
                "mentored_left": "left by then",
                "mentored_share": still,
                "not_followed": "Not mentored: followed that long",
                "not_left": "left by then",
                "not_share": still,
                "difference": "Difference, percentage points (95 % CI)",
                "reason": "Remark",
            },
            formats={"mentored_share": "percent", "not_share": "percent"},
            note="People as they are, without adjustment: nobody was assigned to be mentored. Intervals by leaving out one department at a time.",
        )
    )
    if told.results:
        told.exhibits.append(
            forest_exhibit(
                "retention.horizon_forest",
                f"{still[:1].upper()}{still[1:]} after the landmark, mentored minus not",
                told.results,
                value_label="Difference, percentage points",
                sides=("fewer stay", "more stay"),
                log=False,
                digits=1,
            )
        )
    told.methods.append(
        f"{still[:1].upper()}{still[1:]} at the horizons after the landmark by mentorship: Kaplan-Meier by arm, leave-one-department-out jackknife "
        "of the difference, t."
    )
    return told
