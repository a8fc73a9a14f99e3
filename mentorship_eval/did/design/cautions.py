"""What was simulated, in figures and in words, and what a reader must know beside the power."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.design.result import events_in_words
from mentorship_eval.did.design.scenario import Scenario
from mentorship_eval.estimate import Caution, format_number

__all__ = ["describe", "noise_words", "power_cautions"]

FEW_BASELINE_EVENTS = 50


def describe(scenario: Scenario, targets: Targets, treated: int, spread: float) -> dict[str, object]:
    """The design in figures; with ``shuffle`` the expected events are those of an average allocation."""
    panel, mean = scenario.panel, scenario.mean
    adopts = panel.adopted[targets.target.any(axis=1)]
    exposed = panel.exposure > 0
    if scenario.shuffle:
        average = np.broadcast_to(mean.mean(axis=0)[None, :], mean.shape)
        treated_events, untreated_events = (float(average[cells].sum()) for cells in (targets.target, targets.untreated))
    else:
        treated_events, untreated_events = (float(mean[cells].sum()) for cells in (targets.target, targets.untreated))
    return {
        "units": int(exposed.any(axis=1).sum()), "periods": panel.shape[1], "treated_units": treated, "waves": len(np.unique(adopts)),
        "never": int((~targets.treated.any(axis=1) & exposed.any(axis=1)).sum()), "treated_cells": int(targets.target.sum()),
        "untreated_cells": int(targets.untreated.sum()), "exposure_per_cell": float(panel.exposure[exposed].mean()),
        "rate": float(mean.sum() / panel.exposure.sum()), "expected_treated": treated_events, "expected_untreated": untreated_events,
        "overdispersion": scenario.overdispersion, "autocorrelation": scenario.autocorrelation, "spread_of_log_ratio": spread,
    }


def noise_words(scenario: Scenario, overdispersion: float | None, autocorrelation: float | None) -> str:
    """Overdispersion and autocorrelation, and where they come from."""
    said, known = [], scenario.baseline
    for name, value, given, se in (
        ("overdispersion", scenario.overdispersion, overdispersion, known.overdispersion_se if known else np.nan),
        ("autocorrelation", scenario.autocorrelation, autocorrelation, known.autocorrelation_se if known else np.nan),
    ):
        source = "as stated" if known is None or given is not None else f"estimated, SE {format_number(se)}" if np.isfinite(se) else "estimated"
        said.append(f"{name} {format_number(value)} ({source})")
    text = f"Noise of the rates: {said[0]}, {said[1]}"
    if known is None:
        return f"{text}."
    return f"{text}; rates from {known.cells:,} untreated cells with {events_in_words(known.events)} events."


def power_cautions(
    table: pd.DataFrame, scenario: Scenario, targets: Targets, *, alpha: float, failures: list[str], replicates: int, few: bool, treated: int,
    permutations: int, min_controls: int,
) -> tuple[Caution, ...]:
    """Each with its figures."""
    out: list[Caution] = []
    size = table[table["role"] == "size"].iloc[0]
    if not size["ci_low"] <= alpha <= size["ci_high"]:
        often = "more often than it should, so that part of the power is bought with false alarms"
        word = often if size["power"] > alpha else "less often than it could"
        out.append(Caution("size_off", f"Without any effect the test rejects in {size['power']:.1%} of simulations (95 % Monte-Carlo interval "
            f"{size['ci_low']:.1%} to {size['ci_high']:.1%}) where {alpha:.0%} is nominal: {word}.", {"size": float(size["power"])}))
    if few:
        out.append(Caution("few_treated", f"Only {treated} units are treated: the power is that of the permutation test, here with at most "
            f"{permutations:,} assignments; no interval would be given.", {"treated": treated}))
    if failures:
        out.append(Caution("failed_replicates", f"{len(failures):,} of {replicates:,} simulated panels had no estimate and count as not "
            f"rejecting; the first: {failures[0]}", {"failed": len(failures)}))
    left = int(targets.treated.sum() - targets.target.sum())
    if left:
        out.append(Caution("left_out", f"{left:,} treated cells are not in the estimand, because fewer than {min_controls} units are "
            f"untreated in their period or nothing links them to controls.", {"cells": left}))
    known = scenario.baseline
    if known is not None:
        if known.events < FEW_BASELINE_EVENTS:
            out.append(Caution("few_baseline_events", f"Rates and noise rest on {events_in_words(known.events)} events in untreated cells; "
                "try other values of overdispersion and autocorrelation too.", {"events": known.events}))
        elif scenario.overdispersion == known.overdispersion and known.overdispersion_se > 0.5 * max(known.overdispersion, 0.02):
            out.append(Caution("uncertain_noise", f"Overdispersion is estimated as {format_number(known.overdispersion)} with a standard error "
                f"of {format_number(known.overdispersion_se)}: try values on either side.", {"se": known.overdispersion_se}))
        if scenario.overdispersion == 0:
            out.append(Caution("no_overdispersion", "No overdispersion is simulated: counts would vary as Poisson counts do. Real ones seldom "
                "vary so little.", {}))
    return tuple(out)
