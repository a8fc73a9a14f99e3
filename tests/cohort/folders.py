"""Small cohort folders for the tests: written as text, so that a test shows the very cells it is about."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.cohort import Cohort, check_cohort
from mentorship_eval.cohort.reading.findings import Finding, Findings

__all__ = ["PEOPLE", "SAFETY", "bad", "good", "one", "repairs", "write"]

PEOPLE = {
    "study.yaml": """
study: {name: Small, start: 2022-01-01, end: 2023-12-31}
tables: {staff: staff.csv, spells: spells.csv, matches: matches.csv}
disclosure: none
""",
    "staff.csv": """staff_id,gender,profession,newly_qualified
s1,f,nurse,yes
s2,m,physician,no
s3,f,nurse,no
""",
    "spells.csv": """spell_id,staff_id,dept_id,start,end,wte,contract,status,leaving_reason
p1,s1,d1,2022-02-01,2022-10-01,1,permanent,Active,voluntary
p2,s2,d1,2021-06-01,,0.8,permanent,Active,
p3,s3,d2,2022-03-01,2023-03-01,1,fixed_term,Active,end_of_contract
""",
    "matches.csv": """match_id,mentor_id,mentee_id,start,end
m1,s2,s1,2022-04-01,
""",
}

SAFETY = {
    "study.yaml": """
study: {name: Small, start: 2022-01-01, end: 2022-03-31}
tables: {incidents: incidents.csv, exposure: exposure.csv, rollout: rollout.csv}
disclosure: none
""",
    "incidents.csv": """incident_id,dept_id,occurred,harm
i1,d1,2022-01-10,low
i2,d1,2022-02-11,none
i3,d2,2022-03-12,near_miss
""",
    "exposure.csv": """dept_id,month,patient_days
d1,2022-01,700
d1,2022-02,710
d1,2022-03,690
d2,2022-01,400
d2,2022-02,410
d2,2022-03,420
""",
    "rollout.csv": """dept_id,active_from
d1,2022-02-01
d2,
""",
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.lstrip("\n").encode("utf-8")
        (folder / name).write_bytes(data)
    return folder


def good(folder: Path, base: dict[str, str], **changed: str | bytes) -> Cohort:
    """The cohort of ``base`` with some files replaced (``spells_csv=...``); fails the test with the findings if refused."""
    findings, cohort = check_cohort(write(folder, {**base, **_names(changed)}))
    assert cohort is not None, f"refused:\n{findings}"
    cohort.reconcile()
    return cohort


def bad(folder: Path, base: dict[str, str], **changed: str | bytes) -> Findings:
    """The findings of a cohort that must be refused."""
    findings, cohort = check_cohort(write(folder, {**base, **_names(changed)}))
    assert cohort is None, f"accepted:\n{findings}"
    assert findings.errors
    return findings


def one(findings: Findings, code: str) -> Finding:
    """The only finding of ``code``."""
    found = findings.of(code)
    assert len(found) == 1, f"{len(found)} findings {code}:\n{findings}"
    return found[0]


def repairs(cohort: Cohort, code: str) -> pd.DataFrame:
    return cohort.repair_log[cohort.repair_log["code"] == code]


def _names(changed: dict[str, str | bytes]) -> dict[str, str | bytes]:
    return {(head + "." + tail): text for name, text in changed.items() for head, tail in [name.rsplit("_", 1)]}
