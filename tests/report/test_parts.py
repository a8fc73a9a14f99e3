"""The parts of a run, each on its own: parameters, cache, estimates, publishing."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval import open_chapter
from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement
from mentorship_eval.report.cache import cached
from mentorship_eval.report.cells import no_formula, without_formulas
from mentorship_eval.report.chapter import ChapterView
from mentorship_eval.report.estimates import ESTIMATES_MIME, estimate_rows, estimates_csv
from mentorship_eval.report.manifest import list_inputs
from mentorship_eval.report.parameters import check_chapters, resolve_cohort
from mentorship_eval.report.publish import unfinished
from tests.cohort.folders import PEOPLE, good


@pytest.mark.parametrize("value", [7, 7.0, True, None, ["data/demo"]])
def test_a_cohort_that_is_not_text_is_explained(value: object) -> None:
    with pytest.raises(UsageError, match="-r cohort 007"):
        resolve_cohort(value)
    with pytest.raises(UsageError, match="-r cohort 007"):
        open_chapter("retention", cohort=value)  # type: ignore[arg-type]


def test_the_manifest_tells_no_number_of_rows_under_disclosure_control(tmp_path: Path) -> None:
    open_to_all = list_inputs(good(tmp_path / "a", PEOPLE))
    assert [item["rows"] for item in open_to_all[1:]] == [3, 3, 1]
    protected = list_inputs(good(tmp_path / "b", PEOPLE, study_yaml=PEOPLE["study.yaml"].replace("disclosure: none", "disclosure: 10")))
    assert [item["file"] for item in protected] == [item["file"] for item in open_to_all]
    assert not any("rows" in item for item in protected)


def test_no_cell_of_a_table_is_a_formula() -> None:
    for text in ("=HYPERLINK(1)", "@SUM(1)", "+1+cmd|' /C calc'!A0", "-2+cmd|x", "-SUM(A1)", "\t=1"):
        assert no_formula(text) == f"'{text}"
    for text in ("", "nurse", "-1.5", "+0.3", "-6 to -1 months", "-", "a=b", "5-6", None, 1.5, -3):
        assert no_formula(text) is text
    frame = pd.DataFrame({"level": ["=1", "b", None], "n": [1, 2, 3]}).astype({"level": "category"})
    assert without_formulas(frame).to_csv(index=False) == "level,n\n'=1,1\nb,2\n,3\n"
    assert "'=cmd" in estimates_csv([{"outcome": "=cmd", "estimate": -1.5}]) and ",-1.5," in estimates_csv([{"outcome": "=cmd", "estimate": -1.5}])


def test_a_cohort_is_found_from_below_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    for folder in ("notebooks/deep", "data/ward"):
        (project / folder).mkdir(parents=True)
    (project / "data/ward/study.yaml").write_text("study: {}\n")
    monkeypatch.chdir(project / "notebooks/deep")
    for name in ("data/ward", "ward", "../../data/ward", "data/ward/study.yaml", str(project / "data/ward")):
        assert resolve_cohort(name) == project / "data/ward"
    nearer = project / "notebooks/deep/data/ward"
    nearer.mkdir(parents=True)
    (nearer / "study.yaml").write_text("study: {}\n")
    assert resolve_cohort("data/ward") == nearer
    with pytest.raises(DataError, match="no cohort folder 'nowhere'"):
        resolve_cohort("nowhere")


def test_the_demo_cohort_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (resolve_cohort("data/demo") / "truth.json").is_file()


def test_chapters_come_in_report_order_with_the_summary() -> None:
    assert check_chapters("incidents, cohort") == ["cohort", "incidents", "summary"]
    assert check_chapters("economics") == ["retention", "economics", "summary"]  # with what it needs
    with pytest.raises(UsageError, match="no chapter 'retentoin'"):
        check_chapters(["retentoin"])
    with pytest.raises(UsageError, match="No chapter"):
        check_chapters("")


def test_a_damaged_or_foreign_cache_entry_is_computed_again(own_cache: Path) -> None:
    calls: list[int] = []

    def compute() -> Gap:
        calls.append(1)
        return Gap("q", "r", "u")

    for _ in range(2):
        assert cached("k", compute, of=Gap) == Gap("q", "r", "u")
    assert len(calls) == 1
    entry = own_cache / "k.pickle"
    assert own_cache.stat().st_mode & 0o077 == 0 or os.name == "nt"
    for damage in (b"", entry.read_bytes()[:-5], pickle.dumps((1, "other", Gap("x", "", ""))), pickle.dumps((1, "k", "text"))):
        entry.write_bytes(damage)
        assert cached("k", compute, of=Gap).question == "q"
    assert len(calls) == 5


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_cache_that_others_can_write_is_not_read(own_cache: Path) -> None:
    own_cache.mkdir(mode=0o700)
    (own_cache / "k.pickle").write_bytes(pickle.dumps((1, "k", Gap("planted", "", ""))))
    own_cache.chmod(0o777)
    assert cached("k", lambda: Gap("own", "", ""), of=Gap).question == "own"


def answer(**changes: object) -> Answer:
    estimate = Estimate(value=1 / 3, se=0.1, ci_low=0.1, ci_high=math.inf, p_value=math.nan, scale="rate ratio", n=40, n_events=12.0,
                        method="m", warnings=(Caution("few", "Few."), Caution("few", "Few."), Caution("late", "Late.")))  # fmt: skip
    result = Result("r.one", "harm_incidents", "e", "p", estimate, "One & only")
    whole = Answer("incidents", "T", (Statement("<b>{n} people</b>", {"n": 40}),), (result,), gaps=(Gap("Which?", "no", "yes"),))
    return Answer(**{**whole.__dict__, **changes})


def test_a_row_of_estimates_keeps_every_digit() -> None:
    (row,) = estimate_rows([answer()], ["harm_incidents"])
    assert row["estimate"] == 1 / 3
    assert row["ci_high"] is None
    assert row["p_value"] is None
    assert (row["n"], row["n_events"]) == (40, 12)
    assert row["warnings"] == "few;late"
    assert row["status"] == "unlocked"
    assert estimate_rows([answer()], [])[0]["status"] == "exploratory"
    assert f",{1 / 3!r},0.1,," in estimates_csv([row])


def test_a_chapter_shows_its_estimates_to_people_and_programs() -> None:
    bundle = ChapterView(answer(), [], by_hand=True).estimates()._repr_mimebundle_()
    assert bundle[ESTIMATES_MIME][0]["estimate"] == 1 / 3
    assert "One &amp; only" in bundle["text/html"]
    assert "not yet passed through a run" in bundle["text/html"]
    assert "not yet passed" not in ChapterView(answer(), [], by_hand=False).estimates().html


def test_what_a_chapter_says_is_escaped_and_counted() -> None:
    assert "&lt;b&gt;40 people&lt;/b&gt;" in ChapterView(answer(), [], by_hand=False).lead().html


def test_an_absent_exhibit_says_why() -> None:
    view = ChapterView(answer(), [], by_hand=False)
    assert "no yes" in view.show("r.figure").html
    assert "Nothing to show" in ChapterView(answer(gaps=()), [], by_hand=False).show("r.figure").html


def test_the_rest_is_what_nobody_asked_for() -> None:
    frame = pd.DataFrame({"a": [1]})
    exhibits = tuple(Exhibit(name, "table", f"Title {name}", {"rows": frame}) for name in ("x.a", "x.b", "y.c"))
    view = ChapterView(answer(exhibits=exhibits), [], by_hand=False)
    view.show("x.a")
    rest = view.show_rest(but=("y.c",))
    assert rest is not None
    assert "Title x.b" in rest.html
    assert "Title x.a" not in rest.html
    assert "Title y.c" not in rest.html
    both = view.show_all("x.")
    assert both.html.index("Title x.a") < both.html.index("Title x.b")
    view.show("y.c")
    assert view.show_rest() is None


def test_a_star_in_a_section_stands_for_one_part_of_an_id() -> None:
    frame = pd.DataFrame({"a": [1]})
    names = ("x.harm.trend", "x.harm.chart", "x.other.trend", "x.audits.hand.chart", "x.trend", "xyharm.chart")
    view = ChapterView(answer(exhibits=tuple(Exhibit(name, "table", f"Title {name}", {"rows": frame}) for name in names)), [], by_hand=False)
    assert view.section("None", "x.*.forest", "*.trend.harm") is None
    shown = view.section("Course", "x.*.chart", "x.*.trend")
    assert shown is not None
    places = [shown.html.find(f"Title {name}") for name in ("x.harm.chart", "x.harm.trend", "x.other.trend")]
    assert -1 not in places, places
    assert places == sorted(places), "in the order of the patterns, then in the chapter's"
    assert not [name for name in ("x.audits.hand.chart", "x.trend", "xyharm.chart") if f"Title {name}" in shown.html]
    assert view.section("Again", "x.*.chart") is None, "nothing is shown twice"
    rest = view.show_rest()
    assert rest is not None
    assert [name for name in names if f"Title {name}" in rest.html] == ["x.audits.hand.chart", "x.trend", "xyharm.chart"]


def test_an_exhibit_of_unknown_kind_does_not_stop_the_page() -> None:
    odd = Exhibit("x.odd", "spiral", "Odd", {"rows": pd.DataFrame({"a": [1]})})
    assert "unknown kind" in ChapterView(answer(exhibits=(odd,)), [], by_hand=False).show("x.odd").html


def test_an_unfinished_folder_goes_and_a_finished_one_stays(tmp_path: Path) -> None:
    place = tmp_path / "out" / "cohort" / "key"
    with pytest.raises(KeyboardInterrupt), unfinished(place) as work:
        (work.folder / "half").write_text("x")
        raise KeyboardInterrupt
    assert not (tmp_path / "out").exists()
    for text in ("first", "second"):
        with unfinished(place) as work:
            (work.folder / "manifest.json").write_text(text)
            assert work.keep() == place
    assert (place / "manifest.json").read_text() == "first", "an earlier run was written over"
    assert [path.name for path in place.parent.iterdir()] == ["key"]


def test_an_output_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--out"), unfinished(tmp_path / "file" / "cohort" / "key"):
        pass


def test_errors_show_one_message_in_a_notebook() -> None:
    error = UsageError("Wrong.", fix="Right.")
    assert error._render_traceback_() == ["UsageError: Wrong. Right."]


def test_the_notebook_libraries_come_without_grammars_of_addresses() -> None:
    program = (
        "import sys\n"
        "from mentorship_eval.report.notebook_tools import load_notebook_tools\n"
        "load_notebook_tools()\n"
        "assert 'nbformat' in sys.modules and 'jsonschema' in sys.modules\n"
        "assert 'lark' not in sys.modules, 'the slow package was loaded'\n"
        "assert 'rfc3987_syntax' not in sys.modules, 'its import stays forbidden'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
