"""compare: every estimate gets the right fate and the right distance, every cause its group, and nothing is told that neither release tells."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.disclosure import Rule
from mentorship_eval.errors import DataError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Result
from mentorship_eval.report.compare.causes import find_causes, groups_of
from mentorship_eval.report.compare.comparison import Comparison, compare_releases, compare_runs
from mentorship_eval.report.compare.files import COLUMNS, as_csv, as_json
from mentorship_eval.report.compare.page import comparison_html
from mentorship_eval.report.compare.release import Release, read_release
from mentorship_eval.report.compare.rows import compare_rows
from mentorship_eval.report.compare.words import both, moved_by
from tests.report.releases import leavers, release

SUPPRESSED = Caution("suppressed", "withheld")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("compare")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MENTORSHIP_EVAL_CACHE", str(base / "cache"))
        run = release(leavers(base / "Riverside"), base / "out", ["cohort"])
    return dict(read_release(run).manifest)


def result(value: float, *, se: float = 0.1, name: str = "x", scale: str = "hazard ratio", **more: Any) -> Result:
    low, high = (value * math.exp(-1.96 * se), value * math.exp(1.96 * se)) if scale == "hazard ratio" else (value - 1.96 * se, value + 1.96 * se)
    estimate = Estimate(
        value=value, se=se, ci_low=low, ci_high=high, scale=scale, method=more.pop("method", "Cox on 12 clusters"), n=more.pop("n", 400),
        n_events=more.pop("n_events", 200), warnings=more.pop("warnings", ()),
    )  # fmt: skip
    return Result(name, more.pop("outcome", "retention"), "hazard", "all", estimate, "Leaving", **more)


def made(manifest: dict[str, Any], *results: Result, exhibits: tuple[Exhibit, ...] = (), planned: tuple[str, ...] = (), **changed: Any) -> Release:
    return Release("c/k", {**manifest, **changed}, {"retention": Answer("retention", "Retention", results=results, exhibits=exhibits)}, planned)


def fate(manifest: dict[str, Any], old: Result | None, new: Result | None) -> Any:
    sides = [made(manifest, *([each] if each else [])) for each in (old, new)]
    (change,) = compare_releases(*sides).changes
    return change


def test_what_becomes_of_an_estimate(manifest: dict[str, Any]) -> None:
    shown, other = result(0.8), result(0.7)
    nothing, withheld = result(math.nan), result(math.nan, warnings=(SUPPRESSED,))
    table = {
        "unchanged": (shown, result(0.8 * (1 + 1e-11))), "changed": (shown, other), "new": (None, shown), "gone": (shown, None),
        "withheld now": (shown, withheld), "shown now": (withheld, shown), "no longer estimable": (shown, nothing), "estimable now": (nothing, shown),
        "withheld in both": (withheld, withheld), "not estimable in either": (nothing, nothing),
        "redefined": (shown, result(0.8, method="Fine-Gray on 12 clusters")),
    }  # fmt: skip
    assert {kind: fate(manifest, *pair).change for kind, pair in table.items()} == {kind: kind for kind in table}
    # the figures in a method come from the data: no other estimate
    assert fate(manifest, shown, result(0.8, method="Cox on 9 clusters")).change == "unchanged"
    assert fate(manifest, nothing, withheld).change == "withheld now"


def test_distance_is_in_old_standard_errors_on_the_scale_of_the_interval(manifest: dict[str, Any]) -> None:
    change = fate(manifest, result(0.8, se=0.1), result(0.88, se=0.3))
    assert (change.difference, change.ratio) == (pytest.approx(0.08), pytest.approx(1.1))
    assert change.in_se == pytest.approx(math.log(1.1) / 0.1)
    assert moved_by(change) == "×1.100" and both(change)[0].startswith("0.80 (")
    change = fate(manifest, result(-2.0, se=0.5, scale="difference"), result(-3.0, se=0.5, scale="difference"))
    assert (change.difference, change.in_se) == (-1.0, -2.0) and math.isnan(change.ratio)
    assert moved_by(change) == "−1.000"
    # numbers that two decimals would show as equal are told apart
    assert both(fate(manifest, result(0.8001), result(0.8004)))[0][:6] != both(fate(manifest, result(0.8001), result(0.8004)))[1][:6]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 20), st.floats(0.05, 20), st.floats(0.01, 2))
def test_comparing_the_other_way_round_turns_the_difference_round(old: float, new: float, se: float) -> None:
    from mentorship_eval.report.compare.numbers import _moved_by

    there = _moved_by(result(old, se=se).estimate, result(new, se=se).estimate)
    back = _moved_by(result(new, se=se).estimate, result(old, se=se).estimate)
    assert there[0] == -back[0] and there[1] * back[1] == pytest.approx(1) and there[2] == pytest.approx(-back[2])


def test_another_status_in_the_plan_is_said(manifest: dict[str, Any]) -> None:
    old, new = made(manifest, result(0.8), planned=("retention",)), made(manifest, result(0.8))
    comparison = compare_releases(old, new)
    (change,) = comparison.different
    assert change.plan_changed and change.status == ("unlocked", "exploratory")
    assert any("status in the plan" in text for text in comparison.cautions())


# -- causes -------------------------------------------------------------------------------------------------------------------------


def edited(manifest: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy in which dotted keys (two underscores) have other values."""
    whole = deepcopy(manifest)
    for key, value in changes.items():
        *path, last = key.split("__")
        place = whole
        for word in path:
            place = place[int(word)] if isinstance(place, list) else place[word]
        place[last] = value
    return whole


