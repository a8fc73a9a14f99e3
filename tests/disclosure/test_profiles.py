"""Each profile: its file, and a small answer worked by hand from the text of its rule."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mentorship_eval.cohort.study.models import Disclosure
from mentorship_eval.disclosure import Rule, load_profile, profile_names, protect, rule_named, with_published_names
from mentorship_eval.disclosure.profiles import read_profile
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result, Statement
from mentorship_eval.report.answers import rule_from

NAMES = ["acro", "cms11", "hes", "nhs5", "none", "opensafely", "survey", "tre10"]
RULES = [Rule(10), *(rule_named(name) for name in NAMES if name != "none")]
TABLE = pd.DataFrame({
    "group": ["All", "a", "b", "c", "d"], "people": [208, 103, 62, 43, 0], "left": [62, 31, 21, 10, 0],
    "share": [62 / 208, 31 / 103, 21 / 62, 10 / 43, np.nan],
})  # fmt: skip
COUNTED = Counted(("people", "left"), ("share",), within="*", totals=("All",), ratios={"share": ("left", "people")})


def an_answer(frame: pd.DataFrame, counted: Counted, *, kind: str = "table", **more) -> Answer:
    exhibit = Exhibit("x.table", kind, "T", {"rows": frame}, {"rows": counted}, more.pop("options", {}))
    return Answer("x", "X", exhibits=(exhibit,), **more)


def shown(frame: pd.DataFrame, counted: Counted, rule: Rule, **more) -> pd.DataFrame:
    [answer], _ = protect([an_answer(frame, counted, **more)], rule)
    return answer.exhibits[0].frames["rows"]


def a_result(*, n: int = 500, n_events: float = 140, df: float | None = None, clusters: int | None = 23, **more) -> Result:
    estimate = Estimate(value=0.8, se=0.1, ci_low=0.66, ci_high=0.97, p_value=0.03, scale="hazard ratio", n=n, n_events=n_events, df=df,
                        n_clusters=clusters, method="t on 23 informative clusters less 1")  # fmt: skip
    return Result("x.a", "o", "e", "p", estimate, "label", **more)


def one_result(rule: Rule, **parts) -> Estimate:
    [answer], _ = protect([Answer("x", "X", results=(a_result(**parts),))], rule)
    return answer.results[0].estimate


# -- the files ---------------------------------------------------------------------------------------------------------------


def test_every_profile_has_a_source_and_a_reading_and_becomes_a_rule():
    assert profile_names() == NAMES
    for name in NAMES:
        assert load_profile(name).source and len(load_profile(name).reading) > 20
        assert rule_named(name).name == name and rule_named(name).active is (name != "none")


@pytest.mark.parametrize(
    ("text", "word"),
    [("says: A rule of ours.\nthreshold: -1\nzeros: shown\nmark: x\nsecond_mark: x\nsource: [s]\nreading: A long enough one.\n", "threshold"),
     ("says: A rule of ours.\nthreshold: 5\nzeros: maybe\nmark: x\nsecond_mark: x\nsource: [s]\nreading: A long enough one.\n", "zeros"),
     ("says: A rule of ours.\nthreshold: 5\nzeros: shown\nmark: x\nsecond_mark: x\nsource: [s]\nreading: A long enough one.\nrounds: 5\n", "rounds"),
     ("says: A rule of ours.\nthreshold: 5\nzeros: shown\nmark: ''\nsecond_mark: x\nsource: [s]\nreading: A long enough one.\n", "mark"),
     ("says: [", "YAML"), ("", "the file")],
)  # fmt: skip
def test_a_wrong_file_is_told_with_its_name_and_key(text, word):
    with pytest.raises(UsageError, match=f"ours.yaml.*{word}"):
        read_profile(text, "ours")


def test_a_profile_is_only_made_stricter():
    assert rule_named("opensafely", threshold=12).threshold == 12 and rule_named("acro", round_to=5).round_to == 5
    for wrong in ({"threshold": 7}, {"round_to": 3}):
        with pytest.raises(UsageError, match="looser"):
            rule_named("opensafely", **wrong)
    with pytest.raises(UsageError, match="no threshold"):
        rule_named("none", threshold=3)
    with pytest.raises(UsageError, match="no disclosure profile"):
        rule_named("cms12")


@pytest.mark.parametrize(
    ("written", "name", "threshold", "base"),
    [("opensafely", "opensafely", 8, 5), ({"profile": "opensafely", "threshold": 12}, "opensafely (threshold 12)", 12, 5),
     ({"profile": "acro", "round": 5}, "acro, rounded to 5", 10, 5), (7, "threshold 7", 7, 0),
     ({"threshold": 7, "round": 5}, "threshold 7, rounded to 5", 7, 5),
     ("none", "none", 0, 0), ({"profile": "none"}, "none", 0, 0)],
)  # fmt: skip
def test_what_study_yaml_says_becomes_the_rule(written, name, threshold, base):
    rule = rule_from(Disclosure.model_validate(written))
    assert (rule.name, rule.threshold, rule.round_to) == (name, threshold, base)


@pytest.mark.parametrize("written", [{"profile": "hes", "threshold": 7}, {"profile": "hes", "round": 3}, {"profile": "none", "threshold": 3}])
def test_study_yaml_cannot_loosen_a_profile(written):
    with pytest.raises(ValidationError, match=r"looser|no threshold to change"):
        Disclosure.model_validate(written)


# -- the same table under each -----------------------------------------------------------------------------------------------


def test_cms11_withholds_ten_and_the_next_smallest_so_that_the_total_does_not_tell_it():
    rows = shown(TABLE, COUNTED, rule_named("cms11"))
    assert rows["people"].tolist() == [208, 103, 62, 43, 0]
    assert rows["left"].tolist() == [62, 31, "withheld", "withheld", 0]
    assert rows["share"].round(4).fillna(-1).tolist() == [0.2981, 0.3010, -1, -1, -1]
    assert shown(TABLE.assign(left=[63, 31, 21, 11, 0]), COUNTED, rule_named("cms11"))["left"].tolist() == [63, 31, 21, 11, 0]


def test_hes_rounds_to_five_with_totals_rounded_alone_and_percentages_from_rounded_counts():
    rows = shown(TABLE, COUNTED, rule_named("hes"))
    # 105 + 60 + 45 is 210, and 208 alone is 210; 30 + 20 + 10 is 60, and 62 alone is 60
    assert rows["people"].tolist() == [210, 105, 60, 45, 0] and rows["left"].tolist() == [60, 30, 20, 10, 0]
    assert rows["share"].round(4).tolist()[:4] == [0.2857, 0.2857, 0.3333, 0.2222]
    small = shown(TABLE.assign(left=[59, 31, 21, 7, 0]), COUNTED, rule_named("hes"))
    assert small["left"].tolist() == [60, 30, "*", "*", 0] and small["share"].isna().tolist() == [False, False, True, True, True]
    alone = shown(pd.DataFrame({"group": ["All", "a", "b"], "people": [36, 18, 18]}), COUNTED, rule_named("hes"))
    assert alone["people"].tolist() == [35, 20, 20], "a total is rounded by itself"


def test_opensafely_adds_totals_up_from_rounded_parts():
    frame = pd.DataFrame({"group": ["All", "a", "b"], "people": [36, 18, 18], "left": [16, 8, 8]})
    rows = shown(frame, COUNTED, rule_named("opensafely"))
    assert rows["people"].tolist() == [40, 20, 20] and rows["left"].tolist() == [20, 10, 10]
    redacted = shown(pd.DataFrame({"group": ["All", "a", "b", "c"], "people": [67, 7, 18, 42]}), COUNTED, rule_named("opensafely"))
    assert redacted["people"].tolist() == [65, "[REDACTED]", "[REDACTED]", 40]
    across = Counted(("all", "men", "women"), sums=(("all", "men", "women"),))
    assert shown(pd.DataFrame({"all": [26], "men": [13], "women": [13]}), across, rule_named("opensafely")).iloc[0].tolist() == [30, 15, 15]


def test_a_stricter_threshold_never_shows_a_number_below_it():
    rule = rule_named("opensafely", threshold=12)
    assert rule.rounded(np.arange(12, 20)).tolist() == [15] * 6 + [20] * 2
    assert shown(pd.DataFrame({"people": [11, 12]}), Counted(("people",)), rule)["people"].tolist() == ["[REDACTED]", 15]


@pytest.mark.parametrize("name", ["acro", "tre10"])
def test_zeros_and_whole_groups_are_disclosive(name):
    frame = pd.DataFrame({"group": ["a", "b", "c"], "people": [40, 50, 60], "left": [0, 50, 30], "share": [0.0, 1.0, 0.5]})
    counted = Counted(("people", "left"), ("share",), ratios={"share": ("left", "people")})
    rows = shown(frame, counted, rule_named(name))
    assert rows["left"].tolist() == ["<10", "<10", 30] and rows["share"].isna().tolist() == [True, True, False]
    assert math.isnan(one_result(rule_named(name), n_events=0).value) and math.isnan(one_result(rule_named(name), n=500, n_events=500).value)
    kept = shown(frame, counted, rule_named("survey"))
    assert kept["left"].tolist() == [0, 50, 30]


def test_acro_asks_for_degrees_of_freedom_and_looks_at_dominance_extremes_and_points():
    rule = rule_named("acro")
    assert math.isnan(one_result(rule, df=9).value) and one_result(rule, df=10).value == 0.8 and one_result(Rule(10), df=9).value == 0.8
    few = one_result(rule, df=9).warnings[-1].text
    assert "10 residual degrees of freedom" in few
    [_], log = protect([Answer("x", "X", results=(a_result(df=9),))], rule)
    assert log["why"].tolist() == ["df"]
    # 95 of 100 from two; evenly; all but two are less than a tenth of the largest
    frame = pd.DataFrame({"n": [12, 12, 12], "cost": [100.0, 120.0, 104.0], "each": [(60, 35, *(0.5,) * 10), (10,) * 12, (50, 50, *(0.4,) * 10)]})
    rows = shown(frame, Counted(("n",), ("cost",), amounts={"cost": "each"}), rule)
    assert rows["cost"].isna().tolist() == [True, False, True] and "each" not in rows
    assert shown(frame, Counted(("n",), ("cost",), amounts={"cost": "each"}), Rule(10))["cost"].notna().all()
    low = pd.DataFrame({"n": [50], "oldest": [71.0], "mean": [41.23456]})
    assert math.isnan(shown(low, Counted(("n",), ("mean",), extremes=("oldest",)), rule)["oldest"][0])
    assert shown(low, Counted(("n",), ("mean",)), rule, kind="forest")["mean"].tolist() == [41.0]


def test_survey_and_nhs5_print_a_star_for_first_and_second_blanks():
    frame = pd.DataFrame({"group": ["All", "a", "b", "c"], "people": [50, 5, 9, 36]})
    assert shown(frame, COUNTED, rule_named("nhs5"))["people"].tolist() == [50, "*", "*", 36]
    assert shown(frame, COUNTED, rule_named("survey"))["people"].tolist() == [50, "*", "*", 36]
    assert shown(frame.assign(people=[51, 6, 9, 36]), COUNTED, rule_named("nhs5"))["people"].tolist() == [51, 6, 9, 36]


def test_none_changes_nothing_and_says_so():
    assert shown(TABLE, COUNTED, rule_named("none")).equals(TABLE)
    assert "must not leave" in rule_named("none").describe()


# -- curves, flows, sentences, results ---------------------------------------------------------------------------------------


def test_opensafely_puts_kaplan_meier_on_the_midpoint_6_grid():
    rule = rule_named("opensafely")
    assert rule.on_grid(np.array([0, 12, 13, 18, 19, 24])).tolist() == [0, 9, 15, 15, 21, 21]
    frame = pd.DataFrame({
        "by": "a", "time": range(5), "estimate": [1.0, 0.97, 0.91, 0.83, 0.80], "ci_low": 0.5, "ci_high": 0.99, "n_risk": [120, 117, 107, 98, 90],
        "n_event": [0, 3, 11, 20, 24],
    })  # fmt: skip
    curve = Counted(("n_risk",), ("estimate", "ci_low", "ci_high"), cumulative="n_event", by="by", survival=True)
    rows = shown(frame, curve, rule)
    # rows with 3, and with 24, events differ from others by fewer than 8
    assert rows["time"].tolist() == [0, 2, 3] and rows["n_risk"].tolist() == [117, 105, 99]
    # 9 events among 117, 12 fewer at the end of them: (12 - 9) / 2 were censored on average; then 12 among 105 of whom 99 - 93 came in
    first, second = 9 / (117 - (117 - 105 - 9) / 2), 12 / (105 - (105 - 99 - 12) / 2)
    assert rows["estimate"].tolist() == pytest.approx([1.0, 1 - first, (1 - first) * (1 - second)])
    assert shown(rows, curve, rule).equals(rows), "twice is once"
    named = with_published_names(rows, curve, rule)
    assert list(named) == ["by", "time", "estimate_midpoint6_derived", "ci_low_midpoint6_derived", "ci_high_midpoint6_derived", "n_risk_midpoint6"]
    assert with_published_names(rows, curve, Rule(10)) is rows
    table = shown(frame, Counted(("n_risk", "n_event"), cumulative="n_event", by="by"), rule)
    assert table["n_event"].tolist() == [0, "[REDACTED]", 9, 21, "≈20"]


def test_other_curves_are_as_coarse_as_the_rounding():
    frame = pd.DataFrame({"by": "a", "time": [0, 1], "estimate": [1.0, 0.9123456], "n_risk": [120, 100], "n_event": [0, 11]})
    rows = shown(frame, Counted(("n_risk",), ("estimate",), cumulative="n_event", by="by"), rule_named("opensafely"))
    assert rows["estimate"].tolist() == [1.0, 0.9]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_flow_with_a_small_removal_is_rough_and_so_is_every_count_equal_to_its_sizes(rule):
    flow = pd.DataFrame({"read": [1234, 1231], "removed": [3, 200], "kept": [1231, 1031]})
    counted = Counted(("read", "removed", "kept"), adds_up=True, populations=("read", "kept"))
    other = pd.DataFrame({"label": ["All", "Followed", "a"], "n": [1234, 1231, 617]})
    exhibits = (Exhibit("x.flow", "flow_diagram", "F", {"flow": flow}, {"flow": counted}),
                Exhibit("x.other", "table", "O", {"rows": other}, {"rows": Counted(("n",))}, {"n": 1231}))  # fmt: skip
    lead = (Statement("{n} people were followed.", {"n": 1231}), Statement("All 1,234 people are in the table."))
    results = (a_result(n=1231), a_result(n=1031))
    [answer], log = protect([Answer("x", "X", lead, results, exhibits, gaps=(Gap("Q", "Only 1231 stayed.", ""),))], rule)
    text = " ".join([*(f.to_string() for e in answer.exhibits for f in e.frames.values()), str(answer.exhibits[1].options), *map(str, answer.lead),
                     answer.gaps[0].reason, *(str(r.estimate.n) for r in answer.results)])  # fmt: skip
    for secret in ("1234", "1,234", "1231", "1,231"):
        assert secret not in text
    assert answer.results[1].estimate.n == (1031 if not rule.round_to else 1030)
    assert "rounded" in set(log["why"])


def test_one_quantity_is_withheld_wherever_it_stands_and_must_not_differ_by_few():
    named = Counted(("n",), same={"n": "name"})
    first = pd.DataFrame({"label": ["a", "b"], "n": [12, 500], "name": ["people:a@staff", "people:b@staff"]})
    second = pd.DataFrame({"label": ["a", "b"], "n": [9, 497], "name": ["people:a@followed", "people:b@followed"]})
    exhibits = [Exhibit(f"x.{i}", "table", "T", {"rows": frame}, {"rows": named}) for i, frame in enumerate((first, second))]
    for order in (exhibits, exhibits[::-1]):
        [answer], _ = protect([Answer("x", "X", exhibits=tuple(order))], Rule(10))
        one, two = (answer.exhibit(f"x.{i}").frames["rows"] for i in (0, 1))
        assert one["n"].tolist() == ["withheld", "≈500"] and two["n"].tolist() == ["<10", "≈500"]
        assert "name" not in one


def test_sentences_and_cautions_are_rounded_too():
    caution = Caution("few", "1,234 people in 23 departments, 12 events.", {"events": 12, "persons": 1234})
    results = (a_result(n=503, n_events=141),)
    answer = Answer("x", "X", (Statement("{n} left.", {"n": 33}),), results, cautions=(caution,), methods=("Among 33 leavers.",))
    [rounded], _ = protect([answer], rule_named("opensafely"))
    assert str(rounded.lead[0]) == "35 left." and rounded.methods == ("Among 35 leavers.",)
    assert rounded.cautions[0].text == "1,235 people in 25 departments, 10 events." and rounded.cautions[0].data == {"events": 10, "persons": 1235}
    estimate = rounded.results[0].estimate
    assert (estimate.n, estimate.n_events, estimate.n_clusters, estimate.method) == (505, 140, 25, "t on 25 informative clusters less 1")
    assert one_result(rule_named("hes"), clusters=7).n_clusters == 7 and math.isnan(one_result(rule_named("opensafely"), clusters=7).value)


# -- against earlier runs ----------------------------------------------------------------------------------------------------


def test_a_count_that_differs_by_few_from_an_earlier_report_is_said_to_be_about_that():
    frame = pd.DataFrame({"group": ["All", "a", "b"], "people": [300, 120, 180], "left": [60, 25, 35]})
    counted = Counted(("people", "left"), within="*", totals=("All",))
    then = an_answer(frame, counted, results=(a_result(n=300),), options={"n": 300})
    [published], _ = protect([then], Rule(10))
    grown = frame.assign(people=[303, 123, 180], left=[60, 25, 35])
    now = an_answer(grown, counted, results=(a_result(n=303),), options={"n": 303}, lead=(Statement("{n} people.", {"n": 303}),))
    [answer], log = protect([now], Rule(10), earlier=[[published]])
    rows = answer.exhibits[0].frames["rows"]
    # each is within 9 of what was published, and no more is told
    assert rows["people"].tolist() == ["≈300", "≈120", "≈180"] and rows["left"].tolist() == [60, 25, 35]
    assert answer.results[0].estimate.n is None and answer.exhibits[0].options["n"] == "≈300" and str(answer.lead[0]) == "about 300 people."
    assert "earlier run" in set(log["why"]) and "303" not in log.to_string()
    [same], log = protect([then], Rule(10), earlier=[[published]])
    assert same.exhibits[0].frames["rows"].equals(published.exhibits[0].frames["rows"]) and log.empty
    shares = frame.assign(share=frame["left"] / frame["people"])
    by_people = Counted(("people", "left"), ("share",), within="*", totals=("All",), ratios={"share": ("left", "people")})
    [old], _ = protect([an_answer(shares, by_people)], Rule(10))
    more = shares.assign(people=grown["people"], share=grown["left"] / grown["people"])
    [new], _ = protect([an_answer(more, by_people)], Rule(10), earlier=[[old]])
    assert new.exhibits[0].frames["rows"]["share"].tolist() == pytest.approx([60 / 300, 25 / 120, 35 / 180]), "of what is printed"
    alone = an_answer(frame.iloc[:0], counted, options={"n_events": 64})
    [caption], _ = protect([alone], Rule(10), earlier=[[an_answer(frame, counted, options={"n_events": 60})]])
    assert caption.exhibits[0].options == {"n_events": "≈60"}
    [far], _ = protect([an_answer(frame.assign(people=[330, 150, 180]), counted)], Rule(10), earlier=[[published]])
    assert far.exhibits[0].frames["rows"]["people"].tolist() == [330, 150, 180]


# -- properties under every rule ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6), st.sampled_from(RULES))
def test_no_small_count_is_shown_rounded_ones_are_multiples_and_twice_is_once(pairs, rule):
    parts = pd.DataFrame({"group": list("abcdef"[: len(pairs)]), "people": [a + b for a, b in pairs], "left": [a for a, _ in pairs]})
    frame = pd.concat([pd.DataFrame({"group": ["All"], "people": [parts["people"].sum()], "left": [parts["left"].sum()]}), parts], ignore_index=True)
    frame["share"] = frame["left"] / frame["people"].where(frame["people"] > 0)
    private = [an_answer(frame, COUNTED)]
    answers, _ = protect(private, rule)
    rows = answers[0].exhibits[0].frames["rows"]
    for column in ("people", "left"):
        for raw, cell in zip(frame[column], rows[column], strict=True):
            if isinstance(cell, str):
                continue
            assert not rule.small(raw) and (not rule.small(cell))
            assert cell == raw if not rule.round_to else cell % rule.round_to == 0
    hidden = rows[["people", "left"]].map(lambda cell: isinstance(cell, str)).any(axis=1)
    assert rows.loc[hidden, "share"].isna().all()
    again, _ = protect(answers, rule)
    assert again[0].exhibits[0].frames["rows"].equals(rows)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(3)), st.sampled_from(RULES), st.integers(1, 9))
def test_the_order_of_exhibits_does_not_matter(order, rule, few):
    flow = pd.DataFrame({"read": [200, 200 - few], "removed": [few, 0], "kept": [200 - few] * 2})
    sizes = Counted(("read", "removed", "kept"), adds_up=True, populations=("read", "kept"))
    exhibits = [
        Exhibit("x.flow", "flow_diagram", "F", {"rows": flow}, {"rows": sizes}),
        Exhibit("x.a", "table", "A", {"rows": pd.DataFrame({"id": ["x.a"], "n": [200]})}, {"rows": Counted(("n",), results={"id": ""})}),
        Exhibit("x.b", "table", "B", {"rows": pd.DataFrame({"told": ["x.a", ""], "n": [few, 90]})}, {"rows": Counted(("n",), results={"told": ""})}),
    ]
    results = (a_result(n=200),)
    [plain], _ = protect([Answer("x", "X", results=results, exhibits=tuple(exhibits))], rule)
    [mixed], _ = protect([Answer("x", "X", results=results, exhibits=tuple(exhibits[i] for i in order))], rule)
    for exhibit in plain.exhibits:
        assert mixed.exhibit(exhibit.id).frames["rows"].equals(exhibit.frames["rows"])
    assert mixed.results[0].estimate.n == plain.results[0].estimate.n
