"""The programme being active in one's department, against departments where it is not yet, on department means of every scale.

A mean over many departments and waves rests on the people behind it, as any model does, and not on the thinnest cell: no cell is shown. Counted
are those where the programme is active, those of the same departments before, and those of all departments before, who tell the change over waves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.did import linear_imputation
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.questions.wellbeing.counted import Warned, first_spread, listed, people_and_answers, said_once
from mentorship_eval.questions.wellbeing.effects import in_turn, primary_scale
from mentorship_eval.questions.wellbeing.standardised import KNOWN_SD, forest_in_sd, in_sd, with_direction

__all__ = ["on_departments"]

GROUP = "Programme active in the department"


@dataclass(frozen=True)
class _Fitted:
    result: Result
    cautions: list[tuple[Caution, tuple[float, ...]]]  # each with the counts behind it


def on_departments(study: SurveyStudy) -> Section:
    """Department means over waves, by linear imputation on departments where the programme is not active yet; of every scale."""
    told = Section()
    if not study.cohort.has("rollout"):
        question = f"{primary_scale(study).name} where the programme is active"
        return told.lacks(question, "When departments took up the programme is not in these data.", "rollout (dept_id, active_from)")
    adopted = _adopted(study)
    warned: Warned = {}
    refused: dict[str, list[str]] = {}
    shown: list[Result] = []
    fitted_names: list[str] = []
    for scale in in_turn(study):
        try:
            fitted = _fitted(study, scale, adopted)
        except EstimationError as error:
            refused.setdefault(error.problem, []).append(scale.name)
            continue
        told.results.append(fitted.result)
        fitted_names.append(scale.name)
        for caution, behind in fitted.cautions:
            warned.setdefault((caution.code, caution.text), []).append((scale.name, behind))
        spread = first_spread(study, scale)
        if spread > 0:
            shown.append(replace(fitted.result, estimate=in_sd(fitted.result.estimate, spread), label=with_direction(scale), group=""))
    for problem, names in refused.items():
        told.lacks(f"{listed(names)} where the programme is active", problem, "Waves before and after departments went live.")
    told.cautions += said_once(warned, topic=GROUP, scales=fitted_names)
    if told.results:
        told.exhibits += forest_in_sd(
            "wellbeing.programme", "Programme active in the department, against not yet, all scales in standard deviations", shown,
            f"Department means. {KNOWN_SD} In points they stand among the estimates.",
        )  # fmt: skip
        told.methods.append(
            "Programme active in the department: linear imputation (Borusyak, Jaravel & Spiess 2024) on department means weighted by answers; other "
            "people answer at each wave, and staff who join or leave, or were mentored before their first wave, are part of it. All scales, without "
            "adjustment for their number."
        )
    return told


def _adopted(study: SurveyStudy) -> dict[object, float]:
    """Department -> the first wave at which the programme was live there, missing for none: on the median day of the wave or before."""
    live = pd.to_datetime(own_rollout(study.cohort).set_index("dept_id")["active_from"])
    days = study.everyone.groupby("wave")["day"].median()
    waves = np.sort(study.everyone["wave"].unique())
    when = days.reindex(waves).to_numpy()
    adopted: dict[object, float] = {}
    for dept, day in live.items():
        after = np.flatnonzero(when >= np.datetime64(day)) if pd.notna(day) else np.array([], int)
        adopted[dept] = float(waves[after[0]]) if len(after) else np.nan
    return adopted


def _fitted(study: SurveyStudy, scale: Scale, adopted: dict[object, float]) -> _Fitted:
    rows = study.all_answers(scale)  # whoever works there: also those who were mentored before their first wave
    panel = rows.groupby(["dept", "wave"])[scale.column].agg(["mean", "size"]).reset_index()
    panel["adopted"] = panel["dept"].map(adopted)
    fit = linear_imputation(panel, outcome="mean", unit="dept", time="wave", adopted="adopted", weights="size", permutations=0)
    behind = _behind(rows, fit.cells)
    estimand = f"mean {scale.name.lower()} of departments where the programme is active, minus what it would have been"
    # its own n counts departments at waves, in no table that counts people
    estimate = replace(fit.estimate, estimand=estimand, unit="points", n=None)
    result = Result(f"wellbeing.{scale.slug}.programme", scale.slug, estimand, "departments asked at two waves or more", estimate,
                    f"{scale.name}, programme active", "companion", GROUP, rests_on=behind)  # fmt: skip
    # cautions tell how much hangs on what was left out, or on departments with gaps
    left_out = float(fit.dropped["weight"].sum())
    also = (left_out,) if left_out else ()
    cautions = []
    for caution in fit.warnings:
        gaps = caution.data.get("units", ())
        answers = float(rows["dept"].isin(list(gaps)).sum()) if len(gaps) else 0.0
        cautions.append((caution, (*behind, *also, *((answers,) if answers else ()))))
    return _Fitted(result, cautions)


def _behind(rows: pd.DataFrame, cells: pd.DataFrame) -> tuple[float, ...]:
    """People and answers where the programme is active, in the same departments before, and in all departments before."""
    role = cells.set_index(["unit", "time"])["role"]
    found = role.reindex(pd.MultiIndex.from_frame(rows[["dept", "wave"]])).to_numpy()
    active, before = rows[found == "target"], rows[found == "untreated"]
    own = before[before["dept"].isin(active["dept"])]
    return tuple(count for part in (active, own, before) for count in people_and_answers(part))
