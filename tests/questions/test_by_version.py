"""Leaving by version of the programme: two versions of different effect are told apart, equal ones are not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions.retention.being_mentored import being_mentored
from mentorship_eval.questions.retention.by_version import by_version
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox
from tests.questions.cohorts import small

DAYS, YEAR, CHANGE, LASTS = 730, 365, 380, 240


def two_versions(seed: int, first: float, second: float, people: int = 5000, departments: int = 40):
    """Staff hired over two years, matched at random for eight months; in a match the hazard is ``first`` times the usual until day 380, then
    ``second`` times; after it 0.9 times. The usual hazard doubles for everybody with the quarter in which the second version
    begins, which is no effect of it."""
    cohort, rng = small(), np.random.default_rng(seed)
    start = cohort.window[0]
    dept = rng.integers(departments, size=people)
    hire = rng.integers(-200, 500, size=people)
    match = np.where(rng.random(people) < 0.7, np.maximum(hire, 0) + np.ceil(rng.exponential(150, size=people)), 10**6).astype(int)
    base = np.exp(0.4 * rng.standard_normal(departments))[dept] / 900
    left = np.full(people, 10**6)
    need = rng.exponential(size=people)
    for day in range(-200, DAYS):
        state = np.where(day < match, 1.0, np.where(day < match + LASTS, first if day < CHANGE else second, 0.9))
        need = np.where(day >= hire, need - base * state * (2 if day >= YEAR else 1), need)
        left = np.where((need <= 0) & (left == 10**6), day + 1, left)
    here = left > 0
    dept, hire, match, left = dept[here], hire[here], match[here], left[here]
    ids = np.array([f"P{number:05d}" for number in range(len(hire))], dtype=object)
    days = lambda number: start + pd.to_timedelta(np.minimum(number, 4000), unit="D")  # noqa: E731
    gone, met = left < DAYS, match < np.minimum(left, DAYS)
    staff = pd.DataFrame({"staff_id": ids, "gender": "female", "profession": "nurse"})
    spells = pd.DataFrame({"spell_id": ids, "staff_id": ids, "dept_id": [f"W{d:02d}" for d in dept], "start": days(hire),
                           "end": pd.Series(days(left)).where(gone), "leaving_reason": np.where(gone, "voluntary", None)})  # fmt: skip
    matches = pd.DataFrame({"match_id": "M" + pd.Series(ids[met]), "programme_id": "P", "mentee_id": ids[met], "mentor_id": "none",
                            "start": days(match[met]), "end": pd.Series(days(np.minimum(match + LASTS, left)[met])),
                            "relationship_type": "mentoring"})  # fmt: skip
    programmes = pd.DataFrame({"programme_id": "P", "version": ["1.0", "2.0"], "valid_from": [start, start + pd.Timedelta(days=CHANGE)]})
    return replace(cohort, tables={"staff": staff, "spells": spells, "matches": matches, "programmes": programmes})


@pytest.fixture(scope="module", params=[(0.9, 0.35), (0.6, 0.6)], ids=["unlike", "alike"])
def told(request):
    study = prepare(two_versions(4, *request.param))
    return by_version(study), study, request.param


@pytest.mark.slow
def test_two_versions_are_told_apart_where_they_differ_and_not_where_they_do_not(told):
    section, study, (first, second) = told
    found = {r.id.removeprefix("retention.version."): r.estimate for r in section.results}
    assert list(found) == ["1_0", "2_0", "2_0.against_first"]
    for name, truth in (("1_0", first), ("2_0", second), ("2_0.against_first", second / first)):
        assert abs(math.log(found[name].value / truth)) < 3.3 * found[name].se, name
    compared = found["2_0.against_first"]
    assert (compared.ci_high < 1) == (first != second) and compared.value == pytest.approx(found["2_0"].value / found["1_0"].value)
    [exhibit] = section.exhibits
    draw(exhibit)
    # people in a match under both versions count under both, leavers under that of their last day
    days = (pd.to_datetime(study.cohort.table("spells")["end"]) - study.cohort.window[0]).dt.days
    assert found["1_0"].n_events < (days < CHANGE).sum() and found["1_0"].n_events + found["2_0"].n_events == compared.n_events


@pytest.mark.slow
def test_rows_cut_by_hand_give_the_same_ratio(told):
    section, study, _ = told
    now = cohort_episodes(study.cohort, exposure="current").rows
    people = study.episodes.persons.set_index("staff_id")
    at = now["staff_id"].map((study.cohort.window[0] + pd.Timedelta(days=CHANGE - 1) - people["hire"]).dt.days).to_numpy(float)
    inside = (now["start"].to_numpy() < at) & (at < now["stop"].to_numpy())
    rows = pd.concat([now[~inside], now[inside].assign(stop=at[inside], cause=""), now[inside].assign(start=at[inside])])
    late = rows["start"].to_numpy() >= rows["staff_id"].map(dict(zip(now["staff_id"], at, strict=True))).to_numpy()
    rows = rows.assign(
        one=((rows["mentored"] == 1) & ~late).astype(int), two=((rows["mentored"] == 1) & late).astype(int),
        after=((rows["mentored"] == 0) & (rows["staff_id"].map(people["mentored_from"]) <= rows["start"])).astype(int),
        left=(rows["cause"] == "voluntary").astype(int),
    )  # fmt: skip
    rows["quarter"] = rows["period"].map(dict(zip(study.episodes.rows["period"], study.rows["period"], strict=True)))
    fit = cox(rows, start="start", stop="stop", event="left", covariates=["one", "two", "after", "quarter"], strata="dept_id",
              cluster="dept_at_entry", variance="cluster")  # fmt: skip
    assert section.results[0].estimate.value == pytest.approx(fit.estimates["one"].value, rel=1e-7)
    assert section.results[1].estimate.value == pytest.approx(fit.estimates["two"].value, rel=1e-7)


def test_one_version_or_none_is_a_gap():
    cohort = two_versions(4, 0.6, 0.6, people=600, departments=8)
    table = cohort.table("programmes")
    for left, word in ((table.iloc[:1], "one version"), (table.assign(valid_from=pd.NaT), "first day"),
                       (table.assign(valid_from=table["valid_from"] + pd.Timedelta(days=4000)), "one version")):  # fmt: skip
        study = prepare(replace(cohort, tables={**cohort.tables, "programmes": left}))
        section = by_version(study)
        assert not section.results and word in section.gaps[0].reason and "valid_from" in section.gaps[0].unlock
    bare = {name: rows for name, rows in cohort.tables.items() if name != "programmes"}
    assert "not described" in by_version(prepare(replace(cohort, tables=bare))).gaps[0].reason


@pytest.mark.slow
def test_the_chapter_says_that_versions_were_not_drawn_by_lot(told):
    section, study, _ = told
    assert [each.code for each in section.cautions] == ["versions_follow"]
    assert all(each.rests_on for each in section.results) and being_mentored(study).results[0].id == "retention.being_mentored"
