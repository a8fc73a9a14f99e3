"""Power by simulation: the front door.

Counts are simulated for the design's own units, exposures, waves, overdispersion and autocorrelation, and each simulated
panel goes through the analysis that `poisson_imputation` makes: the fit on untreated cells with the leave-one-cluster-out
jackknife and t(G-1), or, with fewer than six treated units, the permutation test. Power is the share that rejects a ratio
of 1. A power computed for the ratio that was observed says nothing beyond its p-value (Hoenig & Heisey 2001, The American
Statistician 55:19-24); the ratios here are chosen by the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.few_controls import FEW_SERVING, serving_clusters
from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.targets import Targets, choose_targets
from mentorship_eval.did.design.analysis import CellGroups, fitted, jackknife_p, permutation_p
from mentorship_eval.did.design.cautions import describe, noise_words, power_cautions
from mentorship_eval.did.design.detectable import approximate_ratios, minimum_detectable
from mentorship_eval.did.design.noise import noise_factor, standard_noise, thinned
from mentorship_eval.did.design.plan import Design, check_noise
from mentorship_eval.did.design.result import PowerResult
from mentorship_eval.did.design.scenario import Scenario, observed_scenario, paper_scenario
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.permutation import count_assignments
from mentorship_eval.inference.proportions import wilson

__all__ = ["power"]

RATIOS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.2, 1.35, 1.5)
# Further ratios cost nothing where the jackknife is the test; they make the curve and reach far enough for most designs.
LADDER = np.exp(np.arange(-40, 41) * 0.04)


def _checked(ratios: Sequence[float], target: float, alpha: float, replicates: int, permutations: int) -> np.ndarray:
    try:
        asked = np.unique(np.append(np.asarray(list(ratios), dtype=float), 1.0))
    except (TypeError, ValueError):
        raise UsageError(f"ratios is {ratios!r}.", fix="Give rate ratios such as (0.7, 0.8, 0.9).") from None
    if not (np.isfinite(asked).all() and (asked > 0).all() and (asked <= 20).all()):
        raise UsageError(f"ratios holds {listing(asked[~((asked > 0) & (asked <= 20))])}.", fix="Give rate ratios above 0 and up to 20.")
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha is {alpha}.", fix="Give the level of the test, such as 0.05.")
    if not alpha < target < 1:
        raise UsageError(f"target is {target}.", fix="Give the power that is wanted, such as 0.8; it lies above alpha and below 1.")
    if replicates < 20 or replicates != int(replicates):
        raise UsageError(f"replicates is {replicates}.", fix="Give a number of simulations: 400 for a first look, 2000 to settle a second decimal.")
    if permutations < 19:
        raise UsageError(f"permutations is {permutations}.", fix="Give 19 or more; 199 is enough for a test at 5 %.")
    return asked


def _on_paper(design: Design, given: Mapping[str, object], overdispersion: float | None, autocorrelation: float | None) -> Scenario:
    extra = [name for name, value in given.items() if value is not None]
    if extra:
        raise UsageError(f"{listing(extra)} belong to an observed panel, not to a design on paper.",
            fix="Put waves and the like into did.Design(...).")
    noise = {name: value for name, value in (("overdispersion", overdispersion), ("autocorrelation", autocorrelation)) if value is not None}
    return paper_scenario(replace(design, **noise))  # type: ignore[arg-type]


def _few(panel: Panel, targets: Targets) -> bool:
    """Whether so few are treated, or serve as comparison, that the analysis has its permutation test alone."""
    return bool(targets.target.any(axis=1).sum() < FEW_TREATED or serving_clusters(panel, targets) < FEW_SERVING)


def _check_design(panel: Panel, targets: Targets, alpha: float, anticipation: int) -> int:
    """Treated units of the estimand; refuses designs in which no effect of any size could be seen."""
    treated = int(targets.target.any(axis=1).sum())
    if not treated:
        reasons = pd.unique(targets.reason[targets.treated]) if targets.treated.any() else ["nobody adopts within the periods"]
        raise EstimationError(f"The design has no treated cell that can be compared: {listing(reasons)}.",
            fix="Keep some units untreated to the end, lower min_controls, or check the dates of adoption.")
    if treated == 1:
        raise EstimationError("Only one unit is treated: there is no test, and so no power.",
            fix="A chart and a placebo rank are what one treated unit allows; treat six or more for an interval.")
    if _few(panel, targets):
        last = panel.position[-1]
        possible = count_assignments(np.where(panel.adopted - anticipation > last, np.inf, panel.adopted))
        if 1 / possible > alpha:
            raise EstimationError(
                f"With {treated} treated units only {possible:,} assignments of the dates are possible, so that no p-value falls below "
                f"{1 / possible:.2g}: no effect of any size can be detected at {alpha:.0%}.", fix="Add units, treated or not.")
    return treated


def _one(
    scenario: Scenario, seed: np.random.SeedSequence, ladder: np.ndarray, *, anticipation: int, min_controls: int, permutations: int, few: bool,
    alpha: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Log ratios and p-values (J,) of one simulated panel at ``ladder`` (J,), descending."""
    places, noise, counting, thinning = (np.random.default_rng(child) for child in seed.spawn(4))
    panel, mean = scenario.panel, scenario.mean
    if scenario.shuffle:
        order = places.permutation(len(panel.units))
        panel, mean = replace(panel, exposure=panel.exposure[order]), mean[order]
    targets = choose_targets(panel, anticipation=anticipation, min_controls=min_controls)
    factor = noise_factor(standard_noise(noise, len(panel.units), panel.position, scenario.autocorrelation), scenario.overdispersion)
    counts = counting.poisson(np.where(targets.treated, ladder[0], 1.0) * mean * factor)
    panel = replace(panel, outcome=np.where(targets.treated, 0, counts).astype(float))
    fit = fitted(panel, targets)
    if few:
        cells = thinned(thinning, np.where(targets.treated, counts, 0), ladder).astype(float)
        return permutation_p(panel, targets, fit, cells, anticipation=anticipation, min_controls=min_controls, draws=permutations,
            seed=int(seed.generate_state(1)[0]), alpha=alpha)
    groups = CellGroups(targets)
    sums = thinned(thinning, groups.sums(counts[targets.target]).astype(np.int64), ladder)
    return jackknife_p(panel, targets, fit, groups, sums.astype(float))


