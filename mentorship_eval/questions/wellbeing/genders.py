"""Whether mentoring moved a scale otherwise for women than for men: the primary scale, and those about work and family and impostor feelings.

One mixed model with a level of each gender at each wave, and one more term: mentored at the wave, of that gender. It is the difference of the two
differences, the same at every wave. That one interval excludes no difference, and the other does not, says nothing of it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.groups import FEWEST_PEOPLE, MISSING, fewest_places, in_words, slug
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.counted import Warned, first_spread, people_and_answers, said_once
from mentorship_eval.questions.wellbeing.effects import ASKED, in_turn, primary_scale
from mentorship_eval.questions.wellbeing.standardised import forest_in_sd, in_sd, with_direction
from mentorship_eval.surveys import mixed_model

__all__ = ["by_gender", "scales_by_gender"]

GROUP = "Difference by gender"
_ABOUT = re.compile(r"impost[eo]r|work[ _-]?(life|family)|\b(cips|yis|wfc)\b", re.IGNORECASE)
_FEWEST_PLACES = 6  # departments with mentored, or other, staff of a gender: fewer carry no interval
_MORE = "mentored_more"


def scales_by_gender(study: SurveyStudy) -> list[Scale]:
    """The primary scale, then those about work and family life and about impostor feelings."""
    return [scale for scale in in_turn(study) if scale is primary_scale(study) or _ABOUT.search(f"{scale.instrument} {scale.subscale} {scale.name}")]


def _with_gender(study: SurveyStudy) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the comparison with ``group``, and the two genders of most people, in the order of the alphabet; fewer where others are too few."""
    staff = study.cohort.table("staff")
    if "gender" not in staff:
        return study.rows, []
    rows = study.rows.assign(group=in_words(study.rows["person"].map(staff.set_index("staff_id")["gender"])))
    size = rows[rows["group"] != MISSING].groupby("group")["person"].nunique().sort_values(ascending=False, kind="stable")
    return rows, sorted(size.index[size >= FEWEST_PEOPLE][:2])


def by_gender(study: SurveyStudy) -> Section:
    """The difference in each gender and the difference of the two, of a few scales."""
    told, scales = Section(), scales_by_gender(study)
    question = f"{primary_scale(study).name} by gender"
    rows, genders = _with_gender(study)
    if "group" not in rows:
        return told.lacks(question, "Gender is not in these data.", "gender in staff")
    if len(genders) < 2:
        return told.lacks(question, f"Fewer than {FEWEST_PEOPLE} people of all genders but one were asked.", "More answers.")
    warned: Warned = {}
    shown: list[Result] = []
    names: list[str] = []
    for scale in scales:
        own = rows[rows[scale.column].notna() & rows["group"].isin(genders)].reset_index(drop=True)
        behind = tuple(count for gender in genders for arm in (1, 0)
                       for count in people_and_answers(own[(own["group"] == gender) & (own["mentored"] == arm)]))  # fmt: skip
        try:
            results, cautions = _one(study, scale, own, genders, behind)
        except EstimationError as error:
            told.lacks(f"{scale.name} by gender", error.problem, error.fix or "More answers.")
            continue
        told.results += results
        names.append(scale.name)
        for caution in cautions:
            warned.setdefault((caution.code, caution.text), []).append((scale.name, behind))
        spread = first_spread(study, scale)
        if spread > 0:
            name = with_direction(scale)
            shown += [replace(r, estimate=in_sd(r.estimate, spread), label=r.label.removeprefix(f"{scale.name}, ").capitalize(), group=name)
                      for r in results]  # fmt: skip
    told.cautions += said_once(warned, topic="By gender", scales=names)
    if not told.results:
        return told
    told.exhibits += forest_in_sd("wellbeing.gender", "Mentored by the wave against not yet, by gender, in standard deviations", shown)
    told.methods.append(
        f"By gender ({' and '.join(genders).lower()}): the mixed model of the scale with a mean of each gender at each wave, and the product of "
        "gender and mentored at the wave, which is taken to be the same at every wave. Others are in the comparison of all and not in this one. "
        "P-values are not adjusted."
    )
    return told


def _one(
    study: SurveyStudy, scale: Scale, rows: pd.DataFrame, genders: list[str], behind: tuple[float, ...]
) -> tuple[list[Result], tuple[Caution, ...]]:
    """The difference in each gender, and the first less the second; `EstimationError` where there is none."""
    if min(behind) < 1:
        raise EstimationError("Of one gender only one arm answered.", fix="Answers of mentored and of other staff of each gender.")
    covariates = [name for name in study.covariates if name != "gender"]
    at_wave = {f"group_at_{wave}": ((rows["group"] == genders[0]) & (rows["wave"] == wave)).astype(float) for wave in sorted(rows["wave"].unique())}
    estimates: dict[str, Estimate] = {}
    # the model is the same twice: the difference at a wave is that of whom the product leaves out
    for gender, other in (genders, genders[::-1]):
        product = ((rows["group"] == other) & (rows["mentored"] == 1)).astype(float)
        fit = mixed_model(rows.assign(**at_wave, **{_MORE: product}), outcome=scale.column, arm="mentored", wave="wave", person="person",
                          cluster="dept", covariates=[*at_wave, _MORE, *covariates], jackknife=False, icc_intervals=False)  # fmt: skip
        estimates[gender] = fit.estimate
    # of the second gender's fit: the product is of the first
    row = fit.table.set_index("term").loc[_MORE]
    more = difference_estimate(float(row["estimate"]), float(row["se"]), df=float(row["df"]), ci_level=fit.estimate.ci_level, n=None,
                               n_clusters=fit.estimate.n_clusters, method=fit.estimate.method, estimand="")  # fmt: skip
    place = pd.factorize(rows["dept"], sort=True)[0]
    masks = [((rows["group"] == gender) & (rows["mentored"] == arm)).to_numpy() for gender in genders for arm in (1, 0)]
    cautions = fit.warnings
    if fewest_places(place, *masks) < _FEWEST_PLACES:
        text = f"Staff of one gender, mentored or not, are in fewer than {_FEWEST_PLACES} departments: no interval by gender."
        cautions = (*cautions, Caution("few_clusters_by_gender", text))
        blank = {"ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan}
        estimates, more = {gender: replace(e, **blank) for gender, e in estimates.items()}, replace(more, **blank)
    elif np.isnan(fit.estimate.ci_low):
        more = replace(more, ci_low=np.nan, ci_high=np.nan, p_value=np.nan)
    base, start = f"{scale.name.lower()} ({scale.direction}): mentored by the wave minus not yet", f"wellbeing.{scale.slug}.by_gender"
    results = []
    for gender, estimate in estimates.items():
        results.append(_result(f"{start}.{slug(gender)}", scale, f"{base}, {gender.lower()}", estimate, gender, behind))
    words = f"{genders[0]} minus {genders[1].lower()}"
    return [*results, _result(start, scale, f"{base}, {words.lower()}", more, words, behind)], cautions


def _result(name: str, scale: Scale, estimand: str, estimate: Estimate, words: str, behind: tuple[float, ...]) -> Result:
    # without n: people of one gender, and of the other, tell those of neither
    told = replace(estimate, estimand=estimand, n=None, unit="points")
    return Result(name, scale.slug, estimand, ASKED, told, f"{scale.name}, {words[:1].lower()}{words[1:]}", "companion", GROUP, rests_on=behind)
