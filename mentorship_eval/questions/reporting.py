"""How much of a change in harm can be a change in reporting: a bound from the no-harm incidents.

If the programme changes the willingness to report in the same proportion for both, the ratio of the two rate
ratios is the effect on harm itself; if it changes only the reporting of no-harm, the harm rate ratio is. The truth
under such reporting lies between the two (joint jackknife on the same departments).
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.result import PoissonImputation
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.questions.answer import Result, Statement

__all__ = ["reporting_bound"]


def reporting_bound(harm: PoissonImputation, no_harm: PoissonImputation) -> tuple[Result, Statement, Caution]:
    """The ratio of the harm to the no-harm rate ratio, with its interval, a sentence and what it assumes."""
    both = harm.leave_one_out.merge(no_harm.leave_one_out, on="cluster", suffixes=("_harm", "_no_harm"))
    used = both[both["informative_harm"] | both["informative_no_harm"]]
    value = float(np.log(harm.irr.value) - np.log(no_harm.irr.value))
    jackknife = cluster_jackknife(value, (used["log_irr_harm"] - used["log_irr_no_harm"]).to_numpy())
    few = np.isnan(harm.irr.ci_low)
    estimand = "rate ratio of harm if reporting changed as much for harm as for no-harm incidents"
    estimate = ratio_estimate(
        value,
        np.nan if few else float(jackknife.se[0]),
        scale="rate ratio",
        df=jackknife.df,
        n=harm.irr.n,
        n_events=harm.irr.n_events,
        n_clusters=jackknife.n_clusters,
        estimand=estimand,
        method="ratio of two Poisson imputations; joint leave-one-department-out jackknife",
    )
    result = Result(
        "incidents.reporting_bound",
        "harm_incidents",
        estimand,
        "department-periods with the programme",
        estimate,
        "Incidents with harm, if reporting changed alike",
        "sensitivity",
    )
    observed, bound = format_number(harm.irr.value), format_number(estimate.value)
    low, high = sorted((estimate.value, harm.irr.value))
    sentence = Statement(
        f"Reports of incidents without harm changed by the factor {format_number(no_harm.irr.value)}, of incidents with harm by "
        f"{observed}. Reporting that changed for both alike would put the ratio for harm at {bound}: the effect on harm lies between "
        f"{format_number(low)} and {format_number(high)}, depending on how far the reporting of harm moved too. If reporting alone were "
        f"behind the change in harm, the readiness to report harm would have had to change by the factor {observed}.",
        rests_on=(harm.irr.n_events, no_harm.irr.n_events),
    )
    note = Caution(
        "reporting_culture",
        "Incident reports measure harm and the willingness to report it. A rise in reports of no-harm incidents is not harm, "
        "and a fall in them is not safety.",
        {"no_harm_ratio": no_harm.irr.value},
    )
    return result, sentence, note
