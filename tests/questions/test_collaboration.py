"""Collaboration on simulated staff: ratios that were put in are found, none where there is none, and ties are counted as they should be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.collaboration.being_mentored import while_mentored
from mentorship_eval.questions.collaboration.chapter import teamwork_scales
from mentorship_eval.questions.collaboration.departments import handed_over, share_where_active
from mentorship_eval.questions.collaboration.indices import OTHERS, by_department, by_year, networks
from mentorship_eval.questions.collaboration.people import between_professions
from mentorship_eval.questions.collaboration.ties import is_handoff, tie_study
from mentorship_eval.questions.truth import known_truth
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "collaboration")
SIZE = {"departments": 32, "staff": 1000, "months": 24, "waves": (5, 8, 11), "uptake_delay": 1.5, "outcomes": True, "only": TABLES,
        "ties": (2.7, 1.8), "ties_near": 0.4}  # fmt: skip
STRONG = {"ties_across_ratio": 1.6, "handoffs": (2.5, 1.8)}
NONE = {"ties_across_ratio": 1.0, "handoffs": (2.5, 1.0)}


@pytest.fixture(scope="module", params=["effect", "none"])
def study(request):
    effect = request.param == "effect"
    cohort = simulated("default" if effect else "null", 4, **{**SIZE, **(STRONG if effect else NONE)})
    plan = cohort.study.plan.model_copy(update={"permutations": 199})
    return tie_study(replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))), effect


def near(estimate, truth):
    """Within four standard errors: one cohort in sixteen thousand is not."""
    distance = math.log(estimate.value / truth) if estimate.is_ratio else estimate.value - truth
    return abs(distance) < 4 * estimate.se


def result(section, name):
    return next(r for r in section.results if r.id == name).estimate


def test_the_ratio_across_is_found_and_that_within_does_not_move(study):
    made, effect = study
    told, truth = while_mentored(made), known_truth(made.cohort)
    assert truth["collaboration.across_professions"] == (1.6 if effect else 1.0)
    for name in ("across_professions", "within_profession", "across_departments"):
        found = result(told, f"collaboration.{name}")
        assert near(found, truth[f"collaboration.{name}"])
    assert (result(told, "collaboration.across_professions").ci_low > 1) == effect
    assert [r.role for r in told.results] == ["headline", "diagnostic", "companion"]
    rates = next(e for e in told.exhibits if e.id == "collaboration.rates").frames["rows"]
    years = rates.groupby("kind")["years"].sum()
    assert np.allclose(years, years.iloc[0])
    assert rates["ties"].iloc[:4].sum() == len(made.ties)


def test_a_tie_is_counted_once_for_the_person_from_whom_it_goes_and_never_the_match_itself(study):
    made, _ = study
    ties, matches = made.ties, made.cohort.table("matches")
    assert not ties.duplicated(["from_id", "to_id"]).any() and not (ties["from_id"] == ties["to_id"]).any()
    pairs = set(zip(matches["mentee_id"], matches["mentor_id"], strict=True))
    assert not any((a, b) in pairs or (b, a) in pairs for a, b in zip(ties["from_id"], ties["to_id"], strict=True))
    spells = made.cohort.table("spells").drop_duplicates("staff_id", keep=False).set_index("staff_id")["dept_id"]
    one = ties[ties["from_id"].isin(spells.index) & ties["to_id"].isin(spells.index)]
    here, there = one["from_id"].map(spells).astype(str), one["to_id"].map(spells).astype(str)
    assert ((here != there) == one["elsewhere"]).all()
    assert 0.5 < ties["elsewhere"].mean() < 0.7  # four in ten were sought at home
    assert (made.flow["kept"].shift().dropna().to_numpy() == (made.flow["kept"] + made.flow["removed"]).iloc[1:].to_numpy()).all()


def test_people_with_a_mentor_sit_more_between_professions_where_they_were_made_to(study):
    made, effect = study
    told, truth = between_professions(made), known_truth(made.cohort)["collaboration.share_across"]
    found = result(told, "collaboration.share_across")
    assert near(found, truth)
    assert (result(told, "collaboration.share_across.permutation").p_value < 0.05) == effect == (found.ci_low > 0)


def indices_of(study):
    """Both tables of the years as one."""
    chance, counts = (exhibit.frames["rows"] for exhibit in by_year(study).exhibits)
    return counts.merge(chance[["year", "index", "chance", "p"]], on="year")


def test_professions_keep_to_themselves_beyond_chance_and_not_when_partners_are_drawn_blindly(study):
    made, _ = study
    rows = indices_of(made)
    assert (rows["p"] <= 0.005).all() and (rows["index"] < rows["chance"].str.split(" ").str[0].astype(float)).all()
    assert np.allclose(rows["index"], 2 * rows["across"] / rows["ties"] - 1)
    plan = made.cohort.study.plan.model_copy(update={"permutations": 0})
    untested = by_year(replace(made, cohort=replace(made.cohort, study=made.cohort.study.model_copy(update={"plan": plan}))))
    assert not untested.lead and untested.exhibits[0].frames["rows"]["p"].isna().all()
    # the same number of ties, both ends drawn from everybody followed in the year
    rng, ties, parts = np.random.default_rng(2), made.ties, []
    for network in networks(made):
        ends = network.people[rng.integers(0, len(network.people), (2, len(network.source)))]
        mine = ties[ties["date"].dt.year.astype(str) == network.year].iloc[: len(network.source)].assign(from_id=ends[0], to_id=ends[1])
        parts.append(mine[mine["from_id"] != mine["to_id"]].drop_duplicates(["from_id", "to_id"]))
    blind = indices_of(replace(made, ties=pd.concat(parts)))
    assert (blind["p"] > 0.01).all() and (blind["assortativity"].abs() < 0.1).all() and (rows["assortativity"] > 0.2).all()


def test_small_departments_are_joined_by_size_and_no_tie_is_lost(study):
    made, _ = study
    few = made.ties["from_dept"].isin(sorted(made.ties["from_dept"].unique())[:2])
    thin = pd.concat([made.ties[~few], made.ties[few].groupby("from_dept").head(8)])
    table = by_department(replace(made, ties=thin)).exhibits[0].frames["rows"]
    assert table["dept"].iloc[-1] == OTHERS and table["ties"].min() >= 16
    assert table["ties"].sum() == len(thin) and (table["across"] + table["within"] == table["ties"]).all()
    # a department whose ties are all of one person is small, however many they are
    first = made.ties["from_dept"].astype(str).min()
    mine = made.ties["from_dept"].astype(str) == first
    alone = by_department(replace(made, ties=made.ties.assign(from_id=made.ties["from_id"].where(~mine, made.ties.loc[mine, "from_id"].iloc[0]))))
    assert first not in set(alone.exhibits[0].frames["rows"]["dept"])


def test_departments_with_the_programme_hand_over_more_where_they_were_made_to(study):
    made, effect = study
    told = handed_over(made)
    found = result(told, "collaboration.handoffs")
    assert near(found, 1.8 if effect else 1.0) and (found.ci_low > 1) == effect
    assert not any(r.id.endswith("avoided") for r in told.results)


def test_the_share_of_a_department_is_diluted_by_those_who_are_not_mentored(study):
    made, effect = study
    found = result(share_where_active(made), "collaboration.share_where_active")
    truth = known_truth(made.cohort)["collaboration.share_across"]
    assert near(found, truth / 2) and (not effect or found.ci_low < truth)


def test_kinds_of_hand_offs_are_known_by_their_words():
    kinds = pd.Series(["hand-off", "Handover", "HAND OFF to ward", "advice", None, "joint task"])
    assert is_handoff(kinds).tolist() == [True, True, True, False, False, False]


def test_protected_chapters_can_be_drawn_and_small_counts_are_withheld():
    changes = {"departments": 8, "staff": 300, "months": 18, "ties": (0.5, 0.3), "ties_near": 0.9}
    answer = answer_chapter("collaboration", simulated("default", 5, **{**SIZE, **changes, **STRONG}))
    [shown], log = protect([answer], Rule())
    assert len(log) and all(draw(exhibit) is not None for exhibit in {e.kind: e for e in shown.exhibits}.values())
    names = ("n", "n_events", "people", "ties", "across", "within", "removed", "events")
    for exhibit in shown.exhibits:
        for frame in exhibit.frames.values():
            numbers = frame[[c for c in names if c in frame]].apply(pd.to_numeric, errors="coerce")
            assert not ((numbers > 0) & (numbers < 10)).any().any(), exhibit.id
            assert not {"from_id", "to_id", "staff_id"} & set(frame.columns)


def test_what_lacks_is_named_with_the_table_that_unlocks_it(study):
    cohort = study[0].cohort
    none = replace(cohort, tables={name: table for name, table in cohort.tables.items() if name != "collaboration"})
    [gap] = answer_chapter("collaboration", none).gaps
    assert "collaboration" in gap.unlock
    alike = replace(cohort, tables={**cohort.tables, "staff": cohort.table("staff").assign(profession="nurse")})
    assert "profession" in answer_chapter("collaboration", alike).gaps[0].unlock
    early = replace(cohort, tables={**cohort.tables, "collaboration": cohort.table("collaboration").assign(date=pd.Timestamp("1999-01-01"))})
    assert "No tie" in answer_chapter("collaboration", early).gaps[0].reason
    ties = cohort.table("collaboration")
    untold = handed_over(tie_study(replace(cohort, tables={**cohort.tables, "collaboration": ties[~is_handoff(ties["kind"])]})))
    assert not untold.results and "hand-off" in untold.gaps[0].unlock


def test_the_distance_of_the_index_from_chance_is_a_row_of_its_own_with_its_permutation_p_value(study):
    made, _ = study
    told = by_year(made)
    rows, found = indices_of(made), [r for r in told.results if r.id.startswith("collaboration.mixing.")]
    assert [r.id.rsplit(".", 1)[1] for r in found] == rows["year"].tolist() and [str(line.results[0]) for line in told.lead] == [found[-1].id]
    for result, (_, row) in zip(found, rows.iterrows(), strict=True):
        e = result.estimate
        assert e.value < 0 and e.p_value <= 0.005 and np.isnan(e.ci_low) and (e.n, e.n_events) == (row["people"], row["ties"])
        assert e.value + float(row["chance"].split(" ")[0]) == pytest.approx(row["index"], abs=0.006)
    # professions handed out anew within departments: the same network, and no tendency left
    rng, staff = np.random.default_rng(3), made.cohort.table("staff")
    dept = made.rows.drop_duplicates("staff_id").set_index("staff_id")["dept_id"].astype(str)
    home = staff["staff_id"].map(dept).fillna("none")
    shuffled = staff.assign(profession=staff.groupby(home)["profession"].transform(lambda given: rng.permutation(given.to_numpy(object))))
    new = shuffled.set_index("staff_id")["profession"].astype(object)
    ties = made.ties.assign(across=made.ties["from_id"].map(new).to_numpy() != made.ties["to_id"].map(new).to_numpy())
    cohort = replace(made.cohort, tables={**made.cohort.tables, "staff": shuffled})
    null = [r.estimate for r in by_year(replace(made, cohort=cohort, ties=ties)).results]
    assert all(abs(e.value) < 0.1 and e.p_value > 0.01 for e in null)


def test_scales_of_teamwork_are_pointed_at_where_the_cohort_has_them(study):
    cohort = study[0].cohort
    surveys = pd.DataFrame({"instrument": ["HSOPSC", "UWES-9"], "subscale": ["teamwork across units", "total"]})
    [line] = teamwork_scales(replace(cohort, tables={**cohort.tables, "surveys": surveys}))
    assert "(teamwork across units)" in line.text and "engagement" not in line.text
    assert not teamwork_scales(replace(cohort, tables={**cohort.tables, "surveys": surveys.iloc[1:]})) and not teamwork_scales(cohort)
