"""A study file carried over: text and comments stay, what belongs to the old cohort goes, and the result is read again."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.study.carry import Carried, carry_over
from mentorship_eval.cohort.study.models import Earlier
from mentorship_eval.cohort.study.yaml_lines import read_yaml

OLD = Earlier(name="Riverside: 2023", start=date(2022, 1, 1), end=date(2023, 12, 31), plan="123456789012", data="abcdef012345")

BLOCK = """\
# our study
study:
  name: Riverside 2023     # as in the protocol
  start: 2022-01-01
  end: 2023-12-31
# the files
tables:
  staff: staff_2023.csv
  matches: matches.csv
  spells:
    file: leavers 2023.xlsx   # from HR
    columns: {start: Start 2023}
    dates: "%d/%m/%Y"

# agreed in 2021
plan:
  primary: [retention]
disclosure: 7
"""

FLOW = """\
study: {name: "A, B", start: 2022-01-01,
  end: 2023-12-31, }
tables: {staff: staff.csv, spells: {file: [a_2022.csv, a_2023.csv], dates: iso}}
"""


def carried(text: str, levels: dict[str, dict[str, list[str]]] | None = None, earlier: list[Earlier] | None = None) -> Carried:
    return carry_over(text, name="Riverside next", programme="Mentorship", earlier=earlier or [OLD], levels=levels or {})


def test_window_and_files_of_the_year_are_cleared_and_marked() -> None:
    new = carried(BLOCK)
    assert not new.lost
    said, _ = read_yaml(new.text)
    assert said["study"] == {
        "name": "Riverside next", "start": None, "end": None, "programme": "Mentorship",
        "earlier": [{"name": "Riverside: 2023", "start": OLD.start, "end": OLD.end, "plan": "123456789012", "data": "abcdef012345"}],
    }  # fmt: skip
    assert said["tables"] == {"staff": "", "matches": "matches.csv", "spells": {"file": "", "columns": {"start": "Start 2023"}, "dates": "%d/%m/%Y"}}
    assert (said["plan"], said["disclosure"]) == ({"primary": ["retention"]}, 7)
    for comment in ("# our study", "# as in the protocol", "# the files", "# from HR", "# agreed in 2021"):
        assert comment in new.text
    lines = new.text.splitlines()
    marked = {lines[i + 1].strip().split(":")[0] for i, line in enumerate(lines) if "# change:" in line and "# change:" not in lines[i + 1]}
    assert marked == {"name", "start", "end", "staff", "file", "columns"}
    assert "was Riverside 2023" in new.text and "was leavers 2023.xlsx" in new.text


def test_flow_style_is_edited_too() -> None:
    new = carried(FLOW)
    assert not new.lost
    said, _ = read_yaml(new.text)
    assert (said["study"]["name"], said["study"]["start"], said["study"]["programme"]) == ("Riverside next", None, "Mentorship")
    assert said["tables"]["spells"] == {"file": ["", ""], "dates": "iso"}


@pytest.mark.parametrize("text", [BLOCK, FLOW])
def test_levels_are_written_under_their_table(text: str) -> None:
    levels = {"staff": {"grade": ["5", "no", "Band 6, acting"]}, "spells": {"status": ["Active"]}}
    said, _ = read_yaml(carried(text, levels).text)
    assert said["tables"]["staff"]["levels"] == {"grade": ["5", "no", "Band 6, acting"]}
    assert said["tables"]["spells"]["levels"] == {"status": ["Active"]}
    assert said["tables"]["staff"]["file"] == ("" if text is BLOCK else "staff.csv")


def test_levels_that_were_declared_stand() -> None:
    text = "study: {name: x}\ntables: {staff: {file: staff.csv, levels: {grade: [a]}}}\n"
    said, _ = read_yaml(carried(text, {"staff": {"grade": ["a", "b"]}}).text)
    assert said["tables"]["staff"]["levels"] == {"grade": ["a"]}


def test_earlier_evaluations_are_replaced_by_the_new_list() -> None:
    twice = carried(carried(BLOCK).text, earlier=[OLD, Earlier(name="second")])
    assert not twice.lost
    said, _ = read_yaml(twice.text)
    assert [look["name"] for look in said["study"]["earlier"]] == ["Riverside: 2023", "second"]
    block = BLOCK.replace("# the files", "  earlier:\n    - name: a\n      plan: b\n    - {name: c}\n# the files")
    said, _ = read_yaml(carried(block).text)
    assert [look["name"] for look in said["study"]["earlier"]] == ["Riverside: 2023"] and "# the files" in carried(block).text


def test_a_file_outside_the_folder_and_other_years_are_marked_and_kept() -> None:
    text = "tables: {staff: '${DATA}/staff.csv'}\nrules: {note: since 2021}\nplan: {seed: 2021}\n"
    new = carried(text)
    said, _ = read_yaml(new.text)
    assert said["tables"]["staff"] == "${DATA}/staff.csv" and said["rules"] == {"note": "since 2021"} and said["plan"] == {"seed": 2021}
    assert "outside the old folder" in new.text and "rules.note names a year" in new.text and "plan.seed names" not in new.text


def test_the_address_of_a_database_is_marked_and_never_quoted() -> None:
    text = "tables:\n  staff: postgresql://me:secret@host/hr_2023\n  spells: {file: 'sqlite:///hr_2023.db', sheet: x}\n"
    new = carried(text, {"staff": {"grade": ["a"]}})
    said, _ = read_yaml(new.text)
    assert said["tables"]["staff"]["file"] == "postgresql://me:secret@host/hr_2023" and said["tables"]["spells"]["file"] == "sqlite:///hr_2023.db"
    assert "secret" not in " ".join(new.done) and new.text.count("secret") == 1 and new.text.count("# change:") == 2


@pytest.mark.parametrize("text", ["", "a: [", "- list\n", "study:\ntables: {staff: s.csv}\n", "study: {a: 1}\nstudy: {b: 2}\n", "just words\n"])
def test_what_cannot_be_edited_is_here_as_it_was(text: str) -> None:
    new = carried(text)
    assert new.text == text and new.lost and not new.done


_WORD = st.text("abc 2019:#,[]{}\"'-é\n", max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    name=_WORD, file=_WORD, extra=st.dictionaries(st.sampled_from(["sheet", "encoding", "dates"]), _WORD, max_size=2),
    flow=st.sampled_from([None, True, False]), level=st.lists(_WORD, max_size=3),
)  # fmt: skip
def test_any_study_file_is_edited_soundly_or_left_alone(name: str, file: str, extra: dict[str, str], flow: bool | None, level: list[str]) -> None:
    document = {"study": {"name": name, "start": date(2019, 1, 1)}, "tables": {"staff": {"file": file, **extra}}, "plan": {"primary": [name]}}
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    new = carried(text, {"staff": {"grade": level}} if level else {})
    said, _ = read_yaml(new.text)
    if new.lost:
        assert said == read_yaml(text)[0]
        return
    assert said["study"]["start"] is None and said["study"]["name"] == "Riverside next" and said["plan"] == {"primary": [name]}
    assert said["tables"]["staff"].get("levels", {}).get("grade", []) == level
    assert {key: said["tables"]["staff"][key] for key in extra} == extra
    assert said["tables"]["staff"]["file"] in ("", file)
