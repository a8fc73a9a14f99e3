"""Results as they may be quoted: withheld where they rest on few or on too few degrees of freedom, their counts rounded where the rule rounds."""

from __future__ import annotations

import math
from dataclasses import replace

from mentorship_eval.disclosure.earlier import Earlier
from mentorship_eval.disclosure.known import Known
from mentorship_eval.disclosure.rounding import coarser
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.texts import masked, show_caution
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result

__all__ = ["is_small", "show_result"]

_SHARES = ("probability", "share", "proportion")


def is_small(result: Result, rule: Rule) -> bool:
    """Whether a result rests on few people or events, or its regression on too few degrees of freedom."""
    estimate = result.estimate
    if rule.few_df(estimate.df) or (rule.clusters_counted and rule.small(estimate.n_clusters)):
        return True
    # all of a group is a zero for the rest of it
    whole = rule.zeros_disclosive and estimate.n is not None and estimate.n_events == estimate.n
    return whole or any(rule.small(count) for count in (estimate.n, estimate.n_events, *result.rests_on))


def _withheld(estimate: Estimate, rule: Rule) -> Estimate:
    blank = math.nan
    # codes stay, sentences go: an engine's caution may quote the counts
    codes = tuple(Caution(caution.code, "withheld") for caution in estimate.warnings)
    text = f"Withheld: it rests on fewer than {rule.threshold} persons or events."
    if rule.few_df(estimate.df):
        text = f"Withheld: it has fewer than {rule.least_df} residual degrees of freedom."
    return replace(
        estimate,
        value=blank,
        se=blank,
        ci_low=blank,
        ci_high=blank,
        p_value=blank,
        n=None if rule.small(estimate.n) else estimate.n,
        n_events=None,
        warnings=(*codes, Caution("suppressed", text)),
    )


def _coarser(shown: Estimate, private: Estimate, rule: Rule) -> Estimate:
    """A share or a rate of people or events, so coarse that it does not tell the counts before rounding; models are exempt."""
    # a share moves by one person in n, a rate or a ratio by one event
    count = private.n if private.scale in _SHARES else private.n_events or private.n
    if not count:
        return shown
    step = abs(private.value) * rule.round_to / count
    names = ("value", "se", "ci_low", "ci_high")
    values = {name: getattr(shown, name) for name in names}
    coarse = {name: coarser(value, abs(value), step) for name, value in values.items() if math.isfinite(value)}
    return replace(shown, **coarse)  # type: ignore[arg-type]


def show_result(result: Result, rule: Rule, known: Known, earlier: Earlier) -> tuple[Result, dict[str, str]]:
    """The result as it may be shown, and by part of it why something is not."""
    if not rule.active:
        return result, {}
    estimate, why = result.estimate, {}
    if is_small(result, rule) or result.id in known.told:
        estimate = _withheld(estimate, rule)
        rests = is_small(result, rule)
        why["estimate"] = "df" if rule.few_df(result.estimate.df) else ("primary" if rests else "derived")
    else:
        estimate = replace(estimate, warnings=tuple(show_caution(caution, rule, known) for caution in estimate.warnings))
    changed: dict[str, float | None] = {}
    for name in ("n", "n_events"):
        count = getattr(estimate, name)
        if count is None:
            continue
        if earlier.near(result, name, rule) is not None:
            changed[name], why[name] = None, "earlier run"
        elif (roughly := known.roughly(float(count), rule, of_people=name == "n")) is not None:
            # a number that is an earlier run's would look exact here
            changed[name] = None if float(count) in known.said else roughly
            why[name] = "earlier run" if float(count) in known.said else "rounded"
        elif rule.round_to:
            changed[name] = float(rule.rounded(float(count)))
    if changed:
        whole = {name: None if value is None else (int(value) if name == "n" else value) for name, value in changed.items()}
        estimate = replace(estimate, **whole)  # type: ignore[arg-type]
    if "earlier run" in why.values() or "rounded" in why.values():
        text = "Counts are rounded or left out: a small number of people tells them from others that are published."
        estimate = estimate.warn(Caution("counts_rounded", text))
    if rule.clusters_counted and estimate.n_clusters is not None:
        clusters = None if rule.small(estimate.n_clusters) else int(rule.rounded(float(estimate.n_clusters)))
        estimate = replace(estimate, n_clusters=clusters, df=None)
    if rule.round_to:
        estimate = replace(estimate, method=masked(estimate.method, rule))
        if result.role == "descriptive":
            estimate = _coarser(estimate, result.estimate, rule)
    return replace(result, estimate=estimate, rests_on=()), why
