"""The list of other analyses: each row is the fit that it says, none answers another question, and wrong keys are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort, simulate_cohort
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.person_time.fixed_exposure import landmark_rows
from mentorship_eval.cohort.study.choices import SensitivityChoice
from mentorship_eval.cohort.study.document import StudyFileError, load_study
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.questions.retention.dose import dose
from mentorship_eval.questions.retention.model_rows import calendar_periods
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.robustness.diagnostics import diagnostics, without_each_department
from mentorship_eval.questions.retention.robustness.negative_controls import before_go_live, negative_controls
from mentorship_eval.questions.retention.robustness.sensitivity import sensitivity
from mentorship_eval.questions.retention.robustness.warnings_on_data import data_warnings, programme_effect_grows
from mentorship_eval.questions.retention.subgroups import subgroups
from mentorship_eval.survival import cox
from tests.questions.cohorts import simulated, small

MODEL = ["mentored", "profession", "newly_qualified", "period"]


def cohort_of_tests():
    """Large enough for the sandwich to be the variance: 36 of 48 departments go live."""
    return simulated(departments=48, staff=4800)


@pytest.fixture(scope="module")
def study() -> Prepared:
    return prepare(cohort_of_tests())


@pytest.fixture(scope="module")
def told(study):
    return sensitivity(study)


def result(section, name):
    found = {r.id: r for r in section.results}
    return found[f"retention.sensitivity.{name}"]


def with_tables(cohort, **tables):
    return replace(cohort, tables={**cohort.tables, **tables})


def with_plan(cohort, **choices):
    plan = cohort.study.plan.model_copy(update={"sensitivity": SensitivityChoice(**choices)})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def only(**choices):
    """A plan with nothing on the list but what is named."""
    off = dict.fromkeys(("without_strata", "without_calendar", "other_definition", "exclude_prevalent", "hired_in_window", "remove_suspended",
                         "exclude_planned_ends"), False)  # fmt: skip
    empty = {name: [] for name in ("clusters", "lags_days", "grace_days", "rehire_gaps_days", "landmarks_days")}
    return {**off, **empty, **choices}


def by_hand(rows, covariates=MODEL, **options):
    rows = rows.copy()
    rows["event"] = (rows["cause"] == "voluntary").astype(int)
    rows["period"], _ = calendar_periods(rows)
    rows, _ = with_covariates(rows, ["profession", "newly_qualified"])
    return cox(rows, **{"start": "start", "stop": "stop", "event": "event", "covariates": list(covariates), "strata": "dept_id",
                        "cluster": "dept_at_entry", **options}).estimate  # fmt: skip


def episodes(cohort, **options):
    tables = {name: cohort.table(name) for name in ("staff", "spells", "matches", "rollout")}
    return mentorship_episodes(**tables, start=cohort.window[0], end=cohort.window[1], **options)


def same(one, other):
    for name in ("value", "se", "ci_low", "ci_high"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9), name


# ---- each row is what it says ---------------------------------------------------------------------------------

def test_model_and_cluster_rows_are_direct_calls(study, told):
    rows = study.episodes.rows
    same(result(told, "without_strata_of_department").estimate, by_hand(rows, strata=None))
    same(result(told, "without_calendar_quarters").estimate, by_hand(rows, MODEL[:-1]))
    same(result(told, "clusters_current_department").estimate, by_hand(rows, cluster="dept_id"))
    same(result(told, "clusters_person").estimate, by_hand(rows, cluster="staff_id", variance="cluster"))
    same(result(told, "clusters_none").estimate, by_hand(rows, cluster=None))


@pytest.mark.parametrize(
    ("name", "options"),
    [("lag_30", {"lag": 30}), ("lag_90", {"lag": 90}), ("current", {"exposure": "current"}), ("grace_90", {"exposure": "current", "grace": 90}),
     ("rehire_90", {"bridge_gap": 90})],
)  # fmt: skip
def test_exposure_rows_are_fits_on_person_time_made_anew(told, name, options):
    same(result(told, name).estimate, by_hand(episodes(cohort_of_tests(), **options).rows))


def test_hired_in_the_window_is_a_filter_of_people(study, told):
    persons, start = study.episodes.persons, cohort_of_tests().window[0]
    rows = study.episodes.rows
    chosen = rows[rows["staff_id"].isin(persons.loc[persons["hire"] >= start, "staff_id"])]
    estimate = result(told, "hired_in_window").estimate
    same(estimate, by_hand(chosen))
    assert estimate.n == chosen["staff_id"].nunique() and estimate.n_events == (chosen["cause"] == "voluntary").sum()


def test_landmark_rows_are_fits_from_the_landmark(study, told):
    rows, _ = with_covariates(landmark_rows(study.episodes, 274).rows, ["profession", "newly_qualified"])
    rows["event"] = (rows["cause"] == "voluntary").astype(int)
    fit = cox(rows, start="start", stop="stop", event="event", covariates=MODEL[:-1], strata="dept_id", cluster="dept_at_entry")
    found = result(told, "landmark_274")
    same(found.estimate, fit.estimate)
    assert "of hire against not" in found.estimand and found.population.endswith("at the landmark")


def test_what_cannot_differ_is_named_and_not_counted(told):
    ids = {r.id for r in told.results}
    assert "retention.sensitivity.suspended_removed" not in ids and "retention.sensitivity.rehire_0" not in ids
    note = told.exhibits[0].note
    assert "no suspended time" in note and "nobody came back" in note
    assert not [gap for gap in told.gaps if "other analyses" in gap.question]


def test_suspended_time_and_contracts_with_an_end_are_left_out():
    cohort = small(staff=2000, departments=12)
    spells = cohort.table("spells").copy()
    spells["suspended"] = np.arange(len(spells)) % 15 == 3
    spells["contract"] = np.where(np.arange(len(spells)) % 9 == 0, "fixed_term", "permanent")
    cohort = with_plan(with_tables(cohort, spells=spells), **only(remove_suspended=True, exclude_planned_ends=True))
    made = sensitivity(prepare(cohort))
    same(result(made, "suspended_removed").estimate, by_hand(episodes(cohort, suspended="remove").rows))
    full = episodes(cohort)
    entered = full.persons.assign(day=full.persons["hire"] + pd.to_timedelta(full.persons["entry"], unit="D"))
    now = spells.merge(entered[["staff_id", "day"]], on="staff_id")
    now = now[(now["start"] <= now["day"]) & (now["end"].isna() | (now["end"] > now["day"]))]
    fixed = set(now.loc[now["contract"] == "fixed_term", "staff_id"])
    assert fixed
    same(result(made, "without_planned_ends").estimate, by_hand(full.rows[~full.rows["staff_id"].isin(fixed)]))


def test_people_mentored_before_they_were_followed_are_left_out():
    cohort = small(staff=2000, departments=12)
    matches = cohort.table("matches").copy()
    long_there = cohort.table("spells").query("start < '2021-06-01'")["staff_id"]
    early = matches.index[matches["mentee_id"].isin(long_there)][:40]
    matches.loc[early, "start"] = pd.Timestamp("2021-09-01")
    cohort = with_plan(with_tables(cohort, matches=matches), **only(exclude_prevalent=True))
    made = sensitivity(prepare(cohort))
    rows = episodes(cohort).rows
    assert 0 < rows.loc[rows["prevalent"] == 1, "staff_id"].nunique() <= 40
    same(result(made, "without_prevalent").estimate, by_hand(rows[rows["prevalent"] == 0]))


def test_a_gap_that_was_bridged_on_reading_is_opened_again(tmp_path):
    made = simulate_cohort(departments=12, staff=2000, months=24, seed=3)
    spells = made["spells"].copy()
    when = (spells["end"] < pd.Timestamp("2023-06-01")) & (spells["end"] > pd.Timestamp("2022-02-01"))
    left = spells.index[(spells["leaving_reason"] == "voluntary") & when]
    back = spells.loc[left[:30]].copy()
    back = back[~back["staff_id"].isin(spells.loc[~spells.index.isin(left), "staff_id"])]
    back["start"], back["end"], back["leaving_reason"] = back["end"] + pd.Timedelta(days=20), pd.NaT, None
    made.tables["spells"] = pd.concat([spells, back], ignore_index=True).sort_values(["staff_id", "start"], ignore_index=True)
    cohort = with_plan(read_cohort(made.write(tmp_path / "c")), **only(rehire_gaps_days=[0]))
    assert len(back) > 5 and (cohort.repair_log["code"] == "R103").any()
    study = prepare(cohort)
    opened = result(sensitivity(study), "rehire_0").estimate
    whole = mentorship_episodes(
        **{name: made[name] for name in ("staff", "spells", "matches", "rollout")}, start=cohort.window[0], end=cohort.window[1], bridge_gap=1
    )
    same(opened, by_hand(whole.rows))
    assert opened.n_events == study.leavers + len(back)


# ---- what is said of the list ---------------------------------------------------------------------------------

def test_the_forest_has_the_default_on_top_and_every_row_its_own_estimand(study, told):
    frame = told.exhibits[0].frames["rows"]
    assert frame["id"].iloc[0] == "retention.being_mentored" and frame["headline"].tolist() == [True] + [False] * (len(frame) - 1)
    assert frame["estimate"].iloc[0] == study.main.estimate.value
    assert {r.role for r in told.results if r.id.startswith("retention.sensitivity")} == {"sensitivity"}
    estimands = [r.estimand for r in told.results]
    assert len(set(estimands)) == len(estimands) - 1  # the two E-values share theirs


def test_the_range_is_that_of_the_rows(told):
    rows = [r for r in told.results if r.role == "sensitivity" and "landmark" not in r.id]
    values = [r.estimate.value for r in rows]
    text = told.lead[0].text
    assert f"from {min(values):.2f} (" in text and f"to {max(values):.2f} (" in text and f"the {len(rows)} other analyses" in text
    assert all(word not in text.lower() for word in ("robust", "significant", "confirm"))


def test_the_number_that_lie_on_the_other_side_is_counted():
    from mentorship_eval.estimate import Estimate
    from mentorship_eval.questions.answer import Result
    from mentorship_eval.questions.retention.robustness.sensitivity import _range

    def made(value, low, high):
        estimate = Estimate(value=value, ci_low=low, ci_high=high, scale="hazard ratio", n_events=50)
        return Result("x", "retention", "", "", estimate, f"Analysis {value}")

    default = made(0.8, 0.7, 0.9)
    [said] = _range(default, [made(0.9, 0.8, 0.99), made(0.95, 0.8, 1.1), made(1.2, 1.1, 1.3)], [])
    assert "one lies on the other side of 1" in said.text and "2 of these are otherwise" in said.text
    assert said.rests_on == (50, 50, 50)


def test_e_values_follow_the_formula_with_the_conversion_for_a_common_outcome(study, told):
    shown = {r.id: r for r in told.results}
    hr, high = study.main.estimate.value, study.main.estimate.ci_high
    assert study.leavers / study.persons > 0.15

    def e(ratio):
        risk = (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))
        return 1 / risk + math.sqrt(1 / risk * (1 / risk - 1))

    assert shown["retention.evalue"].estimate.value == pytest.approx(e(hr))
    assert shown["retention.evalue.limit"].estimate.value == pytest.approx(e(high) if high < 1 else 1.0)


def test_counts_that_would_give_a_few_people_away_are_left_out():
    cohort = small(staff=1500, departments=20)
    study = prepare(cohort)
    spells = cohort.table("spells").assign(contract="permanent")
    spells.loc[spells["staff_id"].isin(cohort.table("staff")["staff_id"].iloc[:4]), "contract"] = "fixed_term"
    made = sensitivity(prepare(with_plan(with_tables(cohort, spells=spells), **only(exclude_planned_ends=True))))
    assert result(made, "without_planned_ends").estimate.n is None
    open_study = cohort.study.model_copy(update={"disclosure": cohort.study.disclosure.model_copy(update={"off": True})})
    free = replace(with_plan(with_tables(cohort, spells=spells), **only(exclude_planned_ends=True)), study=open_study)
    assert result(sensitivity(prepare(free)), "without_planned_ends").estimate.n == study.persons - 4


def test_where_no_department_has_contrast_the_mundlak_model_is_labelled():
    cohort = small(staff=1500, departments=20)
    staff, spells = cohort.table("staff"), cohort.table("spells")
    # whole departments are mentored from the day of hire, the others never; nobody moves
    spells = spells.drop_duplicates("staff_id")
    treated = sorted(spells["dept_id"].unique())[::2]
    here = spells[spells["dept_id"].isin(treated)]
    days = here["dept_id"].map({name: 30 * (1 + place) for place, name in enumerate(treated)})
    matches = pd.DataFrame({"match_id": "M" + here["staff_id"], "mentee_id": here["staff_id"], "mentor_id": "none", "end": pd.NaT,
                            "start": here["start"] + pd.to_timedelta(days, unit="D"), "relationship_type": "mentoring"})  # fmt: skip
    made = prepare(with_tables(cohort, staff=staff, spells=spells, matches=matches))
    assert made.main is None and "does not vary within the risk set" in made.problem
    told = sensitivity(made)
    assert [r.id for r in told.results] == ["retention.sensitivity.mundlak"]
    assert "Mundlak" in told.results[0].estimand and told.results[0].role == "sensitivity"


def test_without_a_default_estimate_there_is_a_gap_and_no_number():
    cohort = small()
    spells = cohort.table("spells").assign(end=pd.NaT, leaving_reason=np.nan).drop_duplicates("staff_id")
    made = prepare(with_tables(cohort, spells=spells))
    for part in (sensitivity, negative_controls):
        told = part(made)
        assert not told.results and told.gaps


# ---- negative controls ----------------------------------------------------------------------------------------

def test_negative_controls_have_their_label_and_their_reading(study):
    told = negative_controls(study)
    found = {r.id: r for r in told.results}
    assert set(found) == {"retention.negative_control.outcome.end_of_contract", "retention.negative_control.go_live"}
    assert all(r.estimand.startswith("negative control:") and r.role == "sensitivity" for r in told.results)
    assert "says that the groups differ" in told.exhibits[0].note
    rows = study.episodes.rows.assign(cause=study.episodes.rows["cause"].where(study.episodes.rows["cause"] == "end_of_contract", ""))
    rows = rows.assign(cause=rows["cause"].replace({"end_of_contract": "voluntary"}))
    rows["period"] = study.rows["period"]
    ready, _ = with_covariates(rows.assign(event=(rows["cause"] == "voluntary").astype(int)), ["profession", "newly_qualified"])
    fit = cox(ready, start="start", stop="stop", event="event", covariates=MODEL, strata="dept_id", cluster="dept_at_entry")
    same(found["retention.negative_control.outcome.end_of_contract"].estimate, fit.estimate)


def test_an_outcome_that_nobody_had_is_a_gap_only_when_the_plan_names_it():
    cohort = small()
    assert not [g for g in negative_controls(prepare(cohort)).gaps if "death" in g.question]
    assert [g for g in negative_controls(prepare(with_plan(cohort, negative_outcomes=["death"]))).gaps if "death" in g.question]


def test_time_before_the_go_live_ends_on_its_eve(study):
    rows = before_go_live(study, 91)
    live = cohort_of_tests().table("rollout").set_index("dept_id")["active_from"]
    hire = study.episodes.persons.set_index("staff_id")["hire"]
    at = live.reindex(rows["dept_id"]).to_numpy()
    first = rows["staff_id"].map(hire).to_numpy() + pd.to_timedelta(rows["start"], unit="D").to_numpy()
    last = rows["staff_id"].map(hire).to_numpy() + pd.to_timedelta(np.floor(rows["stop"]), unit="D").to_numpy()
    known = ~pd.isna(at)
    assert (last[known] < at[known]).all() and (rows["mentored"] == 0).all() and (rows["stop"] > rows["start"]).all()
    soon = (rows["soon"] == 1).to_numpy()
    assert not (soon & ~known).any() and 0 < soon.mean() < 0.5
    # a row begins on its first day + 1: that day lies in the 91 days before the go-live, or before them
    ahead = ((at[known] - first[known]) / np.timedelta64(1, "D")).astype(float)
    assert (ahead[soon[known]] <= 92).all() and (ahead[~soon[known]] > 91).all()


def test_without_an_effect_the_months_before_a_go_live_are_like_the_others():
    errors = []
    for seed in range(100, 104):
        made = prepare(simulated("null", seed, departments=24, staff=2000))
        rows = before_go_live(made, 91)
        fit = cox(rows, start="start", stop="stop", event="event", covariates=["soon", "profession", "newly_qualified", "period"], strata="dept_id",
                  cluster="dept_at_entry", variance="cluster").estimate  # fmt: skip
        errors.append(math.log(fit.value) / fit.se)
    assert abs(np.mean(errors)) < 3 / math.sqrt(len(errors)) and max(map(abs, errors)) < 4


# ---- diagnostics ----------------------------------------------------------------------------------------------

def test_tests_of_proportional_hazards_use_four_scales(study):
    told = diagnostics(study)
    frame = {e.id: e for e in told.exhibits}["retention.ph"].frames["rows"]
    for transform in ("km", "rank", "identity", "log"):
        expected = study.main.ph_test(transform).table.set_index("term")["p"]
        assert frame[f"p_{transform}"].iloc[0] == pytest.approx(expected["mentored"])
        assert frame[f"p_{transform}"].iloc[-1] == pytest.approx(expected["GLOBAL"])


def test_leaving_departments_out_is_exact_with_few_and_close_with_many(study):
    few = prepare(small(staff=2000, departments=12))
    frame, how = without_each_department(few, few.main)
    assert how == "exact refits" and len(frame) >= 3
    name = frame["label"].iloc[0]
    rows = few.rows[few.rows["dept_at_entry"] != name]
    direct = cox(rows, start="start", stop="stop", event="event", covariates=MODEL, strata="dept_id", variance="model")
    assert frame["estimate"].iloc[0] == pytest.approx(direct.estimate.value)
    many, how = without_each_department(study, study.main)
    assert "dfbeta" in how
    moved = many.iloc[[0, -1]]
    for _, line in moved.iterrows():
        rows = study.rows[study.rows["dept_at_entry"] != line["label"]]
        direct = cox(rows, start="start", stop="stop", event="event", covariates=MODEL, strata="dept_id", variance="model").estimate.value
        step = math.log(direct / study.main.estimate.value)
        assert math.log(line["estimate"] / study.main.estimate.value) == pytest.approx(step, rel=0.35)


def test_data_in_which_the_default_misleads_are_said(study):
    assert "rehires" not in {c.code for c in data_warnings(study, study.main)}
    cohort = cohort_of_tests()
    spells = cohort.table("spells")
    when = (spells["end"] < pd.Timestamp("2024-06-01")) & (spells["end"] > pd.Timestamp("2022-01-01"))
    left = spells[spells["leaving_reason"].eq("voluntary") & when]
    left = left[~left["staff_id"].isin(spells.loc[spells["staff_id"].duplicated(), "staff_id"])]
    back = left.assign(start=left["end"] + pd.Timedelta(days=100), end=pd.NaT, leaving_reason=np.nan).iloc[::2]
    both = pd.concat([spells, back]).sort_values(["staff_id", "start"], ignore_index=True)
    made = prepare(with_tables(cohort, spells=both))
    assert "rehires" in {c.code for c in data_warnings(made, made.main)}


def test_a_ratio_that_changes_with_tenure_is_said():
    rng = np.random.default_rng(8)
    made = prepare(cohort_of_tests())
    rows = made.rows.copy()
    # the early leavers among the mentored are made to stay: the ratio then rises with tenure
    early = (rows["mentored"] == 1) & (rows["stop"] < 1200) & (rows["event"] == 1) & (rng.random(len(rows)) < 0.85)
    rows.loc[early, "event"] = 0
    fit = cox(rows, start="start", stop="stop", event="event", covariates=MODEL, strata="dept_id", cluster="dept_at_entry")
    assert "not_proportional" in {c.code for c in data_warnings(made, fit)}
    assert "not_proportional" not in {c.code for c in data_warnings(made, made.main)}


# ---- the plan -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    ("line", "hint"),
    [("lag_days: [30]", "lags_days"), ("landmark_days: [90]", "landmarks_days"), ("exclude_prevalents: true", "exclude_prevalent"),
     ("clusters: [ward]", "current_department"), ("lags_days: [-3]", "lags_days"), ("negative_outcomes: [voluntary]", "retirement"),
     ("negative_outcomes: [deaths]", "death")],
)  # fmt: skip
def test_wrong_keys_and_values_are_refused_with_a_hint(tmp_path, line, hint):
    (tmp_path / "study.yaml").write_text(
        f"study: {{start: 2022-01-01, end: 2023-12-31}}\ntables: {{staff: staff.csv}}\nplan:\n  sensitivity:\n    {line}\n", encoding="utf-8"
    )
    with pytest.raises(StudyFileError) as caught:
        load_study(tmp_path)
    [finding] = caught.value.findings.errors
    assert "plan.sensitivity" in finding.message and hint in f"{finding.message} {finding.fix}"


def test_the_plan_sets_the_list(tmp_path):
    cohort = with_plan(small(staff=1500, departments=12), **only(lags_days=[60], landmarks_days=[200]))
    told = sensitivity(prepare(cohort))
    ids = [r.id.removeprefix("retention.sensitivity.") for r in told.results if r.role == "sensitivity"]
    lost = " ".join(gap.question for gap in told.gaps)
    assert set(ids) <= {"lag_60", "landmark_200"} and ("lag_60" in ids or "60 days" in lost)


def codes(study, main=None):
    return {caution.code: caution for caution in data_warnings(study, main or study.main)}


def test_moves_and_few_informative_departments_are_said(study):
    rows = study.rows.copy()
    second = rows["staff_id"].duplicated() & (rows["staff_id"].str[-1].isin(list("012")))
    names = sorted(rows["dept_id"].unique())
    rows.loc[second, "dept_id"] = rows.loc[second, "dept_id"].map(dict(zip(names, names[::-1], strict=True)))
    moved = replace(study, rows=rows)
    assert codes(moved)["transfers"].data["share"] > 0.2
    few = codes(study, replace(study.main, n_clusters=3))
    assert few["few_informative"].data == {"informative": 3, "departments": 48} and "few_informative" not in codes(study)


def test_other_exits_that_depend_on_being_mentored_are_said(study):
    rows = study.rows.copy()
    last = ~rows["staff_id"].duplicated(keep="last") & (rows["cause"] == "") & (rows["mentored"] == 1)
    rows.loc[last[last].index[::3], "cause"] = "dismissal"
    told = codes(replace(study, rows=rows))["informative_censoring"]
    assert told.data["hazard_ratio"] > 1.5 and "dismissal" not in told.text
    assert "informative_censoring" not in codes(study)


def test_an_effect_that_grows_after_the_go_live_is_said(study):
    early, later, p = programme_effect_grows(study)
    assert p > 0.01 and 0.5 < early < 2 and 0.5 < later < 2
    live = study.cohort.table("rollout").set_index("dept_id")["active_from"]
    hire = study.rows["staff_id"].map(study.episodes.persons.set_index("staff_id")["hire"])
    since = (hire + pd.to_timedelta(study.rows["stop"], unit="D") - study.rows["dept_id"].map(live)).dt.days
    late = (since > 190) & (study.rows["event"] == 1)
    rows = study.rows.copy()
    rows.loc[late[late].index[np.random.default_rng(4).random(late.sum()) < 0.7], "event"] = 0
    told = codes(replace(study, rows=rows))["growing_effect"]
    assert told.data["later"] < 0.6 * told.data["early"] and told.data["p"] < 0.001
    bare = replace(study.cohort, tables={name: table for name, table in study.cohort.tables.items() if name != "rollout"})
    assert programme_effect_grows(replace(study, cohort=bare)) is None


# ---- odd cohorts ----------------------------------------------------------------------------------------------

def odd_cohorts():
    cohort = small()
    staff, spells, matches = (cohort.table(name) for name in ("staff", "spells", "matches"))
    bare = {name: table for name, table in cohort.tables.items() if name in ("staff", "spells", "matches")}
    everyone = pd.DataFrame({"match_id": "X" + staff["staff_id"], "mentee_id": staff["staff_id"], "start": pd.Timestamp("2021-01-01"), "end": pd.NaT})
    return {
        "bare": replace(cohort, tables={**bare, "staff": staff[["staff_id"]]}),
        "one department": with_tables(cohort, spells=spells.assign(dept_id="D1")),
        "everyone mentored": with_tables(cohort, matches=pd.concat([matches, everyone], ignore_index=True)),
        "nobody left": with_tables(cohort, spells=spells.assign(end=pd.NaT, leaving_reason=np.nan).drop_duplicates("staff_id")),
        "nobody mentored": with_tables(cohort, matches=matches.iloc[:0]),
        "one pilot ward": simulated("one_pilot_ward", 4),
        "tiny": simulated("tiny_programme", 2),
        "few departments": simulated("few_departments", 3),
    }


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # refits of separated data overflow before they are refused
@pytest.mark.parametrize(
    "name", ["bare", "one department", "everyone mentored", "nobody left", "nobody mentored", "one pilot ward", "tiny", "few departments"]
)
def test_every_part_answers_or_says_why_not(name):
    made = prepare(odd_cohorts()[name])
    for part in (sensitivity, negative_controls, subgroups, dose, diagnostics):
        told = part(made)
        assert told.results or told.gaps or told.exhibits, part.__name__
        answer = Answer("retention", "Retention", tuple(told.lead), tuple(told.results), tuple(told.exhibits), tuple(told.cautions), tuple(told.gaps))
        [shown], _ = protect([answer], Rule(10))
        for exhibit in shown.exhibits:
            for frame, counted in exhibit.counted.items():
                for column in counted.counts:
                    values = pd.to_numeric(exhibit.frames[frame][column], errors="coerce")
                    assert not ((values > 0) & (values < 10)).any(), (exhibit.id, column)
        assert all(str(sentence) for sentence in shown.lead)
