"""Estimand one of retention: the hazard of voluntary leaving while mentored, against not yet mentored.

Time-varying Cox model, time since hire, entry at the start of the window (left truncation), strata of the
current department, baseline covariates and calendar quarters; clusters are the departments at entry.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.retention.immortal_time import immortal_time
from mentorship_eval.questions.retention.levels import words_of
from mentorship_eval.questions.retention.model_rows import CAUSE, OUTCOME, default_cox, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import arms, on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["MENTORED", "being_mentored"]

MENTORED = "Being mentored, against not yet"
_UNMEASURED = (
    "Who is matched, and when, is taken not to depend on what else makes people leave, within department, quarter and covariates. What changes with "
    "time and is not in these tables (strain, plans to leave) is not adjusted for by any analysis here; the E-value says how strong it would have "
    "to be."
)
_EXITS = {
    "retirement": "Retirement",
    "end_of_contract": "End of contract",
    "dismissal": "Dismissal",
    "tupe": "Transfer of undertaking",
    "unknown": "Unknown reason",
    "transfer": "A move to another post or department",
    "rotation": "Planned rotation",
    "voluntary": "Voluntary leaving of the organisation",
    "unknown_destination": "Unknown destination",
}


@on_both_arms
def being_mentored(study: Prepared) -> Section:
    """The whole default analysis of this estimand, its companions and its audit."""
    told = Section(lead=_who_was_followed(study.episodes), cautions=list(study.cautions))
    method = (
        "Cox model on (start, stop] rows in days since hire, delayed entry at the window, strata: department, "
        f"covariates: {', '.join([*study.covariates, 'calendar quarter'])}"
    )
    if study.main is None:
        told.lacks("The hazard of leaving while mentored", study.problem, "More follow-up, or more staff mentored and not mentored.")
    else:
        method += "; " + study.main.method
        _headline_and_companions(told, study, study.main, method)
    _other_exits(told, study)
    audit, figures = immortal_time(study.episodes, list(study.covariates), told.results[0] if study.main else None)
    told.results += audit
    told.exhibits += figures
    told.methods.append(
        f"Being mentored: {method}. {_exposure(study)}"
    )
    return told


def _exposure(study: Prepared) -> str:
    if study.episodes.options.get("exposure") == "absorbing":
        return "Exposure is absorbing: once mentored, always mentored."
    return "Exposure lasts as long as a match (and the grace period of the plan): people whose match has ended are among those compared with."


def _who_was_followed(episodes: Episodes) -> list[Statement]:
    causes = episodes.persons["cause"]
    outcome, words = episodes.outcome, words_of(episodes)
    others = tuple(float(count) for count in causes[(causes != "") & ~causes.isin(outcome)].value_counts())
    people = (
        "{persons} members of staff were followed for "
        f"{episodes.person_days / 365.25:,.0f} person-years, {episodes.mentored_days / max(episodes.person_days, 1):.0%} of them mentored; "
        "{leavers} " + words.left + "."
    )
    return [
        Statement(people, {"persons": len(episodes.persons), "leavers": episodes.leavers(outcome)}, see=("retention.follow_up",)),
        # the total would give a single small cause away
        Statement("{exits} left for any reason.", {"exits": episodes.leavers()}, rests_on=others, see=("retention.follow_up",)),
    ]


def _headline_and_companions(told: Section, study: Prepared, main: CoxResult, method: str) -> None:
    told.cautions.append(Caution("unmeasured", _UNMEASURED))
    told.cautions += main.warnings
    estimand = study.estimand
    estimate = replace(study.told(main.estimate, estimand), method=method)
    headline = Result(
        "retention.being_mentored",
        OUTCOME,
        estimand,
        "all staff followed",
        estimate,
        f"{study.words.label} while mentored",
        "headline",
        MENTORED,
    )
    told.results.append(headline)


def _both_parts(these: pd.Series) -> dict[str, int]:
    """How many, and how many not: a share beside the size of the whole gives both."""
    return {"persons": int(these.sum()), "complement": int((~these).sum())}


def _as_far_as_it_goes(rows: pd.DataFrame, covariates: tuple[str, ...]) -> tuple[CoxResult | None, bool, str]:
    """A fit for a rare cause: with the baseline covariates, else without; whether they are in; why there is none."""
    problem = ""
    for names in ([*covariates, "period"], ["period"], []):
        try:
            return default_cox(rows, "mentored", names, "other", "dept_id"), bool(covariates) and covariates[0] in names, ""
        except EstimationError as error:
            problem = error.problem
    return None, False, problem


def _other_exits(told: Section, study: Prepared) -> None:
    """Every competing exit by its own cause-specific hazard."""
    rows, covariates = study.rows.copy(), study.covariates
    exits = rows.loc[rows["cause"] != "", "cause"]
    if len(exits) and (exits == "unknown").mean() > 0.05:
        share = float((exits == "unknown").mean())
        text = f"{share:.0%} of the exits have no reason; they do not count as voluntary leaving. Ask for the reasons, or map them in study.yaml."
        told.cautions.append(Caution("unknown_reason", text, {"share": share, **_both_parts(exits == "unknown")}))
    # at a level with several causes of the outcome, each is told on its own as well
    for cause in sorted(set(exits) - ({CAUSE} if study.episodes.outcome == (CAUSE,) else set())):
        rows["other"] = (rows["cause"] == cause).astype(int)
        word, name = cause.replace("_", " "), _EXITS.get(cause, cause.replace("_", " ").capitalize())
        fit, adjusted, problem = _as_far_as_it_goes(rows, covariates)
        if fit is None:
            told.lacks(f"Mentorship and leaving by {word}", problem, "More such exits.")
            continue
        if not adjusted and covariates:
            text = f"{name}: the baseline covariates separate who had such an exit, so that the hazard ratio is told without them."
            told.cautions.append(Caution("unadjusted_cause", text, {"cause": cause}))
        how = "voluntary leaving" if cause == CAUSE else f"leaving by {word}"
        what = f"hazard of {how} while mentored, against not yet mentored"
        estimate = persons_not_rows(fit.estimate, study.persons, int(rows["other"].sum()), what)
        label, group = f"{name} while mentored", "Other exits while mentored"
        told.results.append(
            Result(
                f"retention.cause.{cause}", f"exit_{cause}", what, "all staff followed", estimate, label, "companion", group,
                rests_on=arms(rows, event="other"),
            )
        )  # fmt: skip
