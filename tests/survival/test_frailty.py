"""Shared frailty: R's penalised fits, the equations that define the estimates, and derivatives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival.hazards.frailty_likelihood import GroupedRows, fit_at
from mentorship_eval.survival.hazards.risk_sets import build_risk_sets
from tests.survival.reference import reference, survival_data

LUNG = {"stop": "time", "event": "event", "covariates": ["age", "sex", "ph.ecog", "wt.loss"], "group": "inst"}
SIM0 = {"start": "start", "stop": "stop", "event": "event", "covariates": ["trt", "x1", "x2"], "group": "dep"}
CALLS = {
    "lung": ("lung_cc", LUNG), "sim0": ("sim0", SIM0),
    "strata": ("lung_cc", {**LUNG, "covariates": ["age", "ph.ecog", "wt.loss"], "strata": "sex", "ties": "breslow"}),
}

# R 4.2.2, survival 3.5-3: coxph(... + frailty(group, distribution = d, sparse = s, theta = 0.3)) with
# coxph.control(eps = 1e-13, iter.max = 200, outer.max = 200); "diagonal" is sparse = TRUE (ties = "breslow" with strata):
# coefficients, sqrt(diag(var)), sum(frail * seq_along(frail)) and sum(sqrt(fvar))
FIXED = [
    ("lung gaussian diagonal",
        [0.01257143084897, -0.61622907771738, 0.62497173573630, -0.00967096693006, 0.01009701682573, 0.17996145669055, 0.13938235985975,
        0.00688359559295], [-11.15547421284, 5.99919204396]),
    ("sim0 gaussian diagonal",
        [-0.3495011261015, -0.3406802366327, 0.2590027262635, 0.1061012699870, 0.0473417600348, 0.0904371274787], [-81.6888909696, 10.2437514768]),
    ("strata gaussian diagonal",
        [0.01206686866300, 0.62191757462537, -0.01014319229296, 0.01004061589207, 0.14015908772191, 0.00690349568932], [-10.92180109876,
        6.02060849736]),
    ("lung gaussian full",
        [0.01257143110191, -0.61622907662696, 0.62497174221906, -0.00967096708551, 0.01007314298281, 0.17988077368646, 0.13870709493455,
        0.00687399007760], [-11.1554748279, 6.2539058429]),
    ("sim0 gaussian full",
        [-0.3495011204508, -0.3406802382811, 0.2590027204146, 0.1060643518349, 0.0473239198932, 0.0903906053530], [-81.6888881197, 10.6148917003]),
    ("strata gaussian full",
        [0.01206686885436, 0.62191757722750, -0.01014319238307, 0.01001966361913, 0.13954687378822, 0.00689556612486], [-10.92180130251,
        6.27489724667]),
    ("lung gamma diagonal",
        [0.01247327104172, -0.61594075709801, 0.62894410819601, -0.00966764116528, 0.01011867693029, 0.18000490262412, 0.13995868417915,
        0.00687820140691], [-16.49371666656, 5.99239340574]),
    ("sim0 gamma diagonal",
        [-0.3525024670426, -0.3373756251486, 0.2600347822198, 0.1060877054693, 0.0472509650009, 0.0904053119044], [-202.1284803572, 10.5195595373]),
    ("strata gamma diagonal",
        [0.01199698031165, 0.62528154340909, -0.01012547566186, 0.01006065908412, 0.14067720212338, 0.00689824910256], [-16.04480108820,
        6.00924517007]),
    ("lung gamma full",
        [0.01247327125264, -0.61594075386094, 0.62894411494093, -0.00966764136649, 0.01009323792809, 0.17994389632799, 0.13924033879869,
        0.00686810919945], [-16.49371781535, 6.26292587902]),
    ("sim0 gamma full",
        [-0.3525024676022, -0.3373756247315, 0.2600347823401, 0.1060569067916, 0.0472411132753, 0.0903621037498], [-202.128477825, 10.902960263]),
    ("strata gamma full",
        [0.01199698049826, 0.62528154585765, -0.01012547578816, 0.01003904077670, 0.14002260243091, 0.00688963320818], [-16.04480167792,
        6.27991657102]),
]


@pytest.mark.parametrize(("name", "model", "frailties"), FIXED, ids=[case[0] for case in FIXED])
def test_fits_of_a_given_variance(name: str, model: list[float], frailties: list[float]) -> None:
    case, distribution, information = name.split()
    file, call = CALLS[case]
    result = survival.shared_frailty(survival_data(file), **call, distribution=distribution, information=information, theta=0.3)
    found = np.concatenate([result.table["coef"], result.table["se"]])
    assert_allclose(found, model, rtol=2e-7)  # R stops when its likelihood does, some 1e-8 from the maximum
    ours = result.frailties["effect"].to_numpy()
    assert_allclose(ours @ np.arange(1, len(ours) + 1), frailties[0], rtol=1e-6)
    assert_allclose(result.frailties["se"].sum(), frailties[1], rtol=1e-6)
    assert "variance given" in result.method


# the same without theta: fit$history[[1]]$theta
@pytest.mark.parametrize(("case", "information", "theta"), [
    ("lung", "diagonal", 0.01215257706), ("sim0", "diagonal", 0.3701811804), ("lung", "full", 0.01325835165), ("sim0", "full", 0.3804823333),
])
def test_gaussian_variance_by_reml(case: str, information: str, theta: float) -> None:
    file, call = CALLS[case]
    result = survival.shared_frailty(survival_data(file), **call, information=information)
    assert_allclose(result.theta, theta, rtol=1e-6)
    # its defining equation
    assert_allclose(result.theta, ((result.frailties["effect"] ** 2).sum() + (result.frailties["se"] ** 2).sum()) / result.n_groups, rtol=1e-8)
    assert abs(result.frailties["effect"].sum()) < 1e-8


@pytest.mark.parametrize("distribution", ["gaussian", "gamma"])
def test_reference_fits(distribution: str) -> None:
    wanted = reference("lung", f"cox_{distribution}_frailty_inst")
    result = survival.shared_frailty(survival_data("lung_cc"), **LUNG, distribution=distribution, information="diagonal")
    assert_allclose(result.table["se"], wanted["se"], rtol=1e-3)
    if distribution == "gaussian":
        assert_allclose(result.table["coef"], list(wanted["coef"].values()), rtol=1e-5)
        assert_allclose(result.theta, wanted["theta"], rtol=1e-6)
        return
    # R's search for the gamma variance ends early here, where the likelihood is flat; ours is at least as high
    assert_allclose(result.table["coef"], list(wanted["coef"].values()), atol=1e-3)
    assert_allclose(result.theta, wanted["theta"], atol=1e-3)
    theirs = survival.shared_frailty(survival_data("lung_cc"), **LUNG, distribution="gamma", theta=wanted["theta"])
    assert result.loglik[1] >= theirs.loglik[1]


@pytest.mark.parametrize("distribution", ["gamma", "gaussian"])
def test_the_variance_maximises_the_integrated_likelihood(distribution: str) -> None:
    data = survival_data("sim0")
    result = survival.shared_frailty(data, **SIM0, distribution=distribution)
    call = {**SIM0, "distribution": distribution}
    around = [survival.shared_frailty(data, **call, theta=result.theta * factor).loglik[1] for factor in (0.8, 0.99, 1.01, 1.25)]
    if distribution == "gamma":
        assert max(around) < result.loglik[1]
        assert max(around[1:3]) > max(around[0], around[3])
    else:  # REML corrects for the coefficients: near the maximum, a little above
        assert around[1] == pytest.approx(around[2], abs=0.02)
        assert max(around) < result.loglik[1] + 0.02
    assert result.theta_test[0] == pytest.approx(2 * (result.loglik[1] - result.loglik[0]))
    assert result.theta_test[1] < 1e-10


def test_gamma_likelihood_with_the_frailties_integrated_numerically() -> None:
    """The likelihood of all events, hazard steps at each of them, frailties integrated out by quadrature."""
    from scipy.integrate import quad
    from scipy.special import gammaln

    rng, theta = np.random.default_rng(6), 0.4
    team, x = np.arange(60) % 8, rng.normal(size=60)
    stop, event = rng.exponential(np.exp(-0.5 * x - 0.8 * (team % 3))), rng.random(60) < 0.7
    data = pd.DataFrame({"stop": stop, "event": event, "x": x, "team": team})
    result = survival.shared_frailty(data, stop="stop", event="event", covariates=["x"], group="team", distribution="gamma", theta=theta)
    risk, frailty = np.exp(result.table["coef"][0] * x), result.frailties["frailty"].to_numpy()[team]
    times = stop[event]
    step = np.array([1 / (risk * frailty)[stop >= time].sum() for time in times])
    cumulative = np.array([step[times <= end].sum() for end in stop])
    loglik = np.log(step * risk[event]).sum()
    for one in range(8):
        events, hazard = event[team == one].sum(), (cumulative * risk)[team == one].sum()

        def density(z: float, power: float = events + 1 / theta - 1, rate: float = hazard + 1 / theta) -> float:
            return z**power * np.exp(-rate * z)

        loglik += np.log(quad(density, 0, 30, limit=200, epsabs=0)[0]) - np.log(theta) / theta - gammaln(1 / theta)
    # the partial likelihood leaves out the hazard steps, which sum to the number of events
    assert_allclose(result.loglik[1], loglik + event.sum(), rtol=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_and_information_are_derivatives(ties: str) -> None:
    rng = np.random.default_rng(4)
    size = 60
    start = rng.integers(0, 4, size).astype(float)
    stop, event, strata = start + rng.integers(1, 7, size), rng.random(size) < 0.6, rng.integers(0, 2, size)
    sets = build_risk_sets(start, stop, event, strata, np.ones(size), ties)
    group = rng.integers(0, 5, size)
    rows = GroupedRows(sets, rng.normal(size=(2, len(sets.rows))), group[sets.rows], 5, np.bincount(group, event, 5))
    point = rng.normal(size=7) / 3

    def at(point: np.ndarray):
        return rows.at(point[:2], point[2:])

    steps = 1e-5 * np.eye(7)
    slope = [(at(point + step).loglik - at(point - step).loglik) / 2e-5 for step in steps]
    assert_allclose(rows.score(at(point)), slope, atol=1e-7)
    curve = [(rows.score(at(point + step)) - rows.score(at(point - step))) / -2e-5 for step in steps]
    information = rows.information(at(point))
    assert_allclose(information, curve, atol=1e-7)
    from mentorship_eval.survival.hazards import frailty_likelihood

    with pytest.MonkeyPatch.context() as patch:  # risk sets in many small blocks give the same
        patch.setattr(frailty_likelihood, "AT_ONCE", 12)
        assert_allclose(rows.information(at(point)), information, rtol=1e-10, atol=1e-12)
    fit = fit_at(rows, "gaussian", 0.5, np.zeros(2), np.zeros(5))
    stale = fit_at(rows, "gaussian", 0.5, fit.coef + 0.3, fit.effect - 0.2, 2 * fit.information)
    assert_allclose(stale.coef, fit.coef, atol=1e-9)


def test_a_large_variance_leaves_the_groups_free_and_a_small_one_makes_them_one() -> None:
    data = survival_data("sim0")
    call = {name: SIM0[name] for name in ("start", "stop", "event")}
    free = survival.cox(data.assign(dep=data["dep"].astype(str)), **call, covariates=["trt", "x1", "x2", "dep"])
    pooled = survival.cox(data, **call, covariates=SIM0["covariates"])
    for distribution in ("gaussian", "gamma"):
        wide, narrow = (survival.shared_frailty(data, **SIM0, distribution=distribution, theta=theta) for theta in (900.0, 1e-7))
        assert_allclose(wide.table["coef"], free.table["coef"][:3], atol=2e-3)
        assert_allclose(narrow.table["coef"], pooled.table["coef"], atol=1e-5)
        assert_allclose(narrow.table["se"], pooled.table["se"], atol=1e-5)


def test_groups_that_do_not_differ_have_variance_0() -> None:
    rng = np.random.default_rng(12)
    data = pd.DataFrame({"stop": np.arange(1.0, 241), "event": 1, "x": rng.normal(size=240), "team": np.arange(240) % 12})
    for distribution in ("gaussian", "gamma"):
        result = survival.shared_frailty(data, stop="stop", event="event", covariates=["x"], group="team", distribution=distribution)
        plain = survival.cox(data, stop="stop", event="event", covariates=["x"])
        assert result.theta == 0 and result.theta_test == (0.0, 1.0)
        assert_allclose(result.table["se"], plain.table["se"])
        assert (result.frailties["frailty"] == 1).all()
        assert [caution.code for caution in result.warnings] == ["no_frailty"]
    assert result.loglik[0] == result.loglik[1] == plain.loglik[1]


def test_a_simulated_variance_is_found() -> None:
    rng = np.random.default_rng(3)
    found, covered = [], []
    for _ in range(25):
        team, arm = np.repeat(np.arange(40), 20), rng.integers(0, 2, 800)
        effect = rng.normal(0, 0.6, 40)[team]
        left, seen = rng.exponential(10 * np.exp(0.4 * arm - effect)), rng.uniform(2, 20, 800)
        data = pd.DataFrame({"stop": np.minimum(left, seen), "event": left <= seen, "arm": arm, "team": team})
        result = survival.shared_frailty(data, stop="stop", event="event", covariates=["arm"], group="team")
        found.append(result.theta)
        covered.append(result.estimate.ci_low < np.exp(-0.4) < result.estimate.ci_high)
    assert np.mean(found) == pytest.approx(0.36, abs=0.06)
    assert np.mean(covered) > 0.83
    assert result.median_hazard_ratio == pytest.approx(np.exp(0.95387 * np.sqrt(result.theta)), rel=1e-4)


def test_wrong_use() -> None:
    data = survival_data("lung_cc")
    for change, error, says in [
        ({"distribution": "t"}, UsageError, "'t'"), ({"information": "sparse"}, UsageError, "'sparse'"), ({"ties": "exact"}, UsageError, "'exact'"),
        ({"theta": 0}, UsageError, "above 0"), ({"group": "clinic"}, UsageError, "'clinic'"), ({"covariates": []}, UsageError, "No covariates"),
        ({"strata": "inst"}, EstimationError, "Every stratum holds one group"), ({"ci_level": 95}, UsageError, "ci_level"),
    ]:
        with pytest.raises(error, match=says):
            survival.shared_frailty(data, **{**LUNG, **change})
    with pytest.raises(EstimationError, match="one group only"):
        survival.shared_frailty(data.assign(inst=1), **LUNG)
    few = survival.shared_frailty(data.assign(inst=data["inst"] % 3), **LUNG, distribution="gamma", theta=0.2)
    assert few.warnings[0].code == "few_clusters"
    assert "variance of the gamma frailty 0.20" in few.statement()
    assert "hardly known" in few._repr_html_()
    assert np.isnan(few.median_hazard_ratio)
