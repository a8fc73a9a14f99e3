"""What rollout says of allocation, blocks and the end of the programme changes the answer in the way that is documented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import leaver_panel
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.did import poisson_imputation
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.default_rates import default_rates
from mentorship_eval.questions.incidents.prepared import from_records
from mentorship_eval.questions.incidents.sensitivity import sensitivity
from mentorship_eval.questions.retention.programme_leavers import programme_active
from mentorship_eval.questions.section import Section
from tests.questions.cohorts import small
from tests.questions.wards import month, wards, with_tables

# two blocks of four wards, two go-lives in each
LIVE = {"A1": 8, "A2": 14, "A3": None, "A4": None, "B1": 8, "B2": 14, "B3": None, "B4": None}


def permuted(cohort: Cohort, permutations: int = 999) -> Cohort:
    plan = cohort.study.plan.model_copy(update={"permutations": permutations})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def rolled_out(cohort: Cohort, **columns: object) -> Cohort:
    return with_tables(cohort, rollout=cohort.table("rollout").assign(**columns))


def result(told: Section, name: str) -> Result | None:
    return next((one for one in told.results if one.id == name), None)


@pytest.fixture(scope="module")
def two_sites() -> Cohort:
    return permuted(wards(LIVE, seed=3, rate=8))


def test_of(cohort: Cohort) -> str:
    return result(default_rates(from_records(cohort)), "incidents.harm.permutation").estimate.method


def site(cohort: Cohort) -> pd.Series:
    return cohort.table("rollout")["dept_id"].str[0]


test_of.__test__ = False  # type: ignore[attr-defined]


def test_dates_are_reshuffled_within_blocks_and_only_there(two_sites: Cohort) -> None:
    # 8! / (4! 2! 2!) ways in one lottery, (4! / 2!) squared in two
    study = from_records(rolled_out(two_sites, block=site(two_sites)))
    default_rates(study)
    assert study.fits["harm"].fit.permutation.exact and study.fits["harm"].fit.permutation.draws == 144
    whole = from_records(two_sites)
    default_rates(whole)
    assert whole.fits["harm"].fit.permutation.draws == 420
    assert study.fits["harm"].fit.irr == whole.fits["harm"].fit.irr, "blocks are a matter of the test alone"


@pytest.mark.parametrize(
    ("allocation", "name"),
    [("random", "randomisation test"), ("phased", "placebo test"), (["random", "targeted"] * 4, "placebo test"), (None, "placebo test")],
    ids=["random", "phased", "mixed", "not said"],
)
def test_the_allocation_decides_what_the_test_is_called(allocation: object, name: str, two_sites: Cohort) -> None:
    changed = rolled_out(two_sites, allocation=allocation, block=site(two_sites))
    assert test_of(changed).startswith(name)
    if name == "placebo test":
        assert "block_of_lottery" not in from_records(changed).rows, "blocks mean nothing where no lots were drawn"


def test_the_end_of_the_programme_leaves_the_default_and_changes_the_sensitivity(two_sites: Cohort) -> None:
    # the programme halves harm until month 16 and ends there
    harmful = ("low", "moderate", "severe")
    cohort = wards(
        {f"W{k}": (8 if k < 5 else None) for k in range(10)}, seed=2, rate=60,
        factor=lambda ward, period, level: 0.5 if ward < "W5" and 8 <= period <= 16 and level in harmful else 1.0,
    )  # fmt: skip
    began = cohort.table("rollout")["active_from"]
    ended = rolled_out(cohort, active_to=began.where(began.isna(), month(17)))
    told, default = [], []
    for one in (cohort, ended):
        study = from_records(one)
        default.append(result(default_rates(study), "incidents.harm").estimate)
        told.append(result(sensitivity(study), "incidents.sensitivity.harm.after_end"))
    assert default[0].value == default[1].value and default[0].se == default[1].se, "intention to treat"
    assert told[0] is None, "it ended nowhere"
    assert told[1].estimate.value == pytest.approx(0.5, abs=0.12) and default[1].value > told[1].estimate.value + 0.1


@pytest.fixture(scope="module")
def staff() -> Cohort:
    """Four departments with a go-live, the rest without; two blocks."""
    cohort = small()
    depts = sorted(cohort.table("spells")["dept_id"].dropna().unique())
    live = [pd.Timestamp("2022-09-01"), pd.Timestamp("2023-03-01"), pd.NaT, pd.NaT] * 2
    rollout = pd.DataFrame({"programme_id": "P", "dept_id": depts, "active_from": live, "active_to": pd.NaT, "allocation": "random"})
    rollout["active_to"] = pd.to_datetime(rollout["active_to"])
    return permuted(with_tables(cohort, rollout=rollout), 499)


def active(cohort: Cohort) -> Section:
    start, end = cohort.window
    episodes = mentorship_episodes(
        **{name: cohort.table(name) for name in ("staff", "spells", "matches", "rollout")}, start=start, end=end
    )
    return programme_active(cohort, episodes)


def test_leaving_is_tested_within_blocks_too(staff: Cohort) -> None:
    method = result(active(staff), "retention.programme_active.permutation").estimate.method
    assert method.startswith("randomisation test") and "all reassignments" in method and f"{1 / 420:.2g}" in method
    blocked = rolled_out(staff, block=np.repeat(["one", "two"], 4))
    method = result(active(blocked), "retention.programme_active.permutation").estimate.method
    assert method.startswith("randomisation test") and f"{1 / 144:.2g}" in method
    phased = result(active(rolled_out(blocked, allocation="phased")), "retention.programme_active.permutation").estimate.method
    assert phased.startswith("placebo test") and f"{1 / 420:.2g}" in phased


def test_leaving_while_the_programme_lasted(staff: Cohort) -> None:
    plain = active(permuted(staff, 0))
    assert result(plain, "retention.programme_active.after_end") is None
    rollout = staff.table("rollout")
    last = rollout["active_from"].where(rollout["active_from"].isna(), pd.Timestamp("2023-06-30"))
    told = active(permuted(rolled_out(staff, active_to=last), 0))
    assert any(caution.code == "programme_ended" for caution in told.cautions)
    assert result(told, "retention.programme_active").estimate.value == result(plain, "retention.programme_active").estimate.value
    start, end = staff.window
    made = leaver_panel(staff=staff.table("staff"), spells=staff.table("spells"), rollout=rollout, start=start, end=end, bridge_gap=30)
    rows = made.rows[~(made.rows["adopted"].notna() & (made.rows["month"] > "2023-06-30"))]
    fit = poisson_imputation(
        rows.assign(person_years=rows["person_months"] / 12), count="leavers", exposure="person_years", unit="unit", time="period", adopted="adopted",
        cluster="dept_id", permutations=0,
    )  # fmt: skip
    found = result(told, "retention.programme_active.after_end").estimate
    assert found.value == pytest.approx(fit.irr.value, rel=1e-9) and found.value != result(plain, "retention.programme_active").estimate.value
