"""How long the wait for a mentor is, and whether mentors had room: from becoming eligible to the match, leaving competing; load against capacity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.clustered import clustered_share
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy, mean_of, share_of, share_words, told_table
from mentorship_eval.questions.equity.eligible import FEWEST_FOLLOWED
from mentorship_eval.questions.exhibits import curve_exhibit, in_months, just_after, monthly_grid
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each

__all__ = ["load", "waiting"]

_HORIZONS = (90, 180, 365)
_TOLD_EVERY = 6  # months between the counts under it
_EVERY = 3  # months between the points of the curve, so that enough were matched in between


def waiting(study: DeliveryStudy) -> Section:
    """Share matched by 90, 180 and 365 days since becoming eligible, the curve, and days from offer to start."""
    told, question = Section(), "How long staff wait for a mentor"
    if study.eligible is None:
        told.lacks(question, "Where the programme was active is not in these data.", "rollout (dept_id, active_from)")
    elif study.eligible.people.empty:
        told.lacks(question, "Nobody became eligible within the window.", "A window that opens before the programme begins.")
    else:
        people = study.eligible.people
        place = pd.factorize(people["dept_id"], sort=True)[0]
        unknown = []
        for days in _HORIZONS:
            share = incidence_without_each(
                people["stop"].to_numpy(float),
                people["matched"].to_numpy(int),
                people["left"].to_numpy(int),
                place,
                int(place.max()) + 1,
                float(days),
            )
            if np.isfinite(share[0]) and (people["observed"] >= days).sum() >= FEWEST_FOLLOWED:
                told.results.append(_by(days, share, people))
            else:
                unknown.append(str(days))
        if unknown:
            told.lacks(
                f"Who is matched within {', '.join(unknown)} days of becoming eligible",
                f"Fewer than {FEWEST_FOLLOWED} became eligible so long before the end of the window, or nobody was still followed then.",
                "A longer window, or an earlier start of the programme.",
            )
        if told.results:
            told.exhibits.append(_curve(people))
            last = told.results[-1]
            told.lead.append(
                Statement(
                    f"{last.label} of becoming eligible, leaving competing: {share_words(last.estimate)}.",
                    rests_on=last.rests_on,
                    results=(last.id,),
                )
            )
    pairs = study.mentoring[study.mentoring["offered_on"].notna() & (study.mentoring["offered_on"] <= study.mentoring["start"])]
    if len(pairs):
        days = (pairs["start"] - pairs["offered_on"]).dt.days
        told.results.append(
            mean_of(
                "offer_to_start",
                "Days from offer to start, of those that began",
                "mean days from offer to start of a match, of matches that began",
                days,
                np.ones(len(days)),
                pairs["dept_id"],
                population="matches of mentoring",
                group="Offers",
                unit="days",
            )
        )
    told.methods.append("Wait: Aalen-Johansen from becoming eligible, leaving competing; leave-one-department-out jackknife, t.")
    return told


def _by(days: int, share: np.ndarray, people: pd.DataFrame) -> Result:
    made = cluster_jackknife(share[0], share[1:])
    reached = float(((people["matched"] == 1) & (people["stop"] <= days)).sum())
    estimand = f"share matched within {days} days of becoming eligible; leaving competes"
    estimate: Estimate = difference_estimate(
        float(share[0]),
        np.nan if made.failed else float(made.se[0]),  # no interval where the share is not known without one of the departments
        scale="probability",
        df=made.df,
        n_clusters=made.n_clusters,
        n=len(people),
        n_events=reached,
        method="Aalen-Johansen; leave-one-department-out jackknife, t(G-1)",
        estimand=estimand,
    )
    estimate = replace(estimate, p_value=np.nan, ci_low=max(estimate.ci_low, 0.0), ci_high=min(estimate.ci_high, 1.0))
    return Result(
        f"delivery.waiting.{days}",
        "delivery",
        estimand,
        "eligible staff",
        estimate,
        f"Matched within {days} days",
        "companion",
        "Wait for a mentor",
        rests_on=(reached, len(people) - reached),
    )


def _curve(people: pd.DataFrame) -> Exhibit:
    mine = people.assign(all="Eligible", ended=np.select([people["matched"] == 1, people["left"] == 1], ["matched", "left"], ""))
    fit = aalen_johansen(mine, stop="stop", cause="ended", by="all", cluster="dept_id")
    far = np.sort(mine["stop"].to_numpy(float))[-min(10, len(mine))]
    grid = monthly_grid(min(float(far), 731.0))[::_EVERY]
    looked = in_months(fit.at(just_after(grid)))
    looked = looked[looked["cause"] == "matched"]
    return curve_exhibit(
        "delivery.waiting.curve",
        "Matched since becoming eligible",
        looked,
        by="by",
        value="cif",
        by_label="",
        time_from="becoming eligible",
        at_risk=looked.loc[looked["time"] % _TOLD_EVERY == 0, ["by", "time", "n_risk", "n_event"]],
        y_label="Have been matched",
        n=len(mine),
        n_events=int(mine["matched"].sum()),
        population="eligible delivery",
        method="Aalen-Johansen, leaving competes; intervals clustered by department",
        note=f"Told every {_EVERY} months.",
    )


def load(study: DeliveryStudy) -> Section:
    """Mentees at a time and capacity, mentor by mentor on the first of each month from the first match on; mentors are left out one at a time."""
    told, question = Section(), "Whether mentors had room"
    mentors = study.cohort.table("mentors").drop_duplicates("staff_id") if study.cohort.has("mentors") else pd.DataFrame()
    if "capacity" not in mentors or mentors["capacity"].isna().all():
        return told.lacks(question, "How many mentees a mentor can take is not in these data.", "capacity in mentors")
    mentors = mentors[mentors["capacity"].notna() & (mentors["capacity"] > 0)]
    pairs = study.mentoring[study.mentoring["mentor_id"].isin(mentors["staff_id"])]
    if pairs.empty:
        return told.lacks(question, "No match is with a mentor of whom capacity is known.", "mentor_id in matches, the same ids as in mentors")
    months = pd.date_range(pairs["start"].min() + pd.offsets.MonthBegin(1), study.end, freq="MS")
    begin, last = pairs["start"].to_numpy(), pairs["last"].to_numpy()
    code = pd.Index(mentors["staff_id"]).get_indexer(pairs["mentor_id"])
    spells = study.cohort.table("spells")
    spells = spells[spells["staff_id"].isin(mentors["staff_id"])]
    post = pd.Index(mentors["staff_id"]).get_indexer(spells["staff_id"])
    parts = []
    for day in months.to_numpy():
        there = np.bincount(code[(begin <= day) & (last > day)], minlength=len(mentors))
        here = (spells["start"] <= day) & (spells["end"].isna() | (spells["end"] >= day))
        staffed = np.bincount(post[here.to_numpy()], minlength=len(mentors)) > 0
        parts.append(
            pd.DataFrame(
                {
                    "mentor": mentors["staff_id"].to_numpy(),
                    "mentees": there,
                    "capacity": mentors["capacity"].to_numpy(float),
                    "there": staffed | (there > 0),
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"there": []})
    rows = rows[rows["there"]]
    if rows.empty:
        return told.lacks(question, "Matches began too late for a first of a month to follow.", "A longer window.")
    who, about = rows["mentor"], {"population": "mentors in post, on the first of each month", "group": "Room at the mentors"}
    full = clustered_share(rows["mentees"], rows["capacity"], who, estimand="places of mentors taken, on the first of each month")
    used = Result(
        "delivery.capacity_used",
        "delivery",
        full.estimand,
        about["population"],
        full,
        "Places taken, of the places there are",
        "companion",
        about["group"],
        rests_on=(float(rows["mentees"].sum()), float(who.nunique())),
    )
    told.results = [
        used,
        share_of(
            "mentors_free",
            "Mentors without a mentee",
            "share of mentors in post with no mentee, on the first of each month",
            rows["mentees"] == 0,
            who,
            **about,
        ),
        share_of(
            "mentors_over",
            "Mentors beyond their capacity",
            "share of mentors in post with more mentees than their capacity, on the first of each month",
            rows["mentees"] > rows["capacity"],
            who,
            **about,
        ),
    ]
    told.exhibits.append(
        told_table(
            "delivery.capacity",
            "Room at the mentors",
            told.results,
            note="Counted on the first of each month, so that one mentor counts many times; intervals leave out one mentor at a time.",
        )
    )
    told.methods.append("Load: mentees at a time of mentors in post against their capacity, first of each month; leave-one-mentor-out jackknife.")
    return told
