"""User journeys: figures and tables of a publication, and the appendix pack of a journal, through the command line on small runs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from mentorship_eval import simulate_cohort
from tests.program import call
from tests.report.shared_run import RunOnce

ITEMS = ("retention.forest", "retention.cif", "retention.audit", "retention.still_employed", "retention.flow", "repair_log")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_figures_and_tables_of_a_publication(ran: RunOnce, tmp_path, capsys):
    only = [word for name in ITEMS for word in ("--only", name)]
    code, out, err = call(capsys, "appendix", ran.run, "--journal", "plos", "--out", tmp_path / "S1", *only)
    assert code == 0, err
    place = tmp_path / "S1"
    assert out.splitlines()[-1] == str(place / "index.csv")
    # TIFF at 300 to 600 dpi within 19.05 cm, flat, and no higher than a page
    pictures = sorted((place / "figures").glob("*.tiff"))
    assert [path.name for path in pictures] == [f"S{n}_Fig.tiff" for n in range(1, 5)]
    for path in pictures:
        with Image.open(path) as picture:
            across, down = picture.info["dpi"]
            assert 300 <= across <= 600 and picture.mode == "RGB" and picture.info["compression"] == "tiff_lzw"
            assert picture.width / across * 2.54 <= 19.06 and picture.height / down * 2.54 <= 22.23
        assert path.stat().st_size < 10e6 and path.with_suffix(".pdf").read_bytes().count(b"/FontFile2") >= 1
    # whatever breaks a rule is named on the terminal with the rule; only the typeface can
    rules = _rows(place / "rules.csv")
    assert {row["rule"] for row in rules} <= {"fonts"}
    assert ("break fonts: DejaVu Sans; allowed: Arial" in out) == bool(rules)
    # at-risk table and source data are those that the run published, protected
    published = {path.read_text(encoding="utf-8") for path in (ran.run / "tables").glob("retention-cif*.csv")}
    assert {path.read_text(encoding="utf-8") for path in (place / "data").glob("S*_Fig_*risk.csv")} <= published
    captions = {row["item"]: row for row in _rows(place / "captions.csv")}
    assert all(re.search(r"\d", row["alt_text"]) for label, row in captions.items() if "Fig" in label)
    text = (place / "appendix.md").read_text(encoding="utf-8")
    assert "lifelines" in text and "two-sided" in text and all(label in text for label in captions)
    assert str(ran.out) not in text and str(tmp_path) not in text
    checks = {row["Item"]: row for row in _rows(place / "checklists" / "strobe.csv")}
    assert "02_retention.html#exhibit-retention-flow" in checks["13a"]["Where"] and checks["13a"]["Status"] == "in the report"
    assert checks["22"]["Status"] == "author to complete"
    page = (ran.run / "02_retention.html").read_text(encoding="utf-8")
    for anchor in re.findall(r"02_retention\.html#([\w-]+)", "; ".join(row["Where"] for row in checks.values())):
        assert f'id="{anchor}"' in page, anchor
    # the run is as it was
    code, _, _ = call(capsys, "verify", ran.run)
    assert code == 0


@pytest.fixture
def opensafely_run(tmp_path, own_cache, capsys) -> Path:
    made = simulate_cohort(departments=8, staff=300, months=18, seed=3)
    cohort = made.write(tmp_path / "c2024")
    study = yaml.safe_load((cohort / "study.yaml").read_text(encoding="utf-8"))
    study["disclosure"] = "opensafely"
    (cohort / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    code, _, err = call(capsys, "run", cohort, "--out", tmp_path / "reports", "--chapters", "cohort")
    assert code == 0, err
    return tmp_path / "reports" / "c2024"


def test_the_pack_of_a_run_under_opensafely(opensafely_run: Path, ran: RunOnce, capsys):
    code, out, err = call(capsys, "appendix", opensafely_run, "--journal", "plos", "--disclosure", "opensafely")
    assert code == 0, err
    index = Path(out.splitlines()[-1])
    assert index.parent.name.endswith("-appendix-plos") and index.parent.parent == opensafely_run
    files = {row["file"] for row in _rows(index)}
    assert {"figures/S1_Fig.tiff", "tables/S1_Table.docx", "tables/S1_Table.tex", "appendix.docx", "methods.txt", "checklists/record.csv"} <= files
    assert "nearest 5" in (index.parent / "methods.txt").read_text(encoding="utf-8")
    # a run that was protected by another rule is refused: it cannot be protected again without the data
    code, _, err = call(capsys, "appendix", ran.run, "--disclosure", "opensafely")
    assert code == 2 and "disclosure: opensafely" in err and len(err.strip().splitlines()) == 1
