"""Tables of the chapters that are printed: time zero, follow-up, crude beside adjusted, observed rates, main results; and cluster limits."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.errors import UsageError
from mentorship_eval.inference.cluster_rate import cluster_rate_limits
from mentorship_eval.inference.proportions import poisson_limits
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.incidents.default_rates import default_rates
from mentorship_eval.questions.incidents.main_results import main_table
from mentorship_eval.questions.incidents.observed_rates import observed_rates
from mentorship_eval.questions.incidents.prepared import Prepared as Incidents
from mentorship_eval.questions.incidents.prepared import from_records
from mentorship_eval.questions.incidents.time_zero import before_any_programme
from mentorship_eval.questions.retention.being_mentored import being_mentored
from mentorship_eval.questions.retention.crude import crude_and_adjusted, crude_being_mentored
from mentorship_eval.questions.retention.from_landmark.landmark import AtLandmark, at_landmark
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.staying.follow_up import follow_up_table, followed_by_arm
from mentorship_eval.questions.retention.time_zero import by_mentorship, by_programme
from mentorship_eval.questions.section import Section
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox
from tests.questions.cohorts import small


@cache
def study() -> tuple[Prepared, AtLandmark]:
    made = prepare(small(staff=1200))
    assert made.main is not None
    at = at_landmark(made)
    assert isinstance(at, AtLandmark)
    return made, at


@cache
def incidents() -> Incidents:
    cohort = small()
    cohort = replace(cohort, study=cohort.study.model_copy(update={"plan": cohort.study.plan.model_copy(update={"permutations": 0})}))
    return from_records(cohort)


def _rows(section: Section, exhibit_id: str) -> pd.DataFrame:
    return next(e for e in section.exhibits if e.id == exhibit_id).frames["rows"]


def test_table_one_looks_at_nobodys_future():
    """What happens after time zero (leaving, being matched, staying until the end) changes nothing in it."""
    made, at = study()
    before = _rows(by_mentorship(made, at), "retention.baseline.mentorship")
    later = made.episodes.persons.copy()
    after = later["staff_id"].isin(at.rows["staff_id"])
    later.loc[after, "stop"] = at.days + 1.0
    later.loc[after, "cause"] = "voluntary"
    later.loc[later["mentored_from"] > at.days, "mentored_from"] = np.nan
    changed = replace(made, episodes=replace(made.episodes, persons=later))
    pd.testing.assert_frame_equal(_rows(by_mentorship(changed, at), "retention.baseline.mentorship"), before)
    programme = _rows(by_programme(made), "retention.baseline.programme")
    everybody = later.assign(stop=later["entry"] + 1.0, cause="voluntary")
    left_at_once = replace(made, episodes=replace(made.episodes, persons=everybody))
    pd.testing.assert_frame_equal(_rows(by_programme(left_at_once), "retention.baseline.programme"), programme)


def test_everybody_is_in_table_one_once():
    made, at = study()
    table = _rows(by_mentorship(made, at), "retention.baseline.mentorship")
    assert (table.loc[0, "n_mentored"], table.loc[0, "n_not_mentored"]) == tuple((at.rows["mentored"] == arm).sum() for arm in (1, 0))
    programme = _rows(by_programme(made), "retention.baseline.programme")
    groups = [name for name in programme if name.startswith("n_") and name != "n_all"]
    assert programme.loc[0, groups].sum() == len(made.episodes.persons)
    gender = programme[(programme["characteristic"] == "Gender") & (programme["level"] != "")]
    assert (gender[groups].sum() == programme.loc[0, groups]).all()
    persons, rollout = made.episodes.persons, made.cohort.table("rollout").set_index("dept_id")["active_from"]
    begins = pd.to_datetime(persons["dept_at_entry"].map(rollout))
    came = persons["hire"] + pd.to_timedelta(persons["entry"], unit="D")
    assert programme.loc[0, "n_live"] == (begins <= came).sum() and programme.loc[0, "n_never"] == begins.isna().sum()


def test_follow_up_counts_leavers_once_and_its_rates_are_theirs():
    made, _ = study()
    table = follow_up_table(made).frames["rows"].set_index("line")
    causes = [name for name in table.index if name.startswith("Left")]
    for arm in ("mentored", "not_mentored"):
        assert table.loc[causes, f"n_{arm}"].sum() == table.loc["All exits", f"n_{arm}"]
        rate = 100 * table.loc["All exits", f"n_{arm}"] / table.loc["Person-years", f"years_{arm}"]
        assert table.loc["All exits", f"rate_{arm}"] == pytest.approx(rate)
        assert table.loc["All exits", f"low_{arm}"] < rate < table.loc["All exits", f"high_{arm}"]
    total = table.loc["Person-years", ["years_mentored", "years_not_mentored"]].sum()
    assert total == pytest.approx(made.episodes.person_days / 365.25)
    foot = followed_by_arm(made).set_index("group")
    assert foot.loc["Mentored", "n"] == table.loc["People", "n_mentored"]


def test_crude_is_the_model_without_covariates_and_stands_beside_the_adjusted_one():
    made, _ = study()
    crude = crude_being_mentored(made).results
    assert [r.id for r in crude] == ["retention.being_mentored.crude"] and crude[0].rests_on
    again = cox(made.rows, start="start", stop="stop", event="event", covariates=["mentored"], strata="dept_id", cluster="dept_at_entry")
    assert crude[0].estimate.value == again.estimate.value and crude[0].estimate.n == made.persons
    adjusted = being_mentored(made).results
    table = crude_and_adjusted(made, [*adjusted, *crude])[0]
    row = table.frames["rows"].iloc[0]
    assert (row["crude"], row["adjusted"]) == (crude[0].estimate.value, adjusted[0].estimate.value)
    assert row["n"] == made.persons and row["n_events"] == made.leavers
    text = draw(table).model.text()
    assert not any(name in text.lower().split("adjusted: also")[0] for name in ("nurse", "newly qualified"))  # no ratio of a covariate
    assert crude_and_adjusted(made, []) == []


def test_a_model_that_rests_on_few_is_withheld_in_the_table_too():
    made, _ = study()
    results = [*being_mentored(made).results, *crude_being_mentored(made).results]
    few = [replace(r, rests_on=(5.0, 200.0, 100.0, 300.0)) if r.id.startswith("retention.being_mentored") else r for r in results]
    table = crude_and_adjusted(made, few)[0]
    shown, _ = protect([Answer("retention", "R", results=tuple(few), exhibits=(table,))], Rule())
    row = shown[0].exhibits[0].frames["rows"].iloc[0]
    assert all(pd.isna(row[name]) for name in ("crude", "crude_low", "adjusted", "adjusted_high"))


def test_departments_are_described_before_anybody_has_the_programme():
    made = incidents()
    table = _rows(before_any_programme(made), "incidents.baseline")
    first = made.rows["adopted"].min()
    before = made.rows[made.rows["period"] < first]
    waves = [name for name in table if name.startswith("n_wave")]
    assert table.loc[0, waves].sum() == made.rows["dept_id"].nunique() and table.loc[1, waves].sum() == len(before)
    harm = table[table["characteristic"].str.startswith("Incidents with harm")].iloc[0]
    mine = before[before["adopted"] == first]
    assert harm["middle_wave_1"] == pytest.approx(1000 * mine["harm"].sum() / mine["patient_days"].sum(), abs=0.005)
    # what happens once the programme is live says nothing of the time before
    later = made.rows.assign(harm=made.rows["harm"].where(made.rows["period"] < first, 99))
    pd.testing.assert_frame_equal(_rows(before_any_programme(replace(made, rows=later)), "incidents.baseline"), table)
    nobody = replace(made, rows=made.rows.assign(adopted=np.nan))
    assert not before_any_programme(nobody).exhibits and not observed_rates(nobody).exhibits


def test_observed_rates_add_up_and_withhold_what_rests_on_few():
    made = incidents()
    section = observed_rates(made)
    table = _rows(section, "incidents.rates")
    harm = table[table["outcome"] == "Incidents with harm"].set_index("when")
    years = [name for name in harm.index if name != "Whole time"]
    assert len(years) == 2 and (harm.loc[years, ["n_with", "n_without"]].sum() == harm.loc["Whole time", ["n_with", "n_without"]]).all()
    assert harm.loc["Whole time", ["n_with", "n_without"]].sum() == made.rows["harm"].sum()
    shown, _ = protect([Answer("incidents", "I", exhibits=tuple(section.exhibits))], Rule(int(harm["n_with"].min()) + 1))
    hidden = shown[0].exhibits[0].frames["rows"]
    withheld = hidden[hidden["n_with"].map(lambda value: isinstance(value, str))]
    assert len(withheld) and withheld[["rate_with", "low_with", "high_with"]].isna().all(axis=None)


def test_the_main_table_tells_the_results_and_goes_with_them():
    made = incidents()
    results = default_rates(made).results
    table = main_table(results, made.exposure_words, made.time_unit)[0]
    row = table.frames["rows"].iloc[0]
    ratio = next(r for r in results if r.id == "incidents.harm").estimate
    assert (row["ratio"], row["n_events"]) == (ratio.value, ratio.n_events) and row["expected"] * ratio.value == pytest.approx(ratio.n_events)
    shown, _ = protect([Answer("incidents", "I", results=tuple(results), exhibits=(table,))], Rule(int(ratio.n_events) + 1))
    hidden = shown[0].exhibits[0].frames["rows"].iloc[0]
    assert pd.isna(hidden["ratio"]) and pd.isna(hidden["expected"]) and isinstance(hidden["n_events"], str)


# -- limits of a rate whose events come in clusters ----------------------------------------------------------------------------


def test_cluster_limits_are_those_of_a_robust_poisson_model_of_a_constant():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    size = rng.uniform(50, 200, 14)
    events = rng.poisson(0.1 * size * rng.gamma(4, 0.25, 14)).astype(float)
    fit = sm.GLM(events, np.ones((14, 1)), family=sm.families.Poisson(), offset=np.log(size)).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(14), "use_correction": False}
    )
    se = float(fit.bse[0]) * math.sqrt(14 / 13)
    from scipy.special import stdtrit

    half = float(stdtrit(13, 0.975)) * se
    assert cluster_rate_limits(events, size) == pytest.approx([math.exp(fit.params[0] - half), math.exp(fit.params[0] + half)], rel=1e-6)


def test_cluster_limits_hold_where_exact_poisson_ones_do_not():
    """1,500 draws of 30 clusters whose rates differ: 95 % limits hold the mean rate about as often, those for one Poisson count do not."""
    rng = np.random.default_rng(5)
    size = np.full(30, 100.0)
    held = {"cluster": 0, "exact": 0}
    for _ in range(1500):
        events = rng.poisson(0.1 * size * rng.gamma(4, 0.25, 30))
        for name, (low, high) in (("cluster", cluster_rate_limits(events, size)), ("exact", poisson_limits(events.sum(), size.sum()))):
            held[name] += low <= 0.1 <= high
    assert 0.92 < held["cluster"] / 1500 < 0.97 and held["exact"] / 1500 < 0.85


def test_cluster_limits_without_events_or_with_few_clusters():
    none = cluster_rate_limits(np.zeros(8), np.full(8, 100.0))
    assert none[0] == 0 and none[1] == pytest.approx(3.6889 / 800, rel=1e-3)
    assert all(map(math.isnan, cluster_rate_limits(np.ones(8), np.array([1.0] * 5 + [0.0] * 3))))
    with pytest.raises(UsageError, match="negative"):
        cluster_rate_limits(np.array([-1.0]), np.array([1.0]))
