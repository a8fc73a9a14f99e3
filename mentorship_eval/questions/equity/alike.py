"""Do pairs of people alike last longer, and rate their match higher? Dyads, with errors by mentor: whoever has two mentees counts once.

Being alike is told apart from what each of the two is: the model has whether the mentee, and whether the mentor, is of the largest group. Nobody
drew lots for who is paired with whom, so that these are associations.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.equity.eligible import EquityStudy
from mentorship_eval.questions.equity.pairs import ATTRIBUTES, FEWEST_MENTEES, pairs_of
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.planned_ends import ended_as_planned
from mentorship_eval.questions.section import Section
from mentorship_eval.surveys import ancova
from mentorship_eval.survival import cox

__all__ = ["FEWEST_ENDS", "pairs_alike"]

FEWEST_ENDS = 5  # early ends on either side, below which a ratio would rest on hardly anybody
_NOT_DRAWN = (
    "Pairs alike and others were not drawn by lot: who asks for, or is given, somebody like themselves may differ in what makes a match last. "
    "What is told of them are associations."
)


def pairs_alike(study: EquityStudy) -> Section:
    """Hazard ratio of ending early and difference in the mentees' ratings, pairs alike against others, for each attribute."""
    told, rows = Section(), pairs_of(study).rows
    rows = rows[rows["mentor_id"].notna()].reset_index(drop=True)
    planned, ended = ended_as_planned(rows["end_reason"]), rows["ended"].eq(1)
    # whose reason is not known was followed until then, and did not end early as far as anybody knows
    rows["early"] = ended & planned.eq(False).fillna(False)
    silent, known_ends = int((ended & planned.isna()).sum()), int((ended & planned.notna()).sum())
    matches = study.cohort.table("matches")
    reasons = "end_reason" in matches and bool(ended_as_planned(matches["end_reason"]).notna().any())
    if not reasons:
        told.lacks("Whether pairs alike end early", "No match has a reason for its end.", "end_reason in matches")
    rated = _ratings(study, rows)
    if rated is None:
        told.lacks("How pairs alike rate their match", "The cohort has no ratings by mentees.", "feedback in study.yaml")
    ends, ratings = [], []
    for name, word in ATTRIBUTES.items():
        known = rows[rows[f"mentee_{name}"].notna() & rows[f"mentor_{name}"].notna()]
        if len(known) < FEWEST_MENTEES:
            continue  # the part on concordance has said so
        model = _model(known, name)
        ends += _ends(model, name, word, told) if reasons else []
        if rated is not None:
            ratings += _rates(model.merge(rated, on="match_id"), name, word, told)
    told.results = [*ends, *ratings]
    if ends:
        told.exhibits.append(
            forest_exhibit("equity.alike.ends", "Ending early: pairs alike, against others", ends, value_label="Hazard ratio",
                           sides=("fewer end early", "more end early"),
                           note="Any end but a planned one, the mentee's leaving among them; not drawn by lot, so an association.")
        )  # fmt: skip
        if silent:
            text = f"{silent:,} of the {silent + known_ends:,} matches that ended have no reason for it: they count as followed until then, not as "
            text += "ending early. If many of them did, early ends are too few here."
            told.cautions.append(Caution("end_reason_missing", text, {"matches": silent, "complement": known_ends}))
    if ratings:
        told.exhibits.append(
            forest_exhibit("equity.alike.ratings", "Quality of the match: pairs alike, minus others", ratings, log=False, digits=1,
                           value_label="Difference, points of 100", sides=("rated lower", "rated higher"),
                           note="Means over what a mentee answered; not drawn by lot, so an association.")
        )  # fmt: skip
    if told.results:
        title = "Pairs alike: p-values for the number of comparisons"
        told.exhibits.append(adjusted_table("equity.alike.adjusted", title, told.results, study.cohort.study.plan))
        told.cautions.append(Caution("pairs_not_drawn", _NOT_DRAWN))
        told.methods.append(
            f"Pairs alike: Cox model of ending early (any reason but a planned end: {_planned_words(rows)}; a mentee's leaving is an early end; "
            "ends without a reason are censored), time since the match began; least squares on the mentee's mean rating (CR2), both with whether "
            "mentee and mentor are of the largest group, errors by mentor; p-values adjusted by Holm (1979)."
        )
    return told


