"""Survey exports to scores: Qualtrics, REDCap, scales, consent to linkage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentorship_eval.cohort.recipes.scales import Scale, scoring_keys
from mentorship_eval.inference.scales.consistency import cronbach_alpha, item_rest_correlations
from tests.cohort.folders import PEOPLE, one, repairs
from tests.cohort.recipes.exports import accepted, people, refused, rows

BASE = {name: PEOPLE[name] for name in ("staff.csv", "spells.csv", "matches.csv")}
WHO = "{key: WHO-5, items: Q5_1 to Q5_5, answered: 0.8}"
HEAD = """ResponseId,StartDate,RecordedDate,Progress,Finished,Status,RecipientEmail,IPAddress,ExternalReference,wave,linkage_consent,@
Response ID,Start Date,Recorded Date,Progress,Finished,Response Type,Recipient Email,IP,External Data Reference,wave,May we link?,a,b,c,d,e
"{""ImportId"":""_recordId""}","{""ImportId"":""startDate""}",x,x,x,x,x,x,x,x,x,x,x,x,x,x
""".replace("@", "Q5_1,Q5_2,Q5_3,Q5_4,Q5_5")
ANSWERS = """R_1,2022-05-01 10:00:00,2022-05-01 10:05:00,100,1,0,z@trust.example,10.0.0.1,s1,1,1,5,4,3,2,1
R_2,2022-05-01 11:00:00,2022-05-01 11:05:00,100,1,0,w@trust.example,10.0.0.1,s2,1,0,5,5,5,5,-99
R_3,2022-05-02 11:00:00,2022-05-02 11:05:00,60,0,0,x@trust.example,10.0.0.1,s3,1,1,5,5,,,
R_4,2022-05-02 11:00:00,2022-05-02 11:05:00,100,1,1,x@trust.example,10.0.0.1,s3,1,1,5,5,5,5,5
R_5,2022-05-03 11:00:00,2022-05-03 11:05:00,100,1,0,x@trust.example,10.0.0.1,s3,1,1,0,0,0,-99,-99
R_6,2022-05-04 10:00:00,2022-05-04 10:05:00,100,1,0,z@trust.example,10.0.0.1,s1,1,1,1,1,1,1,1
"""


def qualtrics(answers: str = ANSWERS, scales: str = WHO, head: str = HEAD, more: str = "") -> dict[str, str]:
    table = f"  surveys: {{file: q.csv, recipe: qualtrics, settings: {{scales: [{scales}]{more}}}}}\n"
    study = people("  staff: staff.csv\n  spells: spells.csv\n" + table, start="2022-01-01", end="2023-12-31")
    return {"study.yaml": study, "q.csv": head + answers, **BASE}


def test_qualtrics(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, qualtrics())
    assert rows(cohort.table("surveys"), "staff_id", "anon_id", "wave", "completed_on", "instrument", "subscale", "score") == [
        # no consent: kept under its own key. One item of five missing: four fifths suffice
        (None, "R_2", 1, "2022-05-01", "WHO-5", "total", 100.0),
        ("s1", None, 1, "2022-05-04", "WHO-5", "total", 20.0),
    ]
    flow = cohort.flow[cohort.flow["table"] == "surveys"]
    assert flow[["reason", "removed"]].values.tolist() == [
        ["rows in the file", 0],
        ["Finished: '0'", 1],
        ["Status: '1'", 1],
        ["an earlier answer of the same person in the same wave", 1],
        ["too few items answered", 1],
    ]
    assert repairs(cohort, "R123")["row"].tolist() == [2, 3]
    assert repairs(cohort, "R120")[["row", "count"]].values.tolist() == [[5, 1]]
    text = cohort.repair_log.to_csv() + "".join(map(str, cohort.findings))
    assert "trust.example" not in text and "10.0.0.1" not in text


def test_the_later_of_two_answers_of_one_day(tmp_path: Path) -> None:
    twice = ANSWERS.replace("2022-05-01 10:05:00", "2022-05-04 10:04:59").replace("2022-05-04 10:05:00", "2022-05-04 10:05:00.5")
    cohort = accepted(tmp_path, qualtrics(twice))
    assert repairs(cohort, "R102").query("before == 'row'")["row"].tolist() == [4]


def test_a_file_of_one_wave(tmp_path: Path) -> None:
    files = qualtrics(head=HEAD.replace(",wave,", ",round,"), more=", constants: {wave: 3}")
    assert accepted(tmp_path, files).table("surveys")["wave"].tolist() == [3, 3]


def test_answers_with_ids_need_a_word_of_consent(tmp_path: Path) -> None:
    without = HEAD.replace("linkage_consent", "newsletter")
    finding = one(refused(tmp_path / "a", qualtrics(head=without)), "E120")
    assert finding.column == "ExternalReference" and finding.count == 4
    declared = accepted(tmp_path / "b", qualtrics(head=without, more=", linkage: {declared: true}"))
    assert rows(declared.table("surveys"), "staff_id") == [("s2",), ("s1",)]
    anonymous = accepted(tmp_path / "c", qualtrics(head=without.replace("ExternalReference", "Other")))
    assert [cell[0] for cell in rows(anonymous.table("surveys"), "anon_id")] == ["R_1", "R_2", "R_6"]


@pytest.mark.parametrize(
    ("old", "new", "scales", "code", "said"),
    [
        (",1,1,1,1,1\n", ",6,1,1,1,1\n", WHO, "E118", "WHO-5 total: 6 is outside 0 to 5"),
        (",1,1,1,1,1\n", ",Agree,1,1,1,1\n", WHO, "E007", "'Agree': not a number"),
        ("", "", "{key: WHO-5, items: Q5_1 to Q5_4}", "E010", "WHO-5 has 5 items, 4 are named"),
        ("", "", "{key: WHO-6, items: Q5_1 to Q5_5}", "E010", "there is no scoring key 'WHO-6'"),
        ("", "", "{key: WHO-5, items: [Q5_1, Q5_2, Q5_3, Q5_4, Q6_5]}", "E004", "no column 'Q6_5'"),
        ("", "", "{key: SAQ, subscale: teamwork, items: Q5_1 to Q5_5}", "E010", "name under numbers"),
        ("", "", "{key: ProQOL-5, items: Q5_1 to Q5_5}", "E010", "is scored by subscale"),
        ("", "", "{instrument: A, items: Q5_1 to Q5_5, low: 1, high: 5, hgih: 3}", "E010", "unknown key 'hgih'"),
        ("", "", "", "E010", "cannot know which items make which scale"),
    ],
)
def test_scales_that_stop(tmp_path: Path, old: str, new: str, scales: str, code: str, said: str) -> None:
    found = refused(tmp_path, qualtrics(ANSWERS.replace(old, new) if old else ANSWERS, scales)).of(code)
    assert any(said in item.message for item in found), "\n".join(map(str, found))


def test_errors_of_settings_name_their_line_of_the_study(tmp_path: Path) -> None:
    files = qualtrics()
    files["study.yaml"] = """study: {name: S, start: 2022-01-01, end: 2023-12-31}
