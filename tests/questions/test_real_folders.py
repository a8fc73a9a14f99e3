"""Three more folders of real data load through their study.yaml, give the reference values, and claim no more than they can."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mentorship_eval import read_cohort
from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.answers import rule_of
from mentorship_eval.report.exhibits import draw
from tests.shared_data import ROOT, golden, shared_data


def folder(name: str, file: str) -> Cohort:
    shared_data(file)
    cohort = read_cohort(ROOT / "data" / name)
    plan = cohort.study.plan.model_copy(update={"permutations": 0})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


@pytest.fixture(scope="module")
def health_workers() -> Cohort:
    return folder("health_workers", "health_workers/health_workers.csv")


@pytest.fixture(scope="module")
def infections() -> Cohort:
    return folder("infections", "infections/hospital_infections.csv")


@pytest.fixture(scope="module")
def medicaid() -> Cohort:
    return folder("medicaid", "medicaid/state_year.csv")


@pytest.fixture(scope="module")
def no_comparison(infections: Cohort) -> Answer:
    return answer_chapter("incidents", infections)


def said(answer: Answer) -> str:
    return " ".join([*map(str, answer.lead), *(caution.text for caution in answer.cautions), *(gap.reason + gap.unlock for gap in answer.gaps)])


def drawn(answer: Answer, cohort: Cohort) -> list[str]:
    [shown], _ = protect([answer], rule_of(cohort))
    for exhibit in shown.exhibits:
        assert draw(exhibit) is not None, exhibit.id
    return [exhibit.id for exhibit in shown.exhibits]


def test_health_workers_stay_as_in_the_reference(health_workers: Cohort) -> None:
    known = {row["time"]: row for row in golden("real_data")["cases"]["health_workers_km"]["values"]["km"]["all"]}
    answer = answer_chapter("retention", health_workers)
    for week in (26, 52, 104):
        estimate = answer.result(f"retention.still_employed.all.{week}").estimate
        assert estimate.value == pytest.approx(known[week]["surv"], abs=1e-10)
        assert estimate.n == 2074 and estimate.ci_low < known[week]["surv"] < estimate.ci_high
    assert len(health_workers.table("durations")) == 2074 and health_workers.table("durations")["event"].sum() == 430
    median = answer.exhibit("retention.medians").frames["rows"]
    assert math.isnan(median.loc[0, "median"]) and median.loc[0, "reason"] == "not reached"
    assert "retention.curves" in drawn(answer, health_workers)


def test_health_workers_have_nobody_to_compare_and_no_effect(health_workers: Cohort) -> None:
    answer = answer_chapter("retention", health_workers)
    assert not [result.id for result in answer.results if result.role == "headline" or result.estimate.is_ratio]
    assert "matches" in said(answer)


def test_counts_with_no_comparison_are_described_and_called_no_effect(infections: Cohort, no_comparison: Answer) -> None:
    assert not no_comparison.results
    assert "nothing told here is the effect of a programme" in said(no_comparison)
    assert any(caution.code == "no_comparison" for caution in no_comparison.cautions)
    (gap,) = [gap for gap in no_comparison.gaps if gap.question.endswith("rate ratio")]
    assert "active_from" in gap.unlock
    assert drawn(no_comparison, infections) == ["incidents.infections.chart"]


def test_the_other_infections_are_left_out_and_logged(infections: Cohort) -> None:
    rows = infections.table("counts")
    assert len(rows) == 6 * 24 and rows["infections"].sum() == 8983
    infections.reconcile()
    assert infections.flow["removed"].sum() == 288
    assert infections.repair_log.loc[infections.repair_log["code"] == "R128", "count"].sum() == 288


def test_yearly_counts_give_the_reference_value(medicaid: Cohort) -> None:
    answer = answer_chapter("incidents", medicaid)
    estimate = answer.result("incidents.deaths").estimate
    known = golden("did")["R"]["poisson_imputation|medicaid_state"]
    assert math.log(estimate.value) == pytest.approx(known["log_irr"], abs=1e-9)
    assert estimate.ci_low < 1 < estimate.ci_high
    assert "17 units never had it" in said(answer)
    assert "incidents.deaths.trend" in drawn(answer, medicaid)


def test_units_that_never_adopt_may_be_0_when_that_is_said(tmp_path) -> None:
    file = shared_data("divorce/divorce.csv")
    text = f"study: {{name: D}}\ntables:\n  counts:\n    file: {file}\n    columns: {{dept_id: st, period: year, active_from: g, exposure: stpop}}\n"
    text += "    outcomes: {suicides: suicide}\n"
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    from mentorship_eval.cohort import check_cohort

    findings, cohort = check_cohort(tmp_path)
    assert cohort is None and 'values: {active_from: {0: ""}}' in findings.errors[0].fix
    (tmp_path / "study.yaml").write_text(text + '    values: {active_from: {0: ""}}\n', encoding="utf-8")
    rows = read_cohort(tmp_path).table("counts")
    assert rows.loc[rows["active_from"].isna(), "dept_id"].nunique() == 5 and (len(rows), rows["dept_id"].nunique()) == (1386, 42)
