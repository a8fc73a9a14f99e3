"""Marginal structural models in discrete time: the effect of a treatment when what confounds it is itself a consequence of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import critical_value, difference_estimate, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.columns import require_columns
from mentorship_eval.survival.histories.structural_fit import (
    HistoryWeights,
    OutcomeFit,
    Panel,
    history_weights,
    influence,
    outcome_fit,
    refuse_runaway,
    standardised_risks,
)
from mentorship_eval.survival.histories.structural_panel import Setup, read_panel
from mentorship_eval.survival.histories.structural_result import MarginalStructural, describe_weights, structural_cautions
from mentorship_eval.survival.weighting.arms import read_clip

__all__ = ["marginal_structural"]

JACKKNIFE_BELOW = 30
TIMES = ("spline", "quadratic", "linear")


def marginal_structural(
    data: pd.DataFrame, *, person: str, period: str, treatment: str, event: str, time_varying: Sequence[str] | str,
    baseline: Sequence[str] | Mapping[str, object] = (), censored: str | None = None, strata: str | None = None, cluster: str | None = None,
    clip: tuple[float, float] | None = (0.01, 0.99), time: str = "spline", horizons: Sequence[int] | None = None, variance: str = "auto",
    ci_level: float = 0.95, reference: Mapping[str, object] | None = None,
) -> MarginalStructural:
    """Effect of having begun treatment on the hazard, by a weighted pooled logistic model of person-periods.

    Parameters
    ----------
    data : one row a person and period at risk, as `person_periods` makes them. ``period`` holds whole numbers; within a row
        the time-varying covariates come first, then treatment is decided, then the event may happen.
    treatment : 0/1, in force during the period; once begun it stays. time_varying : covariates that drive treatment and
        may be its consequences; they are in the denominator of the weights only. baseline : covariates in all models. Who comes under
        observation after the first period may be treated already: that is modelled too, with a level of its own.
    censored : 0/1, lost at the end of the period for reasons that may depend on the covariates; adds weights for it. Rows that end
        otherwise without the event are taken as administrative.
    strata : column with an intercept of its own for each group, in all models (a department, say).
    cluster : independent units, constant within a person; persons when None.
    clip : percentiles of the weights at which they are cut off; None for none.
    time : "spline" (restricted cubic, knots at quantiles of the event periods), "quadratic" or "linear".
    horizons : numbers of periods after the first at whose end risks are given; the last period with a row when None.
    variance : "jackknife" leaves one cluster out and refits weights and models, t on (informative clusters - 1); "sandwich" takes
        the weights as known, which as a rule is too wide; "auto": the jackknife with ``cluster`` and fewer than 30 informative ones.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, periods twice, treatment that stops, rows after the event, nobody
        who begins treatment, a covariate that is constant, collinear, or separates the events, by name.

    Source: Hernan, Brumback & Robins (2000), Epidemiology 11:561-570; D'Agostino et al. (1990), Stat Med 9:1501-1515 for pooled
    logistic regression; Cole & Hernan (2008), Am J Epidemiol 168:656-664 for clipping.
    """
    if variance not in ("auto", "jackknife", "sandwich"):
        raise UsageError(f"There is no variance {variance!r} of a marginal structural model.", fix="Use auto, jackknife or sandwich.")
    if time not in TIMES:
        raise UsageError(f"There is no function of time {time!r}.", fix=f"Use one of {listing(TIMES)}.")
    percentiles, critical = read_clip(clip), critical_value(ci_level)
    varying = [time_varying] if isinstance(time_varying, str) else list(time_varying)
    if not varying:
        raise UsageError("No time-varying covariates are named.", fix="Name what drives treatment, or use cox.")
    both = [name for name in varying if name in list(baseline)]
    if both:
        raise UsageError(f"{listing(map(repr, both))} is among the baseline and the time-varying covariates.", fix="Name it once.")
    optional = [name for name in (censored, strata, cluster) if name is not None]
    require_columns(data, [person, period, treatment, event, *list(baseline), *varying, *optional])
    setup = read_panel(data, person, period, treatment, event, baseline, varying, censored, strata, cluster, time, reference)
    panel = setup.panel

    history = history_weights(panel, percentiles)
    outcome = outcome_fit(panel, history.weights)
    refuse_runaway(outcome.model, setup.outcome_terms, "outcome model")
    bare = outcome_fit(panel, np.ones(len(panel)))
    last = int(panel.period.max() - panel.period.min()) + 1
    asked = np.array([last] if horizons is None else list(horizons))
    if len(asked) == 0 or (asked < 1).any() or (asked != np.round(asked)).any():
        raise UsageError(f"The horizons are {listing(asked.tolist())}.", fix="Give whole numbers of periods, 1 or more.")
    reached = asked <= last
    functions = setup.when_event.columns(panel.period.min() + np.arange(last))
    chosen = asked[reached].astype(int) - 1

    def numbers(part: Panel, fit: OutcomeFit) -> np.ndarray:
        risk = standardised_risks(part, fit, functions)[0][:, chosen]
        return np.r_[fit.model.coef, risk[0], risk[1], risk[1] - risk[0]]

    full = numbers(panel, outcome)
    informative = outcome.informative(panel.cluster)
    kind = variance if variance != "auto" else "jackknife" if cluster is not None and informative < JACKKNIFE_BELOW else "sandwich"
    starts = {name: model.coef for name, model in history.models.items()}
    lost: dict[object, str] = {}
    if kind == "jackknife":
        estimates = np.full((len(setup.clusters), len(full)), np.nan)
        for code, label in enumerate(setup.clusters):
            part = panel.only(panel.cluster != code)
            try:
                estimates[code] = _again(part, percentiles, starts, outcome.model.coef, setup.outcome_terms, numbers)
            except EstimationError as error:
                lost[label] = error.problem
        jackknife = cluster_jackknife(full, estimates)
        covariance = jackknife.covariance if not lost else np.full_like(jackknife.covariance, np.nan)
        shares = pd.DataFrame({cluster or person: list(setup.clusters), "log_or": estimates[:, 0], "share": jackknife.shares[:, 0]})
    else:
        covariance, shares = _sandwich(panel, outcome, functions, chosen), None
    df = float(informative - 1)
    by = cluster or person
    said = f"leave-one-cluster-out jackknife by {by} with weights refitted" if kind == "jackknife" else f"sandwich by {by}, weights taken as known"
    cut = f", clipped at the {percentiles[0] * 100:g} and {percentiles[1] * 100:g} percentiles" if percentiles else ""
    method = f"marginal structural model, pooled logistic regression, stabilised {'treatment and censoring ' if censored else ''}weights{cut}; {said}"
    table_weights, overall = describe_weights(panel.period, history)
    cautions = structural_cautions(panel, history, outcome, setup.treatment_terms, informative, lost, by, treatment, setup.gaps, setup.prevalent)
    se = np.sqrt(np.maximum(np.diag(covariance), 0))
    about = {"n": len(setup.persons), "n_events": int(panel.event.sum()), "n_clusters": informative, "method": method}
    odds = [ratio_estimate(float(full[j]), float(se[j]), scale="odds ratio", df=df, ci_level=ci_level, warnings=cautions,
                           estimand="odds of the event per period, treatment begun against not" if j == 0 else f"odds per unit of {term}", **about)
            for j, term in enumerate(setup.outcome_terms)]
    size, count = len(setup.outcome_terms), len(chosen)
    risks, differences = _risk_table(asked, reached, last, full[size:], se[size:], count, df, ci_level, critical, about, cautions)
    weights = pd.Series(np.empty(len(data)), index=data.index, name="weight")
    weights.iloc[setup.order] = history.weights
    return MarginalStructural(
        table=pd.DataFrame({
            "term": setup.outcome_terms, "coef": full[:size], "se": se[:size], "odds_ratio": np.exp(full[:size]),
            "ci_low": [one.ci_low for one in odds], "ci_high": [one.ci_high for one in odds], "p": [one.p_value for one in odds], "df": df,
        }),
        estimate=odds[0], unweighted=float(np.exp(bare.model.coef[0])), risks=risks, risk_differences=differences, weights=weights,
        weight_summary=table_weights, overall_weights=overall, models=_models(history, setup), shares=shares, method=method,
        mean_hazard=float(panel.event.mean()), n_persons=len(setup.persons), n=len(panel), warnings=cautions,
    )


def _again(
    part: Panel, clip: tuple[float, float] | None, starts: dict[str, np.ndarray], coef: np.ndarray, terms: list[str],
    numbers: Callable[[Panel, OutcomeFit], np.ndarray],
) -> np.ndarray:
    """The whole analysis of part of the panel."""
    if not part.event.any() or part.treated.all() or not part.treated.any():
        raise EstimationError("Without it there is no event, or one arm only.")
    fit = outcome_fit(part, history_weights(part, clip, starts).weights, coef)
    refuse_runaway(fit.model, terms, "outcome model")
    return numbers(part, fit)


def _sandwich(panel: Panel, outcome: OutcomeFit, functions: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Covariance of coefficients, risks and risk differences from the influence of each cluster, weights as known."""
    on_coef, on_intercepts = influence(panel, outcome)
    risk, by_coef, by_intercept, own = standardised_risks(panel, outcome, functions)
    size = int(panel.cluster.max()) + 1
    rows = [np.bincount(panel.cluster, row, size) for row in on_coef]
    coef_by_cluster = np.array(rows)
    intercepts_by_cluster = np.array([np.bincount(panel.cluster, row, size) for row in on_intercepts])
    at = panel.cluster[panel.first]
    of_risk = []
    for arm in (0, 1):
        for k in chosen:
            sampled = np.bincount(at, own[arm, k] - risk[arm, k], size) / own.shape[2]
            of_risk.append(by_coef[arm, k] @ coef_by_cluster + by_intercept[arm, k] @ intercepts_by_cluster + sampled)
    never, always = np.array(of_risk[: len(chosen)]), np.array(of_risk[len(chosen):])
    stacked = np.vstack([coef_by_cluster, *(part.reshape(-1, size) for part in (never, always, always - never))])
    return stacked @ stacked.T


