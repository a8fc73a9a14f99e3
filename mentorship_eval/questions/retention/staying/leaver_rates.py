"""How many leave: leaver rates and the stability index by staff group and twelve-month period, in heads and whole-time equivalents.

These are descriptions of the workforce, of everybody in post and every employment, whoever is mentored; nothing is compared.
Leaving is always leaving the organisation here, so that the figures can stand beside published ones. Intervals take people as
independent: Garwood's exact limits for rates (Fay and Feuer's where leavers count by their hours), Wilson's for shares.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.in_post import in_post
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.proportions import gamma_limits, poisson_limits, wilson
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.staying.leaver_measures import ALL, Period, joined_groups, measures, periods_of
from mentorship_eval.questions.retention.staying.leaver_tables import rates_figure, rates_table, stability_table, wte_table
from mentorship_eval.questions.section import Section

__all__ = ["leaver_rates"]

_KINDS = {"all": ("left", "Leaving, all exits"), "voluntary": ("voluntary", "Voluntary leaving")}
_UNIT = "per 100 staff a year"


def leaver_rates(study: Prepared) -> Section:
    """Tables, results, and the sentence that sets the cohort's leaver rate beside a published one."""
    cohort, rules = study.cohort, study.cohort.study.rules
    staff, spells = cohort.table("staff"), cohort.table("spells")
    found = in_post(staff=staff, spells=spells, bridge_gap=max(int(rules.rehire_gap_days), 1))
    periods = periods_of(*cohort.window)
    told = Section()
    if "profession" in staff:
        profession = staff["profession"].astype(object).where(staff["profession"].notna(), "not recorded")
        group = profession.map(lambda name: str(name).replace("_", " ")).reset_index(drop=True)
    else:
        group = pd.Series("everybody", index=range(len(staff)))
        told.lacks("Leaver rates by staff group", "staff does not say who is of which profession.", "the column profession in staff")
    threshold = 0 if cohort.study.disclosure.off else cohort.study.disclosure.threshold
    shown = joined_groups(found, group, periods, threshold)
    tables = [measures(found, shown, period) for period in periods]
    # one order throughout: that of the whole window, the largest first
    table = pd.concat([t.set_index("group").loc[tables[-1]["group"]].reset_index() for t in tables], ignore_index=True)
    if len(shown.unique()) == 1:
        table = table[table["group"] == ALL].reset_index(drop=True)
    if not table["heads"].gt(0).any():
        return told.lacks("Leaver rates", "Nobody was in post in the window.", "spells that fall into the window")
    years = table["period"].map({period.name: period.years for period in periods})
    table = _with_ids(_with_rates(table, years), periods[-1].name)
    told.exhibits += [rates_figure(table, periods[-1].name), rates_table(table), *stability_table(table)]
    told.results += [*_results(table, years, periods), *_counting_breaks(table, years, periods[-1].name)]
    if table["wte"].notna().any():
        told.exhibits.append(wte_table(table))
        held = found.posts[(found.posts["stop"] > periods[-1].before) & (found.posts["start"] <= periods[-1].last)]
        share = float(held["wte"].isna().mean())
        if share:
            text = f"{share:.0%} of the posts have no whole-time equivalent; they do not count in the rates in whole-time equivalents."
            told.cautions.append(Caution("wte_missing", text, {"share": share, "posts": int(held["wte"].isna().sum())}))
    else:
        told.lacks("Leaver rates in whole-time equivalents", "spells has no whole-time equivalents.", "the column wte in spells")
    _beside_published(told, study, table, years)
    told.methods.append(
        "Leaver rate: ends of employment over the mean of month-end head-counts, a year; stability index: of those in post the day before a "
        "twelve-month period, the share in post on its last day. Exact Poisson and Wilson limits, people taken as independent."
    )
    return told


