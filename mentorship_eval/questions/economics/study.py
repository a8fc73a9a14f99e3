"""What the chapter on costs starts from: leavers avoided as the retention chapter found them, prices, and what the programme used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.economics.amounts import Amount
from mentorship_eval.economics.net_benefit import Effect, Simulated, simulate
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.economics.quantities import OF_PEOPLE, Priced, contributors, is_leaver, priced
from mentorship_eval.questions.economics.used import Usage, usage

__all__ = ["AVOIDED", "QUESTION", "CostStudy", "cost_study"]

AVOIDED = "retention.programme_active.avoided"
QUESTION = "What did the programme cost, and what did it save?"
_NO_COUNTERFACTUAL = (
    "no counterfactual: the retention chapter has no estimate with an interval of how many would have left without the programme, and leavers "
    "before it, or a benchmark, are none. Any sum of money saved would be made up."
)


@dataclass(frozen=True)
class CostStudy:
    """cohort; avoided: the estimate of the retention chapter; worth: value of one leaver avoided, and where it comes from; items; share of the
    department-months with the programme that have a comparison, to which costs are apportioned; currency and price years of all amounts.
    """

    cohort: Cohort
    avoided: Estimate
    effect: Effect
    worth: Amount
    source: str
    items: tuple[Priced, ...]
    used: Usage
    share: float
    currency: str
    price_years: tuple[int, ...]
    simulated: Simulated
    cautions: tuple[Caution, ...]

    @property
    def costs(self) -> list[Amount]:
        return [item.total for item in self.items]

    @property
    def cost(self) -> float:
        return sum(item.value for item in self.costs)

    @property
    def rests_on(self) -> tuple[float | None, ...]:
        """Leavers behind the estimate, people matched, mentors, and how many make up each item: no sum is told when one of them is few.

        What a few people make up would be told by the differences of other sums, were its own line alone withheld.
        """
        mentors = self.used.parts.get("mentors with a match")
        made_up = (contributors(item.parts) for item in self.items if item.counts in OF_PEOPLE)
        return (self.avoided.n_events, float(self.used.mentees), None if mentors is None else float(len(mentors)), *made_up)

    @property
    def unit(self) -> str:
        """Currency and price years, as short as a column of units needs it."""
        return f"{self.currency} {self.price_years[0]}" if len(self.price_years) == 1 else self.currency

    @property
    def money(self) -> str:
        if not self.price_years:
            return f"{self.currency}, price year not told"
        return f"{self.currency}, prices of {' and '.join(map(str, self.price_years))}"


def _worth(cohort: Cohort, costs: pd.DataFrame) -> tuple[Amount, str, list[Caution], str]:
    """Value of a leaver avoided, where it comes from, cautions about it, and its currency."""
    own = costs[[is_leaver(unit) for unit in costs["unit"]]]
    label = "Value of a leaver avoided"
    if len(own):
        amount = float(own["amount"].sum())
        low, high = ((own[name].fillna(own["amount"]) if name in own else own["amount"]).sum() for name in ("low", "high"))
        source = f"the table costs: {', '.join(map(str, own['item']))}" + ("; ranges added up, as if they moved together" if len(own) > 1 else "")
        return Amount(label, amount, float(low), float(high)), source, [], str(own["currency"].iloc[0])
    said = cohort.study.plan.economics
    worth = Amount(label, said.leaver_cost, said.leaver_cost_low, said.leaver_cost_high)
    if not said.is_benchmark:
        return worth, "the plan" + (f" ({said.source})" if said.source else ""), [], said.currency
    text = (
        f"THE VALUE OF A LEAVER IS A UNITED STATES BENCHMARK THAT NEEDS OVERRIDING: {said.leaver_cost:,.0f} {said.currency} for a registered nurse "
        f"({said.leaver_cost_low:,.0f} to {said.leaver_cost_high:,.0f}, NSI 2025). It is not a cost of this organisation: give your own in "
        "costs (unit: leaver) or plan.economics.leaver_cost."
    )
    told = [Caution("us_benchmark", text, {"amount": said.leaver_cost})]
    return worth, "a benchmark of hospitals in the United States (NSI 2025)", told, said.currency


def cost_study(cohort: Cohort, earlier: Mapping[str, Answer]) -> CostStudy | Gap:
    """The study, or why there is none: no counterfactual first, then prices that cannot be added up."""
    if "retention" not in earlier:
        reason = "no counterfactual: leavers avoided come from the retention chapter, which was left out of this run."
        return Gap(QUESTION, reason, "the chapter retention")
    found = earlier["retention"].result(AVOIDED)
    if found is None or not math.isfinite(found.estimate.se) or not math.isfinite(found.estimate.ci_low):
        return Gap(QUESTION, _NO_COUNTERFACTUAL, "rollout, with departments or months without the programme")
    costs = cohort.table("costs")
    wrong = "amounts with low and high around them in costs"
    try:
        worth, source, cautions, currency = _worth(cohort, costs)
    except UsageError as error:
        return Gap(QUESTION, error.problem, wrong)
    currencies = sorted({currency, *costs["currency"].dropna().astype(str)})
    if len(currencies) > 1:
        return Gap(QUESTION, f"Amounts are in {' and '.join(currencies)}, which do not add up.", "one currency in costs and plan.economics")
    own = costs["price_year"].dropna() if "price_year" in costs else pd.Series(dtype=float)
    years = sorted({int(year) for year in own})
    if not any(is_leaver(unit) for unit in costs["unit"]):
        years = sorted({*years, cohort.study.plan.economics.price_year})
    if len(years) > 1:
        text = f"Amounts are of {', '.join(map(str, years))} and are added up as they stand, without a price index; bring them to one year."
        cautions.append(Caution("price_years", text))
    used = usage(cohort)
    share = min((found.estimate.n or 0) / used.active_months, 1.0) if used.active_months else 0.0
    share = 1.0 if share > 1 - 1e-9 else share
    if share < 1:
        text = f"Leavers avoided are known for {share:.0%} of the department-months with the programme, where there is a comparison; costs are "
        cautions.append(Caution("apportioned", text + "counted for the same share of it, and nothing is said of the rest."))
    try:
        items, unknown = priced(costs, used, share)
    except UsageError as error:
        return Gap(QUESTION, error.problem, wrong)
    if unknown or not items or not any(item.total.value for item in items):
        reason = f"The cost per {', '.join(unknown)} has nothing to be multiplied by." if unknown else "The table costs has no cost of the programme."
        return Gap(QUESTION, reason, "units of costs that these data count: " + ", ".join(sorted(set(used.parts))))
    cautions += _of_ranges([item.total for item in items] + [worth], cohort.study.plan.economics.law)
    if used.filled and any(item.counts in ("protected hours", "hours of sessions held") for item in items):
        cautions.append(Caution("length_filled", "Sessions held of unknown length are taken to be as long as the others."))
    said = cohort.study.plan.economics
    effect = Effect(found.estimate.value, found.estimate.se, found.estimate.df)
    drawn = simulate(effect, worth, [item.total for item in items], draws=said.draws, seed=cohort.study.plan.seed, law=said.law)
    return CostStudy(
        cohort, found.estimate, effect, worth, source, tuple(items), used, share, currency, tuple(years), drawn, tuple(cautions)
    )  # fmt: skip


def _of_ranges(amounts: list[Amount], law: str) -> list[Caution]:
    """What a reader must know of ranges: those that are not there, and those to which the law cannot keep."""
    cautions = []
    certain = [amount.label for amount in amounts if amount.is_certain]
    if certain:
        cautions.append(Caution("no_range", f"Without a range, and so taken as certain: {', '.join(certain)}."))
    astray = {amount.label: amount.strays() for amount in amounts} if law == "gamma" else {}
    told = [f"{label} from {ends[0]:,.0f} to {ends[1]:,.0f}" for label, ends in astray.items() if ends]
    if told:
        text = f"Ranges lean in a way in which a gamma law cannot; the middle 95 % of what is drawn runs, for {'; '.join(told)}. "
        cautions.append(Caution("range_leans", text + "plan.economics.law: pert keeps to the range that is given."))
    return cautions
