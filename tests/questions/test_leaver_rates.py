"""Leaver rates and stability: every number counted again by walking through days and people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort.person_time.in_post import in_post
from mentorship_eval.cohort.study.models import Benchmark
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.inference.proportions import poisson_limits, wilson
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.retention.staying.leaver_measures import ALL, OVERALL, joined_groups, measures, periods_of
from mentorship_eval.questions.retention.staying.leaver_rates import leaver_rates
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import small

START, END = date(2022, 1, 1), date(2023, 12, 31)


def careers(seed: int, people: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Up to three spells a person with gaps of 1 to 90 days, hours and reasons, in and around the window."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        day = date(2021, 6, 1) + timedelta(int(rng.integers(0, 700)))
        for _ in range(int(rng.integers(1, 4))):
            end = day + timedelta(int(rng.integers(1, 500)))
            lasting = rng.random() < 0.3
            reason = None if lasting else str(rng.choice(["voluntary", "retirement", "dismissal"]))
            dept, wte = str(rng.choice(["D1", "D2"])), round(float(rng.uniform(0.2, 1)), 2)
            rows.append((f"p{person}", dept, day, None if lasting else end, reason, wte, str(rng.choice(["Active", "Active", "Maternity"]))))
            if lasting:
                break
            day = end + timedelta(int(rng.integers(1, 90)))
    spells = pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "leaving_reason", "wte", "status"])
    spells[["start", "end"]] = spells[["start", "end"]].apply(pd.to_datetime)
    professions = [("nurse", "physician", "clerk")[i % 3] for i in range(people)]
    return pd.DataFrame({"staff_id": [f"p{i}" for i in range(people)], "profession": professions}), spells


class Walk:
    """The slow way: lists of spells per person, asked day by day."""

    def __init__(self, staff: pd.DataFrame, spells: pd.DataFrame, gap: int = 30):
        self.who = dict(zip(staff["staff_id"], staff["profession"], strict=True))
        self.employments: dict[str, list[list[tuple]]] = {}
        for r in spells.sort_values(["staff_id", "start"]).itertuples():
            spell = (r.start.date(), date.max if pd.isna(r.end) else r.end.date(), r.wte, r.leaving_reason, r.status)
            mine = self.employments.setdefault(r.staff_id, [])
            if mine and (spell[0] - mine[-1][-1][1]).days <= gap:
                mine[-1].append(spell)
            else:
                mine.append([spell])

    def now(self, person: str, day: date) -> tuple | None:
        """The spell held at the close of ``day``: the last that has begun, until the employment ends."""
        for employment in self.employments.get(person, []):
            if employment[0][0] <= day < employment[-1][1]:
                return [spell for spell in employment if spell[0] <= day][-1]
        return None

    def exits(self, person: str, before: date, last: date) -> list[tuple]:
        return [e[-1] for e in self.employments.get(person, []) if before < e[-1][1] <= last]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_measure_equals_a_walk_through_days(seed):
    staff, spells = careers(seed)
    walk, found = Walk(staff, spells), in_post(staff=staff, spells=spells)
    periods = periods_of(pd.Timestamp(START), pd.Timestamp(END))
    assert [p.name for p in periods] == ["2022", "2023", OVERALL]
    bounds = {"2022": (date(2021, 12, 31), date(2022, 12, 31)), "2023": (date(2022, 12, 31), date(2023, 12, 31))}
    for period in periods[:2]:
        before, last = bounds[period.name]
        days = [before + timedelta(i) for i in range(1, (last - before).days + 1)]
        month_ends = [before, *(d for d in days if (d + timedelta(1)).day == 1)]
        assert len(month_ends) == 13
        table = measures(found, staff["profession"], period).set_index("group")
        for group in (ALL, "nurse", "physician", "clerk"):
            people = [p for p, profession in walk.who.items() if group in (ALL, profession)]
            row = table.loc[group]
            held = {d: [walk.now(p, d) for p in people] for d in month_ends}
            assert row["heads"] == pytest.approx(np.mean([sum(s is not None for s in held[d]) for d in month_ends]))
            assert row["wte"] == pytest.approx(np.mean([sum(s[2] for s in held[d] if s) for d in month_ends]))
            active = [sum(s is not None and s[4] != "Maternity" for s in held[d]) for d in month_ends]
            assert row["heads_active"] == pytest.approx(np.mean(active))
            # day d stands for the interval (d-1, d]: at risk when in post at the close of the day before
            assert row["person_years"] * 365.25 == pytest.approx(sum(walk.now(p, d - timedelta(1)) is not None for p in people for d in days))
            left = [e for p in people for e in walk.exits(p, before, last)]
            assert (row["left"], row["voluntary"]) == (len(left), sum(e[3] == "voluntary" for e in left))
            assert row["wte_left"] == pytest.approx(sum(e[2] for e in left)) and row["wte_left2"] == pytest.approx(sum(e[2] ** 2 for e in left))
            first, final = {p: walk.now(p, before) for p in people}, {p: walk.now(p, last) for p in people}
            there = [p for p in people if first[p]]
            assert row["at_start"] == len(there) and row["stayed"] == sum(final[p] is not None for p in there)
            assert row["wte_stayed"] == pytest.approx(sum(first[p][2] for p in there if final[p]))
    whole = measures(found, staff["profession"], periods[2]).set_index("group")
    parts = [measures(found, staff["profession"], p).set_index("group") for p in periods[:2]]
    for name in ("left", "voluntary", "person_years", "at_start", "stayed"):
        both = (parts[0][name] + parts[1][name].reindex(parts[0].index)).reindex(whole.index)
        pd.testing.assert_series_equal(whole[name], both, check_names=False)


def test_who_goes_on_leave_is_told_apart():
    spells = pd.DataFrame(
        [("a", "D", "2021-01-01", "2022-05-01", "transfer", "Active"), ("a", "D", "2022-05-02", None, None, "Maternity"),
         ("b", "D", "2021-01-01", "2022-05-01", "transfer", "Active"), ("b", "D", "2022-05-02", "2022-09-01", "voluntary", "Career break"),
         ("c", "D", "2021-01-01", None, None, "Maternity")],
        columns=["staff_id", "dept_id", "start", "end", "leaving_reason", "status"],
    )  # fmt: skip
    found = in_post(staff=pd.DataFrame({"staff_id": ["a", "b", "c"]}), spells=spells)
    row = measures(found, pd.Series(["x"] * 3), periods_of(pd.Timestamp("2022-01-01"), pd.Timestamp("2022-12-31"))[0]).iloc[0]
    assert row["left"] == 1 and row["breaks"] == 1  # b left: not counted a second time; c was on leave before
    assert row["heads"] == pytest.approx((13 * 3 - 4) / 13) and row["heads_active"] == pytest.approx((5 + 5) / 13)


def test_windows_that_are_not_whole_years():
    assert [p.name for p in periods_of(pd.Timestamp("2022-01-01"), pd.Timestamp("2022-12-31"))] == ["2022"]
    assert [p.name for p in periods_of(pd.Timestamp("2022-04-01"), pd.Timestamp("2023-03-31"))] == ["Apr 2022 to Mar 2023"]
    (short,) = periods_of(pd.Timestamp("2022-01-01"), pd.Timestamp("2022-06-30"))
    assert short.parts == () and short.years == pytest.approx(181 / 365.25) and len(short.counts) == 7
    leap = periods_of(pd.Timestamp("2024-02-29"), pd.Timestamp("2026-02-28"))
    assert [len(p.counts) for p in leap] == [13, 13, 25]


def test_small_groups_are_joined_until_nothing_small_is_left_or_all_are_one():
    staff, spells = careers(4, 1500)
    staff["profession"] = ["clerk" if i < 60 else "porter" if i < 150 else ("nurse", "physician")[i % 2] for i in range(1500)]
    found = in_post(staff=staff, spells=spells)
    periods = periods_of(pd.Timestamp(START), pd.Timestamp(END))
    joined = joined_groups(found, staff["profession"], periods, 10)
    table = pd.concat([measures(found, joined, p) for p in periods])
    counts = table.loc[table["group"] != ALL, ["left", "voluntary", "other", "gone"]].to_numpy()
    assert 1 < len(set(joined)) < 4 and not ((counts > 0) & (counts < 10)).any()
    assert joined[staff["profession"] == "clerk"].unique().tolist() == joined[staff["profession"] == "porter"].unique().tolist()
    assert joined_groups(found, staff["profession"], periods, 0).equals(staff["profession"])
    assert joined_groups(found, staff["profession"], periods, 10_000).unique().tolist() == ["smaller staff groups, joined"]


def study(spells: pd.DataFrame | None = None, **rules):
    cohort = small()
    tables = {**cohort.tables, **({"spells": spells} if spells is not None else {})}
    settings = cohort.study.model_copy(update={"rules": cohort.study.rules.model_copy(update=rules)})
    return SimpleNamespace(cohort=replace(cohort, tables=tables, study=settings))


def test_rates_and_limits_follow_from_the_counts():
    told = leaver_rates(study())
    assert {r.role for r in told.results} == {"descriptive"} and any("wte" in gap.unlock for gap in told.gaps)
    results = {r.id: r.estimate for r in told.results}
    rows = next(e for e in told.exhibits if e.id == "retention.leaver_rates").frames["rows"]
    first = rows.iloc[0]
    rate = results["retention.leaver_rate.all.2022"]
    assert rate.value == pytest.approx(100 * first["left"] / first["heads"]) and rate.n_events == first["left"]
    assert (rate.ci_low, rate.ci_high) == pytest.approx([100 * limit for limit in poisson_limits(first["left"], first["heads"])])
    stable = next(e for e in told.exhibits if e.id == "retention.stability").frames["rows"].iloc[0]
    share = results["retention.stability.2022"]
    assert share.value == stable["stayed"] / stable["at_start"]
    assert (share.ci_low, share.ci_high) == wilson(stable["stayed"], stable["at_start"])
    assert (rows["left"] == rows["voluntary"] + rows["other"]).all()


def test_everybody_at_half_time_has_the_same_rates_in_both_currencies():
    cohort = small()
    told = leaver_rates(study(cohort.table("spells").assign(wte=0.5)))
    results = {r.id: r.estimate for r in told.results}
    for name in ("leaver_rate{}.all", "leaver_rate{}.voluntary.2022", "stability{}.2022"):
        heads, wte = results["retention." + name.format("")], results["retention." + name.format("_wte")]
        assert wte.value == pytest.approx(heads.value)
        if "stability" in name:
            assert (wte.ci_low, wte.ci_high) == pytest.approx((heads.ci_low, heads.ci_high))
        else:  # a person could have counted twice as much: a wider upper limit
            assert wte.ci_low == pytest.approx(heads.ci_low) and wte.ci_high >= heads.ci_high
    some = cohort.table("spells").assign(wte=np.where(np.arange(len(cohort.table("spells"))) % 4 == 0, np.nan, 0.5))
    assert any(c.code == "wte_missing" for c in leaver_rates(study(some)).cautions)


def test_the_published_rate_stands_beside_ours_by_its_own_definition():
    benchmark = Benchmark(leaver_rate=0.1, source="A table", includes_suspended=True)
    told = leaver_rates(study(benchmark=benchmark))
    assert "10.0%" in str(told.lead[0]) and any(c.code == "benchmark_definition" for c in told.cautions)
    cohort = small()
    staying = cohort.table("spells")[lambda f: f["end"].isna() & (f["start"] < "2022-06-01")]
    away = staying.assign(start=pd.Timestamp("2022-06-16"), status="maternity", suspended=True)
    before = cohort.table("spells").copy()
    before.loc[staying.index, "end"] = pd.Timestamp("2022-06-15")
    before.loc[staying.index, "leaving_reason"] = "transfer"
    both = leaver_rates(study(pd.concat([before.assign(suspended=False), away], ignore_index=True), benchmark=benchmark))
    assert "counting them" in str(both.lead[0]) and not any(c.code == "benchmark_definition" for c in both.cautions)
    rate = {r.id: r.estimate for r in both.results}["retention.leaver_rate.with_breaks.2022"]
    posts = pd.concat([before, away])
    days = [pd.Timestamp("2021-12-31") + pd.offsets.MonthEnd(k) if k else pd.Timestamp("2021-12-31") for k in range(13)]
    on_leave = posts["start"].eq("2022-06-16") & posts["status"].eq("maternity")
    active = [int(((posts["start"] <= d) & ~(posts["end"] <= d) & ~on_leave).sum()) for d in days]
    exits = {r.id: r.estimate for r in both.results}["retention.leaver_rate.all.2022"].n_events
    assert rate.value == pytest.approx(100 * (exits + len(away)) / np.mean(active), rel=1e-9)
    assert not leaver_rates(study()).lead and "retention.leaver_rate.with_breaks" not in {r.id for r in leaver_rates(study()).results}


def test_without_professions_all_staff_are_told_and_the_gap_is_said():
    made = study()
    made.cohort.tables["staff"] = made.cohort.table("staff").drop(columns="profession")
    told = leaver_rates(made)
    assert any("profession" in gap.unlock for gap in told.gaps)
    assert told.exhibits[1].frames["rows"]["group"].tolist() == [ALL] * 3 and len({r.id for r in told.results}) == len(told.results) == 9


def test_what_is_shown_can_be_drawn_and_no_small_count_is_in_it():
    told = leaver_rates(study())
    answer = Answer("retention", "Retention", tuple(told.lead), tuple(told.results), tuple(told.exhibits), tuple(told.cautions), tuple(told.gaps))
    [shown], _ = protect([answer], Rule(10))
    for exhibit in shown.exhibits:
        assert draw(exhibit) is not None
        for name, counted in exhibit.counted.items():
            for column in counted.counts:
                for value in exhibit.frames[name][column]:
                    assert isinstance(value, str) or not 0 < value < 10, (exhibit.id, column)