def _rows(ratios: np.ndarray, ladder: np.ndarray, rejected: np.ndarray, wrong: np.ndarray) -> pd.DataFrame:
    at = [int(np.flatnonzero(ladder == ratio)[0]) for ratio in ratios]
    number = len(rejected)
    share = rejected[:, at].mean(axis=0)
    limits = [wilson(int(k), number) for k in rejected[:, at].sum(axis=0)]
    return pd.DataFrame({
        "ratio": ratios, "power": share, "mc_se": np.sqrt(share * (1 - share) / number), "ci_low": [low for low, _ in limits],
        "ci_high": [high for _, high in limits], "wrong_direction": np.where(ratios == 1, np.nan, wrong[:, at].mean(axis=0)),
        "role": np.where(ratios == 1, "size", "power"),
    })


def power(
    panel: pd.DataFrame | None = None, *, count: str | None = None, exposure: str | None = None, unit: str | None = None,
    time: str | None = None, adopted: str | None = None, design: Design | None = None, waves: Sequence[tuple[int, int]] | None = None,
    periods: int | None = None, ratios: Sequence[float] = RATIOS, target: float = 0.8, alpha: float = 0.05, replicates: int = 400,
    overdispersion: float | None = None, autocorrelation: float | None = None, anticipation: int = 0, min_controls: int = 2,
    permutations: int = 199, seed: int = 0, progress: Callable[[int, int], None] | None = None,
) -> PowerResult:
    """Power at stated rate ratios, and the smallest effect that the design detects with power ``target``.

    Parameters
    ----------
    panel : an observed panel as `poisson_imputation` takes it, with its columns ``count``, ``exposure``, ``unit``, ``time`` and
        ``adopted``. Rates, overdispersion and autocorrelation are estimated from its untreated cells alone; exposures
        and dates of adoption are its own.
    waves, periods : with a panel of baseline data, a roll-out to come: (first treated period, number of units) pairs over
        ``periods`` new periods (as many as observed by default). Which unit is in which wave is drawn anew in each simulation.
    design : a `Design` on paper, in place of ``panel``.
    ratios : at which power is tabled; 1 is always added, and its row is the size of the test.
    target, alpha : wanted power, and level of the two-sided test.
    replicates : simulated panels. A power of 80 % has a Monte-Carlo SE of 2 percentage points with 400, 0.9 with 2000.
    overdispersion, autocorrelation : in place of the estimates (see `Design`, which has its own).
    anticipation, min_controls : as in `poisson_imputation`.
    permutations : assignments of each permutation test, made with fewer than six treated units only. The analysis
        itself makes 9,999; with 199 power is a little lower (Dwass 1957, Annals of Mathematical Statistics 28:181).
    seed : every simulation has its own stream of random numbers, the same at all ratios.
    progress : called with (simulations done, all) now and then.

    Returns
    -------
    PowerResult.

    Raises
    ------
    UsageError : unknown columns or settings, or neither panel nor design. EstimationError : data that cannot be a panel, no
    event in untreated cells, nobody treated, one treated unit, or too few units for any p-value below ``alpha``.
    """
    check_noise(overdispersion, autocorrelation)
    asked = _checked(ratios, target, alpha, replicates, permutations)
    if (panel is None) == (design is None):
        raise UsageError("power() takes either an observed panel or a design on paper.",
            fix="Give panel=... with its columns, or design=did.Design(...).")
    if design is not None:
        given = {"count": count, "exposure": exposure, "unit": unit, "time": time, "adopted": adopted, "waves": waves, "periods": periods}
        scenario = _on_paper(design, given, overdispersion, autocorrelation)
    else:
        assert panel is not None
        named = {"count": count, "exposure": exposure, "unit": unit, "time": time}
        missing = [name for name, value in named.items() if value is None]
        if missing:
            raise UsageError(f"power(panel) lacks {listing(missing)}.", fix="Name the columns as for poisson_imputation.")
        scenario = observed_scenario(
            panel, **named, adopted=adopted, waves=waves, periods=periods, overdispersion=overdispersion,  # type: ignore[arg-type]
            autocorrelation=autocorrelation, anticipation=anticipation, seed=seed,
        )
    targets = choose_targets(scenario.panel, anticipation=anticipation, min_controls=min_controls)
    treated = _check_design(scenario.panel, targets, alpha, anticipation)
    few = _few(scenario.panel, targets)
    ladder = np.unique(np.append(asked, [] if few else LADDER))[::-1]
    ratio, p = np.full((2, replicates, len(ladder)), np.nan)
    failures: list[str] = []
    for r, child in enumerate(np.random.SeedSequence(seed).spawn(replicates)):
        try:
            ratio[r], p[r] = _one(scenario, child, ladder, anticipation=anticipation, min_controls=min_controls, permutations=permutations,
                few=few, alpha=alpha)
        except EstimationError as error:
            failures.append(error.problem)
        if progress is not None:
            progress(r + 1, replicates)
    if len(failures) == replicates:
        raise EstimationError(f"None of {replicates} simulated panels could be analysed: {failures[0]}",
            fix="The design expects too few events: take longer periods, more units or a more common outcome.")
    rejected = p <= alpha
    wrong = rejected & (np.sign(ratio) == -np.sign(np.log(ladder))[None, :])
    table, curve = (_rows(which, ladder, rejected, wrong) for which in (asked, np.sort(ladder)))
    detectable = minimum_detectable(ladder, rejected, target, seed=seed)
    at_one = ratio[:, ladder == 1.0][:, 0]
    spread = float(np.std(at_one[np.isfinite(at_one)], ddof=1)) if np.isfinite(at_one).sum() > 1 else np.nan
    detectable.insert(4, "approximation", (np.nan, np.nan) if few else approximate_ratios(spread, len(scenario.panel.units) - 1.0, alpha, target))
    facts = describe(scenario, targets, treated, spread)
    return PowerResult(
        table=table, curve=curve.drop(columns=["wrong_direction", "role"]), minimum_detectable=detectable, target=target, alpha=alpha,
        test="permutation" if few else "jackknife t", replicates=replicates, failed=len(failures), seed=seed, design=facts,
        noise=noise_words(scenario, overdispersion, autocorrelation),
        warnings=power_cautions(table, scenario, targets, alpha=alpha, failures=failures, replicates=replicates, few=few, treated=treated,
            permutations=permutations, min_controls=min_controls),
    )
