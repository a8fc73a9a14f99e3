"""Does it matter whether pairs meet remotely or on site: for the sessions held of those agreed, and for how the match is rated?

Where sessions that were not held tell their mode, sessions are compared, also within one match. Where they do not, as is common, mode is known of
those alone that were held, so that to compare sessions would compare nothing but what is known. Then the mode of a pair's first session held stands
for the pair, and the sessions agreed after it are compared: whether they are held cannot have made the mode known. Modes are chosen: associations.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.delivery.compared import compared_table, difference_of, odds_within, remote
from mentorship_eval.questions.delivery.mentor_effects import rated_matches
from mentorship_eval.questions.delivery.study import NO_DEPARTMENT, DeliveryStudy
from mentorship_eval.questions.section import Section

__all__ = ["by_mode"]

_TOLD = 0.8  # of the sessions held, and of the others, whose mode has to be known for sessions to be compared
_FEWEST = 30  # sessions, or rated matches, of each mode
_GROUP = "Remote, against on site"


def by_mode(study: DeliveryStudy) -> Section:
    """Share of agreed sessions held and mean rating, remote minus on site; odds ratio of a session being held within matches or mentors."""
    told, rows, question = Section(), study.sessions, "Whether remote sessions are held as often as those on site"
    if rows.empty or "mode" not in rows or rows["mode"].isna().all():
        return told.lacks(question, "Sessions do not tell their mode.", "mode in sessions")
    side = remote(rows["mode"])
    each_known = all(side[rows["held"] == held].notna().mean() >= _TOLD for held in (0, 1) if (rows["held"] == held).any())
    agreed = rows.assign(side=side)[side.notna()] if each_known else _after_the_first(rows, side)
    enough = agreed["side"].value_counts().reindex([0.0, 1.0], fill_value=0).min() >= _FEWEST
    if enough and 0 < agreed["held"].mean() < 1:
        told.results += _attendance(agreed, each_known)
        first = told.results[0]
        text = f"Sessions held of those agreed, remote minus on site: {first.estimate.interval(1)} percentage points."
        told.lead.append(Statement(text, rests_on=first.rests_on, results=(first.id,)))
    else:
        told.lacks(question, f"Fewer than {_FEWEST} sessions of each mode, or all or none of them were held.", "More sessions of both modes.")
    _quality(told, study, rows.assign(side=side))
    if not told.results:
        return told
    told.exhibits.append(
        compared_table(
            "delivery.by_mode", "Remote sessions beside those on site", told.results, study.cohort.study.plan,
            note="Sessions that were not held tell their mode." if each_known else
            "Sessions that were not held do not tell their mode: pairs by their first session held, and the sessions agreed after it.",
        )
    )  # fmt: skip
    told.cautions.append(
        Caution("mode_is_chosen", "Pairs choose how they meet, and those with little time may choose to meet remotely: what differs between modes is "
                "no effect of the mode.")
    )  # fmt: skip
    told.methods.append(
        "Remote against on site: share of agreed sessions held, by the session's own mode where those not held tell it, else of the sessions "
        "after the pair's first one held, by the mode of that; departments left out one at a time. Within matches (else within mentors, these "
        "left out one at a time): odds ratio of Mantel and Haenszel (1959). "
        "Ratings: mean of a match's ratings by its mentee, mostly remote "
        "minus mostly on site."
    )
    return told


def _after_the_first(rows: pd.DataFrame, side: pd.Series) -> pd.DataFrame:
    """Sessions agreed after the first held of known mode of their match, with its mode."""
    known = rows.assign(side=side)[(rows["held"] == 1) & side.notna()].sort_values("date", kind="stable").drop_duplicates("match_id")
    both = rows.merge(known[["match_id", "date", "side"]].rename(columns={"date": "since"}), on="match_id")
    return both[both["date"] > both["since"]].reset_index(drop=True)


def _attendance(agreed: pd.DataFrame, each_known: bool) -> list[Result]:
    counts = [float(((agreed["side"] == one) & (agreed["held"] == held)).sum()) for one in (1, 0) for held in (1, 0)]
    what, population = ("of the session", "sessions agreed, mode known") if each_known else (
        "of the pair's first session held", "sessions agreed after the first held")
    estimand = f"share of agreed sessions held, remote minus on site by the mode {what}"
    crude = difference_of(agreed["held"], agreed["side"], agreed["dept_id"], n=len(agreed), n_events=int(agreed["held"].sum()), estimand=estimand)
    made = [_result("attendance", "Sessions held, of those agreed", estimand, population, crude, tuple(counts))]
    unit = "match" if each_known else "mentor"
    # a mentor's matches may lie in several departments: what is left out has to hold each stratum whole
    stratum = agreed["match_id"] if each_known else agreed["mentor_id"].fillna(NO_DEPARTMENT)
    estimand = f"odds of an agreed session being held, remote against on site by the mode {what}, within a {unit}"
    place = agreed["dept_id"] if each_known else stratum
    odds, behind = odds_within(agreed["held"], agreed["side"], stratum, place, estimand=estimand)
    if min(behind) > 0:
        plural = "matches" if each_known else "mentors"
        made.append(_result("within", f"A session being held, within {plural} that had both", estimand, population, odds, behind))
    return made


def _quality(told: Section, study: DeliveryStudy, rows: pd.DataFrame) -> None:
    question = "Whether pairs that meet remotely rate their match otherwise"
    share = rows[(rows["held"] == 1) & rows["side"].notna()].groupby("match_id")["side"].mean()
    rated = rated_matches(study)
    rated = rated.assign(share=rated["match_id"].map(share)) if len(rated) else rated.assign(share=pd.Series(dtype=float))
    rated = rated[rated["share"].notna() & (rated["share"] != 0.5)]
    side = (rated["share"] > 0.5).astype(float)
    number = [float((side == one).sum()) for one in (1, 0)]
    if min(number) < _FEWEST or rated["dept_id"].nunique() < 2:
        told.lacks(question, f"Fewer than {_FEWEST} matches of each mode were rated by their mentees.", "feedback (role, mqs), mode in sessions")
        return
    estimand = "mean rating of the match by its mentee, pairs that met mostly remotely minus mostly on site"
    estimate = difference_of(rated["mqs"], side, rated["dept_id"], unit="points of 100", n=len(rated), estimand=estimand)
    label = "Rating of the match, mostly remote against mostly on site"
    told.results.append(_result("quality", label, estimand, "rated matches of mentoring", estimate, tuple(number)))


def _result(key: str, label: str, estimand: str, population: str, estimate: Estimate, behind: tuple[float, ...]) -> Result:
    outcome = "match_quality" if key == "quality" else "attendance"
    return Result(f"delivery.by_mode.{key}", outcome, estimand, population, estimate, label, "companion", _GROUP, rests_on=behind)