def _risk_table(
    asked: np.ndarray, reached: np.ndarray, last: int, values: np.ndarray, se: np.ndarray, count: int, df: float, ci_level: float, critical: float,
    about: Mapping[str, object], cautions: tuple[Caution, ...],
) -> tuple[pd.DataFrame, dict[int, Estimate]]:
    rows, estimates, place = [], {}, 0
    for horizon, within in zip(asked.tolist(), reached.tolist(), strict=True):
        if not within:
            rows.append({"horizon": horizon, "reason": f"beyond the last period with a row, which is number {last}"})
            continue
        never, always, difference = (values[part * count + place] for part in range(3))
        one = difference_estimate(
            float(difference), float(se[2 * count + place]), scale="risk difference", df=df, ci_level=ci_level, warnings=cautions,
            estimand=f"risk by the end of {horizon} periods, always against never treated", **about,  # type: ignore[arg-type]
        )
        estimates[int(horizon)] = one
        rows.append({"horizon": horizon, "risk_never": never, "se_never": se[place], "risk_always": always, "se_always": se[count + place],
                     "difference": difference, "se": one.se, "ci_low": one.ci_low, "ci_high": one.ci_high, "p": one.p_value, "reason": ""})
        place += 1
    columns = ["horizon", "risk_never", "se_never", "risk_always", "se_always", "difference", "se", "ci_low", "ci_high", "p", "reason"]
    return pd.DataFrame(rows, columns=columns), estimates


def _models(history: HistoryWeights, setup: Setup) -> pd.DataFrame:
    """model, term, coef, se, odds_ratio of the models behind the weights."""
    frames = []
    time_terms = setup.time_names
    names: list[str] = setup.treatment_terms[: len(setup.panel.baseline)]
    varying = setup.treatment_terms[len(names) + len(time_terms):]
    for name, model in history.models.items():
        terms = [*names, *time_terms] if name.startswith("treatment") else [*setup.outcome_terms]
        terms = [*terms, *varying] if name.endswith("denominator") else terms
        with np.errstate(over="ignore"):
            frames.append(pd.DataFrame({"model": name, "term": terms, "coef": model.coef, "se": np.sqrt(np.maximum(np.diag(model.covariance), 0)),
                                        "odds_ratio": np.exp(model.coef)}))
    return pd.concat(frames, ignore_index=True)


