"""Reach: of everybody eligible, who has been matched within twelve months, by group, and how far each group lies from the largest one.

Aalen-Johansen from the day of becoming eligible, leaving competing. The gap is in percentage points and not adjusted: what explains a gap is not
the same as whether there is one. Intervals leave out one department at a time, of both groups at once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.equity.eligible import ALL_OTHERS, EARLIER, FEWEST_FOLLOWED, HORIZON, WORDS, EquityStudy, ordered
from mentorship_eval.questions.exhibits import curve_exhibit, forest_exhibit, in_months, just_after, monthly_grid, table_exhibit
from mentorship_eval.questions.families import adjusted_table
from mentorship_eval.questions.groups import BOTH_COUNTED, FEWEST_PEOPLE, MISSING, OTHER, UNSIZED, jackknifed_difference, sized, sizes_subtract, slug
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each

__all__ = ["reach", "reached_without_each"]

_CURVES = ("gender", "ethnicity_group")
_EVERY, _AT_RISK = 3, (0, 12)  # months: at more times too few people would have been matched in between to be told


def reached_without_each(people: pd.DataFrame) -> np.ndarray:
    """Share matched within the year from all of ``people``, then without each department (codes in ``place``): (1 + departments,)."""
    return incidence_without_each(
        people["stop"].to_numpy(float), people["matched"].to_numpy(int), people["left"].to_numpy(int), people["place"].to_numpy(int),
        int(people.attrs["places"]), HORIZON,
    )  # fmt: skip


def reach(study: EquityStudy) -> Section:
    """Gaps by group, curves by gender and ethnic group, the table of shares, p-values for the number of comparisons."""
    told = Section()
    people = study.people.assign(place=pd.factorize(study.people["dept_id"], sort=True)[0])
    people.attrs["places"] = int(people["place"].max()) + 1
    if not people["matched"].any() or len(people) < FEWEST_PEOPLE or people["year"].sum() < FEWEST_FOLLOWED:
        reason = "Nobody, or hardly anybody, could be followed for twelve months from becoming eligible."
        return told.lacks("Whom the programme reaches", reason, "A longer window, or an earlier start of the programme.")
    tables, short = [], []
    for name in study.groupings:
        found, table, unknown = _gaps(people, name)
        told.results += found
        tables.append(table)
        short += unknown
    if short:
        why = f"Fewer than {FEWEST_FOLLOWED} people of the group became eligible twelve months or more before the end of the window, or nobody of it "
        told.lacks(f"Matched within twelve months, share and gap: {listing(short, 12)}", f"{why}was still followed then.", "A longer window.")
    if not told.results and short:
        return told
    if not told.results:
        return told.lacks("Whom the programme reaches", "There are no two groups to compare.", "gender, ethnicity_group or profession in staff")
    told.results = [_as_headline(result) for result in told.results]
    everybody = pd.concat(tables, ignore_index=True)
    told.exhibits += [
        forest_exhibit(
            "equity.reach.forest", "Matched within twelve months of becoming eligible: gaps", told.results, log=False, digits=1,
            value_label="Difference, percentage points", sides=("fewer reached", "more reached"),
            note="Against the largest group of each kind; not adjusted. Intervals leave out one department at a time. "
            f"{BOTH_COUNTED}, events those of them who were matched. {UNSIZED}",
        ),
        _table(everybody),
        *(_curves(people, name) for name in study.groupings if name in _CURVES),
        adjusted_table("equity.reach.adjusted", "Gaps in reach: p-values for the number of comparisons", told.results, study.cohort.study.plan),
    ]  # fmt: skip
    told.lead += [_sentence(result) for result in told.results if result.role == "headline"]
    earlier = study.left_out.get(EARLIER, 0)
    if earlier:
        text = f"{earlier:,} people were {EARLIER}: whom it had reached among them is not asked, the shares are of those who became eligible since."
        told.cautions.append(Caution("eligible_before_window", text, {"persons": earlier, "complement": len(people)}))
    out = "; ".join(f"{what}" for what, number in study.left_out.items() if number)
    told.methods.append(
        "Reach: eligible from the first day in post in a department with the programme, begun and not ended"
        + (f", without those {out.replace(';', ' or')}" if out else "")
        + "; Aalen-Johansen incidence of the first match at twelve months, leaving competing; gap to the largest group with leave-one-department-out "
        f"jackknife, t; levels of fewer than {FEWEST_PEOPLE} eligible people joined by size alone, no share of a level of which fewer than "
        f"{FEWEST_FOLLOWED} became eligible twelve months before the end of the window; p-values adjusted by Holm (1979)."
    )
    return told


def _gaps(people: pd.DataFrame, name: str) -> tuple[list[Result], pd.DataFrame, list[str]]:
    """Results, lines of the table, and the levels (in words) of which the share at twelve months is not known."""
    levels = ordered(people[name])
    parts = {level: people[people[name] == level] for level in levels}
    stated = [level for level in levels[1:] if level != MISSING]
    if name == "ethnicity_group" and len(stated) > 1:
        parts[ALL_OTHERS] = people[people[name].isin(stated)]
    shares = {level: reached_without_each(_kept(part, people)) for level, part in parts.items()}
    for level, part in parts.items():
        if part["year"].sum() < FEWEST_FOLLOWED:
            shares[level] = np.full_like(shares[level], np.nan)
    reference, word = levels[0], WORDS[name]
    found = []
    asked = [level for level in levels[1:] if len(parts[level]) >= FEWEST_PEOPLE]
    asked += [ALL_OTHERS] if ALL_OTHERS in parts else []
    short = [f"{word.lower()}: {level.lower()}" for level in (reference, *asked) if np.isnan(shares[level][0])]
    for level in [] if np.isnan(shares[reference][0]) else [level for level in asked if np.isfinite(shares[level][0])]:
        estimand = f"share matched within 12 months of becoming eligible, {word.lower()}: {level} minus {reference}; leaving competes, not adjusted"
        counts = [_counts(parts[each]) for each in (level, reference)]
        estimate = jackknifed_difference(
            shares[level], shares[reference], **_sizes(level, parts, reference, counts),
            places=min(parts[each]["place"].nunique() for each in (level, reference)),
            method="Aalen-Johansen by group; leave-one-department-out jackknife of the difference, t on the departments of the group in fewest - 1",
            estimand=estimand,
        )  # fmt: skip
        key = "others" if level == ALL_OTHERS else slug(level)
        label = f"{level[:1].lower()}{level[1:]}, minus {reference[:1].lower()}{reference[1:]}"
        behind = tuple(float(value) for count in counts for value in count)
        found.append(Result(f"equity.reach.{name}.{key}", "reach", estimand, "eligible staff", estimate, label, "companion", word, rests_on=behind))
    rows = []
    for level in levels:
        matched, others = _counts(parts[level])
        rows.append({"characteristic": word, "level": level, "people": len(parts[level]), "matched": int(matched), "others": int(others),
                     "share": float(shares[level][0])})  # fmt: skip
    within = people["matched"] * (people["stop"] <= HORIZON)
    return sized(found, sizes_subtract(people[name], within)), pd.DataFrame(rows), short


def _sizes(level: str, parts: dict[str, pd.DataFrame], reference: str, counts: list[tuple[float, float]]) -> dict[str, int]:
    """n and n_events; none of the groups together, whose size less those that are shown would be that of one that is withheld."""
    if level == ALL_OTHERS:
        return {}
    return {"n": len(parts[level]) + len(parts[reference]), "n_events": int(counts[0][0] + counts[1][0])}


def _kept(part: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    part = part.copy()
    part.attrs["places"] = people.attrs["places"]
    return part


def _counts(part: pd.DataFrame) -> tuple[float, float]:
    """Matched within the year, and not."""
    matched = float((part["matched"] * (part["stop"] <= HORIZON)).sum())
    return matched, float(len(part)) - matched


def _as_headline(result: Result) -> Result:
    """All other ethnic groups against the largest, and the second gender against the first, are what a reader asks for first."""
    first = result.id == "equity.reach.ethnicity_group.others" or result.id.startswith("equity.reach.gender.")
    stated = not result.id.endswith((slug(OTHER), slug(MISSING)))
    if not first or not stated:
        return result
    label = f"Matched within 12 months, {result.label}"
    return Result(result.id, result.outcome, result.estimand, result.population, result.estimate, label, "headline", result.group,
                  rests_on=result.rests_on)  # fmt: skip


def _sentence(result: Result) -> Statement:
    e = result.estimate
    limits = f" (95 % CI {format_number(e.ci_low, 1)} to {format_number(e.ci_high, 1)})" if np.isfinite(e.ci_low) else ""
    text = f"{result.label[:1].upper()}{result.label[1:]}: {format_number(e.value, 1)} percentage points{limits}, leaving competing."
    return Statement(text, rests_on=result.rests_on, results=(result.id,), see=("equity.reach.forest",))


def _table(frame: pd.DataFrame) -> Exhibit:
    named = [f"{row.characteristic}:{row.level}".lower() for row in frame.itertuples()]
    frame = frame.assign(quantity=[f"people:{name}@eligible" for name in named])
    counts = ("people", "matched", "others")
    return table_exhibit(
        "equity.reach.table", "Eligible staff, and what had come of it twelve months later", frame, counts=counts, derived=("share",),
        within="characteristic", sums=(counts,), same={"people": "quantity"},
        labels={"characteristic": "Characteristic", "level": "Group", "people": "Became eligible", "matched": "Matched within 12 months",
                "others": "Not so: left, waiting, or not followed so long", "share": "Matched within 12 months, share"},
        formats={"share": "percent", **dict.fromkeys(counts, "count")}, stub=["characteristic", "level"],
        note="The share is the Aalen-Johansen estimate: it also uses those who became eligible less than twelve months before the end of the window. "
        f"There is none of a group of which fewer than {FEWEST_FOLLOWED} became eligible earlier than that.",
    )  # fmt: skip


def _curves(people: pd.DataFrame, name: str) -> Exhibit:
    mine = people.assign(level=people[name], ended=np.select([people["matched"] == 1, people["left"] == 1], ["matched", "left"], ""))
    mine = mine[mine.groupby("level")["level"].transform("size") >= FEWEST_PEOPLE]
    fit = aalen_johansen(mine, stop="stop", cause="ended", by="level", cluster="dept_id")
    longest = mine.groupby("level")["stop"].apply(lambda stop: np.sort(stop)[-10] if len(stop) >= 10 else stop.max()).min()
    grid = monthly_grid(min(float(longest), HORIZON + 1))[::_EVERY]
    looked = in_months(fit.at(just_after(grid)))
    looked = looked[looked["cause"] == "matched"]
    word = WORDS[name]
    return curve_exhibit(
        f"equity.reach.by.{name}", f"Matched since becoming eligible, by {word.lower()}", looked, by="by", value="cif", by_label=word,
        at_risk=looked.loc[looked["time"].isin(_AT_RISK), ["by", "time", "n_risk", "n_event"]],
        time_from="becoming eligible", y_label="Have been matched", n=len(mine), n_events=int(mine["matched"].sum()), population=f"eligible {name}",
        method="Aalen-Johansen, leaving competes; intervals clustered by department", note=f"Told every {_EVERY} months.",
    )
