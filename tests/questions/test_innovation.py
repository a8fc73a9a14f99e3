"""Innovation on simulated staff: ratios that were put in are found, none where there is none, and projects are counted as they should be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.innovation.adoption import funnel, time_to_adoption, with_fates
from mentorship_eval.questions.innovation.being_mentored import while_mentored
from mentorship_eval.questions.innovation.departments import digital_where_active, where_active
from mentorship_eval.questions.innovation.labs import in_labs, labs_together
from mentorship_eval.questions.innovation.means import from_landmark, projects_per_person
from mentorship_eval.questions.innovation.patients import by_month
from mentorship_eval.questions.innovation.study import innovation_study, mentored_by
from mentorship_eval.questions.truth import known_truth
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox, kaplan_meier, mean_cumulative
from tests.questions.cohorts import simulated
from tests.shared_data import golden, shared_data

TABLES = ("staff", "departments", "spells", "matches", "rollout", "programmes", "projects", "outcomes_monthly")
SIZE = {"departments": 32, "staff": 1000, "months": 24, "waves": (5, 8, 11), "uptake_delay": 1.5, "outcomes": True, "innovated": True,
        "project_rate": 0.6, "only": TABLES}  # fmt: skip
STRONG = {"project_ratio": 2.0, "lab_ratio": (1.8, 1.0), "adoption_ratio": 1.8, "outcome_ratio": 0.6}
NONE: dict[str, object] = {}


def with_draws(cohort, draws):
    plan = cohort.study.plan.model_copy(update={"permutations": draws})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def made_of(effect, seed, **changes):
    scenario, size = ("default", STRONG) if effect else ("null", NONE)
    return innovation_study(with_draws(simulated(scenario, seed, **{**SIZE, **size, **changes}), 199))


@pytest.fixture(scope="module", params=["effect", "none"])
def study(request):
    effect = request.param == "effect"
    return made_of(effect, 1), effect


def near(estimate, truth):
    """Within four standard errors: one cohort in sixteen thousand is not."""
    distance = math.log(estimate.value / truth) if estimate.is_ratio else estimate.value - truth
    return abs(distance) < 4 * estimate.se


def results(section):
    return {r.id.removeprefix("innovation."): r for r in section.results}


def without(cohort, *names, **tables):
    kept = {name: table for name, table in cohort.tables.items() if name not in names}
    return replace(cohort, tables={**kept, **tables})


def test_the_mentored_begin_more_projects_where_they_were_made_to_and_not_before_the_mentor_came(study):
    made, effect = study
    told, truth = while_mentored(made), known_truth(made.cohort)["innovation.projects"]
    found = results(told)
    assert truth == (2.0 if effect else 1.0)
    assert [r.role for r in told.results] == ["headline", *["companion"] * 4, "diagnostic"]
    for name in ("projects", "kind.qi", "kind.innovation", "kind.research", "kind.digital"):
        assert near(found[name].estimate, truth), name
    assert (found["projects"].estimate.ci_low > 1) == effect
    assert near(found["before"].estimate, 1.0)
    rates = next(e for e in told.exhibits if e.id == "innovation.rates").frames["rows"]
    assert rates["projects"].iloc[:2].sum() == len(made.taken) == found["projects"].estimate.n_events
    assert rates["projects"].iloc[2:].sum() == len(made.taken)
    # the half-year before the mentor is cut out of the time without one, and nothing of it is lost
    assert found["before"].estimate.n_events == rates["projects"].iloc[1]


@pytest.mark.parametrize("seed", [2, 3])
def test_over_seeds_the_ratio_is_found_and_no_effect_gives_none(seed):
    strong, none = (made_of(effect, seed, staff=600) for effect in (True, False))
    high, low = (results(while_mentored(replace(one, taken=one.taken.assign(type="qi"))))["projects"].estimate for one in (strong, none))
    assert near(high, 2.0) and high.ci_low > 1.3 and not near(high, 1.0)
    assert near(low, 1.0) and low.ci_low < 1 < low.ci_high * 1.1


@pytest.mark.parametrize("ratio", [2.5, 1.0])
def test_the_mean_of_the_mentored_is_their_rate_times_the_time_that_they_stay(ratio):
    made = made_of(True, 4, project_ratio=ratio, labs=(), staff=2000)
    rows, _ = from_landmark(made)
    mentored = rows[rows["mentored"] == 1]
    fit = mean_cumulative(mentored, start="start", stop="stop", event="event", terminal="left", cluster="dept_at_entry", id="staff_id")
    ends = mentored[~mentored.duplicated("staff_id", keep="last")]
    there = kaplan_meier(ends, stop="stop", event="left").at(np.arange(0.5, 365))["survival"]
    found = fit.at(365).iloc[0]
    assert abs(found["mean"] - 0.6 * ratio / 365.25 * there.sum()) < 4 * found["se"]
    # those who left count with what they had, and have no more: fewer than the rate of those there times a year
    staying = mean_cumulative(mentored, start="start", stop="stop", event="event", cluster="dept_at_entry", id="staff_id").at(365)["mean"].iloc[0]
    assert found["mean"] < staying
    told = results(projects_per_person(made))["per_person.12"].estimate
    both = mean_cumulative(rows, start="start", stop="stop", event="event", terminal="left", by="arm", cluster="dept_at_entry", id="staff_id").at(365)
    by_arm = both.set_index("by")["mean"]
    assert told.value == pytest.approx(100 * (by_arm["Mentored"] - by_arm["Not mentored"]))
    assert (told.ci_low > 0) == (ratio > 1)


def test_departments_with_the_programme_begin_more_where_they_were_made_to(study):
    made, effect = study
    truth = known_truth(made.cohort)
    found = results(where_active(made))
    assert near(found["where_active"].estimate, truth["innovation.where_active"])
    assert (found["where_active"].estimate.ci_low > 1) == effect
    assert not any(key.endswith("avoided") for key in found)
    assert found["where_active.permutation"].estimate.p_value >= 0.005
    assert truth["innovation.where_active"] > 1.3 if effect else truth["innovation.where_active"] == 1


@pytest.mark.parametrize("effect", [True, False])
def test_digital_projects_come_more_often_where_they_were_made_to(effect):
    made = made_of(effect, 6, project_rate=3.0, labs=(), **({"project_ratio": 3.0} if effect else {}))
    truth = known_truth(made.cohort)["innovation.digital_where_active"]
    found = results(digital_where_active(replace(made, cohort=with_draws(made.cohort, 0))))["digital_where_active"].estimate
    assert found.n_events < 0.25 * len(made.projects)
    assert near(found, truth) and (found.ci_low > 1) == (truth > 1.5) == effect


def test_digital_projects_alone_count_as_digital(study):
    made, _ = study
    digital = made.projects["type"] == "digital"
    one, other = (digital_where_active(replace(made, projects=part)).results[0] for part in (made.projects, made.projects[digital]))
    assert one.estimate == other.estimate
    none = digital_where_active(replace(made, projects=made.projects[~digital]))
    assert not none.results and "digital" in none.gaps[0].unlock


def test_projects_of_the_mentored_are_adopted_sooner_where_they_were_made_to(study):
    made, effect = study
    told = results(time_to_adoption(made))
    truth = known_truth(made.cohort)["innovation.adoption"]
    assert truth == (1.8 if effect else 1.0)
    assert near(told["adoption"].estimate, truth) and (told["adoption"].estimate.ci_low > 1) == effect
    assert (told["adopted.difference.12"].estimate.ci_low > 0) == effect
    # of two ways to end at constant rates: what was put in
    rates = {arm: 0.8 * (truth if arm else 1) for arm in (1, 0)}
    share = {arm: rate / (rate + 0.5) * (1 - math.exp(-(rate + 0.5))) for arm, rate in rates.items()}
    assert near(told["adopted.difference.12"].estimate, 100 * (share[1] - share[0]))
    assert share[0] - 0.1 < told["adopted.12"].estimate.value < share[1] + 0.1


def test_the_funnel_counts_projects_with_a_year_alone_and_each_once(study):
    made, _ = study
    fates, told = with_fates(made), funnel(made)
    old = fates[fates["seen"] >= 365]
    rows = told.exhibits[0].frames["rows"].set_index("step")
    assert rows.loc["Begun", "reached"] == len(old) == old["project_id"].nunique()
    assert rows.loc["Adopted", "reached"] == (old["ended"] == "adopted").sum()
    assert rows["reached"].is_monotonic_decreasing
    share = results(told)["stage.adopted"].estimate
    assert share.value == pytest.approx((old["ended"] == "adopted").mean())
    text = str(told.lead[0])
    assert f"{(old['ended'] == 'given up').sum()} were given up" in text


def test_labs_alone_and_together_are_found(study):
    made, effect = study
    found, truth = results(labs_together(made)), known_truth(made.cohort)
    assert truth["innovation.together.LAB.projects.other"] == (1.8 if effect else 1.0)
    assert near(found["together.LAB.projects.other"].estimate, 1.8 if effect else 1.0)
    assert near(found["together.LAB.projects.interaction"].estimate, 1.0)
    table = in_labs(made).exhibits[0].frames["rows"]
    assert table["projects"].sum() == len(made.projects)
    assert table.loc[table["where"] == "In a lab", "projects"].sum() == made.projects["lab_id"].notna().sum()


def test_outcomes_of_patients_move_where_they_were_made_to_and_are_adjusted_for_their_number(study):
    made, effect = study
    told = by_month(made)
    assert len(told.results) == 3 and {r.role for r in told.results} == {"companion"}
    for found in told.results:
        assert near(found.estimate, 0.6 if effect else 1.0)
    table = next(e for e in told.exhibits if e.id == "innovation.patients.adjusted").frames["rows"]
    assert (table["adjusted"] >= table["p"] - 1e-12).all() and ((table["adjusted"] < 0.05).all() == effect)
    assert any(caution.code == "exploratory" for caution in told.cautions)


def test_a_project_of_several_counts_for_each_of_them_and_once_for_the_department(study):
    cohort = study[0].cohort
    projects = cohort.table("projects")
    first, people = projects.iloc[[len(projects) // 2]], study[0].rows
    day = (first["start"].iloc[0] - pd.Timestamp("1970-01-01")).days
    there = people[(people["start"] < day) & (people["stop"] >= day) & (people["staff_id"] != first["staff_id"].iloc[0])]["staff_id"].iloc[:2]
    more = pd.concat([projects, *(first.assign(staff_id=who) for who in there), first], ignore_index=True)
    again = innovation_study(without(cohort, projects=more))
    assert len(again.taken) == len(study[0].taken) + 2 and len(again.projects) == len(study[0].projects)
    assert (again.flow["kept"].shift().dropna().to_numpy() == (again.flow["kept"] + again.flow["removed"]).iloc[1:].to_numpy()).all()
    assert again.flow["removed"].iloc[-1] == study[0].flow["removed"].iloc[-1] + 1


def test_who_is_mentored_at_the_start_is_told_by_the_match_and_the_day_of_the_match_is_before_it(study):
    made = study[0]
    came = made.cohort.table("matches").groupby("mentee_id")["start"].min()
    begun = pd.to_datetime(made.projects["staff_id"].map(came))
    assert (mentored_by(made, made.projects) == (begun < made.projects["date"]).to_numpy()).all()


def test_what_lacks_is_named_with_what_unlocks_it(study):
    cohort = study[0].cohort
    [gap] = answer_chapter("innovation", without(cohort, "projects")).gaps
    assert "projects" in gap.unlock
    early = without(cohort, projects=cohort.table("projects").assign(start=pd.Timestamp("1999-01-01")))
    assert "No project" in answer_chapter("innovation", early).gaps[0].reason
    bare = innovation_study(without(cohort, "rollout", "outcomes_monthly", projects=cohort.table("projects")[["project_id", "staff_id", "start"]]))
    for part, word in ((where_active, "rollout"), (digital_where_active, "digital"), (funnel, "stage"), (time_to_adoption, "adopted_on"),
                       (labs_together, "rollout"), (in_labs, "lab_id"), (by_month, "outcomes_monthly")):  # fmt: skip
        told = part(bare)
        assert not told.results and word in told.gaps[0].unlock, part
    assert {r.id for r in while_mentored(bare).results} == {"innovation.projects", "innovation.before"}


def test_protected_chapters_can_be_drawn_and_small_counts_are_withheld():
    changes = {"departments": 8, "staff": 300, "months": 18, "project_rate": 0.3}
    answer = answer_chapter("innovation", simulated("default", 5, **{**SIZE, **changes, **STRONG}))
    [shown], log = protect([answer], Rule())
    assert len(log) and all(draw(exhibit) is not None for exhibit in {e.kind: e for e in shown.exhibits}.values())
    names = ("n", "n_events", "people", "projects", "reached", "removed", "events")
    for exhibit in shown.exhibits:
        for frame in exhibit.frames.values():
            numbers = frame[[c for c in names if c in frame]].apply(pd.to_numeric, errors="coerce")
            assert not ((numbers > 0) & (numbers < 10)).any().any(), exhibit.id
            assert not {"project_id", "lab_id", "staff_id"} & set(frame.columns)


def test_new_products_of_mentored_shopkeepers():
    """Brooks, Donovan & Johnson (2018): products begun in waves 1 to 6, as recurrent events; against R's Poisson model with waves, clustered.

    On rows of one wave each, with Breslow's ties, the Andersen-Gill ratio is that of the Poisson model.
    """
    data = pd.read_csv(shared_data("kenya_mentors/mentors_panel.csv"))
    known = golden("real_data")["cases"]["kenya_mentors_rct"]["values"]
    rows = data[data["wave"].between(1, 6) & data["new_product"].notna()]
    rows = rows.assign(start=rows["wave"] - 1, mentee=(rows["treat2"] == 4).astype(int), school=(rows["treat2"] == 3).astype(int))
    call = {"start": "start", "stop": "wave", "event": "new_product", "cluster": "id"}
    fit = cox(rows, covariates=["mentee", "school"], ties="breslow", variance="cluster", **call).table.set_index("term")
    people = rows["id"].nunique()
    for term, name in (("mentee", "factor(treat2)4"), ("school", "factor(treat2)3")):
        wanted = known["new_product_irr"][name]
        assert fit.loc[term, "coef"] == pytest.approx(wanted["coef"], rel=1e-8)
        assert fit.loc[term, "robust_se"] * math.sqrt(people / (people - 1)) == pytest.approx(wanted["se"], rel=1e-8)
    means = mean_cumulative(rows.assign(arm=rows["treat2"].astype(int)), by="arm", **call)
    counts = {int(one["treat2"]): one["new_products"] for one in known["new_product_counts"]}
    assert means.at(6).set_index("by")["n_event"].to_dict() == counts
    difference = means.difference(6, 4, 2)
    assert difference.ci_low < 0 < difference.ci_high  # the mentored began no more products, whatever they earned
