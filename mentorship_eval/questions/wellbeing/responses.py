"""Who answered: response by wave and arm, as a table and as a flow, and scores by wave as they are."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import SurveyStudy
from mentorship_eval.questions.wellbeing.counted import number_told
from mentorship_eval.surveys import random_intercepts

__all__ = ["left_out", "likeness", "response", "scores_by_wave"]

_ALL = "All"
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
    told.exhibits.append(_flow(study, table, columns))
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


def _flow(study: SurveyStudy, asked: pd.DataFrame, columns: list[str]) -> Exhibit:
    """From who was asked to whose answers are compared, by wave and arm; asked: wave, arm, count and sum of those on the list of who was asked."""
    people = set(study.rows["person"])
    answers = study.everyone[study.everyone[columns].notna().any(axis=1)]
    compared = answers["person"].isin(people)
    of = [answers["wave"], _arms(answers)]
    left, added = ((flag.groupby(of).sum()) for flag in (~compared & answers["listed"], compared & ~answers["listed"]))
    # few between who answered and who is compared would be told by the two: the flow then ends with who answered
    goes_on = study.compared and all(number_told(int(number), [0]) is not None for number in (*left, *added))
    lines = []
    # also a wave of which the list names nobody
    cells = asked.set_index(["wave", "arm"])[["count", "sum"]]
    cells = cells.reindex(cells.index.union(added.index[added > 0] if goes_on else [])).fillna(0).astype(int)
    for (wave, arm), count, answered in cells.itertuples():
        out, more = (int(each.get((wave, arm), 0)) if goes_on else 0 for each in (left, added))
        steps = [("did not answer", count, count - answered, 0, answered), ("mentored before their first wave", answered, out, 0, answered - out),
                 ("answered without being on the list", answered - out, 0, more, answered - out + more)]  # fmt: skip
        label = f"Wave {wave}" + (f", {arm[:1].lower()}{arm[1:].removesuffix(' by then')}" if arm != _ALL else "")
        told = [step for place, step in enumerate(steps) if place == 0 or step[2] or step[3]]
        lines += [dict(zip(("table", "reason", "read", "removed", "added", "kept"), (label, *step), strict=True)) for step in told]
    frame = pd.DataFrame(lines)
    numbers = tuple(name for name in ("read", "removed", "added", "kept") if name != "added" or frame["added"].any())
    what, note = ("compared", "") if goes_on else ("answered", " Who was mentored before their first wave is in no comparison of people.")
    return Exhibit(
        "wellbeing.response_flow", "flow_diagram", f"From who was asked to who {'is compared' if goes_on else 'answered'}, wave by wave",
        {"flow": frame[["table", "reason", *numbers]]}, {"flow": Counted(numbers, adds_up=True, populations=("read", "kept"))},
        {"unit": "people", "start_label": "Asked", "end_label": what.capitalize()}, 
        "Mentored: by the day of the wave. An answer is a score of any scale." + (note if study.prevalent else ""),
    )  # fmt: skip


def _by_arm(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """wave, arm, count (asked) and sum (answered)."""
    answered = rows[columns].notna().any(axis=1).astype(int).rename("answered")
    return answered.groupby([rows["wave"], _arms(rows)], sort=True).agg(["count", "sum"]).reset_index()


def _arms(rows: pd.DataFrame) -> pd.Series:
    arm = rows["mentored"].map({1: "Mentored by then", 0: "Not mentored"}) if "mentored" in rows else pd.Series(_ALL, index=rows.index)
    return arm.rename("arm")


def _cells(part: pd.DataFrame) -> tuple[float, ...]:
    return tuple(float(v) for v in (*part["sum"], *(part["count"] - part["sum"])))


def _told_of_the_silent(silence: Section | None) -> str:
    """What stands beside the estimate of the last wave, in words; empty where nothing does."""
    if silence is None:
        return ""
    ids = [*(result.id for result in silence.results), *(exhibit.id for exhibit in silence.exhibits)]
    made = {"weights": ".weighted", "answers filled in": ".imputed", "a tipping point": ".tipping"}
    words = [word for word, ending in made.items() if any(name.endswith(ending) for name in ids)]
    return f"{_listed(words)} {'stands' if words == ['a tipping point'] else 'stand'}" if words else ""


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
            note="Other people answer at each wave: these means are no change in anybody." + _readings(study),
        )
    )
    return told


def _readings(study: SurveyStudy) -> str:
    """Who says in which direction scales are read that no shipped key knows, in words."""
    declared = [scale.name for scale in study.scales if scale.declared]
    unknown = [scale.name for scale in study.scales if scale.higher_is_better is None]
    said = f" The direction of {_listed(declared)} is that of the study file." if declared else ""
    return said + (f" The direction of {_listed(unknown)} is not known: surveys.higher_is_better in the study file would say it." if unknown else "")


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


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
