"""The list of codes is the program: every code is found somewhere, tested, turned by a setting that exists, and told in docs/checks.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mentorship_eval.cohort.reading.codes import CODES, LIST, Code, checks_page
from mentorship_eval.cohort.reading.findings import Finding, Findings
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.cohort.study.models import TableSource
from mentorship_eval.cohort.study.rules import Rules

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mentorship_eval"
OTHERS = {Path(__file__).name, "codes.py"}


def text_of(folder: Path, *patterns: str) -> str:
    files = [path for pattern in patterns for path in sorted(folder.rglob(pattern)) if path.name not in OTHERS]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.fixture(scope="module")
def program() -> str:
    return text_of(PACKAGE / "cohort", "*.py")


@pytest.fixture(scope="module")
def tests() -> str:
    return text_of(ROOT / "tests" / "cohort", "test_*.py") + text_of(ROOT / "tests" / "acceptance", "test_*.py")


def test_no_code_twice() -> None:
    assert len(CODES) == len(LIST)
    assert all(re.fullmatch(r"[ERW]\d{3}", code) for code in CODES)


@pytest.mark.parametrize("item", LIST, ids=lambda item: item.code)
def test_every_code_is_in_the_program_and_in_a_test(item: Code, program: str, tests: str) -> None:
    assert f'"{item.code}"' in program, f"nothing finds {item.code}"
    # a test that names it as a string looks for it among findings
    assert f'"{item.code}"' in tests, f"no test triggers {item.code}"


def test_every_code_of_the_program_is_in_the_list(program: str) -> None:
    assert set(re.findall(r'"([ERW]\d{3})"', program)) <= set(CODES)


def key(model: Any, path: list[str]) -> Any:
    """The default of a key of study.yaml; a star stands for any table."""
    if path[:2] == ["tables", "*"]:
        model, path = TableSource, path[2:]
    for name in path:
        assert isinstance(model, type) and issubclass(model, BaseModel), f"{name} is inside something without keys"
        assert name in model.model_fields, f"there is no key {name}"
        field = model.model_fields[name]
        last, model = field.get_default(call_default_factory=True), field.annotation
        if isinstance(last, BaseModel):
            model = type(last)
    return last


@pytest.mark.parametrize("item", [item for item in LIST if item.setting], ids=lambda item: item.code)
def test_settings_exist_and_defaults_are_as_told(item: Code) -> None:
    defaults = [key(Study, setting.split(".")) for setting in item.setting]
    if item.default:
        assert f"{defaults[0]:g}" == item.default if isinstance(defaults[0], float) else str(defaults[0]) == item.default


def test_every_rule_for_records_is_in_the_list() -> None:
    told = {setting.removeprefix("rules.") for item in LIST for setting in item.setting if setting.startswith("rules.")}
    assert set(Rules.model_fields) - told == {"min_controls", "benchmark", "profession_destinations"}


@pytest.mark.parametrize("name", sorted({name for item in LIST for name in item.sensitivity}))
def test_every_analysis_that_is_named_is_made(name: str) -> None:
    chapter, *_, slug = name.split(".")
    source = text_of(PACKAGE / "questions" / chapter, "*variants.py")
    stem = slug.removesuffix("*")
    assert re.search(rf'f?"{re.escape(stem)}' + ("" if slug.endswith("*") else '"'), source) or stem in ("clusters_current_department",)


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "checks.md").read_text(encoding="utf-8") == checks_page(), "run python tools/checks.py"


# ---------------------------------------------------------------- how they are printed


def many() -> Findings:
    findings = Findings()
    for k in range(12):
        findings.add("E105", f"end is before start, {k}", file="spells.csv", rows=[k + 2, k + 3], column="end", fix="Correct the dates.")
    for k in range(12):
        findings.add("W111", "patient-days jump more than threefold from the month before", file=f"ward_{k}.csv", rows=range(2, 900), column="days")
    long_name = "a_file_with_a_name_that_is_far_too_long_for_a_column.csv"
    findings.add("R123", "read as cp1252, not UTF-8", file=long_name, rows=7, column="name", fix="Save it again, " * 20)
    findings.add("E009", "no question", file="study.yaml", column="tables")
    return findings


@pytest.mark.parametrize("width", [20, 40, 80, 120, 400])
def test_wrapped_to_the_terminal(width: int) -> None:
    text = many().text(width)
    longest = max(len(line) for line in text.splitlines() if ".csv" not in line)
    assert longest <= max(40, min(width, 120))
    assert not any(line != line.rstrip() for line in text.splitlines())
    headings = ["ERRORS", "E009", "E105 dates out of order: 24 rows in 12 places", "REPAIRS", "R123", "WARNINGS", "W111"]
    places = [" ".join(text.split()).index(word) for word in headings]
    assert places == sorted(places)
    assert text.endswith(many().summary())
    assert text.count("Correct the dates.") == 1  # said once where it is the same for neighbours


def test_a_pipe_gets_one_line_for_each_finding() -> None:
    findings = many()
    lines = str(findings).splitlines()
    for item in findings:
        assert isinstance(item, Finding)
        assert str(item) in lines
    assert len(lines) == len(findings) + 3 * 2 + 1
