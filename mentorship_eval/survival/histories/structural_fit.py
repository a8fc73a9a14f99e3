"""The numbers of a marginal structural model: history weights, the weighted outcome model, standardised risks.

Everything works on arrays and a mask of the rows to use, so that the whole analysis can be run again without a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from mentorship_eval.errors import EstimationError
from mentorship_eval.survival.weighting.arms import clip_weights
from mentorship_eval.survival.weighting.logistic import LogisticFit, fit_logistic

__all__ = ["HistoryWeights", "OutcomeFit", "Panel", "history_weights", "influence", "outcome_fit", "standardised_risks"]


@dataclass(frozen=True)
class Panel:
    """Person-periods sorted by person and period, as arrays of n rows.

    person: codes; first: first row of the person; period; treated, event, lost: booleans; baseline: (b, n), varying: (v, n),
    when_treated: (q, n) and when_event: (r, n) functions of time; strata, cluster: codes.
    """

    person: np.ndarray
    first: np.ndarray
    period: np.ndarray
    treated: np.ndarray
    event: np.ndarray
    lost: np.ndarray | None
    baseline: np.ndarray
    varying: np.ndarray
    when_treated: np.ndarray
    when_event: np.ndarray
    strata: np.ndarray
    cluster: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def deciding(self) -> np.ndarray:
        """Rows in which treatment could begin: the first of a person, and those after an untreated one."""
        return self.first | np.r_[False, ~self.treated[:-1]]

    def only(self, rows: np.ndarray) -> Panel:
        """The rows of the mask; whole persons must be kept or left out."""
        parts = {name: getattr(self, name)[..., rows] for name in self.__dataclass_fields__ if getattr(self, name) is not None}
        return replace(self, **parts)


@dataclass(frozen=True)
class HistoryWeights:
    """weights: (n,) after clipping; raw: before; models: the logistic fits by name."""

    weights: np.ndarray
    raw: np.ndarray
    limits: tuple[float, float] | None
    models: dict[str, LogisticFit]


def history_weights(panel: Panel, clip: tuple[float, float] | None, starts: dict[str, np.ndarray] | None = None) -> HistoryWeights:
    """Stabilised weights: the product, over the periods so far, of P(what was done | baseline, time) over P(what was done | also what varies).

    With ``panel.lost`` also the same of staying under observation, over the periods before this one: a row is seen when nothing was
    lost up to its beginning. starts: coefficients at which to begin, by model.
    """
    starts = starts or {}
    models: dict[str, LogisticFit] = {}
    log = np.zeros(len(panel))
    rows = panel.deciding
    log[rows] = _log_ratio(panel, rows, panel.treated, np.vstack([panel.baseline, panel.when_treated]), "treatment", models, starts)
    if panel.lost is not None:
        rows = ~panel.event
        x = np.vstack([panel.treated[np.newaxis].astype(float), panel.baseline, panel.when_event])
        stay = np.zeros(len(panel))
        stay[rows] = _log_ratio(panel, rows, panel.lost, x, "censoring", models, starts)
        log += np.where(panel.first, 0.0, np.r_[0.0, stay[:-1]])
    total = np.cumsum(log)
    offset = (total - log)[panel.first]
    raw = np.exp(total - offset[np.cumsum(panel.first) - 1])
    weights, limits = clip_weights(raw, clip)
    return HistoryWeights(weights, raw, limits, models)


def _log_ratio(
    panel: Panel, rows: np.ndarray, outcome: np.ndarray, x: np.ndarray, name: str, models: dict[str, LogisticFit], starts: dict[str, np.ndarray],
) -> np.ndarray:
    """(rows,) log of P(outcome as seen) by the numerator model less that by the denominator model."""
    y, codes = outcome[rows].astype(float), panel.strata[rows]
    both = {"numerator": x[:, rows], "denominator": np.vstack([x, panel.varying])[:, rows]}
    log = {}
    for part, columns in both.items():
        key = f"{name} {part}"
        models[key] = fit_logistic(columns, y, codes=codes, start=starts.get(key))
        fitted = models[key].fitted
        with np.errstate(divide="ignore"):
            log[part] = np.log(np.where(y == 1, fitted, 1 - fitted))
    return log["numerator"] - log["denominator"]


@dataclass(frozen=True)
class OutcomeFit:
    """The pooled logistic model of the event; the first coefficient is that of treatment.

    design: (p, n); score: (p, n) score contributions with the intercepts profiled out; inverse: (p, p) of the information; profile: (p, S)
    weighted mean design of each stratum, of_strata: (S,) its information, residual: (n,) weighted.
    """

    model: LogisticFit
    design: np.ndarray
    score: np.ndarray
    inverse: np.ndarray
    profile: np.ndarray
    of_strata: np.ndarray
    residual: np.ndarray

    def informative(self, clusters: np.ndarray) -> int:
        """How many clusters carry information about treatment: those with a row whose score, freed of the other terms, is not 0."""
        effect = np.abs(self.inverse[0] @ self.score)
        largest = np.zeros(int(clusters.max()) + 1)
        np.maximum.at(largest, clusters, effect)
        return int(np.sum(largest > 1e-9 * largest.max(initial=0.0)))


def outcome_fit(panel: Panel, weights: np.ndarray, start: np.ndarray | None = None) -> OutcomeFit:
    """Weighted pooled logistic regression of the event on treatment, baseline covariates and time."""
    x = np.vstack([panel.treated[np.newaxis].astype(float), panel.baseline, panel.when_event])
    model = fit_logistic(x, panel.event.astype(float), weights=weights, codes=panel.strata, start=start)
    p = model.fitted
    residual, curve = weights * (panel.event - p), weights * p * (1 - p)
    size = len(model.intercepts)
    of_strata = np.bincount(panel.strata, curve, size)
    sums = np.array([np.bincount(panel.strata, curve * row, size) for row in x])
    profile = np.divide(sums, of_strata, out=np.zeros_like(sums), where=of_strata > 0)
    score = residual * (x - profile[:, panel.strata])
    return OutcomeFit(model, x, score, model.covariance, profile, of_strata, residual)


def standardised_risks(panel: Panel, outcome: OutcomeFit, functions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Risk by the end of each of H successive periods if everybody were always treated, and never.

    functions: (r, H) of time. Standardised to the baseline covariates and strata of the persons' first rows. Returns risk (2, H) of
    never and always; their gradients (2, H, p) by coefficients and (2, H, S) by intercepts; and the risk of each person (2, H, persons).
    """
    base, strata = panel.baseline[:, panel.first], panel.strata[panel.first]
    intercepts, size = outcome.model.intercepts, len(outcome.model.intercepts)
    coef, horizon, persons = outcome.model.coef, functions.shape[1], base.shape[1]
    fixed = coef[1 : 1 + len(base)] @ base + intercepts[strata]
    risk, own = np.empty((2, horizon)), np.empty((2, horizon, persons))
    by_coef, by_intercept = np.empty((2, horizon, len(coef))), np.empty((2, horizon, size))
    for arm in (0, 1):
        survival = np.ones(persons)
        slope = np.zeros((len(coef), persons))
        level = np.zeros(persons)
        for k in range(horizon):
            p = expit(fixed + coef[0] * arm + coef[1 + len(base) :] @ functions[:, k])
            survival = survival * (1 - p)
            slope += p * np.vstack([np.full((1, persons), float(arm)), base, np.repeat(functions[:, k : k + 1], persons, axis=1)])
            level += p
            own[arm, k], risk[arm, k] = 1 - survival, float(np.mean(1 - survival))
            by_coef[arm, k] = slope @ survival / persons
            by_intercept[arm, k] = np.bincount(strata, level * survival, size) / persons
    return risk, by_coef, by_intercept, own


def influence(panel: Panel, outcome: OutcomeFit) -> tuple[np.ndarray, np.ndarray]:
    """(p, n) and (S, n) influence of the rows on coefficients and intercepts, the weights taken as known."""
    on_coef = outcome.inverse @ outcome.score
    own = np.zeros((len(outcome.of_strata), len(panel)))
    live = outcome.of_strata > 0
    scaled = np.divide(outcome.residual, outcome.of_strata[panel.strata], out=np.zeros(len(panel)), where=live[panel.strata])
    own[panel.strata, np.arange(len(panel))] = scaled
    on_intercepts = own - outcome.profile.T @ on_coef
    on_intercepts[~live] = 0.0
    return on_coef, on_intercepts


def refuse_runaway(model: LogisticFit, terms: list[str], what: str) -> None:
    """Name the term whose coefficient has no finite estimate."""
    if model.runaway is not None:
        term = terms[model.runaway]
        raise EstimationError(
            f"The odds ratio of {term!r} in the {what} has no finite estimate (separation): some of its values have no event, or only events.",
            fix="Merge categories, leave the covariate out, or report counts.",
        )
