"""A score after the programme, compared between arms at the same score before it (analysis of covariance).

Change scores are not the default, because of regression to the mean: people with extreme baselines move towards the middle whatever is
done, so that arms which differ at baseline, by chance or because those worse off were chosen, differ in change without any effect; and
subtracting a noisy baseline adds its noise (Vickers & Altman 2001, BMJ 323:1123-1124). They are computed as a companion. Where arms were
not allocated at random the two answer different questions (Lord 1967, Psychological Bulletin 68:304-305), and their distance is worth
telling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.intervals import check_level, difference_estimate
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.baselines import ready_baseline
from mentorship_eval.surveys.clusters import cluster_support
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, refuse_collinear, require
from mentorship_eval.surveys.comparisons.least_squares import VARIANCES, Adjusted, adjusted_difference
from mentorship_eval.surveys.comparisons.standardised import hedges_g

__all__ = ["Ancova", "ancova"]

UNLIKE = 0.25  # standard deviations
WHY_NOT_CHANGE = (
    "Change scores are a companion only: people with extreme baselines move towards the middle whatever is done (regression to the mean), "
    "so that arms which differ at baseline differ in change without any effect."
)


@dataclass(frozen=True, kw_only=True)
class Ancova:
    """estimate: adjusted difference; standardised: the same as Hedges' g; unadjusted: of the raw means; change_score: companion, None without a
    baseline (the three are None with ``companions=False``); table: the four by name; arms: n, mean and SD per arm; left_out: counts of rows, by
    reason; leave_one_out: cluster, estimate."""

    estimate: Estimate
    standardised: Estimate | None
    unadjusted: Estimate | None
    change_score: Estimate | None
    arms: pd.DataFrame
    leave_one_out: pd.DataFrame
    left_out: dict[str, int]
    settings: dict[str, Any]
    warnings: tuple[Caution, ...]

    @property
    def table(self) -> pd.DataFrame:
        """quantity, estimate, se, df, ci_low, ci_high, p_value."""
        found = {"adjusted difference": self.estimate, "standardised (Hedges g)": self.standardised, "unadjusted difference": self.unadjusted,
                 "difference in change (companion)": self.change_score}  # fmt: skip
        return pd.DataFrame([
            {"quantity": name, "estimate": e.value, "se": e.se, "df": e.df, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value}
            for name, e in found.items() if e is not None
        ])  # fmt: skip

    def statement(self) -> str:
        told = [self.estimate.statement()]
        told += [f"In standard deviations (Hedges' g): {self.standardised.interval()}."] if self.standardised is not None else []
        told += [f"{number:,} rows {why} are left out." for why, number in self.left_out.items() if number]
        if self.change_score is not None:
            told.append(f"Difference in change (companion, not the default): {format_number(self.change_score.value)}.")
        return " ".join(told)

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.arms, self.table, cautions=self.warnings)


def ancova(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    baseline: str | None = None,
    cluster: str | None = None,
    covariates: Sequence[str] = (),
    weights: str | None = None,
    variance: str = "CR2",
    reference: Any = None,
    randomised: bool = False,
    companions: bool = True,
    ci_level: float = 0.95,
) -> Ancova:
    """Difference in ``outcome`` between arms at the same baseline.

    Parameters
    ----------
    data : one row per person. Rows without an outcome are left out and counted.
    arm : 0/1, booleans, or two labels with ``reference``.
    randomised : True when arms were allocated at random: a missing baseline is then its mean and an indicator; otherwise such rows are left out.
    weights : column of weights, taken as known; for weights of response, which are estimated, use `weighted_ancova`.
    variance : "CR2" (Satterthwaite t) or "CR3" (jackknife, t on G-1); with ``weights`` the jackknife is the sounder. "CR1" and "classical" are for
        comparison with other software: the first is too small with few clusters, the second takes people as independent.
    companions : False leaves out all but the estimate, for analyses that are repeated on many completed data sets.

    Raises `UsageError` for unknown columns or settings; `EstimationError` for one arm, missing covariates, or collinear columns.
    """
    check_level(ci_level)
    require(data, [outcome, arm, baseline, cluster, weights, *covariates])
    seen = ~np.isnan(numbers(data, outcome))
    answered = data[seen]
    ready = ready_baseline(answered, baseline, randomised)
    rows = answered[ready.kept]
    if not len(rows):
        raise EstimationError("No row has an outcome and a baseline.", fix="Check how the waves are joined.")
    arms = read_arms(rows, arm, reference)
    y, inside = numbers(rows, outcome), arms.inside
    codes, labels = cluster_codes(rows, cluster)
    w = _weights(rows, weights)
    more = covariate_columns(rows, covariates)
    others = np.column_stack([np.ones(len(rows)), ready.columns, more.matrix])
    refuse_collinear(
        np.column_stack([others, inside]), ["(Intercept)", *["baseline", "baseline missing"][: ready.columns.shape[1]], *more.terms, arm]
    )
    support = cluster_support(cluster, codes, inside)

    def told(found: Adjusted, what: str, how: str) -> Estimate:
        method = f"{how}{', weighted' if weights else ''}; {VARIANCES[variance]}"
        return support.guarded(difference_estimate(
            found.value, found.se, df=found.df, ci_level=ci_level, n=len(rows), n_clusters=len(labels) if cluster else None, method=method,
            estimand=f"{what}, {arms.arm} less {arms.reference}",
        ))  # fmt: skip

    adjusted = adjusted_difference(y, inside, others, codes, weights=w, variance=variance, leave_out=companions)
    given = "at the same baseline" if baseline else "adjusted" if covariates else "unadjusted"
    cautions = [*ready.cautions, *support.cautions]
    if adjusted.failed:
        text = f"The difference does not exist without {adjusted.failed} of the clusters: no interval is given."
        cautions.append(Caution("no_jackknife", text))
    change = raw = standardised = None
    if companions:
        what = f"{outcome}, {arms.arm} less {arms.reference}"
        standardised = support.guarded(hedges_g(y, inside, codes, adjusted, weights=w, ci_level=ci_level, what=what))
        raw = adjusted_difference(y, inside, np.ones((len(y), 1)), codes, weights=w, variance=variance)
    if baseline is not None and companions:
        change, imbalance = _change(answered, rows, outcome, baseline, inside, codes, w, variance, arms, more.matrix, told)
        cautions += imbalance
    return Ancova(
        estimate=told(adjusted, f"{outcome} {given}", "analysis of covariance" if baseline else "least squares").warn(*cautions),
        standardised=standardised,
        unadjusted=told(raw, f"mean {outcome}", "least squares") if raw else None,
        change_score=change,
        arms=_by_arm(rows, outcome, baseline, inside, arms),
        leave_one_out=pd.DataFrame({"cluster": labels, "estimate": adjusted.without} if companions else {"cluster": [], "estimate": []}),
        left_out={"without an outcome": int((~seen).sum()), "without a baseline": int((~ready.kept).sum())},
        settings={"outcome": outcome, "arm": arm, "baseline": baseline, "cluster": cluster, "covariates": tuple(covariates), "weights": weights,
                  "variance": variance, "randomised": randomised, "ci_level": ci_level}, warnings=tuple(cautions),
    )  # fmt: skip


def _weights(rows: pd.DataFrame, weights: str | None) -> np.ndarray | None:
    if weights is None:
        return None
    values = numbers(rows, weights)
    if np.isnan(values).any() or (values < 0).any() or not (values > 0).any():
        raise EstimationError(
            f"Weights in {weights!r} are missing, negative or all 0.", fix="Give a weight of at least 0 to every row with an outcome."
        )
    return values


def _change(answered: pd.DataFrame, rows: pd.DataFrame, outcome: str, baseline: str, inside: np.ndarray, codes: np.ndarray, w: np.ndarray | None,
            variance: str, arms: Any, more: np.ndarray, told: Any) -> tuple[Estimate, list[Caution]]:  # fmt: skip
    """The difference in change among those with a baseline, and a caution when the arms differ at it."""
    before = numbers(rows, baseline)
    here = ~np.isnan(before)
    part = np.unique(codes[here], return_inverse=True)[1]
    others = np.column_stack([np.ones(here.sum()), more[here]])
    found = adjusted_difference(
        numbers(rows, outcome)[here] - before[here], inside[here], others, part, weights=None if w is None else w[here], variance=variance
    )
    change = told(found, f"change of {outcome} (companion)", "change scores").warn(Caution("change_score", WHY_NOT_CHANGE))
    first, second = before[here & (inside == 1)], before[here & (inside == 0)]
    spread = (
        np.sqrt((first.var() * len(first) + second.var() * len(second)) / max(len(first) + len(second) - 2, 1)) if len(first) and len(second) else 0.0
    )
    gap = (first.mean() - second.mean()) / spread if spread > 0 else 0.0
    if abs(gap) <= UNLIKE:
        return change, []
    text = (
        f"At baseline the arms differ by {format_number(gap)} standard deviations: if they were not allocated at random, this analysis and that of "
        "change scores answer different questions, and neither removes what the baseline does not measure."
    )
    return change, [Caution("unlike_at_baseline", text, {"standardised_difference": float(gap)})]


def _by_arm(rows: pd.DataFrame, outcome: str, baseline: str | None, inside: np.ndarray, arms: Any) -> pd.DataFrame:
    out = []
    for label, value in ((arms.reference, 0.0), (arms.arm, 1.0)):
        part = rows[inside == value]
        row = {
            "arm": label,
            "n": len(part),
            "mean": numbers(part, outcome).mean(),
            "sd": numbers(part, outcome).std(ddof=1) if len(part) > 1 else np.nan,
        }
        if baseline is not None:
            row |= {"n_baseline": int(part[baseline].notna().sum()), "mean_baseline": float(part[baseline].mean())}
        out.append(row)
    return pd.DataFrame(out)
