"""The cohort as evaluators get it: every planted fault is found in its place, none is made up, and what can be undone is undone.

Five seeds. A cohort whose faults can all be undone gives the estimates of the clean one to 1e-10; where faults lose something, the
leavers, days, reports and patient-days that are lost stay within the bounds of faults.json, and so do the crude log ratios that follow
from them.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache

import pytest

from mentorship_eval import simulate_cohort
from mentorship_eval.cohort import check_cohort
from mentorship_eval.cohort.simulation.messy.faults import KINDS
from mentorship_eval.errors import UsageError
from tests.cohort.messy_estimates import estimates
from tests.cohort.messy_findings import invented, not_found, planted

SIZE = {"departments": 8, "staff": 300, "months": 14, "waves": (4, 7), "uptake": 0.9, "uptake_delay": 1.5, "hazard": (0.04, 0.03, 0.025),
        "switch_month": 9}
SEEDS = range(1, 6)


@cache
def drawn(seed):
    return simulate_cohort("messy", seed=seed, faults="none", **SIZE)


def written(folder, faults, seed):
    made = drawn(seed).with_faults(faults)
    return made, made.write(folder / "messy" / "cohort")


def read(folder):
    findings, cohort = check_cohort(folder)
    assert cohort is not None, str(findings)
    cohort.reconcile()
    return findings, cohort


def as_planted(folder, findings, cohort=None):
    faults, recipes = planted(folder)
    assert not not_found(faults, findings, None if cohort is None else cohort.repair_log)
    assert not invented(faults, recipes, findings)
    return faults


@pytest.mark.parametrize("seed", SEEDS)
def test_what_can_be_undone_is_undone_and_the_rest_stays_within_its_bound(seed, tmp_path):
    made, folder = written(tmp_path / "a", "exact", seed)
    clean = estimates(read(made.clean().write(tmp_path / "clean"))[1])
    findings, cohort = read(folder)
    faults = as_planted(folder, findings, cohort)
    assert len({fault["kind"] for fault in faults if fault["code"]}) >= 30
    assert all(fault["undone"] for fault in faults if fault["kind"] != "between_lists")
    repaired = estimates(cohort)
    assert repaired == pytest.approx(clean, abs=1e-10, rel=0, nan_ok=True)

    folder = made.with_faults("repairable").write(tmp_path / "b" / "messy" / "cohort")
    findings, cohort = read(folder)
    faults = as_planted(folder, findings, cohort)
    bounds = [fault["bound"] for fault in faults if not fault["undone"] and fault["kind"] != "between_lists"]
    total = {name: sum(bound.get(name, 0) for bound in bounds) for name in ("leavers", "person_days", "harm", "patient_days")}
    found = estimates(cohort)
    assert found != clean
    for what, arms in (("leavers", ("leavers_0", "leavers_1")), ("person_days", ("days_0", "days_1")), ("harm", ("harm_0", "harm_1")),
                       ("patient_days", ("patient_days_0", "patient_days_1"))):
        assert all(abs(found[arm] - clean[arm]) <= total[what] for arm in arms), what
    for ratio, events, time in (("crude_leaving", "leavers", "days"), ("crude_harm", "harm", "patient_days")):
        lost = total["leavers" if events == "leavers" else "harm"], total["person_days" if time == "days" else "patient_days"]
        bound = sum(largest_shift(clean[f"{events}_{arm}"], lost[0]) + largest_shift(clean[f"{time}_{arm}"], lost[1]) for arm in (0, 1))
        assert abs(found[ratio] - clean[ratio]) <= bound, ratio


@pytest.mark.parametrize("seed", [1, 2])
def test_lists_without_days_give_the_estimates_of_the_cohort_rounded_likewise(seed, tmp_path):
    made, folder = written(tmp_path, ["months_only"], seed)
    findings, cohort = read(folder)
    assert not not_found(planted(folder)[0], findings)
    rounded, clean = (estimates(read(one.clean().write(tmp_path / name))[1]) for name, one in (("rounded", made), ("clean", drawn(seed))))
    found = estimates(cohort)
    assert found == pytest.approx(rounded, abs=1e-10, rel=0, nan_ok=True)
    bound = next(fault["bound"] for fault in made.faults if fault["kind"] == "months_only")
    assert 0 < abs(found["person_days"] - clean["person_days"]) <= bound["person_days"]
    assert 0 <= clean["leavers"] - found["leavers"] <= bound["leavers"]


def largest_shift(amount: float, lost: float) -> float:
    """The most that the logarithm of ``amount`` can move when up to ``lost`` is taken off or added."""
    return math.log(amount / (amount - lost)) if lost < amount else math.inf


def test_every_fault_that_stops_is_named_at_once(tmp_path):
    for seed in (1, 2):
        _, folder = written(tmp_path / str(seed), "all", seed)
        findings, cohort = check_cohort(folder)
        assert cohort is None
        faults = as_planted(folder, findings)
        wanted = {kind.code for kind in KINDS.values() if kind.group == "error"}
        assert {fault["code"] for fault in faults} >= wanted == {finding.code for finding in findings.errors}


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.group == "alone"])
def test_faults_that_hide_all_others_are_named(kind, tmp_path):
    _, folder = written(tmp_path, [kind], 3)
    findings, cohort = check_cohort(folder)
    assert cohort is None
    as_planted(folder, findings)
    assert {finding.code for finding in findings.errors} == {KINDS[kind].code}


def test_without_faults_the_extracts_give_back_the_cohort(tmp_path):
    made, folder = written(tmp_path, "none", 4)
    findings, cohort = read(folder)
    as_planted(folder, findings)
    clean = read(made.clean().write(tmp_path / "clean"))[1]
    for name, columns in {"incidents": ["dept_id", "occurred", "reported", "harm"], "exposure": ["dept_id", "month", "patient_days", "staffed_wte"],
                          "matches": ["match_id", "mentor_id", "mentee_id", "start", "end"], "staff": ["staff_id", "birth_year", "profession"],
                          "rollout": ["dept_id", "active_from"], "sessions": ["match_id", "date", "status"]}.items():
        ours, theirs = (table.table(name)[columns].sort_values(columns, ignore_index=True) for table in (cohort, clean))
        assert ours.astype(str).equals(theirs.astype(str)), name
    scores = [table.table("surveys").query("instrument == 'WHO-5' or instrument == 'MBI'") for table in (cohort, clean)]
    keys = [table.assign(wave=table["wave"].astype(int)).set_index(["staff_id", "wave", "instrument"])["score"].sort_index() for table in scores]
    assert keys[0].astype(float).equals(keys[1].astype(float))


def test_the_same_seed_gives_the_same_bytes_and_one_kind_more_leaves_the_others(tmp_path):
    def hashes(folder):
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}

    first = hashes(written(tmp_path / "a", "repairable", 2)[1])
    second = hashes(simulate_cohort("messy", seed=2, **SIZE).write(tmp_path / "b"))
    assert first == second and "keys/people_key.csv" in first and "faults.json" in first
    few, more = (drawn(2).with_faults(kinds).faults for kinds in (["person_rows"], ["person_rows", "gender_missing"]))
    assert [fault for fault in more if fault["kind"] == "person_rows"] == [fault for fault in few if fault["kind"] == "person_rows"]


def test_unknown_faults_are_refused_and_other_scenarios_have_none():
    for call in ({"scenario": "messy", "faults": ["no_such"]}, {"scenario": "messy", "faults": "some"}, {"faults": "all"}):
        with pytest.raises(UsageError):
            simulate_cohort(**call)


def test_faults_json_says_of_every_fault_what_it_is(tmp_path):
    _, folder = written(tmp_path, "repairable", 2)
    told = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
    for fault in told["faults"]:
        assert set(fault) == {"kind", "code", "file", "rows", "column", "what", "undone", "bound"} and fault["what"]
        assert fault["undone"] == (fault["bound"] is None)
    planted_kinds = {fault["kind"] for fault in told["faults"]}
    assert {name for name, kind in KINDS.items() if kind.group in ("exact", "lossy")} == planted_kinds - {"between_lists"}
