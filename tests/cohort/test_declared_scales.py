"""In which direction survey scales are read: what shipped keys know, what a study may say besides, and what it may not."""

from __future__ import annotations

import pytest

from mentorship_eval.cohort.study.surveys import SurveyChoice
from mentorship_eval.inference.scales.known import known_scale, scale_slug
from mentorship_eval.questions.wellbeing.scales import scale_of
from tests.cohort.folders import PEOPLE, bad, good, one

ANSWERS = """staff_id,wave,instrument,subscale,score
s1,1,MBI,EE,20
s1,1,JOB-SATISFACTION,total,4
s1,1,CFGNES,support,3
s1,1,CFGNES,stress,2
"""


def saying(said: str) -> dict[str, str]:
    study = PEOPLE["study.yaml"].replace("matches: matches.csv", "matches: matches.csv, surveys: surveys.csv")
    return {**PEOPLE, "surveys.csv": ANSWERS, "study.yaml": f"{study}surveys: {said}\n"}


@pytest.mark.parametrize(("instrument", "subscale", "higher", "name"), [
    ("MBI", "EE", False, "Emotional exhaustion"), ("mbi-hss (mp)", "Emotional_Exhaustion", False, "Emotional exhaustion"),
    ("MBI", "PA", True, "Personal accomplishment"), ("ProQOL", "BO", False, "Burnout (ProQOL)"), ("YISS", "total", False, "Imposter feelings (YIS)"),
    ("MBI", "tiredness", None, "MBI: tiredness"), ("MBI", "total", None, "MBI"), ("CASEY-FINK", "stress", None, "Casey-Fink: stress"),
    ("SAQ", "our own unit", True, "SAQ: our own unit"), ("cd_risc", "", True, "Resilience"), ("JOB-SATISFACTION", "total", None, "Job satisfaction"),
])  # fmt: skip
def test_a_direction_is_known_however_it_is_spelled_and_never_guessed(instrument, subscale, higher, name):
    assert known_scale(instrument, subscale).higher_is_better is higher
    scale = scale_of(instrument, subscale, SurveyChoice())
    assert (scale.higher_is_better, scale.name, scale.declared) == (higher, name, False)
    assert scale.slug == scale_slug(instrument, subscale)
    assert (scale.cutoff is not None) == (name in ("Emotional exhaustion", "Personal accomplishment", "Burnout (ProQOL)", "Imposter feelings (YIS)"))


def test_a_study_says_what_no_key_knows(tmp_path):
    cohort = good(tmp_path, saying("{higher_is_better: {Job_Satisfaction: true, CASEY-FINK: {support: true, stress: false}, MBI: {EE: false}}}"))
    said = cohort.study.surveys
    assert not cohort.findings.of("W013"), str(cohort.findings)
    scales = [scale_of(*name, said) for name in (("JOB-SATISFACTION", "total"), ("CFGNES", "support"), ("CFGNES", "stress"), ("MBI", "EE"))]
    assert [scale.direction for scale in scales] == ["higher is better", "higher is better", "lower is better", "lower is better"]
    assert [scale.declared for scale in scales] == [True, True, True, False]
    assert scale_of("CFGNES", "another", said).higher_is_better is None and scale_of("OWN", "total", said).higher_is_better is None


@pytest.mark.parametrize(("said", "words"), [
    ("{MBI: {EE: true}}", "MBI EE is scored so that lower is better; its shipped key cannot be contradicted"),
    ("{MBI: false}", "MBI PA is scored so that higher is better"),
    ("{who-5: false}", "who-5 is scored so that higher is better"),
    ("{CIPS: {total: true}}", "CIPS is scored so that lower is better"),
    ("{JOB-SATISFACTION: high}", "JOB-SATISFACTION: write true or false"),
    ("{JOB-SATISFACTION: 1}", "write true or false"),
    ("{OWN: {}}", "OWN: write true or false"),
    ("[JOB-SATISFACTION]", "name the instruments"),
    ("{CFGNES: true, Casey-Fink: false}", "stands there twice, under two names"),
])  # fmt: skip
def test_what_contradicts_a_key_or_says_nothing_stops_with_its_line(tmp_path, said, words):
    found = one(bad(tmp_path, saying(f"{{higher_is_better: {said}}}")), "E001")
    assert words in found.message and found.message.startswith("surveys.higher_is_better") and len(found.rows) == 1


def test_a_misspelt_key_or_a_scale_that_nobody_was_asked_is_said(tmp_path):
    found = one(bad(tmp_path / "a", saying("{higher_is_beter: {A: true}}")), "E001")
    assert "higher_is_better" in found.fix
    cohort = good(tmp_path / "b", saying("{higher_is_better: {JOB-SATISFACTON: true, CASEY-FINK: {suport: true}}}"))
    told = {f.column: (f.message, f.fix) for f in cohort.findings.of("W013")}
    assert set(told) == {"surveys.higher_is_better.JOB-SATISFACTON", "surveys.higher_is_better.CASEY-FINK.suport"}
    assert "'JOB-SATISFACTION'" in told["surveys.higher_is_better.JOB-SATISFACTON"][1]
    assert "'support'" in told["surveys.higher_is_better.CASEY-FINK.suport"][1]
