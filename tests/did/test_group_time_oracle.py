"""Group-time effects against the plainest computation, refits, and values from a second implementation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from tests.did.scores import SCORES, plain_effects, score_panel


def _effects(result) -> dict[tuple[float, int], float]:
    return {(float(g), int(t)): att for g, t, att in zip(result.table["group"], result.table["time"], result.table["att"], strict=True)}


@pytest.mark.parametrize("never", [False, True])
@pytest.mark.parametrize("universal", [False, True])
@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize(("weights", "varying"), [(None, False), ("size", False), ("days", False), ("days", True)])
@pytest.mark.parametrize("holes", [False, True])
def test_effects_are_differences_of_means(never, universal, anticipation, weights, varying, holes):
    frame = score_panel(effect=1.0, seed=3)
    if holes:
        frame = frame.drop(index=frame.sample(25, random_state=1).index)
    result = did.callaway_santanna(
        frame, **SCORES, control="never_treated" if never else "not_yet_treated", base="universal" if universal else "varying",
        anticipation=anticipation, weights=weights, weighting="varying" if varying else "fixed",
    )
    expected = plain_effects(frame, never=never, universal=universal, weights=weights, varying=varying, anticipation=anticipation)
    ours = _effects(result)
    assert ours.keys() == expected.keys()
    for key, value in expected.items():
        assert ours[key] == pytest.approx(value, abs=1e-11)


@pytest.mark.parametrize("weights", [None, "size"])
def test_aggregates_average_the_effects_by_group_size(weights):
    frame = score_panel(units=31, waves=(3, 4, 7), effect=1.0, growth=0.3, seed=4)
    result = did.callaway_santanna(frame, **SCORES, weights=weights)
    units = frame.drop_duplicates("unit")
    size = units.groupby("start")[weights].sum() if weights else units.groupby("start").size()
    table = result.table.assign(size=result.table["group"].map(size).astype(float))
    post = table[table["event_time"] >= 0]

    def mean(rows: pd.DataFrame) -> float:
        return float(np.average(rows["att"], weights=rows["size"]))

    assert result.aggregate("simple").estimate.value == pytest.approx(mean(post))
    by_event = {e: mean(rows) for e, rows in table.groupby("event_time")}
    dynamic = result.aggregate("dynamic")
    assert dict(zip(dynamic.table["event_time"], dynamic.table["att"], strict=True)) == pytest.approx(by_event)
    assert dynamic.estimate.value == pytest.approx(np.mean([value for e, value in by_event.items() if e >= 0]))
    by_group = post.groupby("group")["att"].mean()
    assert result.aggregate("group").estimate.value == pytest.approx(np.average(by_group, weights=size[by_group.index]))
    by_time = {t: mean(rows) for t, rows in post.groupby("time")}
    assert result.aggregate("calendar").estimate.value == pytest.approx(np.mean(list(by_time.values())))

    short = result.aggregate("dynamic", min_e=-1, max_e=2).table
    assert list(short["event_time"]) == [-1, 0, 1, 2]
    assert result.aggregate("simple", max_e=1).estimate.value == pytest.approx(mean(post[post["event_time"] <= 1]))
    # balanced: the group that starts at 7 of 8 periods is seen one period after adoption and leaves with balance_e=2
    balanced = result.aggregate("dynamic", balance_e=2).table.set_index("event_time")["att"]
    kept = table[table["group"] <= 6]
    assert balanced[2] == pytest.approx(mean(kept[kept["event_time"] == 2]))
    assert balanced[0] == pytest.approx(mean(kept[kept["event_time"] == 0]))
    assert balanced.index.max() == 2


@pytest.mark.parametrize("weights", [None, "size"])
def test_influence_of_one_effect_is_the_textbook_variance(weights):
    """Two groups, two periods: the variance of a difference of weighted means."""
    frame = score_panel(units=40, periods=2, waves=(2,), effect=1.0, seed=5)
    result = did.callaway_santanna(frame, **SCORES, weights=weights)
    score, first = frame.set_index(["period", "unit"])["score"], frame.drop_duplicates("unit").set_index("unit")
    change = score.loc[2] - score.loc[1]
    w = first[weights] if weights else pd.Series(1.0, index=first.index)
    variance = 0.0
    for side in (first["start"].notna(), first["start"].isna()):
        centred = change[side] - np.average(change[side], weights=w[side])
        variance += ((w[side] * centred) ** 2).sum() / w[side].sum() ** 2
    assert result.table["se"].iloc[0] == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize("settings", [
    {}, {"weights": "size"}, {"weights": "days", "weighting": "varying"}, {"cluster": "ward"}, {"cluster": "ward", "base": "universal"},
    {"covariates": ["x"], "method": "reg", "cluster": "ward"}, {"covariates": ["x"], "method": "dr", "cluster": "ward"},
])
@pytest.mark.parametrize("holes", [False, True])
def test_jackknife_leaves_clusters_out_as_refits_do(settings, holes):
    frame = score_panel(units=24, periods=6, waves=(3, 5), effect=1.0, seed=6)
    if holes:
        frame = frame.drop(index=frame.sample(8, random_state=2).index)
    label = settings.get("cluster", "unit")
    full = did.callaway_santanna(frame, **SCORES, **settings)
    refits = [did.callaway_santanna(frame[frame[label] != one], **SCORES, **settings) for one in sorted(frame[label].unique())]
    count = len(refits)
    for kind in ("simple", "dynamic", "group", "calendar"):
        jackknife = full.aggregate(kind, variance="jackknife").estimate
        values = np.array([refit.aggregate(kind).estimate.value for refit in refits])
        expected = np.sqrt((count - 1) / count * ((values - jackknife.value) ** 2).sum())
        assert jackknife.se == pytest.approx(expected, rel=1e-8)
        assert jackknife.df == count - 1
    by_cell = did.callaway_santanna(frame, **SCORES, **settings, variance="jackknife")
    for row, se in enumerate(by_cell.table["se"]):
        values = np.array([refit.table["att"].iloc[row] for refit in refits])
        expected = np.sqrt((count - 1) / count * ((values - by_cell.table["att"].iloc[row]) ** 2).sum())
        assert (np.isnan(se) and expected < 1e-12) or se == pytest.approx(expected, rel=1e-8)


def test_clustered_errors_add_up_influence_within_clusters():
    """Copies of every unit in one cluster are one observation: the error is that of the units alone."""
    frame = score_panel(units=24, effect=1.0, seed=7).assign(whole=lambda d: d["unit"])
    twice = pd.concat([frame, frame.assign(unit=frame["unit"] + "b")], ignore_index=True)
    alone = did.callaway_santanna(frame, **SCORES)
    paired = did.callaway_santanna(twice, **SCORES, cluster="whole")
    naive = did.callaway_santanna(twice, **SCORES)
    np.testing.assert_allclose(paired.table["se"], alone.table["se"])
    np.testing.assert_allclose(naive.table["se"] * np.sqrt(2), alone.table["se"])
    for kind in ("simple", "dynamic", "group", "calendar"):
        assert paired.aggregate(kind).estimate.se == pytest.approx(alone.aggregate(kind).estimate.se)


# csdid 0.4.3 (a port of R did 2.5.1), att_gt(xformla="y~x+z", control_group, base_period, anticipation, weights_name, est_method), then aggte(...):
# simple, dynamic, group and calendar, value and standard error, on the panel below.
SECOND = {
    "dr|not_yet_treated|varying|0|": {
        "simple": (0.49231688903060467, 0.1788833727463847), "dynamic": (0.5072458399157611, 0.19071689317544033),
        "group": (0.5343164042329656, 0.1731831784826449), "calendar": (0.43716040797077743, 0.1789520559800445),
    },
    "dr|never_treated|universal|1|w": {
        "simple": (0.770965430069692, 0.1760313317642695), "dynamic": (0.7858984039717862, 0.18820019000115543),
        "group": (0.7356152907982241, 0.17471947255442424), "calendar": (0.7490118623437968, 0.17160330309953425),
    },
    "ipw|not_yet_treated|varying|1|w": {
        "simple": (0.748194586898734, 0.17483362604446032), "dynamic": (0.7732344666691116, 0.1858575588772489),
        "group": (0.7268757553770195, 0.17902245959672797), "calendar": (0.7058158188520149, 0.16672053567875378),
    },
    "ipw|never_treated|varying|0|": {
        "simple": (0.5189149691764596, 0.20326896348552387), "dynamic": (0.525427693220094, 0.21494490601568578),
        "group": (0.551947891895205, 0.18510235752621035), "calendar": (0.47860420698616063, 0.20909050624994302),
    },
    "reg|not_yet_treated|varying|0|w": {
        "simple": (0.5026476536386407, 0.1827882386414745), "dynamic": (0.5235695744086326, 0.19811624226562416),
        "group": (0.5241891808591889, 0.17859129650901792), "calendar": (0.45400308113115895, 0.18462141500886844),
    },
    "reg|never_treated|universal|0|": {
        "simple": (0.5054061510123506, 0.19979036260851393), "dynamic": (0.5165408517078717, 0.21078578543098248),
        "group": (0.5422486157790729, 0.18199806033553162), "calendar": (0.46723769118895825, 0.2047085866659592),
    },
}


@pytest.mark.parametrize("case", SECOND)
def test_covariates_and_weights_equal_a_second_implementation(case):
    method, control, base, anticipation, weights = case.split("|")
    result = did.callaway_santanna(
        covariate_panel(), outcome="y", unit="u", time="t", adopted="g", covariates=["x", "z"], method=method, control=control, base=base,
        anticipation=int(anticipation), weights=weights or None,
    )
    for kind, (value, se) in SECOND[case].items():
        estimate = result.aggregate(kind).estimate
        assert estimate.value == pytest.approx(value, rel=1e-8)
        assert estimate.se == pytest.approx(se, rel=1e-8)


def covariate_panel() -> pd.DataFrame:
    """160 units, 8 periods; a covariate that changes over time, one that does not, weights."""
    random = np.random.default_rng(5)
    units, periods = 160, 8
    start = random.choice([0, 4, 5, 7], units, p=[0.3, 0.25, 0.25, 0.2])
    trait = random.normal(size=units) + 0.4 * (start > 0)
    u, t, g = np.repeat(np.arange(units), periods), np.tile(np.arange(1, periods + 1), units), np.repeat(start, periods)
    x = np.repeat(trait, periods) + 0.3 * random.normal(size=units * periods)
    z = np.repeat(random.normal(size=units), periods)
    w = np.repeat(random.uniform(0.5, 3, units), periods)
    random.uniform(0.8, 1.2, units * periods)
    level = np.repeat(random.normal(size=units), periods)
    y = level + 0.2 * t * np.repeat(trait, periods) + random.normal(size=units * periods) + 0.5 * ((g > 0) & (t >= g))
    return pd.DataFrame({"u": u, "t": t, "g": np.where(g > 0, g, np.nan), "x": x, "z": z, "w": w, "y": y})
