"""A column that is called wave and is none: found where nobody answers twice, let through where one person does or it is declared."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort.cohort import check_cohort
from tests.cohort.folders import PEOPLE, bad, good, one, write
from tests.shared_data import shared_data

YAML = PEOPLE["study.yaml"].replace("staff: staff.csv", "staff: staff.csv, surveys: surveys.csv")
DECLARED = YAML.replace("surveys: surveys.csv", "surveys: {file: surveys.csv, cross_sectional: true}")
HEAD = "{id},wave,instrument,subscale,score\n"


def answers(*rows: tuple[str, int], by: str = "staff_id") -> str:
    return HEAD.format(id=by) + "".join(f"{who},{wave},PES,total,{3 + wave / 10}\n" for who, wave in rows)


def test_waves_that_nobody_answers_twice_stop(tmp_path: Path) -> None:
    finding = one(bad(tmp_path, PEOPLE, study_yaml=YAML, surveys_csv=answers(("s1", 1), ("s2", 2), ("s3", 3))), "E126")
    assert (finding.file, finding.column) == ("surveys.csv", "wave")
    assert "no person answers in more than one wave" in finding.message and "no repeated measures" in finding.message
    assert "number of waves that a person answered" in finding.fix and "cross_sectional: true" in finding.fix


def test_one_person_in_two_waves_is_a_link(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, study_yaml=YAML, surveys_csv=answers(("s1", 1), ("s2", 2), ("s1", 2)))
    assert not cohort.findings.of("E126") and not cohort.findings.of("W126")


def test_one_wave_is_no_trouble(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, study_yaml=YAML, surveys_csv=answers(("s1", 1), ("s2", 1)))
    assert not cohort.findings.of("W126")


def test_it_may_be_declared_and_is_then_said(tmp_path: Path) -> None:
    cohort = good(tmp_path / "a", PEOPLE, study_yaml=DECLARED, surveys_csv=answers(("s1", 1), ("s2", 2)))
    assert "compare different people" in one(cohort.findings, "W126").message
    anonymous = good(tmp_path / "b", PEOPLE, study_yaml=YAML, surveys_csv=answers(("a1", 1), ("a2", 2), by="anon_id"))
    assert "cross_sectional: true" in one(anonymous.findings, "W126").fix


BURNOUT = """
study: {{name: Burnout}}
tables:
  surveys:
    file: {file}
    recipe: ./wide.yaml
"""
WIDE = """
title: burnout questionnaires
fits: one row per person, scores in columns
notes: "none"
tables:
  surveys:
    columns: {staff_id: [id], wave: [nwave]}
    linkage: {declared: true}
    scales:
      - {instrument: MBI-SS, subscale: exhaustion, column: mbi_ex, low: 0, high: 30}
      - {instrument: MBI-SS, subscale: cynicism, column: mbi_cy, low: 0, high: 24}
"""


@pytest.mark.parametrize("wide", [False, True])
def test_the_burnout_questionnaires_are_refused_as_repeated_measures(wide: bool, tmp_path: Path) -> None:
    file = shared_data("burnout_trap/etmed_l.csv")
    if wide:
        write(tmp_path, {"study.yaml": BURNOUT.format(file=file), "wide.yaml": WIDE})
    else:
        rows = pd.read_csv(file).melt(["id", "nwave"], ["mbi_ex", "mbi_cy"], "subscale", "score").assign(instrument="MBI-SS")
        rows.to_csv(tmp_path / "surveys.csv", index=False)
        text = "study: {name: B}\ntables:\n  surveys: {file: surveys.csv, columns: {staff_id: id, wave: nwave}}\n"
        write(tmp_path, {"study.yaml": text})
    findings, cohort = check_cohort(tmp_path)
    assert cohort is None
    finding = one(findings, "E126")
    assert "3: 960" in finding.message and "no person answers in more than one wave" in finding.message
    assert {"E126", "E009"} <= {item.code for item in findings.errors}
