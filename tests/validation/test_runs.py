"""Plan, checkpoints and document: what stands in the plan is what is run and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from validation import programme, weighting  # noqa: F401 (they add their analyses)
from validation.analyses import ANALYSES, LABELS
from validation.cells import HERE, Batch, Cell, read_plan
from validation.document import DOCUMENT, document, read_results, true_value
from validation.run import replicate, run_batch, stored
from validation.whole_cohorts import WHOLE, WHOLE_LABELS

SMALL = Cell("small", "small", "careers", 12_345, {"departments": 10, "staff": 200}, (Batch("t", ("default", "no_strata"), 6, ("default",)),), 0.75)


def test_the_plan_names_known_worlds_analyses_and_truths():
    plan = read_plan()
    for cell in plan.cells:
        for batch in cell.batches:
            for analysis in batch.analyses:
                assert analysis in (WHOLE_LABELS if cell.kind in WHOLE else LABELS)
                assert cell.kind in WHOLE or analysis in ANALYSES
                if cell.kind not in WHOLE:
                    true_value(cell, analysis)


def test_headline_cells_have_the_replicates_that_the_rule_asks_for():
    plan = read_plan()
    headline = [(cell, batch) for cell in plan.cells for batch in cell.batches if batch.table == "headline"]
    assert {(cell.world["departments"], cell.truth) for cell, _ in headline} == {(g, t) for g in (40, 24, 10) for t in (0.75, 1.0)}
    assert {batch.replicates for _, batch in headline} == {5000}
    rest = [batch for cell in plan.cells if cell.kind not in WHOLE for batch in cell.batches if batch.table != "headline"]
    assert min(batch.replicates for batch in rest if batch.claimed) >= 1000
    assert min(batch.replicates for batch in rest) >= 300  # comparisons, of which nothing is claimed


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('id = "null_40"', 'id = "effect_40"', "share one id"),
        ("seed = 31_002", "seed = 31_001", "share one id or one seed"),
        ('claimed = ["default"], replicates = 5000', 'claimed = ["nonsense"], replicates = 5000', "claims an analysis"),
        ('kind = "strained"', 'kind = "strange"', "unknown kind"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(tmp_path, old, new, problem):
    text = (HERE / "validate.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "plan.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=problem):
        read_plan(path)


def test_a_replicate_is_the_same_whatever_else_is_run():
    batch = SMALL.batches[0]
    together, alone = replicate(SMALL, batch, 3), replicate(SMALL, replace(batch, analyses=("no_strata",)), 3)
    assert [row[:7] for row in together if row[1] == "no_strata"] == [row[:7] for row in alone]
    other = replicate(SMALL, batch, 4)
    assert together[0][2] != other[0][2]
    assert replicate(SMALL, batch, 3, offset=1)[0][2] != together[0][2], "a trial uses other seeds"


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path):
    batch = SMALL.batches[0]
    assert list(run_batch(SMALL, batch, tmp_path / "a", replicates=2, workers=1)) == [2]
    assert list(run_batch(SMALL, batch, tmp_path / "a", replicates=6, workers=1)) == [6]
    assert list(run_batch(SMALL, batch, tmp_path / "a", replicates=6, workers=1)) == []
    frame = stored(tmp_path / "a", SMALL, batch).drop(columns="seconds")
    rows = [row[:-1] for number in range(6) for row in replicate(SMALL, batch, number)]
    pd.testing.assert_frame_equal(frame, pd.DataFrame(rows, columns=frame.columns), check_dtype=False, rtol=1e-9)


def test_what_cannot_be_answered_is_a_row_with_its_reason():
    nobody = replace(SMALL, world={"departments": 10, "staff": 60, "uptake": -30.0})
    row = replicate(nobody, replace(SMALL.batches[0], analyses=("default",)), 1)[0]
    assert pd.isna(row[2]) and pd.isna(row[6]) and row[8]


def test_stored_replicates_of_another_plan_are_not_taken(tmp_path: Path):
    list(run_batch(SMALL, SMALL.batches[0], tmp_path, replicates=1, workers=1))
    with pytest.raises(ValueError, match="does not name"):
        stored(tmp_path, SMALL, replace(SMALL.batches[0], analyses=("default",)))


def test_the_document_is_that_of_the_stored_results():
    assert DOCUMENT.read_text(encoding="utf-8") == document(read_plan(), read_results()), "run python -m validation.validate --document"
