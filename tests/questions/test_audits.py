"""Audited measures on small simulated cohorts: shares with a known change, and what lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort import Cohort, read_cohort
from mentorship_eval.cohort.panels import adoption
from mentorship_eval.disclosure.protect import protect
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.incidents.audits import audits
from mentorship_eval.questions.incidents.prepared import from_records
from tests.questions.cohorts import simulated, small


def audited(cohort: Cohort, effects: dict[str, float], *, records: int = 40, share: float = 0.7, seed: int = 5) -> pd.DataFrame:
    """Audits of every department and month; the share of each measure moves by ``effects`` in months with the programme."""
    random = np.random.default_rng(seed)
    start, end = cohort.window
    plan = adoption(rollout=cohort.table("rollout"), start=start, end=end)
    months = pd.date_range(start, end, freq="MS")
    frames = []
    for measure, effect in effects.items():
        frame = pd.DataFrame([(dept, month) for dept in plan.index for month in months], columns=["dept_id", "month"])
        since = frame["dept_id"].map(plan["active_from"])
        level = share + 0.05 * random.standard_normal(len(plan.index)).clip(-2, 2)[plan.index.get_indexer(frame["dept_id"])]
        den = random.poisson(records, len(frame))
        p = np.clip(level + effect * (since.notna() & (frame["month"] >= since)).to_numpy(), 0, 1)
        frames.append(frame.assign(measure=measure, num=random.binomial(den, p).astype(float), den=den.astype(float)))
    return pd.concat(frames, ignore_index=True)


def told(cohort: Cohort, table: pd.DataFrame | None):
    tables = cohort.tables if table is None else {**cohort.tables, "audits": table}
    return audits(from_records(replace(cohort, tables=tables)))


def place(departments: int = 24) -> Cohort:
    return simulated(departments=departments, staff=50 * departments, months=24)


@pytest.fixture(scope="module")
def section():
    cohort = place()
    return told(cohort, audited(cohort, {"hand_hygiene": 0.12, "Falls bundle complete": 0.0}))


def results(section):
    return {result.id: result for result in section.results}


def test_a_change_shows_and_none_does_not(section):
    moved, quiet = (results(section)[f"incidents.audit.{name}"].estimate for name in ("hand_hygiene", "falls_bundle_complete"))
    assert moved.unit == "percentage points"
    assert moved.ci_low > 0 and moved.ci_low < 12 < moved.ci_high
    assert quiet.ci_low < 0 < quiet.ci_high and quiet.p_value > 0.01
    ratio = results(section)["incidents.audit.hand_hygiene.ratio"].estimate
    assert ratio.is_ratio and ratio.value == pytest.approx(0.82 / 0.7, rel=0.05) and np.isnan(ratio.p_value)


def test_differences_and_ratios_have_their_own_axes(section):
    exhibits = {exhibit.id: exhibit for exhibit in section.exhibits}
    differences, ratios = exhibits["incidents.audits.differences"], exhibits["incidents.audits.ratios"]
    assert differences.options["log"] is False and "log" not in ratios.options
    assert not set(differences.frames["rows"]["id"]) & set(ratios.frames["rows"]["id"])
    assert {"incidents.audits.hand_hygiene.observed", "incidents.audits.falls_bundle_complete.observed"} <= set(exhibits)
    frame = exhibits["incidents.audits.hand_hygiene.observed"].frames["rows"]
    assert frame["observed"].between(0, 100).all() and (frame["observed"] - frame["expected"]).mean() > 5


def test_p_values_are_adjusted_for_the_number_of_measures(section):
    rows = next(exhibit for exhibit in section.exhibits if exhibit.id == "incidents.audits.measures").frames["rows"]
    low = rows["p"].min()
    assert rows.loc[rows["p"].idxmin(), "adjusted"] == pytest.approx(min(2 * low, rows["p"].max()))
    assert any("of 2 shares, 1 rose and 0 fell" in str(statement) for statement in section.lead)


def test_no_direction_is_called_good(section):
    words = " ".join([*map(str, section.lead), *(str(c) for c in section.cautions), *(e.note + e.title for e in section.exhibits), *section.methods])
    assert "neither a rise nor a fall is called better or worse" in words
    for word in ("improve", "deteriorat", "worsen"):
        assert word not in words.lower()


def test_records_that_meet_the_criterion_and_those_that_do_not_are_both_declared(section):
    for result in section.results:
        (others,) = result.rests_on
        assert result.estimate.n_events > 0 and others > 0
    table = next(exhibit for exhibit in section.exhibits if exhibit.id == "incidents.audits.measures")
    assert table.counted["rows"].counts == ("met", "others")
    hygiene = results(section)["incidents.audit.hand_hygiene"]
    row = table.frames["rows"].set_index("measure").loc["Hand hygiene"]
    assert (row["met"], row["others"]) == (hygiene.estimate.n_events, hygiene.rests_on[0])


def test_few_records_of_either_kind_are_withheld_with_all_that_rests_on_them():
    """All but three records meet the criterion: as few people as if three did."""
    cohort = place()
    table = audited(cohort, {"hand_hygiene": 0.0, "pain_score": 0.0})
    mine = table["measure"] == "pain_score"
    table.loc[mine, "num"] = table["den"]
    late = table.index[mine & (table["month"] == table["month"].max()) & (table["den"] > 3)]
    rollout = cohort.table("rollout")
    early = rollout.loc[rollout["active_from"] == rollout["active_from"].min(), "dept_id"]
    at = next(row for row in late if table.loc[row, "dept_id"] in set(early))
    table.loc[at - 1, "num"] = table.loc[at - 1, "den"] - 3
    untreated = table.index[mine & ~table["dept_id"].isin(rollout.loc[rollout["active_from"].notna(), "dept_id"])]
    table.loc[untreated, "num"] = (table.loc[untreated, "den"] * 0.9).round()
    section = told(cohort, table)
    before = results(section)["incidents.audit.pain_score"]
    assert before.rests_on == (3.0,) and before.estimate.n_events > 1000
    parts = (section.lead, section.results, section.exhibits, section.cautions, section.gaps, section.methods)
    [shown], _ = protect([Answer("incidents", "Incidents", *map(tuple, parts))], Rule(10))
    for name in ("pain_score", "pain_score.ratio"):
        assert np.isnan(shown.result(f"incidents.audit.{name}").estimate.value)
    assert np.isfinite(shown.result("incidents.audit.hand_hygiene").estimate.value)
    row = shown.exhibit("incidents.audits.measures").frames["rows"].set_index("measure").loc["Pain score"]
    assert row["others"] == "<10" and pd.isna(row["observed"]) and pd.isna(row["difference"])
    assert shown.exhibit("incidents.audits.pain_score.observed") is None
    forest = shown.exhibit("incidents.audits.differences").frames["rows"].set_index("label")
    assert pd.isna(forest.loc["Pain score", "estimate"]) and np.isfinite(float(forest.loc["Hand hygiene", "estimate"]))


def test_counting_what_does_not_meet_the_criterion_turns_the_sign_alone():
    cohort = place()
    table = audited(cohort, {"hand_hygiene": 0.08})
    one, other = told(cohort, table), told(cohort, table.assign(num=table["den"] - table["num"]))
    a, b = (results(part)["incidents.audit.hand_hygiene"].estimate for part in (one, other))
    assert (a.value, a.ci_low, a.p_value) == pytest.approx((-b.value, -b.ci_high, b.p_value), rel=1e-6)


def test_the_month_of_a_go_live_is_left_out_and_months_outside_the_window_too():
    cohort = place()
    rollout = cohort.table("rollout").copy()
    rollout["active_from"] = rollout["active_from"] + pd.Timedelta(days=9)
    cohort = replace(cohort, tables={**cohort.tables, "rollout": rollout})
    table = audited(cohort, {"hand_hygiene": 0.0})
    before = table[table["month"] == table["month"].min()].assign(month=table["month"].min() - pd.DateOffset(months=1))
    section = told(cohort, pd.concat([table, before], ignore_index=True))
    codes = {caution.code: caution.data for caution in section.cautions}
    start, end = cohort.window
    inside = rollout["active_from"].between(start, end).sum()
    assert "missing_cells" not in codes
    assert codes["partial_months"]["cells"] == inside and codes["audits_outside"]["cells"] == before["dept_id"].nunique()


def test_without_audits_the_table_is_named():
    (gap,) = told(small(), None).gaps
    assert "audits" in gap.unlock and "num" in gap.unlock and "den" in gap.unlock


def test_without_a_rollout_nothing_is_fitted():
    cohort = small()
    study = from_records(cohort)
    tables = {**cohort.tables, "audits": audited(cohort, {"hand_hygiene": 0.0})}
    del tables["rollout"]
    section = audits(replace(study, cohort=replace(cohort, tables=tables)))
    assert not section.results and "rollout" in section.gaps[0].unlock


def test_a_numerator_above_its_denominator_is_a_gap_of_that_measure_alone():
    cohort = place()
    table = audited(cohort, {"hand_hygiene": 0.0, "pain_score": 0.0})
    first = table.index[table["measure"] == "pain_score"][0]
    table.loc[first, "num"] = table.loc[first, "den"] + 1
    section = told(cohort, table)
    assert set(results(section)) == {"incidents.audit.hand_hygiene", "incidents.audit.hand_hygiene.ratio"}
    (gap,) = section.gaps
    assert "Pain score" in gap.question and "greater than" in gap.reason


def test_few_treated_departments_have_the_permutation_alone():
    cohort = small()
    rollout = cohort.table("rollout").copy()
    treated = rollout.index[rollout["active_from"].notna()]
    rollout.loc[treated[3:], "active_from"] = pd.NaT
    cohort = replace(cohort, tables={**cohort.tables, "rollout": rollout})
    section = told(cohort, audited(cohort, {"hand_hygiene": 0.1}))
    found = results(section)
    assert np.isnan(found["incidents.audit.hand_hygiene"].estimate.ci_low)
    assert 0 < found["incidents.audit.hand_hygiene.permutation"].estimate.p_value <= 1


@pytest.mark.parametrize("departments", [1, 2])
def test_one_or_two_departments_do_not_break_it(departments):
    cohort = small()
    table = audited(cohort, {"hand_hygiene": 0.0})
    section = told(cohort, table[table["dept_id"].isin(table["dept_id"].unique()[:departments])])
    assert all(np.isnan(result.estimate.ci_low) for result in section.results)
    assert section.results or section.gaps


def test_everything_at_100_per_cent():
    cohort = place()
    table = audited(cohort, {"hand_hygiene": 0.0})
    section = told(cohort, table.assign(num=table["den"]))
    estimate = results(section)["incidents.audit.hand_hygiene"].estimate
    assert estimate.value == 0 and np.isnan(estimate.ci_low) and np.isnan(estimate.p_value)


def test_more_than_four_measures_have_no_figure_each():
    cohort = place(12)
    section = told(cohort, audited(cohort, {f"measure_{k}": 0.0 for k in range(5)}))
    assert not any(exhibit.kind == "observed_expected" for exhibit in section.exhibits)
    assert len(section.results) == 10


def test_read_from_files(tmp_path):
    """The table as a user would add it: a file beside the others, named in study.yaml."""
    from mentorship_eval.cohort import simulate_cohort

    folder = tmp_path / "cohort"
    simulate_cohort("default", seed=11, departments=8, staff=400, months=24).write(folder)
    cohort = read_cohort(folder)
    table = audited(cohort, {"hand_hygiene": 0.0})
    table.assign(month=table["month"].dt.strftime("%Y-%m")).to_csv(folder / "audits.csv", index=False)
    plan = folder / "study.yaml"
    text = plan.read_text()
    assert "tables: {staff" in text
    plan.write_text(text.replace("tables: {staff", "tables: {audits: audits.csv, staff"))
    section = audits(from_records(read_cohort(folder)))
    assert "incidents.audit.hand_hygiene" in results(section)
