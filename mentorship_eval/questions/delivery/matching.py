"""Were mentors matched to mentees better than chance would have it, and do pairs with a high score last?

Chance: the mentors of the pairs that began in the same department and quarter, handed out anew among their mentees. Only scores that can be made
anew for any pair can be held against it: those that `mentorship-eval match` would give, from what mentees seek and mentors offer (table wishes)
and from their professions; of whom neither is known has no score. Where hardly any mentee says what they seek, the score would be the profession
alone, which the chapter on equity holds against chance: nothing is tested a second time here. What the mentor's earlier mentees achieved stays out,
being known only later.
A score that was recorded is known of the pairs that were made alone; it is asked whether these end early.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate, format_p
from mentorship_eval.inference.permutation import Permutation, permutation_test
from mentorship_eval.matching import Pool, Weights, parts_of_score, score_matrix
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.exhibits import curve_exhibit, in_months, just_after, monthly_grid, table_exhibit
from mentorship_eval.questions.groups import jackknifed_difference
from mentorship_eval.questions.next_wave import COMPARED, wishes_of
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox, kaplan_meier

__all__ = ["early_ends", "match_scores"]

_FEWEST, _FEWEST_ENDS = 30, 10  # pairs; early ends
_DRAWS, _SEED = 999, 3
_WISHED = ("seeks", "same", "prefers")
_ONLY_PROFESSION = (
    "Fewer than 30 mentees say what they seek, so that a score would be the profession alone; whether pairs are of the same profession more often "
    "than by chance is told in the chapter on equity (equity.concordance.profession)."
)
_BARS = 30


def match_scores(study: DeliveryStudy) -> Section:
    """Mean score of the pairs minus its expectation with mentors handed out anew within department and quarter."""
    told, question = Section(), "Whether pairs suit each other better than by chance"
    wishes = wishes_of(study.cohort)
    if study.mentoring["mentee_id"].isin(wishes.loc[wishes["kind"].isin(_WISHED), "staff_id"]).sum() < _FEWEST:
        return told.lacks(question, _ONLY_PROFESSION, "wishes (staff_id, kind, value): what mentees seek and mentors offer")
    pairs = study.mentoring[study.mentoring["mentor_id"].notna()].reset_index(drop=True)
    known = study.cohort.table("staff").drop_duplicates("staff_id").set_index("staff_id")
    pairs = pairs[pairs["mentor_id"].isin(known.index) & pairs["mentee_id"].isin(known.index)].reset_index(drop=True)
    if len(pairs) < _FEWEST or pairs["dept_id"].nunique() < 2:
        return told.lacks(question, "Too few pairs of which both people are known.", "mentor_id in matches, the same ids as in staff")
    quarter = pairs["start"].dt.to_period("Q").astype(str)
    block = pd.factorize(pairs["dept_id"].astype(str) + " " + quarter, sort=True)[0]
    place = pd.factorize(pairs["dept_id"].astype(str), sort=True)[0]
    score, mentor, counts = _all_scores(study, pairs, known, place)
    if not counts.all():
        # a score of 0 where nothing is known of what suits a mentee says nothing of the pair
        unknown = int((~counts).sum())
        text = f"{unknown:,} matches are left out of the scores: their mentees ask for nothing that is known, nor is their profession."
        told.cautions.append(Caution("nothing_asked", text, {"matches": unknown, "complement": len(pairs) - unknown}))
        pairs, score, mentor, block = pairs[counts].reset_index(drop=True), score[counts], mentor[counts], block[counts]
        place = pd.factorize(pairs["dept_id"].astype(str), sort=True)[0]
        if len(pairs) < _FEWEST or pairs["dept_id"].nunique() < 2:
            return told.lacks(question, "Of too few pairs it is known what suits the mentee.", "wishes, profession in staff")
    observed = score[np.arange(len(pairs)), mentor]
    # each of a block's mentees meets each of its mentors with the same chance
    order = np.argsort(block, kind="stable")
    expected, free = np.empty(len(pairs)), np.zeros(len(pairs), dtype=bool)
    for rows in np.split(order, np.flatnonzero(np.diff(block[order])) + 1):
        table = score[np.ix_(rows, mentor[rows])]
        expected[rows] = table.mean(axis=1)
        free[rows] = bool((np.ptp(table, axis=1) > 0).any())
    if not free.any():
        return told.lacks(question, "In no department and quarter would other pairs have had other scores.", "wishes, profession in staff")

    drawn: list[np.ndarray] = []

    def statistic(assigned: np.ndarray) -> np.ndarray:
        drawn.append(score[np.arange(len(pairs))[None, :], assigned].mean(axis=1) - expected.mean())
        return drawn[-1]

    test = permutation_test(float(observed.mean() - expected.mean()), statistic, mentor, blocks=block, draws=_DRAWS, seed=_SEED)
    result = _difference(observed, expected, place, test, int(free.sum()))
    told.results.append(result)
    told.exhibits += [_table(result, observed, expected, int(free.sum())), _figure(result, np.concatenate(drawn), test)]
    text = (
        f"Pairs met {observed.mean():.0%} of what the score counts; mentors handed out anew within department and quarter would have met "
        f"{expected.mean():.0%} (difference {result.estimate.interval(1)} percentage points; {format_p(result.estimate.p_value)})."
    )
    told.lead.append(Statement(text, rests_on=result.rests_on, results=(result.id,)))
    told.methods.append(
        f"Matching: the score of `mentorship-eval match` at its default weights, from wishes and staff alone; its exact mean with the mentors of a "
        f"department and quarter permuted among its mentees; p from {_DRAWS} permutations (Phipson and Smyth 2010), interval by leaving out one "
        "department at a time."
    )
    return told


def _all_scores(study: DeliveryStudy, pairs: pd.DataFrame, known: pd.DataFrame, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pairs, most mentors of a department) scores of each mentee with each mentor of the pairs of the department, the own mentor's column, and
    whether anything that the score counts is known of the mentee.
    """
    people = known[[name for name in COMPARED if name in known]].astype(object)
    wishes = wishes_of(study.cohort)
    wishes = wishes[(wishes["kind"] != "same") | wishes["value"].isin(people.columns)]
    own, counts = np.zeros(len(pairs), dtype=int), np.zeros(len(pairs), dtype=bool)
    weights, parts = Weights(), []
    for code in range(int(place.max()) + 1):
        rows = np.flatnonzero(place == code)
        mentees, mentors = (pd.Index(pairs[name].iloc[rows].unique()) for name in ("mentee_id", "mentor_id"))
        said = wishes[wishes["staff_id"].isin(mentees.union(mentors))]
        pool = Pool(people.reindex(mentees), people.reindex(mentors).assign(capacity=1, load=0), said)
        shares, at = parts_of_score(pool), mentees.get_indexer(pairs["mentee_id"].iloc[rows])
        own[rows] = mentors.get_indexer(pairs["mentor_id"].iloc[rows])
        counts[rows] = np.any([~np.isnan(shares[name]).all(axis=1) for name, weight in weights.parts.items() if weight > 0], axis=0)[at]
        parts.append((rows, score_matrix(shares, weights)[at]))
    score = np.zeros((len(pairs), max(made.shape[1] for _, made in parts)))
    for rows, made in parts:
        score[rows, : made.shape[1]] = made
    return score, own, counts


