"""An equity report for publication: access, dose, pairs, promotion, gaps and their change on both scales; nowhere a group below the threshold, in no
file and no output of a notebook, and none to be had by subtraction from what is published.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from mentorship_eval.cli import main
from mentorship_eval.cohort import read_cohort, simulate_cohort
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.groups import ALL_GROUPINGS, slug
from mentorship_eval.report.stored import load_answers

pytestmark = pytest.mark.slow

ONLY = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "feedback", "career_events")
SHOWN = {  # what the journey asks for, and where it is told
    "equity": ("equity.reach.gender", "equity.ratio.ethnicity_group", "equity.dose.gender", "equity.concordance.gender", "equity.reach.table",
               "equity.reri.gender", "equity.interaction.gender", "equity.staying.table", "equity.promotion.ratio"),
    "careers": ("careers.promotion.by.gender", "careers.promotion.gender", "careers.senior.gender"),
}
SMALL = range(1, 11)  # of cms11
_CELL = re.compile(r"<t[dh][^>]*>\s*(\d[\d,]*)\s*</t[dh]>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = simulate_cohort("default", seed=4, departments=10, staff=800, months=30, waves=(4, 8), hazard=(0.04, 0.03, 0.022), outcomes=True,
                           promotion=0.15, promotion_mentored=0.2)  # fmt: skip
    study = {**made.study, "tables": {name: file for name, file in made.study["tables"].items() if name in ONLY}, "disclosure": {"profile": "cms11"}}
    return replace(made, tables={name: made.tables[name] for name in ONLY}, study=study).write(tmp_path_factory.mktemp("equity") / "cohort")


def _small(answer) -> list[tuple[str, str, float]]:
    """Counts below the threshold in results and in the declared columns of exhibits."""
    found = [(r.id, name, getattr(r.estimate, name)) for r in answer.results for name in ("n", "n_events") if getattr(r.estimate, name) in SMALL]
    for exhibit in answer.exhibits:
        for part, frame in exhibit.frames.items():
            counted = exhibit.counted.get(part)
            for column in counted.counts if counted else ():
                if column in frame:
                    values = pd.to_numeric(frame[column], errors="coerce")
                    found += [(exhibit.id, column, value) for value in values[values.isin(SMALL)]]
    return found


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("reports")
    with pytest.raises(SystemExit) as stop:
        main(["run", str(folder), "--out", str(reports), "--chapters", "equity,careers"])
    assert stop.value.code == 0
    return next(reports.rglob("answers.json")).parent


@pytest.fixture(scope="module")
def private(folder: Path) -> dict[str, Answer]:
    cohort = read_cohort(folder)
    return {name: answer_chapter(name, cohort) for name in SHOWN}


def test_the_report_has_access_dose_pairs_promotion_and_changes_on_both_scales(run: Path) -> None:
    answers = load_answers(run)[0]
    for chapter, beginnings in SHOWN.items():
        told = {r.id for r in answers[chapter].results if np.isfinite(r.estimate.value)} | {e.id for e in answers[chapter].exhibits}
        for beginning in beginnings:
            assert any(name.startswith(beginning) for name in told), beginning
    curve = answers["careers"].exhibit("careers.promotion.by.gender").frames["curve"]
    last = curve.dropna(subset=["estimate"]).groupby("by")["estimate"].last()
    assert set(last.index) == {"Female", "Male"} and last.between(0.05, 0.6).all()
    published = pd.read_csv(run / "estimates.csv").set_index("id")
    for name in ("equity.reri.gender.male", "equity.interaction.gender.male"):
        row = published.loc[name]
        assert row["ci_low"] < row["estimate"] < row["ci_high"]
    page = (run / "08_equity.html").read_text(encoding="utf-8")
    for words in ("excess risk of group and mentoring together (RERI)", "ratio of the hazard ratios of being mentored", "and its change"):
        assert words in page


def test_no_group_below_the_threshold_anywhere(run: Path, private: dict[str, Answer]) -> None:
    answers = load_answers(run)[0]
    for chapter, answer in private.items():
        assert _small(answer), "the cohort has nothing to hide, so that this would prove nothing"
        assert not _small(answers[chapter])

    for file in run.rglob("*.csv"):
        if file.name in ("disclosure_log.csv", "repair_log.csv"):
            continue
        frame = pd.read_csv(file)
        for column in {"people", "matched", "others", "mentees", "sessions", "pairs", "alike", "different", "free", "senior", "n", "n_events",
                       "n_risk", "n_event"} & set(frame):  # fmt: skip
            assert not pd.to_numeric(frame[column], errors="coerce").isin(SMALL).any(), (file.name, column)
    # the table of estimates counts departments too; what it says of people stands in estimates.csv, just read
    for name in ("06_careers", "08_equity"):
        cells = re.split(r"<h2[^>]*>\s*Estimates", (run / f"{name}.html").read_text(encoding="utf-8"))[0]
        for cell in json.loads((run / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []) if "chapter.estimates()" not in "".join(cell["source"]) else []:
                cells += "".join(output.get("data", {}).get("text/html", []))
        numbers = [int(text.replace(",", "")) for text in _CELL.findall(cells)]
        assert len(numbers) > 50 and not set(numbers) & set(SMALL)
    log = pd.read_csv(run / "disclosure_log.csv")
    assert {"equity", "careers"} <= set(log["chapter"]) and not log["why"].str.contains("still narrow").any()


# -- subtraction --------------------------------------------------------------------------------------------------------------------

# tables of groups: exhibit, the characteristic it is of (None: a column says so), columns, which of them add up in a row, beginning of the results
# that count a group and the largest one together, and which columns their n and n_events are sums of
TABLES = [
    ("equity", "equity.reach.table", None, ("people", "matched", "others"), True, "equity.reach", ("people", "matched")),
    ("equity", "equity.dose.table", None, ("mentees", "sessions"), False, "equity.dose", ("mentees", "sessions")),
    *(("careers", f"careers.senior.{name}", name, ("people", "senior", "others"), True, "careers.senior", ("people", "senior"))
      for name in ("gender", "ethnicity_group", "profession", "career_stage")),
]  # fmt: skip
NAMES = {**ALL_GROUPINGS, "gender_ethnicity": "Gender and ethnic group"}


def recovered(answers: dict[str, Answer], private: dict[str, Answer]) -> tuple[list[tuple], int]:
    """Small counts of which subtraction leaves less than the rule does, and how many were attacked. The attacker takes every cell and every size of a
    result that ``answers`` tell, and that the groups of each characteristic are everybody once; ``private`` says only what was to be hidden.
    """
    found, attacked = [], 0
    for chapter, exhibit, only, columns, adds_up, results, sizes in TABLES:
        shown, true = answers[chapter].exhibit(exhibit).frames["rows"], private[chapter].exhibit(exhibit).frames["rows"]
        known = shown[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
        secret = true[list(columns)].to_numpy(float)
        number = np.arange(known.size).reshape(known.shape)
        kinds = shown["characteristic"] if only is None else pd.Series("", index=shown.index)
        lines: list[tuple[dict[int, float], float]] = [({int(n): 1.0}, value) for n, value in zip(number.ravel(), known.ravel(), strict=True)
                                                       if np.isfinite(value)]  # fmt: skip
        if adds_up:
            lines += [({int(a): 1.0, int(b): -1.0, int(c): -1.0}, 0.0) for a, b, c in number]
        # the groups of a characteristic are everybody: as many as those of any other, or as the line of totals says
        parts = [number[(kinds == kind) & (shown["level"] != "All")] for kind in dict.fromkeys(kinds)]
        whole = number[shown["level"] == "All"]
        first, rest = (whole, parts) if len(whole) else (parts[0], parts[1:])
        lines += [({**dict.fromkeys(map(int, first[:, k]), 1.0), **dict.fromkeys(map(int, part[:, k]), -1.0)}, 0.0)
                  for part in rest for k in range(len(columns))]  # fmt: skip
        for name, word in NAMES.items():
            mine = (shown["level"] != "All") & ((kinds == word) if only is None else name == only)
            slugs = {slug(str(level)): place for level, place in zip(shown.loc[mine, "level"], number[mine], strict=True)}
            for result in answers[chapter].results:
                level = result.id.removeprefix(f"{results}.{name}.")
                if level == result.id or level not in slugs:
                    continue
                pair = (slugs[level], number[mine][0])
                for column, told in zip(sizes, (result.estimate.n, result.estimate.n_events), strict=True):
                    if told is not None:
                        lines.append(({int(cells[columns.index(column)]): 1.0 for cells in pair}, float(told)))
        left, right = np.zeros((len(lines), known.size)), np.array([value for _, value in lines])
        for row, (terms, _) in zip(left, lines, strict=True):
            row[list(terms)] = list(terms.values())
        assert np.allclose(left @ secret.ravel(), right), f"{exhibit}: the attacker has an equation that does not hold"
        for cell in number.ravel()[(np.isin(secret, list(SMALL)) & np.isnan(known)).ravel()]:
            aim = np.zeros(known.size)
            aim[cell] = 1.0
            ends = [linprog(sign * aim, A_eq=left, b_eq=right, bounds=(0, None)) for sign in (1, -1)]
            low, high = ends[0].fun, -ends[1].fun if ends[1].status == 0 else np.inf
            attacked += 1
            if low > 1 or high < max(SMALL):
                found.append((exhibit, int(cell), low, high))
    return found, attacked


def test_no_small_count_can_be_had_by_subtraction(run: Path, private: dict[str, Answer]) -> None:
    found, attacked = recovered(load_answers(run)[0], private)
    assert attacked >= 3 and not found


def test_the_attack_succeeds_on_a_report_that_withholds_small_counts_alone(private: dict[str, Answer]) -> None:
    bare = {}
    for chapter, answer in private.items():
        exhibits = []
        for exhibit in answer.exhibits:
            frame = exhibit.frames.get("rows")
            columns = [column for column in ("people", "matched", "others", "mentees", "senior") if frame is not None and column in frame]
            if columns:
                frame = frame.assign(**{column: frame[column].astype(float).mask(frame[column].isin(SMALL)) for column in columns})
            exhibits.append(replace(exhibit, frames={**exhibit.frames, "rows": frame}) if columns else exhibit)
        bare[chapter] = replace(answer, exhibits=tuple(exhibits))
    found, attacked = recovered(bare, private)
    assert found and len(found) > attacked / 2


def test_sizes_of_results_would_undo_the_second_blanks(run: Path, private: dict[str, Answer]) -> None:
    # the sizes of the comparisons that are told, had they been told too
    answers = load_answers(run)[0]
    people = private["equity"].exhibit("equity.reach.table").frames["rows"].set_index(["characteristic", "level"])
    largest = people.loc["Ethnic group"].iloc[0]
    told = []
    for result in answers["equity"].results:
        level = next((level for level in people.loc["Ethnic group"].index if result.id == f"equity.reach.ethnicity_group.{slug(level)}"), None)
        if level is None:
            told.append(result)
            continue
        assert result.estimate.n is None and result.estimate.n_events is None
        own = people.loc[("Ethnic group", level)]
        sizes = {"n": int(own["people"] + largest["people"]), "n_events": int(own["matched"] + largest["matched"])}
        told.append(replace(result, estimate=replace(result.estimate, **sizes)))
    assert recovered({**answers, "equity": replace(answers["equity"], results=tuple(told))}, private)[0]
