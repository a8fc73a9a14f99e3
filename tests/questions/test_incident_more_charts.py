"""Control charts besides those of rates by department: coarser series where counts are small, shares, ratios, grave harm, audits alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort.study.models import Disclosure
from mentorship_eval.disclosure.protect import protect
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.incidents.audits import audits
from mentorship_eval.questions.incidents.chapter import answer
from mentorship_eval.questions.incidents.charts import control_charts, ratio_chart, share_chart
from mentorship_eval.questions.incidents.charts_rare import rare_categories, rare_harm
from mentorship_eval.questions.incidents.prepared import from_audits
from mentorship_eval.report.exhibits import draw
from tests.questions.wards import STAGGERED, unfitted, wards, with_tables

LIVE = {f"W{k:02d}": (13 if k < 5 else 17 if k < 10 else None) for k in range(14)}


def shown(section):
    parts = (section.lead, section.results, section.exhibits, section.cautions, section.gaps, section.methods)
    [answered], _ = protect([Answer("incidents", "Incidents", *map(tuple, parts))], Rule(10))
    return {exhibit.id: exhibit for exhibit in answered.exhibits}


def unprotected(cohort):
    return replace(cohort, study=cohort.study.model_copy(update={"disclosure": Disclosure(off=True, threshold=1)}))


@pytest.mark.parametrize(("rate", "by", "label"), [(150, "wave", "Month"), (12, "wave", "Two months from"), (3.4, "series", "Month")])
def test_the_finest_series_that_can_be_shown_whole_is_taken(rate, by, label):
    frames = shown(control_charts(unfitted(wards(LIVE, seed=2, rate=rate))))
    chart = frames["incidents.harm.chart"]
    assert (chart.options["group_label"], chart.options["period_label"]) == (by, label)
    assert chart.frames["points"]["value"].notna().all()
    if by == "series":
        assert chart.frames["points"]["group"].unique().tolist() == ["All departments (14)"]
        assert chart.frames["go_live"]["go_live"].tolist() == ["2023-01"]
        assert chart.frames["changes"]["period"].tolist() == ["2023-05"] and "another wave" in chart.frames["changes"]["label"].iloc[0]


def test_without_protection_sparse_departments_keep_their_own_panels():
    chart = next(e for e in control_charts(unfitted(unprotected(wards(STAGGERED, seed=1, rate=3)))).exhibits if e.id == "incidents.harm.chart")
    assert chart.options["group_label"] == "department" and chart.options["period_label"] == "Month"


def test_a_share_is_charted_with_those_of_whom_it_is_true_and_the_others_alike():
    study = unfitted(wards(LIVE, seed=2, rate=30))
    rows = study.rows.assign(count=study.rows["all_incidents"] - 2.0, exposure=study.rows["all_incidents"])
    rows = rows[["dept_id", "period", "count", "exposure", "adopted"]]
    found = share_chart(study, rows, "incidents.x.chart", "X", "%")
    points = found.exhibits[0].frames["points"]
    # two others in each department and month: ten or fewer of them in the months of a wave, so that waves are charted by more months
    assert found.exhibits[0].options["period_label"] != "Month" or found.exhibits[0].options["group_label"] == "series"
    assert points["value"].between(50, 100).all() and not found.lead and "p′" in found.methods[0]
    assert shown(found)["incidents.x.chart"].frames["points"]["value"].notna().all()


def test_a_ratio_of_counts_has_limits_from_moving_ranges():
    study = unfitted(wards(LIVE, seed=2, rate=200))
    rows = study.rows[["dept_id", "period", "near_miss", "no_harm", "adopted"]].rename(columns={"near_miss": "count", "no_harm": "exposure"})
    found = ratio_chart(study, rows, "incidents.near_misses.chart", "Near misses", "per 100")
    points = found.exhibits[0].frames["points"]
    wave = study.rows[study.rows["adopted"] == 13].groupby("period")[["near_miss", "no_harm"]].sum()
    ratio = 100 * wave["near_miss"] / wave["no_harm"]
    mine = points[points["group"].str.startswith("Go-live 2023-01")]
    np.testing.assert_allclose(mine["value"], ratio)
    before = ratio[ratio.index < 13]
    np.testing.assert_allclose(mine["centre"], before.mean())
    np.testing.assert_allclose(mine["upper"] - mine["centre"], 3 * before.diff().abs().mean() / 1.128, rtol=1e-3)


def test_grave_harm_is_charted_by_blocks_of_events_that_may_be_shown():
    cohort = wards(LIVE, seed=3, rate=25)
    found = rare_harm(unfitted(cohort))
    chart = found.exhibits[0]
    points = chart.frames["points"]
    records = cohort.table("incidents")
    assert (points["n_events"] >= 10).all() and points["n_events"].sum() == records["harm"].isin(["severe", "death"]).sum()
    assert chart.options["value_label"] == "Days until 10 more events"
    early = (records["harm"].isin(["severe", "death"]) & (records["occurred"] < "2023-01-01")).sum()
    assert chart.frames["go_live"]["go_live"].tolist() == [early // 10 + 1], "blocks begin anew at go-live"
    assert shown(found)[chart.id].frames["points"]["value"].notna().all()
    few = rare_harm(unfitted(wards(LIVE, seed=3, rate=12)))
    assert not few.exhibits and "too few" in few.gaps[0].reason


def test_grave_harm_event_by_event_only_where_protection_is_off():
    cohort = unprotected(wards({"W0": 13, "W1": 13, "W2": 13, "W3": 13, "W4": None}, seed=4, rate=6))
    few = wards({"W0": 13, "W1": 13, "W2": 13, "W3": 13, "W4": None}, seed=4, rate=6)
    assert not rare_harm(unfitted(few)).exhibits
    assert rare_harm(unfitted(cohort)).exhibits


def test_a_category_with_less_than_an_event_a_month_has_a_chart_of_the_days_between():
    kinds = ("drugs",) * 30 + ("wrong_site",)
    live = {"W0": 13, "W1": 13, "W2": 13, "W3": 13, "W4": None}
    cohort = wards(live, seed=5, rate=14, categories=lambda period: kinds)
    harm = cohort.table("incidents").query("category == 'wrong_site' and harm in ('low', 'moderate', 'severe', 'death')").sort_values("occurred")
    assert 12 <= len(harm) < 24
    [chart] = rare_categories(unfitted(unprotected(cohort))).exhibits
    assert chart.id == "incidents.category.wrong_site.harm.chart" and chart.title.startswith("Wrong site, with harm")
    points = chart.frames["points"]
    before = harm["occurred"][harm["occurred"] < "2023-01-01"]
    np.testing.assert_allclose(points["value"].iloc[1 : len(before)], before.diff().dt.days.iloc[1:])
    assert draw(chart) is not None
    # under protection an event is nobody's to know: blocks would be too few, and the reader is told
    protected = rare_categories(unfitted(cohort))
    assert not protected.exhibits and "too few" in protected.gaps[0].reason


def audited_wards():
    cohort, rng = wards(LIVE, seed=5, rate=2), np.random.default_rng(8)
    months = pd.date_range("2022-01-01", "2023-12-01", freq="MS")
    rows = [(ward, month, "hand_hygiene", float(rng.binomial(40, 0.6 + 0.2 * (LIVE[ward] is not None and k + 1 >= LIVE[ward]))), 40.0)
        for ward in LIVE for k, month in enumerate(months)]
    return with_tables(cohort, audits=pd.DataFrame(rows, columns=["dept_id", "month", "measure", "num", "den"]))


def test_audits_without_incidents_have_their_part_of_the_chapter():
    whole = audited_wards()
    cohort = replace(whole, tables={name: whole.tables[name] for name in ("audits", "rollout")})
    found = answer(cohort)
    assert found.result("incidents.audit.hand_hygiene").estimate.value == pytest.approx(20, abs=6)
    assert [gap.question for gap in found.gaps] == ["Did care become safer?"] and "exposure" in found.gaps[0].unlock
    chart = found.exhibit("incidents.audits.hand_hygiene.chart")
    assert chart.frames["points"]["group"].nunique() == 3 and not any("incident" in s.text.lower() for s in found.lead)
    signals = chart.frames["signals"]
    assert {group[:15] for group in signals["group"]} >= {"Go-live 2023-01", "Go-live 2023-05"}
    nothing = answer(replace(whole, tables={"rollout": whole.tables["rollout"]}))
    assert not nothing.results and len(nothing.gaps) == 1
    # the same audits say the same beside incidents
    beside = audits(unfitted(whole)).results[0].estimate
    assert beside.value == pytest.approx(audits(from_audits(cohort)).results[0].estimate.value)
