"""Shares of staff beyond the published cut-off of a scale, at the last wave: the difference in percentage points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.counted import UNCOUNTED, counts_of, number_told
from mentorship_eval.surveys import favourable

__all__ = ["beyond", "shares_forest"]


def beyond(study: SurveyStudy, scale: Scale) -> list[Result]:
    """Difference in the share beyond the published cut-off at the last wave; nothing where there is none."""
    if scale.cutoff is None:
        return []
    at_least, at_most, means = scale.cutoff
    rows = study.answers(scale)
    last = rows[rows["wave"] == study.last]
    score = last[scale.column]
    inside = (score >= at_least) if at_least is not None else (score <= at_most)
    cells = tuple(float(v) for v in pd.crosstab(last["mentored"], inside).to_numpy().ravel())
    try:
        fit = favourable(last, favourable=scale.column, arm="mentored", covariates=study.covariates, cluster="dept", at_least=at_least,
                         at_most=at_most)  # fmt: skip
    except EstimationError:
        return []
    estimand = f"share with {scale.name.lower()} {means} at the last wave: mentored by then minus not"
    e = fit.estimate
    estimate = replace(e, value=100 * e.value, se=100 * e.se, ci_low=100 * e.ci_low, ci_high=100 * e.ci_high, unit="percentage points",
                       estimand=estimand)  # fmt: skip
    if number_told(len(last), [int((study.all_answers(scale)["wave"] == study.last).sum())]) is None:
        estimate = replace(estimate, n=None).warn(Caution("counts_rounded", UNCOUNTED))
    return [
        Result(f"wellbeing.{scale.slug}.beyond", f"{scale.slug}_{means.replace(' ', '_')}", estimand, "staff who answered at the last wave", estimate,
               f"{scale.name}: {means}", "companion", "Beyond the cut-off", rests_on=(*counts_of(rows), *cells))
    ]  # fmt: skip


def shares_forest(results: Sequence[Result]) -> list[Exhibit]:
    """Differences in percentage points; nothing without any."""
    shares = [r for r in results if r.id.endswith(".beyond")]
    if not shares:
        return []
    return [
        forest_exhibit("wellbeing.shares", "Share beyond the cut-off, mentored against not, at the last wave", shares,
                       value_label="Percentage points", log=False, sides=("fewer", "more"),
                       note=UNCOUNTED if any(r.estimate.n is None for r in shares) else "")
    ]  # fmt: skip
