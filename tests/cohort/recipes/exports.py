"""Small exports for the tests of recipes, and cohort folders around them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.cohort import Cohort, check_cohort
from mentorship_eval.cohort.reading.findings import Findings
from tests.cohort.folders import PEOPLE, SAFETY

__all__ = ["accepted", "everything", "people", "put", "refused", "rows", "safety"]


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.lstrip("\n").encode("utf-8"))
    return folder


def people(tables: str, **window: str) -> str:
    """A study.yaml of people; ``tables`` are lines of YAML, two blanks deep."""
    keys = {"start": "2023-01-01", "end": "2023-12-31", **window}
    return _study(keys, "matches", tables)


def safety(tables: str, **window: str) -> str:
    keys = {"start": "2022-01-01", "end": "2022-03-31", **window}
    return _study(keys, "rollout", tables)


def _study(keys: dict[str, str], other: str, tables: str) -> str:
    window = ", ".join(f"{key}: {value}" for key, value in keys.items())
    rest = "" if f"  {other}:" in tables else f"  {other}: {other}.csv\n"
    return f"study: {{name: Small, {window}}}\ntables:\n{tables.rstrip()}\n{rest}disclosure: none\n"


def accepted(folder: Path, files: dict[str, str | bytes]) -> Cohort:
    """The cohort of ``files``; fails with the findings when it is refused, or when its flow does not add up."""
    findings, cohort = check_cohort(put(folder, files))
    assert cohort is not None, f"refused:\n{findings}"
    cohort.reconcile()
    return cohort


def refused(folder: Path, files: dict[str, str | bytes]) -> Findings:
    findings, cohort = check_cohort(put(folder, files))
    assert cohort is None, f"accepted:\n{findings}"
    return findings


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    """Rows of some columns, dates as text and missing values as None."""
    part = frame[list(columns)].copy()
    for name in columns:
        if pd.api.types.is_datetime64_any_dtype(part[name]):
            part[name] = part[name].dt.strftime("%Y-%m-%d")
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in part.itertuples(index=False, name=None)]


def everything(findings: Findings, cohort: Cohort | None) -> str:
    """All that a cohort says of itself: tables, findings, repair log, flow, files."""
    parts = [repr(item) for item in findings] + [findings.to_frame().to_csv()]
    if cohort is not None:
        parts += [frame.to_csv() for frame in cohort.tables.values()]
        parts += [cohort.repair_log.to_csv(), cohort.flow.to_csv(), cohort.files.to_csv(), repr(cohort.study)]
    return "\n".join(parts)


MATCHES = {"matches.csv": "match_id,mentor_id,mentee_id,start,end\nm1,a3,a1,2023-02-01,\n"}
SAFE = {name: SAFETY[name] for name in ("incidents.csv", "exposure.csv", "rollout.csv")}
STAFF = {name: PEOPLE[name] for name in ("staff.csv", "spells.csv", "matches.csv")}