def _planned_words(rows: pd.DataFrame) -> str:
    """The reasons in these data that say so; they are of our own list, so that nothing of a free text is told."""
    reasons = rows.loc[ended_as_planned(rows["end_reason"]).fillna(False).astype(bool), "end_reason"]
    words = sorted(set(reasons.astype(str).str.strip().str.lower()))
    return ", ".join(words) or "none in these data"


def _model(known: pd.DataFrame, name: str) -> pd.DataFrame:
    """alike, and whether each of the two is of the group that is largest among them both."""
    mentee, mentor = known[f"mentee_{name}"].astype(str), known[f"mentor_{name}"].astype(str)
    largest = pd.concat([mentee, mentor]).value_counts().index[0]
    return known.assign(
        alike=(mentee == mentor).astype(float), mentee_of_largest=(mentee == largest).astype(float),
        mentor_of_largest=(mentor == largest).astype(float), mentor=known["mentor_id"].astype(str), event=known["early"].astype(int),
    ).reset_index(drop=True)  # fmt: skip


def _ends(model: pd.DataFrame, name: str, word: str, told: Section) -> list[Result]:
    question = f"Whether pairs of the same {word} end early"
    counts = [float(model.loc[model["alike"] == side, "event"].sum()) for side in (1.0, 0.0)]
    if min(counts) < FEWEST_ENDS:
        told.lacks(question, f"Fewer than {FEWEST_ENDS} early ends of pairs alike, or of others.", "More matches.")
        return []
    try:
        fit = cox(model, stop="days", event="event", covariates=["alike", *varying(model, ["mentee_of_largest", "mentor_of_largest"])],
                  cluster="mentor")  # fmt: skip
    except EstimationError as error:
        told.lacks(question, error.problem, "More matches.")
        return []
    estimand = f"hazard of a match ending early, same {word} against not"
    estimate = replace(fit.estimate, n=len(model), n_events=int(model["event"].sum()), estimand=estimand)
    sizes = tuple(float((model["alike"] == side).sum()) for side in (1.0, 0.0))
    return [Result(f"equity.alike.ends.{name}", "match_ending", estimand, "pairs", estimate, f"Ending early, same {word}", "companion",
                   "Ending early", rests_on=(*counts, *sizes))]  # fmt: skip


def _ratings(study: EquityStudy, rows: pd.DataFrame) -> pd.DataFrame | None:
    """match_id, mqs: the mean of what the mentee answered."""
    if not study.cohort.has("feedback"):
        return None
    feedback = study.cohort.table("feedback")
    if "mqs" not in feedback:
        return None
    mine = feedback[feedback["mqs"].notna() & feedback["match_id"].isin(rows["match_id"])]
    mine = mine[mine["role"].astype(str).str.lower() == "mentee"] if "role" in mine else mine
    return mine.groupby("match_id", as_index=False)["mqs"].mean() if len(mine) else None


def _rates(model: pd.DataFrame, name: str, word: str, told: Section) -> list[Result]:
    question = f"How pairs of the same {word} rate their match"
    sizes = tuple(float((model["alike"] == side).sum()) for side in (1.0, 0.0))
    if min(sizes) < FEWEST_MENTEES / 2:
        told.lacks(question, "Too few rated matches of pairs alike, or of others.", "More answers in feedback.")
        return []
    estimand = f"mean rating of the match by its mentee, same {word} minus not"
    model = model.assign(pair=np.where(model["alike"] == 1, "alike", "other"), mqs=model["mqs"].astype(float))
    try:
        fit = ancova(model, outcome="mqs", arm="pair", reference="other", cluster="mentor", companions=False,
                     covariates=varying(model, ["mentee_of_largest", "mentor_of_largest"]))  # fmt: skip
    except EstimationError as error:
        told.lacks(question, error.problem, "More answers in feedback.")
        return []
    estimate: Estimate = replace(fit.estimate, estimand=estimand, unit="points", warnings=())
    return [Result(f"equity.alike.ratings.{name}", "match_quality", estimand, "rated pairs", estimate, f"Rating, same {word}", "companion",
                   "Quality of the match", rests_on=sizes)]  # fmt: skip
