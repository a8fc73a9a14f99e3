"""How much of it: leaving by the number of sessions held so far, and by their mode.

An association of dose and no effect: those who stay can have more sessions. Dose by t is known at t and people are compared at the same
tenure, so that time to be dosed is not counted twice; that those who attend differ from those who do not remains.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.dose import dose_rows, held_sessions
from mentorship_eval.errors import DataError, EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.retention.model_rows import OUTCOME, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.cox_variance import JACKKNIFE_BELOW

__all__ = ["dose"]

READING = "association of dose, not effect: those who stay can have more sessions; the comparison is made at the same tenure"
BANDS = ((0, "No session yet"), (1, "1 to 2"), (3, "3 to 5"), (6, "6 or more"))
_SINCE = np.array([0.0, 91.0, 183.0, 365.0])  # days since the match began
_FEWEST = 10.0
_GROUP, _MODE = "Sessions held so far, against not mentored", "Mode of most sessions so far, against not mentored"
_FORMAT = "Format, against not mentored"
_Counts = dict[str, tuple[int, int, float]]  # people, leavers, person-days


@on_both_arms
def dose(study: Prepared) -> Section:
    """Results by number of sessions, per session, by mode and by format; the exhibit retention.dose."""
    question = "Whether more sessions go with less leaving"
    if not study.cohort.has("sessions"):
        told = Section().lacks(question, "The cohort has no table sessions.", "sessions (match_id, date; status, mode and minutes if recorded)")
        return _format(told, study)
    if study.main is None:
        return Section().lacks(question, "There is no default estimate of being mentored to divide by dose.", "What the default analysis lacks.")
    told = Section()
    matches = study.cohort.mentoring()
    try:
        held = held_sessions(episodes=study.episodes, matches=matches, sessions=study.cohort.table("sessions"))
    except DataError as error:
        return told.lacks(question, error.problem, error.fix)
    told.cautions += held.notes
    if held.table.empty:
        return told.lacks(question, "No session was held with anybody who was followed.", "Sessions of the people in matches.")
    people = study.episodes.persons
    rows = dose_rows(study.rows, held, matches, people.set_index("staff_id")["hire"])
    # under exposure that ends, or begins late, sessions count while the person counts as mentored
    rows["band"] = _banded(rows)
    _by_band(told, study, rows)
    _per_session(told, study, rows)
    _by_mode(told, study, rows)
    _format(told, study)
    told.cautions.append(Caution("dose_is_association", f"Sessions and leaving: {READING}."))
    told.methods.append(
        "Dose: rows cut at every held session; the default model with an indicator for each band of sessions held so far; per session: among the "
        "mentored, beside time since the match began and whether it lasts."
    )
    return told


def _variance(study: Prepared) -> str:
    return "jackknife" if study.main is not None and (study.main.n_clusters or 0) < JACKKNIFE_BELOW else "cluster"


def _fit(study: Prepared, rows: pd.DataFrame, terms: list[str], others: list[str]) -> CoxResult:
    return cox(
        rows, start="start", stop="stop", event="event", covariates=[*terms, *varying(rows, others)], strata="dept_id", cluster="dept_at_entry",
        variance=_variance(study),
    )


def _banded(rows: pd.DataFrame) -> np.ndarray:
    """Band of sessions so far, '' when not mentored; bands too thin for the leavers to be expected in them join the one below."""
    count = rows["sessions"].to_numpy()
    days, mentored = (rows["stop"] - rows["start"]).to_numpy(float), rows["mentored"].to_numpy() == 1
    rate = rows["event"].sum() / days.sum()
    bounds = [low for low, _ in BANDS]
    # from person-time alone, without looking at who left with how many
    while len(bounds) > 1:
        ends = [*bounds[1:], math.inf]
        expected = [rate * days[mentored & (count >= low) & (count < high)].sum() for low, high in zip(bounds, ends, strict=True)]
        thin = next((place for place in range(len(bounds) - 1, -1, -1) if expected[place] < _FEWEST), None)
        if thin is None:
            break
        bounds.pop(max(thin, 1))
    names = [_band_name(low, high) for low, high in zip(bounds, [*bounds[1:], math.inf], strict=True)]
    band = np.array(names, dtype=object)[np.searchsorted(bounds, count, side="right") - 1]
    return np.where(mentored, band, "")


def _band_name(low: float, high: float) -> str:
    if low == 0 and high == 1:
        return BANDS[0][1]
    if math.isinf(high):
        return f"{low:g} or more" if low else "Any number"
    return f"{low:g} to {high - 1:g}" if high - 1 > low else f"{low:g}"


def _levels(study: Prepared, rows: pd.DataFrame, column: str, names: list[str]) -> tuple[CoxResult, dict[str, Estimate], _Counts]:
    """One ratio per level of ``column`` against not mentored; people, leavers and person-days of each."""
    terms = []
    for name in names:
        terms.append(f"dose, {name}")
        rows = rows.assign(**{terms[-1]: (rows[column] == name).astype(float)})
    fit = _fit(study, rows, terms, list(study.model))
    counts: _Counts = {}
    for name in names:
        here = rows[rows[column] == name]
        counts[name] = (int(here["staff_id"].nunique()), int(here["event"].sum()), float((here["stop"] - here["start"]).sum()))
    return fit, {name: fit.estimates[term] for name, term in zip(names, terms, strict=True)}, counts


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower())


def _told(told: Section, study: Prepared, kind: str, group: str, what: str, estimates: dict[str, Estimate], counts: _Counts) -> None:
    # with the leavers in all, the others would give a single small one away: the next smallest goes with it
    while_mentored = int(study.rows.loc[study.rows["mentored"] == 1, "event"].sum())
    order = sorted(count[1] for count in counts.values() if count[1])
    for name, estimate in estimates.items():
        slug = _slug(name)
        estimand = f"hazard of {study.words.leaving}, {what} {name.lower()}, against not yet mentored ({READING})"
        own = persons_not_rows(estimate, counts[name][0], counts[name][1], estimand)
        next_one = len(order) > 1 and counts[name][1] == order[1]
        behind = (float(study.leavers - while_mentored), *((float(order[0]),) if next_one else ()))
        told.results.append(
            Result(
                f"retention.dose.{kind}.{slug}", OUTCOME, estimand, "all staff followed", own, name, "companion", group, rests_on=behind
            )
        )  # fmt: skip


def _by_band(told: Section, study: Prepared, rows: pd.DataFrame) -> None:
    lower = rows[rows["band"] != ""].groupby("band")["sessions"].min().sort_values()
    names = [str(name) for name in lower.index]
    try:
        fit, estimates, counts = _levels(study, rows, "band", names)
    except EstimationError as error:
        told.lacks("Leaving by number of sessions", error.problem, "More sessions, or more follow-up.")
        return
    _told(told, study, "sessions", _GROUP, "sessions held so far:", estimates, counts)
    none = rows[rows["band"] == ""]
    middle = rows.assign(days=rows["stop"] - rows["start"])
    middle = middle.assign(weight=middle["days"] * middle["sessions"]).groupby("band")[["weight", "days"]].sum()
    lines = [{
        "id": "", "label": "Not mentored", "dose": np.nan, "estimate": 1.0, "ci_low": np.nan, "ci_high": np.nan, "reference": True,
        "n": int(none["staff_id"].nunique()), "n_events": int(none["event"].sum()),
    }]
    for name, estimate in estimates.items():
        lines.append({
            "id": f"retention.dose.sessions.{_slug(name)}", "label": name, "dose": middle["weight"][name] / middle["days"][name],
            "estimate": estimate.value, "ci_low": estimate.ci_low, "ci_high": estimate.ci_high, "reference": False,
            "n": counts[name][0], "n_events": counts[name][1],
        })
    # nobody who is not mentored has a dose; equal places keep the figure from suggesting one
    frame = pd.DataFrame(lines).drop(columns="dose")
    told.exhibits.append(
        Exhibit(
            "retention.dose", "dose_response", "Leaving by sessions held so far", {"rows": frame},
            {"rows": Counted(("n", "n_events"), ("estimate", "ci_low", "ci_high"), within="*", results={"id": ""})},
            {"x_label": "Sessions held so far", "value_label": "Hazard ratio"},
            f"{READING[:1].upper()}{READING[1:]}. Bands are set without looking at leaving; people pass from band to band.",
        )
    )
    told.cautions += [caution for caution in fit.warnings if caution.code not in {one.code for one in told.cautions}]


def _per_session(told: Section, study: Prepared, rows: pd.DataFrame) -> None:
    """Each further session, among the mentored at the same tenure and time since the match: the match's age alone raises the count."""
    rows = rows.assign(dose=rows["mentored"] * rows["sessions"])
    since = rows["since_match"].to_numpy(float)
    band = np.where(np.isnan(since), 0, np.searchsorted(_SINCE, np.nan_to_num(since), side="right") - 1)
    ages = []
    for place in range(1, len(_SINCE)):
        ages.append(f"since {_SINCE[place]:g}")
        rows[ages[-1]] = ((band == place) & (rows["mentored"] == 1)).astype(float)
    rows["lasting"] = rows["mentored"] * rows["matched"]
    # where every match lasts, or exposure ends with it, the two are one
    beside = ["mentored", *ages, *(["lasting"] if (rows["lasting"] != rows["mentored"]).any() else []), *study.model]
    try:
        fit = _fit(study, rows, ["dose"], beside)
    except EstimationError as error:
        told.lacks("Leaving per further session", error.problem, "More sessions, or more follow-up.")
        return
    mentored = rows[rows["mentored"] == 1]
    estimand = f"hazard of {study.words.leaving} per further session held, among the mentored at the same tenure and time since the match ({READING})"
    estimate = persons_not_rows(fit.estimate, int(mentored["staff_id"].nunique()), int(mentored["event"].sum()), estimand)
    told.results.append(
        Result(
            "retention.dose.per_session", OUTCOME, estimand, "people mentored", estimate, "Per further session held", "companion",
            "Among the mentored",
        )
    )


