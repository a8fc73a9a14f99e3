"""Net benefit, return on investment and cost per leaver avoided, with everything uncertain drawn at once; ranges, acceptability, break-even.

What people see is told to three significant figures; ``estimates.csv`` has every figure in full, as it has all others.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.economics.net_benefit import acceptability, break_even, one_way
from mentorship_eval.estimate import Estimate, format_money, format_number
from mentorship_eval.questions.answer import Counted, Exhibit, Result, Statement
from mentorship_eval.questions.economics.study import CostStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["balance", "by_value", "result_of", "to_show", "what_it_cost"]

GROUP = "Costs and benefits"
_POPULATION = "department-months with the programme that have a comparison"


def to_show(value: float) -> float:
    """An amount as tables show it: to three significant figures."""
    return float(f"{value:.3g}") if math.isfinite(value) else value


def what_it_cost(study: CostStudy) -> Section:
    """Items, how much of each, the price of one, totals."""
    told = Section(cautions=list(study.cautions))
    rows = pd.DataFrame({
        "item": [i.total.label for i in study.items], "counts": [i.counts for i in study.items], "quantity": [i.quantity for i in study.items],
        "price": [i.price for i in study.items],
        **{end: [to_show(getattr(i.total, name)) for i in study.items] for end, name in (("total", "value"), ("low", "low"), ("high", "high"))},
        "each": [i.parts if len(i.parts) > 1 else (1.0,) * 99 for i in study.items],
    })  # fmt: skip
    # what is paid once for the whole organisation is nobody's contribution
    counted = Counted((), ("total", "low", "high", "quantity"), amounts={"total": "each", "low": "each", "high": "each", "quantity": "each"})
    options = {
        "labels": {"item": "Item", "counts": "Counted", "quantity": "Quantity", "price": "Price of one", "total": "Total", "low": "Low",
                   "high": "High"},
        "formats": {"quantity": "amount", "price": "amount", **dict.fromkeys(("total", "low", "high"), "count")},
    }
    w = study.worth
    low, high = (format_money(end) for end in study.simulated.interval(study.simulated.cost))
    note = f"{study.money}. Ranges as given. All together {format_money(study.cost)} (95 % of draws {low} to {high}). "
    note += f"Value of a leaver avoided: {format_money(w.value)} ({format_money(w.low)} to {format_money(w.high)})."
    told.exhibits.append(
        Exhibit("economics.costs", "table", "What the programme cost", {"rows": rows}, {"rows": counted}, options, note, study.rests_on)
    )
    return told


def result_of(
    study: CostStudy, key: str, label: str, value: float, ends: tuple[float, float], scale: str, estimand: str, role: str = "companion",
    unit: str = "",
) -> Result:  # fmt: skip
    """A number of this chapter, resting on what the leavers avoided rest on."""
    a, said = study.avoided, study.cohort.study.plan.economics
    method = f"{len(study.simulated.avoided):,} draws, seed {study.cohort.study.plan.seed}: leavers avoided from their {law_of(study)} law, "
    estimate = Estimate(value=value, ci_low=ends[0], ci_high=ends[1], scale=scale, n=a.n, n_events=a.n_events, n_clusters=a.n_clusters,
                        estimand=estimand, unit=unit, method=f"{method}{said.law} laws of costs")  # fmt: skip
    return Result(f"economics.{key}", "economics", estimand, _POPULATION, estimate, label, role, GROUP, rests_on=study.rests_on)


def law_of(study: CostStudy) -> str:
    return "normal" if study.effect.df is None else f"t({study.effect.df:g})"


def balance(study: CostStudy) -> Section:
    """The headline and its companions, quadrants and the tornado."""
    told, drawn = Section(), study.simulated
    interval = drawn.interval
    net = study.effect.value * study.worth.value - study.cost
    estimand = "value of the leavers avoided minus the cost of the programme"
    whole = result_of(study, "net_benefit", "Net benefit", net, interval(drawn.net), "net benefit", estimand, "headline", study.unit)
    share, error = drawn.probability()
    none = (math.nan, math.nan)
    label = f"Probability that it pays for itself (Monte-Carlo error {error:.4f})"
    pays = result_of(study, "probability", label, share, none, "probability", "probability that the programme pays for itself")
    told.results += [whole, pays]
    costs = ("programme_cost", "Cost of the programme", study.cost, interval(drawn.cost), "cost", "cost of the programme")
    told.results.append(result_of(study, *costs, unit=study.unit))
    _ratios(told, study, net)
    told.lead += [
        Statement(f"Net benefit, the value of the leavers avoided minus the cost of the programme: {whole.estimate.interval()} {study.money}. In "
                  f"{share:.1%} of the draws the programme pays for itself (Monte-Carlo error {error:.2%}).",
                  rests_on=study.rests_on, results=("economics.net_benefit", "economics.probability")),
        Statement(_needed(study), rests_on=study.rests_on, results=("economics.programme_cost",)),
    ]  # fmt: skip
    words = {"": "Leavers avoided"}
    rows = pd.DataFrame(one_way(study.effect, study.worth, study.costs), columns=["label", "input_low", "input_high", "low", "high"])
    rows["label"] = [words.get(label, label) for label in rows["label"]]
    told.exhibits.append(
        Exhibit("economics.tornado", "tornado", "Net benefit, one input at a time", {"rows": rows}, {"rows": Counted(results={})},
                {"base": net, "unit": study.money}, "Inputs over their plausible range, leavers avoided over their 95 % interval, the others at "
                "their best guess.", study.rests_on)
    )  # fmt: skip
    # a programme that costs something cannot pay without a leaver avoided: no line for what is nowhere
    shares = [(f"{name[:1].upper()}{name[1:]}", part) for name, part in drawn.quadrants().items()]
    quadrants = pd.DataFrame([(name, part) for name, part in shares if part or name != shares[3][0]], columns=["where", "share"])
    told.exhibits.append(
        table_exhibit("economics.quadrants", "Where the draws lie", quadrants, rests_on=study.rests_on,
                      labels={"where": "Leavers, and money", "share": "Share of draws"}, formats={"share": "percent"})
    )  # fmt: skip
    said = study.cohort.study.plan
    told.methods.append(
        "Net benefit (Stinnett & Mullahy 1998): leavers avoided (expected without the programme minus observed, from the retention chapter's own "
        f"imputation, drawn from its {law_of(study)} law, values below zero among them) times the value of one, minus the cost of the programme; "
        f"{len(drawn.avoided):,} draws, seed {said.seed}. Costs: {said.economics.law} laws of their ranges (Briggs et al. 2006), independent of each "
        "other; quantities as recorded, without uncertainty of their own. Reported after CHEERS 2022."
    )
    return told


def _ratios(told: Section, study: CostStudy, net: float) -> None:
    """Return on investment and cost per leaver avoided, or why a ratio would mean nothing."""
    drawn, avoided = study.simulated, study.avoided
    back = drawn.return_on_cost()
    if back is not None:
        estimand = "return on investment: net benefit over cost"
        told.results.append(result_of(study, "roi", "Return on investment", net / study.cost, back, "return", estimand))
    else:
        reason = "The cost of the programme may be next to nothing by its range, and a return on nothing is without bound; net benefit is told."
        told.lacks("Return on investment", reason, "narrower ranges of costs")
    per = drawn.cost_per_event() if avoided.ci_low > 0 else None
    if per is not None:
        label, estimand = "Cost per leaver avoided", "cost of the programme per leaver avoided, before what a leaver avoided is worth"
        one = result_of(study, "cost_per_leaver", label, study.cost / avoided.value, per, "cost", estimand, unit=study.unit)
        told.results.append(one)
        return
    if avoided.ci_high < 0:
        reason = "More left with the programme than would have without it, by the whole interval: it is dominated by doing nothing, at any price."
    elif avoided.value <= 0:
        reason = "By the estimate no leaver was avoided, and the interval reaches beyond zero: a ratio means nothing; net benefit is told."
    else:
        reason = "The interval of the leavers avoided reaches zero or beyond, so that a ratio has no bounded interval; net benefit is told."
    told.lacks("The cost of one leaver avoided", reason, "A narrower interval of the leavers avoided.")


def _needed(study: CostStudy) -> str:
    events, worth = break_even(study.effect, study.worth, study.costs)
    text = f"The programme pays for itself from {format_number(events, 1)} leavers avoided on, at {format_money(study.worth.value)} each"
    if math.isnan(worth):
        return text + "; at the estimate, which avoids none, no value of a leaver would do."
    return text + f", or, at the estimate of {format_number(study.effect.value, 1)}, from a value of {format_money(worth)} on ({study.money})."


def by_value(study: CostStudy) -> Section:
    """How likely it is to pay for itself at every value that a leaver avoided might have."""
    worths = np.linspace(0, 2 * max(study.worth.high, study.worth.value), 161)
    rows = pd.DataFrame({"value": worths, "probability": acceptability(study.simulated, worths)})
    exhibit = Exhibit(
        "economics.acceptability", "ceac", "How likely the programme is to pay for itself", {"rows": rows}, {"rows": Counted(results={})},
        {"marked": study.worth.value, "value_label": f"Value of a leaver avoided ({study.money})"},
        "The dashed line is the value used here. Along the curve the value of a leaver is taken as known; in the chance that is told first it is "
        "drawn from its range like everything else.", study.rests_on,
    )  # fmt: skip
    return Section(exhibits=[exhibit])
