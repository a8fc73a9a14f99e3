"""One other analysis of being mentored: its words, and how it is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.retention.model_rows import OUTCOME, calendar_periods, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared, model_rows
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.survival import cox

__all__ = ["Fitted", "Variant", "filtered", "from_episodes", "restricted_fit", "same", "variant_result"]


@dataclass(frozen=True)
class Fitted:
    """estimate: None when the analysis is the default one in these data, and then same_because says why; arms: counts behind it."""

    estimate: Estimate | None
    persons: int = 0
    leavers: int = 0
    same_because: str = ""
    arms: tuple[float, ...] = ()


@dataclass(frozen=True)
class Variant:
    """slug: of the result's id; label: in the forest; words: what differs, after the estimand ('' for that of the default); run: fits it,
    raising EstimationError or DataError where these data do not allow it."""

    slug: str
    label: str
    group: str
    words: str
    run: Callable[[Prepared], Fitted]
    population: str = "all staff followed"
    estimand: str = ""


def same(because: str) -> Fitted:
    return Fitted(None, same_because=because)


def restricted_fit(
    rows: pd.DataFrame, covariates: list[str], *, strata: str | None = "dept_id", cluster: str | None = "dept_at_entry",
    variance: str = "auto", first: str = "mentored",
) -> Fitted:
    """The default Cox model on ``rows``, with what is named changed."""
    usable = [first, *varying(rows, covariates)]
    fit = cox(rows, start="start", stop="stop", event="event", covariates=usable, strata=strata, cluster=cluster, variance=variance)
    return Fitted(fit.estimate, int(rows["staff_id"].nunique()), int(rows["event"].sum()), arms=arms(rows, exposure=first))


def filtered(study: Prepared, kept: pd.Series) -> Fitted:
    """The default model among the people or rows that are kept; thin calendar quarters are joined anew."""
    rows = study.rows[kept.to_numpy()].copy()
    if rows.empty or not rows["event"].any():
        raise EstimationError("Nobody left among those who remain.", fix="More follow-up.")
    rows["period"], _ = calendar_periods(rows)
    return restricted_fit(rows, list(study.model))


def from_episodes(study: Prepared, episodes: Episodes) -> Fitted:
    """The default model on other person-time."""
    rows, _ = model_rows(episodes, list(study.covariates))
    return restricted_fit(rows, list(study.model))


def _too_close(count: int, default: int, study: Prepared) -> bool:
    """Whether the count and the default's would give a small group away by subtraction."""
    rule = study.cohort.study.disclosure
    return not rule.off and 0 < abs(default - count) < rule.threshold


def variant_result(study: Prepared, variant: Variant, fitted: Fitted) -> Result:
    """The result of a fitted variant; a count that differs little from the default's is left out."""
    assert fitted.estimate is not None
    estimand = ", ".join(filter(None, [variant.estimand or study.estimand, variant.words]))
    estimate = persons_not_rows(fitted.estimate, fitted.persons, fitted.leavers, estimand)
    estimate = replace(
        estimate,
        n=None if _too_close(fitted.persons, study.persons, study) else fitted.persons,
        n_events=None if _too_close(fitted.leavers, study.leavers, study) else fitted.leavers,
    )
    return Result(
        f"retention.sensitivity.{variant.slug}", OUTCOME, estimand, variant.population, estimate,
        variant.label, "sensitivity", variant.group, rests_on=fitted.arms,
    )