def _difference(observed: np.ndarray, expected: np.ndarray, place: np.ndarray, test: Permutation, free: int) -> Result:
    def without(values: np.ndarray) -> np.ndarray:
        total, count = np.bincount(place, weights=values), np.bincount(place)
        return np.asarray((total.sum() - np.append(0.0, total)) / (count.sum() - np.append(0.0, count)))

    estimand = "mean match score of the pairs, minus its expectation with mentors permuted within department and quarter"
    estimate: Estimate = jackknifed_difference(
        without(observed), without(expected), n=len(observed), estimand=estimand,
        method=f"leave-one-department-out jackknife, t(G-1); p from {test.draws} permutations",
    )  # fmt: skip
    estimate = replace(estimate, p_value=float(test.p_value))
    return Result("delivery.matching.score", "delivery", estimand, "matches of mentoring", estimate, "Score of pairs, minus chance", "companion",
                  "Matching", rests_on=(float(free), float(len(observed))))  # fmt: skip


def _figure(result: Result, drawn: np.ndarray, test: Permutation) -> Exhibit:
    """The difference from chance in each draw, and the one observed; its counts are draws, not people."""
    counts, edges = np.histogram(100 * drawn, _BARS)
    return Exhibit(
        "delivery.matching.chance", "placebo_distribution", "Score of the pairs, and of mentors handed out anew",
        {"draws_hist": pd.DataFrame({"bin_low": edges[:-1], "bin_high": edges[1:], "count": counts})}, {},
        {"observed": result.estimate.value, "p": float(test.p_value), "value_label": "Difference from chance, percentage points",
         "smallest_p": float(test.smallest_p), "ratio": False, "reassigned": "mentors handed out anew within department and quarter",
         "test": "permutation test"},
        rests_on=result.rests_on,
    )  # fmt: skip