def _with_rates(table: pd.DataFrame, years: pd.Series) -> pd.DataFrame:
    """Rates a year with their limits: of heads, of person-time, of whole-time equivalents; and the stability index."""
    table = table.copy()
    for kind, (column, _) in _KINDS.items():
        exposure = table["heads"] * years
        limits = np.array([poisson_limits(k, e) for k, e in zip(table[column], exposure, strict=True)])
        table[f"rate_{kind}"] = table[column] / exposure.where(exposure > 0)
        table[f"low_{kind}"], table[f"high_{kind}"] = limits[:, 0], limits[:, 1]
        table[f"per_person_year_{kind}"] = table[column] / table["person_years"].where(table["person_years"] > 0)
        weighted = table[f"wte_{column}"].to_numpy(float), table[f"wte_{column}2"].to_numpy(float), (table["wte"] * years).to_numpy(float)
        known = [gamma_limits(y, v, 1.0, e) if e == e else (np.nan, np.nan) for y, v, e in zip(*weighted, strict=True)]
        table[f"wte_rate_{kind}"] = table[f"wte_{column}"] / (table["wte"] * years).where(table["wte"] > 0)
        table[f"wte_low_{kind}"], table[f"wte_high_{kind}"] = np.array(known).T
    shares = np.array([wilson(k, n) for k, n in zip(table["stayed"], table["at_start"], strict=True)])
    table["stability"] = table["stayed"] / table["at_start"].where(table["at_start"] > 0)
    table["stability_low"], table["stability_high"] = shares[:, 0], shares[:, 1]
    # Kish's effective number stands for people who count by their hours
    effective = (table["wte_start"] ** 2 / table["wte_start2"].where(table["wte_start2"] > 0)).to_numpy(float)
    table["wte_stability"] = table["wte_stayed"] / table["wte_start"].where(table["wte_start"] > 0)
    pairs = zip(table["wte_stability"], effective, strict=True)
    limits = np.array([wilson(min(p, 1.0) * m, m) if m == m else (np.nan, np.nan) for p, m in pairs])
    table["wte_stability_low"], table["wte_stability_high"] = limits[:, 0], limits[:, 1]
    return table


def _tail(group: str, period: str, final: str) -> str:
    """The end of the id of a result."""
    tail = "" if group == ALL else "." + group.replace(" ", "_").replace(",", "")
    return tail + ("" if period == final else "." + period.replace(" ", "_"))


def _with_ids(table: pd.DataFrame, final: str) -> pd.DataFrame:
    """Which results each row tells, for what is withheld together: told, told_voluntary, told_stability."""
    tails = [_tail(group, period, final) for group, period in zip(table["group"], table["period"], strict=True)]
    ids = {
        "told": ("leaver_rate.all", "leaver_rate_wte.all"), "told_voluntary": ("leaver_rate.voluntary", "leaver_rate_wte.voluntary"),
        "told_stability": ("stability", "stability_wte"),
    }  # fmt: skip
    names = {column: [" ".join(f"retention.{stem}{tail}" for stem in stems) for tail in tails] for column, stems in ids.items()}
    with_breaks = [f" retention.leaver_rate.with_breaks{tail}" if group == ALL else "" for tail, group in zip(tails, table["group"], strict=True)]
    names["told"] = [one + more for one, more in zip(names["told"], with_breaks, strict=True)]
    return table.assign(**names)


