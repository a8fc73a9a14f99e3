"""Who answered: response by wave and arm, and scores by wave as they are."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import SurveyStudy
from mentorship_eval.surveys import random_intercepts

__all__ = ["likeness", "response", "scores_by_wave"]

_LOW, _APART = 0.50, 0.10  # a response below, and a difference between arms above, which a report must say


def response(study: SurveyStudy) -> Section:
    """The flow of response, with a caution where it is low or differs between arms; a gap where nobody wrote down who was asked."""
    told = Section()
    if not study.invited:
        return told.lacks("How many answered", "Who was asked is not in these data, only who answered.", "survey_invites (staff_id, wave)")
    columns = [scale.column for scale in study.scales]
    rows = study.rows.assign(answered=study.rows[columns].notna().any(axis=1).astype(int))
    arm = rows["mentored"].map({1: "Mentored by then", 0: "Not mentored"}) if "mentored" in rows else pd.Series("All", index=rows.index)
    table = rows.groupby(["wave", arm.rename("arm")], sort=True)["answered"].agg(["count", "sum"]).reset_index()
    frame = pd.DataFrame({
        "wave": table["wave"].map(lambda wave: f"Wave {wave}"), "arm": table["arm"], "asked": table["count"], "answered": table["sum"],
        "silent": table["count"] - table["sum"], "share": table["sum"] / table["count"],
    })  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "wellbeing.response", "Who was asked, and who answered", frame, counts=("asked", "answered", "silent"), derived=("share",),
            sums=(("asked", "answered", "silent"),), labels={"wave": "Wave", "arm": "", "asked": "Asked", "answered": "Answered", "silent": "Did not",
                                                            "share": "Response"},
            formats={"share": "percent", **dict.fromkeys(("asked", "answered", "silent"), "count")},
            note="An answer is a score of any scale.",
        )
    )  # fmt: skip
    for wave, part in table.groupby("wave"):
        share = part["sum"] / part["count"]
        overall = part["sum"].sum() / part["count"].sum()
        counts = tuple(float(v) for v in (*part["sum"], *(part["count"] - part["sum"])))
        if overall < _LOW:
            text = f"At wave {wave} {overall:.0%} of those asked answered: weights and a tipping point are told beside the estimate."
            told.cautions.append(Caution("low_response", text, {"rests_on": counts}))
        if len(part) == 2 and abs(share.iloc[0] - share.iloc[1]) > _APART:
            told.cautions.append(
                Caution("differential_response", f"At wave {wave} the response of mentored and other staff differs by "
                        f"{100 * abs(share.iloc[0] - share.iloc[1]):.0f} percentage points: who answers is part of the comparison.",
                        {"rests_on": counts})
            )  # fmt: skip
    return told


def scores_by_wave(study: SurveyStudy) -> Section:
    """Mean and SD of each scale by wave, as answered; descriptive, since who answers changes from wave to wave."""
    told, lines = Section(), []
    for scale in study.scales:
        for wave, part in study.answers(scale).groupby("wave"):
            score = part[scale.column]
            lines.append({"scale": scale.name, "wave": f"Wave {wave}", "n": len(part), "mean": score.mean(), "sd": score.std(ddof=1),
                          "direction": scale.direction})  # fmt: skip
    if not lines:
        return told
    told.exhibits.append(
        table_exhibit(
            "wellbeing.means", "Scores by wave, as answered", pd.DataFrame(lines), counts=("n",), derived=("mean", "sd"),
            labels={"scale": "Scale", "wave": "Wave", "n": "Answers", "mean": "Mean", "sd": "SD", "direction": "Reading"},
            formats={"n": "count", "mean": "number", "sd": "number"},
            note="Other people answer at each wave: these means are no change in anybody.",
        )
    )
    return told


def likeness(study: SurveyStudy) -> Section:
    """How alike the answers of one person are, and of one department: intra-class correlations, which decide what so many answers are worth."""
    told = Section()
    for scale in study.scales:
        rows = study.answers(scale)
        if rows["person"].duplicated().sum() < 30:
            continue
        groups = ["dept", "person"] if "dept" in rows and (rows["dept"] != rows["dept"].iloc[0]).any() else ["person"]
        try:
            fit = random_intercepts(rows, outcome=scale.column, groups=groups, covariates=["wave"])
        except EstimationError as error:
            told.lacks(f"{scale.name}: likeness within people and departments", error.problem, "More answers.")
            continue
        for group, estimate in fit.icc.items():
            word = "department" if group == "dept" else "person"
            told.results.append(
                Result(f"wellbeing.{scale.slug}.icc.{word}", scale.slug, f"intra-class correlation of answers of one {word}", "all answers", estimate,
                       f"{scale.name}: likeness of answers of one {word}", "diagnostic", "Likeness of answers", rests_on=(len(rows),))
            )  # fmt: skip
    if told.results:
        told.methods.append("Likeness of answers: random intercepts by restricted maximum likelihood, with a trend over waves.")
    return told
