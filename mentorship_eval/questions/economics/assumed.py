"""What the figures take for granted, each choice with its reason, and the net benefit under other choices."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.economics.net_benefit import Simulated, discount_factor
from mentorship_eval.estimate import format_money
from mentorship_eval.questions.economics.net import law_of, result_of, to_show
from mentorship_eval.questions.economics.study import CostStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["assumptions", "otherwise"]

_SEE = "see net benefit under other choices"
_LAWS = {
    "gamma": ("Gamma laws: the amount is the mean, the range as wide as the middle 95 % of a normal law",
              "Costs are never below zero and lean to the dear side; the mean of the draws is the figure at best guesses"),
    "triangular": ("Triangular laws: the amount is the most likely, the range the two ends",
                   "Nothing beyond the range is possible; where a range leans, the mean of the draws is another figure than that at best guesses"),
    "pert": ("PERT laws: the amount is the most likely, the range the two ends",
             "Nothing beyond the range is possible; where a range leans, the mean of the draws is another figure than that at best guesses"),
}  # fmt: skip
_HOURS = {
    "held": ("Twice the length of the sessions held, in protected time or not", "Mentor and mentee were both away from their work"),
    "planned": ("Twice the hours planned a month for each match, while it lasted", "The length of sessions held is not in these data"),
}


def _choices(study: CostStudy) -> list[tuple[str, str, str]]:
    """What, how it is taken here, why."""
    said, used, worth = study.cohort.study.plan.economics, study.used, study.worth
    start, end = (f"{day:%Y-%m-%d}" for day in study.cohort.window)
    value = f"{format_money(worth.value)} ({format_money(worth.low)} to {format_money(worth.high)}), from {study.source}"
    avoided = f"The retention chapter's {study.avoided.interval(1)}, from its {law_of(study)} law, values below zero among them"
    rows = [
        ("Leavers avoided", avoided, "Cutting off what lies below zero would make every programme look better than its data"),
        ("Who counts", "All staff of departments with the programme, mentored or not", "Their leaving is what has a comparison"),
        (
            "Time",
            f"Costs and leavers from {start} to {end}",
            "Who is still there at the end of it and leaves later counts as avoided: a replacement that is put off is counted as one saved. What "
            "lasts beyond it is not counted at all",
        ),
        (
            "Benefits",
            "The replacement of leavers alone",
            "Safer care, fewer absences and the like have no price here, which makes the programme look worse",
        ),
        ("Value of a leaver", value, "The same for everybody, whatever the profession or grade"),
        ("Ranges", *_LAWS[said.law]),
        ("Prices", "Independent of each other", f"Wages are behind several of them; all dear or cheap at once: {_SEE}"),
        (
            "Quantities",
            "As recorded, without uncertainty of their own: matches that began in the window, sessions and months within it",
            "What is missing in the records is missing in the costs",
        ),
    ]
    if used.hours in _HOURS and any(item.counts == "protected hours" for item in study.items):
        rows.append(("Protected hours", *_HOURS[used.hours]))
    if study.share < 1:
        taken = f"{study.share:.0%} of every item, as of the department-months with the programme that have a comparison"
        rows.append(("Share of the costs", taken, "Leavers avoided elsewhere are not known, so that their costs are left out too"))
    several = len(study.price_years) > 1
    later = "Costs in the years in which they fell, leavers avoided evenly over the department-months with the programme"
    money = "Added up as they stand: no price index is applied" if several else "No price index is applied"
    rows += [
        ("Money", study.money, money),
        ("Discounting", f"None; {100 * said.discount_rate:g} % a year beyond the first: {_SEE}" if said.discount_rate else "None", later),
        (
            "Probability",
            f"The share of {len(study.simulated.avoided):,} draws with a net benefit above zero",
            "Before these data all effects are taken as alike likely",
        ),
    ]
    return rows


def assumptions(study: CostStudy) -> Section:
    """Every choice behind the figures, with its reason."""
    frame = pd.DataFrame(_choices(study), columns=["what", "taken", "reason"])
    table = table_exhibit("economics.assumptions", "What is taken for granted", frame, rests_on=study.rests_on,
                          labels={"what": "", "taken": "Taken here", "reason": "Why, and what to bear in mind"},
                          formats=dict.fromkeys(("what", "taken", "reason"), "text"))  # fmt: skip
    return Section(exhibits=[table])


def otherwise(study: CostStudy) -> Section:
    """Net benefit with costs that move together, discounted, and with protected hours counted otherwise."""
    told, drawn, same = Section(), study.simulated, [1.0] * len(study.items)
    rows = [("As in the main figures", study.effect.value * study.worth.value - study.cost, drawn.interval(drawn.net))]

    def add(key: str, label: str, what: str, other: Simulated, avoided: float = 1.0, items: list[float] = same) -> None:
        value = study.effect.value * study.worth.value * avoided - sum(c.value * f for c, f in zip(study.costs, items, strict=True))
        ends = other.interval(other.net)
        rows.append((label, value, ends))
        estimand = f"value of the leavers avoided minus the cost of the programme, {what}"
        told.results.append(result_of(study, f"net_benefit.{key}", label, value, ends, "net benefit", estimand, "sensitivity", study.unit))

    if len(study.items) > 1:
        add("together", "Net benefit, all costs dear or cheap at once", "costs dear or cheap all at once", drawn.together())
    rate, years = study.cohort.study.plan.economics.discount_rate, study.used.years
    if len(years[""]) > 1 and rate > 0:
        avoided, items = discount_factor(years[""], rate), [discount_factor(years[item.counts], rate) for item in study.items]
        add("discounted", f"Net benefit, discounted at {100 * rate:g} % a year", f"discounted at {100 * rate:g} % a year beyond the first",
            drawn.scaled(avoided, items), avoided, items)  # fmt: skip
    hours = [item.counts == "protected hours" for item in study.items]
    if any(hours):
        half = [0.5 if mine else 1.0 for mine in hours]
        add("mentor_hours", "Net benefit, hours of the mentor alone", "protected hours of the mentor alone", drawn.scaled(1.0, half), 1.0, half)
    held = float(study.used.parts.get("protected hours", pd.Series(dtype=float)).sum())
    if any(hours) and study.used.planned is not None and held > 0:
        other = [study.used.planned / held if mine else 1.0 for mine in hours]
        add("planned_hours", "Net benefit, protected hours as planned", "protected hours as planned", drawn.scaled(1.0, other), 1.0, other)
    if told.results:
        columns = ["choice", "value", "low", "high"]
        frame = pd.DataFrame([(label.removeprefix("Net benefit, "), *map(to_show, (value, *ends))) for label, value, ends in rows], columns=columns)
        frame["choice"] = frame["choice"].str[:1].str.upper() + frame["choice"].str[1:]
        told.exhibits.append(
            table_exhibit("economics.otherwise", "Net benefit under other choices", frame, rests_on=study.rests_on,
                          labels={"choice": "Choice", "value": "Net benefit", "low": "95 % from", "high": "to"},
                          formats=dict.fromkeys(("value", "low", "high"), "count"), note=f"{study.money}. One choice changed at a time.")
        )  # fmt: skip
    return told
