"""Fine-Gray, Gray's test and the variance of cumulative incidences: against R, by definition, and under the null."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from tests.survival.reference import CLOSED_FORM, real_case, reference, survival_data
from tests.survival.test_properties import sample, split

CRR = 1e-5
COVARIATES = ["age", "male", "mspike"]
AS_CRR = {"ties": "breslow", "censoring": "with_events"}
SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=20, deadline=None, derandomize=True)


def made() -> pd.DataFrame:
    """90 people with delayed entry, ties, three groups and 11 sites; the R calls below use the same formulas."""
    i = np.arange(90)
    start = np.where(i % 3 == 0, (i * 7) % 6, 0)
    return pd.DataFrame({
        "start": start, "stop": start + 1 + (i * 29) % 13, "cause": (i * 17 + i // 7) % 3, "x": ((i * 37) % 20) / 10 - 1,
        "z": ((i * 11) % 7 < 3).astype(int), "site": (i * 13) % 11, "id": i, "g": (i * 5) % 3, "s": (i * 3) % 2, "w": 1 + (i % 4) / 2,
    })


CALL = {"start": "start", "stop": "stop", "cause": "cause", "of": 1, "covariates": ["x", "z"]}


@pytest.mark.parametrize(("of", "model", "robust"), [(1, "finegray_pcm", "finegray_pcm_robust"), (2, None, "finegray_death")])
def test_fine_gray_is_cox_on_expanded_data(of: int, model: str | None, robust: str) -> None:
    wanted = reference("mgus2", robust)
    fit = survival.fine_gray(survival_data("mgus2_cc"), stop="etime", cause="ev", of=of, covariates=COVARIATES)
    assert_allclose(fit.table["coef"], list(wanted["coef"].values()), rtol=CLOSED_FORM)
    assert_allclose(fit.table["robust_se"], list(wanted["se"].values()), rtol=CLOSED_FORM)
    assert_allclose(fit.table["se"], list(wanted["naive_se"].values()), rtol=CLOSED_FORM)
    assert_allclose(fit.loglik, wanted["loglik"], rtol=CLOSED_FORM)
    assert fit.n_events == wanted["nevent"]
    assert fit.decrement < 1e-10
    if model:  # the naive variance there is a sandwich by row of the expanded data, which is no variance of anything here
        assert_allclose(fit.table["coef"], list(reference("mgus2", model)["coef"].values()), rtol=CLOSED_FORM)


@pytest.mark.parametrize(("of", "name"), [(1, "crr_pcm"), (2, "crr_death")])
def test_fine_gray_against_cmprsk(of: int, name: str) -> None:
    wanted = reference("mgus2", name)
    fit = survival.fine_gray(survival_data("mgus2_cc"), stop="etime", cause="ev", of=of, covariates=COVARIATES, **AS_CRR)
    assert fit.variance == "fine-gray"
    assert_allclose(fit.table["coef"], wanted["coef"], rtol=CRR)
    assert_allclose(fit.table["interval_se"], wanted["se"], rtol=CRR)
    if "loglik" in wanted:
        assert_allclose(fit.loglik[1], wanted["loglik"], rtol=1e-10)


def test_fine_gray_on_the_raw_file() -> None:
    from tests.shared_data import shared_data

    data = pd.read_csv(shared_data("competing_risks/mgus2.csv"))
    data["time"] = np.where(data["pstat"] == 0, data["futime"], data["ptime"])
    data["ended"] = np.where(data["pstat"] == 0, np.where(data["death"] == 1, "death", ""), "pcm")
    data["male"] = (data["sex"] == "M").astype(int)
    wanted = real_case("mgus2_finegray")
    call = {"stop": "time", "cause": "ended", "of": "pcm", "covariates": ["age", "male"]}
    fit = survival.fine_gray(data, **call, **AS_CRR)
    table = fit.table.set_index("term")
    for term, row in wanted["finegray"].items():
        assert_allclose(table.loc[term, ["coef", "interval_se"]].astype(float), [row["coef"], row["se"]], rtol=CRR)
    assert (fit.n, fit.n_events, fit.n_competing) == (wanted["n"], wanted["counts"]["pcm"], wanted["counts"]["death"])
    # another convention for ties between events and censoring, another treatment of ties: close, not equal
    assert_allclose(survival.fine_gray(data, **call).table["coef"], fit.table["coef"], rtol=0.01)
    curve = survival.aalen_johansen(data, stop="time", cause="ended", by="sex")
    for row in wanted["aj"]:
        ours = curve.at(row["time"]).set_index(["by", "cause"])["cif"]
        sex = row["strata"][-1]
        assert_allclose([ours[sex, "pcm"], ours[sex, "death"]], [row["pcm"], row["death"]], rtol=1e-10)


# m <- coxph(Surv(fgstart, fgstop, fgstatus) ~ x + z, finegray(Surv(start, stop, factor(cause, 0:2)) ~ ., d, id=id, etype="1"),
#            weights=fgwt, ties=ties, cluster=site); coef(m), sqrt(diag(m$naive.var)), sqrt(diag(m$var)), m$loglik
EXPANDED = {
    "efron": [-0.304996412022456, 0.159221140012331, 0.35249607545247, 0.394884093860656, 0.350248331171551, 0.173366794146309,
              -101.164972799213, -100.67139874405],
    "breslow": [-0.30227510991805, 0.159748159633808, 0.352147717115317, 0.394887276240897, 0.34591427912678, 0.171545449380902,
                -101.470160197327, -100.981696334014],
}


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray_with_delayed_entry_and_clusters(ties: str) -> None:
    fit = survival.fine_gray(made(), **CALL, cluster="site", ties=ties, variance="robust")
    ours = [*fit.table["coef"], *fit.table["se"], *fit.table["robust_se"], *fit.loglik]
    assert_allclose(ours, EXPANDED[ties], rtol=CLOSED_FORM)
    assert_allclose(fit.table["interval_se"], fit.table["robust_se"])


def test_fine_gray_against_cmprsk_with_ties() -> None:
    """crr(d$stop - d$start, d$cause, cbind(d$x, d$z), failcode=2, gtol=1e-13)"""
    data = made()
    data["time"] = data["stop"] - data["start"]
    fit = survival.fine_gray(data, stop="time", cause="cause", of=2, covariates=["x", "z"], **AS_CRR)
    assert_allclose(fit.table["coef"], [0.0123692374195968, 0.197957918272847], rtol=1e-7)
    assert_allclose(fit.table["interval_se"], [0.330756563673599, 0.379227831605534], rtol=1e-7)


def test_the_default_variance_is_the_infinitesimal_jackknife() -> None:
    """Derivatives of the coefficients with respect to each row's weight, censoring and entry weights re-estimated."""
    data = made()
    data["w"] = 1.0
    step = 1e-4

    def coef(row: int, by: float) -> np.ndarray:
        moved = data.copy()
        moved.loc[row, "w"] += by
        return survival.fine_gray(moved, **CALL, weights="w", ties="breslow", variance="model").table["coef"].to_numpy()

    influence = np.array([(coef(row, step) - coef(row, -step)) / (2 * step) for row in range(len(data))])
    fit = survival.fine_gray(data, **CALL, ties="breslow")
    assert_allclose(fit.covariance, influence.T @ influence, rtol=1e-5)
    by_site = pd.DataFrame(influence).groupby(data["site"]).sum().to_numpy()
    clustered = survival.fine_gray(data, **CALL, ties="breslow", cluster="site", variance="cluster")
    assert_allclose(clustered.covariance, by_site.T @ by_site, rtol=1e-5)
    assert clustered.estimate.df == 10
    assert clustered.estimate.n_clusters == 11