def _by_mode(told: Section, study: Prepared, rows: pd.DataFrame) -> None:
    modes = [name for name in rows.columns if name.startswith("sessions, ")]
    question = "Leaving by mode of the sessions"
    if len(modes) < 2:
        told.lacks(question, "Sessions do not differ in mode, or do not name it.", "sessions.mode")
        return
    held = rows[modes].to_numpy(float)
    most = held.max(axis=1)
    words = np.array([name.removeprefix("sessions, ").replace("_", " ").capitalize() for name in modes], dtype=object)
    state = np.where((held == most[:, None]).sum(axis=1) > 1, "As many of each", words[held.argmax(axis=1)])
    state = np.where(most == 0, "No session yet", state)
    rows = rows.assign(mode_so_far=np.where(rows["mentored"] == 1, state, ""))
    names = [name for name in [*words, "As many of each", "No session yet"] if (rows["mode_so_far"] == name).any()]
    try:
        fit, estimates, counts = _levels(study, rows, "mode_so_far", names)
    except EstimationError as error:
        told.lacks(question, error.problem, "More sessions in each mode.")
        return
    _told(told, study, "mode", _MODE, "mode of most sessions so far:", estimates, counts)
    if len(words) == 2 and set(words) <= set(names):
        people = int(rows.loc[rows["mode_so_far"].isin(words), "staff_id"].nunique())
        _against(told, study, fit, names, (str(words[1]), str(words[0])), counts, people)


