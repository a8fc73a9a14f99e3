"""Every scale weighted for silence, items of scales wave by wave, and the figure of the tipping point, on simulated staff."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f as f_law

from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.told import told_answer
from mentorship_eval.questions.wellbeing import silence as silence_module
from mentorship_eval.questions.wellbeing.asked import survey_study
from mentorship_eval.questions.wellbeing.items import scale_items
from mentorship_eval.questions.wellbeing.missing import missing_answers
from mentorship_eval.questions.wellbeing.silence import silence_by_scale
from mentorship_eval.report.exhibits import draw
from mentorship_eval.surveys import weighted_ancova
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "surveys", "survey_invites")
STRONG = {"exhaustion_change": -6.0, "wellbeing": (52.0, 16.0, 12.0), "self_efficacy": (28.0, 4.5, 3.0), "work_family": (4.2, 1.0, -0.8)}
CHANGES = {"mbi_ee": -6.0, "who_5": 12.0, "gse": 3.0, "wfc": -0.8}


def changed(cohort: Cohort, **tables: pd.DataFrame) -> Cohort:
    return replace(cohort, tables={**cohort.tables, **{name: table.reset_index(drop=True) for name, table in tables.items()}})


@pytest.fixture(scope="module", params=["effect", "none"])
def made(request):
    effect = request.param == "effect"
    cohort = simulated("default" if effect else "null", 5, departments=14, staff=1100, months=36, uptake_delay=2.0, outcomes=True, only=TABLES,
                       **(STRONG if effect else {}))  # fmt: skip
    surveys = cohort.table("surveys")
    kept = surveys["instrument"].isin(["MBI", "WHO-5", "GSE", "WFC"])
    return survey_study(changed(cohort, surveys=surveys[kept])), effect


@pytest.fixture(scope="module")
def primary(made):
    return missing_answers(made[0])


def results(section: Section):
    return {result.id.removeprefix("wellbeing."): result for result in section.results}


@pytest.mark.slow
def test_every_scale_is_weighted_for_silence_and_finds_what_was_put_in(made, primary):
    study, effect = made
    told = silence_by_scale(study, primary)
    found = results(told)
    assert set(found) == {f"{slug}.{name}" for slug in ("who_5", "gse", "wfc") for name in ("last_wave", "weighted")}  # the primary scale has its own
    for slug, truth in CHANGES.items():
        for name in ("last_wave", "weighted"):
            estimate = (found | results(primary))[f"{slug}.{name}"].estimate
            half = 1.5 * (estimate.ci_high - estimate.ci_low) / 2  # eight intervals in either arm
            assert abs(estimate.value - (truth if effect else 0.0)) < half, (slug, name)
            assert (abs(estimate.value) > half) == effect, (slug, name)
    table = told.exhibits[0].frames["rows"]
    assert told.exhibits[0].id == "wellbeing.silence_by_scale" and len(table) == 4 and (table["silent"] > 50).all()
    assert (table["asked"] - table["answered"] == table["silent"]).all()
    own = results(primary)
    assert table.iloc[0]["scale"] == "Emotional exhaustion"
    assert own["mbi_ee.weighted"].estimate.interval(2).replace("95 % CI ", "") == table.iloc[0]["weighted"]


@pytest.mark.slow
@pytest.mark.parametrize("made", ["effect"], indirect=True)
def test_one_model_of_response_serves_all_scales_that_the_same_people_answered(made, primary, monkeypatch):
    study, _ = made
    fitted = []
    real = silence_module.response_refits
    monkeypatch.setattr(silence_module, "response_refits", lambda rows, **how: fitted.append(len(rows)) or real(rows, **how))
    before = results(silence_by_scale(study, primary))
    assert len(fitted) == 1
    # some who answered all else leave one questionnaire out
    surveys = study.cohort.table("surveys")
    skipped = (surveys["instrument"] == "GSE") & (surveys["wave"] == study.last) & (surveys.index % 5 == 0)
    fewer = survey_study(changed(study.cohort, surveys=surveys[~skipped]))
    fitted.clear()
    after = results(silence_by_scale(fewer, primary))
    assert len(fitted) == 2
    assert after["who_5.weighted"].estimate.value == pytest.approx(before["who_5.weighted"].estimate.value)
    # the scale of which other people are silent has a model of its own
    gse = next(scale for scale in fewer.scales if scale.slug == "gse")
    rows = silence_module.last_wave(fewer, gse)
    by_hand = weighted_ancova(rows, outcome="outcome", arm="mentored", response_covariates=["baseline", *fewer.covariates], cluster="dept",
                              baseline="baseline", covariates=fewer.covariates)  # fmt: skip
    assert after["gse.weighted"].estimate.value == pytest.approx(by_hand.estimate.value)
    assert after["gse.weighted"].estimate.ci_low == pytest.approx(by_hand.estimate.ci_low)


@pytest.mark.slow
def test_nobody_silent_is_no_table_and_a_scale_asked_once_is_named(made, primary):
    study, _ = made
    surveys, answered = study.cohort.table("surveys"), study.rows["person"][study.rows.filter(like="|").notna().any(axis=1)]
    whole = answered.value_counts()
    everyone = whole.index[whole == len(study.waves)]
    both = changed(study.cohort, surveys=surveys[surveys["staff_id"].isin(everyone)],
                   survey_invites=study.cohort.table("survey_invites").query("staff_id in @everyone"))  # fmt: skip
    assert not silence_by_scale(survey_study(both), Section()).exhibits
    late = changed(study.cohort, surveys=surveys[(surveys["instrument"] != "GSE") | (surveys["wave"] > study.waves[0])])
    note = silence_by_scale(survey_study(late), primary).exhibits[0].note
    assert note.endswith("Left out, since one arm gave no first or no last score: Self-efficacy.")


@pytest.mark.slow
def test_the_tipping_point_stands_on_the_line_of_no_effect_where_the_table_turns(made, primary):
    study, _ = made
    figure = next(e for e in primary.exhibits if e.id == "wellbeing.tipping_curve")
    table = next(e for e in primary.exhibits if e.id == "wellbeing.tipping").frames["rows"]
    curve, tips = figure.frames["curve"], figure.frames["tips"]["delta"]
    np.testing.assert_allclose(curve["estimate"], table["estimate"])
    holds = ((curve["ci_low"] <= 0) & (curve["ci_high"] >= 0)).to_numpy()
    assert (holds == (table["holds"] == "yes")).all()
    turns = [(a, b) for a, b, x, y in zip(curve["delta"][:-1], curve["delta"][1:], holds[:-1], holds[1:], strict=True) if x != y]
    assert all(any(a <= tip <= b for a, b in turns) for tip in tips) and (len(tips) > 0) == (len(turns) > 0)
    drawn = draw(figure)
    points = [line for line in drawn.figure.axes[0].lines if line.get_gid() == "interval"]
    assert sorted(float(line.get_xdata()[0]) for line in points) == pytest.approx(sorted(tips)) and all(line.get_ydata()[0] == 0 for line in points)
    assert study.scales and ("Interval" in drawn.alt) == (len(tips) > 0)


@pytest.mark.slow
def test_what_is_new_is_protected_with_the_results_that_it_tells(made, primary):
    study, _ = made
    told = told_answer("wellbeing", "Wellbeing", Section.join([primary, silence_by_scale(study, primary)]), study.cohort)
    [shown], _ = protect([told], Rule())
    assert all(draw(exhibit) is not None for exhibit in shown.exhibits)
    assert shown.exhibit("wellbeing.tipping_curve") is not None
    # with as few silent as this, neither the estimates nor what tells them leave the house
    small = replace(told, results=tuple(replace(r, rests_on=(4.0, 90.0)) for r in told.results),
                    exhibits=tuple(replace(e, rests_on=(4.0, 90.0)) if e.rests_on else e for e in told.exhibits))  # fmt: skip
    [hidden], _ = protect([small], Rule())
    assert hidden.exhibit("wellbeing.tipping_curve") is None and hidden.exhibit("wellbeing.tipping") is None
    table = hidden.exhibit("wellbeing.silence_by_scale").frames["rows"]
    assert not table["weighted"].astype(str).str.contains(r"\d").any()


# -- items --------------------------------------------------------------------------------------------------------------------------


def principal_axes(correlation: np.ndarray) -> np.ndarray:
    """Loadings of one factor by iterated principal axes, which end where minimum residuals do."""
    shared = 1 - 1 / np.diag(np.linalg.inv(correlation))
    for _ in range(3000):
        reduced = correlation.copy()
        np.fill_diagonal(reduced, shared)
        values, vectors = np.linalg.eigh(reduced)
        loading = vectors[:, -1] * np.sqrt(values[-1])
        if np.abs(loading**2 - shared).max() < 1e-13:
            break
        shared = loading**2
    return np.abs(loading)


def test_alpha_omega_and_items_are_those_of_each_wave():
    cohort = simulated("default", 2, departments=4, staff=120, months=24, waves=(4,), survey_months=(0, 4, 8), outcomes=True, only=TABLES)
    study = survey_study(cohort)
    rng, parts, answers = np.random.default_rng(3), [], {}
    for wave, strength in zip(study.waves, (0.9, 0.6, 0.4), strict=True):
        n = 300 - 60 * wave
        trait = rng.standard_normal((n, 1))
        values = np.clip(np.round(3 + strength * trait + rng.standard_normal((n, 5)) * [0.6, 0.7, 0.8, 0.9, 1.0]), 0, 6)
        values[rng.random((n, 5)) < 0.02] = np.nan
        answers[wave] = values
        frame = pd.DataFrame(values, columns=["1", "2", "3", "10", "11"]).assign(response=[f"{wave}-{i}" for i in range(n)], wave=wave)
        parts.append(frame.melt(id_vars=["response", "wave"], var_name="item", value_name="answer"))
    items = pd.concat(parts, ignore_index=True).assign(instrument="MBI", subscale="EE")
    told = scale_items(survey_study(changed(cohort, survey_items=items)))
    table, detail = (next(e for e in told.exhibits if e.id == name).frames["rows"] for name in ("wellbeing.reliability", "wellbeing.items"))
    assert set(table["scale"]) == {"Emotional exhaustion"} and len(table) == 3 and len(detail) == 15
    assert detail["item"].tolist() == ["1", "2", "3", "10", "11"] * 3
    for wave, values in answers.items():
        whole = values[~np.isnan(values).any(axis=1)]
        n, k = whole.shape
        covariance = np.cov(whole, rowvar=False)
        alpha = k / (k - 1) * (1 - np.trace(covariance) / covariance.sum())
        limits = [1 - (1 - alpha) * f_law.ppf(q, n - 1, (n - 1) * (k - 1)) for q in (0.975, 0.025)]
        loading = principal_axes(np.corrcoef(whole, rowvar=False))
        row = table[table["wave"] == f"Wave {wave}"].iloc[0]
        assert row["n"] == n and row["alpha"] == pytest.approx(alpha) and row["limits"] == f"{limits[0]:.2f} to {limits[1]:.2f}"
        assert row["omega"] == pytest.approx(loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum()), abs=1e-5)
        own = detail[detail["wave"] == str(wave)]
        rest = whole.sum(axis=1, keepdims=True) - whole
        assert own["n"].eq(n).all() and own["mean"].tolist() == pytest.approx(whole.mean(axis=0)) and own["sd"].tolist() == pytest.approx(
            whole.std(axis=0, ddof=1))  # fmt: skip
        assert own["item_rest"].tolist() == pytest.approx([np.corrcoef(whole[:, j], rest[:, j])[0, 1] for j in range(k)])
    assert (np.diff(table["alpha"]) < -0.05).all(), "each wave has its own"
