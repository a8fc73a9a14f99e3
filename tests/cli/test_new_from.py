"""``mentorship-eval new --from``: a folder for the exports of one or several systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentorship_eval.cohort.cohort import check_cohort
from mentorship_eval.cohort.recipes.load import recipe_names
from mentorship_eval.cohort.study.document import load_study
from tests.cohort.recipes.exports import put
from tests.cohort.recipes.test_people import FEBRUARY, JANUARY, LEAVERS, MARCH
from tests.cohort.recipes.test_platforms import no_secret
from tests.program import call


def new(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    return call(capsys, "new", folder, *words)


@pytest.mark.parametrize("name", recipe_names())
def test_the_study_of_every_recipe_can_be_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = new(capsys, tmp_path / "c", "--from", name)
    assert (code, Path(out.strip())) == (0, tmp_path / "c")
    study = load_study(tmp_path / "c")
    assert any(table.recipe == name for table in study.tables.values())
    written = (tmp_path / "c" / "RECIPES.md").read_text(encoding="utf-8")
    assert name in written and (tmp_path / "c" / "recipes" / f"{name}.yaml").is_file()
    for table in study.tables.values():
        assert table.recipe or (tmp_path / "c" / table.files[0]).is_file()
    # every commented option, taken in by itself, is one that the study takes
    text = (tmp_path / "c" / "study.yaml").read_text(encoding="utf-8").splitlines()
    for i, line in enumerate(text):
        if line.startswith(("  #   dates:", "  #   settings:")) and "${" not in line:
            put(tmp_path / "c", {"study.yaml": "\n".join([*text[:i], line.replace("# ", "", 1), *text[i + 1 :]])})
            load_study(tmp_path / "c")


def test_several_systems_make_one_cohort(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "c"
    assert new(capsys, folder, "--from", "esr", "--from", "datix", "--from", "adt", "--from", "mentorloop")[0] == 0
    text = (folder / "study.yaml").read_text(encoding="utf-8").replace("2022-01-01", "2023-01-01").replace("2024-12-31", "2023-03-31")
    for table in ("staff", "spells"):
        text = text.replace(f"  {table}:\n    file: staff_in_post/*.csv\n", f'  {table}:\n    file: staff_in_post/*.csv\n    dates: "%d/%m/%Y"\n')
    files = {
        "study.yaml": text + "disclosure: none\n",
        "staff_in_post/202301.csv": JANUARY,
        "staff_in_post/202302.csv": FEBRUARY,
        "staff_in_post/202303.csv": MARCH,
        "leavers.csv": LEAVERS,
        "incidents.csv": "ID,Incident date,Location (exact),Severity\n1,2023-02-10,Ward 1,Low\n",
        "adt/one.csv": "unit,in_time,out_time\nWard 1,2023-01-03 10:00,2023-03-29 10:00\nWard 2,2023-01-03 10:00,2023-03-30 10:00\n",
        "mentorloop_loops.csv": "Loop ID,Mentor Email,Mentee Email,Match Date\nL1,xerxes@trust.example,zoraida@trust.example,2023-02-01\n",
        "mentorloop_mqs.csv": "Loop ID,Submitted,Role,MQS\nL1,2023-03-01,mentee,80\n",
        "people_key.csv": "email,staff_id\nxerxes@trust.example,a3\nzoraida@trust.example,a1\n",
        "rollout.csv": "dept_id,active_from\nWard 1,2023-02-01\nWard 2,\n",
    }
    findings, cohort = check_cohort(put(folder, files))
    assert cohort is not None, str(findings)
    cohort.reconcile()
    assert set(cohort.tables) == {"staff", "spells", "incidents", "exposure", "matches", "feedback", "rollout"}
    assert not cohort.missing_for("retention") and not cohort.missing_for("incidents")
    no_secret("".join(frame.to_csv() for frame in cohort.tables.values()) + cohort.repair_log.to_csv() + str(findings))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "datx"), "Did you mean 'datix'?"),
        (("--from", "nothing"), "There is no recipe 'nothing'"),
        (("--from", "datix", "--from", "nrls"), "datix and nrls both make incidents"),
        (("--from", "esr", "--like", "demo"), "exclude each other"),
    ],
)
def test_wrong_use_is_one_line_and_leaves_nothing(words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = new(capsys, tmp_path / "c", *words)
    assert code == 2 and out == "" and said in err.splitlines()[-1]
    assert not (tmp_path / "c").exists()
    if "no recipe" in err:
        assert all(any(line.startswith(name) for line in err.splitlines()) for name in recipe_names())


def test_the_list_of_recipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = new(capsys, tmp_path / "c", "--from", "list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == recipe_names()
    assert not (tmp_path / "c").exists()
