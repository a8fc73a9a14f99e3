"""Mentoring relationships that began within the window, with what is known of both people when it began: rows for dose and for concordance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.questions.equity.eligible import EquityStudy, begun_matches, with_levels
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.groups import GRADE
from mentorship_eval.questions.planned_ends import ends_known

__all__ = ["ATTRIBUTES", "FEWEST_MENTEES", "Pairs", "pairs_of"]

ATTRIBUTES = {"gender": "gender", "ethnicity_group": "ethnic group", "profession": "staff group"}
FEWEST_MENTEES = 30  # of a level, below which it joins the others


@dataclass(frozen=True)
class Pairs:
    """rows: one a match: match_id, mentee_id, mentor_id, dept_id (of the mentee on its first day), quarter, days (from then to its end as
    `ends_known` has it, or to that of the window), ended (1: by then), end_reason, since (days since the mentee's hire on the first day), levels of
    the mentee for each of ``groupings`` (the career stage is that of the first day); mentee_<attribute>, mentor_<attribute> and the grades of both as
    recorded, missing where unknown.
    """

    rows: pd.DataFrame
    groupings: tuple[str, ...]


def pairs_of(study: EquityStudy) -> Pairs:
    """Matches whose mentee was in post in a known department when they began, within the window."""
    cohort, episodes = study.cohort, study.episodes
    rows = begun_matches(cohort)
    rows = rows[(rows["start"] >= episodes.start) & (rows["start"] <= episodes.end)]
    rows = rows.merge(_posts(study, rows), on="match_id").sort_values(["start", "match_id"], kind="stable", ignore_index=True)
    rows = ends_known(cohort, rows, episodes.end).rename(columns={"mentee_id": "staff_id"})
    rows["days"] = np.maximum((rows["last"] - rows["start"]).dt.days.to_numpy(float), 0.5)
    rows["months"] = rows["days"] / DAYS_PER_MONTH
    rows["quarter"] = rows["start"].dt.to_period("Q").astype(str)
    staff = cohort.table("staff").drop_duplicates("staff_id").set_index("staff_id")
    for name in (*ATTRIBUTES, GRADE):
        for side, column in (("mentee", "staff_id"), ("mentor", "mentor_id")):
            known = staff[name].astype(object) if name in staff else pd.Series(dtype=object)
            rows[f"{side}_{name}"] = _stated(rows[column].map(known))
    hired = rows["staff_id"].map(episodes.persons.set_index("staff_id")["hire"])
    rows["since"] = (rows["start"] - hired).dt.days.astype(float)
    rows, groupings = with_levels(cohort, rows, FEWEST_MENTEES)
    return Pairs(rows.rename(columns={"staff_id": "mentee_id"}), groupings)


def _stated(values: pd.Series) -> pd.Series:
    """As recorded; who did not say is missing."""
    return values.where(~values.astype(str).str.lower().isin(("not_stated", "not stated", "unknown", "prefer not to say")))


def _posts(study: EquityStudy, matches: pd.DataFrame) -> pd.DataFrame:
    """match_id and dept_id of the post in which the mentee was on the first day of the match."""
    spells = study.cohort.table("spells")[["staff_id", "dept_id", "start", "end"]].rename(columns={"start": "from", "end": "to"})
    both = matches[["match_id", "mentee_id", "start"]].merge(spells, left_on="mentee_id", right_on="staff_id")
    both = both[(both["from"] <= both["start"]) & (both["to"].isna() | (both["to"] >= both["start"])) & both["dept_id"].notna()]
    both = both.sort_values(["match_id", "from"], kind="stable").drop_duplicates("match_id", keep="last")
    return both[["match_id", "dept_id"]]