@pytest.mark.parametrize(
    ("changes", "groups", "says"),
    [
        ({"inputs__1__sha256": "0" * 64}, ["data"], "table durations: other content"),
        ({"study__start": "2020-01-01"}, ["data"], "study.yaml, study.start: none -> 2020-01-01"),
        ({"study__rules__min_controls": 9}, ["data"], "rules.min_controls"),
        ({"study__table_settings_sha256__durations": "0"}, ["data"], "how table durations is read"),
        ({"plan__seed": 5}, ["plan"], "plan.seed: 0 -> 5"),
        ({"plan__covariates": {"all": ["grade"]}}, ["plan"], "plan.covariates.all: none -> grade"),
        ({"disclosure__threshold": 5}, ["disclosure"], "disclosure.threshold: 10 -> 5"),
        ({"package__source_sha256": "0" * 64}, ["code"], "source"),
        ({"libraries__numpy": "9.9"}, ["environment"], "-> 9.9"),
        ({"python": "3.99"}, ["environment"], "Python"),
        ({"platform": "plan9"}, ["environment"], "platform"),
        ({"study__name": "Other", "cohort__folder": "other", "look__number": 2, "lock__sha256": "0" * 64}, [], "number of the look: 1 -> 2"),
        ({"inputs__0__sha256": "0" * 64}, [], "comments or spelling only"),
        ({"plan__seed": 5, "inputs__1__sha256": "0" * 64}, ["data", "plan"], "plan.seed"),
        ({}, [], ""),
    ],
)
def test_each_cause_is_found_and_grouped(manifest: dict[str, Any], changes: dict[str, Any], groups: list[str], says: str) -> None:
    causes = find_causes(manifest, edited(manifest, **changes))
    assert groups_of(causes) == groups
    assert any(says in str(cause) for cause in causes) if says else not causes, list(map(str, causes))


def test_tables_of_several_files_that_come_and_go(manifest: dict[str, Any]) -> None:
    files = [{"table": "spells", "file": f"{month}.csv", "sha256": str(month)} for month in range(12)]
    old = {**manifest, "inputs": [manifest["inputs"][0], *files]}
    new = {**manifest, "inputs": [manifest["inputs"][0], *files[1:], {**files[0], "sha256": "x"}, {**files[0], "table": "staff"}]}
    said = list(map(str, find_causes(old, new)))
    assert said == ["table spells: 1 of 12 files replaced by 1", "table staff is new"]


def test_what_is_said_about_why_is_no_more_than_is_known(manifest: dict[str, Any]) -> None:
    def why(moved: bool, **changes: Any) -> str:
        pair = made(manifest, result(0.8)), made(edited(manifest, **changes), result(0.7 if moved else 0.8))
        return " ".join(compare_releases(*pair).why())

    assert why(False) == "Nothing that moves a number is different, and none did move."
    assert "yet 1 number differs" in why(True) and "verify" in why(True)
    assert why(True, plan__seed=5) == "Only the plan changed, so that is where every difference comes from."
    assert why(False, plan__seed=5) == "The plan changed; no number that both releases show differs."
    several = why(True, plan__seed=5, inputs__1__sha256="0" * 64)
    assert "The data and the plan changed at the same time" in several and "cannot be told" in several and "--explain" in several


# -- disclosure ----------------------------------------------------------------------------------------------------------------------


def people(count: int, *, other: int = 100) -> Exhibit:
    frame = pd.DataFrame({"level": ["nurse", "physician"], "people": [count, other], "share": [0.5, 0.5]})
    return Exhibit("cohort.people", "table", "People", {"rows": frame}, options={"formats": {"people": "count", "share": "percent"}})


def told(manifest: dict[str, Any], old: int, new: int, **changed: Any) -> Comparison:
    return compare_releases(made(manifest, result(0.8, n=old), exhibits=(people(old),), **changed),
                            made(manifest, result(0.8, n=new), exhibits=(people(new),), **changed))  # fmt: skip