def test_few_clusters_take_the_jackknife() -> None:
    data = made()
    fit = survival.fine_gray(data, **CALL, cluster="site")
    assert fit.variance == "jackknife"
    refits = np.array([
        survival.fine_gray(data[data["site"] != site], **CALL).table["coef"].to_numpy() for site in sorted(data["site"].unique())
    ])
    away = refits - fit.table["coef"].to_numpy()
    assert_allclose(fit.covariance, 10 / 11 * away.T @ away, rtol=1e-6)
    assert_allclose(fit.cluster_shares["x"], away[:, 0] ** 2 / (away[:, 0] ** 2).sum(), rtol=1e-6)
    assert fit.estimate.df == 10
    assert "jackknife" in fit.statement()


def usable(data: pd.DataFrame, **call: object) -> survival.FineGray:
    try:
        return survival.fine_gray(data, **{**CALL, "covariates": ["arm", "x"], **call})
    except (EstimationError, UsageError):
        assume(False)
        raise


@given(SEEDS, st.sampled_from(["efron", "breslow"]), st.booleans())
@QUICK
def test_without_competing_events_it_is_cox(seed: int, ties: str, entry: bool) -> None:
    data = sample(seed, entry=entry)
    data["cause"] = data["event"]
    fit = usable(data, ties=ties)
    cox = survival.cox(data, start="start", stop="stop", event="event", covariates=["arm", "x"], ties=ties, variance="robust")
    for column in ("coef", "se", "robust_se"):
        assert_allclose(fit.table[column], cox.table[column], rtol=1e-7, atol=1e-10)
    # the weights then matter to nobody, nor does their estimation
    assert_allclose(fit.table["interval_se"], cox.table["robust_se"], rtol=1e-7)
    assert fit.warnings[0].code == "no_competing_events"


