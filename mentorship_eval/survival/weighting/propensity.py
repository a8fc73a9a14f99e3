"""Propensity scores and the weights that make two arms alike in their covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import critical_value, two_sided_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import Groups, read_groups, require_columns
from mentorship_eval.survival.design import Design, build_design
from mentorship_eval.survival.weighting.arms import clip_weights, effective_size, read_clip, treated_rows
from mentorship_eval.survival.weighting.logistic import LogisticFit, fit_logistic, refuse_dependent

__all__ = ["PropensityWeights", "propensity_weights"]

ESTIMANDS = {
    "ate": "the average effect in everybody",
    "att": "the average effect in the treated",
    "overlap": "the average effect in those who might be in either arm",
}
EXTREME = 0.01
CERTAIN = 1e-6  # a propensity this near to 0 or 1 under separation is 0 or 1 in the limit


@dataclass(frozen=True, kw_only=True)
class PropensityWeights(Shown):
    """Weights from a logistic model of treatment.

    weights, propensity: one value a row, aligned with the data; table: term, coef, se, odds_ratio, ci_low, ci_high, p of the
    model (its intercept first, unless strata have one each); arms: arm, n, sum_weights, ess (effective sample size),
    min_weight, max_weight; largest: the ten largest weights with row, treated, propensity, weight; limits: values at which weights
    were clipped (None: not clipped), clipped: how many were.
    """

    weights: pd.Series
    propensity: pd.Series
    table: pd.DataFrame
    arms: pd.DataFrame
    largest: pd.DataFrame
    estimand: str
    stabilised: bool | str
    clip: tuple[float, float] | None
    limits: tuple[float, float] | None
    clipped: int
    n: int
    method: str
    warnings: tuple[Caution, ...]
    _treatment: str = field(repr=False)
    _strata: tuple[str, ...] = field(repr=False)
    _design: Design = field(repr=False)
    _fit: LogisticFit = field(repr=False)

    @property
    def ess(self) -> dict[str, float]:
        """Effective sample size of the arms ``treated`` and ``control``."""
        return dict(zip(self.arms["arm"], self.arms["ess"], strict=True))

    def refit(self, data: pd.DataFrame) -> pd.Series:
        """Weights of other rows, such as all but one cluster, by the same model fitted to them anew.

        Coding, estimand and clipping (at the percentiles of the new weights) stay as they were. Under separation in the
        new rows the weights are those of the limit. `EstimationError` when the rows hold one arm only.
        """
        treated = treated_rows(data, self._treatment)
        groups = read_groups(data, list(self._strata) or None)
        fit = fit_logistic(self._design.encode(data), treated, codes=groups.codes, start=self._fit.coef)
        raw = _weigh(fit, treated, groups, self.estimand, self.stabilised)
        return pd.Series(clip_weights(raw, self.clip)[0], index=data.index, name="weight")

    def statement(self) -> str:
        """One sentence with sizes before and after weighting."""
        treated, control = self.arms.to_dict("records")
        return (
            f"Weights for {ESTIMANDS[self.estimand]} ({self.method}): {treated['n']:,} treated rows weigh as much as {treated['ess']:,.0f}, "
            f"{control['n']:,} control rows as {control['ess']:,.0f}; the largest weight is {self.weights.max():.2f}."
        )

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.arms, self.table)


def propensity_weights(
    data: pd.DataFrame, *, treatment: str, covariates: Sequence[str] | Mapping[str, object] | str, estimand: str = "ate",
    stabilised: bool | str = True, clip: tuple[float, float] | None = (0.01, 0.99), strata: str | Sequence[str] | None = None,
    reference: Mapping[str, object] | None = None, ci_level: float = 0.95,
) -> PropensityWeights:
    """Fit P(treated | covariates) by logistic regression, and weight the rows by it.

    Parameters
    ----------
    data : one row a person (or other unit), as at the time when treatment is decided.
    treatment : column of 0/1 or booleans. covariates, reference : as in `cox`.
    estimand : "ate": treated 1/e, controls 1/(1-e), times the share of the own arm when ``stabilised``; "att": treated 1, controls
        e/(1-e); "overlap": treated 1-e, controls e (Li, Morgan & Zaslavsky 2018, JASA 113:390-400).
    clip : percentiles, as shares, at which weights are cut off (Cole & Hernan 2008, Am J Epidemiol 168:656-664); None for
        none. Overlap weights are bounded and never clipped.
    strata : column or columns; each stratum gets its own intercept, and stabilised weights its own share of treated. Rows of
        a stratum with one arm only get propensity 0 or 1 and a stabilised weight of 1: they add nothing to an analysis
        that is stratified likewise. For an analysis that is not, leave such rows out first and take
        ``stabilised="overall"``: the share of treated in all rows stands above, and the arms of the weighted data
        also have the same mix of strata.

    Raises
    ------
    UsageError : absent column, unknown option.
    EstimationError : missing or impossible values, one arm only, a covariate that is constant or collinear, or that
        separates the arms (some members of the target population are never, or always, treated), by name.

    Source: Rosenbaum & Rubin (1983), Biometrika 70:41-55; Robins, Hernan & Brumback (2000), Epidemiology 11:550-560.
    """
    if stabilised not in (True, False, "overall"):
        raise UsageError(f"stabilised is {stabilised!r}.", fix="Use True, False or 'overall'.")
    if estimand not in ESTIMANDS:
        raise UsageError(f"There is no estimand {estimand!r}.", fix="Use 'ate', 'att' or 'overlap'.")
    percentiles = None if estimand == "overlap" else read_clip(clip)
    critical = critical_value(ci_level)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name what decides about treatment; without any, no weights are needed.")
    if treatment in names:
        raise UsageError(f"Treatment {treatment!r} is among its own covariates.", fix="Leave it out of the covariates.")
    columns = (strata,) if isinstance(strata, str) else tuple(strata or ())
    require_columns(data, [treatment, *names, *columns])
    treated = treated_rows(data, treatment)
    groups = read_groups(data, list(columns) or None)
    design = build_design(data, covariates, reference)
    share = np.bincount(groups.codes, treated, len(groups)) / np.bincount(groups.codes, minlength=len(groups))
    used = ((share > 0) & (share < 1))[groups.codes]
    if not used.any():
        raise EstimationError(f"No stratum of {listing(columns)} holds both arms of {treatment!r}.", fix="Use wider strata, or none.")
    if stabilised == "overall" and estimand == "ate" and not used.all():
        rows = list(data.index[~used])
        raise EstimationError(
            f"{len(rows):,} rows are in strata of {listing(columns)} with one arm only: nobody there can be compared with.",
            fix="Leave these rows out and report how many.", rows=rows,
        )
    owners = [design.covariates[owner] for owner in design.owner]
    refuse_dependent(design.matrix[:, used], groups.codes[used], len(groups), design.terms, owners, "propensity model")
    fit = fit_logistic(design.matrix, treated, codes=groups.codes)
    cautions = _separation(fit, design, treated, used, estimand, treatment, data)
    raw = _weigh(fit, treated, groups, estimand, stabilised)
    weights, limits = clip_weights(raw, percentiles)
    cautions += _positivity(fit.fitted, treated, used, groups, columns)
    kind = "stabilised " if stabilised and estimand == "ate" else ""
    cut = f", clipped at the {percentiles[0] * 100:g} and {percentiles[1] * 100:g} percentiles" if percentiles else ""
    own = f", an intercept for each of {listing(columns)}" if columns else ""
    top = np.argsort(-weights, kind="stable")[:10]
    return PropensityWeights(
        weights=pd.Series(weights, index=data.index, name="weight"), propensity=pd.Series(fit.fitted, index=data.index, name="propensity"),
        table=_coefficients(fit, design, critical), arms=_arms(weights, treated), estimand=estimand, stabilised=stabilised, clip=percentiles,
        largest=pd.DataFrame({"row": data.index[top], "treated": treated[top], "propensity": fit.fitted[top], "weight": weights[top]}),
        limits=limits, clipped=int(np.sum(weights != raw)), n=len(data), warnings=tuple(cautions), _treatment=treatment, _strata=columns,
        method=f"{kind}{'overlap' if estimand == 'overlap' else 'inverse-probability'} weights, logistic regression{own}{cut}",
        _design=design, _fit=fit,
    )


def _weigh(fit: LogisticFit, treated: np.ndarray, groups: Groups, estimand: str, stabilised: bool | str) -> np.ndarray:
    e = fit.fitted
    if estimand == "overlap":
        return np.where(treated, 1 - e, e)
    with np.errstate(divide="ignore", invalid="ignore"):
        if estimand == "att":
            return np.where(treated, 1.0, e / (1 - e))
        own = np.where(treated, e, 1 - e)
        if not stabilised:
            return 1 / own
        if stabilised == "overall":
            share = np.full(len(own), treated.mean())
        else:
            share = (np.bincount(groups.codes, treated, len(groups)) / np.bincount(groups.codes, minlength=len(groups)))[groups.codes]
        return np.where(treated, share, 1 - share) / own


def _separation(
    fit: LogisticFit, design: Design, treated: np.ndarray, used: np.ndarray, estimand: str, treatment: str, data: pd.DataFrame,
) -> list[Caution]:
    """Refuse where part of the target population has no counterpart; a caution where it has no weight."""
    if fit.runaway is None:
        return []
    term = design.terms[fit.runaway]
    name = design.covariates[design.owner[fit.runaway]]
    never, always = used & (fit.fitted < CERTAIN), used & (fit.fitted > 1 - CERTAIN)
    shared = np.minimum(fit.fitted, 1 - fit.fitted)[used].sum() > CERTAIN * used.sum()  # or is nobody left who might be in either arm?
    alone = {"ate": never | always, "att": always & treated, "overlap": used & ~shared}[estimand]
    text = f"Covariate {term!r} separates the arms of {treatment!r}: {int(never.sum()):,} rows could only be untreated and "
    text += f"{int(always.sum()):,} rows only treated."
    if alone.any():
        rows = list(data.index[alone])
        raise EstimationError(
            f"{text} For {len(rows):,} rows there is nobody to compare with.",
            fix=f"Merge levels of {name!r}, leave these rows out and report how many, or use estimand='overlap'.", rows=rows,
        )
    data_ = {"term": term, "covariate": name, "never": int(never.sum()), "always": int(always.sum())}
    return [Caution("separation", f"{text} They have no weight in this estimand, or need no counterpart.", data_)]


def _positivity(e: np.ndarray, treated: np.ndarray, used: np.ndarray, groups: Groups, strata: tuple[str, ...]) -> list[Caution]:
    cautions = []
    extreme = used & ((e < EXTREME) | (e > 1 - EXTREME))
    if extreme.any():
        share = float(extreme.sum() / used.sum())
        text = f"{int(extreme.sum()):,} rows ({share:.1%}) have a propensity below {EXTREME:g} or above {1 - EXTREME:g}: "
        text += "hardly anybody like them is in the other arm."
        cautions.append(Caution("positivity", text, {"rows": int(extreme.sum()), "share": share}))
    own, other = e[used & treated], e[used & ~treated]
    outside = int(np.sum((own > other.max()) | (own < other.min())) + np.sum((other > own.max()) | (other < own.min())))
    if outside:
        share = outside / float(used.sum())
        text = f"{outside:,} rows ({share:.1%}) have a propensity beyond the range of the other arm."
        cautions.append(Caution("no_overlap", text, {"rows": outside, "share": share}))
    if not used.all():
        bare = len(np.unique(groups.codes[~used]))
        text = f"{bare:,} of {len(groups):,} strata of {listing(strata)} ({int((~used).sum()):,} rows) hold one arm only and add no comparison."
        cautions.append(Caution("strata_with_one_arm", text, {"strata": bare, "rows": int((~used).sum())}))
    return cautions


def _arms(weights: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    parts = {"treated": weights[treated], "control": weights[~treated]}
    return pd.DataFrame([
        {"arm": arm, "n": len(part), "sum_weights": float(part.sum()), "ess": effective_size(part), "min_weight": float(part.min()),
         "max_weight": float(part.max())}
        for arm, part in parts.items()
    ])


def _coefficients(fit: LogisticFit, design: Design, critical: float) -> pd.DataFrame:
    coef, variance, terms = fit.coef, np.diag(fit.covariance), list(design.terms)
    if fit.full_covariance is not None:
        coef, variance, terms = np.r_[fit.intercepts[0], coef], np.diag(fit.full_covariance), ["(Intercept)", *terms]
    se = np.sqrt(np.maximum(variance, 0))
    if fit.runaway is not None:  # a coefficient without limit has no standard error, and the table must not seem to give one
        se[fit.runaway + (len(terms) - len(design.terms))] = np.nan
    with np.errstate(over="ignore"):
        return pd.DataFrame({
            "term": terms, "coef": coef, "se": se, "odds_ratio": np.exp(coef), "ci_low": np.exp(coef - critical * se),
            "ci_high": np.exp(coef + critical * se), "p": two_sided_p(coef / se),
        })
