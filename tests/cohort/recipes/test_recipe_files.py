"""Recipes as files: shipped ones, those that a user writes by copying, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentorship_eval.cohort.reading.findings import Findings
from mentorship_eval.cohort.recipes.load import load_recipe, recipe_names, recipe_text
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.recipes.pages import generated_list
from mentorship_eval.cohort.schema.tables import TABLES
from tests.cohort.folders import one
from tests.cohort.recipes.exports import SAFE, accepted, refused, rows, safety

EXPORT = "Nr,Place,Day,Grade\n1,d1,2022-01-10,mild\n2,d2,2022-02-11,none\n2,d2,2022-02-11,none\n3,d2,2022-02-12,mild\n"
MINE = """title: Ours
fits: Our export
notes: Of our own system.
tables:
  incidents:
    columns:
      incident_id: Nr
      dept_id: [Ward, Place]
      occurred: Day
      harm: Grade
    values:
      harm: {mild: low}
    one_row_per:
      - {by: incident_id, reason: twice in the export}
"""
OWN = {
    "study.yaml": safety("  incidents: {file: e.csv, recipe: recipes/mine.yaml}\n  exposure: exposure.csv\n"),
    "recipes/mine.yaml": MINE,
    "e.csv": EXPORT,
    **{name: text for name, text in SAFE.items() if name != "incidents.csv"},
}


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_can_be_read_and_says_what_it_needs(name: str) -> None:
    findings = Findings()
    loaded = load_recipe(name, Path("nowhere"), findings)
    assert loaded is not None, str(findings)
    recipe = loaded.recipe
    assert len(recipe.title) > 10 and len(recipe.notes) > 200 and recipe.drop
    for table, how in recipe.tables.items():
        assert how.file, f"{table}: a hint at the file"
        made = {*how.columns, *how.constants, *(how.key.columns if how.key else ())}
        shape = {"start", "end"} if how.snapshots else {"month", "patient_days"} if how.stays else set()
        shape |= {"instrument", "subscale", "score"} if how.scales is not None else set()
        assert set(TABLES[table].required) - {"profession"} <= made | shape, table
        for column, values in how.values.items():
            allowed = TABLES[table][column].categories if column in TABLES[table] else ()
            assert not allowed or set(values.values()) <= set(allowed), (table, column)
        for column, prefixes in how.prefixes.items():
            assert set(prefixes.map.values()) <= set(TABLES[table][column].categories)
        for names in (*how.columns.values(), *how.helpers.values()):
            assert names[0] in recipe.notes or any(other in recipe.notes for other in names) or names[0] in _OPTIONAL, (table, names)


# columns that are taken along where they are there, and need no word
_OPTIONAL = {
    "Gender", "Ethnicity", "Ethnic Origin", "Grade", "Year Of Birth", "Year of Birth", "Company", "Worker Status", "Legal Employer", "Profession",
    "RM04", "Track", "Location Type", "Meeting Type", "A001_InvolvedAgents", "Worker Sub-Type", "End Reason", "completed_on",
}  # fmt: skip


def test_a_recipe_of_the_user(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, OWN)
    assert rows(cohort.table("incidents"), "incident_id", "dept_id", "harm") == [("1", "d1", "low"), ("2", "d2", "none"), ("3", "d2", "low")]
    assert "mine.yaml" in cohort.files["file"].tolist()
    other = accepted(tmp_path / "2", {**OWN, "recipes/mine.yaml": MINE.replace("mild: low", "mild: moderate")})
    assert other.hash != cohort.hash


@pytest.mark.parametrize("name", recipe_names())
def test_a_copy_works_as_the_shipped_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(recipe_text(name), encoding="utf-8")
    findings = Findings()
    shipped, mine = load_recipe(name, tmp_path, findings), load_recipe("mine.yaml", tmp_path, findings)
    assert shipped is not None and mine is not None and mine.recipe == shipped.recipe


def test_the_study_overrides_the_recipe(tmp_path: Path) -> None:
    more = "columns: {dept_id: Other}, values: {harm: {MILD: severe}}, settings: {one_row_per: []}, dates: '%d.%m.%Y'"
    data = "Nr,Place,Other,Day,Grade\n1,dx,d1,10.01.2022,mild\n2,dx,d2,11.02.2022,none\n3,dx,d2,12.02.2022,mild\n"
    study = OWN["study.yaml"].replace("recipe: recipes/mine.yaml", f"recipe: recipes/mine.yaml, {more}")
    cohort = accepted(tmp_path, {**OWN, "study.yaml": study, "e.csv": data})
    assert rows(cohort.table("incidents"), "dept_id", "occurred", "harm") == [
        ("d1", "2022-01-10", "severe"),
        ("d2", "2022-02-11", "none"),
        ("d2", "2022-02-12", "severe"),
    ]
    # what the user maps is no repair of ours
    assert cohort.repair_log.empty


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "fix"),
    [
        ("columns:", "colums:", 6, "unknown key 'colums'", "Did you mean 'columns'?"),
        ("  incidents:", "  incident:", 5, "there is no such table", "Did you mean 'incidents'?"),
        ("occurred: Day", "occured: Day", 9, "incidents has no column 'occured'", "Did you mean 'occurred'?"),
        ("      harm: {mild: low}", "      ham: {mild: low}", 12, "'ham' is neither under columns nor under helpers", "Did you mean 'harm'?"),
        ("by: incident_id", "by: incidentid", 14, "'incidentid' is neither", "Did you mean 'incident_id'?"),
        ("reason: twice in the export", "reson: twice", 14, "unknown key 'reson'", "Did you mean 'reason'?"),
        ("title: Ours\n", "", 1, "title: this key is missing", ""),
        ("fits: Our export", "fits: [", 3, "not valid YAML", "Mend that line."),
        ("by: incident_id,", "by: incident_id, largest: Nr, latest: Nr,", 14, "name only one of largest", ""),
        ("tables:", "drop: yes\nfits: twice\ntables:", 5, "the key 'fits' is written twice", ""),
    ],
)
def test_mistakes_in_a_recipe_are_told_with_their_line(tmp_path: Path, old: str, new: str, line: int, message: str, fix: str) -> None:
    found = refused(tmp_path, {**OWN, "recipes/mine.yaml": MINE.replace(old, new, 1)}).of("E010")
    told = [item for item in found if message in item.message]
    assert told, "\n".join(map(str, found))
    assert told[0].file == "mine.yaml" and fix in told[0].fix
    assert abs(told[0].rows[0] - line) <= 1, str(told[0])


@pytest.mark.parametrize(
    ("old", "new", "file", "said"),
    [
        ("recipes/mine.yaml", "esr2", "study.yaml", "there is no recipe 'esr2'"),
        ("recipes/mine.yaml", "recipes/other.yaml", "other.yaml", "the recipe cannot be read"),
        ("recipe: recipes/mine.yaml", "recipe: esr", "study.yaml", "the recipe esr does not make incidents"),
        ("recipe: recipes/mine.yaml", "settings: {keep: {}, one: 1}", "study.yaml", "settings are those of a recipe"),
        ("mine.yaml", "mine.yaml, settings: {columns: {harm: X}}", "study.yaml", "columns is a key of the table itself"),
        ("mine.yaml", "mine.yaml, settings: {kep: 1}", "study.yaml", "unknown key 'kep'"),
        ("mine.yaml", "mine.yaml, settings: {keep: {hrm: {keep: [a]}}}", "study.yaml", "'hrm' is not a name of the recipe"),
    ],
)
def test_mistakes_in_the_study(tmp_path: Path, old: str, new: str, file: str, said: str) -> None:
    finding = one(refused(tmp_path, {**OWN, "study.yaml": OWN["study.yaml"].replace(old, new)}), "E010")
    assert said in finding.message and finding.file == file


def test_an_unknown_recipe_is_told_with_the_nearest() -> None:
    findings = Findings()
    assert load_recipe("datx", Path("."), findings) is None
    assert one(findings, "E010").fix == "Did you mean 'datix'?"


def test_identifiers_that_the_recipe_does_not_name_still_stop(tmp_path: Path) -> None:
    export = EXPORT.replace("Grade", "Grade,Seen by").replace("mild", "mild,q@trust.example").replace("none", "none,")
    findings = refused(tmp_path, {**OWN, "e.csv": export})
    assert one(findings, "E121").column == "Seen by" and "trust.example" not in str(findings)
    dropped = MINE.replace("tables:", 'drop: ["Seen *"]\ntables:')
    cohort = accepted(tmp_path / "2", {**OWN, "e.csv": export, "recipes/mine.yaml": dropped})
    assert "trust.example" not in cohort.repair_log.to_csv()


def test_the_page_lists_what_is_shipped() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "recipes.md").read_text(encoding="utf-8")
    head, made = page.split("<!-- generated -->\n")
    assert made.strip() == generated_list().strip(), "python tools/recipes.py rewrites it"
    for key in set(TableRecipe.model_fields) - {"file", "optional"}:
        assert f"`{key}`" in head or f"{key}:" in head, key


def test_a_name_that_no_recipe_can_have(tmp_path: Path) -> None:
    study = OWN["study.yaml"].replace("recipes/mine.yaml", '"a/\\0b.yaml"')
    assert "cannot be read" in one(refused(tmp_path, {**OWN, "study.yaml": study}), "E010").message


def test_a_file_that_is_no_recipe_is_not_quoted(tmp_path: Path) -> None:
    # it may be any file that the user may read, the key of the pseudonyms among them
    for number, text in enumerate(("mentorship-eval-key-1 0f3d9a\n", "- 0f3d9a\n")):
        findings = refused(tmp_path / str(number), {**OWN, "recipes/mine.yaml": text})
        assert "holds no keys" in one(findings, "E010").message and "0f3d9a" not in str(findings)