@given(SEEDS, st.sampled_from(["efron", "breslow"]), st.sampled_from(["after_events", "with_events"]))
@QUICK
def test_rows_in_any_order_split_or_not(seed: int, ties: str, censoring: str) -> None:
    data = sample(seed).assign(id=lambda frame: np.arange(len(frame)))
    options = {"ties": ties, "censoring": censoring, "id": "id"}
    one = usable(data, **options)
    for other in (data.sample(frac=1, random_state=seed % 1000), split(data, seed)):
        again = usable(other, **options)
        for column in ("coef", "se", "robust_se", "interval_se"):
            assert_allclose(again.table[column], one.table[column], rtol=1e-7, atol=1e-9)


@given(SEEDS)
@QUICK
def test_a_weight_of_two_is_the_row_twice(seed: int) -> None:
    data = sample(seed)
    data["w"] = 1 + data["unit"] % 2
    doubled = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    one, other = usable(data, weights="w", ties="breslow"), usable(doubled, ties="breslow")
    assert_allclose(one.table["coef"], other.table["coef"], rtol=1e-8, atol=1e-10)
    assert_allclose(one.table["se"], other.table["se"], rtol=1e-8)


def null_data(rng: np.random.Generator, clusters: int = 0, n: int = 150) -> pd.DataFrame:
    """Two competing exits and censoring that do not know the arm; with ``clusters`` both differ between them."""
    unit = rng.integers(0, clusters, n) if clusters else np.arange(n)
    rates = np.exp(rng.normal(0, 0.9, clusters))[unit] if clusters else np.ones(n)
    arm = (rng.random(clusters) < 0.5)[unit] if clusters else rng.random(n) < 0.5
    first, second, end = rng.exponential(10 / rates), rng.exponential(14, n), rng.uniform(2, 12, n)
    time = np.minimum(np.minimum(first, second), end)
    cause = np.where(time == end, 0, np.where(time == first, 1, 2))
    return pd.DataFrame({"stop": np.ceil(4 * time), "cause": cause, "arm": arm.astype(int), "unit": unit})


def test_size_of_the_tests_under_the_null() -> None:
    """300 trials without any effect: 99.9 % of binomial counts at 5 % lie from 4 to 28."""
    rng = np.random.default_rng(20)
    rejected = np.zeros(2)
    for _ in range(300):
        data = null_data(rng)
        fit = survival.fine_gray(data, stop="stop", cause="cause", of=1, covariates=["arm"])
        gray = survival.gray_test(data, stop="stop", cause="cause", by="arm")
        rejected += [fit.estimate.p_value < 0.05, gray.table["p"][0] < 0.05]
    assert ((rejected > 3) & (rejected < 29)).all(), rejected


def test_clusters_are_heeded_under_the_null() -> None:
    """Whole clusters share an arm and differ in their rates: by row the test rejects far too often, by cluster it does not."""
    rng = np.random.default_rng(7)
    by_row = by_cluster = 0
    for _ in range(40):
        data = null_data(rng, clusters=16)
        if data["arm"].nunique() < 2 or data.groupby("arm")["unit"].nunique().min() < 3:
            continue
        call = {"stop": "stop", "cause": "cause", "of": 1, "covariates": ["arm"]}
        by_row += survival.fine_gray(data, **call).estimate.p_value < 0.05
        by_cluster += survival.fine_gray(data, **call, cluster="unit").estimate.p_value < 0.05
    assert by_cluster <= 5, (by_row, by_cluster)
    assert by_row >= 8, (by_row, by_cluster)


