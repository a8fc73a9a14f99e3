"""Score test of proportional hazards, per covariate and over all of them.

Grambsch & Therneau (1994, Biometrika 81:515-526) in the exact score form that R's survival uses
since 3.0: the score test of adding x * g(t) to the fitted model, g being a transform of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_p
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.hazards.partial_likelihood import Likelihood

__all__ = ["TRANSFORMS", "PHTest", "score_test_of_proportionality", "transformed_times"]

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True)
class PHTest(Shown):
    """table: term (covariate, last row GLOBAL), chisq, df, p; transform: of the time axis."""

    table: pd.DataFrame
    transform: str

    def statement(self) -> str:
        whole = self.table.iloc[-1]
        return (
            f"Test of proportional hazards ({self.transform} transform of time): chi-square {whole['chisq']:.2f} "
            f"on {whole['df']:g} degrees of freedom, {format_p(whole['p'])} over all covariates."
        )


def transformed_times(transform: str, times: np.ndarray, start: np.ndarray, stop: np.ndarray, event: np.ndarray) -> np.ndarray:
    """g at the event ``times``: 1 - left-continuous Kaplan-Meier of all rows, rank, time, or log time."""
    if transform not in TRANSFORMS:
        raise UsageError(f"There is no transform {transform!r}.", fix=f"Use one of {', '.join(TRANSFORMS)}.")
    if transform == "identity":
        return times
    if transform == "log":
        if (times <= 0).any():
            raise UsageError("The log transform needs event times above 0.", fix="Use transform='km'.")
        return np.log(times)
    moments, deaths = np.unique(stop[event], return_counts=True)
    place = np.searchsorted(moments, times)
    if transform == "rank":
        ends, many = np.unique(stop, return_counts=True)
        return (np.cumsum(many) - (many - 1) / 2)[np.searchsorted(ends, times)]
    at_risk = np.searchsorted(np.sort(start), moments, side="left") - np.searchsorted(np.sort(stop), moments, side="left")
    surviving = np.concatenate(([1.0], np.cumprod(1 - deaths / at_risk)))
    return 1 - surviving[place]


def score_test_of_proportionality(
    likelihood: Likelihood, transformed: np.ndarray, owner: np.ndarray, covariates: tuple[str, ...], transform: str
) -> PHTest:
    """The test from a likelihood at its maximum; ``owner``: covariate of each coefficient."""
    sets = likelihood.sets
    # g enters only up to shift and scale; centring keeps the information well conditioned.
    deaths = np.bincount(sets.at, minlength=sets.size)
    g = transformed - np.average(transformed, weights=deaths)
    size = len(owner)
    if not np.any(np.abs(g) > 1e-12 * max(1.0, float(np.abs(transformed).max()))):
        rows = [(name, np.nan, int((owner == j).sum()), np.nan) for j, name in enumerate(covariates)] + [("GLOBAL", np.nan, size, np.nan)]
        return PHTest(pd.DataFrame(rows, columns=["term", "chisq", "df", "p"]), transform)
    g = g / np.abs(g).max()
    plain, mixed, square = (likelihood.information(power) for power in (None, g, g**2))
    # Score test with the coefficients profiled out: u' (I22 - I21 I11^-1 I12)^-1 u. The plain score is 0 at the
    # maximum; under a penalty it is not, and what it explains of the other is taken away.
    onto = np.linalg.solve(plain, mixed).T
    score = likelihood.score(g) - onto @ likelihood.score()
    profiled = square - onto @ mixed
    rows = []
    for position, name in enumerate((*covariates, "GLOBAL")):
        chosen = np.arange(size) if name == "GLOBAL" and position == len(covariates) else np.flatnonzero(owner == position)
        part = profiled[np.ix_(chosen, chosen)]
        statistic = float(score[chosen] @ np.linalg.lstsq(part, score[chosen], rcond=1e-12)[0])
        df = int(np.linalg.matrix_rank(part, hermitian=True, rtol=1e-12))
        rows.append((name, statistic, df, float(chdtrc(df, statistic)) if df else np.nan))
    return PHTest(pd.DataFrame(rows, columns=["term", "chisq", "df", "p"]), transform)
