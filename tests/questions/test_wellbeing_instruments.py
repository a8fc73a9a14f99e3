"""Every shipped scoring key: answers to its items become scores, and the chapter finds the change that was put in, or none where none was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import surveys
from mentorship_eval.cohort import Cohort, read_cohort, simulate_cohort
from mentorship_eval.errors import UsageError
from mentorship_eval.inference.scales.keys import scoring_keys
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.truth import known_truth
from mentorship_eval.questions.wellbeing.asked import survey_study
from mentorship_eval.questions.wellbeing.effects import by_scale
from mentorship_eval.questions.wellbeing.scales import WORDS
from tests.questions.cohorts import simulated

pytestmark = pytest.mark.slow

TABLES = ("staff", "departments", "spells", "matches", "rollout")
SHIFT = 0.7  # of the latent trait, once mentored, SD
# by hand: what is better low
LOWER = {
    ("MBI-HSS", "EE"), ("MBI-HSS", "DP"), ("ProQOL-5", "burnout"), ("ProQOL-5", "secondary traumatic stress"), ("PSS-10", "total"), ("YIS", "total"),
    ("CIPS", "total"), ("WFC", "total"), ("CASEY-FINK", "stress"),
}  # fmt: skip
# factors whose items a study names itself
FACTORS = {"CASEY-FINK": {"support": range(1, 10), "stress": range(10, 14)}}
NAMED = {
    "proqol_5_burnout": "Burnout (ProQOL)", "saq_safety_climate": "Safety climate", "cips": "Imposter feelings (CIPS)",
    "yis": "Imposter feelings (YIS)", "psych_safety": "Psychological safety", "casey_fink_support": "Casey-Fink: support",
    "t_tpq_mutual_support": "Mutual support",
    "mbi_hss_dp": "Depersonalisation", "mbi_hss_pa": "Personal accomplishment", "mbi_hss_ee": "Emotional exhaustion", "pss_10": "Perceived stress",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One scale of a key: where its answers stand, and its items in the order of the questionnaire."""

    instrument: str
    subscale: str
    numbers: tuple[int | str, ...]

    @property
    def columns(self) -> list[str]:
        return [f"{self.instrument}_{number}".replace("-", "_") for number in self.numbers]

    @property
    def slug(self) -> str:
        whole = self.subscale == "total"
        return (self.instrument if whole else f"{self.instrument}_{self.subscale}").lower().replace("-", "_").replace(" ", "_")

    @property
    def sign(self) -> int:
        return -1 if (self.instrument, self.subscale) in LOWER else 1

    def answers(self, trait: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What people with these traits (n,) tick, a high answer being much of the trait."""
        key = scoring_keys()[self.instrument]
        z = 0.7 * trait[:, None] + 0.7 * rng.standard_normal((len(trait), len(self.numbers)))
        return np.clip(np.round((key.low + key.high) / 2 + (key.high - key.low) / 4 * z), key.low, key.high)

    def by_hand(self, answers: np.ndarray) -> np.ndarray:
        key = scoring_keys()[self.instrument]
        if key.score == "sum":
            return key.times * answers.sum(axis=1)
        if key.score == "mean":
            return answers.mean(axis=1)
        if key.score == "percent":
            return 100 * (answers.mean(axis=1) - key.low) / (key.high - key.low)
        return 100 * (answers >= key.positive_from).mean(axis=1)

    def truth(self) -> float:
        """Difference of the mean score that the shift makes, of very many people."""
        trait = np.random.default_rng(1).standard_normal(8000)
        low, high = (self.by_hand(self.answers(trait + by, np.random.default_rng(2))) for by in (0.0, self.sign * SHIFT))
        return float((high - low).mean())


def every_scale() -> list[Asked]:
    found = []
    for name, key in scoring_keys().items():
        parts = {part: each.items for part, each in key.subscales.items()} or FACTORS.get(name) or {}
        if not key.subscales_needed:
            parts = {"total": range(1, key.n_items + 1), **parts}
        found += [Asked(name, part, tuple(items)) for part, items in parts.items()]
    return found


SCALES = every_scale()


def test_no_key_and_no_subscale_is_left_out_and_all_have_names_of_their_own():
    assert {scale.instrument for scale in SCALES} == set(scoring_keys()) == set(WORDS)
    for name, key in scoring_keys().items():
        assert set(key.subscales) <= set(WORDS[name]) and (key.subscales_needed or "total" in WORDS[name])
    words = [word for of in WORDS.values() for word in of.values()]
    assert len(set(words)) == len(words) and all(word[:1].isupper() and "_" not in word for word in words)


@pytest.fixture(scope="module")
def asked():
    """The people of a cohort on the day of three waves, and the answers of each to every item with the change put in and without."""
    cohort = simulate_cohort("default", seed=4, departments=12, staff=480, months=30, waves=(6, 9), uptake=0.9, uptake_delay=1.0)
    days = pd.to_datetime(["2022-06-15", "2022-12-15", "2023-08-15"])
    spells = cohort["spells"]
    start, end = pd.to_datetime(spells["start"]), pd.to_datetime(spells["end"]).fillna(pd.Timestamp.max)
    rows = pd.concat([pd.DataFrame({"staff_id": spells.loc[(start < day) & (end > day), "staff_id"].unique(), "wave": wave, "completed_on": day})
                      for wave, day in enumerate(days)], ignore_index=True)  # fmt: skip
    began = pd.to_datetime(cohort["matches"].groupby("mentee_id")["start"].min())
    mentored = (rows["staff_id"].map(began) <= rows["completed_on"]).to_numpy(float)
    code, people = pd.factorize(rows["staff_id"])
    made = {}
    for number, scale in enumerate(SCALES):
        rng = np.random.default_rng([7, number])
        trait = np.sqrt(0.7) * rng.standard_normal(len(people))[code] + np.sqrt(0.3) * rng.standard_normal(len(rows))
        noise = rng.integers(2**32)
        made[scale] = {by: scale.answers(trait + by * scale.sign * mentored, np.random.default_rng(noise)) for by in (SHIFT, 0.0)}
    return cohort, rows, made


def exported(asked, folder: Path) -> Cohort:
    """The answers with the change as a survey platform exports them, negatively worded items as they were ticked, read by the recipe."""
    cohort, rows, made = asked
    columns = {}
    for scale, answers in made.items():
        key = scoring_keys()[scale.instrument]
        for place, (number, column) in enumerate(zip(scale.numbers, scale.columns, strict=True)):
            ticked = answers[SHIFT][:, place]
            columns[f"{scale.subscale}_{column}"] = (key.low + key.high - ticked if number in key.reverse else ticked).astype(int)
    settings = [{"key": scale.instrument, "subscale": scale.subscale, "items": [f"{scale.subscale}_{column}" for column in scale.columns],
                 "numbers": list(scale.numbers)} for scale in SCALES]  # fmt: skip
    frame = pd.DataFrame({
        "ResponseId": [f"R_{i}" for i in range(len(rows))], "RecordedDate": rows["completed_on"].dt.strftime("%Y-%m-%d 10:00:00"), "Finished": 1,
        "Status": 0, "ExternalReference": rows["staff_id"], "wave": rows["wave"], "linkage_consent": 1, **columns,
    })  # fmt: skip
    labels = pd.DataFrame([[f"Question {name}" for name in frame], [f'{{"ImportId":"{name}"}}' for name in frame]], columns=list(frame))
    study = {**cohort.study, "tables": {**{name: f"{name}.csv" for name in TABLES},
                                        "surveys": {"file": "download.csv", "recipe": "qualtrics", "settings": {"scales": settings}}},
             "surveys": {"higher_is_better": {"CASEY-FINK": {"support": True, "stress": False}}}}  # fmt: skip
    replace(cohort, tables={name: cohort.tables[name] for name in TABLES}, study=study).write(folder)
    pd.concat([labels, frame.astype(str)]).to_csv(folder / "download.csv", index=False, lineterminator="\n")
    return read_cohort(folder)


def scored(asked, read: Cohort) -> Cohort:
    """The same people without any change, scored by the engine."""
    _, rows, made = asked
    parts = []
    for scale, answers in made.items():
        key = scoring_keys()[scale.instrument]
        turn = [number in key.reverse for number in scale.numbers]
        frame = pd.DataFrame(np.where(turn, key.low + key.high - answers[0.0], answers[0.0]), columns=scale.columns)
        named = {} if scale.subscale == "total" else {"subscale": scale.subscale}
        numbers = {"numbers": scale.numbers} if scale.instrument in FACTORS else {}
        score = surveys.score(frame, items=scale.columns, key=scale.instrument, **named, **numbers).scores
        parts.append(rows.assign(instrument=scale.instrument, subscale=scale.subscale, score=score))
    tables = {name: table for name, table in read.tables.items() if name != "survey_items"}
    return replace(read, tables={**tables, "surveys": pd.concat(parts, ignore_index=True)})


@pytest.fixture(scope="module")
def read(asked, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return exported(asked, tmp_path_factory.mktemp("instruments") / "cohort")


def estimates(section: Section):
    return {result.id.removeprefix("wellbeing."): result for result in section.results}


def inside(results, truths: dict[str, float]) -> None:
    """All intervals hold their truth when widened to 99.98 %, and of those as they are no more miss than chance makes miss."""
    reach = {slug: (results[slug].estimate.ci_high - results[slug].estimate.ci_low) / 2 for slug in truths}
    off = {slug: abs(results[slug].estimate.value - truth) / reach[slug] for slug, truth in truths.items()}
    assert max(off.values()) < 1.9, sorted(off.items(), key=lambda item: -item[1])[:3]
    assert sum(value > 1 for value in off.values()) <= 9 * len(truths) // 60 + 1


def test_the_change_of_every_scale_is_found_through_the_recipe_with_its_name_and_direction(asked, read):
    study = survey_study(read)
    told = estimates(by_scale(study))
    truths = {scale.slug: scale.truth() for scale in SCALES}
    assert set(truths) <= set(told) and len(truths) > 55
    inside(told, truths)
    for scale in SCALES:
        result, truth = told[scale.slug], truths[scale.slug]
        half = (result.estimate.ci_high - result.estimate.ci_low) / 2
        assert abs(result.estimate.value) > 1.9 * half and np.sign(result.estimate.value) == np.sign(truth) == scale.sign, scale
        assert f"({'lower' if scale.sign < 0 else 'higher'} is better)" in result.estimand, scale
        assert result.label == NAMED.get(scale.slug, result.label)
    assert set(NAMED) <= set(told)
    scores = read.table("surveys")
    for scale in SCALES[::7]:
        mine = scores[(scores["instrument"] == scale.instrument) & (scores["subscale"] == scale.subscale)]
        np.testing.assert_allclose(np.sort(mine["score"]), np.sort(scale.by_hand(asked[2][scale][SHIFT])), atol=1e-8)


def test_no_change_of_any_scale_is_found_where_none_was_put_in(asked, read):
    inside(estimates(by_scale(survey_study(scored(asked, read)))), dict.fromkeys((scale.slug for scale in SCALES), 0.0))


# -- cohorts that are simulated with all instruments ---------------------------------------------------------------------------------

CHOSEN = {
    ("MBI", "DP"): -1, ("MBI", "PA"): 1, ("ProQOL-5", "burnout"): -1, ("SAQ", "safety climate"): 1, ("CIPS", "total"): -1, ("YIS", "total"): -1,
    ("PSYCH-SAFETY", "total"): 1, ("CASEY-FINK", "role confidence"): 1, ("T-TPQ", "leadership"): 1,
}  # fmt: skip


@pytest.mark.parametrize("effect", [True, False], ids=["effect", "none"])
def test_simulated_instruments_hold_the_truth_that_they_tell(effect):
    more = {"instrument_shift": 0.6} if effect else {}
    cohort = simulated("default" if effect else "null", 8, departments=12, staff=1000, months=36, uptake_delay=2.0, outcomes=True, instruments="all",
                       only=(*TABLES, "surveys", "survey_invites"), **more)  # fmt: skip
    truth = known_truth(cohort)
    study = survey_study(cohort)
    own = [scale for scale in study.scales if f"wellbeing.{scale.slug}" in truth]
    assert len(own) == len(study.scales) > 55 and all(scale.higher_is_better is not None for scale in own)
    # all of them, by differences within people: what a person's own level is falls out
    rows = study.rows.dropna(subset=[scale.column for scale in own])
    moves = rows.groupby("wave")["mentored"].transform("mean")
    x = rows["mentored"] - moves - (rows["mentored"] - moves).groupby(rows["person"]).transform("mean")
    for scale in own:
        y = rows[scale.column] - rows.groupby("wave")[scale.column].transform("mean")
        y = y - y.groupby(rows["person"]).transform("mean")
        slope = float((x * y).sum() / (x**2).sum())
        error = float(np.sqrt(((x * (y - slope * x)).groupby(rows["person"]).sum() ** 2).sum()) / (x**2).sum())
        aim = truth[f"wellbeing.{scale.slug}"]
        assert abs(slope - aim) < 4.5 * error, scale.slug
    surveys_table = cohort.table("surveys")
    names = pd.MultiIndex.from_frame(surveys_table[["instrument", "subscale"]].astype(str))
    few = survey_study(replace(cohort, tables={**cohort.tables, "surveys": surveys_table[names.isin(list(CHOSEN))].reset_index(drop=True)}))
    told = estimates(by_scale(few))
    by_name = {scale.slug: CHOSEN[scale.instrument, scale.subscale] for scale in few.scales}
    aims = {slug: truth[f"wellbeing.{slug}"] for slug in by_name}
    assert len(aims) == len(CHOSEN)
    inside(told, aims)
    for slug, sign in by_name.items():
        estimate = told[slug].estimate
        found = abs(estimate.value) > (estimate.ci_high - estimate.ci_low) / 2
        assert (found and np.sign(estimate.value) == np.sign(aims[slug]) == sign) if effect else aims[slug] == 0, slug


def test_instruments_move_nothing_that_was_drawn_without_them():
    size = {"seed": 3, "departments": 4, "staff": 120, "months": 24, "outcomes": True, "delivered": True}
    plain, more = simulate_cohort(**size), simulate_cohort(**size, instruments="all")
    assert all(plain[name].equals(more[name]) for name in plain.tables if name != "surveys")
    both = more["surveys"].merge(plain["surveys"], how="left", indicator=True)
    assert both[both["_merge"] == "both"].drop(columns="_merge").reset_index(drop=True).equals(plain["surveys"])
    names = both.loc[both["_merge"] == "left_only", ["instrument", "subscale"]].drop_duplicates()
    old = plain["surveys"][["instrument", "subscale"]].drop_duplicates()
    assert len(names) > 45 and names.merge(old).empty
    assert "instruments" not in plain.truth["parameters"] and more.truth["parameters"]["instruments"] == "all"
    assert len(more.truth["outcomes"]["scale_change_mentored"]) == len(names)
    with pytest.raises(UsageError, match="instruments is 'some'"):
        simulate_cohort(outcomes=True, instruments="some")
    with pytest.raises(UsageError, match="with the other outcomes"):
        simulate_cohort(instruments="all")
