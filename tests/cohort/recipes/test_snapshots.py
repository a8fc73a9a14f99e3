"""Histories of employment written as monthly lists and read back: the spells, up to the convention of months."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cohort.recipes.exports import MATCHES, accepted, people, rows

FIRST, MONTHS = pd.Period("2023-01"), 6
LISTS = [FIRST + k for k in range(MONTHS)]
HEAD = "Unique Nhs Identifier,Tm Year Month,Org,Department,Occupation Code,Contracted Wte,Asg Type Of Contract,Status,Latest Start Date"

# a person: pieces of (day begun, length in days, ward, days away before the next piece)
piece = st.tuples(st.integers(1, 90), st.sampled_from(["W1", "W2"]), st.sampled_from([0, 0, 70]))
person = st.tuples(st.integers(0, 120), st.lists(piece, min_size=1, max_size=3))


def name_of(month: pd.Period) -> str:
    return month.strftime("%Y%m")


def history(start: int, pieces: list[tuple[int, str, int]]) -> list[tuple[pd.Timestamp, pd.Timestamp, str]]:
    """Spells (first day, last day, ward) one after the other."""
    day, found = pd.Timestamp("2022-12-15") + pd.Timedelta(days=start), []
    for length, ward, away in pieces:
        last = day + pd.Timedelta(days=length)
        found.append((day, last, ward))
        day = last + pd.Timedelta(days=1 + away)
    return found


def listed(spells: list[tuple[pd.Timestamp, pd.Timestamp, str]]) -> list[tuple[pd.Period, str, pd.Timestamp]]:
    """Month, ward and day of hire for every month at whose end the person is in post."""
    seen, hired, before = [], spells[0][0], None
    for first, last, ward in spells:
        if before is not None and first > before + pd.Timedelta(days=1):
            hired = first
        before = last
        for month in LISTS:
            end = month.to_timestamp(how="end").normalize()
            if first <= end <= last:
                seen.append((month, ward, hired))
    return seen


def expected(seen: list[tuple[pd.Period, str, pd.Timestamp]], *, dated: bool) -> list[tuple[str, str, str | None]]:
    """Spells of one person by the rule as it is written down, month by month."""
    found: list[list] = []
    before = None
    for month, ward, hired in seen:
        if before is not None and month == before + 1 and found[-1][0] == ward:
            found[-1][2] = month
        else:
            first = month.to_timestamp()
            new = before is None or month != before + 1
            if dated and new and (month == FIRST or (month - 1).to_timestamp(how="end").normalize() < hired <= month.to_timestamp(how="end")):
                first = hired
            found.append([ward, first, month])
        before = month
    return [(ward, f"{first:%Y-%m-%d}", None if last == LISTS[-1] else f"{last.to_timestamp(how='end'):%Y-%m-%d}") for ward, first, last in found]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(histories=st.lists(person, min_size=1, max_size=5), dated=st.booleans(), upside_down=st.booleans())
def test_histories_come_back_from_their_lists(histories: list, dated: bool, upside_down: bool) -> None:
    lines: dict[pd.Period, list[str]] = {month: [f"a3,{name_of(month)},R,W9,N6A,1,Permanent,Active,2015-01-01"] for month in LISTS}
    wanted = {}
    for i, (start, pieces) in enumerate(histories):
        seen = listed(history(start, pieces))
        wanted[f"p{i}"] = expected(seen, dated=dated)
        for month, ward, hired in seen:
            lines[month].append(f"p{i},{name_of(month)},R,{ward},N6A,1,Permanent,Active,{hired:%Y-%m-%d}")
    head = HEAD if dated else HEAD.replace("Latest Start Date", "Unused")
    files = {f"sip/{name_of(month)}.csv": "\n".join([head, *(sorted(part, reverse=upside_down))]) + "\n" for month, part in lines.items()}
    study = people("  staff: staff.csv\n  spells: {file: sip, recipe: esr}\n") + "rules: {rehire_gap_days: 0}\n"
    with tempfile.TemporaryDirectory() as folder:
        staff = "staff_id\na3\n" + "".join(f"{name}\n" for name in wanted)
        matches = MATCHES["matches.csv"].replace("a1", "a3").replace(",a3,a3", ",,a3")
        spells = accepted(Path(folder), {"study.yaml": study, "staff.csv": staff, "matches.csv": matches, **files}).table("spells")
    for name, spans in wanted.items():
        mine = spells[spells["staff_id"] == name].sort_values("start")
        assert rows(mine, "dept_id", "start", "end") == spans
        # a move inside the organisation is no leave; an end without a move is one, for a reason nobody knows
        for (_, _, end), (_, start, _), reason in zip(spans, spans[1:], mine["leaving_reason"], strict=False):
            assert reason == ("transfer" if pd.Timestamp(start) == pd.Timestamp(end) + pd.Timedelta(days=1) else "unknown")
    assert set(spells["staff_id"]) == {"a3", *(name for name, spans in wanted.items() if spans)}
