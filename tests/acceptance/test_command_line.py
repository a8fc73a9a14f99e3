"""What a user meets at the terminal: verbs, exit codes, and one clear message for each kind of bad input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort import read_cohort
from mentorship_eval.questions import summary
from mentorship_eval.questions.domains import DOMAINS
from mentorship_eval.report.parameters import NOTEBOOKS
from mentorship_eval.report.stored import load_answers
from tests.cohort.folders import PEOPLE, SAFETY, write
from tests.program import call
from tests.report.shared_run import ROOT, RunOnce

EVERYTHING = {**PEOPLE, **SAFETY, "study.yaml": """
study: {name: Small, start: 2022-01-01, end: 2022-12-31}
tables: {staff: staff.csv, spells: spells.csv, matches: matches.csv, departments: departments.csv,
  incidents: incidents.csv, exposure: exposure.csv, rollout: rollout.csv}
disclosure: none
""", "departments.csv": "dept_id,site_id\nd1,x\nd2,x\n"}  # fmt: skip

BAD = {
    "unknown key": ({"study.yaml": PEOPLE["study.yaml"].replace("disclosure", "disclosur")}, ["study.yaml", "disclosur", "disclosure"]),
    "missing column": ({"spells.csv": PEOPLE["spells.csv"].replace("start,", "began,")}, ["spells.csv", "start", "E004"]),
    "ambiguous date": (
        {"spells.csv": PEOPLE["spells.csv"].replace("2022-02-01", "03/04/2022")}, ["spells.csv:2:start", "03/04/2022", "E106"]
    ),
    "end before start": (
        {"spells.csv": PEOPLE["spells.csv"].replace("2022-10-01", "2022-01-15")}, ["spells.csv:2:", "E105"]
    ),
    "unknown department": (
        {"incidents.csv": SAFETY["incidents.csv"].replace("i3,d2", "i3,d9")}, ["incidents.csv:4:dept_id", "d9", "E109"]
    ),
    "unreadable file": ({"staff.csv": b"\x00\xff\xfe\x01\x02\x00\x9f" * 40}, ["staff.csv", "E0"]),
    "empty table": ({"matches.csv": "match_id,mentor_id,mentee_id,start,end\n"}, ["matches.csv", "E003"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gives_one_message_and_leaves_nothing(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, words = BAD[kind]
    folder = write(tmp_path / "cohort", {**EVERYTHING, **changed})
    code, out, err = call(capsys, "run", folder, "--out", tmp_path / "reports")
    assert code == 1, err
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("mentorship-eval:")]
    assert len(lines) == 1
    assert "Traceback" not in err
    for word in words:
        assert word in lines[0], lines[0]
    assert not (tmp_path / "reports").exists()
    code, out, _ = call(capsys, "check", folder)
    assert code == 1
    for word in words:
        assert word in out, out


def test_check_of_a_good_cohort(ran: RunOnce, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", ran.cohort)
    assert code == 0
    assert "This cohort answers: retention, incidents, equity, delivery." in out
    code, out, _ = call(capsys, "check", ran.cohort, "--json")
    assert code == 0
    assert isinstance(json.loads(out), list)


def test_check_as_json_names_file_row_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, _ = BAD["ambiguous date"]
    code, out, _ = call(capsys, "check", write(tmp_path / "cohort", {**EVERYTHING, **changed}), "--json")
    assert code == 1
    (finding,) = [item for item in json.loads(out) if item["severity"] == "E"]
    assert (finding["code"], finding["file"], finding["rows"], finding["column"]) == ("E106", "spells.csv", [2], "start")


def test_run_ends_with_the_path_of_the_index(ran: RunOnce, capsys: pytest.CaptureFixture[str]) -> None:
    os.environ["MENTORSHIP_EVAL_CACHE"], before = str(ran.cache), os.environ.get("MENTORSHIP_EVAL_CACHE")
    try:
        code, out, err = call(capsys, "run", ran.cohort, "--out", ran.out)
    finally:
        del os.environ["MENTORSHIP_EVAL_CACHE"]
        if before is not None:
            os.environ["MENTORSHIP_EVAL_CACHE"] = before
    assert code == 0
    assert out.splitlines()[-1] == str(ran.run / "index.html")
    assert "truth" in out
    assert "that report stands" in err


def numbers_in(text: str) -> list[float]:
    return [float(each.replace("−", "-").replace(",", "")) for each in re.findall(r"[−-]?[\d,]+\.?\d*", text)]


def test_the_scorecard_has_four_domains_with_the_numbers_of_the_estimates(ran: RunOnce) -> None:
    rows = pd.read_csv(ran.run / "estimates.csv").set_index("id")
    page = (ran.run / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r'<article class="domain.*?</article>', page, re.DOTALL)
    answers, _ = load_answers(ran.run)
    table = answers["summary"].exhibit("summary.scorecard").frames["rows"]
    assert len(cards) == 4 and list(dict.fromkeys(table["domain"])) == [each.title for each in DOMAINS]
    seen = 0
    for domain, card in zip(DOMAINS, cards, strict=True):
        lines = table[table["domain"] == domain.title]
        headlines = [r for r in answers[domain.chapter].results if r.role == "headline"] if domain.chapter in answers else []
        items = re.findall(r"<li>\s*<h4.*?</li>", re.sub(r"<svg.*?</svg>", "", card, flags=re.DOTALL), re.DOTALL)
        assert len(items) == len(headlines)
        if not headlines:
            assert "no estimate" in card and lines["estimate"].isna().all() and lines["says"].str.len().gt(20).all()
            continue
        assert lines["what"].tolist() == [r.full_label for r in headlines]
        for item, result, line in zip(items, headlines, lines.itertuples(), strict=True):
            row = rows.loc[result.id]
            assert (line.estimate, line.ci_low, line.ci_high) == pytest.approx((row["estimate"], row["ci_low"], row["ci_high"]), rel=1e-9)
            [shown] = numbers_in(re.search(r'<p class="number">([^<]*)', item)[1])
            _, low, high = numbers_in(re.search(r'<p class="interval">([^;<]*)', item)[1])
            assert (shown, low, high) == pytest.approx((row["estimate"], row["ci_low"], row["ci_high"]), abs=0.0051)
            seen += 1
    assert seen >= 3


def test_a_domain_on_the_scorecard_has_its_own_headlines_and_no_others(ran: RunOnce) -> None:
    """All four answered: each has the estimates of its chapter, whatever order they come in, and what is no headline stays out."""
    answers, _ = load_answers(ran.run)
    [first, *_], [other, *_] = (
        [r for r in answers["retention"].results if r.role == role and r.estimate.value == r.estimate.value] for role in ("headline", "companion")
    )
    made = {}
    for number, domain in reversed(list(enumerate(DOMAINS))):
        mine = replace(first, id=f"{domain.chapter}.one", estimate=replace(first.estimate, value=0.5 + number, ci_low=0.4, ci_high=number + 1.0))
        made[domain.chapter] = replace(answers["retention"], chapter=domain.chapter, results=(other, mine))
    frame = summary.answer(read_cohort(ran.cohort), made).exhibit("summary.scorecard").frames["rows"]
    assert frame["domain"].tolist() == ["Retention", "Safety", "Innovation", "Wellbeing"]
    assert frame["told"].tolist() == [f"{domain.chapter}.one" for domain in DOMAINS]
    assert frame["estimate"].tolist() == [0.5, 1.5, 2.5, 3.5] and frame["ci_high"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fly"], "No such command 'fly'"),
        (["run"], "Missing argument 'COHORT'"),
        (["run", "x", "--jobs", "0"], "--jobs"),
        (["run", "x", "--chapters", "retentoin"], "The chapters are cohort, retention"),
        (["simulate", "there", "--scenario", "nul"], "no scenario 'nul'"),
        (["run", "x", "--color"], "--color"),
        (["power"], "power needs a cohort or a design on paper"),
    ],
)
def test_wrong_use_is_code_2(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *words)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_cohort_that_is_not_there_is_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("run", "check"):
        code, out, err = call(capsys, verb, tmp_path / "nowhere")
        assert code == 1
        assert "nowhere" in out + err


def test_our_own_failure_is_code_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mentorship_eval.cli import checking

    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(checking, "check_folder", broken)
    code, _, err = call(capsys, "check", tmp_path)
    assert code == 3
    assert "Traceback" not in err
    assert "--debug" in err
    code, _, err = call(capsys, "check", tmp_path, "--debug")
    assert code == 3
    assert "Traceback" in err


def test_new_makes_a_folder_that_check_understands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "our ward"
    code, out, _ = call(capsys, "new", folder)
    assert (code, out.strip()) == (0, str(folder))
    assert {"study.yaml", "staff.csv", "spells.csv", "DATA_DICTIONARY.md", "templates"} <= {path.name for path in folder.iterdir()}
    code, out, _ = call(capsys, "check", folder)
    assert code == 1
    errors = {line.split()[1] for line in out.splitlines() if "  E" in line}
    assert errors == {"E003"}, "the skeleton itself is wrong, not only empty"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, _, err = call(capsys, "new", folder)
    assert code == 2
    assert "not empty" in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_new_like_another_cohort(ran: RunOnce, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "new", tmp_path / "next", "--like", ran.cohort)[0] == 0
    text = (tmp_path / "next" / "study.yaml").read_text(encoding="utf-8")
    assert "harm_incidents" in text
    assert (tmp_path / "next" / "exposure.csv").read_text(encoding="utf-8").count("\n") == 1


def test_simulate_writes_a_cohort_with_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "simulate", tmp_path / "sim", "--scenario", "tiny_programme", "--seed", "4")
    assert (code, out.strip()) == (0, str(tmp_path / "sim"))
    assert json.loads((tmp_path / "sim" / "truth.json").read_text())["seed"] == 4
    assert call(capsys, "simulate", tmp_path / "sim")[0] == 2
    assert call(capsys, "check", tmp_path / "sim")[0] == 0


def test_power_of_a_cohort_as_it_was_rolled_out(ran: RunOnce, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("power", ran.cohort, "--replicates", 20, "--ratios", "0.4,1.6")
    code, out, err = call(capsys, *words)
    assert code == 0, err
    said = " ".join(out.split())
    assert out.splitlines()[0].endswith(": harm per patient days"), out
    assert "8 departments over" in said
    assert "no effect: the size of the test" in said
    assert "20 simulations, seed 0" in said
    assert call(capsys, *words)[1] == out, "the same seed tells something else"
    code, out, _ = call(capsys, *words, "--outcome", "no_harm", "--json")
    assert code == 0
    assert "no harm per patient days" in json.loads(out)["title"]


def test_power_of_a_design_on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    paper = ("power", "--departments", 14, "--months", 18, "--exposure", 900, "--rate", 3, "--waves", "7:4,11:4")
    code, out, err = call(capsys, *paper, "--replicates", 20, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["design"]["units"] == 14
    half, none = (next(row["power"] for row in told["table"] if row["ratio"] == ratio) for ratio in (0.5, 1.0))
    assert half > 0.8 > 0.4 > none
    code, out, err = call(capsys, *paper[:5], "--rate", 3)
    assert (code, out) == (2, "")
    assert "--exposure" in err
    assert "--waves" in err
    assert list(tmp_path.iterdir()) == []


def test_lab_never_writes_over_a_users_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "books"
    assert call(capsys, "lab", "--copy-only", "--dir", folder)[0] == 0
    assert {path.stem for path in folder.glob("*.ipynb")} == set(NOTEBOOKS.values())
    (folder / "01_cohort.ipynb").write_text("mine")
    (folder / "02_retention.ipynb").unlink()
    code, _, err = call(capsys, "lab", "--copy-only", "--dir", folder)
    assert code == 0
    assert "copied 1" in err
    assert (folder / "01_cohort.ipynb").read_text() == "mine"
    assert (folder / "02_retention.ipynb").is_file()


def test_the_demo_is_the_cohort_that_was_designed() -> None:
    from mentorship_eval.cli.running import DEMO, resolve_cohort_of_package

    folder = resolve_cohort_of_package()
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    made = {name: tuple(value) if isinstance(value, list) else value for name, value in {**truth["parameters"], "seed": truth["seed"]}.items()}
    assert {name: made[name] for name in DEMO} == DEMO
    design = (ROOT / "docs" / "demo-design.md").read_text(encoding="utf-8")
    call_ = f"simulate_cohort({', '.join(f'{name}={value}' for name, value in DEMO.items())})"
    assert call_ in " ".join(design.split())


def test_the_demo_is_what_the_generator_makes(tmp_path: Path) -> None:
    from mentorship_eval import simulate_cohort
    from mentorship_eval.cli.running import DEMO, resolve_cohort_of_package

    made, stored = simulate_cohort(**DEMO).write(tmp_path / "demo"), resolve_cohort_of_package()
    names = sorted(path.name for path in stored.iterdir())
    assert names == sorted(path.name for path in made.iterdir()) and len(names) > 20
    assert [name for name in names if (made / name).read_bytes() != (stored / name).read_bytes()] == []


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from mentorship_eval.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'papermill', 'pydantic', 'jinja2', 'nbconvert'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("loaded: []")
    for verb in ("demo", "new", "check", "run", "power", "simulate", "lab"):
        assert f"\n  {verb} " in done.stdout