def _table(result: Result, observed: np.ndarray, expected: np.ndarray, free: int) -> Exhibit:
    frame = pd.DataFrame({
        "what": ["Share met of what the score counts"], "pairs": [len(observed)], "free": [free], "observed": [observed.mean()],
        "expected": [expected.mean()], "estimate": [result.estimate.value], "ci_low": [result.estimate.ci_low],
        "ci_high": [result.estimate.ci_high], "p": [result.estimate.p_value], "told": [result.id],
    })  # fmt: skip
    return table_exhibit(
        "delivery.matching", "Pairs as made, and by chance", frame, counts=("pairs", "free"),
        derived=("observed", "expected", "estimate", "ci_low", "ci_high", "p"), results={"told": ""},
        labels={"what": "", "pairs": "Pairs", "free": "Could have been otherwise", "observed": "As made", "expected": "By chance",
                "estimate": "Difference (pp)", "ci_low": "95 % CI from", "ci_high": "to", "p": "p"},
        formats={"pairs": "count", "free": "count", "observed": "percent", "expected": "percent", "p": "p"},
        note="By chance: the mentors of a department and quarter handed out anew among its mentees. Could have been otherwise: pairs of a "
             "department and quarter in which that changes a score.",
    )  # fmt: skip


def early_ends(study: DeliveryStudy) -> Section:
    """Hazard ratio of ending early per 0.1 of the recorded score, errors by mentor; curves of the lower and the upper half."""
    told, question, pairs = Section(), "Whether pairs with a high score last", study.mentoring
    if "score" not in pairs or pairs["score"].isna().all():
        return told.lacks(question, "No match has a score.", "score in matches")
    if not study.reasons_told:
        return told.lacks(question, "Why matches ended is not in these data.", "end_reason in matches")
    rows = pairs[pairs["score"].notna()].reset_index(drop=True)
    early = rows["planned"].eq(False).fillna(False).astype(int)  # an end without a reason is no early one: followed until then, no longer
    data = pd.DataFrame({
        "days": np.maximum((rows["last"] - rows["start"]).dt.days.to_numpy(float), 0.5), "event": early, "tenths": 10 * rows["score"].astype(float),
        "mentor": rows["mentor_id"].astype(object).where(rows["mentor_id"].notna(), rows["match_id"]).astype(str),
    })  # fmt: skip
    if len(rows) < _FEWEST or early.sum() < _FEWEST_ENDS:
        return told.lacks(question, f"Fewer than {_FEWEST} matches have a score, or fewer than {_FEWEST_ENDS} of them ended early.", "More matches.")
    try:
        fit = cox(data, stop="days", event="event", covariates=["tenths"], cluster="mentor")
    except EstimationError as error:
        return told.lacks(question, error.problem, "Matches with different scores.")
    estimand = "hazard of a match ending early, per 0.1 more of the score recorded when it was made"
    ends = int(early.sum())
    estimate = replace(fit.estimate, n=len(rows), n_events=ends, estimand=estimand)
    behind = (float(ends), float(len(rows) - ends))
    told.results.append(
        Result("delivery.matching.ends", "match_ending", estimand, "matches of mentoring", estimate, "Ending early, per 0.1 of the score",
               "companion", "Matching", rests_on=behind)
    )  # fmt: skip
    told.exhibits += _curves(data, rows["score"].astype(float))
    told.lead.append(
        Statement(f"Per 0.1 more of the recorded score, matches ended early with a hazard ratio of {estimate.interval(2)}.", rests_on=behind,
                  results=("delivery.matching.ends",))
    )  # fmt: skip
    told.cautions.append(
        Caution("score_not_drawn", "Scores were not drawn by lot: pairs with a high score may have lasted for other reasons, so that this is an "
                "association.")
    )  # fmt: skip
    told.methods.append(
        "Ending early: any end but the planned one, the mentee's leaving too; ends without a reason are censored; Cox model of time since the match "
        "began, errors by mentor; curves by halves at the median score."
    )
    return told


def _curves(data: pd.DataFrame, score: pd.Series) -> list[Exhibit]:
    middle = float(score.median())
    upper = score > middle
    if upper.all() or not upper.any():
        return []
    mine = data.assign(half=np.where(upper, f"Score above {middle:.2f}", f"Score up to {middle:.2f}"))
    far = min(float(np.sort(group["days"].to_numpy())[-min(10, len(group))]) for _, group in mine.groupby("half"))
    grid = monthly_grid(min(far, 366.0))
    fit = kaplan_meier(mine, stop="days", event="event", by="half", cluster="mentor")
    looked = in_months(fit.at(just_after(grid)))
    return [
        curve_exhibit(
            "delivery.survival", "Matches that have not ended early, by the score they were given", looked, by="by", value="survival", by_label="",
            time_from="the first day of the match", at_risk=looked[looked["time"].isin((0, 6, 12))], y_label="Have not ended early",
            n=len(mine), n_events=int(mine["event"].sum()),
            population="delivery scored", method="Kaplan-Meier; ends planned, or without a reason, are censored; intervals clustered by mentor",
            note="Halves at the median score.",
        )
    ]  # fmt: skip
