"""What two-way fixed effects cannot answer, and what they say beside an answer."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.panels import COLUMNS, simulated_panel

SCORES = {key: COLUMNS[key] for key in ("unit", "time", "adopted")} | {"outcome": "score"}


@pytest.fixture
def frame():
    made = simulated_panel(units=16, periods=8, waves=(4, 6), never=4, rate=4, seed=1)
    return made.assign(score=np.random.default_rng(0).normal(size=len(made)))


def codes(result):
    return {caution.code for caution in result.warnings}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either count"), ({"count": "events", "exposure": "days", "outcome": "score"}, "either count"), ({"count": "events"}, "no exposure"),
        ({"outcome": "score", "exposure": "days"}, "belongs to a count"),
        ({"count": "events", "exposure": "days", "weights": "days"}, "weighted by their exposure"),
        ({"outcome": "score", "variance": "HC3"}, "CR1, CR2, CR3"), ({"outcome": "score", "wild": -1}, "wild"),
        ({"outcome": "score", "wild": 9, "wild_weights": "mammen"}, "mammen"), ({"outcome": "score", "ci_level": 95}, "ci_level"),
        ({"outcome": "scores"}, "Did you mean 'score'"),
    ],
)
def test_wrong_use(frame, options, words):
    with pytest.raises(UsageError, match=words):
        did.twfe(frame, unit="unit", time="period", adopted="start", **options)


def test_nothing_to_compare(frame):
    for columns in (SCORES, COLUMNS):
        with pytest.raises(EstimationError, match="No unit is treated"):
            did.twfe(frame.assign(start=np.nan), **columns)
        with pytest.raises(EstimationError, match="No unit has an untreated period"):
            did.twfe(frame.assign(start=1.0), **columns)
        with pytest.raises(EstimationError, match="no unit is treated while another is not"):
            did.twfe(frame.assign(start=5.0), **columns)


def test_counts_that_leave_no_finite_ratio(frame):
    treated = frame["period"] >= frame["start"]
    with pytest.raises(EstimationError, match="No event was counted at all"):
        did.twfe(frame.assign(events=0), **COLUMNS)
    with pytest.raises(EstimationError, match="No event was counted in any treated cell"):
        did.twfe(frame.assign(events=frame["events"].mask(treated, 0)), **COLUMNS)
    with pytest.raises(EstimationError, match="does not converge"):
        did.twfe(frame.assign(events=frame["events"].where(treated, 0)), **COLUMNS)


def test_collinear_covariates(frame):
    random = np.random.default_rng(0).normal(size=len(frame))
    for columns in (SCORES, COLUMNS):
        with pytest.raises(EstimationError, match="beds is collinear"):
            did.twfe(frame.assign(beds=frame["unit"].str[1:].astype(float)), **columns, covariates=["beds"])
        with pytest.raises(EstimationError, match="twin is collinear"):
            did.twfe(frame.assign(acuity=random, twin=2 * random), **columns, covariates=["acuity", "twin"])
        treated = (frame["period"] >= frame["start"]).astype(float)
        with pytest.raises(EstimationError, match="hold the treatment"):
            did.twfe(frame.assign(active=treated), **columns, covariates=["active"])


def test_bad_rows_are_named_in_the_words_of_the_panel(frame):
    with pytest.raises(EstimationError, match="'score' is missing") as caught:
        did.twfe(frame.assign(score=frame["score"].where(frame.index != 13)), **SCORES)
    assert caught.value.rows == (13,)
    with pytest.raises(EstimationError, match="Leave it missing"):
        did.twfe(frame.assign(start=frame["start"].fillna(0)), **SCORES)


@pytest.mark.parametrize("columns", [SCORES, COLUMNS], ids=["scores", "counts"])
def test_few_treated_units_get_no_t_interval(frame, columns):
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    few = frame.assign(start=frame["start"].where(frame["unit"].isin(treated[:4])))
    result = did.twfe(few, **columns, wild=99)
    assert "few_treated" in codes(result) and np.isnan([result.estimate.ci_low, result.estimate.p_value]).all()
    assert np.isfinite(result.estimate.se) and np.isfinite(result.wild.p_value)
    one = did.twfe(frame.assign(start=frame["start"].where(frame["unit"] == treated[0])), **columns, wild=99, variance="CR3")
    assert "one_treated" in codes(one) and one.wild is None and np.isnan(one.estimate.p_value)
    assert "no interval is given" in one.statement()


def test_a_cluster_without_which_there_is_no_estimate(frame):
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    one = did.twfe(frame.assign(start=frame["start"].where(frame["unit"] == treated[0])), **SCORES, variance="CR3")
    caution = next(caution for caution in one.warnings if caution.code == "no_estimate_without")
    assert caution.data["clusters"] == [treated[0]]
    assert one.clusters.set_index("cluster")["estimate_without"].isna().sum() == 1


def test_always_and_late_adopters_and_gaps_are_listed(frame):
    first, second = frame.loc[frame["start"].notna(), "unit"].unique()[:2]
    changed = frame.assign(start=frame["start"].mask(frame["unit"] == first, 1.0).mask(frame["unit"] == second, 20.0)).drop(index=[3])
    for columns in (SCORES, COLUMNS):
        result = did.twfe(changed, **columns)
        told = {caution.code: caution.data for caution in result.warnings}
        assert told["always_treated"]["units"] == [first] and told["adopts_later"]["units"] == [second]
        assert told["missing_cells"]["cells"] == [f"{frame.loc[3, 'unit']} in {frame.loc[3, 'period']}"]
        assert "cr1_few_clusters" in told


def test_rows_of_weight_zero_are_not_in_the_fit(frame):
    one = frame.loc[0, "unit"]
    weighted = frame.assign(w=np.where(frame["unit"] == one, 0.0, 1.0))
    for variance in ("CR1", "CR2", "CR3"):
        a = did.twfe(weighted, **SCORES, weights="w", variance=variance, wild=99)
        b = did.twfe(frame[frame["unit"] != one], **SCORES, variance=variance, wild=99)
        assert (a.estimate.value, a.estimate.se, a.estimate.df, a.estimate.n_clusters, a.wild.p_value) == pytest.approx(
            (b.estimate.value, b.estimate.se, b.estimate.df, b.estimate.n_clusters, b.wild.p_value), rel=1e-9)


def test_an_interval_without_an_end_is_said(frame):
    few = frame.assign(site=frame["unit"].str[1:].astype(int) % 5)
    result = did.twfe(few, **SCORES, cluster="site", wild=99, wild_weights="rademacher")
    assert {"coarse_bootstrap", "unbounded_interval", "few_clusters"} <= codes(result)
    assert result.wild_interval == (-np.inf, np.inf)