def test_a_pair_that_tells_a_small_count_is_named_without_the_count(manifest: dict[str, Any]) -> None:
    comparison = told(manifest, 3400, 3403)
    assert [(each.where, each.what, each.cells) for each in comparison.told] == [("estimates", "n", 1), ("cohort.people", "people", 1)]
    assert any("tell small counts in 2 places" in text for text in comparison.cautions())
    for text in (as_csv(comparison), as_json(comparison), comparison_html(comparison)):
        assert "3400" not in text and "3403" not in text and "3,400" not in text
    # what does not give itself away is kept
    assert "3500" in as_csv(told(manifest, 3400, 3500)) and not told(manifest, 3400, 3500).told
    assert not told(manifest, 3400, 3400).told
    assert not told(manifest, 3400, 3403, disclosure={"off": True, "threshold": 1}).told
    # the stricter rule of the two counts
    strict = compare_releases(made(manifest, result(0.8, n=100)), made(edited(manifest, disclosure__threshold=3), result(0.8, n=105)))
    assert strict.told


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(10, 60), st.integers(5, 12))
def test_rows_of_tables_tell_no_small_count(added: int, removed: int, same: int, threshold: int) -> None:
    """From what is told, and the sizes of both tables, which reports show, no count of rows between 1 and the threshold follows."""
    def rows(names: list[str]) -> dict[str, pd.DataFrame]:
        return {"staff": pd.DataFrame({"staff_id": names, "grade": 5})}

    kept = [f"k{each}" for each in range(same)]
    old, new = rows([*kept, *(f"r{each}" for each in range(removed))]), rows([*kept, *(f"a{each}" for each in range(added))])
    found = compare_rows(old, new, Rule(threshold))
    small = [each for each in (added, removed, same, abs(added - removed)) if 0 < each < threshold]
    if not added and not removed:
        assert found == []
    elif small:
        assert (found[0].added, found[0].removed, found[0].same) == (None, None, None)
    else:
        assert (found[0].added, found[0].removed, found[0].same) == (added, removed, same)


def test_rows_are_the_same_whatever_the_gaps_of_a_column_make_of_its_numbers() -> None:
    old = {"staff": pd.DataFrame({"staff_id": ["a", "b"], "birth_year": [1970, 1980]})}
    new = {"staff": pd.DataFrame({"birth_year": [1970, 1980, np.nan], "staff_id": ["a", "b", "c"]})}
    (found,) = compare_rows(old, new, Rule(0, "none"))
    assert (found.added, found.removed, found.same) == (1, 0, 2)


# -- files ---------------------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.ids.add(said.get("id") or "")
        if tag == "a":
            self.links.add(said.get("href") or "")
        if tag not in {"meta", "path", "circle", "rect", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"path", "circle", "rect"}:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_leads_nowhere_else(manifest: dict[str, Any]) -> None:
    old = made(manifest, result(0.8, name="a"), result(0.5, name="b"), result(1.0, name="<c>"))
    new = made(edited(manifest, plan__seed=5), result(0.7, name="a"), result(math.nan, name="b", warnings=(SUPPRESSED,)), result(1.0, name="<c>"))
    text = comparison_html(compare_releases(old, new))
    page = Tags(text)
    assert page.open == [] and all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "<c>" not in text and "&lt;c&gt;" in text and "http" not in text.replace("http-equiv", "")
    assert "plan.seed: 0 → 5" in text and "withheld now" in text and "<script" not in text
    assert text == comparison_html(compare_releases(old, new))


def test_the_table_has_full_precision_and_the_document_everything(manifest: dict[str, Any]) -> None:
    comparison = compare_releases(made(manifest, result(0.1 + 0.2)), made(manifest, result(1 / 3)))
    header, row = as_csv(comparison).splitlines()
    assert tuple(header.split(",")) == COLUMNS
    values = dict(zip(COLUMNS, row.split(","), strict=True))
    assert (values["estimate_old"], values["estimate_new"]) == (repr(0.1 + 0.2), repr(1 / 3))
    whole = json.loads(as_json(comparison))
    assert whole["estimates"] == {"changed": 1} and whole["changes"][0]["ratio"] == (1 / 3) / (0.1 + 0.2)


def test_an_edited_release_is_noticed(manifest: dict[str, Any]) -> None:
    spoilt = replace(made(manifest, result(0.8)), intact=False)
    assert any("verify" in text for text in compare_releases(spoilt, made(manifest, result(0.8))).cautions())


def test_a_release_is_read_from_its_folder(tmp_path: Path, own_cache: Path) -> None:
    run = release(leavers(tmp_path / "Riverside", disclosure="none"), tmp_path / "out")
    read = read_release(run)
    assert read.intact and not read.rule.active and "retention.group.yes" in read.rows
    (run / "answers.json").write_bytes((run / "answers.json").read_bytes() + b"\n")
    assert not read_release(run).intact
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    (run / "manifest.json").write_text(json.dumps({name: value for name, value in manifest.items() if name != "plan"}))
    with pytest.raises(DataError, match="verify"):
        compare_runs(run, run)
