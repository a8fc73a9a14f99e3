"""What came of the projects: how far they got, how many were adopted within a year, and whether those begun by the mentored were more often.

Giving up competes with adoption. Shares by stage count projects alone that began a year or more before the end of the data, so that none is
counted as not adopted which had no time to be. A project given up says not how far it had got: it counts as begun.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.clustered import clustered_share
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import curve_exhibit, forest_exhibit, in_months, just_after, monthly_grid, table_exhibit
from mentorship_eval.questions.groups import incidences_by_arm, jackknifed_difference
from mentorship_eval.questions.innovation.study import OUTCOME, InnovationStudy, mentored_by
from mentorship_eval.questions.retention.model_rows import share_on_curve
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen, cox

__all__ = ["STAGES", "funnel", "time_to_adoption", "with_fates"]

YEAR = 365.0
FEWEST = 5  # adoptions of those begun by the mentored
# in order; other words stand in the table by themselves
STAGES = {"idea": "Idea", "planned": "Planned", "piloted": "Piloted", "implemented": "Implemented", "adopted": "Adopted"}
_GIVEN_UP = ("abandoned", "stopped", "given up")
GROUP = "What came of the projects"


def with_fates(study: InnovationStudy) -> pd.DataFrame:
    """Projects with stop (days since the start, to adoption, giving up or the end of the window), ended ("adopted", "given up", ""), mentored."""
    end = pd.Timestamp(study.cohort.window[1])
    made = study.projects
    days = {name: (made[name].where(made[name] <= end) - made["date"]).dt.days for name in ("adopted_on", "abandoned_on")}
    adopted, gone = days["adopted_on"].fillna(np.inf).to_numpy(float), days["abandoned_on"].fillna(np.inf).to_numpy(float)
    last = (end - made["date"]).dt.days.to_numpy(float)
    stop = np.minimum(np.minimum(adopted, gone), last)
    ended = np.where((adopted <= gone) & (adopted <= last), "adopted", np.where(gone <= last, "given up", ""))
    # what was adopted on the day of its start was followed for half a day
    out = made.assign(stop=np.maximum(stop, 0.5), ended=ended, seen=last, mentored=mentored_by(study, made))
    return out[out["seen"] > 0].reset_index(drop=True)


def funnel(study: InnovationStudy) -> Section:
    """Shares that reached each stage, of the projects begun a year or more before the end."""
    told, question = Section(), "How far projects got"
    made = with_fates(study)
    if made["stage"].isna().all() and not (made["ended"] == "adopted").any():
        return told.lacks(question, "Neither the stage nor the day of adoption of projects is in these data.", "stage or adopted_on in projects")
    made = made[made["seen"] >= YEAR].reset_index(drop=True)
    if not len(made):
        return told.lacks(question, "No project began a year or more before the end of the data.", "A longer window.")
    word = made["stage"].astype(object).where(made["stage"].notna(), "").astype(str).str.lower().str.strip()
    word = word.mask(made["ended"] == "adopted", "adopted")
    order = list(STAGES)
    rank = word.map({name: k for k, name in enumerate(order)}).fillna(-1).to_numpy(int)
    known = [k for k, name in enumerate(order) if k and ((rank == k).any() or name == "adopted")]
    rows = [{"step": "Begun", "reached": len(made), "share": 1.0, "ci_low": np.nan, "ci_high": np.nan, "told": ""}]
    for k in known:
        yes = (rank >= k).astype(float)
        estimand = f"share of projects that are known to have reached the stage {order[k]}, of those begun a year or more before the end of the data"
        estimate = clustered_share(yes, np.ones(len(made)), made["dept_id"], estimand=estimand)
        name, label = f"innovation.stage.{order[k]}", f"{STAGES[order[k]]}, of those begun"
        behind = (float(yes.sum()), float(len(made) - yes.sum()))
        told.results.append(
            Result(name, OUTCOME, estimand, "projects with a year in the window", estimate, label, "companion", "Stages reached", rests_on=behind)
        )
        rows.append({"step": STAGES[order[k]], "reached": int(yes.sum()), "share": estimate.value, "ci_low": estimate.ci_low,
                     "ci_high": estimate.ci_high, "told": name})  # fmt: skip
    given_up = int(((made["ended"] == "given up") | word.isin(_GIVEN_UP)).sum())
    table = pd.DataFrame(rows)
    # the difference of two steps is a count too
    table["between"] = (-table["reached"].diff()).where(lambda gap: gap > 0)
    told.exhibits.append(
        table_exhibit(
            "innovation.funnel", "How far projects got", table, counts=("reached",), derived=("share", "ci_low", "ci_high"), behind=("between",),
            ratios={"share": "reached"}, results={"told": ""},
            labels={"step": "Stage", "reached": "Reached it", "share": "Of those begun", "ci_low": "95 % CI from", "ci_high": "to"},
            formats={"reached": "count", "share": "percent", "ci_low": "percent", "ci_high": "percent"},
            note="Of projects begun a year or more before the end of the data. One that was given up counts as begun alone: how far it had got is "
            "not known. One at a stage has passed those before it.",
        )
    )
    if given_up:
        told.lead.append(
            Statement("Of {begun} projects with a year in the window, {given} were given up.", {"begun": len(made), "given": given_up},
                      rests_on=(float(given_up), float(len(made) - given_up)), see=("innovation.funnel",))
        )  # fmt: skip
    return told


def time_to_adoption(study: InnovationStudy) -> Section:
    """Cumulative incidence of adoption, its difference a year on, and the hazard ratio: begun by the mentored against others."""
    told, question = Section(), "Time from start to adoption"
    made = with_fates(study)
    if not (made["ended"] == "adopted").any():
        return told.lacks(question, "No project has a day of adoption in the window.", "adopted_on in projects")
    if not (made["ended"] == "given up").any():
        text = "No project is told to have been given up (abandoned_on in projects): those that were count as still going on, and the share adopted "
        told.cautions.append(Caution("no_abandonment", text + "of those that could be is higher than it looks."))
    rows = made.assign(start=0.0, event=(made["ended"] == "adopted").astype(int), arm=made["mentored"].map({1: "Mentored", 0: "Not mentored"}))
    whole = aalen_johansen(rows, stop="stop", cause="ended", cluster="dept_id").at([YEAR])
    one = whole[whole["cause"] == "adopted"].iloc[0]
    number = int(((rows["event"] == 1) & (rows["stop"] <= YEAR)).sum())
    estimand = "share of projects adopted within 12 months of their start, giving up competing"
    if np.isfinite(one["cif"]):
        estimate = share_on_curve(one["cif"], one, n=len(rows), n_events=number, method="Aalen-Johansen, clustered by department", estimand=estimand)
        behind = (float(number), float(len(rows) - number))
        told.results.append(
            Result("innovation.adopted.12", OUTCOME, estimand, "all projects", estimate, "Adopted within 12 months", "companion", GROUP,
                   rests_on=behind)
        )
        limits = f" (95 % CI {estimate.ci_low:.0%} to {estimate.ci_high:.0%})" if np.isfinite(estimate.ci_low) else ""
        words = f"Within 12 months of their start {estimate.value:.0%} of projects were adopted{limits}, giving up competing."
        told.lead.append(Statement(words, rests_on=behind, results=("innovation.adopted.12",), see=("innovation.adoption.curves",)))
    counts = (*arms(rows), float(rows.loc[rows["mentored"] == 1, "staff_id"].nunique()))
    if min(counts[:2]) < FEWEST:
        reason = f"Too few projects (under {FEWEST}) of the mentored, or of others, were adopted."
        return told.lacks("Adoption of projects begun by the mentored", reason, "A longer window.")
    told.exhibits.append(_curves(rows, counts))
    _difference(told, rows, counts)
    _hazard(told, study, rows, counts)
    told.methods.append(
        "Adoption: from the start of each project to its adoption, giving up competing (Aalen-Johansen), the end of the window censoring; mentored "
        "as the first member was on the day of the start, which does not change after it; cause-specific Cox model, strata of department, errors "
        "clustered by it. A project goes on when its first member leaves."
    )
    return told


def _curves(rows: pd.DataFrame, counts: tuple[float, ...]) -> Exhibit:
    fit = aalen_johansen(rows, stop="stop", cause="ended", by="arm", cluster="dept_id")
    looked = in_months(fit.at(just_after(monthly_grid(float(rows["stop"].max()))[::3])))
    return curve_exhibit(
        "innovation.adoption.curves", "Adopted since the start, by whether the first member was mentored then", looked[looked["cause"] == "adopted"],
        by="by", value="cif", by_label="First member at the start", time_from="the start of the project", y_label="Adopted", unit="projects",
        n=len(rows), n_events=int(sum(counts[:2])), method="Aalen-Johansen, giving up competes; intervals clustered by department",
        population="projects", note="Not adjusted.",
    )  # fmt: skip


def _difference(told: Section, rows: pd.DataFrame, counts: tuple[float, ...]) -> None:
    mentored, others, fewest = incidences_by_arm(rows, "dept_id", "adopted", "given up", YEAR)
    if not np.isfinite(mentored[0] - others[0]) or fewest < 2:
        return
    estimand = "share adopted within 12 months, projects begun by the mentored minus others, giving up competing; not adjusted"
    estimate = jackknifed_difference(
        mentored, others, places=fewest, n=len(rows), n_events=int(((rows["event"] == 1) & (rows["stop"] <= YEAR)).sum()), estimand=estimand,
        method="Aalen-Johansen by arm; leave-one-department-out jackknife of the difference, t on the departments of the arm that has fewer - 1",
    )
    label = "Adopted within 12 months: begun by the mentored minus others"
    told.results.append(
        Result("innovation.adopted.difference.12", OUTCOME, estimand, "all projects", estimate, label, "companion", GROUP, rests_on=counts)
    )


def _hazard(told: Section, study: InnovationStudy, rows: pd.DataFrame, counts: tuple[float, ...]) -> None:
    estimand = "hazard of adoption of a project begun by a mentored person, against one begun by another"
    own = study.rows.drop_duplicates("staff_id").set_index("staff_id")
    names = [name for name in study.covariates if name != "tenure"]
    joined = rows.join(own[names], on="staff_id")
    joined = joined.assign(quarter=rows["date"].dt.to_period("Q").astype(str), kind=rows["type"].fillna("not said").astype(str))
    few = joined.groupby("quarter")["event"].transform("sum") < FEWEST
    joined["quarter"] = joined["quarter"].mask(few, "few adopted")
    try:
        usable = varying(joined, [*names, "quarter", "kind"])
        fit = cox(joined, start="start", stop="stop", event="event", covariates=["mentored", *usable], strata="dept_id", cluster="dept_id")
    except EstimationError as error:
        told.lacks("Hazard of adoption by mentorship", error.problem, error.fix or "More projects.")
        return
    estimate = replace(fit.estimate, n=len(rows), n_events=int(rows["event"].sum()), estimand=estimand)
    result = Result("innovation.adoption", OUTCOME, estimand, "all projects", estimate, "Hazard of adoption", "companion", GROUP, rests_on=counts)
    told.results.append(result)
    told.exhibits.append(
        forest_exhibit("innovation.adoption.forest", "Adoption of projects begun by the mentored", [result], value_label="Hazard ratio",
                       sides=("later", "sooner"), unit="projects")
    )  # fmt: skip
    told.cautions += [Caution(c.code, f"Adoption: {c.text}", {"rests_on": counts, **c.data}) for c in fit.warnings]
    told.lead.append(Statement(estimate.statement(), rests_on=counts, results=("innovation.adoption",), see=("innovation.adoption.forest",)))
