"""Flow diagrams: groups at the foot, what was looked for, a page and one column of a journal."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.display.style import Page, on_page
from mentorship_eval.errors import UsageError
from tests.display.test_figures import visible_texts

STEPS = pd.DataFrame(
    {
        "step": ["staff table", "spells", "window", "window"],
        "reason": ["spells of a person without a row in staff", "in staff but without a spell", "left on or before the first day", "split in two"],
        "read": [412, 412, "≈400", "≈400"],
        "removed": [0, "<10", 30, 0],
        "added": [0, 0, 0, 12],
        "kept": [412, "≈400", "≈390", "≈390"],
    }
)
NOBODY = STEPS.assign(removed=0, added=0, read=412, kept=412)
ARMS = pd.DataFrame({"group": ["Not mentored (yet)", "Mentored"], "n": [390, "<10"], "detail": ["812 person-years", float("nan")]})
TABLES = STEPS.rename(columns={"step": "table"})


def words(figure) -> str:
    return "\n".join(text.get_text() for text, _ in visible_texts(figure.figure))


def draw(flow, arms=None, millimetres=180.0):
    with on_page(Page(width=millimetres / 25.4)):
        return display.flow_diagram(flow, arms, unit="people", start_label="In staff", end_label="Followed")


@pytest.mark.parametrize("millimetres", (180.0, 85.0))
@pytest.mark.parametrize("flow, arms", [(STEPS, ARMS), (STEPS, None), (NOBODY, ARMS), (TABLES, None), (STEPS, pd.concat([ARMS, ARMS[:1]]))])
def test_it_fits_a_page_and_a_column(flow, arms, millimetres):
    figure = draw(flow, arms, millimetres)
    assert figure.size[0] == pytest.approx(millimetres / 25.4)
    texts = visible_texts(figure.figure)
    width, height = figure.figure.bbox.x1, figure.figure.bbox.y1
    for text, box in texts:
        assert text.get_fontsize() >= 8
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text.get_text()
    for (a, first), (b, second) in itertools.combinations(texts, 2):
        across, down = min(first.x1, second.x1) - max(first.x0, second.x0), min(first.y1, second.y1) - max(first.y0, second.y0)
        assert not (across > 1 and down > 1.5), f"{a.get_text()!r} overlaps {b.get_text()!r}"


def test_what_was_left_out_added_and_looked_for_is_told_apart():
    shown = words(draw(STEPS, ARMS))
    assert "Left out:\n<10  in staff but without a spell" in shown and "Added:\n12  split in two" in shown
    assert "None left out for:\n–  spells of a person" in shown.replace("\n    ", " ")
    assert "Followed: ≈390 people" in shown and "After the step spells: ≈400 people" in shown
    nobody = words(draw(NOBODY))
    assert nobody.count("412 people") == 2 and "Left out" not in nobody


def test_groups_stand_at_the_foot_and_in_the_words():
    figure = draw(STEPS, ARMS)
    assert "Mentored\n<10 people" in words(figure) and "812 person-years" in words(figure)
    assert "Not mentored (yet): 390 people, 812 person-years" in figure.alt and "Mentored: <10 people." in figure.alt and "nan" not in figure.alt
    assert set(figure.data) == {"flow", "arms"}
    months = ARMS.assign(unit="department-months")
    assert "390 department-months" in draw(STEPS, months).alt
    with pytest.raises(UsageError, match="arms"):
        draw(STEPS, ARMS.drop(columns="n"))


@pytest.mark.parametrize("millimetres", (180.0, 85.0))
def test_tables_kept_as_they_are_share_a_box(millimetres):
    whole = [{"table": f"table_{i}", "reason": "read", "read": 1000 + i, "removed": 0, "added": 0, "kept": 1000 + i} for i in range(23)]
    figure = draw(pd.concat([TABLES[TABLES["table"] == "window"], pd.DataFrame(whole)]), millimetres=millimetres)
    shown = words(figure)
    assert shown.count("Kept as they are (people)") == 1 and shown.count("Left out:") == 1
    assert all(f"table_{i}\n{1000 + i:,}" in shown for i in range(23))
    assert figure.size[1] < (3.0 if millimetres > 100 else 6.0), "a page full of tables to which nothing happened"
    assert "Table_22: 1,022 people, removed: none; followed 1,022" in figure.alt
    assert "Kept as they are" not in words(draw(TABLES[TABLES["table"] == "window"], millimetres=millimetres))
