"""Exports with cells, rows and headers spoilt: whatever comes, findings and no failure, and a flow that adds up."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.cohort import check_cohort
from tests.cohort.recipes.exports import put
from tests.cohort.recipes.test_people import ESR, LEAVERS, ORACLE, WORKDAY
from tests.cohort.recipes.test_platforms import MENTORLOOP
from tests.cohort.recipes.test_safety import DATIX, LFPSE, adt, files_of
from tests.cohort.recipes.test_surveys import qualtrics, redcap

EXPORTS = [
    (ESR, "sip/Staff in Post - Workforce 202302.csv"),
    ({**ESR, "leavers.csv": LEAVERS}, "leavers.csv"),
    (WORKDAY, "w.csv"),
    (ORACLE, "o.csv"),
    (files_of("incidents", "datix", DATIX), "export.csv"),
    (files_of("incidents", "lfpse", LFPSE), "export.csv"),
    (adt(), "export.csv"),
    (MENTORLOOP, "loops.csv"),
    (MENTORLOOP, "people_key.csv"),
    (qualtrics(), "q.csv"),
    (redcap(), "r.csv"),
]
CELLS = ["", "NA", "-1", "1e400", "nan", "inf", "31/12/4712", "0001-01-01", "9999-99-99", "\u00e9", '"', "99999999999999999999", " ", "Total",
         "x@y.z", "2262-05-01 00:00", "1677-01-01 10:00", "2023-02-30", "[", "0"]  # fmt: skip
change = st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from([*CELLS, None]))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(which=st.sampled_from(range(len(EXPORTS))), changes=st.lists(change, min_size=1, max_size=5))
def test_no_export_makes_it_fail(which: int, changes: list) -> None:
    files, target = EXPORTS[which]
    lines = files[target].lstrip("\n").split("\n")
    for line, cell, text in changes:
        cells = lines[line % len(lines)].split(",")
        if text is None:
            del cells[cell % len(cells) :]  # the row is cut
        else:
            cells[cell % len(cells)] = text
        lines[line % len(lines)] = ",".join(cells)
    with tempfile.TemporaryDirectory() as folder:
        findings, cohort = check_cohort(put(Path(folder), {**files, target: "\n".join(lines)}))
        assert (cohort is None) == bool(findings.errors)
        if cohort is not None:
            cohort.reconcile()
        if files is MENTORLOOP:
            assert "@" not in str(findings)
