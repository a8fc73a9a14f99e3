"""What these data could have shown: the smallest change that the design would find, from the standard error that it has.

Never from the estimate: a power reckoned at the effect found says no more than the p-value. `mentorship-eval power` simulates instead, for
these departments or for a design on paper.
"""

from __future__ import annotations

import math

from scipy.special import stdtrit

from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.incidents.prepared import Prepared
from mentorship_eval.questions.section import Section

__all__ = ["detectable", "smallest_ratios"]

POWER = 0.8


def smallest_ratios(estimate: Estimate, power: float = POWER) -> tuple[float, float] | None:
    """The rate ratios below and above 1 that a two-sided test at the interval's level finds with ``power``; None without a standard error.

    exp(-+ (t_level + t_power) se), with t on the estimate's degrees of freedom.
    """
    if not (math.isfinite(estimate.se) and estimate.df and estimate.df >= 1 and math.isfinite(estimate.ci_low)):
        return None
    reach = (stdtrit(estimate.df, 0.5 + estimate.ci_level / 2) + stdtrit(estimate.df, power)) * estimate.se
    return math.exp(-reach), math.exp(reach)


def detectable(study: Prepared) -> Section:
    """One sentence for each headline outcome that has an interval."""
    told = Section()
    for kind in study.kinds:
        if kind.role != "headline" or kind.column not in study.fits:
            continue
        estimate = study.fits[kind.column].fit.irr
        found = smallest_ratios(estimate)
        if found:
            low, high = (format_number(value) for value in found)
            text = f"{kind.short}: with the standard error found, a true rate ratio of {low} or {high} would be told from 1 with {POWER:.0%} power; "
            told.lead.append(Statement(text + "smaller changes would more often be missed.", rests_on=(estimate.n_events,)))
    return told
