"""How much mentors differ in their mentees' eyes: partial pooling of mentors' mean ratings; no names and no ranks outside the team.

A mentor with few mentees has a mean that is mostly chance, so that a list of raw means would reward and blame at random. Each is drawn
towards those of its department by how little it rests on (empirical Bayes). Each department has a mean of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.permutation import permutation_test
from mentorship_eval.inference.pooling import Pooled, between_interval, partial_pooling
from mentorship_eval.questions.answer import Counted, Exhibit, Result, Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["mentor_effects", "rated_matches"]

_FEWEST_MENTORS, _FEWEST_AGAIN = 10, 20  # mentors; rated matches beyond the first of their mentor
_SHOWN = 3  # rated mentees, below which a mentor has no line even inside the team
_LINES = 40
_DRAWS, _SEED = 999, 18


def rated_matches(study: DeliveryStudy) -> pd.DataFrame:
    """match_id, mentor_id, dept_id, mqs: matches of mentoring with the mean of what the mentee rated; empty without ratings."""
    empty = pd.DataFrame(columns=["match_id", "mentor_id", "dept_id", "mqs"])
    if not study.cohort.has("feedback") or "mqs" not in study.cohort.table("feedback"):
        return empty
    told = study.cohort.table("feedback")
    told = told[told["mqs"].notna()]
    told = told[told["role"].astype(str).str.lower() == "mentee"] if "role" in told else told
    pairs = study.mentoring.loc[study.mentoring["mentor_id"].notna(), ["match_id", "mentor_id", "dept_id"]]
    return pairs.merge(told.astype({"mqs": float}).groupby("match_id", as_index=False)["mqs"].mean(), on="match_id")


def mentor_effects(study: DeliveryStudy) -> Section:
    """Standard deviation between mentors of what their mentees' ratings are on average; a line per mentor for the team that holds the data."""
    told, question = Section(), "How much mentors differ"
    rows = rated_matches(study)
    if rows.empty:
        return told.lacks(question, "No match has a rating by its mentee and a mentor.", "feedback (role, mqs); mentor_id in matches")
    own = rows["mqs"] - rows.groupby("dept_id")["mqs"].transform("mean")
    code = pd.factorize(rows["mentor_id"].astype(str), sort=True)[0]
    number = np.bincount(code)
    mean = np.bincount(code, weights=rows["mqs"]) / number
    # of the department in which most of the mentor's mentees are
    place = rows.groupby(code)["dept_id"].agg(lambda values: values.astype(str).mode().iloc[0]).to_numpy()
    again = len(rows) - len(number)
    few = f"Too few mentors have several rated matches: {again} ratings beyond each mentor's first."
    if len(number) < _FEWEST_MENTORS or again < _FEWEST_AGAIN:
        return told.lacks(question, few if again >= _SHOWN else "Hardly any mentor has several rated matches.", "More mentors with several mentees.")
    within = float(((rows["mqs"] - mean[code]) ** 2).sum() / again)
    se = np.sqrt(within / number)
    try:
        pooled = partial_pooling(mean, se, place)
        low, high = between_interval(mean, se, place)
    except EstimationError as error:
        return told.lacks(question, error.problem, "Ratings that differ.")

    def spread(assigned: np.ndarray) -> np.ndarray:
        sums = np.stack([np.bincount(one, weights=own, minlength=len(number)) for one in assigned])
        return np.asarray((sums**2 / number).sum(axis=1))

    # a test of |statistic| is one-sided here: the sum of squares between mentors is large when they differ
    test = permutation_test(float(spread(code[None, :])[0]), spread, code, blocks=pd.factorize(rows["dept_id"])[0], draws=_DRAWS, seed=_SEED)
    estimand = "standard deviation between mentors of a department of the mean rating by their mentees"
    estimate = Estimate(
        value=pooled.between, ci_low=low, ci_high=high, p_value=float(test.p_value), unit="points of 100", n=len(rows), n_clusters=len(number),
        estimand=estimand, method=f"REML; Q-profile interval; p from {test.draws} permutations of mentors within departments",
    )  # fmt: skip
    single = float((number == 1).sum())
    behind = (float(len(number)), float(again), float(len(number) - single))
    told.results.append(
        Result("delivery.mentor_effects.between", "match_quality", estimand, "rated matches of mentoring", estimate,
               "Mentors differ by (standard deviation of the rating)", "companion", "Mentors", rests_on=behind)
    )  # fmt: skip
    share = pooled.between**2 / (pooled.between**2 + within)
    told.exhibits += [_spread(told.results[0], number, pooled, within, share), *_lines(number, mean, pooled)]
    told.lead.append(
        Statement(
            f"Mentors of a department differ in their mentees' ratings by a standard deviation of {estimate.interval(1)} points of 100; one rated "
            f"match tells {share:.0%} about its mentor, the rest is the pair and chance.",
            rests_on=behind, results=("delivery.mentor_effects.between",), see=("delivery.mentor_effects.spread",),
        )
    )  # fmt: skip
    told.cautions.append(
        Caution("mentors_not_ranked", "Mentors are not ranked: mentees were not given to them by lot, most have few, and a place in a list would be "
                "mostly chance. A line per mentor, without a name, is for the team that holds the data alone.")
    )  # fmt: skip
    told.methods.append(
        "Mentors: means of their matches' mean ratings, a mean for each department, and one variance within mentors; between mentors of a department "
        "by restricted maximum likelihood, interval by the Q-profile method (Viechtbauer 2007), pooled means by empirical Bayes (Morris 1983)."
    )
    return told


