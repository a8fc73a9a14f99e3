"""A burnout survey from Qualtrics or REDCap: reliability, arms compared, silence filled in; mixed versions and linkage without consent stop."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import surveys
from mentorship_eval.cohort import check_cohort, read_cohort, simulate_cohort
from mentorship_eval.questions import answer_chapter
from mentorship_eval.report.stored import load_answers
from tests.program import call

pytestmark = pytest.mark.slow

BURNOUT = [f"Q3_{k}" for k in range(1, 10)]
RESILIENCE = [f"Q4_{k}" for k in range(1, 7)]
SCALES = [{"key": "MBI-HSS", "subscale": "EE", "items": "Q3_1 to Q3_9"}, {"key": "BRS", "items": "Q4_1 to Q4_6"}]
KEPT = ("staff", "departments", "spells", "matches", "rollout", "survey_invites")


@pytest.fixture(scope="module")
def made():
    """A cohort of which half answer, and its answers to 9 items of exhaustion and 6 of resilience, of which 2, 4 and 6 run the other way."""
    cohort = simulate_cohort("default", seed=9, departments=12, staff=800, months=30, waves=(6, 10), outcomes=True, response=(0.52, 0.52, 0.52))
    scores = cohort.tables["surveys"].query("instrument == 'MBI' and subscale == 'EE'").reset_index(drop=True)
    rng = np.random.default_rng(9)
    level = scores["score"].to_numpy()[:, None]
    burnout = np.clip(np.round(level / 9 + rng.normal(0, 1.1, (len(scores), 9))), 0, 6).astype(int)
    resilience = np.clip(np.round(5.2 - level / 12 + rng.normal(0, 0.6, (len(scores), 6))), 1, 5).astype(int)
    resilience[:, 1::2] = 6 - resilience[:, 1::2]
    answers = pd.concat([scores[["staff_id", "wave", "completed_on"]], pd.DataFrame(burnout, columns=BURNOUT),
                         pd.DataFrame(resilience, columns=RESILIENCE)], axis=1)  # fmt: skip
    return cohort, answers.astype(str)


def _write(made, folder: Path, surveys_table: dict, download: str) -> Path:
    cohort, _ = made
    tables = {name: file for name, file in cohort.study["tables"].items() if name in KEPT}
    study = {**cohort.study, "tables": {**tables, "surveys": surveys_table}}
    replace(cohort, tables={name: cohort.tables[name] for name in KEPT}, study=study).write(folder)
    (folder / "download.csv").write_text(download, encoding="utf-8", newline="\n")
    return folder


def _qualtrics(made, folder: Path, scales: list[dict] = SCALES, consent: str = "linkage_consent") -> Path:
    answers = made[1]
    names = ["ResponseId", "RecordedDate", "Finished", "Status", "ExternalReference", "wave", consent, *BURNOUT, *RESILIENCE]
    head = [",".join(names), ",".join(f"Question {name}" for name in names), ",".join('"{""ImportId"":""' + name + '""}"' for name in names)]
    rows = [
        ",".join([f"R_{i}", f"{row['completed_on']} 10:00:00", "1", "0", row["staff_id"], row["wave"], "1", *row[BURNOUT + RESILIENCE]])
        for i, row in answers.iterrows()
    ]
    table = {"file": "download.csv", "recipe": "qualtrics", "settings": {"scales": scales}}
    return _write(made, folder, table, "\n".join([*head, *rows]) + "\n")


def _redcap(made, folder: Path) -> Path:
    """The same answers, a record a person and an event a wave."""
    answers = made[1].rename(columns={"completed_on": "survey_date"})
    events = {wave: f"month_{6 * int(wave)}_arm_1" for wave in answers["wave"].unique()}
    record = "rec" + (pd.factorize(answers["staff_id"])[0] + 1).astype(str).astype(object)
    frame = answers.assign(record_id=record, redcap_event_name=answers["wave"].map(events), linkage_consent="1").drop(columns="wave")
    waves = {event: int(wave) for wave, event in events.items()}
    table = {"file": "download.csv", "recipe": "redcap", "values": {"wave": waves}, "settings": {"scales": SCALES}}
    return _write(made, folder, table, frame.to_csv(index=False))


@pytest.fixture(scope="module")
def qualtrics(made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _qualtrics(made, tmp_path_factory.mktemp("qualtrics") / "cohort")


def test_the_chapter_scores_compares_and_asks_what_silence_did(made, qualtrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "run", qualtrics, "--out", tmp_path / "reports", "--chapters", "wellbeing")
    assert code == 0, err
    run = Path(out.strip().splitlines()[-1]).parent
    answer = load_answers(run)[0]["wellbeing"]
    results = {result.id.removeprefix("wellbeing."): result for result in answer.results}
    assert "mixed model" in results["mbi_hss_ee"].estimate.method and "Kenward-Roger" in results["mbi_hss_ee"].estimate.method
    assert {"mbi_hss_ee.last_wave", "mbi_hss_ee.weighted", "mbi_hss_ee.imputed", "brs"} <= set(results)
    exhibits = {exhibit.id: exhibit for exhibit in answer.exhibits}
    assert {"wellbeing.tipping", "wellbeing.response", "wellbeing.reliability", "wellbeing.items"} <= set(exhibits)
    page = next(run.glob("*wellbeing*.html")).read_text(encoding="utf-8")
    assert "Omega" in page and "Alpha" in page and "Qualtrics" not in page

    shown = exhibits["wellbeing.reliability"].frames["rows"]
    own = made[1].astype(dict.fromkeys(BURNOUT + RESILIENCE, float) | {"wave": int})
    for scale, columns, reverse in (("Emotional exhaustion", BURNOUT, []), ("Resilience (BRS)", RESILIENCE, RESILIENCE[1::2])):
        by_hand = surveys.reliability(own, items=columns, wave="wave", low=1, high=5, reverse=reverse) if reverse else surveys.reliability(
            own, items=columns, wave="wave")  # fmt: skip
        told = shown[shown["scale"] == scale]
        assert len(told) == own["wave"].nunique()
        np.testing.assert_allclose(told["alpha"].astype(float), by_hand.table["alpha"], atol=5e-3)
        np.testing.assert_allclose(told["omega"].astype(float), by_hand.table["omega"], atol=5e-3)
        assert by_hand.table["alpha"].min() > 0.7  # which an item left unturned would not reach
    words = re.sub("base64,[A-Za-z0-9+/=]+", "", page)  # the bytes of a picture spell anything
    assert "rec1" not in words and not any(person in words for person in made[1]["staff_id"].unique()[:50])


def test_redcap_of_the_same_answers_says_the_same(made, qualtrics: Path, tmp_path: Path) -> None:
    one, other = (answer_chapter("wellbeing", read_cohort(folder)) for folder in (qualtrics, _redcap(made, tmp_path / "redcap")))
    values = [{result.id: (result.estimate.value, result.estimate.ci_low) for result in answer.results} for answer in (one, other)]
    assert list(values[0]) == list(values[1]) and len(values[0]) > 8
    np.testing.assert_allclose([*map(list, values[0].values())], [*map(list, values[1].values())], rtol=1e-9)
    tables = [{exhibit.id: exhibit.frames for exhibit in answer.exhibits}["wellbeing.items"]["rows"] for answer in (one, other)]
    pd.testing.assert_frame_equal(*tables)


def test_two_versions_of_an_instrument_stop(made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = {**SCALES[1], "subscale": "again", "items": "Q4_1 to Q4_6", "version": "2"}
    folder = _qualtrics(made, tmp_path / "cohort", [SCALES[0], {**SCALES[1], "version": "1"}, second])
    code, out, err = call(capsys, "check", folder)
    assert code == 1 and "E118" in out + err and "cannot be compared" in out + err


def test_answers_that_nobody_agreed_to_join_stop(made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _qualtrics(made, tmp_path / "cohort", consent="newsletter")
    code, out, err = call(capsys, "check", folder)
    assert code == 1 and "E120" in out + err and "linkage_consent" in out + err
    study = json.dumps([str(finding.code) for finding in check_cohort(folder)[0]])
    assert "E120" in study and "E118" not in study
