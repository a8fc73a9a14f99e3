"""The published repair log: kinds with sums, small sums withheld with a partner, and no row, value or date of a person."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from mentorship_eval.disclosure import Rule
from mentorship_eval.report.repairs import full_log, published_log

LINES = [
    ("R103", "spells", "spells.csv", row, "end", "2022-03-04", "2022-03-20", f"back after 16 days (row {row + 1}): bridged", 1)
    for row in range(2, 27)
] + [
    ("R103", "spells", "spells.csv", 40, "", "own row", "merged into row 39", "same post goes on", 4),
    ("R103", "spells", "spells.csv", 50, "end", "a", "b", "another kind", 12),
    ("R105", "spells", "spells.csv", 60, "end", "2022-01-01", "start + 0.5 day", "same-day spell", 3),
    ("R123", "staff", "/somewhere/data/staff.csv", 1, "grade", "' 5'", "'5'", "blanks around the value taken off", 200),
]
COLUMNS = ["code", "table", "file", "row", "column", "before", "after", "reason", "count"]


def cohort(lines=LINES):
    return SimpleNamespace(repair_log=pd.DataFrame(lines, columns=COLUMNS))


def test_under_disclosure_control_no_line_tells_of_one_person():
    told = published_log(cohort(), Rule(10))
    assert list(told.columns) == COLUMNS and len(told) == 5
    assert (told[["row", "before", "after"]] == "").all().all()
    counts = {(code, reason): count for code, reason, count in zip(told["code"], told["reason"], told["count"], strict=True)}
    assert counts["R103", "back after … days (row …): bridged"] == 25
    # 4 is small; its sum with the others of the code stands among the findings, so the next smallest goes with it
    assert counts["R103", "same post goes on"] == counts["R103", "another kind"] == "<10"
    assert counts["R105", "same-day spell"] == "<10"
    assert counts["R123", "blanks around the value taken off"] == 200
    assert "2022-" not in told.to_csv() and "somewhere" not in told.to_csv()


def test_two_small_sums_need_no_partner():
    lines = [*LINES[:-1], ("R103", "spells", "spells.csv", 70, "end", "a", "b", "a third", 2)]
    told = published_log(cohort(lines), Rule(10)).set_index("reason")["count"]
    assert told["another kind"] == 12 and told["a third"] == told["same post goes on"] == "<10"


def test_without_disclosure_control_every_line_is_there():
    told = published_log(cohort(), Rule(0, "none"))
    pd.testing.assert_frame_equal(told, full_log(cohort()))
    assert told["count"].tolist() == [line[-1] for line in LINES] and told["row"].tolist() == [line[3] for line in LINES]


def test_nothing_repaired_is_an_empty_table():
    assert published_log(cohort([]), Rule(10)).empty
