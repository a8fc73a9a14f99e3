"""Concordance: are mentees paired with people like themselves more, or less, often than chance would have it?

Chance: the mentors of the pairs that began in the same department and quarter, handed out anew among the mentees of these pairs. The share alike
that this gives on average is known exactly; how far it varies is found by handing mentors out anew at random.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.models import Plan
from mentorship_eval.estimate import Estimate, format_number, format_p
from mentorship_eval.inference.permutation import Permutation, permutation_test
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.equity.eligible import EquityStudy
from mentorship_eval.questions.equity.pairs import ATTRIBUTES, FEWEST_MENTEES, pairs_of
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.families import adjusted_p_values
from mentorship_eval.questions.groups import GRADE, jackknifed_difference
from mentorship_eval.questions.section import Section

__all__ = ["Concordance", "against_chance", "concordance"]

DRAWS, _SEED = 999, 20
_NOT_ELSEWHERE = "The interval includes 0: in these departments it is more than chance, whether it would be so in others is open."
_NOT_BY_CHANCE = "The interval excludes 0, but handing mentors out at random gives as much often enough: this is no sound evidence against chance."


@dataclass(frozen=True)
class Concordance:
    """observed, expected: share of pairs alike, (1 + departments,), of all pairs, then without each department; test: of their difference;
    pairs: how many; alike: how many of them; free: pairs in a block in which mentors could be handed out otherwise.
    """

    observed: np.ndarray
    expected: np.ndarray
    test: Permutation
    pairs: int
    alike: int
    free: int


def against_chance(
    mentee: np.ndarray, mentor: np.ndarray, block: np.ndarray, place: np.ndarray, draws: int = DRAWS, seed: int = _SEED
) -> Concordance:
    """mentee, mentor : (n,) codes of one attribute; block : (n,) within which mentors are handed out anew; place : (n,) codes of departments, whole
    blocks each.
    """
    alike = (mentee == mentor).astype(float)
    kinds = int(max(mentee.max(), mentor.max())) + 1
    number, code = np.unique(block, return_inverse=True)
    of_mentee, of_mentor = (np.bincount(code * kinds + side, minlength=len(number) * kinds).reshape(-1, kinds) for side in (mentee, mentor))
    size = np.bincount(code)
    # each of a block's mentees meets each of its mentors with the same chance
    chance = ((of_mentee * of_mentor).sum(axis=1) / size**2)[code]
    free = ((of_mentee > 0).sum(axis=1) > 1) & ((of_mentor > 0).sum(axis=1) > 1)
    places = int(place.max()) + 1

    def without(values: np.ndarray) -> np.ndarray:
        total = np.bincount(place, weights=values, minlength=places)
        count = np.bincount(place, minlength=places)
        left = count.sum() - np.append(0.0, count)
        return np.divide(total.sum() - np.append(0.0, total), left, out=np.full(len(left), np.nan), where=left > 0)

    def statistic(assigned: np.ndarray) -> np.ndarray:
        return np.asarray((assigned == mentee[None, :]).mean(axis=1) - chance.mean())

    test = permutation_test(float(alike.mean() - chance.mean()), statistic, mentor, blocks=code, draws=draws, seed=seed)
    return Concordance(without(alike), without(chance), test, len(mentee), int(alike.sum()), int(free[code].sum()))


def concordance(study: EquityStudy) -> Section:
    """The difference from chance in percentage points for each attribute, with its permutation p-value."""
    told, rows = Section(), pairs_of(study).rows
    lines = []
    for name, word in {**ATTRIBUTES, GRADE: "grade"}.items():
        known = rows[rows[f"mentee_{name}"].notna() & rows[f"mentor_{name}"].notna()]
        question = f"Whether pairs are of the same {word} more often than by chance"
        if len(known) < FEWEST_MENTEES or known["dept_id"].nunique() < 2:
            told.lacks(question, f"Too few pairs of which the {word} of both is known.", f"mentor_id in matches, {name} in staff")
            continue
        codes = pd.factorize(pd.concat([known[f"mentee_{name}"], known[f"mentor_{name}"]]).astype(str), sort=True)[0]
        place = pd.factorize(known["dept_id"], sort=True)[0]
        block = pd.factorize(known["dept_id"].astype(str) + " " + known["quarter"], sort=True)[0]
        found = against_chance(codes[: len(known)], codes[len(known) :], block, place)
        if not found.free:
            told.lacks(question, "In no department and quarter could the mentors have been handed out otherwise.", "More matches.")
            continue
        told.results.append(_result(name, word, found))
        lines.append((word, found))
    if not told.results:
        return told
    told.lead += [_sentence(word, found, result) for (word, found), result in zip(lines, told.results, strict=True)][:1]
    told.exhibits += [
        forest_exhibit(
            "equity.concordance.forest", "Pairs alike, minus what chance gives", told.results, log=False, digits=1,
            value_label="Difference, percentage points", sides=("fewer alike", "more alike"),
            note="Chance: mentors handed out anew among the mentees who were matched in the same department and quarter.",
        ),
        _table(lines, told.results, study.cohort.study.plan),
    ]  # fmt: skip
    told.methods.append(
        f"Concordance: share of pairs alike against its exact mean when the mentors of a department and quarter are permuted among its mentees; "
        f"p from {DRAWS} permutations, two-sided (Phipson and Smyth 2010), adjusted by Holm (1979); interval by leaving out one department "
        "at a time. Grades are those of the table staff, which have no date."
    )
    return told


def _sentence(word: str, found: Concordance, result: Result) -> Statement:
    e = result.estimate
    limits = f", 95 % CI {format_number(e.ci_low, 1)} to {format_number(e.ci_high, 1)} with departments left out" if np.isfinite(e.ci_low) else ""
    text = f"{found.observed[0]:.1%} of pairs were of the same {word}; by chance {found.expected[0]:.1%} would have been"
    text += f" (difference {format_number(e.value, 1)} percentage points{limits}; {format_p(e.p_value)} by permutation)."
    if np.isfinite(e.ci_low) and (e.ci_low <= 0 <= e.ci_high) == (e.p_value < 0.05):
        # they ask different things: this set of departments, or any like them
        text += " " + (_NOT_ELSEWHERE if e.p_value < 0.05 else _NOT_BY_CHANCE)
    return Statement(text, rests_on=result.rests_on, results=(result.id,), see=("equity.concordance.forest",))


def _result(name: str, word: str, found: Concordance) -> Result:
    estimand = f"share of pairs of the same {word}, minus its expectation with mentors permuted within department and quarter"
    estimate: Estimate = jackknifed_difference(
        found.observed, found.expected, n=found.pairs, n_events=found.alike, estimand=estimand,
        method=f"leave-one-department-out jackknife, t(G-1); p from {found.test.draws} permutations",
    )  # fmt: skip
    estimate = replace(estimate, p_value=float(found.test.p_value))
    behind = (float(found.alike), float(found.pairs - found.alike), float(found.free))
    label = f"Same {word}, minus chance"
    return Result(f"equity.concordance.{name}", "concordance", estimand, "pairs", estimate, label, "companion", "Pairs alike", rests_on=behind)


def _table(lines: list[tuple[str, Concordance]], results: list[Result], plan: Plan) -> Exhibit:
    adjusted, sizes = adjusted_p_values(results, plan, "all")
    frame = pd.DataFrame({
        "attribute": [f"Same {word}" for word, _ in lines], "family": adjusted["family"], "pairs": [found.pairs for _, found in lines],
        "alike": [found.alike for _, found in lines], "different": [found.pairs - found.alike for _, found in lines],
        "free": [found.free for _, found in lines],
        "observed": [float(found.observed[0]) for _, found in lines], "expected": [float(found.expected[0]) for _, found in lines],
        "p": adjusted["p"], "adjusted": adjusted["adjusted"], "told": [r.id for r in results],
    })  # fmt: skip
    return table_exhibit(
        "equity.concordance.table", "Pairs alike, observed and by chance", frame, counts=("pairs", "alike", "different", "free"),
        derived=("observed", "expected", "p", "adjusted"), sums=(("pairs", "alike", "different"),), results={"told": ""},
        ratios={"observed": ("alike", "pairs")},
        labels={"attribute": "Pairs of the", "family": "Family", "pairs": "Pairs", "alike": "Alike", "different": "Not alike",
                "free": "Could have been otherwise", "observed": "Share alike", "expected": "By chance", "p": "p", "adjusted": "p (Holm)"},
        formats={"pairs": "count", "alike": "count", "different": "count", "free": "count", "observed": "percent", "expected": "percent",
                 "p": "p", "adjusted": "p"},
        note="Could have been otherwise: pairs of a department and quarter in which both mentees and mentors were of more than one kind. "
        f"Comparisons by family, within this table: {sizes}.",
    )  # fmt: skip