def test_an_effect_is_found() -> None:
    rng = np.random.default_rng(3)
    n = 4000
    arm = rng.integers(0, 2, n)
    # Fine & Gray's own design: the subdistribution hazard of cause 1 is proportional with ratio exp(0.7)
    p, ratio = 0.4, np.exp(0.7 * arm)
    first = rng.random(n) < 1 - (1 - p) ** ratio
    u = rng.random(n)
    inside = 1 - (1 - u * (1 - (1 - p) ** ratio)) ** (1 / ratio)
    time = np.where(first, -np.log(1 - inside / p), rng.exponential(1, n))
    end = rng.uniform(0.3, 3, n)
    data = pd.DataFrame({"arm": arm, "stop": np.minimum(time, end), "cause": np.where(time > end, 0, np.where(first, 1, 2))})
    fit = survival.fine_gray(data, stop="stop", cause="cause", of=1, covariates=["arm"])
    assert abs(fit.table["coef"][0] - 0.7) < 3 * fit.estimate.se
    assert fit.estimate.se < 0.08
    assert fit.estimate.p_value < 1e-8


@pytest.mark.parametrize(("change", "message"), [
    ({"of": 9}, "Nobody had the event 9"),
    ({"variance": "cluster"}, "needs cluster="),
    ({"variance": "guess"}, "no variance 'guess'"),
    ({"censoring": "before"}, "no censoring 'before'"),
    ({"ties": "exact"}, "no way 'exact'"),
    ({"covariates": []}, "No covariates"),
    ({"covariates": ["x", "x2"]}, "linear combination"),
    ({"covariates": ["one"]}, "every row"),
    ({"covariates": ["nobody"]}, "No column 'nobody'"),
    ({"cause": "none"}, "every row is censored"),
    ({"covariates": ["never"]}, "no finite estimate"),
    ({"ci_level": 95}, "ci_level is 95"),
])
def test_fine_gray_refuses(change: dict, message: str) -> None:
    data = made()
    data["x2"], data["one"], data["none"] = 2 * data["x"], 1, 0
    data["never"] = np.where(data["cause"] == 1, 0, np.arange(len(data)) % 2)
    with pytest.raises((UsageError, EstimationError), match=message):
        survival.fine_gray(data, **{**CALL, **change})


def test_rows_of_a_person_must_follow_each_other() -> None:
    rows = [(0, 2, 0, 0), (2, 5, 1, 0), (0, 3, 2, 1), (0, 4, 1, 2), (0, 6, 0, 3)]
    data = pd.DataFrame(rows, columns=["start", "stop", "cause", "id"]).assign(x=[0.0, 0.5, 1, 2, 0])
    call = {**CALL, "covariates": ["x"], "id": "id"}
    survival.fine_gray(data, **call)
    with pytest.raises(EstimationError, match=r"overlap or leave a gap before 1 rows \(1\)"):
        survival.fine_gray(data.replace({"start": {2: 3}}), **call)
    with pytest.raises(EstimationError, match="rows after an event") as raised:
        survival.fine_gray(data.assign(cause=[2, 1, 2, 1, 0]), **call)
    assert raised.value.rows == (0,)
    with pytest.raises(EstimationError, match="more than one 'site'"):
        survival.fine_gray(data.assign(site=[0, 1, 0, 1, 1]), **call, cluster="site")


def test_a_gap_that_weights_cannot_cross_is_refused() -> None:
    data = pd.DataFrame({"start": [0, 0, 0, 5, 5, 5], "stop": [1, 2, 3, 6, 7, 8], "cause": [2, 1, 0, 1, 0, 1], "x": [0, 1, 0, 0.2, 1, 0.1]})
    with pytest.raises(EstimationError, match=r"At 5 nobody is left .* Analyse from 5 on"):
        survival.fine_gray(data, **{**CALL, "covariates": ["x"]})
    survival.fine_gray(data[data["start"] == 5], **{**CALL, "covariates": ["x"]})


# Gray's test


@pytest.mark.parametrize(("name", "call", "path"), [
    ("mgus2", {"stop": "etime", "by": "sex"}, ("mgus2", "cuminc", "gray")),
    ("mgus2", {"stop": "etime", "by": "sex", "strata": "old"}, ("mgus2", "gray_strat_age70")),
    ("pbc", {"stop": "time", "by": "trt"}, ("pbc", "cuminc", "gray")),
])
def test_gray(name: str, call: dict, path: tuple[str, ...]) -> None:
    data = survival_data(name).assign(old=lambda frame: frame["age"] > 70)
    table = survival.gray_test(data, **call, cause="ev").table
    assert list(table["cause"]) == [1, 2]
    assert_allclose(table[["chisq", "p", "df"]], reference(*path), rtol=CLOSED_FORM)


