"""What every analysis of leaving starts from: person-time, covariates of the plan, and the default fit."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.covariates import planned_covariates, with_covariates
from mentorship_eval.questions.retention.levels import Words, level_cautions, words_of
from mentorship_eval.questions.retention.model_rows import OUTCOME, calendar_periods, cohort_episodes, default_cox, persons_not_rows
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["FEW_LEAVERS", "Prepared", "prepare"]

FEW_LEAVERS = 5  # mentored leavers below which a hazard ratio would rest on hardly anybody


@dataclass(frozen=True)
class Prepared:
    """cohort; episodes as the plan defines exposure; rows: theirs, with ``event`` (the outcome at the level of leaving, 0/1), ``period`` (calendar
    quarters, thin ones joined) and covariates ready for a model; covariates: baseline ones of the plan that staff has;
    main: the default Cox fit, None when these data do not allow one, and then problem says why.
    """

    cohort: Cohort
    episodes: Episodes
    rows: pd.DataFrame
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]
    main: CoxResult | None
    problem: str = ""

    @property
    def persons(self) -> int:
        return len(self.episodes.persons)

    @property
    def words(self) -> Words:
        """How the level of leaving of the plan is worded: ``words.leaving``, ``words.still``."""
        return words_of(self.episodes)

    @property
    def estimand(self) -> str:
        """That of the default analysis, at the level of leaving of the plan."""
        against = "not yet mentored" if self.episodes.options.get("exposure") == "absorbing" else "not mentored at the time"
        return f"hazard of {self.words.leaving} while mentored, against {against}"

    @property
    def leavers(self) -> int:
        """Leavers by the causes that are the outcome."""
        return int(self.rows["event"].sum())

    @property
    def model(self) -> tuple[str, ...]:
        """Adjustment set of the default model: baseline covariates and the calendar quarter."""
        return (*self.covariates, "period")

    def told(self, estimate: Estimate, estimand: str, events: int | None = None) -> Estimate:
        """An estimate counted in persons, with its estimand."""
        return persons_not_rows(estimate, self.persons, self.leavers if events is None else events, estimand)


def model_rows(episodes: Episodes, covariates: list[str]) -> tuple[pd.DataFrame, list[Caution]]:
    """Rows of ``episodes`` with event, joined calendar quarters and covariates, and what is to be said of them."""
    rows, cautions = with_covariates(episodes.rows, covariates)
    rows["event"] = rows["cause"].isin(episodes.outcome).astype(int)
    rows["period"], joined = calendar_periods(rows)
    return rows, [*cautions, *episodes.notes, *joined]


def prepare(cohort: Cohort) -> Prepared:
    """Person-time of the cohort and the default fit of leaving while mentored."""
    episodes = cohort_episodes(cohort)
    planned = planned_covariates(cohort, OUTCOME)
    covariates = [name for name in planned if name in episodes.rows]
    unknown = [name for name in planned if name not in episodes.rows]
    rows, cautions = model_rows(episodes, covariates)
    cautions = [*level_cautions(cohort, episodes), *cautions]
    if unknown:
        text = f"The plan names {', '.join(unknown)}, which staff does not have; the model goes without."
        cautions.insert(0, Caution("covariate_absent", text, {"covariates": unknown}))
    few = int(rows.loc[rows["mentored"] == 1, "event"].sum()) < FEW_LEAVERS
    try:
        main, problem = default_cox(rows, "mentored", [*covariates, "period"], "event", "dept_id"), ""
        if few:
            main, problem = None, f"Too few of the mentored left (under {FEW_LEAVERS}) for a hazard ratio; shares and differences are told instead."
    except EstimationError as error:
        main, problem = None, str(error)
    return Prepared(cohort, episodes, rows, tuple(covariates), tuple(cautions), main, problem)
