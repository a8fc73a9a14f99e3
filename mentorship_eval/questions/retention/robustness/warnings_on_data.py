"""Data in which the default analysis of being mentored is known to mislead: said when they look like it.

Each check has its threshold here; none of them changes an estimate.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from mentorship_eval.cohort.person_time.splitting import split_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, format_p
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.retention.model_rows import default_cox
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.robustness.sensitivity_fits import restricted_fit
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["data_warnings", "programme_effect_grows"]

PH, REHIRED, TRANSFERRED, FEW_INFORMATIVE = 0.01, 0.05, 0.10, 0.5
CENSORING, GROWTH, EARLY_DAYS, TREND = 0.01, 0.05, 183, 0.5


def data_warnings(study: Prepared, main: CoxResult) -> list[Caution]:
    about_fit = [_proportionality(main), _clusters(study, main), _trend(study, main)]
    found = [*about_fit, _rehires(study), _transfers(study), _other_exits(study), _growing(study)]
    return [caution for caution in found if caution is not None]


def _proportionality(main: CoxResult) -> Caution | None:
    table = main.ph_test().table.set_index("term")["p"]
    own, whole = float(table["mentored"]), float(table["GLOBAL"])
    if own < PH:
        text = (
            f"The ratio of being mentored changes with time since hire ({format_p(own)}): one hazard ratio is an average over tenure, and depends "
            "on how long people were followed. The difference in time employed from the landmark does not rest on a constant ratio."
        )
    elif whole < PH:
        text = (
            f"Ratios of other terms of the model change with time since hire ({format_p(whole)} over all terms, {format_p(own)} for being mentored): "
            "they are averages over tenure."
        )
    else:
        return None
    return Caution("not_proportional", text, {"p_mentored": own, "p_global": whole})


def _clusters(study: Prepared, main: CoxResult) -> Caution | None:
    total, informative = study.rows["dept_at_entry"].nunique(), main.n_clusters or 0
    if informative >= FEW_INFORMATIVE * total:
        return None
    text = (
        f"Only {informative} of {total} departments hold mentored and not mentored staff of the same tenure when somebody leaves; the others "
        "carry no information about the ratio."
    )
    return Caution("few_informative", text, {"informative": informative, "departments": total})


def _rehires(study: Prepared) -> Caution | None:
    persons = study.episodes.persons
    # a move within the organisation is no coming back
    left = persons[~persons["cause"].isin(("", "transfer", "rotation"))]
    if left.empty:
        return None
    gone = left["hire"] + pd.to_timedelta(np.floor(left["stop"]), unit="D")
    starts = study.cohort.table("spells")[["staff_id", "start"]].merge(
        pd.DataFrame({"staff_id": left["staff_id"], "gone": gone}), on="staff_id"
    )
    share = starts.loc[starts["start"] > starts["gone"], "staff_id"].nunique() / len(left)
    if share <= REHIRED:
        return None
    text = (
        f"{share:.0%} of those who left came back within the window. Only the time to the first leave is analysed; see the analyses in "
        "which returns within other gaps continue the employment."
    )
    return Caution("rehires", text, {"share": share, "persons": round(share * len(left)), "complement": round((1 - share) * len(left))})


def _transfers(study: Prepared) -> Caution | None:
    places = study.rows[["staff_id", "dept_id"]].drop_duplicates()
    share = float(places.loc[places["staff_id"].duplicated(), "staff_id"].nunique() / max(places["staff_id"].nunique(), 1))
    if share <= TRANSFERRED:
        return None
    text = (
        f"{share:.0%} of the people moved to another department while followed. They count in the strata of the department of the time, and in "
        "the cluster of the department at entry; see the analysis with clusters of the department of the time."
    )
    people = places["staff_id"].nunique()
    return Caution("transfers", text, {"share": share, "persons": round(share * people), "complement": round((1 - share) * people)})


def _other_exits(study: Prepared) -> Caution | None:
    """Other exits end follow-up; when they depend on being mentored, who remains may differ too."""
    rows = study.rows
    rows = rows.assign(event=((rows["cause"] != "") & (rows["event"] == 0)).astype(int))
    if rows["event"].sum() < 10:
        return None
    try:
        fitted = restricted_fit(rows, list(study.model))
    except EstimationError:
        return None
    estimate = fitted.estimate
    assert estimate is not None
    if not estimate.p_value < CENSORING:
        return None
    text = (
        f"Exits that are not the outcome depend on being mentored too (hazard ratio {estimate.interval()}): follow-up ends differently in the two "
        f"states. The ratio is that of {study.words.leaving} among those still there; if those who left otherwise would have been more or "
        "less likely to leave, it does not carry over to them."
    )
    return Caution("informative_censoring", text, {"hazard_ratio": estimate.value, "rests_on": arms(rows)})


def programme_effect_grows(study: Prepared) -> tuple[float, float, float] | None:
    """Hazard ratios of the programme's first `EARLY_DAYS` days and of later ones, by two-way fixed effects, and p of equality; None without
    a staggered go-live."""
    if not study.cohort.has("rollout"):
        return None
    rollout = own_rollout(study.cohort)
    live = pd.to_datetime(rollout["active_from"]).groupby(rollout["dept_id"].to_numpy()).min().dropna()
    if live.nunique() < 2 or not study.rows["programme_active"].any():
        return None
    hire = study.rows["staff_id"].map(study.episodes.persons.set_index("staff_id")["hire"])
    # the day itself is the first of the new state, as in the episodes
    late = (study.rows["dept_id"].map(live) - hire).dt.days.to_numpy(float) - 1 + EARLY_DAYS
    at = np.flatnonzero(~np.isnan(late))
    rows = split_rows(study.rows.assign(late_from=late), at, late[at])
    rows["later"] = ((rows["programme_active"] == 1) & (rows["start"] >= rows["late_from"])).astype(float)
    rows["early"] = rows["programme_active"] - rows["later"]
    try:
        fit = cox(
            rows, start="start", stop="stop", event="event", covariates=["early", "later", "period"], strata="dept_id", cluster="dept_at_entry",
            variance="cluster",
        )
    except EstimationError:
        return None
    early, later = fit.estimates["early"], fit.estimates["later"]
    variance = fit.covariance[0, 0] + fit.covariance[1, 1] - 2 * fit.covariance[0, 1]
    df = min(early.n_clusters or 0, later.n_clusters or 0) - 1
    if variance <= 0 or df < 2:
        return early.value, later.value, float("nan")
    return early.value, later.value, float(fdtrc(1, df, float(np.log(later.value / early.value)) ** 2 / variance))


def _growing(study: Prepared) -> Caution | None:
    found = programme_effect_grows(study)
    if found is None or not found[2] < GROWTH:
        return None
    early, later, p = found
    text = (
        f"The ratio of the programme differs between its first half year in a department ({early:.2f}) and later ({later:.2f}; {format_p(p)}). "
        "With a go-live in steps, two-way fixed effects are then biased, for they also compare later with earlier starters; the estimate by "
        "imputation makes no such comparison."
    )
    return Caution("growing_effect", text, {"early": early, "later": later, "p": p})


def _trend(study: Prepared, main: CoxResult) -> Caution | None:
    """The calendar matters when the ratio moves by half its standard error without the quarters."""
    try:
        without = default_cox(study.rows, "mentored", list(study.covariates), "event", "dept_id").estimate
    except EstimationError:
        return None
    moved = float(np.log(without.value / main.estimate.value))
    if not abs(moved) > TREND * main.estimate.se:
        return None
    text = (
        f"Without calendar quarters in the model the ratio of being mentored would be {without.value:.2f} instead of {main.estimate.value:.2f}: "
        "leaving changed over the window while mentoring spread. Quarters take up what changed for everybody, not what changed for some departments."
    )
    return Caution("secular_trend", text, {"without_quarters": without.value})
