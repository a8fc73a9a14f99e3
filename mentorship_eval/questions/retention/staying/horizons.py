"""Who is still there 6, 12 and 24 months after hire (or at the plan's horizons), of all staff and by staff group.

A horizon that follow-up does not reach is not told. Where most of those hired in the window have not been followed that long the
number rests on the few who were: the cohort is immature, and that is said.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, followed, table_exhibit
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.staying.causes import conditional_caution
from mentorship_eval.questions.retention.staying.exit_curves import ExitCurves, Horizon, exit_curves, horizons_of
from mentorship_eval.questions.section import Section

__all__ = ["immature", "still_employed"]

ALL = "All staff"


def immature(could: pd.Series, horizon: Horizon, who: str, least: float) -> list[Caution]:
    """A caution when the window lets less than the share ``least`` of ``who`` be followed to ``horizon`` (W124, rules.mature_share).

    could: days from their time 0 (hire, the landmark) to the end of the window: leaving does not enter.
    """
    if not len(could):
        return []
    share = float((could >= horizon.days).mean())
    if share >= least:
        return []
    text = f"W124: an immature cohort. The window lets {share:.0%} of {who} be followed for {horizon.words}; what is told of that time rests on "
    text += "few people, or on people hired before the window."
    return [Caution("immature_cohort", text, {"share": share, "days": horizon.days, "persons": int((could >= horizon.days).sum())})]


def still_employed(study: Prepared) -> Section:
    """Shares still there at the horizons with intervals by department; gaps where follow-up does not reach."""
    persons, told = study.episodes.persons, Section()
    horizons, still = horizons_of(study.cohort), study.words.still
    groups = [(ALL, persons)]
    if "profession" in persons and len(persons["profession"].unique()) > 1:
        profession = persons["profession"].astype(object).where(persons["profession"].notna(), "not recorded").astype(str)
        groups += [(name.replace("_", " "), persons[profession == name]) for name in profession.value_counts().index]
    rows = []
    for name, people in groups:
        try:
            curves = exit_curves(people)
        except EstimationError as error:
            if name == ALL:
                return told.lacks(f"Who is {still} at {horizons[0].words}", error.problem, "More people, or more follow-up.")
            rows += [_row(name, horizon, reason=error.problem) for horizon in horizons]
            continue
        if name == ALL:
            told.cautions += conditional_caution(curves)
        for horizon in horizons:
            reason = curves.why_not(horizon.days)
            if reason:
                rows.append(_row(name, horizon, reason=reason))
                if name == ALL:
                    told.lacks(f"Who is {still} at {horizon.words}", reason, "More follow-up.")
                continue
            result, at_risk, left = _told(study, curves, name, horizon)
            told.results.append(result)
            since = f"among those still there at {curves.since / DAYS_PER_MONTH:.1f} months" if curves.since else ""
            rows.append(_row(name, horizon, result, at_risk, left, since))
    hired = persons[persons["entry"] == 0]
    could = (study.episodes.end - hired["hire"]).dt.days
    for horizon in horizons:
        told.cautions += immature(could, horizon, "those hired in it", study.cohort.study.rules.mature_share)
    frame = _tidy(rows)
    remark = {"reason": "Remark"} if "reason" in frame else {}
    told.exhibits.append(
        table_exhibit(
            "retention.still_employed",
            f"{still[:1].upper()}{still[1:]}, by time since hire",
            frame,
            counts=("at_risk", "left"),
            derived=("share",),
            ratios={"share": "at_risk"},
            same={"at_risk": "quantity", "left": "quantity_left"},
            within="time",
            results={"told": ""},
            steps=("left",),
            totals=(ALL,),
            by="group",
            labels={
                "group": "Staff group",
                "time": "Time since hire",
                "at_risk": "Followed that long",
                "left": "Seen to leave by then",
                "share": f"{still[:1].upper()}{still[1:]} (95 % CI)",
                **remark,
            },
            formats={"at_risk": "count", "left": "count"},
            note=f"Counted: {study.words.exits}. Aalen-Johansen with delayed entry, intervals clustered by department.",
        )
    )
    told.methods.append(f"{still[:1].upper()}{still[1:]} at the horizons: Aalen-Johansen with delayed entry, intervals clustered by department, t.")
    return told


def _tidy(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Groups one after the other; a column of remarks only where there are any."""
    frame = pd.DataFrame(rows)
    order = {name: place for place, name in enumerate(frame["group"].unique())}
    frame = frame.sort_values("group", key=lambda group: group.map(order), kind="stable", ignore_index=True)
    frame["group"] = frame["group"].map(lambda name: str(name)[:1].upper() + str(name)[1:])
    return frame if (frame["reason"] != "").any() else frame.drop(columns="reason")


def _row(
    group: str, horizon: Horizon, result: Result | None = None, at_risk: float = float("nan"), left: float = float("nan"), reason: str = ""
) -> dict[str, object]:
    share = "–"
    if result is not None:
        e = result.estimate
        share = f"{format_number(100 * e.value, 1)} %"
        if e.ci_low == e.ci_low:
            share += f" ({format_number(100 * e.ci_low, 1)} to {format_number(100 * e.ci_high, 1)})"
    quantity, quantity_left = followed("since hire", group, horizon.key, "horizon")
    return {"group": group, "time": horizon.words, "at_risk": at_risk, "left": left, "share": share, "reason": reason,
            "told": "" if result is None else result.id, "quantity": quantity, "quantity_left": quantity_left}


def _told(study: Prepared, curves: ExitCurves, group: str, horizon: Horizon) -> tuple[Result, float, float]:
    """The share of one group at one horizon, how many are followed that long and how many were seen to leave by then."""
    row = curves.fitted.event_free_at([horizon.days]).iloc[0]
    left = float(curves.fitted.at([horizon.days])["n_event"].sum())
    estimand = f"{study.words.still} {horizon.words} after hire"
    if curves.since:
        estimand += f", among those still there at {curves.since / DAYS_PER_MONTH:.1f} months"
    method = f"{curves.method}, {study.words.exits}"
    estimate = curves.told(row["probability"], row, n_events=int(left), estimand=estimand, method=method)
    everybody = group == ALL
    label = f"{study.words.still[:1].upper()}{study.words.still[1:]} at {horizon.words}"
    result = Result(
        f"retention.still_employed.{horizon.key}" + ("" if everybody else "." + group.replace(" ", "_")),
        "still_employed",
        estimand,
        "all staff followed" if everybody else f"all staff followed, {group}",
        estimate,
        label if everybody else f"{group[:1].upper()}{group[1:]}, at {horizon.words}",
        "descriptive",
        "" if everybody else f"{study.words.still[:1].upper()}{study.words.still[1:]}, by staff group",
    )
    return result, float(curves.followed_at(horizon.days)), left
