"""Whether the items of a scale hang together: alpha and omega, and every item against the rest, wave by wave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.surveys import Reliability, reliability

__all__ = ["scale_items"]


def scale_items(study: SurveyStudy) -> Section:
    """Reliability of each scale whose items are there; a gap where scores alone are."""
    told = Section()
    if not study.cohort.has("survey_items"):
        return told.lacks("Reliability of the scales", "The data hold scores, not the items that make them.", "survey_items, or a survey recipe")
    items = study.cohort.table("survey_items").astype({"instrument": str, "subscale": str})
    table, detail, cautions = [], [], []
    for scale in study.scales:
        own = items[items["instrument"] + "|" + items["subscale"] == scale.column]
        if own["item"].nunique() < 2:
            continue
        names = sorted(own["item"].astype(str).unique(), key=lambda name: (len(name), name))
        wide = own.assign(item=own["item"].astype(str)).pivot_table(index=["response", "wave"], columns="item", values="answer", dropna=False)
        frame = wide[names].dropna(how="all").reset_index()
        try:
            found = reliability(frame, items=names, wave="wave")
        except EstimationError as error:
            told.lacks(f"{scale.name}: reliability", error.problem, error.fix or "More answers.")
            continue
        table += _by_wave(scale, found)
        detail += _by_item(scale, found)
        cautions += _cautions(scale, found)
    if not table:
        return told
    told.cautions += cautions
    told.exhibits.append(
        table_exhibit(
            "wellbeing.reliability", "Reliability of the scales", pd.DataFrame(table), counts=("n",), derived=("alpha", "limits", "omega"),
            labels={"scale": "Scale", "wave": "Wave", "items": "Items", "n": "Complete answers", "alpha": "Alpha", "limits": "95 % CI",
                    "omega": "Omega"},
            formats={"n": "count", "items": "count", "alpha": "number", "omega": "number"},
            note="Cronbach's alpha with the limits of Feldt, and omega total of one factor, from answers to all items; reverse items turned.",
        )
    )  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "wellbeing.items", "Items of the scales by wave", pd.DataFrame(detail), counts=("n",),
            derived=("mean", "sd", "item_rest", "alpha_without"),
            labels={"scale": "Scale", "wave": "Wave", "item": "Item", "n": "Complete answers", "mean": "Mean", "sd": "SD",
                    "item_rest": "With the rest", "alpha_without": "Alpha without it"},
            formats={"n": "count", "mean": "number", "sd": "number", "item_rest": "number", "alpha_without": "number"},
            note="With the rest: correlation with the mean of the other items. Items by their number in the questionnaire; reverse items turned. "
            "Other people answer at each wave: these means are no change in anybody.",
        )
    )  # fmt: skip
    told.methods.append(
        "Reliability: Cronbach's alpha with Feldt's limits (1965), omega total from a one-factor model by minimum residuals, and item-rest "
        "correlations, of complete answers, wave by wave."
    )
    return told


def _by_wave(scale: Scale, found: Reliability) -> list[dict[str, object]]:
    return [
        {"scale": scale.name, "wave": f"Wave {row.wave}", "items": row.items, "n": row.n, "alpha": row.alpha,
         "limits": f"{format_number(row.alpha_low, 2)} to {format_number(row.alpha_high, 2)}" if np.isfinite(row.alpha_low) else "",
         "omega": row.omega}
        for row in found.table.itertuples()
    ]  # fmt: skip


def _by_item(scale: Scale, found: Reliability) -> list[dict[str, object]]:
    columns = ["wave", "item", "n", "mean", "sd", "item_rest", "alpha_without"]
    return [{"scale": scale.name, **row, "wave": str(row["wave"])} for row in found.items[columns].to_dict("records")]


def _cautions(scale: Scale, found: Reliability) -> list[Caution]:
    counts = tuple(float(n) for n in found.table["n"])
    return [Caution(caution.code, f"{scale.name}: {caution.text}", {"rests_on": counts}) for caution in found.warnings]
