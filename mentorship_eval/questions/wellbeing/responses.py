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

__all__ = ["left_out", "likeness", "response", "scores_by_wave"]

_LOW, _APART = 0.50, 0.10  # a response below, and a difference between arms above, which a report must say


def response(study: SurveyStudy, silence: Section | None = None) -> Section:
    """The flow of response, with a caution where it is low or differs between arms; a gap where nobody wrote down who was asked.

    silence : what was told of the silent (`missing_answers`), to which a caution refers.
    """
    told = Section()
    if not study.invited:
        return told.lacks("How many answered", "Who was asked is not in these data, only who answered.", "survey_invites (staff_id, wave)")
    columns = [scale.column for scale in study.scales]
    table = _by_arm(study.everyone[study.everyone["listed"]], columns)
    frame = pd.DataFrame({
        "wave": table["wave"].map(lambda wave: f"Wave {wave}"), "arm": table["arm"], "asked": table["count"], "answered": table["sum"],
        "silent": table["count"] - table["sum"], "share": table["sum"] / table["count"],
    })  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "wellbeing.response", "Who was asked, and who answered", frame, counts=("asked", "answered", "silent"), derived=("share",),
            within="wave",  # the answers of a wave stand in the table of scores
            sums=(("asked", "answered", "silent"),), labels={"wave": "Wave", "arm": "", "asked": "Asked", "answered": "Answered", "silent": "Did not",
                                                            "share": "Response"},
            formats={"share": "percent", **dict.fromkeys(("asked", "answered", "silent"), "count")},
            note="An answer is a score of any scale." + (" Who was mentored before their first wave is among the mentored here, and in no comparison "
                                                         "of people." if study.prevalent else ""),
        )
    )  # fmt: skip
    for wave, part in table.groupby("wave"):
        overall = part["sum"].sum() / part["count"].sum()
        if overall < _LOW:
            beside = _told_of_the_silent(silence) if len(study.waves) and wave == study.last else ""
            text = f"At wave {wave} {overall:.0%} of those asked answered: " + (
                f"{beside} beside the estimate of that wave." if beside else "what is told of that wave is told of those who answered.")  # fmt: skip
            told.cautions.append(Caution("low_response", text, {"rests_on": _cells(part)}))
    # who is compared: at the first wave nobody who was mentored by then is
    for wave, part in _by_arm(study.rows[study.rows["listed"]], columns).groupby("wave"):
        share = part["sum"] / part["count"]
        if len(part) == 2 and abs(share.iloc[0] - share.iloc[1]) > _APART:
            told.cautions.append(
                Caution("differential_response", f"At wave {wave} the response of mentored and other staff differs by "
                        f"{100 * abs(share.iloc[0] - share.iloc[1]):.0f} percentage points: who answers is part of the comparison.",
                        {"rests_on": _cells(part)})
            )  # fmt: skip
    return told


def _by_arm(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """wave, arm, count (asked) and sum (answered)."""
    answered = rows[columns].notna().any(axis=1).astype(int).rename("answered")
    arm = rows["mentored"].map({1: "Mentored by then", 0: "Not mentored"}) if "mentored" in rows else pd.Series("All", index=rows.index)
    return answered.groupby([rows["wave"], arm.rename("arm")], sort=True).agg(["count", "sum"]).reset_index()


def _cells(part: pd.DataFrame) -> tuple[float, ...]:
    return tuple(float(v) for v in (*part["sum"], *(part["count"] - part["sum"])))


def _told_of_the_silent(silence: Section | None) -> str:
    """What stands beside the estimate of the last wave, in words; empty where nothing does."""
    if silence is None:
        return ""
    ids = [*(result.id for result in silence.results), *(exhibit.id for exhibit in silence.exhibits)]
    made = {"weights": ".weighted", "answers filled in": ".imputed", "a tipping point": ".tipping"}
    words = [word for word, ending in made.items() if any(name.endswith(ending) for name in ids)]
    listed = " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    return f"{listed} {'stands' if words == ['a tipping point'] else 'stand'}" if words else ""


def left_out(study: SurveyStudy) -> Section:
    """Who is in no comparison, or in no description, and how many."""
    told = Section()
    if study.prevalent:
        text = (f"{study.prevalent:,} people were mentored before their first wave and are left out of comparisons of people: they have no score "
                "without mentoring to start from. They count in who was asked, in scores by wave, and where departments are compared.")  # fmt: skip
        # those asked at the first wave stand in the table of who was asked: a few others would be told by the difference
        later = {"rests_on": (float(study.prevalent_later),)} if study.prevalent_later else {}
        told.cautions.append(Caution("prevalent_mentored", text, {"persons": study.prevalent, **later}))
    if study.invited and (extra := int((~study.everyone["listed"]).sum())):
        text = (f"Answers of people whom survey_invites does not list at that wave: {extra:,}. They count as all others do, and stand in no line of "
                "who was asked, so that the response is not of all who answered.")  # fmt: skip
        told.cautions.append(Caution("answers_not_listed", text, {"rows": extra}))
    if study.undated:
        text = (f"Answers left out because no day of their wave is known: {study.undated:,}. Who was mentored by then cannot be told; "
                "completed_on in surveys, or invited_on in survey_invites, would say it.")  # fmt: skip
        told.cautions.append(Caution("answers_without_day", text, {"rows": study.undated}))
    return told


def scores_by_wave(study: SurveyStudy) -> Section:
    """Mean and SD of each scale by wave, as answered; descriptive, since who answers changes from wave to wave."""
    told, lines = Section(), []
    for scale in study.scales:
        rows = study.all_answers(scale)
        # those on the list of who was asked are counted elsewhere
        listed = rows[rows["listed"]].groupby("wave").size() if study.invited else pd.Series(dtype=float)
        for wave, part in rows.groupby("wave"):
            score, quantity = part[scale.column], f"answers:{scale.slug}:wave {wave}"
            lines.append({"scale": scale.name, "wave": f"Wave {wave}", "n": len(part), "mean": score.mean(), "sd": score.std(ddof=1),
                          "direction": scale.direction, "quantity": f"{quantity}@all", "listed": listed.get(wave),
                          "quantity_listed": f"{quantity}@listed"})  # fmt: skip
    if not lines:
        return told
    told.exhibits.append(
        table_exhibit(
            "wellbeing.means", "Scores by wave, as answered", pd.DataFrame(lines), counts=("n",), derived=("mean", "sd"),
            within="scale",  # all answers of a scale are the number behind their likeness
            behind=("listed",), of={"mean": "n", "sd": "n"}, same={"n": "quantity", "listed": "quantity_listed"},
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
        rows = study.all_answers(scale)
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
