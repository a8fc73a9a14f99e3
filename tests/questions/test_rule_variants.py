"""Rules for messy records, turned: each row is the analysis of the cohort read under the other rule, and a clean cohort has none of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval import read_cohort, simulate_cohort
from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.incidents.prepared import from_records
from mentorship_eval.questions.incidents.variants import variants as incident_variants
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.robustness.rule_variants import rule_variants
from tests.questions.cohorts import small

TURNED = {
    "primary_longest": {"primary": "longest"},
    "retire_return": {"retire_return": "stay"},
    "bank": {"bank": "leave"},
    "mass_ends": {"mass_ends": "administrative"},
    "lineage_off": {"lineage": "ignore"},
    "match_start": {"match_start": "missing"},
}


def messed(folder: Path) -> None:
    """Faults of every rule planted in the files of a simulated cohort."""
    simulate_cohort(seed=11, departments=10, staff=1200, months=24).write(folder)
    table = {name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in ("spells", "matches", "incidents", "exposure")}
    spells = table["spells"].assign(contract="permanent")
    closed = spells.index[(spells["end"] > "2022-06-01") & (spells["end"] < "2023-06-01")]
    # a second, smaller and longer post beside the first
    wards = sorted(spells["dept_id"].unique())
    elsewhere = spells.loc[closed[:25], "dept_id"].map(lambda dept: wards[0] if dept != wards[0] else wards[1])
    second = spells.loc[closed[:25]].assign(dept_id=elsewhere, wte="0.1", start="2021-03-01")
    # retired, and back after two months
    retired = closed[25:45]
    spells.loc[retired, "leaving_reason"] = "retirement"
    later = (pd.to_datetime(spells.loc[retired, "end"]) + pd.Timedelta(days=60)).dt.strftime("%Y-%m-%d")
    back = spells.loc[retired].assign(start=later, end="", leaving_reason="")
    # over to the bank the next day
    gone = closed[45:65]
    bank = spells.loc[gone].assign(start=spells.loc[gone, "end"], end="", leaving_reason="", contract="bank")
    # eight of one ward on one day
    ward = spells.index[(spells["dept_id"] == spells["dept_id"].iloc[0]) & (spells["end"] == "") & (spells["start"] < "2022-12-01")][:8]
    spells.loc[ward, ["end", "leaving_reason"]] = ["2023-03-31", "voluntary"]
    more = [frame.assign(spell_id=[f"{kind}{k}" for k in range(len(frame))]) for kind, frame in (("x", second), ("y", back), ("z", bank))]
    spells = pd.concat([spells, *more])
    # one ward takes another one in, neither of which has the programme
    rollout = pd.read_csv(folder / "rollout.csv", dtype=str, keep_default_na=False)
    never = rollout.loc[rollout["active_from"] == "", "dept_id"].tolist()[:2]
    (folder / "dept_lineage.csv").write_text(f"from_id,to_id,effective\n{never[0]},{never[1]},2023-01-01\n", encoding="utf-8")
    begun = table["matches"].index[table["matches"]["start"] != ""][:12]
    first = table["matches"].loc[begun]
    table["matches"].loc[begun, "start"] = ""
    (folder / "sessions.csv").write_text(
        "match_id,date,status\n" + "".join(f"{row.match_id},{row.start},held\n" for row in first.itertuples()), encoding="utf-8"
    )
    # two months of a ward without patient-days
    table["exposure"] = table["exposure"].drop(index=table["exposure"].index[[3, 4]])
    for name, frame in {**table, "spells": spells}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    study = (folder / "study.yaml").read_text(encoding="utf-8").replace("staff: staff.csv", "staff: staff.csv, dept_lineage: dept_lineage.csv")
    if "sessions:" not in study:
        study = study.replace("staff: staff.csv", "staff: staff.csv, sessions: sessions.csv")
    (folder / "study.yaml").write_text(study + "rules: {missing_exposure: exclude}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("messed") / "cohort"
    messed(path)
    return path


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    return read_cohort(folder)


@pytest.fixture(scope="module")
def study(cohort: Cohort) -> Prepared:
    return prepare(cohort)


def under(folder: Path, rules: dict[str, str]) -> Cohort:
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    words = ", ".join(f"{key}: {value}" for key, value in {"missing_exposure": "exclude", **rules}.items())
    (folder / "study.yaml").write_text(text.replace("rules: {missing_exposure: exclude}", f"rules: {{{words}}}"), encoding="utf-8")
    try:
        return read_cohort(folder)
    finally:
        (folder / "study.yaml").write_text(text, encoding="utf-8")


def test_all_rules_that_touched_the_cohort_are_turned(study: Prepared) -> None:
    assert [one.slug for one in rule_variants(study)] == list(TURNED)


@pytest.mark.parametrize("slug", TURNED)
def test_a_rule_turned_is_the_cohort_read_under_the_other_rule(study: Prepared, folder: Path, slug: str) -> None:
    variant = next(one for one in rule_variants(study) if one.slug == slug)
    fitted = variant.run(study)
    assert fitted.estimate is not None, fitted.same_because
    other = prepare(under(folder, TURNED[slug]))
    assert other.main is not None and study.main is not None
    assert fitted.estimate.value == pytest.approx(other.main.estimate.value, rel=1e-10)
    assert (fitted.persons, fitted.leavers) == (other.persons, other.leavers)
    changed = fitted.estimate.value != pytest.approx(study.main.estimate.value, rel=1e-6)
    assert changed or fitted.leavers != study.leavers, "the fault that was planted moves nothing"
    # and from the other rule there is a way back
    back = [one for one in rule_variants(other) if one.slug == ("primary_largest_wte" if slug.startswith("primary") else slug)]
    if slug in ("bank", "match_start"):
        assert back[0].run(other).estimate.value == pytest.approx(study.main.estimate.value, rel=1e-10)


def test_incidents_read_otherwise(cohort: Cohort, folder: Path) -> None:
    study = from_records(cohort)
    named = {one.name: one for one in incident_variants(study)}
    off = from_records(under(folder, {"lineage": "ignore"}))
    pd.testing.assert_frame_equal(named["lineage_off"].rows, off.rows)
    assert off.places == study.places + 1
    lacking = set(cohort.repair_log.loc[cohort.repair_log["code"] == "R111", "before"].str.split(" ").str[0])
    kept = named["units_with_exposure"].rows
    assert lacking and set(study.rows["dept_id"]) - set(kept["dept_id"]) == lacking


def test_a_clean_cohort_has_none(folder: Path) -> None:
    clean = small()
    assert list(rule_variants(prepare(clean))) == []
    assert not {"lineage_off", "all_months", "units_with_exposure"} & {one.name for one in incident_variants(from_records(clean))}


def test_without_the_files_it_is_said_and_not_a_crash(study: Prepared, tmp_path: Path) -> None:
    from dataclasses import replace

    from mentorship_eval.errors import DataError

    lost = replace(study, cohort=replace(study.cohort, folder=tmp_path / "gone"))
    with pytest.raises(DataError, match="cannot be read so"):
        next(iter(rule_variants(lost))).run(lost)


def test_shocks_leave_their_days_out(study: Prepared) -> None:
    from dataclasses import replace

    shock = pd.DataFrame({"label": ["Covid"], "start": [pd.Timestamp("2022-09-01")], "end": [pd.Timestamp("2022-11-30")], "scope": ["all"]})
    cohort = replace(study.cohort, tables={**study.cohort.tables, "calendar": shock})
    variant = next(one for one in rule_variants(replace(study, cohort=cohort)) if one.slug == "shock_1")
    fitted = variant.run(study)
    rows, hire = study.rows, study.rows["staff_id"].map(study.episodes.persons.set_index("staff_id")["hire"])
    day = hire + pd.to_timedelta(rows["stop"], unit="D")
    inside = (rows["event"] == 1) & (day >= shock["start"][0]) & (day <= shock["end"][0])
    assert inside.any()
    assert fitted.leavers == study.leavers - int(inside.sum())
