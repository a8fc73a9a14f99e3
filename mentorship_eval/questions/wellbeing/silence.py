"""Every scale at the last wave: among those who answered, and weighted for those who did not.

The chance of an answer is a matter of people and waves, not of scales: where the same people answered two scales, one model serves both, with the
first score of the first of them. Where they differ, as items are skipped, a scale has a model of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import SurveyStudy
from mentorship_eval.questions.wellbeing.effects import primary_scale
from mentorship_eval.questions.wellbeing.missing import GROUP, last_wave
from mentorship_eval.questions.wellbeing.scales import Scale
from mentorship_eval.surveys import ancova, response_refits, weighted_ancova
from mentorship_eval.surveys.missing.weighted import ResponseRefits

__all__ = ["silence_by_scale"]

_NAMES = {"last_wave": "those who answered", "weighted": "weighted for silence"}


def silence_by_scale(study: SurveyStudy, primary: Section) -> Section:
    """A line for each scale; nothing where nobody was silent.

    primary : what was told of the silent on the primary scale (`missing_answers`), which is not estimated again.
    """
    told = Section()
    if len(study.waves) < 2:
        return told
    first, lines, unasked = primary_scale(study), [], []
    models = _Models(list(study.covariates))
    known = {result.id: result.estimate for result in primary.results}
    for scale in sorted(study.scales, key=lambda scale: scale is not first):
        rows = last_wave(study, scale)
        answered = rows[rows["outcome"].notna()]
        if rows["mentored"].nunique() < 2 or answered["mentored"].nunique() < 2:
            unasked.append(scale.name)
            continue
        if len(answered) == len(rows):
            continue
        models.know(rows)
        ids = {name: f"wellbeing.{scale.slug}.{name}" for name in _NAMES}
        if scale is first:
            found = {name: known[result_id] for name, result_id in ids.items() if result_id in known}
        else:
            found = _estimates(study, scale, rows, models, told)
            cells = tuple(float(v) for v in pd.crosstab(rows["mentored"], rows["outcome"].notna()).to_numpy().ravel())
            told.results += _results(scale, found, {"last_wave": len(answered), "weighted": len(rows)}, cells)
        if not found:
            continue
        lines.append({
            "scale": scale.name, "reading": scale.direction, "asked": len(rows), "answered": len(answered), "silent": len(rows) - len(answered),
            **{name: found[name].interval(2).replace("95 % CI ", "") if name in found else "" for name in _NAMES},
            "id": " ".join(ids[name] for name in found),
        })  # fmt: skip
    if not lines:
        return told
    left = f" Left out, since one arm gave no first or no last score: {', '.join(unasked)}." if unasked else ""
    told.exhibits.append(
        table_exhibit(
            "wellbeing.silence_by_scale", "Every scale at the last wave, among those who answered and weighted for silence", pd.DataFrame(lines),
            counts=("asked", "answered", "silent"), derived=tuple(_NAMES), sums=(("asked", "answered", "silent"),), results={"id": ""},
            labels={"scale": "Scale", "reading": "Reading", "asked": "Asked, with a first score", "answered": "Answered", "silent": "Did not",
                    "last_wave": "Those who answered (95 % CI)", "weighted": "Weighted (95 % CI)"},
            formats=dict.fromkeys(("asked", "answered", "silent"), "count"),
            note="Points, mentored by the last wave minus not, at the same score at the first wave. Weights mend what the first score, the arm and "
            f"the covariates tell of who answers, and nothing else.{left}",
        )
    )  # fmt: skip
    told.methods.append(
        "Silence on every scale: as on the primary one, by analysis of covariance among those who answered and with weights of response, refitted "
        "without each department; one model of response, with the first score of the first scale, serves all scales that the same people answered. "
        "Imputation and the tipping point are of the primary scale alone."
    )
    return told


class _Models:
    """Models of response by who was asked and who answered; each is of the rows that came first, and fitted when first asked for."""

    def __init__(self, covariates: list[str]) -> None:
        self.covariates = covariates
        self.rows: dict[bytes, pd.DataFrame] = {}
        self.fitted: dict[bytes, ResponseRefits] = {}

    def know(self, rows: pd.DataFrame) -> bytes:
        who = "\n".join(rows["person"].astype(str)).encode() + np.packbits(rows["outcome"].notna()).tobytes()
        self.rows.setdefault(who, rows)
        return who

    def of(self, rows: pd.DataFrame) -> ResponseRefits:
        who = self.know(rows)
        if who not in self.fitted:
            covariates = ["baseline", *self.covariates]
            self.fitted[who] = response_refits(self.rows[who], outcome="outcome", arm="mentored", response_covariates=covariates, cluster="dept")
        return self.fitted[who]


def _estimates(study: SurveyStudy, scale: Scale, rows: pd.DataFrame, models: _Models, told: Section) -> dict[str, Estimate]:
    """Unweighted and weighted, as far as they can be had; ``told`` hears what lacks."""
    covariates = list(study.covariates)
    answered = rows[rows["outcome"].notna()]
    how = {"outcome": "outcome", "arm": "mentored", "baseline": "baseline", "cluster": "dept", "covariates": covariates}
    found: dict[str, Estimate] = {}
    try:
        found["last_wave"] = ancova(answered, **how, companions=False).estimate
        found["weighted"] = weighted_ancova(rows, **how, refits=models.of(rows)).estimate
    except EstimationError as error:
        told.lacks(f"{scale.name}: {'weighted for silence' if found else 'the last wave'}", error.problem, error.fix or "More answers.")
    return found


def _results(scale: Scale, found: dict[str, Estimate], people: dict[str, int], cells: tuple[float, ...]) -> list[Result]:
    base = f"{scale.name.lower()} at the last wave, mentored by then minus not, at the same score at the first"
    return [
        Result(f"wellbeing.{scale.slug}.{name}", scale.slug, f"{base} ({words})", "asked at the first and last wave",
               replace(found[name], estimand=f"{base} ({words})", n=people[name], unit="points"), f"{scale.name}, {words}", "sensitivity", GROUP,
               rests_on=cells)
        for name, words in _NAMES.items() if name in found
    ]  # fmt: skip