def _results(table: pd.DataFrame, years: pd.Series, periods: list[Period]) -> list[Result]:
    """A result for each period of all staff and, over the last period (the whole window), for each staff group."""
    out = []
    final = periods[-1].name
    for row, span in zip(table.to_dict("records"), years, strict=True):
        if row["group"] != ALL and row["period"] != final:
            continue
        who = "all staff in post" if row["group"] == ALL else f"in post, {row['group']}"
        tail = _tail(row["group"], row["period"], final)
        label = ALL if row["group"] == ALL else str(row["group"])[:1].upper() + str(row["group"])[1:]
        label += f", {row['period']}"
        for kind, (column, heading) in _KINDS.items():
            for prefix, what, base in (("", "head-count", "heads"), ("wte_", "whole-time equivalents", "wte")):
                if np.isnan(row[f"{prefix}rate_{kind}"]):
                    continue
                estimand = f"leaver rate ({'all exits' if kind == 'all' else 'voluntary'}, {what}), {row['period']}"
                estimate = Estimate(
                    value=100 * row[f"{prefix}rate_{kind}"],
                    ci_low=100 * row[f"{prefix}low_{kind}"],
                    ci_high=100 * row[f"{prefix}high_{kind}"],
                    scale="rate",
                    unit=_UNIT,
                    n=int(row["people"]),
                    n_events=row[column],
                    method=f"ends of employment over {row[base] * span:,.1f} {what}-years; exact Poisson limits"
                    if not prefix
                    else "leavers weighted by their whole-time equivalent; gamma limits of Fay and Feuer",
                    estimand=estimand,
                )
                name = f"retention.leaver_rate{'_wte' if prefix else ''}.{kind}{tail}"
                heading_of = f"{heading}, {what}"
                out.append(Result(name, f"leaver_rate_{kind}", estimand, who, estimate, label, "descriptive", heading_of))
        for prefix, what in (("", "head-count"), ("wte_", "whole-time equivalents")):
            if np.isnan(row[f"{prefix}stability"]):
                continue
            estimand = f"stability index over twelve months, {what}, {row['period']}"
            estimate = Estimate(
                value=row[f"{prefix}stability"],
                ci_low=row[f"{prefix}stability_low"],
                ci_high=row[f"{prefix}stability_high"],
                scale="probability",
                n=int(row["at_start"]),
                n_events=row["gone"],
                method="share still in post; Wilson limits" + (", effective number of people" if prefix else ""),
                estimand=estimand,
            )
            name = f"retention.stability{'_wte' if prefix else ''}{tail}"
            out.append(Result(name, "stability", estimand, who, estimate, label, "descriptive", f"Stability index, {what}"))
    return out


def _counting_breaks(table: pd.DataFrame, years: pd.Series, final: str) -> list[Result]:
    """The leaver rate of all staff by the definition of national figures: going on leave counts, and only active people are in post."""
    out = []
    for row, span in zip(table.to_dict("records"), years, strict=True):
        if row["group"] != ALL or not row["breaks"] or not row["heads_active"]:
            continue
        events, exposure = row["left"] + row["breaks"], row["heads_active"] * span
        low, high = poisson_limits(events, exposure)
        estimand = f"leaver rate (all exits, and going on maternity leave, a career break or a secondment; head-count), {row['period']}"
        estimate = Estimate(
            value=100 * events / exposure,
            ci_low=100 * low,
            ci_high=100 * high,
            scale="rate",
            unit=_UNIT,
            n=int(row["people"]),
            # the two kinds of event can be told apart beside the plain rate: the smaller count is the one to protect
            n_events=min(count for count in (row["left"], row["breaks"]) if count),
            method="ends of employment and starts of leave over active people; exact Poisson limits; events: the smaller of the two counts",
            estimand=estimand,
        )
        tail = "" if row["period"] == final else "." + row["period"].replace(" ", "_")
        heading = "Leaving, all exits and going on leave, head-count"
        label = f"{ALL}, {row['period']}"
        name = f"retention.leaver_rate.with_breaks{tail}"
        out.append(Result(name, "leaver_rate_all", estimand, "all staff in post", estimate, label, "descriptive", heading))
    return out


def _beside_published(told: Section, study: Prepared, table: pd.DataFrame, years: pd.Series) -> None:
    """The published leaver rate of the study file, beside ours by the same definition."""
    benchmark = study.cohort.study.rules.benchmark
    if benchmark is None:
        return
    row, span = table[table["group"] == ALL].iloc[-1], float(years[table["group"] == ALL].iloc[-1])
    ours, base = row["left"] / (row["heads"] * span), (row["left"],)
    text = f"{benchmark.source} gives a leaver rate of {benchmark.leaver_rate:.1%} a year; here it is {ours:.1%}."
    if benchmark.includes_suspended:
        if row["breaks"]:
            counted = (row["left"] + row["breaks"]) / (row["heads_active"] * span)
            base = (row["left"], row["breaks"])
            text += f" The published rate counts people who go on maternity leave or a career break; counting them, it is {counted:.1%} here."
        else:
            text += " The published rate counts people who go on maternity leave or a career break, which these spells do not record: the two do "
            text += "not compare."
            told.cautions.append(Caution("benchmark_definition", text.split("; here", 1)[0] + "; its definition is wider than ours can be."))
    told.lead.append(Statement(text, rests_on=base))
