"""Who becomes eligible, how far a group was followed, and how matches end: hand-made cohorts of which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.permutation import permutation_test
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.study import delivery_study
from mentorship_eval.questions.delivery.waiting import waiting
from mentorship_eval.questions.equity.alike import pairs_alike
from mentorship_eval.questions.equity.concordance import Concordance, _sentence, concordance
from mentorship_eval.questions.equity.eligible import EquityStudy, equity_study
from mentorship_eval.questions.equity.pairs import pairs_of
from mentorship_eval.questions.equity.reach import reach
from tests.questions.cohorts import small

OPENED = pd.Timestamp("2020-01-01")
CLOSED = pd.Timestamp("2021-12-31")


def made(people: pd.DataFrame, matches: pd.DataFrame, live: dict[str, object], ended: dict[str, object] | None = None) -> Cohort:
    """people: staff_id, hire, dept_id, perhaps left and characteristics; live, ended: department -> days of the programme."""
    cohort = small()
    study = cohort.study.model_copy(update={"study": cohort.study.study.model_copy(update={"start": OPENED.date(), "end": CLOSED.date()})})
    left = pd.to_datetime(people["left"]) if "left" in people else pd.Series(pd.NaT, index=people.index)
    spells = pd.DataFrame({
        "spell_id": people["staff_id"], "staff_id": people["staff_id"], "dept_id": people["dept_id"], "start": pd.to_datetime(people["hire"]),
        "end": left, "leaving_reason": np.where(left.notna(), "voluntary", None),
    })  # fmt: skip
    rollout = pd.DataFrame({"dept_id": list(live), "active_from": pd.to_datetime(list(live.values())), "programme_id": "P"})
    if ended is not None:
        rollout["active_to"] = pd.to_datetime(rollout["dept_id"].map(ended))
    table = pd.DataFrame({"match_id": matches["mentee_id"], "mentor_id": "nobody", "end": pd.NaT, "relationship_type": "mentoring", **matches})
    table[["start", "end"]] = table[["start", "end"]].apply(pd.to_datetime)
    known = people.drop(columns=["hire", "dept_id", "left"], errors="ignore")
    return replace(cohort, study=study, tables={"staff": known, "spells": spells, "matches": table, "rollout": rollout})


def staff(number: int, hire: object, dept: str = "A", **more: object) -> pd.DataFrame:
    return pd.DataFrame({"staff_id": [f"{dept}{i:04d}" for i in range(number)], "hire": pd.Timestamp(hire), "dept_id": dept, **more})  # type: ignore[arg-type]


# -- who becomes eligible ----------------------------------------------------------------------------------------------------------


def test_a_match_on_the_day_of_hire_is_reached_that_day():
    people = staff(20, "2020-06-01")
    days = pd.Series(pd.Timestamp("2020-06-01"), index=range(12)).where(np.arange(12) < 10, pd.Timestamp("2020-05-20"))
    cohort = made(people, pd.DataFrame({"mentee_id": people["staff_id"][:12], "start": days}), {"A": "2019-01-01"})
    study = equity_study(cohort)
    assert len(study.people) == 18 and study.people["matched"].sum() == 10  # before that day is before they became eligible
    assert (study.people.loc[study.people["matched"] == 1, ["stop", "waited"]] == 0.5).all(axis=None)
    assert study.left_out["matched before they became eligible"] == 2


def test_a_match_before_the_first_day_of_the_programme_is_none_of_it():
    people = staff(4, "2020-03-01")
    matches = pd.DataFrame({"mentee_id": people["staff_id"][:3], "start": ["2020-06-30", "2020-07-01", "2020-07-02"]})
    study = equity_study(made(people, matches, {"A": "2020-07-01"}))
    assert study.people.set_index("staff_id")["waited"].to_dict() == {"A0001": 1.0, "A0002": 2.0, "A0003": np.inf}


def test_who_had_the_programme_before_the_window_is_left_out_and_said():
    # long in post: most were matched before the window, the last of them are matched late; hired since: all matched within a month
    old, new = staff(100, "2018-01-01"), staff(60, "2020-02-01", "B")
    first = staff(50, "2018-01-01", "C")  # the programme comes to them on the first day of the window
    starts = [*["2019-06-01"] * 80, *["2020-01-01"] * 30, *["2020-02-20"] * 60]
    mentees = [*old["staff_id"][:80], *first["staff_id"][:30], *new["staff_id"]]
    live = {"A": "2019-01-01", "B": "2019-01-01", "C": str(OPENED.date())}
    study = equity_study(made(pd.concat([old, new, first], ignore_index=True), pd.DataFrame({"mentee_id": mentees, "start": starts}), live))
    assert study.people["dept_id"].value_counts().to_dict() == {"B": 60, "C": 50}
    assert study.people.groupby("dept_id")["matched"].mean().to_dict() == {"B": 1.0, "C": 0.6}
    assert study.left_out["in post with the programme before the window opened"] == 100
    assert study.left_out["matched before they became eligible"] == 0


def test_an_ended_programme_makes_nobody_eligible():
    early, late, last = staff(30, "2020-02-01"), staff(30, "2020-12-01", "B"), staff(30, "2020-09-30", "C")
    people = pd.concat([early, late, last], ignore_index=True)
    live = dict.fromkeys("ABC", "2020-01-15")
    none = pd.DataFrame({"mentee_id": pd.Series(dtype=object), "start": pd.Series(dtype="datetime64[ns]")})
    ended = equity_study(made(people, none, live, dict.fromkeys("ABC", "2020-09-30")))
    assert ended.people["dept_id"].value_counts().to_dict() == {"A": 30, "C": 30}
    assert len(equity_study(made(people, none, live)).people) == len(equity_study(made(people, none, live, {"A": None})).people) == 90


# -- how far a group was followed ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short() -> Cohort:
    """Nurses hired a year and a half before the end of the window, 144 pharmacists four months before it; matched at random within two
    months; 40 nurses in post with the programme before the window opened.
    """
    rng, parts = np.random.default_rng(3), []
    for dept in "ABCDEF":
        parts += [staff(60, "2020-06-01", dept, profession="nurse")]
        parts += [staff(24, "2021-08-27", f"{dept}x", profession="pharmacist").assign(dept_id=dept)]
    before = staff(40, "2018-01-01", "Z", profession="nurse")
    people = pd.concat([*parts, before], ignore_index=True).drop(index=range(60, 63))
    chosen = people[(people["dept_id"] != "Z") & (rng.random(len(people)) < 0.4)]
    mentees = pd.DataFrame({"mentee_id": chosen["staff_id"], "start": chosen["hire"] + pd.to_timedelta(rng.integers(5, 60, len(chosen)), unit="D")})
    return made(people, mentees, {**dict.fromkeys("ABCDEF", "2020-01-15"), "Z": "2019-01-01"})


def test_no_share_at_twelve_months_of_a_group_followed_for_four(short):
    told = reach(equity_study(short))
    assert not [r for r in told.results if "pharmacist" in r.id]
    gap = next(gap for gap in told.gaps if "pharmacist" in gap.question)
    assert "Fewer than 10" in gap.reason and "window" in gap.unlock


def test_how_many_had_the_programme_before_the_window_is_said(short):
    caution = next(c for c in reach(with_gender(short)).cautions if c.code == "eligible_before_window")
    assert caution.data == {"persons": 40, "complement": 501} and caution.text.startswith("40 people were in post with the programme before")


def with_gender(cohort: Cohort) -> EquityStudy:
    known = cohort.table("staff")
    known = known.assign(gender=np.where(np.arange(len(known)) % 2, "female", "male"))
    return equity_study(replace(cohort, tables={**cohort.tables, "staff": known}))


def test_the_wait_is_told_as_far_as_ten_were_followed(short):
    everybody = waiting(delivery_study(short))
    assert [r.id for r in everybody.results if r.id.startswith("delivery.waiting.")] == [f"delivery.waiting.{days}" for days in (90, 180, 365)]
    tables = dict(short.tables)
    pharmacists = tables["staff"].loc[tables["staff"]["profession"] == "pharmacist", "staff_id"]
    few = [*pharmacists, *tables["staff"].loc[tables["staff"]["profession"] == "nurse", "staff_id"][:9]]
    for name, column in (("staff", "staff_id"), ("spells", "staff_id"), ("matches", "mentee_id")):
        tables[name] = tables[name][tables[name][column].isin(few)].reset_index(drop=True)
    told = waiting(delivery_study(replace(short, tables=tables)))
    assert [r.id for r in told.results if r.id.startswith("delivery.waiting.")] == ["delivery.waiting.90"]
    assert [gap.question for gap in told.gaps] == ["Who is matched within 180, 365 days of becoming eligible"]


# -- how matches end ---------------------------------------------------------------------------------------------------------------


def paired(reason: object, *, end: bool = True) -> Cohort:
    """160 mentees with 80 mentors, alike in gender or not by halves, all matched on 1 February 2020; ``reason`` of ends in May."""
    rng = np.random.default_rng(8)
    people = staff(160, "2020-02-01", gender=np.tile(["female", "male"], 80), ethnicity_group="white")
    mentors = staff(80, "2015-01-01", "M", gender=np.repeat(["female", "male"], 40), ethnicity_group="white")
    people["dept_id"] = np.repeat(["A", "B", "C", "D"], 40)
    days = pd.Timestamp("2020-05-01") + pd.to_timedelta(rng.integers(0, 200, 160), unit="D")
    matches = pd.DataFrame({"mentee_id": people["staff_id"], "mentor_id": rng.choice(mentors["staff_id"], 160), "start": "2020-02-01",
                            "end": pd.Series(days).where(np.full(160, end))})  # fmt: skip
    matches["end_reason"] = reason
    return made(pd.concat([people, mentors], ignore_index=True), matches, dict.fromkeys("ABCD", "2020-01-15"))


def ends(cohort: Cohort):
    told = pairs_alike(equity_study(cohort))
    return next((r.estimate for r in told.results if r.id == "equity.alike.ends.gender"), None), told


@pytest.mark.parametrize("word", ["Completed", "Goals met", "planned"])
def test_a_planned_end_is_none_before_time_however_it_is_written(word):
    found, told = ends(paired([*["dissolved"] * 60, *[word] * 100]))
    assert found.n_events == 60 and word.lower() in " ".join(told.methods)
    assert ends(paired(word))[0] is None


def test_an_end_without_a_reason_is_no_early_one_and_is_counted():
    found, told = ends(paired([*["dissolved"] * 60, *[None] * 100]))
    assert found.n_events == 60
    caution = next(c for c in told.cautions if c.code == "end_reason_missing")
    assert caution.data == {"matches": 100, "complement": 60}
    none, told = ends(paired(None))
    assert none is None and any(gap.reason == "No match has a reason for its end." for gap in told.gaps)


def test_a_match_left_open_ends_when_the_mentee_leaves():
    cohort = paired(None, end=False)
    spells = cohort.table("spells").copy()
    spells.loc[:59, "end"] = pd.Timestamp("2020-04-01")
    again = spells.iloc[:20].assign(spell_id=[f"again{i}" for i in range(20)], start=pd.Timestamp("2020-04-20"), end=pd.NaT)  # bridged: never away
    open_ended = replace(cohort, tables={**cohort.tables, "spells": pd.concat([spells, again], ignore_index=True)})
    rows = pairs_of(equity_study(open_ended)).rows.sort_values("mentee_id", ignore_index=True)
    assert rows["ended"].sum() == 40 and set(rows.loc[20:59, "days"]) == {60.0} and set(rows.loc[20:59, "end_reason"]) == {"mentee_left"}
    assert (rows.loc[60:, "days"] == (CLOSED - pd.Timestamp("2020-02-01")).days).all() and (rows.loc[:19, "ended"] == 0).all()


# -- p-values and intervals -----------------------------------------------------------------------------------------------------------


def test_tables_of_adjusted_p_values_say_that_families_are_their_own():
    told = concordance(equity_study(paired(None)))
    rows = next(e for e in told.exhibits if e.id == "equity.concordance.table").frames["rows"]
    assert rows["family"].tolist() == ["all"] * len(rows)
    notes = [e.note for e in told.exhibits if e.id == "equity.concordance.table"]
    notes += [e.note for e in ends(paired([*["dissolved"] * 60, *["completed"] * 100]))[1].exhibits if e.id == "equity.alike.adjusted"]
    assert len(notes) == 2 and all("within this table" in note for note in notes)


@pytest.mark.parametrize(("low", "p", "words"), [(-0.5, 0.01, "includes 0"), (0.5, 0.2, "excludes 0"), (0.5, 0.01, None)])
def test_the_sentence_on_chance_gives_the_interval_and_says_when_p_disagrees(low, p, words):
    test = permutation_test(0.5, lambda assigned: assigned.mean(axis=1), np.arange(4.0), draws=9, seed=1)
    found = Concordance(np.array([0.52]), np.array([0.5]), test, 200, 104, 150)
    estimate = Estimate(value=2.0, scale="difference", unit="percentage points", ci_low=low, ci_high=4.0, p_value=p)
    text = _sentence("gender", found, Result("x", "concordance", "", "pairs", estimate, "", "companion", "")).text
    assert f"95 % CI {'−' if low < 0 else ''}0.5 to 4.0" in text and f"{p:.3f}".rstrip("0") in text
    assert ("cludes 0" in text) == (words is not None) and (words or "") in text