@pytest.mark.parametrize(("rho", "plain", "stratified"), [
    (0, [0.266355032492519, 0.372853413518356], [0.281891089498327, 0.352253906253321]),
    (1, [0.388773068831371, 0.261960835441796], [0.392300545803777, 0.238736048010691]),
])
def test_gray_with_three_groups_and_ties(rho: float, plain: list[float], stratified: list[float]) -> None:
    """cuminc(d$stop - d$start, d$cause, d$g, d$s, rho=rho)$Tests[, 1]"""
    data = made().assign(time=lambda frame: frame["stop"] - frame["start"])
    for strata, wanted in ((None, plain), ("s", stratified)):
        found = survival.gray_test(data, stop="time", cause="cause", by="g", strata=strata, rho=rho)
        assert_allclose(found.table["chisq"], wanted, rtol=CLOSED_FORM)
        assert (found.table["df"] == 2).all()
        assert_allclose(found.groups.groupby("cause")["score"].sum(), 0, atol=1e-12)


@given(SEEDS)
@QUICK
def test_gray_does_not_care_about_order_or_names(seed: int) -> None:
    data = sample(seed, entry=False)
    assume(data["arm"].nunique() == 2 and (data["cause"] > 0).any())
    call = {"stop": "stop", "cause": "cause", "by": "arm"}
    one = survival.gray_test(data, **call).table
    other = survival.gray_test(data.sample(frac=1, random_state=seed % 1000).assign(arm=lambda frame: 1 - frame["arm"]), **call).table
    assert_allclose(one["chisq"], other["chisq"], rtol=1e-8, atol=1e-12)


def test_gray_without_competing_events_is_nearly_the_logrank_test() -> None:
    """The scores are the same; the variances are two estimates of one thing."""
    data = null_data(np.random.default_rng(1), n=800).assign(event=lambda frame: (frame["cause"] == 1).astype(int))
    gray = survival.gray_test(data, stop="stop", cause="event", by="arm")
    logrank = survival.logrank(data, stop="stop", event="event", by="arm")
    assert_allclose(gray.groups["score"], logrank.table["observed"] - logrank.table["expected"], rtol=1e-9)
    assert_allclose(gray.table["chisq"], logrank.statistic, rtol=0.02)


@pytest.mark.parametrize(("change", "message"), [
    ({"by": "one"}, "nothing to compare"), ({"cause": "none"}, "censored"), ({"by": "nobody"}, "No column"), ({"rho": np.nan}, "rho is nan"),
])
def test_gray_refuses(change: dict, message: str) -> None:
    data = made().assign(one=1, none=0)
    with pytest.raises((UsageError, EstimationError), match=message):
        survival.gray_test(data, **{"stop": "stop", "cause": "cause", "by": "g", **change})


# The variance of cumulative incidences


@pytest.mark.parametrize(("weights", "cif", "se"), [
    (None, [[0.0692753623188406, 0.144368089927639, 0.268266788284697], [0.0555072463768116, 0.155793746962135, 0.266779306789001]],
     [[0.0299228120335229, 0.0402331776667937, 0.0532225375284774], [0.0269913170212402, 0.0414318954407039, 0.053231786739275]]),
    ("w", [[0.0611357164212102, 0.148277222674549, 0.256504495201816], [0.0654463563414181, 0.155949296971443, 0.286139290029107]],
     [[0.0271674466592982, 0.0424990087731438, 0.0532049994207037], [0.0315854462937436, 0.0436302427487793, 0.0582683815406763]]),
])
def test_incidence_with_weights_and_delayed_entry(weights: str | None, cif: list, se: list) -> None:
    """summary(survfit(Surv(start, stop, factor(cause, 0:2)) ~ 1, d, id=id, weights=w), times=c(3, 6, 10))

    survival 3.5-3 gives the same with cluster=site, which it does not heed here: clusters are tested below.
    """
    curve = survival.aalen_johansen(made(), start="start", stop="stop", cause="cause", weights=weights).at([3, 6, 10])
    assert_allclose(curve["cif"].to_numpy().reshape(2, 3), cif, rtol=CLOSED_FORM)
    assert_allclose(curve["se"].to_numpy().reshape(2, 3), se, rtol=CLOSED_FORM)


def test_incidence_by_cluster_with_one_cause_is_that_of_the_survival() -> None:
    wanted = reference("lung", "km_cluster_inst")
    data = survival_data("lung").dropna(subset=["inst"])
    curve = survival.aalen_johansen(data, stop="time", cause="event", by="sex", cluster="inst")
    for table, column in ((curve.at([180, 365, 730]), "cif"), (curve.event_free_at([180, 365, 730]), "probability")):
        value = 1 - table[column] if column == "cif" else table[column]
        assert_allclose(value, wanted["surv"], rtol=CLOSED_FORM)
        assert_allclose(table["se"], wanted["se"], rtol=CLOSED_FORM)


