"""Who is still employed, and why people left: curves that a reader can take percentages from.

Curves by mentorship exist only from a landmark: a time-varying exposure has no value after exit, and a curve
from hire would give the mentored the time that they had to survive to be matched.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.episodes import Episodes
from mentorship_eval.cohort.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Gap, Result
from mentorship_eval.questions.covariates import planned_covariates, varying, with_covariates
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, curve_exhibit, monthly_grid
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.model_rows import CAUSE, OUTCOME, persons_not_rows, share_on_curve
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen, cox, kaplan_meier

__all__ = ["causes_of_leaving", "from_landmark"]

_FEWEST_AT_RISK = 10


def _in_months(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(time=np.round(frame["time"] / DAYS_PER_MONTH, 6))


def _at(grid: np.ndarray) -> np.ndarray:
    # Just after 0, so that the people who are there from the start count as at risk in the table.
    return np.where(grid == 0, 1e-6, grid * DAYS_PER_MONTH)


def causes_of_leaving(episodes: Episodes) -> Section:
    """Cumulative incidence of each cause since hire, with delayed entry; still employed at 12 and 24 months."""
    persons = episodes.persons
    cautions: list[Caution] = []
    if not (persons["cause"] != "").any():
        return Section(cautions=[Caution("nobody_left", "Nobody left in the window: there is no curve to draw.")])
    fitted = aalen_johansen(persons, start="entry", stop="stop", cause="cause")
    risk_sizes = fitted.event_free.drop_duplicates("time")
    thin = risk_sizes[risk_sizes["n_risk"] < _FEWEST_AT_RISK]
    since = 0.0
    if len(thin) and thin["time"].min() < 182:
        enough = risk_sizes[risk_sizes["n_risk"] >= _FEWEST_AT_RISK]
        since = float(enough["time"].min())
        fitted = fitted.from_time(since)
        cautions.append(
            Caution(
                "conditional_curve",
                f"Curves start at {since / DAYS_PER_MONTH:.1f} months since hire, the first time with at least "
                f"{_FEWEST_AT_RISK} people at risk; they are conditional on staying until then.",
            )
        )
    grid = monthly_grid(min(float(persons["stop"].max()), 60 * DAYS_PER_MONTH))
    grid = grid[grid * DAYS_PER_MONTH >= since]
    looked = _in_months(fitted.at(_at(grid))).replace({"time": {0.0: 0.0}})
    looked["time"] = looked["time"].round(3)
    looked["cause"] = looked["cause"].astype(str).str.replace("_", " ").str.capitalize()
    free = fitted.event_free_at(_at(grid))
    risk = looked.groupby("time", as_index=False).agg(n_risk=("n_risk", "first"), n_event=("n_event", "sum")).assign(by="All staff")
    exhibit = curve_exhibit(
        "retention.cif",
        "Causes of leaving since hire",
        looked,
        by="cause",
        value="cif",
        at_risk=risk,
        y_label="Left by this time",
        rising=True,
        n=len(persons),
        n_events=int((persons["cause"] != "").sum()),
        method="Aalen-Johansen with delayed entry",
        note="Each curve is the share who have left for that reason, the other reasons competing; a Kaplan-Meier curve of one reason would "
        "overstate it.",
    )
    results = []
    for months in (12, 24):
        row = free.loc[np.isclose(free["time"], months * DAYS_PER_MONTH)]
        if len(row) and np.isfinite(row["probability"].iloc[0]) and since == 0:
            value = row.iloc[0]
            estimate = share_on_curve(
                value["probability"],
                value,
                n=len(persons),
                n_events=int((persons["cause"] != "").sum()),
                method="Aalen-Johansen with delayed entry, all exits",
                estimand=f"still employed {months} months after hire",
            )
            results.append(
                Result(
                    f"retention.still_employed.{months}",
                    "still_employed",
                    f"still employed {months} months after hire",
                    "all staff followed",
                    estimate,
                    f"Still employed at {months} months",
                    "companion",
                )
            )
    method = "Curves by mentorship start at a landmark; causes of leaving are told by Aalen-Johansen curves with delayed entry."
    return Section(results=results, exhibits=[exhibit], cautions=cautions, methods=[method])


def from_landmark(cohort: Cohort, episodes: Episodes) -> Section:
    """Still employed by mentorship at the landmark, and the hazard ratio from there."""
    try:
        chosen = cohort.study.plan.landmark_days
        days = default_landmark(episodes) if chosen is None else float(chosen)
        landmark = landmark_rows(episodes, days)
    except EstimationError as error:
        return Section().lacks("Curves by mentorship", error.problem, "Matches that begin during follow-up.")
    months = days / DAYS_PER_MONTH
    rows, arms = landmark.rows, landmark.rows["mentored"].value_counts()
    if len(arms) < 2:
        return Section().lacks("Curves by mentorship", f"Everybody at {months:.1f} months after hire is in one arm.", "A longer window.")
    how = "named in study.yaml" if chosen else "the tenure by which 90 % of matches had begun, set without looking at leaving"
    cautions = [
        Caution(
            "landmark",
            f"The landmark is {months:.1f} months after hire ({how}); {landmark.share_later:.0%} of the people followed "
            "from there were matched later and count as not mentored.",
            {"days": days, "share_later": landmark.share_later},
        )
    ]
    rows = rows.assign(
        exit=(rows["cause"] != "").astype(int),
        event=(rows["cause"] == CAUSE).astype(int),
        arm=np.where(rows["mentored"] == 1, "Mentored", "Not mentored"),
    )
    if not rows["exit"].any():
        return Section(cautions=cautions).lacks("Curves by mentorship", "Nobody left after the landmark.", "More follow-up after the landmark.")
    km = kaplan_meier(rows, stop="stop", event="exit", by="arm", cluster="dept_at_entry")
    grid = monthly_grid(float(rows["stop"].max()))
    looked = _in_months(km.at(_at(grid)))
    looked["time"] = looked["time"].round(3)
    exhibit = curve_exhibit(
        "retention.curves",
        f"Still employed, from {months:.0f} months after hire, by mentorship at that time",
        looked,
        by="by",
        value="survival",
        by_label=f"Mentorship at {months:.0f} months",
        time_from="the landmark",
        y_label="Still employed (all exits)",
        n=len(rows),
        n_events=int(rows["exit"].sum()),
        method="Kaplan-Meier, intervals clustered by department",
        note="Nobody was assigned to be mentored: the two groups differ in other ways too.",
    )
    results, gaps = [], []
    covariates = [name for name in planned_covariates(cohort, OUTCOME) if name in rows]
    ready, _ = with_covariates(rows, covariates)
    estimand = f"hazard of voluntary leaving, mentored within {months:.0f} months of hire against not, among those still there then"
    try:
        fit = cox(
            ready,
            stop="stop",
            event="event",
            covariates=["mentored", *varying(ready, covariates)],
            strata="dept_id",
            cluster="dept_at_entry",
        )
        results.append(
            Result(
                "retention.landmark",
                OUTCOME,
                estimand,
                "still employed at the landmark",
                persons_not_rows(fit.estimate, len(rows), int(rows["event"].sum()), estimand),
                f"Mentored by the landmark ({months:.0f} months)",
                "sensitivity",
                MENTORED,
            )
        )
        cautions += [Caution(c.code, f"From the landmark: {c.text}", c.data) for c in fit.warnings]
    except EstimationError as error:
        gaps.append(Gap("The hazard ratio from the landmark", error.problem, "More follow-up after the landmark."))
    return Section(results=results, exhibits=[exhibit], cautions=cautions, gaps=gaps)
