"""Are the arms alike? Standardised differences before and after weighting, and the overlap of propensity scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import labels_of, require_columns
from mentorship_eval.survival.weighting.arms import effective_size, read_weights, treated_rows

__all__ = ["Balance", "Overlap", "balance", "overlap"]

THRESHOLD = 0.1


@dataclass(frozen=True, kw_only=True)
class Balance(Shown):
    """table: covariate, level ("" for numbers), term, mean_treated, mean_control (shares for levels; unweighted), mean_treated_after,
    mean_control_after, smd_before, smd_after (NaN without weights), variance_ratio (treated over control; after weighting when there
    are weights; NaN for levels and 0/1 columns, whose means say it all), variance_ratio_before, imbalanced (the later SMD beyond 0.1).
    arms: arm, n, ess.
    """

    table: pd.DataFrame
    arms: pd.DataFrame
    weighted: bool
    threshold: float
    n: int
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        """One sentence with the largest difference before and after."""
        before = self.table["smd_before"].abs().max()
        text = f"The largest standardised mean difference between {int(self.arms['n'].iloc[0]):,} treated and {int(self.arms['n'].iloc[1]):,} "
        text += f"control rows is {before:.3f}"
        if self.weighted:
            text += f" before weighting and {self.table['smd_after'].abs().max():.3f} after"
        return f"{text}; {int(self.table['imbalanced'].sum())} of {len(self.table)} terms exceed {self.threshold:g}."


def balance(
    data: pd.DataFrame, *, treatment: str, covariates: Sequence[str] | str, weights: str | pd.Series | np.ndarray | None = None,
    threshold: float = THRESHOLD,
) -> Balance:
    """Standardised mean differences of covariates between the arms, before and after weighting.

    The difference of means (or of shares, for each level of a category) over sqrt((v1 + v0) / 2), with v the variances of the unweighted
    arms both before and after, so that the two differ by the means alone; v is the sample variance for numbers and p(1-p) for shares
    and 0/1 columns (Austin 2009, Stat Med 28:3083-3107; Austin & Stuart 2015, Stat Med 34:3661-3679). A difference over no
    variance at all is infinite, not 0.

    weights : column, or one value a row (`PropensityWeights.weights`).

    Raises
    ------
    UsageError, EstimationError : absent columns, missing values, one arm only, impossible weights.
    """
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name at least one column.")
    if len(set(names)) < len(names):
        raise UsageError("A covariate is named twice.", fix="Name every covariate once.")
    require_columns(data, [treatment, *names, *([weights] if isinstance(weights, str) else [])])
    treated = treated_rows(data, treatment)
    w = read_weights(data, weights)
    for arm, rows in (("treated", treated), ("control", ~treated)):
        if not (w[rows] > 0).any():
            raise EstimationError(f"All weights of the {arm} rows are 0.", fix="Check how the weights were made.")
    table = pd.DataFrame([row for name in names for row in _terms(data[name], name, treated, w)])
    if weights is None:
        table[["mean_treated_after", "mean_control_after", "smd_after", "variance_ratio_after"]] = np.nan
    table["variance_ratio"] = table.pop("variance_ratio_after") if weights is not None else table["variance_ratio_before"]
    later = table["smd_before"] if weights is None else table["smd_after"]
    table["imbalanced"] = later.abs() > threshold
    order = ["covariate", "level", "term", "mean_treated", "mean_control", "mean_treated_after", "mean_control_after", "smd_before", "smd_after",
             "variance_ratio", "variance_ratio_before", "imbalanced"]
    arms = pd.DataFrame([{"arm": arm, "n": int(rows.sum()), "ess": effective_size(w[rows])} for arm, rows in
                         (("treated", treated), ("control", ~treated))])
    cautions: tuple[Caution, ...] = ()
    if table["imbalanced"].any():
        worst = table.loc[table["imbalanced"], "term"].tolist()
        when = " after weighting" if weights is not None else ""
        text = f"The arms differ by more than {threshold:g} standard deviations{when} in {listing(worst)}."
        cautions = (Caution("imbalance", text, {"terms": worst}),)
    return Balance(table=table[order], arms=arms, weighted=weights is not None, threshold=threshold, n=len(data), warnings=cautions)


def _terms(values: pd.Series, name: str, treated: np.ndarray, w: np.ndarray) -> list[dict[str, object]]:
    """Rows of the table for one covariate: one for a number, one for each level of a category."""
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        raise EstimationError(f"Covariate {name!r} holds dates or durations.", fix="Turn it into numbers or into categories first.")
    if not categorical and pd.api.types.is_numeric_dtype(values):
        x = values.to_numpy(dtype=float)
        if not np.isfinite(x).all():
            rows = labels_of(values.to_frame(), ~np.isfinite(x))
            raise EstimationError(f"Covariate {name!r} is not finite in rows {listing(rows)}.", fix="Give every row a finite value.", rows=rows)
        return [_term(x, name, "", treated, w, share=bool(np.isin(x, (0, 1)).all()))]
    present = set(values.unique())
    levels = [level for level in values.cat.categories if level in present] if categorical else sorted(present, key=lambda v: (str(type(v)), v))
    array = values.to_numpy(dtype=object)
    return [_term((array == level).astype(float), name, str(level), treated, w, share=True) for level in levels]


def _term(x: np.ndarray, name: str, level: str, treated: np.ndarray, w: np.ndarray, share: bool) -> dict[str, object]:
    one, two = x[treated], x[~treated]
    means = one.mean(), two.mean()
    after = np.average(one, weights=w[treated]), np.average(two, weights=w[~treated])
    if share:
        spread = [mean * (1 - mean) for mean in means]
        ratios = (np.nan, np.nan)
    else:
        spread = [part.var(ddof=1) if len(part) > 1 else np.nan for part in (one, two)]
        ratios = _ratio(*spread), _ratio(_variance(one, w[treated]), _variance(two, w[~treated]))
    pooled = float(np.sqrt(np.nanmean(spread))) if not np.isnan(spread).all() else float("nan")
    return {
        "covariate": name, "level": level, "term": f"{name}[{level}]" if level else name, "mean_treated": means[0], "mean_control": means[1],
        "mean_treated_after": after[0], "mean_control_after": after[1], "smd_before": _over(means[0] - means[1], pooled),
        "smd_after": _over(after[0] - after[1], pooled), "variance_ratio_before": ratios[0], "variance_ratio_after": ratios[1],
    }


def _over(difference: float, spread: float) -> float:
    if spread > 0 or np.isnan(spread):
        return float(difference / spread)
    return 0.0 if abs(difference) < 1e-12 else float(np.copysign(np.inf, difference))


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def _variance(x: np.ndarray, w: np.ndarray) -> float:
    """Weighted sample variance, unbiased for reliability weights: with equal weights it divides by n - 1."""
    total = w.sum()
    free = total - np.sum(w**2) / total
    return float(np.sum(w * (x - np.average(x, weights=w)) ** 2) / free) if free > 0 else float("nan")


@dataclass(frozen=True, kw_only=True)
class Overlap(Shown):
    """Propensity scores of the two arms.

    table: bin_low, bin_high (the last bin closed), n_treated, n_control, weight_treated, weight_control (sums of weights, counts
    without weights); support: (low, high), the range in which both arms have scores; outside: arm, n, n_outside, share of
    the rows beyond it.
    """

    table: pd.DataFrame
    support: tuple[float, float]
    outside: pd.DataFrame
    n: int

    def statement(self) -> str:
        """One sentence with the common range and how many lie beyond it."""
        low, high = self.support
        gone, rows = int(self.outside["n_outside"].sum()), int(self.outside["n"].sum())
        if low > high:
            return f"The propensity scores of the arms do not overlap at all ({rows:,} rows)."
        return f"Both arms have propensity scores from {low:.3f} to {high:.3f}; {gone:,} of {rows:,} rows ({gone / rows:.1%}) lie beyond."


def overlap(
    data: pd.DataFrame, *, treatment: str, propensity: str | pd.Series | np.ndarray, weights: str | pd.Series | np.ndarray | None = None,
    bins: int = 20,
) -> Overlap:
    """Counts of propensity scores by arm in ``bins`` equal bins of (0, 1), and the range that the arms share.

    propensity : column, or one value a row (`PropensityWeights.propensity`). The result holds counts only, no score of a person
    but the two limits of the common range.
    """
    if bins < 1:
        raise UsageError(f"bins is {bins}.", fix="Use a whole number of at least 1.")
    require_columns(data, [treatment, *(name for name in (propensity, weights) if isinstance(name, str))])
    treated = treated_rows(data, treatment)
    score, w = read_weights(data, propensity), read_weights(data, weights)
    if (score > 1).any():
        rows = labels_of(data, score > 1)
        raise EstimationError(f"The propensity is above 1 in rows {listing(rows)}.", fix="A propensity is a probability.", rows=rows)
    edges = np.linspace(0, 1, bins + 1)
    place = np.minimum((score * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin_low": edges[:-1], "bin_high": edges[1:]})
    for arm, member in (("treated", treated), ("control", ~treated)):
        table[f"n_{arm}"] = np.bincount(place[member], minlength=bins)
        table[f"weight_{arm}"] = np.bincount(place[member], w[member], minlength=bins)
    low = max(score[treated].min(), score[~treated].min())
    high = min(score[treated].max(), score[~treated].max())
    beyond = (score < low) | (score > high)
    outside = pd.DataFrame([
        {"arm": arm, "n": int(member.sum()), "n_outside": int(beyond[member].sum()), "share": float(beyond[member].mean())}
        for arm, member in (("treated", treated), ("control", ~treated))
    ])
    return Overlap(table=table, support=(float(low), float(high)), outside=outside, n=len(data))
