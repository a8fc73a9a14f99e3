"""New ties while mentored against not yet: across professions (the promise), within the profession (which should not move), across departments.

Ties come again and again: rates of all of them, on the clock of the calendar, so that each tie is compared with what colleagues of the same
department did on the same day (Andersen & Gill 1982); errors by department, since people and their colleagues repeat themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.collaboration.ties import OUTCOME, TieStudy, person_time
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.retention.model_rows import default_cox, persons_not_rows
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.questions.section import Section

__all__ = ["FEWEST_TIES", "KINDS", "TieKind", "while_mentored"]

FEWEST_TIES = 5  # of the mentored, below which a ratio would rest on hardly anything
GROUP = "New ties while mentored, against not yet"
_SELECTED = (
    "Those who are given a mentor may be those who seek contact anyway. Ties within the profession are beside those across for that reason: what "
    "makes people sociable raises both, while the promise is about those across alone."
)


@dataclass(frozen=True)
class TieKind:
    """name of the result; noun; label; column of the ties and the value that it has."""

    name: str
    noun: str
    label: str
    column: str
    value: bool
    role: str


KINDS = (
    TieKind("across_professions", "new ties to other professions", "To other professions", "across", True, "headline"),
    TieKind("within_profession", "new ties within the own profession", "Within the own profession (should not move)", "across", False, "diagnostic"),
    TieKind("across_departments", "new ties to other departments", "To other departments", "elsewhere", True, "companion"),
)


def while_mentored(study: TieStudy) -> Section:
    """A rate ratio for each kind of tie, and the crude rates behind it."""
    told = Section(cautions=[*study.cautions, Caution("unmeasured_sociability", _SELECTED)])
    lines = []
    for kind in KINDS:
        rows = person_time(study, study.ties[study.ties[kind.column] == kind.value])
        # many ties may be those of few people
        counts = (*arms(rows), *(float(rows.loc[(rows["event"] == 1) & (rows["mentored"] == arm), "staff_id"].nunique()) for arm in (1, 0)))
        noun = kind.noun[:1].upper() + kind.noun[1:]
        if counts[0] < FEWEST_TIES:
            told.lacks(f"{noun} while mentored", f"Too few of them (under {FEWEST_TIES}) while mentored for a ratio.", "A longer window.")
            continue
        try:
            fit = default_cox(rows, "mentored", list(study.covariates), "event", "dept_id")
        except EstimationError as error:
            told.lacks(f"{noun} while mentored", error.problem, error.fix or "More ties.")
            continue
        estimand = f"rate of {kind.noun} while mentored, against not yet mentored"
        estimate = replace(persons_not_rows(fit.estimate, rows["staff_id"].nunique(), int(rows["event"].sum()), estimand), scale="rate ratio")
        told.results.append(
            Result(f"collaboration.{kind.name}", OUTCOME, estimand, "all staff followed", estimate, kind.label, kind.role, GROUP, rests_on=counts)
        )
        told.cautions += [Caution(c.code, f"{noun}: {c.text}", {"rests_on": counts, **c.data}) for c in fit.warnings]
        if kind.role == "diagnostic" and (estimate.ci_low > 1 or estimate.ci_high < 1):
            moved = f"Ties within the own profession, which mentorship was not said to change, differ too: {estimate.interval()}. What makes them "
            moved += "differ may be behind the ties to other professions as well."
            told.cautions.append(Caution("negative_control_off", moved, {"rests_on": counts}))
        if kind.role == "headline":
            told.lead.append(
                Statement(estimate.statement(), rests_on=counts, results=(f"collaboration.{kind.name}",), see=("collaboration.forest",))
            )
        lines += _crude(rows, kind)
    if told.results:
        told.exhibits += [
            forest_exhibit(
                "collaboration.forest", "New ties while mentored, against not yet", told.results, value_label="Rate ratio", sides=("fewer", "more"),
                note="Compared within departments on the same day, adjusted. The second line is a negative control: nobody promised that it would "
                "move.",
            ),
            _rates(lines),
        ]
        told.methods.append(
            "New ties: recurrent events (Andersen & Gill 1982) on calendar time, strata of department, so that each tie is compared with colleagues "
            f"of the department on that day; mentored as it changes; covariates: {', '.join(study.covariates)}; errors clustered by department at "
            "entry. A tie counts for the person from whom it goes, on the day on which it first stands in the data, so that ties older than "
            "the data look new at their beginning; ties between a mentee and the own mentor are left out."
        )
    return told


def _crude(rows: pd.DataFrame, kind: TieKind) -> list[dict[str, object]]:
    out = []
    for arm, word in ((1, "Mentored"), (0, "Not yet, or never")):
        mine = rows[rows["mentored"] == arm]
        years = float((mine["stop"] - mine["start"]).sum() / 365.25)
        ties = int(mine["event"].sum())
        out.append({"kind": kind.label.split(" (")[0], "arm": word, "people": mine["staff_id"].nunique(), "years": years, "ties": ties,
                    "rate": ties / years if years else np.nan, "senders": mine.loc[mine["event"] == 1, "staff_id"].nunique()})  # fmt: skip
    return out


def _rates(lines: list[dict[str, object]]) -> Exhibit:
    return table_exhibit(
        "collaboration.rates", "New ties and person-time", pd.DataFrame(lines), counts=("people", "ties"), derived=("years", "rate"),
        within=("kind",), ratios={"rate": "ties"}, behind=("senders",),
        labels={"kind": "New ties", "arm": "Mentorship", "people": "People", "years": "Person-years", "ties": "Ties", "rate": "Ties per person-year"},
        formats={"people": "count", "ties": "count", "years": "number", "rate": "number"},
        note="Not adjusted. A person who is given a mentor counts in both lines, each for its time.",
    )  # fmt: skip
