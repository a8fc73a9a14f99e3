"""The auditor: its bounds against enumeration, each of its abilities against a release with one leak, and releases that pass."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.disclosure.audit import audit, audited
from mentorship_eval.disclosure.audit.reading import printed, told
from mentorship_eval.disclosure.audit.solve import Attack
from mentorship_eval.disclosure.audit.system import Relation
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import counted_curve
from validation.disclosure_cohorts import curve_rows, naive, random_answer, wilson

RULE = Rule(10)


# -- the solver against enumeration ----------------------------------------------------------------------------------------


def a_system(rng: np.random.Generator, *, ratios: bool) -> tuple[list[int], list[int], list[Relation], list[int]]:
    """Random whole numbers with bounds and relations that they fulfil."""
    size = int(rng.integers(3, 6))
    truth = [int(x) for x in rng.integers(0, 6, size)]
    relations = []
    for _ in range(int(rng.integers(1, 4))):
        places = sorted(rng.choice(size, int(rng.integers(2, size + 1)), replace=False))
        factors = [float(rng.choice([1, -1, 2, 0.5] if ratios else [1, -1])) for _ in places]
        value, room = sum(c * truth[n] for n, c in zip(places, factors, strict=True)), float(rng.choice([0, 0, 1]))
        relations.append(Relation(tuple((int(n), c) for n, c in zip(places, factors, strict=True)), value - room, value + room, "r"))
    return [0] * size, [5] * size, relations, truth


@pytest.mark.parametrize("ratios", [False, True])
def test_bounds_are_those_of_enumeration(ratios):
    rng = np.random.default_rng(4)
    for _ in range(25):
        lower, upper, relations, truth = a_system(rng, ratios=ratios)
        solutions = [x for x in itertools.product(range(6), repeat=len(truth))
                     if all(r.lower - 1e-9 <= sum(c * x[n] for n, c in r.terms) <= r.upper + 1e-9 for r in relations)]  # fmt: skip
        attack = Attack(lower, upper, relations, truth)
        for number in range(len(truth)):
            values = {x[number] for x in solutions}
            assert attack.interval(number) == (min(values), max(values))
            assert attack.impossible(number, range(6)) == [v for v in range(6) if v not in values]


def test_values_between_the_bounds_may_be_impossible():
    # x = 2 y leaves even numbers only
    attack = Attack([0, 0], [8, 4], [Relation(((0, 1.0), (1, -2.0)), 0, 0, "r")], [4, 2])
    assert attack.interval(0) == (0, 8) and attack.impossible(0, range(9)) == [1, 3, 5, 7]


@pytest.mark.parametrize(
    ("shown", "rule", "interval"),
    [("<10", RULE, (1, 9)), ("withheld", RULE, (1, math.inf)), ("≈50", RULE, (45, 54)), (0.0, RULE, (0, 0)), (37, RULE, (37, 37)),
     (float("nan"), RULE, (0, math.inf)), (25, Rule(8, round_to=5), (23, 27)), ("*", Rule(8, mark_words="*", second_mark="*"), (1, math.inf)),
     ("<10", Rule(10, zeros_disclosive=True), (0, 9))],
)  # fmt: skip
def test_what_a_published_value_tells(shown, rule, interval):
    assert told(shown, rule) == interval


def test_printed_numbers_carry_their_rounding():
    [one, low, high] = printed("81.8 % (74.0 to 90.4)")
    assert one == pytest.approx((0.8175, 0.8185)) and low[0] < 0.74 < low[1] and high[1] == pytest.approx(0.9045)
    assert printed("–") == [] and printed(float("nan")) == []


# -- one leak at a time ------------------------------------------------------------------------------------------------------


def a_table(frame: pd.DataFrame, counted: Counted, **options: float) -> Answer:
    return Answer("x", "X", exhibits=(Exhibit("x.t", "table", "T", {"rows": frame}, {"rows": counted}, options),))


def with_shown(answer: Answer, exhibit: int = 0, name: str = "rows", **columns: list) -> Answer:
    """The answer with columns of one frame replaced: what somebody publishes."""
    one = answer.exhibits[exhibit]
    changed = replace(one, frames={**one.frames, name: one.frames[name].assign(**columns)}, options=dict(one.options))
    return replace(answer, exhibits=tuple(changed if place == exhibit else each for place, each in enumerate(answer.exhibits)))


NAN = float("nan")
PARTS = pd.DataFrame({"group": ["All", "a", "b", "c"], "left": [67, 51, 11, 5], "people": [100, 60, 25, 15], "share": [0.67, 0.85, 0.44, 1 / 3]})
OF_PARTS = Counted(("left", "people"), ("share",), within="*", totals=("All",), of={"share": "left"})


def leak_total() -> tuple[Answer, Answer, Answer]:
    private = a_table(PARTS, OF_PARTS)
    safe = with_shown(private, left=["withheld", 51, "withheld", "withheld"], share=[NAN, 0.85, NAN, NAN])
    return private, safe, with_shown(private, left=[67, 51, 11, "<10"], share=[0.67, 0.85, 0.44, NAN])


def leak_percentage() -> tuple[Answer, Answer, Answer]:
    private, safe, _ = leak_total()
    return private, safe, with_shown(safe, share=[NAN, 0.85, NAN, 1 / 3])


def leak_flow() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"table": ["s", "s"], "read": [124, 121], "removed": [3, 0], "kept": [121, 121]})
    private = a_table(frame, Counted(("read", "removed", "kept"), adds_up=True))
    safe = with_shown(private, read=["≈120", "≈120"], removed=["<10", 0], kept=["≈120", "≈120"])
    return private, safe, with_shown(safe, read=[124, 121], kept=[121, 121])


def leak_rounding() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"table": ["s"] * 3, "read": [124, 121, 119], "removed": [3, 2, 1], "kept": [121, 119, 118]})
    private = a_table(frame, Counted(("read", "removed", "kept"), adds_up=True))
    safe = with_shown(private, read=["≈120", "withheld", "withheld"], removed=["withheld"] * 3, kept=["withheld"] * 3)
    return private, safe, with_shown(safe, removed=["<10"] * 3, read=["≈120"] * 3, kept=["≈120"] * 3)


def leak_mean() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"group": ["All", "a", "b", "c"], "n": [60, 40, 15, 5], "mean": [196 / 60, 3.2, 52 / 15, 3.2]})
    private = a_table(frame, Counted(("n",), ("mean",), within="*", totals=("All",)))
    safe = with_shown(private, n=[60, 40, "withheld", "withheld"], mean=[196 / 60, 3.2, NAN, NAN])
    return private, safe, with_shown(safe, mean=frame["mean"].tolist())


def leak_second_table() -> tuple[Answer, Answer, Answer]:
    private, safe, _ = leak_total()
    other = Exhibit("x.u", "table", "U", {"rows": PARTS[["group", "left"]]}, {"rows": Counted(("left",))})
    private = replace(private, exhibits=(*private.exhibits, other))
    safe = replace(safe, exhibits=(*safe.exhibits, other))
    safe = with_shown(safe, 1, left=["withheld", 51, "withheld", "withheld"])
    return private, safe, with_shown(safe, 1, left=["withheld", 51, "withheld", 5])


def leak_caption() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"arm": ["a", "b", "c"], "n": [8, 31, 68]})
    private = a_table(frame, Counted(("n",), within="*"), n=107)
    leak = with_shown(private, n=["<10", 31, 68])
    safe = replace(leak, exhibits=(replace(leak.exhibits[0], options={"n": "withheld"}),))
    return private, safe, leak


def leak_result() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"id": ["r.a", "r.b"], "n_events": [5, 40]})
    private = a_table(frame, Counted(("n_events",), results={"id": ""}))
    results = tuple(Result(i, "o", "e", "p", Estimate(value=1.0, n=90, n_events=n), i) for i, n in (("r.a", 5.0), ("r.b", 40.0)))
    private = replace(private, results=results)
    leak = with_shown(private, n_events=["<10", 40])
    withheld = replace(results[0], estimate=replace(results[0].estimate, n_events=None))
    return private, replace(leak, results=(withheld, results[1])), leak


def leak_sentence() -> tuple[Answer, Answer, Answer]:
    frame = pd.DataFrame({"arm": ["a", "b"], "left": [8, 68]})
    private = replace(a_table(frame, Counted(("left",), within="*")), lead=(Statement("{n} left.", {"n": 76.0}),))
    leak = replace(with_shown(private, left=["<10", 68]), lead=(Statement("76 left."),))
    return private, replace(leak, lead=(Statement("A result is withheld."),)), leak


def leak_wilson() -> tuple[Answer, Answer, Answer]:
    pairs = [(5, 15), (14, 40), (20, 60)]
    share = [f"{100 * d / n:.1f} % ({100 * wilson(d, n)[0]:.1f} to {100 * wilson(d, n)[1]:.1f})" for d, n in pairs]
    frame = pd.DataFrame({"group": list("abc"), "left": [d for d, _ in pairs], "people": [n for _, n in pairs], "share": share})
    private = a_table(frame, Counted(("left", "people"), ("share",)))
    safe = with_shown(private, left=["<10", 14, 20], people=["withheld", 40, 60], share=[NAN, *share[1:]])
    return private, safe, with_shown(safe, share=share)


def leak_poisson() -> tuple[Answer, Answer, Answer]:
    from scipy.stats import chi2

    def text(d: int, years: float) -> str:
        return f"{100 * d / years:.2f} ({100 * chi2.ppf(0.025, 2 * d) / 2 / years:.2f} to {100 * chi2.ppf(0.975, 2 * d + 2) / 2 / years:.2f})"

    pairs = [(5, 61.5), (14, 120.2), (25, 180.9)]
    frame = pd.DataFrame({"group": list("abc"), "left": [d for d, _ in pairs], "years": [y for _, y in pairs], "rate": [text(*p) for p in pairs]})
    private = a_table(frame, Counted(("left",), ("rate",)))
    safe = with_shown(private, left=["<10", 14, 25], years=[NAN, 120.2, 180.9], rate=[NAN, *frame["rate"][1:]])
    return private, safe, with_shown(safe, rate=frame["rate"].tolist())


def a_curve() -> tuple[Answer, pd.DataFrame, pd.DataFrame]:
    times = [2] * 12 + [4] * 4 + [6] * 15 + [12] * 60
    staff = pd.DataFrame({"months": times, "left": [True] * 31 + [False] * 60})
    curve = curve_rows(staff, "all", 8)
    ticks = curve.loc[curve["time"] % 4 == 0, ["by", "time", "n_risk", "n_event"]].reset_index(drop=True)
    private = Answer("x", "X", exhibits=(Exhibit("x.c", "survival_curves", "C", {"curve": curve, "at_risk": ticks}, counted_curve()),))
    return private, curve, ticks


def publish(private: Answer, curve: pd.DataFrame, ticks: pd.DataFrame) -> Answer:
    return replace(private, exhibits=(replace(private.exhibits[0], frames={"curve": curve.drop(columns="n_event"), "at_risk": ticks}),))


def leak_step() -> tuple[Answer, Answer, Answer]:
    private, curve, ticks = a_curve()
    hidden = ticks.assign(n_event=[0.0, "withheld", "withheld"], n_risk=[91.0, "withheld", "withheld"])
    apart = curve[curve["time"].isin([0, 1, 2, 6])].reset_index(drop=True)
    return private, publish(private, apart, hidden), publish(private, curve[curve["time"].isin([0, 1, 2, 4, 6])].reset_index(drop=True), hidden)


def leak_greenwood() -> tuple[Answer, Answer, Answer]:
    private, safe, leak = leak_step()
    # the people at risk are withheld too: their number follows from the limits
    frames = leak.exhibits[0].frames
    curve = frames["curve"].assign(n_risk="withheld")
    return private, safe, replace(leak, exhibits=(replace(leak.exhibits[0], frames={**frames, "curve": curve}),))


def leak_at_risk() -> tuple[Answer, Answer, Answer]:
    private, safe, _ = leak_step()
    _, _, ticks = a_curve()
    frames = safe.exhibits[0].frames
    told_both = ticks.assign(n_event=[0.0, 16.0, 31.0])
    return private, safe, replace(safe, exhibits=(replace(safe.exhibits[0], frames={**frames, "at_risk": told_both}),))


LEAKS = [leak_total, leak_percentage, leak_flow, leak_rounding, leak_mean, leak_second_table, leak_caption, leak_result, leak_sentence, leak_wilson,
         leak_poisson, leak_step, leak_greenwood, leak_at_risk]  # fmt: skip


@pytest.mark.parametrize("made", LEAKS, ids=lambda one: one.__name__[5:])
def test_one_leak_fails_and_the_same_release_without_it_passes(made):
    private, safe, leak = made()
    assert [str(one) for one in audit([private], [safe], RULE).narrow] == []
    assert not audit([private], [leak], RULE).passed
    # and the loop mends what is private
    assert audited([private], RULE)[2].passed


# -- random cohorts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [2, 3])
def test_audited_random_cohorts_withhold_what_they_mean_to(seed):
    private = random_answer(seed)
    assert not audit([private], [private], RULE).passed
    assert not audit([private], [naive(private, RULE)], RULE).passed
    shown, log, found = audited([private], RULE)
    assert found.passed and found.suppressed > 0
    again, log_again, _ = audited([private], RULE)
    assert log.equals(log_again) and [one.id for one in shown[0].exhibits] == [one.id for one in again[0].exhibits]
    for one, other in zip(shown[0].exhibits, again[0].exhibits, strict=True):
        assert all(one.frames[name].astype(str).equals(other.frames[name].astype(str)) for name in one.frames)


def test_the_log_says_what_the_audit_asked_for():
    private, _, _ = leak_caption()
    _, before = protect([private], RULE)
    _, log, _ = audited([random_answer(0)], RULE)
    assert list(log.columns) == list(before.columns)
    assert log["why"].str.startswith("audit: ").any()


def test_nothing_is_attacked_where_protection_is_off():
    private, _, _ = leak_total()
    shown, log, found = audited([private], Rule(0, "none"))
    assert found.passed and log.empty and shown[0].exhibits[0].frames["rows"].equals(PARTS)
