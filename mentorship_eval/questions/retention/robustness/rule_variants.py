"""Each rule for messy records that touched the cohort, turned: the files are read again under the other rule.

A rule that changed nothing here makes no analysis; one whose turning changes nobody's follow-up is named under the figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.checks.administrative import BANK, MASS, RETIRED
from mentorship_eval.cohort.checks.concurrent import CONCURRENT
from mentorship_eval.cohort.person_time.splitting import split_rows
from mentorship_eval.cohort.reading.reread import under_rules
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.robustness.sensitivity_fits import Fitted, Variant, from_episodes, restricted_fit, same

__all__ = ["PEOPLE", "rule_variants"]

EVERYWHERE = ("", "all", "everywhere")

PEOPLE, RECORDS = "Who is followed", "How records are read"
# what retention is told from
_TABLES = ("staff", "spells", "matches", "sessions", "departments", "dept_lineage", "rollout", "programmes", "mentors")
_PRIMARY = {"largest_wte": "the largest post", "longest": "the longest post", "declared": "the post declared as the main one"}


def rule_variants(study: Prepared) -> Iterator[Variant]:
    """In the order of the codes; nothing for rules that did not touch the cohort."""
    chosen, rules = study.cohort.study.plan.sensitivity, study.cohort.study.rules
    if chosen.rules:
        if _said(study, "R102", "spells", CONCURRENT):
            for name, words in _PRIMARY.items():
                if name != rules.primary and (name != "declared" or "is_primary" in study.cohort.table("spells")):
                    yield _read_again(f"primary_{name}", f"Of concurrent posts, {words}", f"{words} of concurrent ones counting", primary=name)
        yield from _administrative(study)
        if _said(study, "R110", "dept_lineage"):
            words = "departments as they are written, whatever became of them"
            yield _read_again("lineage_off", "Departments as they are written", words, lineage="ignore")
        if _said(study, "W117", "matches"):
            if rules.match_start == "first_session":
                words = "matches without a recorded start exposing nobody"
                yield _read_again("match_start", "Without starts from first sessions", words, match_start="missing")
            else:
                words = "matches without a recorded start beginning with their first session"
                yield _read_again("match_start", "Starts from first sessions", words, match_start="first_session")
    if chosen.without_shocks and study.cohort.has("calendar"):
        yield from _without_shocks(study)


def _administrative(study: Prepared) -> Iterator[Variant]:
    rules = study.cohort.study.rules
    if _said(study, "W108", "spells", RETIRED):
        stay = rules.retire_return == "leave"
        words = "a return after retirement continuing the employment" if stay else "retirement ending the employment of those who came back"
        label = "Retired and back: stayed" if stay else "Retired and back: left"
        yield _read_again("retire_return", label, words, retire_return="stay" if stay else "leave")
    if _said(study, "W108", "spells", BANK):
        leave = rules.bank == "stay"
        words = "going over to the bank ending the employment" if leave else "bank contracts continuing the employment"
        label = "Over to the bank: left" if leave else "Over to the bank: stayed"
        yield _read_again("bank", label, words, bank="leave" if leave else "stay")
    if _said(study, "W108", "spells", MASS):
        told = rules.mass_ends == "as_recorded"
        words = "many ends of a department on one day taken as administrative" if told else "many ends of a department on one day as recorded"
        label = "Many ends on one day: administrative" if told else "Many ends on one day: as recorded"
        yield _read_again("mass_ends", label, words, mass_ends="administrative" if told else "as_recorded")


def _said(study: Prepared, code: str, table: str, begins: str = "") -> bool:
    return any(item.table == table and item.message.startswith(begins) for item in study.cohort.findings.of(code))


def _read_again(slug: str, label: str, words: str, **rules: Any) -> Variant:
    def run(study: Prepared) -> Fitted:
        episodes = cohort_episodes(under_rules(study.cohort, _TABLES, **rules))
        if episodes.rows.equals(study.episodes.rows):
            return same("nobody's follow-up changes")
        return from_episodes(study, episodes)

    return Variant(slug, label, RECORDS, words, run)


def _without_shocks(study: Prepared) -> Iterator[Variant]:
    """Person-time outside the shocks of the calendar that have an end and touch everybody."""
    table = study.cohort.table("calendar")
    if "end" not in table:
        return
    start, end = study.episodes.start, study.episodes.end
    scope = table["scope"].astype(object).where(table["scope"].notna(), "") if "scope" in table else pd.Series("", index=table.index)
    everywhere = scope.astype(str).str.strip().str.lower().isin(EVERYWHERE)
    inside = table[table["end"].notna() & (table["start"] <= end) & (table["end"] >= start) & everywhere]
    for number, shock in enumerate(inside.itertuples(), 1):
        yield Variant(
            f"shock_{number}", f"Without {shock.label}", PEOPLE, f"without the days of {shock.label}", _outside(shock.start, shock.end)
        )


def _outside(first: pd.Timestamp, last: pd.Timestamp) -> Any:
    def run(study: Prepared) -> Fitted:
        hire = study.rows["staff_id"].map(study.episodes.persons.set_index("staff_id")["hire"])
        rows, every = study.rows, np.arange(len(study.rows))
        low, high = ((day - hire).dt.days.to_numpy(float) for day in (first - pd.Timedelta(days=1), last))
        rows = split_rows(rows.assign(_low=low, _high=high), np.concatenate([every, every]), np.concatenate([low, high]))
        out = (rows["start"] >= rows["_high"]) | (rows["stop"] <= rows["_low"])
        if out.all():
            return same("nobody was followed then")
        kept = rows[out].drop(columns=["_low", "_high"])
        return restricted_fit(kept, list(study.model))

    return run
