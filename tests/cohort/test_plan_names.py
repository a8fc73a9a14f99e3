"""What study.yaml says that the tables do not bear out: a window in which nobody is, names in the plan that nothing answers to."""

from __future__ import annotations

import pytest

from mentorship_eval import simulate_cohort
from mentorship_eval.cohort.checks.plan_names import ADJUSTED, OUTCOMES
from mentorship_eval.cohort.cohort import check_cohort
from mentorship_eval.surveys import scoring_keys
from tests.cohort.folders import PEOPLE, SAFETY, bad, good, one


def planned(base: dict[str, str], plan: str) -> dict[str, str]:
    return {**base, "study.yaml": base["study.yaml"] + f"plan: {{{plan}}}\n"}


@pytest.mark.parametrize(("base", "window", "words"), [
    (PEOPLE, ("2022-01-01", "2010-01-01", "2023-12-31", "2012-12-31"), "nobody is in post between 2010-01-01 and 2012-12-31"),
    (SAFETY, ("2022-01-01", "2030-01-01", "2022-03-31", "2030-12-31"), "no month has an exposure between 2030-01-01 and 2030-12-31"),
])  # fmt: skip
def test_a_window_in_which_nobody_is_stops(tmp_path, base, window, words):
    study = base["study.yaml"].replace(window[0], window[1]).replace(window[2], window[3])
    found = one(bad(tmp_path, {**base, "study.yaml": study}), "E013")
    assert words in found.message and "the table runs from 20" in found.message and "study.start" in found.fix


def test_names_that_nothing_answers_to_are_said_with_the_nearest(tmp_path):
    cohort = good(tmp_path, planned(PEOPLE, "primary: [retenion], secondary: [mbi_ee], covariates: {retension: [profession], retention: [age]}, "
                                            "subgroups: {retention: [tenure, professoin]}"))  # fmt: skip
    said = {f.column: (f.message, f.fix) for f in cohort.findings.of("W013")}
    assert set(said) == {"plan.primary", "plan.secondary", "plan.covariates.retension", "plan.covariates.retention", "plan.subgroups.retention"}
    assert "'retenion'" in said["plan.primary"][0] and "'retention'" in said["plan.primary"][1]
    assert "'retention'" in said["plan.covariates.retension"][1] and "'profession'" in said["plan.subgroups.retention"][1]
    assert "column 'age'" in said["plan.covariates.retention"][0]


def test_names_of_the_data_are_outcomes_too(tmp_path):
    plan = "primary: [retention, harm_incidents, harm_falls, exit_retirement], covariates: [profession], subgroups: {all: [profession, tenure]}"
    assert not good(tmp_path, planned(PEOPLE, plan)).findings.of("W013")


def test_every_outcome_of_every_chapter_is_known(tmp_path):
    """Of a cohort with all tables, whatever its chapters tell."""
    from mentorship_eval import read_cohort
    from mentorship_eval.questions import CHAPTERS, answer_chapter

    made = simulate_cohort(seed=3, departments=8, staff=400, months=24, outcomes=True, waves=(6, 10))
    made.study["plan"]["permutations"] = 0
    folder = made.write(tmp_path / "c")
    cohort = read_cohort(folder)
    told = {result.outcome for chapter in CHAPTERS if chapter not in ("summary",) for result in answer_chapter(chapter, cohort).results}
    study = (folder / "study.yaml").read_text(encoding="utf-8")
    assert "secondary:" not in study
    (folder / "study.yaml").write_text(study.replace("plan:\n", f"plan:\n  secondary: [{', '.join(sorted(told))}]\n", 1), encoding="utf-8")
    findings, _ = check_cohort(folder)
    assert not findings.of("W013"), str(findings)
    assert len(told) > 25 and {"retention", "careers"} <= set(ADJUSTED) and len(set(OUTCOMES)) == len(OUTCOMES) and scoring_keys()
