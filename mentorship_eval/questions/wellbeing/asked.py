"""Who was asked at each wave, whether they were mentored by then, and what they scored.

One row a person and wave. Being mentored is taken on the day of the wave, so that it changes as people are matched, and a department is that of
the person's first wave, which stays theirs. Who was mentored before the first wave has no level without mentoring to start from and is left out
of the comparisons of people (prevalent users); how many is said. They stay where all are meant who were asked, or work where the programme is
active: to leave them out there would select on mentoring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.covariates import planned_covariates, varying, with_covariates
from mentorship_eval.questions.wellbeing.scales import OF_MENTORS, Scale, scale_of

__all__ = ["Scale", "SurveyStudy", "survey_study"]

@dataclass(frozen=True)
class SurveyStudy:
    """rows: person, wave, day, dept, mentored (0/1), covariates, one column of scores a scale (NaN: no answer); one row a person and wave asked.

    everyone: the same without covariates, with those who were mentored before their first wave; listed: whether the list of who was asked holds the
    row. scales in order; waves; linked: whether answers belong to people of staff; invited: whether who was asked is known; compared: whether there
    are people in both arms; prevalent: people whom ``rows`` lacks because they were mentored before their first wave, prevalent_later: those of them
    whose first wave is not the first of all; undated: answers left out because no day of their wave is known; cautions: of the covariates.
    """

    cohort: Cohort
    rows: pd.DataFrame
    everyone: pd.DataFrame
    scales: tuple[Scale, ...]
    waves: tuple[int, ...]
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]
    linked: bool
    invited: bool
    compared: bool
    prevalent: int
    prevalent_later: int
    undated: int

    @property
    def last(self) -> int:
        return self.waves[-1]

    def answers(self, scale: Scale) -> pd.DataFrame:
        """Rows with a score of ``scale``, of the people who are compared."""
        return self.rows[self.rows[scale.column].notna()].reset_index(drop=True)

    def all_answers(self, scale: Scale) -> pd.DataFrame:
        """Rows with a score of ``scale``, of everyone."""
        return self.everyone[self.everyone[scale.column].notna()].reset_index(drop=True)


def _asked(cohort: Cohort, surveys: pd.DataFrame, person: str) -> tuple[pd.DataFrame, bool]:
    """person, wave, day and listed of everybody asked: those on the list of who was asked, and those who answered without being on it; whether there
    is such a list."""
    days = surveys.groupby("wave")["completed_on"].median() if "completed_on" in surveys else pd.Series(dtype="datetime64[ns]")
    answered = surveys.rename(columns={person: "person"})[["person", "wave"]].drop_duplicates()
    if person == "staff_id" and cohort.has("survey_invites"):
        invites = cohort.table("survey_invites").drop_duplicates(["staff_id", "wave"]).rename(columns={"staff_id": "person"})
        day = pd.to_datetime(invites["invited_on"]) if "invited_on" in invites else pd.Series(pd.NaT, index=invites.index)
        known = day.groupby(invites["wave"]).median()
        rows = invites.assign(day=day, listed=True)[["person", "wave", "day", "listed"]].merge(answered, on=["person", "wave"], how="outer")
        day = rows["day"].fillna(rows["wave"].map(known)).fillna(rows["wave"].map(days))
        return rows.assign(day=day, listed=rows["listed"].notna()), True
    return answered.assign(day=answered["wave"].map(days), listed=False), False


def _departments(cohort: Cohort, rows: pd.DataFrame) -> pd.Series:
    """The department of each person on the day of their first wave; of the nearest spell where none covers it."""
    first = rows.sort_values("day", kind="stable").drop_duplicates("person")[["person", "day"]]
    spells = cohort.table("spells")[["staff_id", "dept_id", "start", "end"]].rename(columns={"staff_id": "person"})
    joined = first.merge(spells, on="person", how="left")
    start, end = pd.to_datetime(joined["start"]), pd.to_datetime(joined["end"]).fillna(pd.Timestamp.max.normalize())
    off = np.maximum((start - joined["day"]).dt.days, (joined["day"] - end).dt.days).clip(lower=0)
    nearest = joined.assign(off=off).sort_values(["person", "off", "start"], kind="stable").drop_duplicates("person")
    return nearest.set_index("person")["dept_id"]


def survey_study(cohort: Cohort) -> SurveyStudy:
    """What the survey tables of a cohort hold, with mentoring where answers are linked to people."""
    surveys = cohort.table("surveys")
    linked = "staff_id" in surveys and bool(surveys["staff_id"].notna().any())
    person = "staff_id" if linked else "anon_id"
    surveys = surveys[surveys[person].notna()].assign(subscale=lambda frame: frame["subscale"].astype(str))
    rows, invited = _asked(cohort, surveys, person)
    pairs = surveys[["instrument", "subscale"]].drop_duplicates().sort_values(["instrument", "subscale"])
    scales = tuple(scale_of(str(i), str(s), cohort.study.surveys) for i, s in pairs.itertuples(index=False) if str(i).upper() not in OF_MENTORS)
    wide = surveys.assign(column=surveys["instrument"].astype(str) + "|" + surveys["subscale"]).pivot_table(
        index=[person, "wave"], columns="column", values="score", aggfunc="first"
    )
    everyone = rows.merge(wide.reset_index().rename(columns={person: "person"}), on=["person", "wave"], how="left")
    cautions: list[Caution] = []
    covariates: list[str] = []
    prevalent = prevalent_later = undated = 0
    compared = linked and cohort.has("matches", "spells", "staff")
    if compared:
        began = pd.to_datetime(cohort.mentoring().groupby("mentee_id")["start"].min())
        undated = int(everyone.loc[everyone["day"].isna(), [scale.column for scale in scales]].notna().any(axis=1).sum())
        everyone = everyone.assign(began=everyone["person"].map(began)).dropna(subset=["day"])
        everyone["mentored"] = (everyone["began"] <= everyone["day"]).astype(int)
        first = everyone.sort_values("day", kind="stable").drop_duplicates("person").set_index("person")
        early = first.index[first["mentored"] == 1]
        prevalent, prevalent_later = len(early), int((first.loc[early, "wave"] != everyone["wave"].min()).sum())
        everyone["dept"] = everyone["person"].map(_departments(cohort, everyone))
        everyone = everyone[everyone["dept"].notna()]
        rows = everyone[~everyone["person"].isin(early)].reset_index(drop=True)
        staff = cohort.table("staff")
        planned = [name for name in planned_covariates(cohort, "wellbeing") or planned_covariates(cohort, "retention") if name in staff]
        rows = rows.merge(staff[["staff_id", *planned]].rename(columns={"staff_id": "person"}), on="person", how="left")
        rows, cautions = with_covariates(rows, planned)
        covariates = varying(rows, planned) if len(rows) else []
        compared = bool(len(rows)) and 0 < rows["mentored"].sum() < len(rows)
    else:
        rows = everyone
    rows, everyone = (each.sort_values(["person", "wave"], kind="stable").reset_index(drop=True) for each in (rows, everyone))
    waves = tuple(int(wave) for wave in sorted(rows["wave"].unique()))
    return SurveyStudy(cohort, rows, everyone, scales, waves, tuple(covariates), tuple(cautions), linked, invited, compared, prevalent,
                       prevalent_later, undated)  # fmt: skip