@given(SEEDS, st.booleans(), st.booleans())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_incidence_variance_by_definition(seed: int, entry: bool, clustered: bool) -> None:
    """Sums of squared derivatives with respect to the weight of each row, or of all rows of a cluster."""
    data = sample(seed, n=20, entry=entry)
    assume((data["cause"] > 0).any())
    call = {"start": "start", "stop": "stop", "cause": "cause", "weights": "w"}
    curve = survival.aalen_johansen(data, **call, cluster="unit" if clustered else None)
    total, free, step = 0.0, 0.0, 1e-4
    for _, rows in data.groupby("unit" if clustered else np.arange(len(data))):
        ends = []
        for sign in (1, -1):
            moved = data.copy()
            moved.loc[rows.index, "w"] *= 1 + sign * step
            ends.append(survival.aalen_johansen(moved, **call))
        total += ((ends[0].table["cif"] - ends[1].table["cif"]) / (2 * step)) ** 2
        free += ((ends[0].event_free["probability"] - ends[1].event_free["probability"]) / (2 * step)) ** 2
    assert_allclose(curve.table["se"] ** 2, total, rtol=1e-5, atol=1e-12)
    alive = curve.event_free["probability"] > 0
    assert_allclose(curve.event_free["se"][alive] ** 2, free[alive], rtol=1e-5, atol=1e-12)


def test_few_at_risk_in_the_beginning_do_not_cost_digits() -> None:
    """Sums of squares of running sums: the first five leave a huge influence behind for some thousand who enter after them."""
    rng = np.random.default_rng(5)
    n = 3000
    stop = np.ceil(rng.exponential(300, n)) + 30
    start = np.minimum(np.floor(stop * rng.random(n)), stop - 1).clip(20)
    start[:8], stop[:8] = 0, [1, 2, 3, 4, 5, 60, 70, 80]
    cause = rng.integers(0, 3, n)
    cause[:5] = 1
    data = pd.DataFrame({"start": start, "stop": stop, "cause": cause, "id": np.arange(n)})
    call = {"start": "start", "stop": "stop", "cause": "cause"}
    by_row = survival.aalen_johansen(data, **call).table
    # the same rows as clusters of one each, in another order of summation
    by_unit = survival.aalen_johansen(data, **call, cluster="id").table
    assert_allclose(by_row["se"], by_unit["se"], rtol=1e-9)
    later = survival.aalen_johansen(data[8:], **call).table
    assert (by_row["se"].iloc[-1] > 0.1 * later["se"].iloc[-1])


def test_a_category_of_one_cluster_does_not_cost_the_other_terms_their_interval() -> None:
    """Without site 3 there is no level 'rare', or nobody of it with the event; the jackknife of x is that of refits without it."""
    for without_events in (False, True):
        data = made().assign(kind=lambda frame: np.where((frame["site"] == 3) & (frame["id"] % 2 == 1), "rare", "common"))
        if without_events:
            data.loc[(data["site"] == 4) & (data["cause"] != 1), "kind"] = "rare"
        call = {**CALL, "covariates": ["x", "kind"]}
        fit = survival.fine_gray(data, **call, cluster="site")
        table = fit.table.set_index("term")
        assert np.isnan(table.loc["kind[rare]", "interval_se"])
        refits = []
        for site in range(11):
            rest = data[data["site"] != site]
            if site == 3:  # the level is gone, or runs away to no hazard at all: those rows then tell nothing of x
                rest = rest[rest["kind"] == "common"] if not without_events else rest
            terms = ["x"] if site == 3 and not without_events else ["x", "kind"]
            try:
                refits.append(survival.fine_gray(rest, **{**call, "covariates": terms}, variance="model").table["coef"][0])
            except EstimationError:
                refits.append(None)
        if not without_events:
            away = np.array(refits, dtype=float) - table.loc["x", "coef"]
            assert_allclose(table.loc["x", "interval_se"], np.sqrt(10 / 11 * (away**2).sum()), rtol=1e-6)
        else:
            assert refits[3] is None
            assert np.isfinite(table.loc["x", "interval_se"])
        assert [caution.data["terms"] for caution in fit.warnings if caution.code == "jackknife_failed"] == [("kind[rare]",)]
