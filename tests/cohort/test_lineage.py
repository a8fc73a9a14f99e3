"""Whatever merges into whatever: units divide the departments among them, and no incident, day or person-time is lost or made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cohort.folders import SAFETY, good

DEPARTMENTS = "abcdef"
MONTHS = ("2022-01", "2022-02", "2022-03")
_edge = st.tuples(st.sampled_from(DEPARTMENTS), st.sampled_from(DEPARTMENTS), st.sampled_from(["2021-06-01", "2022-02-01", "2022-03-15"]))


def connected(edges: list[tuple[str, str, str]]) -> dict[str, frozenset[str]]:
    """Department -> everything that the changes connect it with, by walking."""
    unit = {name: frozenset(name) for name in DEPARTMENTS}
    for _ in DEPARTMENTS:
        for old, new, _day in edges:
            joined = unit[old] | unit[new]
            unit |= dict.fromkeys(joined, joined)
    return unit


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=st.lists(_edge, max_size=5), days=st.lists(st.integers(1, 900), min_size=18, max_size=18))
def test_units_partition_the_departments_and_keep_every_sum(tmp_path: Path, edges: list[tuple[str, str, str]], days: list[int]) -> None:
    cells = [(dept, month) for dept in DEPARTMENTS for month in MONTHS]
    files = {
        "exposure.csv": "dept_id,month,patient_days\n" + "".join(f"{d},{m},{n}\n" for (d, m), n in zip(cells, days, strict=True)),
        "incidents.csv": "incident_id,dept_id,occurred,harm\n" + "".join(f"{d}{m},{d},{m}-10,low\n" for d, m in cells),
        "rollout.csv": "dept_id,active_from\n" + "".join(f"{d},\n" for d in DEPARTMENTS),
        "dept_lineage.csv": "from_id,to_id,effective\n" + "".join(f"{a},{b},{day}\n" for a, b, day in dict.fromkeys(edges)) + ("a,a,2022-01-01\n"),
    }
    study = SAFETY["study.yaml"].replace("rollout: rollout.csv", "rollout: rollout.csv, dept_lineage: dept_lineage.csv")
    cohort = good(tmp_path, {**SAFETY, **files, "study.yaml": study})
    unit = connected([edge for edge in edges if edge[0] != edge[1]])
    exposure, incidents = cohort.table("exposure"), cohort.table("incidents")
    assert len(exposure) == len(set(unit.values())) * len(MONTHS)
    assert len(incidents) == len(cells)
    assert exposure["patient_days"].sum() == sum(days)
    assert set(cohort.table("rollout")["dept_id"]) == set(exposure["dept_id"]) == set(incidents["dept_id"])
    told = dict(zip(incidents["incident_id"].str[0], incidents["dept_id"], strict=True))
    for one in DEPARTMENTS:
        assert {name for name in DEPARTMENTS if told[name] == told[one]} == unit[one]
    for dept, month, total in exposure.itertuples(index=False):
        mine = {name for name in DEPARTMENTS if told[name] == dept}
        assert total == sum(n for (d, m), n in zip(cells, days, strict=True) if d in mine and pd.Timestamp(f"{m}-01") == month)
