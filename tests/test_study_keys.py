"""docs/study.md tells every key of study.yaml as the program takes it, and its examples are studies."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from mentorship_eval.cohort.checks.plan_names import OUTCOMES
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.report.estimates import ESTIMATE_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import study_keys  # noqa: E402

PAGE = study_keys.PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.split(study_keys.MARK)[1].strip() == study_keys.tables().strip(), "run python tools/study_keys.py"


def test_every_model_has_its_section() -> None:
    sections = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert sections == [path for path, _ in study_keys.models()]
    assert {"tables.NAME", "plan.economics", "rules.benchmark", "matching.weights"} <= set(sections)
    for anchor in re.findall(r"\[its keys\]\(#(\w+)\)", PAGE):
        assert anchor in {path.lower().replace(".", "") for path in sections}


def test_a_key_without_a_description_is_refused() -> None:
    class Odd(BaseModel):
        silent: int = 0

    with pytest.raises(ValueError, match=r"odd\.silent has no description"):
        study_keys.table(Odd, "odd.")


def test_defaults_are_those_of_the_models() -> None:
    assert "| `horizons_days` | `182.5`, `365`, `730` |" in PAGE
    assert "| `suspended` | `keep` (or `remove`) |" in PAGE
    assert "| `unmatched` | `1` |" in PAGE  # of the engine: the study file has none of its own


def test_examples_are_studies() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    for text in examples:
        Study.model_validate({"tables": {"staff": "staff.csv"}, **yaml.safe_load(text)})


def test_every_outcome_is_named() -> None:
    section = PAGE.split("## Outcomes")[1].split("\n## ")[0]
    assert set(OUTCOMES) <= set(re.findall(r"`(\w+)`", section))


def test_the_columns_of_estimates_are_told() -> None:
    methods = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    section = methods.split("## The columns of estimates.csv")[1].split("\n## ")[0]
    told = [name for cell in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)]
    assert told == list(ESTIMATE_COLUMNS)