tables:
  staff: staff.csv
  spells: spells.csv
  matches: matches.csv
  surveys:
    file: q.csv
    recipe: qualtrics
    settings:
      scales:
        - key: WHO-5
          items: Q5_1 to Q5_5
          answerd: 0.5
"""
    finding = one(refused(tmp_path, files), "E010")
    assert (finding.file, finding.rows) == ("study.yaml", (13,)) and "Did you mean 'answered'?" in finding.fix


def unturned(n: int = 60) -> tuple[str, str]:
    """Answers to six items of which 2, 4 and 6 run the other way, as BRS has them."""
    rng = np.random.default_rng(1)
    level = rng.normal(3, 0.8, n)
    items = np.clip(np.rint(level[:, None] + rng.normal(0, 0.6, (n, 6))), 1, 5).astype(int)
    items[:, 1::2] = 6 - items[:, 1::2]
    head = "ResponseId,RecordedDate,Finished,wave,Q1,Q2,Q3,Q4,Q5,Q6\n"
    return head, "".join(f"R_{i},2022-05-01,1,1," + ",".join(map(str, row)) + "\n" for i, row in enumerate(items))


def test_reverse_items_that_were_not_turned_stop(tmp_path: Path) -> None:
    head, answers = unturned()
    scale = "{instrument: BRS, items: Q1 to Q6, low: 1, high: 5}"
    finding = one(refused(tmp_path / "a", qualtrics(answers, scale, head)), "E118")
    assert "items that run against the others" in finding.message and finding.column in ("Q1", "Q2")
    cohort = accepted(tmp_path / "b", qualtrics(answers, "{key: BRS, items: Q1 to Q6}", head))
    assert len(cohort.table("surveys")) == 60 and cohort.table("surveys")["score"].between(1, 5).all()
    # turned already in the export, and turned again by the key: the same mistake
    turned = "".join(
        ",".join([*cells[:4], *(str(6 - int(cell)) if i % 2 else cell for i, cell in enumerate(cells[4:]))]) + "\n"
        for cells in (line.split(",") for line in answers.splitlines())
    )
    assert refused(tmp_path / "c", qualtrics(turned, "{key: BRS, items: Q1 to Q6}", head)).of("E118")
    off = accepted(tmp_path / "d", qualtrics(answers, scale.replace("high: 5", "high: 5, check: false"), head))
    assert len(off.table("surveys")) == 60


def test_unrelated_items_are_no_scale(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    head, _ = unturned()
    answers = "".join(f"R_{i},2022-05-01,1,1," + ",".join(map(str, rng.integers(1, 6, 6))) + "\n" for i in range(200))
    assert "alpha" in one(refused(tmp_path, qualtrics(answers, "{instrument: X, items: Q1 to Q6, low: 1, high: 5}", head)), "E118").message


def test_alpha_and_item_rest_by_hand() -> None:
    values = np.array([[1.0, 2, 3], [2, 4, 4], [3, 3, 5], [4, 5, 5]])
    total = values.sum(axis=1)
    assert cronbach_alpha(values) == pytest.approx(1.5 * (1 - sum(np.var(values[:, j], ddof=1) for j in range(3)) / np.var(total, ddof=1)))
    assert item_rest_correlations(values)[0] == pytest.approx(np.corrcoef(values[:, 0], values[:, 1] + values[:, 2])[0, 1])


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("{key: UWES-9, items: i1 to i9}", 2.0),
        ("{instrument: A, items: i1 to i9, low: 0, high: 6, score: sum}", 18.0),
        ("{instrument: A, items: i1 to i4, low: 0, high: 4, score: percent}", 37.5),
        ("{instrument: A, items: i1 to i4, low: 0, high: 4, reverse: [1], score: sum}", 10.0),
        ("{instrument: A, items: i1 to i4, low: 0, high: 4, reverse: [i1], score: sum, times: 2}", 20.0),
        ("{key: SAQ, subscale: t, items: i2 to i4, numbers: [1, 2, 3]}", 41.66666667),
        ("{instrument: MBI, subscale: EE, column: i9, low: 0, high: 54}", 4.0),
    ],
)
def test_scores(tmp_path: Path, scale: str, expected: float) -> None:
    head = "ResponseId,RecordedDate,Finished,wave," + ",".join(f"i{k}" for k in range(1, 10)) + "\n"
    cohort = accepted(tmp_path, qualtrics("R_1,2022-05-01,1,1,0,1,2,3,2,2,2,2,4\n", scale, head))
    # SAQ: 1, then 6 - 2 = 4, then 3 of a range 1 to 5
    assert cohort.table("surveys")["score"].tolist() == [pytest.approx(expected)]


def test_shipped_keys_hold_numbers_and_no_text() -> None:
    keys = scoring_keys()
    assert set(keys) >= {"WHO-5", "BRS", "UWES-9", "ProQOL-5", "SAQ", "MBI-HSS", "PES-NWI", "HSOPSC"}
    assert keys["BRS"].reverse == (2, 4, 6) and keys["SAQ"].reverse == (2, 11, 36) and keys["WHO-5"].times == 4
    assert Scale.model_validate({"key": "BRS", "items": "Q1 to Q6"}).reversed_items == [False, True, False, True, False, True]


def test_a_subscale_of_a_key_brings_its_item_numbers() -> None:
    scale = Scale.model_validate({"key": "HSOPSC-2", "subscale": "handoffs", "items": ["A5", "x", "A13"]})
    assert scale.numbers == ["F4", "F5", "F6"] and scale.reversed_items == [True, True, False]  # columns named like other items are not turned
    burnout = Scale.model_validate({"key": "ProQOL-5", "subscale": "burnout", "items": "b1 to b10"})
    assert burnout.reversed_items == [True, True, False, False, True, True, False, False, False, True]
    with pytest.raises(ValueError, match="9 items in 'EE', 5 are named"):
        Scale.model_validate({"key": "MBI-HSS", "subscale": "EE", "items": "e1 to e5"})
    with pytest.raises(ValueError, match="positive_from"):
        Scale.model_validate({"instrument": "x", "items": "e1 to e5", "low": 1, "high": 5, "score": "positive"})


REDCAP = """
record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,staff_id,linkage_consent___1,who5_1,who5_2,who5_3,who5_4,who5_5,who5_complete,email
1,baseline_arm_1,,,s1,1,1,1,1,1,1,2,z@trust.example
1,wave_1_arm_1,,,s1,1,2,2,2,2,2,2,
2,baseline_arm_1,,,,0,3,3,3,3,3,2,
2,wave_1_arm_1,,,,0,3,3,3,3,3,0,
3,wave_1_arm_1,diary,1,,0,1,1,1,1,1,2,
3,wave_1_arm_1,diary,2,,0,4,4,4,4,4,2,
"""


def redcap(data: str = REDCAP, more: str = "") -> dict[str, str]:
    scale = "{key: WHO-5, items: who5_1 to who5_5, complete: who5_complete}"
    table = f"  surveys: {{file: r.csv, recipe: redcap, settings: {{scales: [{scale}]}}{more}}}\n"
    return {**qualtrics(), "study.yaml": people("  staff: staff.csv\n  spells: spells.csv\n" + table, start="2022-01-01"), "r.csv": data}


def test_redcap(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, redcap())
    assert rows(cohort.table("surveys"), "staff_id", "anon_id", "wave", "score") == [
        ("s1", None, 0, 20.0),
        ("s1", None, 1, 40.0),
        (None, "2", 0, 60.0),
        (None, "3", 1, 80.0),
    ]
    assert repairs(cohort, "R102").query("before == 'row'")["row"].tolist() == [6]


def test_redcap_events_are_mapped_by_the_user(tmp_path: Path) -> None:
    data = REDCAP.replace("wave_1_arm_1", "month_6_arm_1")
    assert "'month_6_arm_1'" in one(refused(tmp_path / "a", redcap(data)), "E007").message
    cohort = accepted(tmp_path / "b", redcap(data, ", values: {wave: {month_6_arm_1: 6}}"))
    assert cohort.table("surveys")["wave"].tolist() == [0, 6, 0, 6]


SCORED = "staff_id,anon_id,wave,instrument,subscale,score,version\ns1,,1,WHO-5,total,40,1\ns2,,1,WHO-5,total,60,1\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("60,1", "60,2", "E118", "WHO-5 in versions"),
        ("60,1", "160,1", "E118", "WHO-5: 160 is outside 0 to 100"),
        ("s2,,", "s2,x,", "E120", "both a staff_id and an anon_id"),
    ],
)
def test_scores_in_our_own_form(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    table = "  staff: staff.csv\n  spells: spells.csv\n  surveys: {file: s.csv, cross_sectional: true}\n"
    files = {"study.yaml": people(table, start="2022-01-01"), "s.csv": SCORED, **BASE}
    assert len(accepted(tmp_path / "a", files).table("surveys")) == 2
    finding = one(refused(tmp_path / "b", {**files, "s.csv": SCORED.replace(old, new)}), code)
    assert said in finding.message and finding.rows == (3,)