def _against(
    told: Section, study: Prepared, fit: CoxResult, names: list[str], pair: tuple[str, str], counts: _Counts, persons: int
) -> None:
    """The ratio of one mode against the other, from the one fit."""
    one, other = (names.index(name) for name in pair)
    values = [fit.estimates[f"dose, {name}"] for name in pair]
    variance = fit.covariance[one, one] + fit.covariance[other, other] - 2 * fit.covariance[one, other]
    df = min((value.n_clusters or 0) for value in values) - 1
    estimand = f"hazard of {study.words.leaving}, most sessions so far {pair[0].lower()}, against {pair[1].lower()} ({READING})"
    people = sum(counts[name][1] for name in pair)
    estimate = ratio_estimate(
        float(np.log(values[0].value / values[1].value)), float(np.sqrt(variance)) if variance > 0 else math.nan, scale="hazard ratio",
        df=float(df) if df >= 1 else None, method=fit.method, estimand=estimand, n=persons, n_events=people,
        n_clusters=df + 1,
    )
    told.results.append(
        Result("retention.dose.mode.compared", OUTCOME, estimand, "people mentored", estimate, f"Mostly {pair[0].lower()}, against {pair[1].lower()}",
               "companion", "Among the mentored")
    )


def _format(told: Section, study: Prepared) -> Section:
    """Leaving by the format of the first match: 1:1 or group."""
    matches = study.cohort.mentoring()
    if study.main is None or "format" not in matches or matches["format"].dropna().nunique() < 2:
        return told
    first = matches[matches["start"].notna()].sort_values("start").drop_duplicates("mentee_id").set_index("mentee_id")["format"]
    form = study.rows["staff_id"].map(first).astype(object)
    state = form.where(form.notna(), "format not recorded")
    rows = study.rows.assign(form=np.where(study.rows["mentored"] == 1, state, ""))
    names = sorted(set(rows["form"]) - {""})
    try:
        _, estimates, counts = _levels(study, rows, "form", names)
    except EstimationError as error:
        return told.lacks("Leaving by format of mentoring", error.problem, "More people in each format.")
    _told(told, study, "format", _FORMAT, "format of the first match:", {name: replace(value) for name, value in estimates.items()}, counts)
    return told
