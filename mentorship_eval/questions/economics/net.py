"""Net benefit, return on investment and cost per leaver avoided, with everything uncertain drawn at once; ranges, acceptability, break-even."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.economics.net_benefit import acceptability, break_even, discount_factor, one_way
from mentorship_eval.estimate import Estimate, format_number
from mentorship_eval.questions.answer import Counted, Exhibit, Result, Statement
from mentorship_eval.questions.economics.study import CostStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["balance", "by_value", "what_it_cost"]

GROUP = "Costs and benefits"
_POPULATION = "department-months with the programme that have a comparison"


def what_it_cost(study: CostStudy) -> Section:
    """Items, how much of each, the price of one, totals."""
    told = Section(cautions=list(study.cautions))
    rows = pd.DataFrame({
        "item": [i.total.label for i in study.items], "counts": [i.counts for i in study.items], "quantity": [i.quantity for i in study.items],
        "price": [i.price for i in study.items], "total": [round(i.total.value) for i in study.items],
        "low": [round(i.total.low) for i in study.items],
        "high": [round(i.total.high) for i in study.items], "each": [i.parts if len(i.parts) > 1 else (1.0,) * 99 for i in study.items],
    })  # fmt: skip
    # what is paid once for the whole organisation is nobody's contribution
    counted = Counted((), ("total", "low", "high", "quantity"), amounts={"total": "each", "low": "each", "high": "each", "quantity": "each"})
    options = {
        "labels": {"item": "Item", "counts": "Per", "quantity": "Quantity", "price": "Price of one", "total": "Total", "low": "Low", "high": "High"},
        "formats": {"quantity": "number", "price": "number", **dict.fromkeys(("total", "low", "high"), "count")},
    }
    note = f"{study.money}. Ranges as given. Value of a leaver avoided: {study.worth.value:,.0f} ({study.worth.low:,.0f} to {study.worth.high:,.0f})."
    told.exhibits.append(
        Exhibit("economics.costs", "table", "What the programme cost", {"rows": rows}, {"rows": counted}, options, note, study.rests_on)
    )
    return told


def _estimate(study: CostStudy, value: float, ends: tuple[float, float], scale: str, estimand: str, unit: str = "") -> Estimate:
    a = study.avoided
    said = study.cohort.study.plan.economics
    method = f"{len(study.simulated.avoided):,} draws, seed {study.cohort.study.plan.seed}: leavers avoided from their {_law(study)} law, "
    method += f"{said.law} laws of costs"
    return Estimate(value=value, ci_low=ends[0], ci_high=ends[1], scale=scale, n=a.n, n_events=a.n_events, n_clusters=a.n_clusters,
                    estimand=estimand, unit=unit, method=method)  # fmt: skip


def _law(study: CostStudy) -> str:
    return "normal" if study.effect.df is None else f"t({study.effect.df:g})"


def balance(study: CostStudy) -> Section:
    """The headline and its companions, quadrants and the tornado."""
    told, drawn = Section(), study.simulated
    interval = drawn.interval

    def add(key: str, label: str, estimate: Estimate, role: str = "companion") -> None:
        told.results.append(
            Result(f"economics.{key}", "economics", estimate.estimand, _POPULATION, estimate, label, role, GROUP, rests_on=study.rests_on)
        )

    value = study.effect.value * study.worth.value
    net = value - study.cost
    whole = _estimate(study, net, interval(drawn.net), "net benefit", "value of the leavers avoided minus the cost of the programme", study.money)
    add("net_benefit", "Net benefit", whole, "headline")
    share, error = drawn.probability()
    pays = _estimate(study, share, (math.nan, math.nan), "probability", "probability that the programme pays for itself")
    add("probability", f"Probability that it pays for itself (Monte-Carlo error {error:.4f})", pays)
    add("programme_cost", "Cost of the programme", _estimate(study, study.cost, interval(drawn.cost), "cost", "cost of the programme", study.money))
    roi = _estimate(study, net / study.cost, interval(drawn.roi), "return", "return on investment: net benefit over cost")
    add("roi", "Return on investment", roi)
    per = drawn.cost_per_event() if study.avoided.ci_low > 0 else None
    if per is not None:
        one = _estimate(study, study.cost / study.effect.value, per, "cost", "cost of one leaver avoided", study.money)
        add("cost_per_leaver", "Cost per leaver avoided", one)
    else:
        told.lacks(
            "The cost of one leaver avoided",
            "The interval of the leavers avoided reaches zero or beyond, where a ratio means nothing; net benefit and its probability are told.",
            "A narrower interval of the leavers avoided.",
        )
    many = study.used.by_year
    rate = study.cohort.study.plan.economics.discount_rate
    if len(many) > 1 and rate > 0:
        factor = discount_factor(many, rate)
        ends = tuple(end * factor for end in interval(drawn.net))
        what = f"net benefit discounted at {rate:.1%} a year beyond the first"
        later = _estimate(study, net * factor, (ends[0], ends[1]), "net benefit", what, study.money)
        add("net_benefit.discounted", "Net benefit, discounted", later, "sensitivity")
    told.lead += [
        Statement(f"Net benefit, the value of the leavers avoided minus the cost of the programme: {whole.interval(0)} {study.money}. In {share:.1%} "
                  f"of the draws the programme pays for itself (Monte-Carlo error {error:.2%}).",
                  rests_on=study.rests_on, results=("economics.net_benefit", "economics.probability")),
        Statement(_needed(study), rests_on=study.rests_on, results=("economics.programme_cost",)),
    ]  # fmt: skip
    words = {"": f"Leavers avoided ({study.avoided.interval(1)})"}
    rows = pd.DataFrame(one_way(study.effect, study.worth, study.costs), columns=["label", "input_low", "input_high", "low", "high"])
    rows["label"] = [words.get(label, label) for label in rows["label"]]
    told.exhibits.append(
        Exhibit("economics.tornado", "tornado", "Net benefit, one input at a time", {"rows": rows}, {"rows": Counted(results={})},
                {"base": net, "unit": study.money}, "Inputs over their plausible range, leavers avoided over their 95 % interval, the others at "
                "their best guess.", study.rests_on)
    )  # fmt: skip
    quadrants = pd.DataFrame([{"where": name, "share": part} for name, part in drawn.quadrants().items()])
    told.exhibits.append(
        table_exhibit("economics.quadrants", "Where the draws lie", quadrants, rests_on=study.rests_on,
                      labels={"where": "Leavers, and money", "share": "Share of draws"}, formats={"share": "percent"})
    )  # fmt: skip
    said = study.cohort.study.plan
    told.methods.append(
        "Net benefit (Stinnett & Mullahy 1998): leavers avoided (expected without the programme minus observed, from the retention chapter's own "
        f"imputation, drawn from its {_law(study)} law) times the value of one, minus the cost of the programme; {len(drawn.avoided):,} draws, "
        f"seed {said.seed}. Costs: {said.economics.law} laws of their ranges (Briggs et al. 2006), independent of each other; quantities as "
        "recorded, without uncertainty of their own. Reported after CHEERS 2022."
    )
    return told


def _needed(study: CostStudy) -> str:
    events, worth = break_even(study.effect, study.worth, study.costs)
    text = f"The programme pays for itself from {format_number(events, 1)} leavers avoided on, at {study.worth.value:,.0f} each"
    if math.isnan(worth):
        return text + "; at the estimate, which avoids none, no value of a leaver would do."
    return text + f", or, at the estimate of {format_number(study.effect.value, 1)}, from a value of {worth:,.0f} on ({study.money})."


def by_value(study: CostStudy) -> Section:
    """How likely it is to pay for itself at every value that a leaver avoided might have."""
    worths = np.linspace(0, 2 * max(study.worth.high, study.worth.value), 81)
    rows = pd.DataFrame({"value": worths, "probability": acceptability(study.simulated, worths)})
    exhibit = Exhibit(
        "economics.acceptability", "ceac", "How likely the programme is to pay for itself", {"rows": rows}, {"rows": Counted(results={})},
        {"marked": study.worth.value, "value_label": f"Value of a leaver avoided ({study.money})"},
        "The dashed line is the value used here.", study.rests_on,
    )  # fmt: skip
    return Section(exhibits=[exhibit])
