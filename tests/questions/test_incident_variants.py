"""The analyses around the default one: each leaves out exactly the department-months that it says, and one that cannot differ says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions.incidents.calendar_events import calendar_cautions, switches
from mentorship_eval.questions.incidents.sensitivity import sensitivity
from mentorship_eval.questions.incidents.variants import variants
from tests.questions.wards import STAGGERED, fitted, month, sites, unfitted, wards, with_tables

HALVES = {ward: "north" if k % 2 else "south" for k, ward in enumerate(STAGGERED)}


@pytest.fixture(scope="module")
def cohort():
    return wards(STAGGERED, seed=3)


def variant(study, name):
    return {one.name: one for one in variants(study)}[name]


def lost(study, name):
    """Ward and month of the rows that a variant leaves out."""
    kept = variant(study, name).rows
    every = study.rows.assign(kept=study.rows.index.isin(kept.index))
    assert len(kept) == every["kept"].sum()
    pd.testing.assert_frame_equal(kept, study.rows[every["kept"]])  # nothing is changed in what is kept
    return set(every.loc[~every["kept"], ["dept_id", "period"]].itertuples(index=False, name=None))


def test_the_month_before_go_live_leaves_the_comparison_and_nothing_else(cohort):
    study = fitted(cohort)
    for months in (1, 3):
        one = variant(study, f"anticipation_{months}")
        fit = study.fit("harm", "harm", rows=one.rows, **one.options).fit
        cells = fit.cells.merge(study.fits["harm"].fit.cells, on=["unit", "time"], suffixes=("", "_before"))
        changed = cells[cells["role"] != cells["role_before"]]
        expected = {(ward, live - k) for ward, live in STAGGERED.items() if live for k in range(1, months + 1)}
        assert set(changed[["unit", "time"]].itertuples(index=False, name=None)) == expected
        assert set(changed["role"]) == {"anticipation"}


@pytest.mark.parametrize("least", [1, 3, 5])
def test_fewest_comparison_departments_are_counted_by_month(least):
    live = {f"W{k}": (6 + 2 * k if k < 6 else None) for k in range(7)}
    study = unfitted(wards(live, seed=5))
    one = variant(study, f"min_controls_{least}")
    fit = study.fit("harm", "harm", rows=one.rows, **one.options).fit
    without = {p: sum(when is None or p < when for when in live.values()) for p in range(1, 25)}
    expected = {(w, p) for w, when in live.items() if when for p in range(when, 25) if without[p] >= least}
    found = set(fit.cells.loc[fit.cells["role"] == "target", ["unit", "time"]].itertuples(index=False, name=None))
    assert found == expected and len(expected) > 0


def test_months_after_the_end_and_only_those(cohort):
    ends = {"W00": month(10), "W01": month(12) + pd.Timedelta(days=14)}
    rollout = cohort.table("rollout")
    rollout = rollout.assign(active_to=pd.to_datetime(rollout["dept_id"].map(ends)))
    study = unfitted(with_tables(cohort, rollout=rollout))
    # a month in which the programme still ran is kept, a later one not
    assert lost(study, "after_end") == {("W00", p) for p in range(11, 25)} | {("W01", p) for p in range(13, 25)}
    # a ward with a second programme that goes on has not ended
    again = pd.concat([rollout, rollout[rollout["dept_id"] == "W00"].assign(programme_id="P2", active_to=pd.NaT)])
    assert lost(unfitted(with_tables(cohort, rollout=again)), "after_end") == {("W01", p) for p in range(13, 25)}
    assert "ended nowhere" in variant(unfitted(cohort), "after_end").same


def test_incomplete_months(cohort):
    exposure = cohort.table("exposure")
    bad = {("W03", 4), ("W11", 24)}
    number = (exposure["month"].dt.year - 2022) * 12 + exposure["month"].dt.month
    flags = [(ward, p) not in bad for ward, p in zip(exposure["dept_id"], number, strict=True)]
    study = unfitted(with_tables(cohort, exposure=exposure.assign(complete=flags)))
    assert lost(study, "complete") == bad
    # a blank is not an incomplete month
    blank = exposure.assign(complete=pd.array([pd.NA] * len(exposure), dtype="boolean"))
    assert "no month is marked" in variant(unfitted(with_tables(cohort, exposure=blank)), "complete").same


def test_months_whose_reports_still_come_in():
    slow = wards(STAGGERED, seed=3, rate=8, lag=lambda ward, period, rng: int(rng.integers(0, 46)))
    incidents = slow.table("incidents")
    # what was reported after the window is not in the files: 32 days after its end, of November 92 in 100 reports, of October all
    slow = with_tables(slow, incidents=incidents[incidents["reported"] < month(25)])
    study = unfitted(slow)
    assert lost(study, "reported_in_full") == {(ward, p) for ward in STAGGERED for p in (23, 24)}
    drawn = slow.study.study.model_copy(update={"extract": month(28).date()})
    late = replace(slow, study=slow.study.model_copy(update={"study": drawn}))
    assert "had come in" in variant(unfitted(late), "reported_in_full").same


@pytest.mark.parametrize("reported", [None, pd.NaT, "before"])
def test_without_a_usable_day_of_report_nothing_is_left_out(cohort, reported):
    incidents = cohort.table("incidents")
    if reported is None:
        incidents = incidents.drop(columns="reported")
    else:
        incidents = incidents.assign(reported=incidents["occurred"] - pd.Timedelta(days=1) if reported == "before" else reported)
    assert "not recorded" in variant(unfitted(with_tables(cohort, incidents=incidents)), "reported_in_full").same


@pytest.mark.parametrize("text", ["2022-03/2022-05", "2022-03 to 2022-05", "2022-03-01/2022-05-31"])
def test_the_months_of_selection(cohort, text):
    rollout = cohort.table("rollout").assign(allocation="targeted", selection_window=text)
    assert lost(unfitted(with_tables(cohort, rollout=rollout)), "selection_window") == {(ward, p) for ward in STAGGERED for p in (3, 4, 5)}
    assert "selection_window" not in {one.name for one in variants(unfitted(cohort))}


@pytest.mark.parametrize("text", ["last spring", None, "2022-03/soon"])
def test_a_selection_window_that_cannot_be_read_is_named_not_guessed(cohort, text):
    rollout = cohort.table("rollout").assign(allocation="targeted", selection_window=text)
    one = variant(unfitted(with_tables(cohort, rollout=rollout)), "selection_window")
    assert one.rows is None and "does not say which months" in one.same


def test_months_around_a_switch_of_the_calendar_and_of_the_records(cohort):
    calendar = pd.DataFrame({"start": [month(10) + pd.Timedelta(days=9)], "label": ["New system"]})
    study = unfitted(with_tables(cohort, calendar=calendar))
    assert lost(study, "switch_1") == {(ward, p) for ward in STAGGERED for p in (9, 10, 11)}
    incidents = cohort.table("incidents")
    recoded = incidents.assign(system=np.where(incidents["occurred"] < month(15), "old", "new"))
    study = unfitted(with_tables(cohort, incidents=recoded))
    assert [(str(one.month), one.departments) for one in switches(study)] == [("2023-03", len(STAGGERED))]
    assert lost(study, "switch_1") == {(ward, p) for ward in STAGGERED for p in (14, 15, 16)}
    # told once, though both say it
    both = unfitted(with_tables(cohort, incidents=recoded, calendar=pd.DataFrame({"start": [month(15)], "label": ["New system"]})))
    assert len(switches(both)) == 1


def test_a_switch_that_reaches_some_departments_is_told_as_such(cohort):
    incidents = cohort.table("incidents")
    early = incidents["dept_id"].isin(["W08", "W09", "W10"])
    recoded = incidents.assign(system=np.where(early & (incidents["occurred"] >= month(6)), "new", "old"))
    study = unfitted(with_tables(cohort, incidents=recoded))
    [switch] = switches(study)
    assert switch.departments == 3
    [caution] = calendar_cautions(study)
    assert "3 of 12 departments" in caution.text and "month effects cannot" in caution.text
    # one ward that wavers is no switch
    alone = incidents.assign(system=np.where(incidents["dept_id"].eq("W08") & (incidents["occurred"] >= month(6)), "new", "old"))
    assert not switches(unfitted(with_tables(cohort, incidents=alone)))
    # nor are two systems side by side
    mixed = incidents.assign(system=np.where(np.random.default_rng(1).random(len(incidents)) < 0.5, "new", "old"))
    assert not switches(unfitted(with_tables(cohort, incidents=mixed)))


@pytest.mark.parametrize(("scope", "wards_hit"), [
    ("all", set(STAGGERED)), (None, set(STAGGERED)), ("north", {w for w, s in HALVES.items() if s == "north"}), ("W04", {"W04"}),
])  # fmt: skip
def test_a_shock_leaves_out_its_months_in_its_scope(cohort, scope, wards_hit):
    first, last = month(5) + pd.Timedelta(days=20), month(7) + pd.Timedelta(days=3)
    calendar = pd.DataFrame({"start": [first], "end": [last], "scope": [scope], "label": ["Outbreak"]})
    study = unfitted(with_tables(cohort, calendar=calendar, departments=sites(HALVES)))
    assert lost(study, "shock_1") == {(ward, p) for ward in wards_hit for p in (5, 6, 7)}
    assert bool(calendar_cautions(study)) == (len(wards_hit) < len(STAGGERED))
    # a period with an end is no lasting change
    assert not switches(study)


def test_a_scope_that_nobody_knows_is_said(cohort):
    calendar = pd.DataFrame({"start": [month(5)], "end": [month(7)], "scope": ["LFPSE"], "label": ["Outage"]})
    study = unfitted(with_tables(cohort, calendar=calendar))
    assert "LFPSE is no department" in variant(study, "shock_1").same
    assert "cannot be left out either" in calendar_cautions(study)[0].text


def test_a_lasting_change_in_one_site_is_no_change_everywhere(cohort):
    calendar = pd.DataFrame({"start": [month(10)], "end": [pd.NaT], "scope": ["north"], "label": ["New system"]})
    study = unfitted(with_tables(cohort, calendar=calendar, departments=sites(HALVES)))
    assert [one.departments for one in switches(study)] == [6]
    assert "6 of 12 departments" in calendar_cautions(study)[0].text


def test_a_shock_outside_the_window_is_not_told(cohort):
    calendar = pd.DataFrame({"start": [month(-10)], "end": [month(-8)], "scope": ["all"], "label": ["Long ago"]})
    names = {one.name for one in variants(unfitted(with_tables(cohort, calendar=calendar)))}
    assert not any(name.startswith("shock") for name in names)


def test_other_sites_drop_the_untouched_months_of_sites_where_it_runs(cohort):
    live = {"A1": 8, "A2": 14, "A3": None, "B1": 12, "B2": None, "C1": None, "C2": None}
    study = unfitted(with_tables(wards(live, seed=2), departments=sites({ward: ward[0] for ward in live})))
    begun = {"A": 8, "B": 12, "C": 99}
    expected = {(w, p) for w, when in live.items() for p in range(1, 25) if p >= begun[w[0]] and (when is None or p < when)}
    assert lost(study, "other_sites") == expected
    one_site = unfitted(with_tables(wards(live, seed=2), departments=sites(dict.fromkeys(live, "A"))))
    assert "no site is without it" in variant(one_site, "other_sites").lacks
    assert "do not say their site" in variant(unfitted(cohort), "other_sites").same


def test_the_share_of_the_site_counts_the_others_only(cohort):
    live = {"A1": 8, "A2": 14, "A3": None, "B1": 12, "B2": None}
    study = unfitted(with_tables(wards(live, seed=2), departments=sites({ward: ward[0] for ward in live})))
    one = variant(study, "site_share")
    assert one.options == {"covariates": ["site_share"]} and len(one.rows) == len(study.rows)
    share = one.rows.set_index(["dept_id", "period"])["site_share"]
    for ward, period in ((w, p) for w in live for p in (1, 7, 8, 12, 14, 24)):
        mates = [mate for mate in live if mate[0] == ward[0] and mate != ward]
        assert share[ward, period] == pytest.approx(np.mean([bool(live[m] and period >= live[m]) for m in mates]))
    alone = unfitted(with_tables(cohort, departments=sites({ward: ward for ward in STAGGERED})))
    assert "the same everywhere" in variant(alone, "site_share").same


def test_other_denominators_change_the_exposure_and_no_count(cohort):
    exposure = cohort.table("exposure")
    amount = np.where(exposure["dept_id"] == "W00", 20.0, 10.0)
    more = exposure.assign(admissions=amount, staffed_wte=np.nan, items_dispensed=np.where(exposure["dept_id"] == "W05", np.nan, 5.0))
    study = fitted(with_tables(cohort, exposure=more))
    names = {one.name for one in variants(study)}
    assert "per_admissions" in names and "per_staffed_wte" not in names
    admissions = variant(study, "per_admissions")
    counts = ["dept_id", "period", "harm", "no_harm", "near_miss", "adopted"]
    pd.testing.assert_frame_equal(admissions.rows[counts], study.rows[counts])
    # an exposure that is constant within each ward leaves the ratio where it is
    fit = study.fit("harm", "harm", rows=admissions.rows, **admissions.options).fit
    assert fit.irr.value == pytest.approx(study.fits["harm"].fit.irr.value, rel=1e-9)
    # months without the denominator are not there
    assert set(variant(study, "per_items_dispensed").rows["dept_id"]) == set(STAGGERED) - {"W05"}


def test_what_could_not_differ_is_named_under_the_figure_and_not_told(cohort):
    told = sensitivity(fitted(cohort))
    note = told.exhibits[0].note
    for label in ("Without months after the programme's end (it ended nowhere)", "At least 1 comparison department (it changes no cell)"):
        assert label in note
    ids = {result.id for result in told.results}
    assert not any(name.endswith(("min_controls_1", "after_end", "other_sites")) for name in ids)
    assert "incidents.sensitivity.harm.anticipation_1" in ids
    frame = told.exhibits[0].frames["rows"]
    assert frame["id"].iloc[0] == "incidents.harm" and list(frame["headline"]) == [True] + [False] * (len(frame) - 1)


def test_an_analysis_that_fails_is_a_gap_in_plain_words():
    live = {f"W{k}": (6 + 2 * k if k < 3 else None) for k in range(5)}
    told = sensitivity(fitted(wards(live, seed=5)))
    [gap] = [gap for gap in told.gaps if "At least 5 comparison departments" in gap.question and gap.question.startswith("Incidents with harm")]
    assert "department-months" in gap.reason and gap.unlock
    for word in ("min_controls", "unit", "cell", "target"):
        assert word not in gap.reason, gap.reason


def test_an_analysis_without_an_interval_is_not_counted_as_differing():
    """Six wards are treated, and an effect is plain; with more comparison departments asked for, fewer than six are left."""
    live = {f"W{k}": (6 + 2 * k if k < 6 else None) for k in range(8)}
    study = fitted(wards(live, seed=5, rate=40, factor=lambda ward, p, level: 0.4 if live[ward] and p >= live[ward] else 1.0))
    told = sensitivity(study)
    without = [r for r in told.results if r.id.startswith("incidents.sensitivity.harm.") and np.isnan(r.estimate.ci_low)]
    assert without and study.fits["harm"].fit.irr.ci_high < 1
    statement = next(s for s in told.lead if s.text.startswith("Incidents with harm: in the"))
    assert "with an interval differs from the default" in statement.text, statement.text


def test_the_range_names_its_ends(cohort):
    told = sensitivity(fitted(cohort))
    values = {r.id: r.estimate.value for r in told.results if r.id.startswith("incidents.sensitivity.harm.")}
    statement = next(s for s in told.lead if s.text.startswith("Incidents with harm: in the"))
    assert set(statement.results) == {min(values, key=values.get), max(values, key=values.get)}
    assert f"{min(values.values()):.2f}" in statement.text and f"{max(values.values()):.2f}" in statement.text
    assert f"{len(values)} other analyses" in statement.text
