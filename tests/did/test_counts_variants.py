"""Refits by shared steps against plain fits, one at a time, on panels with every awkwardness."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.groups import find_waves
from mentorship_eval.did.counts.imputation import impute
from mentorship_eval.did.counts.one_by_one import refit_alone
from mentorship_eval.did.counts.placebo import arrange
from mentorship_eval.did.counts.replicates import full_sums, leave_one_out
from mentorship_eval.did.counts.support import structure
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.counts.variants import settle, shared_inverse
from mentorship_eval.did.counts.waves import calendar_groups, wave_groups, whole
from mentorship_eval.did.panels.panel import build_panel
from mentorship_eval.errors import EstimationError
from tests.did.panels import COLUMNS, simulated_panel

SEEDS = st.integers(0, 100_000)


def awkward(seed: int, *, clusters: bool, rate: float = 0.8) -> pd.DataFrame:
    """A panel of 12 units with singleton waves, rows missing, units without exposure for a while, and sites of one to four units."""
    random = np.random.default_rng(seed)
    frame = simulated_panel(units=12, periods=10, waves=(4, 5, 6, 8), never=int(random.integers(1, 5)), rate=rate, overdispersion=0.3, seed=seed)
    frame["site"] = frame["unit"].map(dict(zip(frame["unit"].unique(), random.integers(0, 6, 12), strict=True)))
    if clusters:
        frame["start"] = frame.groupby("site")["start"].transform("first")
    frame = frame[random.random(len(frame)) > 0.05]
    closed = random.random(len(frame)) < 0.05
    return frame.assign(days=frame["days"].mask(closed, 0), events=frame["events"].mask(closed, 0)).reset_index(drop=True)


@given(SEEDS, st.booleans(), st.sampled_from([0.25, 0.8, 4.0]))
@settings(deadline=None, max_examples=25)
def test_leaving_a_cluster_out_equals_a_plain_refit(seed, clusters, rate):
    frame = awkward(seed, clusters=clusters, rate=rate)
    panel = build_panel(frame, **COLUMNS, cluster="site" if clusters else None)
    targets = choose_targets(panel, min_controls=1)
    try:
        fit = impute(panel, targets.untreated)
    except EstimationError:
        return
    waves, cells = find_waves(panel), targets.target & np.isfinite(fit.expected)
    groups = [whole(waves, cells), wave_groups(waves, cells), calendar_groups(waves, cells)]
    found = leave_one_out(panel, waves, targets.untreated, cells, groups, fit)
    for g in range(len(panel.cluster_labels)):
        plain = refit_alone(panel, targets.untreated, panel.cluster != g, cells, fit)
        if plain is None:
            assert np.isnan(found[0].expected[g]).all()
            continue
        use = cells & plain[1]
        mean = np.where(use, plain[0], 0.0)
        assert found[0].expected[g, 0] == pytest.approx(mean.sum(), rel=1e-9, abs=1e-12)
        assert found[0].observed[g, 0] == panel.outcome[use].sum()
        assert found[0].exposure[g, 0] == pytest.approx(panel.exposure[use].sum(), abs=1e-6)
        for j, t in enumerate(groups[2].values):
            assert found[2].expected[g, j] == pytest.approx(mean[:, t].sum(), rel=1e-8, abs=1e-11)
        for j, v in enumerate(groups[1].values):
            assert found[1].observed[g, j] == panel.outcome[waves.members[v]][use[waves.members[v]]].sum()
    total = full_sums(panel, waves, fit.expected, cells, groups)
    assert total[1].expected.sum() == pytest.approx(total[0].expected.sum()) == pytest.approx(total[2].expected.sum())


@given(SEEDS, st.booleans(), st.sampled_from([0.4, 2.0]), st.integers(0, 2), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_a_permuted_assignment_equals_the_estimate_with_those_dates(seed, clusters, rate, anticipation, min_controls):
    frame = awkward(seed, clusters=clusters, rate=rate)
    options = {"anticipation": anticipation, "min_controls": min_controls, "cluster": "site" if clusters else None}
    panel = build_panel(frame, **COLUMNS, cluster=options["cluster"])
    try:
        fit = impute(panel, choose_targets(panel, anticipation=anticipation).untreated)
    except EstimationError:
        return
    arrangement = arrange(panel, fit, anticipation=anticipation, min_controls=min_controls)
    part, label = arrangement.panel, arrangement.labels.code[arrangement.first]
    random = np.random.default_rng(seed)
    codes = np.array([random.permutation(label) for _ in range(4)])
    dates = {code: part.adopted[arrangement.labels.code == code][0] for code in np.unique(arrangement.labels.code)}
    assert not arrangement.why
    for row, value in zip(codes, arrangement.statistic()(codes), strict=True):
        start = {unit: dates[row[c]] + 1 for unit, c in zip(part.units, part.cluster, strict=True)}
        moved = frame[frame["unit"].isin(part.units)]
        moved = moved.assign(start=moved["unit"].map(start).replace(np.inf, np.nan))
        try:
            plain = did.poisson_imputation(moved, **COLUMNS, permutations=0, tables=False, jackknife=False, **options).irr.value
        except EstimationError:
            assert not np.isfinite(value), "an assignment that cannot be estimated has no finite statistic"
            continue
        assert np.exp(value) == pytest.approx(plain, rel=5e-8)


def test_steps_settle_where_newton_does_and_say_when_they_do_not():
    random = np.random.default_rng(3)
    weights = random.gamma(2, 100, (9, 7))
    rows_of = random.poisson(weights / 60, (5, 9, 7)).astype(float)

    class Same:
        def __init__(self, events: np.ndarray) -> None:
            self.rows = events.sum(axis=2)

        def __call__(self, period: np.ndarray) -> np.ndarray:
            return period * ((self.rows / (period @ weights.T)) @ weights)

        def narrow(self, rows: np.ndarray) -> Same:
            new = Same(np.zeros((0, 9, 7)))
            new.rows = self.rows[rows]
            return new

    cols = rows_of.sum(axis=1)
    reference = newton(np.broadcast_to(weights, (5, 9, 7)), rows_of.sum(axis=2), cols, np.ones(7), tolerance=1e-12)
    product = np.ones((7, 7)) / 7  # a poor guess of the curvature costs steps, never the answer
    period, converged = settle(Same(rows_of), cols, np.ones(7), shared_inverse(product, np.ones(7)), tolerance=1e-11)
    assert converged.all()
    level = period.sum(axis=1) / reference.period.sum(axis=1)
    np.testing.assert_allclose(period / level[:, None], reference.period, rtol=1e-9)
    assert not settle(Same(rows_of), cols, np.full(7, 0.3) ** np.arange(7), shared_inverse(product, np.ones(7)), tolerance=1e-11, most=2)[1].any()


@given(SEEDS)
@settings(deadline=None, max_examples=30)
def test_the_quick_look_at_the_boundary_agrees_with_the_search(seed):
    random = np.random.default_rng(seed)
    untreated = np.arange(8)[None, :] < random.integers(2, 9, 6)[:, None]
    events = random.poisson(random.choice([0.3, 1.0]), untreated.shape).astype(float)
    quick = structure(events, untreated)
    import mentorship_eval.did.counts.support as support

    plain = support._tied_by_events
    try:
        support._tied_by_events = lambda *_: False
        searched = structure(events, untreated)
    finally:
        support._tied_by_events = plain
    np.testing.assert_array_equal(quick.kind, searched.kind)
    assert quick.simple == searched.simple
    if events[untreated].any():
        np.testing.assert_array_equal(quick.fitted, searched.fitted)


def test_a_refit_that_loses_the_only_link_loses_the_cells_behind_it():
    """A and B are seen early, C and D late, X throughout: without X nothing says what B, treated, was to expect late."""
    seen = {"A": (1, 2, 3), "B": (1, 2, 3, 5), "C": (4, 5, 6), "D": (4, 5, 6), "X": (1, 2, 3, 4, 5, 6)}
    rows = [(unit, period) for unit, periods in seen.items() for period in periods]
    frame = pd.DataFrame(rows, columns=["unit", "period"]).assign(days=100.0)
    frame["start"] = frame["unit"].map({"B": 3.0, "D": 6.0})
    frame["events"] = np.random.default_rng(4).poisson(4, len(frame)) + 1
    panel = build_panel(frame, **COLUMNS)
    targets = choose_targets(panel, min_controls=1)
    waves, fit = find_waves(panel), impute(panel, targets.untreated)
    assert [tuple(cell) for cell in np.argwhere(targets.target)] == [(1, 2), (1, 4), (3, 5)]
    found = leave_one_out(panel, waves, targets.untreated, targets.target, [calendar_groups(waves, targets.target)], fit)[0]
    without_x = dict(zip((3, 5, 6), found.observed[4], strict=True))
    observed = frame.set_index(["unit", "period"])["events"]
    assert without_x == {3: observed["B", 3], 5: 0, 6: observed["D", 6]} and found.expected[4, 1] == 0
    assert found.observed[0, 1] == observed["B", 5] and found.expected[0, 1] > 0
