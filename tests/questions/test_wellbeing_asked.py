"""Who is asked, who answers and who is compared: nobody is lost without a word, and nothing is claimed that was not made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.study.surveys import SurveyChoice
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.told import told_answer
from mentorship_eval.questions.wellbeing.asked import survey_study
from mentorship_eval.questions.wellbeing.chapter import answer
from mentorship_eval.questions.wellbeing.departments import on_departments
from mentorship_eval.questions.wellbeing.effects import by_scale
from mentorship_eval.questions.wellbeing.missing import missing_answers
from mentorship_eval.questions.wellbeing.responses import left_out, response, scores_by_wave
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "surveys", "survey_invites")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """One scale, three waves, nobody mentored before the first."""
    made = simulated("default", 6, departments=8, staff=700, months=36, uptake_delay=2.0, outcomes=True, only=TABLES)
    surveys = made.table("surveys").query("instrument == 'MBI' and subscale == 'EE'")
    invites = made.table("survey_invites")
    first = invites.sort_values("wave").drop_duplicates("staff_id").set_index("staff_id")["invited_on"]
    began = made.mentoring().groupby("mentee_id")["start"].min()
    early = began.index[began <= first.reindex(began.index)]
    return changed(made, surveys=surveys[~surveys["staff_id"].isin(early)], survey_invites=invites[~invites["staff_id"].isin(early)])


def changed(cohort: Cohort, **tables: pd.DataFrame) -> Cohort:
    return replace(cohort, tables={**cohort.tables, **{name: table.reset_index(drop=True) for name, table in tables.items()}})


def with_early(cohort: Cohort, number: int) -> Cohort:
    """The same, with so many who answered at every wave mentored from the day before the first."""
    surveys, matches = cohort.table("surveys"), cohort.table("matches")
    waves = surveys.groupby("staff_id")["wave"].nunique()
    mentees = matches.loc[matches["mentee_id"].isin(waves.index[waves == waves.max()]), "mentee_id"].drop_duplicates()[:number]
    assert len(mentees) == number
    day = cohort.table("survey_invites")["invited_on"].min() - pd.Timedelta(days=1)
    return changed(cohort, matches=matches.assign(start=matches["start"].mask(matches["mentee_id"].isin(mentees), day)))


def described(cohort: Cohort) -> Answer:
    """The chapter without what silence may have done."""
    study = survey_study(cohort)
    parts = Section.join(part(study) for part in (by_scale, response, scores_by_wave, left_out))
    return told_answer("wellbeing", "Wellbeing", parts, cohort)


def frame(section: Section, name: str) -> pd.DataFrame:
    return next(e for e in section.exhibits if e.id == name).frames["rows"]


def test_a_scale_of_unknown_direction_or_asked_later_is_neither_a_benefit_nor_a_crash(cohort):
    surveys = cohort.table("surveys")
    began = cohort.mentoring().groupby("mentee_id")["start"].min()
    after = surveys["staff_id"].map(began) <= surveys["completed_on"]
    new = surveys.assign(instrument="OWN", subscale="total", score=surveys["score"] + 40 * after)
    later = surveys[surveys["wave"] > surveys["wave"].min()].assign(instrument="LATER", subscale="total")
    told = by_scale(survey_study(changed(cohort, surveys=pd.concat([surveys, new, later]))))
    table = frame(told, "wellbeing.scales").set_index("scale")
    assert table.loc["OWN", "place"] == "higher by what matters" and "benefit" not in table.loc["LATER", "place"]
    second = survey_study(cohort).rows.query("wave == 1").filter(like="|").iloc[:, 0].std(ddof=1)
    assert table.loc["LATER", "mid"] == pytest.approx(second / 2)
    assert "within this table" in next(e for e in told.exhibits if e.id == "wellbeing.adjusted").note


def test_a_direction_that_the_study_declares_makes_benefits_and_harms_of_higher_and_lower(cohort):
    surveys = cohort.table("surveys")
    began = cohort.mentoring().groupby("mentee_id")["start"].min()
    after = surveys["staff_id"].map(began) <= surveys["completed_on"]
    new = surveys.assign(instrument="OWN", subscale="total", score=surveys["score"] + 40 * after)
    both = changed(cohort, surveys=pd.concat([surveys, new]))
    for said, place, reading in ((True, "benefit that matters", "higher is better"), (False, "harm that matters", "lower is better")):
        study = cohort.study.model_copy(update={"surveys": SurveyChoice(higher_is_better={"own": said})})
        asked = survey_study(replace(both, study=study))
        row = frame(by_scale(asked), "wellbeing.scales").set_index("scale").loc["OWN"]
        assert (row["place"], row["reading"]) == (place, reading)
        means = next(e for e in scores_by_wave(asked).exhibits if e.id == "wellbeing.means")
        assert "The direction of OWN is that of the study file." in means.note and "is not known" not in means.note
        assert set(means.frames["rows"].query("scale == 'OWN'")["direction"]) == {reading}
    untold = next(e for e in scores_by_wave(survey_study(both)).exhibits if e.id == "wellbeing.means")
    assert "The direction of OWN is not known: surveys.higher_is_better in the study file would say it." in untold.note


def test_what_mentors_say_of_their_mentoring_is_no_scale_of_this_chapter(cohort):
    surveys = cohort.table("surveys")
    mentors = surveys.assign(instrument="MENTORING-COMPETENCE", subscale="total", score=5.0)
    both = survey_study(changed(cohort, surveys=pd.concat([surveys, mentors[mentors["wave"] > 0]])))
    assert [scale.slug for scale in both.scales] == [scale.slug for scale in survey_study(cohort).scales]
    alone = answer(changed(cohort, surveys=mentors))
    assert not alone.results and "mentors" in alone.gaps[0].reason


def test_too_few_departments_give_no_interval_and_no_tipping_point(cohort):
    rows = survey_study(cohort).rows
    sizes = rows[rows["mentored"] == 1].groupby("dept")["person"].nunique().sort_values()
    for several in (True, False):
        depts = sizes.index[-4:]
        # the mentored in all four of them, or in one
        kept = rows["dept"].isin(depts) & (several | (rows["dept"] == depts[-1]) | ~rows["person"].isin(rows.loc[rows["mentored"] == 1, "person"]))
        told = missing_answers(survey_study(changed(cohort, **{name: cohort.table(name)[cohort.table(name)["staff_id"].isin(rows["person"][kept])]
                                                               for name in ("surveys", "survey_invites")})))  # fmt: skip
        results = {r.id.rpartition(".")[2]: r.estimate for r in told.results}
        assert all(np.isnan(e.ci_low) and np.isnan(e.p_value) for e in results.values()) and ("imputed" in results) == several
        assert not told.lead and "wellbeing.tipping" not in {e.id for e in told.exhibits}
        assert any("tip" in gap.question if several else "filled in" in gap.question for gap in told.gaps)


def test_answers_of_people_who_are_not_on_the_list_count_and_are_told(cohort):
    invites = cohort.table("survey_invites")
    whole = survey_study(cohort)
    for listed in (invites[invites["wave"] > invites["wave"].min()], invites[invites.index % 3 > 0]):
        study = survey_study(changed(cohort, survey_invites=listed))
        answers = [len(each.all_answers(each.scales[0])) for each in (whole, study)]
        assert answers[0] == answers[1] == len(cohort.table("surveys"))
        missed = int((~cohort.table("surveys").set_index(["staff_id", "wave"]).index.isin(listed.set_index(["staff_id", "wave"]).index)).sum())
        told = next(c for c in left_out(study).cautions if c.code == "answers_not_listed")
        assert told.data["rows"] == missed and f"{missed:,}" in told.text
        table = frame(response(study), "wellbeing.response")
        assert table["asked"].sum() == len(listed) and table["answered"].sum() == answers[0] - missed
    assert "answers_not_listed" not in {c.code for c in left_out(whole).cautions}


def test_answers_of_a_wave_without_a_day_are_not_lost_without_a_word(cohort):
    invites, surveys = cohort.table("survey_invites"), cohort.table("surveys")
    bare = changed(cohort, survey_invites=invites[invites["wave"] > 0], surveys=surveys.drop(columns="completed_on"))
    lost = int((surveys["wave"] == 0).sum())
    assert next(c for c in left_out(survey_study(bare)).cautions if c.code == "answers_without_day").data["rows"] == lost > 0


def test_who_was_mentored_before_the_first_wave_is_described_and_not_compared(cohort):
    mixed = with_early(cohort, 12)
    before, study = survey_study(cohort), survey_study(mixed)
    assert study.prevalent == 12 and study.rows["person"].nunique() == before.rows["person"].nunique() - 12
    asked, scores = frame(response(study), "wellbeing.response"), frame(scores_by_wave(study), "wellbeing.means")
    assert asked["asked"].sum() == len(before.rows) and scores["n"].sum() == len(before.answers(before.scales[0]))
    own, other = (on_departments(each).results[0].estimate for each in (study, before))
    assert own.value == other.value  # whoever works there answers, mentored early or not


def test_the_few_who_were_mentored_early_cannot_be_had_from_two_counts(cohort):
    private = described(with_early(cohort, 5))
    [shown], _ = protect([private], Rule())
    scores, shares = shown.exhibit("wellbeing.means").frames["rows"], shown.result("wellbeing.mbi_ee.beyond").estimate
    assert shares.n is None and np.isfinite(shares.value) and "counts_rounded" in {c.code for c in shares.warnings}
    assert scores["n"].tolist() == private.exhibit("wellbeing.means").frames["rows"]["n"].tolist() and not {"listed", "quantity"} & set(scores)
    alone = next(r for r in by_scale(survey_study(cohort)).results if r.id == "wellbeing.mbi_ee.beyond")
    assert alone.estimate.n == scores["n"].iloc[-1]  # nobody between the two
    table = shown.exhibit("wellbeing.response").frames["rows"]
    exact = pd.to_numeric(table["answered"], errors="coerce")
    assert not (exact < 10).any()
    for wave, rows in exact.groupby(table["wave"]):
        assert rows.isna().sum() != 1, wave  # one blank could be had from the number of scores
    caution = next(c for c in shown.cautions if c.code == "prevalent_mentored")
    assert caution.text.startswith("Fewer than 10 people") and caution.data["persons"] == "<10"


def test_the_few_who_are_not_on_the_list_cannot_be_had_from_two_counts(cohort):
    surveys = cohort.table("surveys")
    few = surveys.loc[surveys["wave"] == 2, ["staff_id", "wave"]].head(4)
    invites = cohort.table("survey_invites")
    gone = pd.MultiIndex.from_frame(invites[["staff_id", "wave"]]).isin(pd.MultiIndex.from_frame(few))
    private = described(changed(cohort, survey_invites=invites[~gone]))
    [shown], _ = protect([private], Rule())
    scores, table = shown.exhibit("wellbeing.means").frames["rows"], shown.exhibit("wellbeing.response").frames["rows"]
    assert table.loc[table["wave"] == "Wave 2", "answered"].sum() == int((surveys["wave"] == 2).sum()) - 4
    assert str(scores["n"].iloc[-1]).startswith("≈") and scores["mean"].notna().all()
    caution = next(c for c in shown.cautions if c.code == "answers_not_listed")
    assert caution.data["rows"] == "<10" and " 4" not in caution.text


def flow(section: Section) -> pd.DataFrame:
    return next(e for e in section.exhibits if e.id == "wellbeing.response_flow").frames["flow"]


def test_the_flow_goes_from_who_was_asked_to_who_is_compared(cohort):
    study = survey_study(with_early(cohort, 40))
    told = response(study)
    table, lines = frame(told, "wellbeing.response"), flow(told)
    assert (lines["read"] - lines["removed"] == lines["kept"]).all()
    first, last = lines.drop_duplicates("table"), lines.drop_duplicates("table", keep="last")
    assert first["read"].tolist() == table["asked"].tolist() and first["removed"].tolist() == table["silent"].tolist()
    early = lines[lines["reason"] == "mentored before their first wave"]
    assert early["removed"].tolist() == [40] * study.everyone["wave"].nunique()
    for wave, mentored in study.rows[["wave", "mentored"]].drop_duplicates().itertuples(index=False):
        name = f"Wave {wave}, {'mentored' if mentored else 'not mentored'}"
        mine = study.rows[(study.rows["wave"] == wave) & (study.rows["mentored"] == mentored)]
        assert last.set_index("table").loc[name, "kept"] == int(mine[study.scales[0].column].notna().sum())
    exhibit = next(e for e in told.exhibits if e.id == "wellbeing.response_flow")
    drawn = draw(exhibit)
    assert "compared" in drawn.alt and "40 mentored before their first wave" in drawn.alt


def test_the_flow_counts_answers_that_were_not_asked_for_and_ends_before_a_few_would_be_told(cohort):
    invites = cohort.table("survey_invites")
    study = survey_study(changed(cohort, survey_invites=invites[invites["wave"] < invites["wave"].max()]))
    lines = flow(response(study))
    assert "added" not in flow(response(survey_study(cohort)))
    extra = int((~study.rows["listed"]).sum())
    assert lines["added"].sum() == extra > 100
    assert lines.drop_duplicates("table", keep="last")["kept"].sum() == len(study.answers(study.scales[0]))
    # five who were mentored early: their number would be what lies between who answered and who is compared
    told = response(survey_study(with_early(cohort, 5)))
    assert set(flow(told)["reason"]) == {"did not answer"}
    assert "in no comparison" in next(e for e in told.exhibits if e.id == "wellbeing.response_flow").note
    private = described(with_early(cohort, 5))
    [shown], _ = protect([private], Rule())
    assert "answered" in draw(shown.exhibit("wellbeing.response_flow")).alt


def test_a_low_response_points_to_what_was_made(cohort):
    surveys = cohort.table("surveys")
    study = survey_study(changed(cohort, surveys=surveys[surveys.index % 5 < 3]))
    low = [c.text for c in response(study).cautions if c.code == "low_response"]
    assert low and all("weights" not in text and "tipping" not in text for text in low)
    result = on_departments(study).results[0]
    silence = Section(results=[replace(result, id="wellbeing.mbi_ee.weighted"), replace(result, id="wellbeing.mbi_ee.imputed")])
    texts = {c.text.split(" ")[2]: c.text for c in response(study, silence).cautions if c.code == "low_response"}
    assert "weights and answers filled in stand beside the estimate" in texts.pop(str(study.last))
    assert all("weights" not in text for text in texts.values())
