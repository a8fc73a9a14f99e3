"""Projects begun while mentored against not yet: all of them, by kind, and, as a negative control, in the half-year before the mentor came.

Projects come again and again: rates of all of them on the clock of the calendar, so that each is compared with what colleagues of the same
department did on that day (Andersen & Gill 1982); errors by department. Exposure changes with time, so that no time before the mentor is
credited to the mentor. Leaving ends a person's time: these are rates among those still there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.calendar_time import EPOCH
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.innovation.study import OUTCOME, TYPES, InnovationStudy, person_time
from mentorship_eval.questions.retention.model_rows import default_cox, persons_not_rows
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.questions.section import Section

__all__ = ["BEFORE", "FEWEST_PROJECTS", "while_mentored"]

FEWEST_PROJECTS = 5  # of the mentored, below which a ratio would rest on hardly anything
BEFORE = 183  # days before the mentor came
GROUP = "Projects begun while mentored, against not yet"
_SELECTED = (
    "Those who are given a mentor may be those who begin projects anyway. The negative control compares the half-year before the mentor came with "
    "colleagues who have none yet: nothing but such selection can move it, since the mentor was not there."
)


def while_mentored(study: InnovationStudy) -> Section:
    """Rate ratios of all projects (headline), of each kind, and of the negative control, with the crude rates behind them."""
    told = Section(cautions=[*study.cautions, Caution("unmeasured_initiative", _SELECTED)])
    rows = person_time(study, study.taken)
    estimand = "rate of projects begun while mentored, against not yet mentored"
    found = _ratio(told, rows, "mentored", "projects", "Projects begun", estimand, study, "All projects", "headline")
    if found is not None:
        see, counts = ("innovation.forest",), found.rests_on
        told.lead.append(Statement(found.estimate.statement(), rests_on=counts, results=("innovation.projects",), see=see))
    kinds = [kind for kind in TYPES if (study.taken["type"] == kind).any()]
    lines = _crude(rows, "All projects")
    for kind in kinds if len(kinds) > 1 else []:
        noun, label = TYPES[kind]
        mine = person_time(study, study.taken[study.taken["type"] == kind])
        estimand = f"rate of {noun} begun while mentored, against not yet mentored"
        _ratio(told, mine, "mentored", f"kind.{kind}", noun[:1].upper() + noun[1:], estimand, study, label, "companion")
        lines += _crude(mine, label)
    _before(told, rows, study)
    if told.results:
        told.exhibits += [
            forest_exhibit(
                "innovation.forest", GROUP, told.results, value_label="Rate ratio", sides=("fewer", "more"),
                note="Compared within departments on the same day, adjusted. The last group is a negative control. Kinds are not adjusted for their "
                "number.",
            ),
            _rates(lines),
        ]
        told.methods.append(
            "Projects begun: recurrent events (Andersen & Gill 1982) on calendar time, strata of department, mentored as it changes; covariates: "
            f"{', '.join(study.covariates)}; errors clustered by department at entry. A project counts for each member on the day of its start. "
            f"Negative control: the {BEFORE} days before the mentor came against the other time without one, in the same model."
        )
    return told


def _ratio(
    told: Section, rows: pd.DataFrame, exposure: str, name: str, noun: str, estimand: str, study: InnovationStudy, label: str, role: str,
    group: str = GROUP,
) -> Result | None:  # fmt: skip
    # many projects may be those of few people
    people = (float(rows.loc[(rows["event"] == 1) & (rows[exposure] == arm), "staff_id"].nunique()) for arm in (1, 0))
    counts = (*arms(rows, exposure=exposure), *people)
    question = f"{noun}: {estimand.split(', against')[0].split(' begun ')[-1]}"
    if counts[0] < FEWEST_PROJECTS or counts[1] < FEWEST_PROJECTS:
        told.lacks(question, f"Too few of them (under {FEWEST_PROJECTS}) on one of the two sides for a ratio.", "A longer window, or more projects.")
        return None
    try:
        fit = default_cox(rows, exposure, list(study.covariates), "event", "dept_id")
    except EstimationError as error:
        told.lacks(question, error.problem, error.fix or "More projects.")
        return None
    estimate = replace(persons_not_rows(fit.estimate, rows["staff_id"].nunique(), int(rows["event"].sum()), estimand), scale="rate ratio")
    result = Result(f"innovation.{name}", OUTCOME, estimand, "all staff followed", estimate, label, role, group, rests_on=counts)
    told.results.append(result)
    told.cautions += [Caution(c.code, f"{noun}: {c.text}", {"rests_on": counts, **c.data}) for c in fit.warnings]
    return result


def _before(told: Section, rows: pd.DataFrame, study: InnovationStudy) -> None:
    """Time without a mentor alone: soon to have one (1) against the rest (0)."""
    began = study.episodes.persons.set_index("staff_id")
    came = (began["hire"] - EPOCH).dt.days + began["mentored_from"]
    mine = rows[rows["mentored"] == 0].assign(_came=rows["staff_id"].map(came))
    first = (mine["_came"] - BEFORE).to_numpy(float)
    first = np.where(np.isnan(first), np.inf, first)
    early = mine[mine["start"].to_numpy() < first].assign(soon=0)
    cut = np.minimum(early["stop"].to_numpy(float), first[mine["start"].to_numpy() < first])
    early = early.assign(event=np.where(cut < early["stop"], 0, early["event"]), stop=cut)
    late = mine[mine["stop"].to_numpy() > first].assign(soon=1)
    late = late.assign(start=np.maximum(late["start"].to_numpy(float), first[mine["stop"].to_numpy() > first]))
    both = pd.concat([early, late], ignore_index=True)
    estimand = "rate of projects begun in the half-year before the mentor came, against others without a mentor"
    group = "Negative control: before the mentor came"
    found = _ratio(told, both, "soon", "before", "Projects begun", estimand, study, "Half-year before, against no mentor yet", "diagnostic", group)
    if found is not None and _off(found.estimate):
        text = f"Already before the mentor came the mentored began projects at another rate than colleagues: {found.estimate.interval()}. What makes "
        told.cautions.append(
            Caution("negative_control_off", text + "them differ may be behind the ratio while mentored as well.", {"rests_on": found.rests_on})
        )


def _off(estimate: Estimate) -> bool:
    return bool(estimate.ci_low > 1 or estimate.ci_high < 1)


def _crude(rows: pd.DataFrame, label: str) -> list[dict[str, object]]:
    out = []
    for arm, word in ((1, "Mentored"), (0, "Not yet, or never")):
        mine = rows[rows["mentored"] == arm]
        years = float((mine["stop"] - mine["start"]).sum() / 365.25)
        number = int(mine["event"].sum())
        out.append({"kind": label, "arm": word, "people": mine["staff_id"].nunique(), "years": years, "projects": number,
                    "rate": 100 * number / years if years else np.nan, "beginners": mine.loc[mine["event"] == 1, "staff_id"].nunique()})  # fmt: skip
    return out


def _rates(lines: list[dict[str, object]]) -> Exhibit:
    return table_exhibit(
        "innovation.rates", "Projects begun and person-time", pd.DataFrame(lines), counts=("people", "projects"), derived=("years", "rate"),
        within=("kind",), ratios={"rate": "projects"}, behind=("beginners",),
        labels={"kind": "Projects", "arm": "Mentorship", "people": "People", "years": "Person-years", "projects": "Begun",
                "rate": "Per 100 person-years"},
        formats={"people": "count", "projects": "count", "years": "0", "rate": "1"},
        note="Not adjusted. A person who is given a mentor counts in both lines, each for its time; a project counts for each member.",
    )  # fmt: skip
