"""What silence may have done to the primary scale: the last wave with weights, filled in, and shifted until the answer changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Counted, Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.effects import primary_scale
from mentorship_eval.surveys import ancova, impute, tipping_point, weighted_ancova
from mentorship_eval.surveys.missing.tipping import TippingPoint

__all__ = ["last_wave", "missing_answers"]

GROUP = "The last wave, at the same first score"


def last_wave(study: SurveyStudy, scale: Scale) -> pd.DataFrame:
    """One row a person asked at the last wave who answered at the first: baseline, outcome (NaN: silent), mentored by then, dept, covariates."""
    first = study.rows[study.rows["wave"] == study.waves[0]].set_index("person")[scale.column]
    last = study.rows[study.rows["wave"] == study.last]
    rows = last.assign(baseline=last["person"].map(first), outcome=last[scale.column])
    return rows[rows["baseline"].notna()].reset_index(drop=True)


def _shown(estimate: Estimate, estimand: str, people: int) -> Estimate:
    return replace(estimate, estimand=estimand, n=people, unit="points")


def missing_answers(study: SurveyStudy) -> Section:
    """Complete answers, weights of response, multiple imputation, and the tipping point, each with its interval."""
    told, scale = Section(), primary_scale(study)
    question = f"{scale.name}: what silence may have done"
    if len(study.waves) < 2:
        return told.lacks(question, "There is one wave only.", "A wave before mentoring and one after.")
    rows = last_wave(study, scale)
    answered = rows[rows["outcome"].notna()]
    cells = tuple(float(v) for v in pd.crosstab(rows["mentored"], rows["outcome"].notna()).to_numpy().ravel())
    if rows["mentored"].nunique() < 2 or answered["mentored"].nunique() < 2:
        return told.lacks(question, "Only one arm answered at the first wave and at the last.", "More answers.")
    base = f"{scale.name.lower()} at the last wave, mentored by then minus not, at the same score at the first"
    covariates = list(study.covariates)

    def analysis(frame: pd.DataFrame) -> Estimate:
        return ancova(frame, outcome="outcome", arm="mentored", baseline="baseline", cluster="dept", covariates=covariates, variance="CR3",
                      companions=False).estimate  # fmt: skip

    try:
        complete = ancova(answered, outcome="outcome", arm="mentored", baseline="baseline", cluster="dept", covariates=covariates)
    except EstimationError as error:
        return told.lacks(question, error.problem, error.fix or "More answers.")
    told.results.append(_result(scale, "last_wave", complete.estimate, base, "those who answered", len(answered), "companion", cells))
    if complete.change_score is not None:
        what = f"{base.split(',')[0]}, change since the first wave, mentored by then minus not"
        told.results.append(_result(scale, "change_score", complete.change_score, what, "change scores", len(answered), "diagnostic", cells))
    if rows["outcome"].notna().all():
        return told
    told.results += _weighted(scale, rows, base, covariates, cells, told)
    _imputed(study, scale, rows, base, analysis, cells, told)
    told.exhibits.append(
        forest_exhibit("wellbeing.silence", f"{scale.name} at the last wave, by what is done about silence",
                       [r for r in told.results if r.group == GROUP], value_label="Points", log=False, sides=("lower", "higher"))
    )  # fmt: skip
    told.methods.append(
        "Silence: analysis of covariance of the last wave given the first, errors by department; inverse probability of response weights from the "
        "first score, the arm and the covariates, refitted without each department; multiple imputation by chained equations with departments, "
        "pooled by Rubin's rules (Barnard & Rubin 1999); tipping point by shifting imputed answers of mentored staff. Change scores stand beside "
        "for comparison: they credit mentoring with the fall of those who began high."
    )
    return told


def _result(scale: Scale, name: str, estimate: Estimate, estimand: str, words: str, people: int, role: str, cells: tuple[float, ...]) -> Result:
    return Result(f"wellbeing.{scale.slug}.{name}", scale.slug, f"{estimand} ({words})", "asked at the first and last wave",
                  _shown(estimate, f"{estimand} ({words})", people), words[:1].upper() + words[1:], role, GROUP, rests_on=cells)  # fmt: skip


def _weighted(scale: Scale, rows: pd.DataFrame, base: str, covariates: list[str], cells: tuple[float, ...], told: Section) -> list[Result]:
    try:
        fit = weighted_ancova(rows, outcome="outcome", arm="mentored", response_covariates=["baseline", *covariates], cluster="dept",
                              baseline="baseline", covariates=covariates)  # fmt: skip
    except EstimationError as error:
        told.lacks(f"{scale.name}: weighted for silence", error.problem, error.fix or "More answers.")
        return []
    return [_result(scale, "weighted", fit.estimate, base, "weighted for silence", len(rows), "sensitivity", cells)]


def _imputed(
    study: SurveyStudy, scale: Scale, rows: pd.DataFrame, base: str, analysis: Callable[[pd.DataFrame], Estimate], cells: tuple[float, ...],
    told: Section,
) -> None:  # fmt: skip
    try:
        made = impute(rows, columns=["baseline", "outcome"], arm="mentored", predictors=list(study.covariates), cluster="dept",
                      seed=study.cohort.study.plan.seed)  # fmt: skip
        pooled = made.pooled(analysis)
    except EstimationError as error:
        told.lacks(f"{scale.name}: silence filled in", error.problem, error.fix or "More answers.")
        return
    told.results.append(_result(scale, "imputed", pooled.estimate, base, "silence filled in", len(rows), "sensitivity", cells))
    try:
        tipped = tipping_point(made, analysis=analysis, outcome="outcome", linear=True)
    except EstimationError as error:
        told.lacks(f"{scale.name}: how far silence would have to tip it", error.problem, error.fix or "More answers.")
        return
    table, said = tipped.table, _tips(scale, tipped)
    frame = pd.DataFrame({
        "delta": table["delta"], "delta_sd": table["delta_sd"], "estimate": table["estimate"],
        "limits": [f"{format_number(a, 1)} to {format_number(b, 1)}" for a, b in zip(table["ci_low"], table["ci_high"], strict=True)],
        "holds": np.where((table["ci_low"] <= 0) & (table["ci_high"] >= 0), "yes", "no"), "id": f"wellbeing.{scale.slug}.imputed",
    })  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "wellbeing.tipping", f"{scale.name}: had the silent among the mentored scored otherwise", frame,
            derived=("estimate", "limits", "holds"), results={"id": ""},
            labels={"delta": "Shift of their answers, points", "delta_sd": "In SD", "estimate": "Difference", "limits": "95 % CI",
                    "holds": "Interval holds no effect"},
            formats={"delta": "number", "delta_sd": "number", "estimate": "number"}, note=said, rests_on=cells,
        )
    )  # fmt: skip
    told.exhibits.append(_figure(scale, tipped, cells))
    told.lead.append(Statement(said, rests_on=cells, results=(f"wellbeing.{scale.slug}.imputed",), see=("wellbeing.tipping",)))


def _figure(scale: Scale, tipped: TippingPoint, cells: tuple[float, ...]) -> Exhibit:
    name = f"wellbeing.{scale.slug}.imputed"
    shown = Counted(derived=("estimate", "ci_low", "ci_high"), results={"id": ""})
    curve = tipped.table[["delta", "estimate", "ci_low", "ci_high"]].assign(id=name)
    tips = pd.DataFrame({"delta": [tip for tip in tipped.tips_at if np.isfinite(tip)]}).assign(id=name)
    options = {"sd": tipped.sd, "value_label": "Difference, points", "shift_label": "Shift of the silent among the mentored, points"}
    return Exhibit(
        "wellbeing.tipping_curve", "tipping", f"{scale.name}: how far the silent would have to differ", {"curve": curve, "tips": tips},
        {"curve": shown, "tips": Counted(derived=("delta",), results={"id": ""})}, options, f"Silence filled in, {scale.direction}.", rests_on=cells,
    )  # fmt: skip


def _tips(scale: Scale, tipped: TippingPoint) -> str:
    """The tipping point in a sentence of the report's own."""
    start = (
        f"With silence filled in, the interval of {scale.name.lower()} at the last wave "
        f"{'holds' if tipped.holds_no_effect else 'excludes'} no effect"
    )
    ends = [(abs(value), word) for value, word in zip(tipped.tips_at, ("lower", "higher"), strict=True) if np.isfinite(value)]
    if not ends:
        reach = float(tipped.table["delta"].abs().max())
        return f"{start}, whatever the silent among the mentored scored within {format_number(reach, 1)} points either way."
    words = " or ".join(f"{format_number(value, 1)} points ({format_number(value / tipped.sd, 2)} SD) {word}" for value, word in ends)
    return f"{start}; this changes if the silent among the mentored scored {words} than people like them who answered."