def _spread(result: Result, number: np.ndarray, pooled: Pooled, within: float, share: float) -> Exhibit:
    """What the model says of mentors as a whole."""
    sizes = {"1": number == 1, "2": number == 2, "3 or more": number >= _SHOWN}
    frame = pd.DataFrame({
        "matches": list(sizes), "mentors": [int(mine.sum()) for mine in sizes.values()],
        "rated": [int(number[mine].sum()) for mine in sizes.values()],
        "kept": [float(pooled.weight[mine].mean()) if mine.any() else np.nan for mine in sizes.values()],
    })  # fmt: skip
    return table_exhibit(
        "delivery.mentor_effects.spread", "What a mentor's ratings tell", frame, counts=("mentors", "rated"), derived=("kept",), within="*",
        labels={"matches": "Rated matches of the mentor", "mentors": "Mentors", "rated": "Rated matches", "kept": "Of their own mean is kept"},
        formats={"mentors": "count", "rated": "count", "kept": "percent"}, rests_on=result.rests_on,
        note=f"Kept: the rest is the mean of the department. Standard deviation between mentors {pooled.between:.1f} points, between matches of one "
             f"{within**0.5:.1f}: {share:.0%} of the variance is between mentors.",
    )  # fmt: skip


def _lines(number: np.ndarray, mean: np.ndarray, pooled: Pooled) -> list[Exhibit]:
    """Pooled means in order; every line is one person, so that any threshold withholds the figure."""
    kept = np.flatnonzero(number >= _SHOWN)
    if len(kept) < 2 or not pooled.between > 0:
        return []
    own, value = mean - pooled.centre, pooled.value - pooled.centre
    kept = kept[np.argsort(value[kept], kind="stable")]
    if len(kept) > _LINES:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, _LINES).round().astype(int))]
    rows = pd.DataFrame({
        "label": [f"Unpooled {round(own[at], 1) + 0.0:+.1f}".replace("-", "−") for at in kept], "estimate": value[kept],
        "ci_low": value[kept] - 1.96 * pooled.se[kept], "ci_high": value[kept] + 1.96 * pooled.se[kept], "n": number[kept], "person": 1,
    })  # fmt: skip
    return [
        Exhibit(
            "delivery.mentor_effects", "forest", "Mentors' pooled ratings: inside the team only", {"rows": rows},
            {"rows": Counted(("n",), ("estimate", "ci_low", "ci_high"), behind=("person",))},
            {"log": False, "digits": 1, "value_label": "Difference from mentors of the department, points", "sides": ("rated lower", "rated higher"),
             "unit": "rated matches"},
            f"Mentors with {_SHOWN} rated mentees or more, at most {_LINES}, evenly over their order; no names. Most intervals overlap: no ranking.",
            rests_on=(1.0,),
        )
    ]  # fmt: skip
